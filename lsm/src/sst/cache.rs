//! Decoded blocks of all tables, up to a number of bytes.

use super::block::Block;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// File number and offset of a block.
type Place = (u64, u64);

/// What an entry of the cache costs beside its block, about.
const ENTRY_BYTES: u64 = 96;

/// For the first size of the cache's tables; nothing depends on it being right.
const TYPICAL_BLOCK_BYTES: u64 = 4 << 10;

#[derive(Clone)]
struct ByBytes;

impl Weighter<Place, Arc<Block>> for ByBytes {
    fn weight(&self, _place: &Place, block: &Arc<Block>) -> u64 {
        block.memory_bytes() as u64 + ENTRY_BYTES
    }
}

/// Blocks by place. Sharded, and a scan does not displace what is read again and again.
pub(crate) struct BlockCache {
    blocks: Cache<Place, Arc<Block>, ByBytes>,
}

impl BlockCache {
    /// A cache that holds about this many bytes of blocks.
    pub(crate) fn new(capacity_bytes: u64) -> Arc<BlockCache> {
        let items =
            usize::try_from(capacity_bytes / TYPICAL_BLOCK_BYTES).unwrap_or(usize::MAX).clamp(16, 1 << 24);
        Arc::new(BlockCache { blocks: Cache::with_weighter(items, capacity_bytes, ByBytes) })
    }

    #[inline]
    pub(super) fn get(&self, file_number: u64, offset: u64) -> Option<Arc<Block>> {
        self.blocks.get(&(file_number, offset))
    }

    pub(super) fn insert(&self, file_number: u64, offset: u64, block: Arc<Block>) {
        self.blocks.insert((file_number, offset), block);
    }

    /// Drops the blocks of files that were deleted, their numbers in order. Walks the whole cache, and readers wait for
    /// it: once for all files of a compaction.
    pub(crate) fn forget_files(&self, numbers: &[u64]) {
        if !numbers.is_empty() {
            self.blocks.retain(|place, _| numbers.binary_search(&place.0).is_err());
        }
    }

    /// Bytes that cached blocks take.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.blocks.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: usize) -> Arc<Block> {
        let mut contents = vec![0; bytes];
        // One restart point.
        contents[bytes - 4] = 1;
        Arc::new(Block::new(contents).unwrap())
    }

    #[test]
    fn stays_within_its_bytes_and_forgets_files() {
        let cache = BlockCache::new(1 << 20);
        for offset in 0..200 {
            cache.insert(1, offset, block(16 << 10));
            cache.insert(2, offset, block(1 << 10));
            assert!(cache.used_bytes() <= 1 << 20);
        }
        assert!(cache.used_bytes() > 1 << 19);
        cache.forget_files(&[1, 7]);
        assert!((0..200).all(|offset| cache.get(1, offset).is_none()));
        assert!((0..200).any(|offset| cache.get(2, offset).is_some()));
    }

    #[test]
    fn no_bytes_means_no_blocks() {
        let cache = BlockCache::new(0);
        cache.insert(1, 1, block(100));
        assert!(cache.get(1, 1).is_none());
    }
}
