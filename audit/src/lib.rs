//! The audit log: append-only, hash-chained, sealed, signed.
//!
//! Events are numbered without holes, each is chained to the one before by SHA-256; a group is sealed in one block, by
//! the thread of one who waits for it, and synced when one of the group asked for it. Every few seconds, and at each end, a checkpoint record
//! signs the head of the chain with Ed25519. [`verify`] finds a changed, cut, reordered or missing record;
//! [`export`] writes JSON Lines or CSV. The sled index beside the segments is derived and disposable.

mod checkpoint;
mod event;
mod export;
mod index;
mod log;
mod reader;
mod segment;
mod verify;
mod writer;

pub use event::{Class, Event, Record};
pub use export::{ExportFilter, ExportFormat, export};
pub use log::{AuditLog, Durability, Mode, Told};
pub use reader::{AuditReader, read_all};
pub use verify::{Report, verify};

/// What went wrong with the audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("audit log, {action} {path}: {source}")]
    Io { action: &'static str, path: String, source: std::io::Error },
    #[error("audit segment {path}: {source}")]
    Seal { path: String, source: aurora_env::SealError },
    #[error("audit segment {path} is damaged at byte {offset}: {what}")]
    Damaged { path: String, offset: u64, what: String },
    #[error("audit signing key: {0}")]
    Key(String),
    #[error("the audit writer has stopped: {0}")]
    Stopped(String),
    #[error("audit index: {0}")]
    Index(#[from] sled::Error),
    #[error("writing the export: {0}")]
    Export(#[from] std::io::Error),
}
