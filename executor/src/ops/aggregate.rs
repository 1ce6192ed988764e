//! Grouping: by hash in order of first arrival, or by change of group on sorted input; ROLLUP.

use super::{Op, Row};
use crate::key_table::KeyTable;
use crate::runtime::Runtime;
use crate::spill::{MAX_LEVEL, Merge, Reader, Spill, Stream, arrival_key};
use aurora_expr::{Accumulator, EvalCtx, Expr, ExprKind};
use aurora_planner::{AggregateCall, AggregateStrategy};
use aurora_types::{SqlResult, SqlType, Value};
use std::collections::BTreeMap;

pub(super) struct Aggregate<'a> {
    input: Box<dyn Op + 'a>,
    groups: &'a [Expr],
    calls: &'a [AggregateCall],
    arg_types: Vec<Vec<SqlType>>,
    rollup: bool,
    sorted: bool,
    /// Finished groups, when all input had to be read first.
    output: std::vec::IntoIter<Row>,
    /// Groups that did not fit in memory, behind `output`.
    rest: Option<Merge>,
    key: Vec<u8>,
    scratch: Scratch,
    /// Sorted input: the group that is being collected, and its key.
    current: Option<(Vec<u8>, Group)>,
    done: bool,
    input_row: Row,
    bytes: usize,
}

/// The running state of one group.
struct Group {
    values: Row,
    rolled_up: u64,
    states: Vec<State>,
}

struct State {
    accumulator: Accumulator,
    /// DISTINCT: what was counted.
    seen: Option<KeyTable>,
    /// ORDER BY inside the call: sort key, arrival, arguments.
    ordered: Option<Vec<(Vec<u8>, usize, Row)>>,
}

