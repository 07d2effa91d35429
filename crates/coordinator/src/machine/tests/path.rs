//! How a job goes from offer to proposal, and what is kept and told on the way.

use tallystick_protocol::ledger::{CloseReason, Limits, Settlement, TaskState};
use tallystick_types::{Attempt, OutputRoot, Seconds, Verification};

use super::super::*;
use super::world::*;

#[test]
fn a_job_goes_from_offer_to_proposal() {
    let mut world = World::new(4);
    world.offer(1, offer(3, 1));
    world.until(60, |world| world.is_proposed(1));
    assert_eq!(world.ended(1), Some(CloseReason::Completed));
    let receipts = world.receipts();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].slices, whole(3));
    assert_eq!(receipts[0].usage.work_units, 15);
    assert_eq!(receipts[0].attempt, Attempt::new(1));
    assert!(matches!(world.rows[0], Row::JobBegan(job) if job == job_id(1)));
    assert_eq!(world.calls(ChainCallKind::Enlist).len(), 0, "the first nodes do all of it");
}

#[test]
fn a_checked_job_goes_from_offer_to_proposal() {
    for verification in
        [Verification::Deterministic, Verification::Fingerprint, Verification::Attested]
    {
        let mut world = World::new(6);
        let mut wanted = offer(2, 3);
        wanted.rules.verification = verification;
        world.offer(1, wanted);
        world.until(120, |world| world.is_proposed(1));
        assert_eq!(world.receipts().len(), 1, "{verification:?}");
    }
}

#[test]
fn many_tasks_on_nodes_with_many_places_are_proposed() {
    let mut world = World::with_keys(5, false);
    for number in 1..=5 {
        world.join(number, 8);
    }
    world.offer(1, offer(40, 1));
    world.until(120, |world| world.is_proposed(1));
}

#[test]
fn more_tasks_than_an_attempt_has_nodes_are_proposed_with_checks() {
    let mut world = World::with_keys(24, false);
    world.offer(1, offer(20, 2));
    world.until(900, |world| world.is_proposed(1));
    assert!(world.on_chain(1).nodes.len() <= 16);
}

#[test]
fn nobody_is_sent_work_before_the_chain_shows_it_in_the_attempt() {
    let mut world = World::new(3);
    world.offer(1, offer(1, 3));
    world.lose(ChainCallKind::Assign, 1);
    world.pass(5);
    assert!(world.workers.values().all(|worker| worker.heard.is_empty()));
    world.lose(ChainCallKind::Enlist, 1);
    world.until(60, |world| !world.calls(ChainCallKind::Enlist).is_empty());
    let told = world.workers.values().filter(|worker| !worker.heard.is_empty());
    assert_eq!(told.count(), 1, "only the primary is in the attempt yet");
    world.until(60, |world| world.is_proposed(1));
}

#[test]
fn secondaries_are_enlisted_after_the_draw_with_one_call_at_a_time() {
    let mut world = World::new(7);
    world.offer(1, offer(2, 3));
    world.until(60, |world| world.is_proposed(1));
    let mut open = 0_u32;
    for wish in &world.wishes {
        match wish {
            Wish::Chain(_, ChainCall::Assign { nodes, .. }) => assert_eq!(nodes.len(), 2),
            Wish::Chain(_, ChainCall::Enlist { .. }) => open += 1,
            _ => {}
        }
    }
    assert!((1..=4).contains(&open), "{open} calls");
    let position = |is: &dyn Fn(&Wish) -> bool| world.wishes.iter().position(is);
    let enlisted = position(&|wish| matches!(wish, Wish::Chain(_, ChainCall::Enlist { .. })));
    let drawn = position(&|wish| matches!(wish, Wish::AwaitRound(_)));
    assert!(drawn < enlisted);
}

#[test]
fn a_second_enlist_call_waits_for_the_first() {
    let mut world = World::new(7);
    world.offer(1, offer(2, 3));
    world.lose(ChainCallKind::Enlist, 1);
    world.until(20, |world| !world.calls(ChainCallKind::Enlist).is_empty());
    world.pass(8);
    assert_eq!(world.calls(ChainCallKind::Enlist).len(), 1);
    world.until(60, |world| world.is_proposed(1));
}

