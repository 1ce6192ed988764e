//! Two results of the same works, told apart: is the later one slower?

use super::{Row, number};
use crate::failure::Failure;
use clap::Args;
use comfy_table::{Table, presets};
use std::path::{Path, PathBuf};

/// Changes below this are noise, whatever the spread says.
const LEAST_NOISE: f64 = 0.05;

/// Compare two results of `race --json`: has anything become worse by more than the noise?
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  aurora bench compare before.json after.json\n\n\
    Noise is the larger spread of the rounds of both results, and 5 % at least. Figures of ours are compared; where the peer\n\
    was measured in both, so are the ratios to it, which do not depend on how busy the machine was: what is worse in both has\n\
    regressed.\n\n\
    Exit codes: 0 nothing regressed; 1 a figure regressed or is gone; 2 usage.")]
pub struct CompareArgs {
    /// The earlier result.
    before: PathBuf,
    /// The later one.
    after: PathBuf,
    /// Noise at least, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = LEAST_NOISE * 100.0)]
    noise: f64,
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Regressed,
    Gone,
    Better,
    Same,
    New,
}

#[derive(Debug, serde::Serialize)]
struct Change {
    work: String,
    peer: String,
    unit: String,
    before: Option<f64>,
    after: Option<f64>,
    /// Above 1: better than before.
    change: Option<f64>,
    /// The same of the ratio to the peer.
    ratio_change: Option<f64>,
    noise: f64,
    verdict: Verdict,
}

/// What a race has saved.
pub fn read(path: &Path) -> Result<Vec<Row>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::runtime(format!("{} is no result of a race: {error}", path.display())))
}

/// The name without the version, which may differ.
fn peer(row: &Row) -> &str {
    row.peer.split(' ').next().unwrap_or_default()
}

fn change(before: Option<&Row>, after: Option<&Row>, least: f64) -> Option<Change> {
    let row = after.or(before)?;
    let ours = |row: Option<&Row>| row.and_then(|row| row.ours);
    let (old, new) = (ours(before), ours(after));
    let better = |old: f64, new: f64| {
        let (upper, lower) = if row.higher_is_better { (new, old) } else { (old, new) };
        (lower > 0.0).then(|| upper / lower)
    };
    let change = old.zip(new).and_then(|(old, new)| better(old, new));
    let ratio = |row: Option<&Row>| row.and_then(|row| row.ratio).filter(|ratio| *ratio > 0.0);
    let ratio_change = ratio(before).zip(ratio(after)).map(|(old, new)| new / old);
    let spreads = [before, after].into_iter().flatten().flat_map(|row| [row.spread_ours, row.spread_theirs]);
    let noise = spreads.flatten().fold(least, f64::max);
    let worse = |change: f64| change < 1.0 / (1.0 + noise);
    let verdict = match (old, new, change) {
        (None, None, _) => return None,
        (Some(_), None, _) => Verdict::Gone,
        (None, Some(_), _) => Verdict::New,
        (_, _, Some(change)) if worse(change) && ratio_change.is_none_or(worse) => Verdict::Regressed,
        (_, _, Some(change))
            if change > 1.0 + noise && ratio_change.is_none_or(|ratio| ratio > 1.0 + noise) =>
        {
            Verdict::Better
        }
        _ => Verdict::Same,
    };
    Some(Change {
        work: row.work.clone(),
        peer: peer(row).to_string(),
        unit: row.unit.clone(),
        before: old,
        after: new,
        change,
        ratio_change,
        noise,
        verdict,
    })
}

fn changes(before: &[Row], after: &[Row], least: f64) -> Vec<Change> {
    let same = |a: &Row, b: &Row| a.work == b.work && peer(a) == peer(b);
    let mut all: Vec<Change> = before
        .iter()
        .filter_map(|old| change(Some(old), after.iter().find(|new| same(old, new)), least))
        .collect();
    let new = after.iter().filter(|new| !before.iter().any(|old| same(old, new)));
    all.extend(new.filter_map(|new| change(None, Some(new), least)));
    all
}

fn table(changes: &[Change]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["work", "peer", "unit", "before", "after", "change", "of the ratio", "noise", ""]);
    for change in changes {
        let figure = |value: Option<f64>| value.map_or("–".to_string(), number);
        let times = |value: Option<f64>| value.map_or("–".to_string(), |value| format!("{value:.2}×"));
        table.add_row([
            change.work.clone(),
            change.peer.clone(),
            change.unit.clone(),
            figure(change.before),
            figure(change.after),
            times(change.change),
            times(change.ratio_change),
            format!("±{:.0}%", change.noise * 100.0),
            match change.verdict {
                Verdict::Regressed => "REGRESSED",
                Verdict::Gone => "GONE",
                Verdict::Better => "better",
                Verdict::Same => "",
                Verdict::New => "new",
            }
            .into(),
        ]);
    }
    format!("{table}\n")
}

/// Runs the command; returns the exit code.
pub fn run(args: &CompareArgs) -> Result<i32, Failure> {
    if !args.noise.is_finite() || args.noise < 0.0 {
        return Err(Failure::usage("--noise: percent are expected, 0 or more"));
    }
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let changes = changes(&before, &after, args.noise / 100.0);
    let count = |verdict: Verdict| changes.iter().filter(|change| change.verdict == verdict).count();
    let bad = count(Verdict::Regressed) + count(Verdict::Gone);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&changes).unwrap_or_default());
    } else {
        print!("{}", table(&changes));
        println!(
            "{} regressed, {} gone, {} better, {} as before, {} new",
            count(Verdict::Regressed),
            count(Verdict::Gone),
            count(Verdict::Better),
            count(Verdict::Same),
            count(Verdict::New)
        );
    }
    Ok(i32::from(bad > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: Option<f64>, theirs: f64, spread: f64) -> Row {
        let value = serde_json::json!({
            "work": "oltp: throughput", "peer": "mysql 9.7", "unit": "t/s", "ours": ours, "theirs": theirs,
            "ratio": ours.map(|ours| ours / theirs), "goal": null, "met": null, "spread_ours": spread,
            "spread_theirs": null, "ours_rounds": [], "theirs_rounds": [], "higher_is_better": true,
            "client_cpus_ours": null, "client_cpus_theirs": null, "error": null, "partial": false, "note": null,
            "checked": null, "detail": false, "setting": "",
        });
        serde_json::from_value(value).unwrap()
    }

    fn verdict(before: &Row, after: &Row) -> Verdict {
        changes(std::slice::from_ref(before), std::slice::from_ref(after), 0.05)[0].verdict
    }

    #[test]
    fn only_what_exceeds_the_noise_has_regressed() {
        let before = row(Some(100.0), 50.0, 0.02);
        assert_eq!(verdict(&before, &row(Some(80.0), 50.0, 0.02)), Verdict::Regressed);
        assert_eq!(verdict(&before, &row(Some(97.0), 50.0, 0.02)), Verdict::Same);
        assert_eq!(verdict(&before, &row(Some(80.0), 50.0, 0.40)), Verdict::Same);
        // The machine was slower for both.
        assert_eq!(verdict(&before, &row(Some(80.0), 40.0, 0.02)), Verdict::Same);
        assert_eq!(verdict(&before, &row(Some(130.0), 50.0, 0.02)), Verdict::Better);
        assert_eq!(verdict(&before, &row(None, 50.0, 0.02)), Verdict::Gone);
        assert_eq!(changes(&[], &[before], 0.05)[0].verdict, Verdict::New);
    }
}
