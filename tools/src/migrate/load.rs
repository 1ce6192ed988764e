//! The load itself.

use super::source::Source;
use super::splitter::{Splitter, Statement};
use super::tally::{Kind, classify};
use super::{MigrateArgs, MigrateError};
use crate::target::Target;
use indicatif::{ProgressBar, ProgressStyle};
use mysql_async::Error;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Instant;

const NOT_SUPPORTED_YET: u16 = 1235;
const TABLE_EXISTS: u16 = 1050;

/// One table of the dump.
#[derive(Debug, Serialize)]
pub struct TableCount {
    pub table: String,
    pub rows_in_dump: u64,
    /// `None`: the table could not be counted.
    pub rows_in_target: Option<u64>,
}

/// A statement that the target refused.
#[derive(Debug, Serialize)]
pub struct Refused {
    pub line: u64,
    pub code: u16,
    pub error: String,
    pub statement: String,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub source: String,
    pub statements: u64,
    pub rows: u64,
    pub bytes: u64,
    pub seconds: f64,
    /// Offset that this run went on from; 0: from the beginning.
    pub resumed_at: u64,
    pub tables: Vec<TableCount>,
    pub refused: Vec<Refused>,
}

impl Report {
    pub fn counts_match(&self) -> bool {
        self.tables.iter().all(|table| table.rows_in_target == Some(table.rows_in_dump))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.tables.iter().map(|table| table.table.len()).max().unwrap_or(0).max(5);
        if self.resumed_at > 0 {
            writeln!(
                f,
                "Went on from byte {} of the dump, where an earlier load had stopped.",
                self.resumed_at
            )?;
        }
        writeln!(f, "{:width$}  {:>12}  {:>12}", "table", "in the dump", "in target")?;
        for table in &self.tables {
            let arrived = table.rows_in_target.map_or("?".to_string(), |rows| rows.to_string());
            let mark = if table.rows_in_target == Some(table.rows_in_dump) { "" } else { "   <- differs" };
            writeln!(f, "{:width$}  {:>12}  {arrived:>12}{mark}", table.table, table.rows_in_dump)?;
        }
        if !self.refused.is_empty() {
            writeln!(f, "\nNot loaded ({}):", self.refused.len())?;
            for refused in &self.refused {
                writeln!(f, "  line {}: {} ({})", refused.line, refused.error, refused.statement)?;
            }
        }
        let rate = self.bytes as f64 / 1e6 / self.seconds.max(1e-3);
        writeln!(
            f,
            "\n{} rows in {} statements loaded in {:.1} s ({rate:.1} MB/s); row counts {}.",
            self.rows,
            self.statements,
            self.seconds,
            if self.counts_match() { "match" } else { "DIFFER" }
        )
    }
}

/// Beginning of a statement for messages.
fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(200)]);
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 90 { line.chars().take(90).chain(['…']).collect() } else { line }
}

struct Loader<'a> {
    args: &'a MigrateArgs,
    conn: Target,
    name: String,
    report: Report,
    counts: BTreeMap<String, u64>,
    database: String,
    /// Bytes of INSERTs in the open transaction, and the offset behind the last of them.
    open_bytes: u64,
    open_end: u64,
    resumed_first: bool,
}

/// Makes the table that says how far loads are.
pub fn make_progress(conn: &mut Target) -> Result<(), MigrateError> {
    conn.run(b"CREATE DATABASE IF NOT EXISTS aurora_migrate")?;
    conn.run(
        b"CREATE TABLE IF NOT EXISTS aurora_migrate.progress (source VARCHAR(255) PRIMARY KEY, file_bytes BIGINT UNSIGNED NOT NULL, \
         position BIGINT UNSIGNED NOT NULL, done TINYINT NOT NULL)",
    )?;
    Ok(())
}

/// Loads `source` into the target of `args`.
pub fn load(args: &MigrateArgs, source: Source) -> Result<Report, MigrateError> {
    let Source { name, place, reader, file_bytes, read_bytes, repeatable } = source;
    let mut conn = Target::connect(&args.to)?;
    let database: Option<String> = conn.first::<Option<String>>("SELECT DATABASE()")?.flatten();
    make_progress(&mut conn)?;
    let earlier: Option<(u64, u64, u8)> = conn.first_with(
        "SELECT file_bytes, position, done FROM aurora_migrate.progress WHERE source = ?",
        (name.as_str(),),
    )?;
    let resume_at = match earlier {
        Some((size, position, 0)) if size == file_bytes && repeatable && !args.restart => position,
        _ => 0,
    };
    conn.run_with(
        "REPLACE INTO aurora_migrate.progress VALUES (?, ?, ?, 0)",
        (name.as_str(), file_bytes, resume_at),
    )?;
    let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::new(file_bytes) };
    let template = match file_bytes {
        0 => "{spinner} {elapsed}  {msg}",
        _ => "{bar:30} {bytes}/{total_bytes} {elapsed} (left: {eta})  {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let report = Report {
        source: place.clone(),
        statements: 0,
        rows: 0,
        bytes: 0,
        seconds: 0.0,
        resumed_at: resume_at,
        tables: Vec::new(),
        refused: Vec::new(),
    };
    let mut loader = Loader {
        args,
        conn,
        name,
        report,
        counts: BTreeMap::new(),
        database: database.unwrap_or_default(),
        open_bytes: 0,
        open_end: 0,
        resumed_first: resume_at > 0,
    };
    let begun = Instant::now();
    let mut splitter = Splitter::new(reader);
    loop {
        let next =
            splitter.next_statement().map_err(|source| MigrateError::Io { path: place.clone(), source })?;
        let Some(statement) = next else { break };
        bar.set_position(read_bytes.load(Ordering::Relaxed));
        let kind = classify(&statement.text);
        if let Kind::Insert { table, rows } = &kind {
            let qualified = loader.qualified(table);
            if loader.report.statements.is_multiple_of(16) {
                bar.set_message(qualified.clone());
            }
            *loader.counts.entry(qualified).or_default() += rows;
        }
        if let (Kind::Session, Some(database)) = (&kind, used_database(&statement.text)) {
            loader.database = database;
        }
        if kind == Kind::PassedOver || (statement.end <= resume_at && kind != Kind::Session) {
            continue;
        }
        loader.apply(&statement, &kind)?;
        loader.report.bytes = statement.end - resume_at.min(statement.end);
    }
    loader.commit()?;
    loader.finish(&bar, begun)
}

