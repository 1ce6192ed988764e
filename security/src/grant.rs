//! GRANT and REVOKE.

use crate::accounts::{Accounts, AclChange};
use crate::effective::Effective;
use crate::errors::{
    no_account_to_grant, privilege_needed, role_is_mandatory, routine_denied, schema_denied, table_denied,
    unknown_role,
};
use crate::grants::{Grants, ProxyGrant, RoleGrant, RoutineKind, TableGrant};
use crate::name::AccountName;
use crate::privilege::{Privilege, PrivilegeSet, is_dynamic};
use crate::users::AccountOutcome;
use aurora_catalog::names_equal;
use aurora_types::diagnostics::Level;
use aurora_types::error::*;
use aurora_types::{SqlError, SqlResult};

/// What privileges are granted on. The session resolves names: a table or routine exists, a column is one of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantTarget {
    /// `*.*`
    Global,
    /// `db.*`; a pattern.
    Schema(String),
    Table {
        schema: String,
        table: String,
    },
    Routine {
        kind: RoutineKind,
        schema: String,
        routine: String,
    },
}

/// A privilege of a statement, by its name in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivilegeRequest {
    /// `SELECT`, `GRANT OPTION`, `USAGE`, `BACKUP_ADMIN`.
    pub name: String,
    pub columns: Vec<String>,
}

/// What is granted or revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantWhat {
    /// ALL [PRIVILEGES] ON a target.
    All(GrantTarget),
    Privileges(Vec<PrivilegeRequest>, GrantTarget),
    Roles(Vec<AccountName>),
    /// PROXY ON an account.
    Proxy(AccountName),
    /// REVOKE ALL PRIVILEGES, GRANT OPTION FROM: no target.
    Everything,
}

/// IF EXISTS and IGNORE UNKNOWN USER of REVOKE: what becomes a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lenience {
    pub if_exists: bool,
    pub ignore_unknown_user: bool,
}

/// Privileges of a statement, checked against its target.
#[derive(Debug, Default)]
struct Parts {
    privileges: PrivilegeSet,
    columns: Vec<(String, PrivilegeSet)>,
    dynamic: Vec<String>,
}

fn parts(requests: &[PrivilegeRequest], target: &GrantTarget) -> SqlResult<Parts> {
    let illegal = || SqlError::new(ER_ILLEGAL_GRANT_FOR_TABLE, &[]);
    let mut parts = Parts::default();
    for request in requests {
        if request.name == "USAGE" {
            continue;
        }
        let Some(privilege) = Privilege::by_name(&request.name) else {
            if !is_dynamic(&request.name) {
                return Err(SqlError::new(ER_SYNTAX_ERROR, &[]));
            }
            if *target != GrantTarget::Global {
                return Err(SqlError::new(ER_ILLEGAL_PRIVILEGE_LEVEL, &[&request.name]));
            }
            parts.dynamic.push(request.name.clone());
            continue;
        };
        let one = PrivilegeSet::of(&[privilege]);
        if !request.columns.is_empty() {
            if !matches!(target, GrantTarget::Table { .. }) || !PrivilegeSet::COLUMN.contains(one) {
                return Err(illegal());
            }
            parts.columns.extend(request.columns.iter().map(|column| (column.clone(), one)));
            continue;
        }
        let allowed = all_on(target).union(PrivilegeSet::OPTION);
        if !allowed.contains(one) {
            return Err(match target {
                GrantTarget::Schema(_) => SqlError::new(ER_WRONG_USAGE, &[&"DB GRANT", &"GLOBAL PRIVILEGES"]),
                _ => illegal(),
            });
        }
        parts.privileges = parts.privileges.union(one);
    }
    Ok(parts)
}

fn all_on(target: &GrantTarget) -> PrivilegeSet {
    match target {
        GrantTarget::Global => PrivilegeSet::GLOBAL,
        GrantTarget::Schema(_) => PrivilegeSet::SCHEMA,
        GrantTarget::Table { .. } => PrivilegeSet::TABLE,
        GrantTarget::Routine { .. } => PrivilegeSet::ROUTINE,
    }
}

