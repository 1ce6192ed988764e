//! Statement files: SQL and what it answers, in text.
//!
//! ```text
//! # A comment line.
//! SELECT 1 + 1 AS two;
//! ----
//! two:BIGINT(3) NOT_NULL BINARY NUM
//! 2
//!
//! INSERT INTO t VALUES (1), (2);
//! ----
//! ok: 2 affected
//! ```
//!
//! A statement ends with `;` at the end of a line; its answer follows `----` up to a blank line. Answers are MySQL 9.7's
//! own: `UPDATE=1` runs the file against a real MySQL and rewrites it. A statement that we answer differently on purpose,
//! or not yet, has a line `# ours: REASON` above it and our answer below `---- ours`; both servers are held to theirs.

use mysql::consts::{ColumnFlags, ColumnType};
use mysql::prelude::Queryable;
use mysql::{Column, Conn, Row, Value};
use std::fmt::Write as _;
use std::path::Path;

/// One statement of a file with its expected answers.
#[derive(Debug, Clone)]
pub struct Step {
    pub comments: Vec<String>,
    pub sql: String,
    pub expected: String,
    /// Our own answer where it differs on purpose or is not built yet.
    pub ours: Option<String>,
    pub line: usize,
}

/// Reads a statement file.
pub fn parse(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    let mut comments = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with('#') {
            comments.push(line.to_string());
            continue;
        }
        let mut sql = line.to_string();
        while !sql.trim_end().ends_with(';') {
            let Some((_, more)) = lines.next() else { break };
            sql.push('\n');
            sql.push_str(more);
        }
        let mut step = Step {
            comments: std::mem::take(&mut comments),
            sql: sql.trim_end().trim_end_matches(';').to_string(),
            expected: String::new(),
            ours: None,
            line: number + 1,
        };
        let block = |lines: &mut std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'_>>>| {
            let mut out = String::new();
            while let Some((_, line)) =
                lines.next_if(|(_, line)| !line.is_empty() && !line.starts_with("----"))
            {
                out.push_str(line);
                out.push('\n');
            }
            out
        };
        if lines.next_if(|(_, line)| *line == "----").is_some() {
            step.expected = block(&mut lines);
        }
        if lines.next_if(|(_, line)| *line == "---- ours").is_some() {
            step.ours = Some(block(&mut lines));
        }
        steps.push(step);
    }
    steps
}

/// The file's text again.
pub fn print(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        for comment in &step.comments {
            out.push_str(comment);
            out.push('\n');
        }
        let _ = write!(out, "{};\n----\n{}", step.sql, step.expected);
        if let Some(ours) = &step.ours {
            let _ = write!(out, "---- ours\n{ours}");
        }
        out.push('\n');
    }
    out
}

fn type_name(column: &Column) -> String {
    let name = format!("{:?}", column.column_type());
    name.strip_prefix("MYSQL_TYPE_").unwrap_or(&name).to_string()
}

fn column_line(column: &Column) -> String {
    let mut line = format!("{}:{}({})", column.name_str(), type_name(column), column.column_length());
    let flags = column.flags();
    for (flag, word) in [
        (ColumnFlags::NOT_NULL_FLAG, "NOT_NULL"),
        (ColumnFlags::PRI_KEY_FLAG, "PRI"),
        (ColumnFlags::UNIQUE_KEY_FLAG, "UNI"),
        (ColumnFlags::MULTIPLE_KEY_FLAG, "MUL"),
        (ColumnFlags::UNSIGNED_FLAG, "UNSIGNED"),
        (ColumnFlags::ZEROFILL_FLAG, "ZEROFILL"),
        (ColumnFlags::AUTO_INCREMENT_FLAG, "AUTO_INCREMENT"),
        (ColumnFlags::ENUM_FLAG, "ENUM"),
        (ColumnFlags::SET_FLAG, "SET"),
    ] {
        if flags.contains(flag) {
            line.push(' ');
            line.push_str(word);
        }
    }
    let is_text = matches!(
        column.column_type(),
        ColumnType::MYSQL_TYPE_STRING | ColumnType::MYSQL_TYPE_VAR_STRING | ColumnType::MYSQL_TYPE_BLOB
    );
    if is_text && column.character_set() == 63 {
        line.push_str(" binary");
    }
    if column.decimals() != 0 {
        let _ = write!(line, " .{}", column.decimals());
    }
    line
}

