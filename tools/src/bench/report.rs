//! Rounds to rows, rows to a table or JSON.

use super::work::{Goal, Metric};
use serde::Serialize;

/// One line of the result. A figure that was not measured is `null`, and `error` says why.
#[derive(Debug, Serialize)]
pub struct Row {
    pub work: String,
    pub peer: String,
    pub unit: String,
    /// Medians of the rounds.
    pub ours: Option<f64>,
    pub theirs: Option<f64>,
    /// Above 1 is better for us.
    pub ratio: Option<f64>,
    pub goal: Option<String>,
    /// `null`: no goal, or not measured.
    pub met: Option<bool>,
    pub ours_rounds: Vec<f64>,
    pub theirs_rounds: Vec<f64>,
    /// Processors that this client itself used, median, while it drove each side.
    pub client_cpus_ours: Option<f64>,
    pub client_cpus_theirs: Option<f64>,
    pub error: Option<String>,
    pub note: Option<String>,
    /// Durability of both sides, rows, seconds.
    pub setting: String,
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// `theirs / ours` where less is better, `ours / theirs` where more is; none against nothing.
fn ratio(metric: &Metric, ours: f64, theirs: f64) -> Option<f64> {
    let (upper, lower) = if metric.higher_is_better { (ours, theirs) } else { (theirs, ours) };
    (lower > 0.0).then(|| upper / lower)
}

impl Goal {
    fn text(self, unit: &str) -> Option<String> {
        match self {
            Goal::None => None,
            Goal::Ratio(least) => Some(format!("≥ {least}×")),
            Goal::Below(most) => Some(format!("< {most} {unit}")),
            Goal::RatioAndMost(least, most) => Some(format!("≥ {least}×, ≤ {most} {unit}")),
        }
    }

    fn met(self, ours: Option<f64>, ratio: Option<f64>) -> Option<bool> {
        match self {
            Goal::None => None,
            Goal::Ratio(least) => ratio.map(|ratio| ratio >= least),
            Goal::Below(most) => ours.map(|ours| ours < most),
            Goal::RatioAndMost(least, most) => Some(ratio? >= least && ours? <= most),
        }
    }
}

/// What is the same in all rows of a race.
pub struct Race<'a> {
    pub peer: &'a str,
    pub setting: &'a str,
}

/// What the rounds of one work gave on one side.
#[derive(Default)]
pub struct Rounds {
    /// By metric.
    pub values: Vec<Vec<f64>>,
    pub errors: Vec<Option<String>>,
    pub client_cpus: Vec<f64>,
    pub note: Option<String>,
}

impl Rounds {
    pub fn new(metrics: usize) -> Rounds {
        Rounds { values: vec![Vec::new(); metrics], errors: vec![None; metrics], ..Rounds::default() }
    }

    /// All metrics failed for the same reason.
    pub fn fail(&mut self, why: &str) {
        self.errors.iter_mut().for_each(|error| {
            error.get_or_insert_with(|| why.to_string());
        });
    }

    pub fn has_failed(&self) -> bool {
        !self.errors.is_empty() && self.errors.iter().all(Option::is_some)
    }
}

impl Row {
    pub fn new(
        work: &str,
        metric: &Metric,
        at: usize,
        race: &Race<'_>,
        ours: &Rounds,
        theirs: &Rounds,
    ) -> Row {
        // A side that failed in one round has no figure: a median of what was left would flatter it.
        let figure = |rounds: &Rounds| match rounds.errors[at] {
            Some(_) => None,
            None => median(&rounds.values[at]),
        };
        let (our_figure, their_figure) = (figure(ours), figure(theirs));
        let ratio = our_figure.zip(their_figure).and_then(|(ours, theirs)| ratio(metric, ours, theirs));
        let error = [("ours", ours), ("theirs", theirs)]
            .into_iter()
            .filter_map(|(side, rounds)| rounds.errors[at].as_ref().map(|error| format!("{side}: {error}")))
            .collect::<Vec<_>>()
            .join("; ");
        Row {
            work: format!("{work}: {}", metric.name),
            peer: race.peer.to_string(),
            unit: metric.unit.to_string(),
            ours: our_figure,
            theirs: their_figure,
            ratio,
            goal: metric.goal.text(metric.unit),
            met: metric.goal.met(our_figure, ratio),
            ours_rounds: ours.values[at].clone(),
            theirs_rounds: theirs.values[at].clone(),
            client_cpus_ours: median(&ours.client_cpus),
            client_cpus_theirs: median(&theirs.client_cpus),
            error: (!error.is_empty()).then_some(error),
            note: ours.note.clone().or(theirs.note.clone()),
            setting: race.setting.to_string(),
        }
    }
}

