//! Where work runs that waits for a disk or computes for long.

use std::cell::Cell;
use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn, spawn_blocking};

thread_local! {
    static INLINE: Cell<bool> = const { Cell::new(false) };
}

/// From now on whatever this thread starts with [`run`] and [`drive`] is a task of its runtime. A
/// simulation needs that: which of several threads is first is for the machine to say and not for
/// a seed.
pub fn stay_on_this_thread() {
    INLINE.set(true);
}

/// Runs work that blocks, on a thread that is there for it.
pub fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    if INLINE.get() { start(async move { work() }) } else { spawn_blocking(work) }
}

/// Runs a future that blocks between its waits, on a thread that is there for it.
pub fn drive<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    if INLINE.get() {
        return start(future);
    }
    let runtime = Handle::current();
    spawn_blocking(move || runtime.block_on(future))
}

#[expect(clippy::disallowed_methods, reason = "the caller holds the task, as it does a thread")]
fn start<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    spawn(future)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    /// The threads on which work and a future that waits run, and the thread of the runtime.
    fn threads(stay: bool) -> [thread::ThreadId; 3] {
        let test = move || {
            if stay {
                stay_on_this_thread();
            }
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (answer, asked) = oneshot::channel();
                let driven = drive(async move {
                    asked.await.unwrap();
                    thread::current().id()
                });
                let ran = run(|| thread::current().id()).await.unwrap();
                answer.send(()).unwrap();
                [ran, driven.await.unwrap(), thread::current().id()]
            })
        };
        thread::spawn(test).join().unwrap()
    }

    #[test]
    fn what_blocks_has_a_thread_of_its_own() {
        let [ran, driven, runtime] = threads(false);
        assert_ne!(ran, runtime);
        assert_ne!(driven, runtime);
    }

    #[test]
    fn in_a_simulation_everything_stays_on_one_thread() {
        let [ran, driven, runtime] = threads(true);
        assert_eq!([ran, driven], [runtime; 2]);
    }
}
