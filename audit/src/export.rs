//! Export for people and other systems.

use crate::AuditError;
use crate::event::Record;
use crate::reader::AuditReader;
use aurora_env::{Env, Sealing};
use std::io::Write;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    JsonLines,
    /// RFC 4180 with a header line.
    Csv,
}

/// Which records; every field that is given must match.
#[derive(Clone, Debug, Default)]
pub struct ExportFilter {
    /// Timestamps (RFC 3339 prefix, UTC) not before this.
    pub from: Option<String>,
    /// Timestamps before this.
    pub to: Option<String>,
    /// As the client gave it.
    pub user: Option<String>,
    /// As it was matched, `user@host`.
    pub account: Option<String>,
    /// Class name, such as `ddl`.
    pub class: Option<String>,
}

impl ExportFilter {
    fn takes(&self, record: &Record) -> bool {
        let class = serde_json::to_value(record.event.class).ok();
        let class = class.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
        self.from.as_ref().is_none_or(|from| record.timestamp.as_str() >= from.as_str())
            && self.to.as_ref().is_none_or(|to| record.timestamp.as_str() < to.as_str())
            && self.user.as_ref().is_none_or(|user| record.event.user == *user)
            && self.account.as_ref().is_none_or(|account| record.event.account == *account)
            && self.class.as_ref().is_none_or(|wanted| class == wanted)
    }
}

const CSV_COLUMNS: [&str; 16] = [
    "seq",
    "timestamp",
    "class",
    "event",
    "connection_id",
    "account",
    "user",
    "ip",
    "database",
    "object",
    "sql_command",
    "status",
    "sqlstate",
    "rows",
    "tls",
    "query",
];

fn csv_cell(value: Option<&serde_json::Value>) -> String {
    let text = match value {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    // A leading =, +, - or @ would run as a formula in a spreadsheet.
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Writes the records of `dir` that pass `filter`; returns how many.
pub fn export(
    env: &Env,
    sealing: &dyn Sealing,
    dir: &Path,
    filter: &ExportFilter,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<u64, AuditError> {
    let mut written = 0;
    if format == ExportFormat::Csv {
        writeln!(out, "{}", CSV_COLUMNS.join(","))?;
    }
    for record in AuditReader::open(env, sealing, dir)? {
        let record = record?;
        if !filter.takes(&record) {
            continue;
        }
        match format {
            ExportFormat::JsonLines => {
                serde_json::to_writer(&mut *out, &record).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
            ExportFormat::Csv => {
                let value = serde_json::to_value(&record).map_err(std::io::Error::from)?;
                let cells: Vec<String> =
                    CSV_COLUMNS.iter().map(|column| csv_cell(value.get(column))).collect();
                writeln!(out, "{}", cells.join(","))?;
            }
        }
        written += 1;
    }
    Ok(written)
}
