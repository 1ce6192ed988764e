//! The table of sysbench's OLTP works: its shape, its contents (fixed by a seed), its distribution of keys.

use crate::bench::Setting;
use crate::bench::kind::{Kind, Table};
use crate::bench::random::Random;
use crate::bench::side::Side;
use std::fmt::Write;

/// Uniform draws whose mean is one key of the quarter that is spread wide.
const DRAWS: u32 = 12;
/// One key in four is spread wide; the others fall on the middle hundredth.
const WIDE_ONE_IN: u32 = 4;
const MIDDLE_ONE_IN: u32 = 100;

/// A table of that shape.
pub fn table(name: &str) -> Table<'_> {
    Table {
        name,
        columns: &[
            ("id", "INT NOT NULL AUTO_INCREMENT"),
            ("k", "INT NOT NULL DEFAULT 0"),
            ("c", "CHAR(120) NOT NULL DEFAULT ''"),
            ("pad", "CHAR(60) NOT NULL DEFAULT ''"),
        ],
        key: &["id"],
        indexes: &[("k_1", &["k"])],
        foreign: &[],
    }
}

fn digits(random: &mut Random, groups: usize) -> String {
    let mut out = String::with_capacity(groups * 12);
    for group in 0..groups {
        let dash = if group == 0 { "" } else { "-" };
        let _ = write!(out, "{dash}{:011}", random.next() % 100_000_000_000);
    }
    out
}

/// A value of the column `c`: ten groups of eleven digits.
pub fn c(random: &mut Random) -> String {
    digits(random, 10)
}

/// A value of the column `pad`: five groups.
pub fn pad(random: &mut Random) -> String {
    digits(random, 5)
}

/// A key as sysbench's default, `special`, draws it.
pub fn key(random: &mut Random, rows: u32) -> u32 {
    if random.id(WIDE_ONE_IN) == 1 {
        let sum: u64 = (0..DRAWS).map(|_| u64::from(random.id(rows) - 1)).sum();
        (sum / u64::from(DRAWS)) as u32 + 1
    } else {
        let width = (rows / MIDDLE_ONE_IN).max(1);
        rows / 2 - width / 2 + random.id(width)
    }
}

/// The values of row `id`, in the table's order.
pub fn row(id: u32, rows: u32) -> (u32, String, String) {
    let mut random = Random(u64::from(id));
    (key(&mut random, rows), c(&mut random), pad(&mut random))
}

/// Makes and fills a table of `setting.rows` rows, once.
pub fn load(side: &mut Side, setting: &Setting, name: &str) -> Result<(), String> {
    let rows = setting.rows;
    side.load_once(name, |side| {
        let mut client = side.connect()?;
        side.make_table(&mut client, &table(name))?;
        let values = (1..=rows).map(|id| {
            let (k, c, pad) = row(id, rows);
            format!("({id},{k},'{c}','{pad}')")
        });
        client.insert(name, values)?;
        if side.kind == Kind::Postgres {
            // Rows that brought their ids have not moved it.
            client.query(&format!("SELECT setval(pg_get_serial_sequence('{name}', 'id'), {rows})"))?;
        }
        if let Some(sql) = side.kind.analyze(name) {
            client.query(&sql)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_on_the_middle() {
        let mut random = Random(1);
        let keys: Vec<u32> = (0..20_000).map(|_| key(&mut random, 100_000)).collect();
        assert!(keys.iter().all(|key| (1..=100_000).contains(key)));
        let middle = keys.iter().filter(|key| (49_500..=50_501).contains(*key)).count();
        assert!((14_500..16_500).contains(&middle), "{middle}");
        assert!((1..50).all(|_| key(&mut random, 1) == 1));
        assert_eq!((row(7, 10), row(7, 10).1.len(), row(7, 10).2.len()), (row(7, 10), 119, 59));
    }
}
