//! WITH.

use super::from::FromPart;
use super::view::column_names;
use super::{Binder, unsupported};
use crate::plan::{CteBody, CtePlan, Operator};
use aurora_catalog::names_equal;
use aurora_expr::build;
use aurora_parser as ast;
use aurora_parser::{QueryBody, QueryId, SetOp, SetTerm, With};
use aurora_types::error::{
    ER_CTE_RECURSIVE_NOT_UNION, ER_CTE_RECURSIVE_REQUIRES_NONRECURSIVE_FIRST,
    ER_CTE_RECURSIVE_REQUIRES_UNION, ER_NONUNIQ_TABLE, ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT,
};
use aurora_types::{SqlError, SqlResult, SqlType};
use std::cell::RefCell;
use std::rc::Rc;

/// A name that WITH has defined.
#[derive(Debug)]
pub(crate) struct CteEntry {
    pub name: String,
    columns: Vec<String>,
    query: QueryId,
    /// What its own query may refer to.
    with: Vec<Rc<CteEntry>>,
    recursive: bool,
    /// Blocks around the WITH clause: further in ones are not visible from it.
    level: usize,
    state: RefCell<CteState>,
}

#[derive(Clone, Debug)]
enum CteState {
    Unbound,
    /// The recursive terms are being bound: references read the last round.
    Recursing {
        cte: usize,
        names: Vec<String>,
        types: Vec<SqlType>,
    },
    Bound {
        cte: usize,
        names: Vec<String>,
        types: Vec<SqlType>,
        rows: f64,
        slots: Vec<usize>,
    },
}

