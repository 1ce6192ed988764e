//! Join order and join methods.
//!
//! `graph.rs` puts every condition of the block into its place and tells sizes, `search.rs` finds the order, here the
//! operators are made.

use super::access::{Choice, Use, choose};
use super::estimate::Guess;
use super::graph::{Block, Looks, Numbered};
use super::hash::hash_operands;
use super::search::{Method, Search, Tree, Units};
use super::units::{
    Group, Parts, Unit, collect_needed, common_factors, flatten, is_true, leaves_of, or_to_in, semi_unit,
};
use super::{Rel, filter, remap, selectivity};
use crate::bind::from::{JoinTree, leaf_at};
use crate::bind::semi::Semi;
use crate::bind::view::conjunction;
use crate::bind::{Leaf, LeafKind, State};
use crate::context::DEFAULT_ROWS;
use crate::plan::{Access, Estimate, HashKey, JoinType, KeyBound, KeyRange, Node, Operator, Scan};
use aurora_expr::typing::{self};
use aurora_expr::{CompareOp, Expr, ExprKind, build};
use aurora_types::{BaseType, SqlResult, SqlType};
use std::collections::BTreeSet;

/// What FROM and WHERE ask for.
pub(crate) struct Request {
    pub leaves: Vec<Leaf>,
    pub tree: Option<JoinTree>,
    pub filter: Vec<Expr>,
    /// Subqueries of WHERE that are joined.
    pub semis: Vec<Semi>,
    /// Block positions that are read above.
    pub needed: BTreeSet<usize>,
    /// Leaves whose rows will be written: all columns and the handle.
    pub handles: Vec<usize>,
    /// All columns of those leaves are read.
    pub whole: bool,
    /// Order that is wished for, as block positions; descending.
    pub order: Vec<(usize, bool)>,
    pub limited: bool,
    pub straight: bool,
}

pub(crate) fn relation(state: &mut State<'_>, request: Request) -> SqlResult<Rel> {
    let Request {
        leaves,
        tree,
        filter: mut conditions,
        semis,
        mut needed,
        handles,
        whole,
        order,
        limited,
        straight,
    } = request;
    for condition in &mut conditions {
        state.fold(condition);
        build::check_folded_dates(condition)?;
        or_to_in(condition);
    }
    let mut factors = Vec::with_capacity(conditions.len());
    for condition in conditions.into_iter().flat_map(crate::bind::from::conjuncts) {
        factors.append(&mut common_factors(condition)?);
    }
    factors.retain(|c| !is_true(c));
    let conditions = factors;
    let Some(tree) = tree else {
        let node = state.node(Operator::Values(vec![Vec::new()]), Vec::new(), 1.0, 0.0);
        let rel = Rel { node, layout: Vec::new(), ordered: false };
        return Ok(match conjunction(conditions)? {
            Some(condition) => filter(state, rel, condition),
            None => rel,
        });
    };
    let mut group = Group { straight, ..Group::default() };
    flatten(tree, &conditions, &leaves, &mut group);
    let outer = group.units.iter_mut().filter_map(|unit| unit.outer.as_mut()).flatten();
    for condition in group.conditions.iter_mut().chain(outer) {
        state.fold(condition);
    }
    group.conditions.retain(|c| !is_true(c));
    group.conditions.extend(conditions);
    for semi in semis {
        group.units.push(semi_unit(semi, &leaves));
    }
    collect_needed(&group, &mut needed);
    // What LATERAL tables read of those before them.
    for leaf in &leaves {
        if let LeafKind::Derived { outer, .. } = &leaf.kind {
            needed.extend(outer.iter().map(|(_, at)| *at));
        }
    }
    for leaf in handles.iter().filter(|_| whole) {
        let leaf = &leaves[*leaf];
        needed.extend(leaf.offset..=leaf.handle());
    }
    let mut planner = Joins {
        state,
        leaves: &leaves,
        needed: &needed,
        handles: &handles,
        order: &order,
        limited,
        careful: false,
    };
    planner.group(group)
}

/// Cost from which it pays to look at some rows of the tables before the order is chosen.
const CAREFUL_COST: f64 = 3000.0;

pub(super) struct Joins<'j, 's, 'a> {
    pub state: &'s mut State<'a>,
    pub leaves: &'j [Leaf],
    needed: &'j BTreeSet<usize>,
    pub handles: &'j [usize],
    order: &'j [(usize, bool)],
    limited: bool,
    /// The plan will take long: samples are looked at.
    pub careful: bool,
}

