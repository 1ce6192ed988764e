//! Range locks: what an explicit locking range read holds, and what writes into the range respect (STORAGE 14).
//!
//! A write waits for every other transaction's range that contains its key, shared or exclusive; shared ranges go with
//! each other, exclusive ranges with none. So two transactions that both read a range FOR UPDATE and then insert
//! follow one another, where InnoDB's gap locks deadlock. While nobody holds a range a write pays one load.

use super::owner::{Owner, WaitSlot};
use super::table::{Acquired, LockError};
use crate::options::WaitPolicy;
use parking_lot::Mutex;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct RangeSpec {
    pub lower: Bound<Vec<u8>>,
    pub upper: Bound<Vec<u8>>,
    pub exclusive: bool,
    /// `false`: a write that only passes.
    pub holds: bool,
}

impl RangeSpec {
    /// A write of `key`.
    pub fn write(key: &[u8]) -> RangeSpec {
        RangeSpec {
            lower: Bound::Included(key.to_vec()),
            upper: Bound::Included(key.to_vec()),
            exclusive: true,
            holds: false,
        }
    }

    fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.lower {
            Bound::Unbounded => true,
            Bound::Included(lower) => lower.as_slice() <= key,
            Bound::Excluded(lower) => lower.as_slice() < key,
        };
        above
            && match &self.upper {
                Bound::Unbounded => true,
                Bound::Included(upper) => key <= upper.as_slice(),
                Bound::Excluded(upper) => key < upper.as_slice(),
            }
    }

    fn overlaps(&self, other: &RangeSpec) -> bool {
        starts_before_end(&self.lower, &other.upper) && starts_before_end(&other.lower, &self.upper)
    }

    fn conflicts(&self, other: &RangeSpec) -> bool {
        (self.exclusive || other.exclusive) && self.overlaps(other)
    }
}

fn starts_before_end(lower: &Bound<Vec<u8>>, upper: &Bound<Vec<u8>>) -> bool {
    match (lower, upper) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(a), Bound::Included(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}

#[derive(Debug, Default)]
struct Ranges {
    grants: Vec<(Arc<Owner>, Arc<RangeSpec>)>,
    /// Tries again when a range goes.
    waiting: Vec<Arc<WaitSlot>>,
}

#[derive(Debug, Default)]
pub(crate) struct RangeTable {
    active: AtomicUsize,
    ranges: Mutex<Ranges>,
}

impl RangeTable {
    /// Whether a write need look at ranges at all. A full fence: the writer has put its write where range holders look
    /// for it, and now looks for them; a range holder does the same the other way round.
    pub fn is_empty(&self) -> bool {
        fence(Ordering::SeqCst);
        self.active.load(Ordering::SeqCst) == 0
    }

    /// Whether another transaction's range contains `key`.
    pub fn is_in_the_way(&self, owner: &Arc<Owner>, key: &[u8]) -> bool {
        let ranges = self.ranges.lock();
        ranges.grants.iter().any(|(holder, held)| !Arc::ptr_eq(holder, owner) && held.contains(key))
    }

    /// `None`: `slot` is queued and fires when it is worth another try.
    pub(super) fn try_acquire(
        &self,
        owner: &Arc<Owner>,
        spec: &Arc<RangeSpec>,
        slot: &Arc<WaitSlot>,
        policy: WaitPolicy,
    ) -> Result<Option<Acquired>, LockError> {
        let mut ranges = self.ranges.lock();
        let in_the_way =
            ranges.grants.iter().any(|(holder, held)| !Arc::ptr_eq(holder, owner) && held.conflicts(spec));
        if in_the_way {
            return match policy {
                WaitPolicy::NoWait => Err(LockError::NotAvailable),
                WaitPolicy::SkipLocked => Ok(Some(Acquired::Skipped)),
                WaitPolicy::Wait => {
                    ranges.waiting.push(slot.clone());
                    Ok(None)
                }
            };
        }
        if spec.holds {
            ranges.grants.push((owner.clone(), spec.clone()));
            self.active.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Some(Acquired::New))
    }

    pub(super) fn withdraw(&self, slot: &Arc<WaitSlot>) {
        self.ranges.lock().waiting.retain(|waiting| !Arc::ptr_eq(waiting, slot));
    }

    pub fn blockers(&self, owner: &Arc<Owner>, spec: &RangeSpec) -> Vec<Arc<Owner>> {
        let ranges = self.ranges.lock();
        let others = ranges.grants.iter().filter(|(holder, _)| !Arc::ptr_eq(holder, owner));
        others.filter(|(_, held)| held.conflicts(spec)).map(|(holder, _)| holder.clone()).collect()
    }

    pub fn release_all(&self, owner: &Arc<Owner>) {
        if self.active.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut ranges = self.ranges.lock();
        let before = ranges.grants.len();
        ranges.grants.retain(|(holder, _)| !Arc::ptr_eq(holder, owner));
        let gone = before - ranges.grants.len();
        if gone > 0 {
            self.active.fetch_sub(gone, Ordering::SeqCst);
            for slot in ranges.waiting.drain(..) {
                slot.grant();
            }
        }
    }
}
