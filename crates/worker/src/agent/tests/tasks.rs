//! The way of an assignment.

use tallystick_ports::Store;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::Failure;
use tallystick_types::{
    Attempt, BeaconRound, BlobDigest, JobId, JobState, OutputRoot, SpecificationDigest,
};

use super::rig::{HEAD, PROGRAM, Rig, config, coordinator, opening, order_of, other_coordinator};
use super::rig::{result_of, specification};
use crate::agent::{
    AgentConfig, AgentSays, CoordinatorSays, FetchFailure, Input, RunFailure, TaskOrder,
};

fn failure(says: &AgentSays) -> Option<Failure> {
    match says {
        AgentSays::Failed { failure, .. } => Some(*failure),
        _ => None,
    }
}

#[test]
fn a_task_is_acknowledged_executed_committed_and_opened() {
    let mut rig = Rig::ready();
    let assignment = rig.assign(0, 1);
    assert_eq!(rig.take_said(), [AgentSays::Ack(assignment)]);
    assert_eq!(rig.fetches, [(assignment.job, PROGRAM)]);
    assert!(rig.runs.is_empty());
    rig.fetched(Ok(()));
    assert_eq!(rig.runs.len(), 1);
    rig.ran(Ok(()));
    let said = rig.take_said();
    let [AgentSays::Commit { pledge, .. }] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(pledge.commitment, opening(&assignment).commitment(&assignment));
    assert_eq!(pledge.round, BeaconRound::new(HEAD + 3));
    assert_eq!(rig.agent.busy(), 0);
    assert_eq!(rig.agent.running(), [assignment]);
    rig.hear(CoordinatorSays::Reveal { assignment });
    let said = rig.take_said();
    assert!(matches!(&said[..], [AgentSays::Reveal { opening: shown, .. }]
        if *shown == opening(&assignment)));
    assert_eq!(rig.agent.running(), []);
    rig.hear(CoordinatorSays::Output { assignment });
    rig.hear(CoordinatorSays::Output { assignment });
    assert_eq!(rig.uploads, [assignment]);
    rig.feed(Input::Uploaded { assignment, done: false });
    assert_eq!(failure(rig.last()), Some(Failure::Internal));
}

#[test]
fn a_repeated_assignment_is_answered_and_not_executed_again() {
    let mut rig = Rig::ready();
    let assignment = rig.assign(0, 1);
    rig.assign(0, 1);
    assert_eq!(rig.take_said(), [AgentSays::Ack(assignment), AgentSays::Ack(assignment)]);
    assert_eq!(rig.fetches.len(), 1);
    rig.fetched(Ok(()));
    rig.ran(Ok(()));
    let first = rig.take_said();
    rig.assign(0, 1);
    assert_eq!(rig.take_said(), first);
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    assert_eq!(rig.take_said(), first);
    rig.assign(0, 1);
    assert_eq!(rig.take_said(), first);
    assert_eq!((rig.keys.places(), rig.runs.len()), (1, 0));
}

#[test]
fn an_older_try_is_fenced_off_and_a_newer_one_ends_it() {
    let mut rig = Rig::ready();
    let older = rig.assign(0, 2);
    rig.fetched(Ok(()));
    rig.take_said();
    let newer = rig.assign(0, 3);
    let said = rig.take_said();
    assert_eq!(failure(&said[0]), Some(Failure::Refused));
    assert_eq!(said[1], AgentSays::Ack(newer));
    assert!(rig.runs.is_empty(), "the run of the older try goes on");
    for fenced in [older, rig.assignment(0, 1)] {
        rig.hear(CoordinatorSays::Assign(Box::new(order_of(&specification(), fenced))));
        assert_eq!(failure(rig.last()), Some(Failure::Refused));
        rig.hear(CoordinatorSays::Reveal { assignment: fenced });
        assert_eq!(failure(rig.last()), Some(Failure::Refused));
    }
    assert_eq!(rig.agent.running(), [newer]);
    // Also after a restart, the commitment of an older try is not opened.
    let committed = rig.committed(1, 1);
    let after = rig.assign(1, 2);
    assert_eq!(rig.agent.running(), [newer, after]);
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    rig.hear(CoordinatorSays::Reveal { assignment: committed });
    assert_eq!(failure(rig.last()), Some(Failure::Refused));
}

#[test]
fn what_has_no_place_is_refused_until_one_is_free() {
    let mut rig = Rig::with(AgentConfig { places: 1, ..config() });
    rig.known = Some(rig.shown());
    rig.feed(Input::Connected { coordinator: coordinator() });
    rig.assign(0, 1);
    rig.assign(1, 1);
    assert_eq!(failure(rig.last()), Some(Failure::Refused));
    rig.fetched(Ok(()));
    rig.ran(Ok(()));
    let assignment = rig.assign(1, 2);
    assert_eq!(*rig.last(), AgentSays::Ack(assignment));
}

