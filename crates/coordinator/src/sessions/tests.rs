use std::num::NonZeroU16;

use alloy_primitives::Address;
use tallystick_types::NodeId;
use tallystick_wire::Label;
use tallystick_wire::worker::Drain;

use super::*;

type Queue = mpsc::Receiver<CoordinatorBody>;

fn seat(signer: u8) -> Seat {
    Seat { node: NodeId::new(1), signer: Address::repeat_byte(signer) }
}

fn session(number: u64) -> (Session, Queue, watch::Receiver<()>) {
    let (sender, queue) = mpsc::channel(2);
    let (presence, present) = watch::channel(());
    let capabilities = Capabilities {
        kinds: Vec::new().try_into().unwrap(),
        cpu_millis: 1_000,
        memory_bytes: 1_000,
        disk_bytes: 1_000,
        architecture: Label::cut("x86_64"),
        accelerators: Vec::new().try_into().unwrap(),
        places: NonZeroU16::MIN,
        region: 1,
        price: Amount::new(1),
    };
    let facts = Facts {
        capabilities,
        software: "agent/1".to_owned(),
        tier: Tier::One,
        load: Ppm::ZERO,
        inputs: Vec::new(),
    };
    let last_seen = WallTime::new(1);
    (Session { number, sender, presence, facts, last_seen }, queue, present)
}

fn word() -> CoordinatorBody {
    CoordinatorBody::Drain(Drain { reason: tallystick_wire::Sentence::cut("rest") })
}

#[test]
fn a_twin_is_refused_until_the_queue_of_the_first_is_closed() {
    let sessions = Sessions::default();
    let (first, queue, _) = session(1);
    assert!(sessions.enter(seat(1), first));
    assert!(!sessions.enter(seat(1), session(2).0));
    assert!(!sessions.enter(seat(2), session(2).0), "another key does not make another node");
    drop(queue);
    let (second, _queue, _) = session(3);
    assert!(sessions.enter(seat(2), second));
    assert_eq!(sessions.seats(), [seat(2)]);
}

#[test]
fn leaving_with_an_old_number_takes_nothing_away() {
    let sessions = Sessions::default();
    let (current, _queue, _) = session(2);
    assert!(sessions.enter(seat(1), current));
    assert!(!sessions.leave(seat(1), 1));
    assert_eq!(sessions.get(seat(1)).unwrap().number, 2);
    assert!(sessions.leave(seat(1), 2));
    assert!(sessions.get(seat(1)).is_none());
}

#[test]
fn a_node_that_does_not_read_is_cut_off_and_its_stream_learns_of_it() {
    let sessions = Sessions::default();
    let (slow, mut queue, present) = session(1);
    assert!(sessions.enter(seat(1), slow));
    sessions.tell(seat(1), vec![word(), word()]);
    assert!(present.has_changed().is_ok());
    sessions.tell(seat(1), vec![word()]);
    assert!(sessions.get(seat(1)).is_none());
    assert!(present.has_changed().is_err(), "the session is over");
    assert!(queue.try_recv().is_ok());
    assert!(sessions.leave(seat(1), 1), "whoever served it says that the node left");
}

#[test]
fn a_heartbeat_with_new_inputs_gives_the_facts() {
    let sessions = Sessions::default();
    let (node, _queue, _) = session(1);
    assert!(sessions.enter(seat(1), node));
    let inputs = vec![InputDigest::new([1; 32])];
    let now = WallTime::new(9);
    let facts = sessions.heard(seat(1), now, (Ppm::ZERO, inputs.clone())).unwrap();
    assert_eq!(facts.inputs, inputs);
    assert!(sessions.heard(seat(1), now, (Ppm::WHOLE, inputs)).is_none());
    let known = sessions.get(seat(1)).unwrap();
    assert_eq!((known.facts.load, known.last_seen), (Ppm::WHOLE, now));
    assert!(sessions.heard(seat(2), now, (Ppm::ZERO, Vec::new())).is_none());
}
