//! One statement from its plan to its result.

use crate::host::{Host, Settings};
use crate::ops::{self, Row};
use crate::point;
use crate::runtime::Runtime;
use crate::write::{self, Changes, LoadColumns, LoadFeed, Loaded};
use aurora_env::Clock;
use aurora_expr::{EvalCtx, Expr, NoSubqueries, SessionInfo};
use aurora_planner::{IntoTarget, Node, NodeActuals, Operator, POINT_NODE, Plan, PlanBody};
use aurora_txn::{Txn, TxnManager};
use aurora_types::error::{ER_NOT_SUPPORTED_YET, ER_SP_FETCH_NO_DATA, ER_TOO_MANY_ROWS};
use aurora_types::{Diagnostics, RowSink, SqlError, SqlResult, Value, ValueRef};
use std::collections::HashMap;

/// Everything that one execution needs.
pub struct Statement<'a> {
    pub plan: &'a Plan,
    pub txn: &'a Txn,
    pub manager: &'a TxnManager,
    pub host: &'a dyn Host,
    pub session: &'a dyn SessionInfo,
    pub settings: &'a Settings,
    pub params: &'a [Value],
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A result set went to the sink; `begin` was called, `end` is the caller's.
    Rows {
        rows: u64,
        found_rows: u64,
    },
    /// `SELECT … INTO`.
    Stored {
        rows: u64,
    },
    Changed(Changes),
}

