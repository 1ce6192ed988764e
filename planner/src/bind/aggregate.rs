//! Grouping: what may stand beside aggregates, and its rewriting to the rows of the Aggregate operator.

use super::scope::{LeafKind, WindowUse};
use super::select::Parts;
use super::{AGGREGATE_BASE, Binder, GROUP_BASE};
use crate::bind::from::{JoinTree, TreeJoin};
use crate::plan::AggregateCall;
use crate::same::same;
use aurora_catalog::KeyPart;
use aurora_expr::{AggregateFunction, CompareOp, Expr, ExprKind, build};
use aurora_types::error::{
    ER_BAD_FIELD_ERROR, ER_MIX_OF_GROUP_FUNC_AND_FIELDS, ER_MIX_OF_GROUP_FUNC_AND_FIELDS_V2,
    ER_WRONG_FIELD_WITH_GROUP, ER_WRONG_FIELD_WITH_GROUP_V2,
};
use aurora_types::{SqlError, SqlMode, SqlResult, Value};
use std::collections::BTreeSet;

impl Binder<'_, '_> {
    /// Rewrites everything above the grouping: group expressions and aggregates by position, other columns (where
    /// the groups determine them, or ONLY_FULL_GROUP_BY is off) as any value of the group.
    pub fn regroup<'e>(
        &mut self,
        parts: &mut Parts,
        order: impl Iterator<Item = &'e mut Expr>,
    ) -> SqlResult<()> {
        let full = self.state.ctx.build.sql_mode.contains(SqlMode::ONLY_FULL_GROUP_BY);
        let known = self.determined(parts);
        let has_groups = !parts.groups.is_empty();
        let empty = parts.rollup && self.never_has_rows(parts);
        let mut items = std::mem::take(&mut parts.items);
        let mut having = std::mem::take(&mut parts.having);
        let mut qualify = std::mem::take(&mut parts.qualify);
        for (at, item) in items.iter_mut().enumerate() {
            self.group_refs(&mut item.expr, parts, empty);
            self.any_values(&mut item.expr, |binder, column| {
                if !full || known.contains(&column) {
                    return Ok(());
                }
                Err(binder.not_grouped(at + 1, "SELECT list", column, has_groups))
            })?;
        }
        for expr in &mut having {
            self.group_refs(expr, parts, empty);
            self.any_values(expr, |binder, column| {
                if (!full && has_groups) || known.contains(&column) {
                    return Ok(());
                }
                let name = binder.short_label(column);
                Err(SqlError::new(ER_BAD_FIELD_ERROR, &[&name, &"having clause"]))
            })?;
        }
        for expr in &mut qualify {
            self.group_refs(expr, parts, empty);
            self.any_values(expr, |_, _| Ok(()))?;
        }
        for (at, expr) in order.enumerate() {
            self.group_refs(expr, parts, empty);
            self.any_values(expr, |binder, column| {
                if !full || known.contains(&column) {
                    return Ok(());
                }
                Err(binder.not_grouped(at + 1, "ORDER BY clause", column, has_groups))
            })?;
        }
        let mut windows = std::mem::take(&mut self.block().windows);
        for window in &mut windows {
            for expr in window.exprs_mut() {
                self.group_refs(expr, parts, empty);
                self.any_values(expr, |binder, column| {
                    if !full || known.contains(&column) {
                        return Ok(());
                    }
                    Err(binder.not_grouped(1, "SELECT list", column, has_groups))
                })?;
            }
        }
        self.block().windows = windows;
        (parts.items, parts.having, parts.qualify) = (items, having, qualify);
        Ok(())
    }

    /// A condition that is false before any row is read.
    fn never_has_rows(&self, parts: &Parts) -> bool {
        let mut conditions: Vec<&Expr> = parts.filter.iter().collect();
        if let Some(tree) = &parts.tree {
            inner_conditions(tree, &mut conditions);
        }
        conditions.into_iter().any(|condition| {
            let mut folded = condition.clone();
            self.state.fold(&mut folded);
            matches!(folded.as_literal(), Some(Value::Null | Value::Int(0)))
        })
    }

    /// In the one row that ROLLUP makes of none, constants among the groups are NULL as all groups are; but when
    /// it is known beforehand that there are none (`empty`), MySQL makes that row without grouping, and they stay.
    fn group_refs(&self, expr: &mut Expr, parts: &Parts, empty: bool) {
        expr.rewrite(&mut |e| {
            if let Some(at) = parts.groups.iter().position(|group| same(group, e)) {
                if empty && parts.groups[at].is_constant_for_execution() {
                    e.ty.nullable = true;
                    return;
                }
                let mut ty = e.ty.clone();
                ty.nullable |= parts.rollup;
                *e = build::column(GROUP_BASE + at, ty);
            }
        });
    }

    /// Puts any value of the group where a plain column is left.
    fn any_values(
        &mut self,
        expr: &mut Expr,
        mut allow: impl FnMut(&Self, usize) -> SqlResult<()>,
    ) -> SqlResult<()> {
        let mut columns = Vec::new();
        expr.walk(&mut |e| {
            if let ExprKind::Column(at) = e.kind
                && at < GROUP_BASE
            {
                columns.push((at, e.ty.clone()));
            }
        });
        for (column, ty) in columns {
            allow(self, column)?;
            let position = self.any_value_of(column, ty);
            expr.rewrite(&mut |e| {
                if matches!(e.kind, ExprKind::Column(at) if at == column) {
                    let mut ty = e.ty.clone();
                    ty.nullable = true;
                    *e = build::column(position, ty);
                }
            });
        }
        Ok(())
    }

    fn any_value_of(&mut self, column: usize, ty: aurora_types::SqlType) -> usize {
        let arg = build::column(column, ty.clone());
        let calls = &mut self.block().aggregates;
        let known = calls.iter().position(|call| {
            call.function == AggregateFunction::AnyValue
                && call.args.first().is_some_and(|known| same(known, &arg))
        });
        let at = known.unwrap_or_else(|| {
            calls.push(AggregateCall {
                function: AggregateFunction::AnyValue,
                args: vec![arg],
                distinct: false,
                order_by: Vec::new(),
                separator: None,
                ty: aurora_expr::typing::nullable(ty, true),
            });
            calls.len() - 1
        });
        AGGREGATE_BASE + at
    }

    fn not_grouped(&self, number: usize, clause: &str, column: usize, has_groups: bool) -> SqlError {
        let name = self.column_label(&[], column);
        if has_groups {
            let text = SqlError::new(
                ER_WRONG_FIELD_WITH_GROUP_V2,
                &[&number, &clause, &name, &"only_full_group_by"],
            );
            SqlError {
                code: ER_WRONG_FIELD_WITH_GROUP.code,
                sqlstate: ER_WRONG_FIELD_WITH_GROUP.sqlstate,
                message: text.message,
            }
        } else {
            let text = SqlError::new(
                ER_MIX_OF_GROUP_FUNC_AND_FIELDS_V2,
                &[&number, &clause, &name, &"only_full_group_by"],
            );
            SqlError {
                code: ER_MIX_OF_GROUP_FUNC_AND_FIELDS.code,
                sqlstate: ER_MIX_OF_GROUP_FUNC_AND_FIELDS.sqlstate,
                message: text.message,
            }
        }
    }

    /// `schema.table.column` of a block position, for messages.
    pub fn column_label(&self, groups: &[Expr], position: usize) -> String {
        let mut position = position;
        if let Some(at) = position.checked_sub(GROUP_BASE)
            && let Some(ExprKind::Column(base)) = groups.get(at).map(|group| &group.kind)
        {
            position = *base;
        }
        for table in &self.block_ref().tables {
            for column in &table.columns {
                if matches!(column.expr.kind, ExprKind::Column(at) if at == position) {
                    return match table.schema.is_empty() {
                        true => format!("{}.{}", table.alias, column.name),
                        false => format!("{}.{}.{}", table.schema, table.alias, column.name),
                    };
                }
            }
        }
        String::from("?")
    }

    fn short_label(&self, position: usize) -> String {
        let full = self.column_label(&[], position);
        full.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// The columns that the groups determine: the groups, what equals them or a constant, and all columns of a
    /// table of which a whole key is determined.
    fn determined(&self, parts: &Parts) -> BTreeSet<usize> {
        let mut known: BTreeSet<usize> = parts
            .groups
            .iter()
            .filter_map(|group| match group.kind {
                ExprKind::Column(at) => Some(at),
                _ => None,
            })
            .collect();
        let mut equalities: Vec<(usize, Option<usize>)> = Vec::new();
        parts.filter.iter().for_each(|e| equality(e, &mut equalities));
        if let Some(tree) = &parts.tree {
            tree_equalities(tree, &mut equalities);
        }
        loop {
            let before = known.len();
            for (a, b) in &equalities {
                match b {
                    None => {
                        known.insert(*a);
                    }
                    Some(b) if known.contains(a) => {
                        known.insert(*b);
                    }
                    Some(b) if known.contains(b) => {
                        known.insert(*a);
                    }
                    Some(_) => {}
                }
            }
            for leaf in &self.block_ref().leaves {
                let LeafKind::Table(table) = &leaf.kind else { continue };
                let whole_key = table.indexes.iter().filter(|index| index.is_unique()).any(|index| {
                    index.parts.iter().all(|part| match part.part {
                        KeyPart::Column(id) if part.prefix_length.is_none() => {
                            table.position(id).is_some_and(|at| {
                                !table.columns[at].ty.nullable && known.contains(&(leaf.offset + at))
                            })
                        }
                        _ => false,
                    })
                });
                if whole_key {
                    known.extend(leaf.offset..leaf.handle());
                }
            }
            if known.len() == before {
                return known;
            }
        }
    }
}

