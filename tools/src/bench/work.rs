//! The works of the race. A new one is an arm of each `match` here.

use super::data::{self, Random};
use super::side::{Side, plain};
use super::{Setting, interrupted, process};
use crate::migrate;
use clap::ValueEnum;
use mysql::prelude::Queryable;
use mysql::{Conn, Statement};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Before clients are measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// Before memory is read.
const SETTLE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Process start to first answer.
    Start,
    /// Resident memory of a server that has just started.
    IdleMemory,
    /// SELECT by primary key, prepared, 8 clients.
    PointSelect,
    /// SELECT by primary key as text, 8 clients.
    PointSelectText,
    /// Durable one-row UPDATEs, 1 client.
    #[value(name = "update-1")]
    Update1,
    /// Durable one-row UPDATEs, 16 clients.
    #[value(name = "update-16")]
    Update16,
    /// Durable one-row UPDATEs, 64 clients.
    #[value(name = "update-64")]
    Update64,
    /// 64 clients add to one counter.
    HotCounter,
    /// Multi-row INSERTs, 1 client.
    BulkInsert,
    /// A dump by `aurora migrate`.
    LoadDump,
}

/// What must be reached.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    None,
    /// Ratio at least.
    Ratio(f64),
    /// Our figure below.
    Below(f64),
    /// Ratio at least, and our figure at most.
    RatioAndMost(f64, f64),
}

/// One figure of a work.
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub higher_is_better: bool,
    pub goal: Goal,
}

const fn metric(name: &'static str, unit: &'static str, higher_is_better: bool, goal: Goal) -> Metric {
    Metric { name, unit, higher_is_better, goal }
}

/// What one round on one side gave: a value for each metric or why there is none.
pub struct Round {
    pub values: Vec<Result<f64, String>>,
    /// CPU seconds of this client per second of the round, where clients ran.
    pub client_cpus: Option<f64>,
    /// What a reader of the figure must know.
    pub note: Option<String>,
}

impl Round {
    fn one(value: f64) -> Round {
        Round { values: vec![Ok(value)], client_cpus: None, note: None }
    }
}

impl Work {
    pub const ALL: &'static [Work] = &[
        Work::Start,
        Work::IdleMemory,
        Work::PointSelect,
        Work::PointSelectText,
        Work::Update1,
        Work::Update16,
        Work::Update64,
        Work::HotCounter,
        Work::BulkInsert,
        Work::LoadDump,
    ];

    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }

    pub fn metrics(self) -> Vec<Metric> {
        let update = |goal| {
            vec![
                metric("commits", "commits/s", true, Goal::Ratio(goal)),
                metric("server CPU", "µs/commit", false, Goal::None),
                metric("p99", "µs", false, Goal::None),
            ]
        };
        match self {
            Work::Start => vec![metric("start to ready", "s", false, Goal::Below(0.2))],
            Work::IdleMemory => vec![metric("resident", "MiB", false, Goal::Below(60.0))],
            Work::PointSelect | Work::PointSelectText => vec![
                metric("server CPU", "µs/statement", false, Goal::RatioAndMost(2.5, 12.0)),
                metric("throughput", "statements/s", true, Goal::Ratio(1.6)),
                metric("p99", "µs", false, Goal::None),
            ],
            Work::Update1 | Work::Update16 | Work::Update64 => update(3.0),
            Work::HotCounter => update(15.0),
            Work::BulkInsert => vec![metric("rows", "rows/s", true, Goal::Ratio(3.0))],
            Work::LoadDump => vec![metric("dump", "MB/s", true, Goal::Ratio(4.0))],
        }
    }

    /// One round on one side.
    pub fn round(self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        match self {
            Work::Start => start(side).map(Round::one),
            Work::IdleMemory => idle_memory(side),
            Work::PointSelect => clients(side, setting, round, 8, Kind::SelectPrepared),
            Work::PointSelectText => clients(side, setting, round, 8, Kind::SelectText),
            Work::Update1 => clients(side, setting, round, 1, Kind::Update),
            Work::Update16 => clients(side, setting, round, 16, Kind::Update),
            Work::Update64 => clients(side, setting, round, 64, Kind::Update),
            Work::HotCounter => clients(side, setting, round, 64, Kind::HotCounter),
            Work::BulkInsert => bulk_insert(side, setting).map(Round::one),
            Work::LoadDump => load_dump(side, setting).map(Round::one),
        }
    }
}

