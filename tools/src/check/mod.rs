//! `aurora check`: reads a stopped server's data folder from end to end and writes nothing.

mod shape;
mod walk;

use crate::audit::{report_json, report_line};
use crate::failure::{DAMAGE, Failure};
use crate::folder::open_keys;
use aurora_catalog::{Catalog, CatalogError};
use aurora_env::{RealEnv, Sealing, ThreadWaiter};
use aurora_lsm::{DataDir, Engine, EngineOptions};
use aurora_txn::{TxnManager, TxnOptions};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use shape::Plan;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use walk::walk;

/// Check a stopped server's data folder: storage, tables against indexes, the audit log. Nothing is written.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  aurora check ./aurora-data\n\n\
    Reads the log and every table of storage, checks that keys are in order, that rows decode, that every row has its index\n\
    entries and every entry its row (but for indexes over expressions, of which only the way from entry to row is checked),\n\
    and that the audit log's chain is whole.\n\n\
    Exit codes: 0 whole; 1 failed; 2 usage; 3 damaged.")]
pub struct CheckArgs {
    /// The data folder.
    dir: PathBuf,
    /// The file with the key-encryption key [default: DIR/keys/kek].
    #[arg(long, value_name = "PATH", env = "AURORA_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// The report as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// One thing that is not as it was written.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// Table, index or part of the folder.
    pub place: String,
    /// File and offset where storage knows them, else the key.
    pub what: String,
}

#[derive(Debug, Serialize)]
struct Count {
    name: String,
    entries: u64,
}

#[derive(Debug, Serialize)]
struct TableCount {
    table: String,
    rows: u64,
    indexes: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Report {
    folder: String,
    instance: String,
    encrypted: bool,
    whole: bool,
    /// Files of storage and their bytes.
    files: usize,
    file_bytes: u64,
    /// Keys that were read, and their bytes with values.
    keys: u64,
    bytes: u64,
    unowned_keys: u64,
    schemas: usize,
    tables: Vec<TableCount>,
    audit: Option<serde_json::Value>,
    problems: Vec<Problem>,
    problems_met: u64,
    seconds: f64,
    #[serde(skip)]
    audit_line: String,
}

impl Report {
    fn problem(&mut self, place: &str, what: String) {
        self.problems_met += 1;
        self.problems.push(Problem { place: place.into(), what });
    }

    fn print(&self) {
        let sealed = if self.encrypted { "encrypted" } else { "not encrypted" };
        println!("{} (instance {}, {sealed})", self.folder, self.instance);
        let (rows, entries) = self.tables.iter().fold((0, 0), |(rows, entries), table| {
            (rows + table.rows, entries + table.indexes.iter().map(|index| index.entries).sum::<u64>())
        });
        println!(
            "storage: {} files with {:.1} MB, {} keys with {:.1} MB read",
            self.files,
            self.file_bytes as f64 / 1e6,
            self.keys,
            self.bytes as f64 / 1e6
        );
        println!(
            "tables: {} in {} databases, {rows} rows, {entries} index entries",
            self.tables.len(),
            self.schemas
        );
        if self.unowned_keys > 0 {
            println!(
                "note: {} keys belong to no table, left by a change that a stop cut short",
                self.unowned_keys
            );
        }
        println!("{}", self.audit_line);
        for problem in &self.problems {
            println!("DAMAGE {}: {}", problem.place, problem.what);
        }
        if self.problems_met > self.problems.len() as u64 {
            println!("… and {} more", self.problems_met - self.problems.len() as u64);
        }
        let end =
            if self.whole { "no damage found".into() } else { format!("{} problems", self.problems_met) };
        println!("{end} ({:.1} s)", self.seconds);
    }
}

/// Runs the command; returns the exit code.
pub fn run(args: &CheckArgs) -> Result<i32, Failure> {
    let begun = Instant::now();
    let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::new(1) };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} ranges {elapsed}  {msg}") {
        bar.set_style(style);
    }
    let report = check(args, &bar, begun);
    bar.finish_and_clear();
    let report = report?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        report.print();
    }
    Ok(if report.whole { 0 } else { DAMAGE })
}

