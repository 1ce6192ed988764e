//! The writer: one thread, one chain.

use crate::AuditError;
use crate::checkpoint::Signer;
use crate::event::{Class, Event, Record, rfc3339};
use crate::index::Index;
use crate::segment::{GENESIS, Hash, SegmentWriter, encode_record, io_error, read_segment, segments};
use aurora_env::{Env, Sealing};
use parking_lot::{Condvar, Mutex};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// When [`AuditLog::record`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// At once; written within a tenth of a second, on disk with the next checkpoint (ten seconds at most).
    Async,
    /// When the record is in the operating system's cache: survives a crash of the server, not of the machine.
    Written,
    /// When the record is on disk.
    Durable,
}

/// Which events a client waits for; `audit` of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By class: [`Class::durability`].
    #[default]
    ByClass,
    /// For none: throughput before evidence. A crash of the server loses a tenth of a second, one of the machine ten.
    Async,
    /// For all, until they are in the operating system's cache.
    Written,
    /// For all, until they are on disk.
    Durable,
}

impl Mode {
    /// As it is recorded when the log is opened.
    pub fn name(self) -> &'static str {
        match self {
            Mode::ByClass => "by class",
            Mode::Async => "async",
            Mode::Written => "written",
            Mode::Durable => "durable",
        }
    }

    /// The log tells of itself durably in every mode.
    fn durability(self, class: Class) -> Durability {
        match self {
            _ if matches!(class, Class::Audit | Class::Checkpoint) => Durability::Durable,
            Mode::ByClass => class.durability(),
            Mode::Async => Durability::Async,
            Mode::Written => Durability::Written,
            Mode::Durable => Durability::Durable,
        }
    }
}

/// Events that may wait for the writer before those who come wait too: memory is bounded, whatever the disk does.
const WAITING_MAX: usize = 16_384;
const SEGMENT_BYTES: u64 = 64 << 20;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
const ASYNC_DELAY: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Queue {
    waiting: Vec<(Event, Durability)>,
    /// Numbers given out so far.
    assigned: u64,
    stop: bool,
}

#[derive(Default)]
struct Progress {
    written: u64,
    durable: u64,
    failed: Option<String>,
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    progress: Mutex<Progress>,
    advanced: Condvar,
    last_durable: AtomicU64,
}

/// The open audit log. One per instance; cheap to share.
pub struct AuditLog {
    shared: Arc<Shared>,
    mode: Mode,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

struct Writer {
    env: Env,
    sealing: Arc<dyn Sealing>,
    dir: PathBuf,
    signer: Signer,
    index: Option<Index>,
    segment: SegmentWriter,
    head: Hash,
    seq: u64,
    unsigned: u64,
}

impl AuditLog {
    /// As [`AuditLog::open_as`], with events durable by class.
    pub fn open(env: Env, sealing: Arc<dyn Sealing>, dir: &Path) -> Result<AuditLog, AuditError> {
        AuditLog::open_as(Mode::default(), env, sealing, dir)
    }

