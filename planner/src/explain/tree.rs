//! A plan as an indented tree: FORMAT=TREE, and what tests compare.

use super::text::expr_text;
use crate::plan::{
    Access, CteBody, DuplicateAction, InsertSource, JoinType, KeyBound, KeyRange, Node, Operator, Plan,
    PlanBody, Projection, RangeKind, Scan, SetOperation,
};
use aurora_catalog::{IndexId, TableDef};
use aurora_expr::Expr;

/// What EXPLAIN ANALYZE measured of one operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeActuals {
    /// Milliseconds to the first and to the last row, averaged over the loops.
    pub first_ms: f64,
    pub last_ms: f64,
    /// Rows per loop.
    pub rows: f64,
    /// Rows per loop before a filter that the operator has built in.
    pub read_rows: f64,
    pub loops: u64,
}

/// Stands for the one row of a plan without operators.
pub const POINT_NODE: u32 = u32::MAX;

/// Measures by [`Node::id`].
pub type Actuals<'a> = &'a dyn Fn(u32) -> Option<NodeActuals>;

/// One line of the tree.
pub(crate) struct Line {
    pub depth: usize,
    pub text: String,
    pub node: Option<u32>,
    /// The part of the operator that is below its built-in filter.
    pub is_read: bool,
    pub rows: f64,
    pub cost: f64,
}

/// Walks a plan and writes a line per operator.
pub(crate) struct Tree<'p> {
    pub plan: &'p Plan,
    pub lines: Vec<Line>,
}

/// Names of a node's output columns, for its expressions.
pub(crate) fn column_names(node: &Node, plan: &Plan) -> Vec<String> {
    let numbered =
        |prefix: &str, count: usize| (0..count).map(|i| format!("{prefix}.{i}")).collect::<Vec<_>>();
    match &node.operator {
        Operator::Scan(scan) => {
            let mut names = scan_names(&scan.table, &scan.alias, &scan.columns);
            if scan.row_handle {
                names.push(format!("{}.<row>", scan.alias));
            }
            names
        }
        Operator::VirtualScan { table, alias, columns, .. } => scan_names(table, alias, columns),
        Operator::CteScan { cte, alias } | Operator::WorkTable { cte, alias } => {
            let width = plan.ctes.get(*cte).map_or(node.types.len(), |cte| cte.types.len());
            numbered(alias, width)
        }
        Operator::JsonTable { alias, .. } => numbered(alias, node.types.len()),
        Operator::Filter { input, .. }
        | Operator::Sort { input, .. }
        | Operator::Limit { input, .. }
        | Operator::Distinct { input, .. }
        | Operator::Materialize { input } => column_names(input, plan),
        Operator::Project { input, expressions } => {
            let names = column_names(input, plan);
            expressions.iter().map(|e| expr_text(e, &names)).collect()
        }
        Operator::NestedLoop { join, left, right, .. } | Operator::HashJoin { join, left, right, .. } => {
            let mut names = column_names(left, plan);
            if matches!(join, JoinType::Inner | JoinType::Left) {
                names.extend(column_names(right, plan));
            }
            names
        }
        Operator::Aggregate { input, groups, aggregates, rollup, .. } => {
            let names = column_names(input, plan);
            let mut all: Vec<String> = groups.iter().map(|e| expr_text(e, &names)).collect();
            all.extend(
                aggregates
                    .iter()
                    .map(|call| call_text(call.function.name(), &call.args, call.distinct, &names)),
            );
            if *rollup {
                all.push("<rollup>".into());
            }
            all
        }
        Operator::Window { input, calls, .. } => {
            let mut names = column_names(input, plan);
            let more: Vec<String> =
                calls.iter().map(|call| call_text(call.function.name(), &call.args, false, &names)).collect();
            names.extend(more);
            names
        }
        Operator::SetOperation { inputs, .. } => match inputs.first() {
            Some(first) => column_names(first, plan),
            None => Vec::new(),
        },
        Operator::Values(_) => numbered("values", node.types.len()),
    }
}

fn scan_names(table: &TableDef, alias: &str, columns: &[usize]) -> Vec<String> {
    columns
        .iter()
        .map(|at| format!("{alias}.{}", table.columns.get(*at).map_or("?", |column| column.name.as_str())))
        .collect()
}

