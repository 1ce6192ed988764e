//! CREATE, ALTER, RENAME and DROP of users and roles, SET PASSWORD.

use crate::account::{Account, Expiry, LockTime, TlsRequirement};
use crate::accounts::{Accounts, AclChange};
use crate::errors::{role_is_mandatory, role_not_granted, unless_failed};
use crate::grants::{Grants, RoleGrant};
use crate::name::AccountName;
use crate::passwords::new_epoch;
use aurora_types::diagnostics::{Level, Warning};
use aurora_types::error::*;
use aurora_types::{ErrorKind, SqlError, SqlResult};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

const USER_CHARS: usize = 32;
const HOST_CHARS: usize = 255;
pub(crate) const EXISTS: &str = " (User account already exists)";
pub(crate) const MISSING: &str = " (User account does not exist)";

/// How a password is given.
#[derive(Clone)]
pub enum Secret {
    /// BY 'password'; empty is none.
    Password(Zeroizing<Vec<u8>>),
    /// BY RANDOM PASSWORD.
    Random,
    /// AS 'hash'.
    Hash(Vec<u8>),
}

/// A user of CREATE USER or ALTER USER.
#[derive(Clone, Default)]
pub struct UserRequest {
    pub name: Option<AccountName>,
    /// WITH plugin.
    pub plugin: Option<String>,
    pub secret: Option<Secret>,
    /// REPLACE 'current password'.
    pub replace: Option<Zeroizing<Vec<u8>>>,
    pub retain_current: bool,
    pub discard_old: bool,
    /// The user changes the own password without the right to change others'.
    pub own: bool,
}

impl UserRequest {
    pub fn new(name: AccountName) -> UserRequest {
        UserRequest { name: Some(name), ..UserRequest::default() }
    }

    pub fn with_password(name: AccountName, password: &[u8]) -> UserRequest {
        let secret = Secret::Password(Zeroizing::new(password.to_vec()));
        UserRequest { secret: Some(secret), ..UserRequest::new(name) }
    }

    pub(crate) fn name(&self) -> SqlResult<&AccountName> {
        self.name.as_ref().ok_or_else(|| SqlError::new(ER_INTERNAL_ERROR, &[&"an account without a name"]))
    }
}

/// What is set for all users of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountOption {
    Tls(TlsRequirement),
    QueriesPerHour(u32),
    UpdatesPerHour(u32),
    ConnectionsPerHour(u32),
    UserConnections(u32),
    /// PASSWORD EXPIRE.
    Expire,
    Expiry(Expiry),
    /// `None` is DEFAULT, here and below.
    History(Option<u32>),
    ReuseDays(Option<u32>),
    RequireCurrent(Option<bool>),
    FailedAttempts(u32),
    LockTime(LockTime),
    Lock(bool),
    Comment(String),
    /// A JSON object, merged into what is there.
    Attribute(String),
}

/// Which roles become default or active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleChoice {
    /// SET ROLE DEFAULT.
    Default,
    None,
    All,
    AllExcept(Vec<AccountName>),
    Roles(Vec<AccountName>),
}

/// What a statement about accounts has to say beyond OK.
#[derive(Clone, Debug, Default)]
pub struct AccountOutcome {
    pub warnings: Vec<Warning>,
    /// BY RANDOM PASSWORD.
    pub generated: Vec<(AccountName, String)>,
}

impl AccountOutcome {
    pub(crate) fn warn(&mut self, level: Level, error: SqlError) {
        self.warnings.push(Warning { level, code: error.code, message: error.message });
    }

    pub(crate) fn note(&mut self, kind: &'static ErrorKind, name: &AccountName) {
        self.warn(Level::Note, SqlError::new(kind, &[name]));
    }
}

