//! How one table is read: which index, which ranges.

use crate::bind::{IndexHints, Leaf};
use crate::plan::{Access, IndexAccess, KeyBound, KeyRange, RangeKind};
use aurora_catalog::{IndexDef, IndexKind, KeyPart, TableDef};
use aurora_expr::typing::{self, Comparison, Domain};
use aurora_expr::{CompareOp, Expr, ExprKind, IsTest};
use aurora_parser::{IndexHintKind, IndexHintScope};
use aurora_types::codec::key::reads_back;
use aurora_types::{BaseType, SqlType};
use std::sync::Arc;

/// More points than this are not made from IN lists.
const MAX_POINTS: usize = 2000;

/// An index is looked into for this many ranges at most, and for none in a table of fewer rows.
const MAX_DIVES: usize = 8;
const DIVE_ROWS: f64 = 64.0;

/// A row that an index points at, fetched.
const FETCH: f64 = 3.0;

/// A way to read a table. Expressions are over block positions still.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub access: Access,
    /// By condition: the ranges say all that it says.
    pub covered: Vec<bool>,
    /// By condition: `rows` are those that pass it.
    pub counted: Vec<bool>,
    pub rows: f64,
    pub cost: f64,
    /// The wished order holds.
    pub ordered: bool,
}

/// What is known about the table's use.
pub(crate) struct Use<'u> {
    pub table: &'u TableDef,
    pub leaf: &'u Leaf,
    pub table_rows: f64,
    pub conditions: &'u [&'u Expr],
    /// Table columns that are read.
    pub columns: &'u [usize],
    /// Wanted order as table columns; empty for none.
    pub order: &'u [(usize, bool)],
    /// LIMIT ends the reading early.
    pub limited: bool,
    /// Rows are wanted whole (locks, writes): secondary indexes do not suffice.
    pub whole_rows: bool,
    pub known: &'u dyn Known,
}

/// What statistics say.
pub(crate) trait Known {
    /// Distinct values of the first part of an index, of the first two, and so on.
    fn distinct(&self, index: &IndexDef) -> Option<Arc<[f64]>>;
    /// Which part of the rows pass these conditions, as far as a sample says it reliably.
    fn share(&self, conditions: &[&Expr]) -> Option<f64>;
    /// Entries of an index in these ranges, where their values are known.
    fn keys_in(&self, index: &IndexDef, ranges: &[KeyRange]) -> Option<Dive>;
}

/// What a look into an index found.
pub(crate) struct Dive {
    pub keys: f64,
    /// The plan will serve other values, too.
    pub of_lifted: bool,
}

/// What a condition says about one column.
enum Test<'e> {
    Equal {
        value: &'e Expr,
        null_safe: bool,
        exact: bool,
    },
    In {
        values: &'e [Expr],
        exact: bool,
    },
    IsNull {
        expr: &'e Expr,
    },
    Low {
        value: &'e Expr,
        inclusive: bool,
        exact: bool,
    },
    High {
        value: &'e Expr,
        inclusive: bool,
        exact: bool,
    },
    Both {
        low: &'e Expr,
        high: &'e Expr,
        exact: bool,
    },
    /// `LIKE`, with a pattern that begins with text or is not known yet.
    Like {
        pattern: &'e Expr,
        escape: Option<char>,
        known: bool,
    },
}

impl Test<'_> {
    /// Which one to make ranges of, where several are about one column: the most selective kind first.
    fn rank(&self) -> u8 {
        match self {
            Test::Equal { .. } => 0,
            Test::IsNull { .. } => 1,
            Test::In { .. } => 2,
            Test::Like { known: true, .. } => 3,
            Test::Low { .. } | Test::High { .. } | Test::Both { .. } => 4,
            Test::Like { known: false, .. } => 5,
        }
    }
}

/// What the part behind the parts of equal values is bounded by.
enum Last<'e> {
    /// `prefix`: the index keeps only the beginning of the column.
    Edges {
        low: Edge<'e>,
        high: Edge<'e>,
        prefix: bool,
    },
    Like {
        pattern: &'e Expr,
        escape: Option<char>,
    },
}

type Edge<'e> = Option<(&'e Expr, bool)>;

