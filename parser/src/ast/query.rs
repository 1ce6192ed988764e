//! Queries: WITH, SELECT, set operations, VALUES, TABLE.

use super::data_type::DataType;
use super::expr::{JsonOnResponse, WindowSpec};
use super::literal::StringLiteral;
use super::name::{ColumnName, Ident, ObjectName, Span};
use super::{ExprId, FromId, QueryId};
use aurora_types::Text;

/// A query expression with what belongs to its whole. Parentheses around it are gone where they change nothing.
#[derive(Clone, Debug)]
pub struct Query {
    pub with: Option<With>,
    pub body: QueryBody,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
    pub locking: Vec<LockingClause>,
    pub into: Option<IntoClause>,
    /// Without parentheses around it.
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum QueryBody {
    Select(Box<Select>),
    /// `VALUES ROW(..), ROW(..)`.
    Values(Vec<Vec<ExprId>>),
    /// `TABLE t`.
    Table(ObjectName),
    /// `first op second op third ..`, evaluated from left to right. INTERSECT binds tighter and then is a
    /// query of its own here.
    SetOperation {
        first: QueryId,
        rest: Vec<SetTerm>,
    },
    /// `(query)` that has ORDER BY, LIMIT or WITH of its own inside and more outside.
    Nested(QueryId),
}

#[derive(Clone, Debug)]
pub struct SetTerm {
    pub op: SetOp,
    pub all: bool,
    pub query: QueryId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOp {
    Union,
    Except,
    Intersect,
}

#[derive(Clone, Debug)]
pub struct With {
    pub recursive: bool,
    pub tables: Vec<CommonTable>,
}

#[derive(Clone, Debug)]
pub struct CommonTable {
    pub name: Ident,
    pub columns: Vec<Ident>,
    pub query: QueryId,
}

#[derive(Clone, Debug)]
pub struct Select {
    pub options: SelectOptions,
    /// Text inside `/*+ .. */`.
    pub hints: Option<Text>,
    pub items: Vec<SelectItem>,
    /// Comma-separated; empty without FROM and for FROM DUAL.
    pub from: Vec<TableReference>,
    /// `FROM DUAL` was written.
    pub from_dual: bool,
    pub filter: Option<ExprId>,
    pub group_by: Option<GroupBy>,
    pub having: Option<ExprId>,
    pub windows: Vec<(Ident, WindowSpec)>,
    pub qualify: Option<ExprId>,
    /// The keyword SELECT.
    pub span: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectOptions {
    pub distinct: bool,
    pub straight_join: bool,
    pub high_priority: bool,
    pub small_result: bool,
    pub big_result: bool,
    pub buffer_result: bool,
    pub calc_found_rows: bool,
    pub no_cache: bool,
}

#[derive(Clone, Debug)]
pub enum SelectItem {
    /// `*`.
    Wildcard(Span),
    /// `t.*`, `s.t.*`.
    TableWildcard(ObjectName),
    Expr {
        expr: ExprId,
        alias: Option<Ident>,
        /// What MySQL calls the column when there is no alias: the source as written (bytes in the client's
        /// character set converted to UTF-8), or the text of a lone literal, or a column's own name.
        name: Text,
        /// The source of the expression.
        span: Span,
    },
}

/// A table and what is joined to it, from left to right.
#[derive(Clone, Debug)]
pub struct TableReference {
    pub first: TableFactor,
    pub joins: Vec<Join>,
}

#[derive(Clone, Debug)]
pub struct Join {
    pub kind: JoinKind,
    pub natural: bool,
    pub right: TableFactor,
    pub condition: JoinCondition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// JOIN, INNER JOIN, CROSS JOIN: one thing in MySQL.
    Inner,
    /// STRAIGHT_JOIN.
    Straight,
    Left,
    Right,
}

#[derive(Clone, Debug)]
pub enum JoinCondition {
    None,
    On(ExprId),
    Using(Vec<Ident>),
}

#[derive(Clone, Debug)]
pub enum TableFactor {
    Table(Box<TableFactorTable>),
    Derived {
        lateral: bool,
        query: QueryId,
        alias: Ident,
        columns: Vec<Ident>,
    },
    JsonTable(Box<JsonTable>),
    /// `(t1, t2)` or `(t1 JOIN t2 ..)`: the list is in [`super::Ast::from`].
    Nested(FromId),
}

#[derive(Clone, Debug)]
pub struct TableFactorTable {
    pub name: ObjectName,
    pub alias: Option<Ident>,
    pub partitions: Vec<Ident>,
    pub index_hints: Vec<IndexHint>,
    /// The name in the source.
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct IndexHint {
    pub kind: IndexHintKind,
    pub scope: IndexHintScope,
    /// Empty only for `USE INDEX ()`.
    pub indexes: Vec<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexHintKind {
    Use,
    Ignore,
    Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexHintScope {
    All,
    Join,
    OrderBy,
    GroupBy,
}

#[derive(Clone, Debug)]
pub struct JsonTable {
    pub doc: ExprId,
    pub path: StringLiteral,
    pub columns: Vec<JsonTableColumn>,
    pub alias: Ident,
}

#[derive(Clone, Debug)]
pub enum JsonTableColumn {
    /// `name FOR ORDINALITY`.
    Ordinality(Ident),
    Path {
        name: Ident,
        ty: DataType,
        path: StringLiteral,
        /// `EXISTS PATH`.
        exists: bool,
        on_empty: Option<JsonOnResponse>,
        on_error: Option<JsonOnResponse>,
    },
    Nested {
        path: StringLiteral,
        columns: Vec<JsonTableColumn>,
    },
}

#[derive(Clone, Debug)]
pub struct GroupBy {
    pub items: Vec<ExprId>,
    /// WITH ROLLUP or ROLLUP(..).
    pub rollup: bool,
}

#[derive(Clone, Debug)]
pub struct OrderItem {
    pub expr: ExprId,
    pub descending: bool,
}

/// Each is an integer literal, a parameter or (in routines) a variable.
#[derive(Clone, Debug)]
pub struct Limit {
    pub count: ExprId,
    pub offset: Option<ExprId>,
}

#[derive(Clone, Debug)]
pub struct LockingClause {
    pub strength: LockStrength,
    /// OF; empty is every table.
    pub tables: Vec<ObjectName>,
    pub wait: LockWait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockStrength {
    Update,
    /// FOR SHARE and LOCK IN SHARE MODE.
    Share,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockWait {
    Wait,
    NoWait,
    SkipLocked,
}

#[derive(Clone, Debug)]
pub enum IntoClause {
    Variables(Vec<IntoTarget>),
    Outfile { file: StringLiteral, charset: Option<Text>, format: Box<DataFileFormat> },
    Dumpfile(StringLiteral),
}

#[derive(Clone, Debug)]
pub enum IntoTarget {
    UserVariable(Text),
    /// A local variable of a routine.
    Local(Ident),
}

/// FIELDS and LINES of LOAD DATA and INTO OUTFILE; `None` means MySQL's default.
#[derive(Clone, Debug, Default)]
pub struct DataFileFormat {
    pub fields_terminated_by: Option<StringLiteral>,
    pub enclosed_by: Option<StringLiteral>,
    pub optionally_enclosed: bool,
    pub escaped_by: Option<StringLiteral>,
    pub lines_starting_by: Option<StringLiteral>,
    pub lines_terminated_by: Option<StringLiteral>,
}

/// `column = value` of INSERT .. SET, UPDATE and ON DUPLICATE KEY UPDATE; a missing value is `Expr::Default`.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub column: ColumnName,
    pub value: ExprId,
}