impl Accounts {
    pub fn create_user(
        &self,
        users: &[UserRequest],
        options: &[AccountOption],
        default_roles: &[AccountName],
        if_not_exists: bool,
    ) -> SqlResult<AccountOutcome> {
        let mut outcome = AccountOutcome::default();
        let mut made = Vec::new();
        for user in users {
            let name = user.name()?;
            check_length(name)?;
            let mut account = Account::new(name.clone(), self.now_s());
            account.credential_epoch = new_epoch()?;
            let password = self.new_password(user, &mut outcome)?;
            account.verifier = password.and_then(|password| password.verifier);
            apply(&mut account, options)?;
            made.push(account);
        }
        let mut change = self.change();
        if let Some(role) = default_roles.iter().find(|role| change.next.account(role).is_none()) {
            return Err(SqlError::new(ER_USER_DOES_NOT_EXIST, &[&role.backticked()]));
        }
        let mut failed = Vec::new();
        for mut account in made {
            if change.next.account(&account.name).is_some() {
                if if_not_exists {
                    outcome.note(ER_USER_ALREADY_EXISTS, &account.name);
                    outcome.generated.retain(|(name, _)| *name != account.name);
                } else {
                    failed.push(account.name);
                }
                continue;
            }
            let roles = default_roles.iter().map(|role| RoleGrant { role: role.clone(), admin: false });
            let grants = Grants { roles: roles.collect(), ..Grants::default() };
            account.default_roles = default_roles.iter().cloned().collect();
            change.put_grants(account.name.clone(), grants)?;
            change.put_account(account)?;
        }
        unless_failed("CREATE USER", &failed, EXISTS)?;
        change.commit()?;
        Ok(outcome)
    }

    pub fn alter_user(
        &self,
        users: &[UserRequest],
        options: &[AccountOption],
        default_roles: Option<&RoleChoice>,
        if_exists: bool,
    ) -> SqlResult<AccountOutcome> {
        let mut outcome = AccountOutcome::default();
        let mut passwords = Vec::new();
        for user in users {
            let account = self.snapshot().account(user.name()?).cloned();
            passwords.push(match &account {
                Some(account) => {
                    self.check_current(account, user)?;
                    let password = self.new_password(user, &mut outcome)?;
                    self.check_past(account, password.as_ref())?;
                    password
                }
                None => None,
            });
        }
        let mut change = self.change();
        let mut failed = Vec::new();
        for (user, password) in users.iter().zip(passwords) {
            let name = user.name()?;
            let Some(mut account) = change.next.account(name).map(|account| Account::clone(account)) else {
                if if_exists {
                    outcome.note(ER_USER_DOES_NOT_EXIST, name);
                } else {
                    failed.push(name.clone());
                }
                continue;
            };
            if let Some(password) = password {
                self.replace_password(&mut account, user, password)?;
            }
            if user.discard_old && account.additional.take().is_some() {
                account.credential_epoch = new_epoch()?;
            }
            apply(&mut account, options)?;
            let lifts = |option: &AccountOption| {
                use AccountOption::*;
                matches!(option, Lock(false) | FailedAttempts(_) | LockTime(_))
            };
            if options.iter().any(lifts) {
                change.forget_failed(name)?;
            }
            if let Some(choice) = default_roles {
                account.default_roles = self.defaults(&change, &account, choice)?;
            }
            change.put_account(account)?;
        }
        unless_failed("ALTER USER", &failed, MISSING)?;
        change.commit()?;
        Ok(outcome)
    }

    /// SET PASSWORD: 1133 where ALTER USER has 1396.
    pub fn set_password(&self, user: &UserRequest) -> SqlResult<AccountOutcome> {
        if self.snapshot().account(user.name()?).is_none() {
            return Err(SqlError::new(ER_PASSWORD_NO_MATCH, &[]));
        }
        self.alter_user(std::slice::from_ref(user), &[], None, false)
    }

    pub fn create_role(&self, roles: &[AccountName], if_not_exists: bool) -> SqlResult<AccountOutcome> {
        let mut outcome = AccountOutcome::default();
        let mut failed = Vec::new();
        let mut change = self.change();
        for name in roles {
            check_length(name)?;
            if change.next.account(name).is_some() {
                if if_not_exists {
                    outcome.note(ER_USER_ALREADY_EXISTS, name);
                } else {
                    failed.push(name.clone());
                }
                continue;
            }
            let mut role = Account::new(name.clone(), self.now_s());
            (role.is_role, role.locked, role.expired) = (true, true, true);
            role.credential_epoch = new_epoch()?;
            change.put_account(role)?;
        }
        unless_failed("CREATE ROLE", &failed, EXISTS)?;
        change.commit()?;
        Ok(outcome)
    }

