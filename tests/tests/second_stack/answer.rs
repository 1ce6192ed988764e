//! What a client gets for a statement, and whether two stacks say the same.

use crate::shim::GAP;
use mysql::consts::{ColumnFlags, ColumnType};
use mysql::prelude::Queryable;
use mysql::{Conn, Row, Value};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, PartialEq)]
struct Error {
    code: u16,
    state: String,
    message: String,
}

#[derive(Debug, PartialEq)]
struct Head {
    name: String,
    table: String,
    ty: ColumnType,
    flags: ColumnFlags,
}

#[derive(Debug, Default)]
pub struct Answer {
    columns: Vec<Head>,
    rows: Vec<Vec<Value>>,
    affected: u64,
    insert_id: Option<u64>,
    info: String,
    error: Option<Error>,
    /// Of the packet.
    warnings: u16,
    /// By SHOW WARNINGS.
    warning_list: Vec<Vec<Value>>,
}

/// What could not be compared, by reason.
#[derive(Debug, Default)]
pub struct Gaps(BTreeMap<&'static str, usize>);

impl Gaps {
    fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        write!(f, "opensrv's gaps: {}", parts.join(", "))
    }
}

/// Flags that opensrv's caller says itself; the others follow from what it cannot say.
const FLAGS: ColumnFlags = ColumnFlags::NOT_NULL_FLAG
    .union(ColumnFlags::PRI_KEY_FLAG)
    .union(ColumnFlags::UNIQUE_KEY_FLAG)
    .union(ColumnFlags::MULTIPLE_KEY_FLAG)
    .union(ColumnFlags::UNSIGNED_FLAG)
    .union(ColumnFlags::AUTO_INCREMENT_FLAG)
    .union(ColumnFlags::ENUM_FLAG)
    .union(ColumnFlags::SET_FLAG);

fn error_of(error: mysql::Error) -> Error {
    match error {
        mysql::Error::MySqlError(error) => {
            Error { code: error.code, state: error.state, message: error.message }
        }
        other => Error { code: 0, state: String::new(), message: other.to_string() },
    }
}

impl Answer {
    /// Asks one statement, and for its warnings.
    pub fn of(conn: &mut Conn, sql: &str) -> Answer {
        let mut answer = Answer::default();
        if let Err(error) = answer.read(conn, sql) {
            answer.error = Some(error_of(error));
        }
        answer.warnings = conn.warnings();
        // SHOW WARNINGS would be asked about itself, and must not come between FOUND_ROWS() and its SELECT.
        let upper = sql.to_uppercase();
        let looks_back =
            ["SHOW WARNINGS", "SHOW ERRORS", "SQL_CALC_FOUND_ROWS"].iter().any(|w| upper.contains(w));
        if answer.error.is_none() && !looks_back {
            let list: Vec<Row> = conn.query("SHOW WARNINGS").unwrap_or_default();
            answer.warning_list = list.into_iter().map(Row::unwrap).collect();
        }
        answer
    }

    fn read(&mut self, conn: &mut Conn, sql: &str) -> Result<(), mysql::Error> {
        let mut result = conn.query_iter(sql)?;
        let Some(set) = result.iter() else { return Ok(()) };
        self.columns = set
            .columns()
            .as_ref()
            .iter()
            .map(|column| Head {
                name: column.name_str().into_owned(),
                table: column.table_str().into_owned(),
                ty: column.column_type(),
                flags: column.flags() & FLAGS,
            })
            .collect();
        if self.columns.is_empty() {
            self.affected = set.affected_rows();
            self.insert_id = set.last_insert_id();
            self.info = set.info_str().into_owned();
        }
        for row in set {
            self.rows.push(row?.unwrap());
        }
        Ok(())
    }

    /// How the second stack's answer differs; gaps of opensrv are no difference.
    pub fn difference(&self, second: &Answer, gaps: &mut Gaps) -> Option<String> {
        if let Some(error) = &second.error
            && error.message.starts_with(GAP)
        {
            gaps.note("statements with more than one result");
            return None;
        }
        let error = second.error.as_ref().map(|error| unpacked(error, gaps));
        if self.error != error {
            return Some(format!("  error {:?}\n  second {error:?}", self.error));
        }
        if self.columns != second.columns {
            return Some(format!("  columns {:?}\n  second  {:?}", self.columns, second.columns));
        }
        if self.rows != second.rows {
            return Some(format!("  rows   {:?}\n  second {:?}", self.rows, second.rows));
        }
        let done = (self.affected, self.insert_id, &self.info);
        let done_second = (second.affected, second.insert_id, &second.info);
        if done != done_second {
            return Some(format!("  ok     {done:?}\n  second {done_second:?}"));
        }
        if self.warning_list != second.warning_list {
            return Some(format!("  warnings {:?}\n  second   {:?}", self.warning_list, second.warning_list));
        }
        if self.warnings != second.warnings {
            gaps.note("warning counts in the packet");
        }
        None
    }
}

/// An error that travelled in the text of 1105.
fn unpacked(error: &Error, gaps: &mut Gaps) -> Error {
    let parsed = (|| {
        let (head, message) = error.message.strip_prefix('[')?.split_once("] ")?;
        let (code, state) = head.split_once(' ')?;
        Some(Error { code: code.parse().ok()?, state: state.to_owned(), message: message.to_owned() })
    })();
    match parsed {
        Some(unpacked) if error.code == 1105 => {
            gaps.note("errors beyond its table");
            unpacked
        }
        _ => Error { code: error.code, state: error.state.clone(), message: error.message.clone() },
    }
}