impl<'s> Binder<'s, '_> {
    pub fn with_clause(&mut self, with: &'s With) -> SqlResult<()> {
        let first = self.with.len();
        for table in &with.tables {
            if self.with[first..].iter().any(|known| known.name == table.name.as_str()) {
                return Err(SqlError::new(ER_NONUNIQ_TABLE, &[&table.name]));
            }
            let entry = CteEntry {
                name: table.name.as_str().to_owned(),
                columns: table.columns.iter().map(|c| c.as_str().to_owned()).collect(),
                query: table.query,
                with: self.with.clone(),
                recursive: with.recursive && refers_to(self.ast, table.query, table.name.as_str()),
                level: self.state.blocks.len(),
                state: RefCell::new(CteState::Unbound),
            };
            self.with.push(Rc::new(entry));
        }
        Ok(())
    }

    /// A CTE in FROM.
    pub fn cte_reference(
        &mut self,
        entry: &Rc<CteEntry>,
        alias: &str,
        nullable: bool,
    ) -> SqlResult<FromPart> {
        let state = entry.state.borrow().clone();
        match state {
            CteState::Recursing { cte, names, types } => {
                let operator = Operator::WorkTable { cte, alias: alias.to_owned() };
                let node = self.state.node(operator, types, 10.0, 10.0);
                self.derived_leaf(node, &names, alias, Vec::new())
            }
            CteState::Bound { cte, names, types, rows, slots } => {
                for slot in &slots {
                    self.mark_free(*slot);
                }
                let operator = Operator::CteScan { cte, alias: alias.to_owned() };
                let node = self.state.node(operator, types, rows, rows);
                let part = self.derived_leaf(node, &names, alias, Vec::new())?;
                Ok(part)
            }
            CteState::Unbound => {
                if !entry.recursive && self.is_mergeable(entry.query, nullable) {
                    let with = std::mem::replace(&mut self.with, entry.with.clone());
                    let part = self.merge_cte(entry.query, alias, entry.columns.clone());
                    self.with = with;
                    return part;
                }
                self.bind_cte(entry)?;
                self.cte_reference(entry, alias, nullable)
            }
        }
    }

    /// All blocks between the owner of `slot` and the current one read it.
    fn mark_free(&mut self, slot: usize) {
        let owner = self.state.slot_owner(slot).map(|(block, _)| block);
        let level = owner.and_then(|owner| self.state.blocks.iter().position(|block| block.id == owner));
        let first = level.map_or(0, |level| level + 1);
        for block in &mut self.state.blocks[first..] {
            block.free.insert(slot);
        }
    }

    fn bind_cte(&mut self, entry: &Rc<CteEntry>) -> SqlResult<()> {
        let hidden: Vec<bool> = self.state.blocks[entry.level..].iter().map(|block| block.hidden).collect();
        for block in &mut self.state.blocks[entry.level..] {
            block.hidden = true;
        }
        let with = std::mem::replace(&mut self.with, entry.with.clone());
        let cte = self.state.ctes.len();
        self.state.ctes.push(None);
        self.state.derived_depth += 1;
        let bound = if entry.recursive { self.recursive_cte(entry, cte) } else { self.plain_cte(entry, cte) };
        self.state.derived_depth -= 1;
        self.with = with;
        for (block, hidden) in self.state.blocks[entry.level..].iter_mut().zip(hidden) {
            block.hidden = hidden;
        }
        bound
    }

    fn plain_cte(&mut self, entry: &Rc<CteEntry>, cte: usize) -> SqlResult<()> {
        let bound = self.query(entry.query)?;
        let names = column_names(entry.columns.clone(), bound.items.iter().map(|item| item.name.clone()))?;
        let types = bound.node.types.clone();
        let slots: Vec<usize> = bound.free.iter().copied().collect();
        let rows = bound.node.estimate.rows;
        self.state.ctes[cte] = Some(CtePlan {
            name: entry.name.clone(),
            types: types.clone(),
            body: CteBody::Plain(bound.node),
            slots: slots.clone(),
        });
        *entry.state.borrow_mut() = CteState::Bound { cte, names, types, rows, slots };
        Ok(())
    }

    fn recursive_cte(&mut self, entry: &Rc<CteEntry>, cte: usize) -> SqlResult<()> {
        let ast = self.ast;
        let query = ast.query(entry.query);
        let QueryBody::SetOperation { first, rest } = &query.body else {
            return Err(SqlError::new(ER_CTE_RECURSIVE_REQUIRES_UNION, &[&entry.name]));
        };
        if !query.order_by.is_empty() {
            return unsupported("ORDER BY over UNION in recursive Common Table Expression");
        }
        let first_recursive = rest.iter().position(|term| refers_to(ast, term.query, &entry.name));
        let Some(split) = first_recursive.filter(|_| !refers_to(ast, *first, &entry.name)) else {
            return Err(SqlError::new(ER_CTE_RECURSIVE_REQUIRES_NONRECURSIVE_FIRST, &[&entry.name]));
        };
        let (seeds, steps) = rest.split_at(split);
        if steps.iter().any(|term| term.op != SetOp::Union) {
            return Err(SqlError::new(ER_CTE_RECURSIVE_NOT_UNION, &[]));
        }
        let mut inner = self.with.clone();
        if let Some(with) = &query.with {
            self.with_clause(with)?;
            inner.clone_from(&self.with);
        }
        let distinct = steps.iter().any(|term| !term.all);
        let seed = self.set_operation(*first, seeds, super::query::Tail::default())?;
        let names = column_names(entry.columns.clone(), seed.items.iter().map(|item| item.name.clone()))?;
        // Types come from the seed; every column may become NULL.
        let types: Vec<SqlType> =
            seed.node.types.iter().map(|ty| aurora_expr::typing::nullable(ty.clone(), true)).collect();
        let seed_rows = seed.node.estimate.rows;
        let mut free = seed.free;
        let seed = self.as_types(seed.node, &types);
        *entry.state.borrow_mut() = CteState::Recursing { cte, names: names.clone(), types: types.clone() };
        inner.push(entry.clone());
        self.with = inner;
        let mut nodes = Vec::new();
        for SetTerm { query, .. } in steps {
            let step = self.query(*query)?;
            if step.items.len() != types.len() {
                return Err(SqlError::new(ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT, &[]));
            }
            free.extend(step.free);
            nodes.push(self.store_types(step.node, &types));
        }
        let step = match nodes.len() {
            1 => nodes.remove(0),
            _ => {
                let rows = nodes.iter().map(|n| n.estimate.rows).sum();
                let operation = crate::plan::SetOperation::Union;
                let operator = Operator::SetOperation { operation, all: true, inputs: nodes };
                self.state.node(operator, types.clone(), rows, rows)
            }
        };
        let limit = query.limit.as_ref().map(|limit| self.limit(limit)).transpose()?;
        let slots: Vec<usize> = free.iter().copied().collect();
        self.state.ctes[cte] = Some(CtePlan {
            name: entry.name.clone(),
            types: types.clone(),
            body: CteBody::Recursive { seed, step, distinct, limit },
            slots: slots.clone(),
        });
        let rows = seed_rows * 10.0;
        *entry.state.borrow_mut() = CteState::Bound { cte, names, types, rows, slots };
        Ok(())
    }

    /// As `as_types`, text cut to the seed's width included.
    fn store_types(&mut self, node: crate::plan::Node, types: &[SqlType]) -> crate::plan::Node {
        let same = node.types.iter().zip(types).all(|(own, wanted)| own.base == wanted.base);
        if same {
            return crate::plan::Node { types: types.to_vec(), ..node };
        }
        let exprs = node
            .types
            .iter()
            .zip(types)
            .enumerate()
            .map(|(at, (own, wanted))| build::coerce(build::column(at, own.clone()), wanted))
            .collect();
        let estimate = node.estimate;
        let operator = Operator::Project { input: Box::new(node), expressions: exprs };
        self.state.node(operator, types.to_vec(), estimate.rows, estimate.cost)
    }
}

