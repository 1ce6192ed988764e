//! The race itself: every work, round by round, A B C A B C.

use super::args::RaceArgs;
use super::kind::Kind;
use super::report::{self, Race, Rounds, Row};
use super::side::Side;
use super::work::{self, Workload};
use super::{Setting, interrupted, peers, process, watch_for_interrupts};
use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// What a shell calls the end by Ctrl-C.
pub const EXIT_INTERRUPTED: i32 = 130;

/// Whether `wanted` is the work's name, or that without the number of clients, or without sysbench's prefix.
fn is_named(work: &str, wanted: &str) -> bool {
    let short = work.strip_prefix("oltp-").unwrap_or(work);
    [work, short].iter().any(|name| match name.strip_prefix(wanted) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('-').is_some_and(|rest| rest.parse::<u32>().is_ok()),
        None => false,
    })
}

/// The works of those names, in the list's order.
pub fn chosen(names: &[String]) -> Result<Vec<Box<dyn Workload>>, Failure> {
    let all = work::all();
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|work| is_named(work.name(), name))) {
        let names: Vec<&str> = all.iter().map(|work| work.name()).collect();
        return Err(Failure::usage(format!("no work is named `{unknown}`; there are: {}", names.join(", "))));
    }
    let wanted =
        |work: &dyn Workload| names.is_empty() || names.iter().any(|name| is_named(work.name(), name));
    Ok(all.into_iter().filter(|work| wanted(work.as_ref())).collect())
}

/// The peers' names, those with a `--target` included.
fn opponents(args: &RaceArgs) -> Result<Vec<Kind>, Failure> {
    let mut kinds = Vec::new();
    for name in args.against.iter().filter(|name| name.as_str() != "none" && !name.is_empty()) {
        match Kind::by_name(name) {
            None => {
                let names: Vec<&str> = Kind::PEERS.iter().map(|kind| kind.name()).collect();
                return Err(Failure::usage(format!(
                    "no peer is named `{name}`; there are: {}",
                    names.join(", ")
                )));
            }
            Some(kind) => kinds.push(kind),
        }
    }
    kinds.extend(args.target.iter().filter(|target| target.name != "ours").map(|target| target.kind));
    let mut once = Vec::new();
    kinds.retain(|kind| {
        !once.contains(kind) && {
            once.push(*kind);
            true
        }
    });
    Ok(kinds)
}

fn setting(args: &RaceArgs, folder: &std::path::Path) -> Result<Setting, Failure> {
    let seconds = args.seconds.unwrap_or(args.scale.pick(0.5, 2.0, 10.0));
    if !seconds.is_finite() || !(0.1..=86_400.0).contains(&seconds) {
        return Err(Failure::usage("--seconds: a number from 0.1 to 86400 is expected"));
    }
    if args.rate.is_some_and(|rate| !rate.is_finite() || !(0.001..=1e7).contains(&rate)) {
        return Err(Failure::usage("--rate: a number from 0.001 to 10000000 is expected"));
    }
    Ok(Setting {
        scale: args.scale,
        rows: args.rows.unwrap_or(args.scale.least_or(1_000, args.scale.pick(5_000, 20_000, 1_000_000))),
        seconds,
        rate: args.rate,
        warm_up: Duration::from_millis(args.scale.pick(100, 500, 3_000)),
        folder: folder.to_path_buf(),
    })
}

pub fn rounds(args: &RaceArgs) -> u32 {
    args.rounds.unwrap_or(args.scale.pick(1, 3, 5))
}

fn describe(args: &RaceArgs, setting: &Setting, durability: &str) -> String {
    let disk = process::file_system(&setting.folder).map_or(String::new(), |kind| format!(" on {kind}"));
    let loop_kind = match setting.rate {
        Some(rate) => format!("open loop, {rate} arrivals/s, latency from when an operation was due"),
        None => "closed loop, latencies corrected for coordinated omission by each client's mean".into(),
    };
    format!(
        "{durability}; scale {}, {} rows; {} rounds of {} s a side after {} s of warm-up, alternating; {loop_kind}; \
         no TLS; folders{disk}",
        setting.scale.name(),
        setting.rows,
        rounds(args),
        setting.seconds,
        setting.warm_up.as_secs_f64()
    )
}

/// All sides, up and of equal durability. What was started is stopped with this value.
pub struct Ground {
    pub sides: Vec<Side>,
    pub setting: Setting,
    /// Names with versions, ours first.
    names: Vec<String>,
    /// The conditions, for people.
    text: String,
    _folder: tempfile::TempDir,
}

impl Ground {
    pub fn prepare(args: &RaceArgs, works: &[Box<dyn Workload>]) -> Result<Ground, Failure> {
        let opponents = opponents(args)?;
        let parent = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let checked = setting(args, &parent)?;
        let needed = works.iter().map(|work| work.disk_bytes(&checked)).max().unwrap_or(0);
        peers::check_room(args, &parent, opponents.len() + 1, needed)?;
        watch_for_interrupts();
        let mut temp = tempfile::Builder::new()
            .prefix("aurora-bench-")
            .tempdir_in(&parent)
            .map_err(|error| Failure::io("make a folder in", &parent, &error))?;
        // PostgreSQL runs as another user and has to get through.
        let _ = std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o711));
        if args.keep {
            temp.disable_cleanup(true);
            eprintln!("folders stay in {}", temp.path().display());
        }
        let setting = Setting { folder: temp.path().to_path_buf(), ..checked };
        let mut wanted = vec![("ours", Kind::Aurora)];
        wanted.extend(opponents.iter().map(|kind| (kind.name(), *kind)));
        // At once: making data folders is mostly waiting for the disk. The first that fails ends the others.
        let sides = std::thread::scope(|scope| {
            let starts: Vec<_> = wanted
                .iter()
                .map(|(name, kind)| scope.spawn(|| peers::side(args, name, *kind, temp.path())))
                .collect();
            let joined = |side: std::thread::Result<Result<Side, Failure>>| {
                side.unwrap_or_else(|_| Err(Failure::runtime("a side's start ended unexpectedly")))
            };
            starts.into_iter().map(|start| joined(start.join())).collect::<Vec<_>>()
        });
        let sides = sides.into_iter().collect::<Result<Vec<Side>, Failure>>()?;
        let durability = peers::durability(&sides, args.unfair)?;
        let mut names = Vec::new();
        for side in &sides {
            let version = side.version().map_err(Failure::runtime)?;
            // Less what a distribution adds.
            let version = version.split([' ', '-']).next().unwrap_or_default();
            names.push(format!("{} {}", side.name, version.trim_start_matches('v')));
        }
        let text = format!(
            "{}; on {}; {}{}",
            names.join(", "),
            process::machine(),
            describe(args, &setting, &durability),
            peers::options(args, &sides)
        );
        if !args.json {
            eprintln!("{text}");
        }
        Ok(Ground { sides, setting, names, text, _folder: temp })
    }
}

