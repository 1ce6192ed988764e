//! DuckDB behind tests/peers/duckdb_server.py: a line of JSON each way.

use super::{ANSWER_WITHIN, ClientError, Row, Value};
use crate::bench::side::Login;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;

/// One connection: a cursor of the one database.
pub struct Duck {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

/// What a statement gave.
#[derive(Debug, Default, Deserialize)]
pub struct Answer {
    #[serde(default)]
    pub rows: Vec<Row>,
    #[serde(default)]
    pub changed: u64,
    error: Option<String>,
}

impl Duck {
    pub fn connect(login: &Login) -> Result<Duck, ClientError> {
        let io = |error: std::io::Error| ClientError::new(error.to_string());
        let writer = TcpStream::connect((login.host.as_str(), login.port)).map_err(io)?;
        writer.set_nodelay(true).map_err(io)?;
        writer.set_read_timeout(Some(ANSWER_WITHIN)).map_err(io)?;
        let reader = BufReader::new(writer.try_clone().map_err(io)?);
        Ok(Duck { reader, writer })
    }

    pub fn run(&mut self, sql: &str, values: &[Value]) -> Result<Answer, ClientError> {
        let values: Vec<serde_json::Value> = values
            .iter()
            .map(|value| match value {
                Value::Null => serde_json::Value::Null,
                Value::Int(value) => (*value).into(),
                Value::Float(value) => (*value).into(),
                Value::Text(text) => text.as_str().into(),
            })
            .collect();
        let mut line = serde_json::json!({ "sql": sql, "values": values }).to_string();
        line.push('\n');
        let io = |error: std::io::Error| ClientError::new(format!("DuckDB's process: {error}"));
        self.writer.write_all(line.as_bytes()).map_err(io)?;
        let mut text = String::new();
        if self.reader.read_line(&mut text).map_err(io)? == 0 {
            return Err(ClientError::new("DuckDB's process has gone"));
        }
        let answer: Answer = serde_json::from_str(&text)
            .map_err(|error| ClientError::new(format!("DuckDB's process answered strangely: {error}")))?;
        match answer.error {
            Some(error) => Err(ClientError {
                retry: error.contains("Conflict") || error.contains("conflict"),
                message: error,
            }),
            None => Ok(answer),
        }
    }

    pub fn load_file(&mut self, table: &str, path: &Path) -> Result<u64, ClientError> {
        let path = path.display().to_string().replace('\'', "''");
        let sql = format!(
            "COPY \"{table}\" FROM '{path}' (FORMAT csv, DELIMITER '\t', NULLSTR '\\N', QUOTE '', ESCAPE '', HEADER false)"
        );
        self.run(&sql, &[]).map(|answer| answer.changed)
    }
}
