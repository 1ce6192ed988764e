//! A running server as a source: `mysqldump` (`--mysqldump PATH`) reads it, in one snapshot, while it goes on working.

use super::MigrateError;
use super::piped::Piped;
use super::source::Source;
use crate::target::Target;
use mysql_async::Opts;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Begins to read `url`, all databases of users or the one that it names.
pub fn open(url: &str, mysqldump: &Path) -> Result<Source, MigrateError> {
    if !url.starts_with("mysql://") {
        return Err(MigrateError::Unsupported(
            "the source is neither a file nor a folder nor mysql://USER:PASSWORD@HOST:PORT[/DATABASE]".into(),
        ));
    }
    let opts = Opts::from_url(url).map_err(mysql_async::Error::from)?;
    let source = |error: mysql_async::Error| MigrateError::Unsupported(format!("source: {error}"));
    let mut conn = Target::connect(url).map_err(source)?;
    let databases = match opts.db_name() {
        Some(name) => vec![name.to_string()],
        None => {
            let all: Option<Option<String>> = conn
                .first(
                    "SELECT GROUP_CONCAT(SCHEMA_NAME ORDER BY SCHEMA_NAME SEPARATOR '/') FROM information_schema.SCHEMATA \
                     WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema', 'aurora_migrate')",
                )
                .map_err(source)?;
            // A name cannot hold a slash.
            all.flatten()
                .unwrap_or_default()
                .split('/')
                .filter(|n| !n.is_empty())
                .map(str::to_string)
                .collect()
        }
    };
    if databases.is_empty() {
        return Err(MigrateError::Unsupported("the source has no database to load".into()));
    }
    let mut command = Command::new(mysqldump);
    command
        .arg("--no-defaults")
        .arg(format!("--host={}", opts.ip_or_hostname().trim_matches(['[', ']'])))
        .arg(format!("--port={}", opts.tcp_port()))
        .args(["--protocol=TCP", "--single-transaction", "--quick", "--routines", "--events", "--triggers"])
        .args([
            "--hex-blob",
            "--no-tablespaces",
            "--loose-set-gtid-purged=OFF",
            "--default-character-set=utf8mb4",
        ])
        .arg(format!("--user={}", opts.user().unwrap_or("root")))
        // Not on the command line, where every user of the machine could read it.
        .env("MYSQL_PWD", opts.pass().unwrap_or_default())
        .arg("--databases")
        .args(&databases)
        .stdin(Stdio::null());
    let place = format!("mysql://{}:{}/{}", opts.ip_or_hostname(), opts.tcp_port(), databases.join(","));
    Ok(Source {
        name: place.chars().take(255).collect(),
        place,
        reader: Box::new(BufReader::with_capacity(1 << 20, Piped::new(command, None)?)),
        file_bytes: 0,
        read_bytes: Arc::default(),
        repeatable: false,
    })
}
