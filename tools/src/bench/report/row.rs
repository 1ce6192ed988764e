//! One line of the result.

use super::{median, spread};
use crate::bench::kind::Kind;
use crate::bench::side::Side;
use crate::bench::work::{Better, Goal, Metric, Round, Workload};
use serde::{Deserialize, Serialize};

/// A figure against one peer. One that was not measured is `null`, and `error` says why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The work and the figure: `oltp-read-write: throughput`.
    pub work: String,
    /// `mysql 9.7.0`; `–` where ours ran alone.
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
    /// Largest distance of a round from the median, as a fraction of it.
    pub spread_ours: Option<f64>,
    pub spread_theirs: Option<f64>,
    pub ours_rounds: Vec<f64>,
    pub theirs_rounds: Vec<f64>,
    pub higher_is_better: bool,
    /// Processors that this client itself used, median, while it drove each side.
    pub client_cpus_ours: Option<f64>,
    pub client_cpus_theirs: Option<f64>,
    /// `not raced: …` is no failure.
    pub error: Option<String>,
    /// Ended before all rounds were done.
    pub partial: bool,
    pub note: Option<String>,
    /// What was found right in the data of both sides afterwards.
    pub checked: Option<String>,
    pub detail: bool,
    /// Durability of all sides, rows, seconds.
    pub setting: String,
}

const NOT_RACED: &str = "not raced: ";

impl Row {
    pub fn has_failed(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.split("; ").any(|one| !one.contains(NOT_RACED)))
    }
}

/// What is the same in all rows of a race.
pub struct Race {
    /// Names with versions, ours first.
    pub peers: Vec<String>,
    pub setting: String,
}

/// What the rounds of one work gave on one side.
#[derive(Default)]
pub struct Rounds {
    /// By metric.
    pub values: Vec<Vec<f64>>,
    pub errors: Vec<Option<String>>,
    pub client_cpus: Vec<f64>,
    pub note: Option<String>,
    pub checked: Option<String>,
    pub not_raced: Option<String>,
    pub interrupted: bool,
}

impl Rounds {
    pub fn new(metrics: usize) -> Rounds {
        Rounds { values: vec![Vec::new(); metrics], errors: vec![None; metrics], ..Rounds::default() }
    }

    pub fn add(&mut self, round: Round) {
        self.client_cpus.extend(round.client_cpus);
        if round.note.is_some() {
            self.note = round.note;
        }
        let all = self.values.iter_mut().zip(&mut self.errors).zip(round.values);
        all.for_each(|((values, error), value)| match value {
            Ok(value) => values.push(value),
            Err(why) => *error = Some(why),
        });
    }

    /// All metrics failed for the same reason.
    pub fn fail(&mut self, why: &str) {
        self.errors.iter_mut().for_each(|error| {
            error.get_or_insert_with(|| why.to_string());
        });
    }

    /// No round of this work is asked of this side any more.
    pub fn has_ended(&self) -> bool {
        self.not_raced.is_some()
            || self.interrupted
            || (!self.errors.is_empty() && self.errors.iter().all(Option::is_some))
    }

    /// A side that failed in one round has no figure: a median of what was left would flatter it.
    fn figure(&self, at: usize) -> Option<f64> {
        match self.errors.get(at)? {
            Some(_) => None,
            None => median(self.values.get(at)?),
        }
    }

    fn error(&self, at: usize) -> Option<String> {
        if let Some(why) = &self.not_raced {
            return Some(format!("{NOT_RACED}{why}"));
        }
        let error = self.errors.get(at).cloned().flatten();
        let nothing = self.interrupted && self.values.get(at).is_none_or(Vec::is_empty);
        error.or_else(|| nothing.then(|| "interrupted".to_string()))
    }
}

/// `theirs / ours` where less is better, `ours / theirs` where more is; none against nothing.
pub fn ratio(better: Better, ours: f64, theirs: f64) -> Option<f64> {
    let (upper, lower) = if better == Better::More { (ours, theirs) } else { (theirs, ours) };
    (lower > 0.0).then(|| upper / lower)
}

impl Goal {
    fn text(self, unit: &str) -> String {
        match self {
            Goal::Ratio(least) => format!("≥ {}×", Goal::number(least)),
            Goal::Below(most) => format!("< {} {unit}", Goal::number(most)),
            Goal::RatioAndMost(least, most) => {
                format!("≥ {}×, ≤ {} {unit}", Goal::number(least), Goal::number(most))
            }
        }
    }

    /// Two places at most.
    fn number(value: f64) -> String {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    }

    fn met(self, ours: Option<f64>, ratio: Option<f64>) -> Option<bool> {
        match self {
            Goal::Ratio(least) => ratio.map(|ratio| ratio >= least),
            Goal::Below(most) => ours.map(|ours| ours < most),
            Goal::RatioAndMost(least, most) => Some(ratio? >= least && ours? <= most),
        }
    }
}

/// The rows of a work: each figure against each peer.
pub fn rows(work: &dyn Workload, race: &Race, sides: &[Side], results: &[Rounds]) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(ours) = results.first() else { return rows };
    let nobody = Rounds::new(work.metrics().len());
    for (at, metric) in work.metrics().iter().enumerate() {
        if results.len() == 1 {
            rows.push(row(work.name(), metric, at, race, ours, ("–", None, &nobody)));
        }
        for ((side, result), peer) in sides.iter().zip(results).zip(&race.peers).skip(1) {
            rows.push(row(work.name(), metric, at, race, ours, (peer, Some(side.kind), result)));
        }
    }
    rows
}

