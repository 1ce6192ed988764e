//! How many rows pass: from the sizes of tables, the distinct values of indexes and, for plans that will take long,
//! from what some rows say to the conditions.

use super::access::{Dive, Known};
use super::selectivity;
use crate::bind::{Leaf, LeafKind, State};
use crate::context::DEFAULT_ROWS;
use crate::plan::KeyRange;
use crate::sample::TableSample;
use aurora_catalog::{IndexDef, IndexKind, KeyPart, TableDef};
use aurora_expr::{CompareOp, EvalCtx, Expr, ExprKind, NoSubqueries};
use aurora_types::{Diagnostics, Value};
use std::sync::Arc;

/// As many rows of a sample make a share.
const RELIABLE: usize = 5;

/// Estimates about one leaf.
pub(super) struct Guess<'g, 'a> {
    pub state: &'g State<'a>,
    pub leaf: &'g Leaf,
    /// Samples may be looked at.
    pub careful: bool,
}

impl Known for Guess<'_, '_> {
    fn distinct(&self, index: &IndexDef) -> Option<Arc<[f64]>> {
        self.state.ctx.statistics.distinct(self.table()?, index)
    }

    fn share(&self, conditions: &[&Expr]) -> Option<f64> {
        let known = self.sampled(conditions)?;
        (known.passed >= RELIABLE && known.used.iter().all(|used| *used))
            .then(|| known.passed as f64 / known.rows.max(1) as f64)
    }

    fn keys_in(&self, index: &IndexDef, ranges: &[KeyRange]) -> Option<Dive> {
        let (params, unknown) = self.params();
        let mut of_lifted = false;
        let mut unclear = |e: &Expr| match &e.kind {
            ExprKind::Param(at) => {
                of_lifted = true;
                *at < unknown
            }
            ExprKind::Column(_) | ExprKind::Slot(_) | ExprKind::Subquery(_) => true,
            _ => false,
        };
        let mut values = ranges.iter().flat_map(|range| range.low.values.iter().chain(&range.high.values));
        if values.any(|value| value.any(&mut unclear)) {
            return None;
        }
        let keys = self.state.ctx.statistics.keys_in(self.table()?, index, ranges, &params)?;
        Some(Dive { keys, of_lifted })
    }
}

/// What a sample says.
struct Sampled {
    rows: usize,
    passed: usize,
    /// By condition: it could be asked.
    used: Vec<bool>,
}

impl Guess<'_, '_> {
    fn table(&self) -> Option<&Arc<TableDef>> {
        match &self.leaf.kind {
            LeafKind::Table(table) => Some(table),
            _ => None,
        }
    }

    fn sample(&self) -> Option<Arc<TableSample>> {
        if !self.careful {
            return None;
        }
        self.state.ctx.statistics.sample(self.table()?).filter(|sample| !sample.rows().is_empty())
    }

    /// Rows of the whole table.
    pub fn table_rows(&self) -> f64 {
        match &self.leaf.kind {
            LeafKind::Table(table) => self.state.ctx.statistics.rows(table).unwrap_or(DEFAULT_ROWS),
            LeafKind::Virtual(_) => DEFAULT_ROWS,
            LeafKind::Derived { node, .. } => node.estimate.rows,
        }
    }

    /// Which part of the table's rows pass all of the conditions.
    pub fn selectivity(&self, conditions: &[&Expr]) -> f64 {
        let by_form = |wanted: &dyn Fn(usize) -> bool| -> f64 {
            let chosen = conditions.iter().enumerate().filter(|(at, _)| wanted(*at));
            chosen.map(|(_, condition)| self.one(condition)).product()
        };
        let Some(known) = self.sampled(conditions) else { return by_form(&|_| true) };
        let rest = by_form(&|at| !known.used[at]);
        let rows = known.rows.max(1) as f64;
        if known.passed >= RELIABLE {
            return rest * known.passed as f64 / rows;
        }
        let most = (known.passed as f64 + 0.5) / rows;
        rest * by_form(&|at| known.used[at]).min(most)
    }

