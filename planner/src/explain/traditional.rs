//! The table of twelve columns.

use super::column;
use super::tree::index_name;
use crate::physical::selectivity;
use crate::plan::{
    Access, CteBody, DuplicateAction, IndexAccess, InsertSource, JoinType, Node, Operator, Plan, PlanBody,
    Scan,
};
use aurora_catalog::{IndexId, KeyPart, TableDef};
use aurora_expr::{Expr, ExprKind, typing};
use aurora_types::{BaseType, CollationId, ColumnMeta, SqlType, Value};

pub(super) fn columns() -> Vec<ColumnMeta> {
    let text = |chars| typing::text(chars, CollationId::UTF8MB3_GENERAL_CI);
    vec![
        column("id", typing::bigint_unsigned(3)),
        column("select_type", text(19)),
        column("table", text(64)),
        column("partitions", text(5700)),
        column("type", text(10)),
        column("possible_keys", text(4096)),
        column("key", text(64)),
        column("key_len", text(4096)),
        column("ref", text(1024)),
        column("rows", typing::bigint_unsigned(10)),
        column("filtered", SqlType { decimals: 2, ..SqlType::new(BaseType::Double, 4) }),
        column("Extra", text(255)),
    ]
}

/// One row of the table.
#[derive(Default)]
struct Row {
    id: Option<u32>,
    select_type: String,
    table: Option<String>,
    kind: Option<&'static str>,
    possible_keys: Option<String>,
    key: Option<String>,
    key_len: Option<String>,
    reference: Option<String>,
    rows: Option<f64>,
    filtered: Option<f64>,
    extra: Vec<String>,
}

struct Rows {
    rows: Vec<Row>,
    /// What the operators above add to the first table's Extra.
    pending: Vec<&'static str>,
}

pub(super) fn rows(plan: &Plan) -> Vec<Vec<Value>> {
    let mut all = Rows { rows: Vec::new(), pending: Vec::new() };
    let simple = plan.subplans.is_empty() && plan.ctes.is_empty();
    let select_type = if simple { "SIMPLE" } else { "PRIMARY" };
    match &plan.body {
        PlanBody::PointGet(get) => {
            all.point(1, select_type, &get.table, &get.alias, get.index, &get.key, get.filter.is_some())
        }
        PlanBody::PointUpdate(update) => {
            let table = &update.table;
            all.point(1, "UPDATE", table, &table.name, update.index, &update.key, true);
        }
        PlanBody::PointDelete(delete) => {
            let table = &delete.table;
            all.point(1, "DELETE", table, &table.name, delete.index, &delete.key, true);
        }
        PlanBody::Query(node) => all.node(node, 1, select_type, false),
        PlanBody::Insert(insert) => {
            let select_type =
                if matches!(insert.duplicate, DuplicateAction::Replace) { "REPLACE" } else { "INSERT" };
            all.rows.push(Row {
                id: Some(1),
                select_type: select_type.into(),
                table: Some(insert.table.name.clone()),
                kind: Some("ALL"),
                ..Row::default()
            });
            if let InsertSource::Query(node) = &insert.source {
                all.node(node, 1, "SIMPLE", false);
            }
        }
        PlanBody::Update(update) => all.node(&update.source, 1, "UPDATE", false),
        PlanBody::Delete(delete) => all.node(&delete.source, 1, "DELETE", false),
    }
    for sub in &plan.subplans {
        let kind = if sub.dependent { "DEPENDENT SUBQUERY" } else { "SUBQUERY" };
        all.node(&sub.root, sub.number, kind, false);
    }
    for (at, cte) in plan.ctes.iter().enumerate() {
        let id = (plan.subplans.len() + at + 2) as u32;
        match &cte.body {
            CteBody::Plain(node) => all.node(node, id, "DERIVED", false),
            CteBody::Recursive { seed, step, .. } => {
                all.node(seed, id, "DERIVED", false);
                all.node(step, id + 1, "UNION", false);
            }
        }
    }
    all.rows.into_iter().map(Row::values).collect()
}

impl Row {
    fn values(self) -> Vec<Value> {
        let text = |text: Option<String>| text.map_or(Value::Null, |text| Value::Text(text.into()));
        vec![
            self.id.map_or(Value::Null, |id| Value::UInt(u64::from(id))),
            Value::Text(self.select_type.into()),
            text(self.table),
            Value::Null,
            text(self.kind.map(str::to_owned)),
            text(self.possible_keys),
            text(self.key),
            text(self.key_len),
            text(self.reference),
            self.rows.map_or(Value::Null, |rows| Value::UInt(rows.max(1.0).round() as u64)),
            self.filtered.map_or(Value::Null, |f| Value::Double((f * 10_000.0).round() / 100.0)),
            text((!self.extra.is_empty()).then(|| self.extra.join("; "))),
        ]
    }
}

