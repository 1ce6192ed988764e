//! Statements that take long: others go on beside them, KILL and the server's end reach them.

use aurora_tests::AuroraServer;
use mysql::Conn;
use mysql::prelude::Queryable;
use std::time::{Duration, Instant};

/// Far more rows to compare than a test has time for.
const REPORT: &str = "SELECT COUNT(*) FROM d.t x, d.t y, d.t z WHERE x.b + y.b + z.b < 0";
/// A server that hears nobody would take until the reports end.
const SOON: Duration = Duration::from_secs(10);

fn killed(result: mysql::Result<Option<i64>>) -> u16 {
    match result {
        Err(mysql::Error::MySqlError(error)) => error.code,
        other => panic!("a report was not interrupted: {other:?}"),
    }
}

#[test]
fn reports_hold_up_nobody_and_can_be_ended() {
    let mut server = AuroraServer::start();
    let mut root = server.connect();
    root.query_drop("CREATE DATABASE d").expect("made");
    root.query_drop("CREATE TABLE d.t (a INT PRIMARY KEY, b INT)").expect("made");
    let rows: Vec<String> = (0..900).map(|n| format!("({n},{n})")).collect();
    // The first plans take the table for empty, and so for quick.
    let mut reporters: Vec<Conn> = (0..4).map(|_| server.connect()).collect();
    for reporter in &mut reporters {
        assert_eq!(reporter.query_first::<i64, _>(REPORT).expect("no rows"), Some(0));
    }
    root.query_drop(format!("INSERT INTO d.t VALUES {}", rows.join(","))).expect("inserted");
    let ids: Vec<u32> = reporters.iter().map(Conn::connection_id).collect();
    let reports: Vec<_> = reporters
        .into_iter()
        .map(|mut reporter| std::thread::spawn(move || killed(reporter.query_first(REPORT))))
        .collect();
    std::thread::sleep(Duration::from_millis(500));

    let begun = Instant::now();
    let mut other = server.connect();
    let running: i64 = other
        .query_first(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT COUNT%d.t x%'",
        )
        .expect("answered")
        .expect("a row");
    // All of them, and this statement.
    assert_eq!(running, 5);
    for id in &ids[..2] {
        other.query_drop(format!("KILL QUERY {id}")).expect("killed");
    }
    let mut reports = reports.into_iter();
    for report in reports.by_ref().take(2) {
        assert_eq!(report.join().expect("no panic"), 1317);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());

    drop((root, other));
    let begun = Instant::now();
    assert_eq!(server.stop(), 0, "{}", server.log());
    assert!(begun.elapsed() < 2 * SOON, "{:?}", begun.elapsed());
    for report in reports {
        assert!([1317, 1053].contains(&report.join().expect("no panic")));
    }
}
