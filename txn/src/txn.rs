//! One transaction, as statements use it.
//!
//! Order of a write (STORAGE 1, 13): lock the row, read the newest version, put the new one into the write set;
//! nothing reaches storage before the commit, so a rollback forgets.

use crate::core::{TableUse, TxnCore};
use crate::cursor::TxnCursor;
use crate::error::{TxnError, TxnResult};
use crate::locks::{Acquired, LockMode, LockName, RangeSpec};
use crate::options::{Direction, Isolation, TxnMode, View, WaitPolicy};
use crate::store::{CommitTicket, Durability, ReadAt, Seq, ValueBytes};
use crate::write_set::{ALL, Ordinal, Pending, WriteSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Where a statement began: to see what was before it, and to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct StatementMark {
    first: Ordinal,
    /// The enclosing statement's first ordinal: triggers run statements inside of statements.
    outer: Ordinal,
}

/// What a locking read found.
#[derive(Clone, Debug)]
pub enum Locked {
    /// Locked. `value`: own writes over the newest version; `None`: absent, and the absence is locked.
    Row {
        value: Option<ValueBytes>,
        /// This call took the lock: [`Txn::unlock_row`] may give it back when the row does not match.
        newly: bool,
    },
    /// [`WaitPolicy::SkipLocked`], and another transaction holds it.
    Skipped,
}

/// A transaction. Methods take `&self`, so that operators of one statement share it. Dropped: rolled back.
pub struct Txn {
    core: Arc<TxnCore>,
}

impl Txn {
    pub(crate) fn new(core: Arc<TxnCore>) -> Txn {
        let txn = Txn { core };
        if txn.core.mode.consistent_snapshot {
            // Only a failed store refuses, and every later call says so again.
            let _ = txn.core.snapshot();
        }
        txn
    }

    pub fn id(&self) -> u64 {
        self.core.id()
    }

    pub fn isolation(&self) -> Isolation {
        self.core.isolation
    }

    pub fn mode(&self) -> TxnMode {
        self.core.mode
    }

    pub fn is_read_only(&self) -> bool {
        self.core.mode.read_only
    }

    pub fn has_writes(&self) -> bool {
        self.core.with_writes(|writes| !writes.is_empty())
    }

    /// Rows written and locks held.
    pub fn work_done(&self) -> u64 {
        self.core.owner.work()
    }

    /// It waits for a lock at this moment.
    pub fn is_waiting(&self) -> bool {
        self.core.owner.is_parked()
    }

    /// A deadlock has rolled it back already: only [`Txn::rollback`] is left.
    pub fn is_aborted(&self) -> bool {
        self.core.aborted.load(Ordering::Acquire)
    }

    /// `innodb_lock_wait_timeout` of the session.
    pub fn set_lock_wait_timeout(&self, timeout: Duration) {
        let timeout_ms = timeout.as_millis().try_into().unwrap_or(u64::MAX);
        self.core.lock_wait_timeout_ms.store(timeout_ms, Ordering::Relaxed);
    }

    /// Locking reads of rows that changed after the snapshot fail with 1020 (REPEATABLE READ and above).
    pub fn set_snapshot_conflict_check(&self, on: bool) {
        self.core.conflict_check.store(on, Ordering::Relaxed);
    }

    /// The start of a statement. READ COMMITTED and below get a new snapshot at its first consistent read.
    pub fn begin_statement(&self) -> StatementMark {
        if self.core.isolation <= Isolation::ReadCommitted {
            self.core.view.lock().snapshot = None;
        }
        self.begin_nested_statement()
    }

    /// A statement inside of a statement (triggers, cascades): same snapshot, own first ordinal.
    pub fn begin_nested_statement(&self) -> StatementMark {
        let first = self.core.with_writes(|writes| writes.next_ordinal());
        let outer = self.core.statement_first.swap(first, Ordering::Relaxed);
        StatementMark { first, outer }
    }

    /// The end of a nested statement: scans of the enclosing one see what they saw.
    pub fn end_nested_statement(&self, mark: StatementMark) {
        self.core.statement_first.store(mark.outer, Ordering::Relaxed);
    }

    /// Forgets the statement's writes. Locks stay, as in InnoDB.
    pub fn rollback_statement(&self, mark: StatementMark) {
        self.core.writes.lock().truncate(mark.first);
    }

    /// SAVEPOINT; one of the same name is replaced. Names are compared without case.
    pub fn savepoint(&self, name: &str) {
        let at = self.core.with_writes(|writes| writes.next_ordinal());
        let mut savepoints = self.core.savepoints.lock();
        savepoints.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        savepoints.push((name.to_owned(), at));
    }

    /// ROLLBACK TO SAVEPOINT: later savepoints go, this one stays, and so do locks.
    pub fn rollback_to(&self, name: &str) -> TxnResult<()> {
        let mut savepoints = self.core.savepoints.lock();
        let at = find_savepoint(&savepoints, name)?;
        savepoints.truncate(at + 1);
        self.core.writes.lock().truncate(savepoints[at].1);
        Ok(())
    }

    /// RELEASE SAVEPOINT: it and later ones go, writes stay.
    pub fn release(&self, name: &str) -> TxnResult<()> {
        let mut savepoints = self.core.savepoints.lock();
        let at = find_savepoint(&savepoints, name)?;
        savepoints.truncate(at);
        Ok(())
    }

    /// Takes the snapshot now, if there is none.
    pub fn take_snapshot(&self) -> TxnResult<Seq> {
        Ok(self.core.snapshot()?.seq())
    }

    /// The seq of the snapshot, if one has been taken.
    pub fn snapshot_seq(&self) -> Option<Seq> {
        self.core.view.lock().snapshot.as_ref().map(|snapshot| snapshot.seq())
    }

    fn own(&self, key: &[u8]) -> Option<Option<ValueBytes>> {
        self.core.with_writes(|writes| {
            if writes.is_empty() {
                return None;
            }
            writes.get(key, ALL).map(|pending| match pending {
                Pending::Put(value) => Some(ValueBytes::from(value)),
                Pending::Delete => None,
            })
        })
    }

    /// A consistent read: all own writes over the snapshot.
    pub fn get(&self, key: &[u8]) -> TxnResult<Option<ValueBytes>> {
        self.core.check_alive()?;
        if let Some(own) = self.own(key) {
            return Ok(own);
        }
        if self.core.isolation == Isolation::ReadUncommitted {
            return self.get_uncommitted(key);
        }
        self.core.note_point(key);
        let at = ReadAt::Seq(self.core.snapshot()?.seq());
        Ok(self.core.manager.store.get(key, at)?.and_then(|version| version.value))
    }

    /// As [`Txn::get`], as [`Txn::scan`] sees the key: without what the running statement wrote.
    pub fn get_before_statement(&self, key: &[u8]) -> TxnResult<Option<ValueBytes>> {
        let limit = self.core.statement_first.load(Ordering::Relaxed);
        if self.core.isolation == Isolation::ReadUncommitted {
            return self.get(key);
        }
        self.core.check_alive()?;
        if limit > 0 {
            let own = self.core.with_writes(|writes| {
                writes.get(key, limit).map(|pending| match pending {
                    Pending::Put(value) => Some(ValueBytes::from(value)),
                    Pending::Delete => None,
                })
            });
            if let Some(own) = own {
                return Ok(own);
            }
        }
        let at = ReadAt::Seq(self.core.snapshot()?.seq());
        self.core.note_point(key);
        Ok(self.core.manager.store.get(key, at)?.and_then(|version| version.value))
    }

    /// As [`Txn::get`] for a statement that reads this one key only: no snapshot is taken unless the transaction must
    /// keep it for later statements. On the point-read path: no allocation.
    pub fn get_once(&self, key: &[u8]) -> TxnResult<Option<ValueBytes>> {
        let may_skip = (self.core.mode.autocommit && !self.core.is_validated())
            || self.core.isolation == Isolation::ReadCommitted;
        let floor = Seq(self.core.floor.load(Ordering::Acquire));
        if !may_skip
            || self.core.isolation == Isolation::ReadUncommitted
            || self.core.view.lock().snapshot.is_some()
            || floor > self.core.manager.store.published()
        {
            return self.get(key);
        }
        self.core.check_alive()?;
        if let Some(own) = self.own(key) {
            return Ok(own);
        }
        Ok(self.core.manager.store.get(key, ReadAt::Published)?.and_then(|version| version.value))
    }

    fn get_uncommitted(&self, key: &[u8]) -> TxnResult<Option<ValueBytes>> {
        for other in self.core.manager.active_cores() {
            let pending = other.with_writes(|writes| {
                writes.get(key, ALL).map(|pending| match pending {
                    Pending::Put(value) => Some(ValueBytes::from(value)),
                    Pending::Delete => None,
                })
            });
            if let Some(value) = pending {
                return Ok(value);
            }
        }
        Ok(self.core.manager.store.get(key, ReadAt::Newest)?.and_then(|version| version.value))
    }

    /// A current read without a lock: all own writes over the newest version. Sound for keys that the caller has
    /// locked, and for entries that it reads again after locking their row (STORAGE 13).
    pub fn get_current(&self, key: &[u8]) -> TxnResult<Option<ValueBytes>> {
        self.core.check_alive()?;
        if let Some(own) = self.own(key) {
            return Ok(own);
        }
        self.core.note_point(key);
        let Some(version) = self.core.manager.store.get(key, ReadAt::Newest)? else { return Ok(None) };
        self.core.raise_floor(version.seq);
        self.core.check_current(version.seq)?;
        Ok(version.value)
    }

    /// Locks the row (table intention first), then reads it newest: the read of UPDATE, DELETE, FOR UPDATE,
    /// FOR SHARE and of unique checks. An absent key is locked too.
    pub fn lock_get(&self, table: u64, key: &[u8], mode: LockMode, policy: WaitPolicy) -> TxnResult<Locked> {
        let Some(newly) = self.lock_row(table, key, mode, policy)? else { return Ok(Locked::Skipped) };
        if let Some(value) = self.own(key) {
            return Ok(Locked::Row { value, newly });
        }
        let Some(version) = self.core.manager.store.get(key, ReadAt::Newest)? else {
            return Ok(Locked::Row { value: None, newly });
        };
        self.core.raise_floor(version.seq);
        self.core.check_current(version.seq)?;
        if self.core.conflict_check.load(Ordering::Relaxed)
            && self.core.isolation >= Isolation::RepeatableRead
            && self.snapshot_seq().is_some_and(|snapshot| version.seq > snapshot)
        {
            return Err(TxnError::SnapshotConflict { table: table.to_string() });
        }
        Ok(Locked::Row { value: version.value, newly })
    }

    /// `None`: skipped; else whether this call took the lock.
    pub fn lock_row(
        &self,
        table: u64,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> TxnResult<Option<bool>> {
        let core = &self.core;
        core.check_alive()?;
        if self.lock_table_if_weaker(table, mode.intent(), policy)? == Acquired::Skipped {
            return Ok(None);
        }
        if core.tables.lock().iter().any(|used| used.table == table && used.mode.covers(mode)) {
            return Ok(Some(false));
        }
        match core.acquire(LockName::Row(key), table, mode, policy)? {
            Acquired::Skipped => Ok(None),
            Acquired::Already | Acquired::Converted => Ok(Some(false)),
            Acquired::New => {
                self.count_row_lock(table, mode);
                Ok(Some(true))
            }
        }
    }

    /// Tries the whole table once a transaction holds many of its rows; without waiting, and never with harm.
    fn count_row_lock(&self, table: u64, mode: LockMode) {
        let core = &self.core;
        let step = core.manager.options.escalate_row_locks.max(1);
        let mut tables = core.tables.lock();
        let Some(used) = tables.iter_mut().find(|used| used.table == table) else { return };
        used.rows += 1;
        if used.rows < used.escalate_at {
            return;
        }
        used.escalate_at += step;
        // Any exclusive row below means that the table must be exclusive too.
        let whole = if used.mode.covers(LockMode::IntentExclusive) { LockMode::Exclusive } else { mode };
        let wait = core.wait(WaitPolicy::NoWait);
        if core.manager.locks.acquire(&core.owner, LockName::Table(table), 0, whole, wait).is_ok() {
            used.mode = used.mode.join(whole);
            used.rows = 0;
            core.manager.locks.release_rows(&core.owner, table);
        }
    }

    /// Gives back a row lock that this statement took for a row that turned out not to match
    /// (READ COMMITTED and below; a no-op above, and for rows that have been written).
    pub fn unlock_row(&self, key: &[u8]) {
        if self.core.isolation > Isolation::ReadCommitted || self.own(key).is_some() {
            return;
        }
        let released = self.core.manager.locks.release(&self.core.owner, LockName::Row(key));
        let mut tables = self.core.tables.lock();
        if let Some(used) = released.and_then(|table| tables.iter_mut().find(|used| used.table == table)) {
            used.rows = used.rows.saturating_sub(1);
        }
    }

    /// Locks a table: LOCK TABLES, DDL, bulk loads; intention modes come by themselves with row locks.
    pub fn lock_table(&self, table: u64, mode: LockMode, policy: WaitPolicy) -> TxnResult<()> {
        self.core.check_alive()?;
        self.lock_table_if_weaker(table, mode, policy).map(|_| ())
    }

    fn lock_table_if_weaker(&self, table: u64, mode: LockMode, policy: WaitPolicy) -> TxnResult<Acquired> {
        let known = self.core.tables.lock().iter().find(|used| used.table == table).map(|used| used.mode);
        if known.is_some_and(|held| held.covers(mode)) {
            return Ok(Acquired::Already);
        }
        let acquired = self.core.acquire(LockName::Table(table), 0, mode, policy)?;
        if acquired != Acquired::Skipped {
            let mut tables = self.core.tables.lock();
            match tables.iter_mut().find(|used| used.table == table) {
                Some(used) => used.mode = used.mode.join(mode),
                None => {
                    let escalate_at = self.core.manager.options.escalate_row_locks.max(1);
                    tables.push(TableUse { table, mode, rows: 0, escalate_at });
                }
            }
        }
        Ok(acquired)
    }

    /// Any other name: databases, pages, user-defined granules.
    pub fn lock_name(&self, name: LockName<'_>, mode: LockMode, policy: WaitPolicy) -> TxnResult<()> {
        self.core.check_alive()?;
        self.core.acquire(name, 0, mode, policy).map(|_| ())
    }

    /// Locks a key range that writes respect: explicit locking range reads at REPEATABLE READ and above
    /// (STORAGE 14). Waits for transactions whose pending writes lie in the range.
    pub fn lock_range(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        mode: LockMode,
        policy: WaitPolicy,
    ) -> TxnResult<()> {
        let core = &self.core;
        core.check_alive()?;
        let spec = Arc::new(RangeSpec {
            lower: lower.map(<[u8]>::to_vec),
            upper: upper.map(<[u8]>::to_vec),
            exclusive: mode >= LockMode::SharedUpdate,
            holds: true,
        });
        let locks = &core.manager.locks;
        locks.acquire_range(&core.owner, &spec, core.wait(policy)).map_err(|e| core.lock_failed(e))?;
        // Whoever wrote into the range before it was held does not look again: wait for its end.
        std::sync::atomic::fence(Ordering::SeqCst);
        for other in core.manager.active_cores() {
            let name = LockName::Transaction(other.id());
            let is_inside = other.with_writes(|writes| writes.first_in(lower, upper, ALL).is_some());
            if other.id() == core.id()
                || !is_inside
                || !core.manager.while_active(other.id(), || locks.announce(&other.owner, name))
                || policy == WaitPolicy::SkipLocked
            {
                continue;
            }
            core.acquire(name, 0, LockMode::Shared, policy)?;
            locks.release(&core.owner, name);
        }
        Ok(())
    }

    /// Walks keys within the bounds: own writes from before the statement over the snapshot or the newest versions.
    /// With [`View::Current`] each row is to be locked and read again before it counts.
    pub fn scan(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        direction: Direction,
        view: View,
    ) -> TxnResult<TxnCursor> {
        let limit = self.core.statement_first.load(Ordering::Relaxed);
        self.scan_below(lower, upper, direction, view, limit)
    }

    /// As [`Txn::scan`], with all own writes: unique and foreign-key checks, triggers.
    pub fn scan_all_own(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        direction: Direction,
        view: View,
    ) -> TxnResult<TxnCursor> {
        self.scan_below(lower, upper, direction, view, ALL)
    }

    fn scan_below(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        direction: Direction,
        view: View,
        limit: Ordinal,
    ) -> TxnResult<TxnCursor> {
        self.core.check_alive()?;
        if self.core.is_validated() {
            self.core.snapshot()?;
            self.core.note_range(lower, upper);
        }
        let uncommitted = self.core.isolation == Isolation::ReadUncommitted && view == View::Snapshot;
        let (snapshot, at) = if view == View::Current || uncommitted {
            (None, ReadAt::Newest)
        } else {
            let snapshot = self.core.snapshot()?;
            let at = ReadAt::Seq(snapshot.seq());
            (Some(snapshot), at)
        };
        // Pending writes first: a commit in between is then in storage.
        let others =
            if uncommitted { crate::cursor::pending_of_others(&self.core, lower, upper) } else { None };
        let stored = self.core.manager.store.iter(lower, upper, direction, at)?;
        Ok(TxnCursor::new(
            self.core.clone(),
            snapshot,
            stored,
            others,
            crate::cursor::Bounds::new(lower, upper),
            direction,
            limit,
        ))
    }

    fn write(&self, key: &[u8], write: impl FnOnce(&mut WriteSet)) -> TxnResult<()> {
        let core = &self.core;
        core.check_alive()?;
        if core.mode.read_only {
            return Err(TxnError::ReadOnly);
        }
        if !core.registered.swap(true, Ordering::AcqRel) {
            core.manager.register(core);
        }
        let ranges = &core.manager.locks.ranges;
        if !ranges.is_empty() && ranges.is_in_the_way(&core.owner, key) {
            self.wait_for_ranges(key)?;
        }
        {
            let mut writes = core.writes.lock();
            let limit_bytes = core.manager.options.max_write_set_bytes;
            if writes.bytes() >= limit_bytes {
                return Err(TxnError::WriteSetTooLarge { limit_bytes });
            }
            write(&mut writes);
        }
        core.owner.work.fetch_add(1, Ordering::Relaxed);
        // A range that was locked meanwhile did not see this write: look again now that it can be seen.
        if !ranges.is_empty() && ranges.is_in_the_way(&core.owner, key) {
            self.wait_for_ranges(key)?;
        }
        Ok(())
    }

    fn wait_for_ranges(&self, key: &[u8]) -> TxnResult<()> {
        let core = &self.core;
        let spec = Arc::new(RangeSpec::write(key));
        let wait = core.wait(WaitPolicy::Wait);
        let got = core.manager.locks.acquire_range(&core.owner, &spec, wait);
        got.map(|_| ()).map_err(|error| core.lock_failed(error))
    }

    /// Writes into the write set; the caller holds the row's exclusive lock. Waits where another transaction holds a
    /// range around the key.
    pub fn put(&self, key: &[u8], value: &[u8]) -> TxnResult<()> {
        self.write(key, |writes| writes.put(key, value))
    }

    pub fn delete(&self, key: &[u8]) -> TxnResult<()> {
        self.write(key, |writes| writes.delete(key))
    }

    /// Deletes `start..end` in O(1): DROP, TRUNCATE, under the table's exclusive lock.
    pub fn delete_range(&self, start: &[u8], end: &[u8]) -> TxnResult<()> {
        self.write(start, |writes| writes.delete_range(start, end))
    }

    /// What the rows of a locking read wait for before they leave (STORAGE 1): ready unless an unpublished version
    /// was read.
    pub fn read_barrier(&self) -> CommitTicket {
        self.core.manager.store.when_published(Seq(self.core.floor.load(Ordering::Acquire)))
    }

    /// Commits. Returns once the writes are inserted; the answer leaves when the ticket resolves. A commit that wrote
    /// nothing waits for what it read.
    ///
    /// # Errors
    /// Nothing was written, and the transaction is rolled back.
    pub fn commit(self, durability: Durability) -> TxnResult<CommitTicket> {
        let core = &self.core;
        core.check_alive()?;
        let batch = {
            let mut writes = core.writes.lock();
            if writes.is_empty() {
                drop(writes);
                let ticket = self.read_barrier();
                core.forget();
                core.ended.store(true, Ordering::Release);
                return Ok(ticket);
            }
            let mut batch = crate::store::WriteBatch::new();
            batch.reserve(writes.bytes());
            writes.fill(&mut batch);
            batch
        };
        let serial = &core.manager.serial;
        let commit = || {
            core.view.lock().snapshot = None;
            serial.announce(core.id(), &batch);
            let ticket = core.manager.store.commit(&batch, durability, core.clone());
            ticket.inspect_err(|_| serial.withdraw(core.id()))
        };
        let ticket = if core.is_validated() {
            let alone = serial.pass_alone();
            if core.is_overtaken() {
                drop(alone);
                return Err(core.abort());
            }
            commit()?
        } else {
            let _beside_others = serial.pass();
            commit()?
        };
        core.ended.store(true, Ordering::Release);
        Ok(ticket)
    }

    /// Forgets everything. Never fails, never waits.
    pub fn rollback(self) {}
}

impl Drop for Txn {
    fn drop(&mut self) {
        if !self.core.ended.load(Ordering::Acquire) {
            self.core.forget();
        }
    }
}

fn find_savepoint(savepoints: &[(String, Ordinal)], name: &str) -> TxnResult<usize> {
    savepoints
        .iter()
        .rposition(|(known, _)| known.eq_ignore_ascii_case(name))
        .ok_or_else(|| TxnError::NoSuchSavepoint(name.to_owned()))
}