/// The cheapest way.
pub(crate) fn choose(usage: &Use<'_>) -> Choice {
    let none = vec![false; usage.conditions.len()];
    let rows = usage.table_rows;
    let penalty =
        |ordered: bool| if usage.order.is_empty() || ordered { 0.0 } else { super::sort_cost(rows) };
    let mut best = Choice {
        access: Access::Full { reverse: false },
        covered: none.clone(),
        counted: none,
        rows,
        cost: rows + 2.0,
        ordered: false,
    };
    let mut best_cost = best.cost + penalty(false);
    if usage.limited && !usage.order.is_empty() {
        best_cost = best.cost + penalty(false);
    }
    let forced = usage.leaf.hints.iter().any(|hint| hint.kind == IndexHintKind::Force);
    if forced {
        best_cost = f64::INFINITY;
    }
    for index in usage.table.indexes.iter().filter(|index| usable(index, &usage.leaf.hints)) {
        let Some(choice) = with_index(usage, index) else { continue };
        let mut cost = choice.cost;
        if !usage.order.is_empty() {
            if !choice.ordered {
                cost += super::sort_cost(choice.rows);
            } else if usage.limited {
                cost *= 0.1;
            }
        }
        if cost < best_cost {
            best_cost = cost;
            best = choice;
        }
    }
    best
}

fn usable(index: &IndexDef, hints: &[IndexHints]) -> bool {
    if !index.is_readable()
        || index.invisible
        || matches!(index.kind, IndexKind::FullText | IndexKind::Spatial)
    {
        return false;
    }
    let mut wanted: Option<bool> = None;
    for hint in hints.iter().filter(|hint| matches!(hint.scope, IndexHintScope::All | IndexHintScope::Join)) {
        let named = hint.indexes.contains(&index.id);
        match hint.kind {
            IndexHintKind::Ignore if named => return false,
            IndexHintKind::Ignore => {}
            IndexHintKind::Use | IndexHintKind::Force => wanted = Some(wanted.unwrap_or(false) || named),
        }
    }
    wanted.unwrap_or(true)
}

/// Position of a part's column when the part is a whole plain column.
fn part_column(table: &TableDef, index: &IndexDef, part: usize) -> Option<usize> {
    match index.parts[part].part {
        KeyPart::Column(id) => table.position(id),
        KeyPart::Expression(_) => None,
    }
}

