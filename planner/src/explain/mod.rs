//! EXPLAIN: a plan as MySQL's table of twelve columns, as a tree, as JSON.

mod json;
mod text;
mod traditional;
mod tree;

pub use tree::{Actuals, NodeActuals};

use crate::plan::Plan;
use aurora_expr::typing;
use aurora_parser::ExplainFormat;
use aurora_types::{CollationId, ColumnFlags, ColumnMeta, SqlType, Value};
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
            out.push_str(&format!("  (cost={:.2} rows={:.0})", line.cost, line.rows.max(1.0)));
        }
        if let Some(actuals) = actuals
            && let Some(id) = line.node
        {
            match actuals(id) {
                Some(a) => out.push_str(&format!(
                    " (actual time={:.3}..{:.3} rows={} loops={})",
                    a.first_ms,
                    a.last_ms,
                    a.rows.round(),
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
