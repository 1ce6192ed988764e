//! Scans: own writes merged over storage.

use crate::core::TxnCore;
use crate::error::TxnResult;
use crate::options::Direction;
use crate::store::{SnapshotGuard, StoreIter};
use crate::write_set::{ALL, Ordinal, Pending};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Owned bounds.
pub(crate) struct Bounds {
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
}

impl Bounds {
    pub fn new(lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Bounds {
        Bounds { lower: lower.map(<[u8]>::to_vec), upper: upper.map(<[u8]>::to_vec) }
    }

    fn lower(&self) -> Bound<&[u8]> {
        as_slice(&self.lower)
    }

    fn upper(&self) -> Bound<&[u8]> {
        as_slice(&self.upper)
    }

    fn contains(&self, key: &[u8]) -> bool {
        let above = match self.lower() {
            Bound::Unbounded => true,
            Bound::Included(lower) => lower <= key,
            Bound::Excluded(lower) => lower < key,
        };
        above
            && match self.upper() {
                Bound::Unbounded => true,
                Bound::Included(upper) => key <= upper,
                Bound::Excluded(upper) => key < upper,
            }
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Unbounded => Bound::Unbounded,
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
    }
}

/// Pending writes of other transactions, for READ UNCOMMITTED; `None`: deleted.
pub(crate) type OthersPending = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A copy of what active transactions have written within the bounds.
pub(crate) fn pending_of_others(
    core: &TxnCore,
    lower: Bound<&[u8]>,
    upper: Bound<&[u8]>,
) -> Option<OthersPending> {
    let bounds = Bounds::new(lower, upper);
    let mut pending = OthersPending::new();
    for other in core.manager.active_cores().iter().filter(|other| other.id() != core.id()) {
        other.with_writes(|writes| {
            let mut from = Bounds::new(lower, upper).lower;
            while let Some((key, write)) = writes.first_in(as_slice(&from), bounds.upper(), ALL) {
                let value = match write {
                    Pending::Put(value) => Some(value.to_vec()),
                    Pending::Delete => None,
                };
                pending.insert(key.to_vec(), value);
                from = Bound::Excluded(key.to_vec());
            }
        });
    }
    (!pending.is_empty()).then_some(pending)
}

/// The next pending write that the cursor meets; buffers are reused.
#[derive(Default)]
struct OwnHead {
    key: Vec<u8>,
    value: Vec<u8>,
    is_delete: bool,
    is_there: bool,
}

/// Where the current entry lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Nowhere,
    Stored,
    Own,
}

/// Walks live keys in order. It borrows nothing: several may be open while the transaction writes, and none sees
/// what its own statement writes (STORAGE 10).
pub struct TxnCursor {
    core: Arc<TxnCore>,
    /// Keeps the versions that the scan reads.
    _snapshot: Option<Arc<SnapshotGuard>>,
    is_current: bool,
    stored: Box<dyn StoreIter>,
    stored_valid: bool,
    others: Option<OthersPending>,
    bounds: Bounds,
    direction: Direction,
    limit: Ordinal,
    own: OwnHead,
    at: At,
    started: bool,
}

impl TxnCursor {
    pub(crate) fn new(
        core: Arc<TxnCore>,
        snapshot: Option<Arc<SnapshotGuard>>,
        stored: Box<dyn StoreIter>,
        others: Option<OthersPending>,
        bounds: Bounds,
        direction: Direction,
        limit: Ordinal,
    ) -> TxnCursor {
        TxnCursor {
            core,
            is_current: snapshot.is_none(),
            _snapshot: snapshot,
            stored,
            stored_valid: false,
            others,
            bounds,
            direction,
            limit,
            own: OwnHead::default(),
            at: At::Nowhere,
            started: false,
        }
    }

