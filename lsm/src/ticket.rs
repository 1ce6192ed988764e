//! A commit on its way: the ticket that its issuer holds, and the hooks that are called as it proceeds.

use crate::error::{LsmError, Result};
use crate::log::Lead;
use crate::types::{Lsn, Seq};
use aurora_env::{Signal, Waiter};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

/// What a commit calls back at. Each is called at most once; `published` or `failed` also when the ticket is gone.
pub trait CommitHooks: Send + Sync {
    /// The versions are in the memtable: locks of written rows may go. On the committing thread, before the sync.
    fn inserted(&self, seq: Seq);
    /// `published` has reached this commit: the other locks go. On whichever thread published.
    fn published(&self, seq: Seq);
    /// The commit's fate is unknown until a restart (STORAGE 3).
    fn failed(&self, error: &LsmError);
}

/// Hooks that do nothing.
pub struct NoHooks;

impl CommitHooks for NoHooks {
    fn inserted(&self, _seq: Seq) {}
    fn published(&self, _seq: Seq) {}
    fn failed(&self, _error: &LsmError) {}
}

type Callback = Box<dyn FnOnce(Result<Seq>) + Send>;

#[derive(Default)]
struct Waiting {
    outcome: Option<Result<Seq>>,
    waker: Option<Waker>,
    callback: Option<Callback>,
    signal: Option<Arc<Signal>>,
}

/// Shared by the ticket and the publisher.
#[derive(Default)]
pub(crate) struct TicketState {
    done: AtomicBool,
    waiting: Mutex<Waiting>,
}

impl TicketState {
    /// Called once, by the publisher or by whoever fails the log.
    pub(crate) fn resolve(&self, outcome: Result<Seq>) {
        let (waker, callback, signal) = {
            let mut waiting = self.waiting.lock();
            if waiting.outcome.is_some() {
                return;
            }
            waiting.outcome = Some(outcome.clone());
            self.done.store(true, Ordering::Release);
            (waiting.waker.take(), waiting.callback.take(), waiting.signal.take())
        };
        if let Some(signal) = signal {
            signal.fire();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(callback) = callback {
            callback(outcome);
        }
    }
}

/// A commit on its way: await it (many sessions share one sync), block on it, or register a callback. It resolves
/// once the commit is durable at its level and published. Dropping it does not undo the commit.
///
/// Waiting for it, and polling it, on a thread that is lent for that ([`aurora_env::lend_thread`], also while it was
/// committed) writes and syncs the log on the spot where the log is idle.
#[must_use = "the commit is durable only once its ticket resolves"]
pub struct CommitTicket {
    pub(crate) state: Option<Arc<TicketState>>,
    pub(crate) seq: Seq,
    pub(crate) lsn: Lsn,
    /// Nobody has been told to sync the commit: whoever waits for it does.
    pub(crate) lead: Option<Lead>,
}

impl CommitTicket {
    pub(crate) fn ready(seq: Seq, lsn: Lsn) -> CommitTicket {
        CommitTicket { state: None, seq, lsn, lead: None }
    }

    /// The commit's seq (for `when_published`: the seq that is waited for).
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The position behind the commit's log record.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Whether it has resolved.
    pub fn is_done(&self) -> bool {
        self.state.as_ref().is_none_or(|state| state.done.load(Ordering::Acquire))
    }

    /// The outcome, if it has resolved.
    pub fn outcome(&self) -> Option<Result<Seq>> {
        match &self.state {
            None => Some(Ok(self.seq)),
            Some(state) => state.waiting.lock().outcome.clone(),
        }
    }

    /// Blocks the calling thread itself; under a server use [`CommitTicket::wait`].
    pub fn wait_blocking(&self) -> Result<Seq> {
        self.wait(&aurora_env::ThreadWaiter)
    }

    fn take_lead(&self) {
        if let Some(lead) = &self.lead {
            lead.take();
        }
    }

    /// Blocks through `waiter`.
    pub fn wait(&self, waiter: &dyn Waiter) -> Result<Seq> {
        let Some(state) = &self.state else { return Ok(self.seq) };
        self.take_lead();
        let signal = {
            let mut waiting = state.waiting.lock();
            if let Some(outcome) = &waiting.outcome {
                return outcome.clone();
            }
            waiting.signal.get_or_insert_with(|| Arc::new(Signal::new())).clone()
        };
        waiter.wait(&signal, None);
        state.waiting.lock().outcome.clone().unwrap_or(Err(LsmError::Closed))
    }

    /// Calls `callback` with the outcome, at once if there is one. One callback per ticket: a second replaces it.
    pub fn on_done(&self, callback: impl FnOnce(Result<Seq>) + Send + 'static) {
        let Some(state) = &self.state else { return callback(Ok(self.seq)) };
        self.take_lead();
        let mut waiting = state.waiting.lock();
        match waiting.outcome.clone() {
            None => waiting.callback = Some(Box::new(callback)),
            Some(outcome) => {
                drop(waiting);
                callback(outcome);
            }
        }
    }
}

impl Future for CommitTicket {
    type Output = Result<Seq>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Seq>> {
        let Some(state) = &self.state else { return Poll::Ready(Ok(self.seq)) };
        self.take_lead();
        let mut waiting = state.waiting.lock();
        match &waiting.outcome {
            Some(outcome) => Poll::Ready(outcome.clone()),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_resolves_once_for_waiters_and_callbacks() {
        let state = Arc::new(TicketState::default());
        let ticket = CommitTicket { state: Some(state.clone()), seq: Seq(7), lsn: Lsn(9), lead: None };
        assert!(!ticket.is_done());
        let (send, receive) = std::sync::mpsc::channel();
        ticket.on_done(move |outcome| send.send(outcome.is_ok()).unwrap());
        let waiter = std::thread::spawn(move || (ticket.wait_blocking().is_ok(), ticket));
        state.resolve(Ok(Seq(7)));
        state.resolve(Err(LsmError::Closed));
        assert!(receive.recv().unwrap());
        let (waited, ticket) = waiter.join().unwrap();
        assert!(waited);
        assert_eq!(ticket.outcome().unwrap().unwrap(), Seq(7));
    }
}