fn with_index(usage: &Use<'_>, index: &IndexDef) -> Option<Choice> {
    let table = usage.table;
    let tests: Vec<Option<(usize, Test<'_>)>> =
        usage.conditions.iter().map(|condition| test_of(condition, usage)).collect();
    let mut covered = vec![false; usage.conditions.len()];
    // Conditions that the ranges are made of.
    let mut counted = covered.clone();
    // Prefixes of equal values, each with its bits of null-safe comparisons.
    let mut points: Vec<(Vec<Expr>, u64)> = vec![(Vec::new(), 0)];
    let mut fixed_parts = 0;
    let mut single = Vec::new();
    let mut not_null = true;
    let mut rows = usage.table_rows;
    let mut range = None;
    for part in 0..index.parts.len() {
        let Some(column) = part_column(table, index, part) else { break };
        let prefix = index.parts[part].prefix_length.is_some();
        let of_column = |(at, test): (usize, &'_ Option<(usize, Test<'_>)>)| match test {
            Some((c, _)) if *c == column => Some(at),
            _ => None,
        };
        let mut candidates: Vec<usize> = tests.iter().enumerate().filter_map(of_column).collect();
        candidates.sort_by_key(|at| tests[*at].as_ref().map(|(_, test)| test.rank()));
        let equal = candidates.first().and_then(|at| tests[*at].as_ref().map(|(_, test)| (*at, test)));
        match equal {
            Some((at, Test::Equal { value, null_safe, exact })) => {
                for (values, bits) in &mut points {
                    if *null_safe {
                        *bits |= 1 << values.len();
                    }
                    values.push((*value).clone());
                }
                not_null &= !*null_safe;
                covered[at] = *exact && !prefix;
                counted[at] = true;
                single.push(column);
            }
            Some((at, Test::IsNull { expr })) => {
                for (values, bits) in &mut points {
                    *bits |= 1 << values.len();
                    let null = Expr { ty: expr.ty.clone(), ..aurora_expr::build::null() };
                    values.push(null);
                }
                not_null = false;
                covered[at] = true;
                counted[at] = true;
                single.push(column);
            }
            Some((at, Test::In { values, exact }))
                if points.len().saturating_mul(values.len()) <= MAX_POINTS =>
            {
                points = points
                    .iter()
                    .flat_map(|(prefix, bits)| {
                        values.iter().map(move |value| {
                            let mut longer = prefix.clone();
                            longer.push(value.clone());
                            (longer, *bits)
                        })
                    })
                    .collect();
                covered[at] = *exact && !prefix;
                counted[at] = true;
                if values.len() == 1 {
                    single.push(column);
                }
            }
            Some((at, Test::Like { pattern, escape, .. })) => {
                counted[at] = true;
                rows *= 0.1;
                range = Some(Last::Like { pattern, escape: *escape });
                break;
            }
            _ => {
                let (mut low, mut high) = (None, None);
                for at in candidates {
                    match &tests[at] {
                        Some((_, Test::Low { value, inclusive, exact })) if low.is_none() => {
                            low = Some((*value, *inclusive));
                            covered[at] = *exact && !prefix;
                            counted[at] = true;
                        }
                        Some((_, Test::High { value, inclusive, exact })) if high.is_none() => {
                            high = Some((*value, *inclusive));
                            covered[at] = *exact && !prefix;
                            counted[at] = true;
                        }
                        Some((_, Test::Both { low: l, high: h, exact }))
                            if low.is_none() && high.is_none() =>
                        {
                            low = Some((*l, true));
                            high = Some((*h, true));
                            covered[at] = *exact && !prefix;
                            counted[at] = true;
                        }
                        _ => {}
                    }
                }
                if low.is_some() || high.is_some() {
                    rows *= if low.is_some() && high.is_some() { 0.1 } else { 0.33 };
                    range = Some(Last::Edges { low, high, prefix });
                }
                break;
            }
        }
        fixed_parts += 1;
        if prefix {
            // Further parts do not narrow what a prefix leaves open.
            break;
        }
    }
    let whole = fixed_parts == index.parts.len()
        && index.is_unique()
        && not_null
        && index.parts.iter().all(|part| part.prefix_length.is_none());
    if whole {
        rows = (points.len() as f64).min(usage.table_rows.max(1.0));
    } else if fixed_parts > 0 || range.is_some() {
        let most = usage.table_rows.max(1.0);
        if fixed_parts > 0 {
            let keys = match usage.known.distinct(index) {
                Some(distinct) if distinct.len() >= fixed_parts => distinct[fixed_parts - 1].max(1.0),
                _ => 100_f64.powi(fixed_parts as i32),
            };
            rows = (rows / keys * points.len() as f64).clamp(1.0, most);
        }
        let used: Vec<&Expr> =
            usage.conditions.iter().zip(&counted).filter(|(_, used)| **used).map(|(c, _)| *c).collect();
        if let Some(share) = usage.known.share(&used) {
            rows = (usage.table_rows * share).clamp(1.0, most);
        }
    }
    let primary = index.kind == IndexKind::Primary;
    let covering = primary || (!usage.whole_rows && covers(table, index, usage.columns));
    let ordered_by = order_of(usage, index, &single);
    let ordered = ordered_by.is_some();
    let ranged = fixed_parts > 0 || range.is_some();
    if !(ranged || ordered || covering && !primary) {
        return None;
    }
    let ranges = if ranged { key_ranges(points, range) } else { Vec::new() };
    if ranged
        && !whole
        && ranges.len() <= MAX_DIVES
        && usage.table_rows >= DIVE_ROWS
        && let Some(dive) = usage.known.keys_in(index, &ranges)
    {
        let keys = dive.keys.clamp(1.0, usage.table_rows);
        // What is common for these values may be rare for the next.
        rows = if dive.of_lifted { keys.min(rows) } else { keys };
    }
    let per_row = match (primary, covering) {
        (true, _) => 1.0,
        (false, true) => 0.9,
        // A whole scan fetches every row from elsewhere.
        (false, false) if ranges.is_empty() => 4.0,
        (false, false) => FETCH,
    };
    let start = if ranged { 1.0 * ranges.len().max(1) as f64 } else { 2.0 };
    let access = Access::Index(IndexAccess {
        index: index.id,
        ranges,
        covering,
        reverse: ordered_by == Some(true),
        ordered,
        unique_point: whole,
    });
    Some(Choice { access, covered, counted, rows, cost: start + rows * per_row, ordered })
}

