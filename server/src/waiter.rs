//! How threads of the server wait.

use aurora_env::{Signal, Waiter};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// What another thread needs to take a worker's tasks over.
const HANDOVER: Duration = Duration::from_micros(200);

/// Parks a runtime's worker only after another thread has taken its tasks (STORAGE 25).
#[derive(Clone, Copy, Debug, Default)]
pub struct RuntimeWaiter;

impl Waiter for RuntimeWaiter {
    fn wait(&self, signal: &Signal, timeout: Option<Duration>) -> bool {
        if signal.has_fired() {
            return true;
        }
        blocking(|| signal.park(timeout))
    }

    fn compute(&self, call: &mut dyn FnMut()) {
        blocking(call);
    }

    /// The runtime gives the worker's tasks to another thread, unless this one is back before that has begun: it
    /// stays away for a moment.
    fn make_way(&self) {
        blocking(|| std::thread::sleep(HANDOVER));
    }
}

/// Runs something that may block, wherever the caller is.
pub fn blocking<T>(run: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(run)
        }
        _ => run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_waiting_worker_does_not_keep_the_others_from_running() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        let signal = Arc::new(Signal::new());
        let waiting = signal.clone();
        let waited =
            runtime.spawn(async move { RuntimeWaiter.wait(&waiting, Some(Duration::from_secs(20))) });
        runtime.spawn(async move { signal.fire() });
        assert!(runtime.block_on(waited).expect("no panic"));
    }

    #[test]
    fn a_long_computation_does_not_keep_the_others_from_running() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
        let (said, done) = (Arc::new(Signal::new()), Arc::new(Signal::new()));
        let (told, begun) = (said.clone(), done.clone());
        let long = runtime.spawn(async move {
            begun.fire();
            // Nobody else is heard until the thread has made way.
            (0..1000).any(|_| {
                RuntimeWaiter.make_way();
                told.has_fired()
            })
        });
        runtime.block_on(async {
            while !done.has_fired() {
                tokio::task::yield_now().await
            }
        });
        runtime.spawn(async move { said.fire() });
        assert!(runtime.block_on(long).expect("no panic"));
    }

    #[test]
    fn a_plain_thread_parks_itself() {
        assert!(!RuntimeWaiter.wait(&Signal::new(), Some(Duration::from_millis(1))));
    }
}
