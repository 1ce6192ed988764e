//! A block's units and conditions as a graph for the search of an order.

use super::estimate::Guess;
use super::hash::hash_operands;
use super::join::Joins;
use super::search::{Correction, Edge, EqualColumns, Graph, Lookups, Units, Vertex};
use super::units::{Group, Parts, Unit, implied, is_unique_match, leaves_of};
use super::{Rel, selectivity};
use crate::bind::from::leaf_at;
use crate::bind::{LeafKind, has_subquery, unsupported};
use crate::plan::{Access, JoinType};
use aurora_expr::typing::{self, Domain};
use aurora_expr::{CompareOp, Expr, ExprKind, build};
use aurora_types::{BaseType, SqlResult};

/// How much dearer rows are that get locked: as dear as a look into an index, which locks what it finds only.
const LOCKING: f64 = 20.0;

/// A row that a look into a secondary index fetches, besides what every way to read a table counts: the same as a look by
/// the primary key.
const FETCHED: f64 = 9.0;

/// A condition with its place in the text, which it keeps among others.
pub(super) type Numbered = (usize, Expr);

/// A condition on several units, or on the right side of an outer join.
pub(super) struct Shared {
    pub number: usize,
    pub expr: Expr,
    pub units: Units,
    /// Something of it is asked for already where the tables are read.
    implied: bool,
}

/// Columns that equalities make equal.
pub(super) struct Class {
    /// Unit, position, the column, and an equality with another unit's that stands for all such.
    members: Vec<(usize, usize, Expr, Expr)>,
    /// The equalities that were written, by position.
    written: Vec<(usize, usize, Numbered)>,
    pub units: Units,
    number: usize,
    /// They all equal one constant, and the tables are asked for it.
    fixed: bool,
}

/// A group made ready: every condition in its place.
pub(super) struct Block {
    pub units: Vec<Unit>,
    /// Built already: groups inside.
    pub built: Vec<Option<Rel>>,
    pub own: Vec<Vec<Numbered>>,
    pub shared: Vec<Shared>,
    pub classes: Vec<Class>,
    /// What waits for all.
    pub rest: Vec<Expr>,
}

