//! Hash joins: the right side is kept by normalised key, the left one asks.

use super::{Op, Row, left_alone, row_bytes};
use crate::reads::{Reads, reads_of};
use crate::runtime::{Runtime, same_values};
use aurora_expr::{EvalCtx, Expr, ExprKind};
use aurora_planner::{HashKey, JoinType, Node};
use aurora_types::{SqlResult, Value};
use std::collections::HashMap;

pub(super) struct HashJoin<'a> {
    join: JoinType,
    left: Box<dyn Op + 'a>,
    right: Box<dyn Op + 'a>,
    right_node: &'a Node,
    keys: &'a [HashKey],
    condition: Option<&'a Expr>,
    null_aware: bool,
    /// Positions in `rows` by key.
    table: HashMap<Vec<u8>, Vec<u32>>,
    rows: Vec<Row>,
    /// A right key was NULL.
    has_null: bool,
    kept: Kept,
    bytes: usize,
    outer: Row,
    key: Vec<u8>,
    matches: Vec<u32>,
    at: usize,
    is_inside: bool,
    matched: bool,
}

/// Whether the table of the last run may serve the next one. Asked from the second run on only: most joins run once.
enum Kept {
    Never,
    /// It ran once.
    Once,
    Depends {
        reads: Reads,
        made_with: Option<Vec<Value>>,
    },
}

impl<'a> HashJoin<'a> {
    pub fn new(
        join: JoinType,
        left: Box<dyn Op + 'a>,
        right: Box<dyn Op + 'a>,
        right_node: &'a Node,
        keys: &'a [HashKey],
        condition: Option<&'a Expr>,
        null_aware: bool,
    ) -> HashJoin<'a> {
        HashJoin {
            join,
            left,
            right,
            right_node,
            keys,
            condition,
            null_aware,
            table: HashMap::new(),
            rows: Vec::new(),
            has_null: false,
            kept: Kept::Never,
            bytes: 0,
            outer: Row::new(),
            key: Vec::new(),
            matches: Vec::new(),
            at: 0,
            is_inside: false,
            matched: false,
        }
    }

    /// No right row, so no left one either.
    fn has_nothing(&self) -> bool {
        self.rows.is_empty() && matches!(self.join, JoinType::Inner | JoinType::Semi)
    }

    /// The key of a row; `false` when a NULL makes it equal to nothing.
    fn key_of(
        keys: &[HashKey],
        is_left: bool,
        row: &[Value],
        ctx: &mut EvalCtx<'_>,
        out: &mut Vec<u8>,
    ) -> SqlResult<bool> {
        out.clear();
        for key in keys {
            let expr = if is_left { &key.left } else { &key.right };
            let value = expr.eval(row, ctx)?;
            if value.is_null() && !key.null_safe {
                return Ok(false);
            }
            // Both sides have one type; the left one's decides for both.
            crate::normal::put(value.as_ref(), &key.left.ty, false, out);
        }
        Ok(true)
    }

    /// Whether the table is that of the slots as they are.
    fn is_current(&mut self, rt: &Runtime<'_>, ctx: &EvalCtx<'_>) -> bool {
        match &mut self.kept {
            Kept::Never => self.kept = Kept::Once,
            Kept::Once => {
                let mut reads = reads_of(self.right_node, rt.plan);
                for key in self.keys {
                    reads.is_stable &= key.right.is_deterministic();
                    key.right.walk(&mut |expr| match expr.kind {
                        ExprKind::Slot(slot) => reads.slots.push(slot),
                        ExprKind::Subquery(_) => reads.is_stable = false,
                        _ => {}
                    });
                }
                self.kept = Kept::Depends { reads, made_with: None };
            }
            Kept::Depends { reads, made_with: Some(values) } => {
                return same_values(&slot_values(&reads.slots, ctx), values);
            }
            Kept::Depends { .. } => {}
        }
        false
    }

    /// Reads the right side into the table.
    fn fill(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        if let Kept::Depends { made_with, .. } = &mut self.kept {
            *made_with = None;
        }
        self.table.clear();
        self.rows.clear();
        self.has_null = false;
        rt.release(std::mem::take(&mut self.bytes));
        self.right.open(rt, ctx)?;
        let mut row = Row::new();
        let mut key = Vec::new();
        while self.right.next(rt, ctx, &mut row)? {
            if !Self::key_of(self.keys, false, &row, ctx, &mut key)? {
                self.has_null = true;
                continue;
            }
            let bytes = row_bytes(&row) + key.len() + 48;
            rt.hold(bytes)?;
            self.bytes += bytes;
            let at = self.rows.len() as u32;
            match self.table.get_mut(key.as_slice()) {
                Some(list) => list.push(at),
                None => {
                    self.table.insert(key.clone(), vec![at]);
                }
            }
            self.rows.push(std::mem::take(&mut row));
        }
        Ok(())
    }
}

impl Op for HashJoin<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.is_inside = false;
        if !self.is_current(rt, ctx) {
            self.fill(rt, ctx)?;
            if let Kept::Depends { reads, made_with } = &mut self.kept
                && reads.is_stable
            {
                *made_with = Some(slot_values(&reads.slots, ctx));
            }
        }
        if self.has_nothing() {
            return Ok(());
        }
        self.left.open(rt, ctx)
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if self.has_nothing() {
            return Ok(false);
        }
        loop {
            if !self.is_inside {
                if !self.left.next(rt, ctx, &mut self.outer)? {
                    return Ok(false);
                }
                self.matches.clear();
                self.at = 0;
                self.matched = false;
                self.is_inside = true;
                let comparable = Self::key_of(self.keys, true, &self.outer, ctx, &mut self.key)?;
                if comparable && let Some(list) = self.table.get(self.key.as_slice()) {
                    self.matches.extend_from_slice(list);
                }
                if self.null_aware && self.join == JoinType::Anti {
                    // x NOT IN (…): unknown when x is NULL and there are rows, or when one of them is NULL.
                    let has_rows = !self.rows.is_empty() || self.has_null;
                    if has_rows && (!comparable || self.has_null) {
                        self.is_inside = false;
                        continue;
                    }
                }
            }
            while let Some(at) = self.matches.get(self.at) {
                self.at += 1;
                row.clear();
                row.extend_from_slice(&self.outer);
                row.extend_from_slice(&self.rows[*at as usize]);
                if let Some(condition) = self.condition
                    && !condition.eval_predicate(row, ctx)?
                {
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
            if !self.matched && left_alone(self.join, &self.outer, self.right_node.types.len(), row) {
                return Ok(true);
            }
        }
    }
}

fn slot_values(slots: &[usize], ctx: &EvalCtx<'_>) -> Vec<Value> {
    slots.iter().map(|slot| ctx.slots.get(*slot).cloned().unwrap_or(Value::Null)).collect()
}
