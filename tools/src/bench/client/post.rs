//! PostgreSQL's protocol.

use super::{ANSWER_WITHIN, ClientError, Row, Value};
use crate::bench::side::Login;
use postgres::types::{Format, FromSql, IsNull, ToSql, Type};
use postgres::{Client, Config, NoTls, SimpleQueryMessage, Statement};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

fn plain(error: postgres::Error) -> ClientError {
    use postgres::error::SqlState;
    match error.as_db_error() {
        Some(db) => ClientError {
            message: format!("ERROR {}: {}", db.code().code(), db.message()),
            retry: [
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::LOCK_NOT_AVAILABLE,
                // A row that another transaction deleted and put in again meanwhile.
                SqlState::UNIQUE_VIOLATION,
            ]
            .contains(db.code()),
        },
        None => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            ClientError::new(format!("{error}{cause}"))
        }
    }
}

pub fn connect(login: &Login, database: Option<&str>) -> Result<Client, ClientError> {
    let mut config = Config::new();
    config.host(&login.host).port(login.port).user(&login.user).dbname(database.unwrap_or("postgres"));
    config.connect_timeout(CONNECT_WITHIN).application_name("aurora bench");
    config.options(&format!("-c statement_timeout={}", ANSWER_WITHIN.as_millis()));
    if !login.password.is_empty() {
        config.password(&login.password);
    }
    config.connect(NoTls).map_err(plain)
}

pub fn exec(conn: &mut Client, sql: &str) -> Result<u64, ClientError> {
    let messages = conn.simple_query(sql).map_err(plain)?;
    let changed = messages.iter().map(|message| match message {
        SimpleQueryMessage::CommandComplete(count) => *count,
        _ => 0,
    });
    Ok(changed.sum())
}

pub fn query(conn: &mut Client, sql: &str) -> Result<Vec<Row>, ClientError> {
    let messages = conn.simple_query(sql).map_err(plain)?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_string)).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// `?` outside of quotes to `$1`, `$2`, …
fn numbered(sql: &str) -> String {
    let (mut out, mut number, mut quoted) = (String::with_capacity(sql.len() + 8), 0, false);
    for char in sql.chars() {
        quoted ^= char == '\'';
        if char == '?' && !quoted {
            number += 1;
            out.push_str(&format!("${number}"));
        } else {
            out.push(char);
        }
    }
    out
}

pub fn prepare(conn: &mut Client, sql: &str) -> Result<Statement, ClientError> {
    conn.prepare(&numbered(sql)).map_err(plain)
}

/// Sent as text, which the server reads as whatever type the statement wants.
impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let text = match self {
            Value::Null => return Ok(IsNull::Yes),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Text(text) => text.clone(),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    postgres::types::to_sql_checked!();
}

/// A column's bytes as they came, to be shown as text.
struct Column(String);

impl<'a> FromSql<'a> for Column {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Column, Box<dyn Error + Sync + Send>> {
        shown(ty, raw).map(Column).ok_or_else(|| format!("a value of type {ty} is not understood").into())
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i64 = 10_957;
const DAY_MICROS: i64 = 86_400_000_000;

fn date(days: i64) -> String {
    // The usual count over eras of 400 years, whose years begin in March.
    let days = days + EPOCH_DAYS + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

fn shown(ty: &Type, raw: &[u8]) -> Option<String> {
    Some(match *ty {
        Type::INT2 => i16::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::INT4 => i32::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::INT8 => i64::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::FLOAT4 => f32::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::FLOAT8 => f64::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::BOOL => u8::from(*raw.first()? != 0).to_string(),
        Type::DATE => date(i64::from(i32::from_be_bytes(raw.try_into().ok()?))),
        Type::TIMESTAMP => {
            let micros = i64::from_be_bytes(raw.try_into().ok()?);
            let second = micros.rem_euclid(DAY_MICROS) / 1_000_000;
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            format!("{} {hour:02}:{minute:02}:{second:02}", date(micros.div_euclid(DAY_MICROS)))
        }
        Type::NUMERIC => numeric(raw)?,
        _ => String::from_utf8_lossy(raw).into_owned(),
    })
}

/// Groups of four digits, the weight of the first, the sign, and how many digits are shown after the point.
fn numeric(raw: &[u8]) -> Option<String> {
    let word = |at: usize| Some(i16::from_be_bytes(raw.get(at * 2..at * 2 + 2)?.try_into().ok()?));
    let (groups, weight, sign, scale) =
        (word(0)?, word(1)?, word(2)? as u16, usize::try_from(word(3)?).ok()?);
    if sign == 0xC000 {
        return Some("NaN".into());
    }
    let group = |power: i16| match usize::try_from(weight - power) {
        Ok(at) if at < usize::try_from(groups).unwrap_or(0) => word(4 + at),
        _ => Some(0),
    };
    let mut whole = String::new();
    for power in (0..=weight.max(0)).rev() {
        whole.push_str(&format!("{:04}", group(power)?));
    }
    let mut text = String::from(if sign == 0x4000 { "-" } else { "" });
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let mut part = String::new();
        for below in 1..=i16::try_from(scale.div_ceil(4)).ok()? {
            part.push_str(&format!("{:04}", group(-below)?));
        }
        text.push('.');
        text.push_str(part.get(..scale)?);
    }
    Some(text)
}

fn refs(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

pub fn execute(conn: &mut Client, statement: &Statement, values: &[Value]) -> Result<u64, ClientError> {
    conn.execute(statement, &refs(values)).map_err(plain)
}

pub fn select(conn: &mut Client, statement: &Statement, values: &[Value]) -> Result<Vec<Row>, ClientError> {
    let rows = conn.query(statement, &refs(values)).map_err(plain)?;
    let row = |row: &postgres::Row| {
        (0..row.len())
            .map(|at| Ok(row.try_get::<_, Option<Column>>(at).map_err(plain)?.map(|column| column.0)))
            .collect::<Result<Row, ClientError>>()
    };
    rows.iter().map(row).collect()
}

pub fn count(conn: &mut Client, statement: &Statement, values: &[Value]) -> Result<u64, ClientError> {
    Ok(conn.query(statement, &refs(values)).map_err(plain)?.len() as u64)
}

pub fn load_file(conn: &mut Client, table: &str, path: &Path) -> Result<u64, ClientError> {
    let mut file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut copy = conn.copy_in(&format!("COPY \"{table}\" FROM STDIN")).map_err(plain)?;
    std::io::copy(&mut file, &mut copy).map_err(|error| error.to_string())?;
    copy.finish().map_err(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_text() {
        assert_eq!((date(0), date(-1)), ("2000-01-01".to_string(), "1999-12-31".to_string()));
        assert_eq!(date(8_825), "2024-02-29");
        let raw = |words: &[i16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        assert_eq!(numeric(&raw(&[3, 1, 0, 2, 1, 2345, 6700])).as_deref(), Some("12345.67"));
        assert_eq!(numeric(&raw(&[1, -1, 0x4000, 4, 5])).as_deref(), Some("-0.0005"));
        assert_eq!(numeric(&raw(&[0, 0, 0, 0])).as_deref(), Some("0"));
        assert_eq!(numeric(&[1]), None);
        assert_eq!(numbered("a = ? AND b = '?' AND c = ?"), "a = $1 AND b = '?' AND c = $2");
    }
}
