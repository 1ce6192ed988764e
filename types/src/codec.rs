//! The stored forms of rows and keys. Byte tables: `docs/formats/row.md` and `docs/formats/key.md`.

pub mod key;
pub mod row;
mod weights;

pub use key::{DecodedColumn, KeyColumn, encode_column, key_prefix};
pub use row::{ColumnLayout, RowLayout, RowView, encode_row};

use crate::error::ER_INTERNAL_ERROR;
use crate::{SqlError, ValueRef};

/// Stored bytes that do not decode, or a value that its column cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("stored row is cut: {have} bytes where {need} are needed")]
    Truncated { have: usize, need: usize },
    #[error("stored row has unknown format {0:#04x}")]
    UnknownFormat(u8),
    #[error("stored row has {have} columns, the table has {known}")]
    TooManyColumns { have: usize, known: usize },
    #[error("column {column} of a stored row is damaged")]
    DamagedColumn { column: usize },
    #[error("stored key is damaged")]
    DamagedKey,
    #[error("column {column} cannot hold the value {value}")]
    WrongValue { column: usize, value: String },
    #[error("row is too large to store")]
    TooLarge,
}

impl From<CodecError> for SqlError {
    fn from(error: CodecError) -> SqlError {
        SqlError::new(ER_INTERNAL_ERROR, &[&error])
    }
}

fn wrong_value(column: usize, value: ValueRef<'_>) -> CodecError {
    CodecError::WrongValue { column, value: format!("{value:?}") }
}

/// Added to a TIME's microseconds so that they are positive; above its range of 838:59:59.999999.
const TIME_OFFSET: i64 = 1 << 46;
