//! Blocks, the tables that they see, and the resolution of names.

use super::Binder;
use crate::plan::{AggregateCall, Node, Privilege, RowLock};
use aurora_catalog::{TableDef, names_equal};
use aurora_expr::{Expr, ExprKind, build};
use aurora_parser::ColumnName;
use aurora_types::error::{ER_BAD_FIELD_ERROR, ER_NON_UNIQ_ERROR};
use aurora_types::{ColumnFlags, SqlError, SqlResult, SqlType};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The part of a query in hand; its name is in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    Fields,
    Where,
    On,
    Group,
    Having,
    Order,
    WindowPartition,
    WindowOrder,
    From,
}

impl Clause {
    pub fn name(self) -> &'static str {
        match self {
            Clause::Fields => "field list",
            Clause::Where => "where clause",
            Clause::On => "on clause",
            Clause::Group => "group statement",
            Clause::Having => "having clause",
            Clause::Order => "order clause",
            Clause::WindowPartition => "window partition by",
            Clause::WindowOrder => "window order by",
            Clause::From => "from clause",
        }
    }
}

/// Where a column's values come from, for clients and for privileges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub schema: String,
    pub org_table: String,
    pub org_name: String,
    pub flags: ColumnFlags,
}

#[derive(Clone, Debug)]
pub(crate) struct ScopeColumn {
    pub name: String,
    /// Over block positions.
    pub expr: Expr,
    pub origin: Option<Origin>,
    /// Found by name only.
    pub invisible: bool,
}

/// A table as names see it. A merged view or derived table has one too, over the tables that it is made of.
#[derive(Clone, Debug)]
pub(crate) struct ScopeTable {
    /// Database for qualified references; empty for derived tables.
    pub schema: String,
    pub alias: String,
    pub columns: Vec<ScopeColumn>,
    /// Object whose SELECT privilege the columns need, and for whom.
    pub object: Option<(String, String, Option<String>)>,
    /// The base table itself, when it is one, or the single one below a view that is merged: leaf number.
    pub leaf: Option<usize>,
}

/// What a leaf of the join tree reads.
#[derive(Clone, Debug)]
pub(crate) enum LeafKind {
    Table(Arc<TableDef>),
    Virtual(Arc<TableDef>),
    /// A query planned already, a CTE or a JSON_TABLE. `outer` are slots that preceding tables of this block set.
    Derived {
        node: Box<Node>,
        outer: Vec<(usize, usize)>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub kind: LeafKind,
    pub alias: String,
    /// First block position.
    pub offset: usize,
    pub types: Vec<SqlType>,
    pub lock: Option<RowLock>,
    pub hints: Vec<IndexHints>,
}

/// Resolved index hints: which indexes may be used.
#[derive(Clone, Debug)]
pub(crate) struct IndexHints {
    pub kind: aurora_parser::IndexHintKind,
    pub scope: aurora_parser::IndexHintScope,
    pub indexes: Vec<aurora_catalog::IndexId>,
}

impl Leaf {
    /// Block position of the row handle.
    pub fn handle(&self) -> usize {
        self.offset + self.types.len()
    }

    pub fn contains(&self, position: usize) -> bool {
        (self.offset..=self.handle()).contains(&position)
    }
}

/// A column that an unqualified name or `*` can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visible {
    pub table: usize,
    pub column: usize,
}

/// A select item.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub expr: Expr,
    pub name: String,
    /// An alias was written.
    pub aliased: bool,
    pub origin: Option<Origin>,
    pub table: String,
}

/// A call of a window function over block positions.
#[derive(Clone, Debug)]
pub(crate) struct WindowUse {
    pub window: super::window::BoundWindow,
    pub call: crate::plan::WindowCall,
}