#[test]
fn what_the_node_cannot_do_is_refused_at_once() {
    type Change = fn(&mut TaskOrder);
    let rig = Rig::ready();
    let respecified = |change: fn(&mut tallystick_protocol::specification::Specification)| {
        let mut specification = specification();
        change(&mut specification);
        order_of(&specification, rig.assignment(0, 1))
    };
    let changed = |change: Change| {
        let mut order = rig.order(0, 1);
        change(&mut order);
        order
    };
    use tallystick_protocol::specification::Work;
    let orders = [
        changed(|order| order.assignment.seat = coordinator()),
        changed(|order| order.assignment.attempt = Attempt::new(0)),
        changed(|order| order.check = Some(OutputRoot::default())),
        changed(|order| order.digest = SpecificationDigest::default()),
        changed(|order| order.specification.push(b' ')),
        changed(|order| order.slices.first = 1),
        changed(|order| order.slices.count = 3),
        changed(|order| order.slices.count = 0),
        respecified(|one| one.engine = "other-1".to_owned().try_into().unwrap()),
        respecified(|one| {
            let Work::Wasm { units, .. } = &mut one.work;
            *units += 1;
        }),
        respecified(|one| {
            let Work::Wasm { memory_bytes, .. } = &mut one.work;
            *memory_bytes = 1 << 21;
        }),
    ];
    for order in orders {
        let mut rig = Rig::ready();
        rig.hear(CoordinatorSays::Assign(Box::new(order)));
        assert_eq!(failure(rig.last()), Some(Failure::Refused));
        assert_eq!((rig.store.commits(), rig.fetches.len()), (0, 0));
    }
}

#[test]
fn nothing_is_executed_before_the_chain_shows_the_assignment() {
    let mut rig = Rig::ready();
    let shown = rig.shown();
    let mut others = vec![shown.clone(); 5];
    others[0].fact.coordinator = Some(other_coordinator());
    others[1].fact.seats.remove(0);
    others[2].fact.specification = SpecificationDigest::default();
    others[3].fact.state = JobState::Open;
    others[4].fact.attempt = Attempt::new(0);
    for other in others.into_iter().map(Some).chain([None]) {
        let mut rig = Rig::ready();
        rig.known = other;
        rig.assign(0, 1);
        rig.fetched(Ok(()));
        rig.pass_ms(9_999);
        assert!(rig.runs.is_empty());
        rig.pass_ms(1);
        assert_eq!(failure(rig.last()), Some(Failure::Refused));
    }
    rig.known = None;
    rig.assign(0, 1);
    rig.fetched(Ok(()));
    rig.known = Some(shown);
    rig.pass_ms(500);
    assert_eq!(rig.runs.len(), 1);
}

#[test]
fn an_attempt_that_is_over_ends_work_once_it_is_final_and_so_does_the_end_of_the_job() {
    for end in [true, false] {
        let mut rig = Rig::ready();
        rig.assign(0, 1);
        rig.fetched(Ok(()));
        let mut over = rig.shown();
        // A block that may still go stops nothing.
        over.fact.attempt = Attempt::new(2);
        let job = rig.assignment(0, 1).job;
        rig.feed(Input::Fact { job, known: Some(Box::new(over.clone())) });
        assert_eq!(rig.runs.len(), 1);
        over.fact.ended = end;
        over.fact.attempt_over = Attempt::new(if end { 0 } else { 1 });
        rig.known = Some(over);
        rig.pass_ms(1);
        assert!(rig.runs.is_empty());
        assert_eq!(failure(rig.last()), Some(Failure::Refused));
    }
}

#[test]
fn a_blob_that_cannot_be_had_ends_the_task_and_one_out_of_reach_is_tried_again() {
    for (outcome, expected) in [
        (FetchFailure::Unavailable, Failure::InputUnavailable),
        (FetchFailure::Machine, Failure::Internal),
    ] {
        let mut rig = Rig::ready();
        rig.assign(0, 1);
        rig.fetched(Err(outcome));
        assert_eq!(failure(rig.last()), Some(expected));
    }
    let mut rig = Rig::ready();
    rig.assign(0, 1);
    rig.fetched(Err(FetchFailure::Unreachable));
    rig.pass_ms(1_999);
    assert!(rig.fetches.is_empty());
    rig.pass_ms(1);
    assert_eq!(rig.fetches.len(), 1);
    rig.pass_ms(28_000);
    assert_eq!(failure(rig.last()), Some(Failure::InputUnavailable));
    rig.fetched(Ok(()));
    assert!(rig.runs.is_empty());
}

