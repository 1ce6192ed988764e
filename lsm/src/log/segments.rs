//! The log's files: one after the other, each a new incarnation with a fresh id and key (STORAGE 18). Files of segments
//! that nobody needs any more serve again: their space is allocated and written, so that a sync has nothing else to do.

use super::chunk::ChunkWriter;
use crate::error::{LsmError, Result};
use aurora_env::{Env, FileKind, Sealing};
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Kind and format of a segment.
pub(super) const SEGMENT: (FileKind, u16) = (FileKind::Wal, 1);
/// Contents of a chunk, at most: recovery holds one in memory.
const CHUNK_CONTENTS_BYTES: usize = 1 << 20;

pub(super) fn path_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.wal"))
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".wal")?.parse().ok()
}

#[derive(Clone)]
pub(super) struct Maker {
    pub(super) env: Env,
    pub(super) sealing: Arc<dyn Sealing>,
    pub(super) dir: PathBuf,
    pub(super) segment_bytes: u64,
    /// Next segments are made, and their bytes written, on a thread of their own before they are needed.
    pub(super) ahead: bool,
    /// Numbers of files, shared with tables and manifests.
    pub(super) numbers: Arc<AtomicU64>,
    pub(super) spares: Arc<Spares>,
}

/// Files kept for reuse, at most.
const SPARES_MAX: usize = 4;

/// Numbers of segments that no manifest needs, whose files are kept. A start removes them.
#[derive(Default)]
pub(super) struct Spares(Mutex<Vec<u64>>);

impl Spares {
    /// Whether it is kept; the manifest that no longer needs it is synced.
    pub(super) fn keep(&self, number: u64) -> bool {
        let mut spares = self.0.lock();
        let room = spares.len() < SPARES_MAX;
        if room {
            spares.push(number);
        }
        room
    }

    /// Those that are more than `keep`; they are no longer kept.
    pub(super) fn beyond(&self, keep: usize) -> Vec<u64> {
        let mut spares = self.0.lock();
        let keep = keep.min(spares.len());
        spares.split_off(keep)
    }

    fn take(&self) -> Option<u64> {
        self.0.lock().pop()
    }
}

impl Maker {
    fn make(&self) -> Result<(u64, ChunkWriter)> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let path = path_of(&self.dir, number);
        let made = match self.reuse(&path)? {
            Some(reused) => reused,
            None => ChunkWriter::create(
                &self.env,
                &path,
                &*self.sealing,
                SEGMENT,
                self.segment_bytes,
                self.ahead,
            )?,
        };
        self.env.fs.sync_dir(&self.dir).map_err(|e| LsmError::io("sync", &self.dir, e))?;
        Ok((number, made))
    }

    fn reuse(&self, path: &Path) -> Result<Option<ChunkWriter>> {
        let Some(spare) = self.spares.take() else { return Ok(None) };
        let old = path_of(&self.dir, spare);
        let reused =
            ChunkWriter::reuse(&self.env, (&old, path), &*self.sealing, SEGMENT, self.segment_bytes)?;
        if reused.is_none() {
            super::remove(&self.env, &old);
        }
        Ok(reused)
    }
}

/// Number and first LSN of every segment that recovery may need, oldest first.
pub(super) type LiveSegments = Mutex<Vec<(u64, u64)>>;

/// Writes the log, one segment after the other.
pub(super) struct Segments {
    maker: Maker,
    current: ChunkWriter,
    preparing: Option<JoinHandle<Result<(u64, ChunkWriter)>>>,
    unsynced: bool,
    /// Taken from the shared buffer, in change for this one.
    pub(super) taken: Vec<u8>,
}

impl Segments {
    pub(super) fn create(maker: Maker, start: u64, live: &LiveSegments) -> Result<Segments> {
        let (number, current) = maker.make()?;
        live.lock().push((number, start));
        Ok(Segments { maker, current, preparing: None, unsynced: false, taken: Vec::new() })
    }

    /// Writes `taken`, whose first byte is at `start`. With `sync` it is durable then, with all before it. An error is
    /// final.
    pub(super) fn write(
        &mut self,
        start: u64,
        mut durable: u64,
        live: &LiveSegments,
        sync: bool,
    ) -> Result<()> {
        let taken = std::mem::take(&mut self.taken);
        let mut at = start;
        for piece in taken.chunks(CHUNK_CONTENTS_BYTES) {
            if !self.current.has_room(piece.len()) && !self.current.is_unused() {
                self.sync()?;
                durable = durable.max(at);
                self.switch(at, live)?;
            }
            // The last chunk of all, and nothing before it waits for a sync: one call does both.
            let at_once = sync && !self.unsynced && at + piece.len() as u64 == start + taken.len() as u64;
            self.current.append(at, durable, piece, at_once)?;
            self.unsynced = !at_once;
            at += piece.len() as u64;
        }
        if sync {
            self.sync()?;
        }
        if self.maker.ahead && self.preparing.is_none() && !self.current.has_room(self.half_bytes()) {
            let maker = self.maker.clone();
            let spawned =
                std::thread::Builder::new().name("lsm-log-ahead".into()).spawn(move || maker.make());
            self.preparing = spawned.ok();
        }
        self.taken = taken;
        self.taken.clear();
        // One giant commit does not hold its memory for ever.
        self.taken.shrink_to(4 << 20);
        Ok(())
    }

    fn half_bytes(&self) -> usize {
        usize::try_from(self.maker.segment_bytes / 2).unwrap_or(usize::MAX / 2)
    }

    pub(super) fn sync(&mut self) -> Result<()> {
        if std::mem::take(&mut self.unsynced) {
            self.current.sync()?;
        }
        Ok(())
    }

    fn switch(&mut self, start: u64, live: &LiveSegments) -> Result<()> {
        // One that is being made has the next number: it must be the next one used.
        let prepared = self.preparing.take().and_then(|thread| thread.join().ok()).and_then(Result::ok);
        let (number, next) = match prepared {
            Some(prepared) => prepared,
            None => self.maker.make()?,
        };
        self.current = next;
        live.lock().push((number, start));
        Ok(())
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        if let Some(thread) = self.preparing.take() {
            let _ = thread.join();
        }
    }
}
