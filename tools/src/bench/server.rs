//! Servers that the race starts for itself, on a temporary folder, and stops again.

use super::kind::Kind;
use super::process;
use super::side::Login;
use crate::failure::Failure;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The servers that run now, for the end in a hurry.
static STARTED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn lock_started() -> MutexGuard<'static, Vec<u32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn started(pid: u32) {
    if pid != 0 {
        lock_started().push(pid);
    }
}

/// By the program for it, which need not be on the PATH: what was started must end.
fn send(name: &str, pid: u32) {
    for program in ["kill", "/bin/kill", "/usr/bin/kill"] {
        let sent = Command::new(program).args([name, &pid.to_string()]).stderr(Stdio::null()).status();
        if sent.is_ok() {
            return;
        }
    }
}

/// Ends every server that was started and not stopped: whoever waits for an answer gets an error and ends in order.
pub fn kill_all() {
    for pid in lock_started().iter() {
        send("-KILL", *pid);
    }
}

/// A process that ends with this value.
pub struct Server {
    kind: Kind,
    /// The command that starts it again on the same folder.
    command: Vec<OsString>,
    /// Whose process it is, where it is not ours: PostgreSQL refuses to be root's.
    owner: Option<(u32, u32)>,
    log: PathBuf,
    pid: u32,
    /// `None`: started by a script, so not ours to reap.
    child: Option<Child>,
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0");
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Failure::runtime(format!("no free port: {error}")))
}

/// The first line that tells of an error, or the last one: servers end with words of farewell.
fn why(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let error = text.lines().find(|line| ["ERROR", "FATAL"].iter().any(|word| line.contains(word)));
    let last = || text.lines().rev().find(|line| !line.trim().is_empty());
    error.or_else(last).unwrap_or("it wrote nothing").trim().to_string()
}

