//! Views and derived tables: merged into the block where that changes nothing, else computed on their own.

use super::from::{FromPart, JoinTree, conjuncts};
use super::scope::Visible;
use super::{Binder, Clause, ScopeColumn, ScopeTable, unsupported};
use crate::plan::{Dependency, Privilege};
use crate::walk;
use aurora_catalog::{ViewAlgorithm, ViewDef, ViewSecurity};
use aurora_expr::{Expr, build};
use aurora_parser as ast;
use aurora_parser::{Ident, ParseContext, QueryBody, QueryId, SelectItem, Statement};
use aurora_types::error::{ER_DUP_FIELDNAME, ER_VIEW_INVALID, ER_VIEW_RECURSIVE, ER_VIEW_WRONG_LIST};
use aurora_types::{SqlError, SqlMode, SqlResult};

/// What a merged table is called.
struct Named<'n> {
    schema: &'n str,
    alias: &'n str,
    columns: Vec<String>,
    object: Option<(String, String, Option<String>)>,
    view: Option<(&'n str, &'n str)>,
}

impl Binder<'_, '_> {
    pub fn derived(
        &mut self,
        lateral: bool,
        query: QueryId,
        alias: &Ident,
        columns: &[Ident],
        before: &[Visible],
        nullable: bool,
    ) -> SqlResult<FromPart> {
        let names: Vec<String> = columns.iter().map(|c| c.as_str().to_owned()).collect();
        // Subqueries of a statement that writes may read its table in a derived table: one that is a copy.
        if !lateral && self.state.targets.is_empty() && self.is_mergeable(query, nullable) {
            let named = Named { schema: "", alias: alias.as_str(), columns: names, object: None, view: None };
            return self.merge(query, named);
        }
        let saved_visible = std::mem::replace(&mut self.block().visible, before.to_vec());
        let saved_hidden = std::mem::replace(&mut self.block().hidden, !lateral);
        self.state.derived_depth += 1;
        let bound = self.query(query);
        self.state.derived_depth -= 1;
        self.block().visible = saved_visible;
        self.block().hidden = saved_hidden;
        let bound = bound?;
        let names = column_names(names, bound.items.iter().map(|item| item.name.clone()))?;
        let outer = self.slots_of_this_block(&bound.free);
        let part = self.derived_leaf(bound.node, &names, alias.as_str(), outer)?;
        if let Some(scope) = self.block().tables.last_mut() {
            for (column, item) in scope.columns.iter_mut().zip(&bound.items) {
                column.origin = super::meta::derived_origin(item);
            }
        }
        Ok(part)
    }

    /// Slots that columns of the current block set, with those columns.
    pub fn slots_of_this_block(&self, free: &std::collections::BTreeSet<usize>) -> Vec<(usize, usize)> {
        let block = self.block_ref().id;
        free.iter()
            .filter_map(|slot| match self.state.slot_owner(*slot) {
                Some((owner, position)) if owner == block => Some((*slot, position)),
                _ => None,
            })
            .collect()
    }

    /// A SELECT from tables with a WHERE at most, whose items are cheap to compute wherever they are used.
    pub fn is_mergeable(&self, id: QueryId, nullable: bool) -> bool {
        let query = self.ast.query(id);
        let QueryBody::Select(select) = &query.body else { return false };
        let plain = query.with.is_none()
            && query.order_by.is_empty()
            && query.limit.is_none()
            && query.locking.is_empty()
            && query.into.is_none()
            && !select.options.distinct
            && !select.options.straight_join
            && !select.from.is_empty()
            && select.group_by.is_none()
            && select.having.is_none()
            && select.windows.is_empty()
            && select.qualify.is_none();
        plain
            && select.items.iter().all(|item| match item {
                SelectItem::Expr { expr, .. } if nullable => {
                    matches!(self.ast.expr(*expr), ast::Expr::Column(_))
                }
                SelectItem::Expr { expr, .. } => walk::is_simple(self.ast, *expr),
                _ => true,
            })
    }

    /// Splices the query into the current block.
    fn merge(&mut self, id: QueryId, named: Named<'_>) -> SqlResult<FromPart> {
        self.state.enter()?;
        self.state.next_select();
        let query = self.ast.query(id);
        let QueryBody::Select(select) = &query.body else { return unsupported("this derived table") };
        let block = self.block();
        let tables = block.tables.len();
        let saved_first = std::mem::replace(&mut block.first_table, tables);
        let saved_visible = std::mem::take(&mut block.visible);
        let saved_clause = block.clause;
        let tree = self.from(&select.from)?;
        self.block().clause = Clause::Where;
        let filter = match select.filter {
            Some(filter) => conjuncts(self.expr(filter)?),
            None => Vec::new(),
        };
        self.block().clause = Clause::Fields;
        let items = self.items(&select.items)?;
        let leaf = match &self.block_ref().tables[tables..] {
            [one] => one.leaf,
            _ => None,
        };
        let block = self.block();
        block.tables.truncate(tables);
        (block.first_table, block.visible, block.clause) = (saved_first, saved_visible, saved_clause);
        self.state.leave();
        let names = column_names(named.columns, items.iter().map(|item| item.name.clone()))?;
        let columns = names
            .into_iter()
            .zip(items)
            .map(|(name, item)| {
                let mut origin = item.origin;
                if let (Some((schema, view)), Some(origin)) = (named.view, &mut origin) {
                    origin.schema = schema.to_owned();
                    origin.org_table = view.to_owned();
                    origin.org_name = name.clone();
                }
                ScopeColumn { name, expr: item.expr, origin, invisible: false }
            })
            .collect();
        let scope = ScopeTable {
            schema: named.schema.to_owned(),
            alias: named.alias.to_owned(),
            columns,
            object: named.object,
            leaf,
        };
        let visible = self.add_scope(scope)?;
        let Some(mut tree) = tree else { return unsupported("this derived table") };
        if !filter.is_empty() {
            tree = JoinTree::Filter { input: Box::new(tree), conditions: filter };
        }
        Ok(FromPart { tree, visible })
    }

