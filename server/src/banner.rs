//! What a person reads when the server is ready.

use crate::root::{self, FirstRoot};
use crate::settings::Settings;
use crate::storage::Opened;
use aurora_encryption::AtRest;
use aurora_wire::handshake::SERVER_VERSION;
use std::io::Write;
use std::net::SocketAddr;

/// Prints the state of things to standard error, the line `ready for connections` last.
pub fn ready(settings: &Settings, opened: &Opened, address: SocketAddr) {
    let state = State {
        is_fresh: opened.is_fresh,
        is_sealed: opened.at_rest == AtRest::Sealed,
        is_audited: opened.audit.is_some(),
    };
    let text = text(settings, &opened.first_root, state, address);
    // A closed standard error is no reason to stop.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// What the folder is like.
#[derive(Clone, Copy)]
struct State {
    is_fresh: bool,
    is_sealed: bool,
    is_audited: bool,
}

fn text(settings: &Settings, root: &FirstRoot, state: State, address: SocketAddr) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let data_dir = settings.data_dir.display();
    let mut lines = vec![
        format!("AuroraDB {version}, for clients {SERVER_VERSION}"),
        format!("  data     {data_dir}{}", if state.is_fresh { " (new)" } else { "" }),
    ];
    if !state.is_sealed {
        lines.push("           NOT encrypted: whoever takes the folder can read it".into());
    }
    if !state.is_audited {
        lines.push("  audit    OFF".into());
    }
    match root {
        FirstRoot::Existing => {}
        FirstRoot::Random(password) => {
            lines.push(format!("  root     password {}", **password));
            let file = root::path_in(&settings.data_dir);
            lines.push(format!("           also in {} until you change it", file.display()));
        }
        FirstRoot::Given => lines.push("  root     has the password that you gave".into()),
        FirstRoot::Empty => lines.push("  root     has NO password (--insecure)".into()),
    }
    if state.is_sealed && settings.key_file.is_none() && !matches!(root, FirstRoot::Existing) {
        lines.push(format!(
            "  warning  the key lies with the data ({data_dir}/keys/kek): whoever takes the folder can read it; \
             see --key-file"
        ));
    }
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let password = if matches!(root, FirstRoot::Empty) { "" } else { " -p" };
    lines.push(format!("  connect  mysql -h{host} -P{} -uroot{password}", address.port()));
    if let Some(path) = &settings.socket {
        lines.push(format!("           mysql --socket={} -uroot{password}", path.display()));
    }
    lines.push(format!("ready for connections at {address}"));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    const NEW: State = State { is_fresh: true, is_sealed: true, is_audited: true };
    const OLD: State = State { is_fresh: false, ..NEW };

    #[test]
    fn the_first_start_says_all_that_is_needed() {
        let address = "0.0.0.0:3307".parse().expect("an address");
        let root = FirstRoot::Random(Zeroizing::new("secret".into()));
        let text = text(&Settings::default(), &root, NEW, address);
        assert!(text.contains("password secret\n") && text.contains("./aurora-data/root-password"));
        assert!(text.contains("--key-file"));
        assert!(text.contains("mysql -h127.0.0.1 -P3307 -uroot -p\n"));
        assert!(text.ends_with("ready for connections at 0.0.0.0:3307\n"));
    }

    #[test]
    fn the_socket_is_told() {
        let address = "127.0.0.1:3306".parse().expect("an address");
        let settings = Settings { socket: Some("/run/a.sock".into()), ..Settings::default() };
        let text = text(&settings, &FirstRoot::Existing, OLD, address);
        assert!(text.contains("mysql --socket=/run/a.sock -uroot -p\n"));
    }

    #[test]
    fn later_starts_are_short() {
        let address = "127.0.0.1:3306".parse().expect("an address");
        assert_eq!(text(&Settings::default(), &FirstRoot::Existing, OLD, address).lines().count(), 4);
    }

    #[test]
    fn what_is_switched_off_is_told() {
        let address = "127.0.0.1:3306".parse().expect("an address");
        let bare = State { is_sealed: false, is_audited: false, ..NEW };
        let text = text(&Settings::default(), &FirstRoot::Given, bare, address);
        assert!(
            text.contains("NOT encrypted") && text.contains("audit    OFF") && !text.contains("keys/kek")
        );
    }
}