impl<'a> Aggregate<'a> {
    pub fn new(
        input: Box<dyn Op + 'a>,
        groups: &'a [Expr],
        calls: &'a [AggregateCall],
        rollup: bool,
        strategy: AggregateStrategy,
    ) -> Aggregate<'a> {
        Aggregate {
            input,
            groups,
            calls,
            arg_types: calls
                .iter()
                .map(|call| call.args.iter().map(|arg| arg.ty.clone()).collect())
                .collect(),
            rollup,
            sorted: strategy == AggregateStrategy::Sorted && !rollup && !groups.is_empty(),
            output: Vec::new().into_iter(),
            rest: None,
            key: Vec::new(),
            scratch: Scratch::default(),
            current: None,
            done: false,
            input_row: Row::new(),
            bytes: 0,
        }
    }

    fn new_group(&self, values: Row, rolled_up: u64) -> Group {
        let states = self
            .calls
            .iter()
            .zip(&self.arg_types)
            .map(|(call, types)| State {
                accumulator: Accumulator::new(call.function, types, &call.ty),
                seen: (call.distinct && !call.function.ignores_distinct()).then(KeyTable::default),
                ordered: (!call.order_by.is_empty()).then(Vec::new),
            })
            .collect();
        Group { values, rolled_up, states }
    }

    /// The key of a row's group. Values that are no columns are left in `computed`.
    fn group_of(
        &self,
        row: &[Value],
        ctx: &mut EvalCtx<'_>,
        key: &mut Vec<u8>,
        computed: &mut Row,
    ) -> SqlResult<()> {
        key.clear();
        computed.clear();
        for expr in self.groups {
            if let ExprKind::Column(at) = expr.kind {
                crate::normal::put_equal(row.get(at).unwrap_or(&Value::Null).as_ref(), &expr.ty, key);
                continue;
            }
            let value = expr.eval(row, ctx)?;
            crate::normal::put_equal(value.as_ref(), &expr.ty, key);
            computed.push(value);
        }
        Ok(())
    }

    /// The values of the group that [`Aggregate::group_of`] found.
    fn values_of(&self, row: &[Value], computed: &mut Row) -> Row {
        let mut computed = computed.drain(..);
        let mut values = Row::with_capacity(self.groups.len() + self.calls.len() + 1);
        for expr in self.groups {
            values.push(match expr.kind {
                ExprKind::Column(at) => row.get(at).cloned().unwrap_or(Value::Null),
                _ => computed.next().unwrap_or(Value::Null),
            });
        }
        values
    }

    fn finish(&self, rt: &Runtime<'_>, mut group: Group, ctx: &mut EvalCtx<'_>) -> SqlResult<Row> {
        let mut row = group.values;
        for ((call, types), state) in self.calls.iter().zip(&self.arg_types).zip(&mut group.states) {
            if let Some(mut ordered) = state.ordered.take() {
                ordered.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
                for (_, _, args) in ordered {
                    step(&mut state.accumulator, call, &args, types, rt, ctx)?;
                }
            }
            row.push(state.accumulator.finish(ctx)?);
        }
        if self.rollup {
            row.push(Value::Int(group.rolled_up as i64));
        }
        Ok(row)
    }

    fn rollup_all(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Vec<Row>> {
        // Rolled-up columns sort behind all values of theirs: every super-aggregate follows its groups.
        let mut groups: BTreeMap<Vec<u8>, Group> = BTreeMap::new();
        let count = self.groups.len();
        let mut row = std::mem::take(&mut self.input_row);
        while self.input.next(rt, ctx, &mut row)? {
            let mut values = Row::with_capacity(count);
            let mut keys: Vec<Vec<u8>> = Vec::with_capacity(count);
            for expr in self.groups {
                let value = expr.eval(&row, ctx)?;
                let mut key = vec![1];
                crate::normal::put(value.as_ref(), &expr.ty, false, &mut key);
                keys.push(key);
                values.push(value);
            }
            for rolled in 0..=count {
                let kept = count - rolled;
                let mut key: Vec<u8> = keys[..kept].concat();
                key.resize(key.len() + rolled, 2);
                if !groups.contains_key(&key) {
                    let mut group_values = values.clone();
                    group_values[kept..].fill(Value::Null);
                    let bytes = key.len() + 64 * (count + self.calls.len());
                    rt.hold(bytes)?;
                    self.bytes += bytes;
                    groups.insert(key.clone(), self.new_group(group_values, (1u64 << rolled) - 1));
                }
                if let Some(group) = groups.get_mut(&key) {
                    self.bytes +=
                        accumulate(self.calls, &self.arg_types, group, &row, &mut self.scratch, rt, ctx)?;
                }
            }
        }
        self.input_row = row;
        if groups.is_empty() {
            // The grand total is there even where nothing is added up.
            let total = self.new_group(vec![Value::Null; count], (1u64 << count) - 1);
            groups.insert(Vec::new(), total);
        }
        groups.into_values().map(|group| self.finish(rt, group, ctx)).collect()
    }

    fn hash_all(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Vec<Row>> {
        let mut spill = None;
        let Hashed { groups, parts } = self.hash(None, &mut spill, 0, rt, ctx)?;
        let rows = groups
            .into_iter()
            .map(|(_, group)| self.finish(rt, group, ctx))
            .collect::<SqlResult<Vec<_>>>()?;
        if let (Some(spill), Some(parts)) = (spill, parts) {
            // Every group of a partition came behind those in memory.
            let mut readers = Vec::new();
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                self.hash_part(&spill, part, 1, &mut readers, rt, ctx)?;
            }
            rt.release(std::mem::take(&mut self.bytes));
            self.rest = Some(Merge::new(readers)?);
        }
        Ok(rows)
    }

    /// The groups of one partition, each with the arrival of its first row, as one stream or several.
    fn hash_part(
        &mut self,
        spill: &Spill,
        part: Stream,
        level: u32,
        out: &mut Vec<Reader>,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        rt.release(std::mem::take(&mut self.bytes));
        let reader = spill.read(part)?;
        let Hashed { groups, parts } = self.hash(Some(reader), &mut Some(spill.clone()), level, rt, ctx)?;
        let mut stream = Stream::default();
        for (arrival, group) in groups {
            let row = self.finish(rt, group, ctx)?;
            spill.put(&mut stream, &arrival_key(arrival), &row)?;
        }
        out.push(spill.read(stream)?);
        for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
            self.hash_part(spill, part, level + 1, out, rt, ctx)?;
        }
        Ok(())
    }

    /// Groups the input, or one partition of it. When the groups fill the budget, rows of further ones go to
    /// partitions.
    fn hash(
        &mut self,
        mut part: Option<Reader>,
        spill: &mut Option<Spill>,
        level: u32,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Hashed> {
        let budget = if level < MAX_LEVEL { rt.budget() } else { usize::MAX };
        // The number of a key is its group's.
        let mut places = KeyTable::default();
        let mut computed = Row::new();
        let mut groups: Vec<(u64, Group)> = Vec::new();
        let mut parts: Option<Vec<Stream>> = None;
        if self.groups.is_empty() {
            groups.push((0, self.new_group(Row::new(), 0)));
        }
        let mut key = Vec::new();
        let mut arrival = 0u64;
        let mut arrival_bytes = Vec::new();
        let mut row = std::mem::take(&mut self.input_row);
        loop {
            let is_there = match &mut part {
                None => self.input.next(rt, ctx, &mut row)?,
                Some(reader) => {
                    rt.tick()?;
                    reader.next(&mut arrival_bytes, &mut row)?
                }
            };
            if !is_there {
                break;
            }
            arrival = match arrival_bytes.first_chunk() {
                Some(bytes) => u64::from_be_bytes(*bytes),
                None => arrival + 1,
            };
            let at = if self.groups.is_empty() {
                0
            } else {
                self.group_of(&row, ctx, &mut key, &mut computed)?;
                match places.find(&key) {
                    Some(at) => at,
                    None => {
                        if parts.is_none() && self.bytes >= budget && !groups.is_empty() {
                            if spill.is_none() {
                                *spill = Spill::begin(rt)?;
                            }
                            parts = spill.is_some().then(Spill::partitions);
                        }
                        if let (Some(spill), Some(parts)) = (&spill, &mut parts) {
                            let part = &mut parts[spill.partition_of(&key, level)];
                            spill.put(part, &arrival_key(arrival), &row)?;
                            continue;
                        }
                        let values = self.values_of(&row, &mut computed);
                        let bytes = key.len() + 96 * (values.len() + self.calls.len()) + 64;
                        rt.hold(bytes)?;
                        self.bytes += bytes;
                        groups.push((arrival, self.new_group(values, 0)));
                        places.insert(&key).0
                    }
                }
            };
            let group = &mut groups[at].1;
            self.bytes += accumulate(self.calls, &self.arg_types, group, &row, &mut self.scratch, rt, ctx)?;
        }
        self.input_row = row;
        Ok(Hashed { groups, parts })
    }
}

