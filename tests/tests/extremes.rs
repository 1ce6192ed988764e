//! Values at the ends of their types, a statement a line: an answer or an error, never a panic. Debug builds check
//! every addition.

use aurora_tests::AuroraServer;
use mysql::prelude::Queryable;

/// What the server says of a statement that panicked.
const INTERNAL_ERROR: u16 = 1105;

#[test]
fn extreme_values_never_panic() {
    let server = AuroraServer::start();
    let mut conn = server.connect();
    let mut failures = Vec::new();
    for sql in include_str!("../fixtures/extremes.sql").lines() {
        match conn.query_drop(sql) {
            Ok(()) => {}
            Err(mysql::Error::MySqlError(error)) if error.code != INTERNAL_ERROR => {}
            Err(error) => {
                failures.push(format!("{sql}\n    {error}"));
                conn = server.connect();
            }
        }
    }
    assert!(failures.is_empty(), "{} statements failed:\n{}", failures.len(), failures.join("\n"));
}
