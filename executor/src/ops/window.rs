//! Window functions over one partition at a time. Input comes sorted by partition, then order keys.

use super::sort::sort_key;
use super::{Op, Row, row_bytes};
use crate::runtime::Runtime;
use aurora_expr::{Accumulator, EvalCtx, Expr, WindowFunction};
use aurora_planner::{FrameBound, FrameExclusion, FrameUnit, SortKey, WindowCall, WindowFrame};
use aurora_types::error::{ER_NOT_SUPPORTED_YET, ER_WINDOW_FRAME_ILLEGAL, ER_WRONG_ARGUMENTS};
use aurora_types::{SqlError, SqlResult, SqlType, Value};

pub(super) struct Window<'a> {
    input: Box<dyn Op + 'a>,
    partition_by: &'a [Expr],
    order_by: &'a [SortKey],
    calls: &'a [WindowCall],
    arg_types: Vec<Vec<SqlType>>,
    /// First row of the next partition and its key.
    ahead: Option<(Vec<u8>, Row)>,
    output: std::vec::IntoIter<Row>,
    bytes: usize,
}

impl<'a> Window<'a> {
    pub fn new(
        input: Box<dyn Op + 'a>,
        _width: usize,
        partition_by: &'a [Expr],
        order_by: &'a [SortKey],
        calls: &'a [WindowCall],
    ) -> Window<'a> {
        Window {
            input,
            partition_by,
            order_by,
            calls,
            arg_types: calls
                .iter()
                .map(|call| call.args.iter().map(|arg| arg.ty.clone()).collect())
                .collect(),
            ahead: None,
            output: Vec::new().into_iter(),
            bytes: 0,
        }
    }

    fn read(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Option<(Vec<u8>, Row)>> {
        let mut row = Row::new();
        if !self.input.next(rt, ctx, &mut row)? {
            return Ok(None);
        }
        let mut key = Vec::new();
        for expr in self.partition_by {
            let value = expr.eval(&row, ctx)?;
            crate::normal::put(value.as_ref(), &expr.ty, false, &mut key);
        }
        Ok(Some((key, row)))
    }

    fn partition(&self, rows: Vec<Row>, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Vec<Row>> {
        let mut order_keys = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut key = Vec::new();
            sort_key(self.order_by, row, ctx, &mut key)?;
            order_keys.push(key);
        }
        let part = Partition { peers: Peers::new(&order_keys), rows };
        let mut columns = Vec::with_capacity(self.calls.len());
        for (call, types) in self.calls.iter().zip(&self.arg_types) {
            columns.push(self.compute(call, types, &part, rt, ctx)?);
        }
        let mut rows = part.rows;
        for column in columns {
            for (row, value) in rows.iter_mut().zip(column) {
                row.push(value);
            }
        }
        Ok(rows)
    }

    fn compute(
        &self,
        call: &WindowCall,
        types: &[SqlType],
        part: &Partition,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Vec<Value>> {
        use WindowFunction as W;
        let n = part.rows.len();
        if call.ignore_nulls {
            return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"IGNORE NULLS"]));
        }
        if call.from_last {
            return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"FROM LAST"]));
        }
        let peers = &part.peers;
        let mut out = Vec::with_capacity(n);
        match call.function {
            W::RowNumber => out.extend((1..=n as u64).map(Value::UInt)),
            W::Rank => out.extend((0..n).map(|i| Value::UInt(peers.start[i] as u64 + 1))),
            W::DenseRank => out.extend((0..n).map(|i| Value::UInt(peers.group[i] as u64 + 1))),
            W::PercentRank => {
                out.extend((0..n).map(|i| {
                    Value::Double(if n <= 1 { 0.0 } else { peers.start[i] as f64 / (n - 1) as f64 })
                }))
            }
            W::CumeDist => out.extend((0..n).map(|i| Value::Double(peers.end[i] as f64 / n as f64))),
            W::Ntile => {
                let buckets = match call.args[0].eval(&part.rows[0], ctx)? {
                    Value::Null => return Ok(vec![Value::Null; n]),
                    Value::Int(v) if v > 0 => v as u64,
                    Value::UInt(v) if v > 0 => v,
                    _ => return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"ntile"])),
                };
                let (n, small) = (n as u64, n as u64 / buckets);
                let large = n % buckets;
                for i in 0..n {
                    let in_large = large * (small + 1);
                    let bucket = if i < in_large {
                        i / (small + 1)
                    } else {
                        large + (i - in_large).checked_div(small).unwrap_or(0)
                    };
                    out.push(Value::UInt(bucket + 1));
                }
            }
            W::Lag | W::Lead => {
                for i in 0..n {
                    let row = &part.rows[i];
                    let offset = match call.args.get(1) {
                        None => 1,
                        Some(arg) => match arg.eval(row, ctx)? {
                            Value::Int(v) if v >= 0 => v as u64,
                            Value::UInt(v) => v,
                            _ => return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&call.function.name()])),
                        },
                    };
                    let at = match call.function {
                        W::Lag => (i as u64).checked_sub(offset),
                        _ => (i as u64).checked_add(offset),
                    };
                    let there = at.and_then(|at| part.rows.get(usize::try_from(at).ok()?));
                    out.push(match (there, call.args.get(2)) {
                        (Some(row), _) => call.args[0].eval(row, ctx)?,
                        (None, Some(default)) => default.eval(row, ctx)?,
                        (None, None) => Value::Null,
                    });
                }
            }
            W::FirstValue | W::LastValue | W::NthValue => {
                for i in 0..n {
                    let (start, end) = part.frame(call.frame.as_ref(), i, self.order_by, ctx)?;
                    let at = match call.function {
                        W::FirstValue => Some(start),
                        W::LastValue => end.checked_sub(1),
                        _ => match call.args[1].eval(&part.rows[i], ctx)? {
                            Value::Int(v) if v > 0 => start.checked_add(v as usize - 1),
                            Value::UInt(v) if v > 0 => start.checked_add(v as usize - 1),
                            _ => return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"nth_value"])),
                        },
                    };
                    out.push(match at {
                        Some(at) if (start..end).contains(&at) => call.args[0].eval(&part.rows[at], ctx)?,
                        _ => Value::Null,
                    });
                }
            }
            W::Aggregate(function) => {
                let fresh = || Accumulator::new(function, types, &call.ty);
                let add = |acc: &mut Accumulator, at: usize, ctx: &mut EvalCtx<'_>| -> SqlResult<()> {
                    if call.args.is_empty() {
                        acc.add_rows(1);
                        return Ok(());
                    }
                    let mut args = Row::with_capacity(call.args.len());
                    for arg in &call.args {
                        args.push(arg.eval(&part.rows[at], ctx)?);
                    }
                    acc.step(&args, types, b",", rt.settings.group_concat_max_len, ctx)
                };
                let excludes = call.frame.as_ref().is_some_and(|f| f.exclusion != FrameExclusion::None);
                let mut acc = fresh();
                let mut covered: Option<(usize, usize)> = None;
                let mut last = Value::Null;
                for i in 0..n {
                    let (start, end) = part.frame(call.frame.as_ref(), i, self.order_by, ctx)?;
                    if covered == Some((start, end)) && i > 0 {
                        out.push(last.clone());
                        continue;
                    }
                    // A frame that only grows at its end goes on from where it was.
                    let from = match covered {
                        Some((had_start, had_end)) if had_start == start && had_end <= end && !excludes => {
                            had_end
                        }
                        _ => {
                            acc = fresh();
                            start
                        }
                    };
                    for at in from..end {
                        rt.tick()?;
                        add(&mut acc, at, ctx)?;
                    }
                    covered = Some((start, end.max(start)));
                    last = acc.finish(ctx)?;
                    out.push(last.clone());
                }
            }
        }
        Ok(out)
    }
}

