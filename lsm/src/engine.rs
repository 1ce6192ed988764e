//! The façade.

use crate::batch::WriteBatch;
use crate::core::Core;
use crate::data_dir::DataDir;
use crate::error::{LsmError, Result};
use crate::iter::LsmIter;
use crate::job::Push;
use crate::memtable::read_seq;
use crate::options::EngineOptions;
use crate::recovery;
use crate::snapshot::Snapshot;
use crate::ticket::{CommitHooks, CommitTicket};
use crate::types::{CommitFields, Durability, Lsn, ReadAt, Seq};
use crate::value::{Lookup, PinnedValue};
use aurora_env::{Env, Sealing};
use std::ops::Bound;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Entries and fields of one commit, at most.
const BATCH_BYTES_MAX: u64 = 1 << 30;

/// An ordered, versioned, crash-safe byte map. Dropping the last reference writes and syncs the log and ends the
/// threads; nothing is lost without it, only buffered commits may be.
pub struct Engine {
    pub(crate) core: Arc<Core>,
    /// The log's thread first: it ends once all is synced.
    threads: Vec<JoinHandle<()>>,
}

/// What an engine holds, for metrics.
#[derive(Clone, Debug, Default)]
pub struct EngineStats {
    /// Tables and their bytes per level.
    pub levels: Vec<(usize, u64)>,
    pub memtable_bytes: u64,
    pub immutable_memtables: usize,
    pub block_cache_bytes: u64,
    pub snapshots: usize,
    /// End of the log, and how far it is durable.
    pub log_end: Lsn,
    pub log_durable: Lsn,
}

impl Engine {
    /// Opens a folder, and recovers what a crash has left.
    ///
    /// # Errors
    /// [`LsmError::Damaged`] where synced bytes are not what was written, sealing, and I/O.
    pub fn open(
        dir: DataDir,
        options: EngineOptions,
        env: Env,
        sealing: Arc<dyn Sealing>,
    ) -> Result<Arc<Engine>> {
        let threads = options.background_threads && !options.read_only;
        let core = Arc::new(recovery::open(dir, options, env, sealing)?);
        let mut engine = Engine { core, threads: Vec::new() };
        if threads {
            engine.spawn("lsm-log", |core| {
                if let Some(writing) = &core.writing {
                    writing.log.run();
                }
            })?;
            engine.spawn("lsm-flush", |core| core.run_flushes())?;
            engine.spawn("lsm-compact", |core| core.run_compactions())?;
        }
        Ok(Arc::new(engine))
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce(&Core) + Send + 'static) -> Result<()> {
        let core = self.core.clone();
        let spawned = std::thread::Builder::new().name(name.into()).spawn(move || run(&core));
        let path = self.core.dir.path();
        self.threads.push(spawned.map_err(|e| LsmError::io("start a thread for", path, e))?);
        Ok(())
    }

    /// Every lower seq is inserted, and durable at its level. One load.
    pub fn published(&self) -> Seq {
        self.core.registry.published()
    }

    /// The newest version at `at`, tombstones included; `None`: never written (or long collected).
    pub fn lookup(&self, key: &[u8], at: ReadAt) -> Result<Option<Lookup>> {
        self.refuse_after_failure(at)?;
        // Files are pinned first: what they hold reaches at least the seq that is loaded then.
        let view = self.core.views.load();
        let seq = read_seq(at, || self.core.registry.published());
        view.lookup(key, seq)
    }

    /// After a failed sync nobody may act on what is not published (STORAGE 3).
    fn refuse_after_failure(&self, at: ReadAt) -> Result<()> {
        match &self.core.writing {
            Some(writing) if at == ReadAt::Newest && writing.log.has_failed() => {
                Err(writing.log.failure().unwrap_or(LsmError::Closed))
            }
            _ => Ok(()),
        }
    }

    pub fn get(&self, key: &[u8], at: ReadAt) -> Result<Option<PinnedValue>> {
        Ok(self.lookup(key, at)?.and_then(|found| found.value))
    }

    /// Many lookups; answers in the order of the keys.
    pub fn multi_get(&self, keys: &[&[u8]], at: ReadAt) -> Result<Vec<Option<Lookup>>> {
        self.refuse_after_failure(at)?;
        let view = self.core.views.load();
        let seq = read_seq(at, || self.core.registry.published());
        keys.iter().map(|key| view.lookup(key, seq)).collect()
    }

    /// An owned iterator over visible entries within the bounds.
    pub fn iter(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>, at: ReadAt) -> Result<LsmIter> {
        self.refuse_after_failure(at)?;
        let view = self.core.views.load_full();
        let seq = read_seq(at, || self.core.registry.published());
        Ok(LsmIter::new(view, lower, upper, seq))
    }

