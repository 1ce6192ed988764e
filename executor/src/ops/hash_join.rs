//! Hash joins: the right side is kept by normalised key, the left one asks. A right side that does not fit in memory
//! is divided by the hash of its key, and the left one with it.
//!
//! Of right rows only the columns are kept that somebody reads. Left rows of a scan are asked for as they are stored: what
//! finds no partner is never taken apart.

use super::input::Input;
use super::wanted::Wanted;
use super::{Op, Row, left_alone, row_bytes};
use crate::key_table::KeyTable;
use crate::reads::{Reads, reads_of};
use crate::runtime::{Runtime, same_values};
use crate::spill::{MAX_LEVEL, Merge, Reader, Spill, Stream, arrival_key};
use aurora_expr::{Columns, EvalCtx, Expr, ExprKind};
use aurora_planner::{HashKey, JoinType, Node};
use aurora_types::{SqlError, SqlResult, Value};

/// No further row of a key.
const END: u32 = u32::MAX;

/// What a row costs in memory besides its values: its link.
const ROW_BYTES: usize = 8;
/// What a key costs besides its bytes: hash, end, place, chain.
const KEY_BYTES: usize = 40;

pub(super) struct HashJoin<'a> {
    join: JoinType,
    left: Input<'a>,
    right: Input<'a>,
    right_node: &'a Node,
    keys: &'a [HashKey],
    /// All keys of the left side, and of the right one, are columns.
    are_columns: [bool; 2],
    condition: Option<&'a Expr>,
    null_aware: bool,
    /// One right row of a key is as good as all of them.
    only_first: bool,
    /// The right columns that are kept, in ascending order.
    kept_columns: Vec<usize>,
    table: KeyTable,
    /// The first and the last row of each key.
    chains: Vec<(u32, u32)>,
    /// The next row of the same key, by row.
    next: Vec<u32>,
    /// The kept columns of all rows, one row behind the other.
    values: Vec<Value>,
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
        left: Input<'a>,
        right: Input<'a>,
        (right_node, right_wanted): (&'a Node, Wanted),
        keys: &'a [HashKey],
        condition: Option<&'a Expr>,
        null_aware: bool,
    ) -> HashJoin<'a> {
        let is_column = |expr: &Expr| matches!(expr.kind, ExprKind::Column(_));
        HashJoin {
            are_columns: [
                keys.iter().all(|key| is_column(&key.left)),
                keys.iter().all(|key| is_column(&key.right)),
            ],
            only_first: condition.is_none() && matches!(join, JoinType::Semi | JoinType::Anti),
            kept_columns: (0..right_node.types.len()).filter(|at| right_wanted.has(*at)).collect(),
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

    /// The key of a row; `false` when a NULL makes it equal to nothing. `row` is asked where a key is no column.
    #[inline]
    fn key_of<C: Columns + ?Sized>(
        keys: &[HashKey],
        is_left: bool,
        (columns, row): (&C, &[Value]),
        ctx: &mut EvalCtx<'_>,
        out: &mut Vec<u8>,
    ) -> SqlResult<bool> {
        out.clear();
        for key in keys {
            let expr = if is_left { &key.left } else { &key.right };
            let owned;
            let value = match expr.kind {
                ExprKind::Column(at) => columns.column(at).ok_or_else(|| damaged_column(at))?,
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
        let (mut filled, session) = (true, ctx.session);
        while self.right.step(rt, ctx, &mut row, &mut filled)? {
            if !self.are_columns[1] {
                self.right.fill(session, &mut row, &mut filled)?;
            }
            let here = self.right.here(&row, filled, session)?;
            if !Self::key_of(self.keys, false, (&here, &row), ctx, &mut key)? {
                self.has_null = true;
                continue;
            }
            self.right.keep(session, &self.kept_columns, &mut row, filled)?;
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

    /// Moves the values of `row`, which are those of the kept columns, behind those that are there.
    fn add(&mut self, key: &[u8], row: &mut Row, rt: &Runtime<'_>) -> SqlResult<()> {
        let at = self.next.len() as u32;
        if row.len() != self.kept_columns.len() || at == END {
            return Err(crate::shape::internal(&"a hash join's right side has rows of several widths"));
        }
        let (number, is_new) = self.table.insert(key);
        if !is_new && self.only_first {
            return Ok(());
        }
        let bytes = row_bytes(row) + ROW_BYTES + if is_new { key.len() + KEY_BYTES } else { 0 };
        rt.hold(bytes)?;
        self.bytes += bytes;
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
        let width = self.kept_columns.len();
        let start = at as usize * width;
        &self.values[start..start + width]
    }

    /// Appends one row of the table to a left one, with NULL for what is not kept.
    fn put_row(&self, at: u32, row: &mut Row) {
        let values = self.row(at);
        let width = self.right_node.types.len();
        if values.len() == width {
            row.extend_from_slice(values);
            return;
        }
        let start = row.len();
        row.resize(start + width, Value::Null);
        for (value, column) in values.iter().zip(&self.kept_columns) {
            row[start + column] = value.clone();
        }
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
            let comparable = Self::key_of(self.keys, true, (row.as_slice(), &row), ctx, &mut key)?;
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
                self.begin(true, ctx)?;
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
            let comparable = Self::key_of(self.keys, true, (row.as_slice(), &row), ctx, &mut key)?;
            let part = if comparable { spill.partition_of(&key, level) } else { 0 };
            spill.put(&mut lefts[part], &arrival, &row)?;
        }
        for (left, right) in lefts.into_iter().zip(parts) {
            self.join_part(spill, left, right, level + 1, out, rt, ctx)?;
        }
        Ok(())
    }

    /// Looks up the left row, which is in `outer` where it is `filled`, and is put there unless it gives nothing.
    fn begin(&mut self, mut filled: bool, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.at = END;
        self.matched = false;
        let session = ctx.session;
        if !self.are_columns[0] {
            self.left.fill(session, &mut self.outer, &mut filled)?;
        }
        let here = self.left.here(&self.outer, filled, session)?;
        let comparable = Self::key_of(self.keys, true, (&here, &self.outer), ctx, &mut self.key)?;
        if comparable && let Some(number) = self.table.find(&self.key) {
            self.at = self.chains[number].0;
        }
        let has_match = self.at != END;
        self.is_inside = match self.join {
            JoinType::Inner | JoinType::Semi => has_match,
            JoinType::Left => true,
            // x NOT IN (…): unknown when x is NULL and there are rows, or when one of them is NULL.
            JoinType::Anti if self.null_aware && (self.has_rows || self.has_null) => {
                comparable && !self.has_null && !(has_match && self.only_first)
            }
            JoinType::Anti => !(has_match && self.only_first),
        };
        if self.is_inside {
            self.left.fill(session, &mut self.outer, &mut filled)?;
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
            row.clear();
            let is_surely_last = match self.join {
                JoinType::Inner => self.at == END,
                JoinType::Left => self.at == END && self.condition.is_none(),
                JoinType::Semi | JoinType::Anti => self.only_first,
            };
            if is_surely_last {
                // Nobody asks for the left row any more.
                row.append(&mut self.outer);
            } else {
                row.extend_from_slice(&self.outer);
            }
            if self.only_first {
                self.is_inside = false;
                return Ok(true);
            }
            self.put_row(at as u32, row);
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
        Ok(!self.matched && left_alone(self.join, &mut self.outer, self.right_node.types.len(), row))
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
            let mut filled = true;
            if !self.left.step(rt, ctx, &mut self.outer, &mut filled)? {
                return Ok(false);
            }
            self.begin(filled, ctx)?;
        }
    }
}

fn damaged_column(at: usize) -> SqlError {
    crate::shape::internal(&format!("column {at} of a stored row is damaged"))
}

fn slot_values(slots: &[usize], ctx: &EvalCtx<'_>) -> Vec<Value> {
    slots.iter().map(|slot| ctx.slots.get(*slot).cloned().unwrap_or(Value::Null)).collect()
}
