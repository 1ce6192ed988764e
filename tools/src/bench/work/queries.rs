//! What works made of queries share: each query is timed by itself, within a limit, and its answer compared between the sides.

use super::{Better, Goal, Metric, Round, Workload};
use crate::bench::client::{Client, ClientError, Row};
use crate::bench::kind::{Kind, Table};
use crate::bench::side::Side;
use crate::bench::{Setting, interrupted};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After a query was told to end, before its connection is given up.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);
/// Decimals are told with different numbers of places.
const TOLERANCE: f64 = 0.0101;
const RELATIVE_TOLERANCE: f64 = 1e-9;

/// What of an answer has to be the same on all sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compared {
    Rows,
    /// These columns only: others depend on which of equal rows a LIMIT takes.
    Columns(&'static [usize]),
    /// Only how many rows there are.
    Count,
}

/// One query in the side's dialect.
pub struct Query {
    pub sql: String,
    pub compared: Compared,
}

impl Query {
    pub fn new(sql: impl Into<String>) -> Query {
        Query { sql: sql.into(), compared: Compared::Rows }
    }

    pub fn compared(mut self, compared: Compared) -> Query {
        self.compared = compared;
        self
    }
}

/// Data and queries of a work.
pub trait QuerySet: Sync {
    fn name(&self) -> &'static str;
    fn about(&self) -> String;
    /// How many queries there are.
    fn count(&self) -> usize;
    fn queries(&self, kind: Kind, setting: &Setting) -> Vec<Query>;
    fn load(&self, side: &mut Side, setting: &Setting) -> Result<(), String>;
    /// Room that the data take on one side, with the indexes and what a load writes besides.
    fn disk_bytes(&self, setting: &Setting) -> u64;
    /// Of the geometric mean and of the sum.
    fn goals(&self) -> Vec<(Kind, Goal)>;
    /// The name of a query, by its place.
    fn label(&self, at: usize) -> String {
        format!("Q{}", at + 1)
    }
}

/// Of each query in turn, its rows or why there are none.
type Answers = Vec<Result<Vec<Row>, String>>;

/// A work made of queries: they run once before the rounds, which warms up and gathers the answers of all sides.
pub struct Queries<S> {
    set: S,
    /// By the name of the side: each query's answer or why there is none.
    answers: Mutex<HashMap<String, Answers>>,
}

impl<S: QuerySet> Queries<S> {
    pub fn new(set: S) -> Queries<S> {
        Queries { set, answers: Mutex::default() }
    }

    /// What is wrong with the answer of a side, if most of the sides that have an answer say otherwise, or, where there is
    /// no majority, if a peer does.
    fn judge(&self, side: &Side, at: usize, compared: Compared) -> Result<(), String> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = answers.get(&side.name).and_then(|answers| answers.get(at)) else {
            return Err("not run".into());
        };
        let own = own.as_ref().map_err(Clone::clone)?;
        let others = answers.iter().filter(|(name, _)| **name != side.name);
        let differ: Vec<Option<String>> = others
            .filter_map(|(name, answers)| Some((name, answers.get(at)?.as_ref().ok()?)))
            .map(|(name, theirs)| {
                difference(own, theirs, compared).map(|difference| format!("{name}: {difference}"))
            })
            .collect();
        let against = differ.iter().flatten().count();
        let agree = differ.len() - against;
        let wrong = against > agree + usize::from(side.kind != Kind::Aurora);
        match differ.into_iter().flatten().next() {
            Some(difference) if wrong => Err(format!("WRONG: the answer differs from that of {difference}")),
            _ => Ok(()),
        }
    }
}

/// The first thing in which two answers differ, order aside.
fn difference(ours: &[Row], theirs: &[Row], compared: Compared) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} rows, not {}", ours.len(), theirs.len()));
    }
    let picked = |rows: &[Row]| -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let cell = |at: usize| row.get(at).map_or(String::new(), |cell| canonical(cell.as_deref()));
                match compared {
                    Compared::Rows => (0..row.len()).map(cell).collect(),
                    Compared::Columns(columns) => columns.iter().map(|at| cell(*at)).collect(),
                    Compared::Count => Vec::new(),
                }
            })
            .collect();
        rows.sort();
        rows
    };
    for (ours, theirs) in picked(ours).iter().zip(&picked(theirs)) {
        let same =
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| equal(ours, theirs));
        if !same {
            return Some(format!("({}), not ({})", ours.join(", "), theirs.join(", ")));
        }
    }
    None
}

/// Numbers with two places, text without the padding of CHAR.
fn canonical(cell: Option<&str>) -> String {
    let Some(text) = cell else { return "NULL".into() };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number.abs() < 1e15 => {
            format!("{number:.2}").replace("-0.00", "0.00")
        }
        _ => text.trim_end().to_string(),
    }
}

