//! Who uses which version of a table (STORAGE 27): what MySQL's metadata locks are for.
//!
//! A transaction pins (table, version) at first use and holds the pin to its end. DDL that must be alone waits for pins,
//! newcomers never queue behind that wait; once there are none the table is closed for the moment of the commit.

use crate::ids::{SchemaVersion, TableId};
use aurora_env::{KillFlag, Signal, Waiter};
use aurora_txn::TxnError;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Uses {
    /// Pins by version.
    counts: BTreeMap<SchemaVersion, usize>,
    /// Fires when a pin goes.
    waiting: Vec<Arc<Signal>>,
    /// A DDL commit is under way; fires at its end.
    closed: Option<Arc<Signal>>,
}

impl Uses {
    fn is_idle(&self) -> bool {
        self.counts.is_empty() && self.closed.is_none() && self.waiting.is_empty()
    }
}

#[derive(Default)]
pub(crate) struct PinTable {
    tables: Mutex<HashMap<TableId, Uses>>,
}

/// A pin. Cloning pins again; dropped with the transaction.
pub struct Pin {
    pins: Arc<PinTable>,
    table: TableId,
    version: SchemaVersion,
}

impl Pin {
    pub fn table(&self) -> TableId {
        self.table
    }

    pub fn version(&self) -> SchemaVersion {
        self.version
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut tables = self.pins.tables.lock();
        let Some(uses) = tables.get_mut(&self.table) else { return };
        if let Some(count) = uses.counts.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                uses.counts.remove(&self.version);
            }
        }
        for signal in uses.waiting.drain(..) {
            signal.fire();
        }
        if uses.is_idle() {
            tables.remove(&self.table);
        }
    }
}

/// Tables that a DDL has for itself; opened again when dropped.
pub(crate) struct Closed {
    pins: Arc<PinTable>,
    table: TableId,
}

impl Drop for Closed {
    fn drop(&mut self) {
        let mut tables = self.pins.tables.lock();
        let Some(uses) = tables.get_mut(&self.table) else { return };
        if let Some(signal) = uses.closed.take() {
            signal.fire();
        }
        if uses.is_idle() {
            tables.remove(&self.table);
        }
    }
}

/// How DDL and pinners wait.
#[derive(Clone, Copy)]
pub struct PinWait<'a> {
    pub waiter: &'a dyn Waiter,
    pub timeout: Duration,
    pub kill: &'a KillFlag,
}

impl PinWait<'_> {
    fn on(&self, signal: &Arc<Signal>, deadline: Option<Instant>) -> Result<(), TxnError> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        self.kill.watch(signal);
        let fired = self.waiter.wait(signal, left);
        self.kill.unwatch();
        if self.kill.is_set() {
            return Err(TxnError::Interrupted);
        }
        if fired { Ok(()) } else { Err(TxnError::LockWaitTimeout) }
    }

    fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.timeout)
    }
}

impl PinTable {
    /// Pins; `is_current` is asked while no DDL can come between. `None`: the definition has changed, resolve again.
    pub fn pin(
        self: &Arc<Self>,
        table: TableId,
        version: SchemaVersion,
        wait: PinWait<'_>,
        is_current: impl Fn() -> bool,
    ) -> Result<Option<Pin>, TxnError> {
        let deadline = wait.deadline();
        loop {
            let signal = {
                let mut tables = self.tables.lock();
                let uses = tables.entry(table).or_default();
                match &uses.closed {
                    Some(signal) => signal.clone(),
                    None if is_current() => {
                        *uses.counts.entry(version).or_default() += 1;
                        return Ok(Some(Pin { pins: self.clone(), table, version }));
                    }
                    None => {
                        if uses.is_idle() {
                            tables.remove(&table);
                        }
                        return Ok(None);
                    }
                }
            };
            wait.on(&signal, deadline)?;
        }
    }

    /// Waits until nobody pins the table beyond the caller's own `own_pins`, then closes it.
    pub fn close(
        self: &Arc<Self>,
        table: TableId,
        own_pins: usize,
        wait: PinWait<'_>,
    ) -> Result<Closed, TxnError> {
        let deadline = wait.deadline();
        loop {
            let signal = Arc::new(Signal::new());
            {
                let mut tables = self.tables.lock();
                let uses = tables.entry(table).or_default();
                if uses.counts.values().sum::<usize>() <= own_pins && uses.closed.is_none() {
                    uses.closed = Some(Arc::new(Signal::new()));
                    return Ok(Closed { pins: self.clone(), table });
                }
                uses.waiting.push(signal.clone());
            }
            let waited = wait.on(&signal, deadline);
            if waited.is_err() {
                self.withdraw(table, &signal);
            }
            waited?;
        }
    }

    /// Waits until no pin is older than `version`.
    pub fn wait_for_older(
        &self,
        table: TableId,
        version: SchemaVersion,
        wait: PinWait<'_>,
    ) -> Result<(), TxnError> {
        let deadline = wait.deadline();
        loop {
            let signal = Arc::new(Signal::new());
            {
                let mut tables = self.tables.lock();
                let Some(uses) = tables.get_mut(&table) else { return Ok(()) };
                if uses.counts.range(..version).next().is_none() {
                    return Ok(());
                }
                uses.waiting.push(signal.clone());
            }
            let waited = wait.on(&signal, deadline);
            if waited.is_err() {
                self.withdraw(table, &signal);
            }
            waited?;
        }
    }

    fn withdraw(&self, table: TableId, signal: &Arc<Signal>) {
        if let Some(uses) = self.tables.lock().get_mut(&table) {
            uses.waiting.retain(|waiting| !Arc::ptr_eq(waiting, signal));
        }
    }
}
