//! A world around a machine: nodes that do what they are told or do not, a chain with one block at
//! a time, a beacon, a clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_primitives::{Address, keccak256};
use ed25519_dalek::{Signer, SigningKey};
use k256::ecdsa::SigningKey as SignerKey;
use tallystick_abi::JobDomain;
use tallystick_protocol::claim::check_claim;
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_protocol::ledger::{CloseReason, Event, JobPhase, NodeProfile, check_invariants};
use tallystick_scheduler::{
    Candidate, Quarantine, Region, Resources, SchedulingParameters, Tier, WorkKind,
};
use tallystick_types::{
    Amount, Attempt, Attestation, BeaconRound, BlobDigest, Canonical, ChainId, EvmSignature,
    IdentityKey, IdentitySignature, JobId, NodeId, OutputDigest, OutputRoot, Ppm, Receipt,
    ReceiptClaim, Salt, Seat, Seed, SliceRange, Trust, Usage, WallTime,
};

use super::super::*;

mod contract;
mod sample;

pub(super) use contract::{OnChain, Standing};
pub(super) use sample::{engine, offer, settings};

pub(super) const CLIENT: Address = Address::repeat_byte(0xc1);
const DOMAIN: JobDomain =
    JobDomain { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(0x77) };

/// How a node behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Honest,
    /// Has another output than everybody else.
    Liar,
    /// Signs two claims.
    TwoClaims,
    /// Does its tasks and uploads nothing.
    Hoarder,
    /// Does its tasks and signs no receipt.
    Shy,
}

#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) seat: Seat,
    pub(super) kind: Kind,
    pub(super) online: bool,
    /// What it was told, in order.
    pub(super) heard: Vec<NodeOrder>,
}

/// Something on its way.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    Order(Seat, NodeOrder),
    Call(JobId, ChainCall),
    Round(BeaconRound),
    Join(JobId, Vec<OutputPart>),
    Say(Box<Input>),
    /// The chain's last word on a job, whatever it is when it arrives.
    Word(JobId),
}

pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) log: Vec<Input>,
    pub(super) rows: Vec<Row>,
    pub(super) wishes: Vec<Wish>,
    pub(super) chain: BTreeMap<JobId, OnChain>,
    pub(super) queue: VecDeque<Parcel>,
    pub(super) workers: BTreeMap<u8, Worker>,
    /// How many calls of each kind the chain still loses.
    pub(super) losses: BTreeMap<ChainCallKind, u32>,
    pub(super) attempts: u8,
    real_keys: bool,
    receipts: BTreeSet<(JobId, Attempt)>,
    pledges: BTreeMap<TaskAssignment, (Pledge, Opening)>,
    round: u64,
}

pub(super) fn job_id(number: u8) -> JobId {
    JobId::new([number; 32])
}

