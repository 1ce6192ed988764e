//! TPC-C's nine tables and their first rows, fixed by a seed.

use crate::bench::kind::Table;
use crate::bench::random::Random;
use std::io::{self, Write};

/// How much data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub warehouses: i64,
    /// 100,000 by the specification; fewer at tiny scale.
    pub items: i64,
    /// In each district, and as many orders: 3,000 by the specification.
    pub customers: i64,
}

pub const DISTRICTS: i64 = 10;
/// What every customer has paid at first.
const FIRST_PAYMENT: i64 = 10;
const LOADED: &str = "2026-01-01 00:00:00";
const SYLLABLES: [&str; 10] =
    ["BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"];
/// Constants of the random keys, the same for load and run.
const C_LAST: i64 = 123;
const C_ID: i64 = 259;
const I_ID: i64 = 7911;

pub const TABLES: [Table<'static>; 9] = [
    Table {
        name: "warehouse",
        columns: &[
            ("w_id", "INT NOT NULL"),
            ("w_name", "VARCHAR(10)"),
            ("w_street_1", "VARCHAR(20)"),
            ("w_street_2", "VARCHAR(20)"),
            ("w_city", "VARCHAR(20)"),
            ("w_state", "CHAR(2)"),
            ("w_zip", "CHAR(9)"),
            ("w_tax", "DECIMAL(4,4)"),
            ("w_ytd", "DECIMAL(12,2)"),
        ],
        key: &["w_id"],
        indexes: &[],
        foreign: &[],
    },
    Table {
        name: "district",
        columns: &[
            ("d_id", "INT NOT NULL"),
            ("d_w_id", "INT NOT NULL"),
            ("d_name", "VARCHAR(10)"),
            ("d_street_1", "VARCHAR(20)"),
            ("d_street_2", "VARCHAR(20)"),
            ("d_city", "VARCHAR(20)"),
            ("d_state", "CHAR(2)"),
            ("d_zip", "CHAR(9)"),
            ("d_tax", "DECIMAL(4,4)"),
            ("d_ytd", "DECIMAL(12,2)"),
            ("d_next_o_id", "INT"),
        ],
        key: &["d_w_id", "d_id"],
        indexes: &[],
        foreign: &[(&["d_w_id"], "warehouse", &["w_id"])],
    },
    Table {
        name: "customer",
        columns: &[
            ("c_id", "INT NOT NULL"),
            ("c_d_id", "INT NOT NULL"),
            ("c_w_id", "INT NOT NULL"),
            ("c_first", "VARCHAR(16)"),
            ("c_middle", "CHAR(2)"),
            ("c_last", "VARCHAR(16)"),
            ("c_street_1", "VARCHAR(20)"),
            ("c_city", "VARCHAR(20)"),
            ("c_state", "CHAR(2)"),
            ("c_zip", "CHAR(9)"),
            ("c_phone", "CHAR(16)"),
            ("c_since", "DATETIME"),
            ("c_credit", "CHAR(2)"),
            ("c_credit_lim", "DECIMAL(12,2)"),
            ("c_discount", "DECIMAL(4,4)"),
            ("c_balance", "DECIMAL(12,2)"),
            ("c_ytd_payment", "DECIMAL(12,2)"),
            ("c_payment_cnt", "INT"),
            ("c_delivery_cnt", "INT"),
            ("c_data", "VARCHAR(500)"),
        ],
        key: &["c_w_id", "c_d_id", "c_id"],
        indexes: &[("by_name", &["c_w_id", "c_d_id", "c_last", "c_first"])],
        foreign: &[(&["c_w_id", "c_d_id"], "district", &["d_w_id", "d_id"])],
    },
    Table {
        name: "history",
        columns: &[
            ("h_c_id", "INT"),
            ("h_c_d_id", "INT"),
            ("h_c_w_id", "INT"),
            ("h_d_id", "INT"),
            ("h_w_id", "INT"),
            ("h_date", "DATETIME"),
            ("h_amount", "DECIMAL(6,2)"),
            ("h_data", "VARCHAR(24)"),
        ],
        key: &[],
        indexes: &[],
        foreign: &[
            (&["h_c_w_id", "h_c_d_id", "h_c_id"], "customer", &["c_w_id", "c_d_id", "c_id"]),
            (&["h_w_id", "h_d_id"], "district", &["d_w_id", "d_id"]),
        ],
    },
    Table {
        name: "orders",
        columns: &[
            ("o_id", "INT NOT NULL"),
            ("o_d_id", "INT NOT NULL"),
            ("o_w_id", "INT NOT NULL"),
            ("o_c_id", "INT"),
            ("o_entry_d", "DATETIME"),
            ("o_carrier_id", "INT"),
            ("o_ol_cnt", "INT"),
            ("o_all_local", "INT"),
        ],
        key: &["o_w_id", "o_d_id", "o_id"],
        indexes: &[("by_customer", &["o_w_id", "o_d_id", "o_c_id", "o_id"])],
        foreign: &[(&["o_w_id", "o_d_id", "o_c_id"], "customer", &["c_w_id", "c_d_id", "c_id"])],
    },
    Table {
        name: "new_order",
        columns: &[("no_o_id", "INT NOT NULL"), ("no_d_id", "INT NOT NULL"), ("no_w_id", "INT NOT NULL")],
        key: &["no_w_id", "no_d_id", "no_o_id"],
        indexes: &[],
        foreign: &[(&["no_w_id", "no_d_id", "no_o_id"], "orders", &["o_w_id", "o_d_id", "o_id"])],
    },
    Table {
        name: "item",
        columns: &[
            ("i_id", "INT NOT NULL"),
            ("i_im_id", "INT"),
            ("i_name", "VARCHAR(24)"),
            ("i_price", "DECIMAL(5,2)"),
            ("i_data", "VARCHAR(50)"),
        ],
        key: &["i_id"],
        indexes: &[],
        foreign: &[],
    },
    Table {
        name: "stock",
        columns: &[
            ("s_i_id", "INT NOT NULL"),
            ("s_w_id", "INT NOT NULL"),
            ("s_quantity", "INT"),
            ("s_dist_01", "CHAR(24)"),
            ("s_dist_02", "CHAR(24)"),
            ("s_dist_03", "CHAR(24)"),
            ("s_dist_04", "CHAR(24)"),
            ("s_dist_05", "CHAR(24)"),
            ("s_dist_06", "CHAR(24)"),
            ("s_dist_07", "CHAR(24)"),
            ("s_dist_08", "CHAR(24)"),
            ("s_dist_09", "CHAR(24)"),
            ("s_dist_10", "CHAR(24)"),
            ("s_ytd", "INT"),
            ("s_order_cnt", "INT"),
            ("s_remote_cnt", "INT"),
            ("s_data", "VARCHAR(50)"),
        ],
        key: &["s_w_id", "s_i_id"],
        indexes: &[],
        foreign: &[(&["s_w_id"], "warehouse", &["w_id"]), (&["s_i_id"], "item", &["i_id"])],
    },
    Table {
        name: "order_line",
        columns: &[
            ("ol_o_id", "INT NOT NULL"),
            ("ol_d_id", "INT NOT NULL"),
            ("ol_w_id", "INT NOT NULL"),
            ("ol_number", "INT NOT NULL"),
            ("ol_i_id", "INT"),
            ("ol_supply_w_id", "INT"),
            ("ol_delivery_d", "DATETIME"),
            ("ol_quantity", "INT"),
            ("ol_amount", "DECIMAL(6,2)"),
            ("ol_dist_info", "CHAR(24)"),
        ],
        key: &["ol_w_id", "ol_d_id", "ol_o_id", "ol_number"],
        indexes: &[],
        foreign: &[
            (&["ol_w_id", "ol_d_id", "ol_o_id"], "orders", &["o_w_id", "o_d_id", "o_id"]),
            (&["ol_supply_w_id", "ol_i_id"], "stock", &["s_w_id", "s_i_id"]),
        ],
    },
];

