//! Point selects as the measure of something else: more data, more connections, more tables, a report and a load beside them.

use super::{Better, Goal, Metric, Round, Workload, sbtest};
use crate::bench::client::{Client, ClientError};
use crate::bench::drive::{self, Clients, Load};
use crate::bench::kind::Kind;
use crate::bench::report::median;
use crate::bench::side::Side;
use crate::bench::{Setting, interrupted};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const TABLE: &str = "sbtest1";
const CLIENTS: usize = 8;
const BATCH: u32 = 500;
/// Connections that make the many tables.
const MAKERS: usize = 16;
/// Of one DROP TABLE.
const DROPPED_AT_ONCE: usize = 500;
/// Of the cost before there are many tables.
const MEASURED_BEFORE: u64 = 3;

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Mixed), Box::<Growth>::default()]
}

fn points(
    side: &Side,
    setting: &Setting,
    round: u64,
    table: &str,
    rows: u32,
    clients: usize,
) -> Result<Load, String> {
    drive::clients(
        side,
        setting,
        round,
        Clients::new(clients),
        |mut client, _| {
            let statement = client.prepare(&format!("SELECT c FROM {table} WHERE id = ?"))?;
            Ok((client, statement))
        },
        |(client, statement), random, _| match client.count(statement, &[sbtest::key(random, rows).into()])? {
            1 => Ok(0),
            other => Err(ClientError::new(format!("WRONG: a row came {other} times"))),
        },
    )
}

fn no_server(kind: Kind) -> Option<String> {
    (kind == Kind::Duckdb).then(|| "a library, not a server".into())
}

struct Mixed;

/// What runs beside the point selects until `stop`; how often it was done.
fn beside(
    side: &Side,
    stop: &AtomicBool,
    mut once: impl FnMut(&mut Client) -> Result<(), ClientError>,
) -> Result<u64, String> {
    let mut client = side.connect()?;
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) && !interrupted() {
        match once(&mut client) {
            Ok(()) => done += 1,
            Err(error) if error.retry => {}
            Err(error) => return Err(error.message),
        }
    }
    Ok(done)
}

impl Workload for Mixed {
    fn name(&self) -> &str {
        "mixed"
    }

    fn about(&self) -> String {
        format!("point selects of {CLIENTS} clients while a bulk load and a report run")
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![
            Metric::new("point p99.9", "µs", Better::Less).against(Kind::Mysql, Goal::Ratio(1.0)),
            Metric::new("points", "statements/s", Better::More),
            Metric::new("loaded", "rows/s", Better::More),
            Metric::new("reports", "reports/s", Better::More),
        ]
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        no_server(kind)
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        sbtest::load(side, setting, TABLE)
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        const LOADED: &str = "mixed_load";
        side.make_table(&mut side.connect()?, &sbtest::table(LOADED))?;
        let (stop, next) = (AtomicBool::new(false), AtomicU64::new(1));
        let side: &Side = side;
        let (load, loaded, reports) = std::thread::scope(|scope| {
            let loader = scope.spawn(|| {
                beside(side, &stop, |client| {
                    let first =
                        u32::try_from(next.fetch_add(u64::from(BATCH), Ordering::Relaxed)).unwrap_or(1);
                    let rows = (first..first + BATCH).map(|id| {
                        let (k, c, pad) = sbtest::row(id, setting.rows);
                        format!("({id},{k},'{c}','{pad}')")
                    });
                    let rows: Vec<String> = rows.collect();
                    client.exec(&format!("INSERT INTO {LOADED} VALUES {}", rows.join(","))).map(|_| ())
                })
            });
            let reporter = scope.spawn(|| {
                let sql = format!("SELECT k % 10, COUNT(*), SUM(k), MIN(c) FROM {TABLE} GROUP BY k % 10");
                beside(side, &stop, |client| client.count_text(&sql).map(|_| ()))
            });
            let load = points(side, setting, round, TABLE, setting.rows, CLIENTS);
            stop.store(true, Ordering::Relaxed);
            let joined = |result: std::thread::Result<Result<u64, String>>| {
                result.unwrap_or_else(|_| Err("what ran beside ended unexpectedly".into()))
            };
            (load, joined(loader.join()), joined(reporter.join()))
        });
        let load = load?;
        let seconds = load.seconds + setting.warm_up.as_secs_f64();
        let batches = loaded?;
        let found = side.connect()?.number(&format!("SELECT COUNT(*) FROM {LOADED}"))?;
        let acknowledged = batches as f64 * f64::from(BATCH);
        if found != acknowledged {
            return Err(format!("WRONG: {acknowledged} rows were acknowledged, {found} arrived"));
        }
        Ok(Round {
            values: vec![
                Ok(load.latency(99.9)),
                Ok(load.total() as f64 / load.seconds),
                Ok(acknowledged / seconds),
                reports.map(|reports| reports as f64 / seconds),
            ],
            client_cpus: load.client_cpus,
            note: None,
        })
    }
}