    /// One condition by its form.
    fn one(&self, condition: &Expr) -> f64 {
        let own = |e: &Expr| match e.kind {
            ExprKind::Column(at) if (self.leaf.offset..self.leaf.handle()).contains(&at) => {
                Some(at - self.leaf.offset)
            }
            _ => None,
        };
        let known = match &condition.kind {
            ExprKind::Compare { op: CompareOp::Eq, left, right, .. } => own(left)
                .or_else(|| own(right))
                .and_then(|column| self.known_distinct(column))
                .map(|n| 1.0 / n),
            ExprKind::InList { expr, list, negated: false, .. } => own(expr)
                .and_then(|column| self.known_distinct(column))
                .map(|n| (list.len() as f64 / n).min(0.5)),
            ExprKind::And(list) => Some(list.iter().map(|part| self.one(part)).product()),
            ExprKind::Or(list) => Some(list.iter().map(|part| self.one(part)).sum::<f64>().min(1.0)),
            _ => None,
        };
        known.unwrap_or_else(|| selectivity(condition))
    }

    /// Distinct values of a column, where something says it.
    fn known_distinct(&self, column: usize) -> Option<f64> {
        let table = self.table()?;
        for index in table.indexes.iter().filter(|index| index.is_readable()) {
            let leads = index.parts.first().is_some_and(|part| {
                part.prefix_length.is_none()
                    && matches!(part.part, KeyPart::Column(id) if table.position(id) == Some(column))
            });
            if !leads || matches!(index.kind, IndexKind::FullText | IndexKind::Spatial) {
                continue;
            }
            if index.is_unique() && index.parts.len() == 1 {
                return Some(self.table_rows().max(1.0));
            }
            if let Some(first) = self.distinct(index).and_then(|counts| counts.first().copied()) {
                return Some(first.max(1.0));
            }
        }
        self.sample()?.distinct(column).map(|count| count.max(1.0))
    }

    /// Distinct values of a column that is joined by.
    pub fn column_distinct(&self, column: usize) -> f64 {
        let rows = self.table_rows().max(1.0);
        if let Some(known) = self.known_distinct(column) {
            return known.min(rows);
        }
        rows
    }

    /// Asks the rows of the sample.
    fn sampled(&self, conditions: &[&Expr]) -> Option<Sampled> {
        if conditions.is_empty() || !self.careful {
            return None;
        }
        let sample = self.sample()?;
        let (params, unknown) = self.params();
        let used: Vec<bool> =
            conditions.iter().map(|condition| self.can_ask(condition, &sample, unknown)).collect();
        let offset = self.leaf.offset;
        let asked: Vec<Expr> = conditions
            .iter()
            .zip(&used)
            .filter(|(_, used)| **used)
            .map(|(condition, _)| {
                let mut condition = (*condition).clone();
                condition.rewrite(&mut |e| {
                    if let ExprKind::Column(at) = &mut e.kind {
                        *at -= offset;
                    }
                });
                condition
            })
            .collect();
        if asked.is_empty() {
            return None;
        }
        let mut diagnostics = Diagnostics::default();
        let mut eval = EvalCtx::new(self.state.ctx.session, &NoSubqueries, &params, &mut diagnostics);
        let mut passed = 0;
        for row in sample.rows() {
            let passes = asked.iter().try_fold(true, |all, condition| {
                Ok::<bool, aurora_types::SqlError>(all && condition.eval_predicate(row, &mut eval)?)
            });
            passed += usize::from(passes.ok()?);
        }
        Some(Sampled { rows: sample.rows().len(), passed, used })
    }

    /// Values of the parameters; those before the number that comes with them are not known.
    fn params(&self) -> (Vec<Value>, usize) {
        let unknown = self.state.parameters.len() - self.state.lifted_values.len();
        let lifted = self.state.lifted_values.iter().cloned();
        (std::iter::repeat_n(Value::Null, unknown).chain(lifted).collect(), unknown)
    }

    fn can_ask(&self, condition: &Expr, sample: &TableSample, unknown: usize) -> bool {
        condition.is_deterministic()
            && !condition.any(&mut |e| match &e.kind {
                ExprKind::Column(at) => {
                    !(self.leaf.offset..self.leaf.handle()).contains(at) || !sample.has(at - self.leaf.offset)
                }
                ExprKind::Param(at) => *at < unknown,
                ExprKind::Slot(_) | ExprKind::Subquery(_) => true,
                _ => false,
            })
    }
}
