//! One SELECT: its clauses in the order in which names become known.

use super::from::{JoinTree, conjuncts};
use super::query::{BoundQuery, Tail};
use super::scope::Item;
use super::semi::Semi;
use super::{Binder, Clause, GROUP_BASE};
use crate::plan::{LockMode, RowLock, WaitPolicy};
use aurora_catalog::names_equal;
use aurora_expr::{Expr, ExprKind};
use aurora_parser as ast;
use aurora_parser::{LockStrength, LockWait, ObjectName, Select, SelectItem};
use aurora_types::error::{
    ER_BAD_TABLE_ERROR, ER_NO_TABLES_USED, ER_UNRESOLVED_TABLE_LOCK, ER_WRONG_GROUP_FIELD,
};
use aurora_types::{SqlError, SqlResult};

/// A block's clauses, bound.
#[derive(Default)]
pub(crate) struct Parts {
    pub tree: Option<JoinTree>,
    pub filter: Vec<Expr>,
    pub semis: Vec<Semi>,
    pub items: Vec<Item>,
    /// GROUP BY was written or aggregates stand somewhere.
    pub grouped: bool,
    pub groups: Vec<Expr>,
    pub rollup: bool,
    pub having: Vec<Expr>,
    pub qualify: Vec<Expr>,
    pub distinct: bool,
    pub straight: bool,
}

