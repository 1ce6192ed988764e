//! What is joined: tables, right sides of outer joins, subqueries; and what their conditions allow.

use crate::bind::from::{JoinTree, TreeJoin, conjuncts, leaf_at};
use crate::bind::has_subquery;
use crate::bind::semi::Semi;
use crate::bind::view::conjunction;
use crate::bind::{Leaf, LeafKind};
use crate::plan::JoinType;
use crate::same::same;
use aurora_catalog::KeyPart;
use aurora_expr::typing::{self, Comparison};
use aurora_expr::{CompareOp, Expr, ExprKind, build};
use aurora_types::SqlResult;
use std::collections::BTreeSet;

/// An OR of more branches is not looked through.
const MOST_BRANCHES: usize = 32;

/// One step of a join.
pub(super) struct Unit {
    pub parts: Parts,
    /// The unit is the right side of an outer join with this condition.
    pub outer: Option<Vec<Expr>>,
    pub join: JoinType,
    pub leaves: BTreeSet<usize>,
}

pub(super) enum Parts {
    Leaf(usize),
    Group(Group),
}

#[derive(Default)]
pub(super) struct Group {
    pub units: Vec<Unit>,
    pub conditions: Vec<Expr>,
    pub straight: bool,
}

/// The tables of the block that an expression reads.
pub(super) fn leaves_of(expr: &Expr, leaves: &[Leaf]) -> BTreeSet<usize> {
    let mut columns = Vec::new();
    expr.collect_columns(&mut columns);
    columns.into_iter().filter_map(|at| leaf_at(leaves, at)).collect()
}

/// `a = 1 OR a = 2` as `a IN (1, 2)`, which an index can look up.
pub(super) fn or_to_in(condition: &mut Expr) {
    let ExprKind::Or(list) = &condition.kind else { return };
    let mut column: Option<(&Expr, Comparison)> = None;
    let mut values = Vec::with_capacity(list.len());
    for part in list {
        let ExprKind::Compare { op: CompareOp::Eq, left, right, how } = &part.kind else { return };
        let ExprKind::Column(at) = left.kind else { return };
        if right.as_literal().is_none() {
            return;
        }
        match column {
            None => column = Some((left, *how)),
            Some((known, same)) if same == *how && matches!(known.kind, ExprKind::Column(c) if c == at) => {}
            Some(_) => return,
        }
        values.push((**right).clone());
    }
    if let Some((column, _)) = column
        && let Ok(list) = build::in_list(column.clone(), values, false)
    {
        *condition = list;
    }
}

/// `(a AND b) OR (a AND c)` as `a AND (b OR c)`: what all branches ask for can join and look up by itself.
pub(super) fn common_factors(condition: Expr) -> SqlResult<Vec<Expr>> {
    let ExprKind::Or(branches) = &condition.kind else { return Ok(vec![condition]) };
    let mut branches: Vec<Vec<Expr>> = branches.iter().cloned().map(conjuncts).collect();
    let Some((first, others)) = branches.split_first_mut() else { return Ok(vec![condition]) };
    let mut common: Vec<Expr> = Vec::new();
    let is_everywhere = |part: &Expr| {
        part.is_deterministic()
            && !has_subquery(part)
            && others.iter().all(|o| o.iter().any(|e| same(e, part)))
    };
    for part in first.iter() {
        if is_everywhere(part) && !common.iter().any(|known| same(known, part)) {
            common.push(part.clone());
        }
    }
    if common.is_empty() {
        return Ok(vec![condition]);
    }
    let mut rest = Vec::with_capacity(branches.len());
    for mut branch in branches {
        branch.retain(|part| !common.iter().any(|known| same(known, part)));
        // A branch that asks for nothing more: the others do not matter.
        let Some(branch) = conjunction(branch)? else { return Ok(common) };
        rest.push(branch);
    }
    common.push(build::or(rest)?);
    Ok(common)
}

pub(super) fn is_true(expr: &Expr) -> bool {
    matches!(expr.as_literal(), Some(aurora_types::Value::Int(v)) if *v != 0)
}

