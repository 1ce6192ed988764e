//! Our server as a child process.

use crate::free_port;
use mysql::{Conn, OptsBuilder, SslOpts};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PASSWORD: &str = "test-Password-1";
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A running `auroradb` with a folder of its own; killed when dropped.
pub struct AuroraServer {
    child: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
    options: Vec<String>,
}

/// Where the binaries of this build are: beside the test's own, or where `AURORA_BIN_DIR` says.
pub fn binary(name: &str) -> PathBuf {
    if let Some(dir) = std::env::var_os("AURORA_BIN_DIR") {
        return Path::new(&dir).join(name);
    }
    let test = std::env::current_exe().expect("the test's own path");
    let profile_dir = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    profile_dir.join(name)
}

impl AuroraServer {
    /// Starts with the defaults and waits until it is ready.
    pub fn start() -> AuroraServer {
        AuroraServer::start_with(&[])
    }

    /// Starts with more flags, such as `["--set", "name=value"]`.
    pub fn start_with(options: &[&str]) -> AuroraServer {
        let folder = tempfile::Builder::new().prefix("aurora-test-").tempdir().expect("a temporary folder");
        let mut server = AuroraServer {
            child: None,
            folder,
            port: free_port(),
            options: options.iter().map(|option| option.to_string()).collect(),
        };
        server.restart();
        server
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// What the server wrote on standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Starts the server again on the same folder and port, and waits until it is ready.
    pub fn restart(&mut self) {
        let before = self.log().len();
        self.spawn();
        let begun = Instant::now();
        while !self.log()[before..].contains("ready for connections") {
            if let Some(status) = self.child.as_mut().expect("started").try_wait().expect("its state") {
                panic!("auroradb ended with {status}:\n{}", self.log());
            }
            assert!(begun.elapsed() < START_TIMEOUT, "auroradb is not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Other flags for the next start.
    pub fn set_options(&mut self, options: &[&str]) {
        self.options = options.iter().map(|option| option.to_string()).collect();
    }

    /// Starts the server again and ends it with SIGKILL after this time, ready or not.
    pub fn restart_and_kill_after(&mut self, time: Duration) {
        self.spawn();
        std::thread::sleep(time);
        self.kill();
    }

    /// Starts the server again where it is expected to refuse: its exit code, and what it said. `None` when it got
    /// ready, and runs.
    pub fn restart_or_refusal(&mut self) -> Option<(i32, String)> {
        let before = self.log().len();
        self.spawn();
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().expect("started").try_wait().expect("its state") {
                self.child = None;
                return Some((status.code().unwrap_or(-1), self.log()[before..].to_string()));
            }
            if self.log()[before..].contains("ready for connections") {
                return None;
            }
            assert!(begun.elapsed() < START_TIMEOUT, "auroradb is not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the process runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("its state").is_none())
    }

    fn spawn(&mut self) {
        assert!(self.child.is_none(), "the server is running");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log");
        let child = Command::new(binary("auroradb"))
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--http", "127.0.0.1:0"])
            .args(["--root-password", PASSWORD])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| {
                panic!("auroradb does not start: {e}; build it first: cargo build -p aurora-server")
            });
        self.child = Some(child);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("SIGKILL");
            child.wait().expect("its end");
        }
    }

    /// SIGTERM; returns the exit code.
    pub fn stop(&mut self) -> i32 {
        let mut child = self.child.take().expect("running");
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        child.wait().expect("its end").code().unwrap_or(-1)
    }

    /// Connects as root over TLS.
    pub fn connect(&self) -> Conn {
        self.try_connect().unwrap_or_else(|e| panic!("root cannot connect: {e}\n{}", self.log()))
    }

    pub fn try_connect(&self) -> mysql::Result<Conn> {
        self.connect_by(self.port, "root", PASSWORD)
    }

    /// Connects over TLS as somebody, through whatever listens on `port`.
    pub fn connect_by(&self, port: u16, user: &str, password: &str) -> mysql::Result<Conn> {
        let tls = SslOpts::default().with_danger_accept_invalid_certs(true);
        let tls = tls.with_danger_skip_domain_validation(true);
        Conn::new(
            OptsBuilder::new()
                .ip_or_hostname(Some("127.0.0.1"))
                .tcp_port(port)
                .user(Some(user))
                .pass(Some(password))
                .prefer_socket(false)
                .tcp_connect_timeout(Some(Duration::from_secs(10)))
                .ssl_opts(tls),
        )
    }
}

impl Drop for AuroraServer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}
