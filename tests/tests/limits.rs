//! What an account may use: limits by the hour and at once, and what its connection must be (REQUIRE).

use aurora_tests::{AuroraServer, peer_script};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, SslOpts};
use std::process::Command;

fn login(server: &AuroraServer, user: &str) -> mysql::Result<Conn> {
    let tls = SslOpts::default().with_danger_accept_invalid_certs(true);
    let tls = tls.with_danger_skip_domain_validation(true);
    let opts = OptsBuilder::new().ip_or_hostname(Some("127.0.0.1")).tcp_port(server.port());
    let opts = opts.user(Some(user)).pass(Some("p")).prefer_socket(false).ssl_opts(tls);
    // The client's own questions after the login would count.
    Conn::new(opts.max_allowed_packet(Some(1 << 20)))
}

fn refused<T>(result: mysql::Result<T>) -> (u16, String) {
    match result {
        Err(mysql::Error::MySqlError(error)) => (error.code, error.message),
        Err(other) => panic!("no error of the server: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

fn exceeded(user: &str, resource: &str, limit: u32) -> (u16, String) {
    (1226, format!("User '{user}' has exceeded the '{resource}' resource (current value: {limit})"))
}

#[test]
fn limits_hold_in_every_protocol_and_are_forgotten_when_told() {
    let server = AuroraServer::start();
    let mut root = server.connect();
    root.query_drop("CREATE DATABASE d").expect("made");
    root.query_drop("CREATE TABLE d.t (a INT)").expect("made");
    for (user, limits) in [
        ("q", "MAX_QUERIES_PER_HOUR 3"),
        ("u", "MAX_UPDATES_PER_HOUR 2"),
        ("c", "MAX_CONNECTIONS_PER_HOUR 2"),
        ("m", "MAX_USER_CONNECTIONS 1"),
    ] {
        root.query_drop(format!("CREATE USER {user}@localhost IDENTIFIED BY 'p' WITH {limits}"))
            .expect("made");
        root.query_drop(format!("GRANT ALL ON d.* TO {user}@localhost")).expect("granted");
    }

    let mut q = login(&server, "q").expect("let in");
    let mut results = q.query_iter("SELECT 1; SELECT 2; SELECT 3; SELECT 4").expect("the first");
    let mut seen = 0;
    while let Some(set) = results.iter() {
        seen += set.filter(Result::is_ok).count();
    }
    drop(results);
    assert_eq!(seen, 3, "the fourth is one too many");
    assert_eq!(refused(q.query_drop("SELECT 1")), exceeded("q", "max_questions", 3));
    assert_eq!(refused(q.exec_drop("SELECT ?", (1,))), exceeded("q", "max_questions", 3));
    root.query_drop("FLUSH USER_RESOURCES").expect("flushed");
    q.query_drop("SELECT 1").expect("a new hour");
    root.query_drop("ALTER USER q@localhost WITH MAX_QUERIES_PER_HOUR 1").expect("altered");
    q.query_drop("SELECT 1").expect("the one");
    assert_eq!(refused(q.query_drop("SELECT 1")), exceeded("q", "max_questions", 1));

    let mut u = login(&server, "u").expect("let in");
    u.query_drop("INSERT INTO d.t VALUES (1)").expect("the first");
    u.exec_drop("INSERT INTO d.t VALUES (?)", (2,)).expect("the second");
    assert_eq!(refused(u.query_drop("DELETE FROM d.t")), exceeded("u", "max_updates", 2));
    assert_eq!(refused(u.exec_drop("DELETE FROM d.t", ())), exceeded("u", "max_updates", 2));
    let rows: Option<u32> = u.query_first("SELECT COUNT(*) FROM d.t").expect("reading is free");
    assert_eq!(rows, Some(2));

    for _ in 0..2 {
        login(&server, "c").expect("let in");
    }
    assert_eq!(refused(login(&server, "c")), exceeded("c", "max_connections_per_hour", 2));

    let m = login(&server, "m").expect("let in");
    assert_eq!(refused(login(&server, "m")), exceeded("m", "max_user_connections", 1));
    drop(m);
    let begun = std::time::Instant::now();
    while login(&server, "m").is_err() {
        assert!(begun.elapsed().as_secs() < 10, "the connection that ended still counts");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }

    root.query_drop("CREATE USER plain@localhost IDENTIFIED BY 'p'").expect("made");
    root.query_drop("SET GLOBAL max_user_connections = 1").expect("set");
    let _one = login(&server, "plain").expect("let in");
    let (code, message) = refused(login(&server, "plain"));
    assert_eq!(code, 1203);
    assert_eq!(message, "User plain already has more than 'max_user_connections' active connections");
}

#[test]
fn certificates_are_required_and_compared() {
    let server = AuroraServer::start();
    let mut root = server.connect();
    for (user, requirement) in [
        ("any", "X509"),
        ("named", "SUBJECT '/CN=AuroraDB client' AND ISSUER '/CN=AuroraDB certificate authority'"),
        ("other", "SUBJECT '/CN=somebody else'"),
    ] {
        let sql = format!("CREATE USER {user}@localhost IDENTIFIED BY 'p' REQUIRE {requirement}");
        root.query_drop(sql).expect("made");
        let (code, _) = refused(login(&server, user));
        assert_eq!(code, 1045, "{user} without a certificate");
    }
    let tls = server.data_dir().join("tls");
    let with_certificate = |user: &str, dir: &std::path::Path| {
        let output = Command::new(peer_script())
            .args(["run", "mysql", "-h127.0.0.1", &format!("-P{}", server.port()), "-N", "-B"])
            .args([&format!("-u{user}"), "--ssl-mode=REQUIRED"])
            .arg(format!("--ssl-cert={}", dir.join("client-cert.pem").display()))
            .arg(format!("--ssl-key={}", dir.join("client-key.pem").display()))
            .args(["-e", "SELECT CURRENT_USER()"])
            .env("MYSQL_PWD", "p")
            .output()
            .expect("tests/peers/mysql.sh");
        let said = if output.status.success() { output.stdout } else { output.stderr };
        String::from_utf8_lossy(&said).into_owned()
    };
    assert_eq!(with_certificate("any", &tls), "any@localhost\n");
    assert_eq!(with_certificate("named", &tls), "named@localhost\n");
    assert!(with_certificate("other", &tls).contains("ERROR 1045"));
    // A certificate of another authority is not even listened to.
    let stranger = AuroraServer::start();
    let said = with_certificate("any", &stranger.data_dir().join("tls"));
    assert!(said.contains("SSL") || said.contains("Lost connection"), "{said}");
}
