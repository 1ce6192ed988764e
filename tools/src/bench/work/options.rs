//! Ourselves with and without an option: what auditing and encryption cost.
//!
//! `--against aurora`. The peer that the race has started gives way to one of the same binary and options, but with this
//! option off, on a folder of its own; after the work it is back. A peer that has it off already stays.

use super::{Goal, Metric, Round, Workload, sbtest};
use crate::bench::Setting;
use crate::bench::client::ClientError;
use crate::bench::drive::{self, Clients};
use crate::bench::kind::Kind;
use crate::bench::server::{Server, free_port};
use crate::bench::side::{Login, Side};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

const TABLE: &str = "sbtest1";
const CLIENTS: usize = 8;
/// Of ten statements.
const READS: u32 = 8;
/// MySQL's own names, which say nothing of how our files are kept.
const NOT_OURS: [&str; 6] =
    ["default_table_", "table_encryption_", "innodb_", "binlog_", "block_encryption_", "require_"];

struct Cost {
    name: &'static str,
    /// What the variables of the option are named like.
    like: &'static str,
    /// The one that is set.
    variable: &'static str,
    least: f64,
    /// The peer as it was before this work.
    aside: Mutex<Option<Side>>,
}

/// What all servers of the race are started with; what stands behind it was asked for.
const LAST_OWN_WORD: &str = "max_connections=20000";

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![
        Box::new(Cost::new("audit-cost", "audit", "audit", 0.97)),
        Box::new(Cost::new("encryption-cost", "encrypt", "encryption", 0.95)),
    ]
}

impl Cost {
    fn new(name: &'static str, like: &'static str, variable: &'static str, least: f64) -> Cost {
        Cost { name, like, variable, least, aside: Mutex::new(None) }
    }

    fn aside(&self) -> std::sync::MutexGuard<'_, Option<Side>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a server without the option in the place of a peer that has it.
    fn switch_off(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        let is_on = || Ok::<bool, String>(!matches!(side.variable(self.variable)?.as_str(), "OFF" | "0"));
        if side.name == "ours" || side.server.is_none() || !is_on()? {
            return Ok(());
        }
        let mut words = command(side.pid()?)?.into_iter();
        let program = PathBuf::from(words.next().unwrap_or_default());
        let mut options: Vec<String> = words.skip_while(|word| word != LAST_OWN_WORD).skip(1).collect();
        options.extend(["--set".into(), format!("{}=OFF", self.variable)]);
        let login = Login::local(Kind::Aurora, free_port().map_err(|failure| failure.message)?);
        let dir = setting.folder.join(self.name);
        std::fs::create_dir_all(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        let mut server =
            Server::ours(&program, &dir, login.port, &options).map_err(|failure| failure.message)?;
        server.wait_ready(&login).map_err(|failure| failure.message)?;
        let mut without = Side::new(&side.name, login);
        (without.server, without.folder) = (Some(server), Some(dir));
        without.make_database()?;
        *self.aside() = Some(std::mem::replace(side, without));
        Ok(())
    }

    /// The server's variables for this option with their values.
    fn variables(&self, side: &Side) -> Result<Vec<String>, String> {
        let rows = side.connect()?.query(&format!("SHOW GLOBAL VARIABLES LIKE '%{}%'", self.like))?;
        let text = rows.into_iter().filter_map(|row| {
            let mut cells = row.into_iter().flatten();
            let (name, value) = (cells.next()?, cells.next().unwrap_or_default());
            (!NOT_OURS.iter().any(|theirs| name.starts_with(theirs))).then(|| format!("{name}={value}"))
        });
        Ok(text.collect())
    }
}

/// How the process was started.
fn command(pid: u32) -> Result<Vec<String>, String> {
    let line =
        std::fs::read(format!("/proc/{pid}/cmdline")).map_err(|error| format!("process {pid}: {error}"))?;
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    Ok(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

impl Workload for Cost {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> String {
        format!("ours against ours with another option: 8 point selects to 2 updates, {CLIENTS} clients")
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut all = drive::metrics("statement");
        if let Some(throughput) = all.first_mut() {
            throughput.goals = vec![(Some(Kind::Aurora), Goal::Ratio(self.least))];
        }
        all
    }

    fn not_raced(&self, kind: Kind) -> Option<String> {
        (kind != Kind::Aurora).then(|| "ours against ours: --against aurora".into())
    }

    fn prepare(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        if self.variables(side)?.is_empty() {
            return Err(format!(
                "the server has no variable named like %{}% that could be turned off",
                self.like
            ));
        }
        self.switch_off(side, setting)?;
        // Rows that an earlier work's rounds changed would be set to what they are.
        side.forget(TABLE);
        sbtest::load(side, setting, TABLE)
    }

    fn cleanup(&self, side: &mut Side, _setting: &Setting) -> Result<(), String> {
        if side.name != "ours"
            && let Some(before) = self.aside().take()
        {
            let without = std::mem::replace(side, before);
            let folder = without.folder.clone();
            drop(without);
            // The disk is needed; the race removes what stays, too.
            let _ = folder.map(std::fs::remove_dir_all);
        }
        Ok(())
    }

    fn round(&self, side: &mut Side, setting: &Setting, round: u64) -> Result<Round, String> {
        let load = drive::clients(
            side,
            setting,
            round,
            Clients::new(CLIENTS),
            |mut client, _| {
                let select = client.prepare(&format!("SELECT c FROM {TABLE} WHERE id = ?"))?;
                let update = client.prepare(&format!("UPDATE {TABLE} SET c = ? WHERE id = ?"))?;
                Ok((client, select, update))
            },
            |(client, select, update), random, _| {
                let id = sbtest::key(random, setting.rows);
                let rows = if random.id(10) <= READS {
                    client.count(select, &[id.into()])?
                } else {
                    client.execute(update, &[sbtest::c(random).into(), id.into()])?
                };
                if rows == 1 {
                    Ok(0)
                } else {
                    Err(ClientError::new(format!("WRONG: a row came {rows} times")))
                }
            },
        )?;
        let mut round = load.round();
        round.note = Some(self.variables(side)?.join(", "));
        Ok(round)
    }
}
