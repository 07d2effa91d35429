//! How processes behave towards each other, the chain and their disks.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, keccak256};
use tallystick_chain::view::{HouseView, JobEvent};
use tallystick_coordinator::machine::Input;
use tallystick_ports::SigningSlot;
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_protocol::ledger::{
    ChainFact, Event, Finality, Ledger, Settlement, Stage, TaskState, check_invariants_of,
};
use tallystick_types::{
    Amount, BlobDigest, ChainTime, Commitment, JobId, JobState, ReceiptClaim, ReceiptDigest, Seat,
    TaskIndex, Verification,
};

use super::Oracles;
use crate::chain::{Chain, Signed};
use crate::event::Pid;

/// What was said and done so far.
#[derive(Debug, Default)]
pub struct Conduct {
    /// What each nonce of an account was used for.
    nonces: BTreeMap<(Address, u64), B256>,
    commitments: BTreeMap<TaskAssignment, Commitment>,
    asked_to_open: BTreeSet<TaskAssignment>,
    asked_to_sign: BTreeMap<(Seat, SigningSlot), B256>,
    receipts: BTreeMap<(Seat, ReceiptDigest), SigningSlot>,
    signed_receipts: BTreeMap<(Seat, SigningSlot), ReceiptDigest>,
    cancelled: BTreeSet<(Pid, JobId)>,
    reported: BTreeSet<(Pid, JobId, Seat)>,
    acknowledged: BTreeSet<(Pid, BlobDigest)>,
    leases: BTreeMap<JobId, ChainTime>,
    /// Whether chain, endpoints and disks are well from the beginning to the end.
    pub(crate) is_calm: bool,
    /// Whether nobody lies and nothing but lines and machines fails.
    pub(crate) is_fair: bool,
    /// Whether a process was away.
    pub(crate) was_away: bool,
    /// Jobs of which nothing can come by the will of their client.
    hopeless: BTreeSet<JobId>,
    /// How often ledgers were looked at.
    looks: u64,
}

/// One look in so many is at jobs as well that are over.
const WHOLE_LOOK: u64 = 16;

impl Oracles {
    /// A transaction leaves a machine. `is_kept`: the disk has its bytes.
    pub fn transaction_sent(&mut self, signed: Option<&Signed>, is_kept: bool, who: &str) {
        self.check("what leaves a machine is on its disk", is_kept, || {
            format!("{who} sends a transaction that a crash would make it forget")
        });
        let Some(signed) = signed else { return };
        // A transaction to oneself uses a nonce up in place of another.
        if signed.to.to() == Some(&signed.from) {
            return;
        }
        let what = [signed.to.to().map_or(&[][..], |to| to.as_slice()), &signed.data].concat();
        let what = keccak256(what);
        let key = (signed.from, signed.nonce);
        let first = *self.conduct.nonces.entry(key).or_insert(what);
        self.check("a nonce belongs to one wish", first == what, || {
            format!("{who} uses nonce {} for another wish", signed.nonce)
        });
    }

    /// A wish is handed in. `is_open`: the same call is wished for under another name.
    pub fn wished(&mut self, is_open: bool, purpose: &str, who: &str) {
        self.check("one call is wished for under one name at a time", !is_open, || {
            format!("{who} wishes to {purpose} and did already, under another name")
        });
    }

    /// A coordinator is told by which randomness to draw.
    pub fn seed_used(&mut self, chain: &Chain, input: &Input) {
        let Input::Ledger(Event::SeedKnown { round, seed }) = input else { return };
        let block = chain.block_at(chain.head(), round.get());
        let hash = block.map(|block| B256::from(*seed.as_bytes()) == block.hash());
        let is_final = round.get() <= chain.final_number();
        self.check("draws follow from final blocks", is_final && hash == Some(true), || {
            format!("the draw of round {round} is known though its block is not final")
        });
    }

    /// A process takes blocks up to a height for final.
    pub fn final_believed(&mut self, believed: u64, last: u64, who: &str) {
        self.check("a block that counts as final is final", believed <= last, || {
            format!("{who} takes block {believed} for final, and {last} is the last one")
        });
    }

    /// A coordinator is told that a job is over for good. `state`: what the final block says.
    pub fn end_believed(&mut self, job: JobId, state: Option<u8>) {
        let over = [JobState::Settled, JobState::Refunded, JobState::Closed].map(JobState::code);
        let holds = state.is_none_or(|state| over.contains(&state));
        self.check("what is taken as final is final", holds, || {
            format!("job {job} is taken as over, and finally it is in state {state:?}")
        });
    }

