//! The front desk: begins transactions, knows who is active, owns locks and counters.

use crate::core::TxnCore;
use crate::counters::Counters;
use crate::error::TxnResult;
use crate::locks::{DataLock, LockManager, Owner};
use crate::options::{Isolation, TxnMode, TxnOptions};
use crate::serial::Serial;
use crate::store::{EngineStore, Store};
use crate::txn::Txn;
use aurora_env::{KillFlag, Waiter};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ACTIVE_SHARDS: usize = 32;

/// What all transactions of an instance share.
pub(crate) struct ManagerCore {
    pub store: Arc<dyn Store>,
    pub options: TxnOptions,
    pub waiter: Arc<dyn Waiter>,
    pub locks: LockManager,
    pub serial: Serial,
    next_id: AtomicU64,
    /// Transactions with pending writes, by id: for READ UNCOMMITTED, range locks and processlists.
    active: Vec<Mutex<HashMap<u64, Arc<TxnCore>>>>,
}

/// A line of `information_schema.INNODB_TRX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveTxn {
    pub id: u64,
    pub isolation: Isolation,
    pub is_waiting: bool,
    /// Rows written and locks held.
    pub weight: u64,
    pub locks: usize,
    pub keys_written: usize,
}

/// Begins transactions on one store. Cheap to clone; all clones are the same manager.
#[derive(Clone)]
pub struct TxnManager {
    core: Arc<ManagerCore>,
    counters: Arc<Counters>,
}

impl TxnManager {
    /// Transactions on an engine. `waiter` blocks threads that wait for locks, see [`Waiter`].
    pub fn open(engine: Arc<aurora_lsm::Engine>, options: TxnOptions, waiter: Arc<dyn Waiter>) -> TxnManager {
        TxnManager::on_store(Arc::new(EngineStore::new(engine)), options, waiter)
    }

    /// Transactions on any store, such as [`crate::MemoryStore`].
    pub fn on_store(store: Arc<dyn Store>, options: TxnOptions, waiter: Arc<dyn Waiter>) -> TxnManager {
        let counters = Arc::new(Counters::new(store.clone(), options.auto_increment_batch));
        let core = Arc::new(ManagerCore {
            locks: LockManager::new(options.max_locks),
            serial: Serial::default(),
            store,
            options,
            waiter,
            next_id: AtomicU64::new(1),
            active: (0..ACTIVE_SHARDS).map(|_| Mutex::default()).collect(),
        });
        TxnManager { core, counters }
    }

    /// Begins a transaction whose waits `kill` interrupts. Costs two allocations; no snapshot is taken until the
    /// first consistent read, unless `mode` asks for one.
    pub fn begin_killable(&self, isolation: Isolation, mode: TxnMode, kill: Arc<KillFlag>) -> Txn {
        let id = self.core.next_id.fetch_add(1, Ordering::Relaxed);
        let owner = Owner::new(id, kill);
        Txn::new(TxnCore::new(self.core.clone(), owner, isolation, mode))
    }

    /// [`TxnManager::begin_killable`] without a kill flag.
    pub fn begin(&self, isolation: Isolation, mode: TxnMode) -> Txn {
        self.begin_killable(isolation, mode, Arc::new(KillFlag::new()))
    }

    /// AUTO_INCREMENT counters, hidden row ids and other numbers that never fall.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core.store
    }

    pub fn waiter(&self) -> &Arc<dyn Waiter> {
        &self.core.waiter
    }

    /// `performance_schema.data_locks`.
    pub fn data_locks(&self) -> Vec<DataLock> {
        self.core.locks.data_locks()
    }

    /// Transactions with pending writes, by id.
    pub fn active(&self) -> Vec<ActiveTxn> {
        let mut active: Vec<ActiveTxn> =
            self.core.active_cores().iter().map(|core| core.describe()).collect();
        active.sort_by_key(|txn| txn.id);
        active
    }

    /// Writes the exact counters: the last act before storage is closed.
    pub fn close(&self) -> TxnResult<()> {
        self.counters.write_exact(&*self.core.waiter)
    }
}

impl ManagerCore {
    fn active_shard(&self, id: u64) -> &Mutex<HashMap<u64, Arc<TxnCore>>> {
        &self.active[id as usize % ACTIVE_SHARDS]
    }

    pub fn register(&self, core: &Arc<TxnCore>) {
        self.active_shard(core.id()).lock().insert(core.id(), core.clone());
    }

    pub fn unregister(&self, id: u64) {
        self.active_shard(id).lock().remove(&id);
    }

    /// Runs `act` while the transaction is sure to be registered; `false` if it is not.
    pub fn while_active(&self, id: u64, act: impl FnOnce()) -> bool {
        let shard = self.active_shard(id).lock();
        let is_active = shard.contains_key(&id);
        if is_active {
            act();
        }
        is_active
    }

    pub fn active_cores(&self) -> Vec<Arc<TxnCore>> {
        self.active.iter().flat_map(|shard| shard.lock().values().cloned().collect::<Vec<_>>()).collect()
    }
}