/// What one pass over rows gave.
struct Hashed {
    /// With the arrival of their first rows, in that order.
    groups: Vec<(u64, Group)>,
    parts: Option<Vec<Stream>>,
}

fn step(
    accumulator: &mut Accumulator,
    call: &AggregateCall,
    args: &[Value],
    types: &[SqlType],
    rt: &Runtime<'_>,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    if call.args.is_empty() {
        accumulator.add_rows(1);
        return Ok(());
    }
    let separator = call.separator.as_deref().unwrap_or(",");
    accumulator.step(args, types, separator.as_bytes(), rt.settings.group_concat_max_len, ctx)
}

/// Buffers that rows are added up with.
#[derive(Default)]
struct Scratch {
    args: Row,
    key: Vec<u8>,
}

/// Adds a row to a call of one argument without DISTINCT and ORDER BY.
#[inline]
fn add_one(
    accumulator: &mut Accumulator,
    (call, arg, types): (&AggregateCall, &Expr, &[SqlType]),
    row: &[Value],
    rt: &Runtime<'_>,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    if accumulator.sums_decimals()
        && let Some((unscaled, scale)) = arg.small_decimal(row, ctx)
        && accumulator.add_small(unscaled, scale)
    {
        return Ok(());
    }
    if let ExprKind::Column(at) = arg.kind {
        let value = row.get(at).unwrap_or(&Value::Null);
        return step(accumulator, call, std::slice::from_ref(value), types, rt, ctx);
    }
    let value = arg.eval(row, ctx)?;
    step(accumulator, call, std::slice::from_ref(&value), types, rt, ctx)
}