pub(crate) fn table_names(table: &TableDef, alias: &str) -> Vec<String> {
    scan_names(table, alias, &(0..table.columns.len()).collect::<Vec<_>>())
}

fn call_text(name: &str, args: &[Expr], distinct: bool, names: &[String]) -> String {
    let inner: Vec<String> = args.iter().map(|e| expr_text(e, names)).collect();
    let inner = if inner.is_empty() && name == "count" { "*".to_owned() } else { inner.join(",") };
    format!("{name}({}{inner})", if distinct { "distinct " } else { "" })
}

pub(crate) fn index_name(table: &TableDef, index: IndexId) -> String {
    table.index(index).map_or_else(|| "?".to_owned(), |index| index.name.clone())
}

/// The ranges of an index as conditions on its columns.
pub(crate) fn ranges_text(table: &TableDef, index: IndexId, ranges: &[KeyRange]) -> String {
    let Some(index) = table.index(index) else { return String::new() };
    let columns: Vec<String> = index
        .parts
        .iter()
        .map(|part| match &part.part {
            aurora_catalog::KeyPart::Column(id) => {
                table.column(*id).map_or_else(|| "?".to_owned(), |column| column.name.clone())
            }
            aurora_catalog::KeyPart::Expression(text) => text.clone(),
        })
        .collect();
    let side = |bound: &KeyBound| -> Vec<String> { bound.values.iter().map(|v| expr_text(v, &[])).collect() };
    let mut all: Vec<String> = Vec::new();
    for range in ranges.iter().take(3) {
        let (low, high) = (side(&range.low), side(&range.high));
        let mut same = low.iter().zip(&high).take_while(|(a, b)| a == b).count();
        let like = matches!(range.kind, RangeKind::Like { .. });
        same -= usize::from(like);
        let mut parts: Vec<String> = (0..same)
            .map(|i| format!("{} = {}", columns.get(i).map_or("?", String::as_str), low[i]))
            .collect();
        let name = columns.get(same).map_or("?", String::as_str);
        let sign = |bound: &KeyBound, strict: &'static str, loose: &'static str| {
            if bound.inclusive { loose } else { strict }
        };
        match (low.get(same), high.get(same)) {
            (Some(pattern), _) if like => parts.push(format!("{name} like {pattern}")),
            (low, high) => {
                if let Some(value) = low {
                    parts.push(format!("{name} {} {value}", sign(&range.low, ">", ">=")));
                }
                if let Some(value) = high {
                    parts.push(format!("{name} {} {value}", sign(&range.high, "<", "<=")));
                }
            }
        }
        all.push(parts.join(" and "));
    }
    if ranges.len() > 3 {
        all.push(format!("({} more)", ranges.len() - 3));
    }
    all.join(" or ")
}

impl<'p> Tree<'p> {
    pub fn of(plan: &'p Plan) -> Vec<Line> {
        let mut tree = Tree { plan, lines: Vec::new() };
        tree.body();
        for (at, sub) in plan.subplans.iter().enumerate() {
            let kind = if sub.dependent { "dependent" } else { "run only once" };
            tree.line(0, format!("Select #{} (subquery#{at}; {kind})", sub.number), None);
            tree.node(&sub.root, 1);
        }
        for (at, cte) in plan.ctes.iter().enumerate() {
            match &cte.body {
                CteBody::Plain(node) => {
                    tree.line(0, format!("Materialize CTE {} (cte#{at})", cte.name), None);
                    tree.node(node, 1);
                }
                CteBody::Recursive { seed, step, distinct, .. } => {
                    let how = if *distinct { " with deduplication" } else { "" };
                    tree.line(0, format!("Materialize recursive CTE {}{how} (cte#{at})", cte.name), None);
                    tree.node(seed, 1);
                    tree.line(1, "Repeat until convergence".into(), None);
                    tree.node(step, 2);
                }
            }
        }
        tree.lines
    }

    fn line(&mut self, depth: usize, text: String, node: Option<&Node>) {
        self.lines.push(Line {
            depth,
            text,
            node: node.map(|node| node.id),
            is_read: false,
            rows: node.map_or(0.0, |node| node.estimate.rows),
            cost: node.map_or(0.0, |node| node.estimate.cost),
        });
    }

