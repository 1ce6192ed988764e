//! A lock-free skip list in an arena: many writers insert, readers never wait, nothing is removed.
//!
//! Order: user key ascending, then seq descending. Of two entries with the same key and seq the one inserted later
//! comes first.
//!
//! Why it is sound. A node is written in full, then linked by a compare-and-swap with Release; readers follow links
//! with Acquire, so whoever sees a pointer sees the node behind it. Nodes are never changed after that, except for
//! their links, which are atomics, and never freed before the list. A level is linked only after the one below it,
//! so a node that is seen high up is in every lower list.
#![allow(unsafe_code)]

use super::arena::Arena;
use crate::sst::compare_user;
use crate::types::{EntryKind, Seq};
use std::cmp::Ordering as Order;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

const MAX_HEIGHT: usize = 14;
/// As many entries on a level tell how many there are on the lowest, within an eighth mostly.
const COUNTED_ON_LEVEL: u64 = 64;

#[repr(C)]
struct Node {
    /// seq << 8 | kind.
    tag: u64,
    key_len: u32,
    value_len: u32,
    height: u64,
    // Behind it: `height` links, key, value.
}

const HEAD_BYTES: usize = size_of::<Node>();

impl Node {
    fn seq(&self) -> u64 {
        self.tag >> 8
    }

    /// # Safety
    /// `node` is a node of a living list and `level` below its height.
    #[inline]
    unsafe fn link<'a>(node: *const Node, level: usize) -> &'a AtomicPtr<Node> {
        // SAFETY: by contract the link lies within the node's allocation, 8-aligned as the node is.
        unsafe { &*node.cast::<u8>().add(HEAD_BYTES + level * 8).cast::<AtomicPtr<Node>>() }
    }

    /// # Safety
    /// `node` is a node of a list that outlives `'a`.
    #[inline]
    unsafe fn key<'a>(node: *const Node) -> &'a [u8] {
        // SAFETY: key bytes follow the links and were written before the node was linked.
        unsafe {
            let start = node.cast::<u8>().add(HEAD_BYTES + (*node).height as usize * 8);
            std::slice::from_raw_parts(start, (*node).key_len as usize)
        }
    }

    /// # Safety
    /// As [`Node::key`].
    #[inline]
    unsafe fn value<'a>(node: *const Node) -> &'a [u8] {
        // SAFETY: value bytes follow the key.
        unsafe {
            let key_len = (*node).key_len as usize;
            let start = node.cast::<u8>().add(HEAD_BYTES + (*node).height as usize * 8 + key_len);
            std::slice::from_raw_parts(start, (*node).value_len as usize)
        }
    }
}

pub(crate) struct SkipList {
    arena: Arena,
    head: NonNull<Node>,
    height: AtomicUsize,
    len: AtomicUsize,
}

// SAFETY: see the argument at the top; the raw pointers lead into the arena, which is part of the list.
unsafe impl Send for SkipList {}
// SAFETY: as above.
unsafe impl Sync for SkipList {}