struct Partition {
    rows: Vec<Row>,
    peers: Peers,
}

/// For every row: where its peers (equal order keys) begin and end, and the number of their group.
struct Peers {
    start: Vec<usize>,
    end: Vec<usize>,
    group: Vec<usize>,
}

impl Peers {
    fn new(keys: &[Vec<u8>]) -> Peers {
        let n = keys.len();
        let mut peers = Peers { start: vec![0; n], end: vec![n; n], group: vec![0; n] };
        let mut begin = 0;
        let mut group = 0;
        for i in 1..=n {
            if i == n || keys[i] != keys[begin] {
                for at in begin..i {
                    peers.start[at] = begin;
                    peers.end[at] = i;
                    peers.group[at] = group;
                }
                begin = i;
                group += 1;
            }
        }
        peers
    }
}

impl Partition {
    /// The frame of row `i` as positions `start..end`.
    fn frame(
        &self,
        frame: Option<&WindowFrame>,
        i: usize,
        order_by: &[SortKey],
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<(usize, usize)> {
        let n = self.rows.len();
        let Some(frame) = frame else { return Ok((0, n)) };
        if frame.exclusion != FrameExclusion::None {
            return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"EXCLUDE"]));
        }
        let start = self.bound(&frame.start, frame.unit, i, true, order_by, ctx)?;
        let end = self.bound(&frame.end, frame.unit, i, false, order_by, ctx)?;
        Ok((start.min(n), end.min(n).max(start.min(n))))
    }

    /// An edge: position of the first row inside (start) or behind the last one (end).
    fn bound(
        &self,
        bound: &FrameBound,
        unit: FrameUnit,
        i: usize,
        is_start: bool,
        order_by: &[SortKey],
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<usize> {
        let n = self.rows.len();
        Ok(match bound {
            FrameBound::UnboundedPreceding => 0,
            FrameBound::UnboundedFollowing => n,
            FrameBound::CurrentRow => match unit {
                FrameUnit::Rows => i + usize::from(!is_start),
                _ if is_start => self.peers.start[i],
                _ => self.peers.end[i],
            },
            FrameBound::Preceding(expr) | FrameBound::Following(expr) => {
                let back = matches!(bound, FrameBound::Preceding(_));
                match unit {
                    FrameUnit::Rows => {
                        let distance = match expr.eval(&self.rows[i], ctx)? {
                            Value::Int(v) if v >= 0 => v as usize,
                            Value::UInt(v) => usize::try_from(v).unwrap_or(usize::MAX),
                            _ => return Err(SqlError::new(ER_WINDOW_FRAME_ILLEGAL, &[&"<unnamed window>"])),
                        };
                        match (back, is_start) {
                            (true, true) => i.saturating_sub(distance),
                            (true, false) => (i + 1).saturating_sub(distance),
                            (false, true) => i.saturating_add(distance),
                            (false, false) => i.saturating_add(distance).saturating_add(1),
                        }
                    }
                    FrameUnit::Groups => return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"GROUPS"])),
                    FrameUnit::Range => {
                        let edge = expr.eval(&self.rows[i], ctx)?;
                        if edge.is_null() {
                            return Ok(if is_start { self.peers.start[i] } else { self.peers.end[i] });
                        }
                        let Some(key) = order_by.first() else { return Ok(if is_start { 0 } else { n }) };
                        // The edge in the key's own terms, found by bisection among the sorted rows.
                        let how = aurora_expr::typing::own_comparison(&key.expr.ty);
                        let (mut low, mut high) = (0, n);
                        while low < high {
                            let middle = (low + high) / 2;
                            let value = key.expr.eval(&self.rows[middle], ctx)?;
                            let order = if value.is_null() {
                                std::cmp::Ordering::Less
                            } else {
                                how.compare(value.as_ref(), &key.expr.ty, edge.as_ref(), &expr.ty, ctx)?
                                    .unwrap_or(std::cmp::Ordering::Less)
                            };
                            let order =
                                if key.descending && !value.is_null() { order.reverse() } else { order };
                            let is_before = if value.is_null() {
                                !key.descending
                            } else if is_start {
                                order.is_lt()
                            } else {
                                order.is_le()
                            };
                            if is_before {
                                low = middle + 1;
                            } else {
                                high = middle;
                            }
                        }
                        low
                    }
                }
            }
        })
    }
}

impl Op for Window<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.output = Vec::new().into_iter();
        self.input.open(rt, ctx)?;
        self.ahead = self.read(rt, ctx)?;
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        loop {
            if let Some(next) = self.output.next() {
                *row = next;
                return Ok(true);
            }
            let Some((key, first)) = self.ahead.take() else { return Ok(false) };
            rt.release(std::mem::take(&mut self.bytes));
            let mut rows = vec![first];
            loop {
                match self.read(rt, ctx)? {
                    Some((next_key, next)) if next_key == key => {
                        let bytes = row_bytes(&next) * 2;
                        rt.hold(bytes)?;
                        self.bytes += bytes;
                        rows.push(next);
                    }
                    other => {
                        self.ahead = other;
                        break;
                    }
                }
            }
            self.output = self.partition(rows, rt, ctx)?.into_iter();
        }
    }
}
