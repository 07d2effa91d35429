//! Between the words of the agent and the messages of the wire.

use tallystick_protocol::claim::{SignedOpening, TaskProof};
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_protocol::ledger;
use tallystick_types::{ReceiptClaim, Usage};
use tallystick_wire::Sentence;
use tallystick_wire::worker::{
    AgentBody, AgentMessage, Assignment, AttestRefused, AttestRequest, AttestTask, Attested,
    CoordinatorBody, Failure, Leaving, ReceiptRefused, ReceiptSigned, Role, SignSubject, TaskAck,
    TaskAssign, TaskCommit, TaskFailed, TaskProgress, TaskReveal, TaskUsage, v1,
};

use crate::agent::{AgentSays, ClaimRequest, CoordinatorSays, TaskOrder};

/// Most openings of one claim that are held while its parts come: about 40 MiB.
const MOST_OPENINGS: usize = 1 << 17;

/// Why a session's messages make no sense together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// A message that belongs to an earlier or later part of a session.
    #[error("a message came out of its turn")]
    OutOfTurn,
    /// A payload without its task, a task without its payload, or one of another size.
    #[error("a task and its payload do not belong together")]
    Payload,
    /// The parts of a claim differ in more than their tasks, or are too many.
    #[error("the parts of a claim do not belong together")]
    ClaimParts,
}

/// Puts together what comes in parts.
#[derive(Debug, Default)]
pub struct Assembly {
    task: Option<TaskAssign>,
    claim: Option<(AttestRequest, Vec<AttestTask>, usize)>,
}

impl Assembly {
    /// Takes the next message of an admitted session; nothing where more parts are needed, or
    /// where there is nothing for the agent in it.
    pub fn take(&mut self, body: CoordinatorBody) -> Result<Option<CoordinatorSays>, TurnError> {
        if self.task.is_some() && !matches!(body, CoordinatorBody::Payload(_)) {
            return Err(TurnError::Payload);
        }
        let says = match body {
            CoordinatorBody::TaskAssign(task) => {
                self.task = Some(task);
                return Ok(None);
            }
            CoordinatorBody::Payload(payload) => {
                let task = self.task.take().ok_or(TurnError::Payload)?;
                let bytes = payload.bytes.into_vec();
                if bytes.len() as u64 != task.payload_bytes {
                    return Err(TurnError::Payload);
                }
                CoordinatorSays::Assign(Box::new(order(task, bytes)))
            }
            CoordinatorBody::TaskCancel(cancel) => {
                CoordinatorSays::Cancel { assignment: inward(cancel.assignment) }
            }
            CoordinatorBody::RevealRequest(request) => {
                CoordinatorSays::Reveal { assignment: inward(request.assignment) }
            }
            CoordinatorBody::OutputRequest(request) => {
                CoordinatorSays::Output { assignment: inward(request.assignment) }
            }
            CoordinatorBody::AttestRequest(part) => return self.claim_part(part),
            CoordinatorBody::SignReceipt(request) => {
                CoordinatorSays::SignReceipt(request.receipt.into_vec())
            }
            CoordinatorBody::SignOutcome(outcome) => match outcome.subject {
                SignSubject::Claim => {
                    let (job, attempt) = (outcome.job, outcome.attempt);
                    CoordinatorSays::ClaimJudged { job, attempt }
                }
                SignSubject::Receipt => return Ok(None),
            },
            CoordinatorBody::Drain(_) => CoordinatorSays::Drain,
            CoordinatorBody::HeartbeatAck(_) => return Ok(None),
            CoordinatorBody::Challenge(_)
            | CoordinatorBody::Welcome(_)
            | CoordinatorBody::Admitted(_)
            | CoordinatorBody::Refused(_) => return Err(TurnError::OutOfTurn),
        };
        Ok(Some(says))
    }

    fn claim_part(
        &mut self,
        mut part: AttestRequest,
    ) -> Result<Option<CoordinatorSays>, TurnError> {
        let more = std::mem::take(&mut part.tasks).into_vec();
        let (head, mut tasks, openings) = match self.claim.take() {
            Some((head, tasks, openings)) if head == part => (head, tasks, openings),
            // Another claim takes the place of one that was not completed.
            Some(_) | None => (part, Vec::new(), 0),
        };
        let openings =
            more.iter().fold(openings, |sum, task| sum.saturating_add(task.openings.len()));
        tasks.extend(more);
        let expected = usize::try_from(head.task_count).unwrap_or(usize::MAX);
        if openings > MOST_OPENINGS || tasks.len() > expected {
            return Err(TurnError::ClaimParts);
        }
        if tasks.len() < expected {
            self.claim = Some((head, tasks, openings));
            return Ok(None);
        }
        let AttestRequest { job, attempt, output_root, cost, .. } = head;
        let claim = ReceiptClaim { job, attempt, output_root, cost };
        let proofs = tasks.into_iter().map(proof).collect();
        Ok(Some(CoordinatorSays::Attest(Box::new(ClaimRequest { claim, proofs }))))
    }
}

