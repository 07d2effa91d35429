//! Nodes that join again, are silent, lie and sign two things.

use tallystick_protocol::ledger::{EvidenceKind, Failure};
use tallystick_types::Seat;

use super::super::*;
use super::world::*;

fn orders(world: &World, is: impl Fn(&NodeOrder) -> bool) -> Vec<u8> {
    let told = |worker: &&Worker| worker.heard.iter().any(&is);
    world.workers.iter().filter(|(_, worker)| told(worker)).map(|(number, _)| *number).collect()
}

const fn is_output(order: &NodeOrder) -> bool {
    matches!(order, NodeOrder::Output(_))
}

const fn is_sign(order: &NodeOrder) -> bool {
    matches!(order, NodeOrder::Sign(_))
}

#[test]
fn a_node_that_joins_again_is_told_everything_it_is_to_do() {
    let kinds: [fn(&NodeOrder) -> bool; 5] = [
        |order| matches!(order, NodeOrder::Assign { .. }),
        |order| matches!(order, NodeOrder::Reveal(_)),
        |order| matches!(order, NodeOrder::Attest { .. }),
        is_output,
        is_sign,
    ];
    for is in kinds {
        let mut world = World::new(3);
        world.offer(1, offer(1, 3));
        let mut told: Option<(Seat, NodeOrder)> = None;
        while told.is_none() {
            // Every order of the kind is lost with the connections.
            let found = world.queue.iter().find_map(|parcel| match parcel {
                Parcel::Order(seat, order) if is(order) => Some((*seat, order.clone())),
                _ => None,
            });
            told = found;
            if told.is_none() && !world.deliver() {
                world.tick();
            }
        }
        let (seat, order) = told.unwrap();
        world.queue.retain(|parcel| !matches!(parcel, Parcel::Order(..)));
        assert!(world.machine.orders_of(seat).contains(&Wish::ToNode(seat, order)));
        for number in 1..=3 {
            world.join(number, 1);
        }
        world.until(60, |world| world.is_proposed(1));
        assert_eq!(world.worked().len(), 3, "nobody was replaced");
    }
}

#[test]
fn a_node_that_comes_back_with_a_try_that_is_over_is_told_to_stop() {
    let mut world = World::new(3);
    world.offer(1, offer(1, 1));
    let (seat, assignment) = loop {
        let found = world.queue.iter().find_map(|parcel| match parcel {
            Parcel::Order(seat, NodeOrder::Assign { assignment, .. }) => Some((*seat, *assignment)),
            _ => None,
        });
        match found {
            Some(found) => break found,
            None if world.deliver() => {}
            None => world.tick(),
        }
    };
    let stop = Wish::ToNode(seat, NodeOrder::Cancel(assignment));
    let wishes = world.step(Input::Ledger(Event::Acknowledged { assignment }));
    assert!(!wishes.contains(&stop), "it is the present try");
    // The node dies, and with it the word that it is replaced.
    let number = (1..=3).find(|number| world.seat(*number) == seat).unwrap();
    world.leave(number);
    world.until(60, |world| world.is_proposed(1));
    world.join(number, 1);
    let wishes = world.step(Input::Ledger(Event::Acknowledged { assignment }));
    assert!(wishes.contains(&stop), "it would keep its place for nothing");
}

#[test]
fn a_holder_that_is_silent_is_replaced_by_the_next_one_for_its_output() {
    let mut world = World::new(3);
    world.offer(1, offer(1, 3));
    world.until(30, |world| world.is_attesting(1));
    let first = *world.book(1).asked.values().map(|(seat, _)| seat).next().unwrap();
    let number = (1..=3).find(|number| world.seat(*number) == first).unwrap();
    world.be(number, Kind::Hoarder);
    world.until(60, |world| world.is_proposed(1));
    assert_eq!(orders(&world, is_output).len(), 2);
}

#[test]
fn a_signer_that_is_silent_is_replaced_by_the_next_one_for_the_receipt() {
    let mut world = World::new(3);
    world.offer(1, offer(1, 3));
    world.until(30, |world| world.is_attesting(1));
    let first = *world.book(1).asked.values().map(|(seat, _)| seat).next().unwrap();
    let number = (1..=3).find(|number| world.seat(*number) == first).unwrap();
    world.be(number, Kind::Shy);
    world.until(60, |world| world.is_proposed(1));
    assert_eq!(orders(&world, is_sign).len(), 2);
    assert_ne!(world.receipts()[0].primary, first);
}

