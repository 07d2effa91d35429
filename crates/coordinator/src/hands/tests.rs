//! What the hands do with wishes, and what they do again.

use tallystick_abi::contracts::{IJobManager, ISlashingManager};
use tallystick_chain::outbox::Intent;
use tallystick_chain::view::JobEvent;
use tallystick_journal::EventNumber;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_types::{
    Amount, Attempt, ChainTime, EvmSignature, OutputRoot, ReceiptClaim, TaskAttempt,
};

use super::*;
use crate::scene::{Running, Scene, time, until};

fn is_assign(intent: &Intent) -> bool {
    use alloy_sol_types::SolCall;
    intent.data.starts_with(&IJobManager::assignCall::SELECTOR)
}

/// Lets time pass in steps that the machine notes.
async fn pass(scene: &Scene, running: &Running, seconds: u64) {
    for _ in 0..seconds {
        scene.clock.pass_ms(1_000);
        running.shared.desk.look(|_| Vec::new()).await.unwrap();
    }
}

fn reopened(attempt: u8) -> JobEvent {
    let deadline: ChainTime = time(20_000);
    JobEvent::Reopened { attempt: Attempt::new(attempt), deadline }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_chain_refused_is_wished_again_under_a_key_that_still_counts() {
    let mut scene = Scene::new();
    let running = scene.start();
    let _node = running.connect(0x21).await;
    scene.open_job(1);
    let first = scene.wish().await;
    assert!(is_assign(&first));

    pass(&scene, &running, 11).await;
    let again = scene.wish().await;
    assert_eq!(again, first, "what is under way is the same wish, and counts once");

    scene.outbox.end(first.key, OutcomeResult::GaveUp { reason: "no".into() });
    let failed = |it: &Input| matches!(it, Input::ChainCallFailed { .. });
    until(async || running.inputs().await.iter().any(failed)).await;
    pass(&scene, &running, 11).await;
    let later = scene.wish().await;
    assert_eq!((&later.data, later.to), (&first.data, first.to));
    assert_ne!(later.key, first.key, "the outbox sends nothing under a key that is over");
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_attempt_can_wish_the_very_call_of_an_earlier_one() {
    let mut scene = Scene::new();
    let running = scene.start();
    let node = running.connect(0x21).await;
    let job = scene.open_job(1);
    let first = scene.wish().await;
    scene.says(job, Scene::assigned(1, &[node.seat]));
    scene.outbox.end(first.key, OutcomeResult::Done { tx: alloy_primitives::B256::ZERO });
    until(async || running.inputs().await.iter().any(|it| matches!(it, Input::Leased { .. })))
        .await;
    scene.says(job, reopened(1));
    let second = scene.wish().await;
    assert!(is_assign(&second));
    assert_eq!(second.data, first.data, "the contract's call does not name the attempt");
    assert_ne!(second.key, first.key);
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wished_of_anybody_before_its_input_is_on_the_disk() {
    let mut scene = Scene::new();
    let running = scene.start();
    let mut node = running.connect(0x21).await;
    let reader = running.shared.desk.ask(|_, reader| reader.clone()).await.unwrap();
    let kept = |wanted: fn(&Input) -> bool| {
        let mut events = reader.events::<Input>(EventNumber::FIRST).unwrap();
        events.any(|event| wanted(&event.unwrap().1))
    };
    let job = scene.open_job(1);
    // The reader sees what the disk has at the moment at which the wish arrives.
    assert!(is_assign(&scene.wish().await));
    assert!(kept(|it| matches!(it, Input::Offered { .. })));
    scene.says(job, Scene::assigned(1, &[node.seat]));
    let order = tokio::time::timeout(crate::scene::PATIENCE, node.said.recv()).await;
    assert!(order.unwrap().is_some());
    assert!(kept(|it| matches!(it, Input::Leased { .. })));
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn randomness_is_brought_once_its_block_is_final_and_only_once() {
    let mut scene = Scene::new();
    let running = scene.start();
    let (wishes, wished) = mpsc::channel(4);
    let hands = Hands::new(running.shared.clone(), wished);
    let mut set = JoinSet::new();
    set.spawn(hands.run(std::future::pending()));
    let height = scene.chain.block([]);
    let round = BeaconRound::new(height);
    wishes.send(vec![Wish::AwaitRound(round), Wish::AwaitRound(round)]).await.unwrap();
    let brought = async || {
        let inputs = running.inputs().await;
        let seeds = inputs.into_iter().filter_map(|it| match it {
            Input::Ledger(Event::SeedKnown { round, seed }) => Some((round, seed)),
            _ => None,
        });
        seeds.collect::<Vec<_>>()
    };
    tokio::time::sleep(3 * LOOK).await;
    assert_eq!(brought().await, [], "a block that may go is no randomness");
    scene.chain.roll_back(height - 1);
    assert_eq!(scene.chain.block([]), height);
    scene.chain.finalise(height);
    until(async || !brought().await.is_empty()).await;
    tokio::time::sleep(3 * LOOK).await;
    let hash = running.shared.house.block(height).unwrap().unwrap().hash;
    assert_eq!(brought().await, [(round, tallystick_types::Seed::from(hash))]);
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_handed_in_until_the_chain_acted_on_it() {
    let mut scene = Scene::new();
    let running = scene.start();
    let node = running.connect(0x21).await;
    let job = scene.open_job(1);
    scene.says(job, Scene::assigned(1, &[node.seat]));
    let (wishes, wished) = mpsc::channel(4);
    let hands = Hands::new(running.shared.clone(), wished);
    let mut set = JoinSet::new();
    set.spawn(hands.run(std::future::pending()));
    let claim = |root: u8| {
        let (attempt, cost) = (Attempt::new(1), Amount::new(5));
        let output_root = OutputRoot::new([root; 32]);
        (ReceiptClaim { job, attempt, output_root, cost }, EvmSignature::new([root; 65]))
    };
    let evidence = Evidence::TwoClaims { seat: node.seat, claims: [claim(1), claim(2)] };
    wishes.send(vec![Wish::Report(Box::new(evidence))]).await.unwrap();
    let is_report = |intent: &Intent| {
        use alloy_sol_types::SolInterface;
        ISlashingManager::ISlashingManagerCalls::abi_decode(&intent.data).is_ok()
    };
    let mut reports = 0;
    while reports < 2 {
        let wish = scene.wish().await;
        reports += u32::from(is_report(&wish));
    }
    let seat = node.seat;
    scene.says(job, JobEvent::NodeSeized { attempt: Attempt::new(1), seat });
    // One may be under way.
    tokio::time::sleep(LOOK).await;
    while scene.outbox.try_next().is_some() {}
    tokio::time::sleep(LOOK * u32::try_from(REPORT_LOOKS + 10).unwrap()).await;
    while let Some(wish) = scene.outbox.try_next() {
        assert!(!is_report(&wish), "the chain has acted");
    }
    running.end(&mut scene).await;
}

#[test]
fn an_order_for_a_specification_that_is_gone_says_nothing_instead_of_half() {
    let scene = Scene::new();
    let seat = crate::scene::me();
    let assignment = TaskAssignment {
        job: JobId::new([1; 32]),
        attempt: Attempt::new(1),
        task: TaskIndex::new(0),
        task_attempt: TaskAttempt::new(1),
        seat,
    };
    let specification = scene.specification(1);
    let order = NodeOrder::Assign {
        assignment,
        role: tallystick_protocol::ledger::Role::Primary,
        slices: SliceRange { first: 0, count: 1 },
        acknowledge_by: tallystick_types::WallTime::new(1),
        execution_limit: tallystick_types::Seconds::new(1),
        check: None,
        specification: specification.digest(),
    };
    assert!(orders::bodies(order.clone(), &scene.blobs).is_empty());
    let bytes = specification.to_bytes();
    scene.blobs.put(&bytes).unwrap();
    let [assign, payload] = orders::bodies(order, &scene.blobs).try_into().unwrap();
    use tallystick_wire::worker::CoordinatorBody;
    let (CoordinatorBody::TaskAssign(assign), CoordinatorBody::Payload(payload)) =
        (assign, payload)
    else {
        panic!("an assignment is followed by its payload")
    };
    assert_eq!(assign.payload_bytes, bytes.len() as u64);
    assert_eq!(payload.bytes.into_vec(), bytes);
}