fn check(args: &CheckArgs, bar: &ProgressBar, begun: Instant) -> Result<Report, Failure> {
    let env = RealEnv::new();
    let dir = DataDir::open_existing(&args.dir, &env)?;
    let instance = dir.instance_id();
    let keys = open_keys(&env, &args.dir, instance, args.key_file.as_ref())?;
    let mut report = Report {
        folder: args.dir.display().to_string(),
        instance: instance.iter().map(|byte| format!("{byte:02x}")).collect(),
        encrypted: keys.encrypted,
        whole: true,
        files: 0,
        file_bytes: 0,
        keys: 0,
        bytes: 0,
        unowned_keys: 0,
        schemas: 0,
        tables: Vec::new(),
        audit: None,
        problems: Vec::new(),
        problems_met: 0,
        seconds: 0.0,
        audit_line: "audit log: none".into(),
    };
    bar.set_message("opening storage, reading the log");
    let options = EngineOptions { read_only: true, ..EngineOptions::default() };
    match Engine::open(dir, options, env.clone(), keys.sealing.clone()) {
        Ok(engine) => check_storage(&engine, bar, &mut report)?,
        Err(error) if error.is_damage() => report.problem("storage", error.to_string()),
        Err(error) => return Err(error.into()),
    }
    bar.set_message("verifying the audit log");
    check_audit(&env, &*keys.sealing, args, &mut report)?;
    report.whole = report.problems_met == 0;
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

fn check_storage(engine: &Arc<Engine>, bar: &ProgressBar, report: &mut Report) -> Result<(), Failure> {
    let levels = engine.stats().levels;
    report.files = levels.iter().map(|(files, _)| files).sum();
    report.file_bytes = levels.iter().map(|(_, bytes)| bytes).sum();
    let manager = TxnManager::open(engine.clone(), TxnOptions::default(), Arc::new(ThreadWaiter));
    let catalog = match Catalog::open(manager) {
        Ok(catalog) => catalog.snapshot(),
        Err(error @ CatalogError::Damaged(_)) => {
            report.problem("the catalog", error.to_string());
            Arc::default()
        }
        Err(error) => {
            // Damage below the catalog names its file; what it hides is met again by the walk.
            report.problem("the catalog", error.to_string());
            Arc::default()
        }
    };
    report.schemas = catalog.schemas().count();
    let mut plan = Plan::new(&catalog);
    for table in &plan.refused {
        report.problem(&format!("table {table}"), "its definition contradicts itself".into());
    }
    let catalog_is_whole = report.problems_met == 0;
    let walked = walk(engine, &mut plan, bar)?;
    (report.keys, report.bytes) = (walked.keys, walked.bytes);
    // Without all definitions, keys of tables seem to be nobody's.
    report.unowned_keys = if catalog_is_whole { walked.unowned_keys } else { 0 };
    report.problems_met += walked.problems_met;
    report.problems.extend(walked.problems);
    report.tables = plan
        .tables
        .into_iter()
        .map(|table| TableCount {
            table: table.name,
            rows: table.clustered.entries,
            indexes: table
                .indexes
                .into_iter()
                .map(|index| Count { name: index.name, entries: index.entries })
                .collect(),
        })
        .collect();
    Ok(())
}

fn check_audit(
    env: &aurora_env::Env,
    sealing: &dyn Sealing,
    args: &CheckArgs,
    report: &mut Report,
) -> Result<(), Failure> {
    let dir = args.dir.join("audit");
    if !dir.is_dir() {
        return Ok(());
    }
    match aurora_audit::verify(env, sealing, &dir, None, None) {
        Ok(verified) => {
            report.audit_line = report_line(&verified);
            report.audit = Some(report_json(&verified));
            for problem in verified.problems {
                report.problem("audit log", problem);
            }
        }
        Err(error) => {
            let failure = Failure::from(error);
            if failure.code != DAMAGE {
                return Err(failure);
            }
            report.problem("audit log", failure.message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
