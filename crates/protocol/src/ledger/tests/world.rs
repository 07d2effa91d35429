//! A ledger with nodes that say what a test wants them to say.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use tallystick_types::{
    Amount, Attempt, Attestation, BeaconRound, EvmSignature, IdentitySignature, JobId, NodeId,
    OutputRoot, Ppm, Privacy, ReceiptClaim, Salt, Seat, Seed, SpecificationDigest, TaskAttempt,
    TaskIndex, Trust, Verification, WallTime,
};

use super::super::*;
use crate::commitment::{Opening, Pledge, TaskAssignment};

pub(super) const CLIENT: Address = Address::repeat_byte(0xc1);
pub(super) const RIGHT: u8 = 1;
pub(super) const WRONG: u8 = 2;

/// Takes the first node as primary and draws the others by the seed.
pub(super) struct Simple;

impl Selector for Simple {
    fn select(&self, selection: &Selection<'_>) -> Result<Seat, NoNode> {
        let seats: Vec<Seat> = selection.eligible().map(|(seat, _)| seat).collect();
        let place = match selection.role {
            Role::Primary => 0,
            Role::Secondary => usize::from(selection.seed.as_bytes()[0]) % seats.len(),
        };
        Ok(seats[place])
    }
}

/// Says that nobody will ever do.
pub(super) struct Hopeless;

impl Selector for Hopeless {
    fn select(&self, _: &Selection<'_>) -> Result<Seat, NoNode> {
        Err(NoNode::NoneFits)
    }
}

/// Names a node that nobody knows.
pub(super) struct Liar;

impl Selector for Liar {
    fn select(&self, _: &Selection<'_>) -> Result<Seat, NoNode> {
        Ok(seat(99))
    }
}

pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) journal: Vec<Event>,
    pub(super) effects: Vec<Effect>,
    pub(super) keys: BTreeSet<EffectKey>,
    pub(super) round: u64,
}

pub(super) fn seat(number: u8) -> Seat {
    Seat { node: NodeId::new(number.into()), signer: Address::repeat_byte(number) }
}

pub(super) fn job_id(number: u8) -> JobId {
    JobId::new([number; 32])
}

pub(super) fn request(replicas: u8) -> JobRequest {
    JobRequest {
        client: CLIENT,
        specification: SpecificationDigest::new([5; 32]),
        attempt: Attempt::new(1),
        slices: 4,
        slices_per_task: 4,
        work_units_per_slice: 0,
        verification: Verification::Deterministic,
        trust: Trust::Any,
        replicas,
        quorum: replicas / 2 + 1,
        privacy: Privacy::Public,
        queueing: Queueing::Queue,
        price: Amount::new(1_000),
        limits: Limits::for_tasks(),
    }
}

pub(super) fn opening(seat: Seat, root: u8) -> Opening {
    let salt = Salt::new([u8::try_from(seat.node.get()).unwrap(); 32]);
    Opening { output_root: OutputRoot::new([root; 32]), salt }
}

pub(super) fn profile(places: u16) -> NodeProfile {
    NodeProfile { places, speed: 0 }
}

impl World {
    /// A world in which so many nodes with one place each have joined.
    pub(super) fn new(nodes: u8) -> Self {
        let mut world = Self {
            ledger: Ledger::new(Settings::default()),
            journal: Vec::new(),
            effects: Vec::new(),
            keys: BTreeSet::new(),
            round: 100,
        };
        for number in 1..=nodes {
            world.join(number, 1);
        }
        world
    }

    /// A world with one job of one task, number 1.
    pub(super) fn with_job(nodes: u8, request: JobRequest) -> Self {
        let mut world = Self::new(nodes);
        world.submit(1, request).unwrap();
        world
    }

    pub(super) fn step_with(
        &mut self,
        event: Event,
        selector: &dyn Selector,
    ) -> Result<Vec<Effect>, Refusal> {
        self.journal.push(event.clone());
        let mut before = self.ledger.state().clone();
        let result = self.ledger.step(event, selector);
        check_invariants(self.ledger.state()).unwrap();
        match &result {
            Ok(effects) => {
                for effect in effects {
                    assert!(self.keys.insert(effect.key), "twice: {effect:?}");
                }
                self.effects.extend(effects.clone());
            }
            Err(_) => {
                before.next += 1;
                assert_eq!(&before, self.ledger.state(), "a refusal changed the state");
            }
        }
        result
    }

    pub(super) fn step(&mut self, event: Event) -> Result<Vec<Effect>, Refusal> {
        self.step_with(event, &Simple)
    }

    pub(super) fn join(&mut self, number: u8, places: u16) {
        let (seat, profile) = (seat(number), profile(places));
        self.step(Event::NodeJoined { seat, profile }).unwrap();
    }

    pub(super) fn submit(
        &mut self,
        number: u8,
        request: JobRequest,
    ) -> Result<Vec<Effect>, Refusal> {
        self.step(Event::JobSubmitted {
            job: job_id(number),
            request: Box::new(request),
            nodes: Vec::new(),
        })
    }

