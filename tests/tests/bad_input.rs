//! Wrong flags, hostile bytes, damaged files: a clear word and an exit code, or an error and a server that lives on.

use aurora_tests::{AuroraServer, binary, free_port};
use mysql::prelude::Queryable;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts the server where it must refuse: its exit code and what it said.
fn refused(arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut child = Command::new(binary("auroradb"))
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("AURORA_ROOT_PASSWORD")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("auroradb");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break status;
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        if begun.elapsed() > Duration::from_secs(20) || said.contains("ready for connections") {
            child.kill().expect("SIGKILL");
            child.wait().expect("its end");
            panic!("{arguments:?} was accepted:\n{said}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    (status.code().unwrap_or(-1), fs::read_to_string(&log).expect("what it said"))
}

/// Refused with this code, and with all of these words in what a person reads.
fn refuses(arguments: &[&str], code: i32, words: &[&str]) {
    let (got, said) = refused(arguments);
    assert_eq!(got, code, "{arguments:?} said:\n{said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: `{word}` is missing in:\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

fn listen_flags(data: &Path) -> [String; 6] {
    let listen = format!("127.0.0.1:{}", free_port());
    ["--data-dir", &data.to_string_lossy(), "--listen", &listen, "--http", "127.0.0.1:0"].map(str::to_string)
}

fn with<'a>(flags: &'a [String; 6], more: &[&'a str]) -> Vec<&'a str> {
    flags.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[test]
fn a_taken_port_is_named_and_no_folder_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let listen = format!("127.0.0.1:{port}");
    refuses(
        &["--data-dir", &data.to_string_lossy(), "--listen", &listen, "--http", "127.0.0.1:0"],
        1,
        &[port.as_str()],
    );
    assert!(!data.exists(), "the data folder was touched");
}

#[test]
fn a_folder_in_use_is_refused() {
    let mut server = AuroraServer::start();
    let data = server.data_dir();
    refuses(&with(&listen_flags(&data), &[]), 1, &["in use", "--data-dir"]);
    assert!(server.is_alive());
    let one: Option<u8> = server.connect().query_first("SELECT 1").expect("the first server answers");
    assert_eq!(one, Some(1));
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let precious = folder.path().join("precious.txt");
    fs::write(&precious, "letters").expect("a file");
    refuses(&with(&listen_flags(folder.path()), &[]), 1, &["--data-dir"]);
    let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").flatten().collect();
    assert_eq!(left.len(), 1, "files were made: {left:?}");
    assert_eq!(fs::read_to_string(&precious).expect("the file"), "letters");
}

#[test]
fn a_path_that_cannot_be_a_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    refuses(&with(&listen_flags(&file.join("data")), &[]), 1, &["file"]);
}

#[test]
fn wrong_flags_and_settings_are_usage_errors() {
    refuses(&["--no-such-flag"], 2, &["--no-such-flag"]);
    refuses(&["--listen", "nonsense"], 2, &["nonsense"]);
    refuses(&["--set", "max_conections=5"], 2, &["max_conections", "max_connections"]);
    refuses(&["--set", "max_connections=many"], 2, &["max_connections", "many"]);
    refuses(&["--insecure", "--listen", "0.0.0.0:0"], 2, &["--insecure"]);
    refuses(&["--config", "/there/is/no/such/file.toml"], 2, &["/there/is/no/such/file.toml"]);
}

#[test]
fn an_unknown_key_of_a_file_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, line) in [
        ("a.toml", "# settings\nlisten_ = \"127.0.0.1:0\"\n", "line 2"),
        ("my.cnf", "[mysqld]\n\nmax_conections = 10\n", "line 3"),
        ("b.toml", "listen = \n", "b.toml"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).expect("a file");
        refuses(&["--config", &file.to_string_lossy()], 2, &[name, line]);
    }
}

#[test]
fn a_wrong_password_is_refused_and_nothing_else() {
    let mut server = AuroraServer::start();
    for (user, password) in [("root", "wrong"), ("root", ""), ("nobody", "x"), ("", "")] {
        let options = mysql::OptsBuilder::new()
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(server.port())
            .user(Some(user))
            .pass(Some(password))
            .prefer_socket(false);
        match mysql::Conn::new(options) {
            Err(mysql::Error::MySqlError(error)) => {
                assert_eq!((error.code, error.state.as_str()), (1045, "28000"))
            }
            Err(other) => panic!("{user}: {other}"),
            Ok(_) => panic!("{user} came in with `{password}`"),
        }
    }
    assert!(server.is_alive());
    server.connect();
}

fn socket(server: &AuroraServer) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(15))).expect("a timeout");
    socket
}

