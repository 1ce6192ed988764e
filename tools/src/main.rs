//! `aurora`: the tools beside the server.

mod audit;
mod bench;
mod check;
mod failure;
mod folder;
mod migrate;
mod only_these;
mod target;

use clap::{Parser, Subcommand};
use failure::Failure;

/// Tools of AuroraDB: load dumps, read the audit log, check a data folder, race other servers.
#[derive(Parser, Debug)]
#[command(
    name = "aurora",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
    aurora migrate shop.sql.gz --to mysql://root:PASSWORD@127.0.0.1:3306\n  \
    aurora audit verify ./aurora-data\n  \
    aurora check ./aurora-data\n  \
    aurora bench point-select\n\n\
    Every command has --help with more. Exit codes: 0 ok, 1 failed, 2 usage, 3 damaged data."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Migrate(migrate::MigrateArgs),
    Audit(audit::AuditArgs),
    Check(check::CheckArgs),
    Bench(Box<bench::BenchArgs>),
}

fn main() {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Migrate(args) => migrate::run(args).map_err(|error| Failure::runtime(error.to_string())),
        Command::Audit(args) => audit::run(args),
        Command::Check(args) => check::run(args),
        Command::Bench(args) => bench::run(args),
    };
    match outcome {
        Ok(code) => std::process::exit(code),
        Err(failure) => {
            eprintln!("aurora: {}", failure.message);
            std::process::exit(failure.code);
        }
    }
}
