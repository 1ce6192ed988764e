//! `aurora bench`: a race against MySQL in alternating rounds, on the same data with the same durability.

mod data;
mod process;
mod report;
mod server;
mod side;
mod work;

use crate::failure::Failure;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use report::{Race, Rounds, Row};
use server::{Server, free_port};
use side::{Login, Side};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use work::Work;

/// Free bytes that servers of the race's own need.
const FREE_BYTES_MIN: u64 = 2 << 30;
/// Its commits are on disk before they are answered, and it writes no second log; memory as our block cache has.
const MYSQL_OPTIONS: &str =
    "--innodb-flush-log-at-trx-commit=1 --skip-log-bin --innodb-buffer-pool-size=256M --max-connections=300";

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether the user has had enough.
fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Race AuroraDB against MySQL: same data, same durability, alternating rounds, medians.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  aurora bench\n  aurora bench point-select update-16 --seconds 5 --json > result.json\n  \
    aurora bench --ours 127.0.0.1:3306 --pid-ours 4711 --theirs 127.0.0.1:3307 --pid-theirs 4712 --password PW\n\n\
    Without addresses both servers are started on temporary folders and stopped at the end. Ratios above 1 are better for\n\
    us. A work that one side cannot do is a row with its error; no figure is made up.\n\n\
    Exit codes: 0 all measured; 1 a side is missing or a row failed; 2 usage."
)]
pub struct BenchArgs {
    /// Works to run [default: all].
    #[arg(value_enum)]
    works: Vec<Work>,
    /// Our server, HOST:PORT [default: started from the binary `auroradb` beside this one].
    #[arg(long, value_name = "HOST:PORT")]
    ours: Option<String>,
    /// The other server, HOST:PORT [default: MySQL, started by tests/peers/mysql.sh].
    #[arg(long, value_name = "HOST:PORT")]
    theirs: Option<String>,
    #[arg(long, default_value = "root")]
    user: String,
    /// Password of --user on servers given by address.
    #[arg(long, value_name = "PW", env = "AURORA_BENCH_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Where it differs from --password.
    #[arg(long, value_name = "PW")]
    password_theirs: Option<String>,
    /// Process of our server, for its CPU and memory (same machine).
    #[arg(long, value_name = "PID")]
    pid_ours: Option<u32>,
    /// Process of the other server.
    #[arg(long, value_name = "PID")]
    pid_theirs: Option<u32>,
    /// The binary `auroradb` to start.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// More options for it, such as --server-option=--set --server-option=name=value.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    server_option: Vec<String>,
    /// The script that starts MySQL.
    #[arg(long, value_name = "PATH")]
    peer_script: Option<PathBuf>,
    /// Where the servers' temporary folders go: a disk, not memory [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Seconds of each round with clients.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds on each side.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Rows of the table.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    rows: u32,
    /// Race even though the durability of the sides differs or is unknown.
    #[arg(long)]
    unfair: bool,
    /// One array of objects on standard output.
    #[arg(long)]
    json: bool,
}

/// What all works share.
pub struct Setting {
    pub rows: u32,
    pub seconds: f64,
    pub folder: PathBuf,
}

