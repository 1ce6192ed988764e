//! Plans as text: `golden.txt` has statements (`## …`) each with the outline of its plan.
//! `GOLDEN=write cargo nextest run -p aurora-planner golden` writes it anew from its statements.

mod common;

use aurora_planner::plan_outline;
use common::plan_of;

fn outline(sql: &str) -> String {
    match plan_of(sql) {
        Ok(plan) => plan_outline(&plan),
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn plans_are_as_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");
    let known = include_str!("golden.txt");
    let mut now = String::new();
    for sql in known.lines().filter_map(|line| line.strip_prefix("## ")) {
        now.push_str(&format!("## {sql}\n{}", outline(sql)));
    }
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::write(path, &now).expect("golden.txt can be written");
        return;
    }
    for (number, (a, b)) in known.lines().zip(now.lines()).enumerate() {
        assert_eq!(a, b, "line {} of golden.txt", number + 1);
    }
    assert_eq!(known.lines().count(), now.lines().count());
}

#[test]
fn short_plans_are_told() {
    let is_short = |sql: &str| plan_of(sql).expect(sql).is_short();
    for sql in [
        "SELECT * FROM t WHERE id = 5",
        "SELECT * FROM t WHERE id BETWEEN ? AND ?",
        "SELECT * FROM t WHERE id >= ? ORDER BY id LIMIT ?",
        "SELECT name FROM t WHERE id >= 7 ORDER BY id LIMIT 100 OFFSET 10",
        "SELECT * FROM t WHERE name LIKE '%x%' LIMIT 5",
    ] {
        assert!(is_short(sql), "{sql}");
    }
    for sql in [
        "SELECT * FROM t WHERE name LIKE '%x%'",
        "SELECT * FROM t WHERE name LIKE '%x%' LIMIT 100000",
        "SELECT * FROM t ORDER BY b LIMIT 5",
        "SELECT name, COUNT(*) FROM t GROUP BY name LIMIT 5",
        "SELECT * FROM t WHERE name LIKE '%x%' LIMIT 5 OFFSET 100000",
    ] {
        assert!(!is_short(sql), "{sql}");
    }
}
