//! Rounds to rows, rows to a table or JSON.

use super::peers::{OURS, OURS_PLAIN};
use super::work::{Outcome, Work};
use crate::bench::report::{median, spread};
use serde::Serialize;

/// What ours without encryption may be faster by.
const ENCRYPTION_GOAL: f64 = 0.95;

/// One figure of a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub higher_is_better: bool,
    /// Whether GOALS asks us to be first.
    pub is_goal: bool,
}

const RATE: Metric = Metric { name: "rate", unit: "/s", higher_is_better: true, is_goal: true };
const CPU: Metric = Metric { name: "CPU", unit: "µs", higher_is_better: false, is_goal: false };
const P50: Metric = Metric { name: "p50", unit: "µs", higher_is_better: false, is_goal: false };
const P99: Metric = Metric { name: "p99", unit: "µs", higher_is_better: false, is_goal: false };
const WRITTEN: Metric =
    Metric { name: "bytes written", unit: "per user byte", higher_is_better: false, is_goal: false };
const SPACE: Metric =
    Metric { name: "bytes on disk", unit: "per user byte", higher_is_better: false, is_goal: false };

/// The metrics of a work, in the order of [`figures`].
pub fn metrics(work: Work) -> &'static [Metric] {
    match work {
        Work::Fill | Work::Overwrite => &[RATE, CPU, WRITTEN, SPACE],
        Work::Update | Work::Churn => &[RATE, CPU, P99, WRITTEN],
        Work::Durable(_) => &[RATE, P50, P99, CPU],
        _ => &[RATE, CPU, P99],
    }
}

/// `space`: bytes on disk per byte of live data, asked for bulk works.
pub fn figures(work: Work, outcome: &Outcome, space: f64) -> Vec<f64> {
    let operations = outcome.operations.max(1) as f64;
    let micros = |quantile: f64| outcome.latency.value_at_quantile(quantile) as f64 / 1e3;
    let figure = |metric: &Metric| match *metric {
        RATE => operations / outcome.seconds,
        CPU => outcome.cpu_seconds * 1e6 / operations,
        P50 => micros(0.5),
        P99 => micros(0.99),
        WRITTEN => outcome.device_bytes as f64 / outcome.user_bytes.max(1) as f64,
        _ => space,
    };
    metrics(work).iter().map(figure).collect()
}

/// What one engine did in one work on one size.
#[derive(Clone, Default)]
pub struct Rounds {
    /// By metric.
    pub values: Vec<Vec<f64>>,
    pub error: Option<String>,
}

/// A work on one size, by all engines.
pub struct Line {
    pub size: String,
    pub work: Work,
    /// As the engines are ordered.
    pub rounds: Vec<Rounds>,
}

/// One comparison, as all benches print it. A figure that was not measured is `null`, and `error` says why.
#[derive(Debug, Serialize)]
pub struct Row {
    pub work: String,
    pub peer: String,
    pub unit: String,
    pub ours: Option<f64>,
    pub theirs: Option<f64>,
    /// Above 1 is better for us.
    pub ratio: Option<f64>,
    pub goal: Option<String>,
    pub met: Option<bool>,
    pub ours_rounds: Vec<f64>,
    pub theirs_rounds: Vec<f64>,
    pub error: Option<String>,
    pub setting: String,
}

impl Rounds {
    /// One round's figures.
    pub fn add(&mut self, figures: Vec<f64>) {
        self.values.iter_mut().zip(figures).for_each(|(values, figure)| values.push(figure));
    }

    fn of(&self, metric: usize) -> &[f64] {
        match self.error {
            // A median of what was left would flatter.
            Some(_) => &[],
            None => self.values.get(metric).map_or(&[], Vec::as_slice),
        }
    }
}

impl Metric {
    fn ratio(&self, ours: f64, theirs: f64) -> Option<f64> {
        let (upper, lower) = if self.higher_is_better { (ours, theirs) } else { (theirs, ours) };
        (lower > 0.0).then(|| upper / lower)
    }
}

/// Every line against every peer.
pub fn rows(engines: &[&str], lines: &[Line], setting: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in lines {
        for (at, metric) in metrics(line.work).iter().enumerate() {
            for (peer, theirs) in engines.iter().zip(&line.rounds).skip(1) {
                rows.push(row(line, at, metric, peer, theirs, setting));
            }
        }
    }
    rows
}