    /// Opens the folder `dir` (`DATA/audit`), begins a new segment behind the existing ones and records `start` with the
    /// mode.
    pub fn open_as(
        mode: Mode,
        env: Env,
        sealing: Arc<dyn Sealing>,
        dir: &Path,
    ) -> Result<AuditLog, AuditError> {
        env.fs.create_dir_all(dir).map_err(io_error("creating", dir))?;
        let signer = Signer::open_or_create(&env, sealing.as_ref(), dir)?;
        let mut head = GENESIS;
        let mut seq = 0;
        let all = segments(&env, dir)?;
        for path in all.iter().rev() {
            let (stored, _) = read_segment(&env, sealing.as_ref(), path)?;
            if let Some(last) = stored.last() {
                let record: Record = serde_json::from_slice(&last.json).map_err(|e| AuditError::Damaged {
                    path: path.display().to_string(),
                    offset: last.offset,
                    what: e.to_string(),
                })?;
                (head, seq) = (last.hash, record.seq);
                break;
            }
        }
        let index = open_index(&env, sealing.as_ref(), dir, &all, seq, &signer);
        let segment = SegmentWriter::create(&env, sealing.as_ref(), dir, seq + 1)?;
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { assigned: seq, ..Queue::default() }),
            arrived: Condvar::new(),
            progress: Mutex::new(Progress { written: seq, durable: seq, failed: None }),
            advanced: Condvar::new(),
            last_durable: AtomicU64::new(seq),
        });
        let dir = dir.to_path_buf();
        let mut writer = Writer { env, sealing, dir, signer, index, segment, head, seq, unsigned: 0 };
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("audit-writer".into())
            .spawn(move || writer.run(&theirs))
            .map_err(|e| AuditError::Stopped(e.to_string()))?;
        let log = AuditLog { shared, mode, writer: Mutex::new(Some(thread)) };
        let start = Event { object: mode.name().to_owned(), ..Event::new(Class::Audit, "start", 0) };
        log.record(start, Durability::Durable)?;
        Ok(log)
    }

    /// Records an event as durably as the mode wants its class.
    pub fn tell(&self, event: Event) -> Result<u64, AuditError> {
        let durability = self.mode.durability(event.class);
        self.record(event, durability)
    }

    /// Records an event; returns its number once it is as durable as asked.
    pub fn record(&self, event: Event, durability: Durability) -> Result<u64, AuditError> {
        let (seq, is_full) = {
            let mut queue = self.shared.queue.lock();
            if queue.stop {
                return Err(AuditError::Stopped("the log is closed".into()));
            }
            queue.assigned += 1;
            queue.waiting.push((event, durability));
            (queue.assigned, queue.waiting.len() > WAITING_MAX)
        };
        if durability == Durability::Async && !is_full {
            return Ok(seq);
        }
        self.shared.arrived.notify_one();
        let mut progress = self.shared.progress.lock();
        loop {
            let reached = if durability == Durability::Durable { progress.durable } else { progress.written };
            if reached >= seq {
                return Ok(seq);
            }
            if let Some(why) = &progress.failed {
                return Err(AuditError::Stopped(why.clone()));
            }
            self.shared.advanced.wait(&mut progress);
        }
    }

    /// Number of the last record on disk: commit records carry it.
    pub fn last_durable(&self) -> u64 {
        self.shared.last_durable.load(Ordering::Acquire)
    }

    /// Records `stop`, signs the head and ends the writer.
    pub fn close(&self) -> Result<(), AuditError> {
        self.close_with("stop")
    }

    /// As [`AuditLog::close`], for a server that runs on without: `off` is the last that it records.
    pub fn switch_off(&self) -> Result<(), AuditError> {
        self.close_with("off")
    }

    fn close_with(&self, last: &str) -> Result<(), AuditError> {
        let Some(thread) = self.writer.lock().take() else { return Ok(()) };
        let recorded = self.record(Event::new(Class::Audit, last, 0), Durability::Durable);
        self.shared.queue.lock().stop = true;
        self.shared.arrived.notify_one();
        thread.join().map_err(|_| AuditError::Stopped("its writer panicked".into()))?;
        recorded.map(|_| ())
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the audit log");
        }
    }
}

/// The index, caught up with the segments; `None` (and a warning) when it cannot be had: the log works without.
fn open_index(
    env: &Env,
    sealing: &dyn Sealing,
    dir: &Path,
    all: &[PathBuf],
    last_seq: u64,
    signer: &Signer,
) -> Option<Index> {
    let secret = signer.sign(0, &GENESIS);
    let caught_up = Index::open(&dir.join("index"), secret.as_bytes()).and_then(|index| {
        let indexed = index.last_seq()?;
        if indexed < last_seq {
            for path in all {
                let (stored, _) = read_segment(env, sealing, path)?;
                for stored in stored {
                    let Ok(record) = serde_json::from_slice::<Record>(&stored.json) else { continue };
                    if record.seq > indexed {
                        index.add(record.seq, first_seq(path), stored.offset, &record.event.user)?;
                    }
                }
            }
        }
        Ok(index)
    });
    caught_up.inspect_err(|error| tracing::warn!(%error, "the audit log goes on without its index")).ok()
}