/// Conditions without which there is no row.
fn inner_conditions<'t>(tree: &'t JoinTree, out: &mut Vec<&'t Expr>) {
    match tree {
        JoinTree::Leaf(_) => {}
        JoinTree::Join { left, right, on, kind } => {
            inner_conditions(left, out);
            if *kind != TreeJoin::Left {
                inner_conditions(right, out);
                out.extend(on);
            }
        }
        JoinTree::Filter { input, conditions } => {
            inner_conditions(input, out);
            out.extend(conditions);
        }
    }
}

fn tree_equalities(tree: &JoinTree, out: &mut Vec<(usize, Option<usize>)>) {
    match tree {
        JoinTree::Leaf(_) => {}
        JoinTree::Join { left, right, on, .. } => {
            tree_equalities(left, out);
            tree_equalities(right, out);
            on.iter().for_each(|e| equality(e, out));
        }
        JoinTree::Filter { input, conditions } => {
            tree_equalities(input, out);
            conditions.iter().for_each(|e| equality(e, out));
        }
    }
}

fn equality(expr: &Expr, out: &mut Vec<(usize, Option<usize>)>) {
    let ExprKind::Compare { op: CompareOp::Eq, left, right, .. } = &expr.kind else { return };
    match (&left.kind, &right.kind) {
        (ExprKind::Column(a), ExprKind::Column(b)) => out.push((*a, Some(*b))),
        (ExprKind::Column(a), _) if fixed(right) => out.push((*a, None)),
        (_, ExprKind::Column(b)) if fixed(left) => out.push((*b, None)),
        _ => {}
    }
}

fn fixed(expr: &Expr) -> bool {
    expr.is_constant_for_execution() || matches!(expr.kind, ExprKind::Slot(_))
}

impl WindowUse {
    pub fn exprs(&self) -> Vec<&Expr> {
        let mut all: Vec<&Expr> = self.window.partition_by.iter().collect();
        all.extend(self.window.order_by.iter().map(|key| &key.expr));
        all.extend(&self.call.args);
        if let Some(frame) = &self.call.frame {
            for bound in [&frame.start, &frame.end] {
                if let crate::plan::FrameBound::Preceding(e) | crate::plan::FrameBound::Following(e) = bound {
                    all.push(e);
                }
            }
        }
        all
    }

    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        let mut all: Vec<&mut Expr> = self.window.partition_by.iter_mut().collect();
        all.extend(self.window.order_by.iter_mut().map(|key| &mut key.expr));
        all.extend(&mut self.call.args);
        if let Some(frame) = &mut self.call.frame {
            for bound in [&mut frame.start, &mut frame.end] {
                if let crate::plan::FrameBound::Preceding(e) | crate::plan::FrameBound::Following(e) = bound {
                    all.push(e);
                }
            }
        }
        all
    }
}