#[test]
fn a_run_that_fails_or_takes_too_long_is_said_with_its_reason() {
    let mut rig = Rig::ready();
    rig.assign(0, 1);
    rig.fetched(Ok(()));
    rig.ran(Err(RunFailure { failure: Failure::Trap, detail: "unreachable".to_owned() }));
    assert_eq!(failure(rig.last()), Some(Failure::Trap));
    let assignment = rig.assign(1, 1);
    rig.fetched(Ok(()));
    rig.pass_ms(30_000);
    assert_eq!(failure(rig.last()), Some(Failure::TimedOut));
    let said = rig.take_said().len();
    let outcome = Ok(result_of(&assignment));
    rig.feed(Input::Ran { assignment, outcome });
    assert_eq!((rig.said.len(), rig.keys.places(), said > 0), (0, 0, true));
}

#[test]
fn a_node_without_a_known_block_waits_before_it_commits() {
    let mut rig = Rig::ready();
    rig.head = None;
    rig.assign(0, 1);
    rig.fetched(Ok(()));
    rig.ran(Ok(()));
    assert!(!matches!(rig.last(), AgentSays::Commit { .. }));
    rig.head = Some(7);
    rig.pass_ms(500);
    let AgentSays::Commit { pledge, .. } = rig.last() else { panic!("{:?}", rig.said) };
    assert_eq!(pledge.round, BeaconRound::new(10));
}

#[test]
fn an_opening_that_is_asked_for_too_early_follows_the_commitment() {
    let mut rig = Rig::ready();
    let assignment = rig.assign(0, 1);
    rig.hear(CoordinatorSays::Reveal { assignment });
    rig.fetched(Ok(()));
    rig.ran(Ok(()));
    let said = rig.take_said();
    assert!(matches!(
        &said[..],
        [AgentSays::Ack(_), AgentSays::Commit { .. }, AgentSays::Reveal { .. }]
    ));
}

#[test]
fn requests_about_what_is_not_known_here_are_refused() {
    let mut rig = Rig::ready();
    let assignment = rig.assignment(0, 1);
    rig.hear(CoordinatorSays::Reveal { assignment });
    rig.hear(CoordinatorSays::Output { assignment });
    let refused: Vec<_> = rig.said.iter().map(failure).collect();
    assert_eq!(refused, [Some(Failure::Refused); 2]);
    rig.hear(CoordinatorSays::Cancel { assignment });
    assert_eq!(rig.said.len(), 2);
}

#[test]
fn another_coordinator_can_neither_open_nor_cancel() {
    let mut rig = Rig::ready();
    let assignment = rig.committed(0, 1);
    let running = rig.assign(1, 1);
    rig.feed(Input::Disconnected);
    rig.take_said();
    rig.feed(Input::Connected { coordinator: other_coordinator() });
    assert_eq!(rig.take_said(), [], "what belongs to one coordinator is not told to another");
    rig.hear(CoordinatorSays::Reveal { assignment });
    rig.hear(CoordinatorSays::Output { assignment });
    rig.hear(CoordinatorSays::Cancel { assignment: running });
    let refused: Vec<_> = rig.said.iter().map(failure).collect();
    assert_eq!(refused, [Some(Failure::Refused); 2]);
    assert_eq!(rig.agent.busy(), 1);
}

#[test]
fn a_cancelled_task_is_dropped_and_what_was_signed_stays() {
    let mut rig = Rig::ready();
    let signed = rig.committed(0, 1);
    let running = rig.assign(1, 1);
    rig.fetched(Ok(()));
    rig.take_said();
    for assignment in [signed, running] {
        rig.hear(CoordinatorSays::Cancel { assignment });
    }
    assert_eq!((rig.take_said(), rig.runs.len()), (Vec::new(), 0));
    assert_eq!(rig.agent.running(), []);
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    rig.feed(Input::Tick);
    assert!(rig.fetches.is_empty(), "a cancelled task begins again");
    assert_eq!(rig.take_said(), []);
    rig.assign(0, 1);
    let [AgentSays::Commit { pledge, .. }] = &rig.said[..] else { panic!("{:?}", rig.said) };
    assert_eq!(pledge.assignment, signed);
}

#[test]
fn a_draining_node_finishes_opens_and_leaves() {
    for stop in [true, false] {
        let mut rig = Rig::ready();
        let assignment = rig.assign(0, 1);
        if stop {
            rig.feed(Input::Stop);
        } else {
            rig.hear(CoordinatorSays::Drain);
        }
        rig.assign(1, 1);
        assert_eq!(failure(rig.last()), Some(Failure::Draining));
        rig.fetched(Ok(()));
        rig.ran(Ok(()));
        assert!(!rig.left);
        rig.hear(CoordinatorSays::Reveal { assignment });
        if stop {
            assert!(!rig.left, "it leaves unpaid");
            rig.hear(CoordinatorSays::Cancel { assignment });
            let mut over = rig.shown();
            over.fact.ended = true;
            rig.known = Some(over);
            rig.pass_ms(1);
        }
        assert_eq!((rig.last(), rig.left), (&AgentSays::Leaving, true));
        rig.feed(Input::Disconnected);
        rig.feed(Input::Connected { coordinator: coordinator() });
        rig.take_said();
        rig.assign(1, 2);
        let drains = failure(rig.last()) == Some(Failure::Draining);
        assert_eq!(drains, stop, "a new session brings work again unless the node stops");
    }
}

