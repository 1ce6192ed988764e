//! Accounts by name: a user and a host pattern.

use serde::{Deserialize, Serialize};
use std::fmt;

/// `'user'@'host'`: who an account or role is. Users are compared byte by byte, hosts without case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountName {
    pub user: String,
    /// A host pattern, in lower case; `%` when none was written.
    pub host: String,
}

impl AccountName {
    pub fn new(user: &str, host: &str) -> AccountName {
        AccountName { user: user.to_owned(), host: host.to_ascii_lowercase() }
    }

    /// A name without a host: any host.
    pub fn any_host(user: &str) -> AccountName {
        AccountName::new(user, "%")
    }

    /// `` `user`@`host` ``, as SHOW GRANTS and errors about roles write it.
    pub fn backticked(&self) -> String {
        format!("{}@{}", quote_name(&self.user), quote_name(&self.host))
    }
}

/// `'user'@'host'`, as errors write it.
impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'@'{}'", self.user, self.host)
    }
}

/// `name` in backticks.
pub(crate) fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `text` as a string literal in single quotes.
pub(crate) fn quote_text(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\0' => quoted.push_str("\\0"),
            '\x1A' => quoted.push_str("\\Z"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}