/// Reads the greeting packet.
fn greeting(socket: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 4];
    socket.read_exact(&mut head).expect("a head");
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
    let mut body = vec![0; length];
    socket.read_exact(&mut body).expect("the greeting");
    assert_eq!(body[0], 10, "protocol version");
    body
}

#[test]
fn half_handshakes_and_garbage_end_their_own_connection() {
    let mut server = AuroraServer::start();
    let garbage: &[&[u8]] = &[
        b"",
        b"\x01",
        b"\x05\x00\x00\x01\x85",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xff\xff\xff\x01",
        b"\x20\x00\x00\x01\x8d\xae\xff\x19\x00\x00\x00\x01\xff",
        b"\x16\x03\x01\x00\x05hello",
        &[0; 4096],
        &[0xff; 70_000],
    ];
    let mut open = Vec::new();
    for bytes in garbage {
        for _ in 0..5 {
            let mut hangs_up = socket(&server);
            greeting(&mut hangs_up);
            // The server may close first; that is as good.
            let _ = hangs_up.write_all(bytes);
            drop(hangs_up);
            let mut stays = socket(&server);
            greeting(&mut stays);
            let _ = stays.write_all(bytes);
            open.push(stays);
        }
    }
    assert!(server.is_alive());
    let one: Option<u8> = server.connect().query_first("SELECT 1").expect("others are served meanwhile");
    assert_eq!(one, Some(1));
    // Who says nothing sensible is hung up on: login takes ten seconds at most.
    for mut stays in open {
        let mut rest = Vec::new();
        match stays.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the server keeps a hostile connection: {error}"),
        }
    }
    assert!(server.is_alive());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn a_packet_above_the_limit_is_refused() {
    let mut server = AuroraServer::start();
    server.connect().query_drop("SET GLOBAL max_allowed_packet = 1048576").expect("a limit");
    let mut conn = server.connect();
    let text = format!("SELECT LENGTH('{}')", "x".repeat(3 << 20));
    let error = conn.query_drop(text).expect_err("above the limit");
    match error {
        mysql::Error::MySqlError(error) => assert_eq!((error.code, error.state.as_str()), (1153, "08S01")),
        // The connection is closed after the error, so that it may be met first when writing.
        mysql::Error::IoError(_) | mysql::Error::CodecError(_) | mysql::Error::DriverError(_) => {}
        other => panic!("{other}"),
    }
    assert!(server.is_alive());
    let length: Option<u32> = server
        .connect()
        .query_first(format!("SELECT LENGTH('{}')", "x".repeat(900_000)))
        .expect("below the limit");
    assert_eq!(length, Some(900_000));
}

fn error_of(conn: &mut mysql::Conn, sql: &str) -> (u16, String) {
    match conn.query_drop(sql) {
        Err(mysql::Error::MySqlError(error)) => (error.code, error.state),
        Err(other) => panic!("{sql}: {other}"),
        Ok(()) => panic!("{sql} was accepted"),
    }
}

#[test]
fn wrong_statements_are_errors_and_the_connection_goes_on() {
    let server = AuroraServer::start();
    let mut conn = server.connect();
    conn.query_drop("CREATE DATABASE wrong").expect("a database");
    conn.query_drop("USE wrong").expect("it");
    conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v TINYINT, d DATE)").expect("a table");
    let deep = format!("SELECT {}1{}", "(".repeat(200_000), ")".repeat(200_000));
    let long = format!("SELECT 1{}", " AND 1".repeat(50_000));
    for (sql, code) in [
        ("SELEC 1", 1064),
        ("SELECT 'open", 1064),
        ("\u{1}\u{2}\u{3}", 1064),
        ("INSERT INTO t VALUES (1, 128, NULL)", 1264),
        ("INSERT INTO t VALUES (1, 1, '2024-02-30')", 1292),
        ("INSERT INTO t VALUES (99999999999, 1, NULL)", 1264),
        ("INSERT INTO t VALUES (1, 1)", 1136),
        ("SELECT * FROM nowhere", 1146),
        ("USE nowhere", 1049),
        ("SELECT 18446744073709551615 + 1", 1690),
    ] {
        assert_eq!(error_of(&mut conn, sql).0, code, "{sql}");
    }
    let (code, _) = error_of(&mut conn, &deep);
    assert!(matches!(code, 1064 | 1436 | 3170 | 1235), "deep nesting: {code}");
    let one: Option<u8> = conn.query_first(long).expect("a long chain is legal");
    assert_eq!(one, Some(1));
    let rows: Option<u64> = conn.query_first("SELECT COUNT(*) FROM t").expect("the same connection");
    assert_eq!(rows, Some(0));
}

