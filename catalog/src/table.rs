//! Tables.

use crate::column::ColumnDef;
use crate::constraint::{CheckDef, ForeignKeyDef};
use crate::ids::{ColumnId, IndexId, SchemaVersion, StorageId, TableId};
use crate::index::{IndexDef, IndexKind};
use aurora_types::CollationId;

/// A table as one version of its definition says.
#[derive(Clone, Debug)]
pub struct TableDef {
    pub id: TableId,
    pub schema: String,
    /// Compared with case, as MySQL on Linux does.
    pub name: String,
    pub version: SchemaVersion,
    /// In the order users see. Stored rows are laid out by `ColumnId`, see types' row codec.
    pub columns: Vec<ColumnDef>,
    /// The clustered range of the rows: the primary key's storage, or that of the hidden row id.
    pub storage: StorageId,
    /// The primary key first if there is one, then in the order MySQL shows them.
    pub indexes: Vec<IndexDef>,
    pub foreign_keys: Vec<ForeignKeyDef>,
    pub checks: Vec<CheckDef>,
    pub options: TableOptions,
    pub next_column_id: u32,
    pub next_index_id: u32,
    /// `CREATE TEMPORARY TABLE`: known to one session only.
    pub temporary: bool,
}

/// Table options that are kept and shown.
#[derive(Clone, Debug)]
pub struct TableOptions {
    /// As written (`InnoDB` when absent): every engine name is stored the same way here.
    pub engine: String,
    pub collation: CollationId,
    pub comment: String,
    /// `AUTO_INCREMENT = n` of CREATE or ALTER; the live counter is storage's.
    pub auto_increment: Option<u64>,
    pub row_format: Option<String>,
    /// Options with no meaning here, as `NAME=value` in the order SHOW CREATE TABLE prints them.
    pub kept: Vec<String>,
    /// Seconds since 1970 of CREATE TABLE, UTC.
    pub create_time_s: u64,
    /// `PARTITION BY …` as written; kept and shown, not used for placement yet.
    pub partition_clause: Option<String>,
}

impl TableDef {
    /// The declared primary key; `None` means rows are clustered by a hidden 8-byte row id.
    pub fn primary_key(&self) -> Option<&IndexDef> {
        self.indexes.iter().find(|index| index.kind == IndexKind::Primary)
    }

    pub fn column(&self, id: ColumnId) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// Position among the columns, by id.
    pub fn position(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    /// Position among the columns, by name, without case.
    pub fn position_by_name(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| names_equal(&column.name, name))
    }

    pub fn index(&self, id: IndexId) -> Option<&IndexDef> {
        self.indexes.iter().find(|index| index.id == id)
    }

    pub fn index_by_name(&self, name: &str) -> Option<&IndexDef> {
        self.indexes.iter().find(|index| names_equal(&index.name, name))
    }

    pub fn auto_increment_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| column.auto_increment)
    }
}

/// Column and index names are compared without case.
pub fn names_equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}