/// Waits until processes are gone for everybody, those included that nobody has reaped yet.
fn wait_gone(pids: &[u32]) {
    let begun = Instant::now();
    let there = |pid: &u32| Path::new(&format!("/proc/{pid}")).exists();
    while pids.iter().any(there) && begun.elapsed() < STOPPED_WITHIN {
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Server {
    /// Our server on `port`, its data in `dir`.
    pub fn ours(program: &Path, dir: &Path, port: u16, options: &[String]) -> Result<Server, Failure> {
        let mut command: Vec<OsString> = vec![program.into(), "--data-dir".into(), dir.join("data").into()];
        command.extend(["--listen".into(), format!("127.0.0.1:{port}").into()]);
        command.extend(["--http".into(), format!("127.0.0.1:{}", free_port()?).into()]);
        command.push("--insecure".into());
        // As the peers' scripts have it, for LOAD DATA LOCAL.
        command.extend(["--set".into(), "local_infile=1".into()]);
        command.extend(["--set".into(), "max_connections=20000".into()]);
        command.extend(options.iter().map(OsString::from));
        let log = dir.join("server.log");
        let mut server = Server { kind: Kind::Aurora, command, owner: None, log, pid: 0, child: None };
        server.spawn()?;
        Ok(server)
    }

    /// A peer by its script, its data in `dir`.
    pub fn peer(
        kind: Kind,
        script: &Path,
        dir: &Path,
        port: u16,
        env: &[(&str, &str)],
    ) -> Result<Server, Failure> {
        let output = Command::new(script)
            .args([OsString::from("start"), dir.into(), port.to_string().into()])
            .envs(env.iter().copied())
            // Ctrl-C must not end it between the start of the server and the word of its process.
            .process_group(0)
            .stdin(Stdio::null())
            // The server that stays behind must not hold our pipes.
            .stdout(Stdio::null())
            .stderr(File::create(dir.join("start.log")).map_or(Stdio::null(), Stdio::from))
            .status()
            .map_err(|error| Failure::io("run", script, &error))?;
        let pid = fs::read_to_string(dir.join("pid")).ok().and_then(|pid| pid.trim().parse().ok());
        // From here on the process ends with this value, even if it never answered.
        let log = dir.join("server.log");
        let mut server =
            Server { kind, command: Vec::new(), owner: None, log, pid: pid.unwrap_or(0), child: None };
        started(server.pid);
        if !output.success() || pid.is_none() {
            let told = why(&dir.join("start.log"));
            return Err(Failure::runtime(format!(
                "{} did not start: {told}. {} has to work by itself first",
                kind.name(),
                script.display()
            )));
        }
        let pid = server.pid;
        let gone = |error| Failure::runtime(format!("{} did not stay: {error}", kind.name()));
        let line = fs::read(format!("/proc/{pid}/cmdline")).map_err(gone)?;
        let about = fs::metadata(format!("/proc/{pid}")).map_err(gone)?;
        let own = fs::metadata("/proc/self").map_err(gone)?;
        server.owner = (about.uid() != own.uid()).then_some((about.uid(), about.gid()));
        server.command = line
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(|word| OsString::from(String::from_utf8_lossy(word).into_owned()))
            .collect();
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    fn spawn(&mut self) -> Result<(), Failure> {
        let program = PathBuf::from(self.command.first().cloned().unwrap_or_default());
        let log = File::create(&self.log).map_err(|error| Failure::io("create", &self.log, &error))?;
        let second = log.try_clone().map_err(|error| Failure::io("open", &self.log, &error))?;
        let mut command = Command::new(&program);
        command
            .args(self.command.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(second)
            // Ctrl-C is for us; we stop it in order.
            .process_group(0);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group).current_dir("/");
        }
        let child = command.spawn().map_err(|error| Failure::io("run", &program, &error))?;
        self.pid = child.id();
        started(self.pid);
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it answers a statement.
    pub fn wait_ready(&mut self, login: &Login) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let error = match login.ping() {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if self.has_ended() {
                let line = why(&self.log);
                return Err(Failure::runtime(format!("the server did not start: {line}")));
            }
            if begun.elapsed() > READY_WITHIN || super::interrupted() {
                return Err(Failure::runtime(format!("the server did not become ready: {error}")));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops it and starts it again; seconds from the start of the process to its first answer.
    pub fn restart(&mut self, login: &Login) -> Result<f64, Failure> {
        self.stop();
        self.start_again(login)
    }

    /// The same after `kill -9`.
    pub fn crash(&mut self, login: &Login) -> Result<f64, Failure> {
        let all = process::tree(self.pid);
        self.signal("-KILL");
        while !self.has_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        lock_started().retain(|pid| *pid != self.pid);
        if self.kind != Kind::Aurora {
            // PostgreSQL's children see the end of their parent by themselves; it and MySQL do not start where a process
            // has the number of the one that was killed.
            wait_gone(&all);
        }
        self.start_again(login)
    }

    pub fn start_again(&mut self, login: &Login) -> Result<f64, Failure> {
        let begun = Instant::now();
        self.spawn()?;
        self.wait_ready(login)?;
        Ok(begun.elapsed().as_secs_f64())
    }

    pub fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => {
                // One that nobody reaps has ended too.
                let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
                let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start().to_string());
                state.is_none_or(|state| state.starts_with(['Z', 'X']))
            }
        }
    }

    fn signal(&self, name: &str) {
        send(name, self.pid);
    }

    /// Ends it at once.
    pub fn kill(&self) {
        if self.pid != 0 {
            self.signal("-KILL");
        }
    }

    fn stop(&mut self) {
        if self.pid == 0 || self.has_ended() {
            lock_started().retain(|pid| *pid != self.pid);
            return;
        }
        // PostgreSQL's TERM waits for clients to go.
        self.signal(if self.kind == Kind::Postgres { "-INT" } else { "-TERM" });
        let begun = Instant::now();
        while !self.has_ended() {
            if begun.elapsed() > STOPPED_WITHIN {
                self.signal("-KILL");
                // Even where there is no program to send signals.
                let _ = self.child.as_mut().map(Child::kill);
            }
            if begun.elapsed() > STOPPED_WITHIN * 2 {
                eprintln!("aurora: process {} does not end", self.pid);
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        lock_started().retain(|pid| *pid != self.pid);
        self.pid = 0;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        for (text, told) in [
            ("", "it wrote nothing"),
            ("hello\nbye\n\n", "bye"),
            ("up\n[ERROR] no such option\n[ERROR] Aborting\nend\n", "[ERROR] no such option"),
        ] {
            fs::write(&log, text).unwrap();
            assert_eq!(why(&log), told);
        }
    }
}
