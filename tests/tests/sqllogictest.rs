//! Files of the sqllogictest format against our server over the wire.
//!
//! `AURORA_SLT=/path/to/files cargo nextest run -p aurora-tests --run-ignored all sqllogictest` runs every `*.test`
//! beneath the path; without it the files of `tests/slt`. `AURORA_SLT_URL` names a running server instead of one of
//! our own, and `AURORA_SLT_SHOW` how many differences of a file are shown (8 unless told).

use aurora_tests::AuroraServer;
use md5::{Digest, Md5};
use mysql::prelude::Queryable;
use mysql::{Conn, Opts, Value};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One record of a file.
struct Record<'a> {
    line: usize,
    sql: String,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Statement { succeeds: bool },
    Query { types: &'a str, sort: Sort, expected: Vec<&'a str> },
    Halt,
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    None,
    Rows,
    Values,
}

/// The records that a MySQL server is asked: those of other engines (`skipif mysql`, `onlyif mssql`) are left out.
fn parse(text: &str) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    let mut skip = false;
    while let Some((number, line)) = lines.next() {
        let mut words = line.split_whitespace();
        let kind = match words.next() {
            None => continue,
            Some(word) if word.starts_with('#') => continue,
            Some("onlyif") => {
                skip |= words.next() != Some("mysql");
                continue;
            }
            Some("skipif") => {
                skip |= words.next() == Some("mysql");
                continue;
            }
            // Whether an answer is hashed shows in the answer itself.
            Some("hash-threshold") => continue,
            Some("halt") => Kind::Halt,
            Some("statement") => Kind::Statement { succeeds: words.next() == Some("ok") },
            Some("query") => {
                let types = words.next().unwrap_or("");
                let sort = match words.next() {
                    Some("rowsort") => Sort::Rows,
                    Some("valuesort") => Sort::Values,
                    _ => Sort::None,
                };
                Kind::Query { types, sort, expected: Vec::new() }
            }
            Some(word) => panic!("line {}: {word} is no record", number + 1),
        };
        let mut record = Record { line: number + 1, sql: String::new(), kind };
        if matches!(record.kind, Kind::Statement { .. } | Kind::Query { .. }) {
            let mut in_result = false;
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
                match &mut record.kind {
                    Kind::Query { expected, .. } if in_result => expected.push(line),
                    _ if line == "----" => in_result = true,
                    _ => {
                        record.sql.push_str(line);
                        record.sql.push('\n');
                    }
                }
            }
        }
        if !std::mem::take(&mut skip) {
            records.push(record);
        }
    }
    records
}

/// A value as the format writes it for the column's letter.
fn render(value: &Value, letter: u8) -> String {
    let text = match value {
        Value::NULL => return "NULL".to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.as_sql(true),
    };
    match letter {
        b'I' => match text.parse::<i128>() {
            Ok(number) => number.to_string(),
            Err(_) => text.parse::<f64>().map_or(0, |number| number as i64).to_string(),
        },
        b'R' => format!("{:.3}", text.parse::<f64>().unwrap_or(0.0)),
        _ if text.is_empty() => "(empty)".to_string(),
        _ => text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '@' }).collect(),
    }
}

/// The answer in the form the file has it: values one a line, or their number and hash.
fn answer(rows: &[Vec<Value>], types: &str, sort: Sort, hashed: bool) -> Vec<String> {
    let types = types.as_bytes();
    let mut rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter().enumerate().map(|(at, v)| render(v, types.get(at).copied().unwrap_or(b'T'))).collect()
        })
        .collect();
    if sort == Sort::Rows {
        rows.sort();
    }
    let mut values: Vec<String> = rows.into_iter().flatten().collect();
    if sort == Sort::Values {
        values.sort();
    }
    if hashed {
        let mut hash = Md5::new();
        for value in &values {
            hash.update(value.as_bytes());
            hash.update(b"\n");
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        return vec![format!("{} values hashing to {hex}", values.len())];
    }
    values
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    time: Duration,
    slowest: (Duration, usize),
}

