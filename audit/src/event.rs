//! What is recorded, under MySQL Enterprise Audit's names where it has one.

use serde::{Deserialize, Serialize};

/// Kinds of events; each has its own durability by default (see [`Class::durability`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Start, stop and `off` of the log itself.
    Audit,
    /// Logins, refused logins, ends of connections.
    Connection,
    /// Accounts, roles, privileges, passwords.
    Account,
    /// Definitions: CREATE, ALTER, DROP, RENAME, TRUNCATE.
    Ddl,
    /// Statements that failed.
    Failure,
    /// Signed head of the chain.
    Checkpoint,
}

impl Class {
    /// Definitions and accounts are on disk before the client hears of them; the rest reaches the page cache.
    pub fn durability(self) -> crate::Durability {
        match self {
            Class::Account | Class::Ddl | Class::Audit | Class::Checkpoint => crate::Durability::Durable,
            Class::Connection | Class::Failure => crate::Durability::Written,
        }
    }
}

/// One event as a session tells it; literals and passwords are already redacted in `query`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub class: Class,
    /// Such as `connect`, `create_table`, `status`.
    pub event: String,
    pub connection_id: u64,
    /// Matched account, `user@host`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// User name as the client gave it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Peer address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ip: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub database: String,
    /// Object that the event is about, `schema.table` or an account; the mode, when the log itself starts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sql_command: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// MySQL's error number; 0: success.
    pub status: u16,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sqlstate: String,
    #[serde(default)]
    pub rows: u64,
    #[serde(default)]
    pub tls: bool,
}

impl Event {
    pub fn new(class: Class, event: &str, connection_id: u64) -> Event {
        Event {
            class,
            event: event.to_string(),
            connection_id,
            account: String::new(),
            user: String::new(),
            ip: String::new(),
            database: String::new(),
            object: String::new(),
            sql_command: String::new(),
            query: String::new(),
            status: 0,
            sqlstate: String::new(),
            rows: 0,
            tls: false,
        }
    }
}

/// An event in the log: numbered, timed, chained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Without holes, from 1.
    pub seq: u64,
    /// RFC 3339 in UTC, microseconds.
    pub timestamp: String,
    #[serde(flatten)]
    pub event: Event,
    /// Checkpoints only: signature over the chain's head, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// RFC 3339 in UTC with microseconds.
pub(crate) fn rfc3339(time: std::time::SystemTime) -> String {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Civil date from days, after Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    let z = days as i64 + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
        let leap = UNIX_EPOCH + Duration::from_micros(1_709_210_096_000_123);
        assert_eq!(rfc3339(leap), "2024-02-29T12:34:56.000123Z");
    }
}