/// The specification's skewed draw from `low` to `high`.
fn skewed(random: &mut Random, a: i64, c: i64, low: i64, high: i64) -> i64 {
    ((random.between(0, a) | random.between(low, high)) + c) % (high - low + 1) + low
}

impl Size {
    pub fn customer(self, random: &mut Random) -> i64 {
        skewed(random, 1023, C_ID, 1, self.customers)
    }

    pub fn item(self, random: &mut Random) -> i64 {
        skewed(random, 8191, I_ID, 1, self.items)
    }

    /// A last name that customers have.
    pub fn name(self, random: &mut Random) -> String {
        name(skewed(random, 255, C_LAST, 0, self.customers.min(1_000) - 1))
    }
}

fn name(number: i64) -> String {
    [number / 100, number / 10 % 10, number % 10]
        .map(|digit| {
            usize::try_from(digit).ok().and_then(|digit| SYLLABLES.get(digit)).copied().unwrap_or("")
        })
        .concat()
}

fn text(random: &mut Random, low: i64, high: i64) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |random: &mut Random| char::from(LETTERS[(random.next() % 36) as usize]);
    (0..random.between(low, high)).map(|_| letter(random)).collect()
}

/// One in ten is marked.
fn data(random: &mut Random) -> String {
    let text = text(random, 26, 42);
    if random.id(10) == 1 { format!("{text}ORIGINAL") } else { text }
}

