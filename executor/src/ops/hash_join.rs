//! Hash joins: the right side is kept by normalised key, the left one asks. A right side that does not fit in memory
//! is divided by the hash of its key, and the left one with it.

use super::{Op, Row, left_alone, row_bytes};
use crate::key_table::KeyTable;
use crate::reads::{Reads, reads_of};
use crate::runtime::{Runtime, same_values};
use crate::spill::{MAX_LEVEL, Merge, Reader, Spill, Stream, arrival_key};
use aurora_expr::{EvalCtx, Expr, ExprKind};
use aurora_planner::{HashKey, JoinType, Node};
use aurora_types::{SqlResult, Value, ValueRef};

/// No further row of a key.
const END: u32 = u32::MAX;

pub(super) struct HashJoin<'a> {
    join: JoinType,
    left: Box<dyn Op + 'a>,
    right: Box<dyn Op + 'a>,
    right_node: &'a Node,
    keys: &'a [HashKey],
    condition: Option<&'a Expr>,
    null_aware: bool,
    table: KeyTable,
    /// The first and the last row of each key.
    chains: Vec<(u32, u32)>,
    /// The next row of the same key, by row.
    next: Vec<u32>,
    /// All rows one behind the other, `width` values each.
    values: Vec<Value>,
    width: usize,
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
    /// The next row of the left row's key.
    at: u32,
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
            table: KeyTable::default(),
            chains: Vec::new(),
            next: Vec::new(),
            values: Vec::new(),
            width: 0,
            has_null: false,
            has_rows: false,
            joined: None,
            kept: Kept::Never,
            bytes: 0,
            outer: Row::new(),
            key: Vec::new(),
            at: END,
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
            let owned;
            let value = match expr.kind {
                ExprKind::Column(at) => row.get(at).map_or(ValueRef::Null, Value::as_ref),
                _ => {
                    owned = expr.eval(row, ctx)?;
                    owned.as_ref()
                }
            };
            if value.is_null() && !key.null_safe {
                return Ok(false);
            }
            // Both sides have one type; the left one's decides for both.
            crate::normal::put_equal(value, &key.left.ty, out);
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
            self.add(&key, &mut row, rt)?;
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
        self.chains.clear();
        self.next.clear();
        self.values.clear();
        rt.release(std::mem::take(&mut self.bytes));
    }

    /// Moves the values of `row` behind those that are there.
    fn add(&mut self, key: &[u8], row: &mut Row, rt: &Runtime<'_>) -> SqlResult<()> {
        let bytes = row_bytes(row) + key.len() + 48;
        rt.hold(bytes)?;
        self.bytes += bytes;
        let at = self.next.len() as u32;
        if at == 0 {
            self.width = row.len();
        } else if row.len() != self.width || at == END {
            return Err(crate::shape::internal(&"a hash join's right side has rows of several widths"));
        }
        let (number, is_new) = self.table.insert(key);
        if is_new {
            self.chains.push((at, at));
        } else {
            let (_, last) = &mut self.chains[number];
            self.next[*last as usize] = at;
            *last = at;
        }
        self.next.push(END);
        self.values.append(row);
        Ok(())
    }

    /// One row of the table.
    #[inline]
    fn row(&self, at: u32) -> &[Value] {
        let start = at as usize * self.width;
        &self.values[start..start + self.width]
    }

    /// Moves the table to partitions. Rows of one key keep their order.
    fn empty_into(
        &mut self,
        spill: &Spill,
        parts: &mut [Stream],
        level: u32,
        rt: &Runtime<'_>,
    ) -> SqlResult<()> {
        for (number, (first, _)) in self.chains.iter().enumerate() {
            let key = self.table.key(number);
            let part = &mut parts[spill.partition_of(key, level)];
            let mut at = *first;
            while at != END {
                spill.put(part, key, self.row(at))?;
                at = self.next[at as usize];
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
            self.add(&key, &mut row, rt)?;
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
                while self.give(rt, ctx, &mut row)? {
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
        self.at = END;
        self.matched = false;
        self.is_inside = true;
        let comparable = Self::key_of(self.keys, true, &self.outer, ctx, &mut self.key)?;
        if comparable && let Some(number) = self.table.find(&self.key) {
            self.at = self.chains[number].0;
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
    fn give(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if !self.is_inside {
            return Ok(false);
        }
        while self.at != END {
            rt.tick()?;
            let at = self.at as usize;
            self.at = self.next[at];
            let is_asked = self.condition.is_none() && matches!(self.join, JoinType::Semi | JoinType::Anti);
            row.clear();
            if self.at == END && self.join == JoinType::Inner {
                // Nobody asks for the left row any more.
                row.append(&mut self.outer);
            } else if !(is_asked && self.join == JoinType::Anti) {
                row.extend_from_slice(&self.outer);
            }
            if !is_asked {
                row.extend_from_slice(self.row(at as u32));
            }
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
            self.has_rows = parts.is_some() || !self.next.is_empty();
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
            if self.give(rt, ctx, row)? {
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
