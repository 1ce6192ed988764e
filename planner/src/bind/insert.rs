//! INSERT and REPLACE.

use super::scope::Visible;
use super::{Binder, Clause, ScopeColumn, ScopeTable};
use crate::plan::{Assignment, DuplicateAction, InsertPlan, InsertSource, PlanBody, Privilege, ViewCheck};
use aurora_catalog::{TableDef, names_equal};
use aurora_expr::build;
use aurora_parser as ast;
use aurora_parser::Insert;
use aurora_types::error::{ER_BAD_FIELD_ERROR, ER_FIELD_SPECIFIED_TWICE, ER_WRONG_VALUE_COUNT_ON_ROW};
use aurora_types::{SqlError, SqlResult};
use std::sync::Arc;

/// What INSERT writes to: the table, the columns as the statement may call them, the view's conditions.
struct Target {
    table: Arc<TableDef>,
    /// Name and position in the table.
    columns: Vec<(String, usize, bool)>,
    checks: Vec<ViewCheck>,
    schema: String,
    alias: String,
}

impl<'s> Binder<'s, '_> {
    pub fn insert(&mut self, insert: &'s Insert) -> SqlResult<PlanBody> {
        if !insert.partitions.is_empty() {
            return super::unsupported("PARTITION in INSERT");
        }
        let target = self.insert_target(&insert.table)?;
        let (schema, object) = self.schema_of(&insert.table)?;
        let mut columns = Vec::new();
        match &insert.columns {
            Some(names) => {
                for name in names {
                    let known =
                        target.columns.iter().find(|(known, ..)| names_equal(known, name.column.as_str()));
                    let qualified = name.table.as_ref().is_none_or(|table| table.as_str() == target.alias);
                    let Some((_, at, _)) = known.filter(|_| qualified) else {
                        return Err(SqlError::new(ER_BAD_FIELD_ERROR, &[name, &Clause::Fields.name()]));
                    };
                    if columns.contains(at) {
                        return Err(SqlError::new(ER_FIELD_SPECIFIED_TWICE, &[&name.column]));
                    }
                    columns.push(*at);
                }
            }
            None => columns
                .extend(target.columns.iter().filter(|(.., invisible)| !invisible).map(|(_, at, _)| *at)),
        }
        self.state.need(&schema, &object, Privilege::Insert, None, None);
        for at in &columns {
            let name = target.columns.iter().find(|(_, known, _)| known == at).map(|(name, ..)| name.clone());
            self.state.need(&schema, &object, Privilege::Insert, name.as_deref(), None);
        }
        if insert.replace {
            self.state.need(&schema, &object, Privilege::Delete, None, None);
        }
        let mut source_items = Vec::new();
        let source = match &insert.source {
            ast::InsertSource::Values(rows) => {
                let rows = self.insert_rows(rows, &mut columns, insert.columns.is_some(), &target)?;
                InsertSource::Values(rows)
            }
            ast::InsertSource::Query(query) => {
                let bound = self.query(*query)?;
                if bound.items.len() != columns.len() {
                    return Err(SqlError::new(ER_WRONG_VALUE_COUNT_ON_ROW, &[&1]));
                }
                for at in &columns {
                    self.check_not_generated(&target.table, *at)?;
                }
                source_items = bound.items;
                InsertSource::Query(Box::new(bound.node))
            }
        };
        let duplicate = if insert.replace {
            DuplicateAction::Replace
        } else if insert.on_duplicate.is_empty() {
            DuplicateAction::Error
        } else {
            self.state.need(&schema, &object, Privilege::Update, None, None);
            let assignments = self.on_duplicate(insert, &target, &columns, &source_items)?;
            DuplicateAction::Update(assignments)
        };
        Ok(PlanBody::Insert(InsertPlan {
            table: target.table,
            columns,
            source,
            duplicate,
            ignore: insert.ignore,
            checks: target.checks,
        }))
    }

    fn insert_target(&mut self, name: &ast::ObjectName) -> SqlResult<Target> {
        self.push_block();
        let found = self.insert_target_block(name);
        self.pop_block();
        found
    }

    fn insert_target_block(&mut self, name: &ast::ObjectName) -> SqlResult<Target> {
        let factor = ast::TableFactorTable {
            name: name.clone(),
            alias: None,
            partitions: Vec::new(),
            index_hints: Vec::new(),
            span: name.span(),
        };
        let with = std::mem::take(&mut self.with);
        let access = self.state.access.clone();
        let reference =
            ast::TableReference { first: ast::TableFactor::Table(Box::new(factor)), joins: Vec::new() };
        let tree = self.from(std::slice::from_ref(&reference));
        self.with = with;
        self.state.access = access;
        let tree = tree?;
        let alias = name.name.as_str().to_owned();
        let scope = self.block_ref().tables.last().cloned();
        let (Some(tree), Some(scope)) = (tree, scope) else { return Err(self.not_insertable(&alias)) };
        let mut columns = Vec::new();
        let mut target = None;
        for column in &scope.columns {
            let Some((at, table)) = self.target_column(&column.expr) else {
                if scope.leaf.is_none() {
                    return Err(self.not_insertable(&alias));
                }
                continue;
            };
            if target.as_ref().is_some_and(|(leaf, _)| *leaf != at.leaf) {
                return Err(self.not_insertable(&alias));
            }
            target = Some((at.leaf, table));
            columns.push((column.name.clone(), at.column, column.invisible));
        }
        let Some((leaf, table)) = target else { return Err(self.not_insertable(&alias)) };
        let checks = self.view_checks(name, &tree, leaf)?;
        Ok(Target { table, columns, checks, schema: scope.schema, alias })
    }

    /// The target's columns at their positions in the table, `offset` on.
    fn target_scope(&self, target: &Target, alias: &str, offset: usize, readable: bool) -> ScopeTable {
        let columns = target
            .columns
            .iter()
            .map(|(name, at, invisible)| {
                let mut ty = target.table.columns[*at].ty.clone();
                ty.nullable |= offset > 0;
                ScopeColumn {
                    name: name.clone(),
                    expr: build::column(offset + at, ty),
                    origin: None,
                    invisible: *invisible,
                }
            })
            .collect();
        let object = readable.then(|| (target.schema.clone(), target.alias.clone(), None));
        ScopeTable { schema: target.schema.clone(), alias: alias.to_owned(), columns, object, leaf: None }
    }

    fn insert_rows(
        &mut self,
        rows: &[Vec<ast::ExprId>],
        columns: &mut Vec<usize>,
        listed: bool,
        target: &Target,
    ) -> SqlResult<Vec<Vec<Option<aurora_expr::Expr>>>> {
        let ast = self.ast;
        if !listed && rows.iter().all(Vec::is_empty) {
            columns.clear();
        }
        self.push_block();
        let scope = self.target_scope(target, &target.alias, 0, true);
        let visible = self.add_scope(scope);
        let result = visible.and_then(|visible| {
            self.block().visible = visible;
            let mut bound = Vec::with_capacity(rows.len());
            for (number, row) in rows.iter().enumerate() {
                if row.len() != columns.len() {
                    return Err(SqlError::new(ER_WRONG_VALUE_COUNT_ON_ROW, &[&(number + 1)]));
                }
                let mut values = Vec::with_capacity(row.len());
                for (id, at) in row.iter().zip(columns.iter()) {
                    if matches!(ast.expr(*id), ast::Expr::Default(None)) {
                        values.push(None);
                        continue;
                    }
                    self.check_not_generated(&target.table, *at)?;
                    let expr = self.stored(*id)?;
                    let ty = target.table.columns[*at].ty.clone();
                    let typed = build::column(*at, ty);
                    let mut expr = self.typed_as(expr, &typed);
                    self.state.fold(&mut expr);
                    values.push(Some(expr));
                }
                bound.push(values);
            }
            Ok(bound)
        });
        self.pop_block();
        result
    }

    /// ON DUPLICATE KEY UPDATE: the stored row, the new row, the columns of the source query.
    fn on_duplicate(
        &mut self,
        insert: &Insert,
        target: &Target,
        columns: &[usize],
        source: &[super::scope::Item],
    ) -> SqlResult<Vec<Assignment>> {
        self.push_block();
        let result = self.on_duplicate_block(insert, target, columns, source);
        self.pop_block();
        result
    }

    fn on_duplicate_block(
        &mut self,
        insert: &Insert,
        target: &Target,
        columns: &[usize],
        source: &[super::scope::Item],
    ) -> SqlResult<Vec<Assignment>> {
        let width = target.table.columns.len();
        let stored = self.target_scope(target, &target.alias, 0, true);
        let mut visible = self.add_scope(stored)?;
        if let Some(alias) = &insert.row_alias {
            let mut scope = self.target_scope(target, alias.name.as_str(), width, false);
            scope.schema = String::new();
            if !alias.columns.is_empty() {
                if alias.columns.len() != columns.len() {
                    return Err(SqlError::new(aurora_types::error::ER_VIEW_WRONG_LIST, &[]));
                }
                scope.columns = alias
                    .columns
                    .iter()
                    .zip(columns)
                    .map(|(name, at)| ScopeColumn {
                        name: name.as_str().to_owned(),
                        expr: build::column(width + at, target.table.columns[*at].ty.clone()),
                        origin: None,
                        invisible: false,
                    })
                    .collect();
                visible.extend(self.add_scope(scope)?);
            } else {
                self.add_scope(scope)?;
            }
        }
        let mut tables: Vec<String> = Vec::new();
        for (at, item) in source.iter().enumerate() {
            let column = ScopeColumn {
                name: item.name.clone(),
                expr: build::column(2 * width + at, item.expr.ty.clone()),
                origin: None,
                invisible: false,
            };
            let first = self.block_ref().tables.len() - tables.len();
            let known = tables.iter().position(|table| *table == item.table);
            let table = match known {
                Some(known) => first + known,
                None => {
                    tables.push(item.table.clone());
                    let block = self.block();
                    block.tables.push(ScopeTable {
                        schema: String::new(),
                        alias: item.table.clone(),
                        columns: Vec::new(),
                        object: None,
                        leaf: None,
                    });
                    block.tables.len() - 1
                }
            };
            let block = self.block();
            block.tables[table].columns.push(column);
            visible.push(Visible { table, column: block.tables[table].columns.len() - 1 });
        }
        let block = self.block();
        block.visible = visible;
        block.insert_values = Some(width);
        let mut assignments = Vec::with_capacity(insert.on_duplicate.len());
        for assignment in &insert.on_duplicate {
            let known =
                target.columns.iter().find(|(name, ..)| names_equal(name, assignment.column.column.as_str()));
            let Some((name, column, _)) = known else {
                return Err(SqlError::new(ER_BAD_FIELD_ERROR, &[&assignment.column, &Clause::Fields.name()]));
            };
            self.state.need(&target.schema, &target.alias, Privilege::Update, Some(name), None);
            let value = match self.ast.expr(assignment.value) {
                ast::Expr::Default(None) => None,
                _ => {
                    self.check_not_generated(&target.table, *column)?;
                    let expr = self.expr(assignment.value)?;
                    let typed = build::column(*column, target.table.columns[*column].ty.clone());
                    Some(self.typed_as(expr, &typed))
                }
            };
            assignments.push(Assignment { column: *column, value });
        }
        Ok(assignments)
    }
}
