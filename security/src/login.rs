//! One attempt to log in, in the steps of `caching_sha2_password`.
//!
//! An attempt for a user that does not exist takes the same steps at the same cost and fails with the same error.

use crate::account::{Account, FailedLogins, PLUGIN, TlsFacts};
use crate::accounts::Accounts;
use crate::digests::{fast_digest, proves};
use crate::errors::access_denied;
use crate::hasher::Permit;
use crate::host::ClientHost;
use crate::verifier::Verifier;
use aurora_types::error::{
    ER_ACCOUNT_HAS_BEEN_LOCKED, ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK,
};
use aurora_types::{SqlError, SqlResult};
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use std::sync::Arc;

/// A client that has named a user. Each of its steps may be tried once or more; the first that answers decides.
pub struct Attempt {
    accounts: Arc<Accounts>,
    account: Option<Arc<Account>>,
    user: String,
    host: String,
    tls: TlsFacts,
}

/// What the client's first 32 bytes were worth.
#[derive(Debug)]
pub enum FastResult {
    Ok(AuthenticatedAccount),
    /// Ask for the password itself (`01 04`).
    NeedFull,
}

/// A client that may go on.
#[derive(Clone, Debug)]
pub struct AuthenticatedAccount {
    /// `CURRENT_USER()` is its name.
    pub account: Arc<Account>,
    /// `USER()`: the name that the client gave, and where it is.
    pub user: String,
    pub host: String,
    /// The session may only set a new password (1820).
    pub password_expired: bool,
    /// An imported or weaker hash was replaced by this login.
    pub upgraded: bool,
}

impl Accounts {
    /// Begins an attempt; never says whether the user exists.
    pub fn begin(self: &Arc<Self>, user: &str, host: &ClientHost, tls: TlsFacts) -> Attempt {
        Attempt {
            account: self.snapshot().find(user, host).cloned(),
            accounts: self.clone(),
            user: user.to_owned(),
            host: host.display(),
            tls,
        }
    }

    /// Forgets the digests of passwords: every next login sends its password (FLUSH PRIVILEGES). Limits count
    /// from now on, too.
    pub fn forget_digests(&self) {
        self.digests.clear();
        self.forget_usage();
    }
}