impl SkipList {
    pub(super) fn new() -> SkipList {
        let arena = Arena::new();
        let head = arena.allocate(HEAD_BYTES + MAX_HEIGHT * 8).cast::<Node>();
        // SAFETY: the memory is ours, large and aligned enough; zeroed links are null pointers.
        unsafe { head.as_ptr().write(Node { tag: 0, key_len: 0, value_len: 0, height: MAX_HEIGHT as u64 }) };
        SkipList { arena, head, height: AtomicUsize::new(1), len: AtomicUsize::new(0) }
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.arena.allocated_bytes()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    fn random_height(&self, seq: u64, ordinal: u64) -> usize {
        // A hash instead of a random number: the same commits build the same list.
        let mut x = seq.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ordinal.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        x ^= x >> 32;
        (1 + (x.trailing_zeros() / 2) as usize).min(MAX_HEIGHT)
    }

    /// Walks one level from `before` (which lies before the position) to the last node before the position.
    ///
    /// # Safety
    /// `before` is a node of this list that is at least `level` + 1 high.
    #[inline]
    unsafe fn walk(
        &self,
        mut before: *mut Node,
        level: usize,
        key: &[u8],
        seq: u64,
    ) -> (*mut Node, *mut Node) {
        // SAFETY: links of this level lead to nodes that are at least that high.
        unsafe {
            loop {
                let next = Node::link(before, level).load(Ordering::Acquire);
                if next.is_null() || !Self::is_before(next, key, seq) {
                    return (before, next);
                }
                before = next;
            }
        }
    }

    /// Whether the node comes before (key, seq).
    ///
    /// # Safety
    /// `node` is a node of a living list.
    #[inline]
    unsafe fn is_before(node: *const Node, key: &[u8], seq: u64) -> bool {
        // SAFETY: by contract.
        unsafe {
            match compare_user(Node::key(node), key) {
                Order::Less => true,
                Order::Greater => false,
                Order::Equal => (*node).seq() > seq,
            }
        }
    }

    pub(super) fn insert(&self, key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) {
        self.inserter().insert(key, seq, kind, value);
    }

    /// For many entries: each is looked for from where the one before went.
    pub(super) fn inserter(&self) -> Inserter<'_> {
        Inserter { list: self, last: ptr::null(), before: [self.head.as_ptr(); MAX_HEIGHT] }
    }

    /// Makes a node that nobody knows yet.
    fn new_node(&self, key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) -> (*mut Node, usize) {
        let ordinal = self.len.fetch_add(1, Ordering::Relaxed) as u64;
        let height = self.random_height(seq.0, ordinal);
        let size = HEAD_BYTES + height * 8 + key.len() + value.len();
        let node = self.arena.allocate(size).cast::<Node>().as_ptr();
        // Batches are limited far below 4 GiB, so lengths fit.
        let head = Node {
            tag: seq.0 << 8 | kind as u64,
            key_len: key.len() as u32,
            value_len: value.len() as u32,
            height: height as u64,
        };
        // SAFETY: the memory is ours alone until it is linked, and `size` covers head, links, key and value.
        unsafe {
            node.write(head);
            let start = node.cast::<u8>().add(HEAD_BYTES + height * 8);
            ptr::copy_nonoverlapping(key.as_ptr(), start, key.len());
            ptr::copy_nonoverlapping(value.as_ptr(), start.add(key.len()), value.len());
        }
        (node, height)
    }

    /// The first node at or behind (key, seq), or null; and the one before it (maybe the head).
    #[inline]
    fn find(&self, key: &[u8], seq: u64) -> (*mut Node, *mut Node) {
        let mut at = self.head.as_ptr();
        let mut next = ptr::null_mut();
        for level in (0..self.height.load(Ordering::Relaxed)).rev() {
            // SAFETY: `at` was met on a higher level (or is the head).
            (at, next) = unsafe { self.walk(at, level, key, seq) };
        }
        (at, next)
    }

    /// As [`SkipList::find`], from a node before the position: the nearer it is, the fewer steps. Climbs each node's links
    /// to their top while they lead to nodes before the position, then walks down.
    ///
    /// # Safety
    /// `from` is a node of this list and lies before (key, seq).
    unsafe fn find_from(&self, from: *const Node, key: &[u8], seq: u64) -> *mut Node {
        let mut at = from.cast_mut();
        // SAFETY: nodes of a living list; links above the level that a node was met on are null, as the arena gave them, or
        // lead to nodes behind it.
        unsafe {
            let mut level = (*at).height as usize - 1;
            loop {
                let next = Node::link(at, level).load(Ordering::Acquire);
                if next.is_null() || !Self::is_before(next, key, seq) {
                    break;
                }
                at = next;
                level = (*at).height as usize - 1;
            }
            let mut next = ptr::null_mut();
            for level in (0..=level).rev() {
                (at, next) = self.walk(at, level, key, seq);
            }
            next
        }
    }

