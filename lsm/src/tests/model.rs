//! The engine against a map: every version that a snapshot sees must be there, whatever moves below.

use super::basic::{Machine, commit, small, tiny};
use crate::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Op {
    Commit(Vec<(u8, Option<u8>)>),
    DeleteRange(u8, u8),
    Flush,
    Compact,
    Reopen,
    Snapshot,
    DropSnapshot(usize),
    /// Lower and upper bound, and a walk: forward where true.
    Walk(Option<u8>, Option<u8>, Vec<bool>),
    Seek(u8, bool),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => prop::collection::vec((any::<u8>(), prop::option::weighted(0.7, any::<u8>())), 1..12).prop_map(Op::Commit),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Op::DeleteRange(a.min(b), a.max(b))),
        2 => Just(Op::Flush),
        1 => Just(Op::Compact),
        1 => Just(Op::Reopen),
        3 => Just(Op::Snapshot),
        2 => any::<usize>().prop_map(Op::DropSnapshot),
        3 => (any::<Option<u8>>(), any::<Option<u8>>(), prop::collection::vec(any::<bool>(), 0..60))
            .prop_map(|(a, b, walk)| Op::Walk(a, b, walk)),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(key, forward)| Op::Seek(key, forward)),
    ];
    prop::collection::vec(op, 1..120)
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keys of different lengths, some a prefix of others.
fn key_of(byte: u8) -> Vec<u8> {
    let mut key = vec![byte >> 3];
    key.extend(std::iter::repeat_n(b'x', usize::from(byte & 7)));
    key
}

fn check(engine: &Engine, at: ReadAt, rows: &Rows) {
    let mut iter = engine.iter(Bound::Unbounded, Bound::Unbounded, at).unwrap();
    for (key, value) in rows {
        assert!(iter.next().unwrap(), "{key:?} is missing");
        assert_eq!((iter.key(), iter.value()), (key.as_slice(), value.as_slice()));
    }
    assert!(!iter.next().unwrap(), "{:?} is too much", iter.key());
    let mut iter = engine.iter(Bound::Unbounded, Bound::Unbounded, at).unwrap();
    for (key, value) in rows.iter().rev() {
        assert!(iter.prev().unwrap(), "{key:?} is missing backward");
        assert_eq!((iter.key(), iter.value()), (key.as_slice(), value.as_slice()));
    }
    assert!(!iter.prev().unwrap());
    for byte in 0..=255 {
        let key = key_of(byte);
        let got = engine.get(&key, at).unwrap();
        assert_eq!(got.as_deref(), rows.get(&key).map(Vec::as_slice), "{key:?}");
    }
}

fn walk(engine: &Engine, rows: &Rows, (low, high): (Option<u8>, Option<u8>), steps: &[bool]) {
    let bound = |byte: Option<u8>| byte.map(key_of);
    let (low, high) = (bound(low), bound(high));
    let lower = low.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let upper = high.as_deref().map_or(Bound::Unbounded, Bound::Included);
    let within: Vec<_> = rows
        .iter()
        .filter(|(key, _)| {
            low.as_ref().is_none_or(|low| *key > low) && high.as_ref().is_none_or(|h| *key <= h)
        })
        .collect();
    let mut iter = engine.iter(lower, upper, ReadAt::Published).unwrap();
    // −1: before the first; a fresh iterator is at both ends.
    let mut at: Option<i64> = None;
    let len = within.len() as i64;
    for &forward in steps {
        let next = match (at, forward) {
            (None, true) => 0,
            (None, false) => len - 1,
            (Some(at), true) => (at + 1).min(len),
            (Some(at), false) => (at - 1).max(-1),
        };
        at = Some(next);
        let moved = if forward { iter.next().unwrap() } else { iter.prev().unwrap() };
        let want = usize::try_from(next).ok().and_then(|next| within.get(next));
        assert_eq!(moved, want.is_some());
        assert_eq!(iter.valid(), want.is_some());
        if let Some((key, value)) = want {
            assert_eq!((iter.key(), iter.value()), (key.as_slice(), value.as_slice()));
        }
    }
}

fn seek(engine: &Engine, rows: &Rows, byte: u8, forward: bool) {
    let key = key_of(byte);
    let mut iter = engine.iter(Bound::Unbounded, Bound::Unbounded, ReadAt::Published).unwrap();
    let want = if forward {
        iter.seek(&key).unwrap();
        rows.range(key..).next()
    } else {
        iter.seek_for_prev(&key).unwrap();
        rows.range(..=key).next_back()
    };
    assert_eq!(iter.valid(), want.is_some());
    if let Some((key, value)) = want {
        assert_eq!((iter.key(), iter.value()), (key.as_slice(), value.as_slice()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn every_snapshot_sees_its_moment(ops in ops(), seed in any::<u64>(), padding in 1usize..200) {
        let machine = Machine::new(seed);
        // In half of the runs levels are so small that data lies several levels deep.
        let options = if seed % 2 == 0 { small() } else { tiny() };
        let mut engine: Arc<Engine> = machine.open(&options).unwrap();
        let mut rows = Rows::new();
        let mut snapshots: Vec<(Snapshot, Rows)> = Vec::new();
        for op in ops {
            match op {
                Op::Commit(entries) => {
                    let entries: BTreeMap<_, _> = entries.into_iter().collect();
                    commit(&engine, Durability::Synced, |batch| {
                        for (&byte, value) in &entries {
                            let key = key_of(byte);
                            match value {
                                Some(value) => {
                                    let value = vec![*value; padding];
                                    batch.put(&key, &value);
                                    rows.insert(key, value);
                                }
                                None => {
                                    batch.delete(&key);
                                    rows.remove(&key);
                                }
                            }
                        }
                    })
                    .unwrap();
                }
                Op::DeleteRange(low, high) => {
                    let (low, high) = (key_of(low), key_of(high));
                    commit(&engine, Durability::Written, |batch| batch.delete_range(&low, &high)).unwrap();
                    rows.retain(|key, _| !(*key >= low && *key < high));
                }
                Op::Flush => engine.flush().unwrap(),
                Op::Compact => engine.compact().unwrap(),
                Op::Reopen => {
                    snapshots.clear();
                    drop(engine);
                    engine = machine.open(&options).unwrap();
                }
                Op::Snapshot => snapshots.push((engine.snapshot(), rows.clone())),
                Op::DropSnapshot(at) => {
                    if !snapshots.is_empty() {
                        let at = at % snapshots.len();
                        snapshots.swap_remove(at);
                    }
                }
                Op::Walk(low, high, steps) => walk(&engine, &rows, (low, high), &steps),
                Op::Seek(byte, forward) => seek(&engine, &rows, byte, forward),
            }
        }
        check(&engine, ReadAt::Published, &rows);
        for (snapshot, rows) in &snapshots {
            check(&engine, ReadAt::Seq(snapshot.seq()), rows);
        }
        engine.compact().unwrap();
        for (snapshot, rows) in &snapshots {
            check(&engine, ReadAt::Seq(snapshot.seq()), rows);
        }
        drop(snapshots);
        engine.compact().unwrap();
        check(&engine, ReadAt::Newest, &rows);
    }
}
