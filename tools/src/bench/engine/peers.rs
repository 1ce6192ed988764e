//! Who takes part.

use super::api::Kind;
use super::ours;

pub const OURS: &str = "auroradb";
pub const OURS_PLAIN: &str = "auroradb, not encrypted";

/// Whether the peers are compiled in.
pub const COMPILED: bool = cfg!(feature = "engines-rust");

/// Ours first, then ours without encryption, then the peers.
pub fn all() -> Vec<Kind> {
    let mut kinds = vec![
        Kind { name: OURS, durable: true, open: ours::open_encrypted },
        Kind { name: OURS_PLAIN, durable: true, open: ours::open_plain },
    ];
    add_peers(&mut kinds);
    kinds
}

#[cfg(feature = "engines-rust")]
fn add_peers(kinds: &mut Vec<Kind>) {
    #[cfg(feature = "engines")]
    kinds.push(Kind { name: "rocksdb", durable: true, open: super::rocks::open });
    kinds.push(Kind { name: "fjall", durable: true, open: super::fjalls::open });
    kinds.push(Kind { name: "sled", durable: false, open: super::sleds::open });
    kinds.push(Kind { name: "redb", durable: true, open: super::redbs::open });
}

#[cfg(not(feature = "engines-rust"))]
fn add_peers(_kinds: &mut Vec<Kind>) {}