impl Effective {
    /// Whether this account may grant or revoke `what`: all of it itself, with GRANT OPTION. `client_host` is for
    /// errors.
    ///
    /// # Errors
    /// 1045, 1044, 1142, 1370 by the target; 1227 for dynamic privileges and roles; 1698 for proxies.
    pub fn check_grant(&self, what: &GrantWhat, client_host: &str) -> SqlResult<()> {
        let unless = |may: bool, needed: &str| if may { Ok(()) } else { Err(privilege_needed(needed)) };
        let account = &self.account;
        match what {
            GrantWhat::Roles(roles) => {
                unless(roles.iter().all(|role| self.may_grant_role(role)), "WITH ADMIN, ROLE_ADMIN, SUPER")
            }
            GrantWhat::Everything => unless(self.has_global(Privilege::CreateUser), "CREATE USER"),
            GrantWhat::Proxy(on) => {
                if self.may_grant_proxy(on) {
                    return Ok(());
                }
                Err(SqlError::new(ER_ACCESS_DENIED_NO_PASSWORD_ERROR, &[&account.user, &client_host]))
            }
            GrantWhat::All(target) => {
                let all = Parts { privileges: all_on(target), ..Parts::default() };
                self.check_target(&all, target, client_host)
            }
            GrantWhat::Privileges(requests, target) => {
                self.check_target(&parts(requests, target)?, target, client_host)
            }
        }
    }

    fn check_target(&self, parts: &Parts, target: &GrantTarget, client_host: &str) -> SqlResult<()> {
        if !parts.dynamic.iter().all(|name| self.may_grant_dynamic(name)) {
            return Err(privilege_needed("GRANT OPTION"));
        }
        let wanted = parts.privileges.union(PrivilegeSet::OPTION);
        let only_dynamic = parts.privileges.is_empty() && !parts.dynamic.is_empty();
        let account = &self.account;
        let (may, denied) = match target {
            GrantTarget::Global => {
                let denied = SqlError::new(ER_ACCESS_DENIED_ERROR, &[&account.user, &account.host, &"YES"]);
                (only_dynamic || self.global().contains(wanted), denied)
            }
            GrantTarget::Schema(pattern) => {
                let own = self.on_schema(&pattern.replace('\\', ""));
                (own.contains(wanted), schema_denied(account, pattern))
            }
            GrantTarget::Table { schema, table } => {
                let mut own = self.on_table(schema, table);
                for (column, privilege) in &parts.columns {
                    let on_column = self.on_column(schema, table, column);
                    own = own.union(on_column.intersection(*privilege));
                }
                let wanted = parts.columns.iter().fold(wanted, |all, (_, privilege)| all.union(*privilege));
                let missing = wanted.without(own);
                let option = missing.has(Privilege::GrantOption).then_some("GRANT");
                let names = missing.without(PrivilegeSet::OPTION).iter().map(Privilege::name).chain(option);
                let names: Vec<&str> = names.collect();
                (missing.is_empty(), table_denied(&names.join(", "), &account.user, client_host, table))
            }
            GrantTarget::Routine { kind, schema, routine } => {
                let own = self.on_routine(*kind, schema, routine);
                // MySQL writes this command in lower case.
                (own.contains(wanted), routine_denied("execute", account, schema, routine))
            }
        };
        if may { Ok(()) } else { Err(denied) }
    }
}

impl Accounts {
    /// GRANT. `with_option` is WITH GRANT OPTION or WITH ADMIN OPTION. All grantees or none.
    pub fn grant(
        &self,
        what: &GrantWhat,
        to: &[AccountName],
        with_option: bool,
    ) -> SqlResult<AccountOutcome> {
        let mut change = self.change();
        for name in to {
            let exists = change.next.account(name).is_some();
            if let GrantWhat::Roles(roles) = what {
                grant_roles(&mut change, roles, name, with_option)?;
                continue;
            }
            if !exists {
                return Err(no_account_to_grant());
            }
            let mut grants = change.grants_of(name);
            match what {
                GrantWhat::All(target) => {
                    let mut all = Parts { privileges: all_on(target), ..Parts::default() };
                    if *target == GrantTarget::Global {
                        all.dynamic = crate::privilege::DYNAMIC.iter().map(|name| name.to_string()).collect();
                    }
                    add(&mut grants, &all, target, with_option);
                }
                GrantWhat::Privileges(requests, target) => {
                    add(&mut grants, &parts(requests, target)?, target, with_option);
                }
                GrantWhat::Proxy(on) => match grants.proxies.iter_mut().find(|grant| grant.on == *on) {
                    Some(grant) => grant.grantable |= with_option,
                    None => grants.proxies.push(ProxyGrant { on: on.clone(), grantable: with_option }),
                },
                GrantWhat::Roles(_) | GrantWhat::Everything => {}
            }
            change.put_grants(name.clone(), grants)?;
        }
        change.commit()?;
        Ok(AccountOutcome::default())
    }

