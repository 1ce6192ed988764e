//! Connections: how fast they come and go, and what those cost that only stay.

use super::{Better, Goal, Metric, Round, Workload, sbtest};
use crate::bench::client::ClientError;
use crate::bench::drive::{self, Clients};
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use crate::bench::{Setting, interrupted};
use std::process::{Command, Stdio};

const STORM_CLIENTS: usize = 8;
const POINT_CLIENTS: usize = 8;
/// Files beside the idle connections.
const SPARE_FILES: usize = 1_000;
const NOT_RACED: &str = "a library, not a server";

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Storm), Box::new(Idle)]
}

struct Storm;

impl Workload for Storm {
    fn name(&self) -> &str {
        "connection-storm"
    }

    fn about(&self) -> String {
        format!("{STORM_CLIENTS} clients connect, log in, ask SELECT 1 and leave, again and again")
    }

    fn metrics(&self) -> Vec<Metric> {
        drive::metrics("connection")
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| NOT_RACED.into())
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let login = side.login.clone();
        let load = drive::clients(
            side,
            setting,
            round,
            Clients::new(STORM_CLIENTS),
            |client, _| Ok(client),
            |_, _, _| {
                let mut client = login.connect(None).map_err(ClientError::from)?;
                client.query("SELECT 1")?;
                Ok(0)
            },
        )?;
        Ok(load.round())
    }
}

struct Idle;

fn count(setting: &Setting) -> usize {
    setting.scale.pick(50, 500, 10_000)
}

/// Each connection is an open file of this process.
fn allow_files(count: usize) {
    let limit = format!("--nofile={count}:{count}");
    let pid = std::process::id().to_string();
    // Without it the connection that is one too many says so.
    let _ = Command::new("prlimit").args(["--pid", &pid, &limit]).stderr(Stdio::null()).status();
}

/// p99 of point selects, in µs.
fn point(side: &Side, setting: &Setting, round: u64) -> Result<f64, String> {
    let load = drive::clients(
        side,
        setting,
        round,
        Clients::new(POINT_CLIENTS),
        |mut client, _| {
            let statement = client.prepare("SELECT c FROM sbtest1 WHERE id=?")?;
            Ok((client, statement))
        },
        |(client, statement), random, _| {
            client.count(statement, &[sbtest::key(random, setting.rows).into()])?;
            Ok(0)
        },
    )?;
    Ok(load.latency(99.0))
}

impl Workload for Idle {
    fn name(&self) -> &str {
        "idle-connections"
    }

    fn about(&self) -> String {
        "10,000 connections that do nothing (500 and 50 at smaller scales): their memory, and point selects beside them".into()
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![
            Metric::new("memory", "KiB/connection", Better::Less).against(Kind::Mysql, Goal::Ratio(10.0)),
            Metric::new("point p99 beside them", "µs", Better::Less),
            Metric::new("point p99, growth", "×", Better::Less).goal(Goal::Below(1.3)),
        ]
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| NOT_RACED.into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        allow_files(count(setting) + SPARE_FILES);
        sbtest::load(side, setting, "sbtest1")
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let alone = point(side, setting, round)?;
        let before = side.resident_mib();
        let mut idle = Vec::with_capacity(count(setting));
        for at in 0..count(setting) {
            if interrupted() {
                return Err("interrupted".into());
            }
            idle.push(side.connect().map_err(|error| format!("connection {}: {error}", at + 1))?);
        }
        let after = side.resident_mib();
        let beside = point(side, setting, round)?;
        let memory = before
            .and_then(|before| after.map(|after| (after - before).max(0.0) * 1024.0 / idle.len() as f64));
        // They are still there.
        for client in idle.iter_mut().take(10) {
            client.query("SELECT 1")?;
        }
        Ok(Round {
            values: vec![memory, Ok(beside), Ok(beside / alone.max(1.0))],
            client_cpus: None,
            note: None,
        })
    }
}