fn identity(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn signer(number: u8) -> SignerKey {
    SignerKey::from_slice(&[number; 32]).unwrap()
}

fn address(key: &SignerKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_raw_public_key(&point.as_bytes()[1..])
}

fn number_of(seat: Seat) -> u8 {
    u8::try_from(seat.node.get()).unwrap()
}

/// Bytes that follow from a thing's canonical form.
fn bytes_of(label: u8, thing: &impl Canonical) -> [u8; 32] {
    keccak256([vec![label], thing.to_bytes()].concat()).0
}

impl World {
    /// So many honest nodes with one place each, whose signatures are real.
    pub(super) fn new(nodes: u8) -> Self {
        Self::with_keys(nodes, true)
    }

    /// As [`Self::new`]; without real keys all signatures are zeros that nobody checks.
    pub(super) fn with_keys(nodes: u8, real_keys: bool) -> Self {
        let mut world = Self {
            machine: Machine::new(settings(), SchedulingParameters::default()),
            log: Vec::new(),
            rows: Vec::new(),
            wishes: Vec::new(),
            chain: BTreeMap::new(),
            queue: VecDeque::new(),
            workers: BTreeMap::new(),
            losses: BTreeMap::new(),
            attempts: 5,
            real_keys,
            receipts: BTreeSet::new(),
            pledges: BTreeMap::new(),
            round: 0,
        };
        let now = WallTime::new(sample::START * 1_000);
        world.step(Input::Ledger(Event::Tick { now }));
        for number in 1..=nodes {
            let signer =
                if real_keys { address(&signer(number)) } else { Address::repeat_byte(number) };
            let seat = Seat { node: NodeId::new(number.into()), signer };
            let worker = Worker { seat, kind: Kind::Honest, online: false, heard: Vec::new() };
            world.workers.insert(number, worker);
            world.join(number, 1);
        }
        world
    }

    pub(super) fn seat(&self, number: u8) -> Seat {
        self.workers[&number].seat
    }

    pub(super) fn now(&self) -> WallTime {
        self.machine.ledger().state().now
    }

    pub(super) fn be(&mut self, number: u8, kind: Kind) {
        self.workers.get_mut(&number).unwrap().kind = kind;
    }

    /// A node connects, and is told all that it is to do.
    pub(super) fn join(&mut self, number: u8, places: u16) {
        let worker = self.workers.get_mut(&number).unwrap();
        worker.online = true;
        let seat = worker.seat;
        let machine =
            Resources { cpu_millicores: 8_000, memory_bytes: 16_000, ..Resources::default() };
        let candidate = Candidate {
            seat,
            online: true,
            capabilities: BTreeMap::from([(WorkKind::Wasm, vec![engine()])]),
            tier: Some(Tier::Two),
            trust: Trust::Vetted,
            stake: Amount::new(1_000),
            capacity: machine,
            free: machine,
            region: Region::new(1),
            load: Ppm::ZERO,
            price: Amount::new(10),
            blobs: BTreeSet::new(),
            quarantine: Quarantine::None,
            paired: BTreeSet::new(),
        };
        self.step(Input::Candidate(Box::new(candidate)));
        let profile = NodeProfile { places, speed: 0 };
        self.step(Input::Ledger(Event::NodeJoined { seat, profile }));
        let orders = self.machine.orders_of(seat);
        self.post(orders);
    }

    pub(super) fn leave(&mut self, number: u8) {
        self.vanish(number);
        let seat = self.seat(number);
        self.step(Input::Ledger(Event::NodeLeft { seat }));
    }

    /// The machine never heard of a node.
    pub(super) fn forget(&mut self, number: u8) {
        self.workers.get_mut(&number).unwrap().online = false;
        self.machine = Machine::new(settings(), SchedulingParameters::default());
        let log: Vec<Input> = std::mem::take(&mut self.log);
        let seat = self.seat(number);
        for input in log {
            let about = match &input {
                Input::Candidate(candidate) => candidate.seat == seat,
                Input::Ledger(Event::NodeJoined { seat: other, .. }) => *other == seat,
                _ => false,
            };
            if !about {
                self.step(input);
            }
        }
    }

    /// A node says nothing any more.
    pub(super) fn vanish(&mut self, number: u8) {
        self.workers.get_mut(&number).unwrap().online = false;
    }

    /// The chain has an open job.
    pub(super) fn offer(&mut self, number: u8, offer: Offer) {
        let (standing, nodes) = (Standing::Open, Vec::new());
        let job = job_id(number);
        self.chain.insert(job, OnChain { offer, standing, attempt: 0, nodes });
        self.queue.push_back(Parcel::Word(job));
    }

    /// An open job that another coordinator took in the meantime.
    pub(super) fn on_chain_elsewhere(&mut self, number: u8, offer: Offer) {
        let job = job_id(number);
        self.step(Input::Offered { job, offer: Box::new(offer.clone()) });
        let (standing, nodes) = (Standing::Refunded, Vec::new());
        self.chain.insert(job, OnChain { offer, standing, attempt: 1, nodes });
        self.attempts = 0;
    }

    pub(super) fn lose(&mut self, kind: ChainCallKind, times: u32) {
        self.losses.insert(kind, times);
    }

    pub(super) fn on_chain(&mut self, number: u8) -> &mut OnChain {
        self.chain.get_mut(&job_id(number)).unwrap()
    }

    /// Applies an input, checks what must hold, and sends off what is wished.
    pub(super) fn step(&mut self, input: Input) -> Vec<Wish> {
        self.log.push(input.clone());
        let stepped = self.machine.step(input);
        check_invariants(self.machine.ledger().state()).unwrap();
        self.check_rows(&stepped.rows);
        self.rows.extend(stepped.rows);
        for wish in &stepped.wishes {
            self.check_wish(wish);
        }
        self.wishes.extend(stepped.wishes.iter().cloned());
        self.post(stepped.wishes.clone());
        stepped.wishes
    }

    fn check_rows(&mut self, rows: &[Row]) {
        for row in rows {
            let Row::JobCompleted(signed) = row else { continue };
            let receipt = &signed.receipt;
            let book = self.machine.book(receipt.job).unwrap();
            let ReceiptStage::Signed { agreed, .. } = &book.receipt else { panic!("{book:?}") };
            assert_eq!(receipt.claim(), agreed.claim, "a receipt says what was agreed on");
            let job = self.machine.ledger().job(receipt.job).unwrap();
            let roots = job.results().map(|result| (result.task, result.output_root));
            let root = tallystick_protocol::commitment::job_output_root(roots).unwrap();
            assert_eq!(receipt.output_root, root, "a receipt has the output of the ledger");
            let new = self.receipts.insert((receipt.job, receipt.attempt));
            assert!(new, "two receipts for one attempt");
            if self.real_keys {
                signed.verify().unwrap();
                tallystick_abi::verify_attestations(receipt).unwrap();
            }
        }
    }

    fn check_wish(&self, wish: &Wish) {
        match wish {
            Wish::ToNode(_, NodeOrder::Cancel(_)) => {}
            Wish::ToNode(seat, order) => {
                let book = self.machine.book(job_of(order)).unwrap();
                assert!(book.has(*seat), "told before the chain shows it: {order:?}");
            }
            Wish::Chain(_, ChainCall::Propose { claim, .. }) => {
                let kept = self.rows.iter().any(|row| {
                    matches!(row, Row::JobCompleted(signed) if signed.receipt.claim() == *claim)
                });
                assert!(kept, "proposed before the receipt is kept");
            }
            _ => {}
        }
    }

    /// Sends off wishes.
    pub(super) fn post(&mut self, wishes: Vec<Wish>) {
        for wish in wishes {
            self.queue.push_back(match wish {
                Wish::ToNode(seat, order) => Parcel::Order(seat, order),
                Wish::Chain(job, call) => Parcel::Call(job, call),
                Wish::AwaitRound(round) => Parcel::Round(round),
                Wish::JoinOutputs { job, parts } => Parcel::Join(job, parts),
                Wish::Report(_) | Wish::Tell(..) => continue,
            });
        }
    }

    fn say(&mut self, input: Input) {
        self.queue.push_back(Parcel::Say(Box::new(input)));
    }

    /// The next thing arrives.
    pub(super) fn deliver(&mut self) -> bool {
        let Some(parcel) = self.queue.pop_front() else { return false };
        self.open(parcel);
        true
    }

    pub(super) fn open(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Order(seat, order) => self.obey(seat, order),
            Parcel::Call(job, call) => self.call(job, &call),
            Parcel::Round(round) => {
                let seed = Seed::new(keccak256(round.get().to_be_bytes()).0);
                self.say(Input::Ledger(Event::SeedKnown { round, seed }));
            }
            Parcel::Join(job, parts) => {
                let output = OutputDigest::new([6; 32]);
                let bytes = parts.iter().map(|part| part.bytes).sum();
                self.say(Input::OutputJoined { job, output, bytes });
            }
            Parcel::Say(input) => {
                self.step(*input);
            }
            Parcel::Word(job) => self.word(job),
        }
    }

    /// A node does what it is told.
    fn obey(&mut self, seat: Seat, order: NodeOrder) {
        let number = number_of(seat);
        let worker = self.workers.get_mut(&number).unwrap();
        if !worker.online {
            return;
        }
        worker.heard.push(order.clone());
        let kind = worker.kind;
        match order {
            NodeOrder::Assign { assignment, .. } => {
                self.say(Input::Ledger(Event::Acknowledged { assignment }));
                let pledge = self.pledge(assignment);
                let signature = if self.real_keys {
                    let signed = identity(number).sign(&pledge.to_bytes());
                    IdentitySignature::new(signed.to_bytes())
                } else {
                    IdentitySignature::new([0; 64])
                };
                self.say(Input::Ledger(Event::Committed { pledge, signature }));
            }
            NodeOrder::Reveal(assignment) => {
                let Some((_, opening)) = self.pledges.get(&assignment).copied() else { return };
                let output = output();
                self.say(Input::Revealed { assignment, opening, output });
            }
            NodeOrder::Output(assignment) if kind != Kind::Hoarder => {
                let TaskAssignment { job, task, .. } = assignment;
                let output_root = self.pledges[&assignment].1.output_root;
                self.say(Input::OutputStored { job, task, output_root, output: output() });
            }
            NodeOrder::Attest { claim, proofs } => {
                if self.real_keys {
                    let quorum = self.chain[&claim.job].offer.rules.quorum;
                    let key = |seat| Some(identity_key(number_of(seat)));
                    check_claim(&claim, quorum.into(), &proofs, key).unwrap();
                }
                self.attest(number, claim);
                if kind == Kind::TwoClaims {
                    let output_root = OutputRoot::new([9; 32]);
                    self.attest(number, ReceiptClaim { output_root, ..claim });
                }
            }
            NodeOrder::Sign(receipt) if kind != Kind::Shy => {
                let receipt = Box::new(receipt.sign(&identity(number)));
                self.say(Input::ReceiptSigned { receipt });
            }
            NodeOrder::Cancel(_) | NodeOrder::Output(_) | NodeOrder::Sign(_) => {}
        }
    }

    /// What a node pledges; the same however often it is asked, and whatever became of it.
    fn pledge(&mut self, assignment: TaskAssignment) -> Pledge {
        let kind = self.workers[&number_of(assignment.seat)].kind;
        let salt = Salt::new(bytes_of(1, &assignment));
        let opening = Opening { output_root: root(assignment.task, kind), salt };
        let commitment = opening.commitment(&assignment);
        self.round += 1;
        let round = BeaconRound::new(self.round);
        let pledge = Pledge { assignment, commitment, round };
        self.pledges.entry(assignment).or_insert((pledge, opening)).0
    }

    pub(super) fn attest(&mut self, number: u8, claim: ReceiptClaim) {
        let signature = if self.real_keys {
            let digest = DOMAIN.claim_digest(&claim);
            let (signature, recovery) =
                signer(number).sign_prehash_recoverable(digest.as_slice()).unwrap();
            let mut bytes = [0; 65];
            bytes[..64].copy_from_slice(&signature.to_bytes());
            bytes[64] = 27 + recovery.to_byte();
            EvmSignature::new(bytes)
        } else {
            EvmSignature::new([0; 65])
        };
        let Seat { node, signer } = self.seat(number);
        let attestation = Attestation { node, signer, signature };
        self.say(Input::Ledger(Event::Attested { claim, attestation }));
    }

    /// Time passes, second by second, and everything arrives.
    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            while self.deliver() {}
            self.tick();
        }
        while self.deliver() {}
    }

    /// A second passes; who is there says so.
    pub(super) fn tick(&mut self) {
        let online = self.workers.values().filter(|worker| worker.online);
        for seat in online.map(|worker| worker.seat).collect::<Vec<_>>() {
            self.step(Input::Ledger(Event::NodeHeartbeat { seat, load: Ppm::ZERO }));
        }
        let now = WallTime::new(self.now().get() + 1_000);
        self.step(Input::Ledger(Event::Tick { now }));
    }

    /// Time passes until something holds. Says for how many seconds.
    pub(super) fn until(&mut self, most: u64, holds: impl Fn(&Self) -> bool) -> u64 {
        for second in 0..=most {
            while self.deliver() {
                if holds(self) {
                    return second;
                }
            }
            if holds(self) {
                return second;
            }
            self.tick();
        }
        let books: Vec<_> = self
            .machine
            .books()
            .map(|(job, book)| (&self.chain[&job], &book.receipt, self.machine.ledger().job(job)))
            .collect();
        panic!("it does not hold after {most} s: {books:?}");
    }

    pub(super) fn is_proposed(&self, number: u8) -> bool {
        self.chain[&job_id(number)].standing == Standing::Proposed
    }

    pub(super) fn ended(&self, number: u8) -> Option<CloseReason> {
        self.machine.ledger().job(job_id(number)).and_then(|job| job.close_reason())
    }

    pub(super) fn is_attesting(&self, number: u8) -> bool {
        let job = self.machine.ledger().job(job_id(number));
        job.is_some_and(|job| matches!(job.phase, JobPhase::Attesting { .. }))
    }

    pub(super) fn book_of(&self, number: u8) -> Option<&Book> {
        self.machine.book(job_id(number))
    }

    pub(super) fn book(&self, number: u8) -> &Book {
        self.machine.book(job_id(number)).unwrap()
    }

    /// Calls of a kind that were wished for.
    pub(super) fn calls(&self, kind: ChainCallKind) -> Vec<&ChainCall> {
        let calls = self.wishes.iter().filter_map(|wish| match wish {
            Wish::Chain(_, call) if call.kind() == kind => Some(call),
            _ => None,
        });
        calls.collect()
    }

    pub(super) fn receipts(&self) -> Vec<&Receipt> {
        let receipts = self.rows.iter().filter_map(|row| match row {
            Row::JobCompleted(signed) => Some(&signed.receipt),
            _ => None,
        });
        receipts.collect()
    }

    /// Nodes in the order in which they got work.
    pub(super) fn worked(&self) -> Vec<u8> {
        let worked = |wish: &Wish| match wish {
            Wish::Tell(_, Told::Assigned(at, _)) => Some(number_of(at.seat)),
            _ => None,
        };
        self.wishes.iter().filter_map(worked).collect()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(&self.machine.state()).unwrap()
    }

    /// The coordinator dies and comes back from its snapshot. What it wished and what was said to
    /// it is lost; calls that left it may still arrive.
    pub(super) fn restart(&mut self) {
        let state = postcard::from_bytes(&self.bytes()).unwrap();
        self.machine = Machine::restore(state);
        self.queue.retain(|parcel| matches!(parcel, Parcel::Call(..)));
        let again = self.machine.outstanding();
        self.post(again);
        let jobs: Vec<JobId> = self.chain.keys().copied().collect();
        self.queue.extend(jobs.into_iter().map(Parcel::Word));
        let online = self.workers.iter().filter(|(_, worker)| worker.online);
        for number in online.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.join(number, 1);
        }
    }

    /// What a machine knows that only reads the log.
    pub(super) fn replayed(&self) -> Vec<u8> {
        let mut machine = Machine::new(settings(), SchedulingParameters::default());
        for input in &self.log {
            let bytes = postcard::to_allocvec(input).unwrap();
            machine.step(postcard::from_bytes(&bytes).unwrap());
        }
        postcard::to_allocvec(&machine.state()).unwrap()
    }
}

fn identity_key(number: u8) -> IdentityKey {
    IdentityKey::new(identity(number).verifying_key().to_bytes())
}

fn root(task: TaskIndex, kind: Kind) -> OutputRoot {
    let number = u8::try_from(task.get()).unwrap();
    OutputRoot::new([if kind == Kind::Liar { 200 } else { 100 } + number; 32])
}

fn output() -> NodeOutput {
    let usage = Usage { work_units: 5, ..Usage::default() };
    NodeOutput { blob: BlobDigest::new([8; 32]), bytes: 10, usage }
}

pub(super) fn job_of(order: &NodeOrder) -> JobId {
    match order {
        NodeOrder::Assign { assignment, .. }
        | NodeOrder::Cancel(assignment)
        | NodeOrder::Reveal(assignment)
        | NodeOrder::Output(assignment) => assignment.job,
        NodeOrder::Attest { claim, .. } => claim.job,
        NodeOrder::Sign(receipt) => receipt.job,
    }
}

/// The whole of a job's slices.
pub(super) const fn whole(slices: u64) -> SliceRange {
    SliceRange { first: 0, count: slices }
}
