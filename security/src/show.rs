//! SHOW GRANTS, SHOW CREATE USER, SET ROLE and the rows of `mysql.user`.

use crate::account::{Account, Expiry, LockTime, PLUGIN, TlsRequirement};
use crate::accounts::Accounts;
use crate::errors::{cannot, role_not_granted};
use crate::grants::Grants;
use crate::name::{AccountName, quote_name, quote_text};
use crate::privilege::{Privilege, PrivilegeSet};
use crate::users::{MISSING, RoleChoice};
use crate::verifier::Verifier;
use aurora_types::error::ER_NONEXISTING_GRANT;
use aurora_types::{SqlError, SqlResult};

/// An account as `mysql.user` shows it.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub name: AccountName,
    pub plugin: &'static str,
    pub authentication_string: Vec<u8>,
    pub privileges: PrivilegeSet,
    pub locked: bool,
    pub expired: bool,
    pub password_set_s: u64,
    /// The column `User_attributes`; empty object: NULL.
    pub attributes: String,
    pub account: std::sync::Arc<Account>,
}

impl Accounts {
    /// SHOW GRANTS FOR `account` USING `using`.
    ///
    /// # Errors
    /// 1141 for an account that is not there; 3530 for a role that was not granted to it.
    pub fn show_grants(&self, account: &AccountName, using: &[AccountName]) -> SqlResult<Vec<String>> {
        let snapshot = self.snapshot();
        let has = self.roles_of(&snapshot, account);
        if let Some(role) = using.iter().find(|role| !has.contains(role)) {
            return Err(role_not_granted(role, account));
        }
        if snapshot.account(account).is_none() {
            return Err(SqlError::new(ER_NONEXISTING_GRANT, &[&account.user, &account.host]));
        }
        let mut grants = snapshot.grants(account).map(|grants| Grants::clone(grants)).unwrap_or_default();
        for role in snapshot.closure(using) {
            if let Some(of_role) = snapshot.grants(&role) {
                grants.merge(of_role);
            }
        }
        Ok(grant_lines(&grants, account))
    }

    /// SHOW CREATE USER.
    pub fn show_create_user(&self, name: &AccountName) -> SqlResult<String> {
        let snapshot = self.snapshot();
        let account = snapshot
            .account(name)
            .ok_or_else(|| cannot("SHOW CREATE USER", std::slice::from_ref(name), MISSING))?;
        Ok(create_text(account))
    }

    /// Evaluates SET ROLE for a session of `account`: the roles that become active.
    pub fn choose_roles(&self, account: &AccountName, choice: &RoleChoice) -> SqlResult<Vec<AccountName>> {
        let snapshot = self.snapshot();
        let granted = self.roles_of(&snapshot, account);
        let checked = |roles: &[AccountName]| match roles.iter().find(|role| !granted.contains(role)) {
            Some(role) => Err(role_not_granted(role, account)),
            None => Ok(roles.to_vec()),
        };
        match choice {
            RoleChoice::None => Ok(Vec::new()),
            RoleChoice::All => Ok(granted),
            RoleChoice::AllExcept(except) => {
                Ok(granted.into_iter().filter(|role| !except.contains(role)).collect())
            }
            RoleChoice::Roles(roles) => checked(roles),
            RoleChoice::Default => {
                let defaults = snapshot.account(account).map(|account| account.default_roles.clone());
                Ok(defaults.into_iter().flatten().filter(|role| granted.contains(role)).collect())
            }
        }
    }

    /// All accounts and roles, as rows.
    pub fn user_rows(&self) -> Vec<UserRow> {
        let snapshot = self.snapshot();
        let row = |account: &std::sync::Arc<Account>| UserRow {
            name: account.name.clone(),
            plugin: plugin(account),
            authentication_string: account.verifier.as_ref().map(Verifier::to_bytes).unwrap_or_default(),
            privileges: snapshot.grants(&account.name).map_or(PrivilegeSet::NONE, |grants| grants.global),
            locked: account.locked,
            expired: account.expired,
            password_set_s: account.password_set_s,
            attributes: stored_attributes(account),
            account: account.clone(),
        };
        snapshot.accounts().map(row).collect()
    }
}

fn plugin(account: &Account) -> &'static str {
    match account.verifier {
        Some(Verifier::Native(_)) => "mysql_native_password",
        _ => PLUGIN,
    }
}

