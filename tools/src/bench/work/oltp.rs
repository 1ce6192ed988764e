//! sysbench's OLTP works: the same statements in the same order, on the same table, with the same distribution of keys.

use super::{Better, Goal, Metric, Round, Workload, sbtest};
use crate::bench::Setting;
use crate::bench::client::{Client, ClientError, Prepared, Value};
use crate::bench::drive::{self, Clients};
use crate::bench::kind::Kind;
use crate::bench::random::Random;
use crate::bench::side::Side;
use std::sync::atomic::{AtomicI64, Ordering};

/// Of one transaction.
const POINT_SELECTS: usize = 10;
/// Rows of a range.
const RANGE: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    PointSelect,
    PointSelectText,
    ReadOnly,
    ReadWrite,
    WriteOnly,
    UpdateIndex,
    UpdateNonIndex,
    Insert,
    Delete,
}

const SHAPES: [(&str, Shape, &[usize]); 9] = [
    ("oltp-point-select", Shape::PointSelect, &[8]),
    ("oltp-point-select-text", Shape::PointSelectText, &[8]),
    ("oltp-read-only", Shape::ReadOnly, &[1, 8]),
    ("oltp-read-write", Shape::ReadWrite, &[1, 8, 16]),
    ("oltp-write-only", Shape::WriteOnly, &[1, 16, 64]),
    ("oltp-update-index", Shape::UpdateIndex, &[1, 16, 64]),
    ("oltp-update-non-index", Shape::UpdateNonIndex, &[1, 16, 64]),
    ("oltp-insert", Shape::Insert, &[1, 16, 64]),
    ("oltp-delete", Shape::Delete, &[1, 16, 64]),
];

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    for (name, shape, counts) in SHAPES {
        for clients in counts {
            let name = if counts.len() == 1 { name.to_string() } else { format!("{name}-{clients}") };
            all.push(Box::new(Oltp { name, shape, clients: *clients, changed: AtomicI64::new(0) }));
        }
    }
    all
}

struct Oltp {
    name: String,
    shape: Shape,
    clients: usize,
    /// Rows that the acknowledged operations of the last round have added or taken.
    changed: AtomicI64,
}

impl Shape {
    /// What sysbench counts as one.
    fn unit(self) -> &'static str {
        match self {
            Shape::PointSelect | Shape::PointSelectText => "statement",
            _ => "transaction",
        }
    }

    /// Works that change how many rows there are have a table of their own.
    fn table(self) -> &'static str {
        match self {
            Shape::Insert => "sbtest_insert",
            Shape::Delete => "sbtest_delete",
            _ => "sbtest1",
        }
    }
}

/// One client: its connection and its statements.
struct State {
    client: Client,
    kind: Kind,
    rows: u32,
    point: Option<Prepared>,
    ranges: Vec<Prepared>,
    update_index: Option<Prepared>,
    update_non_index: Option<Prepared>,
    delete: Option<Prepared>,
    insert: Option<Prepared>,
}

const UNPREPARED: &str = "the statement was not prepared";

impl State {
    fn open(mut client: Client, side: &Side, shape: Shape, rows: u32) -> Result<State, String> {
        let table = shape.table();
        let wants = |shapes: &[Shape]| shapes.contains(&shape);
        let mut prepare = |wanted: bool, sql: String| -> Result<Option<Prepared>, String> {
            if wanted { Ok(Some(client.prepare(&sql)?)) } else { Ok(None) }
        };
        let transaction = wants(&[Shape::ReadWrite, Shape::WriteOnly]);
        let reads = wants(&[Shape::ReadOnly, Shape::ReadWrite]);
        let between = "WHERE id BETWEEN ? AND ?";
        let point =
            prepare(reads || shape == Shape::PointSelect, format!("SELECT c FROM {table} WHERE id=?"))?;
        let mut ranges = Vec::new();
        for sql in [
            format!("SELECT c FROM {table} {between}"),
            format!("SELECT SUM(k) FROM {table} {between}"),
            format!("SELECT c FROM {table} {between} ORDER BY c"),
            format!("SELECT DISTINCT c FROM {table} {between} ORDER BY c"),
        ] {
            ranges.extend(prepare(reads, sql)?);
        }
        let update_index = prepare(
            transaction || shape == Shape::UpdateIndex,
            format!("UPDATE {table} SET k=k+1 WHERE id=?"),
        )?;
        let update_non_index = prepare(
            transaction || shape == Shape::UpdateNonIndex,
            format!("UPDATE {table} SET c=? WHERE id=?"),
        )?;
        let delete =
            prepare(transaction || shape == Shape::Delete, format!("DELETE FROM {table} WHERE id=?"))?;
        let insert = match (shape, side.kind) {
            (Shape::Insert, Kind::Postgres) => format!("INSERT INTO {table} (k, c, pad) VALUES (?, ?, ?)"),
            _ => format!("INSERT INTO {table} (id, k, c, pad) VALUES (?, ?, ?, ?)"),
        };
        let insert = prepare(transaction || shape == Shape::Insert, insert)?;
        Ok(State {
            client,
            kind: side.kind,
            rows,
            point,
            ranges,
            update_index,
            update_non_index,
            delete,
            insert,
        })
    }

