//! Grouping: by hash in order of first arrival, or by change of group on sorted input; ROLLUP.

use super::aggregate_calls::{Calls, Group, Scratch, State, Way, column, step, way};
use super::input::{Here, Input};
use super::{Op, Row};
use crate::key_table::KeyTable;
use crate::runtime::Runtime;
use crate::spill::{MAX_LEVEL, Merge, Reader, Spill, Stream, arrival_key};
use aurora_expr::{Accumulator, EvalCtx, Expr, ExprKind, SharedSums};
use aurora_planner::{AggregateCall, AggregateStrategy};
use aurora_types::{SqlResult, SqlType, Value};
use std::collections::BTreeMap;

pub(super) struct Aggregate<'a> {
    input: Input<'a>,
    groups: &'a [Expr],
    calls: &'a [AggregateCall],
    arg_types: Vec<Vec<SqlType>>,
    /// How each call takes a row.
    ways: Vec<Way>,
    shared: SharedSums<'a>,
    /// Rows are needed as a whole.
    takes_rows: bool,
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

impl<'a> Aggregate<'a> {
    pub fn new(
        input: Input<'a>,
        groups: &'a [Expr],
        calls: &'a [AggregateCall],
        rollup: bool,
        strategy: AggregateStrategy,
    ) -> Aggregate<'a> {
        let arg_types: Vec<Vec<SqlType>> =
            calls.iter().map(|call| call.args.iter().map(|arg| arg.ty.clone()).collect()).collect();
        let mut shared = SharedSums::default();
        let ways: Vec<Way> =
            calls.iter().zip(&arg_types).map(|(call, types)| way(call, types, &mut shared)).collect();
        Aggregate {
            input,
            groups,
            calls,
            takes_rows: ways.iter().any(|way| matches!(way, Way::Any))
                || groups.iter().any(|group| !matches!(group.kind, ExprKind::Column(_))),
            arg_types,
            ways,
            shared,
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
                seen: (call.distinct && !call.function.ignores_distinct()).then(Box::default),
                ordered: (!call.order_by.is_empty()).then(Box::default),
            })
            .collect();
        Group { values, rolled_up, states }
    }

    /// The key of a row's group. Values that are no columns are left in `computed`.
    #[inline]
    fn group_of(
        groups: &[Expr],
        here: &Here<'_>,
        row: &[Value],
        ctx: &mut EvalCtx<'_>,
        key: &mut Vec<u8>,
        computed: &mut Row,
    ) -> SqlResult<()> {
        key.clear();
        computed.clear();
        for expr in groups {
            if let ExprKind::Column(at) = expr.kind {
                crate::normal::put_equal(column(here, at)?, &expr.ty, key);
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
                for (_, _, args) in *ordered {
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
                    let calls = Calls { calls: self.calls, arg_types: &self.arg_types, ways: &self.ways };
                    let given = (&mut self.shared, &Here::Row(&row), row.as_slice(), true);
                    self.bytes += calls.add(group, given, &mut self.scratch, rt, ctx)?.unwrap_or(0);
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

    /// Adds the row in hand to its group, filled where it has to be.
    fn take(
        &mut self,
        group: &mut Group,
        row: &mut Row,
        filled: &mut bool,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        let session = ctx.session;
        loop {
            let here = self.input.here(row, *filled, session)?;
            let calls = Calls { calls: self.calls, arg_types: &self.arg_types, ways: &self.ways };
            let given = (&mut self.shared, &here, row.as_slice(), *filled);
            match calls.add(group, given, &mut self.scratch, rt, ctx)? {
                Some(held) => {
                    self.bytes += held;
                    return Ok(());
                }
                None => self.input.fill(session, row, filled)?,
            }
        }
    }

    /// Rows are only counted: none is looked at.
    fn count_all(&mut self, all: &mut Group, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        let (mut rows, mut filled) = (0, true);
        while self.input.step(rt, ctx, &mut self.input_row, &mut filled)? {
            rows += 1;
        }
        for state in &mut all.states {
            state.accumulator.add_rows(rows);
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
            let mut all = self.new_group(Row::new(), 0);
            if self.ways.iter().all(|way| matches!(way, Way::Rows)) {
                self.count_all(&mut all, rt, ctx)?;
                return Ok(Hashed { groups: vec![(0, all)], parts: None });
            }
            groups.push((0, all));
        }
        let mut key = Vec::new();
        let mut arrival = 0u64;
        let mut arrival_bytes = Vec::new();
        let mut row = std::mem::take(&mut self.input_row);
        // Rows of partitions are there as a whole.
        let mut filled = true;
        let session = ctx.session;
        loop {
            let is_there = match &mut part {
                None => self.input.step(rt, ctx, &mut row, &mut filled)?,
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
            if self.takes_rows {
                self.input.fill(session, &mut row, &mut filled)?;
            }
            let at = if self.groups.is_empty() {
                0
            } else {
                let here = self.input.here(&row, filled, session)?;
                Self::group_of(self.groups, &here, &row, ctx, &mut key, &mut computed)?;
                match places.find(&key) {
                    Some(at) => {
                        let calls = Calls { calls: self.calls, arg_types: &self.arg_types, ways: &self.ways };
                        let given = (&mut self.shared, &here, row.as_slice(), filled);
                        if let Some(held) = calls.add(&mut groups[at].1, given, &mut self.scratch, rt, ctx)? {
                            self.bytes += held;
                            continue;
                        }
                        at
                    }
                    None => {
                        if parts.is_none() && self.bytes >= budget && !groups.is_empty() {
                            if spill.is_none() {
                                *spill = Spill::begin(rt)?;
                            }
                            parts = spill.is_some().then(Spill::partitions);
                        }
                        self.input.fill(session, &mut row, &mut filled)?;
                        if let (Some(spill), Some(parts)) = (&spill, &mut parts) {
                            let part = &mut parts[spill.partition_of(&key, level)];
                            spill.put(part, &arrival_key(arrival), &row)?;
                            continue;
                        }
                        let values = self.values_of(&row, &mut computed);
                        let group = self.new_group(values, 0);
                        let bytes = group.bytes(&key);
                        rt.hold(bytes)?;
                        self.bytes += bytes;
                        groups.push((arrival, group));
                        places.insert(&key).0
                    }
                }
            };
            self.take(&mut groups[at].1, &mut row, &mut filled, rt, ctx)?;
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
        let mut filled = true;
        let session = ctx.session;
        while self.input.step(rt, ctx, &mut input_row, &mut filled)? {
            if self.takes_rows {
                self.input.fill(session, &mut input_row, &mut filled)?;
            }
            let here = self.input.here(&input_row, filled, session)?;
            Self::group_of(self.groups, &here, &input_row, ctx, &mut key, &mut computed)?;
            let mut finished = None;
            match &mut self.current {
                Some((current, group)) if *current == key => {
                    let calls = Calls { calls: self.calls, arg_types: &self.arg_types, ways: &self.ways };
                    let given = (&mut self.shared, &here, input_row.as_slice(), filled);
                    if let Some(held) = calls.add(group, given, &mut self.scratch, rt, ctx)? {
                        self.bytes += held;
                        continue;
                    }
                }
                _ => {
                    self.input.fill(session, &mut input_row, &mut filled)?;
                    let values = self.values_of(&input_row, &mut computed);
                    let group = self.new_group(values, 0);
                    // The buffer of a finished group's key is the next one's.
                    let (mut next, known) = self.current.take().unzip();
                    let buffer = next.get_or_insert_default();
                    buffer.clear();
                    buffer.extend_from_slice(&key);
                    finished = known;
                    self.current = next.map(|key| (key, group));
                }
            }
            // What the finished group holds is given back with it.
            let held = if finished.is_some() { std::mem::take(&mut self.bytes) } else { 0 };
            if let Some((key, mut group)) = self.current.take() {
                self.take(&mut group, &mut input_row, &mut filled, rt, ctx)?;
                self.current = Some((key, group));
            }
            if let Some(group) = finished {
                self.input_row = input_row;
                self.key = key;
                *row = self.finish(rt, group, ctx)?;
                rt.release(held);
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
