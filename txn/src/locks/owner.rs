//! A transaction as the lock manager knows it.

use super::name::{LockId, LockName};
use super::ranges::RangeSpec;
use aurora_env::{KillFlag, Signal};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// Who holds and waits. It waits for one lock at a time.
#[derive(Debug)]
pub(crate) struct Owner {
    pub id: u64,
    /// Rows written and locks held: the victim of a deadlock is the one with the least.
    pub work: AtomicU64,
    pub kill: Arc<KillFlag>,
    waiting: Mutex<Option<Waiting>>,
    held: Mutex<Vec<Held>>,
}

#[derive(Clone, Debug)]
pub(super) struct Held {
    pub hash: u64,
    pub id: LockId,
    /// Of a row: its table.
    pub table: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub target: WaitTarget,
    pub slot: Arc<WaitSlot>,
}

#[derive(Clone, Debug)]
pub(super) enum WaitTarget {
    Lock { hash: u64, id: LockId },
    Range(Arc<RangeSpec>),
}

/// The state of one wait. It leaves `WAITING` once.
#[derive(Debug)]
pub(super) struct WaitSlot {
    pub signal: Arc<Signal>,
    outcome: AtomicU8,
    /// Deadlocks have been looked for: from now on only others end the wait.
    parked: AtomicBool,
}

const WAITING: u8 = 0;
const GRANTED: u8 = 1;
const VICTIM: u8 = 2;
const GIVEN_UP: u8 = 3;

impl WaitSlot {
    pub fn new() -> Arc<WaitSlot> {
        Arc::new(WaitSlot {
            signal: Arc::new(Signal::new()),
            outcome: AtomicU8::new(WAITING),
            parked: AtomicBool::new(false),
        })
    }

    fn leave(&self, outcome: u8) -> bool {
        let left =
            self.outcome.compare_exchange(WAITING, outcome, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if left {
            self.signal.fire();
        }
        left
    }

    pub fn park(&self) {
        self.parked.store(true, Ordering::Release);
    }

    /// `false`: the waiter has been made a victim or gave up.
    pub fn grant(&self) -> bool {
        self.leave(GRANTED)
    }

    pub fn make_victim(&self) -> bool {
        self.leave(VICTIM)
    }

    /// `false`: it was granted or made a victim meanwhile.
    pub fn give_up(&self) -> bool {
        self.leave(GIVEN_UP)
    }

    pub fn is_waiting(&self) -> bool {
        self.outcome.load(Ordering::Acquire) == WAITING
    }

    pub fn is_granted(&self) -> bool {
        self.outcome.load(Ordering::Acquire) == GRANTED
    }
}

impl Owner {
    pub fn new(id: u64, kill: Arc<KillFlag>) -> Arc<Owner> {
        Arc::new(Owner {
            id,
            work: AtomicU64::new(0),
            kill,
            waiting: Mutex::new(None),
            held: Mutex::new(Vec::new()),
        })
    }

    pub fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    pub fn is_waiting(&self) -> bool {
        self.waiting().is_some()
    }

    /// It waits, and its wait is not about to be broken by itself.
    pub fn is_parked(&self) -> bool {
        self.waiting().is_some_and(|waiting| waiting.slot.parked.load(Ordering::Acquire))
    }

    pub(super) fn set_waiting(&self, waiting: Option<Waiting>) {
        *self.waiting.lock() = waiting;
    }

    /// What it waits for, unless that wait has been decided.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        self.waiting.lock().clone().filter(|waiting| waiting.slot.is_waiting())
    }

    pub(super) fn remember(&self, hash: u64, id: LockId, table: u64) {
        self.held.lock().push(Held { hash, id, table });
        self.work.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one lock off the list.
    pub(super) fn forget(&self, hash: u64, name: LockName<'_>) -> Option<Held> {
        let mut held = self.held.lock();
        // A lock that is let go early was taken lately.
        let at = held.iter().rposition(|held| held.hash == hash && held.id.name() == name)?;
        Some(held.swap_remove(at))
    }

    /// Takes off what `which` picks.
    pub(super) fn take_held(&self, mut which: impl FnMut(&Held) -> bool) -> Vec<Held> {
        let mut held = self.held.lock();
        let (taken, kept) = std::mem::take(&mut *held).into_iter().partition(|held| which(held));
        *held = kept;
        taken
    }

    /// The locks, where they are no more than `most`.
    pub(super) fn held_if_few(&self, most: usize) -> Option<Vec<Held>> {
        let held = self.held.lock();
        (held.len() <= most).then(|| held.clone())
    }

    pub fn held_count(&self) -> usize {
        self.held.lock().len()
    }
}
