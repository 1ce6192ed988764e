//! The works of the race: one file each, named in [`all`].

use super::Setting;
use super::kind::Kind;
use super::side::Side;

/// All works. A new one is a file beside this and a line here.
pub fn all() -> Vec<Box<dyn Workload>> {
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    all.extend(start::works());
    all.extend(oltp::works());
    all.extend(counter::works());
    all.extend(load::works());
    all.extend(ycsb::works());
    all.extend(connections::works());
    all.extend(disk::works());
    all.extend(recovery::works());
    // TPC-C drops its tables afterwards: TPC-H has one of the same name.
    all.extend(tpcc::works());
    all.extend(tpch::works());
    all.extend(clickbench::works());
    all.extend(joins::works());
    all.extend(options::works());
    // The last: the tables of `growth` stay on servers that the race stops.
    all.extend(points::works());
    all
}

/// One work of the race. Every side does the same on the same data.
pub trait Workload: Sync {
    /// As given on the command line: `oltp-read-write`.
    fn name(&self) -> &str;

    /// One line for `aurora bench list`.
    fn about(&self) -> String;

    /// Its figures.
    fn metrics(&self) -> Vec<Metric>;

    /// Why this kind of server is not raced in this work, if it is not: the row then says so.
    fn not_raced(&self, _kind: Kind) -> Option<String> {
        None
    }

    /// Room on the disk that one side's data take at most, beyond what every server needs.
    fn disk_bytes(&self, _setting: &Setting) -> u64 {
        0
    }

    /// Loads the data once per side, before the first round ([`Side::load_once`] for tables that several works share).
    fn prepare(&self, _side: &mut Side, _setting: &Setting) -> Result<(), String> {
        Ok(())
    }

    /// One round on one side, numbered from 0.
    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String>;

    /// After all rounds: whether the data are what they must be. What was checked, in a few words, or what is wrong.
    fn check(&self, _side: &mut Side, _setting: &Setting) -> Result<String, String> {
        Ok(String::new())
    }

    /// Drops what the next works do not need.
    fn cleanup(&self, _side: &mut Side, _setting: &Setting) -> Result<(), String> {
        Ok(())
    }
}

/// Which figures are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
}

/// What must be reached. A ratio above 1 is better for us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Ratio at least.
    Ratio(f64),
    /// Our figure below.
    Below(f64),
    /// Ratio at least, and our figure at most.
    RatioAndMost(f64, f64),
}

/// One figure of a work.
#[derive(Clone, Debug)]
pub struct Metric {
    pub name: String,
    pub unit: String,
    pub better: Better,
    /// By peer; a goal without one holds against all the others.
    pub goals: Vec<(Option<Kind>, Goal)>,
    /// Left out of the table for people unless asked for; always in JSON and HTML.
    pub detail: bool,
}

impl Metric {
    pub fn new(name: &str, unit: &str, better: Better) -> Metric {
        Metric { name: name.into(), unit: unit.into(), better, goals: Vec::new(), detail: false }
    }

    /// Against every peer that has no goal of its own.
    pub fn goal(mut self, goal: Goal) -> Metric {
        self.goals.push((None, goal));
        self
    }

    pub fn against(mut self, peer: Kind, goal: Goal) -> Metric {
        self.goals.push((Some(peer), goal));
        self
    }

    pub fn detail(mut self) -> Metric {
        self.detail = true;
        self
    }

    /// The goal against this peer.
    pub fn goal_against(&self, peer: Kind) -> Option<Goal> {
        let own = self.goals.iter().find(|(kind, _)| *kind == Some(peer));
        own.or_else(|| self.goals.iter().find(|(kind, _)| kind.is_none())).map(|(_, goal)| *goal)
    }
}

/// What one round on one side gave: a value for each metric, in their order, or why there is none.
pub struct Round {
    pub values: Vec<Result<f64, String>>,
    /// Processors that this client kept busy, where clients ran.
    pub client_cpus: Option<f64>,
    /// What a reader of the figure must know.
    pub note: Option<String>,
}

impl Round {
    /// Values that were all measured.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Round {
        Round { values: values.into_iter().map(Ok).collect(), client_cpus: None, note: None }
    }
}

mod clickbench;
mod connections;
mod counter;
mod disk;
mod joins;
mod load;
mod oltp;
mod options;
mod points;
mod queries;
mod recovery;
pub mod sbtest;
mod start;
mod tpcc;
mod tpch;
mod ycsb;
