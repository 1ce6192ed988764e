//! Join order and join methods.
//!
//! A block's joins are a list of units that are put together one after the other: tables of inner joins in any order,
//! the right side of an outer join once everything that its ON condition reads is there.

use super::access::{Choice, Use, choose};
use super::hash::hash_operands;
use super::units::{
    Group, Parts, Unit, collect_needed, common_factors, flatten, is_true, leaves_of, or_to_in, semi_unit,
};
use super::{Rel, filter, remap, selectivity};
use crate::bind::from::{JoinTree, leaf_at};
use crate::bind::semi::Semi;
use crate::bind::view::conjunction;
use crate::bind::{Leaf, LeafKind, State};
use crate::context::DEFAULT_ROWS;
use crate::plan::{Access, HashKey, JoinType, KeyBound, KeyRange, Operator, Scan};
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
    let mut planner =
        Joins { state, leaves: &leaves, needed: &needed, handles: &handles, order: &order, limited };
    planner.group(group)
}

/// Rows from which it matters which side of a hash join is the table.
const SWAP_ROWS: f64 = 2000.0;

struct Joins<'j, 's, 'a> {
    state: &'s mut State<'a>,
    leaves: &'j [Leaf],
    needed: &'j BTreeSet<usize>,
    handles: &'j [usize],
    order: &'j [(usize, bool)],
    limited: bool,
}

