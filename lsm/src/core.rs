//! What the façade and its threads share.

use crate::data_dir::DataDir;
use crate::error::{LsmError, Result};
use crate::job::Push;
use crate::log::Log;
use crate::options::EngineOptions;
use crate::quiet::{LOOK_EVERY, Quiet};
use crate::snapshot::SnapshotRegistry;
use crate::sst::BlockCache;
use crate::version::{Trash, VersionSet};
use crate::view::Views;
use aurora_env::{Env, Sealing, Signal};
use parking_lot::{Condvar, Mutex};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Wakes one worker. A ring that comes before the wait is not lost.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    condition: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *self.rung.lock() = true;
        self.condition.notify_one();
    }

    fn wait(&self, timeout: Duration) {
        let mut rung = self.rung.lock();
        if !*rung {
            self.condition.wait_for(&mut rung, timeout);
        }
        *rung = false;
    }
}

/// What a folder that is open for writing has.
pub(crate) struct Writing {
    pub(crate) log: Arc<Log>,
    pub(crate) versions: VersionSet,
}

pub(crate) struct Core {
    pub(crate) env: Env,
    pub(crate) sealing: Arc<dyn Sealing>,
    pub(crate) options: EngineOptions,
    /// Holds the folder's lock.
    pub(crate) dir: DataDir,
    pub(crate) registry: Arc<SnapshotRegistry>,
    pub(crate) cache: Arc<BlockCache>,
    pub(crate) trash: Arc<Trash>,
    pub(crate) views: Arc<Views>,
    pub(crate) numbers: Arc<AtomicU64>,
    /// `None`: read only.
    pub(crate) writing: Option<Writing>,
    pub(crate) flushing: Mutex<()>,
    pub(crate) compacting: Mutex<crate::job::Pointers>,
    pub(crate) flush_bell: Bell,
    pub(crate) compaction_bell: Bell,
    /// Fired, and replaced, when a flush or a compaction has made room.
    room: Mutex<Arc<Signal>>,
    /// Why the last flush or compaction failed.
    trouble: Mutex<Option<LsmError>>,
    disk_low: AtomicBool,
    closing: AtomicBool,
}

/// The parts of a [`Core`] that recovery finds.
pub(crate) struct Parts {
    pub(crate) env: Env,
    pub(crate) sealing: Arc<dyn Sealing>,
    pub(crate) options: EngineOptions,
    pub(crate) dir: DataDir,
    pub(crate) registry: Arc<SnapshotRegistry>,
    pub(crate) cache: Arc<BlockCache>,
    pub(crate) trash: Arc<Trash>,
    pub(crate) views: Arc<Views>,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) writing: Option<Writing>,
}

/// After a failed flush or compaction, and for the look at free space.
const PAUSE: Duration = Duration::from_secs(1);