impl Joins<'_, '_, '_> {
    pub(super) fn group(&mut self, group: Group) -> SqlResult<Rel> {
        let straight = group.straight;
        let mut block = self.block(group)?;
        let is_all = block.units.len() == 1 && self.leaves.len() == 1;
        let (mut tree, mut rows) = self.tree(&block, straight)?;
        if !self.careful && tree.0 > CAREFUL_COST {
            self.careful = true;
            (tree, rows) = self.tree(&block, straight)?;
        }
        let (mut rel, _) = self.build(&mut block, tree.1, &rows, is_all)?;
        if let Some(condition) = conjunction(std::mem::take(&mut block.rest))? {
            rel = filter(self.state, rel, condition);
        }
        Ok(rel)
    }

    /// The order with its cost, and the rows of every unit.
    fn tree(&self, block: &Block, straight: bool) -> SqlResult<((f64, Tree), Vec<f64>)> {
        let graph = self.graph(block);
        let rows = graph.vertices.iter().map(|vertex| vertex.rows).collect();
        let alone = graph.vertices.iter().map(|vertex| vertex.cost).collect();
        let looks = Looks { joins: self, block, alone, known: Vec::new() };
        let mut search = Search::new(&graph, looks);
        let tree = match graph.vertices.as_slice() {
            [_] => Some(Tree::Unit(0)),
            _ if straight => search.in_order(),
            _ => search.best(),
        };
        let Some(tree) = tree else { return crate::bind::unsupported("this order of joins") };
        let cost = match &tree {
            Tree::Join { cost, .. } => *cost,
            Tree::Unit(unit) => graph.vertices[*unit].cost,
        };
        Ok(((cost, tree), rows))
    }

    /// The operators of a tree, and the units below them.
    fn build(
        &mut self,
        block: &mut Block,
        tree: Tree,
        sizes: &[f64],
        is_all: bool,
    ) -> SqlResult<(Rel, Units)> {
        let (left, right, method, rows, cost) = match tree {
            Tree::Unit(at) => {
                let own = exprs(std::mem::take(&mut block.own[at]));
                let built = block.built[at].take();
                let mut rel = self.unit(&block.units[at], built, own, is_all)?;
                rel.node.estimate.rows = sizes[at];
                return Ok((rel, 1 << at));
            }
            Tree::Join { left, right, method, rows, cost } => (left, right, method, rows, cost),
        };
        let (left, l) = self.build(block, *left, sizes, false)?;
        let mut rel = match *right {
            Tree::Unit(at) => self.put(block, left, l, at, method, sizes)?,
            tree => {
                let (right, r) = self.build(block, tree, sizes, false)?;
                let on = exprs(block.between(l, r)?);
                let rel = self.join(left, right, on, JoinType::Inner, Vec::new())?;
                (rel, l | r, Vec::new())
            }
        };
        rel.0.node.estimate = Estimate { rows, cost };
        // What could not be decided before outer joins.
        if let Some(condition) = conjunction(rel.2)? {
            rel.0 = filter(self.state, rel.0, condition);
        }
        Ok((rel.0, rel.1))
    }

    /// One unit joined to what there is; with the conditions that come behind it.
    fn put(
        &mut self,
        block: &mut Block,
        left: Rel,
        l: Units,
        at: usize,
        method: Method,
        sizes: &[f64],
    ) -> SqlResult<(Rel, Units, Vec<Expr>)> {
        let (r, join) = (1 << at, block.units[at].join);
        let set = l | r;
        let mut lateral = Vec::new();
        self.lateral_slots(&block.units[at].parts, &left, &mut lateral);
        let (own, both, behind): (Vec<Expr>, Vec<Expr>, Vec<Expr>) = match block.units[at].outer.clone() {
            Some(on) => {
                let behind = block.shared.iter().filter(|s| s.units & r != 0 && s.units & !set == 0);
                let behind = behind.map(|shared| shared.expr.clone()).collect();
                if method == Method::Lookup {
                    (on, Vec::new(), behind)
                } else {
                    let (own, both) = on.into_iter().partition(|c| {
                        let of = leaves_of(c, self.leaves);
                        !of.is_empty() && of.is_subset(&block.units[at].leaves)
                    });
                    (own, both, behind)
                }
            }
            None => {
                let mut own = std::mem::take(&mut block.own[at]);
                let mut both = block.between(l, r)?;
                if method == Method::Lookup {
                    own.append(&mut both);
                    own.sort_by_key(|(number, _)| *number);
                }
                (exprs(own), exprs(both), Vec::new())
            }
        };
        let rel = if method == Method::Lookup {
            self.index_join(left, &block.units[at], own, join)?
        } else {
            let built = block.built[at].take();
            let mut right = self.unit(&block.units[at], built, own, false)?;
            right.node.estimate.rows = sizes[at];
            self.join(left, right, both, join, lateral)?
        };
        Ok((rel, set, behind))
    }

    pub(super) fn lateral_reads(&self, parts: &Parts, reads: &mut BTreeSet<usize>) {
        match parts {
            Parts::Leaf(leaf) => {
                if let LeafKind::Derived { outer, .. } = &self.leaves[*leaf].kind {
                    reads.extend(outer.iter().filter_map(|(_, at)| leaf_at(self.leaves, *at)));
                }
            }
            Parts::Group(group) => {
                for unit in &group.units {
                    self.lateral_reads(&unit.parts, reads);
                }
            }
        }
    }

    fn columns_of(&self, leaf: usize) -> Vec<usize> {
        let found = &self.leaves[leaf];
        self.needed.range(found.offset..found.handle()).map(|at| at - found.offset).collect()
    }

    pub(super) fn choice(&self, leaf: usize, conditions: &[&Expr], order: &[(usize, bool)]) -> Choice {
        let found = &self.leaves[leaf];
        let columns = self.columns_of(leaf);
        let LeafKind::Table(table) = &found.kind else {
            return Choice {
                access: Access::Full { reverse: false },
                covered: vec![false; conditions.len()],
                counted: vec![false; conditions.len()],
                rows: DEFAULT_ROWS,
                cost: DEFAULT_ROWS,
                ordered: false,
            };
        };
        let known = Guess { state: self.state, leaf: found, careful: self.careful };
        let usage = Use {
            table,
            leaf: found,
            table_rows: known.table_rows(),
            conditions,
            columns: &columns,
            order,
            limited: self.limited && !order.is_empty(),
            whole_rows: self.handles.contains(&leaf) || found.lock.is_some(),
            known: &known,
        };
        choose(&usage)
    }

    /// A unit by itself, `conditions` over its own tables (and slots) only.
    fn unit(
        &mut self,
        unit: &Unit,
        built: Option<Rel>,
        conditions: Vec<Expr>,
        is_all: bool,
    ) -> SqlResult<Rel> {
        let rel = match (&unit.parts, built) {
            (Parts::Leaf(leaf), _) => return self.leaf(*leaf, conditions, is_all),
            (_, Some(rel)) => rel,
            (Parts::Group(group), None) => self.group(group.duplicate())?,
        };
        Ok(match conjunction(conditions)? {
            Some(condition) => filter(self.state, rel, condition),
            None => rel,
        })
    }

    fn leaf(&mut self, at: usize, conditions: Vec<Expr>, is_all: bool) -> SqlResult<Rel> {
        let leaf = &self.leaves[at];
        let columns = self.columns_of(at);
        match &leaf.kind {
            LeafKind::Table(table) => {
                let mut order = Vec::new();
                if is_all && self.order.iter().all(|(at, _)| leaf.contains(*at)) {
                    order.extend(self.order.iter().map(|(at, desc)| (at - leaf.offset, *desc)));
                }
                let choice = self.choice(at, &conditions.iter().collect::<Vec<_>>(), &order);
                let uncounted = conditions.iter().zip(&choice.counted).filter(|(_, counted)| !**counted);
                let rows = uncounted.map(|(c, _)| selectivity(c)).product::<f64>() * choice.rows;
                let left: Vec<Expr> = conditions
                    .into_iter()
                    .zip(&choice.covered)
                    .filter(|(_, covered)| !**covered)
                    .map(|(c, _)| c)
                    .collect();
                let row_handle = self.handles.contains(&at);
                let mut types: Vec<SqlType> = columns.iter().map(|c| leaf.types[*c].clone()).collect();
                let mut layout: Vec<usize> = columns.iter().map(|c| leaf.offset + c).collect();
                if row_handle {
                    types.push(handle_type());
                    layout.push(leaf.handle());
                }
                let filter = conjunction(left)?.map(|condition| remap(condition, &layout));
                let scan = Scan {
                    table: table.clone(),
                    alias: leaf.alias.clone(),
                    columns,
                    row_handle,
                    access: choice.access,
                    filter,
                    lock: leaf.lock,
                };
                let node = self.state.node(Operator::Scan(scan), types, rows.max(0.1), choice.cost);
                Ok(Rel { node, layout, ordered: choice.ordered && !order.is_empty() })
            }
            LeafKind::Virtual(table) => {
                let types = columns.iter().map(|c| leaf.types[*c].clone()).collect();
                let layout: Vec<usize> = columns.iter().map(|c| leaf.offset + c).collect();
                let filter = conjunction(conditions)?.map(|condition| remap(condition, &layout));
                let operator = Operator::VirtualScan {
                    table: table.clone(),
                    alias: leaf.alias.clone(),
                    columns,
                    filter,
                };
                let node = self.state.node(operator, types, DEFAULT_ROWS, DEFAULT_ROWS);
                Ok(Rel { node, layout, ordered: false })
            }
            LeafKind::Derived { node, .. } => {
                let layout = (0..leaf.types.len()).map(|c| leaf.offset + c).collect();
                let rel = Rel { node: (**node).clone(), layout, ordered: false };
                Ok(match conjunction(conditions)? {
                    Some(condition) => filter(self.state, rel, condition),
                    None => rel,
                })
            }
        }
    }

    /// Joins `right` to `left`; `on` reads both.
    fn join(
        &mut self,
        left: Rel,
        right: Rel,
        on: Vec<Expr>,
        join: JoinType,
        lateral: Vec<(usize, usize)>,
    ) -> SqlResult<Rel> {
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        for condition in on {
            match hash_key(&condition, &left, &right).filter(|_| lateral.is_empty()) {
                Some(key) => keys.push(key),
                None => rest.push(condition),
            }
        }
        let mut layout = left.layout.clone();
        layout.extend_from_slice(&right.layout);
        let types = joined_types(&left, &right, join);
        let one_sided = matches!(join, JoinType::Semi | JoinType::Anti);
        let rest_selectivity: f64 = rest.iter().map(selectivity).product();
        let condition = conjunction(rest)?.map(|c| remap(c, &layout));
        let (l, r) = (left.node.estimate, right.node.estimate);
        let matches =
            if keys.is_empty() { l.rows * r.rows } else { l.rows * r.rows / l.rows.max(r.rows).max(1.0) };
        let mut rows = (matches * rest_selectivity).max(0.1);
        if join == JoinType::Left {
            rows = rows.max(l.rows);
        }
        if one_sided {
            rows = (l.rows / 2.0).max(0.1);
            layout.truncate(left.layout.len());
        }
        let node = if keys.is_empty() {
            let mut right = right;
            if one_sided && condition.is_none() && lateral.is_empty() {
                // One row answers for all.
                let types = right.node.types.clone();
                let count = build::literal(aurora_types::Value::Int(1), &self.state.ctx.build);
                let cost = right.node.estimate.cost;
                let input = Box::new(right.node);
                let operator = Operator::Limit { input, count: Some(count), offset: None };
                right.node = self.state.node(operator, types, 1.0, cost);
            }
            let right_node = if lateral.is_empty() { self.materialized(right.node) } else { right.node };
            let cost = l.cost + r.cost + l.rows * r.rows * 0.1;
            let operator = Operator::NestedLoop {
                join,
                left: Box::new(left.node),
                right: Box::new(right_node),
                slots: lateral,
                condition,
            };
            self.state.node(operator, types, rows, cost)
        } else {
            let keys = keys
                .into_iter()
                .map(|key| HashKey {
                    left: remap(key.left, &left.layout),
                    right: remap(key.right, &right.layout),
                    null_safe: key.null_safe,
                })
                .collect();
            let cost = l.cost + r.cost + l.rows * 0.5 + r.rows * 0.5;
            let operator = Operator::HashJoin {
                join,
                left: Box::new(left.node),
                right: Box::new(right.node),
                keys,
                condition,
                null_aware: false,
            };
            self.state.node(operator, types, rows, cost)
        };
        Ok(Rel { node, layout, ordered: false })
    }

    /// Rows that are read again and again are kept.
    fn materialized(&mut self, node: Node) -> Node {
        let (types, estimate) = (node.types.clone(), node.estimate);
        let operator = Operator::Materialize { input: Box::new(node) };
        self.state.node(operator, types, estimate.rows, estimate.cost)
    }

    fn lateral_slots(&self, parts: &Parts, left: &Rel, out: &mut Vec<(usize, usize)>) {
        match parts {
            Parts::Leaf(leaf) => {
                if let LeafKind::Derived { outer, .. } = &self.leaves[*leaf].kind {
                    for (slot, position) in outer {
                        if let Some(at) = left.layout.iter().position(|known| known == position) {
                            out.push((*slot, at));
                        }
                    }
                }
            }
            Parts::Group(group) => {
                for unit in &group.units {
                    self.lateral_slots(&unit.parts, left, out);
                }
            }
        }
    }

    /// A loop over the left rows that looks each up in the right table's index.
    fn index_join(&mut self, left: Rel, unit: &Unit, on: Vec<Expr>, join: JoinType) -> SqlResult<Rel> {
        let mut slots: Vec<(usize, usize)> = Vec::new();
        let mut own = Vec::with_capacity(on.len());
        let mut positions: Vec<(usize, usize)> = Vec::new();
        for mut condition in on {
            let (state, leaves) = (&mut *self.state, self.leaves);
            condition.rewrite(&mut |e| {
                let ExprKind::Column(position) = e.kind else { return };
                if leaf_at(leaves, position).is_none_or(|leaf| unit.leaves.contains(&leaf)) {
                    return;
                }
                let known = positions.iter().find(|(at, _)| *at == position).map(|(_, slot)| *slot);
                let slot = match (known, left.layout.iter().position(|at| *at == position)) {
                    (Some(slot), _) => slot,
                    (None, Some(column)) => {
                        let slot = state.new_slot(e.ty.clone());
                        positions.push((position, slot));
                        slots.push((slot, column));
                        slot
                    }
                    (None, None) => return,
                };
                *e = build::slot(slot, e.ty.clone());
            });
            own.push(condition);
        }
        let right = self.unit(unit, None, own, false)?;
        let mut layout = left.layout.clone();
        if matches!(join, JoinType::Inner | JoinType::Left) {
            layout.extend_from_slice(&right.layout);
        }
        let types = joined_types(&left, &right, join);
        let (l, r) = (left.node.estimate, right.node.estimate);
        let mut rows = (l.rows * r.rows).max(0.1);
        if join == JoinType::Left {
            rows = rows.max(l.rows);
        }
        if matches!(join, JoinType::Semi | JoinType::Anti) {
            rows = (l.rows / 2.0).max(0.1);
        }
        let cost = l.cost + l.rows * (r.cost + 1.0);
        let operator = Operator::NestedLoop {
            join,
            left: Box::new(left.node),
            right: Box::new(right.node),
            slots,
            condition: None,
        };
        let node = self.state.node(operator, types, rows, cost);
        Ok(Rel { node, layout, ordered: false })
    }
}