fn grant_lines(grants: &Grants, to: &AccountName) -> Vec<String> {
    let to = to.backticked();
    let mut lines = vec![line(&names(grants.global, PrivilegeSet::NONE), "*.*", &to, grants.global)];
    for grantable in [false, true] {
        let dynamic: Vec<&str> = grants
            .dynamic
            .iter()
            .filter(|(_, with)| **with == grantable)
            .map(|(name, _)| &name[..])
            .collect();
        if !dynamic.is_empty() {
            let option = if grantable { PrivilegeSet::OPTION } else { PrivilegeSet::NONE };
            lines.push(line(&dynamic.join(","), "*.*", &to, option));
        }
    }
    let mut schemas = grants.schemas.clone();
    schemas.sort_by_key(|grant| (grant.pattern.contains(['%', '_']), grant.pattern.clone()));
    for grant in schemas {
        let on = format!("{}.*", quote_name(&grant.pattern));
        lines.push(line(&names(grant.privileges, PrivilegeSet::SCHEMA), &on, &to, grant.privileges));
    }
    let mut tables = grants.tables.clone();
    tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
    for grant in tables {
        let on = format!("{}.{}", quote_name(&grant.schema), quote_name(&grant.table));
        lines.push(line(&table_names(&grant), &on, &to, grant.privileges));
    }
    let mut routines = grants.routines.clone();
    routines.sort_by(|a, b| (a.kind, &a.schema, &a.routine).cmp(&(b.kind, &b.schema, &b.routine)));
    for grant in routines {
        let (schema, routine) = (quote_name(&grant.schema), quote_name(&grant.routine));
        let on = format!("{} {schema}.{routine}", grant.kind.name());
        // ALL is never written for a routine.
        lines.push(line(&names(grant.privileges, PrivilegeSet::NONE), &on, &to, grant.privileges));
    }
    for grant in &grants.proxies {
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        lines.push(format!("GRANT PROXY ON {} TO {to}{option}", grant.on.backticked()));
    }
    for admin in [false, true] {
        let mut roles: Vec<&AccountName> =
            grants.roles.iter().filter(|grant| grant.admin == admin).map(|grant| &grant.role).collect();
        roles.sort();
        if !roles.is_empty() {
            let option = if admin { " WITH ADMIN OPTION" } else { "" };
            lines.push(format!("GRANT {} TO {to}{option}", name_list(roles)));
        }
    }
    lines
}

fn name_list<'a>(names: impl IntoIterator<Item = &'a AccountName>) -> String {
    names.into_iter().map(AccountName::backticked).collect::<Vec<_>>().join(",")
}

