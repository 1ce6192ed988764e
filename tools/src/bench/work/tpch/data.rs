//! TPC-H's tables and their rows, as the specification's generator makes them.

use crate::bench::kind::Table;
use std::fmt::Display;
use std::io::{self, Write};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

/// The tables, those that others refer to first.
pub const TABLES: [Table<'static>; 8] = [
    Table {
        name: "region",
        columns: &[
            ("r_regionkey", "INT NOT NULL"),
            ("r_name", "CHAR(25) NOT NULL"),
            ("r_comment", "VARCHAR(152)"),
        ],
        key: &["r_regionkey"],
        indexes: &[],
        foreign: &[],
    },
    Table {
        name: "nation",
        columns: &[
            ("n_nationkey", "INT NOT NULL"),
            ("n_name", "CHAR(25) NOT NULL"),
            ("n_regionkey", "INT NOT NULL"),
            ("n_comment", "VARCHAR(152)"),
        ],
        key: &["n_nationkey"],
        indexes: &[],
        foreign: &[(&["n_regionkey"], "region", &["r_regionkey"])],
    },
    Table {
        name: "part",
        columns: &[
            ("p_partkey", "INT NOT NULL"),
            ("p_name", "VARCHAR(55) NOT NULL"),
            ("p_mfgr", "CHAR(25) NOT NULL"),
            ("p_brand", "CHAR(10) NOT NULL"),
            ("p_type", "VARCHAR(25) NOT NULL"),
            ("p_size", "INT NOT NULL"),
            ("p_container", "CHAR(10) NOT NULL"),
            ("p_retailprice", "DECIMAL(15,2) NOT NULL"),
            ("p_comment", "VARCHAR(23) NOT NULL"),
        ],
        key: &["p_partkey"],
        indexes: &[],
        foreign: &[],
    },
    Table {
        name: "supplier",
        columns: &[
            ("s_suppkey", "INT NOT NULL"),
            ("s_name", "CHAR(25) NOT NULL"),
            ("s_address", "VARCHAR(40) NOT NULL"),
            ("s_nationkey", "INT NOT NULL"),
            ("s_phone", "CHAR(15) NOT NULL"),
            ("s_acctbal", "DECIMAL(15,2) NOT NULL"),
            ("s_comment", "VARCHAR(101) NOT NULL"),
        ],
        key: &["s_suppkey"],
        indexes: &[],
        foreign: &[(&["s_nationkey"], "nation", &["n_nationkey"])],
    },
    Table {
        name: "partsupp",
        columns: &[
            ("ps_partkey", "INT NOT NULL"),
            ("ps_suppkey", "INT NOT NULL"),
            ("ps_availqty", "INT NOT NULL"),
            ("ps_supplycost", "DECIMAL(15,2) NOT NULL"),
            ("ps_comment", "VARCHAR(199) NOT NULL"),
        ],
        key: &["ps_partkey", "ps_suppkey"],
        indexes: &[],
        foreign: &[(&["ps_partkey"], "part", &["p_partkey"]), (&["ps_suppkey"], "supplier", &["s_suppkey"])],
    },
    Table {
        name: "customer",
        columns: &[
            ("c_custkey", "INT NOT NULL"),
            ("c_name", "VARCHAR(25) NOT NULL"),
            ("c_address", "VARCHAR(40) NOT NULL"),
            ("c_nationkey", "INT NOT NULL"),
            ("c_phone", "CHAR(15) NOT NULL"),
            ("c_acctbal", "DECIMAL(15,2) NOT NULL"),
            ("c_mktsegment", "CHAR(10) NOT NULL"),
            ("c_comment", "VARCHAR(117) NOT NULL"),
        ],
        key: &["c_custkey"],
        indexes: &[],
        foreign: &[(&["c_nationkey"], "nation", &["n_nationkey"])],
    },
    Table {
        name: "orders",
        columns: &[
            ("o_orderkey", "INT NOT NULL"),
            ("o_custkey", "INT NOT NULL"),
            ("o_orderstatus", "CHAR(1) NOT NULL"),
            ("o_totalprice", "DECIMAL(15,2) NOT NULL"),
            ("o_orderdate", "DATE NOT NULL"),
            ("o_orderpriority", "CHAR(15) NOT NULL"),
            ("o_clerk", "CHAR(15) NOT NULL"),
            ("o_shippriority", "INT NOT NULL"),
            ("o_comment", "VARCHAR(79) NOT NULL"),
        ],
        key: &["o_orderkey"],
        indexes: &[],
        foreign: &[(&["o_custkey"], "customer", &["c_custkey"])],
    },
    Table {
        name: "lineitem",
        columns: &[
            ("l_orderkey", "INT NOT NULL"),
            ("l_partkey", "INT NOT NULL"),
            ("l_suppkey", "INT NOT NULL"),
            ("l_linenumber", "INT NOT NULL"),
            ("l_quantity", "DECIMAL(15,2) NOT NULL"),
            ("l_extendedprice", "DECIMAL(15,2) NOT NULL"),
            ("l_discount", "DECIMAL(15,2) NOT NULL"),
            ("l_tax", "DECIMAL(15,2) NOT NULL"),
            ("l_returnflag", "CHAR(1) NOT NULL"),
            ("l_linestatus", "CHAR(1) NOT NULL"),
            ("l_shipdate", "DATE NOT NULL"),
            ("l_commitdate", "DATE NOT NULL"),
            ("l_receiptdate", "DATE NOT NULL"),
            ("l_shipinstruct", "CHAR(25) NOT NULL"),
            ("l_shipmode", "CHAR(10) NOT NULL"),
            ("l_comment", "VARCHAR(44) NOT NULL"),
        ],
        key: &["l_orderkey", "l_linenumber"],
        indexes: &[],
        foreign: &[
            (&["l_orderkey"], "orders", &["o_orderkey"]),
            (&["l_partkey", "l_suppkey"], "partsupp", &["ps_partkey", "ps_suppkey"]),
        ],
    },
];

