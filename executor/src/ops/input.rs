//! What is grouped or hashed: rows of an operator, or stored rows of a scan, which are taken apart only as far as they are
//! needed.

use super::scan::TableScan;
use super::stored::Stored;
use super::wanted::Wanted;
use super::{Op, Row, build_for};
use crate::runtime::Runtime;
use aurora_expr::{Columns, EvalCtx, Exact, SessionInfo};
use aurora_planner::{Node, Operator};
use aurora_types::{SqlResult, Value, ValueRef};

pub(super) enum Input<'a> {
    Rows(Box<dyn Op + 'a>),
    Stored(Box<TableScan<'a>>),
}

/// The row in hand.
pub(super) enum Here<'v> {
    Row(&'v [Value]),
    Stored(Stored<'v>),
}

impl Columns for Here<'_> {
    #[inline]
    fn column(&self, at: usize) -> Option<ValueRef<'_>> {
        match self {
            Here::Row(row) => row.column(at),
            Here::Stored(stored) => stored.column(at),
        }
    }

    #[inline]
    fn exact(&self, at: usize) -> Exact {
        match self {
            Here::Row(row) => row.exact(at),
            Here::Stored(stored) => stored.exact(at),
        }
    }
}

impl<'a> Input<'a> {
    /// `wanted`: the columns that are read.
    pub fn new(node: &'a Node, wanted: Wanted, rt: &Runtime<'_>) -> SqlResult<Input<'a>> {
        // Measured operators are asked row by row.
        if let (Operator::Scan(scan), None) = (&node.operator, &rt.measures) {
            let scan = TableScan::new(scan, wanted, rt)?;
            return Ok(if scan.gives_stored() {
                Input::Stored(Box::new(scan))
            } else {
                Input::Rows(Box::new(scan))
            });
        }
        Ok(Input::Rows(build_for(node, wanted, rt)?))
    }

    pub fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        match self {
            Input::Rows(op) => op.open(rt, ctx),
            Input::Stored(scan) => scan.open(rt, ctx),
        }
    }

    /// The next row as a whole.
    pub fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        match self {
            Input::Rows(op) => op.next(rt, ctx, row),
            Input::Stored(scan) => scan.next(rt, ctx, row),
        }
    }

    /// The next row, which is in `row` only where `filled` says so afterwards.
    #[inline]
    pub fn step(
        &mut self,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
        row: &mut Row,
        filled: &mut bool,
    ) -> SqlResult<bool> {
        match self {
            Input::Rows(op) => {
                *filled = true;
                op.next(rt, ctx, row)
            }
            Input::Stored(scan) => {
                *filled = false;
                scan.step(rt, ctx, row)
            }
        }
    }

    /// The row that [`Input::step`] gave: `row` where it is filled.
    #[inline]
    pub fn here<'v>(
        &'v self,
        row: &'v [Value],
        filled: bool,
        session: &'v dyn SessionInfo,
    ) -> SqlResult<Here<'v>> {
        match self {
            Input::Stored(scan) if !filled => Ok(Here::Stored(scan.stored(session)?)),
            _ => Ok(Here::Row(row)),
        }
    }

    /// Puts the row that [`Input::step`] gave into `row`.
    pub fn fill(&self, session: &dyn SessionInfo, row: &mut Row, filled: &mut bool) -> SqlResult<()> {
        if let Input::Stored(scan) = self
            && !*filled
        {
            scan.fill(session, row)?;
            *filled = true;
        }
        Ok(())
    }

    /// Puts some columns, in ascending order, of the row that [`Input::step`] gave into `row`, which holds all of them where
    /// it is filled.
    pub fn keep(
        &self,
        session: &dyn SessionInfo,
        columns: &[usize],
        row: &mut Row,
        filled: bool,
    ) -> SqlResult<()> {
        if let Input::Stored(scan) = self
            && !filled
        {
            return scan.fill_some(session, columns, row);
        }
        if columns.last().is_some_and(|last| *last >= row.len()) {
            return Err(crate::shape::internal(&"an operator's row has fewer columns than its plan says"));
        }
        for (to, from) in columns.iter().enumerate() {
            row.swap(to, *from);
        }
        row.truncate(columns.len());
        Ok(())
    }
}
