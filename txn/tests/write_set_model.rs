//! Own writes beside a plain model: what a transaction sees of its writes, and what it commits.

use aurora_env::ThreadWaiter;
use aurora_txn::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn manager() -> TxnManager {
    TxnManager::on_store(Arc::new(MemoryStore::new()), TxnOptions::default(), Arc::new(ThreadWaiter))
}

/// Keys of three indexes, as long as those of tables.
fn key(n: u64) -> Vec<u8> {
    [b"ten\0\0\0\0\0\0\0\0".as_slice(), &[b'a' + (n % 3) as u8], format!("{n:05}").as_bytes()].concat()
}

fn scan(txn: &Txn, lower: &[u8], upper: &[u8], direction: Direction, all: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (lower, upper) = (Bound::Included(lower), Bound::Excluded(upper));
    let mut cursor = if all {
        txn.scan_all_own(lower, upper, direction, View::Snapshot).unwrap()
    } else {
        txn.scan(lower, upper, direction, View::Snapshot).unwrap()
    };
    let mut rows = Vec::new();
    while cursor.advance().unwrap() {
        rows.push((cursor.key().to_vec(), cursor.value().to_vec()));
    }
    rows
}

fn expected(model: &Model, lower: &[u8], upper: &[u8], direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
    let range = model.range(lower.to_vec()..upper.to_vec());
    let mut rows: Vec<_> = range.map(|(key, value)| (key.clone(), value.clone())).collect();
    if direction == Direction::Reverse {
        rows.reverse();
    }
    rows
}

/// One transaction of random writes, savepoints and statements on top of what is stored.
fn run(seed: u64, keys: u64, steps: u64) {
    let mut rng = Rng(seed);
    let manager = manager();
    let mut stored = Model::new();
    for round in 0..3 {
        let txn = manager.begin(Isolation::RepeatableRead, TxnMode::EXPLICIT);
        let mut model = stored.clone();
        let mut savepoint: Option<Model> = None;
        let mut mark = txn.begin_statement();
        let mut at_statement = model.clone();
        for step in 0..steps {
            match rng.below(20) {
                0..=9 => {
                    let (key, value) = (key(rng.below(keys)), format!("{round}.{step}").into_bytes());
                    txn.put(&key, &value).unwrap();
                    model.insert(key, value);
                }
                10..=13 => {
                    let key = key(rng.below(keys));
                    txn.delete(&key).unwrap();
                    model.remove(&key);
                }
                14 => {
                    let start = rng.below(keys);
                    let (start, end) = (key(start), key(start + rng.below(keys / 4)));
                    if start < end {
                        txn.delete_range(&start, &end).unwrap();
                        model.retain(|key, _| *key < start || *key >= end);
                    }
                }
                15 => {
                    mark = txn.begin_statement();
                    at_statement = model.clone();
                }
                16 => {
                    txn.rollback_statement(mark);
                    model = at_statement.clone();
                    savepoint = None;
                }
                17 => {
                    txn.savepoint("s");
                    savepoint = Some(model.clone());
                }
                18 => {
                    if let Some(saved) = &savepoint {
                        txn.rollback_to("S").unwrap();
                        model = saved.clone();
                        mark = txn.begin_statement();
                        at_statement = model.clone();
                    }
                }
                _ => {
                    let start = rng.below(keys);
                    let (lower, upper) = (key(start), key(start + rng.below(keys)));
                    if lower < upper {
                        for direction in [Direction::Forward, Direction::Reverse] {
                            let context = format!("seed {seed} round {round} step {step} {direction:?}");
                            let all = scan(&txn, &lower, &upper, direction, true);
                            assert_eq!(all, expected(&model, &lower, &upper, direction), "{context}");
                            let before = scan(&txn, &lower, &upper, direction, false);
                            let wanted = expected(&at_statement, &lower, &upper, direction);
                            assert_eq!(before, wanted, "{context}, statement's start");
                        }
                    }
                    let key = key(rng.below(keys));
                    assert_eq!(txn.get(&key).unwrap().as_deref(), model.get(&key).map(Vec::as_slice));
                }
            }
        }
        if rng.below(4) == 0 {
            txn.rollback();
        } else {
            txn.commit(Durability::Synced).unwrap().wait(&ThreadWaiter).unwrap();
            stored = model;
        }
        let reader = manager.begin(Isolation::RepeatableRead, TxnMode::EXPLICIT);
        let rows = scan(&reader, b"", b"u", Direction::Forward, false);
        assert_eq!(rows, expected(&stored, b"", b"u", Direction::Forward), "seed {seed} round {round}");
    }
}

#[test]
fn a_transaction_sees_and_commits_exactly_its_surviving_writes() {
    for seed in 1..120 {
        run(seed * 0x9E37_79B9, 40, 120);
    }
}

#[test]
fn large_write_sets_behave_as_small_ones() {
    run(77, 6_000, 12_000);
}

#[test]
fn a_scan_does_not_see_what_its_own_statement_inserts() {
    let manager = manager();
    let txn = manager.begin(Isolation::RepeatableRead, TxnMode::EXPLICIT);
    let _ = txn.begin_statement();
    for n in 0..10 {
        txn.put(&key(n), b"x").unwrap();
    }
    let _ = txn.begin_statement();
    let mut cursor = txn.scan(Bound::Unbounded, Bound::Unbounded, Direction::Forward, View::Current).unwrap();
    let mut copied = 0;
    while cursor.advance().unwrap() {
        txn.put(&[cursor.key(), b"copy"].concat(), cursor.value()).unwrap();
        copied += 1;
    }
    assert_eq!(copied, 10);
}
