//! MySQL's protocol.

use super::{ANSWER_WITHIN, ClientError, Row, Value};
use crate::bench::side::Login;
use mysql::prelude::Queryable;
use mysql::{Conn, LocalInfileHandler, OptsBuilder, Params, Statement};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_CHECKREAD (MariaDB), ER_ERROR_DURING_COMMIT of RocksDB's write conflicts.
const RETRY: [u16; 3] = [1205, 1213, 1020];

/// An error without the client library's own words around it.
fn plain(error: mysql::Error) -> ClientError {
    match error {
        mysql::Error::MySqlError(error) => ClientError {
            retry: RETRY.contains(&error.code),
            message: format!("ERROR {} ({}): {}", error.code, error.state, error.message),
        },
        mysql::Error::IoError(error) => ClientError::new(error.to_string()),
        mysql::Error::DriverError(error) => ClientError::new(error.to_string()),
        other => ClientError::new(other.to_string()),
    }
}

/// Without TLS, for all sides alike: the race is about servers.
pub fn connect(login: &Login, database: Option<&str>) -> Result<Conn, ClientError> {
    let opts = OptsBuilder::new()
        .ip_or_hostname(Some(login.host.as_str()))
        .tcp_port(login.port)
        .user(Some(login.user.as_str()))
        .pass(Some(login.password.as_str()))
        .db_name(database)
        .prefer_socket(false)
        .tcp_nodelay(true)
        // The cache closes what it has no room for, also what a work still holds.
        .stmt_cache_size(256)
        .read_timeout(Some(ANSWER_WITHIN))
        .tcp_connect_timeout(Some(CONNECT_WITHIN));
    Conn::new(opts).map_err(plain)
}

pub fn exec(conn: &mut Conn, sql: &str) -> Result<u64, ClientError> {
    conn.query_drop(sql).map_err(plain)?;
    Ok(conn.affected_rows())
}

fn text(value: mysql::Value) -> Option<String> {
    match value {
        mysql::Value::NULL => None,
        mysql::Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        mysql::Value::Int(value) => Some(value.to_string()),
        mysql::Value::UInt(value) => Some(value.to_string()),
        mysql::Value::Float(value) => Some(value.to_string()),
        mysql::Value::Double(value) => Some(value.to_string()),
        mysql::Value::Date(year, month, day, 0, 0, 0, 0) => Some(format!("{year:04}-{month:02}-{day:02}")),
        mysql::Value::Date(year, month, day, hour, minute, second, _) => {
            Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
        }
        time => Some(time.as_sql(true).trim_matches('\'').to_string()),
    }
}

fn rows(rows: Vec<mysql::Row>) -> Vec<Row> {
    rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect()).collect()
}

pub fn query(conn: &mut Conn, sql: &str) -> Result<Vec<Row>, ClientError> {
    conn.query(sql).map(rows).map_err(plain)
}

pub fn prepare(conn: &mut Conn, sql: &str) -> Result<Statement, ClientError> {
    conn.prep(sql).map_err(plain)
}

fn params(values: &[Value]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let value = |value: &Value| match value {
        Value::Null => mysql::Value::NULL,
        Value::Int(value) => mysql::Value::Int(*value),
        Value::Float(value) => mysql::Value::Double(*value),
        Value::Text(text) => mysql::Value::Bytes(text.clone().into_bytes()),
    };
    Params::Positional(values.iter().map(value).collect())
}

pub fn execute(conn: &mut Conn, statement: &Statement, values: &[Value]) -> Result<u64, ClientError> {
    conn.exec_drop(statement, params(values)).map_err(plain)?;
    Ok(conn.affected_rows())
}

pub fn select(conn: &mut Conn, statement: &Statement, values: &[Value]) -> Result<Vec<Row>, ClientError> {
    conn.exec(statement, params(values)).map(rows).map_err(plain)
}

fn counted<P: mysql::prelude::Protocol>(
    rows: mysql::Result<mysql::QueryResult<'_, '_, '_, P>>,
) -> Result<u64, ClientError> {
    let mut count = 0;
    for row in rows.map_err(plain)? {
        row.map_err(plain)?;
        count += 1;
    }
    Ok(count)
}

pub fn count(conn: &mut Conn, statement: &Statement, values: &[Value]) -> Result<u64, ClientError> {
    counted(conn.exec_iter(statement, params(values)))
}

pub fn count_text(conn: &mut Conn, sql: &str) -> Result<u64, ClientError> {
    counted(conn.query_iter(sql))
}

/// The file goes through this client, so that the server needs no access to it.
pub fn load_file(conn: &mut Conn, table: &str, path: &Path) -> Result<u64, ClientError> {
    let path = path.to_path_buf();
    conn.set_local_infile_handler(Some(LocalInfileHandler::new(move |_, out| {
        std::io::copy(&mut std::fs::File::open(&path)?, out)?;
        out.flush()
    })));
    let loaded = conn.query_drop(format!("LOAD DATA LOCAL INFILE 'rows' INTO TABLE `{table}`"));
    conn.set_local_infile_handler(None);
    loaded.map_err(plain)?;
    Ok(conn.affected_rows())
}
