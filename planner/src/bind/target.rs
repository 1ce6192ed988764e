//! Tables that a statement writes to, views over one table included.

use super::from::JoinTree;
use super::{Binder, LeafKind};
use crate::physical;
use crate::plan::{Privilege, ViewCheck};
use aurora_catalog::{TableDef, ViewCheckOption};
use aurora_expr::{Expr, ExprKind};
use aurora_parser::ObjectName;
use aurora_types::error::{
    ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, ER_NON_INSERTABLE_TABLE, ER_NON_UPDATABLE_TABLE,
};
use aurora_types::{SqlError, SqlResult};
use std::sync::Arc;

/// A column of a statement's target: the leaf in the block and the position in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetColumn {
    pub leaf: usize,
    pub column: usize,
}

impl Binder<'_, '_> {
    /// The base table's column that an expression is; `None` when it is none that can be written.
    pub fn target_column(&self, expr: &Expr) -> Option<(TargetColumn, Arc<TableDef>)> {
        let ExprKind::Column(position) = expr.kind else { return None };
        let leaf = self.block_ref().leaf_of(position)?;
        let found = &self.block_ref().leaves[leaf];
        match &found.kind {
            LeafKind::Table(table) => {
                Some((TargetColumn { leaf, column: position - found.offset }, table.clone()))
            }
            _ => None,
        }
    }

    /// Refuses a value for a generated column (3105).
    pub fn check_not_generated(&self, table: &TableDef, column: usize) -> SqlResult<()> {
        let def = &table.columns[column];
        match def.generated {
            Some(_) => {
                Err(SqlError::new(ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, &[&def.name, &table.name]))
            }
            None => Ok(()),
        }
    }

    /// WITH CHECK OPTION of the view, when the name is one: the filters of its tables over the table's row.
    pub fn view_checks(&self, name: &ObjectName, tree: &JoinTree, leaf: usize) -> SqlResult<Vec<ViewCheck>> {
        let (schema, name) = self.schema_of(name)?;
        let Some(view) = self.state.ctx.catalog.view(&schema, &name) else { return Ok(Vec::new()) };
        if view.check_option == ViewCheckOption::None {
            return Ok(Vec::new());
        }
        let mut conditions = Vec::new();
        filters(tree, &mut conditions);
        let found = &self.block_ref().leaves[leaf];
        let (offset, width) = (found.offset, found.types.len());
        Ok(conditions
            .into_iter()
            .map(|condition| ViewCheck {
                view: format!("{schema}.{name}"),
                condition: physical::over_table(condition, offset, width),
            })
            .collect())
    }

    /// SELECT on the targets is needed only for columns that are read.
    pub fn forget_plain_reads(&mut self) {
        self.state
            .access
            .retain(|access| access.privilege != Privilege::Select || !access.columns.0.is_empty());
    }

    pub fn not_updatable(&self, alias: &str, statement: &str) -> SqlError {
        SqlError::new(ER_NON_UPDATABLE_TABLE, &[&alias, &statement])
    }

    pub fn not_insertable(&self, alias: &str) -> SqlError {
        SqlError::new(ER_NON_INSERTABLE_TABLE, &[&alias, &"INSERT"])
    }
}

fn filters(tree: &JoinTree, out: &mut Vec<Expr>) {
    match tree {
        JoinTree::Leaf(_) => {}
        JoinTree::Join { left, right, on, .. } => {
            filters(left, out);
            filters(right, out);
            out.extend(on.iter().cloned());
        }
        JoinTree::Filter { input, conditions } => {
            filters(input, out);
            out.extend(conditions.iter().cloned());
        }
    }
}
