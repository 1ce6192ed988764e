//! What clients are told about columns, as MySQL 9.7 tells it.

mod common;

use common::plan_of;

fn metas(sql: &str) -> Vec<String> {
    let plan = plan_of(sql).unwrap_or_else(|error| panic!("{error}"));
    plan.columns
        .iter()
        .map(|c| {
            format!(
                "{}|{}|{}|{}|{}|{:?}|{}|{}|{}",
                c.name,
                c.org_name,
                c.schema,
                c.table,
                c.org_table,
                c.ty.base,
                c.ty.length,
                c.ty.decimals,
                c.flags.0
            )
        })
        .collect()
}

#[test]
fn columns_and_expressions() {
    let sql = "SELECT id, x.a AS aa, name, a + 1, 'x', 1.5, NULL, COUNT(*) FROM t x GROUP BY id";
    let expected = [
        "id|id|d|x|t|Int|11|0|53251",
        "aa|a|d|x|t|Int|11|0|49160",
        "name|name|d|x|t|VarChar|20|0|16388",
        "a + 1|||||BigInt|12|0|32896",
        "x|||||VarChar|1|31|1",
        "1.5|||||Decimal|2|1|32897",
        "NULL|||||Null|0|0|32896",
        "COUNT(*)|||||BigInt|21|0|32897",
    ];
    assert_eq!(metas(sql), expected);
}

#[test]
fn views_and_derived_tables() {
    assert_eq!(metas("SELECT i, v.a FROM v"), ["i|i|d|v|v|Int|11|0|53251", "a|a|d|v|v|Int|11|0|49160"]);
    let derived = "SELECT s.a, s.n FROM (SELECT a, COUNT(*) n FROM t GROUP BY a) s";
    assert_eq!(metas(derived), ["a|a|d|s|t|Int|11|0|32768", "n|n||s||BigInt|21|0|32769"]);
    let union = "SELECT * FROM (SELECT a, COUNT(*) n FROM t GROUP BY a) s UNION SELECT 1, 2";
    assert_eq!(metas(union), ["a|||||BigInt|11|0|32768", "n|||||BigInt|21|0|32769"]);
}