    /// About how many entries lie in `low..high`. The more there are, the higher the level that they are counted on,
    /// on which one of 4^level stands.
    pub(super) fn about_between(&self, low: &[u8], high: &[u8]) -> u64 {
        let mut before = self.head.as_ptr();
        for level in (0..self.height.load(Ordering::Relaxed)).rev() {
            let mut next;
            // SAFETY: `before` was met on a higher level (or is the head); links of a level lead to nodes of it.
            unsafe {
                (before, next) = self.walk(before, level, low, Seq::MAX.0);
                let mut count = 0;
                while !next.is_null() && Self::is_before(next, high, Seq::MAX.0) {
                    count += 1;
                    next = Node::link(next, level).load(Ordering::Acquire);
                }
                if count >= COUNTED_ON_LEVEL || level == 0 {
                    return count << (2 * level);
                }
            }
        }
        0
    }

    fn last(&self) -> *mut Node {
        let mut at = self.head.as_ptr();
        for level in (0..self.height.load(Ordering::Relaxed)).rev() {
            loop {
                // SAFETY: as in `find`.
                let next = unsafe { Node::link(at, level).load(Ordering::Acquire) };
                if next.is_null() {
                    break;
                }
                at = next;
            }
        }
        at
    }
}

/// Inserts entries of one writer one after the other. Ascending ones are found in a few steps, others from the head.
pub(super) struct Inserter<'l> {
    list: &'l SkipList,
    /// The entry that was inserted last; null before the first.
    last: *const Node,
    /// By level: a node at least that high that lies before every position behind `last`, as near as it is known.
    before: [*mut Node; MAX_HEIGHT],
}

impl Inserter<'_> {
    pub(super) fn insert(&mut self, key: &[u8], seq: Seq, kind: EntryKind, value: &[u8]) {
        let list = self.list;
        let (node, height) = list.new_node(key, seq, kind, value);
        let list_height = list.height.fetch_max(height, Ordering::Relaxed).max(height);
        // SAFETY: `last` is null or a node of the list.
        let is_ahead = !self.last.is_null() && unsafe { SkipList::is_before(self.last, key, seq.0) };
        if !is_ahead {
            self.before = [list.head.as_ptr(); MAX_HEIGHT];
        }
        // Levels below `top` have nodes between the one that is known and the position.
        let mut top = if is_ahead { 0 } else { list_height };
        while top < list_height {
            // SAFETY: `before` holds nodes of their levels.
            let next = unsafe { Node::link(self.before[top], top).load(Ordering::Acquire) };
            // SAFETY: links lead to nodes of the list.
            if next.is_null() || !unsafe { SkipList::is_before(next, key, seq.0) } {
                break;
            }
            top += 1;
        }
        let mut at = None;
        for level in (0..top).rev() {
            // SAFETY: a node that was met on a higher level is high enough, and the one of this level is.
            let found = unsafe { list.walk(at.unwrap_or(self.before[level]), level, key, seq.0) }.0;
            self.before[level] = found;
            at = Some(found);
        }
        for (level, before) in self.before.iter_mut().enumerate().take(height) {
            let mut start = *before;
            loop {
                // SAFETY: `start` is a node of this level before the position; `node` is `height` high.
                unsafe {
                    let (prev, next) = list.walk(start, level, key, seq.0);
                    // Release: a search that climbs from a lower level reads the link before the node is linked here.
                    Node::link(node, level).store(next, Ordering::Release);
                    let swapped = Node::link(prev, level).compare_exchange(
                        next,
                        node,
                        Ordering::Release,
                        Ordering::Relaxed,
                    );
                    if swapped.is_ok() {
                        break;
                    }
                    start = prev;
                }
            }
            *before = node;
        }
        self.last = node;
    }
}

/// Owns a list together with others, so that pointers into it stay valid.
pub(crate) trait HasList: Send + Sync {
    fn list(&self) -> &SkipList;
}

/// A position in a list that it keeps alive.
pub(crate) struct ListCursor<T: HasList> {
    owner: Arc<T>,
    /// Null: nowhere.
    node: *const Node,
}

impl<T: HasList> Clone for ListCursor<T> {
    fn clone(&self) -> Self {
        ListCursor { owner: self.owner.clone(), node: self.node }
    }
}

// SAFETY: the pointer leads into `owner`, which is shared and never changes its nodes.
unsafe impl<T: HasList> Send for ListCursor<T> {}
// SAFETY: as above.
unsafe impl<T: HasList> Sync for ListCursor<T> {}