fn equal(ours: &str, theirs: &str) -> bool {
    if ours == theirs {
        return true;
    }
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(ours), Ok(theirs)) => (ours - theirs).abs() <= TOLERANCE.max(theirs.abs() * RELATIVE_TOLERANCE),
        _ => false,
    }
}

/// A connection that its queries can be ended on.
pub struct Timed {
    client: Option<Client>,
    /// As its server names it; DuckDB's queries cannot be ended from outside.
    id: Option<String>,
}

impl Timed {
    pub fn connect(side: &Side) -> Result<Timed, String> {
        let mut client = side.connect()?;
        let id = match side.kind {
            Kind::Duckdb => None,
            Kind::Postgres => Some(client.value("SELECT pg_backend_pid()")?),
            _ => Some(client.value("SELECT CONNECTION_ID()")?),
        };
        Ok(Timed { client: Some(client), id })
    }

    /// Seconds until all rows were there, and the rows. A query that takes longer than `limit` is ended.
    pub fn query(&mut self, side: &Side, sql: &str, limit: Duration) -> Result<(f64, Vec<Row>), String> {
        if self.client.is_none() {
            *self = Timed::connect(side)?;
        }
        let mut client = self.client.take().ok_or("no connection")?;
        let (sender, receiver) = mpsc::channel::<(Client, f64, Result<Vec<Row>, ClientError>)>();
        let text = sql.to_string();
        std::thread::spawn(move || {
            let begun = Instant::now();
            let rows = client.query(&text);
            let seconds = begun.elapsed().as_secs_f64();
            // Nobody waits for it any more if it was too late.
            let _ = sender.send((client, seconds, rows));
        });
        let begun = Instant::now();
        loop {
            match receiver.recv_timeout(POLL) {
                Ok((client, seconds, rows)) => {
                    let rows = rows?;
                    self.client = Some(client);
                    return Ok((seconds, rows));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the query's thread ended unexpectedly".into());
                }
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < limit && !interrupted() => {}
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        let mut why = format!("no answer within {} s", limit.as_secs());
        if interrupted() {
            why = "interrupted".into();
        }
        let ended = self.end(side).is_ok() && receiver.recv_timeout(ENDS_WITHIN).is_ok();
        if !ended {
            why.push_str(", and the query could not be ended");
        }
        Err(why)
    }

    fn end(&self, side: &Side) -> Result<(), String> {
        let id = self.id.as_ref().ok_or("cannot be ended")?;
        let mut client = side.connect()?;
        match side.kind {
            Kind::Postgres => client.query(&format!("SELECT pg_terminate_backend({id})")).map(|_| ())?,
            _ => client.exec(&format!("KILL {id}")).map(|_| ())?,
        }
        Ok(())
    }
}

fn limit(setting: &Setting) -> Duration {
    Duration::from_secs(setting.scale.pick(20, 60, 300))
}

impl<S: QuerySet> Workload for Queries<S> {
    fn name(&self) -> &str {
        self.set.name()
    }

    fn about(&self) -> String {
        self.set.about()
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all: Vec<Metric> = ["geometric mean", "sum"]
            .map(|name| {
                let mut metric = Metric::new(name, "s", Better::Less);
                metric.goals = self.set.goals().into_iter().map(|(kind, goal)| (Some(kind), goal)).collect();
                metric
            })
            .into();
        all.push(Metric::new("answered", "queries", Better::More));
        all.extend((0..self.set.count()).map(|at| Metric::new(&self.set.label(at), "s", Better::Less)));
        all
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        self.set.disk_bytes(setting)
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        self.set.load(side, setting)?;
        let mut timed = Timed::connect(side)?;
        let mut answers = Vec::new();
        for query in self.set.queries(side.kind, setting) {
            if interrupted() {
                return Err("interrupted".into());
            }
            answers.push(timed.query(side, &query.sql, limit(setting)).map(|(_, rows)| rows));
        }
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(side.name.clone(), answers);
        Ok(())
    }

    fn round(&self, side: &mut Side, setting: &Setting, _: u64) -> Result<Round, String> {
        let mut timed = Timed::connect(side)?;
        let mut values = Vec::new();
        for (at, query) in self.set.queries(side.kind, setting).iter().enumerate() {
            if interrupted() {
                return Err("interrupted".into());
            }
            let value = match self.judge(side, at, query.compared) {
                Ok(()) => timed.query(side, &query.sql, limit(setting)).map(|(seconds, _)| seconds),
                Err(why) => Err(why),
            };
            values.push(value);
        }
        let answered: Vec<f64> = values.iter().flatten().copied().collect();
        let failed: Vec<String> = (0..values.len())
            .filter(|at| values.get(*at).is_some_and(Result::is_err))
            .map(|at| self.set.label(at))
            .collect();
        let whole = |value: f64| {
            if failed.is_empty() {
                Ok(value)
            } else {
                Err(format!("no answer, or a wrong one: {}", failed.join(", ")))
            }
        };
        let logs: f64 = answered.iter().map(|seconds| seconds.max(1e-6).ln()).sum();
        let mean = (logs / answered.len().max(1) as f64).exp();
        let mut all = vec![whole(mean), whole(answered.iter().sum()), Ok(answered.len() as f64)];
        all.extend(values);
        Ok(Round { values: all, client_cpus: None, note: None })
    }

    fn check(&self, _: &mut Side, _: &Setting) -> Result<String, String> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match answers.len() {
            0 | 1 => "answers not compared: no other side".into(),
            sides => format!("answers compared between {sides} sides"),
        })
    }
}

