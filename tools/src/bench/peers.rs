//! Brings the sides of a race up, by their scripts or at given addresses, and asks them how durable they are.

use super::args::RaceArgs;
use super::interrupted;
use super::kind::Kind;
use super::server::{Server, free_port};
use super::side::{Login, Side};
use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// Free bytes that a server of the race's own needs for itself.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Commits are on disk before they are answered, no second log is written; as much memory for blocks or pages as ours has.
fn peer_options(kind: Kind, memory_mib: u32) -> String {
    const MARIADB: &str = "--innodb-flush-log-at-trx-commit=1 --skip-log-bin --max-connections=20000 --rocksdb-flush-log-at-trx-commit=1";
    match kind {
        Kind::Aurora => format!("innodb_buffer_pool_size={}", u64::from(memory_mib) << 20),
        // A log as large as the pages in memory, within reason: its default of 100 MiB holds back whoever writes much.
        Kind::Mysql => format!(
            "--innodb-flush-log-at-trx-commit=1 --skip-log-bin --innodb-buffer-pool-size={memory_mib}M \
             --innodb-redo-log-capacity={}M --max-connections=20000",
            memory_mib.clamp(100, 2048)
        ),
        Kind::Mariadb => {
            format!("{MARIADB} --innodb-buffer-pool-size={memory_mib}M --rocksdb-block-cache-size=64M")
        }
        Kind::Myrocks => format!(
            "{MARIADB} --innodb-buffer-pool-size=64M --rocksdb-block-cache-size={memory_mib}M \
             --rocksdb-deadlock-detect=ON --default-storage-engine=ROCKSDB"
        ),
        Kind::Postgres => format!(
            "-c shared_buffers={memory_mib}MB -c fsync=on -c synchronous_commit=on -c max_connections=1000"
        ),
        // Takes what the machine has, as it comes.
        Kind::Duckdb => String::new(),
    }
}

impl Kind {
    /// The script that starts it, below tests/peers, and the environment variable of its options.
    fn script(self) -> Option<(&'static str, &'static str)> {
        match self {
            Kind::Aurora => None,
            Kind::Mysql => Some(("mysql.sh", "MYSQLD_OPTS")),
            Kind::Mariadb | Kind::Myrocks => Some(("mariadb.sh", "MARIADBD_OPTS")),
            Kind::Postgres => Some(("postgres.sh", "POSTGRES_OPTS")),
            Kind::Duckdb => Some(("duckdb.sh", "DUCKDB_OPTS")),
        }
    }
}

/// `NAME=URL` of `--target`.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub kind: Kind,
    host: String,
    port: u16,
    user: String,
    password: String,
    pid: Option<u32>,
    folder: Option<PathBuf>,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        let shape = "expected NAME=SCHEME://USER:PASSWORD@HOST:PORT[?pid=N&dir=PATH], NAME ours, aurora, mysql, mariadb, myrocks, postgres or duckdb";
        let (name, url) = text.split_once('=').ok_or(shape)?;
        let kind = if name == "ours" { Some(Kind::Aurora) } else { Kind::by_name(name) }.ok_or(shape)?;
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').ok_or(shape)?;
        let port = port.parse().map_err(|_| shape)?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decode = |text: &str| percent_decoded(text).ok_or(shape);
        let default = Login::local(kind, port);
        let mut target = Target {
            name: if name == "ours" { name.into() } else { kind.name().into() },
            kind,
            host: host.trim_matches(['[', ']']).to_string(),
            port,
            user: if user.is_empty() { default.user } else { decode(user)? },
            password: decode(password)?,
            pid: None,
            folder: None,
        };
        if target.host.is_empty() {
            return Err(shape.into());
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("pid", pid)) => target.pid = Some(pid.parse().map_err(|_| shape)?),
                Some(("dir", dir)) => target.folder = Some(decode(dir)?.into()),
                _ => return Err(shape.into()),
            }
        }
        Ok(target)
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let hex = std::str::from_utf8(after.get(..2)?).ok()?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            out.push(*first);
        }
    }
    String::from_utf8(out).ok()
}