fn key_ranges(points: Vec<(Vec<Expr>, u64)>, last: Option<Last<'_>>) -> Vec<KeyRange> {
    let one = |(values, bits): (Vec<Expr>, u64)| match &last {
        None => KeyRange::null_safe_point(values, bits),
        Some(Last::Like { pattern, escape }) => KeyRange::like(values, bits, (*pattern).clone(), *escape),
        Some(Last::Edges { low, high, prefix }) => {
            let edge = |edge: &Edge<'_>| match *edge {
                Some((value, inclusive)) => {
                    let mut all = values.clone();
                    all.push(value.clone());
                    // Keys that share a prefix with the edge may lie on either side of it.
                    KeyBound { values: all, inclusive: inclusive || *prefix, null_safe: bits }
                }
                None => KeyBound { values: values.clone(), inclusive: true, null_safe: bits },
            };
            KeyRange { low: edge(low), high: edge(high), kind: RangeKind::Between }
        }
    };
    points.into_iter().map(one).collect()
}

/// Whether the values of the columns can all be read from the index's entries or from the primary key that they end with.
fn covers(table: &TableDef, index: &IndexDef, columns: &[usize]) -> bool {
    let has = |index: &IndexDef, column: usize| {
        index.parts.iter().any(|part| {
            part.prefix_length.is_none()
                && matches!(part.part, KeyPart::Column(id) if table.position(id) == Some(column))
        }) && reads_back(&table.columns[column].ty)
    };
    columns.iter().all(|column| has(index, *column) || table.primary_key().is_some_and(|pk| has(pk, *column)))
}

/// Whether the index gives the wanted order; `Some(true)` backwards.
fn order_of(usage: &Use<'_>, index: &IndexDef, single: &[usize]) -> Option<bool> {
    if usage.order.is_empty() {
        return None;
    }
    let mut parts: Vec<(usize, bool)> = Vec::new();
    for part in 0..index.parts.len() {
        if index.parts[part].prefix_length.is_some() {
            break;
        }
        match part_column(usage.table, index, part) {
            Some(column) => parts.push((column, index.parts[part].descending)),
            None => break,
        }
    }
    if parts.len() == index.parts.len()
        && index.kind != IndexKind::Primary
        && let Some(primary) = usage.table.primary_key()
    {
        for part in 0..primary.parts.len() {
            if let Some(column) = part_column(usage.table, primary, part) {
                parts.push((column, primary.parts[part].descending));
            }
        }
    }
    let mut parts = parts.into_iter().peekable();
    let mut reverse = None;
    for (column, descending) in usage.order {
        if single.contains(column) {
            continue;
        }
        while parts.peek().is_some_and(|(part, _)| single.contains(part)) {
            parts.next();
        }
        let (part, part_descending) = parts.next()?;
        if part != *column {
            return None;
        }
        let backwards = *descending != part_descending;
        if *reverse.get_or_insert(backwards) != backwards {
            return None;
        }
    }
    Some(reverse.unwrap_or(false))
}

/// The column of this table that `expr` is.
fn own_column(expr: &Expr, leaf: &Leaf) -> Option<usize> {
    match expr.kind {
        ExprKind::Column(at) if (leaf.offset..leaf.handle()).contains(&at) => Some(at - leaf.offset),
        _ => None,
    }
}

/// Has a value before the table is read.
fn is_bound(expr: &Expr, leaf: &Leaf) -> bool {
    expr.is_deterministic()
        && !expr.any(&mut |e| match &e.kind {
            ExprKind::Column(at) => leaf.contains(*at),
            ExprKind::Row(_) => true,
            ExprKind::Subquery(call) => !call.args.is_empty(),
            _ => false,
        })
}

