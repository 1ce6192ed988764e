//! The same data for both sides: in shape as sysbench's, contents fixed by a seed.

use mysql::Conn;
use mysql::prelude::Queryable;
use std::fmt::Write;

/// Rows of one INSERT.
pub const BATCH_ROWS: u32 = 500;

/// SplitMix64: small, seeded, good enough to pick rows.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 1 to `max`.
    pub fn id(&mut self, max: u32) -> u32 {
        (self.next() % u64::from(max.max(1))) as u32 + 1
    }

    fn digits(&mut self, groups: usize, out: &mut String) {
        for group in 0..groups {
            let dash = if group == 0 { "" } else { "-" };
            let _ = write!(out, "{dash}{:011}", self.next() % 100_000_000_000);
        }
    }
}

/// `CREATE TABLE` of the table that `name` is.
pub fn definition(name: &str) -> String {
    format!(
        "CREATE TABLE {name} (id INT NOT NULL, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '', \
         pad CHAR(60) NOT NULL DEFAULT '', PRIMARY KEY (id), KEY k_1 (k))"
    )
}

/// An INSERT of the rows `first..=last`.
pub fn insert(table: &str, first: u32, last: u32) -> String {
    let mut text = String::with_capacity(220 * (last - first + 1) as usize);
    let _ = write!(text, "INSERT INTO {table} VALUES ");
    for id in first..=last {
        let mut random = Random(u64::from(id));
        let comma = if id == first { "" } else { "," };
        let _ = write!(text, "{comma}({id},{},'", random.next() % 1_000_000);
        random.digits(10, &mut text);
        text.push_str("','");
        random.digits(5, &mut text);
        text.push_str("')");
    }
    text
}

/// The INSERTs of rows 1 to `rows`.
pub fn inserts(table: &str, rows: u32) -> impl Iterator<Item = String> {
    let batches = rows.div_ceil(BATCH_ROWS);
    (0..batches).map(move |batch| {
        let first = batch * BATCH_ROWS + 1;
        insert(table, first, (first + BATCH_ROWS - 1).min(rows))
    })
}

/// Makes the database anew with `rows` rows in `sbtest` and a counter for each in `counters`.
pub fn create(conn: &mut Conn, database: &str, rows: u32) -> mysql::Result<()> {
    conn.query_drop(format!("DROP DATABASE IF EXISTS {database}"))?;
    conn.query_drop(format!("CREATE DATABASE {database}"))?;
    conn.query_drop(format!("USE {database}"))?;
    conn.query_drop(definition("sbtest"))?;
    conn.query_drop("CREATE TABLE counters (id INT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)")?;
    conn.query_drop("START TRANSACTION")?;
    for statement in inserts("sbtest", rows) {
        conn.query_drop(statement)?;
    }
    for first in (1..=rows).step_by(BATCH_ROWS as usize) {
        let last = (first + BATCH_ROWS - 1).min(rows);
        let values: Vec<String> = (first..=last).map(|id| format!("({id},0)")).collect();
        conn.query_drop(format!("INSERT INTO counters VALUES {}", values.join(",")))?;
    }
    conn.query_drop("COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_the_same_each_time_and_complete() {
        let all: Vec<String> = inserts("t", 1_001).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[2], insert("t", 1_001, 1_001));
        assert_eq!(all.iter().map(|text| text.matches("),(").count() + 1).sum::<usize>(), 1_001);
        let mut random = Random(1);
        assert!((0..1000).map(|_| random.id(7)).all(|id| (1..=7).contains(&id)));
    }
}
