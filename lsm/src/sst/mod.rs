//! SSTables: immutable sorted files. `docs/formats/sst.md` has the bytes.
//!
//! [`TableWriter`] makes one, [`Table`] reads it, [`TableIter`] walks it in both directions, and [`BlockCache`] keeps
//! decoded blocks of all tables.

mod block;
mod cache;
mod iter;
mod key;
mod table;
mod writer;

pub(crate) use block::Block;
pub(crate) use cache::BlockCache;
pub(crate) use iter::TableIter;
pub(crate) use key::{InternalKey, compare};
pub(crate) use table::{Found, Table};
pub(crate) use writer::{RangeTombstone, TableMeta, TableOptions, TableWriter};