/// Files below a folder with this ending, in order of their names.
fn files_of(folder: PathBuf, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

fn thousand_rows(server: &AuroraServer) -> mysql::Conn {
    let mut conn = server.connect();
    conn.query_drop("CREATE DATABASE damaged").expect("a database");
    conn.query_drop("CREATE TABLE damaged.t (id INT PRIMARY KEY, v VARCHAR(100))").expect("a table");
    for id in 0..1000 {
        conn.exec_drop("INSERT INTO damaged.t VALUES (?, REPEAT(?, 10))", (id, id.to_string()))
            .expect("a row");
    }
    conn
}

#[test]
fn a_flipped_bit_in_a_table_is_told_and_never_answered() {
    let mut server = AuroraServer::start();
    drop(thousand_rows(&server));
    assert_eq!(server.stop(), 0, "a clean end");
    // A start writes what the log held into tables.
    server.restart();
    assert_eq!(server.stop(), 0, "a clean end");
    let tables = files_of(server.data_dir().join("sst"), "sst");
    assert!(!tables.is_empty(), "no tables were written");
    let greatest = tables
        .iter()
        .max_by_key(|path| fs::metadata(path).map_or(0, |metadata| metadata.len()))
        .expect("a table");
    let mut bytes = fs::read(greatest).expect("its bytes");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x10;
    fs::write(greatest, &bytes).expect("the flipped bit");
    if let Some((code, said)) = server.restart_or_refusal() {
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("aurora check"), "{said}");
        return;
    }
    let mut conn = server.connect();
    let rows = conn.query::<(u32, String), _>("SELECT id, v FROM damaged.t ORDER BY id");
    let error = rows.expect_err("damaged bytes were answered");
    assert!(matches!(error, mysql::Error::MySqlError(_)), "{error}");
    assert!(server.is_alive(), "{}", server.log());
    let one: Option<u8> = server.connect().query_first("SELECT 1").expect("others are served");
    assert_eq!(one, Some(1));
}

/// Where the bytes of the newest segment end.
fn end_of_log(server: &AuroraServer) -> (PathBuf, u64) {
    let segments = files_of(server.data_dir().join("wal"), "wal");
    let with_bytes = segments.iter().rev().find_map(|path| {
        let bytes = fs::read(path).expect("a segment");
        let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
        (end > 512).then(|| (path.clone(), end as u64))
    });
    with_bytes.expect("a segment with chunks")
}

#[test]
fn a_torn_end_of_the_log_is_cut() {
    let mut server = AuroraServer::start();
    drop(thousand_rows(&server));
    server.kill();
    let (segment, end) = end_of_log(&server);
    let file = fs::OpenOptions::new().write(true).open(&segment).expect("the segment");
    file.set_len(end - 5).expect("a shorter segment");
    server.restart();
    let ids: Vec<u32> = server.connect().query("SELECT id FROM damaged.t ORDER BY id").expect("rows");
    assert!(ids.len() >= 990, "only the end may be gone, {} rows are left", ids.len());
    assert!(ids.iter().enumerate().all(|(at, id)| at as u32 == *id), "rows within are gone");
}

#[test]
fn damage_within_the_log_refuses_the_start() {
    let mut server = AuroraServer::start();
    drop(thousand_rows(&server));
    server.kill();
    let (segment, end) = end_of_log(&server);
    let mut bytes = fs::read(&segment).expect("its bytes");
    bytes[(end / 2) as usize] ^= 1;
    fs::write(&segment, bytes).expect("the flipped bit");
    let (code, said) = server.restart_or_refusal().expect("a refusal");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("aurora check"), "{said}");
}