/// Refuses a race for which `parent` has no room: `needed` bytes of data on each side that the race starts.
pub fn check_room(args: &RaceArgs, parent: &Path, sides: usize, needed: u64) -> Result<(), Failure> {
    use aurora_env::FileSystem;
    let started = sides.saturating_sub(args.target.len()) as u64;
    let free = aurora_env::RealFs.free_bytes(parent).unwrap_or(u64::MAX);
    let needed = started * (FREE_BYTES_MIN + needed);
    if free < needed {
        return Err(Failure::runtime(format!(
            "{} has {} MB free, this race may need {} MB: give another --dir, a smaller --scale, or fewer works and peers",
            parent.display(),
            free >> 20,
            needed >> 20
        )));
    }
    Ok(())
}

/// A folder for a server's data below `parent`.
fn folder(parent: &Path, name: &str) -> Result<PathBuf, Failure> {
    let dir = parent.join(name);
    std::fs::create_dir_all(&dir).map_err(|error| Failure::io("create", &dir, &error))?;
    Ok(dir)
}

/// A script of tests/peers above the binary or above the working folder.
pub fn find_script(name: &str) -> Option<PathBuf> {
    let places = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    places.iter().flatten().flat_map(|place| place.ancestors()).find_map(|dir| {
        let script = dir.join("tests/peers").join(name);
        script.is_file().then_some(script)
    })
}

/// The side of that name: where a `--target` says, or started below `temp`.
pub fn side(args: &RaceArgs, name: &str, kind: Kind, temp: &Path) -> Result<Side, Failure> {
    if interrupted() {
        return Err(Failure::runtime("interrupted"));
    }
    let side = match args.target.iter().find(|target| target.name == name) {
        Some(target) => {
            let login = Login {
                kind,
                host: target.host.clone(),
                port: target.port,
                user: target.user.clone(),
                password: target.password.clone(),
            };
            let mut side = Side::new(name, login);
            (side.pid, side.folder) = (target.pid, target.folder.clone());
            side
        }
        None => started(args, name, kind, temp)?,
    };
    let fail = |error: String| {
        let login = &side.login;
        Failure::runtime(format!("{name} ({}:{}): {error}", login.host, login.port))
    };
    side.version().map_err(fail)?;
    side.make_database().map_err(fail)?;
    Ok(side)
}

fn started(args: &RaceArgs, name: &str, kind: Kind, temp: &Path) -> Result<Side, Failure> {
    let login = Login::local(kind, free_port()?);
    let dir = folder(temp, name)?;
    let mut server = match kind.script() {
        None => {
            let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("auroradb"));
            let ours = args.server.clone().or(beside);
            let (program, options) = match name {
                "ours" => (ours, &args.server_option),
                _ => (args.peer_server.clone().or(ours), &args.peer_server_option),
            };
            let program = program.unwrap_or_default();
            if !program.is_file() {
                return Err(Failure::runtime(format!(
                    "{} is not there: build it with `cargo build --release`, or give --server or --target ours=URL",
                    program.display()
                )));
            }
            let mut all = vec!["--set".to_string(), peer_options(kind, args.memory_mib())];
            all.extend(options.iter().cloned());
            Server::ours(&program, &dir, login.port, &all)?
        }
        Some((script, variable)) => {
            let script =
                args.peer_scripts.as_ref().map(|dir| dir.join(script)).or_else(|| find_script(script));
            let script = script.ok_or_else(|| {
                Failure::runtime(format!(
                    "the script that starts {name} is not found: run below the project, or give --peer-scripts or --target {name}=URL"
                ))
            })?;
            Server::peer(
                kind,
                &script,
                &dir,
                login.port,
                &[(variable, &peer_options(kind, args.memory_mib()))],
            )?
        }
    };
    server
        .wait_ready(&login)
        .map_err(|failure| Failure { message: format!("{name}: {}", failure.message), ..failure })?;
    let mut side = Side::new(name, login);
    side.server = Some(server);
    side.folder = Some(dir);
    Ok(side)
}