impl Joins<'_, '_, '_> {
    fn group(&mut self, group: Group) -> SqlResult<Rel> {
        let Group { mut units, conditions, straight } = group;
        let mut open: Vec<(Expr, BTreeSet<usize>)> = conditions
            .into_iter()
            .map(|c| {
                let of = leaves_of(&c, self.leaves);
                (c, of)
            })
            .collect();
        let mut placed: BTreeSet<usize> = BTreeSet::new();
        let single = units.len() == 1;
        let mut rel: Option<Rel> = None;
        while !units.is_empty() {
            let at = self.next_unit(&units, &open, &placed, rel.as_ref(), straight);
            let unit = units.remove(at);
            let mut with = placed.clone();
            with.extend(&unit.leaves);
            rel = Some(match rel.take() {
                None => {
                    let own = take(&mut open, |of| of.is_subset(&unit.leaves) && !of.is_empty());
                    self.unit(&unit, own, single && self.leaves.len() == 1)?
                }
                Some(left) => match &unit.outer {
                    Some(on) => self.join(left, &unit, on.clone(), unit.join)?,
                    None => {
                        let on = take(&mut open, |of| of.is_subset(&with) && !of.is_disjoint(&unit.leaves));
                        self.join(left, &unit, on, JoinType::Inner)?
                    }
                },
            });
            placed = with;
            // What could not be decided before, of outer joins above all.
            let now = take(&mut open, |of| of.is_subset(&placed) && !of.is_empty());
            if let Some(condition) = conjunction(now)? {
                rel = rel.map(|current| filter(self.state, current, condition));
            }
        }
        let Some(mut rel) = rel else { return crate::bind::unsupported("an empty join") };
        let rest: Vec<Expr> = open.into_iter().map(|(c, _)| c).collect();
        if let Some(condition) = conjunction(rest)? {
            rel = filter(self.state, rel, condition);
        }
        Ok(rel)
    }

    /// The unit to be joined next.
    fn next_unit(
        &mut self,
        units: &[Unit],
        open: &[(Expr, BTreeSet<usize>)],
        placed: &BTreeSet<usize>,
        rel: Option<&Rel>,
        straight: bool,
    ) -> usize {
        let mut best = (0, f64::INFINITY);
        for (at, unit) in units.iter().enumerate() {
            if !self.is_ready(unit, units, placed, rel.is_some()) {
                continue;
            }
            if straight {
                return at;
            }
            let mut with = placed.clone();
            with.extend(&unit.leaves);
            let usable: Vec<Expr> = match &unit.outer {
                Some(on) => on.clone(),
                None => open
                    .iter()
                    .filter(|(_, of)| of.is_subset(&with) && !of.is_disjoint(&unit.leaves))
                    .map(|(c, _)| c.clone())
                    .collect(),
            };
            let connected = usable.iter().any(|c| !leaves_of(c, self.leaves).is_subset(&unit.leaves));
            let (rows, cost) = self.estimate(unit, &usable);
            let mut score = match rel {
                None => rows * 2.0 + cost,
                Some(left) => left.node.estimate.rows.max(1.0) * rows + cost,
            };
            if rel.is_some() && !connected {
                // A product comes last.
                score *= 1e6;
            }
            if score < best.1 {
                best = (at, score);
            }
        }
        best.0
    }

    /// Whether all that the unit reads of other tables is there.
    fn is_ready(&self, unit: &Unit, units: &[Unit], placed: &BTreeSet<usize>, begun: bool) -> bool {
        let mut reads: BTreeSet<usize> = BTreeSet::new();
        if let Some(on) = &unit.outer {
            if !begun {
                return false;
            }
            reads.extend(on.iter().flat_map(|c| leaves_of(c, self.leaves)));
            // An outer join without condition on the left side still comes behind what stands before it.
            let only_own = reads.is_subset(&unit.leaves);
            if only_own && units.iter().any(|other| other.outer.is_none()) {
                return false;
            }
        }
        self.lateral_reads(&unit.parts, &mut reads);
        reads.iter().all(|leaf| placed.contains(leaf) || unit.leaves.contains(leaf))
    }

    fn lateral_reads(&self, parts: &Parts, reads: &mut BTreeSet<usize>) {
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

    /// Rows and cost of one look into the unit, the conditions' other tables being at hand.
    fn estimate(&mut self, unit: &Unit, conditions: &[Expr]) -> (f64, f64) {
        match &unit.parts {
            Parts::Leaf(leaf) => match &self.leaves[*leaf].kind {
                LeafKind::Table(_) => {
                    let choice = self.choice(*leaf, conditions, &[]);
                    let rest: f64 = conditions
                        .iter()
                        .zip(&choice.covered)
                        .filter(|(_, covered)| !**covered)
                        .map(|(c, _)| selectivity(c))
                        .product();
                    ((choice.rows * rest).max(0.1), choice.cost)
                }
                LeafKind::Virtual(_) => (DEFAULT_ROWS, DEFAULT_ROWS),
                LeafKind::Derived { node, .. } => {
                    let rest: f64 = conditions.iter().map(selectivity).product();
                    ((node.estimate.rows * rest).max(0.1), node.estimate.cost)
                }
            },
            Parts::Group(_) => (DEFAULT_ROWS, DEFAULT_ROWS),
        }
    }

    fn columns_of(&self, leaf: usize) -> Vec<usize> {
        let found = &self.leaves[leaf];
        self.needed.range(found.offset..found.handle()).map(|at| at - found.offset).collect()
    }

    fn choice(&self, leaf: usize, conditions: &[Expr], order: &[(usize, bool)]) -> Choice {
        let found = &self.leaves[leaf];
        let columns = self.columns_of(leaf);
        let LeafKind::Table(table) = &found.kind else {
            return Choice {
                access: Access::Full { reverse: false },
                covered: vec![false; conditions.len()],
                rows: DEFAULT_ROWS,
                cost: DEFAULT_ROWS,
                ordered: false,
            };
        };
        let usage = Use {
            table,
            leaf: found,
            table_rows: self.state.ctx.statistics.rows(table).unwrap_or(DEFAULT_ROWS),
            conditions,
            columns: &columns,
            order,
            limited: self.limited && !order.is_empty(),
            whole_rows: self.handles.contains(&leaf) || found.lock.is_some(),
        };
        choose(&usage)
    }

    /// A unit by itself, `conditions` over its own tables (and slots) only.
    fn unit(&mut self, unit: &Unit, conditions: Vec<Expr>, is_all: bool) -> SqlResult<Rel> {
        match &unit.parts {
            Parts::Leaf(leaf) => self.leaf(*leaf, conditions, is_all),
            Parts::Group(group) => {
                let rel = self.group(group.duplicate())?;
                Ok(match conjunction(conditions)? {
                    Some(condition) => filter(self.state, rel, condition),
                    None => rel,
                })
            }
        }
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
                let choice = self.choice(at, &conditions, &order);
                let left: Vec<Expr> = conditions
                    .into_iter()
                    .zip(&choice.covered)
                    .filter(|(_, covered)| !**covered)
                    .map(|(c, _)| c)
                    .collect();
                let rows = left.iter().map(selectivity).product::<f64>() * choice.rows;
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

    /// Joins `unit` to `left`; `on` reads both.
    fn join(&mut self, left: Rel, unit: &Unit, on: Vec<Expr>, join: JoinType) -> SqlResult<Rel> {
        let mut lateral = Vec::new();
        self.lateral_slots(&unit.parts, &left, &mut lateral);
        if let Parts::Leaf(leaf) = unit.parts
            && let LeafKind::Table(_) = self.leaves[leaf].kind
            && on.iter().any(|c| !leaves_of(c, self.leaves).is_subset(&unit.leaves))
        {
            let with = self.choice(leaf, &on, &[]);
            let own: Vec<Expr> =
                on.iter().filter(|c| leaves_of(c, self.leaves).is_subset(&unit.leaves)).cloned().collect();
            let alone = self.choice(leaf, &own, &[]);
            let outer_rows = left.node.estimate.rows.max(1.0);
            let hashable = on.iter().any(|c| self.hash_key(c, &left, unit).is_some());
            let loops = outer_rows * (with.cost + 1.0);
            let hash = alone.cost + outer_rows * 0.5 + alone.rows * 0.5;
            if matches!(with.access, Access::Index(_))
                && with.cost < alone.cost
                && (!hashable || loops < hash)
            {
                return self.index_join(left, unit, on, join);
            }
        }
        let (own, both): (Vec<Expr>, Vec<Expr>) = on.into_iter().partition(|c| {
            let of = leaves_of(c, self.leaves);
            !of.is_empty() && of.is_subset(&unit.leaves)
        });
        let right = self.unit(unit, own, false)?;
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        for condition in both {
            match self.hash_key(&condition, &left, unit).filter(|_| lateral.is_empty()) {
                Some(key) => keys.push(key),
                None => rest.push(condition),
            }
        }
        // The hash table is made of the right side: the smaller one, where the two may change places.
        let (l, r) = (left.node.estimate, right.node.estimate);
        let swapped =
            join == JoinType::Inner && !keys.is_empty() && r.rows > SWAP_ROWS && r.rows > 2.0 * l.rows;
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        if swapped {
            for key in &mut keys {
                std::mem::swap(&mut key.left, &mut key.right);
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
    fn materialized(&mut self, node: crate::plan::Node) -> crate::plan::Node {
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
        let right = self.unit(unit, own, false)?;
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

    /// `left = right` over the two sides, brought to one type.
    fn hash_key(&self, condition: &Expr, left: &Rel, unit: &Unit) -> Option<HashKey> {
        let ExprKind::Compare { op, left: a, right: b, how } = &condition.kind else { return None };
        let null_safe = match op {
            CompareOp::Eq => false,
            CompareOp::NullSafeEq => true,
            _ => return None,
        };
        if crate::bind::has_subquery(a) || crate::bind::has_subquery(b) {
            return None;
        }
        let of_unit = |e: &Expr| {
            let of = leaves_of(e, self.leaves);
            !of.is_empty() && of.is_subset(&unit.leaves)
        };
        let of_left = |e: &Expr| {
            let mut columns = Vec::new();
            e.collect_columns(&mut columns);
            !columns.is_empty() && columns.iter().all(|at| left.layout.contains(at))
        };
        let (a, b) = match (of_left(a) && of_unit(b), of_left(b) && of_unit(a)) {
            (true, _) => (&**a, &**b),
            (_, true) => (&**b, &**a),
            _ => return None,
        };
        let (left, right) = hash_operands(a, b, *how)?;
        Some(HashKey { left, right, null_safe })
    }
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

fn take(open: &mut Vec<(Expr, BTreeSet<usize>)>, test: impl Fn(&BTreeSet<usize>) -> bool) -> Vec<Expr> {
    let mut taken = Vec::new();
    let mut at = 0;
    while at < open.len() {
        if test(&open[at].1) {
            taken.push(open.remove(at).0);
        } else {
            at += 1;
        }
    }
    taken
}

/// Whether the range is an equality that NULL does not meet.
pub(crate) fn is_point(range: &KeyRange) -> bool {
    let KeyBound { values, null_safe, .. } = &range.low;
    range.point && !values.is_empty() && *null_safe == 0
}