/// Server CPU of a point select while the tables were few, by side: the many are made once, before the rounds.
#[derive(Default)]
struct Growth(Mutex<HashMap<String, f64>>);

impl Growth {
    /// Server CPU of one point select.
    fn cost(
        side: &Side,
        setting: &Setting,
        round: u64,
        table: &str,
        rows: u32,
        clients: usize,
    ) -> Result<f64, String> {
        let load = points(side, setting, round, table, rows, clients)?;
        load.cpu_seconds.clone().map(|cpu| cpu * 1e6 / load.total().max(1) as f64)
    }
}

impl Workload for Growth {
    fn name(&self) -> &str {
        "growth"
    }

    fn about(&self) -> String {
        "server CPU of a point select with 10 times the data, the connections (8 to 80), and 1,000 tables tiny, 5,000 small, \
         100,000 full"
            .into()
    }

    fn metrics(&self) -> Vec<Metric> {
        ["10× data", "10× connections", "many tables"]
            .map(|name| Metric::new(name, "× cost", Better::Less).goal(Goal::Below(1.3)))
            .into()
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        no_server(kind)
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        // An InnoDB table with a row in it takes seven pages.
        u64::from(tables(setting)) * (112 << 10)
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        sbtest::load(side, setting, TABLE)?;
        let less = Setting { rows: (setting.rows / 10).max(1), folder: setting.folder.clone(), ..*setting };
        sbtest::load(side, &less, "sbtest_tenth")?;
        let costs = (0..MEASURED_BEFORE)
            .map(|round| Growth::cost(side, setting, round, TABLE, setting.rows, CLIENTS))
            .collect::<Result<Vec<_>, _>>()?;
        let cost = median(&costs).unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(side.name.clone(), cost);
        make_many_tables(side, setting)
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let rows = setting.rows;
        let small = Growth::cost(side, setting, round, "sbtest_tenth", (rows / 10).max(1), CLIENTS)?;
        let base = Growth::cost(side, setting, round, TABLE, rows, CLIENTS)?;
        let connections = Growth::cost(side, setting, round, TABLE, rows, CLIENTS * 10);
        let by = |cost: f64, base: f64| cost / base.max(1e-9);
        let few = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&side.name).copied();
        let few = few.ok_or("the cost with few tables was not measured")?;
        Ok(Round {
            values: vec![Ok(by(base, small)), connections.map(|cost| by(cost, base)), Ok(by(base, few))],
            client_cpus: None,
            note: None,
        })
    }

    fn cleanup(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        // Dropping them takes some servers longer than everything before.
        if side.server.is_some() {
            return Ok(());
        }
        let mut client = side.connect()?;
        let names: Vec<String> = (0..tables(setting)).map(many).collect();
        for names in names.chunks(DROPPED_AT_ONCE) {
            if interrupted() {
                break;
            }
            client.exec(&format!("DROP TABLE IF EXISTS {}", names.join(", ")))?;
        }
        Ok(())
    }
}

fn tables(setting: &Setting) -> u32 {
    setting.scale.pick(1_000, 5_000, 100_000)
}

fn many(at: u32) -> String {
    format!("many_{at}")
}

/// Makes them, with clients side by side, so that the syncs of their definitions are shared where a server shares them.
fn make_many_tables(side: &Side, setting: &Setting) -> Result<(), String> {
    let (next, options) = (AtomicU32::new(0), side.kind.table_options());
    let make = || -> Result<(), String> {
        let mut client = side.connect()?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= tables(setting) {
                return Ok(());
            }
            if interrupted() {
                return Err("interrupted".into());
            }
            let name = many(at);
            client
                .exec(&format!(
                    "CREATE TABLE IF NOT EXISTS {name} (id INT PRIMARY KEY, c VARCHAR(20)){options}"
                ))
                .and_then(|_| client.exec(&format!("INSERT INTO {name} VALUES ({at}, 'row')")))
                .map_err(|error| format!("table {at}: {}", error.message))?;
        }
    };
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..MAKERS).map(|_| scope.spawn(make)).collect();
        let ended = |maker: std::thread::ScopedJoinHandle<'_, Result<(), String>>| {
            maker.join().unwrap_or_else(|_| Err("a maker of tables ended unexpectedly".into()))
        };
        makers.into_iter().map(ended).collect::<Vec<_>>().into_iter().collect()
    })
}
