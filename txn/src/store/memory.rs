//! A model of storage in a `BTreeMap`: for tests, and for whoever builds above before storage is opened.
//!
//! Nothing survives the process. Publication can be held back, to test what happens between the insertion of a
//! commit and its durability.

use super::{
    CommitHooks, CommitTicket, Durability, ReadAt, Seq, SnapshotGuard, Store, StoreError, StoreIter,
    ValueBytes, Version, WriteBatch,
};
use crate::options::Direction;
use aurora_lsm::EntryKind;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The model. Cloning shares the map.
#[derive(Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

/// A version; `None`: deleted.
type Stored = (Seq, Option<Arc<[u8]>>);

#[derive(Default)]
struct Inner {
    /// Versions of a key, oldest first.
    map: BTreeMap<Vec<u8>, Vec<Stored>>,
    inserted: u64,
    published: u64,
    held: bool,
    /// Commits in seq order whose publication is outstanding.
    unpublished: Vec<(Seq, Arc<dyn CommitHooks>)>,
    wakers: Vec<Waker>,
}

impl MemoryStore {
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// From now on commits are inserted but not published, as while a sync is under way.
    pub fn hold_publication(&self) {
        self.inner.lock().held = true;
    }

    /// Publishes what was held back, and everything later at once.
    pub fn release_publication(&self) {
        self.inner.lock().held = false;
        self.publish();
    }

    fn publish(&self) {
        let (hooks, wakers) = {
            let mut inner = self.inner.lock();
            if inner.held {
                return;
            }
            inner.published = inner.inserted;
            (std::mem::take(&mut inner.unpublished), std::mem::take(&mut inner.wakers))
        };
        for (seq, hook) in hooks {
            hook.published(seq);
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    fn seen(&self, at: ReadAt) -> Seq {
        match at {
            ReadAt::Seq(seq) => seq,
            ReadAt::Published => Seq(self.published),
            ReadAt::Newest => Seq(u64::MAX),
        }
    }
}

fn version_at(versions: &[Stored], seen: Seq) -> Option<&Stored> {
    versions.iter().rev().find(|(seq, _)| *seq <= seen)
}

struct Iter {
    store: Arc<Mutex<Inner>>,
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
    direction: Direction,
    seen: Seq,
    key: Vec<u8>,
    value: Arc<[u8]>,
    max_seq: Seq,
    ended: bool,
}

impl StoreIter for Iter {
    fn advance(&mut self) -> Result<bool, StoreError> {
        if !self.ended {
            let inner = self.store.lock();
            let range = (self.lower.as_ref(), self.upper.as_ref());
            if !is_empty_range(range.0, range.1) {
                let mut found = inner.map.range::<Vec<u8>, _>(range);
                loop {
                    let step = match self.direction {
                        Direction::Forward => found.next(),
                        Direction::Reverse => found.next_back(),
                    };
                    let Some((key, versions)) = step else { break };
                    let Some((seq, value)) = version_at(versions, self.seen) else { continue };
                    self.max_seq = self.max_seq.max(*seq);
                    let Some(value) = value else { continue };
                    self.key.clone_from(key);
                    self.value = value.clone();
                    match self.direction {
                        Direction::Forward => self.lower = Bound::Excluded(key.clone()),
                        Direction::Reverse => self.upper = Bound::Excluded(key.clone()),
                    }
                    return Ok(true);
                }
            }
        }
        self.ended = true;
        self.key.clear();
        self.value = Arc::from(&[][..]);
        Ok(false)
    }

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn value(&self) -> &[u8] {
        &self.value
    }

    fn max_seq(&self) -> Seq {
        self.max_seq
    }
}

/// Whether bounds name no key, which `BTreeMap::range` refuses.
fn is_empty_range(lower: Bound<&Vec<u8>>, upper: Bound<&Vec<u8>>) -> bool {
    match (lower, upper) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(a), Bound::Included(b)) => a > b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a >= b,
    }
}