impl Joins<'_, '_, '_> {
    /// Puts every condition of the group into its place.
    pub(super) fn block(&mut self, group: Group) -> SqlResult<Block> {
        let Group { mut units, mut conditions, .. } = group;
        if units.len() > 63 {
            return unsupported("a join of more than 63 tables");
        }
        for unit in &mut units {
            if unit.join == JoinType::Semi
                && let Parts::Leaf(leaf) = unit.parts
                && unit.outer.as_ref().is_some_and(|on| is_unique_match(&self.leaves[leaf], on))
            {
                // One match at most: as good as an inner join, which may begin with it.
                conditions.extend(unit.outer.take().into_iter().flatten());
                unit.join = JoinType::Inner;
            }
        }
        let mut block = Block {
            built: units.iter().map(|_| None).collect(),
            own: units.iter().map(|_| Vec::new()).collect(),
            units,
            shared: Vec::new(),
            classes: Vec::new(),
            rest: Vec::new(),
        };
        let mut equal: Vec<(usize, usize, Numbered)> = Vec::new();
        for (number, expr) in conditions.into_iter().enumerate() {
            match self.units_of(&block.units, &expr) {
                None | Some(0) => block.rest.push(expr),
                Some(units) => self.place(&mut block, &mut equal, number, expr, units),
            }
        }
        self.classes(&mut block, equal)?;
        for at in 0..block.units.len() {
            if let Parts::Group(inner) = &block.units[at].parts {
                let rel = self.group(inner.duplicate())?;
                block.built[at] = Some(rel);
            }
        }
        Ok(block)
    }

    fn place(
        &self,
        block: &mut Block,
        equal: &mut Vec<(usize, usize, Numbered)>,
        number: usize,
        expr: Expr,
        units: Units,
    ) {
        let first = units.trailing_zeros() as usize;
        if units.count_ones() == 1 && block.units[first].outer.is_none() {
            block.own[first].push((number, expr));
            return;
        }
        let inner = (0..block.units.len()).filter(|at| units & 1 << at != 0);
        let all_inner = inner.clone().all(|at| block.units[at].outer.is_none());
        if all_inner && let Some((a, b)) = equal_columns(&expr) {
            equal.push((a, b, (number, expr)));
            return;
        }
        let mut found = false;
        for (leaf, own) in implied(&expr, self.leaves) {
            let unit = block.units.iter().position(|unit| unit.leaves.contains(&leaf));
            if let Some(unit) = unit.filter(|at| {
                block.units[*at].outer.is_none() && matches!(block.units[*at].parts, Parts::Leaf(_))
            }) {
                block.own[unit].push((number, own));
                found = true;
            }
        }
        block.shared.push(Shared { number, expr, units, implied: found });
    }

    /// Joins what equalities connect.
    fn classes(&self, block: &mut Block, mut equal: Vec<(usize, usize, Numbered)>) -> SqlResult<()> {
        while let Some((a, b, first)) = (!equal.is_empty()).then(|| equal.remove(0)) {
            let mut positions = vec![a, b];
            let mut written = vec![(a, b, first)];
            while let Some(at) =
                equal.iter().position(|(a, b, _)| positions.contains(a) || positions.contains(b))
            {
                let (a, b, next) = equal.remove(at);
                for position in [a, b] {
                    if !positions.contains(&position) {
                        positions.push(position);
                    }
                }
                written.push((a, b, next));
            }
            let number = written.iter().map(|(.., (number, _))| *number).min().unwrap_or(0);
            let column = |position: usize| {
                written.iter().find_map(|(.., (_, expr))| match &expr.kind {
                    ExprKind::Compare { left, right, .. } => [left, right]
                        .into_iter()
                        .find(|side| matches!(side.kind, ExprKind::Column(at) if at == position))
                        .map(|side| (**side).clone()),
                    _ => None,
                })
            };
            let mut units: Units = 0;
            let mut members: Vec<(usize, usize, Expr, Expr)> = Vec::new();
            for position in positions {
                let leaf = leaf_at(self.leaves, position);
                let unit = block.units.iter().position(|u| leaf.is_some_and(|leaf| u.leaves.contains(&leaf)));
                let (Some(unit), Some(column)) = (unit, column(position)) else { continue };
                if units & 1 << unit != 0
                    && let Some((.., other, _)) = members.iter().find(|(of, ..)| *of == unit)
                {
                    // Two of one table.
                    let both = build::comparison(CompareOp::Eq, other.clone(), column.clone())?;
                    block.own[unit].push((number, both));
                }
                units |= 1 << unit;
                members.push((unit, position, column.clone(), column));
            }
            for at in 0..members.len() {
                let unit = members[at].0;
                if let Some(other) = members.iter().find(|(of, ..)| *of != unit).map(|other| other.2.clone())
                {
                    members[at].3 = build::comparison(CompareOp::Eq, members[at].2.clone(), other)?;
                }
            }
            let fixed = self.spread_constant(block, &members)?;
            block.classes.push(Class { members, written, units, number, fixed });
        }
        Ok(())
    }

    /// Where one of the columns, which are all equal, has to equal a constant, every other one has to, too: their tables
    /// can look for it before they are joined. Not where a single row has the constant: it leads to the others by itself.
    /// Whether there is such a constant, and all of them are asked.
    fn spread_constant(&self, block: &mut Block, members: &[(usize, usize, Expr, Expr)]) -> SqlResult<bool> {
        let of_member = |expr: &Expr, unit: usize| {
            let ExprKind::Compare { op: CompareOp::Eq, left, right, how } = &expr.kind else { return None };
            let (column, value) =
                if right.is_constant_for_execution() { (left, right) } else { (right, left) };
            let ExprKind::Column(at) = column.kind else { return None };
            let fits = members.iter().any(|member| member.0 == unit && member.1 == at)
                && value.is_constant_for_execution()
                && !has_subquery(value)
                && *how == typing::own_comparison(&column.ty);
            fits.then(|| (at, (**value).clone()))
        };
        let found = block.own.iter().enumerate().find_map(|(unit, own)| {
            own.iter().find_map(|(number, expr)| {
                of_member(expr, unit).map(|(at, value)| (unit, *number, at, value))
            })
        });
        let Some((unit, number, first, value)) = found else { return Ok(false) };
        let own: Vec<Expr> = block.own[unit].iter().map(|(_, expr)| expr.clone()).collect();
        if matches!(block.units[unit].parts, Parts::Leaf(leaf) if is_unique_match(&self.leaves[leaf], &own)) {
            return Ok(false);
        }
        let mut all = true;
        for (unit, position, column, _) in members {
            let is_asked = block.own[*unit]
                .iter()
                .any(|(_, expr)| of_member(expr, *unit).is_some_and(|(at, _)| at == *position));
            if *position == first || is_asked {
                continue;
            }
            let same = build::comparison(CompareOp::Eq, column.clone(), value.clone())?;
            let as_written = matches!(&same.kind, ExprKind::Compare { how, .. } if *how == typing::own_comparison(&column.ty));
            if as_written && matches!(block.units[*unit].parts, Parts::Leaf(_)) {
                block.own[*unit].push((number, same));
            } else {
                all = false;
            }
        }
        Ok(all)
    }

    /// The units that the expression reads; `None` when it reads others too.
    pub(super) fn units_of(&self, units: &[Unit], expr: &Expr) -> Option<Units> {
        leaves_of(expr, self.leaves).iter().try_fold(0, |all, leaf| {
            units.iter().position(|unit| unit.leaves.contains(leaf)).map(|at| all | 1 << at)
        })
    }

    /// Sizes and selectivities.
    pub(super) fn graph(&self, block: &Block) -> Graph {
        let units = &block.units;
        let vertices = (0..units.len()).map(|at| self.vertex(block, at)).collect();
        let edges = block.shared.iter().map(|shared| self.edge(block, shared)).collect();
        let classes = block
            .classes
            .iter()
            .map(|class| EqualColumns {
                units: class.units,
                distinct: class
                    .members
                    .iter()
                    .enumerate()
                    // Of one table, only one: the others equal it by a condition of its own.
                    .filter(|(at, member)| !class.members[..*at].iter().any(|known| known.0 == member.0))
                    // Where each table is asked for the constant already, the equality says no more.
                    .map(|(_, member)| (member.0, if class.fixed { 1.0 } else { self.distinct(member.1) }))
                    .collect(),
            })
            .collect();
        let corrections = (0..units.len()).filter_map(|at| self.correction(block, at)).collect();
        Graph { vertices, edges, classes, corrections }
    }

    fn guess(&self, leaf: usize) -> Guess<'_, '_> {
        Guess { state: self.state, leaf: &self.leaves[leaf], careful: self.careful }
    }

    /// Distinct values of the column at a block position.
    fn distinct(&self, position: usize) -> f64 {
        let Some(leaf) = leaf_at(self.leaves, position) else { return 1.0 };
        self.guess(leaf).column_distinct(position - self.leaves[leaf].offset).max(1.0)
    }

    /// Rows that pass conditions on a leaf alone, and the cost of reading them.
    pub(super) fn alone(&self, leaf: usize, own: &[&Expr]) -> (f64, f64) {
        let guess = self.guess(leaf);
        match &self.leaves[leaf].kind {
            LeafKind::Table(_) => {
                let choice = self.choice(leaf, own, &[]);
                let rest: Vec<&Expr> = own
                    .iter()
                    .zip(&choice.counted)
                    .filter(|(_, counted)| !**counted)
                    .map(|(c, _)| *c)
                    .collect();
                let rows = if self.careful {
                    (guess.table_rows() * guess.selectivity(own)).min(choice.rows)
                } else {
                    choice.rows * guess.selectivity(&rest)
                };
                // Rows that are read are locked: better few.
                let locked = self.leaves[leaf].lock.is_some() || self.handles.contains(&leaf);
                (rows.max(0.1), choice.cost * if locked { LOCKING } else { 1.0 })
            }
            LeafKind::Virtual(_) => (guess.table_rows(), guess.table_rows()),
            LeafKind::Derived { node, .. } => {
                let rest: f64 = own.iter().map(|condition| selectivity(condition)).product();
                ((node.estimate.rows * rest).max(0.1), node.estimate.cost)
            }
        }
    }

    fn vertex(&self, block: &Block, at: usize) -> Vertex {
        let unit = &block.units[at];
        let mut own: Vec<&Expr> = block.own[at].iter().map(|(_, expr)| expr).collect();
        let on = unit.outer.as_deref().unwrap_or_default();
        let alone = |condition: &&Expr| {
            let of = leaves_of(condition, self.leaves);
            !of.is_empty() && of.is_subset(&unit.leaves)
        };
        own.extend(on.iter().filter(alone));
        let (rows, cost) = match (&unit.parts, &block.built[at]) {
            (Parts::Leaf(leaf), _) => self.alone(*leaf, &own),
            (_, Some(rel)) => {
                let rest: f64 = own.iter().map(|condition| selectivity(condition)).product();
                ((rel.node.estimate.rows * rest).max(0.1), rel.node.estimate.cost)
            }
            _ => (crate::DEFAULT_ROWS, crate::DEFAULT_ROWS),
        };
        let mut reads = std::collections::BTreeSet::new();
        self.lateral_reads(&unit.parts, &mut reads);
        let mut needs: Units = 0;
        for leaf in reads {
            let of = block.units.iter().position(|unit| unit.leaves.contains(&leaf));
            needs |= of.filter(|of| *of != at).map_or(0, |of| 1 << of);
        }
        let lateral = needs != 0;
        let (mut factor, mut hashable) = (1.0, false);
        if unit.outer.is_some() {
            let of_on = on.iter().filter_map(|c| self.units_of(&block.units, c)).fold(0, |all, of| all | of);
            needs |= of_on & !(1 << at);
            if of_on & !(1 << at) == 0 {
                // Without a condition on the left side it comes behind all that may begin.
                let inner = block.units.iter().enumerate().filter(|(_, other)| other.outer.is_none());
                needs |= inner.fold(0, |all, (at, _)| all | 1 << at);
            }
            (factor, hashable) = self.outer_factor(block, at, on, rows);
        }
        Vertex { rows, cost, join: unit.join, needs, lateral, factor, hashable }
    }

    /// How an outer, semi or anti join changes the number of left rows; whether it has a key to hash by.
    fn outer_factor(&self, block: &Block, at: usize, on: &[Expr], rows: f64) -> (f64, bool) {
        let mut matches = rows;
        let mut hashable = false;
        let mut least = f64::INFINITY;
        for condition in on {
            let Some(of) = self.units_of(&block.units, condition) else { continue };
            if of == 1 << at {
                continue;
            }
            match self.sides(block, condition) {
                Some((a, b)) if (a == 1 << at && b & 1 << at == 0) || (b == 1 << at && a & 1 << at == 0) => {
                    hashable = true;
                    let distinct = self.key_distinct(condition);
                    matches /= distinct;
                    least = least.min(rows / distinct);
                }
                _ => matches *= selectivity(condition),
            }
        }
        let factor = match block.units[at].join {
            JoinType::Semi | JoinType::Anti if !hashable => 0.5,
            JoinType::Semi => matches.clamp(0.01, 0.9),
            JoinType::Anti => (1.0 - matches).clamp(0.1, 0.99),
            _ => matches.max(1.0),
        };
        (factor, hashable)
    }

    /// The units on either side of an equality that can be hashed by.
    fn sides(&self, block: &Block, condition: &Expr) -> Option<(Units, Units)> {
        let ExprKind::Compare { op: CompareOp::Eq | CompareOp::NullSafeEq, left, right, how } =
            &condition.kind
        else {
            return None;
        };
        if has_subquery(left) || has_subquery(right) {
            return None;
        }
        hash_operands(left, right, *how)?;
        let (a, b) = (self.units_of(&block.units, left)?, self.units_of(&block.units, right)?);
        (a != 0 && b != 0).then_some((a, b))
    }

    /// Distinct values of the side that has more.
    fn key_distinct(&self, condition: &Expr) -> f64 {
        let ExprKind::Compare { left, right, .. } = &condition.kind else { return 10.0 };
        let side = |e: &Expr| match e.kind {
            ExprKind::Column(at) => self.distinct(at),
            _ => {
                let of = leaves_of(e, self.leaves);
                of.into_iter().map(|leaf| self.guess(leaf).table_rows() * 0.5).fold(1.0, f64::max)
            }
        };
        side(left).max(side(right)).max(1.0)
    }

    fn edge(&self, block: &Block, shared: &Shared) -> Edge {
        let sides = self.sides(block, &shared.expr);
        let selectivity = match sides {
            Some(_) => 1.0 / self.key_distinct(&shared.expr),
            None if shared.implied => 0.5,
            None => selectivity(&shared.expr),
        };
        let mut cost = 0.0;
        shared.expr.walk(&mut |e| {
            if let ExprKind::Subquery(call) = &e.kind
                && !call.args.is_empty()
                && let Some(plan) = self.state.subplans.get(call.plan)
            {
                cost += plan.root.estimate.cost;
            }
        });
        Edge { units: shared.units, selectivity, sides, cost }
    }

    /// An index of several columns that other units give all of: its keys say how many rows match.
    fn correction(&self, block: &Block, at: usize) -> Option<Correction> {
        let Parts::Leaf(leaf) = block.units[at].parts else { return None };
        let LeafKind::Table(table) = &self.leaves[leaf].kind else { return None };
        let mut best: Option<Correction> = None;
        for index in table.indexes.iter().filter(|index| index.is_readable() && index.parts.len() > 1) {
            let mut others: Units = !0;
            let (mut product, mut parts) = (1.0, 0);
            for part in &index.parts {
                let aurora_catalog::KeyPart::Column(id) = part.part else { break };
                let Some(column) = table.position(id) else { break };
                let position = self.leaves[leaf].offset + column;
                let joined: Units = block
                    .classes
                    .iter()
                    .filter(|class| class.members.iter().any(|member| member.1 == position))
                    .fold(0, |all, class| all | class.units);
                if others & joined & !(1 << at) == 0 {
                    break;
                }
                others &= joined & !(1 << at);
                product *= self.distinct(position);
                parts += 1;
            }
            if parts < 2 {
                continue;
            }
            let guess = self.guess(leaf);
            let known = super::access::Known::distinct(&guess, index);
            let keys = known.and_then(|counts| counts.get(parts - 1).copied()).unwrap_or(guess.table_rows());
            let factor = product / keys.max(1.0);
            if factor > best.as_ref().map_or(1.0, |known| known.factor) {
                best = Some(Correction { unit: at, others, factor });
            }
        }
        best
    }
}