impl Statement<'_> {
    /// Runs the plan. Rows go to `sink`, warnings to `diagnostics`.
    ///
    /// # Errors
    /// Whatever MySQL raises; the caller rolls the statement back.
    pub fn run(&self, sink: &mut dyn RowSink, diagnostics: &mut Diagnostics) -> SqlResult<Outcome> {
        for warning in &self.plan.warnings {
            diagnostics.push(warning.level, warning.code, warning.message.clone());
        }
        let mut rt = Runtime::new(self.plan, self.txn, self.manager, self.host, self.session, self.settings);
        rt.locks_ranges = matches!(self.plan.body, PlanBody::Query(_));
        let rt = rt;
        let mut ctx = EvalCtx::new(self.session, &rt, self.params, diagnostics);
        ctx.slots = vec![Value::Null; self.plan.slots.len()];
        match &self.plan.body {
            PlanBody::PointGet(get) => match &self.plan.into {
                Some(target @ IntoTarget::UserVariables(_)) => {
                    let mut kept = Vec::new();
                    point::get(&rt, get, &mut ctx, &mut |cells| {
                        kept.push(cells.iter().map(ValueRef::to_owned).collect::<Row>());
                        Ok(())
                    })?;
                    self.store(target, kept, &mut ctx)
                }
                // Rows for a file go into the caller's sink as those for a client do.
                _ => {
                    sink.begin(&self.plan.columns)?;
                    let rows = point::get(&rt, get, &mut ctx, &mut |cells| sink.row(cells).map(|_| ()))?;
                    Ok(Outcome::Rows { rows, found_rows: rows })
                }
            },
            PlanBody::Query(node) => match &self.plan.into {
                Some(target @ IntoTarget::UserVariables(_)) => {
                    let rows = ops::collect(node, &rt, &mut ctx)?;
                    self.store(target, rows, &mut ctx)
                }
                _ => self.query(node, &rt, &mut ctx, sink),
            },
            PlanBody::PointUpdate(plan) => write::point_update(&rt, plan, &mut ctx).map(Outcome::Changed),
            PlanBody::PointDelete(plan) => write::point_delete(&rt, plan, &mut ctx).map(Outcome::Changed),
            PlanBody::Insert(plan) => write::insert(&rt, plan, &mut ctx).map(Outcome::Changed),
            PlanBody::Update(plan) => write::update(&rt, plan, &mut ctx).map(Outcome::Changed),
            PlanBody::Delete(plan) => write::delete(&rt, plan, &mut ctx).map(Outcome::Changed),
        }
    }

    /// Runs LOAD DATA: the plan is that of an INSERT, the rows come from `feed`.
    ///
    /// # Errors
    /// What `feed` raises, and what rows do that cannot be stored; the caller rolls the statement back.
    pub fn load(
        &self,
        columns: &LoadColumns,
        feed: &mut LoadFeed<'_>,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<Loaded> {
        for warning in &self.plan.warnings {
            diagnostics.push(warning.level, warning.code, warning.message.clone());
        }
        let PlanBody::Insert(plan) = &self.plan.body else {
            return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"LOAD DATA into anything but a table"]));
        };
        let rt = Runtime::new(self.plan, self.txn, self.manager, self.host, self.session, self.settings);
        let mut ctx = EvalCtx::new(self.session, &rt, self.params, diagnostics);
        ctx.slots = vec![Value::Null; self.plan.slots.len()];
        write::load(&rt, plan, columns, feed, &mut ctx)
    }

    /// Runs a query for its measures (EXPLAIN ANALYZE): what its operators did, by node. The single row of a plan without
    /// operators is under [`POINT_NODE`].
    ///
    /// # Errors
    /// What the query raises.
    pub fn analyze(
        &self,
        clock: &dyn Clock,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<(Outcome, HashMap<u32, NodeActuals>)> {
        let mut rt = Runtime::new(self.plan, self.txn, self.manager, self.host, self.session, self.settings);
        rt.locks_ranges = true;
        rt.measures = Some(ops::Measures::new(clock));
        let rt = rt;
        let mut ctx = EvalCtx::new(self.session, &rt, self.params, diagnostics);
        ctx.slots = vec![Value::Null; self.plan.slots.len()];
        let since = clock.monotonic();
        let outcome = match &self.plan.body {
            PlanBody::Query(node) => self.query(node, &rt, &mut ctx, &mut point::NoSink)?,
            PlanBody::PointGet(get) => {
                let rows = point::get(&rt, get, &mut ctx, &mut |_| Ok(()))?;
                Outcome::Rows { rows, found_rows: rows }
            }
            _ => return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"EXPLAIN ANALYZE of a change"])),
        };
        let mut actuals = rt.measures.as_ref().map(ops::Measures::actuals).unwrap_or_default();
        if let (PlanBody::PointGet(_), Outcome::Rows { rows, .. }) = (&self.plan.body, &outcome) {
            let spent = clock.monotonic().saturating_sub(since).as_secs_f64() * 1e3;
            let rows = *rows as f64;
            let point = NodeActuals { first_ms: spent, last_ms: spent, rows, read_rows: rows, loops: 1 };
            actuals.insert(POINT_NODE, point);
        }
        Ok((outcome, actuals))
    }

    fn query(
        &self,
        node: &Node,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Outcome> {
        // SQL_CALC_FOUND_ROWS: what LIMIT cuts off is counted here.
        let (node, mut skip, mut limit) = match &node.operator {
            Operator::Limit { input, count, offset } if self.plan.calc_found_rows => {
                let limit = count.as_ref().map_or(Ok(u64::MAX), |count| ops::count_of(count, ctx))?;
                let skip = offset.as_ref().map_or(Ok(0), |offset| ops::count_of(offset, ctx))?;
                (&**input, skip, limit)
            }
            _ => (node, 0, u64::MAX),
        };
        limit = limit.min(self.settings.select_limit);
        let mut found = 0u64;
        let mut op = ops::build(node, rt)?;
        op.open(rt, ctx)?;
        // The first row decides about an error before the client is told of columns.
        let mut row = Row::new();
        let mut rows = 0u64;
        let mut more = op.next(rt, ctx, &mut row)?;
        sink.begin(&self.plan.columns)?;
        while more {
            found += 1;
            if skip > 0 {
                skip -= 1;
                more = op.next(rt, ctx, &mut row)?;
                continue;
            }
            if rows >= limit {
                if !self.plan.calc_found_rows {
                    break;
                }
                more = op.next(rt, ctx, &mut row)?;
                continue;
            }
            let width = self.plan.columns.len().min(row.len());
            if width <= 16 {
                let mut cells = [ValueRef::Null; 16];
                for (cell, value) in cells.iter_mut().zip(&row[..width]) {
                    *cell = value.as_ref();
                }
                sink.row(&cells[..width])?;
            } else {
                let cells: Vec<ValueRef<'_>> = row[..width].iter().map(Value::as_ref).collect();
                sink.row(&cells)?;
            }
            rows += 1;
            more = op.next(rt, ctx, &mut row)?;
        }
        let found_rows = if self.plan.calc_found_rows { found } else { rows };
        Ok(Outcome::Rows { rows, found_rows })
    }

    fn store(&self, target: &IntoTarget, rows: Vec<Row>, ctx: &mut EvalCtx<'_>) -> SqlResult<Outcome> {
        let IntoTarget::UserVariables(names) = target else {
            return Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"SELECT … INTO a file here"]));
        };
        match rows.as_slice() {
            [] => ctx.diagnostics.warn(ER_SP_FETCH_NO_DATA, &[]),
            [row] => {
                for ((name, value), column) in names.iter().zip(row).zip(&self.plan.columns) {
                    self.session.set_user_variable(name, value.clone(), &column.ty);
                }
            }
            _ => return Err(SqlError::new(ER_TOO_MANY_ROWS, &[])),
        }
        Ok(Outcome::Stored { rows: rows.len() as u64 })
    }
}

/// Evaluates an expression outside of any plan: SET, defaults.
///
/// # Errors
/// What the evaluation raises.
pub fn evaluate(expr: &Expr, session: &dyn SessionInfo, diagnostics: &mut Diagnostics) -> SqlResult<Value> {
    let mut ctx = EvalCtx::new(session, &NoSubqueries, &[], diagnostics);
    expr.eval(&[], &mut ctx)
}
