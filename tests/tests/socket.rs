//! The Unix socket: clients of this machine, without TLS, as `'user'@'localhost'`.

use aurora_tests::{AuroraServer, peer_script};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

fn opts(path: &Path) -> OptsBuilder {
    OptsBuilder::new()
        .socket(Some(path.to_str().expect("a path in UTF-8")))
        .user(Some("root"))
        .pass(Some("test-Password-1"))
}

fn code(error: &mysql::Error) -> u16 {
    match error {
        mysql::Error::MySqlError(error) => error.code,
        other => panic!("no error of the server: {other}"),
    }
}

#[test]
fn clients_of_the_machine_need_no_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aurora.sock");
    let shown = path.to_str().expect("a path in UTF-8");
    let mut server = AuroraServer::start_with(&["--socket", shown, "--set", "require_secure_transport=ON"]);
    let file = std::fs::metadata(&path).expect("the socket");
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o777);
    assert!(server.log().contains(&format!("mysql --socket={shown} -uroot")), "{}", server.log());

    // The first login sends the password itself: nobody listens on a socket.
    let mut conn = Conn::new(opts(&path)).expect("root connects through the socket");
    let told: (String, String, String, String) = conn
        .query_first("SELECT USER(), CURRENT_USER(), @@socket, @@require_secure_transport")
        .expect("answered")
        .expect("a row");
    assert_eq!(told, ("root@localhost".into(), "root@localhost".into(), shown.into(), "1".into()));
    let host: String = conn
        .query_first("SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()")
        .expect("answered")
        .expect("a row");
    assert_eq!(host, "localhost");
    conn.query_drop("CREATE USER enc@localhost IDENTIFIED BY 'p' REQUIRE SSL").expect("made");
    conn.query_drop("CREATE USER tcp@'127.0.0.1' IDENTIFIED BY 'p'").expect("made");
    for user in ["enc", "tcp"] {
        // A socket is safe, but it is neither TLS nor an address.
        let error = Conn::new(opts(&path).user(Some(user)).pass(Some("p"))).expect_err("refused");
        assert_eq!(code(&error), 1045, "{user}");
    }
    let error = Conn::new(opts(&path).pass(Some("wrong"))).expect_err("refused");
    assert!(error.to_string().contains("'root'@'localhost' (using password: YES)"), "{error}");

    let plain = OptsBuilder::new().ip_or_hostname(Some("127.0.0.1")).tcp_port(server.port());
    let plain = plain.user(Some("root")).pass(Some("test-Password-1")).prefer_socket(false);
    assert_eq!(code(&Conn::new(plain).expect_err("refused")), 3159);

    drop(conn);
    assert_eq!(server.stop(), 0);
    assert!(!path.exists(), "the socket goes with the server");
}

#[test]
fn a_killed_servers_socket_is_replaced_a_living_ones_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aurora.sock");
    let shown = path.to_str().expect("a path in UTF-8");
    let mut server = AuroraServer::start_with(&["--socket", shown]);
    server.kill();
    assert!(path.exists());
    server.restart();
    Conn::new(opts(&path)).expect("root connects through the new socket");

    let output = Command::new(aurora_tests::binary("auroradb"))
        .args(["--data-dir", folder.path().join("other").to_str().expect("UTF-8"), "--listen", "127.0.0.1:0"])
        .args(["--http", "off", "--socket", shown])
        .output()
        .expect("started");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("another server listens there"), "{said}");
    assert!(!folder.path().join("other").exists(), "nothing was begun");
    Conn::new(opts(&path)).expect("the first server has kept its socket");
}

#[test]
fn the_mysql_command_line_goes_through_the_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aurora.sock");
    let server = AuroraServer::start_with(&["--socket", path.to_str().expect("a path in UTF-8")]);
    let mysql = |more: &[&str]| {
        let output = Command::new(peer_script())
            .args(["run", "mysql", "-uroot", "--protocol=SOCKET", "-N", "-B"])
            .arg(format!("--socket={}", path.display()))
            .env("MYSQL_PWD", server.password())
            .args(more)
            .output()
            .expect("tests/peers/mysql.sh");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    assert_eq!(mysql(&["-e", "SELECT CURRENT_USER()"]), "root@localhost\n");
    let cipher = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";
    assert_eq!(mysql(&["-e", cipher]), "Ssl_cipher\t\n");
    let encrypted = mysql(&["--ssl-mode=REQUIRED", "-e", cipher]);
    assert!(encrypted.starts_with("Ssl_cipher\tTLS_"), "{encrypted}");
}
