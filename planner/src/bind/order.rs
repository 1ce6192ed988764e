//! From a block's clauses to operators: grouping, windows, ORDER BY, DISTINCT, LIMIT.

use super::query::{BoundQuery, Tail};
use super::scope::Item;
use super::select::{Parts, base_columns};
use super::view::conjunction;
use super::{AGGREGATE_BASE, Binder, Clause, GROUP_BASE, WINDOW_BASE};
use crate::physical::{self, Rel};
use crate::plan::{Operator, SortKey};
use crate::same::same;
use aurora_catalog::names_equal;
use aurora_expr::{AggregateFunction, ArithmeticOp, Expr, ExprKind, build};
use aurora_parser as ast;
use aurora_types::error::{ER_BAD_FIELD_ERROR, ER_FIELD_IN_ORDER_NOT_SELECT, ER_NON_UNIQ_ERROR};
use aurora_types::{SqlError, SqlMode, SqlResult, Value};

/// An ORDER BY key: a select item, or something else.
struct OrderKey {
    expr: Expr,
    item: Option<usize>,
    descending: bool,
}

impl<'s> Binder<'s, '_> {
    /// Everything behind the binding of items: the block becomes an operator tree.
    pub fn finish_block(&mut self, mut parts: Parts, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        let block = self.block();
        block.clause = Clause::Order;
        block.aggregates_allowed = true;
        block.windows_allowed = true;
        block.items = parts.items.clone();
        let mut keys = self.order_keys(tail.order_by, &parts.items)?;
        let limit = tail.limit.map(|limit| self.limit(limit)).transpose()?;
        self.block().clause = Clause::Fields;
        self.drop_any_value(&mut parts, &mut keys);
        parts.grouped |= !self.block_ref().aggregates.is_empty();
        if parts.grouped {
            // ORDER BY of a single row does nothing.
            if parts.groups.is_empty() && self.block_ref().windows.is_empty() {
                keys.clear();
            }
            self.regroup(&mut parts, keys.iter_mut().map(|key| &mut key.expr))?;
        }
        for key in &mut keys {
            self.state.fold(&mut key.expr);
        }
        // A constant orders nothing.
        keys.retain(|key| !key.expr.is_constant_for_execution());
        let own_texts = self.own_texts(&parts, &keys);
        for item in &mut parts.items {
            self.state.fold(&mut item.expr);
        }
        self.check_distinct_order(&parts, &keys)?;
        let columns = self.columns_of(&parts, &keys);
        for (at, text) in own_texts {
            parts.items[at].expr = text;
        }
        let rel = self.block_relation(&mut parts, &keys, limit.as_ref())?;
        let node = self.project_and_order(rel, &parts, keys, limit)?;
        let free = self.block_ref().free.clone();
        Ok(BoundQuery { node: node.node, items: parts.items, free, columns })
    }

    /// The items that clients see with the decimals of the chosen branch ([`build::own_text`]) as what they are to be
    /// computed, by position. Not where MySQL puts them into a temporary table, which has one number of decimals for
    /// all of its rows: for windows and DISTINCT, before it groups, and to sort joined rows.
    fn own_texts(&self, parts: &Parts, keys: &[OrderKey]) -> Vec<(usize, Expr)> {
        let block = self.block_ref();
        let sorted_by_result = keys.iter().any(|key| key.item.is_some() && !is_repeatable(&key.expr));
        if !block.shown || parts.distinct || !block.windows.is_empty() || sorted_by_result {
            return Vec::new();
        }
        let sorted_join = block.leaves.len() > 1 && !keys.is_empty();
        let padded = sorted_join || !parts.groups.is_empty() && !parts.rollup;
        let aggregates = AGGREGATE_BASE..WINDOW_BASE;
        let after_grouping = |expr: &Expr| {
            expr.any(&mut |e| matches!(e.kind, ExprKind::Column(at) if aggregates.contains(&at)))
        };
        let is_own = |expr: &Expr| {
            build::has_own_text(expr) && (!padded || after_grouping(expr) || expr.is_constant_for_execution())
        };
        let shown = parts.items.iter().enumerate().filter(|(_, item)| is_own(&item.expr));
        let texts = shown.map(|(at, item)| {
            let mut text = build::own_text(item.expr.clone(), self.state.ctx.build.collation);
            self.state.fold(&mut text);
            (at, text)
        });
        texts.collect()
    }

    /// What clients are told of the columns.
    fn columns_of(&self, parts: &Parts, keys: &[OrderKey]) -> Vec<aurora_types::ColumnMeta> {
        let block = self.block_ref();
        let windows = !block.windows.is_empty();
        // Where MySQL goes through a temporary table, columns are those of it: they belong to no key.
        let sorted_elsewhere = match block.leaves.first() {
            Some(first) if block.leaves.len() > 1 => {
                base_columns(keys.iter().map(|key| &key.expr)).iter().any(|at| !first.contains(*at))
            }
            _ => false,
        };
        let temporary = windows
            || parts.rollup
            || if parts.groups.is_empty() {
                sorted_elsewhere && !parts.grouped
            } else {
                let groups = GROUP_BASE..GROUP_BASE + parts.groups.len();
                !keys.iter().all(|key| matches!(key.expr.kind, ExprKind::Column(at) if groups.contains(&at)))
            };
        let columns = parts.items.iter().map(|item| {
            // A constant among the groups is not read from them, unless they are sorted.
            let constant = |at: usize| {
                let group = at.checked_sub(GROUP_BASE).and_then(|at| parts.groups.get(at));
                keys.is_empty() && group.is_some_and(Expr::is_constant_for_execution)
            };
            let grouped =
                !parts.groups.is_empty() && matches!(item.expr.kind, ExprKind::Column(at) if !constant(at));
            let computed = !windows && !parts.distinct && !grouped;
            if temporary && let Some(origin) = super::meta::derived_origin(item) {
                let item = Item { origin: Some(origin), ..item.clone() };
                return super::meta::column_meta(&item, computed);
            }
            super::meta::column_meta(item, computed)
        });
        columns.collect()
    }

    fn order_keys(&mut self, order_by: &[ast::OrderItem], items: &[Item]) -> SqlResult<Vec<OrderKey>> {
        let ast = self.ast;
        let mut keys = Vec::with_capacity(order_by.len());
        for order in order_by {
            let mut found = None;
            match ast.expr(order.expr) {
                ast::Expr::Literal(ast::Literal::Int(position)) => {
                    let at = (*position as usize).wrapping_sub(1);
                    if at >= items.len() {
                        return Err(SqlError::new(ER_BAD_FIELD_ERROR, &[position, &Clause::Order.name()]));
                    }
                    found = Some(at);
                }
                ast::Expr::Column(name) if name.table.is_none() => {
                    found = self.item_named(name.column.as_str(), items)?;
                }
                _ => {}
            }
            let expr = match found {
                Some(at) => items[at].expr.clone(),
                None => self.expr(order.expr)?,
            };
            let item = found.or_else(|| items.iter().position(|item| same(&item.expr, &expr)));
            keys.push(OrderKey { expr, item, descending: order.descending });
        }
        Ok(keys)
    }

    /// The select item of a name; different items of one name are ambiguous (1052).
    fn item_named(&self, name: &str, items: &[Item]) -> SqlResult<Option<usize>> {
        let mut found: Option<usize> = None;
        for (at, item) in items.iter().enumerate().filter(|(_, item)| names_equal(&item.name, name)) {
            match found {
                None => found = Some(at),
                Some(first) if same(&items[first].expr, &item.expr) => {}
                Some(first) if item.aliased && !items[first].aliased => found = Some(at),
                Some(first) if items[first].aliased && !item.aliased => {}
                Some(_) => return Err(SqlError::new(ER_NON_UNIQ_ERROR, &[&name, &Clause::Order.name()])),
            }
        }
        Ok(found)
    }

    /// ANY_VALUE alone groups nothing: it is its argument then.
    fn drop_any_value(&mut self, parts: &mut Parts, keys: &mut [OrderKey]) {
        let aggregates = &self.block_ref().aggregates;
        if parts.grouped
            || aggregates.is_empty()
            || !aggregates.iter().all(|call| call.function == AggregateFunction::AnyValue)
        {
            return;
        }
        let calls = std::mem::take(&mut self.block().aggregates);
        let mut plain = |expr: &mut Expr| {
            expr.rewrite(&mut |e| {
                if let ExprKind::Column(at) = e.kind
                    && (AGGREGATE_BASE..WINDOW_BASE).contains(&at)
                    && let Some(arg) = calls.get(at - AGGREGATE_BASE).and_then(|call| call.args.first())
                {
                    *e = arg.clone();
                }
            });
        };
        parts.items.iter_mut().for_each(|item| plain(&mut item.expr));
        parts.having.iter_mut().for_each(&mut plain);
        parts.qualify.iter_mut().for_each(&mut plain);
        keys.iter_mut().for_each(|key| plain(&mut key.expr));
    }

    /// 3065: with DISTINCT, what rows are ordered by must be among what they are distinct by.
    fn check_distinct_order(&self, parts: &Parts, keys: &[OrderKey]) -> SqlResult<()> {
        if !parts.distinct || !self.state.ctx.build.sql_mode.contains(SqlMode::ONLY_FULL_GROUP_BY) {
            return Ok(());
        }
        for (at, key) in keys.iter().enumerate().filter(|(_, key)| key.item.is_none()) {
            let mut columns = Vec::new();
            key.expr.collect_columns(&mut columns);
            for column in columns {
                let is_item = parts
                    .items
                    .iter()
                    .any(|item| matches!(item.expr.kind, ExprKind::Column(at) if at == column));
                if !is_item && column < AGGREGATE_BASE {
                    let name = self.column_label(&parts.groups, column);
                    return Err(SqlError::new(
                        ER_FIELD_IN_ORDER_NOT_SELECT,
                        &[&(at + 1), &name, &"DISTINCT"],
                    ));
                }
            }
        }
        Ok(())
    }

    /// FROM, WHERE, GROUP BY, HAVING and the windows.
    fn block_relation(
        &mut self,
        parts: &mut Parts,
        keys: &[OrderKey],
        limit: Option<&(Expr, Option<Expr>)>,
    ) -> SqlResult<Rel> {
        let windows = std::mem::take(&mut self.block().windows);
        let aggregates = std::mem::take(&mut self.block().aggregates);
        let mut used: Vec<&Expr> = parts.groups.iter().collect();
        used.extend(aggregates.iter().flat_map(|call| &call.args));
        used.extend(aggregates.iter().flat_map(|call| call.order_by.iter().map(|key| &key.expr)));
        if !parts.grouped {
            used.extend(parts.items.iter().map(|item| &item.expr));
            used.extend(&parts.having);
            used.extend(&parts.qualify);
            used.extend(keys.iter().map(|key| &key.expr));
            for window in &windows {
                used.extend(window.exprs());
            }
        }
        let needed = base_columns(used);
        let plain = !parts.grouped && !parts.distinct && windows.is_empty() && parts.having.is_empty();
        let mut wanted = Vec::new();
        if plain {
            for key in keys {
                match key.expr.kind {
                    ExprKind::Column(at) => wanted.push((at, key.descending)),
                    _ => {
                        wanted.clear();
                        break;
                    }
                }
            }
        }
        let mut filter = std::mem::take(&mut parts.filter);
        if !parts.grouped && windows.is_empty() && parts.tree.is_some() {
            // HAVING without grouping filters the same rows as WHERE.
            filter.append(&mut parts.having);
        }
        let extreme = self.extreme_of(parts, &aggregates);
        if let Some((column, descending, nullable)) = &extreme {
            wanted.push((*column, *descending));
            if let Some(nullable) = nullable {
                filter.push(build::is_test(nullable.clone(), aurora_expr::IsTest::Null, true)?);
            }
        }
        let block = self.block_ref();
        let request = physical::Request {
            leaves: block.leaves.clone(),
            tree: parts.tree.take(),
            filter,
            semis: std::mem::take(&mut parts.semis),
            needed,
            handles: Vec::new(),
            whole: false,
            order: wanted,
            limited: extreme.is_some() || limit.is_some() && plain && !self.state.calc_found_rows,
            straight: parts.straight,
        };
        let mut rel = physical::relation(self.state, request)?;
        if extreme.is_some() && rel.ordered {
            let one = build::literal(Value::Int(1), &self.state.ctx.build);
            rel.node = self.limit_node(rel.node, Some(one), None);
        }
        if parts.grouped {
            rel = physical::aggregate(self.state, rel, &parts.groups, aggregates, parts.rollup);
        }
        if let Some(having) = conjunction(std::mem::take(&mut parts.having))? {
            rel = physical::filter(self.state, rel, having);
        }
        rel = physical::windows(self.state, rel, windows);
        if let Some(qualify) = conjunction(std::mem::take(&mut parts.qualify))? {
            rel = physical::filter(self.state, rel, qualify);
        }
        Ok(rel)
    }

    /// MIN or MAX of one column of one table and nothing else: the first row in the column's order has it. Gives the
    /// column, whether descending, and the column again when it may be NULL.
    fn extreme_of(
        &self,
        parts: &Parts,
        aggregates: &[crate::plan::AggregateCall],
    ) -> Option<(usize, bool, Option<Expr>)> {
        let [call] = aggregates else { return None };
        let [arg] = call.args.as_slice() else { return None };
        let descending = match call.function {
            AggregateFunction::Min => false,
            AggregateFunction::Max => true,
            _ => return None,
        };
        let ExprKind::Column(column) = arg.kind else { return None };
        let single = self.block_ref().leaves.len() == 1 && parts.grouped && parts.groups.is_empty();
        let by_number =
            matches!(arg.ty.base, aurora_types::BaseType::Enum(_) | aurora_types::BaseType::Set(_));
        (single && !by_number).then(|| (column, descending, arg.ty.nullable.then(|| arg.clone())))
    }

    /// Projection, DISTINCT, ORDER BY, LIMIT.
    fn project_and_order(
        &mut self,
        mut rel: Rel,
        parts: &Parts,
        keys: Vec<OrderKey>,
        limit: Option<(Expr, Option<Expr>)>,
    ) -> SqlResult<Rel> {
        let width = parts.items.len();
        let mut exprs: Vec<Expr> = parts.items.iter().map(|item| item.expr.clone()).collect();
        let top = match &limit {
            Some((count, offset)) if !self.state.calc_found_rows => self.top_count(count, offset.as_ref())?,
            _ => None,
        };
        // An item that must be computed once per row is sorted by its result.
        let computed = |key: &OrderKey| key.item.is_some() && !is_repeatable(&key.expr);
        let project_first = parts.distinct || keys.iter().any(computed);
        if !project_first {
            if !keys.is_empty() && !rel.ordered {
                let keys = keys
                    .into_iter()
                    .map(|key| SortKey { expr: rel.remapped(key.expr), descending: key.descending })
                    .collect();
                rel = physical::sort(self.state, rel, keys, top);
            }
            if let Some((count, offset)) = limit {
                rel.node = self.limit_node(rel.node, Some(count), offset);
            }
            return Ok(physical::project(self.state, rel, exprs));
        }
        let mut sort = Vec::with_capacity(keys.len());
        for key in keys {
            let at = match key.item {
                Some(at) => at,
                None => {
                    exprs.push(key.expr.clone());
                    exprs.len() - 1
                }
            };
            sort.push(SortKey { expr: build::column(at, exprs[at].ty.clone()), descending: key.descending });
        }
        let total = exprs.len();
        rel = physical::project(self.state, rel, exprs);
        if parts.distinct {
            let types = rel.node.types.clone();
            let estimate = rel.node.estimate;
            let input = Box::new(rel.node);
            rel.node = self.state.node(
                Operator::Distinct { input, columns: width },
                types,
                (estimate.rows / 2.0).max(1.0),
                estimate.cost + estimate.rows,
            );
        }
        if !sort.is_empty() {
            rel = physical::sort(self.state, rel, sort, top);
        }
        if let Some((count, offset)) = limit {
            rel.node = self.limit_node(rel.node, Some(count), offset);
        }
        if total > width {
            let kept = (0..width).map(|at| build::column(at, rel.node.types[at].clone())).collect();
            rel = physical::project(self.state, rel, kept);
        }
        Ok(rel)
    }

    /// How many rows a sort must keep.
    pub fn top_count(&self, count: &Expr, offset: Option<&Expr>) -> SqlResult<Option<Expr>> {
        let ctx = &self.state.ctx.build;
        Ok(match offset {
            None => Some(count.clone()),
            Some(offset) => match (count.as_literal(), offset.as_literal()) {
                (Some(Value::Int(a)), Some(Value::Int(b))) => {
                    a.checked_add(*b).map(|sum| build::literal(Value::Int(sum), ctx))
                }
                (Some(Value::UInt(_)), _) => None,
                _ => Some(build::arithmetic(ArithmeticOp::Add, count.clone(), offset.clone(), ctx)?),
            },
        })
    }

    /// ORDER BY and LIMIT behind a set operation, VALUES or a parenthesised query: over its columns.
    pub fn tail_of(&mut self, mut bound: BoundQuery, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        if tail.order_by.is_empty() && tail.limit.is_none() {
            return Ok(bound);
        }
        self.push_block();
        let mut items = bound.items.clone();
        for (at, item) in items.iter_mut().enumerate() {
            item.expr = build::column(at, item.expr.ty.clone());
        }
        let block = self.block();
        block.clause = Clause::Order;
        block.items = items.clone();
        let keys = self.order_keys(tail.order_by, &items);
        let limit = tail.limit.map(|limit| self.limit(limit)).transpose();
        let free = self.pop_block().map(|block| block.free).unwrap_or_default();
        let (keys, limit) = (keys?, limit?);
        bound.free.extend(free);
        let top = match &limit {
            Some((count, offset)) if !self.state.calc_found_rows => self.top_count(count, offset.as_ref())?,
            _ => None,
        };
        let sort: Vec<SortKey> = keys
            .into_iter()
            .filter(|key| !key.expr.is_constant_for_execution())
            .map(|key| SortKey { expr: key.expr, descending: key.descending })
            .collect();
        let layout = (0..bound.node.types.len()).collect();
        let mut rel = Rel { node: bound.node, layout, ordered: false };
        if !sort.is_empty() {
            rel = physical::sort(self.state, rel, sort, top);
        }
        bound.node = match limit {
            Some((count, offset)) => self.limit_node(rel.node, Some(count), offset),
            None => rel.node,
        };
        Ok(bound)
    }
}

/// May be computed once for the order and once for the result.
fn is_repeatable(expr: &Expr) -> bool {
    expr.is_deterministic() && !expr.any(&mut |e| matches!(e.kind, ExprKind::Subquery(_)))
}

const _: () = assert!(GROUP_BASE < AGGREGATE_BASE && AGGREGATE_BASE < WINDOW_BASE);
