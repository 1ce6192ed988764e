//! The lock table: sharded, first come first served, conversions first.
//!
//! A request is granted when its mode goes with what all others hold and with what waits before it. Whoever holds a
//! lock and asks for more converts it: conversions queue before newcomers and wait for holders alone, otherwise
//! two readers who both want to write could never be told from a queue.

use super::deadlock;
use super::mode::LockMode;
use super::name::{LockId, LockName};
use super::owner::{Owner, WaitSlot, WaitTarget, Waiting};
use super::ranges::{RangeSpec, RangeTable};
use crate::options::WaitPolicy;
use aurora_env::Waiter;
use hashbrown::HashTable;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SHARDS: usize = 256;

#[derive(Debug)]
struct Grant {
    owner: Arc<Owner>,
    mode: LockMode,
}

#[derive(Debug)]
struct Request {
    owner: Arc<Owner>,
    mode: LockMode,
    is_conversion: bool,
    slot: Arc<WaitSlot>,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    id: LockId,
    grants: SmallVec<[Grant; 1]>,
    /// Conversions, then newcomers.
    queue: VecDeque<Request>,
}

type Shard = HashTable<Entry>;

/// How a lock was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    New,
    /// Held before in a weaker mode.
    Converted,
    /// Held before as it was asked for.
    Already,
    /// [`WaitPolicy::SkipLocked`]: not got.
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockError {
    Timeout,
    Deadlock,
    NotAvailable,
    Interrupted,
    TableFull,
}

/// How a request waits.
#[derive(Clone, Copy)]
pub(crate) struct Wait<'a> {
    pub policy: WaitPolicy,
    pub timeout: Duration,
    pub waiter: &'a dyn Waiter,
}

/// One line of `performance_schema.data_locks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataLock {
    pub transaction: u64,
    pub id: LockId,
    pub mode: LockMode,
    pub granted: bool,
}

pub(crate) struct LockManager {
    shards: Vec<Mutex<Shard>>,
    hash: foldhash::fast::FixedState,
    shard_limit: usize,
    pub ranges: RangeTable,
    /// One search at a time, so that two waiters that close one cycle agree on the victim.
    detector: Mutex<()>,
}