impl<T: HasList> ListCursor<T> {
    pub(super) fn new(owner: Arc<T>) -> ListCursor<T> {
        ListCursor { owner, node: ptr::null() }
    }

    /// The newest entry of `key` that is not newer than `seq`. A miss touches no reference count.
    #[inline]
    pub(super) fn find(owner: &Arc<T>, key: &[u8], seq: Seq) -> Option<ListCursor<T>> {
        let node = owner.list().find(key, seq.0).1;
        // SAFETY: `find` returns null or a node of the list.
        let found = !node.is_null() && unsafe { Node::key(node) } == key;
        found.then(|| ListCursor { owner: owner.clone(), node })
    }

    fn set(&mut self, node: *const Node) {
        let head: *const Node = self.owner.list().head.as_ptr();
        self.node = if node == head { ptr::null() } else { node };
    }

    pub(crate) fn seek(&mut self, key: &[u8], seq: Seq) {
        let list = self.owner.list();
        // SAFETY: a valid cursor stands on a node of its own list.
        let is_ahead = self.valid() && unsafe { SkipList::is_before(self.node, key, seq.0) };
        self.node = if is_ahead {
            // SAFETY: as above, and the node lies before the position.
            unsafe { list.find_from(self.node, key, seq.0) }
        } else {
            list.find(key, seq.0).1
        };
    }

    /// To the last entry before (key, seq).
    pub(crate) fn seek_before(&mut self, key: &[u8], seq: Seq) {
        let before = self.owner.list().find(key, seq.0).0;
        self.set(before);
    }

    pub(crate) fn seek_first(&mut self) {
        // SAFETY: the head is as high as any level.
        self.node = unsafe { Node::link(self.owner.list().head.as_ptr(), 0).load(Ordering::Acquire) };
    }

    pub(crate) fn seek_last(&mut self) {
        let last = self.owner.list().last();
        self.set(last);
    }

    #[inline]
    pub(crate) fn valid(&self) -> bool {
        !self.node.is_null()
    }

    #[inline]
    pub(crate) fn next(&mut self) {
        if self.valid() {
            // SAFETY: a valid cursor stands on a node of its own list.
            self.node = unsafe { Node::link(self.node, 0).load(Ordering::Acquire) };
        }
    }

