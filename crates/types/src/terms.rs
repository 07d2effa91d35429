//! What a client orders.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use crate::bits::{Packer, PackingError, Unpacker};
use crate::id::{ParametersVersion, ServiceLevel, SpecificationDigest};
use crate::price::JobPrice;
use crate::time::{ChainTime, TimeError};

/// An enum whose members have the numbers of the contracts and print in snake case.
macro_rules! coded {
    (
        $(#[$doc:meta])* $name:ident, $field:literal {
            $($(#[$member_doc:meta])* $member:ident = $code:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$member_doc])* $member,)+
        }

        impl $name {
            /// The number of the contracts.
            pub const fn code(self) -> u8 {
                match self { $(Self::$member => $code,)+ }
            }

            /// The member of that number.
            pub const fn from_code(code: u8) -> Result<Self, PackingError> {
                match code {
                    $($code => Ok(Self::$member),)+
                    value => {
                        let value = value as u64;
                        Err(PackingError::Meaningless { field: $field, value })
                    }
                }
            }
        }
    };
}
pub(crate) use coded;

coded! {
    /// Where the money of a job comes from.
    Funding, "funding" {
        /// Reserved from the client's free balance when the job is created.
        Balance = 0,
        /// The same, and what is missing there is pulled from the client's token allowance.
        Allowance = 1,
        /// Nothing is reserved; pulled at settlement, a risk that nodes may decline.
        PullAtSettlement = 2,
    }
}

coded! {
    /// How results are checked.
    Verification, "verification" {
        /// The quorum's signatures settle the job at once.
        Attested = 0,
        /// Equal bits; a challenge window stands between proposal and settlement.
        Deterministic = 1,
        /// Equal within a tolerance; the same window.
        Fingerprint = 2,
    }
}

coded! {
    /// Who may execute.
    Trust, "trust" {
        /// Every registered worker; no stake is locked.
        Any = 0,
        /// Active workers; stake is locked.
        Staked = 1,
        /// Active workers that governance vetted; stake is locked.
        Vetted = 2,
    }
}

/// The rules of one job. On the chain one word, lowest bits first: funding (8 bits), verification
/// (8), trust (8), replicas (8), quorum (8), assign by (40), complete by (40), service level (64),
/// version of the parameters (24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRules {
    /// Where the money comes from.
    pub funding: Funding,
    /// How results are checked.
    pub verification: Verification,
    /// Who may execute.
    pub trust: Trust,
    /// Nodes that are to execute, 1 to 16.
    pub replicas: u8,
    /// Equal signatures that make a result, more than half of the replicas.
    pub quorum: u8,
    /// First moment at which assigning is too late.
    pub assign_by: ChainTime,
    /// First moment at which a result is late.
    pub complete_by: ChainTime,
    /// The service level asked for, zero for none.
    pub service_level: ServiceLevel,
    /// Version of the network's parameters that the client agreed to.
    pub parameters_version: ParametersVersion,
}

/// What a client offers and demands. Amounts are base units of `token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTerms {
    /// Digest of what is to be done.
    pub specification: SpecificationDigest,
    /// Token in which the job is paid.
    pub token: Address,
    /// What it may cost.
    pub price: JobPrice,
    /// The rules.
    pub rules: JobRules,
}

/// An order. Its EIP-712 digest is what a client signs to let somebody else create the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobOrder {
    /// Who pays and gets the change.
    pub client: Address,
    /// Any number that the client has not used. The low 232 bits again and the high 24 bits counted
    /// up reuse the storage of a job that is final.
    pub nonce: U256,
    /// What is offered and demanded.
    pub terms: JobTerms,
}

impl JobRules {
    /// The word of the contracts.
    pub fn pack(self) -> U256 {
        let mut packer = Packer::new();
        packer.put_bounded("funding", self.funding.code(), 8);
        packer.put_bounded("verification", self.verification.code(), 8);
        packer.put_bounded("trust", self.trust.code(), 8);
        packer.put_bounded("replicas", self.replicas, 8);
        packer.put_bounded("quorum", self.quorum, 8);
        packer.put_bounded("assign_by", self.assign_by.get(), 40);
        packer.put_bounded("complete_by", self.complete_by.get(), 40);
        packer.put_bounded("service_level", self.service_level.get(), 64);
        packer.put_bounded("parameters_version", self.parameters_version.get(), 24);
        packer.finish()
    }

    /// Reads a word of the contracts.
    pub fn unpack(word: U256) -> Result<Self, PackingError> {
        let mut fields = Unpacker::new(word);
        let rules = Self {
            funding: Funding::from_code(fields.take_byte())?,
            verification: Verification::from_code(fields.take_byte())?,
            trust: Trust::from_code(fields.take_byte())?,
            replicas: fields.take_byte(),
            quorum: fields.take_byte(),
            assign_by: moment(fields.take(40))?,
            complete_by: moment(fields.take(40))?,
            service_level: ServiceLevel::new(fields.take(64)),
            parameters_version: ParametersVersion::of_bits(fields.take(24)),
        };
        fields.finish()?;
        Ok(rules)
    }
}

fn moment(unix_seconds: u64) -> Result<ChainTime, PackingError> {
    let meaningless =
        |error: TimeError| PackingError::Meaningless { field: "time", value: error.given };
    ChainTime::new(unix_seconds).map_err(meaningless)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> JobRules {
        JobRules {
            funding: Funding::Allowance,
            verification: Verification::Fingerprint,
            trust: Trust::Staked,
            replicas: 3,
            quorum: 2,
            assign_by: ChainTime::new(1_750_000_060).unwrap(),
            complete_by: ChainTime::new(1_750_000_600).unwrap(),
            service_level: ServiceLevel::new(7),
            parameters_version: ParametersVersion::new(1).unwrap(),
        }
    }

    #[test]
    fn rules_have_the_layout_of_the_contracts() {
        let word = rules().pack();
        let upwards = ["000001", "0000000000000007", "00684ee3d8", "00684ee1bc", "0203010201"];
        assert_eq!(format!("{word:052x}"), upwards.concat());
        assert_eq!(JobRules::unpack(word), Ok(rules()));
    }

    #[test]
    fn a_member_the_contracts_do_not_have_and_leftover_bits_are_refused() {
        let word = rules().pack();
        let unknown = PackingError::Meaningless { field: "funding", value: 3 };
        assert_eq!(JobRules::unpack(word | U256::from(3)), Err(unknown));
        let leftover = word | U256::from(1).wrapping_shl(208);
        assert_eq!(JobRules::unpack(leftover), Err(PackingError::Leftover));
    }

    #[test]
    fn json_has_words_for_members_and_refuses_unknown_fields() {
        let text = serde_json::to_string(&rules()).unwrap();
        assert!(text.contains("\"funding\":\"allowance\""), "{text}");
        assert_eq!(serde_json::from_str::<JobRules>(&text).unwrap(), rules());
        let more = text.replacen('{', "{\"colour\":1,", 1);
        assert!(serde_json::from_str::<JobRules>(&more).is_err());
    }

    proptest! {
        #[test]
        fn any_word_is_refused_or_survives(
            limbs in any::<[u64; 4]>(), codes in proptest::array::uniform3(0..4_u64)
        ) {
            let [funding, verification, trust] = codes;
            let low = limbs[0] & !0xff_ffff | funding | verification << 8 | trust << 16;
            let word = U256::from_limbs([low, limbs[1], limbs[2], limbs[3] & 0xffff]);
            match JobRules::unpack(word) {
                Ok(rules) => prop_assert_eq!(rules.pack(), word),
                Err(_) => prop_assert!(codes.contains(&3)),
            }
        }
    }
}