impl LockManager {
    pub fn new(max_locks: usize) -> LockManager {
        LockManager {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hash: foldhash::fast::FixedState::default(),
            shard_limit: max_locks.div_ceil(SHARDS).max(1),
            ranges: RangeTable::default(),
            detector: Mutex::new(()),
        }
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        // The map inside uses the low and the top bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// Gets `name` in at least `mode`, waiting as `wait` says. `table`: whose row it is, for escalation; else 0.
    ///
    /// # Errors
    /// After [`LockError::Deadlock`] the caller gives up its whole transaction.
    pub fn acquire(
        &self,
        owner: &Arc<Owner>,
        name: LockName<'_>,
        table: u64,
        mode: LockMode,
        wait: Wait<'_>,
    ) -> Result<Acquired, LockError> {
        let hash = name.hash_with(&self.hash);
        let (id, slot, is_conversion) = {
            let mut shard = self.shard(hash).lock();
            let is_full = shard.len() >= self.shard_limit;
            let entry = match shard.find_mut(hash, |entry| entry.hash == hash && entry.id.name() == name) {
                Some(entry) => entry,
                None if is_full => return Err(LockError::TableFull),
                None => {
                    let id = name.to_id();
                    owner.remember(hash, id.clone(), table);
                    let mut grants = SmallVec::new();
                    grants.push(Grant { owner: owner.clone(), mode });
                    let entry = Entry { hash, id, grants, queue: VecDeque::new() };
                    shard.insert_unique(hash, entry, |entry| entry.hash);
                    return Ok(Acquired::New);
                }
            };
            match entry.request(owner, mode, wait.policy) {
                Requested::Done(Acquired::New) => {
                    owner.remember(hash, entry.id.clone(), table);
                    return Ok(Acquired::New);
                }
                Requested::Done(acquired) => return Ok(acquired),
                Requested::NotAvailable => return Err(LockError::NotAvailable),
                Requested::Waits { slot, is_conversion } => {
                    let target = WaitTarget::Lock { hash, id: entry.id.clone() };
                    owner.set_waiting(Some(Waiting { target, slot: slot.clone() }));
                    (entry.id.clone(), slot, is_conversion)
                }
            }
        };
        let outcome = self.await_slot(owner, &slot, wait);
        owner.set_waiting(None);
        match outcome {
            Ok(()) if is_conversion => Ok(Acquired::Converted),
            Ok(()) => {
                // Whoever granted it could not write into our list.
                owner.remember(hash, id, table);
                Ok(Acquired::New)
            }
            Err(error) => {
                let mut shard = self.shard(hash).lock();
                if let Ok(mut found) = shard.find_entry(hash, |entry| entry.hash == hash && entry.id == id) {
                    let entry = found.get_mut();
                    entry.queue.retain(|request| !Arc::ptr_eq(&request.slot, &slot));
                    entry.grant_queue();
                    if entry.is_free() {
                        found.remove();
                    }
                }
                Err(error)
            }
        }
    }

    /// Parks until the slot is decided.
    fn await_slot(&self, owner: &Arc<Owner>, slot: &WaitSlot, wait: Wait<'_>) -> Result<(), LockError> {
        self.resolve_deadlocks(owner);
        slot.park();
        owner.kill.watch(&slot.signal);
        wait.waiter.wait(&slot.signal, Some(wait.timeout));
        owner.kill.unwatch();
        if slot.give_up() {
            return Err(if owner.kill.is_set() { LockError::Interrupted } else { LockError::Timeout });
        }
        if slot.is_granted() { Ok(()) } else { Err(LockError::Deadlock) }
    }

    /// Breaks every cycle that `owner`'s new wait closes.
    fn resolve_deadlocks(&self, owner: &Arc<Owner>) {
        if !self.is_waited_for(owner) {
            return;
        }
        let _one_at_a_time = self.detector.lock();
        while let Some(cycle) = deadlock::find_cycle(owner, |waiting| self.blockers(waiting)) {
            deadlock::make_victim(&cycle);
        }
    }

    /// Whether someone may wait for `owner`, without whom its wait closes no cycle: a queue of many for one row is
    /// not searched by each that joins it. Who begins to wait for it later finds this wait in his own search.
    fn is_waited_for(&self, owner: &Arc<Owner>) -> bool {
        const FEW: usize = 16;
        if !self.ranges.is_empty() {
            return true;
        }
        let Some(held) = owner.held_if_few(FEW) else { return true };
        held.iter().any(|held| {
            let shard = self.shard(held.hash).lock();
            let found = shard.find(held.hash, |entry| entry.hash == held.hash && entry.id == held.id);
            found.is_some_and(|entry| !entry.queue.is_empty())
        })
    }

    /// Whom `owner` waits for.
    fn blockers(&self, owner: &Arc<Owner>) -> Vec<Arc<Owner>> {
        let Some(waiting) = owner.waiting() else { return Vec::new() };
        match &waiting.target {
            WaitTarget::Range(spec) => self.ranges.blockers(owner, spec),
            WaitTarget::Lock { hash, id } => {
                let shard = self.shard(*hash).lock();
                let found = shard.find(*hash, |entry| entry.hash == *hash && entry.id == *id);
                found.map_or_else(Vec::new, |entry| entry.blockers(&waiting.slot))
            }
        }
    }

    /// Makes sure that `owner` holds `name` exclusively without asking: only for names that nobody else can hold.
    pub fn announce(&self, owner: &Arc<Owner>, name: LockName<'_>) {
        let hash = name.hash_with(&self.hash);
        let mut shard = self.shard(hash).lock();
        if shard.find(hash, |entry| entry.hash == hash && entry.id.name() == name).is_some() {
            return;
        }
        let id = name.to_id();
        owner.remember(hash, id.clone(), 0);
        let mut grants = SmallVec::new();
        grants.push(Grant { owner: owner.clone(), mode: LockMode::Exclusive });
        shard.insert_unique(hash, Entry { hash, id, grants, queue: VecDeque::new() }, |entry| entry.hash);
    }

    /// Lets go of one lock, whatever its mode; gives the table that it was taken for, if it was held.
    pub fn release(&self, owner: &Arc<Owner>, name: LockName<'_>) -> Option<u64> {
        let hash = name.hash_with(&self.hash);
        let held = owner.forget(hash, name)?;
        self.release_hashed(owner, hash, name);
        Some(held.table)
    }

    /// Lets go of all rows of a table.
    pub fn release_rows(&self, owner: &Arc<Owner>, table: u64) {
        let rows = owner.take_held(|held| held.table == table && matches!(held.id, LockId::Row(_)));
        for held in rows {
            self.release_hashed(owner, held.hash, held.id.name());
        }
    }

    fn release_hashed(&self, owner: &Arc<Owner>, hash: u64, name: LockName<'_>) {
        let mut shard = self.shard(hash).lock();
        let Ok(mut found) = shard.find_entry(hash, |entry| entry.hash == hash && entry.id.name() == name)
        else {
            return;
        };
        let entry = found.get_mut();
        entry.grants.retain(|grant| !Arc::ptr_eq(&grant.owner, owner));
        entry.grant_queue();
        if entry.is_free() {
            found.remove();
        }
    }

    /// Lets go of all locks that `which` picks.
    pub fn release_if(&self, owner: &Arc<Owner>, mut which: impl FnMut(&LockId) -> bool) {
        for held in owner.take_held(|held| which(&held.id)) {
            self.release_hashed(owner, held.hash, held.id.name());
        }
    }

    /// Lets go of everything, ranges too.
    pub fn release_all(&self, owner: &Arc<Owner>) {
        self.release_if(owner, |_| true);
        self.ranges.release_all(owner);
    }

    /// Waits until no other transaction's range is in the way of `spec`, then holds it if `spec` says so.
    pub fn acquire_range(
        &self,
        owner: &Arc<Owner>,
        spec: &Arc<RangeSpec>,
        wait: Wait<'_>,
    ) -> Result<Acquired, LockError> {
        let deadline = Instant::now() + wait.timeout.min(Duration::from_secs(u64::from(u32::MAX)));
        loop {
            let slot = WaitSlot::new();
            if let Some(acquired) = self.ranges.try_acquire(owner, spec, &slot, wait.policy)? {
                return Ok(acquired);
            }
            owner.set_waiting(Some(Waiting { target: WaitTarget::Range(spec.clone()), slot: slot.clone() }));
            let left = Wait { timeout: deadline.saturating_duration_since(Instant::now()), ..wait };
            let outcome = self.await_slot(owner, &slot, left);
            owner.set_waiting(None);
            if let Err(error) = outcome {
                self.ranges.withdraw(&slot);
                return Err(error);
            }
        }
    }

    /// All locks held and waited for, in no order.
    pub fn data_locks(&self) -> Vec<DataLock> {
        let mut locks = Vec::new();
        for shard in &self.shards {
            for entry in shard.lock().iter() {
                let line = |owner: &Owner, mode, granted| DataLock {
                    transaction: owner.id,
                    id: entry.id.clone(),
                    mode,
                    granted,
                };
                locks.extend(entry.grants.iter().map(|grant| line(&grant.owner, grant.mode, true)));
                locks.extend(entry.queue.iter().map(|request| line(&request.owner, request.mode, false)));
            }
        }
        locks
    }
}

enum Requested {
    Done(Acquired),
    NotAvailable,
    Waits { slot: Arc<WaitSlot>, is_conversion: bool },
}

impl Entry {
    fn is_free(&self) -> bool {
        self.grants.is_empty() && self.queue.is_empty()
    }