/// Writes the rows of one table as tab-separated lines; no value has a tab, a bar or a backslash. Of the orders and their lines
/// the first of so many parts; the generator's other keys are unique from scale factor 0.01 on only.
pub fn write(table: &str, scale_factor: f64, parts: i32, out: &mut dyn Write) -> io::Result<()> {
    match table {
        "region" => lines(RegionGenerator::new(scale_factor, 1, 1).iter(), out),
        "nation" => lines(NationGenerator::new(scale_factor, 1, 1).iter(), out),
        "part" => lines(PartGenerator::new(scale_factor, 1, 1).iter(), out),
        "supplier" => lines(SupplierGenerator::new(scale_factor, 1, 1).iter(), out),
        "partsupp" => lines(PartSuppGenerator::new(scale_factor, 1, 1).iter(), out),
        "customer" => lines(CustomerGenerator::new(scale_factor, 1, 1).iter(), out),
        "orders" => lines(OrderGenerator::new(scale_factor, 1, parts).iter(), out),
        "lineitem" => lines(LineItemGenerator::new(scale_factor, 1, parts).iter(), out),
        other => Err(io::Error::other(format!("TPC-H has no table {other}"))),
    }
}

/// The generator separates by bars and ends each line with one.
fn lines(rows: impl Iterator<Item = impl Display>, out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        let line = row.to_string();
        writeln!(out, "{}", line.strip_suffix('|').unwrap_or(&line).replace('|', "\t"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_rows_of_its_columns() {
        for table in &TABLES {
            let mut out = Vec::new();
            write(table.name, 0.001, 2, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let line = text.lines().next().unwrap();
            assert_eq!(line.split('\t').count(), table.columns.len(), "{}: {line}", table.name);
            assert!(!text.contains('\\'), "{}", table.name);
        }
    }
}
