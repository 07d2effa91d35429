use alloy_primitives::Address;
use tallystick_chain::follow::ScriptedChain;
use tallystick_chain::outbox::{Pause, ScriptedOutbox};
use tallystick_types::{ChainTime, NodeId, Seat};

use super::*;

struct Scene {
    chain: ScriptedChain,
    outbox: ScriptedOutbox,
    observed: Observed,
    worker: watch::Sender<WorkerStatus>,
    _running: watch::Sender<Vec<&'static str>>,
}

/// A node that can do its work.
fn ready() -> Scene {
    let (mut chain, house) = ScriptedChain::new(ChainTime::new(1_750_000_000).unwrap());
    chain.block([]);
    let (outbox, handle) = ScriptedOutbox::new(ScriptedChain::deployment().chain_id);
    let (running, tasks) = watch::channel(vec!["ingest", "worker"]);
    let seat = Seat { node: NodeId::new(1), signer: Address::ZERO };
    let (worker, seen) =
        watch::channel(WorkerStatus { connected: Some(seat), ..WorkerStatus::default() });
    let observed = Observed {
        house,
        outbox: Some(handle),
        running: tasks,
        started: true,
        settler: None,
        worker: Some(seen),
        archive: None,
    };
    Scene { chain, outbox, observed, worker, _running: running }
}

#[test]
fn a_node_is_not_ready_for_each_reason_alone_and_says_it() {
    type Change = fn(&mut Scene);
    let table: [(Change, &str); 7] = [
        (|it| it.chain.status(|status| status.phase = Phase::Boot), "not followed: Boot"),
        (|it| it.chain.status(|status| status.phase = Phase::Degraded), "not followed: Degraded"),
        (|it| it.chain.status(|status| status.head = Some(10)), "9 blocks behind"),
        (|it| it.chain.status(|status| status.strange = 2), "2 logs are not understood; update"),
        (|it| it.outbox.lane(LaneState::Paused(Pause::NoFunds)), "transactions wait"),
        (|it| it.observed.started = false, "the roles wait for the chain"),
        (|it| it.worker.send_modify(|status| status.connected = None), "has no coordinator"),
    ];
    let scene = ready();
    assert_eq!(scene.observed.reasons(), [] as [String; 0]);
    assert!(scene.observed.metrics().contains("\ntally_ready 1\n"));
    for (change, words) in table {
        let mut scene = ready();
        change(&mut scene);
        let reasons = scene.observed.reasons();
        assert!(reasons.len() == 1 && reasons[0].contains(words), "{reasons:?}");
        assert!(scene.observed.metrics().contains("\ntally_ready 0\n"));
    }
    // A few blocks are always on their way.
    let scene = ready();
    scene.chain.status(|status| status.head = Some(9));
    assert_eq!(scene.observed.reasons(), [] as [String; 0]);
}

#[test]
fn the_metrics_have_a_type_and_one_value_each() {
    let mut scene = ready();
    scene.chain.block([]);
    scene.chain.finalise(1);
    let (_, settler) = watch::channel(SettlerStatus { handed_in: 7, ..SettlerStatus::default() });
    scene.observed.settler = Some(settler);
    let page = scene.observed.metrics();
    for line in [
        "tally_chain_head 2",
        "tally_view_head 2",
        "tally_view_final 1",
        "tally_tasks_running 2",
        "tally_jobs{state=\"open\"} 0",
        "tally_outbox_open 1",
        "tally_settler_handed_in 7",
        "tally_worker_connected 1",
    ] {
        assert_eq!(page.lines().filter(|it| *it == line).count(), 1, "{line}:\n{page}");
    }
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once(' ').unwrap();
        value.parse::<u64>().unwrap();
        let name = name.split('{').next().unwrap();
        assert!(page.contains(&format!("# TYPE {name} gauge\n")), "{line}");
    }
}
