use proptest::prelude::*;
use tallystick_types::JobState;

use super::*;

/// What a test does next: a kind and two numbers that fill in the rest.
type Step = (u8, u8, u8);

/// An event that may well come next in this view; some of them cannot, and must be refused.
fn plausible(view: &HouseView, kind: u8, choice: u8) -> HouseEvent {
    if kind.is_multiple_of(4) {
        let node = NodeId::new(u64::from(choice % 4) + 1);
        return HouseEvent::Node(node, node_event(view, node, choice / 4));
    }
    if kind % 16 == 1 {
        let (token, allowed) = (Address::repeat_byte(choice), choice.is_multiple_of(2));
        let parameters = allowed.then(parameters);
        return HouseEvent::Network(NetworkEvent::JobParametersAdopted { token, parameters });
    }
    let job = id(kind % 3);
    let event = match view.job(job) {
        None => created(if choice.is_multiple_of(2) { order() } else { order_by_time() }),
        Some(job) => job_event(job, choice),
    };
    HouseEvent::Job(job, event)
}

fn node_event(view: &HouseView, node: NodeId, choice: u8) -> NodeEvent {
    let amount = Amount::new(u128::from(choice) * 300);
    if view.node(node).is_none() {
        let (operator, signer) = (Address::repeat_byte(0x0e), seat(node.get()).signer);
        return NodeEvent::Registered { operator, signer, profile: profile() };
    }
    match choice % 8 {
        0 | 1 => NodeEvent::StakeRewarded { amount },
        2 => NodeEvent::StakeSlashed { amount },
        3 => NodeEvent::UnstakeRequested { amount },
        4 => NodeEvent::StakeDeposited { amount },
        5 => NodeEvent::StakeActivated { amount },
        6 => NodeEvent::SignerRotated { signer: Address::repeat_byte(choice) },
        _ => NodeEvent::StatusChanged { status: NodeStatus::Active },
    }
}

fn job_event(job: &JobView, choice: u8) -> JobEvent {
    let attempt = job.attempt;
    let refunded = JobEvent::Refunded { returned: Amount::new(1) };
    let ends = [reopened(attempt.get()), settled(), refunded.clone()];
    let end = ends[usize::from(choice / 8) % 3].clone();
    let started = [
        JobEvent::NodeSeized { attempt, seat: seat(2 + u64::from(choice % 2)) },
        JobEvent::Enlisted { attempt, nodes: vec![seat(4)] },
        JobEvent::Heartbeat { attempt, deadline: time(u64::from(choice)) },
        JobEvent::ToppedUp { total: Amount::new(u128::from(choice)) },
        proposed(attempt.get()),
        proposed(attempt.get()),
        end.clone(),
    ];
    match job.state {
        JobState::Open if choice.is_multiple_of(8) => refunded,
        JobState::Open => assigned(attempt.get().saturating_add(1)),
        JobState::Assigned => started[usize::from(choice) % 7].clone(),
        JobState::Proposed if choice.is_multiple_of(3) => end,
        JobState::Proposed => challenged(),
        JobState::Challenged if choice.is_multiple_of(2) => {
            JobEvent::Resolved { upheld: false, liars: 0b01 }
        }
        JobState::Challenged => end,
        _ => started[0].clone(),
    }
}

fn folded<'a>(events: impl IntoIterator<Item = &'a (EventContext, HouseEvent)>) -> HouseView {
    let mut view = HouseView::default();
    for (at, event) in events {
        view.apply(at, event).unwrap();
    }
    view
}

/// Every job is listed under its state, and every lock belongs to a job that lives.
fn assert_consistent(view: &HouseView) {
    let states = [1, 2, 3, 4, 5, 6].map(|code| JobState::from_code(code).unwrap());
    let listed: usize = states.iter().map(|state| view.jobs_in(*state).count()).sum();
    assert_eq!(listed, view.jobs().count());
    for node in view.nodes() {
        let mut locks = 0_u128;
        for job in view.jobs().filter(|job| !job.state.is_final()) {
            let Some(assignment) = &job.assignment else { continue };
            let workers = assignment.nodes.iter().enumerate();
            let holding = workers
                .filter(|(place, seat)| seat.node == node.id && job.seized >> place & 1 == 0)
                .count();
            let leads = usize::from(assignment.coordinator.node == node.id);
            locks += u128::try_from(holding + leads).unwrap() * LOCK;
        }
        assert_eq!(node.stake.locked.get(), locks);
    }
}

