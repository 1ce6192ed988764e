//! The log as its callers see it: who tells an event and needs it written writes it, with all that wait at that moment.
//!
//! A thread of its own writes what nobody waits for, signs the head of the chain and keeps the index.

use crate::AuditError;
use crate::checkpoint::Signer;
use crate::event::{Class, Event, Record};
use crate::index::{Entry, Index};
use crate::segment::{GENESIS, SegmentWriter, io_error, read_segment, segments};
use crate::writer::{Waiting, Writer};
use aurora_env::{Clock, Env, Sealing};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

    /// The log tells of itself durably in every mode. Nobody hears that a connection has ended: by class, nobody waits
    /// for that record either.
    fn durability(self, event: &Event) -> Durability {
        match self {
            _ if matches!(event.class, Class::Audit | Class::Checkpoint) => Durability::Durable,
            Mode::ByClass if event.event == DISCONNECT => Durability::Async,
            Mode::ByClass => event.class.durability(),
            Mode::Async => Durability::Async,
            Mode::Written => Durability::Written,
            Mode::Durable => Durability::Durable,
        }
    }
}

/// The event of a connection's end.
const DISCONNECT: &str = "disconnect";

/// Events that may wait before those who tell more write them themselves: memory is bounded, whatever the disk does.
const WAITING_MAX: usize = 16_384;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
const ASYNC_DELAY: Duration = Duration::from_millis(100);
/// Records that are indexed together. The index is opened when there are as many: it takes tens of megabytes, which a
/// server without much to tell is spared. From then on a checkpoint indexes what there is.
const INDEXED_TOGETHER: usize = 4096;

#[derive(Default)]
pub(crate) struct Queue {
    pub waiting: Vec<Waiting>,
    /// Numbers given out so far.
    pub assigned: u64,
    stop: bool,
}

pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    pub queue: Mutex<Queue>,
    /// Wakes the thread to its end.
    stopped: Condvar,
    /// Taken before `queue` where both are.
    writer: Mutex<Writer>,
    /// Numbers of the last records in the operating system's cache and on disk.
    pub written: AtomicU64,
    pub durable: AtomicU64,
    has_failed: AtomicBool,
    failure: Mutex<Option<String>>,
}