/// Runs the command; returns the exit code.
pub fn run(args: &RaceArgs) -> Result<i32, Failure> {
    let works = chosen(&args.works)?;
    let mut ground = Ground::prepare(args, &works)?;
    let race = Race { peers: std::mem::take(&mut ground.names), setting: std::mem::take(&mut ground.text) };
    let setting = &ground.setting;
    let sides = &mut ground.sides;
    let rows = run_works(args, &works, sides, setting, &race)?;
    sides.iter().for_each(Side::clean);
    drop(ground);
    if let Some(path) = &args.html {
        report::page::write(path, &rows).map_err(Failure::runtime)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows).unwrap_or_default());
    } else {
        print!("{}", report::table(&rows, args.details));
        print!("{}", report::client_share(&rows));
    }
    if interrupted() {
        eprintln!("aurora: interrupted: the figures are partial");
        return Ok(EXIT_INTERRUPTED);
    }
    Ok(i32::from(rows.iter().any(Row::has_failed)))
}

/// Every work on every side; a side that has failed is not asked again.
fn run_works(
    args: &RaceArgs,
    works: &[Box<dyn Workload>],
    sides: &mut [Side],
    setting: &Setting,
    race: &Race,
) -> Result<Vec<Row>, Failure> {
    let rounds = rounds(args);
    let bar = ProgressBar::new(works.len() as u64 * (u64::from(rounds) + 1) * sides.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} steps {elapsed}  {msg}") {
        bar.set_style(style);
    }
    let mut rows = Vec::new();
    for work in works {
        if interrupted() {
            break;
        }
        let results = run_work(work.as_ref(), rounds, sides, setting, &bar);
        rows.extend(report::rows(work.as_ref(), race, sides, &results));
        if let Some(path) = &args.save {
            let text = serde_json::to_string_pretty(&rows).unwrap_or_default();
            std::fs::write(path, text).map_err(|error| Failure::io("write", path, &error))?;
        }
    }
    bar.finish_and_clear();
    Ok(rows)
}

fn run_work(
    work: &dyn Workload,
    rounds: u32,
    sides: &mut [Side],
    setting: &Setting,
    bar: &ProgressBar,
) -> Vec<Rounds> {
    let metrics = work.metrics().len();
    let mut results: Vec<Rounds> = sides.iter().map(|_| Rounds::new(metrics)).collect();
    for (side, result) in sides.iter_mut().zip(&mut results) {
        bar.set_message(format!("{}, {}: preparing", work.name(), side.name));
        bar.inc(1);
        match work.not_raced(side.kind) {
            Some(why) => result.not_raced = Some(why),
            None if interrupted() => result.fail("interrupted"),
            None => {
                let ready = side.revive().and_then(|()| work.prepare(side, setting));
                let _ = ready.map_err(|error| result.fail(&error));
            }
        }
    }
    for round in 0..u64::from(rounds) {
        for (side, result) in sides.iter_mut().zip(&mut results) {
            bar.set_message(format!("{}, {}", work.name(), side.name));
            bar.inc(1);
            if interrupted() {
                result.interrupted = true;
            }
            if result.has_ended() {
                continue;
            }
            match work.round(side, setting, round) {
                // What was measured before stays, and is marked.
                Err(_) if interrupted() => result.interrupted = true,
                Err(error) => result.fail(&error),
                Ok(round) => result.add(round),
            }
        }
    }
    for (side, result) in sides.iter_mut().zip(&mut results) {
        if !result.has_ended() {
            match work.check(side, setting) {
                Ok(checked) => result.checked = (!checked.is_empty()).then_some(checked),
                Err(error) => result.fail(&format!("the data are wrong afterwards: {error}")),
            }
        }
        if result.not_raced.is_none() && !interrupted() {
            let _ = work.cleanup(side, setting);
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_found_by_name() {
        assert_eq!(chosen(&["start".into()]).map(|works| works.len()).ok(), Some(1));
        assert!(chosen(&[]).is_ok_and(|works| works.len() == work::all().len()));
        let failure = chosen(&["starts".into()]).err().map(|failure| (failure.code, failure.message));
        assert!(failure.is_some_and(|(code, text)| code == 2
            && text.contains("`starts`")
            && text.contains("idle-memory")));
        for (name, count) in [("point-select", 1), ("update", 3), ("update-64", 1), ("oltp-write-only", 3)] {
            assert_eq!(chosen(&[name.into()]).map(|works| works.len()).ok(), Some(count), "{name}");
        }
        let mut names: Vec<String> = work::all().iter().map(|work| work.name().to_string()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "two works have one name");
    }
}
