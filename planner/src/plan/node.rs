//! The operator tree.

use super::scan::Scan;
use aurora_catalog::TableDef;
use aurora_expr::{AggregateFunction, Expr, WindowFunction};
use aurora_types::{SqlType, Value};
use std::sync::Arc;

/// An operator with its estimate. `id` is unique in the plan: EXPLAIN ANALYZE counts by it.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: u32,
    pub operator: Operator,
    /// Types of the output columns.
    pub types: Vec<SqlType>,
    pub estimate: Estimate,
}

/// What the optimizer expects.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Rows given by one run.
    pub rows: f64,
    /// Cost of one run with everything below, in units of a row read in sequence.
    pub cost: f64,
}

#[derive(Clone, Debug)]
pub enum Operator {
    /// One row per entry; a row without columns is `SELECT` without FROM.
    Values(Vec<Vec<Expr>>),
    Scan(Scan),
    /// A table that some other part of the server fills (information_schema, performance_schema).
    VirtualScan {
        table: Arc<TableDef>,
        alias: String,
        columns: Vec<usize>,
        /// Over the output columns. The provider may read equalities out of it to do less.
        filter: Option<Expr>,
    },
    /// Rows of `Plan::ctes[cte]`.
    CteScan {
        cte: usize,
        alias: String,
    },
    /// Inside a recursive step: the rows of the previous round of `Plan::ctes[cte]`.
    WorkTable {
        cte: usize,
        alias: String,
    },
    /// `JSON_TABLE(doc, path COLUMNS (…))`; `doc` reads slots.
    JsonTable {
        alias: String,
        doc: Expr,
        path: String,
        columns: Vec<JsonColumn>,
    },
    Filter {
        input: Box<Node>,
        condition: Expr,
    },
    Project {
        input: Box<Node>,
        expressions: Vec<Expr>,
    },
    /// For every left row sets `slots` (slot, left column) and runs the right side. `Semi` and `Anti` give left
    /// columns only. Without slots the right side gives the same rows every time.
    NestedLoop {
        join: JoinType,
        left: Box<Node>,
        right: Box<Node>,
        slots: Vec<(usize, usize)>,
        /// Over left then right columns.
        condition: Option<Expr>,
    },
    /// The right side is built into a hash table, the left one probes it. Rows come in the left side's order.
    HashJoin {
        join: JoinType,
        left: Box<Node>,
        right: Box<Node>,
        keys: Vec<HashKey>,
        /// Over left then right columns, decides together with the keys whether two rows match.
        condition: Option<Expr>,
        /// `Anti` of `NOT IN`: a NULL on either side that could match makes the answer NULL, which is not true.
        null_aware: bool,
    },
    /// Output: the group expressions, then the aggregates, then with `rollup` one BIGINT whose bit `i`
    /// (counted from the last group expression as bit 0) says that group expression `i` is rolled up.
    /// Without groups there is exactly one row, also for no input.
    Aggregate {
        input: Box<Node>,
        groups: Vec<Expr>,
        aggregates: Vec<AggregateCall>,
        rollup: bool,
        strategy: AggregateStrategy,
    },
    /// Stable. With `limit` only the first rows are kept (evaluated once; includes the offset).
    Sort {
        input: Box<Node>,
        keys: Vec<SortKey>,
        limit: Option<Expr>,
    },
    Limit {
        input: Box<Node>,
        count: Option<Expr>,
        offset: Option<Expr>,
    },
    /// First of the rows that are equal in the first `columns` columns (collations apply).
    Distinct {
        input: Box<Node>,
        columns: usize,
    },
    /// Output: the input's columns, then one per call. Input comes sorted by partition then order keys.
    Window {
        input: Box<Node>,
        partition_by: Vec<Expr>,
        order_by: Vec<SortKey>,
        calls: Vec<WindowCall>,
    },
    /// Inputs have the same types already.
    SetOperation {
        operation: SetOperation,
        all: bool,
        inputs: Vec<Node>,
    },
    /// Keeps its rows for further runs as long as no slot that it reads changes.
    Materialize {
        input: Box<Node>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinType {
    Inner,
    Left,
    /// Left rows with a match.
    Semi,
    /// Left rows without one.
    Anti,
}

/// `left = right`: both of one type, so that equal values have equal hashes.
#[derive(Clone, Debug)]
pub struct HashKey {
    pub left: Expr,
    pub right: Expr,
    /// `<=>`.
    pub null_safe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateStrategy {
    Hash,
    /// Input comes sorted by the group expressions.
    Sorted,
}

#[derive(Clone, Debug)]
pub struct AggregateCall {
    pub function: AggregateFunction,
    /// Empty for `COUNT(*)`.
    pub args: Vec<Expr>,
    pub distinct: bool,
    /// GROUP_CONCAT.
    pub order_by: Vec<SortKey>,
    pub separator: Option<String>,
    pub ty: SqlType,
}

#[derive(Clone, Debug)]
pub struct SortKey {
    pub expr: Expr,
    pub descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperation {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug)]
pub struct WindowCall {
    pub function: WindowFunction,
    pub args: Vec<Expr>,
    pub ignore_nulls: bool,
    pub from_last: bool,
    /// `None` for functions that look at the whole partition (ROW_NUMBER, RANK, LAG, …).
    pub frame: Option<WindowFrame>,
    pub ty: SqlType,
}

#[derive(Clone, Debug)]
pub struct WindowFrame {
    pub unit: FrameUnit,
    pub start: FrameBound,
    pub end: FrameBound,
    pub exclusion: FrameExclusion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    Rows,
    Range,
    Groups,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameExclusion {
    None,
    CurrentRow,
    Group,
    Ties,
}

#[derive(Clone, Debug)]
pub enum FrameBound {
    UnboundedPreceding,
    /// ROWS: `rows`, a count, evaluated once. RANGE: an expression over the *current* input row that gives the
    /// order key's value at the edge (key minus the amount, or a date minus an interval).
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

#[derive(Clone, Debug)]
pub struct JsonColumn {
    pub name: String,
    pub ty: SqlType,
    pub source: JsonColumnSource,
}

#[derive(Clone, Debug)]
pub enum JsonColumnSource {
    Ordinality,
    Path {
        path: String,
        on_empty: JsonDefault,
        on_error: JsonDefault,
    },
    Exists {
        path: String,
    },
    /// A nested path; its columns follow in the output in place of this one.
    Nested {
        path: String,
        columns: Vec<JsonColumn>,
    },
}

#[derive(Clone, Debug)]
pub enum JsonDefault {
    Null,
    Error,
    Value(Value),
}
