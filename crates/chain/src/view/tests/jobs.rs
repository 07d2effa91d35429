use tallystick_abi::{Assignment, Job, JobDomain, commitment, contracts};
use tallystick_types::{ChainAnchor, ChainId, JobState};

use super::*;

/// The commitment as `JobCodec` makes it, from parts that the test states.
fn committed(assignment: Option<&Assignment>, rest: B256) -> Option<B256> {
    let job = Job::of(&order(), parameters()).to_contract().unwrap();
    let assigned = assignment.map_or(B256::ZERO, |assignment| {
        commitment::assignment_hash(&contracts::Assignment::from(assignment))
    });
    Some(commitment::commitment(id(1), commitment::job_hash(&job), assigned, rest))
}

#[test]
fn a_job_goes_from_order_to_payment() {
    let mut told = Told::with_nodes();
    let job = told.job(created(order()));
    assert_eq!((job.state, job.attempt.get(), job.deadline), (JobState::Open, 0, time(600)));
    assert_eq!(job.job(), Job::of(&order(), parameters()));
    assert_eq!(job.commitment(), committed(None, B256::ZERO));
    let uri = "https://client.example/specification".to_owned();
    let job = told.job(JobEvent::Specification { uri: uri.clone() });
    assert_eq!(job.specification_uri, Some(uri));

    let job = told.job(assigned(1));
    let block = job.assigned_in.unwrap();
    let (started_at, coordinator) = (block.time, seat(1));
    let mut assignment = Assignment { started_at, coordinator, nodes: vec![seat(2), seat(3)] };
    assert_eq!((job.state, job.attempt.get(), job.deadline), (JobState::Assigned, 1, time(200)));
    assert_eq!(job.assignment.as_ref(), Some(&assignment));
    assert_eq!(job.commitment(), committed(Some(&assignment), B256::ZERO));
    let domain = JobDomain { chain: ChainId::new(5), job_manager: Address::repeat_byte(9) };
    let anchor = ChainAnchor {
        chain: domain.chain,
        contract: domain.job_manager,
        block: block.number,
        block_hash: block.hash,
        block_time: block.time,
    };
    assert_eq!(job.anchor(&domain), Some(anchor));
    assert_eq!((job.quorum(), told.locks()), (2, [LOCK, LOCK, LOCK, 0]));

    let attempt = Attempt::new(1);
    let job = told.job(JobEvent::Enlisted { attempt, nodes: vec![seat(4)] });
    assignment.nodes.push(seat(4));
    assert_eq!(job.assignment.as_ref(), Some(&assignment));
    assert_eq!(job.commitment(), committed(Some(&assignment), B256::ZERO));
    assert_eq!(job.index_of(seat(4)), Some(2));
    let job = told.job(JobEvent::Heartbeat { attempt, deadline: time(320) });
    assert_eq!((job.deadline, job.meter), (time(320), Meter::default()));
    assert_eq!(told.locks(), [LOCK; 4]);

    let job = told.job(proposed(1));
    assert_eq!((job.state, job.deadline), (JobState::Proposed, time(300)));
    let rest = commitment::rest_hash(&proposal(0b11).to_contract(), Address::ZERO);
    assert_eq!(job.commitment(), committed(Some(&assignment), rest));

    let job = told.job(settled());
    let (output_root, paid, settler) = (output(0x77), Amount::new(800), Address::repeat_byte(0x5e));
    assert_eq!(job.outcome, Some(Outcome::Settled { output_root, paid, settler }));
    assert_eq!((job.state, job.deadline), (JobState::Settled, ChainTime::ZERO));
    assert_eq!(job.commitment(), committed(Some(&assignment), rest));
    assert_eq!(told.locks(), [0; 4]);
}

