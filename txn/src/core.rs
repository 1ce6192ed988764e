//! The state of a transaction, shared by its handle, its cursors and its commit.

use crate::error::{TxnError, TxnResult};
use crate::locks::{Acquired, LockError, LockId, LockMode, LockName, Owner, Wait};
use crate::manager::{ActiveTxn, ManagerCore};
use crate::options::{Isolation, TxnMode, WaitPolicy};
use crate::serial::ReadSet;
use crate::store::{Seq, SnapshotGuard};
use crate::write_set::{ALL, Ordinal, WriteSet};
use parking_lot::Mutex;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// What a [`crate::Txn`], its cursors and its commit share.
pub(crate) struct TxnCore {
    pub manager: Arc<ManagerCore>,
    pub owner: Arc<Owner>,
    pub isolation: Isolation,
    pub mode: TxnMode,
    pub writes: Mutex<WriteSet>,
    pub view: Mutex<ReadView>,
    /// No snapshot may be below it: the largest unpublished seq that a current read met.
    pub floor: AtomicU64,
    pub statement_first: AtomicU32,
    pub registered: AtomicBool,
    pub aborted: AtomicBool,
    pub ended: AtomicBool,
    pub lock_wait_timeout_ms: AtomicU64,
    pub conflict_check: AtomicBool,
    pub tables: Mutex<Vec<TableUse>>,
    pub savepoints: Mutex<Vec<(String, Ordinal)>>,
    /// What a serializable transaction has read.
    reads: Mutex<ReadSet>,
    /// Known to [`crate::serial::Serial`].
    entered: AtomicBool,
}

#[derive(Default)]
pub(crate) struct ReadView {
    pub snapshot: Option<Arc<SnapshotGuard>>,
}

/// What the transaction holds on a table, so that row locks need not ask again.
pub(crate) struct TableUse {
    pub table: u64,
    pub mode: LockMode,
    pub rows: usize,
    /// Row locks at which escalation is tried next.
    pub escalate_at: usize,
}

impl TxnCore {
    pub fn new(
        manager: Arc<ManagerCore>,
        owner: Arc<Owner>,
        isolation: Isolation,
        mode: TxnMode,
    ) -> Arc<TxnCore> {
        let timeout_ms = manager.options.lock_wait_timeout.as_millis().try_into().unwrap_or(u64::MAX);
        Arc::new(TxnCore {
            manager,
            owner,
            isolation,
            mode,
            writes: Mutex::default(),
            view: Mutex::default(),
            floor: AtomicU64::new(0),
            statement_first: AtomicU32::new(0),
            registered: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            lock_wait_timeout_ms: AtomicU64::new(timeout_ms),
            conflict_check: AtomicBool::new(false),
            tables: Mutex::default(),
            savepoints: Mutex::default(),
            reads: Mutex::default(),
            entered: AtomicBool::new(false),
        })
    }

    pub fn id(&self) -> u64 {
        self.owner.id
    }

    pub fn describe(&self) -> ActiveTxn {
        ActiveTxn {
            id: self.id(),
            isolation: self.isolation,
            is_waiting: self.owner.is_waiting(),
            weight: self.owner.work(),
            locks: self.owner.held_count(),
            keys_written: self.writes.lock().key_count(),
        }
    }

    pub fn with_writes<T>(&self, read: impl FnOnce(&mut WriteSet) -> T) -> T {
        read(&mut self.writes.lock())
    }

    pub fn raise_floor(&self, met: Seq) {
        if met > self.manager.store.published() {
            self.floor.fetch_max(met.0, Ordering::AcqRel);
        }
    }

    pub fn check_alive(&self) -> TxnResult<()> {
        if self.aborted.load(Ordering::Acquire) { Err(TxnError::Deadlock) } else { Ok(()) }
    }

