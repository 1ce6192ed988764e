//! What can go wrong in storage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every error of the crate. Cloneable, because all commits of one failed group get it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LsmError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: Arc<std::io::Error> },
    /// Exit code 3 at start; 1030 or 1034 for a statement.
    #[error("{} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the data folder {} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("{} is not a data folder of AuroraDB: it has no file AURORA and is not empty", .0.display())]
    NotOurs(PathBuf),
    #[error("{} has format {found}, this version knows formats up to {newest}; use a newer version", path.display())]
    NewerFormat { path: PathBuf, found: u32, newest: u32 },
    /// Writes and locking reads after a failed sync (STORAGE 3): only a restart recovers.
    #[error("the log refuses writes after a failure, restart to recover: {0}")]
    LogFailed(Arc<str>),
    /// A statement that grows the data met the reserve (STORAGE 21); deletes go on.
    #[error("the disk is full")]
    DiskFull,
    #[error("versions below {floor} are gone, {asked} was asked for")]
    SnapshotTooOld { asked: u64, floor: u64 },
    #[error("a batch of {size_bytes} bytes is above the limit of {limit_bytes}")]
    BatchTooLarge { size_bytes: u64, limit_bytes: u64 },
    #[error("the engine is closed")]
    Closed,
    #[error("sealing: {0}")]
    Seal(Arc<str>),
    #[error("not supported: {0}")]
    NotSupported(&'static str),
}

impl LsmError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> LsmError {
        LsmError::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> LsmError {
        LsmError::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// Whether the disk had no room for this.
    pub fn is_disk_full(&self) -> bool {
        match self {
            LsmError::DiskFull => true,
            LsmError::Io { source, .. } => {
                matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Whether stored bytes are not what was written.
    pub fn is_damage(&self) -> bool {
        matches!(self, LsmError::Damaged { .. })
    }
}

impl From<aurora_env::SealError> for LsmError {
    fn from(error: aurora_env::SealError) -> LsmError {
        LsmError::Seal(error.to_string().into())
    }
}

pub(crate) type Result<T> = std::result::Result<T, LsmError>;
