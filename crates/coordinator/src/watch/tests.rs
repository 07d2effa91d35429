//! From the chain's words to inputs: in order, none lost, none twice, across restarts.

use tallystick_chain::outbox::OutcomeResult;
use tallystick_chain::view::{JobEvent, Proposal};
use tallystick_types::{Amount, Attempt, NodeId, OutputRoot, Seat, Seconds};

use super::*;
use crate::scene::{Running, Scene, time, until};

/// What the journal has of the chain's words on jobs.
async fn words(running: &Running) -> Vec<String> {
    let inputs = running.inputs().await.into_iter();
    let words = inputs.filter_map(|it| match it {
        Input::Offered { offer, .. } => Some(format!("offered {}", offer.attempt.get())),
        Input::Leased { lease, .. } => {
            Some(format!("leased {} to {}", lease.attempt.get(), lease.nodes.len()))
        }
        Input::Unleased { .. } => Some("unleased".to_owned()),
        Input::Ledger(tallystick_protocol::ledger::Event::ChainObserved {
            fact, finality, ..
        }) => Some(format!("{fact:?} {finality:?}")),
        _ => None,
    });
    words.collect()
}

/// The acts of a chain on one job, each with the words that follow from it.
fn acts(nodes: &[Seat]) -> Vec<(Act, &'static [&'static str])> {
    let proposal =
        Proposal { output_root: OutputRoot::new([7; 32]), price: Amount::new(9), signers: 1 };
    let (attempt, deadline) = (Attempt::new(2), time(30_000));
    vec![
        (Some(Scene::assigned(1, &nodes[..1])), &["leased 1 to 1"]),
        (
            Some(JobEvent::Enlisted { attempt: Attempt::new(1), nodes: nodes[1..].to_vec() }),
            &["leased 1 to 2"],
        ),
        (
            Some(JobEvent::Reopened { attempt: Attempt::new(1), deadline: time(20_000) }),
            &["unleased", "offered 2"],
        ),
        (Some(Scene::assigned(2, nodes)), &["leased 2 to 2"]),
        (
            Some(JobEvent::Proposed { attempt, proposal, deadline }),
            &["Proposed { attempt: Attempt(2) } Seen"],
        ),
        (
            Some(JobEvent::Settled {
                output_root: OutputRoot::new([7; 32]),
                paid: Amount::new(9),
                settler: alloy_primitives::Address::ZERO,
            }),
            &["Settled Seen"],
        ),
        (None, &["Settled Final"]),
        (None, &[]),
    ]
}

/// What a job's contract says; or all that was said becomes final.
type Act = Option<JobEvent>;

fn perform(scene: &mut Scene, job: JobId, act: Act) {
    match act {
        Some(event) => {
            scene.says(job, event);
        }
        None => {
            let head = scene.chain.block([]);
            scene.chain.finalise(head);
        }
    }
}