/// One SELECT being bound.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub id: usize,
    pub leaves: Vec<Leaf>,
    /// Next free block position.
    pub width: usize,
    pub tables: Vec<ScopeTable>,
    /// What unqualified names mean.
    pub visible: Vec<Visible>,
    /// Tables that qualified names may mean: from this one on (ON sees the operands of its join only).
    pub first_table: usize,
    pub clause: Clause,
    pub items: Vec<Item>,
    pub aggregates: Vec<AggregateCall>,
    pub windows: Vec<WindowUse>,
    pub named_windows: Vec<(String, super::window::BoundWindow)>,
    /// Aggregates may stand here.
    pub aggregates_allowed: bool,
    pub windows_allowed: bool,
    /// Inside the arguments of an aggregate.
    pub in_aggregate: bool,
    /// The block has GROUP BY WITH ROLLUP; GROUPING() is allowed then.
    pub rollup_groups: Vec<Expr>,
    /// Its rows go to the client as they are.
    pub shown: bool,
    /// Inner queries must not see the tables (a derived table that is not LATERAL).
    pub hidden: bool,
    /// Slots of outer blocks that this block or one inside reads.
    pub free: BTreeSet<usize>,
    /// Scopes around a subquery that is spliced into this block: unqualified names and tables.
    pub around: Vec<(Vec<Visible>, std::ops::Range<usize>)>,
    /// Leaves of spliced subqueries.
    pub spliced: BTreeSet<usize>,
    /// Row alias columns of INSERT: what VALUES(c) reads, by table column.
    pub insert_values: Option<usize>,
    /// Subqueries of select items that GROUP BY names by position or alias: planned once, to be found as the same.
    pub grouped_subqueries: Vec<(aurora_parser::ExprId, Expr)>,
}

impl Block {
    pub fn new(id: usize) -> Block {
        Block {
            id,
            leaves: Vec::new(),
            width: 0,
            tables: Vec::new(),
            visible: Vec::new(),
            first_table: 0,
            clause: Clause::Fields,
            items: Vec::new(),
            aggregates: Vec::new(),
            windows: Vec::new(),
            named_windows: Vec::new(),
            aggregates_allowed: false,
            windows_allowed: false,
            in_aggregate: false,
            rollup_groups: Vec::new(),
            shown: false,
            hidden: false,
            free: BTreeSet::new(),
            around: Vec::new(),
            spliced: BTreeSet::new(),
            insert_values: None,
            grouped_subqueries: Vec::new(),
        }
    }

    /// Adds a leaf and gives its number.
    pub fn add_leaf(&mut self, kind: LeafKind, alias: &str, types: Vec<SqlType>) -> usize {
        let offset = self.width;
        self.width += types.len() + 1;
        self.leaves.push(Leaf {
            kind,
            alias: alias.to_owned(),
            offset,
            types,
            lock: None,
            hints: Vec::new(),
        });
        self.leaves.len() - 1
    }

    pub fn leaf_of(&self, position: usize) -> Option<usize> {
        self.leaves.iter().position(|leaf| leaf.contains(position))
    }