#[test]
fn a_receipt_is_kept_before_its_proposal_is_wished() {
    let mut world = World::new(2);
    world.offer(1, offer(1, 1));
    let signed = |parcel: &Parcel| match parcel {
        Parcel::Say(input) => matches!(**input, Input::ReceiptSigned { .. }),
        _ => false,
    };
    world.until(60, |world| world.queue.iter().any(signed));
    assert!(world.receipts().is_empty() && world.calls(ChainCallKind::Propose).is_empty());
    world.deliver();
    assert_eq!((world.receipts().len(), world.calls(ChainCallKind::Propose).len()), (1, 1));
}

#[test]
fn outputs_that_were_not_joined_are_joined_again_after_patience() {
    let mut world = World::new(1);
    world.offer(1, offer(1, 1));
    let joins = |parcel: &Parcel| matches!(parcel, Parcel::Join(..));
    world.until(30, |world| world.queue.iter().any(joins));
    world.queue.retain(|parcel| !joins(parcel));
    let seconds = world.until(60, |world| world.is_proposed(1));
    assert!(seconds >= PATIENCE.get());
}

#[test]
fn secondaries_of_fingerprinted_work_are_told_which_output_to_check() {
    let mut world = World::new(4);
    let mut wanted = offer(1, 3);
    wanted.rules.verification = Verification::Fingerprint;
    world.offer(1, wanted);
    world.until(60, |world| world.is_proposed(1));
    let told = world.workers.values().flat_map(|worker| &worker.heard);
    let checks: Vec<_> = told
        .filter_map(|order| match order {
            NodeOrder::Assign { check, .. } => Some(*check),
            _ => None,
        })
        .collect();
    assert_eq!(checks.iter().filter(|check| check.is_none()).count(), 1);
    let root = Some(OutputRoot::new([100; 32]));
    assert!(checks.iter().filter(|check| check.is_some()).all(|check| *check == root));
    assert_eq!(checks.len(), 3);
}

#[test]
fn a_node_is_told_the_time_that_its_work_takes() {
    let mut world = World::new(1);
    let mut wanted = offer(1, 1);
    wanted.specification.work_units_per_slice = 100;
    let seat = world.seat(1);
    let profile = tallystick_protocol::ledger::NodeProfile { places: 1, speed: 1 };
    let joined = tallystick_protocol::ledger::Event::NodeJoined { seat, profile };
    world.step(Input::Ledger(joined));
    world.offer(1, wanted);
    world.until(60, |world| world.is_proposed(1));
    let limit = world.workers[&1].heard.iter().find_map(|order| match order {
        NodeOrder::Assign { execution_limit, .. } => Some(*execution_limit),
        _ => None,
    });
    assert_eq!(limit, Some(Seconds::new(400)));
}

#[test]
fn a_job_without_result_is_kept_as_ended_and_its_lease_is_given_back() {
    let mut world = World::new(2);
    world.attempts = 1;
    world.offer(1, offer(1, 1));
    for number in 1..=2 {
        world.until(5, |world| world.machine.candidates().count() == 2);
        world.workers.get_mut(&number).unwrap().online = true;
    }
    world.until(10, |world| world.machine.ledger().job(job_id(1)).is_some());
    world.leave(1);
    world.leave(2);
    world.until(1_000, |world| world.ended(1).is_some());
    let reason = CloseReason::TimedOut;
    assert!(world.rows.contains(&Row::JobEnded(job_id(1), reason)), "{:?}", world.rows);
    world.pass(1);
    assert_eq!(world.on_chain(1).standing, Standing::Refunded);
}

#[test]
fn a_dead_letter_is_kept_with_its_tries() {
    let mut world = World::new(1);
    let mut wanted = offer(1, 1);
    wanted.specification.limits = Limits { deliveries: 2, ..wanted.specification.limits };
    world.offer(1, wanted);
    world.vanish(1);
    let dead = |world: &World| world.rows.iter().any(|row| matches!(row, Row::DeadLetter { .. }));
    for _ in 0..300 {
        world.pass(1);
        if world.machine.ledger().job(job_id(1)).is_some() && !dead(&world) {
            let seat = world.seat(1);
            let load = tallystick_types::Ppm::ZERO;
            let event = tallystick_protocol::ledger::Event::NodeHeartbeat { seat, load };
            world.step(Input::Ledger(event));
        }
    }
    let found = world.rows.iter().find_map(|row| match row {
        Row::DeadLetter { job, tries, .. } => Some((*job, *tries)),
        _ => None,
    });
    assert_eq!(found, Some((job_id(1), 2)));
}