/// Plays all acts; the coordinator is away during those that `away` names.
async fn play(away: impl Fn(usize) -> bool) {
    let mut scene = Scene::new();
    let mut running = scene.start();
    let mut nodes = vec![running.connect(0x21).await, running.connect(0x22).await];
    let seats: Vec<Seat> = nodes.iter().map(|node| node.seat).collect();
    let job = scene.open_job(1);
    let mut expected = vec!["offered 1"];
    until(async || words(&running).await == expected).await;
    for (number, (act, follow)) in acts(&seats).into_iter().enumerate() {
        if away(number) {
            running.end(&mut scene).await;
            perform(&mut scene, job, act);
            running = scene.start();
            nodes = vec![running.connect(0x21).await, running.connect(0x22).await];
            expected.clear();
        } else {
            perform(&mut scene, job, act);
        }
        expected.extend(follow);
        while scene.outbox.try_next().is_some() {}
        until(async || words(&running).await.len() >= expected.len()).await;
        assert_eq!(words(&running).await, expected, "after act {number}");
    }
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(words(&running).await, expected, "looking again says nothing new");
    drop(nodes);
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chains_words_become_inputs_in_their_order_and_once() {
    play(|_| false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_neither_loses_nor_repeats_a_word_of_the_chain() {
    play(|_| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_goes_with_its_blocks_is_taken_back_and_a_job_of_others_is_left_alone() {
    let mut scene = Scene::new();
    let running = scene.start();
    let node = running.connect(0x21).await;
    let job = scene.open_job(1);
    let created = scene.chain.block([]);
    scene.wish().await;
    scene.says(job, Scene::assigned(1, &[node.seat]));
    until(async || words(&running).await == ["offered 1", "leased 1 to 1"]).await;
    scene.chain.roll_back(created);
    until(async || words(&running).await.last().is_some_and(|it| it == "unleased")).await;
    let other = Seat { node: NodeId::new(9), signer: alloy_primitives::Address::repeat_byte(9) };
    let (attempt, nodes) = (Attempt::new(1), vec![node.seat]);
    let deadline = time(10_000);
    scene.says(job, JobEvent::Assigned { attempt, coordinator: other, nodes, deadline });
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(words(&running).await, ["offered 1", "leased 1 to 1", "unleased"]);
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_in_its_second_half_and_each_time_under_a_key_of_its_own() {
    let mut scene = Scene::new();
    let running = scene.start();
    let node = running.connect(0x21).await;
    let job = scene.open_job(1);
    let assign = scene.wish().await;
    assert!(assign.purpose.contains("Assign"));
    let leased = |deadline| JobEvent::Heartbeat { attempt: Attempt::new(1), deadline };
    scene.says(job, Scene::assigned(1, &[node.seat]));
    // The lease of the parameters is 1,200 seconds, and this one ends in 700 from here.
    scene.says(job, leased(scene.chain.time().checked_add(Seconds::new(700)).unwrap()));
    tokio::time::sleep(2 * LOOK).await;
    let purposes = std::iter::from_fn(|| scene.outbox.try_next()).map(|it| it.purpose);
    assert!(purposes.into_iter().all(|it| !it.contains("renew")), "the first half is not over");
    let later = scene.chain.time().checked_add(Seconds::new(200)).unwrap();
    scene.chain.pass(later);
    let renewal = async |scene: &mut Scene| loop {
        let wish = scene.wish().await;
        if wish.purpose.contains("renew") {
            return wish;
        }
    };
    let first = renewal(&mut scene).await;
    assert_eq!(renewal(&mut scene).await.key, first.key, "the same renewal counts once");
    let reason = "the branch is gone".to_owned();
    scene.outbox.end(first.key, OutcomeResult::GaveUp { reason });
    let mut again = renewal(&mut scene).await;
    if again.key == first.key {
        again = renewal(&mut scene).await;
    }
    assert_ne!(again.key, first.key, "what the chain refused is wished for again");
    let first = again;
    scene.says(job, leased(scene.chain.time().checked_add(Seconds::new(300)).unwrap()));
    let mut second = renewal(&mut scene).await;
    if second.key == first.key {
        second = renewal(&mut scene).await;
    }
    assert_ne!(second.key, first.key, "a later one is another wish");
    running.end(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_taken_once_its_specification_arrives() {
    let mut scene = Scene::new();
    let running = scene.start();
    let _node = running.connect(0x21).await;
    let specification = scene.specification(1);
    let order = scene.order(1, &specification);
    let job = Scene::job_of(&order);
    let parameters = crate::scene::parameters();
    scene.says(job, JobEvent::Created { order, parameters });
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(words(&running).await, [] as [String; 0]);
    scene.blobs.put(&specification.to_bytes()).unwrap();
    assert!(scene.wish().await.purpose.contains(&job.to_string()));
    assert_eq!(words(&running).await, ["offered 1"]);
    running.end(&mut scene).await;
}
