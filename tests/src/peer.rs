//! A real MySQL 9.7 beside us: the oracle.

use crate::free_port;
use mysql::{Conn, OptsBuilder};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A running MySQL 9.7 with a folder of its own; stopped when dropped.
pub struct MySqlServer {
    folder: tempfile::TempDir,
    port: u16,
}

/// The script that fetches, starts and stops it.
pub fn peer_script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/mysql.sh")
}

impl MySqlServer {
    pub fn start() -> MySqlServer {
        let folder = tempfile::Builder::new().prefix("aurora-oracle-").tempdir().expect("a temporary folder");
        let server = MySqlServer { folder, port: free_port() };
        let status = Command::new(peer_script())
            .arg("start")
            .arg(server.folder.path())
            .arg(server.port.to_string())
            .status()
            .expect("tests/peers/mysql.sh");
        assert!(status.success(), "MySQL 9.7 does not start");
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn connect(&self) -> Conn {
        Conn::new(
            OptsBuilder::new()
                .ip_or_hostname(Some("127.0.0.1"))
                .tcp_port(self.port)
                .user(Some("root"))
                .prefer_socket(false),
        )
        .expect("root connects to MySQL 9.7")
    }
}

impl Drop for MySqlServer {
    fn drop(&mut self) {
        let _stopped = Command::new(peer_script()).arg("stop").arg(self.folder.path()).status();
    }
}
