//! A server after `kill -9`: how long until it answers, and whether everything acknowledged is there.

use super::{Better, Goal, Metric, Round, Workload, sbtest};
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use crate::bench::{Setting, interrupted};

const TABLE: &str = "crashed";
/// Values of the indexed column.
const KEYS: u32 = 1_000_000;
/// Of one INSERT.
const ROWS: u32 = 500;

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Recovery)]
}

struct Recovery;

/// Bytes that are written before the end.
fn bytes(setting: &Setting) -> u64 {
    setting.scale.least_or(256 << 10, setting.scale.pick(1 << 20, 64 << 20, 1 << 30))
}

impl Workload for Recovery {
    fn name(&self) -> &str {
        "recovery"
    }

    fn about(&self) -> String {
        "kill -9 after 1 GiB of INSERTs (less at smaller scales), start to first answer; no acknowledged row may be missing".into()
    }

    fn metrics(&self) -> Vec<Metric> {
        let metric = Metric::new("kill -9 to ready", "s", Better::Less);
        vec![metric.goal(Goal::Below(2.0)).against(Kind::Mysql, Goal::RatioAndMost(2.0, 2.0))]
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind == Kind::Duckdb).then(|| "a library, not a server".into())
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        bytes(setting) * 4
    }

    fn round(&self, side: &mut Side, setting: &Setting, _: u64) -> Result<Round, String> {
        let mut client = side.connect()?;
        side.make_table(&mut client, &sbtest::table(TABLE))?;
        let (mut written, mut last) = (0, 0);
        while written < bytes(setting) {
            if interrupted() {
                return Err("interrupted".into());
            }
            let values = (last + 1..=last + ROWS).map(|id| {
                let (k, c, pad) = sbtest::row(id, KEYS);
                format!("({id},{k},'{c}','{pad}')")
            });
            let sql = format!("INSERT INTO {TABLE} VALUES {}", values.collect::<Vec<_>>().join(","));
            client.exec(&sql)?;
            (written, last) = (written + sql.len() as u64, last + ROWS);
        }
        let seconds = side.crash()?;
        let mut client = side.connect()?;
        let found = client.number(&format!("SELECT COUNT(*) FROM {TABLE} WHERE k > 0"))?;
        if found != f64::from(last) {
            return Err(format!("WRONG: {last} rows were acknowledged, {found} are there after kill -9"));
        }
        let mut round = Round::of([seconds]);
        round.note = Some(format!("{} MiB written before", written >> 20));
        Ok(round)
    }

    fn check(&self, _: &mut Side, _: &Setting) -> Result<String, String> {
        Ok("every acknowledged row was there after kill -9".into())
    }

    fn cleanup(&self, side: &mut Side, _: &Setting) -> Result<(), String> {
        side.connect()?.exec(&format!("DROP TABLE IF EXISTS {TABLE}"))?;
        Ok(())
    }
}
