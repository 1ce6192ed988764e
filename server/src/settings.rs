//! What the server runs with: flags over environment over file over defaults.

use crate::args::Args;
use crate::config_file;
use crate::failure::Failure;
use crate::variables;
use aurora_session::variables::VariableId;
use aurora_types::Value;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Names of options in files.
pub const OPTIONS: &[&str] =
    &["data_dir", "listen", "socket", "http", "root_password", "insecure", "key_file"];

/// Everything that a start needs to know.
#[derive(Debug)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub listen: String,
    /// The Unix socket's file.
    pub socket: Option<PathBuf>,
    /// `None`: switched off.
    pub http: Option<String>,
    /// A default that is taken by another program is only a warning.
    pub http_is_default: bool,
    pub root_password: Option<Zeroizing<String>>,
    pub insecure: bool,
    pub key_file: Option<PathBuf>,
    pub variables: Vec<(VariableId, Value)>,
    /// To be logged.
    pub warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: "./aurora-data".into(),
            listen: "127.0.0.1:3306".into(),
            socket: None,
            http: Some("127.0.0.1:8306".into()),
            http_is_default: true,
            root_password: None,
            insecure: false,
            key_file: None,
            variables: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Settings {
    /// From the command line, `AURORA_SET` and the file that they name.
    ///
    /// # Errors
    /// What is wrong with them, as a usage failure.
    pub fn new(args: Args, environment_set: Option<&str>) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        if let Some(path) = &args.config {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("cannot read the configuration {}: {error}", path.display()))
            })?;
            config_file::read_into(path, &text, &mut settings).map_err(Failure::usage)?;
        }
        settings.take_args(args, environment_set).map_err(Failure::usage)?;
        if settings.insecure && settings.root_password.is_some() {
            return Err(Failure::usage("a root password and --insecure exclude each other; leave out one"));
        }
        Ok(settings)
    }

    fn take_args(&mut self, args: Args, environment_set: Option<&str>) -> Result<(), String> {
        if let Some(path) = args.data_dir {
            self.data_dir = path;
        }
        if let Some(path) = args.key_file {
            self.key_file = Some(path);
        }
        if args.insecure {
            self.insecure = true;
            self.root_password = None;
        }
        for (name, value) in [
            ("listen", args.listen),
            ("socket", args.socket),
            ("http", args.http),
            ("root_password", args.root_password),
        ] {
            if let Some(value) = value {
                self.set_option(name, Some(&value))?;
            }
        }
        let from_environment = environment_set.unwrap_or_default().split(['\n', ';']).map(str::trim);
        let given =
            from_environment.filter(|text| !text.is_empty()).chain(args.set.iter().map(String::as_str));
        for text in given {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| format!("--set {text}: write name=value, such as max_connections=500"))?;
            let assignment = variables::assignment(name, value)
                .map_err(|why| format!("--set {text}: {}", why.message()))?;
            self.variables.push(assignment);
        }
        Ok(())
    }

    /// Sets one of [`OPTIONS`].
    ///
    /// # Errors
    /// A value that it cannot have.
    pub fn set_option(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        if name == "insecure" {
            self.insecure = match value {
                None | Some("1" | "true" | "on") => true,
                Some("0" | "false" | "off") => false,
                Some(other) => return Err(format!("`insecure` cannot be `{other}`; write true or false")),
            };
            return Ok(());
        }
        let value = value.ok_or_else(|| format!("`{name}` needs a value"))?;
        match name {
            "data_dir" => self.data_dir = value.into(),
            "key_file" => self.key_file = Some(value.into()),
            "listen" => self.listen = value.to_owned(),
            "http" => {
                self.http = (value != "off").then(|| value.to_owned());
                self.http_is_default = false;
            }
            "root_password" if value.is_empty() => {
                return Err("the root password is empty; --insecure means none".into());
            }
            "root_password" => self.root_password = Some(Zeroizing::new(value.to_owned())),
            "socket" if value.is_empty() => {
                return Err("the socket's path is empty; write a path, or `off` for no socket".into());
            }
            "socket" => self.socket = (value != "off").then(|| value.into()),
            _ => return Err(format!("unknown setting `{name}`")),
        }
        Ok(())
    }

    /// The address to listen at.
    ///
    /// # Errors
    /// When it is none, or is open to others without a root password.
    pub fn listen_address(&self) -> Result<SocketAddr, Failure> {
        let address = resolve("--listen", &self.listen)?;
        if self.insecure && !address.ip().to_canonical().is_loopback() {
            return Err(Failure::usage(format!(
                "--insecure is refused with --listen {}: anybody could be root; listen at 127.0.0.1, or give a \
                 --root-password",
                self.listen
            )));
        }
        Ok(address)
    }

    /// Whether nobody decided about `require_secure_transport` though other machines can connect.
    pub fn needs_secure_transport(&self, address: SocketAddr) -> bool {
        !address.ip().to_canonical().is_loopback() && self.number("require_secure_transport").is_none()
    }

    /// The last value given for a variable, when it is a text that says something.
    pub fn text(&self, name: &str) -> Option<String> {
        let (id, _) = aurora_session::variables::lookup(name)?;
        self.variables.iter().rev().find(|(other, _)| *other == id).and_then(|(_, value)| match value {
            Value::Text(text) if !text.is_empty() => Some(text.to_str_lossy().into_owned()),
            _ => None,
        })
    }

    /// The last value given for a variable, when it is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        let (id, _) = aurora_session::variables::lookup(name)?;
        self.variables.iter().rev().find(|(other, _)| *other == id).and_then(|(_, value)| match value {
            Value::UInt(number) => Some(*number),
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        })
    }
}

