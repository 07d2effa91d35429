//! What stands in a field, and the word that it becomes.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};

use alloy_primitives::{Address, FixedBytes, U256};
use tallystick_types::{
    Amount, Attempt, BeaconRound, BlobDigest, ChainId, ChainTime, ChunkRoot, Commitment,
    EngineProfile, EvmSignature, IdentityKey, IdentitySignature, InputDigest, JobId, JobPrice,
    JobRules, NodeId, OutputDigest, OutputRoot, ParametersVersion, Ppm, ReceiptDigest, Salt,
    Seconds, SpecificationDigest, TaskAttempt, TaskIndex, WallTime,
};

use crate::error::{Expected, Found, MalformedError};

/// A value that travels as a `W`.
pub trait Wire<W>: Sized {
    /// Checks what came in a field.
    ///
    /// # Errors
    ///
    /// [`MalformedError`] with the name of the field when it is no such value.
    fn read(wire: W, field: &'static str) -> Result<Self, MalformedError>;

    /// What goes into the field.
    fn write(self) -> W;
}

impl<T: Wire<W>, W> Wire<Option<W>> for Option<T> {
    fn read(wire: Option<W>, field: &'static str) -> Result<Self, MalformedError> {
        wire.map(|wire| T::read(wire, field)).transpose()
    }

    fn write(self) -> Option<W> {
        self.map(T::write)
    }
}

fn fixed<const LENGTH: usize>(
    wire: &[u8],
    field: &'static str,
) -> Result<[u8; LENGTH], MalformedError> {
    let (expected, found) = (Expected::Bytes(LENGTH), Found::Bytes(wire.len()));
    wire.try_into().map_err(|_| MalformedError { field, expected, found })
}

fn between<T: TryFrom<u64>>(
    number: u64,
    (least, most): (u64, u64),
    field: &'static str,
) -> Result<T, MalformedError> {
    let error = MalformedError {
        field,
        expected: Expected::Between(least, most),
        found: Found::Number(number),
    };
    if number < least || number > most {
        return Err(error);
    }
    T::try_from(number).map_err(|_| error)
}

/// Names of fixed length.
macro_rules! names {
    ($($name:ident),* $(,)?) => {$(
        impl Wire<Vec<u8>> for $name {
            fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
                fixed(&wire, field).map(Self::new)
            }

            fn write(self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }
        }
    )*};
}

names!(
    BlobDigest,
    ChunkRoot,
    Commitment,
    EvmSignature,
    IdentityKey,
    IdentitySignature,
    InputDigest,
    JobId,
    OutputDigest,
    OutputRoot,
    ReceiptDigest,
    Salt,
    SpecificationDigest,
);

impl<const LENGTH: usize> Wire<Vec<u8>> for FixedBytes<LENGTH> {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        fixed(&wire, field).map(Self)
    }

    fn write(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl Wire<Vec<u8>> for Address {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        fixed::<20>(&wire, field).map(Self::from)
    }

    fn write(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl Wire<Vec<u8>> for Amount {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        fixed(&wire, field).map(u128::from_be_bytes).map(Self::new)
    }

    fn write(self) -> Vec<u8> {
        self.get().to_be_bytes().to_vec()
    }
}

impl Wire<Vec<u8>> for U256 {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        fixed(&wire, field).map(Self::from_be_bytes::<32>)
    }

    fn write(self) -> Vec<u8> {
        self.to_be_bytes_vec()
    }
}

impl Wire<Vec<u8>> for JobPrice {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        U256::read(wire, field).map(Self::unpack)
    }

    fn write(self) -> Vec<u8> {
        self.pack().write()
    }
}

impl Wire<Vec<u8>> for JobRules {
    fn read(wire: Vec<u8>, field: &'static str) -> Result<Self, MalformedError> {
        let expected = Expected::Meaning("a word of rules as the contracts pack it");
        Self::unpack(U256::read(wire, field)?).map_err(|_| MalformedError {
            field,
            expected,
            found: Found::Other,
        })
    }

    fn write(self) -> Vec<u8> {
        self.pack().write()
    }
}

impl Wire<String> for EngineProfile {
    fn read(wire: String, field: &'static str) -> Result<Self, MalformedError> {
        let found = Found::Bytes(wire.len());
        let expected = Expected::Meaning("1 to 64 printable ASCII characters without space");
        Self::new(wire).map_err(|_| MalformedError { field, expected, found })
    }

    fn write(self) -> String {
        self.into()
    }
}

/// Values that every number of the field's type is.
macro_rules! plain {
    ($($wire:ty: $($name:ident),*;)*) => {$($(
        impl Wire<$wire> for $name {
            fn read(wire: $wire, _field: &'static str) -> Result<Self, MalformedError> {
                Ok(Self::new(wire))
            }

            fn write(self) -> $wire {
                self.get()
            }
        }
    )*)*};
}

plain! {
    u32: TaskIndex;
    u64: NodeId, BeaconRound, ChainId, WallTime, Seconds;
}

macro_rules! itself {
    ($($name:ty),*) => {$(
        impl Wire<$name> for $name {
            fn read(wire: $name, _field: &'static str) -> Result<Self, MalformedError> {
                Ok(wire)
            }

            fn write(self) -> $name {
                self
            }
        }
    )*};
}

itself!(bool, u32, u64);

/// Values that some numbers of the field's type are.
macro_rules! ranges {
    ($($name:ty, $wire:ty: $least:expr, $most:expr, $make:expr, $get:expr;)*) => {$(
        impl Wire<$wire> for $name {
            fn read(wire: $wire, field: &'static str) -> Result<Self, MalformedError> {
                let range = (u64::from($least), u64::from($most));
                between(wire.into(), range, field).map($make)
            }

            fn write(self) -> $wire {
                <$wire>::from($get(self))
            }
        }
    )*};
}

ranges! {
    Attempt, u32: 1_u8, u8::MAX, Attempt::new, Attempt::get;
    TaskAttempt, u32: 1_u8, u16::MAX, TaskAttempt::new, TaskAttempt::get;
    u8, u32: 0_u8, u8::MAX, |number: u8| number, |number: u8| number;
    u16, u32: 0_u8, u16::MAX, |number: u16| number, |number: u16| number;
    NonZeroU16, u32: 1_u8, u16::MAX, positive_16, NonZeroU16::get;
    NonZeroU32, u32: 1_u8, u32::MAX, positive_32, NonZeroU32::get;
    NonZeroU64, u64: 1_u8, u64::MAX, positive_64, NonZeroU64::get;
    ParametersVersion, u32: 0_u8, (1_u32 << 24) - 1, version, ParametersVersion::get;
    Ppm, u32: 0_u8, Ppm::WHOLE.get(), share, Ppm::get;
    ChainTime, u64: 0_u8, ChainTime::MAX.get(), moment, ChainTime::get;
}

fn positive_16(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("at least 1 was checked")
}

fn positive_32(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("at least 1 was checked")
}

fn positive_64(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).expect("at least 1 was checked")
}

fn version(number: u32) -> ParametersVersion {
    ParametersVersion::new(number).expect("24 bits were checked")
}

fn moment(seconds: u64) -> ChainTime {
    ChainTime::new(seconds).expect("40 bits were checked")
}

fn share(parts: u32) -> Ppm {
    Ppm::new(parts).expect("at most the whole was checked")
}
