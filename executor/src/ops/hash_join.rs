//! Hash joins: the right side is kept by normalised key, the left one asks.

use super::{Op, Row, left_alone, row_bytes};
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::{HashKey, JoinType};
use aurora_types::{SqlResult, Value};
use std::collections::HashMap;

pub(super) struct HashJoin<'a> {
    join: JoinType,
    left: Box<dyn Op + 'a>,
    right: Box<dyn Op + 'a>,
    right_width: usize,
    keys: &'a [HashKey],
    condition: Option<&'a Expr>,
    null_aware: bool,
    /// Positions in `rows` by key.
    table: HashMap<Vec<u8>, Vec<u32>>,
    rows: Vec<Row>,
    /// A right key was NULL.
    has_null: bool,
    bytes: usize,
    outer: Row,
    key: Vec<u8>,
    matches: Vec<u32>,
    at: usize,
    is_inside: bool,
    matched: bool,
}

impl<'a> HashJoin<'a> {
    pub fn new(
        join: JoinType,
        left: Box<dyn Op + 'a>,
        right: Box<dyn Op + 'a>,
        right_width: usize,
        keys: &'a [HashKey],
        condition: Option<&'a Expr>,
        null_aware: bool,
    ) -> HashJoin<'a> {
        HashJoin {
            join,
            left,
            right,
            right_width,
            keys,
            condition,
            null_aware,
            table: HashMap::new(),
            rows: Vec::new(),
            has_null: false,
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
}

impl Op for HashJoin<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.table.clear();
        self.rows.clear();
        self.has_null = false;
        self.is_inside = false;
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
            if !self.matched && left_alone(self.join, &self.outer, self.right_width, row) {
                return Ok(true);
            }
        }
    }
}
