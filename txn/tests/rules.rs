//! Rules of commit order, floors, waits and counters; names are the rules.

use aurora_env::{KillFlag, ThreadWaiter};
use aurora_txn::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const TABLE: u64 = 1;

fn on(store: &MemoryStore, options: TxnOptions) -> TxnManager {
    TxnManager::on_store(Arc::new(store.clone()), options, Arc::new(ThreadWaiter))
}

fn manager() -> (MemoryStore, TxnManager) {
    let store = MemoryStore::new();
    let manager = on(&store, TxnOptions::default());
    (store, manager)
}

fn begin(manager: &TxnManager) -> Txn {
    manager.begin(Isolation::RepeatableRead, TxnMode::EXPLICIT)
}

fn lock(txn: &Txn, key: &[u8], mode: LockMode) -> TxnResult<Option<Vec<u8>>> {
    match txn.lock_get(TABLE, key, mode, WaitPolicy::Wait)? {
        Locked::Row { value, .. } => Ok(value.map(|value| value.to_vec())),
        Locked::Skipped => unreachable!("it waits"),
    }
}

fn put(txn: &Txn, key: &[u8], value: &[u8]) {
    lock(txn, key, LockMode::Exclusive).unwrap();
    txn.put(key, value).unwrap();
}

#[test]
fn locks_of_written_rows_go_at_insertion_and_the_others_at_publication() {
    let (store, manager) = manager();
    store.hold_publication();
    let txn = begin(&manager);
    put(&txn, b"written", b"1");
    lock(&txn, b"read", LockMode::Shared).unwrap();
    let ticket = txn.commit(Durability::Synced).unwrap();
    assert!(!ticket.is_ready());
    let names: Vec<_> = manager.data_locks().into_iter().map(|lock| lock.id).collect();
    assert!(!names.contains(&LockId::Row(Arc::from(&b"written"[..]))), "{names:?}");
    assert!(names.contains(&LockId::Row(Arc::from(&b"read"[..]))));
    assert!(names.contains(&LockId::Table(TABLE)));
    drop(ticket);
    store.release_publication();
    assert!(manager.data_locks().is_empty(), "also when nobody holds the ticket");
}

#[test]
fn a_locking_read_of_an_unpublished_version_answers_only_once_it_is_published() {
    let (store, manager) = manager();
    store.hold_publication();
    let writer = begin(&manager);
    put(&writer, b"k", b"1");
    let first = writer.commit(Durability::Synced).unwrap();
    let reader = begin(&manager);
    assert!(reader.read_barrier().is_ready());
    assert_eq!(lock(&reader, b"k", LockMode::Shared).unwrap().as_deref(), Some(&b"1"[..]));
    assert!(!reader.read_barrier().is_ready(), "its rows wait");
    assert_eq!(begin(&manager).get(b"k").unwrap().as_deref(), None, "plain readers never see it");
    let ticket = reader.commit(Durability::Synced).unwrap();
    assert!(!ticket.is_ready(), "and so does the answer of a commit that wrote nothing");
    store.release_publication();
    ticket.wait(&ThreadWaiter).unwrap();
    first.wait(&ThreadWaiter).unwrap();
}

