//! Every statement file of tests/sql against our server, held to MySQL 9.7's answers.
//!
//! `UPDATE=1 cargo nextest run -p aurora-tests golden` asks a real MySQL 9.7 again and rewrites the files, and does no more.
//! `AURORA_SQL=joins` runs the files whose name contains the word.

use aurora_tests::{AuroraServer, MySqlServer, script};
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let wanted = std::env::var("AURORA_SQL").unwrap_or_default();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("tests/sql")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .filter(|path| path.to_string_lossy().contains(&wanted))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no statement files match");
    files
}

#[test]
fn statement_files_answer_as_mysql_does() {
    if std::env::var_os("UPDATE").is_some() {
        let oracle = MySqlServer::start();
        for file in files() {
            let text = script::rewrite(&file, &mut oracle.connect());
            std::fs::write(&file, text).expect("the file again");
        }
        return;
    }
    let server = AuroraServer::start();
    let mut differences = Vec::new();
    let mut steps = 0;
    for file in files() {
        steps += script::parse(&std::fs::read_to_string(&file).expect("the file")).len();
        differences.extend(script::check(&file, &mut server.connect()));
    }
    assert!(
        differences.is_empty(),
        "{} of {steps} statements differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    println!("{steps} statements answered as MySQL 9.7 does");
}
