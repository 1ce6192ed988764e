//! EXPLAIN: a plan as MySQL's table of twelve columns, as a tree, as JSON.

mod json;
mod number;
mod text;
mod traditional;
mod tree;

pub use tree::{Actuals, NodeActuals, POINT_NODE};

use crate::plan::{Plan, PlanBody};
use aurora_expr::typing;
use aurora_parser::ExplainFormat;
use aurora_types::{CollationId, ColumnFlags, ColumnMeta, SqlType, Value};
use number::readable;
use tree::Tree;

/// The result set of EXPLAIN.
#[derive(Clone, Debug)]
pub struct Explained {
    pub columns: Vec<ColumnMeta>,
    pub rows: Vec<Vec<Value>>,
}

fn column(name: &str, ty: SqlType) -> ColumnMeta {
    ColumnMeta {
        schema: String::new(),
        table: String::new(),
        org_table: String::new(),
        name: name.to_owned(),
        org_name: String::new(),
        ty: typing::nullable(ty, true),
        flags: ColumnFlags(0),
    }
}

/// Explains `plan`. `ExplainFormat::Default` is TREE, as MySQL 9.7 has it; `actuals` are EXPLAIN ANALYZE's measures.
pub fn explain(plan: &Plan, format: ExplainFormat, actuals: Option<Actuals<'_>>) -> Explained {
    match format {
        ExplainFormat::Traditional => {
            Explained { columns: traditional::columns(), rows: traditional::rows(plan) }
        }
        ExplainFormat::Json => one_text(json::explain_json(plan)),
        ExplainFormat::Tree | ExplainFormat::Default => one_text(explain_tree(plan, actuals)),
    }
}

fn one_text(text: String) -> Explained {
    // As wide as MySQL says, however long the text is.
    let ty = typing::text(78, CollationId::UTF8MB4_0900_AI_CI);
    let ty = aurora_types::SqlType { decimals: aurora_types::sql_type::NOT_FIXED_DECIMALS, ..ty };
    let mut column = column("EXPLAIN", ty);
    column.ty.nullable = false;
    column.flags.0 |= ColumnFlags::NOT_NULL;
    Explained { columns: vec![column], rows: vec![vec![Value::Text(text.into())]] }
}

/// The operators as an indented tree with what is expected of each (and what was measured).
pub fn explain_tree(plan: &Plan, actuals: Option<Actuals<'_>>) -> String {
    let mut out = String::new();
    for line in Tree::of(plan) {
        out.push_str(&"    ".repeat(line.depth));
        out.push_str("-> ");
        out.push_str(&line.text);
        if line.node.is_some() {
            out.push_str(&format!("  (cost={} rows={})", readable(line.cost), readable(line.rows.max(1.0))));
        }
        let point = matches!(plan.body, PlanBody::PointGet(_)) && line.depth == 0 && line.node.is_none();
        if let Some(actuals) = actuals
            && let Some(id) = line.node.or(point.then_some(POINT_NODE))
        {
            match actuals(id) {
                Some(a) => out.push_str(&format!(
                    " (actual time={}..{} rows={} loops={})",
                    readable(a.first_ms),
                    readable(a.last_ms),
                    readable(if line.is_read { a.read_rows } else { a.rows }),
                    a.loops
                )),
                None => out.push_str(" (never executed)"),
            }
        }
        out.push('\n');
    }
    out
}

/// The tree without numbers, for comparing plans.
pub fn plan_outline(plan: &Plan) -> String {
    let mut out = String::new();
    for line in Tree::of(plan) {
        out.push_str(&"  ".repeat(line.depth));
        out.push_str(&line.text);
        out.push('\n');
    }
    out
}