impl Rows {
    #[allow(clippy::too_many_arguments, reason = "one row of EXPLAIN has that many parts")]
    fn point(
        &mut self,
        id: u32,
        select_type: &str,
        table: &TableDef,
        alias: &str,
        index: IndexId,
        key: &[Expr],
        filtered: bool,
    ) {
        let extra = if filtered && select_type != "SIMPLE" && select_type != "PRIMARY" {
            vec!["Using where".to_owned()]
        } else {
            Vec::new()
        };
        let write = matches!(select_type, "UPDATE" | "DELETE");
        self.rows.push(Row {
            id: Some(id),
            select_type: select_type.into(),
            table: Some(alias.to_owned()),
            kind: Some(if write { "range" } else { "const" }),
            possible_keys: Some(index_name(table, index)),
            key: Some(index_name(table, index)),
            key_len: Some(key_length(table, index, key.len()).to_string()),
            reference: Some(vec!["const"; key.len()].join(",")),
            rows: Some(1.0),
            filtered: Some(1.0),
            extra,
        });
    }

    fn scan(&mut self, scan: &Scan, node: &Node, id: u32, select_type: &str, hashed: bool) {
        let mut row = Row {
            id: Some(id),
            select_type: select_type.into(),
            table: Some(scan.alias.clone()),
            rows: Some(node.estimate.rows),
            filtered: Some(scan.filter.as_ref().map_or(1.0, selectivity)),
            ..Row::default()
        };
        if let Some(filter) = &scan.filter {
            row.rows = Some(node.estimate.rows / selectivity(filter).max(0.000_1));
            row.extra.push("Using where".into());
        }
        match &scan.access {
            Access::Full { .. } => row.kind = Some("ALL"),
            Access::Index(access) => index_parts(&mut row, scan, access),
        }
        if hashed {
            row.extra.push("Using join buffer (hash join)".into());
        }
        row.extra.extend(self.pending.drain(..).map(str::to_owned));
        self.rows.push(row);
    }

    fn other(
        &mut self,
        table: Option<String>,
        kind: Option<&'static str>,
        node: &Node,
        id: u32,
        select_type: &str,
    ) {
        let mut row = Row {
            id: Some(id),
            select_type: select_type.into(),
            kind,
            rows: table.is_some().then_some(node.estimate.rows),
            filtered: table.is_some().then_some(1.0),
            ..Row::default()
        };
        if table.is_none() {
            row.extra.push("No tables used".into());
        }
        row.table = table;
        row.extra.extend(self.pending.drain(..).map(str::to_owned));
        self.rows.push(row);
    }

    fn node(&mut self, node: &Node, id: u32, select_type: &str, hashed: bool) {
        match &node.operator {
            Operator::Scan(scan) => self.scan(scan, node, id, select_type, hashed),
            Operator::VirtualScan { alias, .. }
            | Operator::CteScan { alias, .. }
            | Operator::WorkTable { alias, .. }
            | Operator::JsonTable { alias, .. } => {
                self.other(Some(alias.clone()), Some("ALL"), node, id, select_type);
            }
            Operator::Values(_) => {
                self.pending.clear();
                self.other(None, None, node, id, select_type);
            }
            Operator::Sort { input, .. } => {
                self.note("Using filesort");
                self.node(input, id, select_type, hashed);
            }
            Operator::Aggregate { input, groups, .. } => {
                if !groups.is_empty() {
                    self.note("Using temporary");
                }
                self.node(input, id, select_type, hashed);
            }
            Operator::Distinct { input, .. } => {
                self.note("Using temporary");
                self.node(input, id, select_type, hashed);
            }
            Operator::Filter { input, .. }
            | Operator::Project { input, .. }
            | Operator::Limit { input, .. }
            | Operator::Window { input, .. }
            | Operator::Materialize { input } => self.node(input, id, select_type, hashed),
            Operator::NestedLoop { left, right, join, .. } => {
                self.node(left, id, select_type, hashed);
                let first = self.rows.len();
                self.node(right, id, select_type, false);
                if *join == JoinType::Semi
                    && let Some(row) = self.rows.get_mut(first)
                {
                    row.extra.push("FirstMatch".into());
                }
            }
            Operator::HashJoin { left, right, .. } => {
                self.node(left, id, select_type, hashed);
                self.node(right, id, select_type, true);
            }
            Operator::SetOperation { inputs, all, .. } => {
                for (at, input) in inputs.iter().enumerate() {
                    let select_type =
                        if at == 0 && select_type == "SIMPLE" { "PRIMARY" } else { select_type };
                    let kind = if at == 0 { select_type } else { "UNION" };
                    self.node(input, id + at as u32, kind, false);
                }
                if !*all {
                    let ids: Vec<String> =
                        (0..inputs.len()).map(|at| (id as usize + at).to_string()).collect();
                    self.rows.push(Row {
                        select_type: "UNION RESULT".into(),
                        table: Some(format!("<union{}>", ids.join(","))),
                        kind: Some("ALL"),
                        extra: vec!["Using temporary".into()],
                        ..Row::default()
                    });
                }
            }
        }
    }

