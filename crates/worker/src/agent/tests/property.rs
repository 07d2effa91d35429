//! Any order, any repetition, any loss, and a restart at any moment.

use proptest::prelude::*;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::Failure;
use tallystick_types::{Amount, Canonical};

use super::claims::{receipt, request};
use super::rig::{Rig, coordinator, other_coordinator};
use crate::agent::{AgentSays, CoordinatorSays, FetchFailure, Input, RunFailure};

#[derive(Clone, Copy, Debug)]
enum Act {
    Assign(u32, u16),
    Reveal(u32, u16),
    Cancel(u32, u16),
    Output(u32, u16),
    Attest { other: bool },
    Receipt,
    Fetched(u8),
    Ran { fails: bool },
    Uploaded,
    Pass(u64),
    Chain(u8),
    Connect { other: bool },
    Disconnect,
    Drain,
    Restart,
    FailAfter(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let at = || (0..2_u32, 1..4_u16);
    prop_oneof![
        6 => at().prop_map(|(task, number)| Act::Assign(task, number)),
        3 => at().prop_map(|(task, number)| Act::Reveal(task, number)),
        1 => at().prop_map(|(task, number)| Act::Cancel(task, number)),
        1 => at().prop_map(|(task, number)| Act::Output(task, number)),
        3 => any::<bool>().prop_map(|other| Act::Attest { other }),
        1 => Just(Act::Receipt),
        6 => (0..6_u8).prop_map(Act::Fetched),
        6 => prop::bool::weighted(0.2).prop_map(|fails| Act::Ran { fails }),
        1 => Just(Act::Uploaded),
        3 => (0..12_000_u64).prop_map(Act::Pass),
        2 => (0..4_u8).prop_map(Act::Chain),
        3 => prop::bool::weighted(0.2).prop_map(|other| Act::Connect { other }),
        1 => Just(Act::Disconnect),
        1 => Just(Act::Drain),
        2 => Just(Act::Restart),
        2 => (0..3_u64).prop_map(Act::FailAfter),
    ]
}

/// Assignments that a reply names.
fn about(says: &AgentSays) -> Option<TaskAssignment> {
    match says {
        AgentSays::Ack(assignment)
        | AgentSays::Progress { assignment, .. }
        | AgentSays::Reveal { assignment, .. }
        | AgentSays::Failed { assignment, .. } => Some(*assignment),
        AgentSays::Commit { pledge, .. } => Some(pledge.assignment),
        _ => None,
    }
}

/// Does one thing.
fn perform(rig: &mut Rig, connected: &mut bool, act: Act) {
    match act {
        Act::Assign(task, number) => {
            let restarts = rig.restarts;
            let said = rig.said.len();
            let assignment = rig.assign(task, number);
            let answered = rig.said[said..].iter().filter_map(about).any(|at| at == assignment);
            let crashed = rig.restarts != restarts;
            assert!(answered || !*connected || crashed, "{assignment:?} is not answered");
        }
        Act::Reveal(task, number) => {
            let assignment = rig.assignment(task, number);
            rig.hear(CoordinatorSays::Reveal { assignment });
        }
        Act::Cancel(task, number) => {
            let assignment = rig.assignment(task, number);
            rig.hear(CoordinatorSays::Cancel { assignment });
        }
        Act::Output(task, number) => {
            let assignment = rig.assignment(task, number);
            rig.hear(CoordinatorSays::Output { assignment });
        }
        Act::Attest { other } => {
            let mut request = request(rig);
            request.claim.cost = Amount::new(if other { 501 } else { 500 });
            rig.hear(CoordinatorSays::Attest(Box::new(request)));
        }
        Act::Receipt => {
            let receipt = receipt(rig, request(rig).claim);
            rig.hear(CoordinatorSays::SignReceipt(receipt.to_bytes()));
        }
        Act::Fetched(0) => rig.fetched(Err(FetchFailure::Unavailable)),
        Act::Fetched(1) => rig.fetched(Err(FetchFailure::Unreachable)),
        Act::Fetched(_) => rig.fetched(Ok(())),
        Act::Ran { fails: true } => {
            rig.ran(Err(RunFailure { failure: Failure::Trap, detail: String::new() }));
        }
        Act::Ran { fails: false } => rig.ran(Ok(())),
        Act::Uploaded => {
            if let Some(assignment) = rig.uploads.pop() {
                rig.feed(Input::Uploaded { assignment, done: true });
            }
        }
        Act::Pass(milliseconds) => {
            rig.head = rig.head.map(|head| head + milliseconds % 5);
            rig.pass_ms(milliseconds);
        }
        Act::Chain(0) => rig.known = None,
        Act::Chain(1) => rig.head = None,
        Act::Chain(_) => (rig.known, rig.head) = (Some(rig.shown()), Some(900)),
        Act::Connect { other } => {
            let who = if other { other_coordinator() } else { coordinator() };
            rig.feed(Input::Connected { coordinator: who });
            *connected = true;
        }
        Act::Disconnect => {
            rig.feed(Input::Disconnected);
            *connected = false;
        }
        Act::Drain => rig.hear(CoordinatorSays::Drain),
        Act::Restart => {
            rig.restart();
            *connected = false;
        }
        Act::FailAfter(commits) => rig.store.fail_after(commits),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// The rig itself fails on a second output for an assignment and on a run after an output.
    #[test]
    fn nothing_is_signed_twice_and_everything_is_answered(
        executed in any::<bool>(),
        acts in prop::collection::vec(act(), 0..80),
    ) {
        let mut rig = Rig::ready();
        if executed {
            rig.committed(0, 1);
            rig.committed(1, 1);
        }
        let mut connected = true;
        for act in acts {
            let restarts = rig.restarts;
            perform(&mut rig, &mut connected, act);
            connected &= rig.restarts == restarts;
        }
        // The agent never even asks for a second signature.
        prop_assert_eq!(rig.refused_by_keys, 0);
        // Peace: everything that is open comes to an end.
        rig.store.mend();
        rig.known = Some(rig.shown());
        rig.head = Some(1_000);
        rig.feed(Input::Connected { coordinator: coordinator() });
        for _ in 0..9 {
            rig.pass_ms(5_000);
            while !rig.fetches.is_empty() {
                rig.fetched(Ok(()));
            }
            rig.ran(Ok(()));
        }
        prop_assert_eq!(rig.agent.busy(), 0);
        for assignment in rig.agent.running() {
            rig.said.clear();
            rig.hear(CoordinatorSays::Reveal { assignment });
            prop_assert_eq!(rig.said.first().and_then(about), Some(assignment));
        }
        prop_assert_eq!(rig.refused_by_keys, 0);
    }
}