fn order(task: TaskAssign, specification: Vec<u8>) -> TaskOrder {
    TaskOrder {
        slices: task.slices(),
        assignment: inward(task.assignment),
        role: match task.role {
            Role::Primary => ledger::Role::Primary,
            Role::Secondary => ledger::Role::Secondary,
        },
        execution_limit: task.execution_limit_seconds,
        digest: task.specification,
        specification,
        check: task.check,
    }
}

fn proof(task: AttestTask) -> TaskProof {
    let opening = |opening: tallystick_wire::worker::SignedOpening| SignedOpening {
        pledge: Pledge {
            assignment: inward(opening.assignment),
            commitment: opening.commitment,
            round: opening.round,
        },
        signature: opening.signature,
        opening: Opening { output_root: opening.output_root, salt: opening.salt },
    };
    TaskProof {
        task: task.task,
        output_root: task.output_root,
        openings: task.openings.into_vec().into_iter().map(opening).collect(),
    }
}

/// The message that says it.
pub fn outward(says: AgentSays) -> v1::AgentMessage {
    match &says {
        AgentSays::Ack(_) => fail::fail_point!("worker.acceptance.before"),
        AgentSays::Commit { .. } => fail::fail_point!("worker.commitment.before"),
        AgentSays::Reveal { .. } => fail::fail_point!("worker.opening.before"),
        AgentSays::Attested { .. } => fail::fail_point!("worker.attestation.before"),
        AgentSays::ReceiptSigned { .. } => fail::fail_point!("worker.receipt.before"),
        _ => {}
    }
    message(match says {
        AgentSays::Ack(assignment) => AgentBody::TaskAck(TaskAck { assignment: named(assignment) }),
        AgentSays::Progress { assignment, done } => {
            AgentBody::TaskProgress(TaskProgress { assignment: named(assignment), done_ppm: done })
        }
        AgentSays::Commit { pledge, signature } => AgentBody::TaskCommit(TaskCommit {
            assignment: named(pledge.assignment),
            commitment: pledge.commitment,
            round: pledge.round,
            signature,
        }),
        AgentSays::Reveal { assignment, opening, output_blob, output_bytes, usage } => {
            AgentBody::TaskReveal(TaskReveal {
                assignment: named(assignment),
                output_root: opening.output_root,
                salt: opening.salt,
                output_blob,
                output_bytes,
                usage: used(&usage),
            })
        }
        AgentSays::Failed { assignment, failure, detail } => AgentBody::TaskFailed(TaskFailed {
            assignment: named(assignment),
            failure: failure_of(failure),
            detail: Sentence::cut(&detail),
        }),
        AgentSays::Attested { claim, signature } => AgentBody::Attested(Attested {
            job: claim.job,
            attempt: claim.attempt,
            output_root: claim.output_root,
            cost: claim.cost,
            signature,
        }),
        AgentSays::AttestRefused { job, attempt, reason, detail } => {
            let detail = Sentence::cut(&detail);
            AgentBody::AttestRefused(AttestRefused { job, attempt, reason, detail })
        }
        AgentSays::ReceiptSigned { job, receipt, signature } => {
            let identity_signature = signature;
            AgentBody::ReceiptSigned(ReceiptSigned { job, receipt, identity_signature })
        }
        AgentSays::ReceiptRefused { job, receipt, reason, detail } => {
            let detail = Sentence::cut(&detail);
            AgentBody::ReceiptRefused(ReceiptRefused { job, receipt, reason, detail })
        }
        AgentSays::Leaving => AgentBody::Leaving(Leaving {}),
    })
}

/// A message with this body.
pub fn message(body: AgentBody) -> v1::AgentMessage {
    v1::AgentMessage::from(AgentMessage { body })
}

/// An assignment as the wire names it.
pub const fn named(assignment: TaskAssignment) -> Assignment {
    let TaskAssignment { job, attempt, task, task_attempt, seat } = assignment;
    Assignment { job, attempt, task, task_attempt, seat }
}

const fn inward(assignment: Assignment) -> TaskAssignment {
    let Assignment { job, attempt, task, task_attempt, seat } = assignment;
    TaskAssignment { job, attempt, task, task_attempt, seat }
}

const fn used(usage: &Usage) -> TaskUsage {
    TaskUsage {
        work_units: usage.work_units,
        memory_bytes: usage.memory_bytes,
        bytes_in: usage.bytes_in,
        bytes_out: usage.bytes_out,
    }
}

const fn failure_of(failure: ledger::Failure) -> Failure {
    match failure {
        ledger::Failure::Refused => Failure::Refused,
        ledger::Failure::Draining => Failure::Draining,
        ledger::Failure::InputUnavailable => Failure::InputUnavailable,
        ledger::Failure::ProgramRefused => Failure::ProgramRefused,
        ledger::Failure::OutOfFuel => Failure::OutOfFuel,
        ledger::Failure::OutOfMemory => Failure::OutOfMemory,
        ledger::Failure::TimedOut => Failure::TimedOut,
        ledger::Failure::OutputTooLarge => Failure::OutputTooLarge,
        ledger::Failure::Trap => Failure::Trap,
        ledger::Failure::Internal => Failure::Internal,
    }
}