fn run(path: &Path, conn: &mut Conn) -> Tally {
    let text = std::fs::read_to_string(path).expect("the file");
    let mut tally = Tally::default();
    let begun = Instant::now();
    for record in parse(&text) {
        let started = Instant::now();
        let failure = match &record.kind {
            Kind::Halt => break,
            Kind::Statement { succeeds } => match (conn.query_drop(&record.sql), succeeds) {
                (Ok(()), true) | (Err(_), false) => None,
                (Ok(()), false) => Some("succeeds".to_string()),
                (Err(error), true) => Some(error.to_string()),
            },
            Kind::Query { types, sort, expected } => match conn.query::<mysql::Row, _>(&record.sql) {
                Err(error) => Some(error.to_string()),
                Ok(rows) => {
                    let rows: Vec<Vec<Value>> = rows.into_iter().map(mysql::Row::unwrap).collect();
                    let hashed = expected.first().is_some_and(|line| line.contains(" values hashing to "));
                    let got = answer(&rows, types, *sort, hashed);
                    (got != *expected).then(|| format!("expected {expected:?}\n     got      {got:?}"))
                }
            },
        };
        tally.slowest = tally.slowest.max((started.elapsed(), record.line));
        match failure {
            None => tally.passed += 1,
            Some(why) => {
                tally.failed.push(format!("{}:{}: {}     {why}", path.display(), record.line, record.sql))
            }
        }
    }
    tally.time = begun.elapsed();
    tally
}

fn files_beneath(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder of files") {
            files_beneath(&entry.expect("an entry").path(), into);
        }
    } else if path.extension().is_some_and(|extension| extension == "test") {
        into.push(path.to_path_buf());
    }
}

#[test]
#[ignore = "hundreds of thousands of queries; AURORA_SLT names the files"]
fn sqllogictest_files_answer_as_recorded() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let root = std::env::var_os("AURORA_SLT").map_or(own, PathBuf::from);
    let show = std::env::var("AURORA_SLT_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let mut files = Vec::new();
    files_beneath(&root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "no *.test beneath {}", root.display());

    let url = std::env::var("AURORA_SLT_URL").ok();
    let server = url.is_none().then(AuroraServer::start);
    let connect = || match (&url, &server) {
        (Some(url), _) => Conn::new(Opts::from_url(url).expect("AURORA_SLT_URL")).expect("the server of it"),
        (None, Some(server)) => server.connect(),
        (None, None) => unreachable!("one of both is there"),
    };
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let mut conn = connect();
        let schema = format!("slt_{}", std::process::id());
        conn.query_drop(format!("DROP DATABASE IF EXISTS {schema}")).expect("no old schema");
        conn.query_drop(format!("CREATE DATABASE {schema}")).expect("a schema of its own");
        conn.query_drop(format!("USE {schema}")).expect("the schema");
        conn.query_drop("SET sql_mode = ''").expect("the mode of the recorded answers");
        let tally = run(&file, &mut conn);
        println!(
            "{}: {} passed, {} failed, {:.1?}; slowest {:.1?} at line {}",
            file.strip_prefix(&root).unwrap_or(&file).display(),
            tally.passed,
            tally.failed.len(),
            tally.time,
            tally.slowest.0,
            tally.slowest.1,
        );
        for failure in tally.failed.iter().take(show) {
            println!("  {failure}");
        }
        conn.query_drop(format!("DROP DATABASE {schema}")).expect("the schema gone");
        passed += tally.passed;
        failed += tally.failed.len();
    }
    println!("{passed} passed, {failed} failed");
    assert_eq!(failed, 0, "records that answer otherwise");
}

#[cfg(test)]
mod format {
    use super::*;

    #[test]
    fn records_for_other_engines_are_left_out() {
        let text = "skipif mysql\nstatement ok\na\n\nonlyif mysql # why\nquery IR rowsort x\nb\nc\n----\n1\n2.000\n\n";
        let records = parse(text);
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].line, records[0].sql.as_str()), (6, "b\nc\n"));
        assert!(
            matches!(&records[0].kind, Kind::Query { types: "IR", sort: Sort::Rows, expected } if expected == &["1", "2.000"])
        );
    }

    #[test]
    fn long_answers_are_a_hash() {
        let rows = vec![vec![Value::Bytes(b"2".to_vec())], vec![Value::NULL]];
        assert_eq!(answer(&rows, "I", Sort::Values, false), ["2", "NULL"]);
        assert!(answer(&rows, "I", Sort::Rows, true)[0].starts_with("2 values hashing to "));
    }
}
