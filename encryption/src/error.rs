//! What can go wrong with keys. No message holds key material.

use aurora_env::SealError;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: Arc<std::io::Error> },
    #[error("{} is not a key: 64 hexadecimal digits are expected", .0.display())]
    NotAKey(PathBuf),
    #[error(
        "the key-encryption key is not the one that this data was encrypted under; give the right --key-file"
    )]
    WrongKek,
    #[error("the key registry is there, but {} is not: restore the key-encryption key", .0.display())]
    KekMissing(PathBuf),
    #[error("this data folder is encrypted, and encryption=OFF is for new folders only")]
    IsSealed,
    #[error("this data folder was made without encryption")]
    IsPlain,
    #[error("{} is missing, and nothing else says how the files of this folder were kept", .0.display())]
    RegistryMissing(PathBuf),
    #[error("{} is not what AuroraDB writes there", .0.display())]
    NotAMark(PathBuf),
    #[error("the key registry belongs to another instance")]
    OtherInstance,
    #[error("the key registry is damaged: {0}")]
    Damaged(&'static str),
    #[error("the key registry is damaged: record {0} does not open")]
    DamagedRecord(usize),
    #[error("the cryptographic library refused")]
    Crypto,
}

pub type KeyResult<T> = Result<T, KeyError>;

impl From<KeyError> for SealError {
    fn from(error: KeyError) -> SealError {
        SealError::Registry(error.to_string())
    }
}
