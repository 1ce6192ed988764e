//! `--set audit=…` and `--set encryption=…`: what they do, what is seen of them, what is refused.

use aurora_tests::{AuroraServer, binary};
use mysql::prelude::Queryable;
use std::path::Path;
use std::process::Command;

const MARK: &str = "a sentence that nobody would write by chance";

fn variable(server: &AuroraServer, name: &str) -> String {
    let row: Option<(String, String)> =
        server.connect().query_first(format!("SHOW GLOBAL VARIABLES LIKE '%{name}%'")).expect("answered");
    row.expect("there is one").1
}

/// Events of the closed log, their names in order.
fn events(server: &AuroraServer) -> Vec<(String, String)> {
    let output = Command::new(binary("aurora"))
        .args(["audit", "export", server.data_dir().to_str().expect("UTF-8"), "--format", "jsonl"])
        .output()
        .expect("aurora runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let field = |line: &str, name: &str| -> String {
        let start = format!("\"{name}\":\"");
        let rest = line.split_once(&start).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    text.lines().map(|line| (field(line, "event"), field(line, "object"))).collect()
}

fn tool(words: &[&str], server: &AuroraServer) -> String {
    let output =
        Command::new(binary("aurora")).args(words).arg(server.data_dir()).output().expect("aurora runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

/// Whether a file below `dir` holds the bytes in the clear.
fn holds(dir: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).expect("a folder").flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        std::fs::read(&path).is_ok_and(|file| file.windows(bytes.len()).any(|piece| piece == bytes))
    })
}

fn write_mark(server: &AuroraServer) {
    let mut conn = server.connect();
    conn.query_drop("CREATE DATABASE d").expect("made");
    conn.query_drop("CREATE TABLE d.t (a TEXT)").expect("made");
    conn.exec_drop("INSERT INTO d.t VALUES (?)", (MARK,)).expect("stored");
}

fn read_mark(server: &AuroraServer) -> String {
    server.connect().query_first("SELECT a FROM d.t").expect("answered").expect("a row")
}

#[test]
fn audit_off_records_that_and_nothing_more() {
    let mut server = AuroraServer::start_with(&["--set", "audit=OFF"]);
    assert_eq!(variable(&server, "audit"), "OFF");
    assert!(server.log().contains("WARN") && server.log().contains("audit=OFF"), "{}", server.log());
    let mut conn = server.connect();
    let refused = conn.query_drop("SET GLOBAL audit = 'ON'").expect_err("read-only");
    assert!(refused.to_string().contains("1238"), "{refused}");
    let named: String = conn.query_first("SELECT @@audit").expect("answered").expect("a row");
    assert_eq!(named, "OFF");
    conn.query_drop("CREATE DATABASE unseen").expect("made");
    drop(conn);
    assert_eq!(server.stop(), 0);
    let told = events(&server);
    assert_eq!(told.iter().rfind(|(event, _)| event != "checkpoint").map(|(event, _)| &**event), Some("off"));
    assert!(told.iter().all(|(event, _)| ["start", "off", "checkpoint"].contains(&&**event)), "{told:?}");
    tool(&["audit", "verify"], &server);
}

#[test]
fn audit_modes_record_the_same() {
    for (mode, name) in
        [("ON", "by class"), ("ASYNC", "async"), ("WRITTEN", "written"), ("DURABLE", "durable")]
    {
        let mut server = AuroraServer::start_with(&["--set", &format!("audit={}", mode.to_lowercase())]);
        assert_eq!(variable(&server, "audit"), mode);
        assert_eq!(server.log().contains("audit=ASYNC"), mode == "ASYNC", "{}", server.log());
        server.connect().query_drop("CREATE DATABASE seen").expect("made");
        assert_eq!(server.stop(), 0);
        let told = events(&server);
        assert_eq!(told.first(), Some(&("start".to_owned(), name.to_owned())));
        for event in ["connect", "create_db", "stop"] {
            assert!(told.iter().any(|(told, _)| told == event), "{mode}: no {event} in {told:?}");
        }
        tool(&["audit", "verify"], &server);
    }
}

#[test]
fn a_folder_made_without_encryption_stays_so() {
    let mut server = AuroraServer::start_with(&["--set", "encryption=OFF"]);
    assert_eq!(encryption(&server), "OFF");
    assert!(
        server.log().contains("encryption=OFF") && server.log().contains("NOT encrypted"),
        "{}",
        server.log()
    );
    write_mark(&server);
    assert_eq!(server.stop(), 0);
    assert!(holds(&server.data_dir(), MARK.as_bytes()), "the option is to have an effect");
    tool(&["check"], &server);

    server.set_options(&[]);
    server.restart();
    assert_eq!(encryption(&server), "OFF");
    assert_eq!(read_mark(&server), MARK);
    server.kill();
    for option in [&["--set", "encryption=ON"][..], &["--key-file", "/dev/null"]] {
        server.set_options(option);
        let (code, said) = server.restart_or_refusal().expect("refused");
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("made without encryption") && said.contains("--data-dir"), "{said}");
    }
    server.set_options(&["--set", "encryption=OFF"]);
    server.restart();
    assert_eq!(read_mark(&server), MARK);
}

#[test]
fn an_encrypted_folder_is_not_opened_without() {
    let mut server = AuroraServer::start();
    assert_eq!(encryption(&server), "ON");
    write_mark(&server);
    assert_eq!(server.stop(), 0);
    assert!(!holds(&server.data_dir(), MARK.as_bytes()));

    server.set_options(&["--set", "encryption=OFF"]);
    let (code, said) = server.restart_or_refusal().expect("refused");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is encrypted") && said.contains("leave the option out"), "{said}");
    server.set_options(&["--set", "encryption=OFF", "--key-file", "/dev/null"]);
    let (code, said) = server.restart_or_refusal().expect("refused");
    assert_eq!(code, 2, "{said}");

    let (registry, aside) = (server.data_dir().join("keys/registry"), server.data_dir().join("keys/aside"));
    std::fs::rename(&registry, &aside).expect("moved");
    for options in [&[][..], &["--set", "encryption=OFF"]] {
        server.set_options(options);
        let (code, said) = server.restart_or_refusal().expect("refused");
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("restore the folder `keys`"), "{said}");
    }
    std::fs::rename(&aside, &registry).expect("moved back");
    server.set_options(&["--set", "encryption=1"]);
    server.restart();
    assert_eq!(read_mark(&server), MARK);
}

fn encryption(server: &AuroraServer) -> String {
    let row: Option<(String, String)> =
        server.connect().query_first("SHOW VARIABLES LIKE 'encryption'").expect("answered");
    row.expect("there is one").1
}
