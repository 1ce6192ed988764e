//! Columns.

use crate::ids::ColumnId;
use aurora_types::{SqlType, Value};

/// One column. Order in [`crate::TableDef::columns`] is the order users see.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    pub id: ColumnId,
    /// As written; compared without case.
    pub name: String,
    /// Type, length, collation and nullability.
    pub ty: SqlType,
    pub default: ColumnDefault,
    /// `ON UPDATE CURRENT_TIMESTAMP(fsp)`.
    pub on_update_now: bool,
    pub auto_increment: bool,
    pub generated: Option<Generated>,
    pub comment: String,
    /// `INVISIBLE`: left out of `SELECT *` and of INSERT without a column list.
    pub invisible: bool,
    /// SRID attribute of a spatial column.
    pub srid: Option<u32>,
    /// Whether charset and collation were written out, so that SHOW CREATE TABLE repeats them as MySQL does.
    pub explicit_charset: bool,
    pub explicit_collation: bool,
    /// What rows written before the column was added hold for it (INSTANT ADD COLUMN).
    pub added_value: Option<Value>,
}

/// The DEFAULT clause.
#[derive(Clone, Debug)]
pub enum ColumnDefault {
    /// None: NULL for a nullable column (shown as `DEFAULT NULL`), an error in strict mode for the others.
    None,
    /// `DEFAULT NULL` or a nullable column without a clause.
    Null,
    /// A literal, already converted to the column's type.
    Value(Value),
    /// `CURRENT_TIMESTAMP(fsp)`.
    CurrentTimestamp,
    /// `DEFAULT (expr)`: canonical source text, parsed and resolved when the table is opened.
    Expression(String),
}

/// `GENERATED ALWAYS AS (expression)`.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Canonical source text, in MySQL's SHOW CREATE TABLE form without the outer parentheses.
    pub expression: String,
    pub stored: bool,
}