    /// REVOKE. All accounts or none.
    pub fn revoke(
        &self,
        what: &GrantWhat,
        from: &[AccountName],
        lenience: Lenience,
    ) -> SqlResult<AccountOutcome> {
        let mut outcome = AccountOutcome::default();
        let mut change = self.change();
        let unknown_user = |outcome: &mut AccountOutcome, name: &AccountName| {
            outcome.warn(Level::Warning, SqlError::new(ER_USER_DOES_NOT_EXIST, &[&name.user]));
        };
        if let GrantWhat::Roles(roles) = what
            && let Some(role) = roles.iter().find(|role| self.is_mandatory(role))
        {
            return Err(role_is_mandatory(role));
        }
        for name in from {
            if change.next.account(name).is_none() && lenience.ignore_unknown_user {
                unknown_user(&mut outcome, name);
                continue;
            }
            match revoke_from(&mut change, what, name) {
                Ok(()) => {}
                Err(error) if lenience.if_exists && change.next.account(name).is_some() => {
                    outcome.warn(Level::Warning, error);
                }
                Err(error) => return Err(error),
            }
        }
        change.commit()?;
        Ok(outcome)
    }
}

fn grant_roles(
    change: &mut AclChange<'_>,
    roles: &[AccountName],
    to: &AccountName,
    admin: bool,
) -> SqlResult<()> {
    let unknown = roles.iter().chain([to]).find(|name| change.next.account(name).is_none());
    if let Some(unknown) = unknown {
        return Err(unknown_role(unknown));
    }
    let mut grants = change.grants_of(to);
    for role in roles {
        if change.next.closure(std::slice::from_ref(role)).contains(to) {
            return Err(SqlError::new(ER_ROLE_GRANTED_TO_ITSELF, &[&to.backticked(), &role.backticked()]));
        }
        match grants.roles.iter_mut().find(|grant| grant.role == *role) {
            Some(grant) => grant.admin |= admin,
            None => grants.roles.push(RoleGrant { role: role.clone(), admin }),
        }
    }
    change.put_grants(to.clone(), grants)
}

fn add(grants: &mut Grants, parts: &Parts, target: &GrantTarget, with_option: bool) {
    let mut privileges = parts.privileges;
    // With dynamic privileges alone, the option is theirs.
    let by_name = privileges.has(Privilege::GrantOption);
    let only_dynamic = privileges.without(PrivilegeSet::OPTION).is_empty() && !parts.dynamic.is_empty();
    if only_dynamic {
        privileges = PrivilegeSet::NONE;
    } else if with_option {
        privileges = privileges.union(PrivilegeSet::OPTION);
    }
    match target {
        GrantTarget::Global => {
            grants.global = grants.global.union(privileges);
            for name in &parts.dynamic {
                *grants.dynamic.entry(name.clone()).or_default() |= with_option || by_name;
            }
            // GRANT OPTION by name, unlike WITH GRANT OPTION, is also for the dynamic ones that are there.
            if by_name {
                grants.dynamic.values_mut().for_each(|grantable| *grantable = true);
            }
        }
        GrantTarget::Schema(pattern) => {
            let grant = grants.schema_mut(pattern);
            grant.privileges = grant.privileges.union(privileges);
        }
        GrantTarget::Table { schema, table } => {
            let grant = grants.table_mut(schema, table);
            grant.privileges = grant.privileges.union(privileges);
            for (column, privilege) in &parts.columns {
                let slot = column_slot(grant, column);
                *slot = slot.union(*privilege);
            }
        }
        GrantTarget::Routine { kind, schema, routine } => {
            let grant = grants.routine_mut(*kind, schema, routine);
            grant.privileges = grant.privileges.union(privileges);
        }
    }
}

fn column_slot<'a>(grant: &'a mut TableGrant, column: &str) -> &'a mut PrivilegeSet {
    let known = grant.columns.keys().find(|known| names_equal(known, column)).cloned();
    grant.columns.entry(known.unwrap_or_else(|| column.to_owned())).or_default()
}