impl Inner {
    fn push(&mut self, key: &[u8], seq: Seq, value: Option<Arc<[u8]>>) {
        self.map.entry(key.to_vec()).or_default().push((seq, value));
    }

    fn delete_range(&mut self, start: &[u8], end: &[u8], seq: Seq) {
        if start >= end {
            return;
        }
        for (_, versions) in self.map.range_mut::<[u8], _>((Bound::Included(start), Bound::Excluded(end))) {
            if versions.last().is_some_and(|(newest, value)| *newest < seq && value.is_some()) {
                versions.push((seq, None));
            }
        }
    }

    fn apply(&mut self, batch: &WriteBatch, seq: Seq) {
        for (kind, key, value) in batch.entries() {
            match kind {
                EntryKind::Put => self.push(key, seq, Some(Arc::from(value))),
                EntryKind::Delete => self.push(key, seq, None),
                EntryKind::DeleteRange => self.delete_range(key, value, seq),
            }
        }
    }
}

struct WhenPublished {
    store: Arc<Mutex<Inner>>,
    seq: Seq,
}

impl Future for WhenPublished {
    type Output = Result<Seq, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.store.lock();
        if inner.published >= self.seq.0 {
            return Poll::Ready(Ok(self.seq));
        }
        inner.wakers.push(context.waker().clone());
        Poll::Pending
    }
}

impl Store for MemoryStore {
    fn published(&self) -> Seq {
        Seq(self.inner.lock().published)
    }

    fn get(&self, key: &[u8], at: ReadAt) -> Result<Option<Version>, StoreError> {
        let inner = self.inner.lock();
        let Some(versions) = inner.map.get(key) else { return Ok(None) };
        Ok(version_at(versions, inner.seen(at))
            .map(|(seq, value)| Version { seq: *seq, value: value.clone().map(ValueBytes::Owned) }))
    }

    fn iter(
        &self,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        direction: Direction,
        at: ReadAt,
    ) -> Result<Box<dyn StoreIter>, StoreError> {
        Ok(Box::new(Iter {
            store: self.inner.clone(),
            lower: lower.map(<[u8]>::to_vec),
            upper: upper.map(<[u8]>::to_vec),
            direction,
            seen: self.inner.lock().seen(at),
            key: Vec::new(),
            value: Arc::from(&[][..]),
            max_seq: Seq(0),
            ended: false,
        }))
    }

    fn snapshot(&self) -> SnapshotGuard {
        SnapshotGuard::Model(self.published())
    }

    fn approximate_bytes(&self, start: &[u8], end: &[u8]) -> Result<u64, StoreError> {
        let inner = self.inner.lock();
        let entries = inner.map.iter().skip_while(|(key, _)| key.as_slice() < start);
        Ok(entries
            .take_while(|(key, _)| key.as_slice() < end)
            .flat_map(|(key, versions)| versions.iter().map(|(_, value)| (key.len(), value.as_ref())))
            .map(|(key_bytes, value)| (key_bytes + value.map_or(0, |value| value.len())) as u64)
            .sum())
    }

    fn when_published(&self, seq: Seq) -> CommitTicket {
        if self.published() >= seq {
            return CommitTicket::ready(seq);
        }
        CommitTicket::pending(WhenPublished { store: self.inner.clone(), seq })
    }

    fn commit(
        &self,
        batch: &WriteBatch,
        _durability: Durability,
        hooks: Arc<dyn CommitHooks>,
    ) -> Result<CommitTicket, StoreError> {
        let seq = {
            let mut inner = self.inner.lock();
            let seq = Seq(inner.inserted + 1);
            inner.apply(batch, seq);
            inner.inserted = seq.0;
            inner.unpublished.push((seq, hooks.clone()));
            seq
        };
        hooks.inserted(seq);
        self.publish();
        Ok(self.when_published(seq))
    }
}