    pub fn drop_user(&self, users: &[AccountName], if_exists: bool) -> SqlResult<AccountOutcome> {
        self.drop_accounts("DROP USER", users, if_exists)
    }

    pub fn drop_role(&self, roles: &[AccountName], if_exists: bool) -> SqlResult<AccountOutcome> {
        self.drop_accounts("DROP ROLE", roles, if_exists)
    }

    fn drop_accounts(
        &self,
        operation: &str,
        names: &[AccountName],
        if_exists: bool,
    ) -> SqlResult<AccountOutcome> {
        let mut outcome = AccountOutcome::default();
        let mut failed = Vec::new();
        let mut change = self.change();
        for name in names {
            if self.is_mandatory(name) {
                return Err(role_is_mandatory(name));
            }
            if change.next.account(name).is_some() {
                change.remove(name)?;
                rewrite_mentions(&mut change, name, None)?;
            } else if if_exists {
                outcome.note(ER_USER_DOES_NOT_EXIST, name);
            } else {
                failed.push(name.clone());
            }
        }
        unless_failed(operation, &failed, MISSING)?;
        change.commit()?;
        Ok(outcome)
    }

    /// RENAME USER a TO b, …: in order, all or nothing.
    pub fn rename_user(&self, renames: &[(AccountName, AccountName)]) -> SqlResult<()> {
        let mut change = self.change();
        let mut failed = Vec::new();
        for (from, to) in renames {
            check_length(to)?;
            let is_granted = change.next.grants.values().any(|g| g.roles.iter().any(|r| r.role == *from));
            if is_granted {
                return Err(SqlError::new(ER_RENAME_ROLE, &[]));
            }
            let account = change.next.account(from).map(|account| Account::clone(account));
            let Some(mut account) = account.filter(|_| change.next.account(to).is_none()) else {
                failed.push(from.clone());
                continue;
            };
            let grants = change.grants_of(from);
            change.remove(from)?;
            account.name = to.clone();
            account.credential_epoch = new_epoch()?;
            change.put_account(account)?;
            change.put_grants(to.clone(), grants)?;
            rewrite_mentions(&mut change, from, Some(to))?;
        }
        unless_failed("RENAME USER", &failed, "")?;
        change.commit()
    }

    /// SET DEFAULT ROLE. Accounts that are not there are passed over unless roles are named for them.
    pub fn set_default_role(&self, choice: &RoleChoice, users: &[AccountName]) -> SqlResult<()> {
        let mut change = self.change();
        for name in users {
            match change.next.account(name).map(|account| Account::clone(account)) {
                Some(mut account) => {
                    account.default_roles = self.defaults(&change, &account, choice)?;
                    change.put_account(account)?;
                }
                None => {
                    if let RoleChoice::Roles(roles) = choice
                        && let Some(role) = roles.first()
                    {
                        return Err(role_not_granted(role, name));
                    }
                }
            }
        }
        change.commit()
    }
}

impl Accounts {
    /// The default roles that a choice means for an account.
    fn defaults(
        &self,
        change: &AclChange<'_>,
        account: &Account,
        choice: &RoleChoice,
    ) -> SqlResult<BTreeSet<AccountName>> {
        let has = self.roles_of(&change.next, &account.name);
        Ok(match choice {
            RoleChoice::Default => account.default_roles.clone(),
            RoleChoice::None => BTreeSet::new(),
            RoleChoice::All => has.into_iter().collect(),
            RoleChoice::AllExcept(except) => has.into_iter().filter(|role| !except.contains(role)).collect(),
            RoleChoice::Roles(roles) => {
                if let Some(role) = roles.iter().find(|role| !has.contains(role)) {
                    return Err(role_not_granted(role, &account.name));
                }
                roles.iter().cloned().collect()
            }
        })
    }
}

