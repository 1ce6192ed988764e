//! `aurora bench`: races against other servers in alternating rounds, on the same data with the same durability.

mod args;
mod client;
mod drive;
mod engine;
mod fsync;
mod kind;
mod peers;
mod process;
mod race;
mod random;
mod report;
mod server;
mod side;
mod sysbench;
mod work;

use crate::failure::Failure;
use args::{RaceArgs, Scale};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// After Ctrl-C servers have this long to stop in order.
const PATIENCE: Duration = Duration::from_secs(40);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether the user has had enough.
fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Race AuroraDB against other servers. Without a subcommand: `race`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    race: RaceArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    Race(Box<RaceArgs>),
    Lsm(engine::LsmArgs),
    Fsync(fsync::FsyncArgs),
    Sysbench(Box<sysbench::SysbenchArgs>),
    Compare(report::compare::CompareArgs),
    Tables(report::tables::TablesArgs),
    /// The works that can be raced.
    List,
}

/// What all works share.
pub struct Setting {
    pub scale: Scale,
    /// Rows of a table, where a work has one of this size.
    pub rows: u32,
    /// Of each round with clients.
    pub seconds: f64,
    /// Operations a second of an open loop.
    pub rate: Option<f64>,
    pub warm_up: Duration,
    /// For files of the works' own: dumps, generated data.
    pub folder: PathBuf,
}

/// Runs the command; returns the exit code.
pub fn run(args: &BenchArgs) -> Result<i32, Failure> {
    match &args.command {
        None => race::run(&args.race),
        Some(Command::Race(args)) => race::run(args),
        Some(Command::Lsm(args)) => engine::run(args),
        Some(Command::Fsync(args)) => fsync::run(args),
        Some(Command::Sysbench(args)) => sysbench::run(args),
        Some(Command::Compare(args)) => report::compare::run(args),
        Some(Command::Tables(args)) => report::tables::run(args),
        Some(Command::List) => {
            for work in work::all() {
                println!("{:24} {}", work.name(), work.about());
            }
            Ok(0)
        }
    }
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
                let patience = if interrupted() { PATIENCE } else { Duration::MAX };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = tokio::time::sleep(patience) => {}
                }
                if interrupted() {
                    // Asked twice, or something hangs.
                    server::kill_all();
                    continue;
                }
                eprintln!("aurora: stopping what was started (once more: at once)");
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
