//! Between the words of `tallystick-types` and the structs of the contracts.

use alloy_primitives::{Address, Bytes, aliases};
use tallystick_types::{
    Amount, ChainTime, JobOrder, JobParameters, JobPrice, JobRules, JobState, JobTerms, OutputRoot,
    PackingError, Seat, TimeError,
};

use crate::contracts;

/// Who works on the present attempt of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// When the coordinator took the lease.
    pub started_at: ChainTime,
    /// The coordinator that holds the lease.
    pub coordinator: Seat,
    /// The executing nodes, the primary first.
    pub nodes: Vec<Seat>,
}

/// What a job's stored word commits to: the order's terms with the parameters at its creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Who pays and gets the change.
    pub client: Address,
    /// Token in which the job is paid.
    pub token: Address,
    /// What it may cost.
    pub price: JobPrice,
    /// The rules of the client.
    pub rules: JobRules,
    /// The parameters of the network.
    pub parameters: JobParameters,
}

/// Why what the chain said cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A packed word is of another kind or version.
    #[error("a packed word of the chain: {0}")]
    Packing(#[from] PackingError),
    /// A moment is out of range.
    #[error("a moment of the chain: {0}")]
    Time(#[from] TimeError),
}

impl Job {
    /// The job that an order becomes under these parameters.
    pub const fn of(order: &JobOrder, parameters: JobParameters) -> Self {
        let terms = &order.terms;
        Self {
            client: order.client,
            token: terms.token,
            price: terms.price,
            rules: terms.rules,
            parameters,
        }
    }

    /// As the contracts take it. Fails where a parameter is wider than its bits.
    pub fn to_contract(&self) -> Result<contracts::Job, PackingError> {
        Ok(contracts::Job {
            client: self.client,
            token: self.token,
            price: self.price.pack(),
            rules: self.rules.pack(),
            parameters: self.parameters.pack()?,
        })
    }
}

impl From<&JobTerms> for contracts::JobTerms {
    fn from(terms: &JobTerms) -> Self {
        Self {
            specification: terms.specification.into(),
            token: terms.token,
            price: terms.price.pack(),
            rules: terms.rules.pack(),
        }
    }
}

impl TryFrom<&contracts::JobTerms> for JobTerms {
    type Error = ConvertError;

    fn try_from(terms: &contracts::JobTerms) -> Result<Self, Self::Error> {
        Ok(Self {
            specification: terms.specification.into(),
            token: terms.token,
            price: JobPrice::unpack(terms.price),
            rules: JobRules::unpack(terms.rules)?,
        })
    }
}

impl From<&JobOrder> for contracts::JobOrder {
    fn from(order: &JobOrder) -> Self {
        let (terms, rules) = (&order.terms, &order.terms.rules);
        Self {
            client: order.client,
            nonce: order.nonce,
            specification: terms.specification.into(),
            token: terms.token,
            maxPrice: terms.price.max_price().get(),
            tip: terms.price.tip().get(),
            ratePerSecond: terms.price.rate_per_second().get(),
            funding: rules.funding.code(),
            verification: rules.verification.code(),
            trust: rules.trust.code(),
            replicas: rules.replicas,
            quorum: rules.quorum,
            assignBy: seconds(rules.assign_by),
            completeBy: seconds(rules.complete_by),
            serviceLevel: rules.service_level.get(),
            parametersVersion: aliases::U24::from(rules.parameters_version.get()),
        }
    }
}

impl From<&Assignment> for contracts::Assignment {
    fn from(assignment: &Assignment) -> Self {
        Self {
            startedAt: seconds(assignment.started_at),
            coordinator: assignment.coordinator.pack(),
            nodes: assignment.nodes.iter().map(|seat| seat.pack()).collect(),
        }
    }
}

impl TryFrom<&contracts::Assignment> for Assignment {
    type Error = ConvertError;

    fn try_from(assignment: &contracts::Assignment) -> Result<Self, Self::Error> {
        let seats = assignment.nodes.iter().map(|word| Seat::unpack(*word));
        Ok(Self {
            started_at: ChainTime::new(assignment.startedAt.to())?,
            coordinator: Seat::unpack(assignment.coordinator)?,
            nodes: seats.collect::<Result<_, _>>()?,
        })
    }
}

impl contracts::Receipt {
    /// A claim with its quorum: `signatures` belongs to the set bits of `signers`, lowest first.
    pub fn of(output: OutputRoot, cost: Amount, signers: u16, signatures: Bytes) -> Self {
        Self { outputRoot: output.into(), cost: cost.get(), signers, signatures }
    }
}

impl contracts::Proposal {
    /// A proposed result.
    pub fn of(output: OutputRoot, price: Amount, signers: u16) -> Self {
        Self { outputRoot: output.into(), price: price.get(), signers }
    }
}

impl From<contracts::JobState> for Option<JobState> {
    fn from(state: contracts::JobState) -> Self {
        JobState::from_code(state.into()).ok()
    }
}

fn seconds(time: ChainTime) -> aliases::U40 {
    aliases::U40::from(time.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    #[test]
    fn an_assignment_survives() {
        let seat = |node| Seat {
            node: tallystick_types::NodeId::new(node),
            signer: Address::repeat_byte(0x11),
        };
        let assignment = Assignment {
            started_at: ChainTime::new(1_750_000_000).unwrap(),
            coordinator: seat(1),
            nodes: vec![seat(2), seat(3)],
        };
        let contract = contracts::Assignment::from(&assignment);
        assert_eq!(Assignment::try_from(&contract), Ok(assignment));
    }

    #[test]
    fn a_word_of_another_kind_is_refused() {
        let contract = contracts::Assignment {
            startedAt: aliases::U40::ZERO,
            coordinator: U256::MAX,
            nodes: vec![],
        };
        let refused = ConvertError::Packing(PackingError::Leftover);
        assert_eq!(Assignment::try_from(&contract), Err(refused));
    }
}