fn revoke_from(change: &mut AclChange<'_>, what: &GrantWhat, from: &AccountName) -> SqlResult<()> {
    let exists = change.next.account(from).is_some();
    let no_such_grant = || SqlError::new(ER_NONEXISTING_GRANT, &[&from.user, &from.host]);
    let mut grants = change.grants_of(from);
    match what {
        GrantWhat::Roles(roles) => {
            let unknown = [from].into_iter().chain(roles).find(|name| change.next.account(name).is_none());
            if let Some(unknown) = unknown {
                return Err(unknown_role(unknown));
            }
            grants.roles.retain(|grant| !roles.contains(&grant.role));
            let account = change.next.account(from).map(|account| crate::account::Account::clone(account));
            if let Some(mut account) = account {
                account.default_roles.retain(|role| !roles.contains(role));
                change.put_account(account)?;
            }
        }
        // MySQL takes both for the same: everything but roles goes, at all levels.
        GrantWhat::Everything | GrantWhat::All(GrantTarget::Global) => {
            if !exists {
                return Err(SqlError::new(ER_REVOKE_GRANTS, &[]));
            }
            grants = Grants { roles: grants.roles, proxies: grants.proxies, ..Grants::default() };
        }
        GrantWhat::Proxy(on) => {
            let before = grants.proxies.len();
            grants.proxies.retain(|grant| grant.on != *on);
            if grants.proxies.len() == before {
                return Err(no_such_grant());
            }
        }
        GrantWhat::All(target) => {
            // GRANT OPTION stays.
            let all = Parts { privileges: all_on(target), ..Parts::default() };
            if !take(&mut grants, &all, target, true) {
                return Err(no_grant_on(target, from));
            }
        }
        GrantWhat::Privileges(requests, target) => {
            let parts = parts(requests, target)?;
            if !exists && *target == GrantTarget::Global {
                return Err(no_such_grant());
            }
            if !take(&mut grants, &parts, target, false) {
                return Err(no_grant_on(target, from));
            }
        }
    }
    change.put_grants(from.clone(), grants)
}

/// `db.*` 1141, table 1147, routine 1403.
fn no_grant_on(target: &GrantTarget, from: &AccountName) -> SqlError {
    let (user, host) = (&from.user, &from.host);
    match target {
        GrantTarget::Global | GrantTarget::Schema(_) => SqlError::new(ER_NONEXISTING_GRANT, &[user, host]),
        GrantTarget::Table { table, .. } => SqlError::new(ER_NONEXISTING_TABLE_GRANT, &[user, host, table]),
        GrantTarget::Routine { routine, .. } => {
            SqlError::new(ER_NONEXISTING_PROC_GRANT, &[user, host, routine])
        }
    }
}

/// Takes `parts` away; `false` when one of them was not there. `all`: those that are there.
fn take(grants: &mut Grants, parts: &Parts, target: &GrantTarget, all: bool) -> bool {
    let taken = parts.privileges;
    match target {
        GrantTarget::Global => {
            grants.global = grants.global.without(taken);
            parts.dynamic.iter().for_each(|name| {
                grants.dynamic.remove(name);
            });
            true
        }
        GrantTarget::Schema(pattern) => {
            let Some(grant) = grants.schemas.iter_mut().find(|grant| grant.pattern == *pattern) else {
                return taken.is_empty();
            };
            let found = all || grant.privileges.contains(taken);
            grant.privileges = grant.privileges.without(taken);
            found
        }
        GrantTarget::Table { schema, table } => {
            let known =
                grants.tables.iter_mut().find(|grant| grant.schema == *schema && grant.table == *table);
            let Some(grant) = known else { return false };
            let on_columns = grant.columns.values().fold(PrivilegeSet::NONE, |set, own| set.union(*own));
            let mut found = all || grant.privileges.union(on_columns).contains(taken);
            for (column, privilege) in &parts.columns {
                found &= column_slot(grant, column).contains(*privilege);
            }
            grant.privileges = grant.privileges.without(taken);
            // A privilege on the table goes from its columns too.
            for own in grant.columns.values_mut() {
                *own = own.without(taken);
            }
            for (column, privilege) in &parts.columns {
                let slot = column_slot(grant, column);
                *slot = slot.without(*privilege);
            }
            found
        }
        GrantTarget::Routine { kind, schema, routine } => {
            let known = grants.routines.iter_mut().find(|grant| {
                grant.kind == *kind && grant.schema == *schema && names_equal(&grant.routine, routine)
            });
            let Some(grant) = known else { return false };
            let found = all || grant.privileges.contains(taken);
            grant.privileges = grant.privileges.without(taken);
            found
        }
    }
}
