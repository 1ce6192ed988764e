//! The command line of the race.

use super::peers::Target;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How much data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// As little as any check can be made on, for tests of the race itself with slow builds.
    Least,
    /// Seconds in all: whether everything still runs.
    Tiny,
    /// Minutes: for work on a workload.
    Small,
    /// What figures are told of.
    Full,
}

impl Scale {
    /// Least is as tiny here.
    pub fn pick<T>(self, tiny: T, small: T, full: T) -> T {
        match self {
            Scale::Least | Scale::Tiny => tiny,
            Scale::Small => small,
            Scale::Full => full,
        }
    }

    /// A size for the least scale, or another.
    pub fn least_or<T>(self, least: T, other: T) -> T {
        if self == Scale::Least { least } else { other }
    }

    pub fn name(self) -> &'static str {
        self.least_or("least", self.pick("tiny", "small", "full"))
    }
}

/// Race AuroraDB against other servers: same data, same durability, alternating rounds, medians.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  aurora bench race oltp-point-select hot-counter --against mysql,myrocks\n  \
    aurora bench race --scale full --json > result.json --html result.html\n  \
    aurora bench race start --target ours=127.0.0.1:3306?pid=4711 --target mysql=mysql://root:PW@127.0.0.1:3307?pid=4712\n\n\
    Sides without an address are started from packages on temporary folders and stopped at the end. Ratios above 1 are better\n\
    for us. A work that one side cannot do is a row with its error; no figure is made up.\n\n\
    Exit codes: 0 all measured; 1 a side is missing or a row failed; 2 usage; 130 interrupted, what was measured is printed."
)]
pub struct RaceArgs {
    /// Works to run, by `aurora bench list` [default: all].
    pub works: Vec<String>,
    /// Peers: mysql, mariadb, myrocks, postgres, duckdb; aurora (ourselves, see --peer-server-option); or none.
    #[arg(long, value_name = "PEER,…", value_delimiter = ',', default_value = "mysql")]
    pub against: Vec<String>,
    /// A server that is running already, instead of starting one: NAME=mysql://USER:PW@HOST:PORT?pid=N&dir=PATH, NAME `ours`
    /// or a peer; pid and dir (same machine) are for CPU, memory and disk.
    #[arg(long, value_name = "NAME=URL")]
    pub target: Vec<Target>,
    /// Rounds on each side.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Seconds of each round with clients.
    #[arg(long)]
    pub seconds: Option<f64>,
    #[arg(long, value_enum, default_value = "small")]
    pub scale: Scale,
    /// Rows of a table [default: by --scale].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub rows: Option<u32>,
    /// MiB for cached blocks or pages of every server that the race starts, DuckDB excepted [default: 4096 at the full scale,
    /// 256 otherwise].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    pub memory: Option<u32>,
    /// Operations a second, arriving at fixed times whatever the server does, for latencies under equal load [default: as fast
    /// as the clients get answers].
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// The binary `auroradb` to start [default: beside this one].
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// More options for it, such as --server-option=--set --server-option=name=value.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub server_option: Vec<String>,
    /// The binary that is raced as the peer `aurora` [default: the same].
    #[arg(long, value_name = "PATH")]
    pub peer_server: Option<PathBuf>,
    /// More options for that one.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub peer_server_option: Vec<String>,
    /// The folder of the scripts that start peers [default: tests/peers of the project].
    #[arg(long, value_name = "DIR")]
    pub peer_scripts: Option<PathBuf>,
    /// Where the servers' temporary folders go: a disk, not memory [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Keep the folders of data and logs, and say where they are.
    #[arg(long)]
    pub keep: bool,
    /// Race even though the durability of the sides differs or is unknown.
    #[arg(long)]
    pub unfair: bool,
    /// All rows in the table: every percentile, bytes written, memory.
    #[arg(long)]
    pub details: bool,
    /// One array of objects on standard output.
    #[arg(long)]
    pub json: bool,
    /// The same array in a file, written anew after each work: what was measured stays, whatever happens later.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// A page with pictures.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl RaceArgs {
    pub fn memory_mib(&self) -> u32 {
        self.memory.unwrap_or(self.scale.pick(256, 256, 4096))
    }
}