/// `left = right` over the two sides, brought to one type.
fn hash_key(condition: &Expr, left: &Rel, right: &Rel) -> Option<HashKey> {
    let ExprKind::Compare { op, left: a, right: b, how } = &condition.kind else { return None };
    let null_safe = match op {
        CompareOp::Eq => false,
        CompareOp::NullSafeEq => true,
        _ => return None,
    };
    if crate::bind::has_subquery(a) || crate::bind::has_subquery(b) {
        return None;
    }
    let of = |e: &Expr, side: &Rel| {
        let mut columns = Vec::new();
        e.collect_columns(&mut columns);
        !columns.is_empty() && columns.iter().all(|at| side.layout.contains(at))
    };
    let (a, b) = match (of(a, left) && of(b, right), of(b, left) && of(a, right)) {
        (true, _) => (&**a, &**b),
        (_, true) => (&**b, &**a),
        _ => return None,
    };
    let (left, right) = hash_operands(a, b, *how)?;
    Some(HashKey { left, right, null_safe })
}

fn exprs(numbered: Vec<Numbered>) -> Vec<Expr> {
    numbered.into_iter().map(|(_, expr)| expr).collect()
}

fn joined_types(left: &Rel, right: &Rel, join: JoinType) -> Vec<SqlType> {
    let mut types = left.node.types.clone();
    if matches!(join, JoinType::Semi | JoinType::Anti) {
        return types;
    }
    types.extend(right.node.types.iter().map(|ty| {
        let nullable = ty.nullable || join == JoinType::Left;
        typing::nullable(ty.clone(), nullable)
    }));
    types
}

/// The type of a row handle.
pub(crate) fn handle_type() -> SqlType {
    SqlType::new(BaseType::VarChar, 3072)
}

/// Whether the range is an equality that NULL does not meet.
pub(crate) fn is_point(range: &KeyRange) -> bool {
    let KeyBound { values, null_safe, .. } = &range.low;
    range.is_point() && !values.is_empty() && *null_safe == 0
}