fn tax(random: &mut Random) -> String {
    format!("0.{:04}", random.between(0, 2000))
}

fn address(random: &mut Random) -> String {
    let street = text(random, 10, 20);
    format!("{street}\t{}\tCA\t{:04}11111", text(random, 10, 20), random.between(0, 9999))
}

/// How many of a district's first orders have been delivered: 2,100 of 3,000.
pub fn delivered(size: Size) -> i64 {
    size.customers * 7 / 10
}

/// Lines of an order, the same wherever they are asked for.
fn lines(w: i64, d: i64, o: i64) -> i64 {
    Random((w * 100 + d) as u64 * 1_000_003 + o as u64).between(5, 15)
}

/// The customers of a district's orders: each has one, in an order that the seed shuffles.
fn customers(size: Size, w: i64, d: i64) -> Vec<i64> {
    let mut all: Vec<i64> = (1..=size.customers).collect();
    let mut random = Random((w * 100 + d) as u64);
    for at in (1..all.len()).rev() {
        all.swap(at, (random.next() % (at as u64 + 1)) as usize);
    }
    all
}

/// Writes the first rows of a table, tab-separated.
pub fn write(table: &str, size: Size, out: &mut dyn Write) -> io::Result<()> {
    let random = &mut Random(table.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte)));
    let districts = || (1..=size.warehouses).flat_map(|w| (1..=DISTRICTS).map(move |d| (w, d)));
    match table {
        "warehouse" => {
            for w in 1..=size.warehouses {
                let ytd = FIRST_PAYMENT * size.customers * DISTRICTS;
                let street = text(random, 10, 20);
                writeln!(out, "{w}\tw{w}\t{street}\t{}\t{}\t{ytd}", address(random), tax(random))?;
            }
        }
        "district" => {
            for (w, d) in districts() {
                let (ytd, next) = (FIRST_PAYMENT * size.customers, size.customers + 1);
                let street = text(random, 10, 20);
                writeln!(
                    out,
                    "{d}\t{w}\td{d}\t{street}\t{}\t{}\t{ytd}\t{next}",
                    address(random),
                    tax(random)
                )?;
            }
        }
        "customer" => {
            for (w, d) in districts() {
                for c in 1..=size.customers {
                    let last = if c <= 1_000 { name(c - 1) } else { size.name(random) };
                    let credit = if random.id(10) == 1 { "BC" } else { "GC" };
                    writeln!(
                        out,
                        "{c}\t{d}\t{w}\t{}\tOE\t{last}\t{}\t{:016}\t{LOADED}\t{credit}\t50000\t0.{:04}\t-{FIRST_PAYMENT}\t{FIRST_PAYMENT}\t1\t0\t{}",
                        text(random, 8, 16),
                        address(random),
                        random.next() % 10_000_000_000_000_000,
                        random.between(0, 5000),
                        text(random, 300, 500)
                    )?;
                }
            }
        }
        "history" => {
            for (w, d) in districts() {
                for c in 1..=size.customers {
                    let text = text(random, 12, 24);
                    writeln!(out, "{c}\t{d}\t{w}\t{d}\t{w}\t{LOADED}\t{FIRST_PAYMENT}\t{text}")?;
                }
            }
        }
        "orders" => {
            for (w, d) in districts() {
                for (o, c) in (1..).zip(customers(size, w, d)) {
                    let carrier = random.between(1, 10).to_string();
                    let carrier = if o <= delivered(size) { carrier.as_str() } else { "\\N" };
                    writeln!(out, "{o}\t{d}\t{w}\t{c}\t{LOADED}\t{carrier}\t{}\t1", lines(w, d, o))?;
                }
            }
        }
        "new_order" => {
            for (w, d) in districts() {
                for o in delivered(size) + 1..=size.customers {
                    writeln!(out, "{o}\t{d}\t{w}")?;
                }
            }
        }
        "item" => {
            for i in 1..=size.items {
                let cents = random.between(100, 10_000);
                let (im, name) = (random.between(1, 10_000), text(random, 14, 24));
                writeln!(out, "{i}\t{im}\t{name}\t{}.{:02}\t{}", cents / 100, cents % 100, data(random))?;
            }
        }
        "stock" => {
            for w in 1..=size.warehouses {
                for i in 1..=size.items {
                    write!(out, "{i}\t{w}\t{}", random.between(10, 100))?;
                    for _ in 0..DISTRICTS {
                        write!(out, "\t{}", text(random, 24, 24))?;
                    }
                    writeln!(out, "\t0\t0\t0\t{}", data(random))?;
                }
            }
        }
        "order_line" => {
            for (w, d) in districts() {
                for o in 1..=size.customers {
                    for line in 1..=lines(w, d, o) {
                        let (item, info) = (random.between(1, size.items), text(random, 24, 24));
                        let cents = random.between(1, 999_999);
                        let (date, cents) = if o <= delivered(size) { (LOADED, 0) } else { ("\\N", cents) };
                        let amount = format!("{}.{:02}", cents / 100, cents % 100);
                        writeln!(out, "{o}\t{d}\t{w}\t{line}\t{item}\t{w}\t{date}\t5\t{amount}\t{info}")?;
                    }
                }
            }
        }
        other => return Err(io::Error::other(format!("TPC-C has no table {other}"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_tables_columns() {
        let size = Size { warehouses: 2, items: 20, customers: 10 };
        for table in &TABLES {
            let mut out = Vec::new();
            write(table.name, size, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            for line in text.lines() {
                assert_eq!(line.split('\t').count(), table.columns.len(), "{}: {line}", table.name);
            }
        }
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let size = Size { warehouses: 1, items: 1_000, customers: 60 };
        let random = &mut Random(1);
        assert!((0..1_000).all(|_| (1..=60).contains(&size.customer(random))));
        assert!((0..1_000).all(|_| (1..=1_000).contains(&size.item(random))));
        let names: Vec<String> = (0..60).map(name).collect();
        assert!((0..1_000).all(|_| names.contains(&size.name(random))));
        assert_eq!(name(371), "PRICALLYOUGHT");
        let mut all = customers(size, 1, 1);
        all.sort_unstable();
        assert_eq!(all, (1..=60).collect::<Vec<_>>());
    }
}
