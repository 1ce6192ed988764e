//! `aurora bench race` at its smallest: every peer, one round, consistency checks on. That it measures, not what.

use aurora_tests::{binary, peer_script};
use serde_json::Value;
use std::process::{Command, Output};

/// One work of each kind, those included that take long at other scales.
const WORKS: [&str; 17] = [
    "start",
    "oltp-point-select",
    "oltp-read-write-8",
    "oltp-insert-16",
    "hot-counter-16",
    "bulk-insert",
    "load-dump",
    "load-data",
    "tpcc",
    "tpch",
    "clickbench",
    "join-order",
    "ycsb-a",
    "mixed",
    "disk",
    "recovery",
    "connection-storm",
];
/// Their data are looked at afterwards, and the sides say what was found right.
const CHECKED: [&str; 8] = [
    "oltp-read-write-8",
    "oltp-insert-16",
    "hot-counter-16",
    "tpcc",
    "tpch",
    "clickbench",
    "disk",
    "recovery",
];
const LEAST: [&str; 7] = ["--scale", "least", "--rounds", "1", "--seconds", "0.2", "--json"];

fn bench(args: &[&str]) -> Output {
    Command::new(binary("aurora"))
        .arg("bench")
        .args(args)
        .output()
        .expect("build it first: cargo build -p aurora-server -p aurora-tools")
}

/// The peers that this machine can have; MySQL is a must.
fn peers() -> Vec<&'static str> {
    let all = [
        ("mysql", "mysql.sh"),
        ("myrocks", "mariadb.sh"),
        ("postgres", "postgres.sh"),
        ("duckdb", "duckdb.sh"),
    ];
    let there = all.into_iter().filter(|(name, script)| {
        let installed = Command::new(peer_script().with_file_name(script)).arg("install").output();
        let is_there = installed.as_ref().is_ok_and(|output| output.status.success());
        assert!(is_there || *name != "mysql", "{installed:?}");
        if !is_there {
            eprintln!("{name} is not raced: its script cannot install it here: {installed:?}");
        }
        is_there
    });
    there.map(|(name, _)| name).collect()
}

/// The rows that a race printed. What we cannot do yet stands in the table as a failed row, and is none here.
fn raced(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let rows: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{output:?}"));
    let mut wrong = Vec::new();
    for row in &rows {
        let error = row["error"].as_str().unwrap_or_default();
        if !error.is_empty() && !error.contains("not raced: ") && !error.contains("ERROR 1235") {
            wrong.push(format!("{} against {}: {error}", row["work"], row["peer"]));
        }
        if error.is_empty() {
            let figures = [&row["ours"], &row["theirs"]].map(Value::is_f64);
            assert_eq!(figures, [true, true], "{row}");
            let work = row["work"].as_str().and_then(|work| work.split(": ").next()).unwrap_or_default();
            assert!(row["checked"].is_string() || !CHECKED.contains(&work), "{work} was not checked: {row}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    rows
}

#[test]
fn every_peer_is_raced() {
    let peers = peers();
    let folder = tempfile::tempdir().expect("a folder");
    let [page, saved] = ["race.html", "race.json"].map(|name| folder.path().join(name));
    let mut args = [&["race"], &LEAST[..]].concat();
    let against = peers.join(",");
    args.extend(["--against", &against, "--html", page.to_str().expect("UTF-8")]);
    args.extend(["--save", saved.to_str().expect("UTF-8")]);
    args.extend(WORKS);
    let rows = raced(&bench(&args));
    for work in WORKS {
        for peer in &peers {
            let is_row = |row: &&Value| {
                let starts =
                    |field: &str, with: &str| row[field].as_str().is_some_and(|text| text.starts_with(with));
                starts("work", &format!("{work}: ")) && starts("peer", peer)
            };
            assert!(rows.iter().any(|row| is_row(&row)), "no row of {work} against {peer}");
        }
    }
    assert!(std::fs::read_to_string(page).is_ok_and(|page| page.contains("<svg")), "no pictures");
    let saved = saved.to_str().expect("UTF-8");
    let compared = bench(&["compare", saved, saved]);
    assert!(compared.status.success(), "{compared:?}");
}

/// The same server with another engine, and ours with other options.
#[test]
fn mariadb_and_ourselves_are_raced() {
    let against = if peers().contains(&"myrocks") { "mariadb,aurora" } else { "aurora" };
    let rows = raced(&bench(&[&["race", "oltp-point-select", "--against", against], &LEAST[..]].concat()));
    for peer in against.split(',') {
        let is_measured = |row: &&Value| {
            row["error"].is_null() && row["peer"].as_str().is_some_and(|name| name.starts_with(peer))
        };
        assert!(rows.iter().any(|row| is_measured(&row)), "{peer}: {rows:#?}");
    }
}

#[test]
fn what_cannot_be_raced_is_refused() {
    for (args, code, words) in [
        (vec!["race", "point-selekt"], 2, "no work is named `point-selekt`"),
        (vec!["race", "start", "--against", "oracle"], 2, "no peer is named `oracle`"),
        (vec!["race", "start", "--target", "mysql=nowhere"], 2, "NAME=SCHEME://"),
        (vec!["race", "start", "--seconds", "0"], 2, "--seconds"),
        (vec!["race", "start", "--server", "/nonexistent/auroradb", "--against", "none"], 1, "is not there"),
        (vec!["race", "start", "--peer-scripts", "/nonexistent", "--against", "duckdb"], 1, "duckdb.sh"),
        (vec!["race", "start", "--target", "mysql=mysql://root@127.0.0.1:1"], 1, "mysql (127.0.0.1:1)"),
        (vec!["race", "start", "--dir", "/nonexistent", "--against", "none"], 1, "cannot make a folder"),
        (vec!["compare", "/nonexistent.json", "/nonexistent.json"], 1, "cannot read"),
    ] {
        let output = bench(&args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        assert!(error.contains(words), "{args:?}: {error}");
    }
}
