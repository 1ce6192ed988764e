//! One connection to a server of any kind, blocking.

mod duck;
mod my;
mod post;

use super::side::Login;
use duck::Duck;
use std::path::Path;
use std::time::Duration;

/// A statement that takes longer has hung: no work has one that should.
const ANSWER_WITHIN: Duration = Duration::from_secs(1800);

/// A value given to a prepared statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Float(f64),
    /// Also decimals, dates and times.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Int(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_string())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

/// A row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientError {
    pub message: String,
    /// A deadlock, a lost serialization race or a lock timeout: the transaction is rolled back and may be tried again.
    pub retry: bool,
}

impl ClientError {
    pub fn new(message: impl Into<String>) -> ClientError {
        ClientError { message: message.into(), retry: false }
    }
}

impl From<ClientError> for String {
    fn from(error: ClientError) -> String {
        error.message
    }
}

impl From<String> for ClientError {
    fn from(message: String) -> ClientError {
        ClientError::new(message)
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// A prepared statement; belongs to the client that made it.
#[derive(Clone)]
pub enum Prepared {
    My(mysql::Statement),
    Post(postgres::Statement),
    /// DuckDB's client keeps the text.
    Duck(String),
}

/// A connection.
pub enum Client {
    My(Box<mysql::Conn>),
    Post(Box<postgres::Client>),
    Duck(Box<Duck>),
}

const MIXED: &str = "a statement prepared by a client of another kind";

impl Client {
    /// `database` is ignored by DuckDB, which has one.
    pub fn connect(login: &Login, database: Option<&str>) -> Result<Client, ClientError> {
        Ok(match login.kind {
            super::kind::Kind::Postgres => Client::Post(Box::new(post::connect(login, database)?)),
            super::kind::Kind::Duckdb => Client::Duck(Box::new(Duck::connect(login)?)),
            _ => Client::My(Box::new(my::connect(login, database)?)),
        })
    }

    /// Runs one statement by the text protocol; how many rows it changed.
    pub fn exec(&mut self, sql: &str) -> Result<u64, ClientError> {
        match self {
            Client::My(conn) => my::exec(conn, sql),
            Client::Post(conn) => post::exec(conn, sql),
            Client::Duck(duck) => duck.run(sql, &[]).map(|answer| answer.changed),
        }
    }

    /// All rows of one query by the text protocol.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, ClientError> {
        match self {
            Client::My(conn) => my::query(conn, sql),
            Client::Post(conn) => post::query(conn, sql),
            Client::Duck(duck) => duck.run(sql, &[]).map(|answer| answer.rows),
        }
    }

    /// The first value of the first row, which must be there.
    pub fn value(&mut self, sql: &str) -> Result<String, ClientError> {
        let rows = self.query(sql)?;
        let first = rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten();
        first.ok_or_else(|| ClientError::new(format!("`{sql}` gave nothing")))
    }

    /// The same, as a number.
    pub fn number(&mut self, sql: &str) -> Result<f64, ClientError> {
        let text = self.value(sql)?;
        text.trim().parse().map_err(|_| ClientError::new(format!("`{sql}` gave `{text}`, not a number")))
    }

    /// Prepares a statement; parameters are `?` for every kind.
    pub fn prepare(&mut self, sql: &str) -> Result<Prepared, ClientError> {
        match self {
            Client::My(conn) => my::prepare(conn, sql).map(Prepared::My),
            Client::Post(conn) => post::prepare(conn, sql).map(Prepared::Post),
            Client::Duck(_) => Ok(Prepared::Duck(sql.to_string())),
        }
    }

    /// Runs a prepared statement; how many rows it changed.
    pub fn execute(&mut self, statement: &Prepared, values: &[Value]) -> Result<u64, ClientError> {
        match (self, statement) {
            (Client::My(conn), Prepared::My(statement)) => my::execute(conn, statement, values),
            (Client::Post(conn), Prepared::Post(statement)) => post::execute(conn, statement, values),
            (Client::Duck(duck), Prepared::Duck(sql)) => duck.run(sql, values).map(|answer| answer.changed),
            _ => Err(ClientError::new(MIXED)),
        }
    }

    /// All rows of a prepared query.
    pub fn select(&mut self, statement: &Prepared, values: &[Value]) -> Result<Vec<Row>, ClientError> {
        match (self, statement) {
            (Client::My(conn), Prepared::My(statement)) => my::select(conn, statement, values),
            (Client::Post(conn), Prepared::Post(statement)) => post::select(conn, statement, values),
            (Client::Duck(duck), Prepared::Duck(sql)) => duck.run(sql, values).map(|answer| answer.rows),
            _ => Err(ClientError::new(MIXED)),
        }
    }

    /// How many rows a prepared query gives, with as little work of the client as there can be.
    pub fn count(&mut self, statement: &Prepared, values: &[Value]) -> Result<u64, ClientError> {
        match (self, statement) {
            (Client::My(conn), Prepared::My(statement)) => my::count(conn, statement, values),
            (Client::Post(conn), Prepared::Post(statement)) => post::count(conn, statement, values),
            (this, statement) => this.select(statement, values).map(|rows| rows.len() as u64),
        }
    }

    /// The same by the text protocol.
    pub fn count_text(&mut self, sql: &str) -> Result<u64, ClientError> {
        match self {
            Client::My(conn) => my::count_text(conn, sql),
            other => other.query(sql).map(|rows| rows.len() as u64),
        }
    }

    /// Loads a file of tab-separated fields (`\N` is NULL, backslash escapes) by the fastest statement that the server has:
    /// LOAD DATA LOCAL, COPY FROM STDIN, COPY FROM. How many rows came in.
    pub fn load_file(&mut self, table: &str, path: &Path) -> Result<u64, ClientError> {
        match self {
            Client::My(conn) => my::load_file(conn, table, path),
            Client::Post(conn) => post::load_file(conn, table, path),
            Client::Duck(duck) => duck.load_file(table, path),
        }
    }

    /// INSERTs of up to 500 rows each, 20 in a transaction. `rows` are texts of parenthesized values: `(1,'a')`.
    pub fn insert(&mut self, table: &str, rows: impl Iterator<Item = String>) -> Result<u64, ClientError> {
        const ROWS_AT_ONCE: usize = 500;
        const STATEMENTS_AT_ONCE: usize = 20;
        self.exec("BEGIN")?;
        let (mut text, mut held, mut sent, mut total) = (String::new(), 0, 0, 0);
        for row in rows {
            text.push_str(if held == 0 { "INSERT INTO " } else { "," });
            if held == 0 {
                text.push_str(table);
                text.push_str(" VALUES ");
            }
            text.push_str(&row);
            held += 1;
            if held == ROWS_AT_ONCE {
                total += self.exec(&text)?;
                (held, sent) = (0, sent + 1);
                text.clear();
                if sent % STATEMENTS_AT_ONCE == 0 {
                    // Every server has a limit for what one transaction holds.
                    self.exec("COMMIT")?;
                    self.exec("BEGIN")?;
                }
                if super::interrupted() {
                    return Err(ClientError::new("interrupted"));
                }
            }
        }
        if held > 0 {
            total += self.exec(&text)?;
        }
        self.exec("COMMIT")?;
        Ok(total)
    }
}
