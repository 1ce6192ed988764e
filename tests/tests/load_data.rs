//! LOAD DATA and SELECT … INTO OUTFILE: statement files of tests/load with MySQL 9.7's answers.
//!
//! Above a statement, `# file: TEXT` is what the client sends for LOCAL, `# file NAME: TEXT` lies in the server's folder
//! `{dir}`; `\n`, `\r`, `\t`, `\0`, `\\` and `\xHH` are escapes. Files that the server writes stand behind the last answer
//! of their test file. `UPDATE=1` asks a real MySQL again, as in golden.rs.

use aurora_tests::{AuroraServer, MySqlServer, peer_script, script};
use mysql::prelude::Queryable;
use mysql::{Conn, LocalInfileHandler};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'0') => out.push(0),
            Some(b'x') => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                out.push(u8::from_str_radix(digits, 16).expect("two digits"));
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

/// Makes a statement's files: the client's, and those of the server in `dir`.
fn provide(conn: &mut Conn, comments: &[String], dir: &Path) {
    for comment in comments {
        if let Some(text) = comment.strip_prefix("# file:") {
            let bytes = unescaped(text.strip_prefix(' ').unwrap_or(text));
            // In pieces, so that rows lie across packets.
            conn.set_local_infile_handler(Some(LocalInfileHandler::new(move |_, stream| {
                bytes.chunks(5).try_for_each(|piece| {
                    stream.write_all(piece)?;
                    stream.flush()
                })
            })));
        } else if let Some((name, text)) =
            comment.strip_prefix("# file ").and_then(|rest| rest.split_once(": "))
        {
            let path = dir.join(name);
            std::fs::write(&path, unescaped(text)).expect("a file of the server");
        }
    }
}

/// Answers of a file's statements; files that they wrote are told behind the answer.
fn answers(path: &Path, conn: &mut Conn, dir: &Path) -> Vec<script::Step> {
    let text = std::fs::read_to_string(path).expect("the statement file");
    script::fresh(conn);
    let mut steps = script::parse(&text);
    for step in &mut steps {
        provide(conn, &step.comments, dir);
        let sql = step.sql.replace("{dir}", &dir.to_string_lossy());
        step.expected = script::run(conn, &sql).replace(&*dir.to_string_lossy(), "{dir}");
        if let Some((_, rest)) = step.sql.split_once("FILE '{dir}/")
            && step.sql.starts_with("SELECT")
            && let Some((name, _)) = rest.split_once('\'')
            && let Ok(written) = std::fs::read(dir.join(name))
        {
            let _ = writeln!(step.expected, "written: {}", written.escape_ascii());
        }
    }
    steps
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("load");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/load")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    files
}

