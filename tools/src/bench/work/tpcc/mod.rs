//! TPC-C: the five transactions in the standard mix, without think time, and the consistency conditions afterwards.

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
    setting.scale.pick(
        Size { warehouses: 1, items: 1_000, customers: 60 },
        Size { warehouses: 1, items: 100_000, customers: 3_000 },
        Size { warehouses: 10, items: 100_000, customers: 3_000 },
    )
}

fn terminals(setting: &Setting) -> usize {
    setting.scale.pick(4, 8, 16)
}

/// The specification's consistency conditions by their numbers: queries that count what breaks them.
const CONDITIONS: [(&str, &str); 10] = [
    (
        "1",
        "SELECT COUNT(*) FROM warehouse, (SELECT d_w_id, SUM(d_ytd) AS total FROM district GROUP BY d_w_id) AS d \
         WHERE d_w_id = w_id AND w_ytd <> total",
    ),
    (
        "2",
        "SELECT COUNT(*) FROM district, (SELECT o_w_id, o_d_id, MAX(o_id) AS last FROM orders GROUP BY o_w_id, o_d_id) AS o \
         WHERE o_w_id = d_w_id AND o_d_id = d_id AND d_next_o_id - 1 <> last",
    ),
    (
        "2",
        "SELECT COUNT(*) FROM district, \
         (SELECT no_w_id, no_d_id, MAX(no_o_id) AS last FROM new_order GROUP BY no_w_id, no_d_id) AS o \
         WHERE no_w_id = d_w_id AND no_d_id = d_id AND d_next_o_id - 1 <> last",
    ),
    (
        "3",
        "SELECT COUNT(*) FROM (SELECT no_w_id, no_d_id FROM new_order GROUP BY no_w_id, no_d_id \
         HAVING MAX(no_o_id) - MIN(no_o_id) + 1 <> COUNT(*)) AS broken",
    ),
    (
        "4",
        "SELECT COUNT(*) FROM (SELECT o_w_id, o_d_id, SUM(o_ol_cnt) AS told FROM orders GROUP BY o_w_id, o_d_id) AS o, \
         (SELECT ol_w_id, ol_d_id, COUNT(*) AS found FROM order_line GROUP BY ol_w_id, ol_d_id) AS l \
         WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND told <> found",
    ),
    (
        "5",
        "SELECT COUNT(*) FROM orders LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id \
         WHERE (o_carrier_id IS NULL AND no_o_id IS NULL) OR (o_carrier_id IS NOT NULL AND no_o_id IS NOT NULL)",
    ),
    (
        "6",
        "SELECT COUNT(*) FROM orders, \
         (SELECT ol_w_id, ol_d_id, ol_o_id, COUNT(*) AS found FROM order_line GROUP BY ol_w_id, ol_d_id, ol_o_id) AS l \
         WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id AND o_ol_cnt <> found",
    ),
    (
        "7",
        "SELECT COUNT(*) FROM orders, order_line WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id \
         AND ((ol_delivery_d IS NULL AND o_carrier_id IS NOT NULL) OR (ol_delivery_d IS NOT NULL AND o_carrier_id IS NULL))",
    ),
    (
        "8",
        "SELECT COUNT(*) FROM warehouse, (SELECT h_w_id, SUM(h_amount) AS total FROM history GROUP BY h_w_id) AS h \
         WHERE h_w_id = w_id AND w_ytd <> total",
    ),
    (
        "9",
        "SELECT COUNT(*) FROM district, \
         (SELECT h_w_id, h_d_id, SUM(h_amount) AS total FROM history GROUP BY h_w_id, h_d_id) AS h \
         WHERE h_w_id = d_w_id AND h_d_id = d_id AND d_ytd <> total",
    ),
];

impl Workload for Tpcc {
    fn name(&self) -> &str {
        "tpcc"
    }

    fn about(&self) -> String {
        "TPC-C: 1 small warehouse and 4 terminals tiny, 1 and 8 small, 10 and 16 full; no think time, foreign keys".into()
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
        let mut round = load.round();
        round.values.insert(0, Ok(news * 60.0 / load.seconds));
        round.values.insert(1, Ok(p99 as f64));
        Ok(round)
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let mut client = side.connect()?;
        for (number, sql) in CONDITIONS {
            let broken =
                client.number(sql).map_err(|error| format!("consistency condition {number}: {error}"))?;
            if broken != 0.0 {
                return Err(format!("consistency condition {number} is broken {broken} times"));
            }
        }
        let size = size(setting);
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let acknowledged = orders.get(&side.name).copied().unwrap_or(0);
        let expected = (size.warehouses * DISTRICTS * size.customers) as f64 + acknowledged as f64;
        let found = client.number("SELECT COUNT(*) FROM orders")?;
        if found != expected {
            return Err(format!("{found} orders were found, {expected} acknowledged"));
        }
        Ok("consistency conditions 1 to 9 hold, every acknowledged order was found".into())
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
