//! One of the servers in a race.

use super::client::Client;
use super::kind::{Kind, Table};
use super::process::{self, Usage};
use super::server::Server;
use std::collections::HashSet;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct Login {
    pub kind: Kind,
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
}

impl Login {
    /// The user that servers on temporary folders have.
    pub fn local(kind: Kind, port: u16) -> Login {
        let user = if kind == Kind::Postgres { "postgres" } else { "root" };
        Login { kind, host: "127.0.0.1".into(), port, user: user.into(), password: String::new() }
    }

    pub fn connect(&self, database: Option<&str>) -> Result<Client, String> {
        Client::connect(self, database).map_err(|error| error.message)
    }

    /// Whether the server answers a statement.
    pub fn ping(&self) -> Result<(), String> {
        // Refused connections are cheap to find, and a client library may try them more than once.
        let mut addresses =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|error| error.to_string())?;
        let address = addresses.next().ok_or("the host has no address")?;
        TcpStream::connect_timeout(&address, ANSWER_WITHIN).map_err(|error| error.to_string())?;
        self.connect(None)?.query("SELECT 1")?;
        Ok(())
    }

    /// The address for the loader of dumps.
    pub fn url(&self, database: &str) -> String {
        let encode = |text: &str| -> String {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                    other => format!("%{other:02X}"),
                })
                .collect()
        };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let (user, password) = (encode(&self.user), encode(&self.password));
        format!("mysql://{user}:{password}@{host}:{}/{database}", self.port)
    }
}

/// A server in the race.
pub struct Side {
    /// `ours`, or the peer's name.
    pub name: String,
    pub kind: Kind,
    pub login: Login,
    /// Process of a server that was running already.
    pub pid: Option<u32>,
    /// Or the one that the race has started.
    pub server: Option<Server>,
    /// Where its data are, if the race knows.
    pub folder: Option<PathBuf>,
    /// What has been loaded, by names that the works choose.
    loaded: HashSet<String>,
}

impl Side {
    pub fn new(name: &str, login: Login) -> Side {
        Side {
            name: name.to_string(),
            kind: login.kind,
            login,
            pid: None,
            server: None,
            folder: None,
            loaded: HashSet::new(),
        }
    }

    /// Its own, so that two sides may be one server.
    pub fn database(&self) -> String {
        format!("aurora_bench_{}", self.name.replace('-', "_"))
    }

    pub fn pid(&self) -> Result<u32, String> {
        let pid = self.server.as_ref().map(Server::pid).or(self.pid);
        pid.ok_or_else(|| format!("the process is not known: give ?pid=N in --target {}=URL", self.name))
    }

    /// What the server has used so far.
    /// Rounds alternate, so what the disk writes meanwhile is this side's.
    pub fn usage(&self) -> Result<Usage, String> {
        let mut usage = process::usage(self.pid()?)?;
        if let Some(bytes) = self.folder.as_deref().and_then(process::device_written_bytes) {
            usage.written_bytes = bytes;
        }
        Ok(usage)
    }

    pub fn resident_mib(&self) -> Result<f64, String> {
        process::resident_mib(self.pid()?)
    }

    pub fn disk_bytes(&self) -> Result<u64, String> {
        let folder =
            self.folder.as_ref().ok_or("the data folder is known for servers that the race starts")?;
        process::disk_bytes(folder)
    }

    /// A connection to the race's database.
    pub fn connect(&self) -> Result<Client, String> {
        self.login.connect(Some(&self.database()))
    }