    fn goes_with_others(&self, owner: &Arc<Owner>, mode: LockMode) -> bool {
        self.grants
            .iter()
            .all(|grant| grant.mode.is_compatible_with(mode) || Arc::ptr_eq(&grant.owner, owner))
    }

    fn request(&mut self, owner: &Arc<Owner>, mode: LockMode, policy: WaitPolicy) -> Requested {
        let held = self.grants.iter().position(|grant| Arc::ptr_eq(&grant.owner, owner));
        let (mode, is_conversion) = match held {
            Some(at) if self.grants[at].mode.covers(mode) => return Requested::Done(Acquired::Already),
            Some(at) => (self.grants[at].mode.join(mode), true),
            None => (mode, false),
        };
        let free = self.goes_with_others(owner, mode);
        if let (Some(at), true) = (held, free) {
            self.grants[at].mode = mode;
            return Requested::Done(Acquired::Converted);
        }
        if free && self.queue.iter().all(|request| request.mode.is_compatible_with(mode)) {
            self.grants.push(Grant { owner: owner.clone(), mode });
            return Requested::Done(Acquired::New);
        }
        match policy {
            WaitPolicy::NoWait => Requested::NotAvailable,
            WaitPolicy::SkipLocked => Requested::Done(Acquired::Skipped),
            WaitPolicy::Wait => {
                let slot = WaitSlot::new();
                let request = Request { owner: owner.clone(), mode, is_conversion, slot: slot.clone() };
                if is_conversion {
                    let at = self.queue.iter().take_while(|request| request.is_conversion).count();
                    self.queue.insert(at, request);
                } else {
                    self.queue.push_back(request);
                }
                Requested::Waits { slot, is_conversion }
            }
        }
    }