/// Runs the command; returns the exit code.
pub fn run(args: &BenchArgs) -> Result<i32, Failure> {
    if !args.seconds.is_finite() || !(0.1..=86_400.0).contains(&args.seconds) {
        return Err(Failure::usage("--seconds: a number from 0.1 to 86400 is expected"));
    }
    let works = if args.works.is_empty() { Work::ALL.to_vec() } else { args.works.clone() };
    watch_for_interrupts();
    let parent = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let temp = tempfile::Builder::new()
        .prefix("aurora-bench-")
        .tempdir_in(&parent)
        .map_err(|error| Failure::io("make a folder in", &parent, &error))?;
    let mut sides = [ours(args, temp.path())?, theirs(args, temp.path())?];
    if interrupted() {
        return Err(Failure::runtime("interrupted"));
    }
    let peer = introduce(&sides)?;
    let durability = durability(&sides, args.unfair)?;
    let disk = process::file_system(temp.path()).map_or(String::new(), |kind| format!(" on {kind}"));
    let setting = Setting { rows: args.rows, seconds: args.seconds, folder: temp.path().to_path_buf() };
    let text = format!(
        "{durability}; {} rows; {} rounds of {} s a side, alternating; no TLS; folders{disk}",
        args.rows, args.rounds, args.seconds
    );
    if !args.json {
        eprintln!("{peer}\n{text}");
    }
    let race = Race { peer: &peer, setting: &text };
    let rows = run_works(args, &works, &mut sides, &setting, &race);
    sides.iter().for_each(Side::clean);
    drop(sides);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows).unwrap_or_default());
    } else {
        print!("{}", report::table(&rows));
        let busy = rows.iter().filter_map(|row| Some((row.client_cpus_ours?, row.client_cpus_theirs?)));
        if let Some((ours, theirs)) = busy.max_by(|a, b| a.0.total_cmp(&b.0)) {
            println!(
                "The client itself used up to {ours:.2} processors against ours, {theirs:.2} in the same work against theirs: \
                 throughput is shared with it, server CPU is not."
            );
        }
    }
    if interrupted() {
        return Err(Failure::runtime("interrupted: the figures above are partial"));
    }
    Ok(i32::from(rows.iter().any(|row| row.error.is_some())))
}

/// A B A B; a side that has failed is not asked again.
fn run_works(
    args: &BenchArgs,
    works: &[Work],
    sides: &mut [Side; 2],
    setting: &Setting,
    race: &Race<'_>,
) -> Vec<Row> {
    let bar = ProgressBar::new(works.len() as u64 * u64::from(args.rounds) * 2);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} rounds {elapsed}  {msg}") {
        bar.set_style(style);
    }
    let mut rows = Vec::new();
    for work in works {
        if interrupted() {
            break;
        }
        let metrics = work.metrics();
        let mut results = [Rounds::new(metrics.len()), Rounds::new(metrics.len())];
        for round in 0..u64::from(args.rounds) {
            for (side, result) in sides.iter_mut().zip(&mut results) {
                bar.set_message(format!("{}, {}", work.name(), side.name));
                bar.inc(1);
                if interrupted() {
                    result.fail("interrupted");
                }
                if result.has_failed() {
                    continue;
                }
                match work.round(side, setting, round) {
                    Err(error) => result.fail(&error),
                    Ok(round) => {
                        result.client_cpus.extend(round.client_cpus);
                        result.note = round.note;
                        for (at, value) in round.values.into_iter().enumerate() {
                            match value {
                                Ok(value) => result.values[at].push(value),
                                Err(error) => result.errors[at] = Some(error),
                            }
                        }
                    }
                }
            }
        }
        let [ours, theirs] = &results;
        rows.extend(
            metrics
                .iter()
                .enumerate()
                .map(|(at, metric)| Row::new(&work.name(), metric, at, race, ours, theirs)),
        );
    }
    bar.finish_and_clear();
    rows
}

/// Ctrl-C and SIGTERM end the race in order, so that no server stays behind.
fn watch_for_interrupts() {
    let watch = || -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                eprintln!("aurora: stopping what was started");
                INTERRUPTED.store(true, Ordering::Relaxed);
            }
        })
    };
    std::thread::spawn(move || {
        if let Err(error) = watch() {
            eprintln!("aurora: Ctrl-C will not stop the servers: {error}");
        }
    });
}

fn login(args: &BenchArgs, text: &str, flag: &str, password: Option<&String>) -> Result<Login, Failure> {
    let (host, port) = side::address(text).map_err(|error| Failure::usage(format!("--{flag}: {error}")))?;
    Ok(Login { host, port, user: args.user.clone(), password: password.cloned().unwrap_or_default() })
}

fn local_root(port: u16) -> Login {
    Login { host: "127.0.0.1".into(), port, user: "root".into(), password: String::new() }
}

fn folder(parent: &Path, name: &str) -> Result<PathBuf, Failure> {
    use aurora_env::FileSystem;
    let free = aurora_env::RealFs.free_bytes(parent).unwrap_or(u64::MAX);
    if free < FREE_BYTES_MIN {
        return Err(Failure::runtime(format!(
            "{} has {} MB free, the race needs {} MB: give another --dir",
            parent.display(),
            free >> 20,
            FREE_BYTES_MIN >> 20
        )));
    }
    let dir = parent.join(name);
    std::fs::create_dir_all(&dir).map_err(|error| Failure::io("create", &dir, &error))?;
    Ok(dir)
}

