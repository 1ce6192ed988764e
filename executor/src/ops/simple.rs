//! Operators of a few lines each.

use super::{Op, Row, count_of, row_bytes};
use crate::runtime::{Runtime, same_values};
use aurora_catalog::TableDef;
use aurora_expr::{EvalCtx, Expr, ExprKind};
use aurora_types::{SqlResult, Value};
use std::rc::Rc;

/// Rows of expressions.
pub(super) struct Values<'a> {
    rows: &'a [Vec<Expr>],
    at: usize,
}

impl<'a> Values<'a> {
    pub fn new(rows: &'a [Vec<Expr>]) -> Values<'a> {
        Values { rows, at: 0 }
    }
}

impl Op for Values<'_> {
    fn open(&mut self, _: &Runtime<'_>, _: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.at = 0;
        Ok(())
    }

    fn next(&mut self, _: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        let Some(exprs) = self.rows.get(self.at) else { return Ok(false) };
        self.at += 1;
        row.clear();
        for expr in exprs {
            row.push(expr.eval(&[], ctx)?);
        }
        Ok(true)
    }
}

/// A table that the server fills.
pub(super) struct VirtualScan<'a> {
    table: &'a TableDef,
    columns: &'a [usize],
    filter: Option<&'a Expr>,
    rows: std::vec::IntoIter<Row>,
}

impl<'a> VirtualScan<'a> {
    pub fn new(table: &'a TableDef, columns: &'a [usize], filter: Option<&'a Expr>) -> VirtualScan<'a> {
        VirtualScan { table, columns, filter, rows: Vec::new().into_iter() }
    }
}

impl Op for VirtualScan<'_> {
    fn open(&mut self, rt: &Runtime<'_>, _: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.rows = rt.host.virtual_rows(self.table, self.columns, self.filter)?.into_iter();
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        for mut full in self.rows.by_ref() {
            rt.tick()?;
            row.clear();
            row.extend(
                self.columns.iter().map(|at| full.get_mut(*at).map(std::mem::take).unwrap_or_default()),
            );
            match self.filter {
                Some(filter) if !filter.eval_predicate(row, ctx)? => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// Rows of a common table expression, or of the previous round of a recursive one.
pub(super) struct Kept {
    cte: usize,
    is_work: bool,
    rows: Rc<Vec<Row>>,
    at: usize,
}

impl Kept {
    pub fn cte(cte: usize) -> Kept {
        Kept { cte, is_work: false, rows: Rc::default(), at: 0 }
    }

    pub fn work(cte: usize) -> Kept {
        Kept { is_work: true, ..Kept::cte(cte) }
    }
}

impl Op for Kept {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.rows = if self.is_work { rt.work_rows(self.cte) } else { rt.cte_rows(self.cte, ctx)? };
        self.at = 0;
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, _: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        rt.tick()?;
        let Some(kept) = self.rows.get(self.at) else { return Ok(false) };
        self.at += 1;
        row.clear();
        row.extend_from_slice(kept);
        Ok(true)
    }
}

pub(super) struct Filter<'a> {
    input: Box<dyn Op + 'a>,
    /// Decided before the first row is read.
    first: Vec<&'a Expr>,
    each: Vec<&'a Expr>,
    passes: bool,
}

impl<'a> Filter<'a> {
    pub fn new(input: Box<dyn Op + 'a>, condition: &'a Expr) -> Filter<'a> {
        let (first, each) = split_conditions(Some(condition), 0);
        Filter { input, first, each, passes: false }
    }
}

impl Op for Filter<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.passes = all_true(&self.first, &[], ctx)?;
        if self.passes { self.input.open(rt, ctx) } else { Ok(()) }
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        while self.passes && self.input.next(rt, ctx, row)? {
            rt.tick()?;
            if all_true(&self.each, row, ctx)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The parts of a condition that read no more than the first `width` columns, and the others.
pub(super) fn split_conditions(condition: Option<&Expr>, width: usize) -> (Vec<&Expr>, Vec<&Expr>) {
    let parts = match condition {
        None => return (Vec::new(), Vec::new()),
        Some(Expr { kind: ExprKind::And(list), .. }) => list.iter().collect(),
        Some(single) => vec![single],
    };
    parts.into_iter().partition(|part| {
        part.is_deterministic() && !part.any(&mut |e| matches!(e.kind, ExprKind::Column(at) if at >= width))
    })
}

pub(super) fn all_true(conditions: &[&Expr], row: &[Value], ctx: &mut EvalCtx<'_>) -> SqlResult<bool> {
    for condition in conditions {
        if !condition.eval_predicate(row, ctx)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) struct Project<'a> {
    pub input: Box<dyn Op + 'a>,
    pub expressions: &'a [Expr],
    pub row: Row,
}

impl Op for Project<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.input.open(rt, ctx)
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if !self.input.next(rt, ctx, &mut self.row)? {
            return Ok(false);
        }
        row.clear();
        for expr in self.expressions {
            row.push(expr.eval(&self.row, ctx)?);
        }
        Ok(true)
    }
}

