//! UPDATE of one table and of several.

use super::from::{JoinTree, conjuncts};
use super::target::TargetColumn;
use super::{Binder, Clause, LeafKind};
use crate::physical;
use crate::plan::{
    Access, AssignTarget, Assignment, LockMode, Node, Operator, PlanBody, PointUpdate, Privilege, RowLock,
    SortKey, UpdatePlan, UpdateTarget, ViewCheck, WaitPolicy,
};
use aurora_catalog::{KeyPart, TableDef};
use aurora_expr::{Expr, build};
use aurora_parser as ast;
use aurora_parser::{TableFactor, TableReference, Update};
use aurora_types::SqlResult;
use std::collections::BTreeSet;

pub(crate) const WRITE_LOCK: RowLock = RowLock { mode: LockMode::Exclusive, wait: WaitPolicy::Wait };
const READ_LOCK: RowLock = RowLock { mode: LockMode::Share, wait: WaitPolicy::Wait };

/// The name of a single table without joins.
fn single_table(tables: &[TableReference]) -> Option<&ast::ObjectName> {
    match tables {
        [TableReference { first: TableFactor::Table(table), joins }] if joins.is_empty() => Some(&table.name),
        _ => None,
    }
}

/// ORDER BY and LIMIT of a statement that writes.
pub(crate) struct RowsTail<'q> {
    pub order_by: &'q [ast::OrderItem],
    pub limit: Option<&'q ast::Limit>,
    pub filter: Option<ast::ExprId>,
}