fn cell(value: &Value) -> String {
    match value {
        Value::NULL => "NULL".to_string(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(char::is_control) => {
                if text.is_empty() {
                    "''".to_string()
                } else {
                    text.to_string()
                }
            }
            _ => bytes.iter().fold("0x".to_string(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02X}");
                hex
            }),
        },
        other => other.as_sql(true),
    }
}

/// Runs one statement and prints its answer: columns, rows, counts, warnings or error.
pub fn run(conn: &mut Conn, sql: &str) -> String {
    let mut out = String::new();
    match conn.query_iter(sql) {
        Ok(mut result) => {
            while let Some(set) = result.iter() {
                let columns = set.columns();
                if columns.as_ref().is_empty() {
                    let _ = write!(out, "ok: {} affected", set.affected_rows());
                    if let Some(id) = set.last_insert_id().filter(|id| *id != 0) {
                        let _ = write!(out, ", insert id {id}");
                    }
                    let info = set.info_str();
                    if !info.is_empty() {
                        let _ = write!(out, ", {info}");
                    }
                    out.push('\n');
                } else {
                    let heads: Vec<String> = columns.as_ref().iter().map(column_line).collect();
                    let _ = writeln!(out, "{}", heads.join(" | "));
                    let mut failed = None;
                    for row in set {
                        let row: Row = match row {
                            Ok(row) => row,
                            Err(error) => {
                                failed = Some(error);
                                break;
                            }
                        };
                        let cells: Vec<String> = row.unwrap().iter().map(cell).collect();
                        let _ = writeln!(out, "{}", cells.join(" | "));
                    }
                    if let Some(error) = failed {
                        let _ = writeln!(out, "{}", error_line(&error));
                    }
                }
            }
        }
        Err(error) => {
            let _ = writeln!(out, "{}", error_line(&error));
        }
    }
    if conn.warnings() > 0 {
        for row in conn.query::<(String, u16, String), _>("SHOW WARNINGS").unwrap_or_default() {
            let _ = writeln!(out, "{} {}: {}", row.0.to_lowercase(), row.1, row.2);
        }
    }
    out
}

fn error_line(error: &mysql::Error) -> String {
    match error {
        mysql::Error::MySqlError(error) => {
            format!("error {} ({}): {}", error.code, error.state, error.message.replace('\n', "\\n"))
        }
        other => format!("client error: {other}"),
    }
}

/// Prepares the connection as every file expects it: a fresh database `test`.
pub fn fresh(conn: &mut Conn) {
    for sql in
        ["DROP DATABASE IF EXISTS test", "CREATE DATABASE test", "USE test", "SET time_zone = '+00:00'"]
    {
        conn.query_drop(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// Runs a file against our server; returns the differences, in words.
pub fn check(path: &Path, conn: &mut Conn) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    fresh(conn);
    let mut differences = Vec::new();
    for step in parse(&text) {
        let expected = step.ours.as_ref().unwrap_or(&step.expected);
        let got = run(conn, &step.sql);
        if got != *expected {
            differences.push(format!(
                "{}:{}\n  {}\n  expected:\n{}  got:\n{}",
                path.file_name().unwrap_or_default().to_string_lossy(),
                step.line,
                step.sql,
                indent(expected),
                indent(&got)
            ));
        }
    }
    differences
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Runs a file against the oracle and returns it with the oracle's answers in place.
pub fn rewrite(path: &Path, oracle: &mut Conn) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    fresh(oracle);
    let mut steps = parse(&text);
    for step in &mut steps {
        step.expected = run(oracle, &step.sql);
    }
    print(&steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_and_prints_the_same() {
        let text = "# note\nSELECT 1;\n----\n1:BIGINT(2)\n1\n\nDO\n  2;\n----\nok: 0 affected\n---- ours\nerror 1\n\n";
        let steps = parse(text);
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[1].ours.as_deref(), Some("error 1\n"));
        assert_eq!(print(&steps), text);
    }
}
