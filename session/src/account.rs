//! Accounts, roles and privileges: the parser's words into requests of the security layer.

use crate::session::Session;
use crate::show::{Listing, made, metas, text};
use aurora_parser::{
    AccountOption as Written, CreateUser, DefaultRoles, GrantObject, GrantOn, GrantWhat as What,
    ResourceLimit, Secret as WrittenSecret, SetRole, Statement, TlsRequirement as WrittenTls, UserName,
};
use aurora_security::{
    AccountName, AccountOption, AccountOutcome, Expiry, GrantTarget, GrantWhat, Lenience, LockTime,
    Privilege, PrivilegeRequest, RoleChoice, RoutineKind, Secret, TlsRequirement, UserRequest,
};
use aurora_types::error as er;
use aurora_types::{Diagnostics, SqlError, SqlResult, Value};
use zeroize::Zeroizing;

impl Session {
    fn name_of(&self, user: &UserName) -> AccountName {
        match user {
            UserName::Current => self.account_name(),
            UserName::Named { user, host, .. } => {
                AccountName::new(&user.to_str_lossy(), &host.to_str_lossy())
            }
        }
    }

    fn names_of(&self, users: &[UserName]) -> Vec<AccountName> {
        users.iter().map(|user| self.name_of(user)).collect()
    }

