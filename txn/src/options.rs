//! What callers choose: isolation, access mode, lock modes, wait policies.

use std::time::Duration;

/// The SQL isolation levels, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Sees other transactions' pending writes.
    ReadUncommitted,
    /// A new snapshot for every statement.
    ReadCommitted,
    /// One snapshot from the first consistent read on; MySQL's default.
    #[default]
    RepeatableRead,
    /// Reads are validated at the commit (1213); callers do nothing for it.
    Serializable,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxnMode {
    /// START TRANSACTION READ ONLY: writes answer 1792 at the session; here they are an error of use.
    pub read_only: bool,
    /// START TRANSACTION WITH CONSISTENT SNAPSHOT: the snapshot is taken at the start.
    pub consistent_snapshot: bool,
    /// One statement that commits by itself.
    pub autocommit: bool,
}

impl TxnMode {
    /// A statement outside of BEGIN … COMMIT with `autocommit = 1`.
    pub const AUTOCOMMIT: TxnMode =
        TxnMode { read_only: false, consistent_snapshot: false, autocommit: true };
    /// BEGIN.
    pub const EXPLICIT: TxnMode = TxnMode { read_only: false, consistent_snapshot: false, autocommit: false };
}

/// What a read sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The transaction's (REPEATABLE READ) or statement's (READ COMMITTED) snapshot.
    Snapshot,
    /// The newest version, published or not: only sound for what is locked, or is to be locked and read again.
    Current,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Reverse,
}

/// What to do when a lock is not free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Up to the transaction's lock wait timeout (1205).
    #[default]
    Wait,
    /// 3572 at once.
    NoWait,
    /// The row is treated as if it were not there.
    SkipLocked,
}

/// Settings of a [`crate::TxnManager`].
#[derive(Clone, Debug)]
pub struct TxnOptions {
    /// `innodb_lock_wait_timeout` for transactions that set none.
    pub lock_wait_timeout: Duration,
    /// Row locks of one transaction on one table at which it tries to lock the whole table instead.
    pub escalate_row_locks: usize,
    /// Locks of all transactions together; above it 1206.
    pub max_locks: usize,
    /// Bytes of one transaction's pending writes; above it the statement fails with 1197.
    pub max_write_set_bytes: usize,
    /// Values of an AUTO_INCREMENT counter that one small commit reserves.
    pub auto_increment_batch: u64,
}

impl Default for TxnOptions {
    fn default() -> TxnOptions {
        TxnOptions {
            lock_wait_timeout: Duration::from_secs(50),
            escalate_row_locks: 200_000,
            max_locks: 8_000_000,
            max_write_set_bytes: 2 << 30,
            auto_increment_batch: 1_000,
        }
    }
}