fn test_of<'e>(condition: &'e Expr, usage: &Use<'_>) -> Option<(usize, Test<'e>)> {
    let leaf = usage.leaf;
    let column_type = |column: usize| &usage.table.columns[column].ty;
    match &condition.kind {
        ExprKind::Compare { op, left, right, how } => {
            let (column, value, op) = match (own_column(left, leaf), own_column(right, leaf)) {
                (Some(column), _) if is_bound(right, leaf) => (column, &**right, *op),
                (_, Some(column)) if is_bound(left, leaf) => (column, &**left, op.swapped()),
                _ => return None,
            };
            let ty = column_type(column);
            let equality = matches!(op, CompareOp::Eq | CompareOp::NullSafeEq);
            if !searchable(ty, *how, equality) || is_coded(value, *how) {
                return None;
            }
            let exact = is_exact(ty, value, *how, equality);
            let test = match op {
                CompareOp::Eq => Test::Equal { value, null_safe: false, exact },
                CompareOp::NullSafeEq => Test::Equal { value, null_safe: true, exact },
                CompareOp::Lt => Test::High { value, inclusive: false, exact },
                CompareOp::Le => Test::High { value, inclusive: true, exact },
                CompareOp::Gt => Test::Low { value, inclusive: false, exact },
                CompareOp::Ge => Test::Low { value, inclusive: true, exact },
                CompareOp::Ne => return None,
            };
            Some((column, test))
        }
        ExprKind::Between { expr, low, high, negated: false, how } => {
            let column = own_column(expr, leaf)?;
            let ty = column_type(column);
            let fits = [low, high].iter().zip(how).all(|(e, how)| is_bound(e, leaf) && !is_coded(e, *how));
            if !fits || !how.iter().all(|how| searchable(ty, *how, false)) {
                return None;
            }
            let exact = is_exact(ty, low, how[0], false) && is_exact(ty, high, how[1], false);
            Some((column, Test::Both { low, high, exact }))
        }
        ExprKind::InList { expr, list, negated: false, how, .. } => {
            let column = own_column(expr, leaf)?;
            let ty = column_type(column);
            let fits = list.iter().zip(how).all(|(e, how)| is_bound(e, leaf) && !is_coded(e, *how))
                && how.iter().all(|how| searchable(ty, *how, true));
            if !fits {
                return None;
            }
            let exact = list.iter().zip(how).all(|(e, how)| is_exact(ty, e, *how, true));
            Some((column, Test::In { values: list, exact }))
        }
        ExprKind::Is { expr, test: IsTest::Null | IsTest::Unknown, negated: false } => {
            let column = own_column(expr, leaf)?;
            Some((column, Test::IsNull { expr }))
        }
        ExprKind::Like { expr, pattern, escape, negated: false, collation, compiled } => {
            let column = own_column(expr, leaf)?;
            let how = Comparison::Text(*collation);
            let fits = searchable(column_type(column), how, false)
                && typing::domain(&pattern.ty) == Domain::Text
                && !matches!(pattern.ty.base, BaseType::Bit | BaseType::Enum(_) | BaseType::Set(_))
                && is_bound(pattern, leaf)
                && compiled.as_ref().is_none_or(|compiled| !compiled.prefix().is_empty());
            fits.then_some((column, Test::Like { pattern, escape: *escape, known: compiled.is_some() }))
        }
        _ => None,
    }
}

/// Whether values that compare in this way are found by the order of the column's keys.
fn searchable(ty: &SqlType, how: Comparison, equality: bool) -> bool {
    if matches!(ty.base, BaseType::Enum(_) | BaseType::Set(_) | BaseType::Bit) {
        return false;
    }
    match (typing::domain(ty), how) {
        (Domain::Int | Domain::Decimal, Comparison::Int | Comparison::Decimal | Comparison::Double) => true,
        (Domain::Double, Comparison::Double) => equality || ty.base == BaseType::Double,
        (Domain::Text, Comparison::Text(collation)) => collation == ty.collation,
        (Domain::Date, Comparison::Date | Comparison::DateTime) => true,
        (Domain::DateTime, Comparison::DateTime) => true,
        (Domain::Time, Comparison::Time) => true,
        _ => false,
    }
}

/// BIT, ENUM and SET values say another number than their text does.
fn is_coded(value: &Expr, how: Comparison) -> bool {
    matches!(value.ty.base, BaseType::Bit | BaseType::Enum(_) | BaseType::Set(_))
        && !matches!(how, Comparison::Text(_))
}

/// Whether the range needs no second look: both sides are of one domain and nothing is lost by conversion.
fn is_exact(ty: &SqlType, value: &Expr, how: Comparison, equality: bool) -> bool {
    let same = typing::domain(ty) == typing::domain(&value.ty) && how == typing::own_comparison(ty);
    same && match typing::domain(ty) {
        // Years take two digits for four.
        Domain::Int => (ty.base == BaseType::Year) == (value.ty.base == BaseType::Year),
        Domain::Text => equality,
        Domain::Date => true,
        Domain::DateTime | Domain::Time => ty.decimals >= value.ty.decimals,
        Domain::Decimal => ty.decimals >= value.ty.decimals,
        _ => false,
    }
}
