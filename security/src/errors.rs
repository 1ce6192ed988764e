//! MySQL's errors about accounts, filled in.

use crate::name::{AccountName, quote_name};
use aurora_types::error::*;
use aurora_types::{SqlError, SqlResult};

pub(crate) fn no_randomness() -> SqlError {
    SqlError::new(ER_INTERNAL_ERROR, &[&"no random numbers"])
}

/// 1045 at a login.
pub fn access_denied(user: &str, host: &str, with_password: bool) -> SqlError {
    SqlError::new(ER_ACCESS_DENIED_ERROR, &[&user, &host, &if with_password { "YES" } else { "NO" }])
}

/// 1044 for a database.
pub fn schema_denied(account: &AccountName, schema: &str) -> SqlError {
    SqlError::new(ER_DBACCESS_DENIED_ERROR, &[&account.user, &account.host, &schema])
}

/// 1142 for a table; `command` as in `SELECT`. Unlike other errors it names where the client is, not the account's
/// host pattern.
pub fn table_denied(command: &str, user: &str, client_host: &str, table: &str) -> SqlError {
    SqlError::new(ER_TABLEACCESS_DENIED_ERROR, &[&command, &user, &client_host, &table])
}

/// 1143 for a column; see [`table_denied`].
pub fn column_denied(command: &str, user: &str, client_host: &str, column: &str, table: &str) -> SqlError {
    SqlError::new(ER_COLUMNACCESS_DENIED_ERROR, &[&command, &user, &client_host, &column, &table])
}

/// 1227: `privileges` as MySQL lists them, such as `SUPER or SYSTEM_VARIABLES_ADMIN`.
pub fn privilege_needed(privileges: &str) -> SqlError {
    SqlError::new(ER_SPECIFIC_ACCESS_DENIED_ERROR, &[&privileges])
}

/// 1370 for a routine, named with its database.
pub fn routine_denied(command: &str, account: &AccountName, schema: &str, routine: &str) -> SqlError {
    let name = format!("{schema}.{routine}");
    SqlError::new(ER_PROCACCESS_DENIED_ERROR, &[&command, &account.user, &account.host, &name])
}

/// 1410: GRANT makes no accounts.
pub fn no_account_to_grant() -> SqlError {
    SqlError::new(ER_CANT_CREATE_USER_WITH_GRANT, &[])
}

/// 3523.
pub fn unknown_role(role: &AccountName) -> SqlError {
    SqlError::new(ER_UNKNOWN_AUTHID, &[&Backticked(&role.user), &Backticked(&role.host)])
}

/// 3530.
pub fn role_not_granted(role: &AccountName, account: &AccountName) -> SqlError {
    let names = [&role.user, &role.host, &account.user, &account.host].map(|name| Backticked(name));
    SqlError::new(ER_ROLE_NOT_GRANTED, &[&names[0], &names[1], &names[2], &names[3]])
}

/// 3628.
pub(crate) fn role_is_mandatory(role: &AccountName) -> SqlError {
    SqlError::new(ER_MANDATORY_ROLE, &[&role.backticked()])
}

/// 1396 for all accounts that a statement failed for. Each failed for the reason that MySQL adds in parentheses.
pub(crate) fn cannot(operation: &str, failed: &[AccountName], why: &str) -> SqlError {
    let list: Vec<String> = failed.iter().map(|name| format!("{name}{why}")).collect();
    SqlError::new(ER_CANNOT_USER, &[&operation, &list.join(",")])
}

/// `Ok` when nothing failed.
pub(crate) fn unless_failed(operation: &str, failed: &[AccountName], why: &str) -> SqlResult<()> {
    if failed.is_empty() { Ok(()) } else { Err(cannot(operation, failed, why)) }
}

/// Within the backticks that the catalogue's texts have.
struct Backticked<'a>(&'a str);

impl std::fmt::Display for Backticked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = quote_name(self.0);
        f.write_str(&quoted[1..quoted.len() - 1])
    }
}

/// 1524.
pub(crate) fn plugin_not_loaded(plugin: &str) -> SqlError {
    let message = format!("Plugin '{plugin}' is not loaded");
    SqlError { code: 1524, sqlstate: "HY000", message }
}

/// 3892.
pub(crate) fn current_password_missing() -> SqlError {
    let message =
        "Current password needs to be specified in the REPLACE clause in order to change it.".into();
    SqlError { code: 3892, sqlstate: "HY000", message }
}