/// Three significant digits, no exponents.
pub fn number(value: f64) -> String {
    let digits = if value >= 100.0 || value == 0.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        4
    };
    format!("{value:.digits$}")
}

/// Largest distance of a round from the median, in percent of it.
fn spread(rounds: &[f64]) -> String {
    match median(rounds) {
        Some(middle) if middle > 0.0 && rounds.len() > 1 => {
            let far = rounds.iter().map(|value| (value - middle).abs() / middle).fold(0.0, f64::max);
            format!(" ±{:.0}%", far * 100.0)
        }
        _ => String::new(),
    }
}

fn verdict(row: &Row) -> String {
    let met = match (row.met, &row.error) {
        (_, Some(error)) => return format!("FAILED: {error}"),
        (Some(true), None) => "met",
        (Some(false), None) => "not met",
        (None, None) => "",
    };
    match &row.note {
        Some(note) => format!("{met} ({note})").trim_start().to_string(),
        None => met.to_string(),
    }
}

/// The table for people.
pub fn table(rows: &[Row]) -> String {
    let mut cells = vec![["work", "unit", "ours", "theirs", "ratio", "goal", ""].map(str::to_string)];
    for row in rows {
        let figure = |value: Option<f64>, rounds: &[f64]| {
            value.map_or("–".to_string(), |value| format!("{}{}", number(value), spread(rounds)))
        };
        cells.push([
            row.work.clone(),
            row.unit.clone(),
            figure(row.ours, &row.ours_rounds),
            figure(row.theirs, &row.theirs_rounds),
            row.ratio.map_or("–".into(), |ratio| format!("{}×", number(ratio))),
            row.goal.clone().unwrap_or_default(),
            verdict(row),
        ]);
    }
    let widths: Vec<usize> =
        (0..7).map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &cells {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            let right = (2..5).contains(&column);
            line.push_str(&if right { format!("{pad}{cell}  ") } else { format!("{cell}{pad}  ") });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: Metric = Metric {
        name: "server CPU",
        unit: "µs/statement",
        higher_is_better: false,
        goal: Goal::RatioAndMost(2.5, 12.0),
    };

    fn rounds(values: &[f64]) -> Rounds {
        Rounds { values: vec![values.to_vec()], errors: vec![None], client_cpus: vec![0.5], note: None }
    }

    fn row(ours: &Rounds, theirs: &Rounds) -> Row {
        Row::new("point-select", &CPU, 0, &Race { peer: "MySQL", setting: "" }, ours, theirs)
    }

    #[test]
    fn ratios_are_above_one_when_we_are_better() {
        let good = row(&rounds(&[10.0, 11.0, 9.0]), &rounds(&[30.0, 29.0, 90.0]));
        assert_eq!(
            (good.ours, good.theirs, good.ratio, good.met),
            (Some(10.0), Some(30.0), Some(3.0), Some(true))
        );
        assert_eq!(row(&rounds(&[20.0]), &rounds(&[60.0])).met, Some(false));
        let rate = Metric { higher_is_better: true, ..CPU };
        assert_eq!(ratio(&rate, 10.0, 5.0), Some(2.0));
        assert_eq!(ratio(&rate, 10.0, 0.0), None);
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        let mut failed = rounds(&[10.0]);
        failed.fail("no such table");
        let row = row(&failed, &rounds(&[30.0]));
        assert_eq!((row.ours, row.ratio, row.met), (None, None, None));
        assert_eq!(row.error.as_deref(), Some("ours: no such table"));
        let text = table(&[row]);
        assert!(text.contains("FAILED: ours: no such table") && text.contains('–'), "{text}");
    }

    #[test]
    fn medians() {
        assert_eq!(
            (median(&[]), median(&[3.0, 1.0]), median(&[5.0, 1.0, 2.0])),
            (None, Some(2.0), Some(2.0))
        );
    }
}