fn first_seq(path: &Path) -> u64 {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.trim_start_matches("segment-").parse().unwrap_or(0)
}

impl Writer {
    fn run(&mut self, shared: &Shared) {
        let mut last_checkpoint = self.env.clock.monotonic();
        loop {
            let (batch, stop) = {
                let mut queue = shared.queue.lock();
                if queue.waiting.is_empty() && !queue.stop {
                    shared.arrived.wait_for(&mut queue, ASYNC_DELAY);
                }
                (std::mem::take(&mut queue.waiting), queue.stop)
            };
            let now = self.env.clock.monotonic();
            let due = self.unsigned > 0 && (stop || now.saturating_sub(last_checkpoint) >= CHECKPOINT_EVERY);
            if batch.is_empty() && !due {
                if stop {
                    break;
                }
                continue;
            }
            let outcome = self.write(batch, shared);
            let outcome = match outcome {
                Ok(()) if due => {
                    last_checkpoint = now;
                    self.checkpoint(shared)
                }
                other => other,
            };
            if let Err(error) = outcome {
                tracing::error!(%error, "the audit log can no longer be written");
                shared.queue.lock().stop = true;
                shared.progress.lock().failed = Some(error.to_string());
                shared.advanced.notify_all();
                return;
            }
        }
        if let Some(Err(error)) = self.index.as_ref().map(Index::flush) {
            tracing::warn!(%error, "flushing the audit index");
        }
    }

    fn write(&mut self, batch: Vec<(Event, Durability)>, shared: &Shared) -> Result<(), AuditError> {
        if batch.is_empty() {
            return Ok(());
        }
        let sync = batch.iter().any(|(_, durability)| *durability == Durability::Durable);
        let mut block = Vec::with_capacity(batch.len() * 512);
        let first = self.seq + 1;
        let mut users = Vec::with_capacity(batch.len());
        for (event, _) in batch {
            self.seq += 1;
            self.unsigned += 1;
            users.push(event.user.clone());
            let timestamp = rfc3339(self.env.clock.wall());
            let record = Record { seq: self.seq, timestamp, event, signature: None };
            self.head = encode_record(&record, &self.head, &mut block)?;
        }
        self.append(&block, first, &users, sync, shared)
    }

    /// The checkpoint takes a number of its own, given out under the queue's lock so that numbers stay without holes.
    fn checkpoint(&mut self, shared: &Shared) -> Result<(), AuditError> {
        let batch = {
            let mut queue = shared.queue.lock();
            queue.assigned += 1;
            std::mem::take(&mut queue.waiting)
        };
        // Events that came between the last group and the lock have lower numbers than the checkpoint.
        self.write(batch, shared)?;
        self.seq += 1;
        let record = Record {
            seq: self.seq,
            timestamp: rfc3339(self.env.clock.wall()),
            event: Event::new(Class::Checkpoint, "checkpoint", 0),
            signature: Some(self.signer.sign(self.seq, &self.head)),
        };
        let mut block = Vec::new();
        self.head = encode_record(&record, &self.head, &mut block)?;
        self.unsigned = 0;
        self.append(&block, self.seq, &[String::new()], true, shared)
    }

