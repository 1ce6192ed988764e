//! With threads, on real files.

use super::basic::{all, put, small};
use crate::*;
use aurora_env::{Env, PlainSealing, RealEntropy, RealEnv, lend_thread};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

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
                        let commit = || {
                            let fields = CommitFields::new();
                            engine.commit(&batch, &fields, durability, hooks.clone())?.wait_blocking()
                        };
                        // Some lead their syncs, some leave them to the log's thread.
                        let seq = if writer % 2 == 0 { lend_thread(commit) } else { commit() }.unwrap();
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
    let deadline = Instant::now() + Duration::from_secs(10);
    let env = RealEnv::new();
    // The log's thread ends on its own.
    while DataDir::open(&temp.0, &env).is_err() {
        assert!(Instant::now() < deadline, "the folder stays locked");
        std::thread::sleep(Duration::from_millis(5));
    }
    let engine = open(&temp.0, &threaded());
    assert_eq!(&*engine.get(b"b", ReadAt::Published).unwrap().unwrap(), b"2");
}

/// Where a commit was published.
#[derive(Default)]
struct Publisher(Mutex<Option<ThreadId>>);

impl CommitHooks for Publisher {
    fn inserted(&self, _seq: Seq) {}
    fn published(&self, _seq: Seq) {
        *self.0.lock() = Some(std::thread::current().id());
    }
    fn failed(&self, error: &LsmError) {
        panic!("{error}");
    }
}

#[test]
fn a_lone_commit_is_synced_on_the_thread_that_is_lent_for_it() {
    let temp = Temp::new("lent");
    let engine = open(&temp.0, &threaded());
    let publisher = Arc::new(Publisher::default());
    let mut batch = WriteBatch::new();
    batch.put(b"a", b"1");
    let commit =
        || engine.commit(&batch, &CommitFields::new(), Durability::Synced, publisher.clone()).unwrap();
    let here = std::thread::current().id();
    let deadline = Instant::now() + Duration::from_secs(10);
    // A sync that takes long sends the next commits to the log's thread: once in a while one is quick.
    loop {
        let ticket = lend_thread(|| {
            let ticket = commit();
            ticket.wait_blocking().unwrap();
            ticket
        });
        assert!(engine.stats().log_durable >= ticket.lsn());
        if *publisher.0.lock() == Some(here) {
            break;
        }
        assert!(Instant::now() < deadline, "no commit was led");
    }
    commit().wait_blocking().unwrap();
    assert_ne!(*publisher.0.lock(), Some(here), "the thread is not lent any more");
    // Nobody waits for it, or not on the thread that was lent: the log's thread hears of it.
    drop(lend_thread(commit));
    let ticket = lend_thread(commit);
    let (send, receive) = std::sync::mpsc::channel();
    ticket.on_done(move |outcome| send.send(outcome.is_ok()).unwrap());
    assert!(receive.recv().unwrap());
    // Who waits for another's commit does not wait until the log's thread looks by itself.
    let quick = (0..5).any(|_| {
        let ticket = lend_thread(commit);
        let begun = Instant::now();
        engine.when_published(ticket.seq()).wait_blocking().unwrap();
        begun.elapsed() < Duration::from_millis(500)
    });
    assert!(quick);
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
    let deadline = Instant::now() + Duration::from_secs(10);
    while engine.stats().log_durable < ticket.lsn() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The log's files and the superseded versions that they and level 0 hold go, without a commit to set that off.
#[test]
fn what_is_written_is_put_in_order_when_nobody_writes() {
    let temp = Temp::new("quiet");
    let options = EngineOptions {
        memtable_bytes: 256 << 10,
        wal_segment_bytes: 64 << 10,
        level_base_bytes: 4 << 20,
        table_bytes: 1 << 20,
        ..threaded()
    };
    let engine = open(&temp.0, &options);
    // Three memtables or so, each of which has all rows.
    for step in 0..8000u32 {
        let mut batch = WriteBatch::new();
        batch.put(&(step % 500).to_be_bytes(), &step.to_be_bytes().repeat(25));
        drop(engine.commit(&batch, &CommitFields::new(), Durability::Buffered, Arc::new(NoHooks)).unwrap());
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let segments = || std::fs::read_dir(temp.0.join("wal")).unwrap().count();
    loop {
        let stats = engine.stats();
        let entries: u64 = engine.core.views.load().version.levels[1..]
            .iter()
            .flatten()
            .map(|file| file.meta().entries)
            .sum();
        // The current one and the next one.
        if segments() <= 2 && stats.levels[0].0 == 0 && entries == 500 {
            break;
        }
        assert!(Instant::now() < deadline, "{stats:?}, {entries} entries, {} segments", segments());
        std::thread::sleep(Duration::from_millis(20));
    }
    let rows = all(&engine, ReadAt::Published);
    assert_eq!(rows.len(), 500);
    drop(engine);
    assert_eq!(all(&open(&temp.0, &options), ReadAt::Published), rows);
}