/// Database of a `USE` statement.
fn used_database(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let rest = text
        .trim()
        .get(..4)
        .filter(|word| word.eq_ignore_ascii_case("USE "))
        .map(|_| text.trim()[4..].trim())?;
    Some(rest.trim_matches('`').replace("``", "`"))
}

impl Loader<'_> {
    fn qualified(&self, table: &str) -> String {
        let inside_quotes = table.starts_with('`') && table.find("`.").is_none();
        let has_schema = table.contains('.') && !inside_quotes;
        if has_schema {
            table.to_string()
        } else {
            let quoted = if table.starts_with('`') { table.to_string() } else { format!("`{table}`") };
            format!("`{}`.{quoted}", self.database.replace('`', "``"))
        }
    }

    fn save_position(&mut self, position: u64) -> Result<(), MigrateError> {
        self.conn.run_with(
            "UPDATE aurora_migrate.progress SET position = ? WHERE source = ?",
            (position, self.name.as_str()),
        )?;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), MigrateError> {
        if self.open_bytes > 0 {
            self.save_position(self.open_end)?;
            self.conn.run(b"COMMIT")?;
            self.open_bytes = 0;
        }
        Ok(())
    }

    fn apply(&mut self, statement: &Statement, kind: &Kind) -> Result<(), MigrateError> {
        let is_insert = matches!(kind, Kind::Insert { .. });
        if is_insert && self.open_bytes == 0 {
            self.conn.run(b"START TRANSACTION")?;
        } else if !is_insert && *kind != Kind::Session {
            self.commit()?;
        }
        let outcome = self.conn.run(&statement.text);
        let first_after_resume = std::mem::replace(&mut self.resumed_first, false);
        match outcome {
            Ok(()) => {}
            // The table was made just before the interruption, its position not yet kept.
            Err(Error::Server(error)) if first_after_resume && error.code == TABLE_EXISTS => {}
            Err(Error::Server(error))
                if self.args.force || (error.code == NOT_SUPPORTED_YET && *kind == Kind::Program) =>
            {
                self.report.refused.push(Refused {
                    line: statement.line,
                    code: error.code,
                    error: format!("ERROR {} ({}): {}", error.code, error.state, error.message),
                    statement: excerpt(&statement.text),
                });
            }
            Err(Error::Server(error)) => {
                if self.open_bytes > 0 {
                    self.commit()?;
                }
                return Err(MigrateError::Statement {
                    line: statement.line,
                    error: format!("ERROR {} ({}): {}", error.code, error.state, error.message),
                    statement: excerpt(&statement.text),
                });
            }
            Err(error) => return Err(error.into()),
        }
        self.report.statements += 1;
        if let Kind::Insert { rows, .. } = kind {
            self.report.rows += rows;
            self.open_bytes += statement.text.len() as u64;
            self.open_end = statement.end;
            if self.open_bytes >= self.args.batch_bytes {
                self.commit()?;
            }
        } else if *kind != Kind::Session {
            self.save_position(statement.end)?;
        }
        Ok(())
    }

    fn finish(mut self, bar: &ProgressBar, begun: Instant) -> Result<Report, MigrateError> {
        bar.set_message("checking row counts");
        for (table, rows) in std::mem::take(&mut self.counts) {
            let arrived: Option<u64> =
                self.conn.first(&format!("SELECT COUNT(*) FROM {table}")).ok().flatten();
            self.report.tables.push(TableCount { table, rows_in_dump: rows, rows_in_target: arrived });
        }
        self.conn.run_with(
            "UPDATE aurora_migrate.progress SET done = 1 WHERE source = ?",
            (self.name.as_str(),),
        )?;
        self.report.seconds = begun.elapsed().as_secs_f64();
        bar.finish_and_clear();
        Ok(self.report)
    }
}
