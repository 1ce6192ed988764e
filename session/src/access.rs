//! Who may: the privileges that a statement demands against those that the account has.

use crate::session::Session;
use aurora_parser::Statement;
use aurora_planner::{ObjectAccess, Privilege as Demand};
use aurora_security::{AccountName, Effective, Privilege, errors};
use aurora_types::error as er;
use aurora_types::{SqlError, SqlResult};
use std::sync::Arc;

/// The stored privilege of a plan's demand.
fn privilege_of(demand: Demand) -> Privilege {
    match demand {
        Demand::Select => Privilege::Select,
        Demand::Insert => Privilege::Insert,
        Demand::Update => Privilege::Update,
        Demand::Delete => Privilege::Delete,
        Demand::Lock => Privilege::LockTables,
        Demand::File => Privilege::File,
        Demand::Create => Privilege::Create,
        Demand::Drop => Privilege::Drop,
        Demand::Alter => Privilege::Alter,
        Demand::Index => Privilege::Index,
        Demand::References => Privilege::References,
        Demand::CreateView => Privilege::CreateView,
        Demand::ShowView => Privilege::ShowView,
        Demand::Execute => Privilege::Execute,
        Demand::Trigger => Privilege::Trigger,
    }
}

impl Session {
    pub(crate) fn account_name(&self) -> AccountName {
        AccountName::new(&self.state.account.0, &self.state.account.1)
    }

    fn role_names(&self) -> Vec<AccountName> {
        self.state.roles.iter().map(|(user, host)| AccountName::new(user, host)).collect()
    }

    /// What the account may do with its active roles. Statement after statement asks for the same, so that the session
    /// keeps it for as long as nothing about accounts has changed.
    pub(crate) fn privileges(&self) -> Arc<Effective> {
        let known = self.known_privileges.take().filter(|known| self.are_newest(known));
        let newest = known.unwrap_or_else(|| {
            self.state.shared.accounts.privileges(&self.account_name(), &self.role_names())
        });
        self.known_privileges.set(Some(newest.clone()));
        newest
    }

    fn are_newest(&self, known: &Effective) -> bool {
        let is = |name: &AccountName, (user, host): &(String, String)| {
            name.user == *user && name.host.eq_ignore_ascii_case(host)
        };
        let (account, roles) = (&self.state.account, &self.state.roles);
        known.version == self.state.shared.accounts.version()
            && is(&known.account, account)
            && known.active_roles.len() == roles.len()
            && known.active_roles.iter().zip(roles).all(|(name, role)| is(name, role))
    }

    /// Checks every demand of a plan.
    ///
    /// # Errors
    /// 1142, 1143, 1227.
    pub(crate) fn check_access(&self, access: &[ObjectAccess]) -> SqlResult<()> {
        if access.is_empty() {
            return Ok(());
        }
        let own = self.privileges();
        for demand in access {
            let definer;
            let effective = match &demand.definer {
                None => &own,
                Some(account) => {
                    let (user, host) = account.rsplit_once('@').unwrap_or((account, "%"));
                    definer = self.state.shared.accounts.privileges(&AccountName::new(user, host), &[]);
                    &definer
                }
            };
            self.check_demand(effective, demand)?;
        }
        Ok(())
    }

    fn check_demand(&self, effective: &Effective, demand: &ObjectAccess) -> SqlResult<()> {
        let privilege = privilege_of(demand.privilege);
        if demand.schema.is_empty() {
            return if effective.has_global(privilege) {
                Ok(())
            } else {
                Err(errors::privilege_needed(privilege.name()))
            };
        }
        if self.temporary.iter().any(|t| t.schema == demand.schema && t.name == demand.object) {
            return Ok(());
        }
        let object = (!demand.object.is_empty()).then_some(demand.object.as_str());
        let columns: Vec<&str> = demand.columns.0.iter().map(String::as_str).collect();
        if effective.check(&demand.schema, object, privilege, &columns) {
            return Ok(());
        }
        let Some(table) = object else {
            return Err(errors::schema_denied(&self.account_name(), &demand.schema));
        };
        let some = effective.any_column(&demand.schema, table, privilege);
        if some && columns.is_empty() && privilege == Privilege::Select {
            return Ok(());
        }
        let account = self.shown_account();
        if some
            && let Some(column) =
                columns.iter().find(|c| !effective.check(&demand.schema, object, privilege, &[c]))
        {
            return Err(errors::column_denied(privilege.name(), &account.user, &account.host, column, table));
        }
        Err(self.denied_on_table(privilege.name(), table))
    }

    /// Errors about tables name the user as it came, not the account.
    fn shown_account(&self) -> AccountName {
        AccountName::new(&self.state.user, &self.state.client_host)
    }

    pub(crate) fn check_database(&self, schema: &str) -> SqlResult<()> {
        if crate::info_schema::has_schema(schema) || self.privileges().any_on_schema(schema) {
            return Ok(());
        }
        Err(self.denied_on_schema(schema))
    }

    fn denied_on_table(&self, command: &str, table: &str) -> SqlError {
        errors::table_denied(command, &self.state.user, &self.state.client_host, table)
    }