fn ours(args: &BenchArgs, temp: &Path) -> Result<Side, Failure> {
    let (login, server) = match &args.ours {
        Some(text) => (login(args, text, "ours", args.password.as_ref())?, None),
        None => {
            let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("auroradb"));
            let program = args.server.clone().or(beside).unwrap_or_default();
            if !program.is_file() {
                return Err(Failure::runtime(format!(
                    "{} is not there: build it with `cargo build --release`, or give --server or --ours",
                    program.display()
                )));
            }
            let login = local_root(free_port()?);
            let mut server = Server::ours(&program, &folder(temp, "ours")?, login.port, &args.server_option)?;
            server
                .wait_ready(&login)
                .map_err(|failure| Failure { message: format!("ours: {}", failure.message), ..failure })?;
            (login, Some(server))
        }
    };
    Ok(Side { name: "ours", login, pid: args.pid_ours, server, loaded: false })
}

/// `tests/peers/mysql.sh` above the binary or above the working folder.
fn find_script() -> Option<PathBuf> {
    let places = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    places.iter().flatten().flat_map(|place| place.ancestors()).find_map(|dir| {
        let script = dir.join("tests/peers/mysql.sh");
        script.is_file().then_some(script)
    })
}

fn theirs(args: &BenchArgs, temp: &Path) -> Result<Side, Failure> {
    let (login, server) = match &args.theirs {
        Some(text) => {
            let password = args.password_theirs.as_ref().or(args.password.as_ref());
            (login(args, text, "theirs", password)?, None)
        }
        None => {
            let script = args.peer_script.clone().or_else(find_script).ok_or_else(|| {
                Failure::runtime("tests/peers/mysql.sh is not found: give --peer-script or --theirs")
            })?;
            let login = local_root(free_port()?);
            let server = Server::mysql(&script, &folder(temp, "theirs")?, login.port, MYSQL_OPTIONS)?;
            (login, Some(server))
        }
    };
    Ok(Side { name: "theirs", login, pid: args.pid_theirs, server, loaded: false })
}

/// Both must answer, or there is no race. Gives the name of the peer.
fn introduce(sides: &[Side; 2]) -> Result<String, Failure> {
    let version = |side: &Side| {
        side.version().map_err(|error| {
            let login = &side.login;
            Failure::runtime(format!("{} ({}:{}): {error}", side.name, login.host, login.port))
        })
    };
    version(&sides[0])?;
    Ok(format!("MySQL {}", version(&sides[1])?))
}

/// Reads the durability of both sides; refuses a race in which one waits for less than the other.
fn durability(sides: &[Side; 2], unfair: bool) -> Result<String, Failure> {
    let names = ["innodb_flush_log_at_trx_commit", "log_bin", "sync_binlog"];
    let [ours, theirs] = sides.each_ref().map(|side| names.map(|name| side.variable(name)));
    let mut objections = Vec::new();
    match (&ours[0], &theirs[0]) {
        (Ok(ours), Ok(theirs)) if ours == theirs => {}
        (Ok(ours), Ok(theirs)) => {
            objections.push(format!("{} is {ours} on ours and {theirs} on theirs", names[0]));
        }
        _ => objections.push(format!("{} is unknown", names[0])),
    }
    let syncs_binlog =
        |side: &[Result<String, String>; 3]| side[1].as_deref() == Ok("1") && side[2].as_deref() != Ok("0");
    if syncs_binlog(&ours) != syncs_binlog(&theirs) {
        objections.push("one side syncs a binary log too".into());
    }
    if !objections.is_empty() && !unfair {
        return Err(Failure::runtime(format!(
            "an unfair race: {}; change it, or race anyway with --unfair",
            objections.join("; ")
        )));
    }
    let text = |side: &[Result<String, String>; 3]| {
        let show = |at: usize| format!("{}={}", names[at], side[at].as_deref().unwrap_or("unknown"));
        format!("{}, {}, {}", show(0), show(1), show(2))
    };
    let mark = if objections.is_empty() { "" } else { "UNFAIR " };
    Ok(format!("{mark}durability: ours {}; theirs {}", text(&ours), text(&theirs)))
}
