//! Whether our client tells the truth: sysbench itself, of its package, on the same table of the same server.

use super::args::RaceArgs;
use super::kind::Kind;
use super::report::{median, number, spread};
use super::side::{Login, Side};
use super::work::{Workload, sbtest};
use super::{Setting, interrupted, race};
use crate::failure::Failure;
use clap::Args;
use comfy_table::{Table, presets};
use std::process::Command;

/// Rounds that spread more than this show nothing.
const MOST_NOISE: f64 = 0.50;
/// sysbench's name of its first table.
const TABLE: &str = "sbtest1";
/// Two clients may differ by this much even where the rounds hardly spread.
const LEAST_NOISE: f64 = 0.10;

/// Run sysbench's own binary and our client on the same server and table, in alternating rounds, and compare.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  aurora bench sysbench oltp-point-select oltp-read-write-8 --against mysql --rounds 5\n  \
    aurora bench sysbench --rounds 5 --seconds 3 --json\n\n\
    Takes the options of `race` but --html. Works are the `oltp-` ones, all of them by default. Clients that differ by more than the\n\
    rounds spread, and by 10 % at least, are marked DIFFER; where the rounds spread by more than 50 % nothing can be told. Exit codes: 0 both clients agree everywhere; 1 they differ, are\n\
    too noisy, or one failed; 2 usage; 130 interrupted, what was measured is printed."
)]
pub struct SysbenchArgs {
    #[command(flatten)]
    race: RaceArgs,
}

#[derive(Debug, serde::Serialize)]
struct Check {
    work: String,
    side: String,
    unit: &'static str,
    our_client: Option<f64>,
    sysbench: Option<f64>,
    ratio: Option<f64>,
    spread: f64,
    agree: Option<bool>,
    error: Option<String>,
}

/// sysbench's script, its clients, and whether it prepares, of a work of ours.
fn script(work: &str) -> Option<(String, u32, bool)> {
    let (name, clients) = match work.rsplit_once('-') {
        Some((name, count)) if count.parse::<u32>().is_ok() => (name, count.parse().ok()?),
        _ => (work, 8),
    };
    let (name, prepared) = name.strip_suffix("-text").map_or((name, true), |name| (name, false));
    let scripts = [
        "point-select",
        "read-only",
        "read-write",
        "write-only",
        "update-index",
        "update-non-index",
        "insert",
        "delete",
    ];
    scripts.contains(&name.strip_prefix("oltp-")?).then(|| (name.replace('-', "_"), clients, prepared))
}

/// Whether a work leaves another number of rows behind: each client then begins with a table of its own, loaded anew.
fn changes_count(work: &str) -> bool {
    ["oltp-insert", "oltp-delete"].iter().any(|name| work.starts_with(name))
}

fn connection(login: &Login, database: &str) -> Vec<String> {
    let driver = if login.kind == Kind::Postgres { "pgsql" } else { "mysql" };
    let mut all = vec![format!("--db-driver={driver}")];
    let words = [("host", &login.host), ("user", &login.user), ("password", &login.password)];
    all.extend(words.map(|(name, value)| format!("--{driver}-{name}={value}")));
    all.push(format!("--{driver}-port={}", login.port));
    all.push(format!("--{driver}-db={database}"));
    all
}

/// Of `transactions: 1234 (567.89 per sec.)`.
fn rate(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.trim().strip_prefix("transactions:"))?;
    line.split_once('(')?.1.split_whitespace().next()?.parse().ok()
}