#[test]
fn a_result_that_its_quorum_settles_at_once_has_no_known_signers() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    told.job(assigned(1));
    let job = told.job(settled());
    assert_eq!((job.state, job.commitment()), (JobState::Settled, None));
    let rest = commitment::rest_hash(&proposal(0b11).to_contract(), Address::ZERO);
    assert_eq!(job.attested_by(0b11).rest(), Some(rest));
    assert_eq!(job.attested_by(0b11).commitment(), committed(job.assignment.as_ref(), rest));
}

#[test]
fn a_lapsed_attempt_leaves_nothing_and_the_next_one_has_its_own_number() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    assert_eq!(told.job(assigned(1)).attempt_over(), Attempt::new(0));
    told.job(JobEvent::NodeSeized { attempt: Attempt::new(1), seat: seat(3) });
    assert_eq!(told.locks(), [LOCK, LOCK, 0, 0]);
    let job = told.job(reopened(1));
    assert_eq!((job.state, job.attempt.get(), job.deadline), (JobState::Open, 1, time(400)));
    assert_eq!((job.seized, job.assignment.as_ref(), job.assigned_in), (0, None, None));
    assert_eq!(job.attempt_over(), Attempt::new(1));
    assert!(!job.earlier_nodes.is_empty(), "what the nodes did stays done");
    assert_eq!(job.commitment(), committed(None, B256::ZERO));
    assert_eq!(told.locks(), [0; 4]);

    let (job, expected, given) = (id(1), Attempt::new(2), Attempt::new(1));
    let error = told.refused(assigned(1));
    assert_eq!(error, FoldError::OtherAttempt { job, expected, given });
    let job = told.job(assigned(2));
    assert_eq!((job.attempt, job.attempt_over()), (expected, given));
}

#[test]
fn a_challenge_that_holds_convicts_and_reopens() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    told.job(assigned(1));
    let assignment = told.job(proposed(1)).assignment.clone();
    let job = told.job(challenged());
    assert_eq!((job.state, job.deadline), (JobState::Challenged, time(900)));
    let rest = commitment::rest_hash(&proposal(0b11).to_contract(), order().client);
    assert_eq!(job.commitment(), committed(assignment.as_ref(), rest));

    let job = told.job(JobEvent::Resolved { upheld: false, liars: 0b10 });
    assert_eq!(job.seized, 0b10);
    assert_eq!(told.locks(), [LOCK, LOCK, 0, 0]);
    let job = told.job(reopened(1));
    assert_eq!((job.state, job.challenger, job.proposal), (JobState::Open, None, None));
    assert_eq!(told.locks(), [0; 4]);
}

#[test]
fn a_job_that_is_not_paid_for_is_refunded_and_remembers_what_is_owed() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    told.job(assigned(1));
    told.job(proposed(1));
    told.job(JobEvent::Unpaid { owed: Amount::new(810) });
    let job = told.job(JobEvent::Refunded { returned: Amount::ZERO });
    let unpaid = Some(Amount::new(810));
    assert_eq!(job.outcome, Some(Outcome::Refunded { returned: Amount::ZERO, unpaid }));
    assert_eq!((job.state, told.locks()), (JobState::Refunded, [0; 4]));
}

#[test]
fn running_time_limits_the_cost() {
    let mut told = Told::with_nodes();
    told.job(created(order_by_time()));
    let job = told.job(assigned(1));
    assert_eq!(job.cost_limit(), Amount::ZERO);
    let beat = JobEvent::Heartbeat { attempt: Attempt::new(1), deadline: time(320) };
    let job = told.job(beat.clone());
    // One block of 12 seconds at 2 a second.
    assert_eq!(job.cost_limit(), Amount::new(24));
    told.block += 100;
    assert_eq!(told.job(beat.clone()).cost_limit(), Amount::new(1_000));
    let job = told.job(JobEvent::ToppedUp { total: Amount::new(500) });
    assert_eq!(job.meter.topped_up, Amount::new(500));
    assert_eq!(job.cost_limit(), Amount::new(1_500));
    let job = told.job(JobEvent::Stopped { at: time(1_400) });
    assert_eq!(job.meter.stopped_at, Some(time(1_400)));
}

