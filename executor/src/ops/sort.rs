//! Sorting by normalised keys; top-N keeps a heap.

use super::{Op, Row, count_of, row_bytes};
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::SortKey;
use aurora_types::{SqlResult, Value};
use std::collections::BinaryHeap;

pub(super) struct Sort<'a> {
    input: Box<dyn Op + 'a>,
    keys: &'a [SortKey],
    limit: Option<&'a Expr>,
    sorted: std::vec::IntoIter<Entry>,
    bytes: usize,
}

/// Ordered by key, then by arrival: the sort is stable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: Vec<u8>,
    arrival: u64,
    row: Unordered,
}

/// A row takes no part in the order of entries.
struct Unordered(Row);

impl PartialEq for Unordered {
    fn eq(&self, _: &Unordered) -> bool {
        true
    }
}
impl Eq for Unordered {}
impl PartialOrd for Unordered {
    fn partial_cmp(&self, other: &Unordered) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Unordered {
    fn cmp(&self, _: &Unordered) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// Appends the sort key of a row.
pub(super) fn sort_key(
    keys: &[SortKey],
    row: &[Value],
    ctx: &mut EvalCtx<'_>,
    out: &mut Vec<u8>,
) -> SqlResult<()> {
    for key in keys {
        let value = key.expr.eval(row, ctx)?;
        crate::normal::put(value.as_ref(), &key.expr.ty, key.descending, out);
    }
    Ok(())
}

impl<'a> Sort<'a> {
    pub fn new(input: Box<dyn Op + 'a>, keys: &'a [SortKey], limit: Option<&'a Expr>) -> Sort<'a> {
        Sort { input, keys, limit, sorted: Vec::new().into_iter(), bytes: 0 }
    }
}

impl Op for Sort<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.sorted = Vec::new().into_iter();
        rt.release(std::mem::take(&mut self.bytes));
        let limit = match self.limit {
            Some(limit) if !rt.plan.calc_found_rows => {
                usize::try_from(count_of(limit, ctx)?).unwrap_or(usize::MAX)
            }
            _ => usize::MAX,
        };
        self.input.open(rt, ctx)?;
        let mut row = Row::new();
        let mut arrival = 0;
        let mut heap: BinaryHeap<Entry> = BinaryHeap::new();
        let mut all: Vec<Entry> = Vec::new();
        let is_top = limit < 1 << 16;
        while self.input.next(rt, ctx, &mut row)? {
            let mut key = Vec::with_capacity(16);
            sort_key(self.keys, &row, ctx, &mut key)?;
            arrival += 1;
            if is_top && heap.len() >= limit {
                match heap.peek_mut() {
                    Some(mut last) if key < last.key => {
                        *last = Entry { key, arrival, row: Unordered(std::mem::take(&mut row)) };
                    }
                    _ => {}
                }
                continue;
            }
            let bytes = row_bytes(&row) + key.len() + 32;
            rt.hold(bytes)?;
            self.bytes += bytes;
            let entry = Entry { key, arrival, row: Unordered(std::mem::take(&mut row)) };
            if is_top {
                heap.push(entry);
            } else {
                all.push(entry);
            }
        }
        if is_top {
            all = heap.into_sorted_vec();
        } else {
            all.sort_unstable();
            all.truncate(limit);
        }
        self.sorted = all.into_iter();
        Ok(())
    }

    fn next(&mut self, _: &Runtime<'_>, _: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        match self.sorted.next() {
            Some(entry) => {
                *row = entry.row.0;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}
