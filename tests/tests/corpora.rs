//! Whole dumps of mysqldump through the mysql command line, table by table compared with what MySQL counts in them.
//!
//! `AURORA_CORPORA` (default `../shared/corpora`) is a folder with `checks.tsv` and the dumps that it names; without one the shop
//! stands alone (`tests/fixtures/shop.sql`, a schema of every type; `make-shop` makes it anew).

use aurora_tests::{AuroraServer, corpora_dir, peer_script, read_gz_with_system_tool};
use mysql::prelude::Queryable;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A table, view or other thing with MySQL's count and sum of checksums.
struct Check {
    object: String,
    kind: String,
    rows: u64,
    sum: String,
    sql: String,
}

/// Lines of a file of checks, behind its comments and head: the last five columns, whatever stands before them.
fn checks(path: &Path) -> Vec<(Vec<String>, Check)> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).skip(1);
    lines
        .map(|line| {
            let cells: Vec<String> = line.split('\t').map(str::to_string).collect();
            let [.., object, kind, rows, sum, sql] = cells.as_slice() else { panic!("{line}") };
            let check = Check {
                object: object.clone(),
                kind: kind.clone(),
                rows: rows.parse().unwrap_or_else(|_| panic!("{line}")),
                sum: sum.clone(),
                sql: sql.clone(),
            };
            (cells[..cells.len() - 5].to_vec(), check)
        })
        .collect()
}

/// Pipes the dump through `mysql --force`; what the client says on standard error.
fn load(server: &AuroraServer, dump: Vec<u8>) -> String {
    let installed = Command::new(peer_script()).arg("install").status().expect("tests/peers/mysql.sh");
    assert!(installed.success(), "the mysql command line cannot be fetched");
    let mut client = Command::new(peer_script())
        .args(["run", "mysql", "--no-defaults", "--force", "--host=127.0.0.1", "--user=root"])
        .args([
            &format!("--port={}", server.port()),
            "--ssl-mode=REQUIRED",
            "--default-character-set=utf8mb4",
        ])
        .env("MYSQL_PWD", server.password())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the mysql command line");
    let mut input = client.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || input.write_all(&dump));
    let output = client.wait_with_output().expect("its end");
    writer.join().expect("the writer").expect("the dump went in");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Errors of a load that are not "not supported yet" (1235).
fn real_errors(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.starts_with("ERROR") && !line.starts_with("ERROR 1235 ")).collect()
}

/// Tables must agree in rows and checksums; of the rest it is told what agrees.
fn compare(server: &AuroraServer, name: &str, checks: &[Check]) -> Vec<String> {
    let mut conn = server.connect();
    conn.query_drop("SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = DEFAULT")
        .expect("the session's settings");
    let mut wrong = Vec::new();
    let mut others = BTreeMap::<&str, (usize, usize)>::new();
    let mut rows = 0;
    for check in checks {
        let answer = conn.query_first::<(u64, String), _>(&check.sql);
        let agrees = matches!(&answer, Ok(Some((count, sum))) if *count == check.rows && *sum == check.sum);
        if check.kind == "table" {
            rows += check.rows;
        } else {
            let (agree, all) = others.entry(&check.kind).or_default();
            *agree += usize::from(agrees);
            *all += 1;
        }
        if !agrees {
            let (object, kind, expected, sum) = (&check.object, &check.kind, check.rows, &check.sum);
            let line =
                format!("{name}: {kind} {object}: expected {expected} rows, sum {sum}; got {answer:?}");
            if check.kind == "table" {
                wrong.push(line);
            } else {
                println!("{line}");
            }
        }
    }
    let tables = checks.iter().filter(|check| check.kind == "table").count();
    println!("{name}: {} of {tables} tables with {rows} rows agree", tables - wrong.len());
    for (kind, (agree, all)) in others {
        println!("{name}: {agree} of {all} of kind {kind} agree");
    }
    wrong
}

#[test]
fn the_shop_loads_and_adds_up() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut server = AuroraServer::start();
    let said = load(&server, std::fs::read(fixtures.join("shop.sql")).expect("shop.sql"));
    assert!(said.lines().all(|line| !line.starts_with("ERROR")), "{said}");
    let checks: Vec<Check> = checks(&fixtures.join("shop.tsv")).into_iter().map(|(_, check)| check).collect();
    let wrong = compare(&server, "shop", &checks);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The same after a crash, from what lies on disk.
    server.kill();
    server.restart();
    let wrong = compare(&server, "shop, restarted", &checks);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sample_databases_load_and_add_up() {
    let Some(folder) = corpora_dir() else { return };
    let mut dumps = BTreeMap::<PathBuf, Vec<Check>>::new();
    for (before, check) in checks(&folder.join("checks.tsv")) {
        let [dump, _database] = before.as_slice() else { panic!("checks.tsv: {before:?}") };
        // GEOMETRY is not built yet.
        if !dump.contains("spatial") {
            dumps.entry(folder.join(dump)).or_default().push(check);
        }
    }
    let server = AuroraServer::start();
    let mut wrong = Vec::new();
    for (dump, checks) in dumps {
        let name = dump.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let said = load(&server, read_gz_with_system_tool(&dump));
        println!("{name}: {} statements are not supported yet", said.matches("ERROR 1235 ").count());
        wrong.extend(real_errors(&said).iter().map(|line| format!("{name}: {line}")));
        wrong.extend(compare(&server, &name, &checks));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