impl<'s> Binder<'s, '_> {
    pub fn update(&mut self, update: &'s Update) -> SqlResult<PlanBody> {
        if let Some(with) = &update.with {
            self.with_clause(with)?;
        }
        self.push_block();
        let body = self.update_block(update);
        self.pop_block();
        body
    }

    fn update_block(&mut self, update: &'s Update) -> SqlResult<PlanBody> {
        self.state.next_select();
        let Some(tree) = self.from(&update.tables)? else {
            return super::unsupported("UPDATE without tables");
        };
        self.forget_plain_reads();
        let mut columns: Vec<(TargetColumn, std::sync::Arc<TableDef>)> = Vec::new();
        for assignment in &update.assignments {
            let (expr, object) = self.written_column(&assignment.column)?;
            let Some((at, table)) = self.target_column(&expr) else {
                let alias = assignment.column.table.as_ref().map_or(object, |t| t.as_str().to_owned());
                return Err(self.not_updatable(&alias, "UPDATE"));
            };
            columns.push((at, table));
        }
        self.state.targets = columns.iter().map(|(_, table)| table.id).collect();
        let mut values = Vec::with_capacity(columns.len());
        for (assignment, (at, table)) in update.assignments.iter().zip(&columns) {
            values.push(match self.ast.expr(assignment.value) {
                ast::Expr::Default(None) => None,
                _ => {
                    self.check_not_generated(table, at.column)?;
                    let expr = self.stored(assignment.value)?;
                    let typed = build::column(0, table.columns[at.column].ty.clone());
                    let mut expr = self.typed_as(expr, &typed);
                    self.state.fold(&mut expr);
                    Some(expr)
                }
            });
        }
        let mut targets: Vec<usize> = Vec::new();
        for (at, _) in &columns {
            if !targets.contains(&at.leaf) {
                targets.push(at.leaf);
            }
        }
        let mut checks: Vec<Vec<ViewCheck>> = vec![Vec::new(); targets.len()];
        if let (Some(name), [leaf]) = (single_table(&update.tables), targets.as_slice()) {
            checks[0] = self.view_checks(name, &tree, *leaf)?;
        }
        let single = self.block_ref().leaves.len() == 1;
        let tail =
            RowsTail { order_by: &update.order_by, limit: update.limit.as_ref(), filter: update.filter };
        let rel = self.written_rows(tree, &targets, tail, &values, true)?;
        if single && let Some(point) = self.point_update(&rel.node, &columns, &values, update.ignore, &checks)
        {
            return Ok(PlanBody::PointUpdate(point));
        }
        let assignments = columns
            .iter()
            .zip(values)
            .map(|((at, _), value)| AssignTarget {
                target: targets.iter().position(|leaf| *leaf == at.leaf).unwrap_or(0),
                assignment: Assignment { column: at.column, value: value.map(|value| rel.remapped(value)) },
            })
            .collect::<Vec<_>>();
        let buffered = !single
            || !update.order_by.is_empty()
            || update.limit.is_some()
            || columns.iter().any(|(at, table)| moves(&rel.node, table, at.column))
            // Subqueries may read the table that is written: its rows as they were.
            || !self.state.subplans.is_empty();
        let mut plan_targets = Vec::with_capacity(targets.len());
        for (leaf, checks) in targets.iter().zip(checks) {
            let found = &self.block_ref().leaves[*leaf];
            let LeafKind::Table(table) = &found.kind else { continue };
            let Some(offset) = rel.layout.iter().position(|at| *at == found.offset) else {
                return super::unsupported("UPDATE of this table");
            };
            plan_targets.push(UpdateTarget { table: table.clone(), offset, checks });
        }
        Ok(PlanBody::Update(UpdatePlan {
            source: Box::new(rel.node),
            targets: plan_targets,
            assignments,
            ignore: update.ignore,
            buffered,
        }))
    }

    /// A column that is assigned: no SELECT privilege is needed for it, but UPDATE is.
    fn written_column(&mut self, name: &ast::ColumnName) -> SqlResult<(Expr, String)> {
        let access = self.state.access.clone();
        self.block().clause = Clause::Fields;
        let found = self.column_with_origin(name);
        self.state.access = access;
        let (expr, _, alias) = found?;
        let object = self
            .block_ref()
            .tables
            .iter()
            .find(|table| table.alias == alias)
            .and_then(|table| table.object.clone());
        if let Some((schema, object, definer)) = object {
            self.state.need(
                &schema,
                &object,
                Privilege::Update,
                Some(name.column.as_str()),
                definer.as_deref(),
            );
        }
        Ok((expr, alias))
    }

    /// The rows to be written, locked and in order: all columns and handles of `targets`, with `whole` rows.
    pub fn written_rows(
        &mut self,
        tree: JoinTree,
        targets: &[usize],
        tail: RowsTail<'s>,
        values: &[Option<Expr>],
        whole: bool,
    ) -> SqlResult<physical::Rel> {
        self.block().clause = Clause::Where;
        self.lifting = self.may_lift;
        let filter = tail.filter.map(|id| self.expr(id));
        self.lifting = false;
        let filter = filter.transpose()?.map_or_else(Vec::new, conjuncts);
        self.block().clause = Clause::Order;
        let mut keys = Vec::with_capacity(tail.order_by.len());
        for item in tail.order_by {
            let expr = self.expr(item.expr)?;
            if !expr.is_constant_for_execution() {
                keys.push(SortKey { expr, descending: item.descending });
            }
        }
        let limit = tail.limit.map(|limit| self.limit(limit)).transpose()?;
        for (at, leaf) in self.block().leaves.iter_mut().enumerate() {
            leaf.lock = Some(if targets.contains(&at) { WRITE_LOCK } else { READ_LOCK });
        }
        let mut used: Vec<&Expr> = values.iter().flatten().collect();
        used.extend(keys.iter().map(|key| &key.expr));
        let mut needed = super::select::base_columns(used);
        let block = self.block_ref();
        if !whole {
            needed.extend(targets.iter().map(|leaf| block.leaves[*leaf].handle()));
        }
        let mut order = Vec::new();
        for key in &keys {
            match key.expr.kind {
                aurora_expr::ExprKind::Column(at) => order.push((at, key.descending)),
                _ => {
                    order.clear();
                    break;
                }
            }
        }
        let request = physical::Request {
            leaves: block.leaves.clone(),
            tree: Some(tree),
            filter,
            semis: Vec::new(),
            needed,
            handles: targets.to_vec(),
            whole,
            order,
            limited: limit.is_some(),
            straight: false,
        };
        let mut rel = physical::relation(self.state, request)?;
        if !keys.is_empty() && !rel.ordered {
            let top = match &limit {
                Some((count, offset)) => self.top_count(count, offset.as_ref())?,
                None => None,
            };
            let keys = keys
                .into_iter()
                .map(|key| SortKey { expr: rel.remapped(key.expr), descending: key.descending })
                .collect();
            rel = physical::sort(self.state, rel, keys, top);
        }
        if let Some((count, offset)) = limit {
            rel.node = self.limit_node(rel.node, Some(count), offset);
        }
        Ok(rel)
    }

    fn point_update(
        &self,
        node: &Node,
        columns: &[(TargetColumn, std::sync::Arc<TableDef>)],
        values: &[Option<Expr>],
        ignore: bool,
        checks: &[Vec<ViewCheck>],
    ) -> Option<PointUpdate> {
        let (scan, key, filter) = physical::point_scan(node)?;
        let Access::Index(access) = &scan.access else { return None };
        let leaf = self.block_ref().leaves.first()?;
        let keys: BTreeSet<usize> = scan
            .table
            .indexes
            .iter()
            .filter(|index| {
                index.id == access.index || Some(index.id) == scan.table.primary_key().map(|pk| pk.id)
            })
            .flat_map(|index| &index.parts)
            .filter_map(|part| match part.part {
                KeyPart::Column(id) => scan.table.position(id),
                KeyPart::Expression(_) => None,
            })
            .collect();
        if columns.iter().any(|(at, _)| keys.contains(&at.column))
            || !values.iter().flatten().all(physical::is_plain)
        {
            return None;
        }
        let assignments = columns
            .iter()
            .zip(values)
            .map(|((at, _), value)| Assignment {
                column: at.column,
                value: value.clone().map(|value| physical::over_table(value, leaf.offset, leaf.types.len())),
            })
            .collect();
        Some(PointUpdate {
            table: scan.table.clone(),
            index: access.index,
            key,
            filter,
            assignments,
            ignore,
            checks: checks.first().cloned().unwrap_or_default(),
        })
    }
}

/// Whether changing the column may move a row in front of the scan again.
fn moves(node: &Node, table: &TableDef, column: usize) -> bool {
    let Operator::Scan(scan) = &node.operator else { return true };
    let used = match &scan.access {
        Access::Full { .. } => None,
        Access::Index(access) => Some(access.index),
    };
    let primary = table.primary_key().map(|pk| pk.id);
    let generated = table.columns.iter().any(|c| c.generated.is_some());
    table.indexes.iter().filter(|index| Some(index.id) == used || Some(index.id) == primary).any(|index| {
        index.parts.iter().any(|part| match part.part {
            KeyPart::Column(id) => {
                generated
                    && table.columns[column].generated.is_none()
                    && table.column(id).is_some_and(|c| c.generated.is_some())
                    || table.position(id) == Some(column)
            }
            KeyPart::Expression(_) => true,
        })
    })
}