/// After a drop (`to` is `None`) or rename: grants of the account as a role, default roles, proxies.
fn rewrite_mentions(
    change: &mut AclChange<'_>,
    from: &AccountName,
    to: Option<&AccountName>,
) -> SqlResult<()> {
    let names: Vec<AccountName> = change.next.accounts().map(|account| account.name.clone()).collect();
    for name in names {
        let mut grants = change.grants_of(&name);
        let before = grants.clone();
        match to {
            None => {
                grants.roles.retain(|grant| grant.role != *from);
                grants.proxies.retain(|grant| grant.on != *from);
            }
            Some(to) => {
                grants
                    .proxies
                    .iter_mut()
                    .filter(|grant| grant.on == *from)
                    .for_each(|grant| grant.on = to.clone());
            }
        }
        if grants != before {
            change.put_grants(name.clone(), grants)?;
        }
        let account = change.next.account(&name).filter(|account| account.default_roles.contains(from));
        if let Some(mut account) = account.map(|account| Account::clone(account)) {
            account.default_roles.remove(from);
            account.default_roles.extend(to.cloned());
            change.put_account(account)?;
        }
    }
    Ok(())
}

fn apply(account: &mut Account, options: &[AccountOption]) -> SqlResult<()> {
    for option in options {
        match option {
            AccountOption::Tls(tls) => account.tls = tls.clone(),
            AccountOption::QueriesPerHour(limit) => account.limits.queries_per_hour = *limit,
            AccountOption::UpdatesPerHour(limit) => account.limits.updates_per_hour = *limit,
            AccountOption::ConnectionsPerHour(limit) => account.limits.connections_per_hour = *limit,
            AccountOption::UserConnections(limit) => account.limits.user_connections = *limit,
            AccountOption::Expire => account.expired = true,
            AccountOption::Expiry(expiry) => account.password.expiry = *expiry,
            AccountOption::History(count) => account.password.history = *count,
            AccountOption::ReuseDays(days) => account.password.reuse_days = *days,
            AccountOption::RequireCurrent(required) => account.password.require_current = *required,
            AccountOption::FailedAttempts(count) => account.password.failed_attempts = *count,
            AccountOption::LockTime(time) => account.password.lock_time = Some(*time),
            AccountOption::Lock(locked) => account.locked = *locked,
            AccountOption::Comment(text) => {
                account.attributes.insert("comment".into(), text.clone().into());
            }
            AccountOption::Attribute(json) => {
                let invalid = || SqlError::new(ER_INVALID_USER_ATTRIBUTE_JSON, &[]);
                let patch = serde_json::from_str(json).map_err(|_| invalid())?;
                let serde_json::Value::Object(patch) = patch else { return Err(invalid()) };
                merge_patch(&mut account.attributes, patch);
            }
        }
    }
    Ok(())
}

/// JSON_MERGE_PATCH: nulls remove.
fn merge_patch(
    target: &mut serde_json::Map<String, serde_json::Value>,
    patch: serde_json::Map<String, serde_json::Value>,
) {
    for (key, value) in patch {
        match value {
            serde_json::Value::Null => {
                target.remove(&key);
            }
            serde_json::Value::Object(inner) => {
                let slot = target.entry(key).or_insert_with(|| serde_json::Map::new().into());
                if !slot.is_object() {
                    *slot = serde_json::Map::new().into();
                }
                if let serde_json::Value::Object(slot) = slot {
                    merge_patch(slot, inner);
                }
            }
            value => {
                target.insert(key, value);
            }
        }
    }
}

fn check_length(name: &AccountName) -> SqlResult<()> {
    let too_long = |text: &str, what: &str, most: usize| {
        Err(SqlError::new(ER_WRONG_STRING_LENGTH, &[&text, &what, &most]))
    };
    if name.user.chars().count() > USER_CHARS {
        return too_long(&name.user, "user name", USER_CHARS);
    }
    if name.host.chars().count() > HOST_CHARS || name.host.contains('\0') {
        return too_long(&name.host, "host name", HOST_CHARS);
    }
    Ok(())
}
