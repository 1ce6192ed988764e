//! INSERT, REPLACE, UPDATE, DELETE, LOAD DATA, CALL, DO, HANDLER.

use super::literal::StringLiteral;
use super::name::{Ident, ObjectName};
use super::query::{Assignment, DataFileFormat, Limit, OrderItem, TableReference, With};
use super::{ExprId, QueryId};
use aurora_types::Text;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WritePriority {
    #[default]
    Normal,
    Low,
    /// DELAYED, which MySQL takes as nothing with a warning.
    Delayed,
    High,
}

/// INSERT and REPLACE.
#[derive(Clone, Debug)]
pub struct Insert {
    pub replace: bool,
    pub priority: WritePriority,
    pub ignore: bool,
    pub hints: Option<Text>,
    pub table: ObjectName,
    pub partitions: Vec<Ident>,
    /// Columns as listed, in SET order for the SET form; `None` when no list was written.
    pub columns: Option<Vec<super::ColumnName>>,
    pub source: InsertSource,
    /// `AS new [(a, b)]`.
    pub row_alias: Option<RowAlias>,
    /// ON DUPLICATE KEY UPDATE.
    pub on_duplicate: Vec<Assignment>,
}

#[derive(Clone, Debug)]
pub enum InsertSource {
    /// VALUES and SET. A row may be empty (`VALUES ()`); `DEFAULT` is `Expr::Default(None)`.
    Values(Vec<Vec<ExprId>>),
    /// SELECT, TABLE, VALUES ROW(..), WITH.
    Query(QueryId),
}

#[derive(Clone, Debug)]
pub struct RowAlias {
    pub name: Ident,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug)]
pub struct Update {
    pub with: Option<With>,
    pub low_priority: bool,
    pub ignore: bool,
    pub hints: Option<Text>,
    /// One table without joins is the single-table form; only that may have ORDER BY and LIMIT.
    pub tables: Vec<TableReference>,
    pub assignments: Vec<Assignment>,
    pub filter: Option<ExprId>,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
}

#[derive(Clone, Debug)]
pub struct Delete {
    pub with: Option<With>,
    pub low_priority: bool,
    pub quick: bool,
    pub ignore: bool,
    pub hints: Option<Text>,
    pub form: DeleteForm,
    pub filter: Option<ExprId>,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
}

#[derive(Clone, Debug)]
pub enum DeleteForm {
    /// `DELETE FROM t [AS a] [PARTITION (..)]`.
    Single { table: ObjectName, alias: Option<Ident>, partitions: Vec<Ident> },
    /// `DELETE a, b FROM ..` and `DELETE FROM a, b USING ..`. Targets name tables or aliases of `tables`.
    Multi { targets: Vec<ObjectName>, tables: Vec<TableReference> },
}

#[derive(Clone, Debug)]
pub struct LoadData {
    pub xml: bool,
    pub priority: LoadPriority,
    pub local: bool,
    pub file: StringLiteral,
    pub duplicates: LoadDuplicates,
    pub table: ObjectName,
    pub partitions: Vec<Ident>,
    pub charset: Option<Text>,
    /// LOAD XML: ROWS IDENTIFIED BY.
    pub rows_identified_by: Option<StringLiteral>,
    pub format: DataFileFormat,
    pub ignore_lines: Option<u64>,
    pub columns: Vec<LoadTarget>,
    pub assignments: Vec<Assignment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadPriority {
    Normal,
    Low,
    Concurrent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadDuplicates {
    Error,
    Ignore,
    Replace,
}

#[derive(Clone, Debug)]
pub enum LoadTarget {
    Column(Ident),
    UserVariable(Text),
}

#[derive(Clone, Debug)]
pub struct CallProcedure {
    pub name: ObjectName,
    pub args: Vec<ExprId>,
}

#[derive(Clone, Debug)]
pub struct Handler {
    pub table: ObjectName,
    pub action: HandlerAction,
}

#[derive(Clone, Debug)]
pub enum HandlerAction {
    Open { alias: Option<Ident> },
    Close,
    Read { index: Option<Ident>, position: HandlerPosition, filter: Option<ExprId>, limit: Option<Limit> },
}

#[derive(Clone, Debug)]
pub enum HandlerPosition {
    First,
    Next,
    Prev,
    Last,
    /// `= (..)`, `<= (..)` and so on.
    Key {
        op: super::BinaryOp,
        values: Vec<ExprId>,
    },
}