#[test]
fn files_are_loaded_and_written_as_mysql_does() {
    let dir = tempfile::tempdir().expect("a folder for files");
    if std::env::var_os("UPDATE").is_some() {
        let oracle = MySqlServer::start();
        for file in files() {
            let steps = answers(&file, &mut oracle.connect(), dir.path());
            std::fs::write(&file, script::print(&steps)).expect("the file again");
        }
        return;
    }
    let priv_dir = format!("secure_file_priv={}", dir.path().display());
    let server = AuroraServer::start_with(&["--set", "local_infile=ON", "--set", &priv_dir]);
    let mut differences = String::new();
    for file in files() {
        let expected = script::parse(&std::fs::read_to_string(&file).expect("the file"));
        let got = answers(&file, &mut server.connect(), dir.path());
        for (expected, got) in expected.iter().zip(&got) {
            let wanted = expected.ours.as_ref().unwrap_or(&expected.expected);
            if *wanted != got.expected {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let _ = writeln!(
                    differences,
                    "{name}:{}\n{}\nexpected:\n{wanted}got:\n{}",
                    expected.line, expected.sql, got.expected
                );
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// The code of an error that the server answered with.
fn code(conn: &mut Conn, sql: &str) -> u16 {
    match conn.query_drop(sql) {
        Err(mysql::Error::MySqlError(error)) => error.code,
        other => panic!("{sql}: {other:?}"),
    }
}

/// Sends `bytes` for LOCAL, as often as asked.
fn sends(bytes: Vec<u8>) -> LocalInfileHandler {
    LocalInfileHandler::new(move |_, stream| stream.write_all(&bytes))
}

/// Passes one connection on to `server`, until the client has sent so many bytes; then both ends are gone.
fn breaking_proxy(server: u16, after_bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("the client");
        let mut upstream = TcpStream::connect(("127.0.0.1", server)).expect("the server");
        let (mut back_from, mut back_to) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
        let (mut sent, mut piece) = (0, [0; 4096]);
        while sent < after_bytes {
            let Ok(bytes @ 1..) = client.read(&mut piece) else { break };
            if upstream.write_all(&piece[..bytes]).is_err() {
                break;
            }
            sent += bytes;
        }
        // The other ends may be gone already.
        let _ = (client.shutdown(Shutdown::Both), upstream.shutdown(Shutdown::Both));
    });
    port
}

#[test]
fn a_client_that_breaks_off_leaves_no_rows() {
    let server = AuroraServer::start_with(&["--set", "local_infile=ON"]);
    let mut other = server.connect();
    script::fresh(&mut other);
    other.query_drop("CREATE TABLE t (id INT PRIMARY KEY, text VARCHAR(200))").unwrap();
    let port = breaking_proxy(server.port(), 400_000);
    let mut client = server.connect_by(port, "root", server.password()).expect("through the proxy");
    client.query_drop("USE test").unwrap();
    client.set_local_infile_handler(Some(LocalInfileHandler::new(|_, stream| {
        (0..1_000_000).try_for_each(|id| writeln!(stream, "{id}\t{}", "x".repeat(100)))
    })));
    client.query_drop("LOAD DATA LOCAL INFILE 'endless' INTO TABLE t").expect_err("the connection broke");
    // Its session ends, and gives up the rows that it had locked.
    let begun = Instant::now();
    loop {
        let connections: Vec<mysql::Row> = other.query("SHOW PROCESSLIST").unwrap();
        if connections.len() == 1 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the broken session stays");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(other.query_first("SELECT COUNT(*) FROM t").unwrap(), Some(0));
    other.query_drop("INSERT INTO t VALUES (1, 'free')").unwrap();
}

#[test]
fn a_failed_load_in_a_transaction_takes_back_itself_alone() {
    let server = AuroraServer::start_with(&["--set", "local_infile=ON"]);
    let mut conn = server.connect();
    script::fresh(&mut conn);
    conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
    conn.set_local_infile_handler(Some(sends(b"2\n3\nx\n4\n".to_vec())));
    conn.query_drop("START TRANSACTION").unwrap();
    conn.query_drop("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(code(&mut conn, "LOAD DATA LOCAL INFILE 'f' REPLACE INTO TABLE t"), 1366);
    conn.query_drop("COMMIT").unwrap();
    assert_eq!(conn.query::<u32, _>("SELECT id FROM t").unwrap(), [1]);
}

#[test]
fn files_are_refused_where_they_are_not_allowed() {
    let server = AuroraServer::start();
    let mut root = server.connect();
    script::fresh(&mut root);
    root.query_drop("CREATE TABLE t (a VARCHAR(20))").unwrap();
    root.set_local_infile_handler(Some(sends(b"1\n".to_vec())));
    let local = "LOAD DATA LOCAL INFILE 'f' INTO TABLE t";
    assert_eq!(code(&mut root, local), 3948);
    assert_eq!(code(&mut root, "LOAD DATA INFILE '/etc/hostname' INTO TABLE t"), 1290);
    assert_eq!(code(&mut root, "SELECT 1 INTO OUTFILE '/tmp/aurora-never'"), 1290);
    assert_eq!(code(&mut root, "SET GLOBAL secure_file_priv = '/'"), 1238);
    root.query_drop("SET GLOBAL local_infile = ON").unwrap();
    root.query_drop(local).unwrap();
    assert_eq!(root.query_first("SELECT COUNT(*) FROM t").unwrap(), Some(1));

    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(folder.path().join("secret"), "secret\n").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), inside.join("link")).unwrap();
    let option = format!("secure_file_priv={}", inside.display());
    let server = AuroraServer::start_with(&["--set", &option]);
    let mut root = server.connect();
    script::fresh(&mut root);
    root.query_drop("CREATE TABLE t (a VARCHAR(20))").unwrap();
    root.query_drop("CREATE USER u@'%' IDENTIFIED BY 'Pass-word-1'; ").unwrap();
    root.query_drop("GRANT ALL ON test.* TO u@'%'").unwrap();
    let inside = inside.display();
    for path in ["secret", "inside/../secret", "inside/link", "missing", "inside-too/x"] {
        let path = folder.path().join(path);
        let load = format!("LOAD DATA INFILE '{}' INTO TABLE t", path.display());
        assert_eq!(code(&mut root, &load), 1290, "{load}");
        let out = format!("SELECT 1 INTO OUTFILE '{}'", path.display());
        assert_eq!(code(&mut root, &out), 1290, "{out}");
    }
    root.query_drop(format!("SELECT 'x' INTO OUTFILE '{inside}/x'")).unwrap();
    root.query_drop(format!("LOAD DATA INFILE '{inside}/x' INTO TABLE t")).unwrap();
    let mut user = server.connect_by(server.port(), "u", "Pass-word-1").expect("a user");
    user.query_drop("USE test").unwrap();
    assert_eq!(code(&mut user, &format!("LOAD DATA INFILE '{inside}/x' INTO TABLE t")), 1045);
    assert_eq!(code(&mut user, &format!("SELECT 1 INTO OUTFILE '{inside}/y'")), 1227);
    assert!(!Path::new(&format!("{inside}/y")).exists());
}

#[test]
fn the_mysql_client_loads_a_file_of_its_own() {
    let server = AuroraServer::start_with(&["--set", "local_infile=ON"]);
    script::fresh(&mut server.connect());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    let mut rows = String::from("id;name\n");
    for id in 0..5_000 {
        let _ = writeln!(rows, "{id};\"name \"\"{id}\"\" ; of it\"");
    }
    std::fs::write(&path, rows).expect("rows");
    let sql = format!(
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40)); LOAD DATA LOCAL INFILE '{}' INTO TABLE t \
         FIELDS TERMINATED BY ';' ENCLOSED BY '\"' IGNORE 1 LINES; \
         SELECT COUNT(*), SUM(id), SUM(LENGTH(name)), MAX(name) FROM t",
        path.display()
    );
    let output = Command::new(peer_script())
        .args(["run", "mysql", "-h127.0.0.1", "-uroot", "--local-infile", "-vv", "-B", "test", "-e", &sql])
        .arg(format!("-P{}", server.port()))
        .env("MYSQL_PWD", server.password())
        .output()
        .expect("tests/peers/mysql.sh");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Records: 5000  Deleted: 0  Skipped: 0  Warnings: 0"), "{said}");
    assert!(said.contains("5000\t12497500\t"), "{said}");
    assert!(said.contains("name \"999\" ; of it"), "{said}");
}
