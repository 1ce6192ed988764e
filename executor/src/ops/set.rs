//! DISTINCT, UNION, INTERSECT, EXCEPT.

use super::{Op, Row};
use crate::key_table::KeyTable;
use crate::runtime::Runtime;
use crate::spill::{MAX_LEVEL, Merge, Reader, Spill, Stream, arrival_key};
use aurora_expr::EvalCtx;
use aurora_planner::SetOperation;
use aurora_types::{SqlResult, SqlType};
use std::collections::{HashMap, HashSet};

fn key_of(row: &Row, types: &[SqlType], columns: usize, out: &mut Vec<u8>) {
    out.clear();
    for (value, ty) in row.iter().zip(types).take(columns) {
        crate::normal::put_equal(value.as_ref(), ty, out);
    }
}

pub(super) struct Distinct<'a> {
    input: Box<dyn Op + 'a>,
    types: &'a [SqlType],
    columns: usize,
    seen: KeyTable,
    key: Vec<u8>,
    bytes: usize,
    arrival: u64,
    /// Rows whose like may have been seen, by key: no more keys are kept in memory.
    parts: Option<(Spill, Vec<Stream>)>,
    /// The input is read, and these are left.
    rest: Option<Merge>,
}

impl<'a> Distinct<'a> {
    pub fn new(input: Box<dyn Op + 'a>, types: &'a [SqlType], columns: usize) -> Distinct<'a> {
        Distinct {
            input,
            types,
            columns,
            seen: KeyTable::default(),
            key: Vec::new(),
            bytes: 0,
            arrival: 0,
            parts: None,
            rest: None,
        }
    }

    fn clear(&mut self, rt: &Runtime<'_>) {
        self.seen.clear();
        rt.release(std::mem::take(&mut self.bytes));
    }

    /// Keeps `key` from now on.
    fn keep(&mut self, rt: &Runtime<'_>) -> SqlResult<()> {
        let bytes = self.key.len() + 48;
        rt.hold(bytes)?;
        self.bytes += bytes;
        self.seen.insert(&self.key);
        Ok(())
    }

    /// The distinct rows of one partition, in order of arrival, as one stream or several.
    fn finish_part(
        &mut self,
        spill: &Spill,
        part: Stream,
        level: u32,
        out: &mut Vec<Reader>,
        rt: &Runtime<'_>,
    ) -> SqlResult<()> {
        let mut reader = spill.read(part)?;
        let (mut arrival, mut row) = (Vec::new(), Row::new());
        let mut kept = Stream::default();
        let mut parts: Option<Vec<Stream>> = None;
        self.clear(rt);
        while reader.next(&mut arrival, &mut row)? {
            rt.tick()?;
            key_of(&row, self.types, self.columns, &mut self.key);
            if self.seen.find(&self.key).is_some() {
                continue;
            }
            if self.bytes >= rt.budget() && level < MAX_LEVEL {
                let parts = parts.get_or_insert_with(Spill::partitions);
                spill.put(&mut parts[spill.partition_of(&self.key, level)], &arrival, &row)?;
                continue;
            }
            self.keep(rt)?;
            spill.put(&mut kept, &arrival, &row)?;
        }
        out.push(spill.read(kept)?);
        for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
            self.finish_part(spill, part, level + 1, out, rt)?;
        }
        Ok(())
    }
}

impl Op for Distinct<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.clear(rt);
        (self.arrival, self.parts, self.rest) = (0, None, None);
        self.input.open(rt, ctx)
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        if let Some(rest) = &mut self.rest {
            return rest.next(&mut self.key, row);
        }
        while self.input.next(rt, ctx, row)? {
            key_of(row, self.types, self.columns, &mut self.key);
            if self.seen.find(&self.key).is_some() {
                continue;
            }
            if self.parts.is_none() && self.bytes >= rt.budget() {
                self.parts = Spill::begin(rt)?.map(|spill| (spill, Spill::partitions()));
            }
            if let Some((spill, parts)) = &mut self.parts {
                self.arrival += 1;
                let part = &mut parts[spill.partition_of(&self.key, 0)];
                spill.put(part, &arrival_key(self.arrival), row)?;
                continue;
            }
            self.keep(rt)?;
            return Ok(true);
        }
        let Some((spill, parts)) = self.parts.take() else { return Ok(false) };
        let mut readers = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.finish_part(&spill, part, 1, &mut readers, rt)?;
        }
        self.clear(rt);
        let rest = self.rest.insert(Merge::new(readers)?);
        rest.next(&mut self.key, row)
    }
}

pub(super) struct SetOp<'a> {
    operation: SetOperation,
    all: bool,
    inputs: Vec<Box<dyn Op + 'a>>,
    types: &'a [SqlType],
    /// UNION: the input in hand.
    at: usize,
    seen: HashSet<Vec<u8>>,
    /// INTERSECT and EXCEPT: how often a row may still be given (or is still taken away).
    counts: Vec<HashMap<Vec<u8>, u64>>,
    key: Vec<u8>,
}

impl<'a> SetOp<'a> {
    pub fn new(
        operation: SetOperation,
        all: bool,
        inputs: Vec<Box<dyn Op + 'a>>,
        types: &'a [SqlType],
    ) -> SetOp<'a> {
        SetOp {
            operation,
            all,
            inputs,
            types,
            at: 0,
            seen: HashSet::new(),
            counts: Vec::new(),
            key: Vec::new(),
        }
    }
}

impl Op for SetOp<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.at = 0;
        self.seen.clear();
        self.counts.clear();
        if self.operation != SetOperation::Union {
            let mut row = Row::new();
            for input in &mut self.inputs[1..] {
                input.open(rt, ctx)?;
                let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
                while input.next(rt, ctx, &mut row)? {
                    key_of(&row, self.types, self.types.len(), &mut self.key);
                    rt.hold(self.key.len() + 56)?;
                    *counts.entry(self.key.clone()).or_default() += 1;
                }
                self.counts.push(counts);
            }
        }
        match self.inputs.first_mut() {
            Some(first) => first.open(rt, ctx),
            None => Ok(()),
        }
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        while let Some(input) = self.inputs.get_mut(self.at) {
            if !input.next(rt, ctx, row)? {
                if self.operation != SetOperation::Union {
                    return Ok(false);
                }
                self.at += 1;
                if let Some(next) = self.inputs.get_mut(self.at) {
                    next.open(rt, ctx)?;
                }
                continue;
            }
            if self.operation == SetOperation::Union && self.all {
                return Ok(true);
            }
            key_of(row, self.types, self.types.len(), &mut self.key);
            let passes = match self.operation {
                SetOperation::Union => true,
                SetOperation::Intersect => {
                    self.counts.iter_mut().all(|counts| match counts.get_mut(&self.key) {
                        Some(left) if *left > 0 => {
                            *left -= u64::from(self.all);
                            true
                        }
                        _ => false,
                    })
                }
                SetOperation::Except => {
                    !self.counts.iter_mut().any(|counts| match counts.get_mut(&self.key) {
                        Some(left) if *left > 0 => {
                            *left -= u64::from(self.all);
                            true
                        }
                        _ => false,
                    })
                }
            };
            if passes && (self.all || self.seen.insert(self.key.clone())) {
                rt.hold(self.key.len() + 48)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