    fn key(&self, random: &mut Random) -> u32 {
        sbtest::key(random, self.rows)
    }

    fn change(
        &mut self,
        which: impl Fn(&State) -> Option<Prepared>,
        values: &[Value],
    ) -> Result<u64, ClientError> {
        let statement = which(self).ok_or_else(|| ClientError::new(UNPREPARED))?;
        self.client.execute(&statement, values)
    }

    fn read_point(&mut self, random: &mut Random) -> Result<(), ClientError> {
        let id = self.key(random);
        let statement = self.point.as_ref().ok_or_else(|| ClientError::new(UNPREPARED))?;
        match self.client.count(statement, &[id.into()])? {
            0 | 1 => Ok(()),
            other => Err(ClientError::new(format!("WRONG: row {id} came {other} times"))),
        }
    }

    fn reads(&mut self, random: &mut Random) -> Result<(), ClientError> {
        for _ in 0..POINT_SELECTS {
            self.read_point(random)?;
        }
        for at in 0..self.ranges.len() {
            let first = self.key(random);
            let values = [first.into(), (first + RANGE - 1).into()];
            self.client.count(&self.ranges[at], &values)?;
        }
        Ok(())
    }

    fn update_index(&mut self, random: &mut Random) -> Result<u64, ClientError> {
        let id = self.key(random);
        self.change(|state| state.update_index.clone(), &[id.into()])
    }

    fn update_non_index(&mut self, random: &mut Random) -> Result<u64, ClientError> {
        let id = self.key(random);
        self.change(|state| state.update_non_index.clone(), &[sbtest::c(random).into(), id.into()])
    }

    /// An update of each kind, then a row is deleted and put in again.
    fn writes(&mut self, random: &mut Random) -> Result<(), ClientError> {
        self.update_index(random)?;
        self.update_non_index(random)?;
        let id = self.key(random);
        self.change(|state| state.delete.clone(), &[id.into()])?;
        let values =
            [id.into(), self.key(random).into(), sbtest::c(random).into(), sbtest::pad(random).into()];
        self.change(|state| state.insert.clone(), &values)?;
        Ok(())
    }

    fn transaction(
        &mut self,
        random: &mut Random,
        inside: impl Fn(&mut State, &mut Random) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        self.client.exec("BEGIN")?;
        let ended = inside(self, random).and_then(|()| self.client.exec("COMMIT").map(|_| ()));
        if ended.as_ref().is_err_and(|error| error.retry) {
            self.client.exec("ROLLBACK")?;
        }
        ended
    }

    /// One operation; how many rows more there are than before.
    fn step(&mut self, shape: Shape, random: &mut Random) -> Result<i64, ClientError> {
        match shape {
            Shape::PointSelect => self.read_point(random)?,
            Shape::PointSelectText => {
                let sql = format!("SELECT c FROM {} WHERE id={}", shape.table(), self.key(random));
                self.client.count_text(&sql)?;
            }
            Shape::ReadOnly => self.transaction(random, State::reads)?,
            Shape::ReadWrite => self.transaction(random, |state, random| {
                state.reads(random)?;
                state.writes(random)
            })?,
            Shape::WriteOnly => self.transaction(random, State::writes)?,
            Shape::UpdateIndex => {
                // A row is missing if a delete and its insert by another client are on their way; not here.
                if self.update_index(random)? != 1 {
                    return Err(ClientError::new("WRONG: an UPDATE by primary key changed no row"));
                }
            }
            Shape::UpdateNonIndex => {
                self.update_non_index(random)?;
            }
            Shape::Delete => {
                let id = self.key(random);
                return Ok(-(self.change(|state| state.delete.clone(), &[id.into()])? as i64));
            }
            Shape::Insert => {
                let k: Value = self.key(random).into();
                let (c, pad) = (sbtest::c(random).into(), sbtest::pad(random).into());
                let with_id = [0u32.into(), k, c, pad];
                let values = if self.kind == Kind::Postgres { &with_id[1..] } else { &with_id[..] };
                return Ok(self.change(|state| state.insert.clone(), values)? as i64);
            }
        }
        Ok(0)
    }
}

