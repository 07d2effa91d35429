use alloy_primitives::Address;
use tallystick_blobs::StoreConfig;
use tallystick_chain::follow::ScriptedChain;
use tallystick_chain::outbox::{Pause, ScriptedOutbox};
use tallystick_ports::ManualClock;
use tallystick_types::{ChainTime, NodeId, Seat, WallTime};

use super::*;

struct Scene {
    chain: ScriptedChain,
    outbox: ScriptedOutbox,
    observed: Observed,
    worker: watch::Sender<WorkerStatus>,
    running: watch::Sender<Vec<&'static str>>,
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
        started: vec!["worker"],
        settler: None,
        worker: Some(seen),
        archive: None,
        collector: None,
        blobs: None,
        me: Some(seat),
        times: PipelineTimes { chain: Seconds::new(60), money: Seconds::new(300) },
    };
    Scene { chain, outbox, observed, worker, running }
}

/// The metrics, a moment after a look at the pipelines.
fn page(observed: &Observed) -> String {
    let clock = Arc::new(ManualClock::at(WallTime::new(5_000)));
    let watched = Watched { clock, progress: Arc::default() };
    watched.look(observed);
    observed.metrics(observed.reasons().is_empty(), &watched.standings())
}

#[test]
fn a_chain_that_stands_still_makes_the_node_late() {
    let scene = ready();
    let clock = Arc::new(ManualClock::at(WallTime::new(5_000)));
    let watched = Watched { clock: clock.clone(), progress: Arc::default() };
    watched.look(&scene.observed);
    assert_eq!(watched.late().count(), 0);
    clock.pass_ms(61_000);
    watched.look(&scene.observed);
    let late: Vec<_> = watched.late().collect();
    assert!(late.len() == 1 && late[0].starts_with("chain is late"), "{late:?}");
}

#[test]
fn a_node_is_not_ready_for_each_reason_alone_and_says_it() {
    type Change = fn(&mut Scene);
    let table: [(Change, &str); 8] = [
        (|it| it.chain.status(|status| status.phase = Phase::Boot), "not followed: Boot"),
        (|it| it.chain.status(|status| status.phase = Phase::Degraded), "not followed: Degraded"),
        (|it| it.chain.status(|status| status.head = Some(10)), "9 blocks behind"),
        (|it| it.chain.status(|status| status.strange = 2), "2 logs are not understood; update"),
        (|it| it.outbox.lane(LaneState::Paused(Pause::NoFunds)), "transactions wait"),
        (|it| it.observed.started = Vec::new(), "the roles wait for the chain"),
        (|it| it.running.send_modify(|names| names.truncate(1)), "worker"),
        (|it| it.worker.send_modify(|status| status.connected = None), "has no coordinator"),
    ];
    let scene = ready();
    assert_eq!(scene.observed.reasons(), [] as [String; 0]);
    assert!(page(&scene.observed).contains("\ntally_ready 1\n"));
    for (change, words) in table {
        let mut scene = ready();
        change(&mut scene);
        let reasons = scene.observed.reasons();
        assert!(reasons.len() == 1 && reasons[0].contains(words), "{reasons:?}");
        assert!(page(&scene.observed).contains("\ntally_ready 0\n"));
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
    let folder = tempfile::tempdir().unwrap();
    let (blobs, _) = BlobStore::open(StoreConfig::new(folder.path(), 1_000_000)).unwrap();
    scene.observed.blobs = Some(blobs);
    let page = page(&scene.observed);
    for line in [
        "tally_chain_head 2",
        "tally_view_head 2",
        "tally_view_final 1",
        "tally_tasks_running 2",
        "tally_pipeline_waiting{pipeline=\"chain\"} 1",
        "tally_pipeline_expected_next_seconds{pipeline=\"chain\"} 65",
        "tally_pipeline_last_progress_seconds{pipeline=\"outbox\"} 5",
        "tally_jobs{state=\"open\"} 0",
        "tally_outbox_open 1",
        "tally_settler_handed_in 7",
        "tally_worker_connected 1",
        "tally_blobs_free_bytes 1000000",
        "tally_blobs_quota_bytes 1000000",
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