fn row(
    work: &str,
    metric: &Metric,
    at: usize,
    race: &Race,
    ours: &Rounds,
    (peer, kind, theirs): (&str, Option<Kind>, &Rounds),
) -> Row {
    let (our_figure, their_figure) = (ours.figure(at), theirs.figure(at));
    let ratio = our_figure.zip(their_figure).and_then(|(ours, theirs)| ratio(metric.better, ours, theirs));
    let side = kind.map_or("theirs", Kind::name);
    let error = [("ours", ours), (side, theirs)]
        .into_iter()
        .filter_map(|(side, rounds)| {
            rounds.error(at).map(|error| format!("{side}: {}", error.replace("; ", ", ")))
        })
        .collect::<Vec<_>>()
        .join("; ");
    let goal = kind.and_then(|kind| metric.goal_against(kind));
    let values = |rounds: &Rounds| rounds.values.get(at).cloned().unwrap_or_default();
    let notes = [("ours", &ours.note), (side, &theirs.note)];
    let notes = notes.iter().filter_map(|(side, note)| note.as_ref().map(|note| format!("{side}: {note}")));
    let notes = notes.collect::<Vec<_>>().join("; ");
    Row {
        work: format!("{work}: {}", metric.name),
        peer: peer.to_string(),
        unit: metric.unit.clone(),
        ours: our_figure,
        theirs: their_figure,
        ratio,
        goal: goal.map(|goal| goal.text(&metric.unit)),
        met: goal.and_then(|goal| goal.met(our_figure, ratio)),
        spread_ours: spread(&values(ours)),
        spread_theirs: spread(&values(theirs)),
        ours_rounds: values(ours),
        theirs_rounds: values(theirs),
        higher_is_better: metric.better == Better::More,
        client_cpus_ours: median(&ours.client_cpus),
        client_cpus_theirs: median(&theirs.client_cpus),
        error: (!error.is_empty()).then_some(error),
        partial: ours.interrupted || theirs.interrupted,
        note: (!notes.is_empty()).then_some(notes),
        checked: ours
            .checked
            .clone()
            .filter(|_| theirs.checked.is_some() || kind.is_none() || theirs.not_raced.is_some()),
        detail: metric.detail,
        setting: race.setting.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(values: &[f64]) -> Rounds {
        let mut rounds = Rounds::new(1);
        values.iter().for_each(|value| rounds.add(Round::of([*value])));
        rounds
    }

    fn against(ours: &Rounds, theirs: &Rounds) -> Row {
        let metric =
            Metric::new("server CPU", "µs/statement", Better::Less).goal(Goal::RatioAndMost(2.5, 12.0));
        let race = Race { peers: vec![], setting: String::new() };
        row("point", &metric, 0, &race, ours, ("mysql 9.7", Some(Kind::Mysql), theirs))
    }

    #[test]
    fn ratios_are_above_one_when_we_are_better() {
        let good = against(&rounds(&[10.0, 11.0, 9.0]), &rounds(&[30.0, 29.0, 90.0]));
        assert_eq!(
            (good.ours, good.theirs, good.ratio, good.met, good.has_failed()),
            (Some(10.0), Some(30.0), Some(3.0), Some(true), false)
        );
        assert_eq!(good.spread_ours, Some(0.1));
        assert_eq!(against(&rounds(&[20.0]), &rounds(&[60.0])).met, Some(false));
        assert_eq!((ratio(Better::More, 10.0, 5.0), ratio(Better::More, 10.0, 0.0)), (Some(2.0), None));
    }

    #[test]
    fn goals_are_told_in_short_numbers() {
        assert_eq!(Goal::Ratio(1.0 / 3.0).text("s"), "≥ 0.33×");
        assert_eq!(Goal::RatioAndMost(2.5, 12.0).text("µs"), "≥ 2.5×, ≤ 12 µs");
        assert_eq!(Goal::Below(60.0).text("MiB"), "< 60 MiB");
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        let mut failed = rounds(&[10.0]);
        failed.fail("no such table");
        let row = against(&failed, &rounds(&[30.0]));
        assert_eq!((row.ours, row.ratio, row.met, row.has_failed()), (None, None, None, true));
        assert_eq!(row.error.as_deref(), Some("ours: no such table"));
    }

    #[test]
    fn a_side_that_does_not_take_part_has_not_failed_and_partial_figures_are_marked() {
        let mut out = Rounds::new(1);
        out.not_raced = Some("a library; no server".into());
        let row = against(&rounds(&[1.0]), &out);
        assert_eq!(row.error.as_deref(), Some("mysql: not raced: a library, no server"));
        assert!(!row.has_failed() && row.ours == Some(1.0) && row.theirs.is_none());
        let mut part = rounds(&[2.0]);
        part.interrupted = true;
        let row = against(&part, &rounds(&[2.0]));
        assert!(row.partial && row.ratio == Some(1.0) && row.error.is_none());
    }
}