#[test]
fn a_node_convicted_after_the_settlement_has_no_lock_to_lose() {
    let mut told = Told::with_nodes();
    for event in [created(order()), assigned(1), proposed(1), settled()] {
        told.job(event);
    }
    let job = told.job(JobEvent::NodeSeized { attempt: Attempt::new(1), seat: seat(2) });
    assert_eq!((job.seized, job.state), (0b01, JobState::Settled));
    assert_eq!(told.locks(), [0; 4]);
    let stranger = JobEvent::NodeSeized { attempt: Attempt::new(1), seat: seat(4) };
    assert_eq!(told.refused(stranger), FoldError::NotSeated { job: id(1), seat: seat(4) });
}

#[test]
fn what_a_job_cannot_have_said_is_refused_and_changes_nothing() {
    let mut told = Told::with_nodes();
    let job = id(1);
    assert_eq!(told.refused(assigned(1)), FoldError::UnknownJob { job });
    told.job(created(order()));
    assert_eq!(told.refused(created(order())), FoldError::KnownJob { job });
    for event in [proposed(0), challenged(), settled(), reopened(0)] {
        let (state, name) = (JobState::Open, event.name());
        let expected = FoldError::UnexpectedState { job, state, event: name };
        assert_eq!(told.refused(event), expected);
    }
    let stranger = JobEvent::Assigned {
        attempt: Attempt::new(1),
        coordinator: seat(1),
        nodes: vec![seat(9)],
        deadline: time(200),
    };
    let node = NodeId::new(9);
    assert_eq!(told.refused(stranger), FoldError::UnknownNode { node });
    told.job(JobEvent::Refunded { returned: Amount::new(1_010) });
    let (state, event) = (JobState::Refunded, "JobAssigned");
    let expected = FoldError::UnexpectedState { job, state, event };
    assert_eq!(told.refused(assigned(1)), expected);
}

#[test]
fn a_voided_order_is_no_job_and_never_becomes_one() {
    let mut told = Told::default();
    let void = JobEvent::Refunded { returned: Amount::ZERO };
    told.tell(&HouseEvent::Job(id(1), void)).unwrap();
    assert!(told.view.is_voided(id(1)));
    assert_eq!((told.view.job(id(1)), told.view.jobs().count()), (None, 0));
    assert_eq!(told.refused(created(order())), FoldError::KnownJob { job: id(1) });
}

#[test]
fn jobs_of_a_state_come_by_their_deadlines() {
    let mut told = Told::with_nodes();
    for (byte, seconds) in [(1, 300), (2, 100), (3, 200)] {
        let mut order = order();
        order.terms.rules.assign_by = time(seconds);
        told.tell(&HouseEvent::Job(id(byte), created(order))).unwrap();
    }
    let ids = |view: &HouseView, state| view.jobs_in(state).map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(&told.view, JobState::Open), [id(2), id(3), id(1)]);
    told.job(assigned(1));
    assert_eq!(ids(&told.view, JobState::Open), [id(2), id(3)]);
    assert_eq!(ids(&told.view, JobState::Assigned), [id(1)]);
}

#[test]
fn events_are_folded_in_order_and_once() {
    let mut view = HouseView::default();
    let nothing =
        HouseEvent::Network(NetworkEvent::TokenDisallowed { token: Address::repeat_byte(1) });
    view.apply(&at(5, 2), &nothing).unwrap();
    for (block, index) in [(5, 2), (5, 1), (4, 9)] {
        let error = view.apply(&at(block, index), &nothing).unwrap_err();
        assert_eq!(error, FoldError::OutOfOrder { block, index });
    }
    let fork = EventContext { block: block(5, 1), ..at(5, 3) };
    assert_eq!(view.apply(&fork, &nothing), Err(FoldError::OtherBlock { number: 5 }));
    view.apply(&at(5, 3), &nothing).unwrap();
    assert_eq!(view.last_block(), Some(block(5, 0)));
}