    /// Grants from the front what can be granted; a request never passes one before it that it does not go with.
    fn grant_queue(&mut self) {
        let mut at = 0;
        while at < self.queue.len() {
            let request = &self.queue[at];
            if !request.slot.is_waiting() {
                // A victim, or one that gave up: it takes itself off, and is in nobody's way.
                at += 1;
                continue;
            }
            let before = self.queue.iter().take(at).filter(|request| request.slot.is_waiting());
            let grantable = self.goes_with_others(&request.owner, request.mode)
                && before.into_iter().all(|earlier| earlier.mode.is_compatible_with(request.mode));
            if !grantable || !request.slot.grant() {
                if request.mode == LockMode::Exclusive && request.slot.is_waiting() {
                    // Nothing passes it.
                    return;
                }
                at += 1;
                continue;
            }
            let Some(request) = self.queue.remove(at) else { return };
            match self.grants.iter_mut().find(|grant| Arc::ptr_eq(&grant.owner, &request.owner)) {
                Some(grant) => grant.mode = request.mode,
                None => self.grants.push(Grant { owner: request.owner, mode: request.mode }),
            }
        }
    }

    /// Whom the request with `slot` waits for: holders and earlier requests that it does not go with.
    fn blockers(&self, slot: &Arc<WaitSlot>) -> Vec<Arc<Owner>> {
        let Some(at) = self.queue.iter().position(|request| Arc::ptr_eq(&request.slot, slot)) else {
            return Vec::new();
        };
        let request = &self.queue[at];
        let holders = self.grants.iter().map(|grant| (&grant.owner, grant.mode));
        let earlier = self.queue.iter().take(at).filter(|earlier| earlier.slot.is_waiting());
        holders
            .chain(earlier.map(|earlier| (&earlier.owner, earlier.mode)))
            .filter(|(owner, mode)| {
                !Arc::ptr_eq(owner, &request.owner) && !mode.is_compatible_with(request.mode)
            })
            .map(|(owner, _)| owner.clone())
            .collect()
    }
}
