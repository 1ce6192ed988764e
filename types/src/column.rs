//! What a client is told about one result column.

use crate::SqlType;

/// Flags of a column definition packet (MySQL's `field_flags`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnFlags(pub u16);

impl ColumnFlags {
    pub const NOT_NULL: u16 = 1;
    pub const PRI_KEY: u16 = 2;
    pub const UNIQUE_KEY: u16 = 4;
    pub const MULTIPLE_KEY: u16 = 8;
    pub const BLOB: u16 = 16;
    pub const UNSIGNED: u16 = 32;
    pub const ZEROFILL: u16 = 64;
    pub const BINARY: u16 = 128;
    pub const ENUM: u16 = 256;
    pub const AUTO_INCREMENT: u16 = 512;
    pub const TIMESTAMP: u16 = 1024;
    pub const SET: u16 = 2048;
    pub const NO_DEFAULT_VALUE: u16 = 4096;
    pub const ON_UPDATE_NOW: u16 = 8192;
    pub const NUM: u16 = 32768;
}

/// A result column: names as MySQL gives them and the type that decides its encoding.
#[derive(Clone, Debug)]
pub struct ColumnMeta {
    pub schema: String,
    /// Alias of the table in the query.
    pub table: String,
    pub org_table: String,
    /// Alias of the column in the query.
    pub name: String,
    pub org_name: String,
    pub ty: SqlType,
    pub flags: ColumnFlags,
}
