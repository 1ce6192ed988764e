//! From a folder to an engine.
//!
//! A start replays the log into tables of level 0 at once, then begins a new manifest and a new log: no file of a
//! former start is ever written again, and a torn tail is judged once.

use crate::core::{Core, Parts, Writing};
use crate::data_dir::DataDir;
use crate::error::{LsmError, Result};
use crate::flush::TableFactory;
use crate::log::{self, Log, LogSetup, list_segments, replay};
use crate::memtable::Memtable;
use crate::options::EngineOptions;
use crate::snapshot::SnapshotRegistry;
use crate::sst::BlockCache;
use crate::types::{Lsn, Seq};
use crate::version::{
    AddedFile, Flushed, Recovered, Trash, Version, VersionEdit, VersionSet, manifest_number, recover,
};
use crate::view::{View, Views};
use aurora_env::{Env, Sealing};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What replay has built so far.
struct Rebuilt<'a> {
    factory: TableFactory<'a>,
    read_only: bool,
    memtable_bytes: usize,
    numbers: &'a AtomicU64,
    version: Version,
    mem: Arc<Memtable>,
    /// Read only: full memtables, oldest first.
    full: Vec<Arc<Memtable>>,
    last_seq: Seq,
}

impl Rebuilt<'_> {
    fn apply(&mut self, record: log::Replayed<'_>) -> Result<()> {
        if self.mem.data_bytes().saturating_add(record.bytes) > self.memtable_bytes && !self.mem.is_empty() {
            let start = self.mem.end_lsn();
            self.put_away()?;
            self.mem = Memtable::new(start);
        }
        self.mem.enter(record.seq, record.end_lsn, record.bytes, record.count);
        self.mem.insert_all(record.seq, record.entries);
        self.mem.leave();
        self.last_seq = record.seq;
        Ok(())
    }

    fn put_away(&mut self) -> Result<()> {
        if self.read_only {
            self.full.push(self.mem.clone());
            return Ok(());
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        // No snapshot survives a restart.
        let gc = SnapshotRegistry::new(self.mem.last_seq()).collect();
        let Some(file) = self.factory.flush(&self.mem, number, &gc, &self.version)? else { return Ok(()) };
        let edit = VersionEdit { added: vec![AddedFile { level: 0, number }], ..VersionEdit::default() };
        self.version = self.version.apply(&edit, &[file], self.factory.dir)?;
        Ok(())
    }
}

pub(crate) fn open(
    dir: DataDir,
    options: EngineOptions,
    env: Env,
    sealing: Arc<dyn Sealing>,
) -> Result<Core> {
    let path = dir.path().to_owned();
    let (wal_dir, sst_dir) = (path.join("wal"), path.join("sst"));
    let state = recover(&env, &*sealing, &path)?.unwrap_or_default();
    let cache = BlockCache::new(options.block_cache_bytes);
    let trash = Arc::new(Trash::default());
    let version = state.open_tables(&env, &*sealing, &path, &cache, &trash)?;
    let numbers = Arc::new(AtomicU64::new(first_free_number(&env, &path, &state)?));

    let mut segments = list_segments(&env, &wal_dir)?;
    segments.retain(|&number| number >= state.flushed.first_segment);
    let mut rebuilt = Rebuilt {
        factory: TableFactory {
            env: &env,
            sealing: &*sealing,
            dir: &sst_dir,
            options: &options,
            cache: &cache,
            trash: &trash,
        },
        read_only: options.read_only,
        memtable_bytes: options.memtable_bytes,
        numbers: &numbers,
        version,
        mem: Memtable::new(state.flushed.lsn),
        full: Vec::new(),
        last_seq: state.flushed.seq,
    };
    let from = (state.flushed.lsn, state.flushed.seq);
    let end = replay(&env, &*sealing, &wal_dir, &segments, from, |record| rebuilt.apply(record))?;
    let last_seq = rebuilt.last_seq;
    let registry = SnapshotRegistry::new(last_seq);

    if options.read_only {
        rebuilt.full.reverse();
        let view = View {
            mem: rebuilt.mem.clone(),
            immutables: std::mem::take(&mut rebuilt.full),
            version: Arc::new(std::mem::take(&mut rebuilt.version)),
        };
        let views = Arc::new(Views::new(view));
        drop(rebuilt);
        let writing = None;
        let parts = Parts { env, sealing, options, dir, registry, cache, trash, views, numbers, writing };
        return Ok(Core::new(parts));
    }

    if !rebuilt.mem.is_empty() {
        rebuilt.put_away()?;
    }
    rebuilt.factory.sync_dir()?;
    let version = Arc::new(std::mem::take(&mut rebuilt.version));
    drop(rebuilt);
    // Every segment of this start gets a number from here on.
    let first_segment = numbers.load(Ordering::Relaxed);
    let flushed = Flushed { lsn: end, seq: last_seq, first_segment };
    let versions = VersionSet::create(&env, &sealing, &path, &numbers, &version, flushed)?;
    let view = View { mem: Memtable::new(end), immutables: Vec::new(), version: version.clone() };
    let views = Arc::new(Views::new(view));
    let log = new_log(&options, &env, &sealing, &wal_dir, &numbers, &registry, &views, end, last_seq)?;
    remove_orphans(&env, &path, &version, first_segment)?;
    let writing = Some(Writing { log: Arc::new(log), versions });
    let parts = Parts { env, sealing, options, dir, registry, cache, trash, views, numbers, writing };
    Ok(Core::new(parts))
}

