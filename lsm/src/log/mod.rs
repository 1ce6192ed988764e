//! The write-ahead log: group commit, publication in seq order, replay.
//!
//! A commit takes its seq and its place in the log under one short lock, then inserts outside of it. Whoever pumps
//! (the log's thread, or a committer that leads, see `lead.rs`; without threads the committing call) takes all bytes that
//! have gathered, writes them as chunks and syncs once. A commit is published when it and all before it are inserted and durable at their level.

pub(crate) mod chunk;
mod lead;
mod record;
mod replay;
mod segments;

pub(crate) use lead::Lead;
pub(crate) use replay::{Replayed, replay};

use crate::batch::WriteBatch;
use crate::error::{LsmError, Result};
use crate::memtable::Memtable;
use crate::snapshot::SnapshotRegistry;
use crate::ticket::{CommitHooks, CommitTicket, TicketState};
use crate::types::{CommitFields, Durability, Lsn, Seq};
use crate::view::Views;
use aurora_env::{Env, Sealing};
use parking_lot::{Condvar, Mutex};
use segments::{LiveSegments, Maker, Segments, Spares};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Commits that ask for no sync are synced this often.
const SYNC_EVERY: Duration = Duration::from_millis(800);

/// What [`Log`] is made of.
pub(crate) struct LogSetup {
    pub(crate) env: Env,
    pub(crate) sealing: Arc<dyn Sealing>,
    pub(crate) dir: std::path::PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) threads: bool,
    pub(crate) memtable_bytes: usize,
    pub(crate) wal_bytes_max: u64,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) registry: Arc<SnapshotRegistry>,
    pub(crate) views: Arc<Views>,
}

/// A commit between its place in the log and its publication.
pub(crate) struct Pending {
    seq: Seq,
    end_lsn: u64,
    durability: Durability,
    inserted: AtomicBool,
    hooks: Arc<dyn CommitHooks>,
    ticket: Arc<TicketState>,
}

struct State {
    next_seq: Seq,
    next_lsn: u64,
    /// Encoded records that nobody has taken yet; the first byte is at `buffer_start`.
    buffer: Vec<u8>,
    buffer_start: u64,
    mem: Arc<Memtable>,
    /// In seq order.
    pending: VecDeque<Arc<Pending>>,
    /// Who waits for `published` to reach a seq.
    waiting: Vec<(Seq, Arc<TicketState>)>,
    write_wanted: u64,
    sync_wanted: u64,
    failure: Option<LsmError>,
    closing: bool,
}

pub(crate) struct Log {
    setup: LogSetup,
    state: Mutex<State>,
    work: Condvar,
    synced: Condvar,
    segments: Mutex<Segments>,
    live: LiveSegments,
    spares: Arc<Spares>,
    written: AtomicU64,
    durable: AtomicU64,
    failed: AtomicBool,
    last_sync_micros: AtomicU64,
    /// How long the last sync took.
    sync_took_micros: AtomicU64,
}

/// A commit that has its place.
pub(crate) struct Appended {
    pub(crate) pending: Arc<Pending>,
    pub(crate) mem: Arc<Memtable>,
    /// Whether the memtable was rotated: there is something to flush.
    pub(crate) rotated: bool,
    /// Nobody was told to write it: whoever waits for the commit leads.
    leads: bool,
}

impl Appended {
    pub(crate) fn ticket(&self, log: &Arc<Log>) -> CommitTicket {
        let pending = &self.pending;
        CommitTicket {
            state: Some(pending.ticket.clone()),
            seq: pending.seq,
            lsn: Lsn(pending.end_lsn),
            lead: self.leads.then(|| Lead::new(log.clone(), pending.end_lsn)),
        }
    }

    pub(crate) fn seq(&self) -> Seq {
        self.pending.seq
    }
}

