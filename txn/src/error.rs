//! What can go wrong in a transaction, and MySQL's number for it.

use crate::store::StoreError;
use aurora_types::SqlError;
use aurora_types::error as er;

/// What a failed call means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// The caller rolls the statement back; the transaction lives.
    StatementRollback,
    /// The transaction has been rolled back already; its locks are gone.
    TransactionRolledBack,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum TxnError {
    #[error("lock wait timeout exceeded")]
    LockWaitTimeout,
    #[error("deadlock found; this transaction was the cheapest to roll back")]
    Deadlock,
    #[error("lock is held by another transaction and NOWAIT is set")]
    LockNotAvailable,
    #[error("the lock table is full")]
    LockTableFull,
    #[error("interrupted while waiting")]
    Interrupted,
    #[error("savepoint {0} does not exist")]
    NoSuchSavepoint(String),
    #[error("table definition has changed since the transaction's snapshot")]
    TableDefinitionChanged,
    #[error("the row was changed after the transaction's snapshot")]
    SnapshotConflict { table: String },
    #[error("pending writes of the transaction exceed {limit_bytes} bytes")]
    WriteSetTooLarge { limit_bytes: usize },
    #[error("write in a READ ONLY transaction")]
    ReadOnly,
    #[error("AUTO_INCREMENT counter is exhausted")]
    CounterExhausted,
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub type TxnResult<T> = Result<T, TxnError>;

impl TxnError {
    pub fn aftermath(&self) -> Aftermath {
        match self {
            TxnError::Deadlock => Aftermath::TransactionRolledBack,
            _ => Aftermath::StatementRollback,
        }
    }
}

impl From<TxnError> for SqlError {
    fn from(error: TxnError) -> SqlError {
        match &error {
            TxnError::LockWaitTimeout => SqlError::new(er::ER_LOCK_WAIT_TIMEOUT, &[]),
            TxnError::Deadlock => SqlError::new(er::ER_LOCK_DEADLOCK, &[]),
            TxnError::LockNotAvailable => SqlError::new(er::ER_LOCK_NOWAIT, &[]),
            TxnError::LockTableFull => SqlError::new(er::ER_LOCK_TABLE_FULL, &[]),
            TxnError::Interrupted => SqlError::new(er::ER_QUERY_INTERRUPTED, &[]),
            TxnError::NoSuchSavepoint(name) => SqlError::new(er::ER_SP_DOES_NOT_EXIST, &[&"SAVEPOINT", name]),
            TxnError::TableDefinitionChanged => SqlError::new(er::ER_TABLE_DEF_CHANGED, &[]),
            TxnError::SnapshotConflict { table } => SqlError::new(er::ER_CHECKREAD, &[table]),
            TxnError::WriteSetTooLarge { .. } => SqlError::new(er::ER_TRANS_CACHE_FULL, &[]),
            TxnError::ReadOnly => SqlError::new(er::ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, &[]),
            TxnError::CounterExhausted => SqlError::new(er::ER_AUTOINC_READ_FAILED, &[]),
            TxnError::NotSupported(what) => SqlError::new(er::ER_NOT_SUPPORTED_YET, &[what]),
            TxnError::Store(error) if error.is_disk_full() => {
                SqlError::new(er::ER_RECORD_FILE_FULL, &[&"aurora"])
            }
            TxnError::Store(error) => SqlError::new(er::ER_INTERNAL_ERROR, &[error]),
        }
    }
}