    fn note(&mut self, what: &'static str) {
        if !self.pending.contains(&what) {
            self.pending.push(what);
        }
    }
}

fn index_parts(row: &mut Row, scan: &Scan, access: &IndexAccess) {
    let table = &*scan.table;
    let name = index_name(table, access.index);
    let primary = table.primary_key().is_some_and(|pk| pk.id == access.index);
    row.key = Some(name.clone());
    row.possible_keys = (!access.ranges.is_empty()).then_some(name);
    let whole = table.index(access.index).map_or(0, |index| index.parts.len());
    let Some(first) = access.ranges.first() else {
        row.kind = Some("index");
        row.key_len = Some(key_length(table, access.index, whole).to_string());
        if access.covering && !primary {
            row.extra.push("Using index".into());
        }
        if access.reverse {
            row.extra.insert(0, "Backward index scan".into());
        }
        return;
    };
    let used = first.low.values.len().max(first.high.values.len());
    row.key_len = Some(key_length(table, access.index, used).to_string());
    if access.ranges.len() == 1 && first.is_point() {
        let slots = first.low.values.iter().any(|v| v.any(&mut |e| matches!(e.kind, ExprKind::Slot(_))));
        row.kind = Some(match (access.unique_point, slots) {
            (true, true) => "eq_ref",
            (true, false) => "const",
            _ => "ref",
        });
        let refs: Vec<&str> = first
            .low
            .values
            .iter()
            .map(|v| if v.any(&mut |e| matches!(e.kind, ExprKind::Slot(_))) { "func" } else { "const" })
            .collect();
        row.reference = Some(refs.join(","));
        if access.covering && !primary {
            row.extra.push("Using index".into());
        }
    } else {
        row.kind = Some("range");
        if row.extra.is_empty() {
            row.extra.push("Using where".into());
        }
        if access.covering && !primary {
            row.extra.push("Using index".into());
        }
    }
    if access.reverse {
        row.extra.insert(0, "Backward index scan".into());
    }
}

/// Bytes of the first `parts` columns of a key, as MySQL counts them.
fn key_length(table: &TableDef, index: IndexId, parts: usize) -> u32 {
    let Some(index) = table.index(index) else { return 0 };
    let mut length = 0;
    for part in index.parts.iter().take(parts) {
        let KeyPart::Column(id) = part.part else { continue };
        let Some(column) = table.column(id) else { continue };
        let ty = &column.ty;
        let fraction = u32::from(ty.decimals).div_ceil(2);
        length += match ty.base {
            BaseType::TinyInt | BaseType::Year => 1,
            BaseType::SmallInt => 2,
            BaseType::MediumInt | BaseType::Date => 3,
            BaseType::Int | BaseType::Float => 4,
            BaseType::BigInt | BaseType::Double => 8,
            BaseType::Time => 3 + fraction,
            BaseType::Timestamp => 4 + fraction,
            BaseType::DateTime => 5 + fraction,
            BaseType::Decimal => {
                let digits = |n: u32| n / 9 * 4 + [0, 1, 1, 2, 2, 3, 3, 4, 4][(n % 9) as usize];
                digits(ty.length.saturating_sub(u32::from(ty.decimals))) + digits(u32::from(ty.decimals))
            }
            BaseType::Enum(_) | BaseType::Set(_) => 2,
            BaseType::Bit => ty.length.div_ceil(8),
            _ => {
                let chars = part.prefix_length.unwrap_or(ty.length);
                let bytes = if ty.collation.is_binary() { 1 } else { ty.collation.charset().max_bytes() };
                let variable = if ty.base == BaseType::Char { 0 } else { 2 };
                chars * bytes + variable
            }
        };
        length += u32::from(ty.nullable);
    }
    length
}
