use alloy_primitives::Address;
use tallystick_journal::{EventNumber, Network, PairingClaimed, PairingId};
use tallystick_ports::{ManualClock, blocking};
use tallystick_protocol::ledger::{Event, NodeProfile};
use tallystick_types::{ChainId, IdentityKey, JobId, NodeId, Seat, WallTime};
use tempfile::TempDir;

use super::keeper::SNAPSHOT_EVERY;
use super::*;
use crate::machine::MachineState;

const JOB: JobId = JobId::new([7; 32]);

fn open(folder: &TempDir) -> (Desk, DeskHandle, mpsc::Receiver<Vec<Wish>>) {
    let network = Network { chain: ChainId::new(31_337), jobs: Address::ZERO };
    let journal = Journal::open(folder.path().join("journal"), network).unwrap();
    let rules = (Settings::default(), SchedulingParameters::default());
    let clock = Arc::new(ManualClock::at(WallTime::new(1_000)));
    let (wishes, wished) = mpsc::channel(64);
    let (desk, handle) = Desk::open(journal, rules, clock, wishes).unwrap();
    (desk, handle, wished)
}

fn seat(number: u32) -> Seat {
    Seat { node: NodeId::new(number.into()), signer: Address::repeat_byte(1) }
}

fn joined(number: u32) -> Input {
    let profile = NodeProfile { places: 1, speed: 0 };
    Input::Ledger(Event::NodeJoined { seat: seat(number), profile })
}

fn knows(machine: &Machine, number: u32) -> bool {
    machine.ledger().state().nodes.get(seat(number)).is_some()
}

fn request(input: Input) -> Request {
    Request::Input(Box::new(input), None)
}

fn bytes(desk: &Desk) -> Vec<u8> {
    postcard::to_allocvec(&desk.keeper.machine().state()).unwrap()
}

#[test]
fn an_input_that_was_applied_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, _handle, _wished) = open(&folder);
    assert!(desk.serve(vec![request(joined(1))]).unwrap());
    assert!(desk.keeper.log().reader().latest_snapshot::<MachineState>().unwrap().is_none());
    let before = bytes(&desk);
    drop(desk);
    let (desk, _handle, _wished) = open(&folder);
    assert!(knows(desk.keeper.machine(), 1));
    assert_eq!(bytes(&desk), before);
}

#[test]
fn an_input_past_a_snapshot_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, _handle, _wished) = open(&folder);
    let first = (0..SNAPSHOT_EVERY).map(|number| request(joined(number % 3 + 1)));
    assert!(desk.serve(first.collect()).unwrap());
    let snapshot = desk.keeper.log().reader().latest_snapshot::<MachineState>().unwrap().unwrap();
    assert!(desk.serve(vec![request(joined(9))]).unwrap());
    assert!(desk.keeper.log().last_event().unwrap() > snapshot.after);
    let before = bytes(&desk);
    drop(desk);
    let (desk, _handle, _wished) = open(&folder);
    assert!(knows(desk.keeper.machine(), 1) && knows(desk.keeper.machine(), 9));
    assert_eq!(bytes(&desk), before);
}

#[test]
fn a_question_sees_the_inputs_before_it_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, _handle, _wished) = open(&folder);
    let (reply, mut answer) = oneshot::channel();
    let question: Question = Box::new(move |machine, reader| {
        let events = reader.events::<Input>(EventNumber::FIRST).unwrap();
        let kept: Vec<Input> = events.map(|event| event.unwrap().1).collect();
        reply.send((knows(machine, 1), knows(machine, 2), kept)).unwrap();
    });
    let requests = vec![request(joined(1)), Request::Question(question), request(joined(2))];
    assert!(desk.serve(requests).unwrap());
    let (first, second, kept) = answer.try_recv().unwrap();
    assert!(first && !second);
    assert!(kept.contains(&joined(1)));
    assert!(knows(desk.keeper.machine(), 2));
}

#[tokio::test]
async fn a_refused_input_is_answered_and_stop_ends_the_thread_after_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, handle, _wished) = open(&folder);
    let thread = blocking::drive(desk.run());
    assert_eq!(handle.apply(joined(1)).await, Ok(None));
    let refusal = handle.apply(Input::Ledger(Event::JobCancelled { job: JOB })).await;
    assert_eq!(refusal, Ok(Some(Refusal::UnknownJob { job: JOB })));
    handle.look(|machine| if knows(machine, 1) { vec![joined(2)] } else { vec![] }).await.unwrap();
    assert_eq!(handle.ask(|machine, _| knows(machine, 2)).await, Ok(true));
    handle.tell(joined(3)).await.unwrap();
    handle.stop().await;
    thread.await.unwrap().unwrap();
    assert_eq!(handle.apply(joined(4)).await, Err(Stopped));
    let (desk, _handle, _wished) = open(&folder);
    assert!(knows(desk.keeper.machine(), 3) && !knows(desk.keeper.machine(), 4));
}

const CLIENT: Address = Address::repeat_byte(9);

/// A code that ends at 2,000.
async fn make(handle: &DeskHandle, number: u64, code: &'static str) -> Result<(), RuleError> {
    let made = handle.change(move |step| {
        let (now, end) = (WallTime::new(1_000), WallTime::new(2_000));
        step.add_pairing(PairingId(number), CLIENT, code, now, end)?;
        Ok(((), Vec::new()))
    });
    made.await.unwrap()
}

async fn claim(handle: &DeskHandle, node: u32, at: u64) -> Result<Address, RuleError> {
    let claimed = handle.change(move |step| {
        let (provider, at) = (IdentityKey::new([5; 32]), WallTime::new(at));
        let by = PairingClaimed { provider, seat: seat(node), at };
        let client = step.claim_pairing("CODE", by)?.user;
        Ok((client, vec![Input::Ledger(Event::Paired { client, seat: seat(node) })]))
    });
    claimed.await.unwrap()
}

fn paired(machine: &Machine) -> Vec<Seat> {
    machine.ledger().state().pairings.of(CLIENT).into_iter().flatten().copied().collect()
}

#[tokio::test]
async fn a_pairing_is_in_table_and_ledger_or_in_neither_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, handle, wished) = open(&folder);
    let thread = blocking::drive(desk.run());
    assert_eq!(make(&handle, 1, "CODE").await, Ok(()));
    assert_eq!(
        make(&handle, 1, "OTHER").await,
        Err(RuleError::PairingExists { id: PairingId(1) }),
        "the same request makes one code"
    );
    let (code, expired_at) = ("CODE".to_owned(), WallTime::new(2_000));
    assert_eq!(claim(&handle, 3, 2_000).await, Err(RuleError::Expired { code, expired_at }));
    assert_eq!(handle.ask(|machine, _| paired(machine)).await, Ok(vec![]));
    assert_eq!(claim(&handle, 3, 1_999).await, Ok(CLIENT));
    let code = "CODE".to_owned();
    assert_eq!(claim(&handle, 4, 1_999).await, Err(RuleError::Claimed { code }));
    assert_eq!(handle.ask(|machine, _| paired(machine)).await, Ok(vec![seat(3)]));
    drop((wished, handle));
    thread.await.unwrap().unwrap();
    let (desk, _handle, _wished) = open(&folder);
    assert_eq!(paired(desk.keeper.machine()), [seat(3)]);
    let listed = desk.keeper.log().reader().pairings_of(CLIENT).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].1.claimed.map(|claimed| claimed.seat), Some(seat(3)));
}
