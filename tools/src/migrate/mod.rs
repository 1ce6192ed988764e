//! `aurora migrate`: loads a dump into a server, shows how far it is, checks what arrived, and goes on where it stopped.

mod folder;
mod load;
mod piped;
mod server;
mod source;
mod splitter;
mod tally;

use clap::Args;
use std::path::PathBuf;

/// Load a dump of MySQL into AuroraDB (or any MySQL server).
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  aurora migrate sakila.sql.gz --to mysql://root:PASSWORD@127.0.0.1:3306\n  \
    aurora migrate mysql://root:PW@old-server:3306/shop --to mysql://root:PASSWORD@127.0.0.1:3306\n\n\
    Progress is kept in the target, in the table aurora_migrate.progress, in the same transaction as the rows: a load that\n\
    was interrupted goes on where it stopped when the same command is given again.\n\n\
    Exit codes: 0 loaded and checked; 1 failed; 2 usage; 4 loaded, but row counts differ."
)]
pub struct MigrateArgs {
    /// Dump file (plain, gzip, zstd or xz), folder of dump files, or a running server: mysql://USER:PASSWORD@HOST:PORT[/DATABASE].
    pub source: String,
    /// Target: mysql://USER:PASSWORD@HOST:PORT[/DATABASE].
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Go on after a statement that fails; failures are in the report.
    #[arg(long)]
    pub force: bool,
    /// Load from the beginning even if an earlier load of this file was interrupted.
    #[arg(long)]
    pub restart: bool,
    /// Bytes of INSERT statements in one transaction.
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    pub batch_bytes: u64,
    /// The program that reads a running server.
    #[arg(long, value_name = "PATH", default_value = "mysqldump")]
    pub mysqldump: std::path::PathBuf,
    /// The report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{0}")]
    Unsupported(String),
    #[error("target: {0}")]
    Target(#[from] mysql_async::Error),
    #[error(
        "line {line}: {error}\n  {statement}\nThe load stopped there; the same command goes on from this statement, --force passes over it."
    )]
    Statement { line: u64, error: String, statement: String },
}

/// Loads a dump file without a word.
pub fn load_file(args: &MigrateArgs) -> Result<load::Report, MigrateError> {
    load::load(args, source::open(&PathBuf::from(&args.source))?)
}

/// Runs the command; returns the exit code.
pub fn run(args: &MigrateArgs) -> Result<i32, MigrateError> {
    let path = PathBuf::from(&args.source);
    let reports = if args.source.contains("://") {
        vec![load::load(args, server::open(&args.source, &args.mysqldump)?)?]
    } else if path.is_dir() {
        folder::load_all(args, &path)?
    } else {
        vec![load_file(args)?]
    };
    if args.json {
        let text = match reports.as_slice() {
            [report] => serde_json::to_string_pretty(report),
            reports => serde_json::to_string_pretty(reports),
        };
        println!("{}", text.unwrap_or_default());
    } else {
        for report in &reports {
            if reports.len() > 1 {
                println!("{}:", report.source);
            }
            print!("{report}");
        }
    }
    Ok(if reports.iter().all(load::Report::counts_match) { 0 } else { 4 })
}