    pub fn snapshot(&self) -> Snapshot {
        self.core.registry.take()
    }

    /// A snapshot of an older moment (AS OF).
    ///
    /// # Errors
    /// [`LsmError::SnapshotTooOld`]: garbage collection has passed it, or it lies in the future.
    pub fn snapshot_at(&self, seq: Seq) -> Result<Snapshot> {
        let registry = &self.core.registry;
        registry
            .take_at(seq)
            .ok_or_else(|| LsmError::SnapshotTooOld { asked: seq.0, floor: registry.gc_floor().0 })
    }

    /// Keeps all versions above `seq` until this is called again; `Seq::MAX`: only what snapshots need.
    pub fn retain_from(&self, seq: Seq) {
        self.core.registry.set_retain_from(seq);
    }

    /// Resolves once `published` ≥ `seq`.
    pub fn when_published(&self, seq: Seq) -> CommitTicket {
        match &self.core.writing {
            Some(writing) => writing.log.when_published(seq),
            None => CommitTicket::ready(seq, Lsn(0)),
        }
    }

    /// Takes a seq and log space in one step, inserts, calls `hooks.inserted`, and returns; see [`CommitHooks`].
    ///
    /// # Errors
    /// Nothing was written: disk full, log failed, closed, batch too large.
    pub fn commit(
        &self,
        batch: &WriteBatch,
        fields: &CommitFields,
        durability: Durability,
        hooks: Arc<dyn CommitHooks>,
    ) -> Result<CommitTicket> {
        let core = &*self.core;
        let log = &core.writing()?.log;
        let size_bytes = (batch.size_bytes() + fields.encoded.len()) as u64;
        if size_bytes > BATCH_BYTES_MAX {
            return Err(LsmError::BatchTooLarge { size_bytes, limit_bytes: BATCH_BYTES_MAX });
        }
        core.wait_for_room()?;
        core.check_space(batch.puts > 0)?;
        let appended = log.append(batch, fields, durability, hooks)?;
        let (mem, seq) = (&appended.mem, appended.seq());
        mem.insert_all(seq, batch.entries());
        mem.leave();
        log.inserted(&appended.pending);
        let ticket = appended.ticket(log);
        if !core.options.background_threads {
            if durability != Durability::Buffered {
                // Whoever waits for the commit gets the error by its ticket.
                let _ = log.pump(false);
            }
            core.work_inline();
        } else if appended.rotated {
            core.flush_bell.ring();
        }
        Ok(ticket)
    }

    /// Syncs the log: every commit so far is durable on return, whatever its level.
    pub fn sync(&self) -> Result<()> {
        let log = &self.core.writing()?.log;
        log.sync_upto(log.next_lsn())
    }

    /// Moves everything that memtables hold to tables.
    pub fn flush(&self) -> Result<()> {
        self.core.writing()?.log.rotate_now();
        while self.core.flush_one()? {}
        self.core.made_room();
        self.core.compaction_bell.ring();
        Ok(())
    }

    /// Flushes, then compacts until all data lies in one level.
    pub fn compact(&self) -> Result<()> {
        self.flush()?;
        while self.core.compact_one(Push::All)? {}
        self.core.made_room();
        self.core.trash.empty(&self.core.env, &self.core.cache);
        Ok(())
    }

    pub fn stats(&self) -> EngineStats {
        let view = self.core.views.load();
        let levels = &view.version.levels;
        let (log_end, log_durable) = match &self.core.writing {
            Some(writing) => (writing.log.next_lsn(), writing.log.durable()),
            None => (view.mem.end_lsn(), view.mem.end_lsn()),
        };
        EngineStats {
            levels: (0..levels.len()).map(|at| (levels[at].len(), view.version.level_bytes(at))).collect(),
            memtable_bytes: view.mem.memory_bytes() as u64,
            immutable_memtables: view.immutables.len(),
            block_cache_bytes: self.core.cache.used_bytes(),
            snapshots: self.core.registry.live(),
            log_end,
            log_durable,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(writing) = &self.core.writing {
            writing.log.close();
        }
        let mut threads = std::mem::take(&mut self.threads).into_iter();
        // A callback of a commit may hold the last reference: a thread cannot wait for its own end.
        let join = |thread: JoinHandle<()>| {
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a storage thread has panicked");
            }
        };
        threads.next().map(join);
        self.core.begin_close();
        threads.for_each(join);
        if let Some(writing) = &self.core.writing {
            writing.log.abandon();
        }
        self.core.trash.empty(&self.core.env, &self.core.cache);
    }
}
