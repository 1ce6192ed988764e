//! EXPLAIN ANALYZE: an operator that counts what the one below it gives, and when. Built only where it was asked for.

use super::{Op, Row};
use crate::runtime::Runtime;
use aurora_env::Clock;
use aurora_expr::EvalCtx;
use aurora_planner::NodeActuals;
use aurora_types::SqlResult;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// The measures of one execution.
pub(crate) struct Measures<'a> {
    clock: &'a dyn Clock,
    nodes: RefCell<HashMap<u32, Rc<Counts>>>,
}

/// Sums over all runs of one operator.
#[derive(Default)]
struct Counts {
    loops: Cell<u64>,
    rows: Cell<u64>,
    /// Rows before the operator's own filter.
    read: Cell<u64>,
    first: Cell<Duration>,
    total: Cell<Duration>,
}

impl<'a> Measures<'a> {
    pub fn new(clock: &'a dyn Clock) -> Measures<'a> {
        Measures { clock, nodes: RefCell::default() }
    }

    /// `op` of the node `id`, counted. Another operator of the same node (a subquery that failed and runs again) goes on
    /// counting.
    pub fn wrap<'o>(&self, id: u32, op: Box<dyn Op + 'o>) -> Box<dyn Op + 'o> {
        let counts = self.nodes.borrow_mut().entry(id).or_default().clone();
        Box::new(Measured { op, counts, has_row: false })
    }

    /// What was measured: averages over the loops, by node.
    pub fn actuals(&self) -> HashMap<u32, NodeActuals> {
        let nodes = self.nodes.borrow();
        let ran = nodes.iter().filter(|(_, counts)| counts.loops.get() > 0);
        ran.map(|(id, counts)| {
            let loops = counts.loops.get();
            let millis = |time: Duration| time.as_secs_f64() * 1e3 / loops as f64;
            let actuals = NodeActuals {
                first_ms: millis(counts.first.get()),
                last_ms: millis(counts.total.get()),
                rows: counts.rows.get() as f64 / loops as f64,
                read_rows: counts.read.get() as f64 / loops as f64,
                loops,
            };
            (*id, actuals)
        })
        .collect()
    }
}

struct Measured<'a> {
    op: Box<dyn Op + 'a>,
    counts: Rc<Counts>,
    /// This run has come to its first row, or to its end.
    has_row: bool,
}

impl Measured<'_> {
    fn add(&mut self, rt: &Runtime<'_>, since: Option<Duration>, is_row: bool) {
        let (Some(measures), Some(since)) = (&rt.measures, since) else { return };
        let spent = measures.clock.monotonic().saturating_sub(since);
        let counts = &self.counts;
        counts.total.set(counts.total.get() + spent);
        if !self.has_row {
            counts.first.set(counts.first.get() + spent);
        }
        counts.rows.set(counts.rows.get() + u64::from(is_row));
    }
}

impl Op for Measured<'_> {
    fn open(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        let since = rt.measures.as_ref().map(|measures| measures.clock.monotonic());
        self.has_row = false;
        self.counts.loops.set(self.counts.loops.get() + 1);
        let read = self.op.rows_read();
        let result = self.op.open(rt, ctx);
        self.note_read(read);
        self.add(rt, since, false);
        result
    }

    fn next(&mut self, rt: &Runtime<'_>, ctx: &mut EvalCtx<'_>, row: &mut Row) -> SqlResult<bool> {
        let since = rt.measures.as_ref().map(|measures| measures.clock.monotonic());
        let read = self.op.rows_read();
        let result = self.op.next(rt, ctx, row);
        self.note_read(read);
        self.add(rt, since, matches!(result, Ok(true)));
        self.has_row = true;
        result
    }
}

impl Measured<'_> {
    fn note_read(&self, before: u64) {
        let more = self.op.rows_read().saturating_sub(before);
        self.counts.read.set(self.counts.read.get() + more);
    }
}