/// `HOST:PORT` as an address; a name may stand for one.
///
/// # Errors
/// When it is neither.
pub fn resolve(flag: &str, text: &str) -> Result<SocketAddr, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("{flag} {text}: {why}; write HOST:PORT, such as 127.0.0.1:3306"))
    };
    let mut addresses = text.to_socket_addrs().map_err(|error| wrong(error.to_string()))?;
    addresses.next().ok_or_else(|| wrong("the name has no address".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn settings(line: &str) -> Result<Settings, String> {
        let args = Args::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        Settings::new(args, Some("wait_timeout=60; max_connections=7")).map_err(|failure| failure.message)
    }

    #[test]
    fn defaults_and_flags() {
        let plain = settings("auroradb").expect("defaults");
        assert_eq!(plain.data_dir, PathBuf::from("./aurora-data"));
        assert_eq!(
            (plain.listen.as_str(), plain.http.as_deref()),
            ("127.0.0.1:3306", Some("127.0.0.1:8306"))
        );
        assert_eq!(plain.number("max_connections"), Some(7));
        let given = settings("auroradb --http off --set max_connections=9").expect("flags");
        assert_eq!(given.http, None);
        assert_eq!(settings("auroradb --socket /tmp/s").expect("flags").socket, Some("/tmp/s".into()));
        assert_eq!(settings("auroradb --socket off").expect("flags").socket, None);
        assert_eq!(given.number("max_connections"), Some(9), "flags are above the environment");
    }

    #[test]
    fn insecure_stays_on_loopback() {
        assert!(settings("auroradb --insecure").expect("flags").listen_address().is_ok());
        let open = settings("auroradb --insecure --listen 0.0.0.0:3306").expect("flags").listen_address();
        assert!(open.expect_err("refused").message.contains("--root-password"));
        assert!(settings("auroradb --insecure --root-password x").is_err());
    }

    #[test]
    fn other_machines_need_tls_unless_told_otherwise() {
        let needs = |line: &str| {
            let settings = settings(line).expect("flags");
            settings.needs_secure_transport(settings.listen_address().expect("an address"))
        };
        assert!(!needs("auroradb") && needs("auroradb --listen 0.0.0.0:1"));
        assert!(!needs("auroradb --listen 0.0.0.0:1 --set require_secure_transport=OFF"));
    }

    #[test]
    fn a_file_is_below_the_flags() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("aurora.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nmax_connections = 5\n").expect("written");
        let both =
            settings(&format!("auroradb --config {} --listen 127.0.0.1:2", file.display())).expect("read");
        assert_eq!(both.listen, "127.0.0.1:2");
        assert!(settings("auroradb --config /no/such/file").expect_err("refused").contains("/no/such/file"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(settings("auroradb --socket=").expect_err("refused").contains("`off`"));
        assert!(settings("auroradb --set x").expect_err("refused").contains("name=value"));
        assert!(settings("auroradb --listen nonsense").expect("late").listen_address().is_err());
    }
}