#[test]
fn signers_may_all_be_late_for_the_receipt_that_each_was_shown() {
    let mut world = World::new(3);
    (1..=3).for_each(|number| world.be(number, Kind::Shy));
    world.offer(1, offer(1, 3));
    world.pass(150);
    for worker in world.workers.values() {
        let receipt_of = |order: &NodeOrder| match order {
            NodeOrder::Sign(receipt) => Some(receipt.clone()),
            _ => None,
        };
        let shown: Vec<_> = worker.heard.iter().filter_map(receipt_of).collect();
        assert!(shown.len() > 1 && shown.iter().all(|receipt| *receipt == shown[0]));
    }
}

#[test]
fn an_outvoted_liar_is_not_in_the_attestations_and_is_not_asked_for_outputs() {
    let mut world = World::new(5);
    world.be(2, Kind::Liar);
    let mut wanted = offer(1, 5);
    wanted.rules.quorum = 3;
    world.offer(1, wanted);
    world.until(60, |world| world.is_proposed(1));
    let liar = world.seat(2);
    let receipt = world.receipts()[0];
    assert_eq!(receipt.attestations.as_slice().len(), 4);
    assert!(receipt.attestations.as_slice().iter().all(|one| one.seat() != liar));
    let asked = |order: &NodeOrder| is_output(order) || is_sign(order);
    assert!(!orders(&world, asked).contains(&2));
    let told = Told::Quarantined(liar, EvidenceKind::Outvoted);
    assert!(world.wishes.contains(&Wish::Tell(job_id(1), told)));
}

#[test]
fn two_claims_are_reported_once_and_again_after_a_restart() {
    let mut world = World::new(3);
    world.be(1, Kind::TwoClaims);
    let mut wanted = offer(1, 3);
    wanted.specification.limits.attestation = tallystick_types::Seconds::new(5);
    world.offer(1, wanted);
    world.until(60, |world| world.is_attesting(1));
    world.pass(20);
    let is_report = |wish: &&Wish| matches!(wish, Wish::Report(_));
    let reports: Vec<&Wish> = world.wishes.iter().filter(is_report).collect();
    assert_eq!(reports.len(), 1);
    assert!(world.machine.outstanding().contains(reports[0]));
    world.until(60, |world| world.is_proposed(1));
    assert_eq!(world.receipts()[0].attestations.as_slice().len(), 2);
}

#[test]
fn a_node_that_left_before_it_was_enlisted_is_not_enlisted() {
    let mut world = World::new(6);
    world.offer(1, offer(1, 3));
    world.lose(ChainCallKind::Enlist, 1);
    world.until(30, |world| !world.calls(ChainCallKind::Enlist).is_empty());
    let ChainCall::Enlist { nodes, .. } = world.calls(ChainCallKind::Enlist)[0].clone() else {
        panic!("no call");
    };
    let number = (1..=6).find(|number| world.seat(*number) == nodes[0]).unwrap();
    world.pass(1);
    world.leave(number);
    world.until(60, |world| world.is_proposed(1));
    assert!(!world.on_chain(1).nodes.contains(&nodes[0]));
}

#[test]
fn a_node_that_fails_is_replaced_and_watchers_learn_why() {
    let mut world = World::new(2);
    world.offer(1, offer(1, 1));
    let is_assign = |parcel: &Parcel| matches!(parcel, Parcel::Order(_, NodeOrder::Assign { .. }));
    world.until(10, |world| world.queue.iter().any(is_assign));
    let parcel = world.queue.pop_front();
    let Some(Parcel::Order(_, NodeOrder::Assign { assignment, .. })) = parcel else {
        panic!("another order: {parcel:?}");
    };
    let failure = Failure::OutOfMemory;
    let event = tallystick_protocol::ledger::Event::Failed { assignment, failure };
    let wishes = world.step(Input::Ledger(event));
    let told = |wish: &Wish| matches!(wish, Wish::Tell(_, Told::Failed(_, Failure::OutOfMemory)));
    assert!(wishes.iter().any(told));
    world.until(60, |world| world.is_proposed(1));
}

#[test]
fn what_strangers_say_of_tasks_that_do_not_exist_is_not_kept() {
    let mut world = World::new(1);
    world.offer(1, offer(1, 1));
    world.until(30, |world| world.is_proposed(1));
    let said = world.book(1).said.len();
    let assignment = tallystick_protocol::commitment::TaskAssignment {
        job: job_id(1),
        attempt: tallystick_types::Attempt::new(1),
        task: TaskIndex::new(77),
        task_attempt: tallystick_types::TaskAttempt::new(1),
        seat: world.seat(1),
    };
    let opening = tallystick_protocol::commitment::Opening {
        output_root: tallystick_types::OutputRoot::new([1; 32]),
        salt: tallystick_types::Salt::new([1; 32]),
    };
    let (_, output) = world.book(1).outputs[&TaskIndex::new(0)];
    world.step(Input::Revealed { assignment, opening, output });
    assert_eq!(world.book(1).said.len(), said);
}