/// Adds a row to its group; gives the bytes that are held for it from now on.
fn accumulate(
    calls: &[AggregateCall],
    arg_types: &[Vec<SqlType>],
    group: &mut Group,
    row: &[Value],
    scratch: &mut Scratch,
    rt: &Runtime<'_>,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<usize> {
    let mut held = 0;
    for ((call, types), state) in calls.iter().zip(arg_types).zip(&mut group.states) {
        if call.args.is_empty() {
            state.accumulator.add_rows(1);
            continue;
        }
        if let (None, None, [arg]) = (&state.seen, &state.ordered, call.args.as_slice()) {
            add_one(&mut state.accumulator, (call, arg, types), row, rt, ctx)?;
            continue;
        }
        let Scratch { args, key } = scratch;
        args.clear();
        for arg in &call.args {
            args.push(arg.eval(row, ctx)?);
        }
        if let Some(seen) = &mut state.seen {
            if args.iter().any(Value::is_null) {
                continue;
            }
            key.clear();
            for (value, ty) in args.iter().zip(types) {
                crate::normal::put_equal(value.as_ref(), ty, key);
            }
            let bytes = key.len() + 48;
            if !seen.insert(key).1 {
                continue;
            }
            rt.hold(bytes)?;
            held += bytes;
        }
        match &mut state.ordered {
            Some(ordered) => {
                if args.iter().any(Value::is_null) {
                    continue;
                }
                let mut key = Vec::new();
                super::sort::sort_key(&call.order_by, row, ctx, &mut key)?;
                let bytes = key.len() + super::row_bytes(args);
                rt.hold(bytes)?;
                held += bytes;
                let arrival = ordered.len();
                ordered.push((key, arrival, std::mem::take(args)));
            }
            None => step(&mut state.accumulator, call, args, types, rt, ctx)?,
        }
    }
    Ok(held)
}

impl Op for Aggregate<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.current = None;
        self.rest = None;
        self.done = false;
        rt.release(std::mem::take(&mut self.bytes));
        self.input.open(rt, ctx)?;
        if !self.sorted {
            let rows = if self.rollup { self.rollup_all(rt, ctx)? } else { self.hash_all(rt, ctx)? };
            self.output = rows.into_iter();
        }
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if !self.sorted {
            return match (self.output.next(), &mut self.rest) {
                (Some(next), _) => {
                    *row = next;
                    Ok(true)
                }
                (None, Some(rest)) => rest.next(&mut self.key, row),
                (None, None) => Ok(false),
            };
        }
        if self.done {
            return Ok(false);
        }
        let mut key = std::mem::take(&mut self.key);
        let mut computed = Row::new();
        let mut input_row = std::mem::take(&mut self.input_row);
        while self.input.next(rt, ctx, &mut input_row)? {
            self.group_of(&input_row, ctx, &mut key, &mut computed)?;
            let is_same = self.current.as_ref().is_some_and(|(current, _)| *current == key);
            let finished = if is_same {
                None
            } else {
                let values = self.values_of(&input_row, &mut computed);
                let group = self.new_group(values, 0);
                self.current.replace((key.clone(), group))
            };
            if let Some((_, group)) = &mut self.current {
                self.bytes +=
                    accumulate(self.calls, &self.arg_types, group, &input_row, &mut self.scratch, rt, ctx)?;
            }
            if let Some((_, group)) = finished {
                self.input_row = input_row;
                self.key = key;
                *row = self.finish(rt, group, ctx)?;
                return Ok(true);
            }
        }
        self.input_row = input_row;
        self.done = true;
        match self.current.take() {
            Some((_, group)) => {
                *row = self.finish(rt, group, ctx)?;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}
