//! Nested loops, dependent ones included.

use super::simple::{all_true, split_conditions};
use super::{Op, Row, left_alone};
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::JoinType;
use aurora_types::{SqlResult, Value};

pub(super) struct NestedLoop<'a> {
    join: JoinType,
    left: Box<dyn Op + 'a>,
    right: Box<dyn Op + 'a>,
    right_width: usize,
    slots: &'a [(usize, usize)],
    /// What the left row decides, and what takes both.
    left_conditions: Vec<&'a Expr>,
    conditions: Vec<&'a Expr>,
    outer: Row,
    inner: Row,
    /// There is a left row whose right side runs.
    is_inside: bool,
    matched: bool,
}

impl<'a> NestedLoop<'a> {
    pub fn new(
        join: JoinType,
        left: Box<dyn Op + 'a>,
        right: Box<dyn Op + 'a>,
        (left_width, right_width): (usize, usize),
        slots: &'a [(usize, usize)],
        condition: Option<&'a Expr>,
    ) -> NestedLoop<'a> {
        let (left_conditions, conditions) = split_conditions(condition, left_width);
        NestedLoop {
            join,
            left,
            right,
            right_width,
            slots,
            left_conditions,
            conditions,
            outer: Row::new(),
            inner: Row::new(),
            is_inside: false,
            matched: false,
        }
    }
}

impl Op for NestedLoop<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.is_inside = false;
        self.left.open(rt, ctx)
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        loop {
            if !self.is_inside {
                rt.tick()?;
                if !self.left.next(rt, ctx, &mut self.outer)? {
                    return Ok(false);
                }
                for (slot, column) in self.slots {
                    if ctx.slots.len() <= *slot {
                        ctx.slots.resize(*slot + 1, Value::Null);
                    }
                    ctx.slots[*slot] = self.outer.get(*column).cloned().unwrap_or(Value::Null);
                }
                self.matched = false;
                self.is_inside = all_true(&self.left_conditions, &self.outer, ctx)?;
                if self.is_inside {
                    self.right.open(rt, ctx)?;
                }
            }
            while self.is_inside && self.right.next(rt, ctx, &mut self.inner)? {
                rt.tick()?;
                row.clear();
                row.extend_from_slice(&self.outer);
                row.append(&mut self.inner);
                if !all_true(&self.conditions, row, ctx)? {
                    continue;
                }
                self.matched = true;
                match self.join {
                    JoinType::Inner | JoinType::Left => return Ok(true),
                    JoinType::Semi => {
                        self.is_inside = false;
                        row.truncate(self.outer.len());
                        return Ok(true);
                    }
                    JoinType::Anti => break,
                }
            }
            self.is_inside = false;
            if !self.matched && left_alone(self.join, &mut self.outer, self.right_width, row) {
                return Ok(true);
            }
        }
    }
}
