//! Values that look random and are the same in every run.

use alloy_primitives::{Address, B256, U256, keccak256};
use tallystick_types::{
    Amount, ChainTime, Funding, JobParameters, JobPrice, JobRules, JobTerms, NodeId,
    ParametersVersion, Ppm, Ratio, Seat, Seconds, Sequence, ServiceLevel, Trust, Verification,
};

/// How many cases a list has.
pub(super) const CASES: u64 = 6;

/// A source of values: one hash after the other.
pub(super) struct Sample {
    state: B256,
}

impl Sample {
    /// A source of its own for each case of each list.
    pub(super) fn new(list: &str, case: u64) -> Self {
        Self { state: keccak256(format!("tallystick vectors: {list} {case}")) }
    }

    pub(super) fn word(&mut self) -> B256 {
        self.state = keccak256(self.state);
        self.state
    }

    /// A number of at most so many bits, at most 128.
    pub(super) fn bits(&mut self, bits: usize) -> u128 {
        let word = U256::from_be_bytes(self.word().0);
        word.wrapping_shr(256_usize.saturating_sub(bits)).to()
    }

    /// A number of at most so many bits, at most 64.
    pub(super) fn number(&mut self, bits: usize) -> u64 {
        u64::try_from(self.bits(bits.min(64))).expect("at most 64 bits")
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.word()[0]
    }

    pub(super) fn address(&mut self) -> Address {
        Address::from_word(self.word())
    }

    pub(super) fn amount(&mut self, bits: usize) -> Amount {
        Amount::new(self.bits(bits))
    }

    pub(super) fn time(&mut self) -> ChainTime {
        ChainTime::new(self.number(40)).expect("40 bits are a moment")
    }

    pub(super) fn share(&mut self) -> Ppm {
        let parts = u32::try_from(self.number(19)).expect("19 bits fit");
        Ppm::new(parts).expect("19 bits are below a million")
    }

    pub(super) fn seat(&mut self) -> Seat {
        Seat { node: NodeId::new(self.number(64)), signer: self.address() }
    }

    pub(super) fn version(&mut self) -> ParametersVersion {
        let version = u32::try_from(self.number(24)).expect("24 bits fit");
        ParametersVersion::new(version).expect("24 bits are a version")
    }

    pub(super) fn sequence(&mut self) -> Sequence {
        let sequence = u32::try_from(self.number(24)).expect("24 bits fit");
        Sequence::new(sequence).expect("24 bits are a sequence")
    }

    pub(super) fn price(&mut self) -> JobPrice {
        let (most, rate, tip) = (self.amount(96), self.amount(96), self.amount(64));
        JobPrice::new(most, rate, tip).expect("the amounts have the widths of their fields")
    }

    pub(super) fn rules(&mut self) -> JobRules {
        JobRules {
            funding: Funding::from_code(self.byte() % 3).expect("there are three"),
            verification: Verification::from_code(self.byte() % 3).expect("there are three"),
            trust: Trust::from_code(self.byte() % 3).expect("there are three"),
            replicas: self.byte(),
            quorum: self.byte(),
            assign_by: self.time(),
            complete_by: self.time(),
            service_level: ServiceLevel::new(self.number(64)),
            parameters_version: self.version(),
        }
    }

    pub(super) fn terms(&mut self) -> JobTerms {
        JobTerms {
            specification: self.word().into(),
            token: self.address(),
            price: self.price(),
            rules: self.rules(),
        }
    }

    pub(super) fn parameters(&mut self) -> JobParameters {
        JobParameters {
            version: self.version(),
            coordinator_share: self.share(),
            secondaries_share: self.share(),
            protocol_share: self.share(),
            challenge_bond_share: self.share(),
            lock_ratio: Ratio::new(u32::try_from(self.number(32)).expect("32 bits fit")),
            lock_shift: self.byte(),
            challenge_window: Seconds::new(self.number(24)),
            verdict_window: Seconds::new(self.number(24)),
            lease: Seconds::new(self.number(24)),
            max_job: Seconds::new(self.number(24)),
            max_attempts: self.byte(),
            halted: false,
        }
    }
}
