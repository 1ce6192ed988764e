//! The record of an account or role.

use crate::name::AccountName;
use crate::verifier::Verifier;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The plugin that every account uses towards clients.
pub const PLUGIN: &str = "caching_sha2_password";
const DAY_S: u64 = 86_400;

/// When a password is too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// As `default_password_lifetime` says.
    #[default]
    Default,
    Never,
    Days(u32),
}

/// How long an account stays blocked after too many failed logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockTime {
    Days(u32),
    Unbounded,
}

/// REQUIRE: what the connection must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsRequirement {
    #[default]
    None,
    Ssl,
    /// Any certificate that the server's authority has signed.
    X509,
    Specified {
        subject: Option<String>,
        issuer: Option<String>,
        cipher: Option<String>,
    },
}

/// What is known of a connection's encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// The cipher in use; `None`: the connection is not encrypted.
    pub cipher: Option<String>,
    /// Subject and issuer of the client's verified certificate.
    pub certificate: Option<(String, String)>,
}

impl TlsRequirement {
    pub fn is_met(&self, facts: &TlsFacts) -> bool {
        let encrypted = facts.cipher.is_some();
        let certificate = facts.certificate.as_ref().filter(|_| encrypted);
        match self {
            TlsRequirement::None => true,
            TlsRequirement::Ssl => encrypted,
            TlsRequirement::X509 => certificate.is_some(),
            TlsRequirement::Specified { subject, issuer, cipher } => {
                let is = |wanted: &Option<String>, found: Option<&String>| {
                    wanted.as_ref().is_none_or(|wanted| found == Some(wanted))
                };
                certificate.is_some()
                    && is(subject, certificate.map(|(subject, _)| subject))
                    && is(issuer, certificate.map(|(_, issuer)| issuer))
                    && is(cipher, facts.cipher.as_ref())
            }
        }
    }
}

/// Limits of one account; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLimits {
    pub queries_per_hour: u32,
    pub updates_per_hour: u32,
    pub connections_per_hour: u32,
    pub user_connections: u32,
}

/// The rules for an account's passwords; `None` is the server's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordOptions {
    pub expiry: Expiry,
    /// How many earlier passwords may not be used again.
    pub history: Option<u32>,
    /// For how many days a password may not be used again.
    pub reuse_days: Option<u32>,
    pub require_current: Option<bool>,
    /// Failed logins in a row that block the account; 0: never.
    pub failed_attempts: u32,
    /// Without it the account is never blocked.
    pub lock_time: Option<LockTime>,
}

/// A password that was replaced, for the rules of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastPassword {
    pub verifier: Verifier,
    /// When it was set, in seconds since 1970.
    pub set_s: u64,
}

/// An account or role. Stored as one row; later versions append fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: AccountName,
    /// `None`: no password.
    pub verifier: Option<Verifier>,
    /// RETAIN CURRENT PASSWORD.
    pub additional: Option<Verifier>,
    /// Changes whenever a digest of the password must no longer be believed.
    pub credential_epoch: u64,
    pub password_set_s: u64,
    pub past: Vec<PastPassword>,
    pub is_role: bool,
    pub locked: bool,
    /// PASSWORD EXPIRE.
    pub expired: bool,
    pub password: PasswordOptions,
    pub tls: TlsRequirement,
    pub limits: ResourceLimits,
    /// ATTRIBUTE and COMMENT.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    pub default_roles: BTreeSet<AccountName>,
}

impl Account {
    /// An account without a password that nothing is known of.
    pub fn new(name: AccountName, now_s: u64) -> Account {
        Account {
            name,
            verifier: None,
            additional: None,
            credential_epoch: 0,
            password_set_s: now_s,
            past: Vec::new(),
            is_role: false,
            locked: false,
            expired: false,
            password: PasswordOptions::default(),
            tls: TlsRequirement::default(),
            limits: ResourceLimits::default(),
            attributes: serde_json::Map::new(),
            default_roles: BTreeSet::new(),
        }
    }

    /// Whether the session may only set a new password (1820).
    pub fn password_expired(&self, now_s: u64, default_lifetime_days: u32) -> bool {
        let days = match self.password.expiry {
            Expiry::Default => default_lifetime_days,
            Expiry::Never => 0,
            Expiry::Days(days) => days,
        };
        let age_s = now_s.saturating_sub(self.password_set_s);
        self.expired || (days > 0 && age_s >= u64::from(days) * DAY_S)
    }
}

/// Failed logins in a row. Its own row: it changes without the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedLogins {
    pub count: u32,
    /// When the last one was, in seconds since 1970.
    pub last_s: u64,
}

impl FailedLogins {
    /// Days that the account is still blocked: all and what remains, as 3955 names them. `None`: not blocked.
    pub fn blocked(&self, options: &PasswordOptions, now_s: u64) -> Option<(String, String)> {
        let lock_time = options.lock_time.filter(|_| options.failed_attempts > 0)?;
        if self.count < options.failed_attempts {
            return None;
        }
        match lock_time {
            LockTime::Unbounded => Some(("unlimited".into(), "unlimited".into())),
            LockTime::Days(0) => None,
            LockTime::Days(days) => {
                let until_s = self.last_s + u64::from(days) * DAY_S;
                let left_s = until_s.checked_sub(now_s).filter(|left| *left > 0)?;
                Some((days.to_string(), left_s.div_ceil(DAY_S).to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_blocked_for_days_after_failed_logins() {
        let options =
            PasswordOptions { failed_attempts: 2, lock_time: Some(LockTime::Days(1)), ..Default::default() };
        let failed = |count| FailedLogins { count, last_s: 1000 };
        assert_eq!(failed(1).blocked(&options, 1000), None);
        assert_eq!(failed(2).blocked(&options, 1000), Some(("1".into(), "1".into())));
        assert_eq!(failed(2).blocked(&options, 1000 + DAY_S), None);
        assert_eq!(failed(9).blocked(&PasswordOptions::default(), 1000), None);
    }

    #[test]
    fn passwords_age() {
        let mut account = Account::new(AccountName::any_host("u"), 0);
        assert!(!account.password_expired(DAY_S, 0));
        assert!(account.password_expired(DAY_S, 1));
        account.password.expiry = Expiry::Never;
        assert!(!account.password_expired(DAY_S * 1000, 1));
        account.expired = true;
        assert!(account.password_expired(0, 0));
    }

    #[test]
    fn requirements_of_encryption() {
        let plain = TlsFacts::default();
        let tls = TlsFacts { cipher: Some("c".into()), certificate: None };
        let known = TlsFacts { certificate: Some(("/CN=a".into(), "/CN=ca".into())), ..tls.clone() };
        let subject = |subject: &str| TlsRequirement::Specified {
            subject: Some(subject.into()),
            issuer: None,
            cipher: None,
        };
        assert!(TlsRequirement::None.is_met(&plain) && !TlsRequirement::Ssl.is_met(&plain));
        assert!(TlsRequirement::Ssl.is_met(&tls) && !TlsRequirement::X509.is_met(&tls));
        assert!(subject("/CN=a").is_met(&known) && !subject("/CN=b").is_met(&known));
    }
}