impl Core {
    pub(crate) fn new(parts: Parts) -> Core {
        Core {
            env: parts.env,
            sealing: parts.sealing,
            options: parts.options,
            dir: parts.dir,
            registry: parts.registry,
            cache: parts.cache,
            trash: parts.trash,
            views: parts.views,
            numbers: parts.numbers,
            writing: parts.writing,
            flushing: Mutex::new(()),
            compacting: Mutex::default(),
            flush_bell: Bell::default(),
            compaction_bell: Bell::default(),
            room: Mutex::new(Arc::new(Signal::new())),
            trouble: Mutex::new(None),
            disk_low: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn writing(&self) -> Result<&Writing> {
        self.writing
            .as_ref()
            .ok_or(LsmError::NotSupported("writes to a folder that is open for reading only"))
    }

    pub(crate) fn sst_dir(&self) -> PathBuf {
        self.dir.path().join("sst")
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn begin_close(&self) {
        self.closing.store(true, Ordering::Release);
        self.flush_bell.ring();
        self.compaction_bell.ring();
        self.made_room();
    }

    /// Wakes writers that wait for room.
    pub(crate) fn made_room(&self) {
        let fired = std::mem::replace(&mut *self.room.lock(), Arc::new(Signal::new()));
        fired.fire();
    }

    /// Slows a writer down while level 0 grows, and stops it while there is no room (STORAGE 21: an error where no
    /// room is to be expected).
    pub(crate) fn wait_for_room(&self) -> Result<()> {
        let options = &self.options;
        if !options.background_threads {
            return Ok(());
        }
        loop {
            let (immutables, level0) = {
                let view = self.views.load();
                (view.immutables.len(), view.version.levels[0].len())
            };
            if immutables < options.immutable_memtables_max && level0 < options.l0_slowdown_files {
                return Ok(());
            }
            let signal = self.room.lock().clone();
            if immutables < options.immutable_memtables_max && level0 < options.l0_stop_files {
                let above = (level0 - options.l0_slowdown_files + 1) as u64;
                options.waiter.wait(&signal, Some(Duration::from_micros(200 * above)));
                return Ok(());
            }
            if self.is_closing() {
                return Err(LsmError::Closed);
            }
            if let Some(trouble) = self.trouble.lock().clone() {
                return Err(if trouble.is_disk_full() { LsmError::DiskFull } else { trouble });
            }
            options.waiter.wait(&signal, Some(PAUSE));
        }
    }

    /// Refuses a commit that adds data while free space is below the reserve.
    pub(crate) fn check_space(&self, grows: bool) -> Result<()> {
        if !self.options.background_threads {
            self.look_at_space();
        }
        if grows && self.disk_low.load(Ordering::Relaxed) { Err(LsmError::DiskFull) } else { Ok(()) }
    }

    pub(crate) fn look_at_space(&self) {
        let reserve = self.options.disk_reserve_bytes;
        let low = reserve > 0 && self.env.fs.free_bytes(self.dir.path()).is_ok_and(|free| free < reserve);
        if self.disk_low.swap(low, Ordering::Relaxed) != low {
            tracing::warn!(low, "free space passed the reserve");
        }
    }

    /// Remembers how a flush or a compaction ended; whether it went well.
    fn note(&self, what: &str, outcome: Result<bool>) -> Option<bool> {
        match outcome {
            Ok(some) => {
                if some {
                    *self.trouble.lock() = None;
                    self.made_room();
                }
                Some(some)
            }
            Err(LsmError::Closed) => None,
            Err(error) => {
                let mut trouble = self.trouble.lock();
                if trouble.is_none() {
                    tracing::error!(%error, what, "background work failed, it will be tried again");
                }
                *trouble = Some(error);
                drop(trouble);
                self.made_room();
                None
            }
        }
    }

    pub(crate) fn run_flushes(&self) {
        let mut quiet = Quiet::default();
        while !self.is_closing() {
            match self.note("flush", self.flush_one()) {
                Some(true) => self.compaction_bell.ring(),
                Some(false) if quiet.look(self) && self.tidy_log() => {}
                Some(false) => self.flush_bell.wait(LOOK_EVERY),
                None => self.pause(&self.flush_bell),
            }
        }
    }

    pub(crate) fn run_compactions(&self) {
        let mut quiet = Quiet::default();
        while !self.is_closing() {
            self.trash.empty(&self.env, &self.cache);
            self.look_at_space();
            let push = if quiet.look(self) { Push::Quiet } else { Push::Due };
            match self.note("compaction", self.compact_one(push)) {
                Some(true) => {}
                Some(false) => self.compaction_bell.wait(LOOK_EVERY),
                None => self.pause(&self.compaction_bell),
            }
        }
    }

    /// After a failure: a ring does not end the pause, closing does.
    fn pause(&self, bell: &Bell) {
        bell.wait(Duration::ZERO);
        let signal = self.room.lock().clone();
        if !self.is_closing() {
            signal.park(Some(PAUSE));
        }
    }

    /// Without threads: all that the threads would do.
    pub(crate) fn work_inline(&self) {
        while self.note("flush", self.flush_one()) == Some(true) {}
        while self.note("compaction", self.compact_one(Push::Due)) == Some(true) {}
        self.trash.empty(&self.env, &self.cache);
    }
}
