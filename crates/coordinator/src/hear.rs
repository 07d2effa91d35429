//! What the words of a node mean for the machine.

use tallystick_abi::{JobDomain, signer_of};
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_protocol::ledger::{Event, Failure};
use tallystick_types::{
    Attestation, IdentityKey, ReceiptClaim, Seat, Seconds, SignedReceipt, Usage,
};
use tallystick_wire::worker::{
    AgentBody, Assignment, Attested, ReceiptSigned, SignOutcome, SignSubject, SignVerdict,
    TaskCommit, TaskReveal,
};

use crate::machine::{Input, Machine, NodeOutput, ReceiptStage};
use crate::orders;

/// A node that was admitted, and the moment at which it speaks.
#[derive(Clone, Copy, Debug)]
pub struct Speaker {
    /// Its seat.
    pub seat: Seat,
    /// Its identity key.
    pub identity: IdentityKey,
    /// The network for which it signs.
    pub domain: JobDomain,
    /// The newest block that the coordinator knows.
    pub head: u64,
}

/// What a message means.
pub enum Heard {
    /// This.
    Input(Box<Input>),
    /// What the machine makes of it.
    Ask(Question),
}

/// Looks at the machine; nothing where the message means nothing to it.
pub type Question = Box<dyn FnOnce(&Machine) -> Option<Input> + Send>;

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(input) => f.debug_tuple("Input").field(input).finish(),
            Self::Ask(_) => f.write_str("Ask"),
        }
    }
}

impl Speaker {
    /// What a message of an admitted node means. Messages that name another seat, or that its key
    /// did not sign, mean nothing.
    pub fn says(&self, body: AgentBody) -> Option<Heard> {
        let seat = self.seat;
        let event = match body {
            AgentBody::Heartbeat(beat) => Event::NodeHeartbeat { seat, load: beat.load_ppm },
            AgentBody::TaskAck(ack) => {
                Event::Acknowledged { assignment: self.own(&ack.assignment)? }
            }
            AgentBody::TaskProgress(progress) => Event::Progressed {
                assignment: self.own(&progress.assignment)?,
                done: progress.done_ppm,
            },
            AgentBody::TaskCommit(commit) => return self.committed(&commit),
            AgentBody::TaskReveal(reveal) => {
                return self.revealed(&reveal).map(|input| Heard::Input(Box::new(input)));
            }
            AgentBody::TaskFailed(failed) => {
                let assignment = self.own(&failed.assignment)?;
                tracing::info!(job = %assignment.job, node = %seat.node, failure = ?failed.failure,
                    detail = failed.detail.as_str(), "task.failed");
                Event::Failed { assignment, failure: orders::failure(failed.failure) }
            }
            AgentBody::Attested(attested) => self.attested(&attested)?,
            AgentBody::ReceiptSigned(signed) => return Some(self.signed(signed)),
            AgentBody::AttestRefused(refused) => {
                tracing::warn!(job = %refused.job, node = %seat.node, reason = ?refused.reason,
                    detail = refused.detail.as_str(), "attest.refused");
                return None;
            }
            AgentBody::ReceiptRefused(refused) => {
                tracing::warn!(job = %refused.job, node = %seat.node, reason = ?refused.reason,
                    detail = refused.detail.as_str(), "receipt.refused");
                return None;
            }
            AgentBody::Hello(_)
            | AgentBody::Proof(_)
            | AgentBody::Profile(_)
            | AgentBody::Leaving(_) => return None,
        };
        Some(Heard::Input(Box::new(Input::Ledger(event))))
    }

    /// The assignment, where it is the speaker's own.
    fn own(&self, assignment: &Assignment) -> Option<TaskAssignment> {
        (assignment.seat == self.seat).then(|| orders::known(assignment))
    }

    /// A primary whose commitment names a block that is there already could have chosen its draw:
    /// it has failed.
    fn committed(&self, commit: &TaskCommit) -> Option<Heard> {
        let assignment = self.own(&commit.assignment)?;
        let (commitment, round) = (commit.commitment, commit.round);
        let pledge = Pledge { assignment, commitment, round };
        let signature = commit.signature;
        if !pledge.is_signed_by(self.identity, &signature) {
            return None;
        }
        let event = Event::Committed { pledge, signature };
        if round.get() > self.head {
            return Some(Heard::Input(Box::new(Input::Ledger(event))));
        }
        Some(Heard::Ask(Box::new(move |machine| {
            let task = machine.ledger().job(assignment.job)?.tasks.get(&assignment.task)?;
            let is_primary = task.replicas.first()?.seat == assignment.seat;
            let failed = Event::Failed { assignment, failure: Failure::Refused };
            Some(Input::Ledger(if is_primary { failed } else { event }))
        })))
    }

    fn revealed(&self, reveal: &TaskReveal) -> Option<Input> {
        let assignment = self.own(&reveal.assignment)?;
        let opening = Opening { output_root: reveal.output_root, salt: reveal.salt };
        let usage = Usage {
            work_units: reveal.usage.work_units,
            running: Seconds::new(0),
            memory_bytes: reveal.usage.memory_bytes,
            bytes_in: reveal.usage.bytes_in,
            bytes_out: reveal.usage.bytes_out,
        };
        let output = NodeOutput { blob: reveal.output_blob, bytes: reveal.output_bytes, usage };
        Some(Input::Revealed { assignment, opening, output })
    }

    fn attested(&self, attested: &Attested) -> Option<Event> {
        let claim = ReceiptClaim {
            job: attested.job,
            attempt: attested.attempt,
            output_root: attested.output_root,
            cost: attested.cost,
        };
        let (seat, signature) = (self.seat, attested.signature);
        let signer = signer_of(self.domain.claim_digest(&claim), &signature).ok()?;
        let attestation = Attestation { node: seat.node, signer: seat.signer, signature };
        (signer == seat.signer).then_some(Event::Attested { claim, attestation })
    }

    /// A signature under the receipt that the node was shown.
    fn signed(&self, signed: ReceiptSigned) -> Heard {
        let Self { seat, identity, .. } = *self;
        Heard::Ask(Box::new(move |machine| {
            let ReceiptStage::Signing { receipt, .. } = &machine.book(signed.job)?.receipt else {
                return None;
            };
            if receipt.digest() != signed.receipt {
                return None;
            }
            let (receipt, signature) = ((**receipt).clone(), signed.identity_signature);
            let receipt = SignedReceipt { receipt, identity, signature };
            match receipt.verify() {
                Ok(()) => Some(Input::ReceiptSigned { receipt: Box::new(receipt) }),
                Err(error) => {
                    let (job, node) = (signed.job, seat.node);
                    tracing::warn!(%job, %node, %error, "receipt.signature.bad");
                    None
                }
            }
        }))
    }
}

/// What a node is told once its signature is kept.
pub fn signed_of(body: &AgentBody) -> Option<SignOutcome> {
    let verdict = SignVerdict::Accepted;
    match body {
        AgentBody::Attested(it) => {
            let (job, attempt, subject) = (it.job, it.attempt, SignSubject::Claim);
            Some(SignOutcome { job, attempt, subject, verdict })
        }
        _ => None,
    }
}
