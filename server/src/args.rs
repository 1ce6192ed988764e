//! Flags and `AURORA_*` environment variables.

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Parser};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  auroradb                                        data in ./aurora-data, clients on 127.0.0.1:3306
  auroradb --data-dir /srv/aurora --listen 0.0.0.0:3306 --key-file /etc/aurora/kek
  auroradb --set max_connections=500 --set innodb_buffer_pool_size=2G

Exit codes: 0 clean end, 1 failure, 2 wrong flags or configuration, 3 damaged data.
AURORA_LOG or RUST_LOG sets what is logged, such as `debug` (default `info`).";

/// A relational database server that MySQL clients and drivers talk to.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "auroradb", version, after_help = EXAMPLES)]
pub struct Args {
    /// Folder for all data; made when it is not there [default: ./aurora-data]
    #[arg(long, value_name = "DIR", env = "AURORA_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,

    /// Where clients connect [default: 127.0.0.1:3306]
    #[arg(long, value_name = "HOST:PORT", env = "AURORA_LISTEN", hide_env_values = true)]
    pub listen: Option<String>,

    /// Unix socket for clients of this machine, or `off` [default: none]
    #[arg(long, value_name = "PATH", env = "AURORA_SOCKET", hide_env_values = true)]
    pub socket: Option<String>,

    /// Where /health/live, /health/ready and /metrics are, or `off` [default: 127.0.0.1:8306]
    #[arg(long, value_name = "HOST:PORT", env = "AURORA_HTTP", hide_env_values = true)]
    pub http: Option<String>,

    /// Configuration: TOML, or a my.cnf with [mysqld]
    #[arg(long, value_name = "FILE", env = "AURORA_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Password of root at the first start, instead of a random one
    #[arg(long, value_name = "PW", env = "AURORA_ROOT_PASSWORD", hide_env_values = true)]
    pub root_password: Option<String>,

    /// No password for root at the first start; on loopback addresses only
    #[arg(long, env = "AURORA_INSECURE", hide_env_values = true, action = ArgAction::SetTrue,
          value_parser = FalseyValueParser::new())]
    pub insecure: bool,

    /// File with the key-encryption key, 64 hexadecimal digits [default: DIR/keys/kek]
    #[arg(long, value_name = "PATH", env = "AURORA_KEY_FILE", hide_env_values = true)]
    pub key_file: Option<PathBuf>,

    /// A system variable, such as max_connections=500; may be given more than once
    /// (AURORA_SET: several, one a line or with `;` between)
    #[arg(long = "set", value_name = "name=value")]
    pub set: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_those_of_the_contract() {
        Args::command().debug_assert();
        let line = "auroradb --data-dir d --listen h:1 --socket s --http h:2 --config f --root-password p \
                    --key-file k --set a=1 --set b=2";
        let args = Args::try_parse_from(line.split_whitespace()).expect("accepted");
        assert_eq!(args.set, ["a=1", "b=2"]);
        assert_eq!(args.listen.as_deref(), Some("h:1"));
        let wrong = Args::try_parse_from(["auroradb", "--lisen", "x"]).expect_err("unknown");
        assert_eq!(wrong.exit_code(), 2);
    }
}
