//! Reading one table.

use aurora_catalog::{IndexId, TableDef};
use aurora_expr::Expr;
use std::sync::Arc;

/// Reads one table through its clustered or a secondary index.
///
/// Output: the columns at `columns` (positions in [`TableDef::columns`]) in that order, then, if `row_handle`,
/// one binary string: the row's clustered key, which UPDATE and DELETE use to find it again.
#[derive(Clone, Debug)]
pub struct Scan {
    pub table: Arc<TableDef>,
    /// As the query calls it.
    pub alias: String,
    pub columns: Vec<usize>,
    pub row_handle: bool,
    pub access: Access,
    /// Over the output columns; rows that do not pass are dropped (and, at READ COMMITTED, unlocked).
    pub filter: Option<Expr>,
    /// Current read with locks; `None` reads the snapshot.
    pub lock: Option<RowLock>,
}

#[derive(Clone, Debug)]
pub enum Access {
    /// The whole clustered range.
    Full {
        reverse: bool,
    },
    Index(IndexAccess),
}

/// Ranges of one index, the primary one included.
#[derive(Clone, Debug)]
pub struct IndexAccess {
    pub index: IndexId,
    /// Any order, may overlap: after evaluating them the executor sorts and merges them, so that a row comes
    /// once. No ranges at all is the whole index; a range whose bounds cannot be met gives nothing.
    pub ranges: Vec<KeyRange>,
    /// Every output column is in the index (or in the primary key that its entries end with).
    pub covering: bool,
    /// Rows are wanted in descending key order. With `ordered`, key order must hold over all ranges.
    pub reverse: bool,
    pub ordered: bool,
    /// Every range is one full key of a unique index without NULL: at most one row each.
    pub unique_point: bool,
}

/// A range of index keys, as prefixes of the index columns.
#[derive(Clone, Debug)]
pub struct KeyRange {
    pub low: KeyBound,
    pub high: KeyBound,
    pub kind: RangeKind,
}

/// What the two bounds of a range say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeKind {
    /// Keys from one to the other.
    Between,
    /// An equality: both bounds are the same values. What does not fit its column then matches nothing.
    Point,
    /// Both bounds are the same values, of which the last is the pattern of a `LIKE`: keys of the texts that begin
    /// as it does before its first wildcard. Matching still has to be checked.
    Like { escape: Option<char> },
}

/// Values of the first columns of the index; none is no bound.
///
/// Values are converted to the column's type at run time. One that does not fit widens the range towards the
/// predicate (`int_column > 3.5` starts behind 3), an equality (the same value in both bounds) that can match
/// nothing gives nothing. Filters that a widened range does not replace stay in the scan's filter.
#[derive(Clone, Debug)]
pub struct KeyBound {
    pub values: Vec<Expr>,
    /// Keys with exactly this prefix are inside.
    pub inclusive: bool,
    /// Bit i: value i may be NULL and then means the key's NULL (`IS NULL`, `<=>`). Without it a NULL value
    /// empties the range.
    pub null_safe: u64,
}

impl KeyBound {
    pub fn unbounded() -> KeyBound {
        KeyBound { values: Vec::new(), inclusive: true, null_safe: 0 }
    }
}

impl KeyRange {
    /// All keys with this prefix.
    pub fn point(values: Vec<Expr>) -> KeyRange {
        KeyRange::null_safe_point(values, 0)
    }

    pub fn null_safe_point(values: Vec<Expr>, null_safe: u64) -> KeyRange {
        KeyRange::same(values, null_safe, RangeKind::Point)
    }

    /// All keys whose column behind `values` holds a text that may match `pattern`.
    pub fn like(mut values: Vec<Expr>, null_safe: u64, pattern: Expr, escape: Option<char>) -> KeyRange {
        values.push(pattern);
        KeyRange::same(values, null_safe, RangeKind::Like { escape })
    }

    fn same(values: Vec<Expr>, null_safe: u64, kind: RangeKind) -> KeyRange {
        let low = KeyBound { values: values.clone(), inclusive: true, null_safe };
        KeyRange { low, high: KeyBound { values, inclusive: true, null_safe }, kind }
    }

    pub fn is_point(&self) -> bool {
        self.kind == RangeKind::Point
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    Share,
    Exclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitPolicy {
    Wait,
    NoWait,
    SkipLocked,
}

/// How rows that are read get locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLock {
    pub mode: LockMode,
    pub wait: WaitPolicy,
}
