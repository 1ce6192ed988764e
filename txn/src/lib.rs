//! Transactions on the versioned map: snapshots, write sets, locks, deadlocks, savepoints, commit.
//!
//! Start at [`TxnManager`] and [`Txn`]. Reads see a snapshot; writes lock first, then read the newest version
//! (pessimistic, as InnoDB), and stay private until the commit.

mod core;
mod counters;
mod cursor;
mod error;
mod locks;
mod manager;
mod options;
mod serial;
mod store;
mod txn;
mod write_set;

pub use counters::{CounterKind, Counters, Reserved};
pub use cursor::TxnCursor;
pub use error::{Aftermath, TxnError, TxnResult};
pub use locks::{DataLock, LockId, LockMode, LockName};
pub use manager::{ActiveTxn, TxnManager};
pub use options::{Direction, Isolation, TxnMode, TxnOptions, View, WaitPolicy};
pub use store::{
    CommitTicket, Durability, EngineStore, MemoryStore, Seq, SnapshotGuard, Store, StoreError, ValueBytes,
    Version,
};
pub use txn::{Locked, StatementMark, Txn};
