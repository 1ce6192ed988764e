//! Where the rows of a statement go: the wire buffer, a test's vector, a file.

use crate::error::ER_NOT_SUPPORTED_YET;
use crate::{CollationId, ColumnMeta, SqlError, SqlResult, ValueRef};

/// Receives the result sets of a statement, one after the other.
///
/// A statement without a result set calls [`RowSink::end`] alone.
pub trait RowSink {
    /// Starts a result set.
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()>;
    /// One row of the open result set; cells in the order and of the types given to `begin`. The sink copies
    /// what it needs. Returns `true` when its buffer is full and the producer should let it drain (the
    /// producer may go on: a full buffer costs memory, not rows).
    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool>;
    /// Ends the result set.
    fn end(&mut self, status: &StatementStatus) -> SqlResult<()>;

    /// `character_set_results` is now this collation's character set; `None`: text goes out as stored.
    /// A session calls it when the variable changes, so that the rest of a multi-statement follows.
    fn results_collation(&mut self, _collation: Option<CollationId>) {}

    /// Asks the client for the contents of its file `name` (`LOAD DATA LOCAL INFILE`) and hands them over in
    /// pieces of any size, in order. When `consume` fails, the rest is drained and its error returned.
    ///
    /// # Errors
    /// 1235 when there is no client to ask, 3948 when it did not offer local files.
    fn local_infile(
        &mut self,
        _name: &[u8],
        _consume: &mut dyn FnMut(&[u8]) -> SqlResult<()>,
    ) -> SqlResult<()> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"LOAD DATA LOCAL outside of a client connection"]))
    }
}

/// What the OK or EOF packet of a statement says.
#[derive(Clone, Debug, Default)]
pub struct StatementStatus {
    pub affected_rows: u64,
    pub last_insert_id: u64,
    pub warnings: u16,
    /// MySQL's `server_status` bits (autocommit, in transaction, no index used, …) without MORE_RESULTS.
    pub status_flags: u16,
    /// The info text, such as `Rows matched: 1  Changed: 1  Warnings: 0`.
    pub info: String,
    /// What the statement changed in the session, as far as `session_track_…` asks for it.
    pub changes: Vec<SessionChange>,
}

/// One tracked change of session state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// `session_track_system_variables`: a variable and its new value.
    SystemVariable { name: String, value: String },
    /// `session_track_schema`: the new default database.
    Schema(String),
    /// `session_track_state_change`: some state changed.
    State,
    /// `session_track_gtids`.
    Gtids(String),
    /// `session_track_transaction_info = CHARACTERISTICS`: statements that restart this transaction.
    TransactionCharacteristics(String),
    /// `session_track_transaction_info`: eight characters such as `T_______`.
    TransactionState(String),
}