/// The chain as the steps make it: the events that survive, beside the view under test.
#[derive(Default)]
struct Model {
    layered: LayeredView,
    survivors: Vec<(EventContext, HouseEvent)>,
    final_block: u64,
    tip: u64,
    in_tip: u64,
    fork: u8,
}

impl Model {
    fn take(&mut self, (kind, one, other): Step) {
        match kind % 8 {
            0 => self.roll_back(one % 4),
            1 => self.finalise(one % 4),
            _ => self.observe(one, other),
        }
    }

    fn observe(&mut self, one: u8, other: u8) {
        if self.in_tip == 0 || one.is_multiple_of(2) {
            (self.tip, self.in_tip) = (self.tip + 1, 0);
        }
        let event = plausible(self.layered.latest(), one / 2, other);
        let block = block(self.tip, self.fork);
        let context =
            EventContext { block, tx: B256::repeat_byte(self.fork), log_index: self.in_tip };
        self.in_tip += 1;
        let before = self.layered.latest().clone();
        match self.layered.observe(context, event.clone()) {
            Ok(()) => self.survivors.push((context, event)),
            Err(_) => assert_eq!(self.layered.latest(), &before),
        }
    }

    fn roll_back(&mut self, depth: u8) {
        let to_block = self.tip.saturating_sub(depth.into());
        let outcome = self.layered.roll_back(to_block);
        if to_block < self.final_block {
            let final_block = self.final_block;
            assert_eq!(outcome, Err(RollBackError { final_block, to_block }));
            return;
        }
        outcome.unwrap();
        self.survivors.retain(|(at, _)| at.block.number <= to_block);
        // What follows is in blocks of another fork.
        (self.tip, self.in_tip, self.fork) = (to_block, 0, self.fork.wrapping_add(1));
    }

    fn finalise(&mut self, depth: u8) {
        let block = self.tip.saturating_sub(depth.into());
        self.layered.finalise(block);
        self.final_block = self.final_block.max(block);
        self.in_tip = 0;
    }

    fn assert_folded_freshly(&self) {
        let is_final = |event: &&(EventContext, _)| event.0.block.number <= self.final_block;
        assert_eq!(self.layered.latest(), &folded(&self.survivors));
        let last = folded(self.survivors.iter().filter(is_final));
        assert_eq!(self.layered.final_(), &last);
        assert_consistent(self.layered.latest());
        assert_consistent(self.layered.final_());
    }
}

proptest! {
    #[test]
    fn any_observed_history_equals_its_survivors_folded_freshly(
        steps in proptest::collection::vec(any::<Step>(), 1..120)
    ) {
        let mut model = Model::default();
        for step in steps {
            model.take(step);
            model.assert_folded_freshly();
        }
    }
}

#[test]
fn a_reorganisation_takes_the_assignment_back_and_the_next_one_counts() {
    let mut layered = LayeredView::default();
    let observe = |layered: &mut LayeredView, number, fork, event| {
        let context = EventContext { block: block(number, fork), ..at(number, 0) };
        layered.observe(context, event)
    };
    let open = created({
        let mut order = order();
        order.terms.rules.trust = Trust::Any;
        order
    });
    observe(&mut layered, 1, 0, HouseEvent::Job(id(1), open)).unwrap();
    layered.finalise(1);
    observe(&mut layered, 2, 0, HouseEvent::Job(id(1), assigned(1))).unwrap();
    observe(&mut layered, 3, 0, HouseEvent::Job(id(1), proposed(1))).unwrap();
    assert_eq!(layered.final_().job(id(1)).unwrap().state, JobState::Open);

    layered.roll_back(1).unwrap();
    assert_eq!(layered.latest(), layered.final_());
    observe(&mut layered, 2, 1, HouseEvent::Job(id(1), assigned(1))).unwrap();
    let job = layered.latest().job(id(1)).unwrap();
    assert_eq!((job.state, job.assigned_in), (JobState::Assigned, Some(block(2, 1))));

    let late = HouseEvent::Job(id(1), proposed(1));
    let refused = observe(&mut layered, 1, 0, late);
    assert_eq!(refused, Err(FoldError::Final { block: 1, final_block: 1 }));
    let refused = layered.roll_back(0);
    assert_eq!(refused, Err(RollBackError { final_block: 1, to_block: 0 }));
}