    /// The column of a name; `Err` when it is ambiguous.
    fn find(&self, name: &ColumnName) -> Result<Option<Visible>, ()> {
        let own = self.find_in(name, &self.visible, self.first_table..self.tables.len())?;
        if own.is_some() {
            return Ok(own);
        }
        for (visible, tables) in self.around.iter().rev() {
            let found = self.find_in(name, visible, tables.clone())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn find_in(
        &self,
        name: &ColumnName,
        visible: &[Visible],
        tables: std::ops::Range<usize>,
    ) -> Result<Option<Visible>, ()> {
        let column = name.column.as_str();
        let mut found = None;
        let Some(table) = &name.table else {
            for visible in visible {
                if names_equal(&self.tables[visible.table].columns[visible.column].name, column) {
                    if found.is_some_and(|other| other != *visible) {
                        return Err(());
                    }
                    found = Some(*visible);
                }
            }
            return Ok(found);
        };
        for at in tables {
            let scope = &self.tables[at];
            let information = scope.schema.eq_ignore_ascii_case("information_schema");
            let schema = name.schema.as_ref().is_none_or(|schema| {
                schema.as_str() == scope.schema || (information && schema.is("information_schema"))
            });
            if !schema || !alias_matches(scope, table.as_str()) {
                continue;
            }
            for (number, known) in scope.columns.iter().enumerate() {
                if names_equal(&known.name, column) {
                    if found.is_some() {
                        return Err(());
                    }
                    found = Some(Visible { table: at, column: number });
                }
            }
        }
        Ok(found)
    }
}

fn alias_matches(scope: &ScopeTable, name: &str) -> bool {
    scope.alias == name
        || (scope.schema.eq_ignore_ascii_case("information_schema") && scope.alias.eq_ignore_ascii_case(name))
}

impl Binder<'_, '_> {
    pub fn block(&mut self) -> &mut Block {
        let last = self.state.blocks.len() - 1;
        &mut self.state.blocks[last]
    }

    pub fn block_ref(&self) -> &Block {
        &self.state.blocks[self.state.blocks.len() - 1]
    }

    pub fn push_block(&mut self) {
        let id = self.state.next_block;
        self.state.next_block += 1;
        self.state.blocks.push(Block::new(id));
    }

    pub fn pop_block(&mut self) -> Option<Block> {
        self.state.blocks.pop()
    }

    /// The column `name`, from the innermost block that knows it.
    pub fn column(&mut self, name: &ColumnName) -> SqlResult<Expr> {
        self.column_with_origin(name).map(|(expr, ..)| expr)
    }

    /// The expression of a column, where it comes from and its table's alias.
    pub fn column_with_origin(&mut self, name: &ColumnName) -> SqlResult<(Expr, Option<Origin>, String)> {
        let Some(top) = self.state.blocks.len().checked_sub(1) else {
            return Err(SqlError::new(ER_BAD_FIELD_ERROR, &[name, &"field list"]));
        };
        let clause = self.state.blocks[top].clause;
        for level in (0..=top).rev() {
            if level < top && self.state.blocks[level].hidden {
                continue;
            }
            // HAVING means the select list before the tables, ORDER BY (inside expressions) after them.
            let local_alias = level == top && name.table.is_none() && !self.state.blocks[top].in_aggregate;
            if local_alias
                && clause == Clause::Having
                && let Some(expr) = self.alias_expr(name.column.as_str())
            {
                return Ok((expr, None, String::new()));
            }
            let found = self.state.blocks[level]
                .find(name)
                .map_err(|()| SqlError::new(ER_NON_UNIQ_ERROR, &[name, &clause.name()]))?;
            if let Some(visible) = found {
                return Ok(self.found(level, visible));
            }
            if local_alias
                && clause == Clause::Order
                && let Some(expr) = self.alias_expr(name.column.as_str())
            {
                return Ok((expr, None, String::new()));
            }
            // Names of an outer query may also be its select aliases, once those are known.
            if level < top && name.table.is_none() {
                let outer = &self.state.blocks[level];
                let usable = matches!(outer.clause, Clause::Having | Clause::Order);
                let alias = outer.items.iter().find(|item| names_equal(&item.name, name.column.as_str()));
                if let Some(item) = alias.filter(|_| usable) {
                    let expr = item.expr.clone();
                    return Ok((self.as_outer(level, expr), None, String::new()));
                }
            }
        }
        Err(SqlError::new(ER_BAD_FIELD_ERROR, &[name, &clause.name()]))
    }

    fn alias_expr(&self, name: &str) -> Option<Expr> {
        self.block_ref().items.iter().find(|item| names_equal(&item.name, name)).map(|item| item.expr.clone())
    }

    fn found(&mut self, level: usize, at: Visible) -> (Expr, Option<Origin>, String) {
        let table = &self.state.blocks[level].tables[at.table];
        let column = table.columns[at.column].clone();
        let alias = table.alias.clone();
        if let Some((schema, object, definer)) = table.object.clone() {
            self.state.need(&schema, &object, Privilege::Select, Some(&column.name), definer.as_deref());
        }
        (self.as_outer(level, column.expr), column.origin, alias)
    }

    /// An expression of the block at `level` as the innermost block reads it.
    pub fn as_outer(&mut self, level: usize, mut expr: Expr) -> Expr {
        let top = self.state.blocks.len() - 1;
        if level == top {
            return expr;
        }
        let block = self.state.blocks[level].id;
        let state = &mut *self.state;
        expr.rewrite(&mut |e| {
            let slot = match e.kind {
                ExprKind::Column(position) => state.outer_slot(block, position, &e.ty),
                ExprKind::Slot(slot) => {
                    // The outer block reads it from further out: so do those in between.
                    for inner in &mut state.blocks[level + 1..] {
                        inner.free.insert(slot);
                    }
                    return;
                }
                _ => return,
            };
            for inner in &mut state.blocks[level + 1..] {
                inner.free.insert(slot);
            }
            *e = build::slot(slot, e.ty.clone());
        });
        expr
    }

    /// What the current block passes to a subquery that reads `slot`.
    pub fn slot_argument(&self, slot: usize) -> Expr {
        let ty = self.state.slots[slot].clone();
        match self.state.slot_owner(slot) {
            Some((block, position)) if block == self.block_ref().id => build::column(position, ty),
            _ => build::slot(slot, ty),
        }
    }
}