/// Whether the query reads a table called `name` in some FROM clause, subqueries in FROM and in WHERE included.
fn refers_to(ast: &ast::Ast, id: QueryId, name: &str) -> bool {
    let query = ast.query(id);
    if let Some(with) = &query.with {
        if with.tables.iter().any(|table| refers_to(ast, table.query, name)) {
            return true;
        }
        if with.tables.iter().any(|table| names_equal(table.name.as_str(), name)) {
            return false;
        }
    }
    match &query.body {
        QueryBody::Select(select) => {
            select.from.iter().any(|reference| reference_names(ast, reference, name))
                || select.filter.is_some_and(|filter| expr_names(ast, filter, name))
        }
        QueryBody::Values(_) => false,
        QueryBody::Table(table) => table.schema.is_none() && table.name.as_str() == name,
        QueryBody::SetOperation { first, rest } => {
            refers_to(ast, *first, name) || rest.iter().any(|term| refers_to(ast, term.query, name))
        }
        QueryBody::Nested(inner) => refers_to(ast, *inner, name),
    }
}

fn expr_names(ast: &ast::Ast, id: ast::ExprId, name: &str) -> bool {
    crate::walk::any(ast, id, &mut |expr| match expr {
        ast::Expr::Exists(query)
        | ast::Expr::Subquery(query)
        | ast::Expr::InSubquery { query, .. }
        | ast::Expr::Quantified { query, .. } => refers_to(ast, *query, name),
        _ => false,
    })
}

fn reference_names(ast: &ast::Ast, reference: &ast::TableReference, name: &str) -> bool {
    std::iter::once(&reference.first).chain(reference.joins.iter().map(|join| &join.right)).any(|factor| {
        match factor {
            ast::TableFactor::Table(table) => table.name.schema.is_none() && table.name.name.as_str() == name,
            ast::TableFactor::Derived { query, .. } => refers_to(ast, *query, name),
            ast::TableFactor::JsonTable(_) => false,
            ast::TableFactor::Nested(id) => {
                ast.from(*id).iter().any(|reference| reference_names(ast, reference, name))
            }
        }
    })
}
