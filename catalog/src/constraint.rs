//! Foreign keys and checks.

use crate::ids::ColumnId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferentialAction {
    /// The default; shown as nothing.
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Clone, Debug)]
pub struct ForeignKeyDef {
    pub name: String,
    pub columns: Vec<ColumnId>,
    /// Names, not ids: with `foreign_key_checks = 0` the parent may not exist yet.
    pub parent_schema: String,
    pub parent_table: String,
    pub parent_columns: Vec<String>,
    pub on_delete: ReferentialAction,
    pub on_update: ReferentialAction,
}

#[derive(Clone, Debug)]
pub struct CheckDef {
    pub name: String,
    /// Canonical source text without the outer parentheses.
    pub expression: String,
    pub enforced: bool,
}