fn run_sysbench(side: &Side, setting: &Setting, work: &str) -> Result<f64, String> {
    let (script, clients, prepared) = script(work).ok_or("sysbench has no such work")?;
    let output = Command::new("sysbench")
        .arg(&script)
        .args(connection(&side.login, &side.database()))
        .args(["--tables=1".into(), format!("--table-size={}", setting.rows)])
        .args([format!("--threads={clients}"), format!("--time={}", setting.seconds.ceil())])
        .args(["--events=0", if prepared { "--db-ps-mode=auto" } else { "--db-ps-mode=disable" }])
        .arg("run")
        .output()
        .map_err(|error| format!("sysbench: {error} (install the package sysbench)"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match rate(&text) {
        Some(rate) if output.status.success() => Ok(rate),
        _ => {
            let errors = String::from_utf8_lossy(&output.stderr);
            let all = format!("{text}\n{errors}");
            let fatal = all.lines().find(|line| line.contains("FATAL") || line.contains("error"));
            Err(format!("sysbench failed: {}", fatal.unwrap_or("it said nothing").trim()))
        }
    }
}

fn check(work: &dyn Workload, side: &mut Side, setting: &Setting, rounds: u32) -> Result<Check, String> {
    let anew = changes_count(work.name());
    sbtest::load(side, setting, TABLE)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..u64::from(rounds) {
        if interrupted() {
            return Err("interrupted".into());
        }
        // Again where the last round has changed how many rows there are.
        work.prepare(side, setting)?;
        let first = work.round(side, setting, round)?.values.into_iter().next();
        ours.push(first.unwrap_or_else(|| Err("no throughput".into()))?);
        work.cleanup(side, setting)?;
        if anew {
            side.forget(TABLE);
            sbtest::load(side, setting, TABLE)?;
        }
        let rate = run_sysbench(side, setting, work.name());
        if anew {
            side.forget(TABLE);
        }
        theirs.push(rate?);
    }
    let noise = [spread(&ours), spread(&theirs)].into_iter().flatten().fold(LEAST_NOISE, f64::max);
    let (our_client, sysbench) = (median(&ours), median(&theirs));
    let ratio =
        our_client.zip(sysbench).filter(|(_, theirs)| *theirs > 0.0).map(|(ours, theirs)| ours / theirs);
    Ok(Check {
        work: work.name().to_string(),
        side: side.name.clone(),
        unit: "transactions/s",
        our_client,
        sysbench,
        ratio,
        spread: noise,
        agree: ratio
            .filter(|_| noise <= MOST_NOISE)
            .map(|ratio| (1.0 / (1.0 + noise)..=1.0 + noise).contains(&ratio)),
        error: None,
    })
}

fn table(checks: &[Check]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["work", "side", "unit", "our client", "sysbench", "ratio", "noise", ""]);
    for check in checks {
        let figure = |value: Option<f64>| value.map_or("–".to_string(), number);
        table.add_row([
            check.work.clone(),
            check.side.clone(),
            check.unit.to_string(),
            figure(check.our_client),
            figure(check.sysbench),
            check.ratio.map_or("–".into(), |ratio| format!("{ratio:.2}")),
            format!("±{:.0}%", check.spread * 100.0),
            match (check.agree, &check.error) {
                (_, Some(error)) => format!("FAILED: {error}"),
                (Some(true), None) => "agree".into(),
                (Some(false), None) => "DIFFER".into(),
                (None, None) => "TOO NOISY to tell".into(),
            },
        ]);
    }
    format!("{table}\n")
}

/// Runs the command; returns the exit code.
pub fn run(args: &SysbenchArgs) -> Result<i32, Failure> {
    if args.race.html.is_some() {
        return Err(Failure::usage("--html: only a race has a page"));
    }
    let works = race::chosen(&args.race.works)?;
    let works: Vec<_> = works.into_iter().filter(|work| script(work.name()).is_some()).collect();
    if works.is_empty() {
        return Err(Failure::usage("none of these works is on sysbench's own table"));
    }
    if let Err(error) = Command::new("sysbench").arg("--version").output() {
        return Err(Failure::runtime(format!("sysbench is needed: {error}; install the package sysbench")));
    }
    let mut ground = race::Ground::prepare(&args.race, &works)?;
    let rounds = race::rounds(&args.race);
    let mut checks = Vec::new();
    for work in works.iter().take_while(|_| !interrupted()) {
        for side in ground.sides.iter_mut().filter(|side| work.not_raced(side.kind).is_none()) {
            checks.push(check(work.as_ref(), side, &ground.setting, rounds).unwrap_or_else(|error| Check {
                work: work.name().to_string(),
                side: side.name.clone(),
                unit: "transactions/s",
                our_client: None,
                sysbench: None,
                ratio: None,
                spread: LEAST_NOISE,
                agree: None,
                error: Some(error),
            }));
        }
        if let Some(path) = &args.race.save {
            let text = serde_json::to_string_pretty(&checks).unwrap_or_default();
            std::fs::write(path, text).map_err(|error| Failure::io("write", path, &error))?;
        }
    }
    ground.sides.iter().for_each(Side::clean);
    if args.race.json {
        println!("{}", serde_json::to_string_pretty(&checks).unwrap_or_default());
    } else {
        print!("{}", table(&checks));
    }
    if interrupted() {
        eprintln!("aurora: interrupted: the figures are partial");
        return Ok(race::EXIT_INTERRUPTED);
    }
    let apart = checks.iter().filter(|check| check.agree != Some(true)).count();
    if apart > 0 && !args.race.json {
        println!(
            "{apart} of {} differ by more than the rounds spread, are too noisy, or failed",
            checks.len()
        );
    }
    Ok(i32::from(apart > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_have_scripts_and_reports_are_read() {
        assert_eq!(script("oltp-point-select"), Some(("oltp_point_select".into(), 8, true)));
        assert_eq!(script("oltp-point-select-text"), Some(("oltp_point_select".into(), 8, false)));
        assert_eq!(script("oltp-delete-1"), Some(("oltp_delete".into(), 1, true)));
        assert!(changes_count("oltp-delete-1") && !changes_count("oltp-read-only-8"));
        let all =
            race::chosen(&[]).map(|works| works.into_iter().filter(|work| work.name().starts_with("oltp-")));
        assert!(all.is_ok_and(|mut works| works.all(|work| script(work.name()).is_some())));
        assert_eq!(script("oltp-update-non-index-64"), Some(("oltp_update_non_index".into(), 64, true)));
        assert_eq!((script("bulk-insert"), script("hot-counter-1")), (None, None));
        assert_eq!(rate("SQL statistics:\n    transactions:       1234   (567.89 per sec.)\n"), Some(567.89));
        assert_eq!(rate("transactions: none"), None);
    }
}
