//! How an engine is set up.

use aurora_env::{ThreadWaiter, Waiter};
use std::sync::Arc;

/// Which Bloom filter SSTables carry. Both are always readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterKind {
    /// One cache line per probe: the faster one by measurement, and the default.
    Blocked,
    /// The `bloomfilter` package's: fewer false positives for the same bits, more cache misses.
    Classic,
    None,
}

/// What blocks of new tables are compressed with. All are always readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    /// The quicker one to read.
    Lz4,
    /// The smaller one, and the default. Tables that soon are written again have lz4, for it takes a third of the CPU.
    Zstd,
}

/// Options of one engine; sizes in bytes. [`EngineOptions::default`] suits a small server.
#[derive(Clone)]
pub struct EngineOptions {
    /// Open for reading only: nothing is written, not even recovery's cut; no background threads.
    pub read_only: bool,
    /// Flush, compaction and log run on threads of their own. Without them (simulation) they run inside the
    /// committing call, so that a seed fixes the order of everything.
    pub background_threads: bool,
    /// A memtable of this size is rotated.
    pub memtable_bytes: usize,
    /// Memtables waiting for their flush before writers are stopped.
    pub immutable_memtables_max: usize,
    pub wal_segment_bytes: u64,
    /// Log bytes that recovery would have to replay before a flush is forced.
    pub wal_bytes_max: u64,
    /// Target size of a data block before compression.
    pub block_bytes: usize,
    pub restart_interval: usize,
    pub compression: Compression,
    pub filter: FilterKind,
    pub filter_bits_per_key: usize,
    /// Target size of an SSTable.
    pub table_bytes: u64,
    pub block_cache_bytes: u64,
    /// Files in level 0 at which they are compacted.
    pub l0_compaction_files: usize,
    /// Files in level 0 at which writers begin to be slowed, and at which they stop.
    pub l0_slowdown_files: usize,
    pub l0_stop_files: usize,
    /// Target size of the first level below 0, and the factor between levels.
    pub level_base_bytes: u64,
    pub level_ratio: u64,
    /// Compaction input bytes per second while writers do not stall; 0: no limit.
    pub compaction_bytes_per_second: u64,
    /// Free space below which statements that grow the data are refused (STORAGE 21).
    pub disk_reserve_bytes: u64,
    /// How a commit waits when it is slowed down.
    pub waiter: Arc<dyn Waiter>,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            read_only: false,
            background_threads: true,
            memtable_bytes: 64 << 20,
            immutable_memtables_max: 3,
            wal_segment_bytes: 16 << 20,
            wal_bytes_max: 256 << 20,
            block_bytes: 4 << 10,
            restart_interval: 16,
            compression: Compression::Zstd,
            filter: FilterKind::Blocked,
            filter_bits_per_key: 10,
            table_bytes: 32 << 20,
            block_cache_bytes: 256 << 20,
            l0_compaction_files: 4,
            l0_slowdown_files: 12,
            l0_stop_files: 36,
            level_base_bytes: 128 << 20,
            level_ratio: 8,
            compaction_bytes_per_second: 0,
            disk_reserve_bytes: 256 << 20,
            waiter: Arc::new(ThreadWaiter),
        }
    }
}
