//! EXPLAIN in its formats, stored expressions, privileges.

mod common;

use aurora_parser::ExplainFormat;
use aurora_planner::{PlanContext, Privilege, explain, table_expressions};
use aurora_types::{SqlMode, Value};
use common::{Session, catalog, plan_of};

fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Text(text) => text.to_str_lossy().into_owned(),
        Value::UInt(v) => v.to_string(),
        Value::Double(v) => format!("{v:.2}"),
        other => format!("{other:?}"),
    }
}

fn table(sql: &str) -> Vec<String> {
    let plan = plan_of(sql).unwrap_or_else(|error| panic!("{error}"));
    let rows = explain(&plan, ExplainFormat::Traditional, None).rows;
    rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

#[test]
fn the_table_has_mysqls_columns() {
    assert_eq!(
        table("SELECT * FROM t WHERE id = 1"),
        ["1|SIMPLE|t|NULL|const|PRIMARY|PRIMARY|4|const|1|100.00|NULL"]
    );
    assert_eq!(
        table("SELECT a FROM t WHERE a = 1"),
        ["1|SIMPLE|t|NULL|ref|a|a|5|const|10|100.00|Using index"]
    );
    assert_eq!(table("SELECT 1"), ["1|SIMPLE|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|No tables used"]);
}

#[test]
fn every_golden_plan_can_be_explained() {
    let known = include_str!("golden.txt");
    for sql in known.lines().filter_map(|line| line.strip_prefix("## ")) {
        let Ok(plan) = plan_of(sql) else { continue };
        for format in [ExplainFormat::Traditional, ExplainFormat::Json, ExplainFormat::Tree] {
            let explained = explain(&plan, format, None);
            assert!(explained.rows.iter().all(|row| row.len() == explained.columns.len()), "{sql}");
        }
    }
}

#[test]
fn stored_texts_become_expressions() {
    let catalog = catalog();
    let session = Session::new(SqlMode::DEFAULT);
    let ctx = PlanContext::new(&catalog, &session);
    let table = catalog.table("d", "g").cloned().unwrap_or_else(|| panic!("no table g"));
    let bound = table_expressions(&table, &ctx).unwrap_or_else(|error| panic!("{error}"));
    assert!(bound.generated[2].is_some() && bound.generated[1].is_none());
    assert!(bound.checks[0].is_some());
}

#[test]
fn privileges_are_recorded() {
    let needs = |sql: &str| -> Vec<(Privilege, String, Vec<String>, Option<String>)> {
        let plan = plan_of(sql).unwrap_or_else(|error| panic!("{error}"));
        plan.access.into_iter().map(|a| (a.privilege, a.object, a.columns.0, a.definer)).collect()
    };
    let columns = |list: &[&str]| list.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        needs("UPDATE t SET a = b WHERE id = 1"),
        [
            (Privilege::Update, "t".into(), columns(&["a"]), None),
            (Privilege::Select, "t".into(), columns(&["b", "id"]), None)
        ]
    );
    let view = needs("SELECT i FROM v");
    assert!(view.contains(&(Privilege::Select, "v".into(), columns(&["i"]), None)));
    assert!(
        view.iter()
            .any(|(_, object, _, definer)| object == "t" && definer.as_deref() == Some("root@localhost"))
    );
    assert_eq!(needs("DELETE FROM t"), [(Privilege::Delete, "t".into(), vec![], None)]);
}
