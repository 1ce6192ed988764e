//! DELETE from one table and from several.

use super::update::RowsTail;
use super::{Binder, LeafKind};
use crate::physical;
use crate::plan::{Access, DeletePlan, DeleteTarget, PlanBody, PointDelete, Privilege};
use aurora_parser as ast;
use aurora_parser::{Delete, DeleteForm, TableFactor, TableReference};
use aurora_types::SqlResult;

impl<'s> Binder<'s, '_> {
    pub fn delete(&mut self, delete: &'s Delete) -> SqlResult<PlanBody> {
        if let Some(with) = &delete.with {
            self.with_clause(with)?;
        }
        self.push_block();
        let body = self.delete_block(delete);
        self.pop_block();
        body
    }

    fn delete_block(&mut self, delete: &'s Delete) -> SqlResult<PlanBody> {
        self.state.next_select();
        let mut targets = Vec::new();
        let tree = match &delete.form {
            DeleteForm::Single { table, alias, partitions } => {
                if !partitions.is_empty() {
                    return super::unsupported("PARTITION in DELETE");
                }
                let factor = ast::TableFactorTable {
                    name: table.clone(),
                    alias: alias.clone(),
                    partitions: Vec::new(),
                    index_hints: Vec::new(),
                    span: table.span(),
                };
                let first = TableFactor::Table(Box::new(factor));
                let tree = self.from(&[TableReference { first, joins: Vec::new() }])?;
                targets.push(0);
                tree
            }
            DeleteForm::Multi { targets: names, tables } => {
                let tree = self.from(tables)?;
                self.block().clause = super::Clause::Fields;
                for name in names {
                    targets.push(self.delete_target(name)?);
                }
                tree
            }
        };
        let Some(tree) = tree else { return super::unsupported("DELETE without tables") };
        self.forget_plain_reads();
        let mut leaves = Vec::new();
        let mut tables = Vec::new();
        for at in targets {
            let scope = &self.block_ref().tables[at];
            let (alias, object) = (scope.alias.clone(), scope.object.clone());
            let leaf = scope.leaf.and_then(|leaf| match &self.block_ref().leaves[leaf].kind {
                LeafKind::Table(table) => Some((leaf, table.clone())),
                _ => None,
            });
            let Some((leaf, table)) = leaf else { return Err(self.not_updatable(&alias, "DELETE")) };
            if let Some((schema, object, definer)) = object {
                self.state.need(&schema, &object, Privilege::Delete, None, definer.as_deref());
            }
            leaves.push(leaf);
            tables.push(table);
        }
        self.state.targets = tables.iter().map(|table| table.id).collect();
        let single = self.block_ref().leaves.len() == 1;
        let tail =
            RowsTail { order_by: &delete.order_by, limit: delete.limit.as_ref(), filter: delete.filter };
        let rel = self.written_rows(tree, &leaves, tail, &[], false)?;
        if single
            && let Some((scan, key, filter)) = physical::point_scan(&rel.node)
            && let Access::Index(access) = &scan.access
        {
            return Ok(PlanBody::PointDelete(PointDelete {
                table: scan.table.clone(),
                index: access.index,
                key,
                filter,
                ignore: delete.ignore,
            }));
        }
        let mut plan_targets = Vec::with_capacity(leaves.len());
        for (leaf, table) in leaves.iter().zip(tables) {
            let handle = self.block_ref().leaves[*leaf].handle();
            match rel.layout.iter().position(|at| *at == handle) {
                Some(handle) => plan_targets.push(DeleteTarget { table, handle }),
                None => return super::unsupported("DELETE from this table"),
            }
        }
        // Subqueries may read the table that is written: its rows as they were.
        let buffered = !single
            || !delete.order_by.is_empty()
            || delete.limit.is_some()
            || !self.state.subplans.is_empty();
        Ok(PlanBody::Delete(DeletePlan {
            source: Box::new(rel.node),
            targets: plan_targets,
            ignore: delete.ignore,
            buffered,
        }))
    }

    fn delete_target(&mut self, name: &ast::ObjectName) -> SqlResult<usize> {
        self.scope_table(name).map_err(|error| match error.code {
            1051 => aurora_types::SqlError::new(
                aurora_types::error::ER_UNKNOWN_TABLE,
                &[&name.name, &"MULTI DELETE"],
            ),
            _ => error,
        })
    }
}
