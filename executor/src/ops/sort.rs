//! Sorting by normalised keys; top-N keeps a heap, what is too large is merged from runs in a temporary file.

use super::{Op, Row, count_of, row_bytes};
use crate::runtime::Runtime;
use crate::spill::{Merge, Runs, Spill, Stream};
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::SortKey;
use aurora_types::{SqlResult, Value};
use std::collections::BinaryHeap;

pub(super) struct Sort<'a> {
    input: Box<dyn Op + 'a>,
    keys: &'a [SortKey],
    limit: Option<&'a Expr>,
    sorted: Sorted,
    bytes: usize,
    /// Rows to be given yet, of merged ones.
    left: usize,
    key: Vec<u8>,
}

/// Where the sorted rows are.
enum Sorted {
    Here(std::vec::IntoIter<Entry>),
    There(Merge),
}

/// Ordered by key, then by arrival: the sort is stable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: Vec<u8>,
    arrival: u64,
    row: Unordered,
}

impl Entry {
    fn bytes(&self) -> usize {
        row_bytes(&self.row.0) + self.key.len() + 32
    }
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
        Sort {
            input,
            keys,
            limit,
            sorted: Sorted::Here(Vec::new().into_iter()),
            bytes: 0,
            left: 0,
            key: Vec::new(),
        }
    }

    /// Reads the whole input.
    fn sort(&mut self, limit: usize, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<Sorted> {
        let budget = rt.budget();
        let mut row = Row::new();
        let mut arrival = 0;
        let mut heap: BinaryHeap<Entry> = BinaryHeap::new();
        let mut all: Vec<Entry> = Vec::new();
        let mut runs: Option<Runs> = None;
        let mut is_top = limit < 1 << 16;
        while self.input.next(rt, ctx, &mut row)? {
            let mut key = Vec::with_capacity(16);
            sort_key(self.keys, &row, ctx, &mut key)?;
            arrival += 1;
            if is_top && heap.len() >= limit {
                match heap.peek_mut() {
                    Some(mut last) if key < last.key => {
                        let entry = Entry { key, arrival, row: Unordered(std::mem::take(&mut row)) };
                        let (new, old) = (entry.bytes(), last.bytes());
                        self.bytes = (self.bytes + new).saturating_sub(old);
                        rt.release(old);
                        rt.hold(new)?;
                        *last = entry;
                    }
                    _ => {}
                }
            } else {
                let entry = Entry { key, arrival, row: Unordered(std::mem::take(&mut row)) };
                let bytes = entry.bytes();
                rt.hold(bytes)?;
                self.bytes += bytes;
                if is_top {
                    heap.push(entry);
                } else {
                    all.push(entry);
                }
            }
            if self.bytes <= budget {
                continue;
            }
            if runs.is_none() {
                runs = Spill::begin(rt)?.map(Runs::new);
            }
            if let Some(runs) = &mut runs {
                // The first rows alone do not fit: all rows are sorted then, and cut off at the end.
                is_top = false;
                all.extend(std::mem::take(&mut heap));
                Self::write_run(&mut all, limit, runs)?;
                rt.release(std::mem::take(&mut self.bytes));
            }
        }
        if let Some(mut runs) = runs {
            Self::write_run(&mut all, limit, &mut runs)?;
            rt.release(std::mem::take(&mut self.bytes));
            return Ok(Sorted::There(runs.finish()?));
        }
        if is_top {
            all = heap.into_sorted_vec();
        } else {
            all.sort_unstable();
            all.truncate(limit);
        }
        Ok(Sorted::Here(all.into_iter()))
    }

    fn write_run(entries: &mut Vec<Entry>, limit: usize, runs: &mut Runs) -> SqlResult<()> {
        entries.sort_unstable();
        let mut run = Stream::default();
        for entry in entries.drain(..).take(limit) {
            runs.spill().put(&mut run, &entry.key, &entry.row.0)?;
        }
        if run.is_empty() { Ok(()) } else { runs.push(run) }
    }
}

impl Op for Sort<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.sorted = Sorted::Here(Vec::new().into_iter());
        rt.release(std::mem::take(&mut self.bytes));
        let limit = match self.limit {
            Some(limit) if !rt.plan.calc_found_rows => {
                usize::try_from(count_of(limit, ctx)?).unwrap_or(usize::MAX)
            }
            _ => usize::MAX,
        };
        self.input.open(rt, ctx)?;
        self.sorted = self.sort(limit, rt, ctx)?;
        self.left = limit;
        Ok(())
    }

    fn next(&mut self, rt: &Runtime<'_>, _: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        match &mut self.sorted {
            Sorted::Here(entries) => match entries.next() {
                Some(entry) => {
                    *row = entry.row.0;
                    Ok(true)
                }
                None => Ok(false),
            },
            Sorted::There(merge) => {
                if self.left == 0 {
                    return Ok(false);
                }
                self.left -= 1;
                rt.tick()?;
                merge.next(&mut self.key, row)
            }
        }
    }
}
