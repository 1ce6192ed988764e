//! The statement files through a second, independent server stack: a session of our own behind opensrv-mysql.
//!
//! What both stacks share is the session; what differs is everything between it and the client. An answer that is not
//! the same through both is a fault of our wire or frontend, or one of opensrv's known gaps, which are counted.
//!
//! opensrv-mysql 0.7 reads freed memory when a client sends the next packet before the answer to the last: it listens on
//! loopback here, for the one client of this test, which never does.

mod answer;
mod shim;
mod sqlstates;
mod stack;

use answer::{Answer, Gaps};
use aurora_tests::{AuroraServer, script};
use mysql::Conn;
use stack::SecondStack;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/sql")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    files
}

/// Runs a file through both; the differences in words, and how many statements were compared.
fn compare(path: &Path, ours: &mut Conn, second: &mut Conn, gaps: &mut Gaps) -> (Vec<String>, usize) {
    let text = std::fs::read_to_string(path).expect("the file");
    script::fresh(ours);
    script::fresh(second);
    let mut differences = Vec::new();
    let mut compared = 0;
    for step in script::parse(&text) {
        let through_ours = Answer::of(ours, &step.sql);
        let through_second = Answer::of(second, &step.sql);
        match through_ours.difference(&through_second, gaps) {
            None => compared += 1,
            Some(difference) => differences.push(format!(
                "{}:{} {}\n{difference}",
                path.file_name().unwrap_or_default().to_string_lossy(),
                step.line,
                step.sql
            )),
        }
    }
    (differences, compared)
}

#[test]
fn statement_files_answer_the_same_through_opensrv() {
    let server = AuroraServer::start();
    let second = SecondStack::start(server.port(), &server.data_dir());
    let mut gaps = Gaps::default();
    let mut differences = Vec::new();
    let mut compared = 0;
    for file in files() {
        let (found, same) = compare(&file, &mut server.connect(), &mut second.connect(), &mut gaps);
        differences.extend(found);
        compared += same;
    }
    assert!(
        differences.is_empty(),
        "{} statements answer differently, {compared} the same:\n{}",
        differences.len(),
        differences.join("\n")
    );
    println!("{compared} statements answer the same through both stacks; {gaps}");
}

#[test]
fn the_error_table_agrees_with_opensrv_s_or_with_mysql() {
    let found = sqlstates::compare();
    assert!(found.differences.is_empty(), "{}", found.differences.join("\n"));
    println!("{found}");
}