#[test]
fn nobody_who_held_a_row_after_us_sees_a_state_before_us() {
    let (store, manager) = manager();
    let writer = begin(&manager);
    put(&writer, b"a", b"1");
    put(&writer, b"b", b"1");
    store.hold_publication();
    writer.commit(Durability::Synced).map(drop).unwrap();
    let reader = Arc::new(begin(&manager));
    lock(&reader, b"a", LockMode::Exclusive).unwrap();
    // Its next snapshot waits for the floor: run it beside, and let the publication come.
    let waiting = reader.clone();
    let seen = std::thread::spawn(move || waiting.get(b"b").unwrap().map(|value| value.to_vec()));
    store.release_publication();
    assert_eq!(seen.join().unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_deleted_unpublished_row_raises_the_floor_too() {
    let (store, manager) = manager();
    let txn = begin(&manager);
    put(&txn, b"k", b"1");
    txn.commit(Durability::Synced).unwrap().wait(&ThreadWaiter).unwrap();
    store.hold_publication();
    let txn = begin(&manager);
    lock(&txn, b"k", LockMode::Exclusive).unwrap();
    txn.delete(b"k").unwrap();
    txn.commit(Durability::Synced).map(drop).unwrap();
    let reader = begin(&manager);
    assert_eq!(lock(&reader, b"k", LockMode::Shared).unwrap(), None);
    assert!(!reader.read_barrier().is_ready());
}

#[test]
fn a_lock_wait_timeout_ends_the_statement_and_not_the_transaction() {
    let (_, manager) = manager();
    let (holder, waiter) = (begin(&manager), begin(&manager));
    put(&holder, b"k", b"1");
    put(&waiter, b"mine", b"1");
    waiter.set_lock_wait_timeout(Duration::from_millis(5));
    let error = lock(&waiter, b"k", LockMode::Exclusive).unwrap_err();
    assert!(matches!(error, TxnError::LockWaitTimeout));
    assert_eq!(error.aftermath(), Aftermath::StatementRollback);
    assert_eq!(waiter.get(b"mine").unwrap().as_deref(), Some(&b"1"[..]));
    drop(holder);
    assert!(lock(&waiter, b"k", LockMode::Exclusive).is_ok());
    drop(waiter);
    assert!(manager.data_locks().is_empty(), "a wait that ended leaves nothing behind");
}

#[test]
fn a_kill_that_came_before_the_wait_ends_it_as_well() {
    let (_, manager) = manager();
    let holder = begin(&manager);
    put(&holder, b"k", b"1");
    let kill = Arc::new(KillFlag::new());
    let txn = manager.begin_killable(Isolation::RepeatableRead, TxnMode::EXPLICIT, kill.clone());
    kill.kill(aurora_env::KillLevel::Query);
    assert!(matches!(lock(&txn, b"k", LockMode::Shared), Err(TxnError::Interrupted)));
}

#[test]
fn a_full_lock_table_answers_1206() {
    let store = MemoryStore::new();
    let manager = on(&store, TxnOptions { max_locks: 256, ..TxnOptions::default() });
    let txn = begin(&manager);
    let full = (0..2_000u32).find_map(|n| lock(&txn, &n.to_be_bytes(), LockMode::Shared).err());
    assert!(matches!(full, Some(TxnError::LockTableFull)));
    txn.rollback();
    assert!(manager.data_locks().is_empty());
}

#[test]
fn a_read_only_transaction_refuses_writes() {
    let (_, manager) = manager();
    let txn = manager.begin(Isolation::default(), TxnMode { read_only: true, ..TxnMode::EXPLICIT });
    assert!(matches!(txn.put(b"k", b"v"), Err(TxnError::ReadOnly)));
}

#[test]
fn a_changed_row_conflicts_with_the_snapshot_where_that_is_asked_for() {
    let (_, manager) = manager();
    let reader = begin(&manager);
    reader.set_snapshot_conflict_check(true);
    reader.take_snapshot().unwrap();
    let writer = begin(&manager);
    put(&writer, b"k", b"1");
    writer.commit(Durability::Synced).unwrap().wait(&ThreadWaiter).unwrap();
    assert!(matches!(
        reader.lock_get(TABLE, b"k", LockMode::Exclusive, WaitPolicy::Wait),
        Err(TxnError::SnapshotConflict { .. })
    ));
}

#[test]
fn money_is_neither_made_nor_lost_by_concurrent_transfers() {
    const ACCOUNTS: u64 = 12;
    const TOTAL: u64 = ACCOUNTS * 100;
    let (_, manager) = manager();
    let key = |n: u64| n.to_be_bytes();
    let setup = begin(&manager);
    for n in 0..ACCOUNTS {
        put(&setup, &key(n), b"100");
    }
    setup.commit(Durability::Synced).unwrap().wait(&ThreadWaiter).unwrap();
    let number =
        |value: Option<Vec<u8>>| -> u64 { String::from_utf8(value.unwrap()).unwrap().parse().unwrap() };
    let deadlocks = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for seed in 1..=6u64 {
            let (manager, deadlocks) = (&manager, &deadlocks);
            scope.spawn(move || {
                let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mut below = |n: u64| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state % n
                };
                for round in 0..300 {
                    let txn = begin(manager);
                    if round % 7 == 0 {
                        // A snapshot always adds up; so does a locked range.
                        let sum: u64 = (0..ACCOUNTS)
                            .map(|n| number(txn.get(&key(n)).unwrap().map(|value| value.to_vec())))
                            .sum();
                        assert_eq!(sum, TOTAL);
                        continue;
                    }
                    let (from, to, amount) = (below(ACCOUNTS), below(ACCOUNTS), below(10));
                    let transfer = || -> TxnResult<bool> {
                        let have = number(lock(&txn, &key(from), LockMode::Shared)?);
                        if have < amount || from == to {
                            return Ok(false);
                        }
                        lock(&txn, &key(from), LockMode::Exclusive)?;
                        txn.put(&key(from), (have - amount).to_string().as_bytes())?;
                        let there = number(lock(&txn, &key(to), LockMode::Exclusive)?);
                        txn.put(&key(to), (there + amount).to_string().as_bytes())?;
                        Ok(true)
                    };
                    match transfer() {
                        Ok(true) if below(5) > 0 => {
                            txn.commit(Durability::Synced).unwrap().wait(&ThreadWaiter).map(drop).unwrap();
                        }
                        Ok(_) => txn.rollback(),
                        Err(TxnError::Deadlock) => {
                            deadlocks.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    let end = begin(&manager);
    let sum: u64 = (0..ACCOUNTS).map(|n| number(lock(&end, &key(n), LockMode::Shared).unwrap())).sum();
    assert_eq!(sum, TOTAL);
    drop(end);
    assert!(manager.data_locks().is_empty() && manager.active().is_empty());
}

#[test]
fn counters_never_fall_and_a_clean_stop_writes_the_exact_value() {
    let store = MemoryStore::new();
    let kind = CounterKind::AutoIncrement;
    let first = on(&store, TxnOptions::default());
    let counters = first.counters();
    assert_eq!(counters.reserve(kind, 9, 3, 1, 1, 255).unwrap(), Reserved { first: 1, step: 1, count: 3 });
    assert_eq!(counters.peek(kind, 9).unwrap(), 4);
    counters.at_least(kind, 9, 2).unwrap();
    assert_eq!(counters.peek(kind, 9).unwrap(), 4, "a smaller value changes nothing");
    counters.at_least(kind, 9, 10).unwrap();
    assert_eq!(counters.reserve(kind, 9, 1, 5, 3, 255).unwrap().first, 13, "offset 3, step 5");
    // A crash: whatever was given out is not given out again.
    let crashed = on(&store, TxnOptions::default());
    assert!(crashed.counters().reserve(kind, 9, 1, 1, 1, 1 << 20).unwrap().first > 13);
    crashed.close().unwrap();
    let after = crashed.counters().peek(kind, 9).unwrap();
    assert_eq!(on(&store, TxnOptions::default()).counters().peek(kind, 9).unwrap(), after);
}

#[test]
fn a_counter_at_the_end_of_its_type_says_so_and_stays() {
    let (_, manager) = manager();
    let kind = CounterKind::AutoIncrement;
    let counters = manager.counters();
    counters.at_least(kind, 1, 126).unwrap();
    assert!(matches!(counters.reserve(kind, 1, 2, 1, 1, 127), Err(TxnError::CounterExhausted)));
    assert_eq!(counters.reserve(kind, 1, 1, 1, 1, 127).unwrap().first, 127);
    assert!(counters.reserve(kind, 1, 1, 1, 1, 127).is_err());
    counters.at_least(kind, 2, u64::MAX).unwrap();
    assert!(counters.reserve(kind, 2, 1, 1, 1, u64::MAX).is_err());
}

#[test]
fn rows_given_back_do_not_count_towards_a_table_lock() {
    let store = MemoryStore::new();
    let manager = on(&store, TxnOptions { escalate_row_locks: 3, ..TxnOptions::default() });
    let scanning = manager.begin(Isolation::ReadCommitted, TxnMode::EXPLICIT);
    for n in 0..10u8 {
        lock(&scanning, &[n], LockMode::Exclusive).unwrap();
        scanning.unlock_row(&[n]);
    }
    let other = begin(&manager);
    assert!(other.lock_get(TABLE, &[3], LockMode::Exclusive, WaitPolicy::NoWait).is_ok());
}

/// On-call duty: nobody leaves unless somebody else stays. Snapshots alone break it (write skew).
#[test]
fn serializable_transactions_keep_what_each_of_them_keeps() {
    let (_, manager) = manager();
    let setup = begin(&manager);
    for n in 0..4u8 {
        put(&setup, &[n], b"on");
    }
    setup.commit(Durability::Synced).unwrap().wait(&ThreadWaiter).unwrap();
    let (left, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for me in 0..4u8 {
            let (manager, left, failed) = (&manager, &left, &failed);
            scope.spawn(move || {
                for round in 0..400 {
                    let txn = manager.begin(Isolation::Serializable, TxnMode::EXPLICIT);
                    let attempt = || -> TxnResult<bool> {
                        let mut others_on = 0;
                        let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
                        let mut rows = txn.scan(all.0, all.1, Direction::Forward, View::Snapshot)?;
                        let mut am_on = false;
                        while rows.advance()? {
                            let on = rows.value() == b"on";
                            if rows.key() == [me] { am_on = on } else { others_on += u32::from(on) }
                        }
                        assert!(am_on || others_on > 0, "nobody is on duty");
                        if am_on && others_on == 0 {
                            return Ok(false);
                        }
                        lock(&txn, &[me], LockMode::Exclusive)?;
                        txn.put(&[me], if am_on { b"off" } else { b"on" })?;
                        Ok(am_on)
                    };
                    let outcome = attempt().and_then(|leaves| {
                        txn.commit(Durability::Synced)?.wait(&ThreadWaiter)?;
                        Ok(leaves)
                    });
                    match outcome {
                        Ok(leaves) => left.fetch_add(u64::from(leaves), Ordering::Relaxed),
                        Err(TxnError::Deadlock) => failed.fetch_add(1, Ordering::Relaxed),
                        Err(error) => panic!("round {round}: {error}"),
                    };
                }
            });
        }
    });
    assert!(left.load(Ordering::Relaxed) > 0);
    assert!(failed.load(Ordering::Relaxed) < 1_600);
    assert!(manager.data_locks().is_empty() && manager.active().is_empty());
}