/// The options that servers were started with, for people.
pub fn options(args: &RaceArgs, sides: &[Side]) -> String {
    let started = sides.iter().filter(|side| side.server.is_some());
    let words = started.map(|side| {
        let mut words = vec![peer_options(side.kind, args.memory_mib())];
        if side.name == "ours" {
            words.extend(args.server_option.clone());
        } else if side.kind == Kind::Aurora {
            words.extend(args.peer_server_option.clone());
        }
        (side.name.as_str(), words.join(" "))
    });
    let words = words.filter(|(_, options)| !options.is_empty());
    words.map(|(name, options)| format!("; {name} with {options}")).collect()
}

/// What a commit waits for.
struct Durability {
    /// 1: on disk before the answer; `None`: not known.
    level: Option<String>,
    second_log: bool,
    text: String,
}

fn durability_of(side: &Side) -> Durability {
    let read = |names: &[&str]| -> Vec<(String, Result<String, String>)> {
        names.iter().map(|name| (name.to_string(), side.variable(name))).collect()
    };
    let text = |values: &[(String, Result<String, String>)]| {
        let show = |(name, value): &(String, Result<String, String>)| {
            format!("{name}={}", value.as_deref().unwrap_or("unknown"))
        };
        values.iter().map(show).collect::<Vec<_>>().join(", ")
    };
    match side.kind {
        Kind::Duckdb => {
            Durability { level: Some("1".into()), second_log: false, text: "syncs at commit".into() }
        }
        Kind::Postgres => {
            let values = read(&["fsync", "synchronous_commit", "full_page_writes"]);
            let on = |at: usize| values.get(at).is_some_and(|(_, value)| value.as_deref() == Ok("on"));
            let level = if on(0) && on(1) { "1" } else { "0" };
            Durability { level: Some(level.into()), second_log: false, text: text(&values) }
        }
        kind => {
            let flush = match kind {
                Kind::Myrocks => "rocksdb_flush_log_at_trx_commit",
                _ => "innodb_flush_log_at_trx_commit",
            };
            let values = read(&[flush, "log_bin", "sync_binlog"]);
            let value = |at: usize| values.get(at).and_then(|(_, value)| value.clone().ok());
            Durability {
                level: value(0),
                second_log: value(1).as_deref() == Some("1") && value(2).as_deref() != Some("0"),
                text: text(&values),
            }
        }
    }
}

/// Reads the durability of all sides; refuses a race in which one waits for less than another.
pub fn durability(sides: &[Side], unfair: bool) -> Result<String, Failure> {
    let all: Vec<Durability> = sides.iter().map(durability_of).collect();
    let mut objections = Vec::new();
    let Some(ours) = all.first() else { return Ok(String::new()) };
    for (side, theirs) in sides.iter().zip(&all) {
        match (&ours.level, &theirs.level) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (_, None) => objections.push(format!("what a commit waits for on {} is unknown", side.name)),
            _ => {
                objections.push(format!("a commit on {} waits for other things: {}", side.name, theirs.text))
            }
        }
        if ours.second_log != theirs.second_log {
            objections.push(format!("ours or {} syncs a second log too", side.name));
        }
    }
    if !objections.is_empty() && !unfair {
        return Err(Failure::runtime(format!(
            "an unfair race: {}; ours has {}; change it, or race anyway with --unfair",
            objections.join("; "),
            ours.text
        )));
    }
    let text: Vec<String> =
        sides.iter().zip(&all).map(|(side, one)| format!("{}: {}", side.name, one.text)).collect();
    let mark = if objections.is_empty() { "" } else { "UNFAIR " };
    Ok(format!("{mark}durability: {}", text.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let target: Target = "mysql=mysql://u:a%40b@[::1]:3306?pid=7&dir=/data".parse().unwrap();
        assert_eq!((target.host.as_str(), target.port, target.password.as_str()), ("::1", 3306, "a@b"));
        assert_eq!((target.pid, target.folder), (Some(7), Some("/data".into())));
        let ours: Target = "ours=127.0.0.1:4000".parse().unwrap();
        assert_eq!((ours.name.as_str(), ours.user.as_str()), ("ours", "root"));
        for bad in [
            "",
            "mysql",
            "oracle=h:1",
            "mysql=h",
            "mysql=:1",
            "mysql=h:99999",
            "mysql=h:1?x=1",
            "mysql=%zz@h:1",
        ] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
