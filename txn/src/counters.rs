//! Numbers that never fall: AUTO_INCREMENT, hidden row ids, identifiers (STORAGE 5).
//!
//! A counter is a key of its own. Before a value of a reserved batch is used, the batch's end is committed by itself,
//! never within the transaction that inserts, and without a sync: any later durable commit lies behind it in the log.
//! After a crash a gap is legal; a clean stop writes the exact value.

use crate::error::{TxnError, TxnResult};
use crate::store::{CommitTicket, Durability, ReadAt, Store, WriteBatch};
use aurora_env::Waiter;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// What is counted. Numbers are part of keys on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CounterKind {
    /// AUTO_INCREMENT of the table with this clustered storage id.
    AutoIncrement = 1,
    /// Hidden row ids of a table without a primary key.
    RowId = 2,
    /// Identifiers of the catalog; the number says which.
    Identifier = 3,
}

/// Tenant 0, storage id 1: where counters live.
const PREFIX: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const FORMAT: u8 = 1;

/// Values reserved for one statement: `first`, `first + step`, … `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    pub first: u64,
    pub step: u64,
    pub count: u64,
}

#[derive(Default)]
struct Counter {
    loaded: bool,
    /// The smallest value that has not been given out.
    next: u64,
    /// Values below it are covered by what storage holds.
    reserved_until: u64,
}

/// One counter, locked while values are taken.
type Latch = Arc<Mutex<Counter>>;

/// All counters of an instance.
pub struct Counters {
    store: Arc<dyn Store>,
    batch: u64,
    counters: Mutex<HashMap<(CounterKind, u64), Latch>>,
}

struct NoLocks;

impl crate::store::CommitHooks for NoLocks {
    fn inserted(&self, _seq: crate::store::Seq) {}
    fn published(&self, _seq: crate::store::Seq) {}
    fn failed(&self, _error: &crate::store::StoreError) {}
}

fn key_of(kind: CounterKind, id: u64) -> [u8; 21] {
    let mut key = [0; 21];
    key[..12].copy_from_slice(&PREFIX);
    key[12] = kind as u8;
    key[13..].copy_from_slice(&id.to_be_bytes());
    key
}

impl Counters {
    pub(crate) fn new(store: Arc<dyn Store>, batch: u64) -> Counters {
        Counters { store, batch: batch.max(1), counters: Mutex::default() }
    }

    fn latch(&self, kind: CounterKind, id: u64) -> Latch {
        self.counters.lock().entry((kind, id)).or_default().clone()
    }

    fn load(&self, counter: &mut Counter, kind: CounterKind, id: u64) -> TxnResult<()> {
        if counter.loaded {
            return Ok(());
        }
        let found = self.store.get(&key_of(kind, id), ReadAt::Newest)?.and_then(|version| version.value);
        let next = match found.as_deref() {
            None => 1,
            Some([FORMAT, digits @ ..]) => digits
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| TxnError::NotSupported("a counter of unknown length"))?,
            Some(_) => return Err(TxnError::NotSupported("a counter of unknown format")),
        };
        *counter = Counter { loaded: true, next, reserved_until: next };
        Ok(())
    }

    fn persist(
        &self,
        kind: CounterKind,
        id: u64,
        value: u64,
        durability: Durability,
    ) -> TxnResult<CommitTicket> {
        let mut stored = [FORMAT; 9];
        stored[1..].copy_from_slice(&value.to_be_bytes());
        let mut batch = WriteBatch::new();
        batch.put(&key_of(kind, id), &stored);
        Ok(self.store.commit(&batch, durability, Arc::new(NoLocks))?)
    }

    /// Makes sure that values below `needed` are covered by storage.
    fn cover(&self, counter: &mut Counter, kind: CounterKind, id: u64, needed: u64) -> TxnResult<()> {
        if needed <= counter.reserved_until {
            return Ok(());
        }
        let until = needed.saturating_add(self.batch);
        drop(self.persist(kind, id, until, Durability::Buffered)?);
        counter.reserved_until = until;
        Ok(())
    }

    /// Reserves `count` values of the form `offset + n * step` (`auto_increment_offset`, `auto_increment_increment`),
    /// none above `max`: the largest value that the column holds.
    ///
    /// # Errors
    /// [`TxnError::CounterExhausted`] when fewer than `count` are left (1467).
    pub fn reserve(
        &self,
        kind: CounterKind,
        id: u64,
        count: u64,
        step: u64,
        offset: u64,
        max: u64,
    ) -> TxnResult<Reserved> {
        let (step, count) = (step.max(1), count.max(1));
        // An offset above the increment is ignored, as the manual says.
        let offset = if offset == 0 || offset > step { 1 } else { offset };
        let latch = self.latch(kind, id);
        let mut counter = latch.lock();
        self.load(&mut counter, kind, id)?;
        let behind = counter.next.saturating_sub(offset).div_ceil(step);
        let range =
            behind.checked_mul(step).and_then(|passed| passed.checked_add(offset)).and_then(|first| {
                let last = (count - 1).checked_mul(step)?.checked_add(first)?;
                // The largest u64 is never given out, as in MySQL: no next value could be remembered.
                (last <= max).then_some((first, last.checked_add(1)?))
            });
        let (first, next) = range.ok_or(TxnError::CounterExhausted)?;
        self.cover(&mut counter, kind, id, next)?;
        counter.next = next;
        Ok(Reserved { first, step, count })
    }

    /// One hidden row id, one identifier.
    pub fn next(&self, kind: CounterKind, id: u64) -> TxnResult<u64> {
        Ok(self.reserve(kind, id, 1, 1, 1, u64::MAX - 1)?.first)
    }

    /// An explicit `value` was inserted: later ones are above it. The counter never falls by this.
    pub fn at_least(&self, kind: CounterKind, id: u64, value: u64) -> TxnResult<()> {
        let latch = self.latch(kind, id);
        let mut counter = latch.lock();
        self.load(&mut counter, kind, id)?;
        let next = value.saturating_add(1);
        if next > counter.next {
            self.cover(&mut counter, kind, id, next)?;
            counter.next = next;
        }
        Ok(())
    }

    /// The value that comes next, for SHOW and information_schema.
    pub fn peek(&self, kind: CounterKind, id: u64) -> TxnResult<u64> {
        let latch = self.latch(kind, id);
        let mut counter = latch.lock();
        self.load(&mut counter, kind, id)?;
        Ok(counter.next)
    }

    /// Writes exact values of all counters that were used, durably.
    pub(crate) fn write_exact(&self, waiter: &dyn Waiter) -> TxnResult<()> {
        let known: Vec<_> = self.counters.lock().iter().map(|(name, latch)| (*name, latch.clone())).collect();
        for ((kind, id), latch) in known {
            let mut counter = latch.lock();
            if counter.loaded && counter.reserved_until != counter.next {
                self.persist(kind, id, counter.next, Durability::Synced)?.wait(waiter)?;
                counter.reserved_until = counter.next;
            }
        }
        Ok(())
    }
}