/// Positions of two columns of one kind that the condition equates: what equals one equals the other.
fn equal_columns(condition: &Expr) -> Option<(usize, usize)> {
    let ExprKind::Compare { op: CompareOp::Eq, left, right, how } = &condition.kind else { return None };
    let (ExprKind::Column(a), ExprKind::Column(b)) = (&left.kind, &right.kind) else { return None };
    let plain = |e: &Expr| {
        !matches!(e.ty.base, BaseType::Bit | BaseType::Enum(_) | BaseType::Set(_) | BaseType::Year)
            && matches!(
                typing::domain(&e.ty),
                Domain::Int | Domain::Decimal | Domain::Text | Domain::Date | Domain::DateTime
            )
            && typing::own_comparison(&e.ty) == *how
    };
    (plain(left) && plain(right)).then_some((*a, *b))
}

impl Block {
    /// What joins `left` with `right`, in the order of the text.
    pub fn between(&self, left: Units, right: Units) -> SqlResult<Vec<Numbered>> {
        let set = left | right;
        let spans = |units: Units| units & left != 0 && units & right != 0;
        let mut on: Vec<Numbered> = self
            .shared
            .iter()
            .filter(|shared| shared.units & !set == 0 && spans(shared.units))
            .map(|shared| (shared.number, shared.expr.clone()))
            .collect();
        for class in self.classes.iter().filter(|class| spans(class.units)) {
            class.between(left, right, &mut on)?;
        }
        on.sort_by_key(|(number, _)| *number);
        Ok(on)
    }
}

