//! What the protocol keeps of prepared statements: how many parameters, their types, their long data, the cursor.

use aurora_types::error::{
    ER_DATA_OUT_OF_RANGE, ER_MALFORMED_PACKET, ER_NET_PACKET_TOO_LARGE, ER_STMT_HAS_NO_OPEN_CURSOR,
    ER_UNKNOWN_STMT_HANDLER, ER_WRONG_ARGUMENTS,
};
use aurora_types::{Charset, SqlError, SqlResult};
use aurora_wire::params::decode_execute;
use aurora_wire::{Capabilities, Cursor, ExecuteParams, ParamError, ParamType};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
struct Statement {
    params: usize,
    types: Vec<ParamType>,
    long_data: HashMap<u16, Vec<u8>>,
    long_bytes: usize,
    /// COM_STMT_SEND_LONG_DATA has no answer: its error waits for the execution.
    failed: Option<SqlError>,
    cursor: Option<Cursor>,
}

impl Statement {
    fn forget_long_data(&mut self) {
        self.long_data = HashMap::new();
        self.long_bytes = 0;
        self.failed = None;
    }
}

/// The statements of one connection.
#[derive(Debug, Default)]
pub struct Statements {
    by_id: BTreeMap<u32, Statement>,
}

impl Statements {
    pub fn insert(&mut self, id: u32, params: usize) {
        self.by_id.insert(id, Statement { params, ..Statement::default() });
    }

    /// `false` when there was none.
    pub fn remove(&mut self, id: u32) -> bool {
        self.by_id.remove(&id).is_some()
    }

    pub fn clear(&mut self) {
        self.by_id = BTreeMap::new();
    }

    /// What an execution has opened; it replaces what one before it had.
    pub fn open_cursor(&mut self, id: u32, cursor: Option<Cursor>) {
        if let Some(statement) = self.by_id.get_mut(&id) {
            statement.cursor = cursor;
        }
    }

    /// Fails with 1243 when there is no such statement, 1421 when it has no cursor.
    pub fn cursor(&mut self, id: u32) -> SqlResult<&mut Cursor> {
        let statement = self.by_id.get_mut(&id).ok_or_else(|| unknown(id))?;
        statement.cursor.as_mut().ok_or_else(|| SqlError::new(ER_STMT_HAS_NO_OPEN_CURSOR, &[&id]))
    }

    /// COM_STMT_SEND_LONG_DATA. A statement holds `limit_bytes` of it at most.
    pub fn add_long_data(&mut self, id: u32, param: u16, data: &[u8], limit_bytes: usize) {
        // Nobody listens to an error here.
        let Some(statement) = self.by_id.get_mut(&id) else { return };
        if usize::from(param) >= statement.params {
            statement.failed = Some(SqlError::new(ER_WRONG_ARGUMENTS, &[&"mysqld_stmt_send_long_data"]));
            return;
        }
        if statement.long_bytes + data.len() > limit_bytes {
            statement.forget_long_data();
            statement.failed = Some(SqlError::new(ER_NET_PACKET_TOO_LARGE, &[]));
            return;
        }
        if statement.failed.is_none() {
            statement.long_bytes += data.len();
            statement.long_data.entry(param).or_default().extend_from_slice(data);
        }
    }

    /// COM_STMT_RESET.
    pub fn reset(&mut self, id: u32) -> SqlResult<()> {
        let statement = self.by_id.get_mut(&id).ok_or_else(|| unknown(id))?;
        statement.forget_long_data();
        statement.cursor = None;
        Ok(())
    }

    /// Reads the parameters of an execution and uses up the long data. A cursor that is open ends.
    pub fn bind(
        &mut self,
        id: u32,
        flags: u8,
        body: &[u8],
        common: Capabilities,
        client: Charset,
    ) -> SqlResult<ExecuteParams> {
        let statement = self.by_id.get_mut(&id).ok_or_else(|| unknown(id))?;
        statement.cursor = None;
        if let Some(error) = statement.failed.take() {
            statement.forget_long_data();
            return Err(error);
        }
        let Statement { params, types, long_data, .. } = statement;
        let long = |at| u16::try_from(at).ok().and_then(|at| long_data.get(&at).cloned());
        let done = decode_execute(body, common, flags, *params, types, &long, client);
        if statement.long_bytes > 0 || !statement.long_data.is_empty() {
            statement.forget_long_data();
        }
        done.map_err(|error| match error {
            ParamError::Malformed(_) => SqlError::new(ER_MALFORMED_PACKET, &[]),
            ParamError::UnknownType => SqlError::new(ER_WRONG_ARGUMENTS, &[&"mysqld_stmt_execute"]),
            ParamError::OutOfRange(kind) => {
                SqlError::new(ER_DATA_OUT_OF_RANGE, &[&kind, &"set_parameter_value"])
            }
        })
    }
}

fn unknown(id: u32) -> SqlError {
    SqlError::new(ER_UNKNOWN_STMT_HANDLER, &[&id, &"mysql_stmt_precheck"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::Value;

    const NONE: Capabilities = Capabilities(0);

    fn bind(statements: &mut Statements) -> SqlResult<Vec<Value>> {
        let body = [0, 1, 252, 0, 0];
        statements.bind(1, 0, &body, NONE, Charset::Utf8mb4).map(|params| params.values)
    }

    #[test]
    fn long_data_is_used_once() {
        let mut statements = Statements::default();
        statements.insert(1, 1);
        statements.add_long_data(1, 0, b"ab", 4);
        statements.add_long_data(1, 0, b"cd", 4);
        assert!(matches!(&bind(&mut statements).unwrap()[..], [Value::Text(t)] if t.as_bytes() == b"abcd"));
        assert!(matches!(&bind(&mut statements).unwrap()[..], [Value::Text(t)] if t.is_empty()));
    }

    #[test]
    fn errors_of_long_data_wait_for_the_execution() {
        let mut statements = Statements::default();
        statements.insert(1, 1);
        statements.add_long_data(1, 0, b"abcde", 4);
        statements.add_long_data(1, 0, b"x", 4);
        assert!(bind(&mut statements).unwrap_err().is(ER_NET_PACKET_TOO_LARGE));
        assert!(bind(&mut statements).is_ok());
        statements.add_long_data(1, 7, b"x", 4);
        assert!(bind(&mut statements).unwrap_err().is(ER_WRONG_ARGUMENTS));
        statements.add_long_data(1, 7, b"x", 4);
        statements.reset(1).unwrap();
        assert!(bind(&mut statements).is_ok());
        statements.add_long_data(9, 0, b"x", 4);
        assert!(statements.reset(9).unwrap_err().is(ER_UNKNOWN_STMT_HANDLER));
    }
}
