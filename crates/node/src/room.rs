//! Room on the disk: where less than a tenth of it is left for blobs, those that nobody needs go,
//! the longest unused first, until a fifth is free.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tallystick_blobs::{BlobError, BlobStore};
use tallystick_coordinator::Needs;
use tallystick_ports::{Clock, blocking};
use tokio::task::JoinError;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(60);
/// For so many looks a coordinator keeps what it was asked about. Whoever heard that a blob is here
/// has handed in an order by then.
const GRACE: usize = 15;

/// Why nobody makes room any more.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] BlobError),
    /// The removal broke down.
    #[error(transparent)]
    Broken(#[from] JoinError),
}

/// Makes room until `stop` is ready. Pinned blobs stay, which is how a worker keeps what it needs,
/// and what a coordinator needs.
///
/// # Errors
///
/// [`RoomError`].
pub async fn make_room(
    store: BlobStore,
    clock: Arc<dyn Clock>,
    needs: Option<Needs>,
    stop: impl Future<Output = ()>,
) -> Result<(), RoomError> {
    let mut stop = pin!(stop);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let grace = if needs.is_some() { GRACE } else { 0 };
    let mut marks = VecDeque::new();
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = looks.tick() => marks.push_back(store.mark()),
        }
        let Some(mark) = (marks.len() > grace).then(|| marks.pop_front()).flatten() else {
            continue;
        };
        let statistics = store.statistics();
        if !statistics.is_crowded() {
            continue;
        }
        let needed = match &needs {
            None => Some(BTreeSet::new()),
            Some(needs) => needs.blobs().await,
        };
        // A coordinator that does not answer stops.
        let Some(needed) = needed else { continue };
        let (store, now) = (store.clone(), clock.now());
        let target = statistics.quota_bytes / 10 * 8;
        let removal = move || store.collect_unneeded(now, target, mark, &needed);
        let done = blocking::run(removal).await??;
        let (blobs, bytes, over) = (done.blobs.len(), done.bytes, done.over);
        if over == 0 {
            tracing::info!(blobs, bytes, "node.room.made");
        } else {
            let remedy =
                "what is left is needed or was used just now; raise coordinator.blob_bytes";
            tracing::warn!(blobs, bytes, over, remedy, "node.room.scarce");
        }
    }
}

#[cfg(test)]
mod tests;