    /// Makes the race's database anew.
    pub fn make_database(&self) -> Result<(), String> {
        let mut client = self.login.connect(None)?;
        let name = self.database();
        match self.kind {
            Kind::Duckdb => return Ok(()),
            Kind::Postgres => client.exec(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?,
            _ => client.exec(&format!("DROP DATABASE IF EXISTS {name}"))?,
        };
        client.exec(&format!("CREATE DATABASE {name}"))?;
        Ok(())
    }

    /// Drops the race's database, so that a server that is not ours to stop is left as it was.
    pub fn clean(&self) {
        if self.server.is_none()
            && let Ok(mut client) = self.login.connect(None)
        {
            let _ = client.exec(&format!("DROP DATABASE IF EXISTS {}", self.database()));
        }
    }

    /// Runs `load` unless it has succeeded on this side before: works that share tables name them alike.
    pub fn load_once(
        &mut self,
        what: &str,
        load: impl FnOnce(&mut Side) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.loaded.contains(what) {
            return Ok(());
        }
        load(self).map_err(|error| format!("loading {what}: {error}"))?;
        self.loaded.insert(what.to_string());
        Ok(())
    }

    /// The next `load_once` loads it again.
    pub fn forget(&mut self, what: &str) {
        self.loaded.remove(what);
    }

    /// Makes a table, in place of one of that name.
    pub fn make_table(&self, client: &mut Client, table: &Table<'_>) -> Result<(), String> {
        client.exec(&format!("DROP TABLE IF EXISTS {}", self.kind.quoted(table.name)))?;
        for statement in self.kind.create_table(table) {
            client.exec(&statement)?;
        }
        Ok(())
    }

    pub fn version(&self) -> Result<String, String> {
        let mut client = self.login.connect(None)?;
        Ok(client.value(if self.kind == Kind::Postgres {
            "SHOW server_version"
        } else {
            "SELECT VERSION()"
        })?)
    }

    /// A setting of the server as text.
    pub fn variable(&self, name: &str) -> Result<String, String> {
        let sql = match self.kind {
            Kind::Postgres => format!("SHOW {name}"),
            Kind::Duckdb => format!("SELECT CAST(current_setting('{name}') AS VARCHAR)"),
            _ => format!("SELECT CAST(@@{name} AS CHAR)"),
        };
        Ok(self.login.connect(None)?.value(&sql)?)
    }

    /// Starts a server of the race's own again if it has ended, so that a crash costs the work that met it and no other.
    pub fn revive(&mut self) -> Result<(), String> {
        let login = self.login.clone();
        let Some(server) = &mut self.server else { return Ok(()) };
        if !server.has_ended() {
            return Ok(());
        }
        let started = server.start_again(&login).map(|_| ());
        started.map_err(|failure| format!("the server had ended and does not start: {}", failure.message))
    }

    /// Ends a server of the race's own at once: whoever waits for its answer gets an error.
    pub fn kill(&self) {
        if let Some(server) = &self.server {
            server.kill();
        }
    }

    /// Stops the server and starts it again; seconds from the start of the process to its first answer.
    pub fn restart(&mut self) -> Result<f64, String> {
        let login = self.login.clone();
        let server = self.server.as_mut().ok_or("measured only for servers that the race starts itself")?;
        server.restart(&login).map_err(|failure| failure.message)
    }

    /// The same after `kill -9`.
    pub fn crash(&mut self) -> Result<f64, String> {
        let login = self.login.clone();
        let server = self.server.as_mut().ok_or("measured only for servers that the race starts itself")?;
        server.crash(&login).map_err(|failure| failure.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_hold_any_password() {
        let mut login = Login::local(Kind::Mysql, 3306);
        (login.host, login.password) = ("::1".into(), "a@b/c".into());
        assert_eq!(login.url("d"), "mysql://root:a%40b%2Fc@[::1]:3306/d");
    }

    #[test]
    fn what_is_loaded_is_not_loaded_again() {
        let mut side = Side::new("ours", Login::local(Kind::Aurora, 1));
        assert!(side.load_once("a", |_| Err("no".into())).is_err());
        assert_eq!(side.load_once("a", |_| Ok(())), Ok(()));
        assert_eq!(side.load_once("a", |_| Err("no".into())), Ok(()));
        side.forget("a");
        assert!(side.load_once("a", |_| Err("no".into())).is_err());
    }
}
