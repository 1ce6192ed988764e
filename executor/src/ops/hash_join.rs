//! Hash joins: the right side is kept by normalised key, the left one asks. A right side that does not fit in memory
//! is divided by the hash of its key, and the left one with it.

use super::{Op, Row, left_alone, row_bytes};
use crate::reads::{Reads, reads_of};
use crate::runtime::{Runtime, same_values};
use crate::spill::{MAX_LEVEL, Merge, Reader, Spill, Stream, arrival_key};
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
    /// There are right rows, in memory or not.
    has_rows: bool,
    /// What the join gave, when it was done by partitions.
    joined: Option<Merge>,
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
            has_rows: false,
            joined: None,
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
        !self.has_rows && matches!(self.join, JoinType::Inner | JoinType::Semi)
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
    fn fill(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<(Spill, Vec<Stream>)>> {
        if let Kept::Depends { made_with, .. } = &mut self.kept {
            *made_with = None;
        }
        self.clear(rt);
        self.has_null = false;
        self.right.open(rt, ctx)?;
        let mut row = Row::new();
        let mut key = Vec::new();
        let mut parts: Option<(Spill, Vec<Stream>)> = None;
        while self.right.next(rt, ctx, &mut row)? {
            if !Self::key_of(self.keys, false, &row, ctx, &mut key)? {
                self.has_null = true;
                continue;
            }
            if let Some((spill, parts)) = &mut parts {
                spill.put(&mut parts[spill.partition_of(&key, 0)], &key, &row)?;
                continue;
            }
            self.add(&key, std::mem::take(&mut row), rt)?;
            if self.bytes > rt.budget()
                && let Some(spill) = Spill::begin(rt)?
            {
                let mut streams = Spill::partitions();
                self.empty_into(&spill, &mut streams, 0, rt)?;
                parts = Some((spill, streams));
            }
        }
        Ok(parts)
    }

    fn clear(&mut self, rt: &Runtime<'_>) {
        self.table.clear();
        self.rows.clear();
        rt.release(std::mem::take(&mut self.bytes));
    }

    fn add(&mut self, key: &[u8], row: Row, rt: &Runtime<'_>) -> SqlResult<()> {
        let bytes = row_bytes(&row) + key.len() + 48;
        rt.hold(bytes)?;
        self.bytes += bytes;
        let at = self.rows.len() as u32;
        match self.table.get_mut(key) {
            Some(list) => list.push(at),
            None => {
                self.table.insert(key.to_vec(), vec![at]);
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// Moves the table to partitions. Rows of one key keep their order.
    fn empty_into(
        &mut self,
        spill: &Spill,
        parts: &mut [Stream],
        level: u32,
        rt: &Runtime<'_>,
    ) -> SqlResult<()> {
        for (key, list) in self.table.drain() {
            let part = &mut parts[spill.partition_of(&key, level)];
            for at in list {
                spill.put(part, &key, &self.rows[at as usize])?;
            }
        }
        self.clear(rt);
        Ok(())
    }

    /// Both sides by partitions; what comes out is brought back into the left side's order.
    fn join_parts(
        &mut self,
        spill: &Spill,
        rights: Vec<Stream>,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Merge> {
        let mut lefts = Spill::partitions();
        let (mut row, mut key, mut arrival) = (Row::new(), Vec::new(), 0u64);
        while self.left.next(rt, ctx, &mut row)? {
            arrival += 1;
            let comparable = Self::key_of(self.keys, true, &row, ctx, &mut key)?;
            if !comparable && matches!(self.join, JoinType::Inner | JoinType::Semi) {
                continue;
            }
            let part = if comparable { spill.partition_of(&key, 0) } else { 0 };
            spill.put(&mut lefts[part], &arrival_key(arrival), &row)?;
        }
        let mut out = Vec::new();
        for (left, right) in lefts.into_iter().zip(rights) {
            self.join_part(spill, left, right, 1, &mut out, rt, ctx)?;
        }
        self.clear(rt);
        Merge::new(out)
    }

    #[allow(clippy::too_many_arguments, reason = "recursion over what the partitions have in common")]
    fn join_part(
        &mut self,
        spill: &Spill,
        left: Stream,
        right: Stream,
        level: u32,
        out: &mut Vec<Reader>,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        if left.is_empty() || (right.is_empty() && matches!(self.join, JoinType::Inner | JoinType::Semi)) {
            return Ok(());
        }
        self.clear(rt);
        let (mut row, mut key) = (Row::new(), Vec::new());
        let mut parts: Option<Vec<Stream>> = None;
        let mut reader = spill.read(right)?;
        while reader.next(&mut key, &mut row)? {
            rt.tick()?;
            if let Some(parts) = &mut parts {
                spill.put(&mut parts[spill.partition_of(&key, level)], &key, &row)?;
                continue;
            }
            self.add(&key, std::mem::take(&mut row), rt)?;
            // One key alone is not divided further.
            if self.bytes > rt.budget() && level < MAX_LEVEL && self.table.len() > 1 {
                let mut streams = Spill::partitions();
                self.empty_into(spill, &mut streams, level, rt)?;
                parts = Some(streams);
            }
        }
        let mut reader = spill.read(left)?;
        let mut arrival = Vec::new();
        let Some(parts) = parts else {
            let mut joined = Stream::default();
            while reader.next(&mut arrival, &mut self.outer)? {
                rt.tick()?;
                self.begin(ctx)?;
                while self.give(ctx, &mut row)? {
                    rt.tick()?;
                    spill.put(&mut joined, &arrival, &row)?;
                }
            }
            out.push(spill.read(joined)?);
            return Ok(());
        };
        let mut lefts = Spill::partitions();
        while reader.next(&mut arrival, &mut row)? {
            let comparable = Self::key_of(self.keys, true, &row, ctx, &mut key)?;
            let part = if comparable { spill.partition_of(&key, level) } else { 0 };
            spill.put(&mut lefts[part], &arrival, &row)?;
        }
        for (left, right) in lefts.into_iter().zip(parts) {
            self.join_part(spill, left, right, level + 1, out, rt, ctx)?;
        }
        Ok(())
    }

    /// Looks up the left row in `outer`.
    fn begin(&mut self, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
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
            let has_rows = self.has_rows || self.has_null;
            if has_rows && (!comparable || self.has_null) {
                self.is_inside = false;
            }
        }
        Ok(())
    }

    /// The next row that the left row in `outer` gives; `false` when there is none any more.
    fn give(&mut self, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if !self.is_inside {
            return Ok(false);
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
        Ok(!self.matched && left_alone(self.join, &self.outer, self.right_node.types.len(), row))
    }
}

impl Op for HashJoin<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.is_inside = false;
        self.joined = None;
        if !self.is_current(rt, ctx) {
            let parts = self.fill(rt, ctx)?;
            self.has_rows = parts.is_some() || !self.rows.is_empty();
            if let Some((spill, parts)) = parts {
                self.left.open(rt, ctx)?;
                self.joined = Some(self.join_parts(&spill, parts, rt, ctx)?);
                return Ok(());
            }
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
        if let Some(joined) = &mut self.joined {
            rt.tick()?;
            return joined.next(&mut self.key, row);
        }
        if self.has_nothing() {
            return Ok(false);
        }
        loop {
            if self.give(ctx, row)? {
                return Ok(true);
            }
            if !self.left.next(rt, ctx, &mut self.outer)? {
                return Ok(false);
            }
            self.begin(ctx)?;
        }
    }
}

fn slot_values(slots: &[usize], ctx: &EvalCtx<'_>) -> Vec<Value> {
    slots.iter().map(|slot| ctx.slots.get(*slot).cloned().unwrap_or(Value::Null)).collect()
}
