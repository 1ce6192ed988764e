//! TPC-C: the five transactions in the standard mix, without think time, and the consistency conditions afterwards.

mod conditions;
mod data;
mod terminal;

use super::queries::load_tables;
use super::{Better, Goal, Metric, Round, Workload};
use crate::bench::Setting;
use crate::bench::drive::{self, Clients};
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use data::{DISTRICTS, Size};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use terminal::{End, Terminal};

const CLASSES: usize = 5;

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Tpcc { orders: Mutex::default() })]
}

struct Tpcc {
    /// New orders that were acknowledged, by side.
    orders: Mutex<HashMap<String, u64>>,
}

fn size(setting: &Setting) -> Size {
    let tiny = setting.scale.least_or(
        Size { warehouses: 1, items: 200, customers: 30 },
        Size { warehouses: 1, items: 1_000, customers: 60 },
    );
    setting.scale.pick(
        tiny,
        Size { warehouses: 1, items: 100_000, customers: 3_000 },
        Size { warehouses: 10, items: 100_000, customers: 3_000 },
    )
}

fn terminals(setting: &Setting) -> usize {
    setting.scale.pick(4, 8, 16)
}

impl Workload for Tpcc {
    fn name(&self) -> &str {
        "tpcc"
    }

    fn about(&self) -> String {
        "TPC-C: 1 small warehouse and 4 terminals tiny, 1 and 8 small, 10 and 16 full; no think time, foreign keys".into()
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        size(setting).warehouses.unsigned_abs() * 400_000_000
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all = vec![
            Metric::new("tpmC", "new orders/min", Better::More)
                .against(Kind::Mysql, Goal::Ratio(3.0))
                .against(Kind::Myrocks, Goal::Ratio(2.5)),
            Metric::new("New-Order p99", "µs", Better::Less)
                .against(Kind::Mysql, Goal::Ratio(1.0))
                .against(Kind::Myrocks, Goal::Ratio(1.0)),
        ];
        all.extend(drive::metrics("transaction"));
        all
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "made for analytics, one writer at a time".into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        load_tables(side, setting, "tpcc", &data::TABLES, |table, out| data::write(table, size(setting), out))
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let committed = AtomicU64::new(0);
        let load = drive::clients(
            side,
            setting,
            round,
            Clients { count: terminals(setting), classes: CLASSES },
            |client, number| Terminal::open(client, number, size(setting)),
            |terminal, random, _| {
                Ok(match terminal.step(random)? {
                    End::RolledBack => terminal::Kind::NewOrder as usize,
                    End::Committed(kind) => {
                        committed.fetch_add(u64::from(kind == terminal::Kind::NewOrder), Ordering::Relaxed);
                        kind as usize
                    }
                })
            },
        )?;
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        *orders.entry(side.name.clone()).or_default() += committed.into_inner();
        let news = load.done.first().copied().unwrap_or(0) as f64;
        let p99 = load.latencies.first().map_or(0, |latencies| latencies.value_at_percentile(99.0));
        let mix = terminal::mix(&load.done);
        let mut round = load.round();
        round.note = Some(round.note.map_or(mix.clone(), |note| format!("{mix}, {note}")));
        round.values.insert(0, Ok(news * 60.0 / load.seconds));
        round.values.insert(1, Ok(p99 as f64));
        Ok(round)
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let mut client = side.connect()?;
        let size = size(setting);
        for (number, sql) in conditions::all(size) {
            let broken =
                client.number(&sql).map_err(|error| format!("consistency condition {number}: {error}"))?;
            if broken != 0.0 {
                return Err(format!("consistency condition {number} is broken {broken} times"));
            }
        }
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let acknowledged = orders.get(&side.name).copied().unwrap_or(0);
        let expected = (size.warehouses * DISTRICTS * size.customers) as f64 + acknowledged as f64;
        let found = client.number("SELECT COUNT(*) FROM orders")?;
        if found != expected {
            return Err(format!("{found} orders were found, {expected} acknowledged"));
        }
        Ok("consistency conditions 1 to 12 hold, every acknowledged order was found".into())
    }

    fn cleanup(&self, side: &mut Side, _: &Setting) -> Result<(), String> {
        side.forget("tpcc");
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).remove(&side.name);
        let mut client = side.connect()?;
        for table in data::TABLES.iter().rev() {
            client.exec(&format!("DROP TABLE IF EXISTS {}", side.kind.quoted(table.name)))?;
        }
        Ok(())
    }
}
