//! Fixtures that end-to-end tests stand on: our server, a real MySQL 9.7, and statement files.
//!
//! - [`AuroraServer`]: the built `auroradb` on a free port and a temporary folder; kill, restart, stop.
//! - [`MySqlServer`]: MySQL 9.7 from packages, one for all tests of a run.
//! - [`script`]: statement files with expected results; the same file runs against either server.

mod aurora;
mod corpora;
mod peer;
pub mod script;

pub use aurora::{AuroraServer, binary};
pub use corpora::{corpora_dir, read_gz_with_system_tool};
pub use peer::{MySqlServer, peer_script};

use std::net::TcpListener;

/// A port of loopback that is free now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of loopback");
    listener.local_addr().expect("its address").port()
}
