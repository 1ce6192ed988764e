//! One of the two servers in a race.

use super::data;
use super::process;
use super::server::Server;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct Login {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
}

/// A client's error without the client's own words around it.
pub fn plain(error: mysql::Error) -> String {
    match error {
        mysql::Error::MySqlError(error) => {
            format!("ERROR {} ({}): {}", error.code, error.state, error.message)
        }
        mysql::Error::IoError(error) => error.to_string(),
        mysql::Error::DriverError(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// `HOST:PORT`, `HOST` may be `[IPv6]`.
pub fn address(text: &str) -> Result<(String, u16), String> {
    let parsed = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match parsed {
        Some((host, port)) if !host.is_empty() => Ok((host.trim_matches(['[', ']']).to_string(), port)),
        _ => Err(format!("`{text}` is not HOST:PORT")),
    }
}

impl Login {
    /// A connection without TLS, for both sides alike: the race is about servers.
    pub fn connect(&self, database: Option<&str>) -> Result<Conn, String> {
        let opts = OptsBuilder::new()
            .ip_or_hostname(Some(self.host.as_str()))
            .tcp_port(self.port)
            .user(Some(self.user.as_str()))
            .pass(Some(self.password.as_str()))
            .db_name(database)
            .prefer_socket(false)
            .tcp_connect_timeout(Some(Duration::from_secs(5)));
        Conn::new(opts).map_err(plain)
    }

    /// Whether the server answers a statement.
    pub fn ping(&self) -> Result<(), String> {
        // Refused connections are cheap to find, and a client library may try them more than once.
        let mut addresses =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|error| error.to_string())?;
        let address = addresses.next().ok_or("the host has no address")?;
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).map_err(|error| error.to_string())?;
        let mut conn = self.connect(None)?;
        conn.query_drop("SELECT 1").map_err(plain)
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
    /// `ours` or `theirs`.
    pub name: &'static str,
    pub login: Login,
    /// Process of a server that was running already.
    pub pid: Option<u32>,
    /// Or the one that the race has started.
    pub server: Option<Server>,
    pub loaded: bool,
}

impl Side {
    pub fn database(&self) -> String {
        format!("aurora_bench_{}", self.name)
    }

    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid).or(self.pid)
    }

    /// CPU seconds of the server so far.
    pub fn cpu_seconds(&self) -> Result<f64, String> {
        let pid = self.pid().ok_or_else(|| format!("the process is not known: give --pid-{}", self.name))?;
        process::cpu_seconds(&pid.to_string())
    }

    pub fn connect(&self) -> Result<Conn, String> {
        self.login.connect(Some(&self.database()))
    }

    /// Makes database and tables once.
    pub fn load(&mut self, rows: u32) -> Result<(), String> {
        if self.loaded {
            return Ok(());
        }
        let mut conn = self.login.connect(None)?;
        data::create(&mut conn, &self.database(), rows)
            .map_err(|error| format!("loading: {}", plain(error)))?;
        self.loaded = true;
        Ok(())
    }

    pub fn version(&self) -> Result<String, String> {
        let mut conn = self.login.connect(None)?;
        let version: Option<String> = conn.query_first("SELECT VERSION()").map_err(plain)?;
        version.ok_or_else(|| "VERSION() gave nothing".to_string())
    }

    /// A system variable as text.
    pub fn variable(&self, name: &str) -> Result<String, String> {
        let mut conn = self.login.connect(None)?;
        let value: Option<String> =
            conn.query_first(format!("SELECT CAST(@@{name} AS CHAR)")).map_err(plain)?;
        value.ok_or_else(|| format!("{name} is NULL"))
    }

    /// Leaves a server that is not ours to stop as it was.
    pub fn clean(&self) {
        if self.server.is_none()
            && let Ok(mut conn) = self.login.connect(None)
        {
            let _ = conn.query_drop(format!("DROP DATABASE IF EXISTS {}", self.database()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_urls() {
        assert_eq!(address("127.0.0.1:3306"), Ok(("127.0.0.1".into(), 3306)));
        assert_eq!(address("[::1]:3306"), Ok(("::1".into(), 3306)));
        assert!(address("localhost").is_err() && address(":1").is_err() && address("a:99999").is_err());
        let (host, port) = address("[::1]:3306").unwrap();
        let login = Login { host, port, user: "root".into(), password: "a@b/c".into() };
        assert_eq!(login.url("d"), "mysql://root:a%40b%2Fc@[::1]:3306/d");
    }
}
