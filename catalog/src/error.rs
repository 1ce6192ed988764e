//! What can go wrong with definitions.

use crate::codec::DecodeError;
use aurora_txn::TxnError;
use aurora_types::SqlError;
use aurora_types::error::ER_INTERNAL_ERROR;

#[derive(Clone, Debug, thiserror::Error)]
pub enum CatalogError {
    #[error(transparent)]
    Txn(#[from] TxnError),
    #[error("catalog: {0}")]
    Damaged(#[from] DecodeError),
}

pub type CatalogResult<T> = Result<T, CatalogError>;

impl From<CatalogError> for SqlError {
    fn from(error: CatalogError) -> SqlError {
        match error {
            CatalogError::Txn(error) => error.into(),
            CatalogError::Damaged(_) => SqlError::new(ER_INTERNAL_ERROR, &[&error]),
        }
    }
}