    /// The job that an input says is over for good.
    pub const fn end_in(input: &Input) -> Option<JobId> {
        match input {
            Input::Ledger(Event::ChainObserved {
                job,
                fact: ChainFact::Settled | ChainFact::Refunded,
                finality: Finality::Final,
            }) => Some(*job),
            _ => None,
        }
    }

    /// A coordinator asks a node to open.
    pub fn asked_to_open(&mut self, assignment: TaskAssignment) {
        self.conduct.asked_to_open.insert(assignment);
    }

    /// An agent wants a word signed, of which there is one for each slot.
    pub fn wants_signed(&mut self, seat: Seat, slot: SigningSlot, word: B256) {
        if self.liars.contains_key(&seat) {
            return;
        }
        let first = *self.conduct.asked_to_sign.entry((seat, slot)).or_insert(word);
        self.check("an honest node has one word for each question", first == word, || {
            format!("node {} changes its mind on {slot:?}", seat.node)
        });
    }

    /// An agent wants a receipt signed; it may be refused.
    pub fn wants_receipt(&mut self, seat: Seat, slot: SigningSlot, receipt: ReceiptDigest) {
        self.conduct.receipts.insert((seat, receipt), slot);
    }

    /// An agent hands a signed receipt over.
    pub fn receipt_signed(&mut self, seat: Seat, receipt: ReceiptDigest) {
        let Some(slot) = self.conduct.receipts.get(&(seat, receipt)).copied() else { return };
        let first = *self.conduct.signed_receipts.entry((seat, slot)).or_insert(receipt);
        let holds = first == receipt || self.liars.contains_key(&seat);
        self.check("an honest node signs one receipt", holds, || {
            format!("node {} signed two receipts of {slot:?}", seat.node)
        });
    }

    /// A node says something that it signed. `is_kept`: its disk has the signature.
    pub fn signature_leaves(&mut self, seat: Seat, is_kept: bool) {
        let holds = is_kept || self.liars.contains_key(&seat);
        self.check("what leaves a machine is on its disk", holds, || {
            format!("node {} hands a signature out that a crash would make it forget", seat.node)
        });
    }

    /// A node commits.
    pub fn committed(&mut self, pledge: &Pledge) {
        self.conduct.commitments.insert(pledge.assignment, pledge.commitment);
    }

    /// A node opens.
    pub fn opened(&mut self, assignment: TaskAssignment, opening: &Opening) {
        if self.liars.contains_key(&assignment.seat) {
            return;
        }
        let node = assignment.seat.node;
        let asked = self.conduct.asked_to_open.contains(&assignment);
        self.check("a node opens when it is asked to", asked, || {
            format!("node {node} opens {assignment:?} unasked")
        });
        let bound = self.conduct.commitments.get(&assignment).copied();
        let same = bound == Some(opening.commitment(&assignment));
        self.check("an honest node opens what it committed to", same, || {
            format!("node {node} opens something else for {assignment:?}")
        });
    }

    /// A node was asked for an output. `answers`: it hands it over, or says why it does not.
    pub fn asked_for_output(&mut self, seat: Seat, wanted: TaskAssignment, answers: bool) {
        self.check("who is asked for an output hands it over or says why not", answers, || {
            let (node, task, job) = (seat.node, wanted.task, wanted.job);
            format!("node {node} is silent about task {task} of job {job}")
        });
    }

    /// The draws of a coordinator: the one for which nothing is missing and that is not made.
    pub fn undrawn(&mut self, late: Option<(JobId, TaskIndex)>, who: &str) {
        self.check("a draw is made once its randomness is final", late.is_none(), || {
            format!("{who} does not draw for {late:?}")
        });
    }

    /// A coordinator tells that a job is cancelled.
    pub fn cancelled(&mut self, by: Pid, job: JobId) {
        self.conduct.cancelled.insert((by, job));
        self.conduct.hopeless.insert(job);
    }

    /// Nothing has to come of a job.
    pub fn hopeless(&mut self, job: JobId) {
        self.conduct.hopeless.insert(job);
    }

    /// A coordinator wants a lease.
    pub fn takes(&mut self, by: Pid, job: JobId) {
        let holds = !self.conduct.cancelled.contains(&(by, job));
        self.check("a cancelled job is not taken again", holds, || {
            format!("job {job} was cancelled and is taken again")
        });
    }

    /// A coordinator has evidence for the chain.
    pub fn reported(&mut self, by: Pid, job: JobId, seat: Seat) {
        self.conduct.reported.insert((by, job, seat));
    }

    /// A coordinator starts again: the evidence that it had must be there.
    pub fn check_evidence(&mut self, by: Pid, is_there: impl Fn(JobId, Seat) -> bool) {
        let mut had = self.conduct.reported.iter().filter(|(of, ..)| *of == by);
        let gone = had.find(|(_, job, seat)| !is_there(*job, *seat)).copied();
        self.check("evidence survives", gone.is_none(), || {
            format!("evidence {gone:?} was there before the restart")
        });
    }