    pub fn wait(&self, policy: WaitPolicy) -> Wait<'_> {
        let timeout = Duration::from_millis(self.lock_wait_timeout_ms.load(Ordering::Relaxed));
        Wait { policy, timeout, waiter: &*self.manager.waiter }
    }

    /// A deadlock's victim gives up everything at once, so that the others go on.
    pub fn lock_failed(self: &Arc<Self>, error: LockError) -> TxnError {
        match error {
            LockError::Timeout => TxnError::LockWaitTimeout,
            LockError::NotAvailable => TxnError::LockNotAvailable,
            LockError::Interrupted => TxnError::Interrupted,
            LockError::TableFull => TxnError::LockTableFull,
            LockError::Deadlock => self.abort(),
        }
    }

    /// Rolls back on the spot: what a deadlock or an overtaken snapshot leaves is an empty shell.
    pub fn abort(&self) -> TxnError {
        self.aborted.store(true, Ordering::Release);
        self.forget();
        TxnError::Deadlock
    }

    /// Whether its reads are validated at the commit.
    pub fn is_validated(&self) -> bool {
        self.isolation == Isolation::Serializable && !self.mode.read_only
    }

    pub fn note_point(&self, key: &[u8]) {
        if self.is_validated() {
            self.reads.lock().add_point(key);
        }
    }

    pub fn note_range(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) {
        if self.is_validated() {
            self.reads.lock().add_range(lower, upper);
        }
    }

    /// A current read of a serializable transaction stands on its snapshot: a newer version ends it.
    pub fn check_current(&self, met: Seq) -> TxnResult<()> {
        let is_newer = || self.view.lock().snapshot.as_ref().is_some_and(|snapshot| met > snapshot.seq());
        if self.is_validated() && is_newer() { Err(self.abort()) } else { Ok(()) }
    }

    /// Whether a commit above the snapshot wrote into what was read. Alone at the gate.
    pub fn is_overtaken(&self) -> bool {
        let snapshot = self.view.lock().snapshot.as_ref().map(|snapshot| snapshot.seq());
        snapshot.is_some_and(|seq| self.manager.serial.is_overtaken(seq, &self.reads.lock()))
    }

    fn leave_serial(&self) {
        if self.entered.swap(false, Ordering::AcqRel) {
            self.manager.serial.leave(self.id());
        }
    }

    pub fn acquire(
        self: &Arc<Self>,
        name: LockName<'_>,
        table: u64,
        mode: LockMode,
        policy: WaitPolicy,
    ) -> TxnResult<Acquired> {
        let got = self.manager.locks.acquire(&self.owner, name, table, mode, self.wait(policy));
        got.map_err(|error| self.lock_failed(error))
    }

    fn unregister(&self) {
        if self.registered.swap(false, Ordering::AcqRel) {
            self.manager.unregister(self.id());
        }
    }

    /// Forgets writes, snapshot and locks.
    pub fn forget(&self) {
        self.unregister();
        self.leave_serial();
        self.writes.lock().clear();
        self.view.lock().snapshot = None;
        self.manager.locks.release_all(&self.owner);
        self.tables.lock().clear();
        self.savepoints.lock().clear();
    }

    /// The snapshot that consistent reads use, taken now if there is none; waits for the floor first.
    pub fn snapshot(&self) -> TxnResult<Arc<SnapshotGuard>> {
        let mut view = self.view.lock();
        if let Some(snapshot) = &view.snapshot {
            return Ok(snapshot.clone());
        }
        let store = &self.manager.store;
        if self.is_validated() && !self.entered.swap(true, Ordering::AcqRel) {
            let inserted = self.manager.serial.enter(self.id());
            self.floor.fetch_max(inserted.0, Ordering::AcqRel);
        }
        let floor = Seq(self.floor.load(Ordering::Acquire));
        if floor > store.published() {
            store.when_published(floor).wait(&*self.manager.waiter)?;
        }
        let snapshot = Arc::new(store.snapshot());
        if self.is_validated() {
            self.manager.serial.took_snapshot(self.id(), snapshot.seq());
        }
        view.snapshot = Some(snapshot.clone());
        Ok(snapshot)
    }
}

/// Locks follow the commit's fate (STORAGE 1).
impl crate::store::CommitHooks for TxnCore {
    fn inserted(&self, seq: Seq) {
        self.manager.serial.inserted(self.id(), seq);
        self.leave_serial();
        self.unregister();
        let mut writes = std::mem::take(&mut *self.writes.lock());
        self.manager.locks.release_if(&self.owner, |id| match id {
            LockId::Row(key) => writes.get(key, ALL).is_some(),
            LockId::Transaction(_) => true,
            LockId::Database(_) | LockId::Table(_) | LockId::Page { .. } => false,
        });
    }

    fn published(&self, _seq: Seq) {
        self.manager.locks.release_all(&self.owner);
    }

    fn failed(&self, _error: &crate::store::StoreError) {
        self.forget();
    }
}
