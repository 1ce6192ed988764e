//! With threads, on real files.

use super::basic::{all, put, small};
use crate::*;
use aurora_env::{Env, PlainSealing, RealEntropy, RealEnv};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A folder that goes with the test.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Temp {
        let path = std::env::temp_dir().join(format!("aurora-lsm-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Temp(path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path, options: &EngineOptions) -> Arc<Engine> {
    let env: Env = RealEnv::new();
    let dir = DataDir::open(path, &env).unwrap();
    let sealing = Arc::new(PlainSealing::new(dir.instance_id(), Arc::new(RealEntropy)));
    Engine::open(dir, options.clone(), env, sealing).unwrap()
}

fn threaded() -> EngineOptions {
    EngineOptions {
        background_threads: true,
        memtable_bytes: 64 << 10,
        wal_segment_bytes: 256 << 10,
        ..small()
    }
}

/// Checks that each commit is published once, after its insertion.
#[derive(Default)]
struct Order {
    inserted: Mutex<BTreeSet<Seq>>,
    published: AtomicU64,
}

impl CommitHooks for Order {
    fn inserted(&self, seq: Seq) {
        assert!(self.inserted.lock().insert(seq));
    }
    fn published(&self, seq: Seq) {
        assert!(self.inserted.lock().contains(&seq));
        self.published.fetch_add(1, Ordering::SeqCst);
    }
    fn failed(&self, error: &LsmError) {
        panic!("{error}");
    }
}

#[test]
fn writers_readers_flushes_and_compactions_side_by_side() {
    const WRITERS: u64 = 4;
    const COMMITS: u64 = 1500;
    let temp = Temp::new("side-by-side");
    let engine = open(&temp.0, &threaded());
    let hooks = Arc::new(Order::default());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (engine, hooks) = (&engine, hooks.clone());
                scope.spawn(move || {
                    for step in 0..COMMITS {
                        let mut batch = WriteBatch::new();
                        let row = (step * 31 % 400).to_be_bytes();
                        // Both rows of a writer change together: a reader sees both or none.
                        for half in [0u8, 1] {
                            let key = [&[writer as u8], &row[..], &[half]].concat();
                            batch.put(&key, &[&step.to_le_bytes()[..], &[0; 80]].concat());
                        }
                        let durability = [Durability::Buffered, Durability::Written, Durability::Synced]
                            [(step % 50 / 24) as usize];
                        let ticket =
                            engine.commit(&batch, &CommitFields::new(), durability, hooks.clone()).unwrap();
                        let seq = ticket.wait_blocking().unwrap();
                        assert!(engine.published() >= seq);
                        let key = [&[writer as u8], &row[..], &[0]].concat();
                        let found = engine.lookup(&key, ReadAt::Newest).unwrap().unwrap();
                        assert_eq!(found.seq, seq);
                        assert_eq!(found.value.unwrap()[..8], step.to_le_bytes());
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snapshot = engine.snapshot();
                    let at = ReadAt::Seq(snapshot.seq());
                    let mut iter = engine.iter(Bound::Unbounded, Bound::Unbounded, at).unwrap();
                    let mut first = None;
                    while iter.next().unwrap() {
                        assert!(iter.seq() <= snapshot.seq());
                        match first.take() {
                            None => first = Some((iter.key().to_vec(), iter.value().to_vec())),
                            Some((key, value)) => {
                                assert_eq!(iter.key()[..9], key[..9]);
                                assert_eq!(iter.value(), value);
                                assert_eq!(&*engine.get(&key, at).unwrap().unwrap(), value);
                            }
                        }
                    }
                    assert!(first.is_none());
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(engine.published(), Seq(WRITERS * COMMITS));
    assert_eq!(hooks.inserted.lock().len() as u64, WRITERS * COMMITS);
    // The last hooks may still be running on the log's thread.
    while hooks.published.load(Ordering::SeqCst) < WRITERS * COMMITS {
        std::thread::yield_now();
    }
    let rows = all(&engine, ReadAt::Published);
    assert_eq!(rows.len() as u64, WRITERS * 400 * 2);
    drop(engine);
    let engine = open(&temp.0, &threaded());
    assert_eq!(all(&engine, ReadAt::Published), rows);
    engine.compact().unwrap();
    assert_eq!(all(&engine, ReadAt::Published), rows);
    let stats = engine.stats();
    assert_eq!(stats.levels.iter().filter(|(files, _)| *files > 0).count(), 1, "{stats:?}");
}

#[test]
fn the_last_reference_may_go_on_a_thread_of_the_engine() {
    let temp = Temp::new("last-reference");
    let engine = open(&temp.0, &threaded());
    put(&engine, b"a", b"1");
    let mut batch = WriteBatch::new();
    batch.put(b"b", b"2");
    let ticket = engine.commit(&batch, &CommitFields::new(), Durability::Synced, Arc::new(NoHooks)).unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    ticket.on_done(move |_| {
        drop(engine);
        send.send(()).unwrap();
    });
    receive.recv().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let env = RealEnv::new();
    // The log's thread ends on its own.
    while DataDir::open(&temp.0, &env).is_err() {
        assert!(std::time::Instant::now() < deadline, "the folder stays locked");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let engine = open(&temp.0, &threaded());
    assert_eq!(&*engine.get(b"b", ReadAt::Published).unwrap().unwrap(), b"2");
}

#[test]
fn buffered_commits_become_durable_by_themselves() {
    let temp = Temp::new("buffered");
    let engine = open(&temp.0, &threaded());
    let mut batch = WriteBatch::new();
    batch.put(b"a", b"1");
    let ticket =
        engine.commit(&batch, &CommitFields::new(), Durability::Buffered, Arc::new(NoHooks)).unwrap();
    assert!(ticket.is_done(), "published at once");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while engine.stats().log_durable < ticket.lsn() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
