//! Ourselves with and without an option: what auditing and encryption cost.
//!
//! Both sides are ours: `--against aurora --peer-server-option=--set --peer-server-option=NAME=OFF`.

use super::{Goal, Metric, Round, Workload, sbtest};
use crate::bench::Setting;
use crate::bench::client::ClientError;
use crate::bench::drive::{self, Clients};
use crate::bench::kind::Kind;
use crate::bench::side::Side;

const TABLE: &str = "sbtest1";
const CLIENTS: usize = 8;
/// Of ten statements.
const READS: u32 = 8;
/// MySQL's own names, which say nothing of how our files are kept.
const NOT_OURS: [&str; 6] =
    ["default_table_", "table_encryption_", "innodb_", "binlog_", "block_encryption_", "require_"];

struct Cost {
    name: &'static str,
    /// What the variables of the option are named like.
    like: &'static str,
    least: f64,
}

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![
        Box::new(Cost { name: "audit-cost", like: "audit", least: 0.97 }),
        Box::new(Cost { name: "encryption-cost", like: "encrypt", least: 0.95 }),
    ]
}

impl Cost {
    /// The server's variables for this option with their values.
    fn variables(&self, side: &Side) -> Result<Vec<String>, String> {
        let rows = side.connect()?.query(&format!("SHOW GLOBAL VARIABLES LIKE '%{}%'", self.like))?;
        let text = rows.into_iter().filter_map(|row| {
            let mut cells = row.into_iter().flatten();
            let (name, value) = (cells.next()?, cells.next().unwrap_or_default());
            (!NOT_OURS.iter().any(|theirs| name.starts_with(theirs))).then(|| format!("{name}={value}"))
        });
        Ok(text.collect())
    }
}

impl Workload for Cost {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> String {
        format!("ours against ours with another option: 8 point selects to 2 updates, {CLIENTS} clients")
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all = drive::metrics("statement");
        if let Some(throughput) = all.first_mut() {
            throughput.goals = vec![(Some(Kind::Aurora), Goal::Ratio(self.least))];
        }
        all
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind != Kind::Aurora).then(|| "ours against ours: --against aurora".into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        if self.variables(side)?.is_empty() {
            return Err(format!(
                "the server has no variable named like %{}% that could be turned off",
                self.like
            ));
        }
        sbtest::load(side, setting, TABLE)
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let load = drive::clients(
            side,
            setting,
            round,
            Clients::new(CLIENTS),
            |mut client, _| {
                let select = client.prepare(&format!("SELECT c FROM {TABLE} WHERE id = ?"))?;
                let update = client.prepare(&format!("UPDATE {TABLE} SET c = ? WHERE id = ?"))?;
                Ok((client, select, update))
            },
            |(client, select, update), random, _| {
                let id = sbtest::key(random, setting.rows);
                let rows = if random.id(10) <= READS {
                    client.count(select, &[id.into()])?
                } else {
                    client.execute(update, &[sbtest::c(random).into(), id.into()])?
                };
                if rows == 1 {
                    Ok(0)
                } else {
                    Err(ClientError::new(format!("WRONG: a row came {rows} times")))
                }
            },
        )?;
        let mut round = load.round();
        round.note = Some(self.variables(side)?.join(", "));
        Ok(round)
    }
}