pub(super) fn collect_needed(group: &Group, needed: &mut BTreeSet<usize>) {
    needed.extend(crate::bind::select::base_columns(&group.conditions));
    for unit in &group.units {
        if let Some(on) = &unit.outer {
            needed.extend(crate::bind::select::base_columns(on));
        }
        if let Parts::Group(inner) = &unit.parts {
            collect_needed(inner, needed);
        }
    }
}

/// Adds the units of `tree` to `group`. `above` are conditions that rows must pass later: one that is never true for
/// NULLs of the right side makes an outer join an inner one.
pub(super) fn flatten(tree: JoinTree, above: &[Expr], leaves: &[Leaf], group: &mut Group) {
    match tree {
        JoinTree::Leaf(leaf) => {
            group.units.push(Unit {
                parts: Parts::Leaf(leaf),
                outer: None,
                join: JoinType::Inner,
                leaves: BTreeSet::from([leaf]),
            });
        }
        JoinTree::Filter { input, conditions } => {
            let all: Vec<Expr> = above.iter().chain(&conditions).cloned().collect();
            flatten(*input, &all, leaves, group);
            group.conditions.extend(conditions);
        }
        JoinTree::Join { left, right, kind, on } => {
            let mut right_leaves = Vec::new();
            right.leaves(&mut right_leaves);
            let right_leaves: BTreeSet<usize> = right_leaves.into_iter().collect();
            let inner =
                kind != TreeJoin::Left || above.iter().any(|c| rejects_nulls(c, &right_leaves, leaves));
            if inner {
                group.straight |= kind == TreeJoin::Straight;
                let all: Vec<Expr> = above.iter().chain(&on).cloned().collect();
                flatten(*left, &all, leaves, group);
                flatten(*right, &all, leaves, group);
                group.conditions.extend(on);
                return;
            }
            flatten(*left, above, leaves, group);
            let parts = side(*right, &on, leaves);
            group.units.push(Unit { parts, outer: Some(on), join: JoinType::Left, leaves: right_leaves });
        }
    }
}

/// One side of an outer or semi join.
pub(super) fn side(tree: JoinTree, on: &[Expr], leaves: &[Leaf]) -> Parts {
    let mut group = Group::default();
    flatten(tree, on, leaves, &mut group);
    match group.units.as_slice() {
        [Unit { parts: Parts::Leaf(leaf), outer: None, .. }] if group.conditions.is_empty() => {
            Parts::Leaf(*leaf)
        }
        _ => Parts::Group(group),
    }
}

pub(super) fn semi_unit(semi: Semi, leaves: &[Leaf]) -> Unit {
    let mut own = Vec::new();
    semi.tree.leaves(&mut own);
    let own: BTreeSet<usize> = own.into_iter().collect();
    let mut parts = side(semi.tree, &semi.on, leaves);
    let mut on = semi.on;
    if let Parts::Group(group) = &mut parts {
        let (inner, both) = on.into_iter().partition(|c| {
            let of = leaves_of(c, leaves);
            !of.is_empty() && of.is_subset(&own)
        });
        group.conditions.extend::<Vec<Expr>>(inner);
        on = both;
    }
    let join = if semi.anti { JoinType::Anti } else { JoinType::Semi };
    Unit { parts, outer: Some(on), join, leaves: own }
}

/// Whether the condition is not true whenever all columns of these tables are NULL.
pub(super) fn rejects_nulls(condition: &Expr, of: &BTreeSet<usize>, leaves: &[Leaf]) -> bool {
    let strict = |e: &Expr| is_strict(e, of, leaves);
    match &condition.kind {
        ExprKind::Compare { op, left, right, .. } => {
            *op != CompareOp::NullSafeEq && (strict(left) || strict(right))
        }
        ExprKind::Between { expr, .. } | ExprKind::InList { expr, .. } | ExprKind::Like { expr, .. } => {
            strict(expr)
        }
        ExprKind::Is { expr, test, negated } => {
            let test_of_value = matches!(
                (test, negated),
                (aurora_expr::IsTest::Null | aurora_expr::IsTest::Unknown, true)
                    | (aurora_expr::IsTest::True | aurora_expr::IsTest::False, false)
            );
            test_of_value && strict(expr)
        }
        ExprKind::And(list) => list.iter().any(|c| rejects_nulls(c, of, leaves)),
        ExprKind::Or(list) => list.iter().all(|c| rejects_nulls(c, of, leaves)),
        _ => false,
    }
}