fn start(side: &mut Side) -> Result<f64, String> {
    let login = side.login.clone();
    let server = side.server.as_mut();
    let server = server.ok_or("measured only for servers that the race starts itself")?;
    server.restart(&login).map_err(|failure| failure.message)
}

fn idle_memory(side: &mut Side) -> Result<Round, String> {
    if side.server.is_some() {
        start(side)?;
        std::thread::sleep(SETTLE);
    }
    let pid = side.pid().ok_or_else(|| format!("the process is not known: give --pid-{}", side.name))?;
    let note = side.server.is_none().then(|| format!("{} was running before: not a fresh server", side.name));
    Ok(Round { note, ..Round::one(process::resident_mib(pid)?) })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    SelectPrepared,
    SelectText,
    Update,
    HotCounter,
}

/// One client's connection.
struct Client {
    conn: Conn,
    statement: Option<Statement>,
    kind: Kind,
    rows: u32,
    random: Random,
}

impl Client {
    fn new(side: &Side, kind: Kind, rows: u32, seed: u64) -> Result<Client, String> {
        let mut conn = side.connect()?;
        let text = match kind {
            Kind::SelectPrepared => Some("SELECT c FROM sbtest WHERE id = ?"),
            Kind::SelectText => None,
            Kind::Update | Kind::HotCounter => Some("UPDATE counters SET n = n + 1 WHERE id = ?"),
        };
        let statement = text.map(|text| conn.prep(text)).transpose().map_err(plain)?;
        Ok(Client { conn, statement, kind, rows, random: Random(seed) })
    }

    fn step(&mut self) -> Result<(), String> {
        let id = if self.kind == Kind::HotCounter { 1 } else { self.random.id(self.rows) };
        match (self.kind, &self.statement) {
            (Kind::SelectPrepared, Some(statement)) => {
                let row: Option<Vec<u8>> = self.conn.exec_first(statement, (id,)).map_err(plain)?;
                row.map(|_| ()).ok_or_else(|| format!("row {id} is missing"))
            }
            (_, Some(statement)) => {
                self.conn.exec_drop(statement, (id,)).map_err(plain)?;
                match self.conn.affected_rows() {
                    1 => Ok(()),
                    other => Err(format!("an UPDATE of row {id} changed {other} rows")),
                }
            }
            (_, None) => {
                let text = format!("SELECT c FROM sbtest WHERE id = {id}");
                let row: Option<Vec<u8>> = self.conn.query_first(text).map_err(plain)?;
                row.map(|_| ()).ok_or_else(|| format!("row {id} is missing"))
            }
        }
    }
}

fn counted(side: &Side) -> Result<u64, String> {
    let sum: Option<u64> =
        side.connect()?.query_first("SELECT CAST(SUM(n) AS UNSIGNED) FROM counters").map_err(plain)?;
    sum.ok_or_else(|| "the counters are gone".to_string())
}

