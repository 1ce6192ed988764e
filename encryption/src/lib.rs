//! Encryption at rest: a key hierarchy and sealed blocks.
//!
//! Key-encryption key (outside) → data keys (wrapped in `keys/registry`) → one key per file by HKDF-SHA256 from its
//! random id and kind → blocks under AES-256-GCM. Start at [`open_sealing`], which also knows folders that were made without.

mod at_rest;
mod error;
mod key_ring;
mod registry;
mod sealing;

pub use at_rest::{AtRest, Wanted, open_sealing};
pub use error::{KeyError, KeyResult};
pub use key_ring::{KeyRing, KeySource};
pub use sealing::EncryptedSealing;