#[test]
fn a_job_is_forgotten_only_after_its_money_went_for_good() {
    let mut world = World::with_keys(2, false);
    world.offer(1, offer(1, 1));
    world.until(60, |world| world.is_proposed(1));
    world.pass(RETENTION.get() + 10);
    assert!(world.machine.book(job_id(1)).is_some(), "nothing is final");
    let proposals = world.calls(ChainCallKind::Propose).len();
    assert_eq!(proposals, 1, "a proposal that the chain shows is not asked again");
    let work: BTreeSet<_> = world.book(1).work().into_iter().collect();
    let output: BTreeSet<_> = world.book(1).outputs.values().map(|(_, it)| it.blob).collect();
    assert!(work.len() >= 2 && output.len() == 1);
    assert_eq!(world.machine.needs(), &work | &output);
    world.on_chain(1).standing = Standing::Settled;
    world.open(Parcel::Word(job_id(1)));
    let settlement = world.machine.ledger().job(job_id(1)).unwrap().settlement;
    assert_eq!(settlement, Settlement::Settled);
    assert_eq!(world.machine.needs(), output, "nobody works on it any more");
    world.pass(2);
    assert_eq!(world.machine.needs(), BTreeSet::new());
    assert!(world.machine.book(job_id(1)).is_none());
    assert!(world.machine.ledger().job(job_id(1)).is_none());
}

#[test]
fn decisions_are_recorded_with_their_four_terms() {
    let mut world = World::new(5);
    world.offer(1, offer(2, 3));
    world.until(60, |world| world.is_proposed(1));
    let decisions = &world.book(1).decisions;
    assert!(decisions.len() >= 6, "two primaries and four secondaries: {}", decisions.len());
    for decision in decisions {
        let told: serde_json::Value = serde_json::from_str(decision).unwrap();
        for scored in told["decision"]["chosen"].as_array().unwrap() {
            let terms = scored["terms"].as_object().unwrap();
            for term in ["resource_fit", "stake_weight", "locality", "load_balance"] {
                assert!(terms.contains_key(term), "{terms:?}");
            }
        }
    }
}

#[test]
fn decisions_stay_bounded_and_the_oldest_go_first() {
    let mut book = Book::new(offer(1, 1));
    for number in 0..1_000 {
        book.decided(format!("{number}"));
        book.decided(format!("{number}"));
    }
    assert_eq!(book.decisions.len(), Book::MOST_DECISIONS);
    assert_eq!(book.decisions.last().map(String::as_str), Some("999"));
    for number in 0..10 {
        book.decided(format!("{number}{}", "x".repeat(Book::MOST_DECISION_BYTES / 4)));
    }
    let bytes: usize = book.decisions.iter().map(String::len).sum();
    assert!(bytes <= Book::MOST_DECISION_BYTES);
    assert!(book.decisions.last().unwrap().starts_with('9'));
}

#[test]
fn a_machine_survives_its_snapshot_at_every_step_of_a_job() {
    let mut world = World::new(5);
    world.offer(1, offer(2, 3));
    let mut steps = 0;
    while !world.is_proposed(1) {
        let bytes = world.bytes();
        let state: MachineState = postcard::from_bytes(&bytes).unwrap();
        world.machine = Machine::restore(state);
        assert_eq!(world.bytes(), bytes);
        if !world.deliver() {
            world.tick();
        }
        steps += 1;
        assert!(steps < 1_000);
    }
    assert_eq!(world.replayed(), world.bytes());
}

#[test]
fn an_output_with_another_root_than_the_verified_one_is_not_taken() {
    let mut world = World::new(2);
    world.be(1, Kind::Hoarder);
    world.be(2, Kind::Hoarder);
    world.offer(1, offer(1, 1));
    world.until(60, |world| !world.book(1).asked.is_empty());
    let (job, task) = (job_id(1), TaskIndex::new(0));
    let is_verified = |world: &World| {
        let job = world.machine.ledger().job(job).unwrap();
        matches!(job.tasks[&task].state, TaskState::Verified { .. })
    };
    assert!(is_verified(&world));
    let output = NodeOutput {
        blob: tallystick_types::BlobDigest::new([1; 32]),
        bytes: 1,
        usage: tallystick_types::Usage::default(),
    };
    let output_root = OutputRoot::new([55; 32]);
    world.step(Input::OutputStored { job, task, output_root, output });
    assert!(world.book(1).outputs.is_empty());
    let output_root = OutputRoot::new([100; 32]);
    world.step(Input::OutputStored { job, task, output_root, output });
    assert_eq!(world.book(1).outputs.len(), 1);
}
