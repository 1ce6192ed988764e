//! New passwords: how they become verifiers, and which the rules refuse.

use crate::account::{Account, PLUGIN, PastPassword};
use crate::accounts::Accounts;
use crate::errors::{current_password_missing, no_randomness, plugin_not_loaded};
use crate::users::{AccountOutcome, Secret, UserRequest};
use crate::verifier::Verifier;
use aurora_types::error::*;
use aurora_types::{SqlError, SqlResult};
use zeroize::Zeroizing;

const NATIVE: &str = "mysql_native_password";

/// A password as it is to be stored.
pub(crate) struct NewPassword {
    pub verifier: Option<Verifier>,
    clear: Option<Zeroizing<Vec<u8>>>,
}

impl Accounts {
    pub(crate) fn new_password(
        &self,
        user: &UserRequest,
        outcome: &mut AccountOutcome,
    ) -> SqlResult<Option<NewPassword>> {
        let name = user.name()?;
        let is_hash = matches!(user.secret, Some(Secret::Hash(_)));
        match user.plugin.as_deref() {
            None | Some(PLUGIN) => {}
            // Hashes of that plugin can be imported; new ones are not made.
            Some(NATIVE) if is_hash => {}
            Some(other) => return Err(plugin_not_loaded(other)),
        }
        let strength = self.policy.read().strength.clone();
        let check = |password: &[u8]| match &strength {
            Some(strength) => strength.check(&name.user, password),
            None => Ok(()),
        };
        let clear = match &user.secret {
            None => return Ok(None),
            Some(Secret::Hash(text)) => {
                let verifier = if text.is_empty() { None } else { Some(Verifier::parse(text)?) };
                return Ok(Some(NewPassword { verifier, clear: None }));
            }
            Some(Secret::Password(password)) => {
                check(password)?;
                password.clone()
            }
            Some(Secret::Random) => {
                let password = random_password()?;
                outcome.generated.push((name.clone(), password.clone()));
                Zeroizing::new(password.into_bytes())
            }
        };
        let verifier = if clear.is_empty() { None } else { Some(self.hasher.permit()?.create(&clear)?) };
        Ok(Some(NewPassword { verifier, clear: Some(clear) }))
    }

    /// PASSWORD REQUIRE CURRENT and REPLACE.
    pub(crate) fn check_current(&self, account: &Account, user: &UserRequest) -> SqlResult<()> {
        if user.secret.is_none() {
            return Ok(());
        }
        match &user.replace {
            Some(_) if !user.own => Err(SqlError::new(ER_CURRENT_PASSWORD_NOT_REQUIRED, &[])),
            Some(current) => {
                let is_current = match &account.verifier {
                    None => current.is_empty(),
                    verifier => self.hasher.permit()?.verify(verifier.as_ref(), current),
                };
                if is_current { Ok(()) } else { Err(SqlError::new(ER_INCORRECT_CURRENT_PASSWORD, &[])) }
            }
            None => {
                let default = self.policy.read().require_current;
                let required = account.password.require_current.unwrap_or(default);
                if required && user.own && account.verifier.is_some() {
                    return Err(current_password_missing());
                }
                Ok(())
            }
        }
    }

    /// PASSWORD HISTORY and REUSE INTERVAL.
    pub(crate) fn check_past(&self, account: &Account, password: Option<&NewPassword>) -> SqlResult<()> {
        let Some(clear) = password.and_then(|password| password.clear.as_ref()) else { return Ok(()) };
        let (count, since_s) = self.reuse_limits(account);
        let current = account
            .verifier
            .iter()
            .filter(|_| count > 0 || since_s < u64::MAX)
            .map(|verifier| (0, verifier, account.password_set_s));
        let past = account.past.iter().rev().zip(1..).map(|(past, at)| (at, &past.verifier, past.set_s));
        for (at, verifier, set_s) in current.chain(past) {
            let counts = at < count as usize || set_s >= since_s || at == 0;
            if counts && self.hasher.permit()?.verify(Some(verifier), clear) {
                let name = &account.name;
                return Err(SqlError::new(ER_CREDENTIALS_CONTRADICT_TO_HISTORY, &[&name.user, &name.host]));
            }
        }
        Ok(())
    }

    /// How many passwords back, and since when, none may be used again.
    fn reuse_limits(&self, account: &Account) -> (u32, u64) {
        let policy = self.policy.read();
        let days = account.password.reuse_days.unwrap_or(policy.reuse_days);
        let since_s = match days {
            0 => u64::MAX,
            days => self.now_s().saturating_sub(u64::from(days) * 86_400),
        };
        (account.password.history.unwrap_or(policy.history), since_s)
    }

    pub(crate) fn replace_password(
        &self,
        account: &mut Account,
        user: &UserRequest,
        password: NewPassword,
    ) -> SqlResult<()> {
        let name = &account.name;
        if user.retain_current {
            if account.verifier.is_none() {
                return Err(SqlError::new(ER_SECOND_PASSWORD_CANNOT_BE_EMPTY, &[&name.user, &name.host]));
            }
            if password.verifier.is_none() {
                return Err(SqlError::new(ER_CURRENT_PASSWORD_CANNOT_BE_RETAINED, &[&name.user, &name.host]));
            }
        }
        let (count, since_s) = self.reuse_limits(account);
        let old = std::mem::replace(&mut account.verifier, password.verifier);
        if user.retain_current {
            account.additional = old.clone();
        } else if account.verifier.is_none() {
            // Without a password there is no second one either.
            account.additional = None;
        }
        if let Some(verifier) = old {
            account.past.push(PastPassword { verifier, set_s: account.password_set_s });
        }
        let kept = account.past.len().saturating_sub(count as usize);
        let mut at = 0;
        account.past.retain(|past| {
            at += 1;
            at > kept || past.set_s >= since_s
        });
        account.password_set_s = self.now_s();
        account.expired = false;
        account.credential_epoch = new_epoch()?;
        Ok(())
    }
}

/// An epoch that no account had before, also not one of the same name.
pub(crate) fn new_epoch() -> SqlResult<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| no_randomness())?;
    Ok(u64::from_le_bytes(bytes))
}

/// 20 characters with one of each class at least.
fn random_password() -> SqlResult<String> {
    const CLASSES: [&[u8]; 4] = [
        b"abcdefghijklmnopqrstuvwxyz",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        b"0123456789",
        b"!#$%&()*+,-./:;<=>?@[]^_{|}~",
    ];
    let all: Vec<u8> = CLASSES.concat();
    loop {
        let mut random = Zeroizing::new([0u8; 64]);
        aws_lc_rs::rand::fill(&mut random[..]).map_err(|_| no_randomness())?;
        // Bytes beyond the last whole multiple are passed over: every character is as likely as any other.
        let fair = 256 - 256 % all.len();
        let chars = random.iter().filter(|byte| usize::from(**byte) < fair);
        let text: Vec<u8> = chars.map(|byte| all[usize::from(*byte) % all.len()]).take(20).collect();
        let has_each = CLASSES.iter().all(|class| text.iter().any(|c| class.contains(c)));
        if text.len() == 20 && has_each {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}