impl<'s> Binder<'s, '_> {
    pub fn select(&mut self, select: &'s Select, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        self.push_block();
        self.block().shown = std::mem::take(&mut self.state.shown);
        let bound = self.select_block(select, tail);
        self.pop_block();
        bound
    }

    fn select_block(&mut self, select: &'s Select, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        let lifting = std::mem::take(&mut self.lifting);
        let bound = self.select_clauses(select, tail);
        self.lifting = lifting;
        bound
    }

    fn select_clauses(&mut self, select: &'s Select, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        self.state.next_select();
        if select.options.calc_found_rows {
            self.state.calc_found_rows = true;
            self.state.deprecated(
                "SQL_CALC_FOUND_ROWS is deprecated and will be removed in a future release. Consider using two separate \
                 queries instead.",
            );
        }
        let tree = self.from(&select.from)?;
        let (mut filter, mut semis) = (Vec::new(), Vec::new());
        if let Some(id) = select.filter {
            self.block().clause = Clause::Where;
            self.lifting = self.may_lift;
            (filter, semis) = self.where_conditions(id)?;
            self.lifting = false;
            self.state.settle_literals(&mut filter);
        }
        let mut groups = Vec::new();
        let rollup = select.group_by.as_ref().is_some_and(|g| g.rollup);
        if let Some(group_by) = &select.group_by {
            self.block().clause = Clause::Group;
            for id in &group_by.items {
                groups.push(self.group_item(*id, select)?);
            }
            if rollup {
                self.block().rollup_groups = groups.clone();
            }
        }
        self.named_windows(&select.windows)?;
        let block = self.block();
        block.clause = Clause::Fields;
        block.aggregates_allowed = true;
        block.windows_allowed = true;
        let items = self.items(&select.items)?;
        self.block().items = items.clone();
        let mut having = Vec::new();
        if let Some(id) = select.having {
            let block = self.block();
            block.clause = Clause::Having;
            block.windows_allowed = false;
            having = conjuncts(self.expr(id)?);
            self.block().windows_allowed = true;
            if select.group_by.is_none() && self.block_ref().aggregates.is_empty() {
                self.check_having(&having, &items)?;
            }
        }
        let mut qualify = Vec::new();
        if let Some(id) = select.qualify {
            self.block().clause = Clause::Having;
            qualify = conjuncts(self.expr(id)?);
        }
        self.lock_leaves(tail.locking)?;
        let parts = Parts {
            tree,
            filter,
            semis,
            items,
            grouped: select.group_by.is_some(),
            groups,
            rollup,
            having,
            qualify,
            distinct: select.options.distinct,
            straight: select.options.straight_join,
        };
        self.finish_block(parts, tail)
    }

    /// HAVING without grouping reads the select list only (1054).
    fn check_having(&self, having: &[Expr], items: &[Item]) -> SqlResult<()> {
        let listed = base_columns(items.iter().map(|item| &item.expr));
        for column in base_columns(having) {
            if !listed.contains(&column) {
                let name = self.column_label(&[], column);
                let name = name.rsplit('.').next().unwrap_or_default();
                return Err(SqlError::new(
                    aurora_types::error::ER_BAD_FIELD_ERROR,
                    &[&name, &Clause::Having.name()],
                ));
            }
        }
        Ok(())
    }

    /// Locks of FOR UPDATE and FOR SHARE on the leaves that they name.
    fn lock_leaves(&mut self, locking: &[ast::LockingClause]) -> SqlResult<()> {
        for clause in locking {
            let lock = RowLock {
                mode: match clause.strength {
                    LockStrength::Update => LockMode::Exclusive,
                    LockStrength::Share => LockMode::Share,
                },
                wait: match clause.wait {
                    LockWait::Wait => WaitPolicy::Wait,
                    LockWait::NoWait => WaitPolicy::NoWait,
                    LockWait::SkipLocked => WaitPolicy::SkipLocked,
                },
            };
            for table in &clause.tables {
                if !self.block_ref().leaves.iter().any(|leaf| leaf.alias == table.name.as_str()) {
                    return Err(SqlError::new(
                        ER_UNRESOLVED_TABLE_LOCK,
                        &[&format_args!("`{}`", table.name)],
                    ));
                }
            }
            let spliced = self.block_ref().spliced.clone();
            for (at, leaf) in self.block().leaves.iter_mut().enumerate() {
                if spliced.contains(&at) {
                    continue;
                }
                if clause.tables.is_empty() || clause.tables.iter().any(|t| t.name.as_str() == leaf.alias) {
                    leaf.lock = Some(lock);
                }
            }
        }
        Ok(())
    }

    /// Select items, `*` expanded.
    pub fn items(&mut self, list: &[SelectItem]) -> SqlResult<Vec<Item>> {
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            match item {
                SelectItem::Wildcard(_) => {
                    let visible = self.block_ref().visible.clone();
                    if self.block_ref().leaves.is_empty() {
                        return Err(SqlError::new(ER_NO_TABLES_USED, &[]));
                    }
                    for at in visible {
                        self.star_item(at.table, at.column, &mut items);
                    }
                }
                SelectItem::TableWildcard(name) => {
                    let table = self.scope_table(name)?;
                    for column in 0..self.block_ref().tables[table].columns.len() {
                        self.star_item(table, column, &mut items);
                    }
                }
                SelectItem::Expr { expr, alias, name, .. } => {
                    items.push(self.item(*expr, alias.as_ref(), name)?)
                }
            }
        }
        Ok(items)
    }

    fn item(
        &mut self,
        id: ast::ExprId,
        alias: Option<&ast::Ident>,
        name: &aurora_types::Text,
    ) -> SqlResult<Item> {
        let ast = self.ast;
        let written = match alias {
            Some(alias) => alias.as_str().to_owned(),
            None => name.to_str_lossy().into_owned(),
        };
        let (expr, origin, table, own) = match ast.expr(id) {
            ast::Expr::Column(column) => {
                let (expr, origin, table) = self.column_with_origin(column)?;
                let own = column.column.as_str().to_owned();
                (expr, origin, table, Some(own))
            }
            _ => (self.expr(id)?, None, String::new(), None),
        };
        if let ExprKind::Row(_) = &expr.kind {
            return Err(SqlError::new(aurora_types::error::ER_OPERAND_COLUMNS, &[&1]));
        }
        let name = match (alias, own) {
            // The server's own tables name their columns themselves, in capitals.
            (None, Some(own)) => match &origin {
                Some(origin) if origin.schema == "information_schema" => origin.org_name.clone(),
                _ => own,
            },
            _ => written,
        };
        Ok(Item { expr, name, aliased: alias.is_some(), origin, table })
    }

    fn star_item(&mut self, table: usize, column: usize, items: &mut Vec<Item>) {
        let scope = &self.block_ref().tables[table];
        let known = &scope.columns[column];
        if known.invisible {
            return;
        }
        let item = Item {
            expr: known.expr.clone(),
            name: known.name.clone(),
            aliased: false,
            origin: known.origin.clone(),
            table: scope.alias.clone(),
        };
        if let Some((schema, object, definer)) = scope.object.clone() {
            let name = item.name.clone();
            self.state.need(
                &schema,
                &object,
                crate::plan::Privilege::Select,
                Some(&name),
                definer.as_deref(),
            );
        }
        items.push(item);
    }

    /// The table that `name` (an alias) means; 1051 when there is none.
    pub fn scope_table(&self, name: &ObjectName) -> SqlResult<usize> {
        let block = self.block_ref();
        let found = block.tables.iter().enumerate().skip(block.first_table).find(|(_, table)| {
            table.alias == name.name.as_str()
                && name.schema.as_ref().is_none_or(|schema| schema.as_str() == table.schema)
        });
        match found {
            Some((at, _)) => Ok(at),
            None => Err(SqlError::new(ER_BAD_TABLE_ERROR, &[&name.name])),
        }
    }

    /// A GROUP BY item: position, column, alias or expression.
    fn group_item(&mut self, id: ast::ExprId, select: &'s Select) -> SqlResult<Expr> {
        let ast = self.ast;
        match ast.expr(id) {
            ast::Expr::Literal(ast::Literal::Int(position)) => {
                let found = self.item_at(*position, select)?;
                match found {
                    Some(expr) => Ok(expr),
                    None => Err(SqlError::new(
                        aurora_types::error::ER_BAD_FIELD_ERROR,
                        &[position, &Clause::Group.name()],
                    )),
                }
            }
            ast::Expr::Column(name) => match self.column(name) {
                Ok(expr) => Ok(expr),
                Err(error) if error.code == 1054 && name.table.is_none() => {
                    match self.aliased_item(&name.column, select) {
                        Some(item) => self.group_alias(item, &name.column),
                        None => Err(error),
                    }
                }
                Err(error) => Err(error),
            },
            _ => {
                let expr = self.expr(id)?;
                Ok(expr)
            }
        }
    }

    fn group_alias(&mut self, id: ast::ExprId, name: &ast::Ident) -> SqlResult<Expr> {
        self.expr(id).map_err(|error| match error.code {
            1111 => SqlError::new(ER_WRONG_GROUP_FIELD, &[name]),
            _ => error,
        })
    }

    fn aliased_item(&self, name: &ast::Ident, select: &Select) -> Option<ast::ExprId> {
        select.items.iter().find_map(|item| match item {
            SelectItem::Expr { expr, alias: Some(alias), .. }
                if names_equal(alias.as_str(), name.as_str()) =>
            {
                Some(*expr)
            }
            _ => None,
        })
    }

    /// The select item at a position counted from 1, bound for GROUP BY.
    fn item_at(&mut self, position: u64, select: &'s Select) -> SqlResult<Option<Expr>> {
        let Some(mut left) = (position as usize).checked_sub(1) else { return Ok(None) };
        for item in &select.items {
            let expanded = match item {
                SelectItem::Expr { expr, name, .. } => {
                    if left == 0 {
                        let name = ast::Ident::synthetic(&name.to_str_lossy());
                        return self.group_alias(*expr, &name).map(Some);
                    }
                    left -= 1;
                    continue;
                }
                other => self.items(std::slice::from_ref(other))?,
            };
            match expanded.get(left) {
                Some(item) => return Ok(Some(item.expr.clone())),
                None => left -= expanded.len(),
            }
        }
        Ok(None)
    }
}

/// Block positions of FROM that the expressions read.
pub(crate) fn base_columns<'e>(
    exprs: impl IntoIterator<Item = &'e Expr>,
) -> std::collections::BTreeSet<usize> {
    let mut all = Vec::new();
    for expr in exprs {
        expr.collect_columns(&mut all);
    }
    all.into_iter().filter(|at| *at < GROUP_BASE).collect()
}
