//! Who is connected: connection ids, KILL, and the watch over clients that vanish while their statement runs.

use crate::net::Net;
use aurora_env::{KillFlag, KillLevel};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Logging in, or with a command to run.
const ACTIVE: u8 = 0;
/// Since some time after the last look.
const IDLE: u8 = 1;
/// Idle at the last look.
const SEEN: u8 = 2;
/// Idle at two looks in a row.
const RESTS: u8 = 3;

/// One connection from its accept to its end.
#[derive(Debug)]
pub struct ConnectionEntry {
    pub id: u32,
    /// The session polls it, lock waits are woken by it.
    pub kill: Arc<KillFlag>,
    /// Wakes the connection's task when it waits for the client.
    pub(crate) wake: Notify,
    socket: Arc<Net>,
    /// How long the connection has waited for its client.
    idle: AtomicU8,
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
            idle: AtomicU8::new(ACTIVE),
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

    /// Asks connections that have waited since the call before to give their buffers back. Timers of their own would
    /// cost every command one.
    pub(crate) fn send_to_rest(&self) {
        for entry in self.lock().values() {
            match entry.idle.load(Ordering::Relaxed) {
                IDLE => drop(entry.idle.compare_exchange(IDLE, SEEN, Ordering::Relaxed, Ordering::Relaxed)),
                SEEN => {
                    let asked =
                        entry.idle.compare_exchange(SEEN, RESTS, Ordering::Relaxed, Ordering::Relaxed);
                    if asked.is_ok() {
                        entry.wake.notify_one();
                    }
                }
                _ => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<ConnectionEntry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionEntry {
    pub(crate) fn command_begins(&self, now_millis: u64) {
        self.idle.store(ACTIVE, Ordering::Relaxed);
        self.busy_since.store(now_millis + 1, Ordering::Relaxed);
    }

    pub(crate) fn command_ends(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
        self.idle.store(IDLE, Ordering::Relaxed);
    }

    /// Whether it has waited for so long that it is to keep no buffers meanwhile.
    pub(crate) fn rests(&self) -> bool {
        self.idle.load(Ordering::Relaxed) == RESTS
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    #[tokio::test]
    async fn a_connection_rests_after_two_looks_without_a_command() {
        let connections = Connections::new(1);
        let (socket, _client) = UnixStream::pair().unwrap();
        let entry = connections.register(Arc::new(Net::Unix(socket))).unwrap();
        let looks = |count: usize| (0..count).for_each(|_| connections.send_to_rest());
        // A login is not to be woken.
        looks(3);
        assert!(!entry.rests());
        entry.command_ends();
        looks(1);
        assert!(!entry.rests());
        entry.command_begins(1);
        looks(2);
        entry.command_ends();
        looks(2);
        assert!(entry.rests());
        entry.wake.notified().await;
        entry.command_begins(2);
        assert!(!entry.rests());
    }
}
