//! TPC-H: its tables with their keys, its 22 queries one after the other on one connection.

mod data;
mod sql;

use super::queries::{Queries, Query, QuerySet, load_tables};
use super::{Goal, Workload};
use crate::bench::Setting;
use crate::bench::kind::Kind;
use crate::bench::side::Side;

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Queries::new(Tpch))]
}

struct Tpch;

fn scale_factor(setting: &Setting) -> f64 {
    setting.scale.pick(0.01, 0.1, 1.0)
}

impl QuerySet for Tpch {
    fn name(&self) -> &'static str {
        "tpch"
    }

    fn about(&self) -> String {
        "TPC-H's 22 queries, scale factor 0.01 tiny, 0.1 small, 1 full; keys and foreign keys; answers compared".into()
    }

    fn count(&self) -> usize {
        22
    }

    fn queries(&self, _: Kind, setting: &Setting) -> Vec<Query> {
        sql::queries(scale_factor(setting)).into_iter().map(Query::new).collect()
    }

    fn load(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        load_tables(side, setting, "tpch", &data::TABLES, |table, out| {
            data::write(table, scale_factor(setting), setting.scale.least_or(10, 1), out)
        })
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        (scale_factor(setting) * 4e9) as u64
    }

    fn goals(&self) -> Vec<(Kind, Goal)> {
        vec![
            (Kind::Mysql, Goal::Ratio(20.0)),
            (Kind::Postgres, Goal::Ratio(5.0)),
            (Kind::Duckdb, Goal::Ratio(0.5)),
        ]
    }
}