    fn body(&mut self) {
        match &self.plan.body {
            PlanBody::PointGet(get) => {
                let names = table_names(&get.table, &get.alias);
                let mut text = format!(
                    "Rows fetched before execution: {} by {}",
                    get.alias,
                    index_name(&get.table, get.index)
                );
                text.push_str(&point_key(&get.table, get.index, &get.key));
                if let Some(filter) = &get.filter {
                    text.push_str(&format!(" where {}", expr_text(filter, &names)));
                }
                let shown: Vec<String> = match &get.projection {
                    Projection::Columns(columns) => scan_names(&get.table, &get.alias, columns),
                    Projection::Expressions(list) => list.iter().map(|e| expr_text(e, &names)).collect(),
                };
                text.push_str(&format!(" give [{}]", shown.join(", ")));
                self.line(0, text, None);
            }
            PlanBody::PointUpdate(update) => {
                let names = table_names(&update.table, &update.table.name);
                let mut text =
                    format!("Update {} by {}", update.table.name, index_name(&update.table, update.index));
                text.push_str(&point_key(&update.table, update.index, &update.key));
                if let Some(filter) = &update.filter {
                    text.push_str(&format!(" where {}", expr_text(filter, &names)));
                }
                let set: Vec<String> = update
                    .assignments
                    .iter()
                    .map(|a| assignment_text(&update.table, a.column, a.value.as_ref(), &names))
                    .collect();
                text.push_str(&format!(" set [{}]", set.join(", ")));
                self.line(0, text, None);
            }
            PlanBody::PointDelete(delete) => {
                let names = table_names(&delete.table, &delete.table.name);
                let mut text = format!(
                    "Delete from {} by {}",
                    delete.table.name,
                    index_name(&delete.table, delete.index)
                );
                text.push_str(&point_key(&delete.table, delete.index, &delete.key));
                if let Some(filter) = &delete.filter {
                    text.push_str(&format!(" where {}", expr_text(filter, &names)));
                }
                self.line(0, text, None);
            }
            PlanBody::Query(node) => self.node(node, 0),
            PlanBody::Insert(insert) => {
                let verb = match insert.duplicate {
                    DuplicateAction::Replace => "Replace into",
                    _ => "Insert into",
                };
                let columns: Vec<&str> =
                    insert.columns.iter().map(|at| insert.table.columns[*at].name.as_str()).collect();
                let mut text = format!("{verb} {} ({})", insert.table.name, columns.join(", "));
                let mut names = table_names(&insert.table, &insert.table.name);
                if let DuplicateAction::Update(list) = &insert.duplicate {
                    names.extend(table_names(&insert.table, "new"));
                    let set: Vec<String> = list
                        .iter()
                        .map(|a| assignment_text(&insert.table, a.column, a.value.as_ref(), &names))
                        .collect();
                    text.push_str(&format!(" on duplicate [{}]", set.join(", ")));
                }
                self.line(0, text, None);
                match &insert.source {
                    InsertSource::Values(rows) => {
                        let names = table_names(&insert.table, &insert.table.name);
                        for row in rows.iter().take(4) {
                            let row: Vec<String> = row
                                .iter()
                                .map(|value| {
                                    value.as_ref().map_or("default".into(), |e| expr_text(e, &names))
                                })
                                .collect();
                            self.line(1, format!("Row ({})", row.join(", ")), None);
                        }
                        if rows.len() > 4 {
                            self.line(1, format!("({} more)", rows.len() - 4), None);
                        }
                    }
                    InsertSource::Query(node) => self.node(node, 1),
                }
            }
            PlanBody::Update(update) => {
                let names = column_names(&update.source, self.plan);
                let tables: Vec<&str> = update.targets.iter().map(|t| t.table.name.as_str()).collect();
                let set: Vec<String> = update
                    .assignments
                    .iter()
                    .filter_map(|a| {
                        let target = update.targets.get(a.target)?;
                        Some(assignment_text(
                            &target.table,
                            a.assignment.column,
                            a.assignment.value.as_ref(),
                            &names,
                        ))
                    })
                    .collect();
                let how = if update.buffered { "" } else { " (immediate)" };
                self.line(0, format!("Update {}{how} set [{}]", tables.join(", "), set.join(", ")), None);
                self.node(&update.source, 1);
            }
            PlanBody::Delete(delete) => {
                let tables: Vec<&str> = delete.targets.iter().map(|t| t.table.name.as_str()).collect();
                let how = if delete.buffered { "" } else { " (immediate)" };
                self.line(0, format!("Delete from {}{how}", tables.join(", ")), None);
                self.node(&delete.source, 1);
            }
        }
    }

