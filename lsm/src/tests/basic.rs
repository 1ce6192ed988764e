//! Single rules, one by one.

use crate::*;
use aurora_env::PlainSealing;
use aurora_env::sim::{NonceWatch, SimEnv};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

pub(super) const DIR: &str = "/db";

pub(crate) fn small() -> EngineOptions {
    EngineOptions {
        background_threads: false,
        memtable_bytes: 4 << 10,
        wal_segment_bytes: 8 << 10,
        wal_bytes_max: 1 << 20,
        block_bytes: 512,
        table_bytes: 4 << 10,
        level_base_bytes: 16 << 10,
        level_ratio: 4,
        block_cache_bytes: 64 << 10,
        disk_reserve_bytes: 0,
        ..EngineOptions::default()
    }
}

/// Data soon lies several levels deep.
pub(super) fn tiny() -> EngineOptions {
    EngineOptions {
        memtable_bytes: 700,
        l0_compaction_files: 2,
        table_bytes: 600,
        level_base_bytes: 1 << 10,
        level_ratio: 3,
        ..small()
    }
}

/// A machine whose nonces are watched.
pub(crate) struct Machine {
    pub(super) sim: SimEnv,
    pub(super) sealing: Arc<NonceWatch>,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Machine {
        let sim = SimEnv::new(seed);
        let plain = PlainSealing::new([7; 16], sim.entropy.clone());
        Machine { sim, sealing: Arc::new(NonceWatch::new(Arc::new(plain))) }
    }

    pub(crate) fn open(&self, options: &EngineOptions) -> Result<Arc<Engine>, LsmError> {
        let env = self.sim.env();
        let dir = DataDir::open(Path::new(DIR), &env)?;
        Engine::open(dir, options.clone(), env, self.sealing.clone())
    }
}

pub(crate) fn commit(
    engine: &Engine,
    durability: Durability,
    fill: impl FnOnce(&mut WriteBatch),
) -> Result<Seq, LsmError> {
    let mut batch = WriteBatch::new();
    fill(&mut batch);
    engine.commit(&batch, &CommitFields::new(), durability, Arc::new(NoHooks))?.wait_blocking()
}

pub(super) fn put(engine: &Engine, key: &[u8], value: &[u8]) -> Seq {
    commit(engine, Durability::Synced, |batch| batch.put(key, value)).unwrap()
}

pub(crate) fn all(engine: &Engine, at: ReadAt) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut iter = engine.iter(Bound::Unbounded, Bound::Unbounded, at).unwrap();
    let mut rows = Vec::new();
    while iter.next().unwrap() {
        rows.push((iter.key().to_vec(), iter.value().to_vec()));
    }
    rows
}

#[test]
fn what_was_committed_is_there_after_a_reopen() {
    let machine = Machine::new(1);
    let engine = machine.open(&small()).unwrap();
    assert_eq!(put(&engine, b"a", b"1"), Seq(1));
    assert_eq!(put(&engine, b"b", b"2"), Seq(2));
    assert_eq!(commit(&engine, Durability::Buffered, |b| b.delete(b"a")).unwrap(), Seq(3));
    drop(engine);
    for _ in 0..3 {
        let engine = machine.open(&small()).unwrap();
        assert_eq!(engine.published(), Seq(3));
        assert!(engine.get(b"a", ReadAt::Published).unwrap().is_none());
        assert_eq!(&*engine.get(b"b", ReadAt::Published).unwrap().unwrap(), b"2");
        assert_eq!(all(&engine, ReadAt::Newest), [(b"b".to_vec(), b"2".to_vec())]);
    }
}

#[test]
fn a_row_of_many_versions_is_read_at_every_moment_in_both_directions() {
    let machine = Machine::new(2);
    let engine = machine.open(&small()).unwrap();
    let mut snapshots = Vec::new();
    for step in 0..300u64 {
        commit(&engine, Durability::Buffered, |batch| {
            for key in [b"a", b"b", b"c"] {
                batch.put(key, &step.to_le_bytes());
            }
        })
        .unwrap();
        if step % 37 == 0 {
            snapshots.push((engine.snapshot(), step));
        }
    }
    for round in 0..2 {
        for (snapshot, step) in &snapshots {
            let at = ReadAt::Seq(snapshot.seq());
            let mut iter = engine.iter(Bound::Unbounded, Bound::Unbounded, at).unwrap();
            for forward in [true, false] {
                for _ in 0..3 {
                    assert!(if forward { iter.next() } else { iter.prev() }.unwrap());
                    assert_eq!(iter.value(), step.to_le_bytes());
                    assert_eq!(iter.seq(), snapshot.seq());
                }
                assert!(!if forward { iter.next() } else { iter.prev() }.unwrap());
            }
            // The newest hidden version of the first key met is what a floor must be above.
            assert!(iter.max_seq_met() == Seq(300), "round {round}: {}", iter.max_seq_met());
        }
        engine.compact().unwrap();
    }
}