    /// O(log n): the list is linked forward only.
    pub(crate) fn prev(&mut self) {
        if self.valid() {
            // SAFETY: as in `next`.
            let (key, seq) = unsafe { (Node::key(self.node), (*self.node).seq()) };
            let before = self.owner.list().find(key, seq).0;
            self.set(before);
        }
    }

    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        if !self.valid() {
            return &[];
        }
        // SAFETY: a valid cursor stands on a node; the slice borrows the cursor, which owns the list.
        unsafe { Node::key(self.node) }
    }

    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        if !self.valid() {
            return &[];
        }
        // SAFETY: as in `key`.
        unsafe { Node::value(self.node) }
    }

    #[inline]
    pub(crate) fn seq(&self) -> Seq {
        // SAFETY: as in `key`.
        if self.valid() { Seq(unsafe { (*self.node).seq() }) } else { Seq::ZERO }
    }

    #[inline]
    pub(crate) fn kind(&self) -> EntryKind {
        // SAFETY: as in `key`.
        let tag = if self.valid() { unsafe { (*self.node).tag } } else { 0 };
        EntryKind::from_tag(tag as u8).unwrap_or(EntryKind::Delete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Owner(SkipList);
    impl HasList for Owner {
        fn list(&self) -> &SkipList {
            &self.0
        }
    }

    #[test]
    fn a_seek_from_anywhere_finds_what_one_from_the_head_finds() {
        let owner = Arc::new(Owner(SkipList::new()));
        let key = |n: u64| (n % 97).to_be_bytes();
        for step in 0..3000u64 {
            owner.0.insert(&key(step.wrapping_mul(7919)), Seq(step + 1), EntryKind::Put, &[]);
        }
        let (mut near, mut x) = (ListCursor::new(owner.clone()), 1u64);
        for _ in 0..5000 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (key, seq) = ((x >> 33) % 99, Seq((x >> 20) % 3002));
            let mut far = ListCursor::new(owner.clone());
            far.seek(&key.to_be_bytes(), seq);
            near.seek(&key.to_be_bytes(), seq);
            assert!(ptr::eq(near.node, far.node), "{key} {seq:?}");
        }
    }

    #[test]
    fn one_inserter_puts_runs_of_ascending_keys_where_single_inserts_put_them() {
        let (batched, single) = (Arc::new(Owner(SkipList::new())), Arc::new(Owner(SkipList::new())));
        for run in 0..60u64 {
            let mut inserter = batched.0.inserter();
            for step in 0..50u64 {
                // Ascending but for a few, some keys again and again.
                let key = (run * 131 % 400 + step * 3 - if step % 17 == 16 { 20 } else { 0 }).to_be_bytes();
                let seq = Seq(1 + run / 2);
                inserter.insert(&key, seq, EntryKind::Put, &step.to_le_bytes());
                single.0.insert(&key, seq, EntryKind::Put, &step.to_le_bytes());
            }
        }
        let entries = |owner: &Arc<Owner>| {
            let mut cursor = ListCursor::new(owner.clone());
            cursor.seek_first();
            let mut entries = Vec::new();
            while cursor.valid() {
                entries.push((cursor.key().to_vec(), cursor.seq(), cursor.value().to_vec()));
                cursor.next();
            }
            entries
        };
        assert_eq!(entries(&batched), entries(&single));
        assert_eq!(entries(&batched).len(), 3000);
    }

    #[test]
    fn entries_lie_in_key_order_newest_first_in_both_directions() {
        let owner = Arc::new(Owner(SkipList::new()));
        let mut model = std::collections::BTreeMap::new();
        for step in 0..2000u64 {
            let key = (step.wrapping_mul(7919) % 500).to_be_bytes();
            owner.0.insert(&key, Seq(step + 1), EntryKind::Put, &step.to_le_bytes());
            model.insert((key, u64::MAX - step), step);
        }
        let mut cursor = ListCursor::new(owner.clone());
        cursor.seek_first();
        for ((key, _), step) in &model {
            assert_eq!((cursor.key(), cursor.seq()), (key.as_slice(), Seq(step + 1)));
            assert_eq!(cursor.value(), step.to_le_bytes());
            cursor.next();
        }
        assert!(!cursor.valid());
        cursor.seek_last();
        for ((key, _), step) in model.iter().rev() {
            assert_eq!((cursor.key(), cursor.seq()), (key.as_slice(), Seq(step + 1)));
            cursor.prev();
        }
        assert!(!cursor.valid());
    }

    #[test]
    fn many_writers_lose_nothing_and_readers_see_whole_entries() {
        let owner = Arc::new(Owner(SkipList::new()));
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let owner = &owner;
                scope.spawn(move || {
                    // Two of them insert in runs that end among those of the others.
                    let mut inserter = owner.0.inserter();
                    for step in 0..3000u64 {
                        let n = step * 4 + thread;
                        if thread < 2 {
                            let key = (n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_be_bytes();
                            owner.0.insert(&key, Seq(step), EntryKind::Put, &key);
                        } else {
                            let key = ((n % 64) << 58 | n << 20 | thread).to_be_bytes();
                            inserter.insert(&key, Seq(step), EntryKind::Put, &key);
                        }
                    }
                });
            }
            let mut cursor = ListCursor::new(owner.clone());
            while owner.0.len() < 12_000 {
                cursor.seek_first();
                let mut last = Vec::new();
                while cursor.valid() {
                    assert_eq!(cursor.key(), cursor.value());
                    assert!(last.as_slice() < cursor.key() || last.is_empty());
                    last = cursor.key().to_vec();
                    cursor.next();
                }
            }
        });
        let mut cursor = ListCursor::new(owner.clone());
        cursor.seek_first();
        let mut count = 0;
        while cursor.valid() {
            count += 1;
            cursor.next();
        }
        assert_eq!(count, 12_000);
    }
}
