//! What a coordinator asks for work.

use serde::{Deserialize, Serialize};
use tallystick_protocol::specification::{Specification, Work};
use tallystick_types::Amount;

/// Prices, in base units of the token that a job is paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// For taking a job on.
    pub job: Amount,
    /// For a million metered units at one node.
    pub million_units: Amount,
    /// For a million bytes of input at one node.
    pub million_bytes: Amount,
    /// For whoever submits the settlement.
    pub tip: Amount,
}

impl Default for PriceList {
    /// 0.1 tokens of 18 decimals for a job, 0.0001 for a million units, 0.001 for a megabyte, 0.01
    /// for the settler.
    fn default() -> Self {
        Self {
            job: Amount::new(100_000_000_000_000_000),
            million_units: Amount::new(100_000_000_000_000),
            million_bytes: Amount::new(1_000_000_000_000_000),
            tip: Amount::new(10_000_000_000_000_000),
        }
    }
}

impl PriceList {
    /// What all of a job costs, the tip left aside: the price of a job, and for each of its
    /// replicas the declared work of all slices and the bytes that are read.
    ///
    /// Where the client declared no work, a hundredth of the limit that it set counts.
    pub fn price(&self, specification: &Specification, slices: u64, replicas: u8) -> Amount {
        let Work::Wasm { units: limit, .. } = &specification.work;
        let declared = specification.work_units_per_slice;
        let per_slice = if declared == 0 { limit / 100 } else { declared };
        let units = u128::from(per_slice).saturating_mul(u128::from(slices));
        let bytes = u128::from(specification.input.bytes());
        let work =
            portion(self.million_units, units).saturating_add(portion(self.million_bytes, bytes));
        let all = work.saturating_mul(u128::from(replicas)).saturating_add(self.job.get());
        Amount::new(all)
    }
}

/// The price of so many pieces, rounded up to a whole base unit.
fn portion(million: Amount, pieces: u128) -> u128 {
    million.get().saturating_mul(pieces).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tallystick_protocol::ledger::{Limits, Queueing};
    use tallystick_protocol::specification::Input;
    use tallystick_types::{EngineProfile, Policy, Privacy, ProgramDigest};

    fn specification(work_units_per_slice: u64) -> Specification {
        Specification {
            version: 1,
            work: Work::Wasm {
                program: ProgramDigest::new([1; 32]),
                arguments: Vec::new(),
                environment: Vec::new(),
                units: 500_000_000,
                memory_bytes: 1,
                output_bytes: 1,
            },
            engine: EngineProfile::new("engine").unwrap(),
            input: Input::Tiles { width: 4, height: 4, across: 2, down: 2 },
            slices_per_task: 1,
            work_units_per_slice,
            policy: Policy::Auto,
            privacy: Privacy::Public,
            queueing: Queueing::Queue,
            limits: Limits::for_tasks(),
        }
    }

    #[test]
    fn a_price_is_that_of_the_job_and_of_the_work_at_every_replica() {
        let list = PriceList {
            job: Amount::new(1_000),
            million_units: Amount::new(10),
            million_bytes: Amount::new(7),
            tip: Amount::new(5),
        };
        assert_eq!(list.price(&specification(2_000_000), 4, 3).get(), 1_000 + 3 * 4 * 20);
        assert_eq!(list.price(&specification(1), 4, 3).get(), 1_000 + 3);
        assert_eq!(list.price(&specification(0), 4, 1).get(), 1_000 + 4 * 50);
    }
}
