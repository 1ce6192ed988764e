//! FROM: tables, joins, USING and NATURAL.

use super::scope::{IndexHints, Visible};
use super::{Binder, Clause, Leaf, LeafKind, ScopeColumn, ScopeTable};
use crate::plan::Dependency;
use aurora_catalog::{TableDef, names_equal};
use aurora_expr::{CompareOp, Expr, build};
use aurora_parser::{
    Ident, JoinCondition, JoinKind, ObjectName, TableFactor, TableFactorTable, TableReference,
};
use aurora_types::error::{
    ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_KEY_DOES_NOT_EXITS, ER_NO_DB_ERROR, ER_NO_SUCH_TABLE,
    ER_NON_UNIQ_ERROR, ER_NONUNIQ_TABLE, ER_UNKNOWN_TABLE, ER_UPDATE_TABLE_USED,
};
use aurora_types::{SqlError, SqlResult};
use std::sync::Arc;

/// The joins of a block as written; RIGHT JOIN is turned around.
#[derive(Clone, Debug)]
pub(crate) enum JoinTree {
    Leaf(usize),
    Join {
        left: Box<JoinTree>,
        right: Box<JoinTree>,
        kind: TreeJoin,
        on: Vec<Expr>,
    },
    /// WHERE of a merged view.
    Filter {
        input: Box<JoinTree>,
        conditions: Vec<Expr>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TreeJoin {
    Inner,
    /// The left side is read first.
    Straight,
    Left,
}

/// A part of FROM: its tree and what unqualified names mean in it, in the order of `*`.
pub(crate) struct FromPart {
    pub tree: JoinTree,
    pub visible: Vec<Visible>,
}

impl Binder<'_, '_> {
    /// Binds all of FROM; afterwards the block's names are known.
    pub fn from(&mut self, references: &[TableReference]) -> SqlResult<Option<JoinTree>> {
        let first_table = self.block_ref().tables.len();
        self.block().first_table = first_table;
        let part = self.references(references, &[], false)?;
        let block = self.block();
        block.first_table = first_table;
        Ok(part.map(|part| {
            block.visible = part.visible;
            part.tree
        }))
    }

    fn references(
        &mut self,
        references: &[TableReference],
        before: &[Visible],
        nullable: bool,
    ) -> SqlResult<Option<FromPart>> {
        let mut all: Option<FromPart> = None;
        for reference in references {
            let mut seen = before.to_vec();
            seen.extend(all.iter().flat_map(|part| &part.visible));
            let part = self.reference(reference, &seen, nullable)?;
            all = Some(match all {
                None => part,
                Some(left) => FromPart {
                    visible: left.visible.into_iter().chain(part.visible).collect(),
                    tree: JoinTree::Join {
                        left: Box::new(left.tree),
                        right: Box::new(part.tree),
                        kind: TreeJoin::Inner,
                        on: Vec::new(),
                    },
                },
            });
        }
        Ok(all)
    }

    fn reference(
        &mut self,
        reference: &TableReference,
        before: &[Visible],
        nullable: bool,
    ) -> SqlResult<FromPart> {
        let first_table = self.block_ref().tables.len();
        let right_join = reference.joins.iter().any(|join| join.kind == JoinKind::Right);
        let mut left = self.factor(&reference.first, before, nullable || right_join)?;
        for join in &reference.joins {
            let mut seen = before.to_vec();
            seen.extend_from_slice(&left.visible);
            let right_table = self.block_ref().tables.len();
            let right =
                self.factor(&join.right, &seen, nullable || right_join || join.kind == JoinKind::Left)?;
            let swapped = join.kind == JoinKind::Right;
            let mut on = Vec::new();
            let mut visible;
            let common = self.common_columns(&left, &right, join.natural, &join.condition, swapped)?;
            if let Some(common) = common {
                visible = Vec::new();
                let (mut used_left, mut used_right) = (Vec::new(), Vec::new());
                for (l, r) in common {
                    let (a, b) = (self.visible_expr(l), self.visible_expr(r));
                    on.push(build::comparison(CompareOp::Eq, a, b)?);
                    visible.push(if swapped { r } else { l });
                    used_left.push(l);
                    used_right.push(r);
                }
                let (one, other) = if swapped { (&right, &left) } else { (&left, &right) };
                let (one_used, other_used) =
                    if swapped { (&used_right, &used_left) } else { (&used_left, &used_right) };
                visible.extend(one.visible.iter().filter(|v| !one_used.contains(v)));
                visible.extend(other.visible.iter().filter(|v| !other_used.contains(v)));
            } else {
                visible = left.visible.clone();
                visible.extend_from_slice(&right.visible);
                if let JoinCondition::On(id) = &join.condition {
                    let block = self.block();
                    let saved = std::mem::replace(&mut block.visible, visible.clone());
                    let saved_first = std::mem::replace(&mut block.first_table, first_table);
                    let saved_clause = std::mem::replace(&mut block.clause, Clause::On);
                    let lifting = std::mem::replace(&mut self.lifting, self.may_lift);
                    let condition = self.expr(*id);
                    self.lifting = lifting;
                    let block = self.block();
                    (block.visible, block.first_table, block.clause) = (saved, saved_first, saved_clause);
                    on = conjuncts(condition?);
                }
            }
            let kind = match join.kind {
                JoinKind::Inner => TreeJoin::Inner,
                JoinKind::Straight => TreeJoin::Straight,
                JoinKind::Left | JoinKind::Right => TreeJoin::Left,
            };
            if kind == TreeJoin::Left {
                let range = if swapped {
                    first_table..right_table
                } else {
                    right_table..self.block_ref().tables.len()
                };
                for table in &mut self.block().tables[range] {
                    for column in &mut table.columns {
                        column.expr.ty.nullable = true;
                    }
                }
            }
            let (one, other) = if swapped { (right.tree, left.tree) } else { (left.tree, right.tree) };
            left = FromPart {
                tree: JoinTree::Join { left: Box::new(one), right: Box::new(other), kind, on },
                visible,
            };
        }
        Ok(left)
    }

    fn visible_expr(&self, at: Visible) -> Expr {
        self.block_ref().tables[at.table].columns[at.column].expr.clone()
    }

    /// Pairs of columns that USING or NATURAL joins by; `None` for other joins.
    fn common_columns(
        &self,
        left: &FromPart,
        right: &FromPart,
        natural: bool,
        condition: &JoinCondition,
        swapped: bool,
    ) -> SqlResult<Option<Vec<(Visible, Visible)>>> {
        let name_of = |at: &Visible| self.block_ref().tables[at.table].columns[at.column].name.as_str();
        let find = |part: &FromPart, name: &str| -> SqlResult<Option<Visible>> {
            let mut found = part.visible.iter().filter(|v| names_equal(name_of(v), name));
            let first = found.next().copied();
            if found.next().is_some() {
                return Err(SqlError::new(ER_NON_UNIQ_ERROR, &[&name, &Clause::From.name()]));
            }
            Ok(first)
        };
        let mut pairs = Vec::new();
        match condition {
            JoinCondition::Using(names) => {
                for name in names {
                    let name = name.as_str();
                    match (find(left, name)?, find(right, name)?) {
                        (Some(l), Some(r)) => pairs.push((l, r)),
                        _ => return Err(SqlError::new(ER_BAD_FIELD_ERROR, &[&name, &Clause::From.name()])),
                    }
                }
            }
            _ if natural => {
                // Common columns come in the order of the side that is kept whole.
                let (kept, other) = if swapped { (right, left) } else { (left, right) };
                for at in &kept.visible {
                    if self.block_ref().tables[at.table].columns[at.column].invisible {
                        continue;
                    }
                    if let Some(partner) = find(other, name_of(at))? {
                        find(kept, name_of(at))?;
                        pairs.push(if swapped { (partner, *at) } else { (*at, partner) });
                    }
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(pairs))
    }

    fn factor(&mut self, factor: &TableFactor, before: &[Visible], nullable: bool) -> SqlResult<FromPart> {
        match factor {
            TableFactor::Table(table) => self.table_factor(table, nullable),
            TableFactor::Nested(id) => {
                let ast = self.ast;
                match self.references(ast.from(*id), before, nullable)? {
                    Some(part) => Ok(part),
                    None => super::unsupported("empty parentheses in FROM"),
                }
            }
            TableFactor::Derived { lateral, query, alias, columns } => {
                self.derived(*lateral, *query, alias, columns, before, nullable)
            }
            TableFactor::JsonTable(table) => self.json_table(table, before),
        }
    }

    fn table_factor(&mut self, table: &TableFactorTable, nullable: bool) -> SqlResult<FromPart> {
        if !table.partitions.is_empty() {
            return super::unsupported("PARTITION in FROM");
        }
        let alias = table.alias.as_ref().unwrap_or(&table.name.name);
        if table.name.schema.is_none()
            && let Some(entry) =
                self.with.iter().rev().find(|entry| entry.name == table.name.name.as_str()).cloned()
        {
            return self.cte_reference(&entry, alias.as_str(), nullable);
        }
        let (schema, name) = self.schema_of(&table.name)?;
        let ctx = self.state.ctx;
        if let Some(def) = ctx.base_table(&schema, &name) {
            let def = def.clone();
            let part = self.base_table(&def, alias.as_str(), None)?;
            let hints = self.index_hints(&def, table)?;
            if let Some(leaf) = self.block().leaves.last_mut() {
                leaf.hints = hints;
            }
            return Ok(part);
        }
        if ctx.virtual_tables.has_schema(&schema) {
            return match ctx.virtual_tables.table(&schema, &name) {
                Some(def) => self.base_table(&def.clone(), alias.as_str(), Some(&schema)),
                None if schema.eq_ignore_ascii_case("information_schema") => {
                    Err(SqlError::new(ER_UNKNOWN_TABLE, &[&name, &schema]))
                }
                None => Err(SqlError::new(ER_NO_SUCH_TABLE, &[&schema, &name])),
            };
        }
        if let Some(view) = ctx.catalog.view(&schema, &name) {
            return self.view(&view.clone(), alias.as_str(), nullable);
        }
        if ctx.catalog.schema(&schema).is_none() {
            return Err(SqlError::new(ER_BAD_DB_ERROR, &[&schema]));
        }
        Err(SqlError::new(ER_NO_SUCH_TABLE, &[&schema, &name]))
    }

    /// Database and name of an object (1046 without a database).
    pub fn schema_of(&self, name: &ObjectName) -> SqlResult<(String, String)> {
        let schema = match (&name.schema, &self.database) {
            (Some(schema), _) => schema.as_str().to_owned(),
            (None, Some(database)) => database.clone(),
            (None, None) => return Err(SqlError::new(ER_NO_DB_ERROR, &[])),
        };
        Ok((schema, name.name.as_str().to_owned()))
    }

    /// Puts a base or virtual table into the block.
    pub fn base_table(
        &mut self,
        def: &Arc<TableDef>,
        alias: &str,
        is_virtual: Option<&str>,
    ) -> SqlResult<FromPart> {
        if self.state.targets.contains(&def.id)
            && self.state.blocks.len() > 1
            && self.state.derived_depth == 0
        {
            return Err(SqlError::new(ER_UPDATE_TABLE_USED, &[&def.name]));
        }
        let types: Vec<_> = def.columns.iter().map(|column| column.ty.clone()).collect();
        let kind = match is_virtual {
            Some(_) => LeafKind::Virtual(def.clone()),
            None => {
                self.state.depend(Dependency {
                    schema: def.schema.clone(),
                    name: def.name.clone(),
                    id: def.id,
                    version: Some(def.version),
                });
                self.state.need(
                    &def.schema,
                    &def.name,
                    crate::plan::Privilege::Select,
                    None,
                    self.definer.as_deref(),
                );
                LeafKind::Table(def.clone())
            }
        };
        let definer = self.definer.clone();
        let block = self.block();
        let leaf = block.add_leaf(kind, alias, types);
        let offset = block.leaves[leaf].offset;
        let columns = def
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| ScopeColumn {
                name: column.name.clone(),
                expr: build::column(offset + at, column.ty.clone()),
                origin: Some(super::meta::origin_of(def, at)),
                invisible: column.invisible,
            })
            .collect();
        let object = match is_virtual {
            Some(_) => None,
            None => Some((def.schema.clone(), def.name.clone(), definer)),
        };
        let scope = ScopeTable {
            schema: def.schema.clone(),
            alias: alias.to_owned(),
            columns,
            object,
            leaf: Some(leaf),
        };
        let visible = self.add_scope(scope)?;
        Ok(FromPart { tree: JoinTree::Leaf(leaf), visible })
    }

    /// Puts a table's names into the block (1066 when its alias is taken).
    pub fn add_scope(&mut self, table: ScopeTable) -> SqlResult<Vec<Visible>> {
        let block = self.block();
        let first = block.first_table;
        if block.tables[first..]
            .iter()
            .any(|known| known.alias == table.alias && known.schema == table.schema)
        {
            return Err(SqlError::new(ER_NONUNIQ_TABLE, &[&table.alias]));
        }
        let number = block.tables.len();
        let visible = (0..table.columns.len()).map(|column| Visible { table: number, column }).collect();
        block.tables.push(table);
        Ok(visible)
    }

    /// A derived table or CTE that is computed by `node`, as a leaf.
    pub fn derived_leaf(
        &mut self,
        node: crate::plan::Node,
        names: &[String],
        alias: &str,
        outer: Vec<(usize, usize)>,
    ) -> SqlResult<FromPart> {
        let types = node.types.clone();
        let block = self.block();
        let leaf = block.add_leaf(LeafKind::Derived { node: Box::new(node), outer }, alias, types.clone());
        let offset = block.leaves[leaf].offset;
        let columns = names
            .iter()
            .zip(&types)
            .enumerate()
            .map(|(at, (name, ty))| ScopeColumn {
                name: name.clone(),
                expr: build::column(offset + at, ty.clone()),
                origin: None,
                invisible: false,
            })
            .collect();
        let scope =
            ScopeTable { schema: String::new(), alias: alias.to_owned(), columns, object: None, leaf: None };
        let visible = self.add_scope(scope)?;
        Ok(FromPart { tree: JoinTree::Leaf(leaf), visible })
    }

    fn index_hints(&self, def: &TableDef, table: &TableFactorTable) -> SqlResult<Vec<IndexHints>> {
        let mut hints = Vec::new();
        for hint in &table.index_hints {
            let mut indexes = Vec::new();
            for name in &hint.indexes {
                match def.index_by_name(name.as_str()) {
                    Some(index) => indexes.push(index.id),
                    None => {
                        let alias: &Ident = table.alias.as_ref().unwrap_or(&table.name.name);
                        return Err(SqlError::new(ER_KEY_DOES_NOT_EXITS, &[name, alias]));
                    }
                }
            }
            hints.push(IndexHints { kind: hint.kind, scope: hint.scope, indexes });
        }
        Ok(hints)
    }
}

/// The operands of a conjunction.
pub(crate) fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition.kind {
        aurora_expr::ExprKind::And(list) => list.into_iter().flat_map(conjuncts).collect(),
        _ => vec![condition],
    }
}

impl JoinTree {
    /// Leaves below, from left to right.
    pub fn leaves(&self, out: &mut Vec<usize>) {
        match self {
            JoinTree::Leaf(leaf) => out.push(*leaf),
            JoinTree::Join { left, right, .. } => {
                left.leaves(out);
                right.leaves(out);
            }
            JoinTree::Filter { input, .. } => input.leaves(out),
        }
    }
}

/// The leaf whose positions include `position`.
pub(crate) fn leaf_at(leaves: &[Leaf], position: usize) -> Option<usize> {
    leaves.iter().position(|leaf| leaf.contains(position))
}