/// Makes and fills tables once: from tab-separated files by each server's own statement for that where it has one, by INSERTs
/// otherwise. `write` writes the rows of a table; the files serve all sides.
pub fn load_tables(
    side: &mut Side,
    setting: &Setting,
    what: &str,
    tables: &[Table<'_>],
    write: impl Fn(&str, &mut dyn Write) -> std::io::Result<()>,
) -> Result<(), String> {
    side.load_once(what, |side| {
        let mut client = side.connect()?;
        for table in tables.iter().rev() {
            client.exec(&format!("DROP TABLE IF EXISTS {}", side.kind.quoted(table.name)))?;
        }
        for table in tables {
            side.make_table(&mut client, table)?;
            let path = setting.folder.join(format!("aurora_bench_{what}_{}.tsv", table.name));
            written(&path, |out| write(table.name, out))?;
            let expected = fill(side, &mut client, table, &path)?;
            let name = side.kind.quoted(table.name);
            let found = client.number(&format!("SELECT COUNT(*) FROM {name}"))?;
            if found != expected as f64 {
                return Err(format!("{} has {found} rows, not {expected}", table.name));
            }
            if let Some(sql) = side.kind.analyze(table.name) {
                client.query(&sql)?;
            }
        }
        Ok(())
    })
}

/// Writes a file once for all sides.
fn written(path: &PathBuf, write: impl Fn(&mut dyn Write) -> std::io::Result<()>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    let mut out = BufWriter::new(std::fs::File::create(&part).map_err(fail)?);
    write(&mut out).and_then(|()| out.flush()).map_err(fail)?;
    std::fs::rename(&part, path).map_err(fail)
}

/// How many rows the file has: they are all in the table now.
fn fill(side: &Side, client: &mut Client, table: &Table<'_>, path: &Path) -> Result<u64, String> {
    let lines = || -> Result<_, String> {
        let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(BufReader::new(file).lines().map_while(Result::ok))
    };
    let count = lines()?.count() as u64;
    if client.load_file(table.name, path).is_ok() {
        return Ok(count);
    }
    // A server that cannot, or will not, load files; what it may have loaded before it failed goes.
    *client = side.connect()?;
    client.exec(&format!("DELETE FROM {}", side.kind.quoted(table.name)))?;
    client.insert(&side.kind.quoted(table.name), lines()?.map(|line| values(&line)))?;
    Ok(count)
}

/// A line of a file as the values of an INSERT.
fn values(line: &str) -> String {
    let cells = line.split('\t').map(|cell| match cell {
        "\\N" => "NULL".to_string(),
        text => format!("'{}'", text.replace('\'', "''")),
    });
    format!("({})", cells.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        let row = |line: &str| line.split(',').map(|cell| Some(cell.to_string())).collect();
        text.split(';').map(row).collect()
    }

    #[test]
    fn answers_are_compared_without_order_and_padding() {
        let same =
            |ours: &str, theirs: &str, compared| difference(&rows(ours), &rows(theirs), compared).is_none();
        assert!(same("b  ,1.0000;a,2", "a,2.00;b,1", Compared::Rows));
        assert!(same("a,0.125", "a,0.1250001", Compared::Rows));
        assert!(!same("a,1", "a,1.1", Compared::Rows));
        assert!(!same("a", "a;a", Compared::Count));
        assert!(same("a,1", "b,1", Compared::Columns(&[1])));
        assert!(same("a,1", "b,2", Compared::Count));
    }

    #[test]
    fn lines_become_values() {
        assert_eq!(values("1\tit's\t\\N"), "('1','it''s',NULL)");
    }
}
