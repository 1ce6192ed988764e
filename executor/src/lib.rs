//! Plans to rows: operators, the point path, and everything that writes rows. README.md has the map.

mod ddl;
mod host;
mod key_table;
mod memo;
mod normal;
mod ops;
mod packed;
mod point;
mod ranges;
mod reads;
mod runtime;
mod shape;
mod spill;
mod statement;
mod temp;
mod write;

pub use ddl::{build_index, copy_rows, validate_rows};
pub use host::{Host, Settings};
pub use ranges::{ByteRange, byte_ranges};
pub use shape::{IndexShape, PartShape, PartSource, TableInfo};
pub use statement::{Outcome, Statement, evaluate};
pub use temp::TempFiles;
pub use write::{Changes, LoadColumns, LoadFeed, LoadField, LoadRecord, Loaded, TakeRecord};