#[allow(clippy::too_many_arguments)]
fn new_log(
    options: &EngineOptions,
    env: &Env,
    sealing: &Arc<dyn Sealing>,
    dir: &Path,
    numbers: &Arc<AtomicU64>,
    registry: &Arc<SnapshotRegistry>,
    views: &Arc<Views>,
    start: Lsn,
    last_seq: Seq,
) -> Result<Log> {
    let setup = LogSetup {
        env: env.clone(),
        sealing: sealing.clone(),
        dir: dir.to_owned(),
        segment_bytes: segment_bytes(options),
        threads: options.background_threads,
        memtable_bytes: options.memtable_bytes,
        wal_bytes_max: options.wal_bytes_max,
        numbers: numbers.clone(),
        registry: registry.clone(),
        views: views.clone(),
    };
    Log::create(setup, start, last_seq)
}

fn list(env: &Env, dir: &Path) -> Result<Vec<String>> {
    env.fs.list(dir).map_err(|e| LsmError::io("list", dir, e))
}

fn sst_number(name: &str) -> Option<u64> {
    name.strip_suffix(".sst")?.parse().ok()
}

/// Above every number that the manifest knows or a file has: files of a crashed start may lie around.
fn first_free_number(env: &Env, dir: &Path, state: &Recovered) -> Result<u64> {
    let mut next = state.next_number.max(1);
    for name in list(env, &dir.join("sst"))? {
        next = next.max(sst_number(&name).map_or(0, |number| number.saturating_add(1)));
    }
    for name in list(env, dir)? {
        next = next.max(manifest_number(&name).map_or(0, |number| number.saturating_add(1)));
    }
    for number in list_segments(env, &dir.join("wal"))? {
        next = next.max(number.saturating_add(1));
    }
    Ok(next)
}

/// Removes what no manifest names: leftovers of a crash, and the log and manifest of the start before.
fn remove_orphans(env: &Env, dir: &Path, version: &Version, first_segment: u64) -> Result<()> {
    let sst = dir.join("sst");
    let named = |number| version.levels.iter().flatten().any(|file| file.number() == number);
    for name in list(env, &sst)? {
        if sst_number(&name).is_some_and(|number| !named(number)) {
            log::remove(env, &sst.join(name));
        }
    }
    // The new manifest has a number from `first_segment` on, as its log has.
    for name in list(env, dir)? {
        if manifest_number(&name).is_some_and(|number| number < first_segment) {
            log::remove(env, &dir.join(name));
        }
    }
    let wal = dir.join("wal");
    for number in list_segments(env, &wal)? {
        if number < first_segment {
            log::remove(env, &log::segment_path(&wal, number));
        }
    }
    Ok(())
}

/// The log lets go of whole segments, and each is written with zeros first: one longer than what all memtables hold would cost
/// a small engine more writes, and more room on the disk, than its rows.
fn segment_bytes(options: &EngineOptions) -> u64 {
    let memtables = options.immutable_memtables_max.saturating_add(1);
    options.wal_segment_bytes.min(options.memtable_bytes.saturating_mul(memtables) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_no_longer_than_what_all_memtables_hold() {
        let options = EngineOptions::default();
        assert_eq!(segment_bytes(&options), options.wal_segment_bytes);
        let small = EngineOptions { memtable_bytes: 1 << 20, immutable_memtables_max: 3, ..options };
        assert_eq!(segment_bytes(&small), 4 << 20);
    }
}
