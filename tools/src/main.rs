//! `aurora`: the tools beside the server.

mod migrate;
mod target;

use clap::{Parser, Subcommand};

/// Tools of AuroraDB: load dumps, read the audit log, check a data folder.
#[derive(Parser, Debug)]
#[command(name = "aurora", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Migrate(migrate::MigrateArgs),
}

fn main() {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Migrate(args) => migrate::run(args).map_err(|error| error.to_string()),
    };
    match outcome {
        Ok(code) => std::process::exit(code),
        Err(message) => {
            eprintln!("aurora: {message}");
            std::process::exit(1);
        }
    }
}