    fn requests(&self, create: &CreateUser) -> SqlResult<Vec<UserRequest>> {
        let mut requests = Vec::with_capacity(create.users.len());
        for spec in &create.users {
            if spec.factor_change.is_some() || spec.factors.len() > 1 {
                return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"several authentication factors"]));
            }
            let mut request = UserRequest::new(self.name_of(&spec.user));
            request.own = create.alter && request.name.as_ref() == Some(&self.account_name());
            request.discard_old = spec.discard_old;
            if let Some(factor) = spec.factors.first() {
                request.plugin = factor.plugin.as_ref().map(|plugin| plugin.to_str_lossy().into_owned());
                request.secret = factor.secret.as_ref().map(|secret| match secret {
                    WrittenSecret::Password(text) => {
                        Secret::Password(Zeroizing::new(text.bytes.as_bytes().to_vec()))
                    }
                    WrittenSecret::Random => Secret::Random,
                    WrittenSecret::Hash(text) => Secret::Hash(text.bytes.as_bytes().to_vec()),
                });
                request.replace =
                    factor.replace.as_ref().map(|text| Zeroizing::new(text.bytes.as_bytes().to_vec()));
                request.retain_current = factor.retain_current;
                request.discard_old |= factor.discard_old;
            }
            requests.push(request);
        }
        Ok(requests)
    }

    fn account_options(create: &CreateUser) -> Vec<AccountOption> {
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let mut options = Vec::new();
        if let Some(tls) = &create.tls {
            options.push(AccountOption::Tls(match tls {
                WrittenTls::None => TlsRequirement::None,
                WrittenTls::Ssl => TlsRequirement::Ssl,
                WrittenTls::X509 => TlsRequirement::X509,
                WrittenTls::Specified { subject, issuer, cipher } => {
                    let text = |part: &Option<aurora_parser::StringLiteral>| {
                        part.as_ref().map(|text| text.to_str_lossy().into_owned())
                    };
                    TlsRequirement::Specified {
                        subject: text(subject),
                        issuer: text(issuer),
                        cipher: text(cipher),
                    }
                }
            }));
        }
        for (limit, n) in &create.limits {
            options.push(match limit {
                ResourceLimit::QueriesPerHour => AccountOption::QueriesPerHour(small(*n)),
                ResourceLimit::UpdatesPerHour => AccountOption::UpdatesPerHour(small(*n)),
                ResourceLimit::ConnectionsPerHour => AccountOption::ConnectionsPerHour(small(*n)),
                ResourceLimit::UserConnections => AccountOption::UserConnections(small(*n)),
            });
        }
        for option in &create.options {
            options.push(match option {
                Written::PasswordExpire => AccountOption::Expire,
                Written::PasswordExpireDefault => AccountOption::Expiry(Expiry::Default),
                Written::PasswordExpireNever => AccountOption::Expiry(Expiry::Never),
                Written::PasswordExpireInterval(days) => AccountOption::Expiry(Expiry::Days(small(*days))),
                Written::PasswordHistory(n) => AccountOption::History(n.map(small)),
                Written::PasswordReuseInterval(n) => AccountOption::ReuseDays(n.map(small)),
                Written::PasswordRequireCurrent(yes) => AccountOption::RequireCurrent(*yes),
                Written::FailedLoginAttempts(n) => AccountOption::FailedAttempts(small(*n)),
                Written::PasswordLockTime(Some(days)) => {
                    AccountOption::LockTime(LockTime::Days(small(*days)))
                }
                Written::PasswordLockTime(None) => AccountOption::LockTime(LockTime::Unbounded),
                Written::AccountLock => AccountOption::Lock(true),
                Written::AccountUnlock => AccountOption::Lock(false),
            });
        }
        if let Some(comment) = &create.comment {
            options.push(AccountOption::Comment(comment.to_str_lossy().into_owned()));
        }
        if let Some(attribute) = &create.attribute {
            options.push(AccountOption::Attribute(attribute.to_str_lossy().into_owned()));
        }
        options
    }

    fn told(&self, outcome: AccountOutcome, diagnostics: &mut Diagnostics) -> SqlResult<()> {
        for warning in outcome.warnings {
            diagnostics.push(warning.level, warning.code, warning.message);
        }
        if !outcome.generated.is_empty() {
            return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"IDENTIFIED BY RANDOM PASSWORD"]));
        }
        Ok(())
    }

    pub(crate) fn account_statement(
        &mut self,
        statement: &Statement,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<()> {
        let accounts = self.state.shared.accounts.clone();
        match statement {
            Statement::CreateUser(create) => {
                let random = create
                    .users
                    .iter()
                    .any(|user| user.factors.iter().any(|f| matches!(f.secret, Some(WrittenSecret::Random))));
                if random {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"IDENTIFIED BY RANDOM PASSWORD"]));
                }
                let requests = self.requests(create)?;
                let options = Self::account_options(create);
                let outcome = if create.alter {
                    let own_password = requests.iter().all(|request| request.own) && options.is_empty();
                    if !own_password {
                        self.require_global(Privilege::CreateUser)?;
                    }
                    let roles = create.default_roles.as_ref().map(|roles| self.role_choice(roles));
                    let outcome =
                        accounts.alter_user(&requests, &options, roles.as_ref(), create.if_clause)?;
                    if own_password {
                        self.state.password_expired = false;
                    }
                    outcome
                } else {
                    self.require_global(Privilege::CreateUser)?;
                    let roles = match &create.default_roles {
                        Some(DefaultRoles::Roles(roles)) => self.names_of(roles),
                        _ => Vec::new(),
                    };
                    accounts.create_user(&requests, &options, &roles, create.if_clause)?
                };
                self.told(outcome, diagnostics)
            }
            Statement::DropUser { if_exists, users } => {
                self.require_global(Privilege::CreateUser)?;
                let outcome = accounts.drop_user(&self.names_of(users), *if_exists)?;
                self.told(outcome, diagnostics)
            }
            Statement::RenameUser(rename) => {
                self.require_global(Privilege::CreateUser)?;
                let pairs: Vec<_> =
                    rename.renames.iter().map(|(from, to)| (self.name_of(from), self.name_of(to))).collect();
                accounts.rename_user(&pairs)
            }
            Statement::CreateRole { if_not_exists, roles } => {
                self.require_global(Privilege::CreateRole)?;
                let outcome = accounts.create_role(&self.names_of(roles), *if_not_exists)?;
                self.told(outcome, diagnostics)
            }
            Statement::DropRole { if_exists, roles } => {
                self.require_global(Privilege::DropRole)?;
                let outcome = accounts.drop_role(&self.names_of(roles), *if_exists)?;
                self.told(outcome, diagnostics)
            }
            Statement::Grant(grant) => {
                let what = self.grant_what(&grant.what, grant.on.as_ref())?;
                self.privileges().check_grant(&what, &self.state.client_host)?;
                let outcome = accounts.grant(&what, &self.names_of(&grant.to), grant.with_option)?;
                self.told(outcome, diagnostics)
            }
            Statement::Revoke(revoke) => {
                let what = match (&revoke.what, &revoke.on) {
                    (What::All, None) => GrantWhat::Everything,
                    (what, on) => self.grant_what(what, on.as_ref())?,
                };
                self.privileges().check_grant(&what, &self.state.client_host)?;
                let lenience =
                    Lenience { if_exists: revoke.if_exists, ignore_unknown_user: revoke.ignore_unknown_user };
                let outcome = accounts.revoke(&what, &self.names_of(&revoke.from), lenience)?;
                self.told(outcome, diagnostics)
            }
            Statement::SetPassword(set) => {
                let Some(password) = &set.password else {
                    return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"SET PASSWORD TO RANDOM"]));
                };
                let name = set.user.as_ref().map_or_else(|| self.account_name(), |user| self.name_of(user));
                let own = name == self.account_name();
                if !own {
                    self.require_global(Privilege::CreateUser)?;
                }
                let mut request = UserRequest::with_password(name, password.bytes.as_bytes());
                request.replace =
                    set.replace.as_ref().map(|text| Zeroizing::new(text.bytes.as_bytes().to_vec()));
                request.retain_current = set.retain_current;
                request.own = own;
                let outcome = accounts.set_password(&request)?;
                if own {
                    self.state.password_expired = false;
                }
                self.told(outcome, diagnostics)
            }
            Statement::SetDefaultRole(set) => {
                let users = self.names_of(&set.users);
                if users.iter().any(|user| *user != self.account_name()) {
                    self.require_global(Privilege::CreateUser)?;
                }
                accounts.set_default_role(&self.role_choice(&set.roles), &users)
            }
            Statement::SetRole(set) => {
                let choice = match set {
                    SetRole::Default => RoleChoice::Default,
                    SetRole::None => RoleChoice::None,
                    SetRole::All { except } if except.is_empty() => RoleChoice::All,
                    SetRole::All { except } => RoleChoice::AllExcept(self.names_of(except)),
                    SetRole::Roles(roles) => RoleChoice::Roles(self.names_of(roles)),
                };
                let roles = accounts.choose_roles(&self.account_name(), &choice)?;
                self.state.roles = roles.into_iter().map(|role| (role.user, role.host)).collect();
                Ok(())
            }
            _ => Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"this statement"])),
        }
    }

    fn role_choice(&self, roles: &DefaultRoles) -> RoleChoice {
        match roles {
            DefaultRoles::None => RoleChoice::None,
            DefaultRoles::All => RoleChoice::All,
            DefaultRoles::Roles(roles) => RoleChoice::Roles(self.names_of(roles)),
        }
    }

    pub(crate) fn activate_default_roles(&mut self) {
        let accounts = self.state.shared.accounts.clone();
        if let Ok(roles) = accounts.choose_roles(&self.account_name(), &RoleChoice::Default) {
            self.state.roles = roles.into_iter().map(|role| (role.user, role.host)).collect();
        }
    }

    fn grant_what(&self, what: &What, on: Option<&GrantOn>) -> SqlResult<GrantWhat> {
        let target = || -> SqlResult<GrantTarget> {
            Ok(match on {
                None | Some(GrantOn::Global) => GrantTarget::Global,
                Some(GrantOn::DefaultSchema) => GrantTarget::Schema(
                    self.state.database.clone().ok_or_else(|| SqlError::new(er::ER_NO_DB_ERROR, &[]))?,
                ),
                Some(GrantOn::Schema(schema)) => GrantTarget::Schema(schema.as_str().to_owned()),
                Some(GrantOn::Object { kind, name }) => {
                    let (schema, object) = self.qualify(name)?;
                    match kind {
                        GrantObject::Table => GrantTarget::Table { schema, table: object },
                        GrantObject::Function => {
                            GrantTarget::Routine { kind: RoutineKind::Function, schema, routine: object }
                        }
                        GrantObject::Procedure => {
                            GrantTarget::Routine { kind: RoutineKind::Procedure, schema, routine: object }
                        }
                        GrantObject::Library => {
                            return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"GRANT ON LIBRARY"]));
                        }
                    }
                }
            })
        };
        Ok(match what {
            What::All => GrantWhat::All(target()?),
            What::Privileges(list) => {
                let requests = list
                    .iter()
                    .map(|privilege| PrivilegeRequest {
                        name: privilege.name.to_str_lossy().into_owned(),
                        columns: privilege.columns.iter().map(|c| c.as_str().to_owned()).collect(),
                    })
                    .collect();
                GrantWhat::Privileges(requests, target()?)
            }
            What::Roles(roles) => GrantWhat::Roles(self.names_of(roles)),
            What::Proxy(user) => GrantWhat::Proxy(self.name_of(user)),
        })
    }

    pub(crate) fn grants_listing(&self, user: Option<&UserName>, using: &[UserName]) -> SqlResult<Listing> {
        let name = user.map_or_else(|| self.account_name(), |user| self.name_of(user));
        let mut using = self.names_of(using);
        if user.is_none_or(|user| matches!(user, UserName::Current)) && using.is_empty() {
            using = self.state.roles.iter().map(|(user, host)| AccountName::new(user, host)).collect();
        }
        let lines = self.state.shared.accounts.show_grants(&name, &using)?;
        let title = format!("Grants for {}@{}", name.user, name.host);
        let rows = lines.into_iter().map(|line| vec![text(line)]).collect();
        Ok(Listing { columns: metas([made(&title, 1024)]), rows })
    }

    pub(crate) fn create_user_listing(&self, user: &UserName) -> SqlResult<Listing> {
        let name = self.name_of(user);
        if name != self.account_name() {
            self.require_global(Privilege::CreateUser)?;
        }
        let line = self.state.shared.accounts.show_create_user(&name)?;
        let title = format!("CREATE USER for {}@{}", name.user, name.host);
        Ok(Listing { columns: metas([made(&title, 256)]), rows: vec![vec![text(line)]] })
    }

    /// information_schema.USER_PRIVILEGES.
    pub(crate) fn user_privileges(&self) -> Vec<Vec<Value>> {
        let account = self.account_name();
        let effective = self.privileges();
        let grantee = account.to_string();
        let grantable = effective.has_global(Privilege::GrantOption);
        let mut rows: Vec<Vec<Value>> = Privilege::ALL
            .iter()
            .filter(|privilege| **privilege != Privilege::GrantOption && effective.has_global(**privilege))
            .map(|privilege| {
                vec![
                    text(&grantee),
                    text("def"),
                    text(privilege.name()),
                    text(if grantable { "YES" } else { "NO" }),
                ]
            })
            .collect();
        if rows.is_empty() {
            rows.push(vec![text(&grantee), text("def"), text("USAGE"), text("NO")]);
        }
        rows
    }

    /// information_schema.SCHEMA_PRIVILEGES of this account.
    pub(crate) fn schema_privileges(&self) -> Vec<Vec<Value>> {
        let account = self.account_name();
        let snapshot = self.state.shared.accounts.snapshot();
        let Some(grants) = snapshot.grants(&account) else { return Vec::new() };
        let mut rows = Vec::new();
        for grant in &grants.schemas {
            let grantable = grant.privileges.has(Privilege::GrantOption);
            for privilege in Privilege::ALL {
                if *privilege != Privilege::GrantOption && grant.privileges.has(*privilege) {
                    rows.push(vec![
                        text(account.to_string()),
                        text("def"),
                        text(&grant.pattern),
                        text(privilege.name()),
                        text(if grantable { "YES" } else { "NO" }),
                    ]);
                }
            }
        }
        rows
    }
}