    fn scan(&mut self, scan: &Scan, node: &Node, depth: usize) {
        let mut depth = depth;
        if let Some(filter) = &scan.filter {
            let names = column_names(node, self.plan);
            self.line(depth, format!("Filter: {}", expr_text(filter, &names)), Some(node));
            depth += 1;
        }
        let mut text = match &scan.access {
            Access::Full { reverse } => {
                format!("Table scan on {}{}", scan.alias, if *reverse { " (reverse)" } else { "" })
            }
            Access::Index(access) => {
                let index = index_name(&scan.table, access.index);
                let covering =
                    access.covering && scan.table.primary_key().is_none_or(|pk| pk.id != access.index);
                let kind = match (covering, access.unique_point, access.ranges.is_empty()) {
                    (_, true, _) if access.ranges.len() == 1 => "Single-row index lookup",
                    (true, _, true) => "Covering index scan",
                    (false, _, true) => "Index scan",
                    (true, ..) => "Covering index range scan",
                    (false, ..) => "Index range scan",
                };
                let mut text = format!("{kind} on {} using {index}", scan.alias);
                if !access.ranges.is_empty() {
                    text.push_str(&format!(" ({})", ranges_text(&scan.table, access.index, &access.ranges)));
                }
                if access.reverse {
                    text.push_str(" (reverse)");
                }
                text
            }
        };
        if let Some(lock) = scan.lock {
            text.push_str(match lock.mode {
                crate::plan::LockMode::Share => " for share",
                crate::plan::LockMode::Exclusive => " for update",
            });
        }
        self.line(depth, text, Some(node));
        if let Some(line) = self.lines.last_mut() {
            line.is_read = scan.filter.is_some();
        }
    }