impl Class {
    /// Each member on the right with one on the left; one is enough where the right side is several tables.
    fn between(&self, left: Units, right: Units, on: &mut Vec<Numbered>) -> SqlResult<()> {
        let of = |units: Units| self.members.iter().filter(move |member| units & 1 << member.0 != 0);
        let single = right.count_ones() == 1;
        // An equality that was written comes before one that follows from others.
        let mut rights: Vec<_> = of(right).collect();
        let written = |a: usize, b: usize| {
            self.written.iter().find(|(x, y, _)| (*x, *y) == (a, b) || (*x, *y) == (b, a)).map(|(.., e)| e)
        };
        rights.sort_by_key(|r| !of(left).any(|l| written(l.1, r.1).is_some()));
        for r in rights.into_iter().take(if single { usize::MAX } else { 1 }) {
            match of(left).find_map(|l| written(l.1, r.1)) {
                Some(known) => on.push(known.clone()),
                None => {
                    if let Some(l) = of(left).next() {
                        on.push((self.number, build::comparison(CompareOp::Eq, l.2.clone(), r.2.clone())?));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Looks into indexes, each asked about once for every set of conditions.
pub(super) struct Looks<'l, 'j, 's, 'a> {
    pub joins: &'l Joins<'j, 's, 'a>,
    pub block: &'l Block,
    pub alone: Vec<f64>,
    pub known: Vec<(usize, u128, Option<f64>)>,
}

impl Lookups for Looks<'_, '_, '_, '_> {
    fn lookup(&mut self, unit: usize, with: Units) -> Option<f64> {
        let block = self.block;
        let of = &block.units[unit];
        let Parts::Leaf(leaf) = of.parts else { return None };
        let LeafKind::Table(_) = self.joins.leaves[leaf].kind else { return None };
        let own = 1 << unit;
        let mut key: u128 = 0;
        if of.outer.is_none() {
            for (at, class) in block.classes.iter().enumerate().take(64) {
                if class.units & own != 0 && class.units & with & !own != 0 {
                    key |= 1 << at;
                }
            }
            for (at, shared) in block.shared.iter().enumerate().take(64) {
                if shared.units & own != 0 && shared.units & !(with | own) == 0 {
                    key |= 1 << (64 + at);
                }
            }
        }
        if let Some((.., cost)) = self.known.iter().find(|(of, with, _)| (*of, *with) == (unit, key)) {
            return *cost;
        }
        let mut conditions: Vec<&Expr> = block.own[unit].iter().map(|(_, expr)| expr).collect();
        conditions.extend(of.outer.iter().flatten());
        for (at, class) in block.classes.iter().enumerate().take(64) {
            if key & 1 << at != 0 {
                conditions.extend(class.members.iter().filter(|m| m.0 == unit).map(|member| &member.3));
            }
        }
        for (at, shared) in block.shared.iter().enumerate().take(64) {
            if key & 1 << (64 + at) != 0 {
                conditions.push(&shared.expr);
            }
        }
        let choice = self.joins.choice(leaf, &conditions, &[]);
        let fetched = match &choice.access {
            Access::Index(access) if !access.covering => choice.rows,
            _ => 0.0,
        };
        let found = (matches!(&choice.access, Access::Index(access) if !access.ranges.is_empty())
            && choice.cost < self.alone[unit])
            .then_some(choice.cost + fetched * FETCHED);
        self.known.push((unit, key, found));
        found
    }
}
