//! Plans as text.

mod common;

use aurora_planner::plan_outline;
use common::plan_of;

#[track_caller]
fn check(sql: &str, expected: &str) {
    let shown = match plan_of(sql) {
        Ok(plan) => plan_outline(&plan),
        Err(error) => format!("{error}\n"),
    };
    let expected: String =
        expected.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
    assert_eq!(shown.trim(), expected.trim(), "\n{sql}\n{shown}");
}

#[test]
fn dump() {
    for sql in include_str!("queries.sql").lines().filter(|l| !l.is_empty()) {
        println!("## {sql}");
        match plan_of(sql) {
            Ok(plan) => print!("{}", plan_outline(&plan)),
            Err(error) => println!("{error}"),
        }
    }
    check("SELECT 1", "Project: 1\n  Rows: 1");
}