fn line(privileges: &str, on: &str, to: &str, with: PrivilegeSet) -> String {
    let option = if with.has(Privilege::GrantOption) { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {privileges} ON {on} TO {to}{option}")
}

/// The names of a set; `all` is what is written as ALL PRIVILEGES.
fn names(set: PrivilegeSet, all: PrivilegeSet) -> String {
    let set = set.without(PrivilegeSet::OPTION);
    if set.is_empty() {
        "USAGE".into()
    } else if set == all {
        "ALL PRIVILEGES".into()
    } else {
        set.iter().map(Privilege::name).collect::<Vec<_>>().join(", ")
    }
}

/// Each privilege on the table is followed by its columns.
fn table_names(grant: &crate::grants::TableGrant) -> String {
    let on_table = grant.privileges.without(PrivilegeSet::OPTION);
    if on_table == PrivilegeSet::TABLE {
        return names(on_table, PrivilegeSet::TABLE);
    }
    let mut list = Vec::new();
    for privilege in PrivilegeSet::TABLE.iter() {
        if on_table.has(privilege) {
            list.push(privilege.name().to_owned());
        }
        let columns: Vec<String> = grant
            .columns
            .iter()
            .filter(|(_, privileges)| privileges.has(privilege))
            .map(|(column, _)| quote_name(column))
            .collect();
        if !columns.is_empty() {
            list.push(format!("{} ({})", privilege.name(), columns.join(", ")));
        }
    }
    if list.is_empty() { "USAGE".into() } else { list.join(", ") }
}

fn create_text(account: &Account) -> String {
    let mut text = format!("CREATE USER {} IDENTIFIED WITH '{}'", account.name.backticked(), plugin(account));
    if let Some(verifier) = &account.verifier {
        let bytes = verifier.to_bytes();
        // Imported hashes hold control bytes, which a terminal or dump would spoil.
        if bytes.iter().all(|byte| (0x20..0x7F).contains(byte)) {
            text += &format!(" AS {}", quote_text(&bytes));
        } else {
            text += &bytes.iter().fold(String::from(" AS 0x"), |text, byte| text + &format!("{byte:02X}"));
        }
    }
    if !account.default_roles.is_empty() {
        text += &format!(" DEFAULT ROLE {}", name_list(&account.default_roles));
    }
    text += " REQUIRE ";
    match &account.tls {
        TlsRequirement::None => text += "NONE",
        TlsRequirement::Ssl => text += "SSL",
        TlsRequirement::X509 => text += "X509",
        TlsRequirement::Specified { subject, issuer, cipher } => {
            let parts = [("SUBJECT", subject), ("ISSUER", issuer), ("CIPHER", cipher)];
            let parts = parts.iter().filter_map(|(name, value)| {
                value.as_ref().map(|value| format!("{name} {}", quote_text(value.as_bytes())))
            });
            text += &parts.collect::<Vec<_>>().join(" ");
        }
    }
    let limits = [
        ("MAX_QUERIES_PER_HOUR", account.limits.queries_per_hour),
        ("MAX_UPDATES_PER_HOUR", account.limits.updates_per_hour),
        ("MAX_CONNECTIONS_PER_HOUR", account.limits.connections_per_hour),
        ("MAX_USER_CONNECTIONS", account.limits.user_connections),
    ];
    let mut with = " WITH";
    for (name, limit) in limits.iter().filter(|(_, limit)| *limit > 0) {
        text += &format!("{with} {name} {limit}");
        with = "";
    }
    text += match (account.expired, account.password.expiry) {
        (true, _) => " PASSWORD EXPIRE".into(),
        (_, Expiry::Default) => " PASSWORD EXPIRE DEFAULT".into(),
        (_, Expiry::Never) => " PASSWORD EXPIRE NEVER".into(),
        (_, Expiry::Days(days)) => format!(" PASSWORD EXPIRE INTERVAL {days} DAY"),
    }
    .as_str();
    text += if account.locked { " ACCOUNT LOCK" } else { " ACCOUNT UNLOCK" };
    text += &match account.password.history {
        None => " PASSWORD HISTORY DEFAULT".to_owned(),
        Some(count) => format!(" PASSWORD HISTORY {count}"),
    };
    text += &match account.password.reuse_days {
        None => " PASSWORD REUSE INTERVAL DEFAULT".to_owned(),
        Some(days) => format!(" PASSWORD REUSE INTERVAL {days} DAY"),
    };
    text += match account.password.require_current {
        None => " PASSWORD REQUIRE CURRENT DEFAULT",
        Some(true) => " PASSWORD REQUIRE CURRENT",
        Some(false) => " PASSWORD REQUIRE CURRENT OPTIONAL",
    };
    if account.password.failed_attempts > 0 {
        text += &format!(" FAILED_LOGIN_ATTEMPTS {}", account.password.failed_attempts);
    }
    match account.password.lock_time {
        None | Some(LockTime::Days(0)) => {}
        Some(LockTime::Days(days)) => text += &format!(" PASSWORD_LOCK_TIME {days}"),
        Some(LockTime::Unbounded) => text += " PASSWORD_LOCK_TIME UNBOUNDED",
    }
    if !account.attributes.is_empty() {
        text += &format!(" ATTRIBUTE {}", quote_text(object_text(&account.attributes).as_bytes()));
    }
    text
}

/// `User_attributes` as MySQL lays it out.
fn stored_attributes(account: &Account) -> String {
    let mut all = serde_json::Map::new();
    if !account.attributes.is_empty() {
        all.insert("metadata".into(), account.attributes.clone().into());
    }
    let days = match account.password.lock_time {
        None => 0,
        Some(LockTime::Days(days)) => i64::from(days),
        Some(LockTime::Unbounded) => -1,
    };
    if account.password.failed_attempts > 0 || days != 0 {
        let locking = serde_json::json!({
            "failed_login_attempts": account.password.failed_attempts,
            "password_lock_time_days": days,
        });
        all.insert("Password_locking".into(), locking);
    }
    if all.is_empty() { String::new() } else { object_text(&all) }
}

/// JSON as MySQL prints it: blanks after commas and colons, keys by length and then by bytes.
fn object_text(object: &serde_json::Map<String, serde_json::Value>) -> String {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(key, _)| (key.len(), key.as_bytes()));
    let text = |(key, value): (&String, &serde_json::Value)| {
        format!("{}: {}", serde_json::Value::from(key.as_str()), value_text(value))
    };
    format!("{{{}}}", entries.into_iter().map(text).collect::<Vec<_>>().join(", "))
}

fn value_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(object) => object_text(object),
        serde_json::Value::Array(values) => {
            format!("[{}]", values.iter().map(value_text).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
