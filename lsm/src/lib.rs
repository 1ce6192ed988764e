//! An ordered, versioned, crash-safe byte map: write-ahead log, memtables, SSTables, compaction, snapshots.
//!
//! Start at [`Engine`]. A commit takes one [`Seq`]; reads look at a [`ReadAt`].

mod batch;
mod codec;
mod compaction;
mod core;
mod data_dir;
mod engine;
mod error;
mod flush;
mod gc;
mod iter;
mod job;
mod log;
mod memtable;
mod merge;
mod options;
mod quiet;
mod ranges;
mod recovery;
mod size;
mod snapshot;
// Parts of its surface serve tests only.
#[allow(dead_code, unused_imports)]
mod sst;
#[cfg(test)]
mod tests;
mod ticket;
mod types;
mod value;
mod version;
mod view;

pub use batch::{BatchEntries, WriteBatch};
pub use data_dir::{DATA_FORMAT, DataDir};
pub use engine::{Engine, EngineStats};
pub use error::LsmError;
pub use iter::LsmIter;
pub use options::{Compression, EngineOptions, FilterKind};
pub use snapshot::Snapshot;
pub use ticket::{CommitHooks, CommitTicket, NoHooks};
pub use types::{CommitFields, Durability, EntryKind, Lsn, ReadAt, Seq};
pub use value::{Lookup, PinnedValue};