#[test]
fn a_restart_executes_again_what_has_no_output() {
    let mut rig = Rig::ready();
    let assignment = rig.assign(0, 1);
    rig.fetched(Ok(()));
    rig.restart();
    rig.feed(Input::Connected { coordinator: coordinator() });
    assert_eq!(*rig.last(), AgentSays::Ack(assignment));
    rig.feed(Input::Tick);
    rig.fetched(Ok(()));
    rig.ran(Ok(()));
    assert!(matches!(rig.last(), AgentSays::Commit { .. }));
}

#[test]
fn finished_jobs_are_forgotten_long_after_their_final_end_only() {
    let mut rig = Rig::ready();
    let assignment = rig.committed(0, 1);
    rig.pass_ms(10_000_000);
    assert!(!rig.store.scan(b"").unwrap().is_empty(), "what was signed is kept");
    let mut over = rig.shown();
    (over.fact.ended, over.fact.state) = (true, JobState::Settled);
    rig.known = Some(over);
    rig.pass_ms(60_000);
    rig.restart();
    rig.pass_ms(3_599_999);
    assert!(!rig.store.scan(b"").unwrap().is_empty());
    rig.pass_ms(60_001);
    assert_eq!(rig.store.scan(b"").unwrap(), []);
    let blobs: [BlobDigest; 2] = [PROGRAM, result_of(&assignment).output_blob];
    assert_eq!(rig.forgotten, blobs);
}

#[test]
fn a_full_memory_forgets_what_was_over_first_and_nothing_else() {
    let mut rig = Rig::with(AgentConfig { most_held: 2, ..config() });
    rig.known = Some(rig.shown());
    rig.feed(Input::Connected { coordinator: coordinator() });
    rig.committed(0, 1);
    rig.committed(1, 1);
    let mut next = rig.order(0, 1);
    next.assignment.job = JobId::new([2; 32]);
    let assign = |rig: &mut Rig| rig.hear(CoordinatorSays::Assign(Box::new(next.clone())));
    assign(&mut rig);
    let refused = matches!(rig.said.last(), Some(AgentSays::Failed { .. }));
    assert!(refused, "what was signed for a job that is not over is kept: {:?}", rig.said);
    let mut over = rig.shown();
    (over.fact.ended, over.fact.state) = (true, JobState::Settled);
    rig.known = Some(over);
    rig.pass_ms(60_000);
    assign(&mut rig);
    assert!(matches!(rig.said.last(), Some(AgentSays::Ack(_))), "{:?}", rig.said);
    assert_eq!(rig.agent.jobs.keys().collect::<Vec<_>>(), [&next.assignment.job]);
}

#[test]
fn on_a_full_disk_half_of_what_is_over_is_forgotten_and_its_blobs_with_it() {
    let mut rig = Rig::ready();
    rig.committed(0, 1);
    rig.feed(Input::Crowded);
    assert_eq!(rig.agent.jobs.len(), 1, "what was signed for a job that is not over is kept");
    let mut over = rig.shown();
    (over.fact.ended, over.fact.state) = (true, JobState::Settled);
    rig.known = Some(over);
    rig.pass_ms(60_000);
    rig.feed(Input::Crowded);
    assert!(!rig.forgotten.is_empty());
    assert!(rig.agent.jobs.is_empty());
}

#[test]
fn refused_work_without_signature_is_forgotten_by_itself() {
    let mut rig = Rig::ready();
    rig.known = None;
    rig.assign(0, 1);
    rig.pass_ms(10_000);
    assert!(!rig.store.scan(b"").unwrap().is_empty());
    rig.pass_ms(3_600_000);
    rig.pass_ms(60_000);
    assert_eq!(rig.store.scan(b"").unwrap(), []);
}

#[test]
fn salts_differ_by_assignment_and_secret_and_nothing_else() {
    let rig = Rig::new();
    let salt = |task| super::rig::secret().salt(&rig.assignment(task, 1));
    assert_eq!(salt(0), salt(0));
    assert_ne!(salt(0), salt(1));
    let other: TaskAssignment = rig.assignment(0, 1);
    assert_ne!(crate::agent::NodeSecret::new([6; 32]).salt(&other), salt(0));
    assert_eq!(format!("{:?}", super::rig::secret()), "NodeSecret(hidden)");
}
