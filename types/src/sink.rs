//! Where the rows of a statement go: the wire buffer, a test's vector, a file.

use crate::{ColumnMeta, SqlResult, ValueRef};

/// Receives the result sets of a statement, one after the other.
pub trait RowSink {
    /// Starts a result set.
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()>;
    /// One row of the open result set; cells in the order and of the types given to `begin`. The sink copies
    /// what it needs. Returns `true` when its buffer is full and the producer should let it drain (the
    /// producer may go on: a full buffer costs memory, not rows).
    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool>;
    /// Ends the result set.
    fn end(&mut self, status: &StatementStatus) -> SqlResult<()>;
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
}
