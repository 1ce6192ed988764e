//! DISTINCT, UNION, INTERSECT, EXCEPT.

use super::{Op, Row};
use crate::runtime::Runtime;
use aurora_expr::EvalCtx;
use aurora_planner::SetOperation;
use aurora_types::{SqlResult, SqlType};
use std::collections::{HashMap, HashSet};

fn key_of(row: &Row, types: &[SqlType], columns: usize, out: &mut Vec<u8>) {
    out.clear();
    for (value, ty) in row.iter().zip(types).take(columns) {
        crate::normal::put(value.as_ref(), ty, false, out);
    }
}

pub(super) struct Distinct<'a> {
    input: Box<dyn Op + 'a>,
    types: &'a [SqlType],
    columns: usize,
    seen: HashSet<Vec<u8>>,
    key: Vec<u8>,
    bytes: usize,
}

impl<'a> Distinct<'a> {
    pub fn new(input: Box<dyn Op + 'a>, types: &'a [SqlType], columns: usize) -> Distinct<'a> {
        Distinct { input, types, columns, seen: HashSet::new(), key: Vec::new(), bytes: 0 }
    }
}

impl Op for Distinct<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.seen.clear();
        rt.release(std::mem::take(&mut self.bytes));
        self.input.open(rt, ctx)
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        while self.input.next(rt, ctx, row)? {
            key_of(row, self.types, self.columns, &mut self.key);
            if !self.seen.contains(&self.key) {
                let bytes = self.key.len() + 48;
                rt.hold(bytes)?;
                self.bytes += bytes;
                self.seen.insert(self.key.clone());
                return Ok(true);
            }
        }
        Ok(false)
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