    /// A CTE that is read like a derived table.
    pub fn merge_cte(&mut self, query: QueryId, alias: &str, columns: Vec<String>) -> SqlResult<FromPart> {
        self.merge(query, Named { schema: "", alias, columns, object: None, view: None })
    }

    pub fn view(&mut self, view: &ViewDef, alias: &str, nullable: bool) -> SqlResult<FromPart> {
        let key = (view.schema.clone(), view.name.clone());
        if self.state.views.contains(&key) {
            return Err(SqlError::new(ER_VIEW_RECURSIVE, &[&view.schema, &view.name]));
        }
        self.state.depend(Dependency {
            schema: view.schema.clone(),
            name: view.name.clone(),
            id: view.id,
            version: None,
        });
        self.state.need(&view.schema, &view.name, Privilege::Select, None, self.definer.as_deref());
        let parsed = parse_view(view)?;
        let Statement::Query(query) = parsed.statement else { return invalid(view) };
        let definer = match view.security {
            ViewSecurity::Definer => Some(view.definer.clone()),
            ViewSecurity::Invoker => self.definer.clone(),
        };
        let object = Some((view.schema.clone(), view.name.clone(), self.definer.clone()));
        self.state.views.push(key);
        let mut inner = Binder {
            state: &mut *self.state,
            ast: &parsed.ast,
            database: Some(view.schema.clone()),
            definer,
            with: Vec::new(),
            may_lift: false,
            lifting: false,
        };
        let merged = view.algorithm != ViewAlgorithm::TempTable && inner.is_mergeable(query, nullable);
        let part = if merged {
            let named = Named {
                schema: &view.schema,
                alias,
                columns: view.columns.clone(),
                object,
                view: Some((&view.schema, &view.name)),
            };
            inner.merge(query, named)
        } else {
            let saved = std::mem::replace(&mut inner.block().hidden, true);
            let bound = inner.query(query);
            inner.block().hidden = saved;
            bound.and_then(|bound| {
                let names =
                    column_names(view.columns.clone(), bound.items.iter().map(|item| item.name.clone()))?;
                let part = inner.derived_leaf(bound.node, &names, alias, Vec::new())?;
                if let Some(scope) = inner.block().tables.last_mut() {
                    scope.schema = view.schema.clone();
                    scope.object = object;
                }
                Ok(part)
            })
        };
        self.state.views.pop();
        part.map_err(|error| match error.code {
            1146 | 1054 | 1049 | 1305 => SqlError::new(ER_VIEW_INVALID, &[&view.schema, &view.name]),
            _ => error,
        })
    }
}

fn invalid<T>(view: &ViewDef) -> SqlResult<T> {
    Err(SqlError::new(ER_VIEW_INVALID, &[&view.schema, &view.name]))
}

/// The statement of a view.
pub(crate) fn parse_view(view: &ViewDef) -> SqlResult<aurora_parser::Parsed> {
    let context = ParseContext {
        parameters: false,
        sql_mode: parser_mode(SqlMode(view.sql_mode)),
        ..ParseContext::default()
    };
    aurora_parser::parse(view.query.as_bytes(), &context)
}

/// The modes that change what a text means.
pub(crate) fn parser_mode(mode: SqlMode) -> aurora_parser::SqlMode {
    aurora_parser::SqlMode {
        ansi_quotes: mode.contains(SqlMode::ANSI_QUOTES),
        pipes_as_concat: mode.contains(SqlMode::PIPES_AS_CONCAT),
        no_backslash_escapes: mode.contains(SqlMode::NO_BACKSLASH_ESCAPES),
        ignore_space: mode.contains(SqlMode::IGNORE_SPACE),
        high_not_precedence: mode.contains(SqlMode::HIGH_NOT_PRECEDENCE),
        real_as_float: mode.contains(SqlMode::REAL_AS_FLOAT),
        no_unsigned_subtraction: mode.contains(SqlMode::NO_UNSIGNED_SUBTRACTION),
    }
}

/// Given names, or the query's own; 1353 when the counts differ, 1060 when one comes twice.
pub(crate) fn column_names(given: Vec<String>, own: impl Iterator<Item = String>) -> SqlResult<Vec<String>> {
    let own: Vec<String> = own.collect();
    if !given.is_empty() && given.len() != own.len() {
        return Err(SqlError::new(ER_VIEW_WRONG_LIST, &[]));
    }
    let names = if given.is_empty() { own } else { given };
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|other| aurora_catalog::names_equal(other, name)) {
            return Err(SqlError::new(ER_DUP_FIELDNAME, &[name]));
        }
    }
    Ok(names)
}

/// All conditions together.
pub(crate) fn conjunction(mut conditions: Vec<Expr>) -> SqlResult<Option<Expr>> {
    // Subqueries last: what is cheap may spare them.
    conditions.sort_by_key(super::has_subquery);
    match conditions.len() {
        0 => Ok(None),
        1 => Ok(conditions.pop()),
        _ => build::and(conditions).map(Some),
    }
}
