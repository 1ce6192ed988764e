//! Single rules, one by one.

use crate::*;
use aurora_env::PlainSealing;
use aurora_env::sim::{NonceWatch, SimEnv};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

pub(super) const DIR: &str = "/db";

pub(super) fn small() -> EngineOptions {
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

/// A machine whose nonces are watched.
pub(super) struct Machine {
    pub(super) sim: SimEnv,
    pub(super) sealing: Arc<NonceWatch>,
}

impl Machine {
    pub(super) fn new(seed: u64) -> Machine {
        let sim = SimEnv::new(seed);
        let plain = PlainSealing::new([7; 16], sim.entropy.clone());
        Machine { sim, sealing: Arc::new(NonceWatch::new(Arc::new(plain))) }
    }

    pub(super) fn open(&self, options: &EngineOptions) -> Result<Arc<Engine>, LsmError> {
        let env = self.sim.env();
        let dir = DataDir::open(Path::new(DIR), &env)?;
        Engine::open(dir, options.clone(), env, self.sealing.clone())
    }
}

pub(super) fn commit(
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

pub(super) fn all(engine: &Engine, at: ReadAt) -> Vec<(Vec<u8>, Vec<u8>)> {
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