    fn append(
        &mut self,
        block: &[u8],
        first: u64,
        users: &[String],
        sync: bool,
        shared: &Shared,
    ) -> Result<(), AuditError> {
        if self.segment.len_bytes() > SEGMENT_BYTES {
            self.segment.sync()?;
            self.segment = SegmentWriter::create(&self.env, self.sealing.as_ref(), &self.dir, first)?;
        }
        let offset = self.segment.append(block)?;
        if sync {
            self.segment.sync()?;
        }
        let mut progress = shared.progress.lock();
        progress.written = self.seq;
        if sync {
            progress.durable = self.seq;
            shared.last_durable.store(self.seq, Ordering::Release);
        }
        drop(progress);
        shared.advanced.notify_all();
        if let Some(index) = &self.index {
            let segment = first_seq(self.segment.path());
            for (seq, user) in (first..).zip(users) {
                if let Err(error) = index.add(seq, segment, offset, user) {
                    tracing::warn!(%error, "the audit index is dropped; it is rebuilt at the next start");
                    self.index = None;
                    break;
                }
            }
        }
        Ok(())
    }
}

impl AuditLog {
    /// Numbers of the records that name `user`, from the index of a closed log.
    pub fn records_of(
        env: &Env,
        sealing: &dyn Sealing,
        dir: &Path,
        user: &str,
    ) -> Result<Vec<u64>, AuditError> {
        let signer = Signer::open_or_create(env, sealing, dir)?;
        let secret = signer.sign(0, &GENESIS);
        Index::open(&dir.join("index"), secret.as_bytes())?.of_user(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_all, verify};
    use aurora_env::{PlainSealing, RealEnv};

    fn open(mode: Mode, env: &Env, sealing: &Arc<dyn Sealing>, dir: &Path) -> AuditLog {
        AuditLog::open_as(mode, env.clone(), sealing.clone(), dir).unwrap()
    }

    #[test]
    fn a_log_that_is_switched_off_says_so_last() {
        // A real folder: the index has no other.
        let (dir, env) = (tempfile::tempdir().unwrap(), RealEnv::new());
        let sealing: Arc<dyn Sealing> = Arc::new(PlainSealing::new([1; 16], env.entropy.clone()));
        open(Mode::Durable, &env, &sealing, dir.path()).close().unwrap();
        open(Mode::ByClass, &env, &sealing, dir.path()).switch_off().unwrap();
        let records = read_all(&env, &*sealing, dir.path()).unwrap();
        let told: Vec<(&str, &str)> =
            records.iter().map(|record| (&*record.event.event, &*record.event.object)).collect();
        assert_eq!(told[0], ("start", "durable"));
        let last = told.iter().rfind(|(event, _)| *event != "checkpoint");
        assert_eq!(last, Some(&("off", "")));
        assert!(verify(&env, &*sealing, dir.path(), None, None).unwrap().problems.is_empty());
    }

    #[test]
    fn modes_say_what_is_waited_for() {
        assert_eq!(Mode::ByClass.durability(Class::Ddl), Durability::Durable);
        assert_eq!(Mode::ByClass.durability(Class::Connection), Durability::Written);
        assert_eq!(Mode::Async.durability(Class::Ddl), Durability::Async);
        assert_eq!(Mode::Async.durability(Class::Audit), Durability::Durable);
        assert_eq!(Mode::Written.durability(Class::Account), Durability::Written);
        assert_eq!(Mode::Durable.durability(Class::Failure), Durability::Durable);
    }

    #[test]
    fn nobody_waits_in_async_mode_until_too_many_do() {
        // A real folder: the index has no other.
        let (dir, env) = (tempfile::tempdir().unwrap(), RealEnv::new());
        let sealing: Arc<dyn Sealing> = Arc::new(PlainSealing::new([1; 16], env.entropy.clone()));
        let log = open(Mode::Async, &env, &sealing, dir.path());
        let count = WAITING_MAX as u64 + 100;
        for id in 0..count {
            log.tell(Event::new(Class::Ddl, "create_table", id)).unwrap();
            assert!(log.shared.queue.lock().waiting.len() <= WAITING_MAX + 1);
        }
        log.close().unwrap();
        let records = read_all(&env, &*sealing, dir.path()).unwrap();
        let ids: Vec<u64> = records
            .iter()
            .filter(|record| record.event.class == Class::Ddl)
            .map(|record| record.event.connection_id)
            .collect();
        assert!(ids.iter().copied().eq(0..count));
    }
}
