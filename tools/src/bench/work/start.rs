//! A server that has just started: how long it took, and what it takes.

use super::{Better, Goal, Metric, Round, Workload};
use crate::bench::Setting;
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use std::time::Duration;

/// Before memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Start), Box::new(IdleMemory)]
}

struct Start;

impl Workload for Start {
    fn name(&self) -> &str {
        "start"
    }

    fn about(&self) -> String {
        "process start to first answer, after an orderly stop".into()
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![Metric::new("start to ready", "s", Better::Less).goal(Goal::Below(0.2))]
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "a library, not a server".into())
    }

    fn round(&self, side: &mut Side, _: &Setting, _: u64) -> Result<Round, String> {
        side.restart().map(|seconds| Round::of([seconds]))
    }
}

struct IdleMemory;

impl Workload for IdleMemory {
    fn name(&self) -> &str {
        "idle-memory"
    }

    fn about(&self) -> String {
        "memory of a server that has just started".into()
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![Metric::new("resident", "MiB", Better::Less).goal(Goal::Below(60.0))]
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "a library, not a server".into())
    }

    fn round(&self, side: &mut Side, _: &Setting, _: u64) -> Result<Round, String> {
        let started = side.server.is_some();
        if started {
            side.restart()?;
            std::thread::sleep(SETTLE);
        }
        let mut round = Round::of([side.resident_mib()?]);
        round.note = (!started).then(|| "was running before: not a fresh server".into());
        Ok(round)
    }
}