/// NULL whenever the columns of these tables are.
pub(super) fn is_strict(expr: &Expr, of: &BTreeSet<usize>, leaves: &[Leaf]) -> bool {
    match &expr.kind {
        ExprKind::Column(at) => leaf_at(leaves, *at).is_some_and(|leaf| of.contains(&leaf)),
        ExprKind::Arithmetic { left, right, .. } => {
            is_strict(left, of, leaves) || is_strict(right, of, leaves)
        }
        ExprKind::Cast { expr, .. } | ExprKind::Collate(expr) | ExprKind::Negate(expr) => {
            is_strict(expr, of, leaves)
        }
        _ => false,
    }
}

/// For every table the OR of what the branches of `condition` say about it alone, where all say something.
pub(super) fn implied(condition: &Expr, leaves: &[Leaf]) -> Vec<(usize, Expr)> {
    let ExprKind::Or(branches) = &condition.kind else { return Vec::new() };
    if branches.len() > MOST_BRANCHES {
        return Vec::new();
    }
    let branches: Vec<Vec<(Option<usize>, Expr)>> = branches
        .iter()
        .map(|branch| {
            let with_leaf = |part: Expr| {
                let of = leaves_of(&part, leaves);
                let alone = of.len() == 1 && part.is_deterministic() && !has_subquery(&part);
                (of.first().copied().filter(|_| alone), part)
            };
            conjuncts(branch.clone()).into_iter().map(with_leaf).collect()
        })
        .collect();
    let mut found = Vec::new();
    for leaf in leaves_of(condition, leaves) {
        let own: Option<Vec<Expr>> = branches
            .iter()
            .map(|branch| {
                let parts = branch.iter().filter(|(of, _)| *of == Some(leaf)).map(|(_, part)| part.clone());
                conjunction(parts.collect()).ok().flatten()
            })
            .collect();
        if let Some(own) = own
            && let Ok(mut condition) = build::or(own)
        {
            or_to_in(&mut condition);
            found.push((leaf, condition));
        }
    }
    found
}

/// Whether at most one row of the table meets the conditions together with any row of the others: they equate all
/// columns of a unique key.
pub(super) fn is_unique_match(leaf: &Leaf, on: &[Expr]) -> bool {
    let LeafKind::Table(table) = &leaf.kind else { return false };
    let equated = |column: usize| {
        on.iter().any(|condition| {
            let ExprKind::Compare { op: CompareOp::Eq, left, right, how } = &condition.kind else {
                return false;
            };
            let sides = [(left, right), (right, left)];
            sides.into_iter().any(|(own, other)| {
                matches!(own.kind, ExprKind::Column(at) if at == leaf.offset + column)
                    && !other.any(&mut |e| matches!(e.kind, ExprKind::Column(at) if leaf.contains(at)))
                    && *how == typing::own_comparison(&table.columns[column].ty)
            })
        })
    };
    table.indexes.iter().filter(|index| index.is_unique() && index.is_readable()).any(|index| {
        index.parts.iter().all(|part| {
            part.prefix_length.is_none()
                && matches!(part.part, KeyPart::Column(id) if table.position(id).is_some_and(equated))
        })
    })
}

impl Group {
    pub fn duplicate(&self) -> Group {
        Group {
            units: self
                .units
                .iter()
                .map(|unit| Unit {
                    parts: match &unit.parts {
                        Parts::Leaf(leaf) => Parts::Leaf(*leaf),
                        Parts::Group(group) => Parts::Group(group.duplicate()),
                    },
                    outer: unit.outer.clone(),
                    join: unit.join,
                    leaves: unit.leaves.clone(),
                })
                .collect(),
            conditions: self.conditions.clone(),
            straight: self.straight,
        }
    }
}