    pub(crate) fn denied_on_schema(&self, schema: &str) -> SqlError {
        errors::schema_denied(&self.shown_account(), schema)
    }

    pub(crate) fn may_see_schema(&self, schema: &str) -> bool {
        self.privileges().any_on_schema(schema)
    }

    pub(crate) fn may_see_table(&self, schema: &str, table: &str) -> bool {
        self.privileges().any_on_table(schema, table)
    }

    /// DESCRIBE and SHOW CREATE of what one may not know of.
    ///
    /// # Errors
    /// 1142, 1146.
    pub(crate) fn require_visible(&self, schema: &str, table: &str) -> SqlResult<()> {
        if crate::info_schema::has_schema(schema) || self.may_see_table(schema, table) {
            return Ok(());
        }
        Err(self.denied_on_table("SELECT", table))
    }

    pub(crate) fn sees_all_processes(&self) -> bool {
        self.privileges().has_global(Privilege::Process)
    }

    /// A dynamic privilege, or SUPER.
    ///
    /// # Errors
    /// 1227.
    pub(crate) fn require_dynamic(&self, name: &str) -> SqlResult<()> {
        let effective = self.privileges();
        if effective.has_dynamic(name) || effective.has_global(Privilege::Super) {
            return Ok(());
        }
        Err(errors::privilege_needed(&format!("SUPER or {name}")))
    }

    pub(crate) fn require_global(&self, privilege: Privilege) -> SqlResult<()> {
        if self.privileges().has_global(privilege) {
            return Ok(());
        }
        Err(errors::privilege_needed(privilege.name()))
    }

    fn require_on(
        &self,
        schema: &str,
        table: Option<&str>,
        privilege: Privilege,
        command: &str,
    ) -> SqlResult<()> {
        if self.privileges().check(schema, table, privilege, &[]) {
            return Ok(());
        }
        Err(match table {
            Some(table) => self.denied_on_table(command, table),
            None => self.denied_on_schema(schema),
        })
    }

    /// What DDL demands.
    ///
    /// # Errors
    /// 1044, 1142.
    pub(crate) fn check_definition_access(&self, statement: &Statement) -> SqlResult<()> {
        let on = |name: &aurora_parser::ObjectName, privilege: Privilege, command: &str| {
            let (schema, table) = self.qualify(name)?;
            self.require_on(&schema, Some(&table), privilege, command)
        };
        match statement {
            Statement::CreateTable(create) if create.temporary => {
                let (schema, _) = self.qualify(&create.name)?;
                self.require_on(&schema, None, Privilege::CreateTemporaryTables, "CREATE")
            }
            Statement::CreateTable(create) => on(&create.name, Privilege::Create, "CREATE"),
            Statement::AlterTable(alter) => on(&alter.name, Privilege::Alter, "ALTER"),
            Statement::DropTable(drop) | Statement::DropView(drop) => {
                for name in &drop.names {
                    let (schema, table) = self.qualify(name)?;
                    if !self.temporary.iter().any(|t| t.schema == schema && t.name == table) {
                        self.require_on(&schema, Some(&table), Privilege::Drop, "DROP")?;
                    }
                }
                Ok(())
            }
            Statement::TruncateTable(name) => on(name, Privilege::Drop, "DROP"),
            Statement::RenameTable(renames) => {
                for (from, to) in renames {
                    on(from, Privilege::Alter, "ALTER")?;
                    on(from, Privilege::Drop, "DROP")?;
                    on(to, Privilege::Create, "CREATE")?;
                    on(to, Privilege::Insert, "INSERT")?;
                }
                Ok(())
            }
            Statement::CreateIndex(create) => on(&create.table, Privilege::Index, "INDEX"),
            Statement::DropIndex(drop) => on(&drop.table, Privilege::Index, "INDEX"),
            Statement::CreateDatabase(create) => {
                self.require_on(create.name.as_str(), None, Privilege::Create, "CREATE")
            }
            Statement::AlterDatabase(alter) => {
                let name = match &alter.name {
                    Some(name) => name.as_str().to_owned(),
                    None => self.state.database.clone().unwrap_or_default(),
                };
                self.require_on(&name, None, Privilege::Alter, "ALTER")
            }
            Statement::DropDatabase { name, .. } => {
                self.require_on(name.as_str(), None, Privilege::Drop, "DROP")
            }
            Statement::CreateView(create) => on(&create.name, Privilege::CreateView, "CREATE VIEW"),
            _ => Ok(()),
        }
    }

    /// An account whose password has expired may only set a new one.
    ///
    /// # Errors
    /// 1820.
    pub(crate) fn check_expired(&self, statement: &Statement) -> SqlResult<()> {
        if !self.state.password_expired {
            return Ok(());
        }
        let allowed = match statement {
            Statement::SetPassword(set) => set.user.is_none(),
            Statement::CreateUser(create) => create.alter,
            Statement::Set(_) => true,
            _ => false,
        };
        if allowed { Ok(()) } else { Err(SqlError::new(er::ER_MUST_CHANGE_PASSWORD, &[])) }
    }
}
