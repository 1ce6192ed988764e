//! A real client against the frontend.

mod support;

use aurora_env::KillLevel;
use mysql_async::prelude::*;
use mysql_async::{Conn, Error, OptsBuilder, SslOpts};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::{PASSWORD, Running, start, start_behind};

fn opts(server: &Running, tls: bool) -> OptsBuilder {
    let ssl =
        SslOpts::default().with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true);
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.port())
        .user(Some("root"))
        .pass(Some(PASSWORD))
        .prefer_socket(false)
        .max_allowed_packet(Some(19 << 20))
        .wait_timeout(Some(1000))
        .ssl_opts(tls.then_some(ssl))
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Server(error) => error.code,
        other => panic!("no error of the server: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_over_tls_are_full_once_and_fast_afterwards() {
    let server = start(false, |_| ()).await;
    for _ in 0..3 {
        let mut conn = Conn::new(opts(&server, true)).await.unwrap();
        let who: Option<String> = conn.query_first("who").await.unwrap();
        assert_eq!(who.as_deref(), Some("root tls"));
        conn.disconnect().await.unwrap();
    }
    assert_eq!(server.full_checks.load(Ordering::SeqCst), 1);
    let error = Conn::new(opts(&server, true).pass(Some("wrong"))).await.unwrap_err();
    assert_eq!(code(&error), 1045);
    assert!(error.to_string().contains("'root'@'localhost' (using password: YES)"), "{error}");
    let error = Conn::new(opts(&server, true).pass(None::<String>)).await.unwrap_err();
    assert!(error.to_string().contains("using password: NO"), "{error}");
    let error = Conn::new(opts(&server, true).db_name(Some("missing"))).await.unwrap_err();
    assert_eq!(code(&error), 1049);
    let mut conn = Conn::new(opts(&server, true).user(Some("open")).pass(None::<String>)).await.unwrap();
    assert_eq!(conn.server_version(), (9, 7, 0));
    conn.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_have_rested_go_on() {
    let server = start(true, |_| ()).await;
    let plain = opts(&server, false);
    let kinds = [plain.clone(), plain.compression(mysql_async::Compression::fast()), opts(&server, true)];
    let mut all = Vec::new();
    for kind in kinds {
        all.push(Conn::new(kind).await.unwrap());
    }
    for _ in 0..2 {
        for conn in &mut all {
            let who: Option<String> = conn.query_first("who").await.unwrap();
            assert!(who.is_some_and(|who| who.starts_with("root")));
        }
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tls_passwords_are_sealed_or_refused() {
    let server = start(true, |_| ()).await;
    let mut conn = Conn::new(opts(&server, false)).await.unwrap();
    let who: Option<String> = conn.query_first("who").await.unwrap();
    assert_eq!(who.as_deref(), Some("root plain"));
    let server = start(false, |_| ()).await;
    let error = Conn::new(opts(&server, false)).await.unwrap_err();
    assert_eq!(code(&error), 1045);
    assert!(error.to_string().contains("requires secure connection"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_is_as_good_as_tls_and_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let unix = tokio::net::UnixListener::bind(&path).unwrap();
    let server = start_behind(Some(unix), false, |_| ()).await;
    let through = || opts(&server, false).socket(path.to_str());
    let mut conn = Conn::new(through()).await.unwrap();
    assert_eq!(server.full_checks.load(Ordering::SeqCst), 1);
    let rows: Vec<(i64, String)> = conn.query("rows 20000").await.unwrap();
    assert_eq!(rows.len(), 20_000);
    assert_eq!(server.open_sessions.load(Ordering::SeqCst), 1);
    // A client that goes while its statement runs takes the statement with it.
    let waiting = tokio::spawn(async move { conn.query_drop("wait").await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    waiting.abort();
    let began = Instant::now();
    while server.open_sessions.load(Ordering::SeqCst) > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "nobody saw the client go");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Conn::new(through().pass(Some("wrong"))).await.unwrap_err();
    server.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_small_large_several_and_failed() {
    for (tls, inline) in [(true, false), (false, false), (true, true), (false, true)] {
        let server = start(false, |options| options.inline_statements = inline).await;
        let mut conn = Conn::new(opts(&server, true)).await.unwrap();
        conn.query_drop("who").await.unwrap();
        drop(conn);
        let mut conn = Conn::new(opts(&server, tls)).await.unwrap();
        let rows: Vec<(i64, String)> = conn.query("rows 20000").await.unwrap();
        assert_eq!(rows.len(), 20_000);
        assert!(rows.iter().enumerate().all(|(at, row)| row.0 == at as i64 && row.1.len() == 100));
        let mut result = conn.query_iter("two").await.unwrap();
        assert_eq!(result.collect::<String>().await.unwrap(), ["first"]);
        assert_eq!(result.collect::<String>().await.unwrap(), ["second"]);
        drop(result);
        assert_eq!(code(&conn.query_drop("nonsense").await.unwrap_err()), 1064);
        conn.query_drop("commit").await.unwrap();
        assert_eq!(conn.affected_rows(), 3);
        assert_eq!(code(&conn.query_drop("commit fails").await.unwrap_err()), 1213);
        let long = "é".repeat(4 << 20);
        let back: Option<String> = conn.query_first(format!("echo {long}")).await.unwrap();
        assert!(back.as_deref() == Some(long.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_connections_carry_the_same() {
    let server = start(false, |_| ()).await;
    let zlib = mysql_async::Compression::default();
    let mut conn = Conn::new(opts(&server, true).compression(zlib)).await.unwrap();
    for _ in 0..3 {
        let rows: Vec<(i64, String)> = conn.query("rows 5000").await.unwrap();
        assert_eq!(rows.len(), 5000);
        assert_eq!(code(&conn.query_drop("nonsense").await.unwrap_err()), 1064);
        conn.ping().await.unwrap();
    }
    let long = "é".repeat(4 << 20);
    let back: Option<String> = conn.query_first(format!("echo {long}")).await.unwrap();
    assert!(back.as_deref() == Some(long.as_str()));
    let other = mysql_async::ChangeUserOpts::new().with_user(Some("bob".into()));
    conn.change_user(other.with_pass(Some(PASSWORD.into()))).await.unwrap();
    conn.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepared_statements_echo_their_parameters() {
    let server = start(false, |_| ()).await;
    let mut conn = Conn::new(opts(&server, true)).await.unwrap();
    let statement = conn.prep("echo ?, ?, ?, ?").await.unwrap();
    for n in [1i64, -5] {
        let row: (i64, f64, String, Option<String>) =
            conn.exec_first(&statement, (n, 1.5, "é", None::<String>)).await.unwrap().unwrap();
        assert_eq!(row, (n, 1.5, "é".to_string(), None));
    }
    // Sent as long data by the client.
    let long = "x".repeat(17 << 20);
    let one = conn.prep("echo ?").await.unwrap();
    let row: Option<String> = conn.exec_first(&one, (&long,)).await.unwrap();
    assert!(row.as_deref() == Some(long.as_str()));
    conn.close(statement).await.unwrap();
    conn.reset().await.unwrap();
    conn.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_takes_over_or_is_shown_out() {
    let server = start(false, |_| ()).await;
    let mut conn = Conn::new(opts(&server, true)).await.unwrap();
    let other =
        mysql_async::ChangeUserOpts::new().with_user(Some("bob".into())).with_pass(Some(PASSWORD.into()));
    conn.change_user(other).await.unwrap();
    let who: Option<String> = conn.query_first("who").await.unwrap();
    assert_eq!(who.as_deref(), Some("bob tls"));
    let wrong =
        mysql_async::ChangeUserOpts::new().with_user(Some("eve".into())).with_pass(Some("wrong".into()));
    assert_eq!(code(&conn.change_user(wrong).await.unwrap_err()), 1045);
    assert!(conn.ping().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_files_arrive() {
    let server = start(false, |_| ()).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; 300_000]).unwrap();
    let name = file.path().to_str().unwrap();
    let handler = mysql_async::WhiteListFsHandler::new([name]);
    let mut conn = Conn::new(opts(&server, true).local_infile_handler(Some(handler))).await.unwrap();
    conn.query_drop(format!("file {name}")).await.unwrap();
    assert_eq!(conn.affected_rows(), 300_000);
    conn.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_ends_statements_and_connections() {
    let server = start(false, |_| ()).await;
    let connections = server.handle.connections().clone();
    let mut conn = Conn::new(opts(&server, true)).await.unwrap();
    let id = conn.id();
    let killer = tokio::spawn({
        let connections = connections.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            connections.kill(id, KillLevel::Query)
        }
    });
    assert_eq!(code(&conn.query_drop("wait").await.unwrap_err()), 1317);
    assert!(killer.await.unwrap());
    conn.ping().await.unwrap();
    assert!(connections.kill(id, KillLevel::Connection));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(conn.ping().await.is_err());
    assert!(!connections.kill(id, KillLevel::Connection));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_vanished_client_ends_its_statement() {
    let server = start(false, |_| ()).await;
    let mut conn = Conn::new(opts(&server, false).user(Some("open")).pass(None::<String>)).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_millis(200), conn.query_drop("wait")).await;
    assert_eq!(server.open_sessions.load(Ordering::SeqCst), 1);
    drop(conn);
    let began = Instant::now();
    while server.open_sessions.load(Ordering::SeqCst) > 0 && began.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "the statement went on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_connection_only() {
    let server = start(false, |_| ()).await;
    let mut other = Conn::new(opts(&server, true)).await.unwrap();
    let mut conn = Conn::new(opts(&server, true)).await.unwrap();
    assert_eq!(code(&conn.query_drop("panic").await.unwrap_err()), 1105);
    assert!(conn.ping().await.is_err());
    other.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn shutdown_lets_statements_end_and_silence_ends_connections() {
    let server = start(false, |_| ()).await;
    let mut silent = Conn::new(opts(&server, true).user(Some("impatient"))).await.unwrap();
    let mut idle = Conn::new(opts(&server, true)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(silent.ping().await.is_err());
    let port = server.port();
    // Has not logged in, and never will.
    let _half = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    server.handle.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(idle.ping().await.is_err());
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_one_too_many_is_told_so() {
    let server = start(false, |options| options.connections.set_max(1)).await;
    let conn = Conn::new(opts(&server, true)).await.unwrap();
    let error = Conn::new(opts(&server, true)).await.unwrap_err();
    assert_eq!(code(&error), 1040);
    drop(conn);
}
