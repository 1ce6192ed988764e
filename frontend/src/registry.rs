//! Who is connected: connection ids, KILL, and the watch over clients that vanish while their statement runs.

use crate::net::Net;
use aurora_env::{KillFlag, KillLevel};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// One connection from its accept to its end.
#[derive(Debug)]
pub struct ConnectionEntry {
    pub id: u32,
    /// The session polls it, lock waits are woken by it.
    pub kill: Arc<KillFlag>,
    /// Wakes the connection's task when it waits for the client.
    pub(crate) wake: Notify,
    socket: Arc<Net>,
    /// Milliseconds since the registry began, plus one, at which the running command began; 0 when idle.
    busy_since: AtomicU64,
}

/// All connections of the server; shared by its listeners and by whoever runs KILL.
#[derive(Debug)]
pub struct Connections {
    entries: Mutex<HashMap<u32, Arc<ConnectionEntry>>>,
    last_id: AtomicU32,
    started: Instant,
    max: AtomicU32,
    closing: AtomicBool,
}

impl Connections {
    /// At most `max` at once (`max_connections`).
    pub fn new(max: u32) -> Connections {
        Connections {
            entries: Mutex::new(HashMap::new()),
            // MySQL's first clients have numbers of this size too: lower ones are background work.
            last_id: AtomicU32::new(7),
            started: Instant::now(),
            max: AtomicU32::new(max),
            closing: AtomicBool::new(false),
        }
    }

    pub fn set_max(&self, max: u32) {
        self.max.store(max, Ordering::Relaxed);
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ids of all connections, those that have not logged in included.
    pub fn ids(&self) -> Vec<u32> {
        self.lock().keys().copied().collect()
    }

    /// KILL: `false` when there is no such connection.
    pub fn kill(&self, id: u32, level: KillLevel) -> bool {
        let Some(entry) = self.lock().get(&id).cloned() else { return false };
        entry.kill.kill(level);
        if level == KillLevel::Connection {
            entry.wake.notify_one();
        }
        true
    }

    /// `None` when there are too many already.
    pub(crate) fn register(&self, socket: Arc<Net>) -> Option<Arc<ConnectionEntry>> {
        let mut entries = self.lock();
        if entries.len() >= self.max.load(Ordering::Relaxed) as usize {
            return None;
        }
        let id = loop {
            let id = self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            if id != 0 && !entries.contains_key(&id) {
                break id;
            }
        };
        let entry = Arc::new(ConnectionEntry {
            id,
            kill: Arc::new(KillFlag::new()),
            wake: Notify::new(),
            socket,
            busy_since: AtomicU64::new(0),
        });
        entries.insert(id, entry.clone());
        Some(entry)
    }

    pub(crate) fn remove(&self, id: u32) {
        self.lock().remove(&id);
    }

    pub(crate) fn now_millis(&self) -> u64 {
        self.millis_at(Instant::now())
    }

    pub(crate) fn millis_at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_millis() as u64
    }

    /// The server goes down: idle connections end at once, others after their command.
    pub(crate) fn close_all(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.lock().values().for_each(|entry| entry.wake.notify_one());
    }

    pub(crate) fn kill_all(&self) {
        for entry in self.lock().values() {
            entry.kill.kill(KillLevel::Connection);
            entry.wake.notify_one();
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Kills statements whose client has gone. Nobody reads a socket while its statement runs, so that somebody
    /// must look.
    pub(crate) fn kill_vanished(&self, running_for: Duration) {
        let now = self.now_millis();
        let busy: Vec<_> =
            self.lock().values().filter(|entry| entry.is_busy(now, running_for)).cloned().collect();
        for entry in busy {
            if entry.socket.is_gone() {
                entry.kill.kill(KillLevel::Connection);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<ConnectionEntry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionEntry {
    pub(crate) fn command_begins(&self, now_millis: u64) {
        self.busy_since.store(now_millis + 1, Ordering::Relaxed);
    }

    pub(crate) fn command_ends(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.kill.level() == KillLevel::Connection
    }

    fn is_busy(&self, now_millis: u64, running_for: Duration) -> bool {
        match self.busy_since.load(Ordering::Relaxed) {
            0 => false,
            since => u128::from(now_millis + 1 - since.min(now_millis + 1)) >= running_for.as_millis(),
        }
    }
}
