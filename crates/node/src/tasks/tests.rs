use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};

use super::*;

const DRAIN: Duration = Duration::from_secs(30);

/// Tasks that write down when they end.
fn scene() -> (Tasks, Arc<Mutex<Vec<&'static str>>>) {
    let (mut tasks, ends) = (Tasks::default(), Arc::new(Mutex::new(Vec::new())));
    for (name, stage, takes) in
        [("ingest", Stage::Door, 0), ("coordinator", Stage::Role, 1), ("worker", Stage::Work, 20)]
    {
        let (stop, ends) = (tasks.stop(stage), Arc::clone(&ends));
        tasks.spawn(name, stage, async move {
            stop.await;
            tokio::time::sleep(Duration::from_secs(takes)).await;
            ends.lock().unwrap().push(name);
            Ok::<(), io::Error>(())
        });
    }
    (tasks, ends)
}

#[tokio::test(start_paused = true)]
async fn roles_finish_before_their_doors_close() {
    let (tasks, ends) = scene();
    let running = tasks.running();
    assert_eq!(*running.borrow(), ["ingest", "coordinator", "worker"]);
    tasks.run(async {}, DRAIN).await.unwrap();
    assert_eq!(*ends.lock().unwrap(), ["worker", "coordinator", "ingest"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_stops_the_others_gracefully_and_is_the_reason() {
    let (mut tasks, ends) = scene();
    tasks.spawn("archive", Stage::Role, async { Err(io::Error::other("the disk is full")) });
    let error = tasks.run(pending(), DRAIN).await.unwrap_err();
    assert!(matches!(error, TaskError::Failed { task: "archive", .. }), "{error:?}");
    assert_eq!(*ends.lock().unwrap(), ["worker", "coordinator", "ingest"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_or_breaks_down_unasked_is_the_reason() {
    let (mut tasks, ends) = scene();
    tasks.spawn("settler", Stage::Role, async { Ok::<(), io::Error>(()) });
    let error = tasks.run(pending(), DRAIN).await.unwrap_err();
    assert!(matches!(error, TaskError::Ended { task: "settler" }), "{error:?}");
    assert_eq!(ends.lock().unwrap().len(), 3);

    let (mut tasks, _) = scene();
    let broken =
        async { if DRAIN.is_zero() { Ok::<(), io::Error>(()) } else { panic!("a fault") } };
    tasks.spawn("settler", Stage::Role, broken);
    let error = tasks.run(pending(), DRAIN).await.unwrap_err();
    assert!(matches!(error, TaskError::Broken { task: "settler", .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_not_done_in_time_is_cut_off_and_the_doors_still_close() {
    let (mut tasks, ends) = scene();
    tasks.spawn("archive", Stage::Role, pending::<Result<(), io::Error>>());
    let error = tasks.run(async {}, DRAIN).await.unwrap_err();
    assert!(matches!(error, TaskError::CutOff { .. }), "{error:?}");
    assert_eq!(*ends.lock().unwrap(), ["worker", "coordinator", "ingest"]);
}