impl Oltp {
    /// What the acknowledged changes can be counted by.
    fn sum(&self, side: &Side) -> Result<Option<i64>, String> {
        let table = self.shape.table();
        let sql = match self.shape {
            Shape::UpdateIndex => format!("SELECT SUM(k) FROM {table}"),
            Shape::Insert | Shape::Delete => format!("SELECT COUNT(*) FROM {table}"),
            _ => return Ok(None),
        };
        Ok(Some(side.connect()?.number(&sql)? as i64))
    }
}

impl Workload for Oltp {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> String {
        let what = match self.shape {
            Shape::PointSelect => "SELECT by primary key, prepared",
            Shape::PointSelectText => "SELECT by primary key, as text",
            Shape::ReadOnly => "10 point selects and 4 ranges in a transaction, prepared",
            Shape::ReadWrite => "the reads of read-only and the writes of write-only in a transaction",
            Shape::WriteOnly => "2 UPDATEs, a DELETE and an INSERT in a transaction",
            Shape::UpdateIndex => "UPDATE of an indexed column by primary key",
            Shape::UpdateNonIndex => "UPDATE of a column without index by primary key",
            Shape::Insert => "INSERT of one row, AUTO_INCREMENT",
            Shape::Delete => "DELETE by primary key",
        };
        let s = if self.clients == 1 { "" } else { "s" };
        format!("sysbench: {what}; {} client{s}", self.clients)
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all = drive::metrics(self.shape.unit());
        let goal = match self.shape {
            Shape::PointSelect | Shape::PointSelectText => Goal::Ratio(1.6),
            Shape::ReadOnly => Goal::Ratio(1.5),
            Shape::ReadWrite => Goal::Ratio(2.0),
            _ => Goal::Ratio(3.0),
        };
        for metric in &mut all {
            let point = matches!(self.shape, Shape::PointSelect | Shape::PointSelectText);
            match (metric.name.as_str(), metric.better) {
                ("throughput", Better::More) => {
                    metric.goals = vec![(Some(Kind::Mysql), goal)];
                    if !matches!(self.shape, Shape::ReadOnly | Shape::ReadWrite) {
                        let least = if point { 1.6 } else { 2.5 };
                        metric.goals.push((Some(Kind::Myrocks), Goal::Ratio(least)));
                    }
                }
                ("server CPU", _) if point => {
                    let goal = Goal::RatioAndMost(2.5, 12.0);
                    metric.goals = vec![(Some(Kind::Mysql), goal), (Some(Kind::Myrocks), goal)];
                }
                ("written", _) if self.shape == Shape::UpdateNonIndex => {
                    metric.goals =
                        vec![(Some(Kind::Mysql), Goal::Ratio(5.0)), (Some(Kind::Myrocks), Goal::Ratio(1.0))];
                }
                _ => {}
            }
        }
        all
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "made for analytics, one writer at a time".into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        sbtest::load(side, setting, self.shape.table())
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let before = self.sum(side)?;
        self.changed.store(0, Ordering::Relaxed);
        let load = drive::clients(
            side,
            setting,
            round,
            Clients::new(self.clients),
            |client, _| State::open(client, side, self.shape, setting.rows),
            |state, random, _| {
                let more = state.step(self.shape, random)?;
                self.changed.fetch_add(more, Ordering::Relaxed);
                Ok(0)
            },
        )?;
        if let (Some(before), Some(after)) = (before, self.sum(side)?) {
            let acknowledged = match self.shape {
                Shape::UpdateIndex => load.acknowledged.iter().sum::<u64>() as i64,
                _ => self.changed.load(Ordering::Relaxed),
            };
            if after - before != acknowledged {
                return Err(format!(
                    "WRONG: changes by {acknowledged} were acknowledged, by {} arrived",
                    after - before
                ));
            }
        }
        Ok(load.round())
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let table = self.shape.table();
        let mut client = side.connect()?;
        if matches!(self.shape, Shape::Insert | Shape::Delete) {
            return Ok("every acknowledged change was found".into());
        }
        let rows = client.number(&format!("SELECT COUNT(*) FROM {table}"))?;
        if rows != f64::from(setting.rows) {
            return Err(format!("{table} has {rows} rows, not {}", setting.rows));
        }
        // The index tells the same as the table.
        let by_index = client.number(&format!("SELECT COUNT(*) FROM {table} WHERE k > 0"))?;
        let of_rows =
            client.number(&format!("SELECT SUM(CASE WHEN k > 0 THEN 1 ELSE 0 END) FROM {table}"))?;
        if by_index != of_rows {
            return Err(format!("the index of {table} has {by_index} rows, the table {of_rows}"));
        }
        Ok(format!("{rows} rows, as many in the index"))
    }

    fn cleanup(&self, side: &mut Side, _: &Setting) -> Result<(), String> {
        // The next number of clients finds the same rows.
        if matches!(self.shape, Shape::Insert | Shape::Delete) {
            side.forget(self.shape.table());
        }
        Ok(())
    }
}