/// A closed loop of clients: each sends its next statement when it has the answer to the one before.
fn clients(
    side: &mut Side,
    setting: &Setting,
    round: u64,
    count: usize,
    kind: Kind,
) -> Result<Round, String> {
    side.load(setting.rows)?;
    let side = &*side;
    let writes = matches!(kind, Kind::Update | Kind::HotCounter);
    let before = if writes { counted(side)? } else { 0 };
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        all.push(Client::new(side, kind, setting.rows, round << 32 | number as u64)?);
    }
    let (stop, measuring) = (AtomicBool::new(false), AtomicBool::new(false));
    let counts: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    let latencies: Mutex<Vec<u32>> = Mutex::default();
    let failure: Mutex<Option<String>> = Mutex::default();
    let begin = Barrier::new(count + 1);
    let total = || counts.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
    let measured = std::thread::scope(|scope| {
        for (client, count) in all.iter_mut().zip(&counts) {
            let (stop, measuring, begin) = (&stop, &measuring, &begin);
            let (latencies, failure) = (&latencies, &failure);
            scope.spawn(move || {
                let mut own = Vec::new();
                begin.wait();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    if let Err(error) = client.step() {
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        stop.store(true, Ordering::Relaxed);
                        break;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    if measuring.load(Ordering::Relaxed) {
                        own.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
                    }
                }
                latencies.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
            });
        }
        begin.wait();
        std::thread::sleep(WARM_UP);
        measuring.store(true, Ordering::Relaxed);
        let (from, done) = (Instant::now(), total());
        let (server, own) = (side.cpu_seconds(), process::cpu_seconds("self"));
        let until = from + Duration::from_secs_f64(setting.seconds);
        while Instant::now() < until && !stop.load(Ordering::Relaxed) && !interrupted() {
            std::thread::sleep(until.saturating_duration_since(Instant::now()).min(SETTLE / 20));
        }
        let (server_end, own_end) = (side.cpu_seconds(), process::cpu_seconds("self"));
        let (seconds, done) = (from.elapsed().as_secs_f64(), total() - done);
        stop.store(true, Ordering::Relaxed);
        let server = server.and_then(|from| server_end.map(|to| to - from));
        let own = own.and_then(|from| own_end.map(|to| to - from));
        (seconds, done, server, own)
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    if interrupted() {
        return Err("interrupted".into());
    }
    let (seconds, done, server, own) = measured;
    if done == 0 {
        return Err(format!("no statement ended within {seconds:.1} s"));
    }
    if writes {
        let (acknowledged, arrived) = (total(), counted(side)? - before);
        if acknowledged != arrived {
            return Err(format!("WRONG: {acknowledged} additions were acknowledged, {arrived} arrived"));
        }
    }
    let mut latencies = latencies.into_inner().unwrap_or_else(PoisonError::into_inner);
    latencies.sort_unstable();
    let p99 = latencies.get((latencies.len().saturating_sub(1)) * 99 / 100);
    let p99 = p99.map(|micros| f64::from(*micros)).ok_or_else(|| "no statement was timed".to_string());
    let rate = Ok(done as f64 / seconds);
    let cpu = server.map(|cpu| cpu * 1e6 / done as f64);
    let values = if writes { vec![rate, cpu, p99] } else { vec![cpu, rate, p99] };
    Ok(Round { values, client_cpus: own.ok().map(|cpu| cpu / seconds), note: None })
}

fn bulk_insert(side: &mut Side, setting: &Setting) -> Result<f64, String> {
    side.load(setting.rows)?;
    let statements: Vec<String> = data::inserts("bulk", setting.rows).collect();
    let mut conn = side.connect()?;
    conn.query_drop("DROP TABLE IF EXISTS bulk").map_err(plain)?;
    conn.query_drop(data::definition("bulk")).map_err(plain)?;
    let begun = Instant::now();
    for statement in statements {
        if interrupted() {
            return Err("interrupted".into());
        }
        conn.query_drop(statement).map_err(plain)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rows: Option<u32> = conn.query_first("SELECT COUNT(*) FROM bulk").map_err(plain)?;
    match rows {
        Some(rows) if rows == setting.rows => Ok(f64::from(rows) / seconds.max(1e-9)),
        other => Err(format!("WRONG: {} rows were acknowledged, {other:?} arrived", setting.rows)),
    }
}

fn load_dump(side: &mut Side, setting: &Setting) -> Result<f64, String> {
    side.load(setting.rows)?;
    let path = setting.folder.join("aurora_bench.sql");
    if !path.exists() {
        let mut text = format!("DROP TABLE IF EXISTS loaded;\n{};\n", data::definition("loaded"));
        for statement in data::inserts("loaded", setting.rows) {
            text.push_str(&statement);
            text.push_str(";\n");
        }
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let args = migrate::MigrateArgs {
        source: path.display().to_string(),
        to: side.login.url(&side.database()),
        force: false,
        restart: true,
        batch_bytes: 4 << 20,
        mysqldump: "mysqldump".into(),
        json: true,
    };
    let report = migrate::load_file(&args).map_err(|error| error.to_string())?;
    if !report.counts_match() {
        return Err("WRONG: row counts differ after the load".into());
    }
    let _ =
        side.connect()?.query_drop("DELETE FROM aurora_migrate.progress WHERE source = 'aurora_bench.sql'");
    Ok(report.bytes as f64 / 1e6 / report.seconds.max(1e-9))
}
