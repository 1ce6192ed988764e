//! SSTables: immutable sorted files. `docs/formats/sst.md` has the bytes.
//!
//! [`TableWriter`] makes one, [`Table`] reads it, [`TableIter`] walks it in both directions, and [`BlockCache`] keeps
//! decoded blocks of all tables.

mod block;
mod cache;
mod compress;
mod cursor;
mod dictionary;
mod filter;
mod frame;
mod hash;
mod iter;
mod key;
mod meta;
mod size;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use block::Block;
pub(crate) use cache::BlockCache;
pub(crate) use hash::hash64;
pub(crate) use iter::TableIter;
pub(crate) use key::{InternalKey, compare, compare_user, same_user};
pub(crate) use meta::{RangeTombstone, TableMeta};
pub(crate) use table::{Found, Table};
pub(crate) use writer::{Stay, TableOptions, TableWriter};

/// Version of the format, in every table's header. Format 1 knew no dictionaries, format 2 no zstd.
const FORMAT: u16 = 3;
