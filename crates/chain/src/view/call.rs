//! The calls that move a job on, made from what its events told.

use alloy_primitives::{Address, B256, Bytes, U256, aliases};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{self, IJobManager, ISlashingManager};
use tallystick_types::{
    Amount, Attestation, EvmSignature, JobId, JobState, NodeId, OutputRoot, Seat,
};

use super::job::{JobView, bit_of};

/// Most nodes of an assignment.
const MOST_NODES: usize = 16;

/// Why a call is not made: the contract would refuse it.
///
/// Only what the events tell is looked at. Deadlines, callers and signatures are the contract's to
/// judge, and a coordinator's own caution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The job is in another state.
    #[error("job {job} is {state:?}, where this call is refused")]
    UnexpectedState {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
    },
    /// An assignment would have no nodes, or too many.
    #[error("job {job} would have {given} nodes; give 1 to {MOST_NODES} in all")]
    NodeCount {
        /// The job.
        job: JobId,
        /// Nodes in all, or zero where none were given.
        given: usize,
    },
    /// A node or signer would be assigned twice, or attests twice.
    #[error("node {} with signer {} is given twice for job {job}", seat.node, seat.signer)]
    Twice {
        /// The job.
        job: JobId,
        /// The seat.
        seat: Seat,
    },
    /// A node is not in the assignment.
    #[error("node {} with signer {} is not assigned to job {job}", seat.node, seat.signer)]
    NotAssigned {
        /// The job.
        job: JobId,
        /// The seat.
        seat: Seat,
    },
    /// A node was convicted in this attempt.
    #[error("node {} was convicted in job {job}; leave its attestation out", seat.node)]
    Convicted {
        /// The job.
        job: JobId,
        /// The seat.
        seat: Seat,
    },
    /// The signers are too few.
    #[error("{given} of {needed} needed nodes attest the result of job {job}")]
    NoQuorum {
        /// The job.
        job: JobId,
        /// How many sign, without the convicted.
        given: usize,
        /// How many must.
        needed: usize,
    },
    /// The cost is above what the job can pay.
    #[error("job {job} can pay {most}, not {cost}")]
    ExcessiveCost {
        /// The job.
        job: JobId,
        /// The cost.
        cost: Amount,
        /// The most it may be.
        most: Amount,
    },
    /// The job was settled by its quorum at once, and who signed is not known here.
    #[error("who signed the result of job {job} is not known; name them with `attested_by`")]
    SignersUnknown {
        /// The job.
        job: JobId,
    },
    /// The claims have one output: that is no offence.
    #[error("both claims name the output {output_root}; that is no offence")]
    SameOutput {
        /// The output.
        output_root: OutputRoot,
    },
}

/// One of the two claims that convict a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedClaim {
    /// The output that it claims.
    pub output_root: OutputRoot,
    /// The cost that it claims, in base units of the job's token.
    pub cost: Amount,
    /// Its signature.
    pub signature: EvmSignature,
}

impl JobView {
    /// `assign` of `JobManager`, as all calls without another name; by the signer of a coordinator:
    /// these nodes work on the job, the primary first.
    pub fn assign_call(&self, coordinator: NodeId, nodes: &[Seat]) -> Result<Bytes, CallError> {
        self.require(&[JobState::Open])?;
        self.require_nodes(&[], nodes)?;
        let (id, job) = (self.id.into(), self.contract.clone());
        let (coordinator, nodes) = (coordinator.get(), words(nodes));
        Ok(IJobManager::assignCall { id, job, coordinator, nodes }.abi_encode().into())
    }

    /// `enlist`, by the holder of the lease: these nodes join.
    pub fn enlist_call(&self, nodes: &[Seat]) -> Result<Bytes, CallError> {
        self.require(&[JobState::Assigned])?;
        let seated = self.assignment.as_ref().map_or(&[][..], |assignment| &assignment.nodes);
        self.require_nodes(seated, nodes)?;
        let ((id, job, assignment), nodes) = (self.words(), words(nodes));
        Ok(IJobManager::enlistCall { id, job, assignment, nodes }.abi_encode().into())
    }

