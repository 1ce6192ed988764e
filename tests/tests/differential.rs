//! The statement files of tests/sql, live against MySQL 9.7 and against us: how many statements are answered the same, with
//! columns, rows, counts, warnings and errors alike.
//!
//! A campaign: `cargo nextest run --profile long --run-ignored all --no-capture -p aurora-tests differential`.
//! `AURORA_DIFFERENTIAL` may name a folder with more statement files; `AURORA_SQL` picks files by name, and
//! `AURORA_AGREEMENT` is the percentage below which the run fails (default 95).

use aurora_tests::{AuroraServer, MySqlServer, script};
use mysql::prelude::Queryable;
use std::path::{Path, PathBuf};

fn folders() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")];
    if let Some(more) = std::env::var_os("AURORA_DIFFERENTIAL").map(PathBuf::from).filter(|dir| dir.is_dir())
    {
        folders.push(more);
    }
    folders
}

fn files() -> Vec<PathBuf> {
    let wanted = std::env::var("AURORA_SQL").unwrap_or_default();
    let mut files = Vec::new();
    for folder in folders() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "test")
                && path.to_string_lossy().contains(&wanted)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Rows, warnings and errors alike, whatever the columns are said to be.
fn answers_same_values(theirs: &str, ours: &str) -> bool {
    let behind_columns = |answer: &str| {
        let (columns, rest) = answer.split_once('\n').unwrap_or((answer, ""));
        (!columns.starts_with("ok") && !columns.contains("error ")).then(|| rest.to_string())
    };
    matches!((behind_columns(theirs), behind_columns(ours)), (Some(theirs), Some(ours)) if theirs == ours)
}

/// In what two answers differ first.
fn kind_of_difference(theirs: &str, ours: &str) -> &'static str {
    let is_error = |answer: &str| answer.starts_with("error ");
    let (their_first, our_first) = (theirs.lines().next().unwrap_or(""), ours.lines().next().unwrap_or(""));
    match (is_error(theirs), is_error(ours)) {
        (false, true) if our_first.starts_with("error 1235") => "not supported yet",
        (false, true) => "we fail",
        (true, false) => "we accept",
        (true, true) => "another error",
        (false, false) if their_first != our_first && their_first.starts_with("ok") => "counts",
        (false, false) if their_first != our_first => "columns",
        (false, false) => "rows or warnings",
    }
}

#[test]
#[ignore = "a campaign with a real MySQL: --run-ignored all"]
fn mysql_and_we_answer_the_same() {
    let least: f64 =
        std::env::var("AURORA_AGREEMENT").ok().map_or(95.0, |text| text.parse().expect("a number"));
    let oracle = MySqlServer::start();
    let server = AuroraServer::start();
    let (mut same, mut same_values, mut all) = (0usize, 0usize, 0usize);
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    for file in files() {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_string();
        let steps = script::parse(&std::fs::read_to_string(&file).expect("the file"));
        let (mut their_conn, mut our_conn) = (oracle.connect(), server.connect());
        script::fresh(&mut their_conn);
        script::fresh(&mut our_conn);
        let mut agreed = 0;
        for step in &steps {
            let theirs = script::run(&mut their_conn, &step.sql);
            let ours = script::run(&mut our_conn, &step.sql);
            if theirs == ours {
                agreed += 1;
                same_values += 1;
                continue;
            }
            same_values += usize::from(answers_same_values(&theirs, &ours));
            if ours.starts_with("client error") {
                // A connection that was lost must not fail the rest of its file.
                our_conn = server.connect();
                our_conn.query_drop("USE test").expect("the database");
            }
            let kind = kind_of_difference(&theirs, &ours);
            *kinds.entry(kind).or_default() += 1;
            println!("{name}:{} ({kind})\n  {}\n  MySQL:\n{theirs}  AuroraDB:\n{ours}", step.line, step.sql);
        }
        println!("{name}: {agreed} of {} alike", steps.len());
        same += agreed;
        all += steps.len();
    }
    assert!(all > 0, "no statement files match");
    let agreement = 100.0 * same as f64 / all as f64;
    println!("agreement: {same} of {all} statements, {agreement:.2} %");
    println!("alike but for the description of columns: {:.2} %", 100.0 * same_values as f64 / all as f64);
    for (kind, count) in kinds {
        println!("  {kind}: {count}");
    }
    assert!(agreement >= least, "agreement {agreement:.2} % is below {least} %");
}
