//! `auroradb`: the server. README.md has the map.

mod args;
mod banner;
mod config_file;
mod courtesy;
mod failure;
mod files;
mod http;
mod metrics;
mod notify;
mod open_files;
mod password_key_file;
mod protection;
mod root;
mod run;
mod service;
mod settings;
mod storage;
mod tls;
mod unix_socket;
mod variables;
mod waiter;

use crate::args::Args;
use crate::failure::Failure;
use crate::settings::Settings;
use clap::Parser;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Statements block their thread while they wait for locks, and the runtime replaces it: as many as there can be
/// connections, and more never wait.
const THREADS_MAX: usize = 100_512;
/// Statements nest deeper than a runtime's tasks usually do.
const THREAD_STACK_BYTES: usize = 4 << 20;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => return end(&Failure::usage(one_line(&error.to_string()))),
        // --help and --version.
        Err(text) => {
            let _ = text.print();
            return ExitCode::SUCCESS;
        }
    };
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => end(&failure),
    }
}

fn end(failure: &Failure) -> ExitCode {
    // Standard error may be closed; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "auroradb: {failure}");
    ExitCode::from(failure.kind as u8)
}

/// What the parser of flags says, without its usage lines.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let parts: Vec<&str> = said
        .map(|line| line.strip_prefix("error: ").or_else(|| line.strip_prefix("tip: ")).unwrap_or(line))
        .collect();
    format!("{}; see --help", parts.join("; "))
}

fn start(args: Args) -> Result<(), Failure> {
    log_to_stderr()?;
    let environment_set = std::env::var("AURORA_SET").ok();
    let settings = Settings::new(args, environment_set.as_deref())?;
    let runtime = courtesy::give_way(&mut tokio::runtime::Builder::new_multi_thread())
        .enable_all()
        .thread_name("aurora-worker")
        .thread_stack_size(THREAD_STACK_BYTES)
        .max_blocking_threads(THREADS_MAX)
        .build()
        .map_err(|error| Failure::runtime(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(run::run(settings));
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}

/// One short line an event. `AURORA_LOG` is above `RUST_LOG`.
fn log_to_stderr() -> Result<(), Failure> {
    let set = |name: &str| {
        std::env::var(name).ok().filter(|text| !text.is_empty()).map(|text| (name.to_owned(), text))
    };
    let filter = match set("AURORA_LOG").or_else(|| set("RUST_LOG")) {
        None => EnvFilter::new("info"),
        Some((name, text)) => EnvFilter::try_new(&text).map_err(|error| {
            Failure::usage(format!("{name}={text}: {error}; write error, warn, info, debug or trace"))
        })?,
    };
    tracing_subscriber::fmt()
        .compact()
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_flag_is_one_line() {
        let error = Args::try_parse_from(["auroradb", "--lisen", "x"]).expect_err("unknown");
        assert_eq!(
            one_line(&error.to_string()),
            "unexpected argument '--lisen' found; a similar argument exists: '--listen'; see --help"
        );
    }
}