    /// Time passes and every connected node lives on.
    pub(super) fn pass(&mut self, seconds: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut left = seconds;
        while left > 0 {
            let online = self.ledger.state().nodes.iter().filter(|(_, node)| node.online);
            let seats: Vec<Seat> = online.map(|(seat, _)| seat).collect();
            for seat in seats {
                self.step(Event::NodeHeartbeat { seat, load: Ppm::ZERO }).unwrap();
            }
            let part = left.min(10);
            effects.extend(self.tick(part));
            left -= part;
        }
        effects
    }

    /// Time passes and nobody says anything.
    pub(super) fn tick(&mut self, seconds: u64) -> Vec<Effect> {
        let now = WallTime::new(self.ledger.state().now.get() + seconds * 1_000);
        self.step(Event::Tick { now }).unwrap()
    }

    pub(super) fn job(&self) -> &Job {
        self.ledger.job(job_id(1)).unwrap()
    }

    pub(super) fn task(&self) -> &Task {
        &self.job().tasks[&TaskIndex::new(0)]
    }

    /// The present assignment of the replica at a place of job 1, task 0.
    pub(super) fn at(&self, place: usize) -> TaskAssignment {
        let (job, task) = (self.job(), self.task());
        TaskAssignment {
            job: job.head.id,
            attempt: job.head.attempt,
            task: task.index,
            task_attempt: task.attempt,
            seat: task.replicas[place].seat,
        }
    }

    pub(super) fn acknowledge(&mut self, assignment: TaskAssignment) {
        self.step(Event::Acknowledged { assignment }).unwrap();
    }

    pub(super) fn pledge(&self, assignment: TaskAssignment, root: u8) -> Pledge {
        let commitment = opening(assignment.seat, root).commitment(&assignment);
        Pledge { assignment, commitment, round: BeaconRound::new(self.round) }
    }

    pub(super) fn commit(&mut self, assignment: TaskAssignment, root: u8) -> Vec<Effect> {
        let pledge = self.pledge(assignment, root);
        let signature = IdentitySignature::new([root; 64]);
        self.step(Event::Committed { pledge, signature }).unwrap()
    }

    pub(super) fn reveal(
        &mut self,
        assignment: TaskAssignment,
        root: u8,
    ) -> Result<Vec<Effect>, Refusal> {
        let opening = opening(assignment.seat, root);
        self.step(Event::Revealed { assignment, opening })
    }

    pub(super) fn fail(&mut self, assignment: TaskAssignment, failure: Failure) -> Vec<Effect> {
        self.step(Event::Failed { assignment, failure }).unwrap()
    }

    /// The randomness of the awaited round comes; the next round is another one.
    pub(super) fn seed(&mut self) -> Vec<Effect> {
        let round = BeaconRound::new(self.round);
        self.round += 1;
        self.step(Event::SeedKnown { round, seed: Seed::new([7; 32]) }).unwrap()
    }

    /// All who take part commit to a root each, in order, and are asked to open.
    pub(super) fn commit_all(&mut self, roots: &[u8]) {
        self.commit(self.at(0), roots[0]);
        if roots.len() > 1 {
            self.seed();
        }
        for (place, root) in roots.iter().enumerate().skip(1) {
            self.commit(self.at(place), *root);
        }
    }

    /// All who take part commit and open.
    pub(super) fn finish(&mut self, roots: &[u8]) {
        self.commit_all(roots);
        for (place, root) in roots.iter().enumerate() {
            self.reveal(self.at(place), *root).unwrap();
        }
    }

    pub(super) fn claim(&self) -> ReceiptClaim {
        match &self.job().phase {
            JobPhase::Attesting { claim, .. } => *claim,
            other => panic!("the job is not attesting but {other:?}"),
        }
    }

    pub(super) fn attest(
        &mut self,
        seat: Seat,
        claim: ReceiptClaim,
    ) -> Result<Vec<Effect>, Refusal> {
        let signature = EvmSignature::new([claim.output_root.as_bytes()[0]; 65]);
        let attestation = Attestation { node: seat.node, signer: seat.signer, signature };
        self.step(Event::Attested { claim, attestation })
    }

    pub(super) fn last_end(&self) -> TryEnd {
        self.task().history.last().unwrap().why
    }

    pub(super) fn attempt(&self) -> TaskAttempt {
        self.task().attempt
    }
}

pub(super) fn kinds(effects: &[Effect]) -> Vec<EffectKind> {
    effects.iter().map(|effect| effect.key.kind).collect()
}

pub(super) fn is_pending(task: &Task) -> bool {
    matches!(task.state, TaskState::Pending { .. })
}

pub(super) fn is_verified(task: &Task) -> bool {
    matches!(task.state, TaskState::Verified { .. })
}

pub(super) fn is_dead(task: &Task) -> bool {
    matches!(task.state, TaskState::DeadLetter { .. })
}