fn row(line: &Line, at: usize, metric: &Metric, peer: &str, theirs: &Rounds, setting: &str) -> Row {
    let ours = &line.rounds[0];
    let (our_figure, their_figure) = (median(ours.of(at)), median(theirs.of(at)));
    let ratio = our_figure.zip(their_figure).and_then(|(ours, theirs)| metric.ratio(ours, theirs));
    let least = match peer {
        OURS_PLAIN => ENCRYPTION_GOAL,
        _ => 1.0,
    };
    let errors = [(OURS, ours), (peer, theirs)]
        .into_iter()
        .filter_map(|(name, rounds)| rounds.error.as_ref().map(|error| format!("{name}: {error}")))
        .collect::<Vec<_>>();
    Row {
        work: format!("lsm {} {}: {}", line.work.name(), line.size, metric.name),
        peer: peer.into(),
        unit: metric.unit.into(),
        ours: our_figure,
        theirs: their_figure,
        ratio,
        goal: metric.is_goal.then(|| format!("≥ {least}×")),
        met: ratio.filter(|_| metric.is_goal).map(|ratio| ratio >= least),
        ours_rounds: ours.of(at).to_vec(),
        theirs_rounds: theirs.of(at).to_vec(),
        error: (!errors.is_empty()).then(|| errors.join("; ")),
        setting: setting.into(),
    }
}

/// Three significant digits; thousands as `k`.
fn number(value: f64) -> String {
    if value >= 100_000.0 {
        return format!("{:.0}k", value / 1000.0);
    }
    let digits = match value {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// The rounds' spread in percent, to put behind their median.
fn spread_text(rounds: &[f64]) -> String {
    spread(rounds).map_or(String::new(), |far| format!(" ±{:.0}%", far * 100.0))
}

/// One line per figure, a column per engine, and ours against the best peer.
pub fn table(engines: &[&str], lines: &[Line]) -> String {
    let mut heading: Vec<String> = ["work", "data", "figure"].map(str::to_string).to_vec();
    heading.extend(engines.iter().map(ToString::to_string));
    heading.push("ours : best peer".into());
    let mut cells = vec![heading];
    let mut errors = Vec::new();
    for line in lines {
        for (at, metric) in metrics(line.work).iter().enumerate() {
            cells.push(cells_of(engines, line, at, metric));
        }
        for (engine, rounds) in engines.iter().zip(&line.rounds) {
            if let Some(error) = &rounds.error {
                errors.push(format!("{} {}, {engine}: {error}", line.work.name(), line.size));
            }
        }
    }
    let columns = cells[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in &cells {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            line.push_str(&if column < 3 { format!("{cell}{pad}  ") } else { format!("{pad}{cell}  ") });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    errors.iter().for_each(|error| {
        out.push_str("– ");
        out.push_str(error);
        out.push('\n');
    });
    out
}

fn cells_of(engines: &[&str], line: &Line, at: usize, metric: &Metric) -> Vec<String> {
    let medians: Vec<Option<f64>> = line.rounds.iter().map(|rounds| median(rounds.of(at))).collect();
    let mut row = vec![line.work.name(), line.size.clone(), format!("{}, {}", metric.name, metric.unit)];
    row.extend(medians.iter().zip(&line.rounds).map(|(median, rounds)| match median {
        Some(median) => format!("{}{}", number(*median), spread_text(rounds.of(at))),
        None => "–".into(),
    }));
    let peers = engines.iter().zip(&medians).filter(|(name, _)| **name != OURS && **name != OURS_PLAIN);
    let ratios = peers.filter_map(|(name, theirs)| Some((metric.ratio(medians[0]?, (*theirs)?)?, name)));
    let verdict = match ratios.min_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "–".into(),
        Some((ratio, name)) => {
            let met = match (metric.is_goal, ratio >= 1.0) {
                (false, _) => "",
                (true, true) => ", first",
                (true, false) => ", not first",
            };
            format!("{ratio:.2}× ({name}{met})")
        }
    };
    row.push(verdict);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(rate: f64) -> Rounds {
        Rounds { values: vec![vec![rate], vec![2.0], vec![3.0]], error: None }
    }

    fn line() -> Line {
        let refused = Rounds { error: Some("cannot".into()), ..Rounds::default() };
        let all = vec![rounds(200.0), rounds(210.0), rounds(100.0), rounds(160.0), refused];
        Line { size: "5×".into(), work: Work::ReadHit, rounds: all }
    }

    const ENGINES: [&str; 5] = [OURS, OURS_PLAIN, "a", "b", "c"];

    #[test]
    fn the_best_peer_decides() {
        let text = table(&ENGINES, &[line()]);
        assert!(text.contains("1.25× (b, first)") && text.contains("read-hit 5×, c: cannot"), "{text}");
    }

    #[test]
    fn rows_keep_the_contract() {
        let rows = rows(&ENGINES, &[line()], "s");
        assert_eq!(rows.len(), 12);
        assert_eq!((rows[1].ratio, rows[1].met), (Some(2.0), Some(true)));
        assert_eq!((rows[0].peer.as_str(), rows[0].met), (OURS_PLAIN, Some(true)));
        assert_eq!((rows[3].ratio, rows[3].met), (None, None));
        assert_eq!(rows[3].error.as_deref(), Some("c: cannot"));
        assert_eq!(rows[5].goal, None);
    }
}
