//! A bump allocator that many threads share: one `fetch_add` per allocation, a mutex only for a new chunk.
//!
//! Memory is never given back before the arena goes, so a pointer that it returned is valid as long as the arena is.
#![allow(unsafe_code)]

use parking_lot::Mutex;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

const ALIGN: usize = 8;
const FIRST_CHUNK_BYTES: usize = 64 << 10;
const CHUNK_BYTES: usize = 1 << 20;

struct Chunk {
    base: NonNull<u8>,
    layout: Layout,
    used: AtomicUsize,
}

impl Chunk {
    fn new(size_bytes: usize) -> Chunk {
        let Ok(layout) = Layout::from_size_align(size_bytes.max(ALIGN), ALIGN) else {
            // Only a size near isize::MAX gets here; batches are limited far below.
            handle_alloc_error(Layout::new::<u64>());
        };
        // SAFETY: the layout has a size above zero.
        let Some(base) = NonNull::new(unsafe { alloc_zeroed(layout) }) else { handle_alloc_error(layout) };
        Chunk { base, layout, used: AtomicUsize::new(0) }
    }

    fn allocate(&self, size_bytes: usize) -> Option<NonNull<u8>> {
        let at = self.used.fetch_add(size_bytes, Ordering::Relaxed);
        let end = at.checked_add(size_bytes)?;
        if end > self.layout.size() {
            return None;
        }
        // SAFETY: at ≤ end ≤ size of the one allocation behind `base`.
        Some(unsafe { self.base.add(at) })
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: `base` came from `alloc_zeroed` with this layout and is freed once.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

pub(super) struct Arena {
    current: AtomicPtr<Chunk>,
    /// Boxed, so that `current` stays valid when the vector grows.
    #[allow(clippy::vec_box)]
    chunks: Mutex<Vec<Box<Chunk>>>,
    allocated_bytes: AtomicUsize,
}

// SAFETY: chunks are reached through atomics and a mutex; the bytes that two calls return never overlap, and what
// users do with theirs is their own argument.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    pub(super) fn new() -> Arena {
        let first = Box::new(Chunk::new(FIRST_CHUNK_BYTES));
        let current = AtomicPtr::new(std::ptr::from_ref(&*first).cast_mut());
        Arena {
            current,
            chunks: Mutex::new(vec![first]),
            allocated_bytes: AtomicUsize::new(FIRST_CHUNK_BYTES),
        }
    }

    /// Bytes taken from the system.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.allocated_bytes.load(Ordering::Relaxed)
    }

    /// Zeroed, 8-aligned memory that nobody else has.
    pub(super) fn allocate(&self, size_bytes: usize) -> NonNull<u8> {
        let size_bytes = size_bytes.next_multiple_of(ALIGN);
        loop {
            let seen = self.current.load(Ordering::Acquire);
            // SAFETY: `current` points into a box in `chunks`, which lose none before the arena goes.
            if let Some(bytes) = unsafe { &*seen }.allocate(size_bytes) {
                return bytes;
            }
            let mut chunks = self.chunks.lock();
            if self.current.load(Ordering::Acquire) != seen {
                continue;
            }
            if size_bytes > CHUNK_BYTES / 4 {
                // Its own chunk: the current one keeps its rest, which smaller requests may still use.
                let own = Box::new(Chunk::new(size_bytes));
                self.allocated_bytes.fetch_add(size_bytes, Ordering::Relaxed);
                let Some(bytes) = own.allocate(size_bytes) else { handle_alloc_error(own.layout) };
                chunks.push(own);
                return bytes;
            }
            let next = Box::new(Chunk::new(CHUNK_BYTES));
            self.allocated_bytes.fetch_add(CHUNK_BYTES, Ordering::Relaxed);
            self.current.store(std::ptr::from_ref(&*next).cast_mut(), Ordering::Release);
            chunks.push(next);
        }
    }
}
