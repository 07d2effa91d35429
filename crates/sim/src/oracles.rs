//! What must hold, whatever goes wrong.

mod conduct;
mod drawn;
mod evidence;
mod ground;
mod handed;
mod history;
mod money;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use tallystick_chain::ingest::BlockPlace;
use tallystick_chain::view::{EventContext, HouseEvent};
use tallystick_ports::SigningSlot;
use tallystick_protocol::ledger::EvidenceKind;
use tallystick_types::{Attempt, JobId, Receipt, ReceiptClaim, ReceiptDigest, Seat};
use tallystick_wire::worker::Attested;

use crate::chain::Chain;
use crate::event::Pid;
use crate::lies::Character;

pub use conduct::Conduct;
use drawn::Drawn;

pub use evidence::Stop;
pub use ground::{Ground, Undone};
pub use handed::{Counted, Handed};
pub use history::{End as JobEnd, History, Lapse, Returned};
pub use money::Purses;
pub use work::Expected;

/// Everything that is checked while a simulation runs.
#[derive(Debug, Default)]
pub struct Oracles {
    checks: BTreeMap<&'static str, u64>,
    failure: Option<String>,
    /// What each job's tasks lead to on a machine that does not lie.
    expected: BTreeMap<JobId, Expected>,
    /// Nodes that do not follow the protocol, and how.
    pub liars: BTreeMap<Seat, Character>,
    /// Jobs whose clients changed their mind.
    pub cancelled: BTreeSet<JobId>,
    drawn: Drawn,
    history: History,
    /// What was on the chain each time before it went back on what was final, and how far it was.
    former: Vec<(History, u64)>,
    signed: BTreeSet<(Seat, SigningSlot)>,
    claims: BTreeMap<(Seat, JobId, Attempt), ReceiptClaim>,
    asked: BTreeMap<(JobId, Attempt), Seat>,
    shown: BTreeMap<(Pid, JobId, Attempt, Seat), ReceiptDigest>,
    /// How everybody behaves.
    pub(crate) conduct: Conduct,
    /// Whether the chain went back on what was final: from then on it is no witness of that.
    pub finality_broke: bool,
    counted: Counted,
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

    /// A node was said to have lied.
    pub fn accused(&mut self, job: JobId, seat: Seat, kind: EvidenceKind) {
        // Only where a lie won is who did not lie in the minority.
        let outvoted = kind == EvidenceKind::Outvoted && self.any_may_be_wrong(job);
        let fair = self.liars.contains_key(&seat) || outvoted;
        self.check("no honest node is accused", fair, || {
            format!("node {} is accused of {kind:?} in job {job} and never lied", seat.node)
        });
    }

    /// The chain goes on, or on another way: what is new from a height on. True where money moved.
    pub fn follow<'a>(
        &mut self,
        from: u64,
        new: impl Iterator<Item = (&'a EventContext, &'a HouseEvent)>,
    ) -> bool {
        let mut history = std::mem::take(&mut self.history);
        let moved = history.follow(from, new, self);
        self.history = history;
        moved
    }

    /// A coordinator asks a node to sign a receipt; true where another was asked before. A node
    /// signs one for an attempt, so whoever is asked again has to be shown the same.
    pub fn asked_to_sign(&mut self, by: Pid, receipt: &Receipt) -> bool {
        let (job, attempt, primary) = (receipt.job, receipt.attempt, receipt.primary);
        let digest = receipt.digest();
        let first = *self.shown.entry((by, job, attempt, primary)).or_insert(digest);
        let same = first == digest || self.finality_broke;
        self.check("who is asked again for a receipt is shown the same", same, || {
            format!("node {} is asked for a second receipt of job {job}", primary.node)
        });
        let before = self.asked.insert((job, attempt), primary);
        before.is_some_and(|before| before != primary)
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
        let honest = !self.liars.contains_key(&seat);
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