impl Log {
    /// Begins a new log at `start`, behind `last_seq`, with a first segment that is durable on return.
    pub(crate) fn create(setup: LogSetup, start: Lsn, last_seq: Seq) -> Result<Log> {
        let live = LiveSegments::default();
        let spares = Arc::new(Spares::default());
        let maker = Maker {
            env: setup.env.clone(),
            sealing: setup.sealing.clone(),
            dir: setup.dir.clone(),
            segment_bytes: setup.segment_bytes,
            ahead: setup.threads,
            numbers: setup.numbers.clone(),
            spares: spares.clone(),
        };
        let segments = Segments::create(maker, start.0, &live)?;
        let mem = setup.views.load().mem.clone();
        Ok(Log {
            setup,
            state: Mutex::new(State {
                next_seq: Seq(last_seq.0 + 1),
                next_lsn: start.0,
                buffer: Vec::new(),
                buffer_start: start.0,
                mem,
                pending: VecDeque::new(),
                waiting: Vec::new(),
                write_wanted: 0,
                sync_wanted: 0,
                failure: None,
                closing: false,
            }),
            work: Condvar::new(),
            synced: Condvar::new(),
            segments: Mutex::new(segments),
            live,
            spares,
            written: AtomicU64::new(start.0),
            durable: AtomicU64::new(start.0),
            failed: AtomicBool::new(false),
            last_sync_micros: AtomicU64::new(0),
            sync_took_micros: AtomicU64::new(0),
        })
    }