    /// `heartbeat`, by the holder of the lease.
    pub fn heartbeat_call(&self) -> Result<Bytes, CallError> {
        self.require(&[JobState::Assigned])?;
        let (id, job, assignment) = self.words();
        Ok(IJobManager::heartbeatCall { id, job, assignment }.abi_encode().into())
    }

    /// `release`, by the holder of the lease.
    pub fn release_call(&self) -> Result<Bytes, CallError> {
        self.require(&[JobState::Assigned])?;
        let (id, job, assignment) = self.words();
        Ok(IJobManager::releaseCall { id, job, assignment }.abi_encode().into())
    }

    /// `propose`, by the holder of the lease, or anyone once it ended: the result with its quorum,
    /// in any order.
    pub fn propose_call(
        &self,
        output_root: OutputRoot,
        cost: Amount,
        attestations: &[Attestation],
    ) -> Result<Bytes, CallError> {
        self.require(&[JobState::Assigned])?;
        let most = self.cost_limit();
        if cost > most {
            return Err(CallError::ExcessiveCost { job: self.id, cost, most });
        }
        let (signers, signatures) = self.quorum_of(attestations)?;
        let receipt = contracts::Receipt::of(output_root, cost, signers, signatures);
        let (id, job, assignment) = self.words();
        Ok(IJobManager::proposeCall { id, job, assignment, receipt }.abi_encode().into())
    }

    /// `settle`, by anyone once the window is over.
    pub fn settle_call(&self) -> Result<Bytes, CallError> {
        self.require(&[JobState::Proposed])?;
        let signers = self.proposal.map_or(0, |proposal| proposal.signers & !self.seized);
        self.require_quorum(signers)?;
        let (id, job, assignment) = self.words();
        let proposal = self.proposal_word();
        Ok(IJobManager::settleCall { id, job, assignment, proposal }.abi_encode().into())
    }

    /// `challenge`, by the client or an assigned node before the window is over.
    pub fn challenge_call(&self) -> Result<Bytes, CallError> {
        self.require(&[JobState::Proposed])?;
        let (id, job, assignment) = self.words();
        let proposal = self.proposal_word();
        Ok(IJobManager::challengeCall { id, job, assignment, proposal }.abi_encode().into())
    }

    /// `advance`, by anyone once the deadline is over.
    pub fn advance_call(&self) -> Result<Bytes, CallError> {
        let (open, assigned) = (JobState::Open, JobState::Assigned);
        self.require(&[open, assigned, JobState::Proposed, JobState::Challenged])?;
        let (id, job, assignment) = self.words();
        let call = IJobManager::advanceCall {
            id,
            job,
            assignment,
            proposal: self.proposal_word(),
            challenger: self.challenger.unwrap_or(Address::ZERO),
        };
        Ok(call.abi_encode().into())
    }

    /// `cancel`, by the client.
    pub fn cancel_call(&self) -> Result<Bytes, CallError> {
        self.require(&[JobState::Open])?;
        let (id, job) = (self.id.into(), self.contract.clone());
        Ok(IJobManager::cancelCall { id, job }.abi_encode().into())
    }

    /// `reportEquivocation` of `SlashingManager`, by anyone: an assigned node signed two outputs of
    /// the present attempt, or of the one that settled the job.
    pub fn report_call(
        &self,
        seat: Seat,
        first: &SignedClaim,
        second: &SignedClaim,
    ) -> Result<Bytes, CallError> {
        let job = self.id;
        if first.output_root == second.output_root {
            return Err(CallError::SameOutput { output_root: first.output_root });
        }
        let index = self.index_of(seat).ok_or(CallError::NotAssigned { job, seat })?;
        if self.seized & bit_of(index) != 0 {
            return Err(CallError::Convicted { job, seat });
        }
        let rest = self.rest().ok_or(CallError::SignersUnknown { job })?;
        let (id, job, assignment) = self.words();
        let call = ISlashingManager::reportEquivocationCall {
            id,
            job,
            assignment,
            rest,
            index: U256::from(index),
            first: first.to_contract(),
            second: second.to_contract(),
        };
        Ok(call.abi_encode().into())
    }

