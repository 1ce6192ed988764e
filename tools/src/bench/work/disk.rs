//! What a table takes on the disk, freshly loaded and after each row has been updated three times, and what an update writes.

use super::{Better, Goal, Metric, Round, Workload, sbtest};
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use crate::bench::{Setting, interrupted};
use std::time::{Duration, Instant};

const TABLE: &str = "disk_use";
const PASSES: u32 = 3;
const TELLING_ROWS: u32 = 1_000_000;
/// Rows of one UPDATE.
const RANGE: u32 = 500;
/// Work in the background has settled when the folder's size stays for this long, and is not waited for longer.
const SETTLED: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: f64 = 1_048_576.0;

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Disk)]
}

struct Disk;

/// The folder's size when it does not change any more.
fn settled(side: &Side, setting: &Setting) -> Result<f64, String> {
    let settled = setting.scale.pick(SETTLED / 10, SETTLED, SETTLED * 2);
    let begun = Instant::now();
    let (mut size, mut since) = (side.disk_bytes()?, Instant::now());
    while since.elapsed() < settled && begun.elapsed() < PATIENCE && !interrupted() {
        std::thread::sleep(settled / 10);
        let now = side.disk_bytes()?;
        if now != size {
            (size, since) = (now, Instant::now());
        }
    }
    Ok(size as f64)
}

impl Workload for Disk {
    fn name(&self) -> &str {
        "disk"
    }

    fn about(&self) -> String {
        "disk space by which the data folder grows: after a load, after 3 updates of each row; bytes to the device per update"
            .into()
    }

    fn metrics(&self) -> Vec<Metric> {
        // At most 0.35 and 0.8 of theirs.
        let space = |name| {
            let metric = Metric::new(name, "MiB", Better::Less);
            metric.against(Kind::Mysql, Goal::Ratio(2.86)).against(Kind::Myrocks, Goal::Ratio(1.25))
        };
        let written = Metric::new("written", "bytes/updated row", Better::Less);
        vec![
            space("after load"),
            space("after 3× updates"),
            written.against(Kind::Mysql, Goal::Ratio(5.0)).against(Kind::Myrocks, Goal::Ratio(1.0)),
        ]
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        u64::from(setting.rows) * 2_000
    }

    fn round(&self, side: &mut Side, setting: &Setting, _: u64) -> Result<Round, String> {
        let mut client = side.connect()?;
        client.exec(&format!("DROP TABLE IF EXISTS {TABLE}"))?;
        let before = settled(side, setting)?;
        side.make_table(&mut client, &sbtest::table(TABLE))?;
        let values = (1..=setting.rows).map(|id| {
            let (k, c, pad) = sbtest::row(id, setting.rows);
            format!("({id},{k},'{c}','{pad}')")
        });
        client.insert(TABLE, values)?;
        let loaded = settled(side, setting)?;
        let used = side.usage();
        for first in (0..PASSES).flat_map(|_| (1..=setting.rows).step_by(RANGE as usize)) {
            if interrupted() {
                return Err("interrupted".into());
            }
            client.exec(&format!(
                "UPDATE {TABLE} SET k = k + 1, c = CONCAT(SUBSTRING(c, 13), SUBSTRING(c, 1, 12)) WHERE id BETWEEN {first} AND {}",
                first + RANGE - 1
            ))?;
        }
        let updated = settled(side, setting)?;
        let rows = f64::from(setting.rows) * f64::from(PASSES);
        let written = used.and_then(|from| {
            side.usage().map(|to| to.written_bytes.saturating_sub(from.written_bytes) as f64 / rows)
        });
        // A log-structured engine keeps so few rows in memory and in a log whose space was taken before: no growth then.
        let few = setting.rows < TELLING_ROWS;
        let grown = |size: f64| match size - before {
            grown if grown > 0.0 => Ok(grown / MIB),
            _ if few => Ok(0.0),
            _ => Err("the folder did not grow: it had room from before".to_string()),
        };
        let note = few.then(|| format!("fewer than {TELLING_ROWS} rows tell nothing of space"));
        Ok(Round { values: vec![grown(loaded), grown(updated), written], client_cpus: None, note })
    }

    fn check(&self, side: &mut Side, setting: &Setting) -> Result<String, String> {
        let sum = side.connect()?.number(&format!("SELECT SUM(k) FROM {TABLE}"))?;
        let loaded: f64 = (1..=setting.rows).map(|id| f64::from(sbtest::row(id, setting.rows).0)).sum();
        let expected = loaded + f64::from(setting.rows) * f64::from(PASSES);
        if sum != expected {
            return Err(format!("the sum of the updated column is {sum}, not {expected}"));
        }
        Ok("every update is in the sum".into())
    }

    fn cleanup(&self, side: &mut Side, _: &Setting) -> Result<(), String> {
        side.connect()?.exec(&format!("DROP TABLE IF EXISTS {TABLE}"))?;
        Ok(())
    }
}