    fn node(&mut self, node: &Node, depth: usize) {
        let plan = self.plan;
        let of = |input: &Node| column_names(input, plan);
        let exprs = |list: &[Expr], names: &[String]| -> String {
            list.iter().map(|e| expr_text(e, names)).collect::<Vec<_>>().join(", ")
        };
        match &node.operator {
            Operator::Scan(scan) => self.scan(scan, node, depth),
            Operator::VirtualScan { alias, filter, .. } => {
                let mut text = format!("Table scan on {alias}");
                if let Some(filter) = filter {
                    text.push_str(&format!(" where {}", expr_text(filter, &of(node))));
                }
                self.line(depth, text, Some(node));
            }
            Operator::Values(rows) => self.line(depth, format!("Rows: {}", rows.len()), Some(node)),
            Operator::CteScan { cte, alias } => {
                self.line(depth, format!("Table scan on {alias} (cte#{cte})"), Some(node));
            }
            Operator::WorkTable { alias, .. } => {
                self.line(depth, format!("Scan new records on {alias}"), Some(node));
            }
            Operator::JsonTable { alias, doc, .. } => {
                self.line(
                    depth,
                    format!("Materialize table function {alias}({})", expr_text(doc, &[])),
                    Some(node),
                );
            }
            Operator::Filter { input, condition } => {
                self.line(depth, format!("Filter: {}", expr_text(condition, &of(input))), Some(node));
                self.node(input, depth + 1);
            }
            Operator::Project { input, expressions } => {
                self.line(depth, format!("Project: {}", exprs(expressions, &of(input))), Some(node));
                self.node(input, depth + 1);
            }
            Operator::NestedLoop { join, left, right, slots, condition } => {
                let names = of(node);
                let mut text = format!("Nested loop {}", join_name(*join));
                if let Some(condition) = condition {
                    text.push_str(&format!(" ({})", expr_text(condition, &names)));
                }
                if !slots.is_empty() {
                    let names = of(left);
                    let set: Vec<String> = slots
                        .iter()
                        .map(|(slot, at)| format!("${slot}={}", names.get(*at).map_or("?", String::as_str)))
                        .collect();
                    text.push_str(&format!(" [{}]", set.join(", ")));
                }
                self.line(depth, text, Some(node));
                self.node(left, depth + 1);
                self.node(right, depth + 1);
            }
            Operator::HashJoin { join, left, right, keys, condition, null_aware } => {
                let (l, r) = (of(left), of(right));
                let keys: Vec<String> = keys
                    .iter()
                    .map(|key| {
                        let sign = if key.null_safe { "<=>" } else { "=" };
                        format!("{} {sign} {}", expr_text(&key.left, &l), expr_text(&key.right, &r))
                    })
                    .collect();
                let mut text = format!("{} hash join ({})", join_title(*join), keys.join(", "));
                if let Some(condition) = condition {
                    let names: Vec<String> = l.into_iter().chain(r).collect();
                    text.push_str(&format!(", extra conditions: {}", expr_text(condition, &names)));
                }
                if *null_aware {
                    text.push_str(" (null aware)");
                }
                self.line(depth, text, Some(node));
                self.node(left, depth + 1);
                self.line(depth + 1, "Hash".into(), None);
                self.node(right, depth + 2);
            }
            Operator::Aggregate { input, groups, rollup, .. } => {
                let shown = of(node);
                let (by, calls) = shown.split_at(groups.len());
                let title = if groups.is_empty() {
                    "Aggregate".to_owned()
                } else {
                    format!("Group by {}", by.join(", "))
                };
                let rollup = if *rollup { " with rollup" } else { "" };
                let calls = if calls.is_empty() { String::new() } else { format!(": {}", calls.join(", ")) };
                self.line(depth, format!("{title}{rollup}{calls}"), Some(node));
                self.node(input, depth + 1);
            }
            Operator::Sort { input, keys, limit } => {
                let names = of(input);
                let keys: Vec<String> = keys
                    .iter()
                    .map(|key| {
                        format!(
                            "{}{}",
                            expr_text(&key.expr, &names),
                            if key.descending { " DESC" } else { "" }
                        )
                    })
                    .collect();
                let mut text = format!("Sort: {}", keys.join(", "));
                if let Some(limit) = limit {
                    text.push_str(&format!(", limit input to {} row(s) per chunk", expr_text(limit, &[])));
                }
                self.line(depth, text, Some(node));
                self.node(input, depth + 1);
            }
            Operator::Limit { input, count, offset } => {
                let mut text = String::from("Limit");
                if let Some(offset) = offset {
                    text.push_str(&format!(
                        "/Offset: {}/{}",
                        count.as_ref().map_or("all".into(), |c| expr_text(c, &[])),
                        expr_text(offset, &[])
                    ));
                } else if let Some(count) = count {
                    text.push_str(&format!(": {} row(s)", expr_text(count, &[])));
                }
                self.line(depth, text, Some(node));
                self.node(input, depth + 1);
            }
            Operator::Distinct { input, columns } => {
                self.line(depth, format!("Distinct on {columns} column(s)"), Some(node));
                self.node(input, depth + 1);
            }
            Operator::Window { input, .. } => {
                let shown = of(node);
                let calls = shown[of(input).len().min(shown.len())..].join(", ");
                self.line(depth, format!("Window: {calls}"), Some(node));
                self.node(input, depth + 1);
            }
            Operator::SetOperation { operation, all, inputs } => {
                let name = match operation {
                    SetOperation::Union => "Union",
                    SetOperation::Intersect => "Intersect",
                    SetOperation::Except => "Except",
                };
                let how = if *all { " all" } else { " with deduplication" };
                self.line(depth, format!("{name}{how}"), Some(node));
                for input in inputs {
                    self.node(input, depth + 1);
                }
            }
            Operator::Materialize { input } => {
                self.line(depth, "Materialize".into(), Some(node));
                self.node(input, depth + 1);
            }
        }
    }
}

fn point_key(table: &TableDef, index: IndexId, key: &[Expr]) -> String {
    format!(" ({})", ranges_text(table, index, &[KeyRange::point(key.to_vec())]))
}

fn assignment_text(table: &TableDef, column: usize, value: Option<&Expr>, names: &[String]) -> String {
    let name = table.columns.get(column).map_or("?", |column| column.name.as_str());
    format!("{name} := {}", value.map_or("default".into(), |value| expr_text(value, names)))
}

fn join_name(join: JoinType) -> &'static str {
    match join {
        JoinType::Inner => "inner join",
        JoinType::Left => "left join",
        JoinType::Semi => "semijoin",
        JoinType::Anti => "antijoin",
    }
}

fn join_title(join: JoinType) -> &'static str {
    match join {
        JoinType::Inner => "Inner",
        JoinType::Left => "Left",
        JoinType::Semi => "Semi",
        JoinType::Anti => "Anti",
    }
}