    fn require(&self, accepted: &[JobState]) -> Result<(), CallError> {
        let (job, state) = (self.id, self.state);
        if accepted.contains(&state) {
            Ok(())
        } else {
            Err(CallError::UnexpectedState { job, state })
        }
    }

    /// Whether the nodes may join those who are seated: nobody twice, neither by signer nor, where
    /// it is registered, by node.
    fn require_nodes(&self, seated: &[Seat], nodes: &[Seat]) -> Result<(), CallError> {
        let job = self.id;
        let given = seated.len().saturating_add(nodes.len());
        if nodes.is_empty() || given > MOST_NODES {
            let given = if nodes.is_empty() { 0 } else { given };
            return Err(CallError::NodeCount { job, given });
        }
        for (place, seat) in nodes.iter().enumerate() {
            let mut others = seated.iter().chain(nodes.iter().take(place));
            if others.any(|other| is_same(*other, *seat)) {
                return Err(CallError::Twice { job, seat: *seat });
            }
        }
        Ok(())
    }

    fn require_quorum(&self, signers: u16) -> Result<(), CallError> {
        let (job, needed) = (self.id, self.quorum());
        let given = signers.count_ones() as usize;
        if given < needed { Err(CallError::NoQuorum { job, given, needed }) } else { Ok(()) }
    }

    /// The bitmap of those who attest, and their signatures in its order.
    fn quorum_of(&self, attestations: &[Attestation]) -> Result<(u16, Bytes), CallError> {
        let job = self.id;
        let mut placed = Vec::with_capacity(attestations.len());
        let mut signers = 0_u16;
        for attestation in attestations {
            let seat = attestation.seat();
            let index = self.index_of(seat).ok_or(CallError::NotAssigned { job, seat })?;
            let bit = bit_of(index);
            if self.seized & bit != 0 {
                return Err(CallError::Convicted { job, seat });
            }
            if signers & bit != 0 {
                return Err(CallError::Twice { job, seat });
            }
            signers |= bit;
            placed.push((index, attestation.signature));
        }
        self.require_quorum(signers)?;
        placed.sort_unstable_by_key(|(index, _)| *index);
        let signatures: Vec<u8> =
            placed.iter().flat_map(|(_, signature)| *signature.as_bytes()).collect();
        Ok((signers, signatures.into()))
    }

    fn words(&self) -> (B256, contracts::Job, contracts::Assignment) {
        (self.id.into(), self.contract.clone(), self.assigned_word())
    }

    /// The assignment; an empty one while the job is open.
    fn assigned_word(&self) -> contracts::Assignment {
        self.assignment.as_ref().map_or_else(
            || contracts::Assignment {
                startedAt: aliases::U40::ZERO,
                coordinator: U256::ZERO,
                nodes: Vec::new(),
            },
            contracts::Assignment::from,
        )
    }

    /// The proposal; an empty one before there is one.
    fn proposal_word(&self) -> contracts::Proposal {
        let empty = || contracts::Proposal::of(OutputRoot::default(), Amount::ZERO, 0);
        self.proposal.map_or_else(empty, |proposal| proposal.to_contract())
    }
}

impl SignedClaim {
    fn to_contract(self) -> ISlashingManager::SignedClaim {
        ISlashingManager::SignedClaim {
            outputRoot: self.output_root.into(),
            cost: self.cost.get(),
            signature: Bytes::copy_from_slice(self.signature.as_bytes()),
        }
    }
}

fn words(seats: &[Seat]) -> Vec<U256> {
    seats.iter().map(|seat| seat.pack()).collect()
}

fn is_same(one: Seat, other: Seat) -> bool {
    one.signer == other.signer || (one.node != NodeId::UNREGISTERED && one.node == other.node)
}
