//! What must hold, whatever goes wrong.

mod conduct;
mod ground;
mod money;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use tallystick_chain::ingest::BlockPlace;
use tallystick_coordinator::machine::Input;
use tallystick_ports::SigningSlot;
use tallystick_protocol::ledger::{ChainFact, Event, EvidenceKind, Finality};
use tallystick_types::{Attempt, JobId, Receipt, ReceiptClaim, Seat};
use tallystick_wire::worker::Attested;

use crate::chain::Chain;

pub use conduct::Conduct;
pub use ground::{Ground, Undone};
pub use money::Purses;
pub use work::Expected;

/// Everything that is checked while a simulation runs.
#[derive(Debug, Default)]
pub struct Oracles {
    checks: BTreeMap<&'static str, u64>,
    failure: Option<String>,
    /// What each job's tasks lead to on a machine that does not lie.
    expected: BTreeMap<JobId, Expected>,
    /// Nodes that do not follow the protocol.
    pub liars: BTreeSet<Seat>,
    /// Whether those who lie can be a quorum of some job.
    pub outnumbered: bool,
    signed: BTreeSet<(Seat, SigningSlot)>,
    claims: BTreeMap<(Seat, JobId, Attempt), ReceiptClaim>,
    asked: BTreeMap<(JobId, Attempt), Seat>,
    /// Coordinators that may have let a lease lapse: they were away, or could not be heard.
    pub away: BTreeSet<Seat>,
    /// How everybody behaves.
    pub(crate) conduct: Conduct,
}

impl Oracles {
    /// Notes a check, and the failure where it fails.
    pub fn check(&mut self, name: &'static str, holds: bool, words: impl FnOnce() -> String) {
        *self.checks.entry(name).or_default() += 1;
        if !holds && self.failure.is_none() {
            self.failure = Some(format!("{name}: {}", words()));
        }
    }

    /// Something happened that must never happen.
    pub fn failed(&mut self, words: &str) {
        self.check("no process meets what cannot be", false, || words.to_owned());
    }

    /// What failed first.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// How often each was checked.
    pub const fn checks(&self) -> &BTreeMap<&'static str, u64> {
        &self.checks
    }

    /// A process acts on a block that it read: the hash must be that of a block of the chain, on
    /// any branch, and the block must state the same time.
    pub fn block_used(&mut self, chain: &Chain, block: &BlockPlace, who: &str) {
        let real = chain.block(block.hash);
        let same = real
            .is_some_and(|real| real.number() == block.number && real.time() == block.time.get());
        self.check("a block that is acted on is one of the chain's", same, || {
            format!("{who} acts on block {} {}, which nobody made", block.number, block.hash)
        });
    }

    /// A coordinator takes an input: what it is told of the chain as final is so.
    pub fn input(&mut self, who: Seat, input: &Input) {
        let Input::Ledger(Event::ChainObserved { job, fact, finality: Finality::Final }) = input
        else {
            return;
        };
        let (job, fact) = (*job, *fact);
        let over = matches!(fact, ChainFact::Settled | ChainFact::Refunded);
        self.check("paid work stops on final evidence alone", over || lost(fact), || {
            format!("coordinator {} stops job {job} because of {fact:?}", who.node)
        });
    }

    /// A node was said to have lied.
    pub fn accused(&mut self, seat: Seat, kind: EvidenceKind) {
        // In the minority may be who errs, or who is outnumbered by liars.
        let fair = self.liars.contains(&seat) || self.outnumbered;
        self.check("no honest node is accused", fair, || {
            format!("node {} is accused of {kind:?} and never lied", seat.node)
        });
    }

    /// A node is asked to sign a receipt; true where another was asked before.
    pub fn asked_to_sign(&mut self, receipt: &Receipt) -> bool {
        let key = (receipt.job, receipt.attempt);
        let before = self.asked.insert(key, receipt.primary);
        before.is_some_and(|before| before != receipt.primary)
    }

    /// A claim arrives signed; true where the node signed another before.
    pub fn attested(&mut self, seat: Seat, attested: &Attested) -> bool {
        let claim = ReceiptClaim {
            job: attested.job,
            attempt: attested.attempt,
            output_root: attested.output_root,
            cost: attested.cost,
        };
        let first = *self.claims.entry((seat, claim.job, claim.attempt)).or_insert(claim);
        let honest = !self.liars.contains(&seat);
        self.check("an honest node signs one claim", first == claim || !honest, || {
            format!("node {} signed two claims of job {}", seat.node, claim.job)
        });
        first != claim
    }

    /// An agent wants something signed; true where it did before.
    pub fn signs(&mut self, seat: Seat, slot: SigningSlot) -> bool {
        !self.signed.insert((seat, slot))
    }
}

const fn lost(fact: ChainFact) -> bool {
    matches!(fact, ChainFact::LeaseLost { .. })
}