    /// Whether a write or sync has failed; one load.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(crate) fn failure(&self) -> Option<LsmError> {
        self.state.lock().failure.clone()
    }

    /// Seq, log space and memtable in one step.
    pub(crate) fn append(
        &self,
        batch: &WriteBatch,
        fields: &CommitFields,
        durability: Durability,
        hooks: Arc<dyn CommitHooks>,
    ) -> Result<Appended> {
        let ticket = Arc::new(TicketState::default());
        let wall = self.setup.env.clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall_nanos = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
        let mut state = self.state.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        if state.closing {
            return Err(LsmError::Closed);
        }
        let leads = self.may_lead(&state, durability);
        let rotated = self.rotate_if_full(&mut state, batch.size_bytes());
        let seq = state.next_seq;
        state.next_seq = Seq(seq.0 + 1);
        let before = state.buffer.len();
        record::encode(&mut state.buffer, seq, fields, wall_nanos, batch);
        state.next_lsn += (state.buffer.len() - before) as u64;
        let end_lsn = state.next_lsn;
        let mem = state.mem.clone();
        mem.enter(seq, Lsn(end_lsn), batch.size_bytes(), batch.len());
        let pending =
            Arc::new(Pending { seq, end_lsn, durability, inserted: AtomicBool::new(false), hooks, ticket });
        state.pending.push_back(pending.clone());
        match durability {
            Durability::Buffered => {}
            Durability::Written => state.write_wanted = end_lsn,
            Durability::Synced => state.sync_wanted = end_lsn,
        }
        drop(state);
        if self.setup.threads && durability != Durability::Buffered && !leads {
            self.work.notify_one();
        }
        Ok(Appended { pending, mem, rotated, leads })
    }

    fn rotate_if_full(&self, state: &mut State, coming_bytes: usize) -> bool {
        let mem = &state.mem;
        let log_bytes = state.next_lsn - mem.start_lsn().0;
        let full = mem.data_bytes().saturating_add(coming_bytes) > self.setup.memtable_bytes
            || log_bytes > self.setup.wal_bytes_max;
        if full && !mem.is_empty() {
            self.rotate(state);
            return true;
        }
        false
    }

    fn rotate(&self, state: &mut State) {
        let next = Memtable::new(Lsn(state.next_lsn));
        state.mem = next.clone();
        self.setup.views.rotate(&next);
    }

    /// Begins a new memtable, unless the current one is empty.
    pub(crate) fn rotate_now(&self) -> bool {
        let mut state = self.state.lock();
        let some = !state.mem.is_empty();
        if some {
            self.rotate(&mut state);
        }
        some
    }

    /// The commit is in the memtable. Its `inserted` hook comes before its `published` hook, on whichever thread.
    pub(crate) fn inserted(&self, pending: &Pending) {
        pending.hooks.inserted(pending.seq);
        pending.inserted.store(true, Ordering::SeqCst);
        if self.is_at_level(pending) {
            self.publish();
        }
    }

    fn is_at_level(&self, pending: &Pending) -> bool {
        let reached = match pending.durability {
            Durability::Buffered => return true,
            Durability::Written => &self.written,
            Durability::Synced => &self.durable,
        };
        reached.load(Ordering::SeqCst) >= pending.end_lsn
    }

    /// Publishes what is ready at the head of the queue. Every step that can make the head ready is followed by a
    /// call of this: its insertion by the committer, its durability by the pump.
    fn publish(&self) {
        let mut done = Vec::new();
        let mut reached = Vec::new();
        {
            let mut state = self.state.lock();
            while let Some(head) = state.pending.front() {
                if !head.inserted.load(Ordering::SeqCst) || !self.is_at_level(head) {
                    break;
                }
                done.extend(state.pending.pop_front());
            }
            let Some(last) = done.last().map(|last: &Arc<Pending>| last.seq) else { return };
            self.setup.registry.publish(last);
            if !state.waiting.is_empty() {
                reached.extend(state.waiting.extract_if(.., |(seq, _)| *seq <= last));
            }
        }
        for commit in done {
            commit.hooks.published(commit.seq);
            commit.ticket.resolve(Ok(commit.seq));
        }
        for (seq, ticket) in reached {
            ticket.resolve(Ok(seq));
        }
    }

    /// A ticket that resolves once `published` ≥ `seq`.
    pub(crate) fn when_published(&self, seq: Seq) -> CommitTicket {
        if self.setup.registry.published() >= seq {
            return CommitTicket::ready(seq, Lsn(0));
        }
        let ticket = Arc::new(TicketState::default());
        let mut state = self.state.lock();
        match &state.failure {
            Some(failure) => ticket.resolve(Err(failure.clone())),
            None if self.setup.registry.published() >= seq => ticket.resolve(Ok(seq)),
            None => {
                state.waiting.push((seq, ticket.clone()));
                // It may be that of a leader who has not begun.
                self.work.notify_one();
            }
        }
        CommitTicket { state: Some(ticket), seq, lsn: Lsn(0), lead: None }
    }

    /// Writes what has gathered, syncs if somebody wants that, publishes.
    pub(crate) fn pump(&self, sync: bool) -> Result<()> {
        let mut segments = self.segments.lock();
        let (start, end, sync) = {
            let mut state = self.state.lock();
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            std::mem::swap(&mut state.buffer, &mut segments.taken);
            let start = state.buffer_start;
            state.buffer_start = state.next_lsn;
            let durable = self.durable.load(Ordering::SeqCst);
            (start, state.next_lsn, sync || state.sync_wanted > durable || self.sync_is_due())
        };
        let durable = self.durable.load(Ordering::SeqCst);
        let begun = self.now_micros();
        let outcome = segments.write(start, durable, &self.live, sync).map(|()| {
            self.written.store(end, Ordering::SeqCst);
            if sync {
                self.durable.store(end, Ordering::SeqCst);
                let ended = self.now_micros();
                self.last_sync_micros.store(ended, Ordering::Relaxed);
                self.sync_took_micros.store(ended.saturating_sub(begun), Ordering::Relaxed);
            }
        });
        drop(segments);
        match outcome {
            Ok(()) => {
                self.publish();
                if sync {
                    // The lock orders this behind a waiter's look at `durable`.
                    drop(self.state.lock());
                    self.synced.notify_all();
                }
                Ok(())
            }
            Err(error) => {
                let failure = LsmError::LogFailed(error.to_string().into());
                self.fail(&failure);
                Err(failure)
            }
        }
    }

    fn now_micros(&self) -> u64 {
        u64::try_from(self.setup.env.clock.monotonic().as_micros()).unwrap_or(u64::MAX)
    }

    fn sync_is_due(&self) -> bool {
        let since = self.now_micros().saturating_sub(self.last_sync_micros.load(Ordering::Relaxed));
        Duration::from_micros(since) >= SYNC_EVERY
    }

    /// From now on nothing is written; commits in flight have an unknown fate (STORAGE 3).
    pub(crate) fn fail(&self, error: &LsmError) {
        let (pending, waiting) = {
            let mut state = self.state.lock();
            if state.failure.is_some() {
                return;
            }
            state.failure = Some(error.clone());
            self.failed.store(true, Ordering::Release);
            state.buffer = Vec::new();
            (std::mem::take(&mut state.pending), std::mem::take(&mut state.waiting))
        };
        tracing::error!(%error, "the log failed: writes are refused until a restart");
        self.synced.notify_all();
        for commit in pending {
            commit.hooks.failed(error);
            commit.ticket.resolve(Err(error.clone()));
        }
        for (_, ticket) in waiting {
            ticket.resolve(Err(error.clone()));
        }
    }

    /// Returns once the log is durable up to `lsn`.
    pub(crate) fn sync_upto(&self, lsn: Lsn) -> Result<()> {
        if self.durable.load(Ordering::SeqCst) >= lsn.0 {
            return Ok(());
        }
        if !self.setup.threads {
            return self.pump(true);
        }
        let mut state = self.state.lock();
        state.sync_wanted = state.sync_wanted.max(lsn.0);
        self.work.notify_one();
        while self.durable.load(Ordering::SeqCst) < lsn.0 {
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            self.synced.wait(&mut state);
        }
        Ok(())
    }

    /// After the close: what was waited for will not come.
    pub(crate) fn abandon(&self) {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        for (_, ticket) in waiting {
            ticket.resolve(Err(LsmError::Closed));
        }
    }

    /// The log thread's life. Ends when the log is closed and synced, or has failed.
    pub(crate) fn run(&self) {
        let _guard = lead::FailOnPanic(self);
        loop {
            let (closing, timed_out) = {
                let mut state = self.state.lock();
                let mut timed_out = false;
                while !state.closing
                    && state.failure.is_none()
                    && state.sync_wanted <= self.durable.load(Ordering::SeqCst)
                    && state.write_wanted <= self.written.load(Ordering::SeqCst)
                    && !timed_out
                {
                    timed_out = self.work.wait_for(&mut state, SYNC_EVERY).timed_out();
                }
                if state.failure.is_some() {
                    return;
                }
                if timed_out && !state.closing && state.next_lsn == self.durable.load(Ordering::SeqCst) {
                    continue;
                }
                (state.closing, timed_out)
            };
            if self.pump(closing || timed_out).is_err() || closing {
                return;
            }
        }
    }

    /// No commit is taken from now on. The log's thread writes and syncs the rest; without one, this call does.
    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        if self.setup.threads {
            self.work.notify_all();
        } else {
            let _ = self.pump(true);
        }
    }

    pub(crate) fn next_lsn(&self) -> Lsn {
        Lsn(self.state.lock().next_lsn)
    }

    pub(crate) fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::SeqCst))
    }

    /// The segment that a replay from `lsn` on begins with.
    pub(crate) fn first_segment(&self, lsn: Lsn) -> u64 {
        let live = self.live.lock();
        let at = live.partition_point(|&(_, start)| start <= lsn.0);
        live.get(at.saturating_sub(1)).map_or(0, |&(number, _)| number)
    }

    /// Lets go of segments before `first`; the synced manifest says by now that nobody needs them.
    pub(crate) fn remove_before(&self, first: u64) {
        let gone: Vec<_> = self.live.lock().extract_if(.., |&mut (number, _)| number < first).collect();
        for (number, _) in gone {
            if !self.spares.keep(number) {
                remove(&self.setup.env, &segments::path_of(&self.setup.dir, number));
            }
        }
    }

    /// Removes files that are kept for reuse, but for so many.
    pub(crate) fn keep_spares(&self, keep: usize) {
        for number in self.spares.beyond(keep) {
            remove(&self.setup.env, &segments::path_of(&self.setup.dir, number));
        }
    }
}

/// Removes a file that nobody needs; one that stays is removed at the next start.
pub(crate) fn remove(env: &Env, path: &Path) {
    if let Err(error) = env.fs.remove(path) {
        tracing::warn!(path = %path.display(), %error, "a file that is no longer needed could not be removed");
    }
}

/// Numbers of the segments in a folder, ascending.
pub(crate) fn list_segments(env: &Env, dir: &Path) -> Result<Vec<u64>> {
    let names = env.fs.list(dir).map_err(|e| LsmError::io("list", dir, e))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segments::number_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

pub(crate) fn segment_path(dir: &Path, number: u64) -> std::path::PathBuf {
    segments::path_of(dir, number)
}
