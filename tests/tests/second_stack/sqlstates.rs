//! opensrv's table of errors beside ours.

use aurora_types::error::by_code;
use opensrv_mysql::ErrorKind;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

/// Names that differ: the number, opensrv's symbol, and MySQL 9.7's by its own table
/// (`SELECT ERROR_NUMBER, ERROR_NAME, SQL_STATE FROM performance_schema.events_errors_summary_global_by_error`).
/// opensrv's come from MariaDB's pages, without a trailing O and with the words of before MySQL 8. No SQLSTATE differs:
/// one that does is a fault of ours, or is to be listed here with the oracle's word.
const RENAMED: &[(u16, &str, &str)] = &[
    (1030, "ER_GET_ERRN", "ER_GET_ERRNO"),
    (1087, "ER_LOAD_INF", "ER_LOAD_INFO"),
    (1088, "ER_ALTER_INF", "ER_ALTER_INFO"),
    (1092, "ER_INSERT_INF", "ER_INSERT_INFO"),
    (1134, "ER_UPDATE_INF", "ER_UPDATE_INFO"),
    (1199, "ER_SLAVE_NOT_RUNNING", "ER_REPLICA_NOT_RUNNING"),
    (1201, "ER_MASTER_INF", "ER_CONNECTION_METADATA"),
    (1365, "ER_DIVISION_BY_ZER", "ER_DIVISION_BY_ZERO"),
    (1510, "ER_REORG_HASH_ONLY_ON_SAME_N", "ER_REORG_HASH_ONLY_ON_SAME_NO"),
    (1568, "ER_CANT_CHANGE_TX_ISOLATION", "ER_CANT_CHANGE_TX_CHARACTERISTICS"),
    (1617, "WARN_NO_MASTER_INF", "WARN_NO_CONNECTION_METADATA"),
    (1619, "WARN_PLUGIN_DELETE_BUILTIN", "ER_PLUGIN_DELETE_BUILTIN"),
    (1753, "ER_MTS_FEATURE_IS_NOT_SUPPORTED", "ER_MTA_FEATURE_IS_NOT_SUPPORTED"),
    (1754, "ER_MTS_UPDATED_DBS_GREATER_MAX", "ER_MTA_UPDATED_DBS_GREATER_MAX"),
    (1755, "ER_MTS_CANT_PARALLEL", "ER_MTA_CANT_PARALLEL"),
    (1756, "ER_MTS_INCONSISTENT_DATA", "ER_MTA_INCONSISTENT_DATA"),
    (1803, "ER_MTS_RECOVERY_FAILURE", "ER_MTA_RECOVERY_FAILURE"),
    (1804, "ER_MTS_RESET_WORKERS", "ER_MTA_RESET_WORKERS"),
    (1864, "ER_MTS_EVENT_BIGGER_PENDING_JOBS_SIZE_MAX", "ER_MTA_EVENT_BIGGER_PENDING_JOBS_SIZE_MAX"),
];

/// The numbers that opensrv's table goes over.
const NUMBERS: std::ops::RangeInclusive<u16> = 1000..=1885;

/// opensrv's kinds by number. It tells an unknown number by a panic alone, so each is tried once.
fn kinds() -> &'static BTreeMap<u16, ErrorKind> {
    static KINDS: OnceLock<BTreeMap<u16, ErrorKind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let known = NUMBERS
            .filter_map(|number| {
                std::panic::catch_unwind(|| ErrorKind::from(number)).ok().map(|kind| (number, kind))
            })
            .collect();
        std::panic::set_hook(hook);
        known
    })
}

/// opensrv's kind of a number, if it has one.
pub fn kind(number: u16) -> Option<ErrorKind> {
    kinds().get(&number).copied()
}

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Found {
    pub differences: Vec<String>,
    same: usize,
    renamed: usize,
    /// Numbers that we never raise; MySQL 9.7 has given up many of them.
    not_ours: usize,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { same, renamed, not_ours, .. } = self;
        write!(
            f,
            "{same} errors are the same, {renamed} but for the name, {not_ours} numbers are opensrv's alone"
        )
    }
}

/// Every number of opensrv's table against our catalogue.
pub fn compare() -> Found {
    let mut found = Found::default();
    for (number, kind) in kinds() {
        let Some(ours) = by_code(*number) else {
            found.not_ours += 1;
            continue;
        };
        let state = std::str::from_utf8(kind.sqlstate()).expect("an SQLSTATE is ASCII");
        let name = format!("{kind:?}");
        let listed = RENAMED.contains(&(*number, name.as_str(), ours.symbol));
        if state != ours.sqlstate {
            found
                .differences
                .push(format!("{number} {}: SQLSTATE {}, opensrv's {state}", ours.symbol, ours.sqlstate));
        } else if name == ours.symbol {
            found.same += 1;
        } else if listed {
            found.renamed += 1;
        } else {
            found.differences.push(format!("{number} {}: opensrv calls it {name}", ours.symbol));
        }
    }
    found
}