    /// A machine said that it has a blob.
    pub fn acknowledged(&mut self, by: Pid, blob: BlobDigest) {
        self.conduct.acknowledged.insert((by, blob));
    }

    /// A machine starts again: what it acknowledged must be there.
    pub fn check_acknowledged(&mut self, by: Pid, is_there: impl Fn(BlobDigest) -> bool) {
        let blobs = self.conduct.acknowledged.range((by, BlobDigest::new([0; 32]))..);
        let mut blobs = blobs.take_while(|(of, _)| *of == by).map(|(_, blob)| *blob);
        let gone = blobs.find(|blob| !is_there(*blob));
        self.check("what was acknowledged survives", gone.is_none(), || {
            format!("blob {gone:?} was acknowledged and is gone")
        });
    }

    /// A ledger is what a ledger may be, and who was outvoted is out.
    pub fn check_ledger(&mut self, ledger: &Ledger, who: &str) {
        let state = ledger.state();
        // Nothing happens to a job any more whose money went.
        self.conduct.looks = self.conduct.looks.wrapping_add(1);
        let all = self.conduct.looks.is_multiple_of(WHOLE_LOOK);
        let checked = check_invariants_of(state, |job| all || job.settlement == Settlement::Open);
        self.check("the ledger's rules hold", checked.is_ok(), || format!("{who}: {checked:?}"));
        let strict = state
            .jobs
            .values()
            .filter(|job| job.head.request.verification == Verification::Deterministic);
        let free = strict.flat_map(|job| job.tasks.values()).find_map(|task| {
            let TaskState::Verified { output_root, .. } = &task.state else { return None };
            let outvoted = task.replicas.iter().filter(|replica| {
                matches!(&replica.stage, Stage::Revealed { opening }
                    if opening.output_root != *output_root)
            });
            let mut known = outvoted.filter_map(|it| Some((it.seat, state.nodes.get(it.seat)?)));
            known.find(|(_, node)| !node.quarantined).map(|(seat, _)| seat)
        });
        self.check("who was outvoted gets no more work", free.is_none(), || {
            format!("{who} still trusts node {:?}", free.map(|seat| seat.node))
        });
    }

    /// A coordinator took a signed claim in: where it has another of that node, it has noticed.
    pub fn claim_taken(&mut self, ledger: &Ledger, claim: &ReceiptClaim, seat: Seat, who: &str) {
        let job = ledger.job(claim.job);
        let known = job.and_then(|job| job.claims.get(&(claim.attempt, seat)));
        let noticed =
            known.is_none_or(|it| it.contradicted || it.claim.output_root == claim.output_root);
        self.check("who signs two claims is convicted", noticed, || {
            format!("{who} lets node {} sign two claims of job {}", seat.node, claim.job)
        });
    }

    /// What the chain says of leases, block after block.
    pub fn follow_leases(&mut self, events: &[(JobId, JobEvent)], time: u64) {
        for (job, event) in events {
            match event {
                JobEvent::Assigned { deadline, .. } | JobEvent::Heartbeat { deadline, .. } => {
                    self.conduct.leases.insert(*job, *deadline);
                }
                JobEvent::Reopened { .. } => {
                    let Some(deadline) = self.conduct.leases.remove(job) else { continue };
                    let well = self.conduct.is_calm && !self.conduct.was_away;
                    let lapsed = time >= deadline.get();
                    self.check("no lease lapses while all is well", !(well && lapsed), || {
                        format!("the lease of job {job} lapsed at {time}")
                    });
                }
                JobEvent::Enlisted { .. } => {}
                _ => {
                    self.conduct.leases.remove(job);
                }
            }
        }
    }

    /// What a settled job cost.
    pub fn check_price(&mut self, job: JobId, paid: Amount, price: Option<Amount>) {
        self.check("a result costs what was agreed on", Some(paid) == price, || {
            format!("job {job} was settled for {paid} instead of {price:?}")
        });
    }

    /// Nothing moves any more: what was promised has come about.
    pub fn check_ends(&mut self, view: &HouseView) {
        if !self.conduct.is_fair {
            return;
        }
        let hopeless = std::mem::take(&mut self.conduct.hopeless);
        for job in view.jobs().filter(|job| !hopeless.contains(&job.id)) {
            let (id, state) = (job.id, job.state);
            let is_paid = state == JobState::Settled;
            self.check("a job is done where nothing stands against it", is_paid, || {
                format!("job {id} ended as {state:?}")
            });
        }
    }
}
