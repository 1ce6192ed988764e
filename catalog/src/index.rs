//! Indexes.

use crate::ids::{ColumnId, IndexId, StorageId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// The clustered index: its entries are the rows.
    Primary,
    Unique,
    Secondary,
    /// Kept in the schema and shown; not built yet, MATCH answers 1235.
    FullText,
    /// Kept in the schema and shown; not built yet.
    Spatial,
}

/// What an index part is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart {
    Column(ColumnId),
    /// A functional key part: canonical source text.
    Expression(String),
}

#[derive(Clone, Debug)]
pub struct IndexPart {
    pub part: KeyPart,
    /// `col(n)`: characters for character strings, bytes for binary ones.
    pub prefix_length: Option<u32>,
    pub descending: bool,
}

/// Whether readers may use the index (STORAGE 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    Public,
    /// Writers keep it up, readers do not see it yet.
    WriteOnly,
    /// Only named in the schema (FULLTEXT, SPATIAL).
    SchemaOnly,
}

#[derive(Clone, Debug)]
pub struct IndexDef {
    pub id: IndexId,
    /// `PRIMARY` for the primary key.
    pub name: String,
    pub kind: IndexKind,
    pub parts: Vec<IndexPart>,
    pub storage: StorageId,
    pub state: IndexState,
    pub invisible: bool,
    pub comment: String,
    /// `USING BTREE` / `USING HASH` as written, shown again.
    pub using: Option<String>,
    /// WITH PARSER of a full-text index.
    pub parser: Option<String>,
}

impl IndexDef {
    pub fn is_unique(&self) -> bool {
        matches!(self.kind, IndexKind::Primary | IndexKind::Unique)
    }

    /// Whether entries exist in storage and readers may use them.
    pub fn is_readable(&self) -> bool {
        self.state == IndexState::Public
    }
}
