//! The versioned map below transactions, as a trait: lsm in production, a model in tests.
//!
//! The trait says exactly what transactions need of storage (STORAGE 1, 7), so that rules about commit order and
//! visibility can be tested against a model that misbehaves on purpose.

mod engine;
mod memory;

pub use aurora_lsm::{CommitHooks, Durability, LsmError as StoreError, ReadAt, Seq, WriteBatch};
pub use engine::EngineStore;
pub use memory::MemoryStore;

use crate::options::Direction;
use std::future::Future;
use std::ops::{Bound, Deref};
use std::pin::Pin;
use std::sync::Arc;

/// A value as a read returns it; dereferences to its bytes. No copy where storage can pin its block.
#[derive(Clone)]
pub enum ValueBytes {
    Owned(Arc<[u8]>),
    Pinned(aurora_lsm::PinnedValue),
}

impl Deref for ValueBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            ValueBytes::Owned(bytes) => bytes,
            ValueBytes::Pinned(pinned) => pinned,
        }
    }
}

impl From<&[u8]> for ValueBytes {
    fn from(bytes: &[u8]) -> ValueBytes {
        ValueBytes::Owned(Arc::from(bytes))
    }
}

impl std::fmt::Debug for ValueBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ValueBytes").field(&&**self).finish()
    }
}

/// The version that a read met.
#[derive(Clone, Debug)]
pub struct Version {
    pub seq: Seq,
    /// `None`: deleted.
    pub value: Option<ValueBytes>,
}

/// Keeps the versions that a snapshot needs; dropped to let them go.
pub enum SnapshotGuard {
    Engine(aurora_lsm::Snapshot),
    Model(Seq),
}

impl SnapshotGuard {
    pub fn seq(&self) -> Seq {
        match self {
            SnapshotGuard::Engine(snapshot) => snapshot.seq(),
            SnapshotGuard::Model(seq) => *seq,
        }
    }
}

/// Walks versions in key order. Owned: it borrows nothing and pins what it reads.
pub trait StoreIter: Send {
    /// Steps to the next live key; `false` at the end. Starts before the first.
    fn advance(&mut self) -> Result<bool, StoreError>;
    /// The current key; empty before the first step and after the end.
    fn key(&self) -> &[u8];
    fn value(&self) -> &[u8];
    /// The largest seq met so far, deleted keys included (floors, STORAGE 1).
    fn max_seq(&self) -> Seq;
}

type TicketFuture = Pin<Box<dyn Future<Output = Result<Seq, StoreError>> + Send>>;

/// A commit on its way. Await it (many sessions share one sync) or [`CommitTicket::wait`] on the thread. Dropping
/// it does not undo the commit.
pub struct CommitTicket {
    state: TicketState,
}

enum TicketState {
    Ready(Result<Seq, StoreError>),
    Engine(aurora_lsm::CommitTicket),
    Pending(TicketFuture),
}

impl CommitTicket {
    /// Nothing to wait for.
    pub fn ready(seq: Seq) -> CommitTicket {
        CommitTicket { state: TicketState::Ready(Ok(seq)) }
    }

    pub(crate) fn pending(
        future: impl Future<Output = Result<Seq, StoreError>> + Send + 'static,
    ) -> CommitTicket {
        CommitTicket { state: TicketState::Pending(Box::pin(future)) }
    }

    /// Whether the answer may leave at once.
    pub fn is_ready(&self) -> bool {
        match &self.state {
            TicketState::Ready(_) => true,
            TicketState::Engine(ticket) => ticket.is_done(),
            TicketState::Pending(_) => false,
        }
    }

    /// Blocks the thread until the commit is durable at its level and published.
    pub fn wait(mut self, waiter: &dyn aurora_env::Waiter) -> Result<Seq, StoreError> {
        struct Unpark(Arc<aurora_env::Signal>);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.fire();
            }
        }
        if let TicketState::Engine(ticket) = &self.state {
            return ticket.wait(waiter);
        }
        loop {
            let signal = Arc::new(aurora_env::Signal::new());
            let waker = std::task::Waker::from(Arc::new(Unpark(signal.clone())));
            let mut context = std::task::Context::from_waker(&waker);
            match Pin::new(&mut self).poll(&mut context) {
                std::task::Poll::Ready(result) => return result,
                std::task::Poll::Pending => waiter.wait(&signal, None),
            };
        }
    }
}

impl From<aurora_lsm::CommitTicket> for CommitTicket {
    fn from(ticket: aurora_lsm::CommitTicket) -> CommitTicket {
        CommitTicket { state: TicketState::Engine(ticket) }
    }
}

impl Future for CommitTicket {
    type Output = Result<Seq, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        match &mut self.state {
            TicketState::Ready(result) => std::task::Poll::Ready(result.clone()),
            TicketState::Engine(ticket) => Pin::new(ticket).poll(context),
            TicketState::Pending(future) => future.as_mut().poll(context),
        }
    }
}

/// The versioned map.
pub trait Store: Send + Sync {
    /// Every lower seq is inserted, and durable at its level.
    fn published(&self) -> Seq;
    fn get(&self, key: &[u8], at: ReadAt) -> Result<Option<Version>, StoreError>;
    /// `Published` is not for iterators: they take a snapshot.
    fn iter(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        direction: Direction,
        at: ReadAt,
    ) -> Result<Box<dyn StoreIter>, StoreError>;
    fn snapshot(&self) -> SnapshotGuard;
    /// About how many bytes the entries of `start..end` take, versions that nobody sees any longer included.
    fn approximate_bytes(&self, start: &[u8], end: &[u8]) -> Result<u64, StoreError>;
    /// Ready once `published` ≥ `seq`.
    fn when_published(&self, seq: Seq) -> CommitTicket;
    /// Takes a seq and log space, inserts, and returns; see [`CommitHooks`] for what follows.
    ///
    /// # Errors
    /// When nothing was written: the transaction may go on.
    fn commit(
        &self,
        batch: &WriteBatch,
        durability: Durability,
        hooks: Arc<dyn CommitHooks>,
    ) -> Result<CommitTicket, StoreError>;
}
