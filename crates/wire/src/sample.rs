//! Values of every kind for tests, drawn from a seed.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};

use alloy_primitives::{Address, FixedBytes, U256};
use tallystick_types::{
    Amount, Attempt, BeaconRound, BlobDigest, ChainId, ChainTime, ChunkRoot, Commitment,
    EngineProfile, EvmSignature, Funding, IdentityKey, IdentitySignature, InputDigest, JobId,
    JobPrice, JobRules, JobTerms, NodeId, OutputDigest, OutputRoot, ParametersVersion, Ppm,
    ReceiptDigest, Salt, Seat, Seconds, ServiceLevel, SpecificationDigest, TaskAttempt, TaskIndex,
    Trust, Verification, WallTime,
};

use crate::bounded::{Bytes, List, Text};

/// A kind of value that can be drawn.
pub trait Sample: Sized {
    /// Draws one.
    fn sample(source: &mut Source) -> Self;
}

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
pub struct Source(pub u64);

impl Source {
    /// A value of a kind.
    pub fn any<T: Sample>(&mut self) -> T {
        T::sample(self)
    }

    /// One of several, which must not be none.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Draws until a value is valid.
    pub fn valid<T>(&mut self, mut draw: impl FnMut(&mut Self) -> Option<T>) -> T {
        (0..100_000).find_map(|_| draw(self)).expect("some values are valid")
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.word() % count as u64).unwrap()
    }

    fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        std::array::from_fn(|_| self.word().to_le_bytes()[0])
    }

    /// Small as often as not.
    fn number(&mut self, most: u64) -> u64 {
        match self.below(4) {
            0 => self.word() % 4 % most.saturating_add(1).max(1),
            1 => self.word() % 4_096 % most.saturating_add(1).max(1),
            2 => most,
            _ => self.word() % most.saturating_add(1).max(1),
        }
    }
}

macro_rules! samples {
    ($($name:ty: $source:ident => $make:expr;)*) => {$(
        impl Sample for $name {
            fn sample($source: &mut Source) -> Self {
                $make
            }
        }
    )*};
}

samples! {
    bool: source => source.below(2) == 1;
    u8: source => source.number(u8::MAX.into()) as u8;
    u16: source => source.number(u16::MAX.into()) as u16;
    u32: source => source.number(u32::MAX.into()) as u32;
    u64: source => source.number(u64::MAX);
    NonZeroU16: source => NonZeroU16::new(source.any::<u16>().max(1)).unwrap();
    NonZeroU32: source => NonZeroU32::new(source.any::<u32>().max(1)).unwrap();
    NonZeroU64: source => NonZeroU64::new(source.any::<u64>().max(1)).unwrap();
    Address: source => Address::from(source.bytes::<20>());
    U256: source => U256::from_be_bytes(source.bytes::<32>());
    Amount: source => Amount::new(u128::from_be_bytes(source.bytes()));
    Attempt: source => Attempt::new(source.any::<u8>().max(1));
    TaskAttempt: source => TaskAttempt::new(source.any::<u16>().max(1));
    TaskIndex: source => TaskIndex::new(source.any());
    NodeId: source => NodeId::new(source.any());
    BeaconRound: source => BeaconRound::new(source.any());
    ChainId: source => ChainId::new(source.any());
    ChainTime: source => ChainTime::new(source.number(ChainTime::MAX.get())).unwrap();
    WallTime: source => WallTime::new(source.any());
    Seconds: source => Seconds::new(source.any());
    Ppm: source => Ppm::new(source.number(1_000_000) as u32).unwrap();
    ParametersVersion: source => ParametersVersion::new(source.number(0xff_ffff) as u32).unwrap();
    EngineProfile: source => EngineProfile::new(format!("engine-{}", source.word())).unwrap();
    Seat: source => Seat { node: source.any(), signer: source.any() };
    JobTerms: source => JobTerms {
        specification: source.any(),
        token: source.any(),
        price: JobPrice::unpack(source.any()),
        rules: source.any(),
    };
    JobRules: source => JobRules {
        funding: *source.one_of(&[Funding::Balance, Funding::Allowance]),
        verification: source.any::<Verification>(),
        trust: source.any::<Trust>(),
        replicas: source.any(),
        quorum: source.any(),
        assign_by: source.any(),
        complete_by: source.any(),
        service_level: ServiceLevel::new(source.any()),
        parameters_version: source.any(),
    };
}

macro_rules! names {
    ($($name:ident)*) => {$(
        impl Sample for $name {
            fn sample(source: &mut Source) -> Self {
                Self::new(source.bytes())
            }
        }
    )*};
}

names! {
    BlobDigest ChunkRoot Commitment EvmSignature IdentityKey IdentitySignature InputDigest JobId
    OutputDigest OutputRoot ReceiptDigest Salt SpecificationDigest
}

impl<const LENGTH: usize> Sample for FixedBytes<LENGTH> {
    fn sample(source: &mut Source) -> Self {
        Self(source.bytes())
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source) -> Self {
        source.any::<bool>().then(|| source.any())
    }
}

impl<const MOST: usize> Sample for Text<MOST> {
    fn sample(source: &mut Source) -> Self {
        Self::cut(&"räson ".repeat(source.below(40)))
    }
}

impl<const MOST: usize> Sample for Bytes<MOST> {
    fn sample(source: &mut Source) -> Self {
        let length = source.below(MOST.min(200));
        (0..length).map(|_| source.word().to_le_bytes()[0]).collect::<Vec<_>>().try_into().unwrap()
    }
}

impl<T: Sample, const MOST: usize> Sample for List<T, MOST> {
    fn sample(source: &mut Source) -> Self {
        let length = source.below(4);
        (0..length).map(|_| source.any()).collect::<Vec<_>>().try_into().ok().unwrap()
    }
}