    /// Steps to the next key; `false` at the end. A fresh cursor stands before the first.
    pub fn advance(&mut self) -> TxnResult<bool> {
        if !self.started {
            self.started = true;
            self.step_stored()?;
            self.step_own();
        } else {
            match self.at {
                At::Nowhere => return Ok(false),
                At::Stored => self.step_stored()?,
                At::Own => self.step_own(),
            }
        }
        loop {
            let order = match (self.stored_valid, self.own.is_there) {
                (false, false) => {
                    self.at = At::Nowhere;
                    return Ok(false);
                }
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (true, true) => {
                    let order = self.stored.key().cmp(&self.own.key);
                    if self.direction == Direction::Reverse { order.reverse() } else { order }
                }
            };
            match order {
                Ordering::Less => {
                    let key = self.stored.key();
                    if self.limit > 0 && self.core.with_writes(|writes| writes.hides(key, self.limit)) {
                        self.step_stored()?;
                        continue;
                    }
                    self.at = At::Stored;
                    return Ok(true);
                }
                Ordering::Equal => self.step_stored()?,
                Ordering::Greater => {}
            }
            if self.own.is_delete {
                self.step_own();
                continue;
            }
            self.at = At::Own;
            return Ok(true);
        }
    }

    /// The current key; empty before the first step and after the end.
    pub fn key(&self) -> &[u8] {
        match self.at {
            At::Nowhere => &[],
            At::Stored => self.stored.key(),
            At::Own => &self.own.key,
        }
    }

    pub fn value(&self) -> &[u8] {
        match self.at {
            At::Nowhere => &[],
            At::Stored => self.stored.value(),
            At::Own => &self.own.value,
        }
    }

    fn step_stored(&mut self) -> TxnResult<()> {
        self.stored_valid = self.stored.advance()?;
        if self.is_current {
            self.core.raise_floor(self.stored.max_seq());
        }
        Ok(())
    }

    /// Moves `own` to the nearest pending write beyond it. The write set is asked anew each time, so that the scan
    /// copies nothing that it does not reach.
    fn step_own(&mut self) {
        if self.limit == 0 && self.others.is_none() {
            self.own.is_there = false;
            return;
        }
        let seen = self.own.is_there.then(|| std::mem::take(&mut self.own.key));
        let bounds = match (&seen, self.direction) {
            (None, _) => (self.bounds.lower(), self.bounds.upper()),
            (Some(seen), Direction::Forward) => (Bound::Excluded(seen.as_slice()), self.bounds.upper()),
            (Some(seen), Direction::Reverse) => (self.bounds.lower(), Bound::Excluded(seen.as_slice())),
        };
        let mut head = OwnHead { value: std::mem::take(&mut self.own.value), ..OwnHead::default() };
        let forward = self.direction == Direction::Forward;
        self.core.with_writes(|writes| {
            let found = if forward {
                writes.first_in(bounds.0, bounds.1, self.limit)
            } else {
                writes.last_in(bounds.0, bounds.1, self.limit)
            };
            if let Some((key, pending)) = found {
                head.set(key, pending);
            }
        });
        if let Some(others) = &self.others {
            let mut nearest =
                others.range::<[u8], _>((Bound::Unbounded, Bound::Unbounded)).filter(|(key, _)| {
                    let beyond = seen.as_deref().is_none_or(|seen| {
                        if forward { key.as_slice() > seen } else { key.as_slice() < seen }
                    });
                    beyond && self.bounds.contains(key)
                });
            let nearest = if forward { nearest.next() } else { nearest.next_back() };
            if let Some((key, value)) = nearest
                && (!head.is_there || (forward && *key < head.key) || (!forward && *key > head.key))
            {
                head.set(key, value.as_deref().map_or(Pending::Delete, Pending::Put));
            }
        }
        self.own = head;
    }
}

impl OwnHead {
    fn set(&mut self, key: &[u8], pending: Pending<'_>) {
        self.is_there = true;
        self.key.clear();
        self.key.extend_from_slice(key);
        self.value.clear();
        match pending {
            Pending::Put(value) => {
                self.is_delete = false;
                self.value.extend_from_slice(value);
            }
            Pending::Delete => self.is_delete = true,
        }
    }
}
