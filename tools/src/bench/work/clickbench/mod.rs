//! ClickBench: its 43 queries on generated rows of the shape of its table of visits.

mod data;
mod sql;

use super::queries::{Queries, Query, QuerySet, load_tables};
use super::{Goal, Workload};
use crate::bench::Setting;
use crate::bench::kind::{Kind, Table};
use crate::bench::side::Side;

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Queries::new(Clickbench))]
}

struct Clickbench;

fn rows(setting: &Setting) -> u32 {
    setting.scale.least_or(500, setting.scale.pick(10_000, 100_000, 1_000_000))
}

impl QuerySet for Clickbench {
    fn name(&self) -> &'static str {
        "clickbench"
    }

    fn about(&self) -> String {
        "ClickBench's 43 queries on generated visits: 10,000 rows tiny, 100,000 small, 1 million full".into()
    }

    fn count(&self) -> usize {
        43
    }

    fn queries(&self, kind: Kind, setting: &Setting) -> Vec<Query> {
        sql::queries(kind, rows(setting))
    }

    fn load(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        let columns: Vec<(&str, &str)> = data::columns().iter().map(|(name, ty, _)| (*name, *ty)).collect();
        let hits = Table { name: "hits", columns: &columns, key: &data::KEY, indexes: &[], foreign: &[] };
        load_tables(side, setting, "clickbench", &[hits], |_, out| data::write(rows(setting), out))
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        u64::from(rows(setting)) * 2_000
    }

    fn goals(&self) -> Vec<(Kind, Goal)> {
        vec![(Kind::Mysql, Goal::Ratio(20.0)), (Kind::Duckdb, Goal::Ratio(1.0 / 3.0))]
    }
}