/// The open audit log. One per instance; cheap to share.
pub struct AuditLog {
    shared: Arc<Shared>,
    mode: Mode,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// An event that has its number and may not be as durable yet as it has to be.
#[must_use = "the event may not be written yet"]
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub seq: u64,
    durability: Durability,
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
        let behind = Behind::new(&env, &sealing, dir, &signer);
        let segment = SegmentWriter::create(&env, sealing.as_ref(), dir, seq + 1)?;
        let clock = env.clock.clone();
        let writer = Writer {
            env,
            sealing,
            dir: dir.to_path_buf(),
            signer,
            segment,
            head,
            seq,
            unsigned: 0,
            is_indexed: true,
            unindexed: Vec::new(),
        };
        let shared = Arc::new(Shared {
            clock,
            queue: Mutex::new(Queue { assigned: seq, ..Queue::default() }),
            stopped: Condvar::new(),
            writer: Mutex::new(writer),
            written: AtomicU64::new(seq),
            durable: AtomicU64::new(seq),
            has_failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("audit-writer".into())
            .spawn(move || theirs.run(&behind, seq))
            .map_err(|e| AuditError::Stopped(e.to_string()))?;
        let log = AuditLog { shared, mode, thread: Mutex::new(Some(thread)) };
        let start = Event { object: mode.name().to_owned(), ..Event::new(Class::Audit, "start", 0) };
        log.record(start, Durability::Durable)?;
        Ok(log)
    }

    /// Records an event as durably as the mode wants its class.
    pub fn tell(&self, event: Event) -> Result<u64, AuditError> {
        let durability = self.mode.durability(&event);
        self.record(event, durability)
    }

    /// Records an event; returns its number once it is as durable as asked.
    pub fn record(&self, event: Event, durability: Durability) -> Result<u64, AuditError> {
        let told = self.enqueue(event, durability)?;
        self.finish(told)?;
        Ok(told.seq)
    }

    /// Gives an event its number; [`AuditLog::try_finish`] or [`AuditLog::finish`] makes it as durable as the mode wants.
    pub fn begin(&self, event: Event) -> Result<Told, AuditError> {
        let durability = self.mode.durability(&event);
        self.enqueue(event, durability)
    }

    fn enqueue(&self, event: Event, durability: Durability) -> Result<Told, AuditError> {
        let mut queue = self.shared.queue.lock();
        if queue.stop {
            return Err(AuditError::Stopped("the log is closed".into()));
        }
        queue.assigned += 1;
        queue.waiting.push(Waiting { event, at: self.shared.clock.wall() });
        let is_full = queue.waiting.len() > WAITING_MAX;
        let durability =
            if durability == Durability::Async && is_full { Durability::Written } else { durability };
        Ok(Told { seq: queue.assigned, durability })
    }

    /// As [`AuditLog::finish`], when that takes no sync and no wait for others; `false`: it would.
    pub fn try_finish(&self, told: Told) -> Result<bool, AuditError> {
        if self.shared.is_done(told)? {
            return Ok(true);
        }
        if told.durability == Durability::Durable {
            return Ok(false);
        }
        let Some(writer) = self.shared.writer.try_lock() else { return Ok(false) };
        self.shared.advance(writer, told)?;
        Ok(true)
    }

    /// Returns when the event is as durable as it has to be; this thread may write it, and others with it.
    pub fn finish(&self, told: Told) -> Result<(), AuditError> {
        if self.shared.is_done(told)? {
            return Ok(());
        }
        self.shared.advance(self.shared.writer.lock(), told)
    }

    /// Number of the last record on disk: commit records carry it.
    pub fn last_durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
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
        let Some(thread) = self.thread.lock().take() else { return Ok(()) };
        let recorded = self.record(Event::new(Class::Audit, last, 0), Durability::Durable);
        self.shared.queue.lock().stop = true;
        self.shared.stopped.notify_one();
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

impl Shared {
    /// # Errors
    /// When it never will be.
    fn is_done(&self, told: Told) -> Result<bool, AuditError> {
        let reached = match told.durability {
            Durability::Async => return Ok(true),
            Durability::Written => &self.written,
            Durability::Durable => &self.durable,
        };
        if reached.load(Ordering::Acquire) >= told.seq {
            return Ok(true);
        }
        if self.has_failed.load(Ordering::Acquire) {
            let why = self.failure.lock().clone().unwrap_or_default();
            return Err(AuditError::Stopped(why));
        }
        Ok(false)
    }

    /// Writes what waits, and syncs when this event needs it.
    fn advance(&self, mut writer: MutexGuard<'_, Writer>, told: Told) -> Result<(), AuditError> {
        // Whoever had the writer before may have written this event too.
        if self.is_done(told)? {
            return Ok(());
        }
        let outcome = writer.write_waiting(self).and_then(|()| match told.durability {
            Durability::Durable => writer.sync(self),
            _ => Ok(()),
        });
        outcome.inspect_err(|error| self.fail(error))
    }

    /// Nothing is written behind a block that may be half there.
    fn fail(&self, error: &AuditError) {
        tracing::error!(%error, "the audit log can no longer be written");
        self.queue.lock().stop = true;
        self.failure.lock().get_or_insert(error.to_string());
        self.has_failed.store(true, Ordering::Release);
        self.stopped.notify_one();
    }

    /// The thread's work, until the log is closed. Records to `last_seq` were there when it was opened.
    fn run(&self, behind: &Behind, last_seq: u64) {
        let mut index: Option<Index> = None;
        let mut last_checkpoint = self.clock.monotonic();
        loop {
            let stop = {
                let mut queue = self.queue.lock();
                if !queue.stop {
                    self.stopped.wait_for(&mut queue, ASYNC_DELAY);
                }
                queue.stop
            };
            let now = self.clock.monotonic();
            let is_time = stop || now.saturating_sub(last_checkpoint) >= CHECKPOINT_EVERY;
            let unindexed = {
                let mut writer = self.writer.lock();
                if self.has_failed.load(Ordering::Acquire) {
                    return;
                }
                let outcome = writer.write_waiting(self).and_then(|()| {
                    if is_time && writer.unsigned > 0 {
                        last_checkpoint = now;
                        writer.checkpoint(self)?;
                    }
                    Ok(())
                });
                if let Err(error) = outcome {
                    return self.fail(&error);
                }
                let is_due = is_time && index.is_some() || writer.unindexed.len() >= INDEXED_TOGETHER;
                if is_due { std::mem::take(&mut writer.unindexed) } else { Vec::new() }
            };
            if let Err(error) = add_to_index(&mut index, &unindexed, || behind.open(last_seq)) {
                tracing::warn!(%error, "the audit log goes on without its index, which is made up for later");
                index = None;
                let mut writer = self.writer.lock();
                writer.is_indexed = false;
                writer.unindexed = Vec::new();
            }
            if stop {
                break;
            }
        }
        if let Some(Err(error)) = index.as_ref().map(Index::flush) {
            tracing::warn!(%error, "flushing the audit index");
        }
    }
}

fn add_to_index(
    index: &mut Option<Index>,
    unindexed: &[Entry],
    open: impl FnOnce() -> Result<Index, AuditError>,
) -> Result<(), AuditError> {
    if unindexed.is_empty() {
        return Ok(());
    }
    if index.is_none() {
        *index = Some(open()?);
    }
    index.as_ref().map_or(Ok(()), |index| index.add(unindexed))
}

/// An index that is not open and may lag behind the segments.
struct Behind {
    env: Env,
    sealing: Arc<dyn Sealing>,
    dir: PathBuf,
    secret: String,
}

impl Behind {
    fn new(env: &Env, sealing: &Arc<dyn Sealing>, dir: &Path, signer: &Signer) -> Behind {
        let (env, sealing, secret) = (env.clone(), sealing.clone(), signer.sign(0, &GENESIS));
        Behind { env, sealing, dir: dir.to_path_buf(), secret }
    }

    /// The index, caught up with the segments' records to `last_seq`.
    fn open(&self, last_seq: u64) -> Result<Index, AuditError> {
        let index = Index::open(&self.dir.join("index"), self.secret.as_bytes())?;
        let indexed = index.last_seq()?;
        let all = segments(&self.env, &self.dir)?;
        for (at, path) in all.iter().enumerate() {
            let is_known = all.get(at + 1).is_some_and(|next| first_seq(next) <= indexed + 1);
            if is_known || first_seq(path) > last_seq {
                continue;
            }
            let (stored, _) = read_segment(&self.env, self.sealing.as_ref(), path)?;
            let mut added = Vec::new();
            for stored in stored {
                let Ok(record) = serde_json::from_slice::<Record>(&stored.json) else { continue };
                if (indexed + 1..=last_seq).contains(&record.seq) {
                    let (segment, offset) = (first_seq(path), stored.offset);
                    added.push(Entry { seq: record.seq, segment, offset, user: record.event.user });
                }
            }
            for chunk in added.chunks(INDEXED_TOGETHER) {
                index.add(chunk)?;
            }
        }
        Ok(index)
    }
}

fn first_seq(path: &Path) -> u64 {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.trim_start_matches("segment-").parse().unwrap_or(0)
}

impl AuditLog {
    /// Numbers of the records that name `user`, from the index of a closed log, which catches up with it first.
    pub fn records_of(
        env: &Env,
        sealing: &Arc<dyn Sealing>,
        dir: &Path,
        user: &str,
    ) -> Result<Vec<u64>, AuditError> {
        let signer = Signer::open_or_create(env, sealing.as_ref(), dir)?;
        Behind::new(env, sealing, dir, &signer).open(u64::MAX)?.of_user(user)
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
        let asked = |mode: Mode, class, name| mode.durability(&Event::new(class, name, 1));
        assert_eq!(asked(Mode::ByClass, Class::Ddl, "create_table"), Durability::Durable);
        assert_eq!(asked(Mode::ByClass, Class::Connection, "connect"), Durability::Written);
        assert_eq!(asked(Mode::ByClass, Class::Connection, "disconnect"), Durability::Async);
        assert_eq!(asked(Mode::Durable, Class::Connection, "disconnect"), Durability::Durable);
        assert_eq!(asked(Mode::Async, Class::Ddl, "create_table"), Durability::Async);
        assert_eq!(asked(Mode::Async, Class::Audit, "start"), Durability::Durable);
        assert_eq!(asked(Mode::Written, Class::Account, "grant"), Durability::Written);
        assert_eq!(asked(Mode::Durable, Class::Failure, "status"), Durability::Durable);
    }

    #[test]
    fn those_who_wait_write_and_those_who_do_not_are_written_with_them() {
        let (dir, env) = (tempfile::tempdir().unwrap(), RealEnv::new());
        let sealing: Arc<dyn Sealing> = Arc::new(PlainSealing::new([1; 16], env.entropy.clone()));
        let log = open(Mode::ByClass, &env, &sealing, dir.path());
        let tell = |name: &str, user: &str, id| {
            let event = Event { user: user.into(), ..Event::new(Class::Connection, name, id) };
            log.begin(event).unwrap()
        };
        let held = log.shared.writer.lock();
        let (left, came) = (tell("disconnect", "a", 1), tell("connect", "b", 2));
        assert!(log.try_finish(left).unwrap() && !log.try_finish(came).unwrap());
        drop(held);
        assert!(log.try_finish(came).unwrap());
        assert_eq!(log.shared.written.load(Ordering::Acquire), came.seq);
        let storm = |user: &str| {
            for id in 0..300 {
                log.finish(tell("connect", user, id)).unwrap();
            }
        };
        std::thread::scope(|scope| {
            for user in ["c", "d", "e"] {
                scope.spawn(move || storm(user));
            }
        });
        let durable = log.record(Event::new(Class::Ddl, "drop_table", 9), Durability::Durable).unwrap();
        assert!(log.last_durable() >= durable);
        log.close().unwrap();
        // Fewer records than are indexed together: nobody needed the index yet.
        assert!(!dir.path().join("index").exists());
        let report = verify(&env, &*sealing, dir.path(), None, None).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        let of = |user| AuditLog::records_of(&env, &sealing, dir.path(), user).unwrap();
        assert_eq!((of("a"), of("b"), of("d").len()), (vec![left.seq], vec![came.seq], 300));
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
        assert!(dir.path().join("index").exists());
        // A later log lags behind the index until it has as much to tell itself.
        let log = open(Mode::Async, &env, &sealing, dir.path());
        let told =
            log.tell(Event { user: "late".into(), ..Event::new(Class::Ddl, "drop_table", 1) }).unwrap();
        log.close().unwrap();
        let of_late = || AuditLog::records_of(&env, &sealing, dir.path(), "late").unwrap();
        assert_eq!((of_late(), of_late()), (vec![told], vec![told]));
    }
}