impl Attempt {
    /// The plugin to speak: the same for every user.
    pub fn plugin(&self) -> &'static str {
        PLUGIN
    }

    /// The client sent no password.
    pub fn empty(&self) -> SqlResult<AuthenticatedAccount> {
        match &self.account {
            Some(account) if account.verifier.is_none() && account.additional.is_none() => {
                self.welcome(account, false, false)
            }
            _ => Err(self.failed(false)),
        }
    }

    /// Whether neither a right nor a wrong password changes what is stored: failed logins are not counted, and none are
    /// to be forgotten.
    pub fn stores_nothing(&self) -> bool {
        self.account.as_ref().is_none_or(|account| {
            let counts = account.password.failed_attempts > 0 && account.password.lock_time.is_some();
            !counts && !self.accounts.failed.lock().contains_key(&account.name)
        })
    }

    /// Checks the client's scramble against the digest of an earlier login.
    ///
    /// # Errors
    /// The password was right, yet the account may not log in.
    pub fn fast(&self, response: &[u8; 32], nonce: &[u8; 20]) -> SqlResult<FastResult> {
        let Some(account) = &self.account else {
            // As long as a cached digest takes.
            let _ = proves(response, nonce, &[0; 32]);
            return Ok(FastResult::NeedFull);
        };
        if self.accounts.digests.any(account, |digest| proves(response, nonce, digest)) {
            self.welcome(account, true, false).map(FastResult::Ok)
        } else {
            Ok(FastResult::NeedFull)
        }
    }

    /// Checks the password itself, on this thread. The connection must be encrypted, or the password was.
    ///
    /// # Errors
    /// 1045; 3118 and 3955 for locked accounts; 1040 when too many wait.
    pub fn full(&self, password: &[u8]) -> SqlResult<AuthenticatedAccount> {
        if password.is_empty() {
            return self.empty();
        }
        let digest = fast_digest(password);
        let known = || {
            self.account.as_ref().filter(|account| {
                let same = |known: &[u8; 32]| verify_slices_are_equal(known, &*digest).is_ok();
                self.accounts.digests.any(account, same)
            })
        };
        if let Some(account) = known() {
            return self.welcome(account, true, false);
        }
        let permit = self.accounts.hasher.permit()?;
        // After a restart all connections of an account come at once: one of them pays.
        if let Some(account) = known() {
            return self.welcome(account, true, false);
        }
        let verifier = self.account.as_ref().and_then(|account| account.verifier.as_ref());
        let is_first = permit.verify(verifier, password);
        let Some(account) = &self.account else { return Err(self.failed(true)) };
        let is_other = !is_first
            && account.additional.as_ref().is_some_and(|other| permit.verify(Some(other), password));
        if !is_first && !is_other {
            drop(permit);
            return Err(self.failed(true));
        }
        let upgraded = is_first && self.upgrade(account, password, &permit);
        drop(permit);
        self.accounts.digests.remember(account, digest);
        self.welcome(account, true, upgraded)
    }

    /// Checks the 20 bytes of `mysql_native_password`: SHA1(password) ⊕ SHA1(nonce ‖ stored hash). Only accounts
    /// whose imported hash is of that kind can log in by it.
    pub fn native(&self, response: &[u8; 20], nonce: &[u8; 20]) -> SqlResult<AuthenticatedAccount> {
        let (account, stored) = match &self.account {
            Some(account) => match &account.verifier {
                Some(Verifier::Native(stored)) => (Some(account), *stored),
                _ => (None, [0; 20]),
            },
            None => (None, [0; 20]),
        };
        let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
        let mask = sha1(&[&nonce[..], &stored].concat());
        let once: Vec<u8> = mask.as_ref().iter().zip(response).map(|(mask, byte)| mask ^ byte).collect();
        let right = verify_slices_are_equal(sha1(&once).as_ref(), &stored).is_ok();
        match account.filter(|_| right) {
            Some(account) => self.welcome(account, true, false),
            None => Err(self.failed(true)),
        }
    }

    /// Writes an Argon2id verifier in place of an imported or weaker hash.
    fn upgrade(&self, account: &Arc<Account>, password: &[u8], permit: &Permit<'_>) -> bool {
        let outdated = |verifier: &Verifier| verifier.is_outdated(self.accounts.settings.hashing);
        if !account.verifier.as_ref().is_some_and(outdated) {
            return false;
        }
        let write = || -> SqlResult<bool> {
            let verifier = permit.create(password)?;
            let mut change = self.accounts.change();
            let Some(now) = change.next.account(&account.name).filter(|now| now.verifier == account.verifier)
            else {
                return Ok(false);
            };
            let upgraded = Account { verifier: Some(verifier), ..Account::clone(now) };
            change.put_account(upgraded)?;
            change.commit()?;
            Ok(true)
        };
        // The password was right: a store that takes no writes does not keep its owner out. The next login tries again.
        write().unwrap_or(false)
    }

    /// The password was right: may the account log in?
    fn welcome(
        &self,
        account: &Arc<Account>,
        with_password: bool,
        upgraded: bool,
    ) -> SqlResult<AuthenticatedAccount> {
        if let Some(blocked) = self.blocked(account) {
            return Err(blocked);
        }
        if account.locked {
            return Err(SqlError::new(ER_ACCOUNT_HAS_BEEN_LOCKED, &[&self.user, &self.host]));
        }
        if !account.tls.is_met(&self.tls) {
            return Err(access_denied(&self.user, &self.host, with_password));
        }
        let had_failed = self.accounts.failed.lock().remove(&account.name).is_some();
        if had_failed {
            self.accounts.store_failed(&account.name, None)?;
        }
        let lifetime = self.accounts.policy.read().default_lifetime_days;
        Ok(AuthenticatedAccount {
            password_expired: account.password_expired(self.accounts.now_s(), lifetime),
            account: account.clone(),
            user: self.user.clone(),
            host: self.host.clone(),
            upgraded,
        })
    }

    fn blocked(&self, account: &Account) -> Option<SqlError> {
        let failed = self.accounts.failed.lock().get(&account.name).copied()?;
        let (days, left) = failed.blocked(&account.password, self.accounts.now_s())?;
        let kind = ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK;
        let attempts = account.password.failed_attempts;
        Some(SqlError::new(kind, &[&self.user, &self.host, &days, &left, &attempts]))
    }

    /// The password was wrong: counts it where the account asks for that.
    fn failed(&self, with_password: bool) -> SqlError {
        let denied = access_denied(&self.user, &self.host, with_password);
        let Some(account) = &self.account else { return denied };
        if account.password.failed_attempts == 0 || account.password.lock_time.is_none() {
            return denied;
        }
        if let Some(blocked) = self.blocked(account) {
            return blocked;
        }
        let now_s = self.accounts.now_s();
        let failed = {
            let mut all = self.accounts.failed.lock();
            let failed = all.entry(account.name.clone()).or_default();
            // A block that is over begins a new count.
            let count = if failed.count >= account.password.failed_attempts { 1 } else { failed.count + 1 };
            *failed = FailedLogins { count, last_s: now_s };
            *failed
        };
        if let Err(error) = self.accounts.store_failed(&account.name, Some(failed)) {
            return error;
        }
        self.blocked(account).unwrap_or(denied)
    }
}
