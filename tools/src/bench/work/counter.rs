//! Durable additions to counters: each to one of many rows, or all to one.

use super::{Goal, Metric, Round, Workload};
use crate::bench::Setting;
use crate::bench::client::ClientError;
use crate::bench::drive::{self, Clients};
use crate::bench::kind::{Kind, Table};
use crate::bench::side::Side;

const TABLE: &str = "counters";

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    let spread =
        [1, 16, 64].map(|clients| Counter { name: format!("update-{clients}"), clients, hot: false });
    let hot =
        [1, 16, 64].map(|clients| Counter { name: format!("hot-counter-{clients}"), clients, hot: true });
    spread.into_iter().chain(hot).map(|work| Box::new(work) as Box<dyn Workload>).collect()
}

struct Counter {
    name: String,
    clients: usize,
    hot: bool,
}

fn sum(side: &Side) -> Result<i64, String> {
    Ok(side.connect()?.number(&format!("SELECT SUM(n) FROM {TABLE}"))? as i64)
}

impl Workload for Counter {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> String {
        let what = if self.hot { "add to one counter" } else { "add to counters at random" };
        format!("{} client(s) {what}, one durable UPDATE each time", self.clients)
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all = drive::metrics("commit");
        let (mysql, myrocks) = match (self.hot, self.clients) {
            (true, 64) => (15.0, 15.0),
            (true, _) => return all,
            _ => (3.0, 2.5),
        };
        all[0] = all[0]
            .clone()
            .against(Kind::Mysql, Goal::Ratio(mysql))
            .against(Kind::Myrocks, Goal::Ratio(myrocks));
        all
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "made for analytics, one writer at a time".into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        side.load_once(TABLE, |side| {
            let mut client = side.connect()?;
            let table = Table {
                name: TABLE,
                columns: &[("id", "INT NOT NULL"), ("n", "BIGINT NOT NULL")],
                key: &["id"],
                indexes: &[],
                foreign: &[],
            };
            side.make_table(&mut client, &table)?;
            client.insert(TABLE, (1..=setting.rows).map(|id| format!("({id},0)")))?;
            Ok(())
        })
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let before = sum(side)?;
        let load = drive::clients(
            side,
            setting,
            round,
            Clients::new(self.clients),
            |mut client, _| {
                let statement = client.prepare(&format!("UPDATE {TABLE} SET n = n + 1 WHERE id = ?"))?;
                Ok((client, statement))
            },
            |(client, statement), random, _| {
                let id = if self.hot { 1 } else { random.id(setting.rows) };
                match client.execute(statement, &[id.into()])? {
                    1 => Ok(0),
                    other => Err(ClientError::new(format!("an UPDATE of row {id} changed {other} rows"))),
                }
            },
        )?;
        let (acknowledged, arrived) = (load.acknowledged.iter().sum::<u64>() as i64, sum(side)? - before);
        if acknowledged != arrived {
            return Err(format!("WRONG: {acknowledged} additions were acknowledged, {arrived} arrived"));
        }
        Ok(load.round())
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let rows = side.connect()?.number(&format!("SELECT COUNT(*) FROM {TABLE}"))?;
        if rows != f64::from(setting.rows) {
            return Err(format!("{TABLE} has {rows} rows, not {}", setting.rows));
        }
        Ok("every acknowledged addition arrived".into())
    }
}