/// LIMIT and OFFSET; with SQL_CALC_FOUND_ROWS at the top the rest is counted by the caller.
pub(super) struct Limit<'a> {
    input: Box<dyn Op + 'a>,
    count: Option<&'a Expr>,
    offset: Option<&'a Expr>,
    left: u64,
    skip: u64,
}

impl<'a> Limit<'a> {
    pub fn new(input: Box<dyn Op + 'a>, count: Option<&'a Expr>, offset: Option<&'a Expr>) -> Limit<'a> {
        Limit { input, count, offset, left: 0, skip: 0 }
    }
}

impl Op for Limit<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.left = match self.count {
            Some(count) => count_of(count, ctx)?,
            None => u64::MAX,
        };
        self.skip = match self.offset {
            Some(offset) => count_of(offset, ctx)?,
            None => 0,
        };
        if self.left > 0 || rt.plan.calc_found_rows {
            self.input.open(rt, ctx)?;
        }
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        while self.skip > 0 {
            if !self.input.next(rt, ctx, row)? {
                self.left = 0;
                return Ok(false);
            }
            self.skip -= 1;
        }
        self.left -= 1;
        if self.input.next(rt, ctx, row)? {
            return Ok(true);
        }
        self.left = 0;
        Ok(false)
    }
}

/// Keeps its input's rows until a slot that they depend on changes.
pub(super) struct Materialize<'a> {
    input: Box<dyn Op + 'a>,
    slots: Vec<usize>,
    rows: Option<Vec<Row>>,
    made_with: Vec<Value>,
    bytes: usize,
    at: usize,
}

impl<'a> Materialize<'a> {
    pub fn new(input: Box<dyn Op + 'a>, slots: Vec<usize>) -> Materialize<'a> {
        Materialize { input, slots, rows: None, made_with: Vec::new(), bytes: 0, at: 0 }
    }
}

impl Op for Materialize<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.at = 0;
        let now: Vec<Value> =
            self.slots.iter().map(|slot| ctx.slots.get(*slot).cloned().unwrap_or(Value::Null)).collect();
        if self.rows.is_some() && same_values(&now, &self.made_with) {
            return Ok(());
        }
        rt.release(std::mem::take(&mut self.bytes));
        self.input.open(rt, ctx)?;
        let mut rows = Vec::new();
        let mut row = Row::new();
        while self.input.next(rt, ctx, &mut row)? {
            let bytes = row_bytes(&row);
            rt.hold(bytes)?;
            self.bytes += bytes;
            rows.push(std::mem::take(&mut row));
        }
        self.rows = Some(rows);
        self.made_with = now;
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, _: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        rt.tick()?;
        let Some(kept) = self.rows.as_ref().and_then(|rows| rows.get(self.at)) else { return Ok(false) };
        self.at += 1;
        row.clear();
        row.extend_from_slice(kept);
        Ok(true)
    }
}