#[test]
fn garbage_goes_with_the_last_snapshot_and_files_with_the_last_iterator() {
    let machine = Machine::new(8);
    let engine = machine.open(&small()).unwrap();
    for step in 0..400u32 {
        put(&engine, &(step % 50).to_be_bytes(), &[step as u8; 100]);
    }
    let snapshot = engine.snapshot();
    let mut pinned = engine.iter(Bound::Unbounded, Bound::Unbounded, ReadAt::Seq(snapshot.seq())).unwrap();
    commit(&engine, Durability::Synced, |batch| batch.delete_range(&[], &[0xff])).unwrap();
    engine.compact().unwrap();
    let count = |at| all(&engine, at).len();
    assert_eq!((count(ReadAt::Seq(snapshot.seq())), count(ReadAt::Published)), (50, 0));
    drop(snapshot);
    put(&engine, b"z", b"1");
    commit(&engine, Durability::Synced, |batch| batch.delete(b"z")).unwrap();
    engine.compact().unwrap();
    let files = engine.stats().levels.iter().map(|level| level.0).sum::<usize>();
    assert_eq!(files, 0, "{:?}", engine.stats());
    let mut seen = 0;
    while pinned.next().unwrap() {
        seen += 1;
    }
    assert_eq!(seen, 50);
    drop(pinned);
    put(&engine, b"z", b"1");
    let tables = machine.sim.env().fs.list(&Path::new(DIR).join("sst")).unwrap();
    assert!(tables.is_empty(), "{tables:?}");
}

#[test]
fn as_of_reads_what_retention_keeps() {
    let machine = Machine::new(9);
    let engine = machine.open(&small()).unwrap();
    let first = put(&engine, b"a", b"1");
    engine.retain_from(first);
    put(&engine, b"a", b"2");
    engine.compact().unwrap();
    let snapshot = engine.snapshot_at(first).unwrap();
    assert_eq!(&*engine.get(b"a", ReadAt::Seq(snapshot.seq())).unwrap().unwrap(), b"1");
    drop(snapshot);
    engine.retain_from(Seq::MAX);
    put(&engine, b"a", b"3");
    engine.compact().unwrap();
    assert!(matches!(engine.snapshot_at(first), Err(LsmError::SnapshotTooOld { .. })));
}

/// Digits: lz4 finds little to repeat in them, zstd stores them in half of their bytes.
#[test]
fn tables_of_both_codecs_lie_in_one_tree() {
    let machine = Machine::new(10);
    let with = |compression| EngineOptions {
        memtable_bytes: 64 << 10,
        table_bytes: 32 << 10,
        compression,
        ..small()
    };
    let mut rng = aurora_env::sim::SimRng::new(3);
    let mut digits = || (0..5).map(|_| format!("{:020}", rng.next_u64())).collect::<String>().into_bytes();
    let mut rows = std::collections::BTreeMap::new();
    let mut write = |engine: &Engine, step: u32| {
        for n in (0..300u32).filter(|n| n % step == 0) {
            let (key, value) = (n.to_be_bytes().to_vec(), digits());
            put(engine, &key, &value);
            rows.insert(key, value);
        }
        engine.flush().unwrap();
        rows.clone().into_iter().collect::<Vec<_>>()
    };
    let bytes = |engine: &Engine| engine.stats().levels.iter().map(|level| level.1).sum::<u64>();
    let engine = machine.open(&with(Compression::Lz4)).unwrap();
    let written = write(&engine, 1);
    engine.compact().unwrap();
    let lz4 = bytes(&engine);
    drop(engine);
    let engine = machine.open(&with(Compression::Zstd)).unwrap();
    assert_eq!(all(&engine, ReadAt::Published), written);
    let written = write(&engine, 3);
    let levels = engine.stats().levels;
    assert!(levels[0].0 > 0 && levels[1..].iter().any(|level| level.0 > 0), "{levels:?}");
    assert_eq!(all(&engine, ReadAt::Published), written);
    engine.compact().unwrap();
    let zstd = bytes(&engine);
    assert!(zstd * 4 < lz4 * 3, "{zstd} of {lz4}");
    drop(engine);
    let engine = machine.open(&with(Compression::None)).unwrap();
    assert_eq!(all(&engine, ReadAt::Published), written);
}
