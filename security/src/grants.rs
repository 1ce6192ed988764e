//! The record of what an account or role has been granted.

use crate::name::AccountName;
use crate::privilege::{DYNAMIC, PrivilegeSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// On `schema.*`; the name is a pattern. GRANT OPTION is a privilege of the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaGrant {
    pub pattern: String,
    pub privileges: PrivilegeSet,
}

/// On a table or view and on its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableGrant {
    pub schema: String,
    pub table: String,
    pub privileges: PrivilegeSet,
    /// By name as written, compared without case.
    pub columns: BTreeMap<String, PrivilegeSet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RoutineKind {
    Procedure,
    Function,
}

impl RoutineKind {
    pub fn name(self) -> &'static str {
        match self {
            RoutineKind::Procedure => "PROCEDURE",
            RoutineKind::Function => "FUNCTION",
        }
    }
}

/// On a procedure or function; its name is compared without case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutineGrant {
    pub kind: RoutineKind,
    pub schema: String,
    pub routine: String,
    pub privileges: PrivilegeSet,
}

/// A role that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGrant {
    pub role: AccountName,
    pub admin: bool,
}

/// PROXY ON an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyGrant {
    pub on: AccountName,
    pub grantable: bool,
}

/// All that one account was granted. Stored as one row; later versions append fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    pub global: PrivilegeSet,
    /// Dynamic privileges, and whether with GRANT OPTION.
    pub dynamic: BTreeMap<String, bool>,
    pub schemas: Vec<SchemaGrant>,
    pub tables: Vec<TableGrant>,
    pub routines: Vec<RoutineGrant>,
    pub roles: Vec<RoleGrant>,
    pub proxies: Vec<ProxyGrant>,
}

impl Grants {
    /// All privileges with GRANT OPTION: what the first account has.
    pub fn everything() -> Grants {
        Grants {
            global: PrivilegeSet::GLOBAL.union(PrivilegeSet::OPTION),
            dynamic: DYNAMIC.iter().map(|name| (name.to_string(), true)).collect(),
            proxies: vec![ProxyGrant { on: AccountName::new("", ""), grantable: true }],
            ..Grants::default()
        }
    }

    pub fn schema(&self, pattern: &str) -> Option<&SchemaGrant> {
        self.schemas.iter().find(|grant| grant.pattern == pattern)
    }

    pub fn table(&self, schema: &str, table: &str) -> Option<&TableGrant> {
        self.tables.iter().find(|grant| grant.schema == schema && grant.table == table)
    }

    pub fn routine(&self, kind: RoutineKind, schema: &str, routine: &str) -> Option<&RoutineGrant> {
        self.routines.iter().find(|grant| {
            grant.kind == kind
                && grant.schema == schema
                && aurora_catalog::names_equal(&grant.routine, routine)
        })
    }

    /// Adds to the schema's entry; makes it if there is none.
    pub(crate) fn schema_mut(&mut self, pattern: &str) -> &mut SchemaGrant {
        let at = self.schemas.iter().position(|grant| grant.pattern == pattern).unwrap_or_else(|| {
            self.schemas.push(SchemaGrant { pattern: pattern.into(), privileges: PrivilegeSet::NONE });
            self.schemas.len() - 1
        });
        &mut self.schemas[at]
    }

    pub(crate) fn table_mut(&mut self, schema: &str, table: &str) -> &mut TableGrant {
        let known = self.tables.iter().position(|grant| grant.schema == schema && grant.table == table);
        let at = known.unwrap_or_else(|| {
            self.tables.push(TableGrant {
                schema: schema.into(),
                table: table.into(),
                privileges: PrivilegeSet::NONE,
                columns: BTreeMap::new(),
            });
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    pub(crate) fn routine_mut(
        &mut self,
        kind: RoutineKind,
        schema: &str,
        routine: &str,
    ) -> &mut RoutineGrant {
        let known = self.routines.iter().position(|grant| {
            grant.kind == kind
                && grant.schema == schema
                && aurora_catalog::names_equal(&grant.routine, routine)
        });
        let at = known.unwrap_or_else(|| {
            self.routines.push(RoutineGrant {
                kind,
                schema: schema.into(),
                routine: routine.into(),
                privileges: PrivilegeSet::NONE,
            });
            self.routines.len() - 1
        });
        &mut self.routines[at]
    }

    /// Adds all of `other`: what a role adds to SHOW GRANTS … USING.
    pub(crate) fn merge(&mut self, other: &Grants) {
        self.global = self.global.union(other.global);
        for (name, grantable) in &other.dynamic {
            *self.dynamic.entry(name.clone()).or_default() |= grantable;
        }
        for grant in &other.schemas {
            let own = self.schema_mut(&grant.pattern);
            own.privileges = own.privileges.union(grant.privileges);
        }
        for grant in &other.tables {
            let own = self.table_mut(&grant.schema, &grant.table);
            own.privileges = own.privileges.union(grant.privileges);
            for (column, privileges) in &grant.columns {
                let own = own.columns.entry(column.clone()).or_default();
                *own = own.union(*privileges);
            }
        }
        for grant in &other.routines {
            let own = self.routine_mut(grant.kind, &grant.schema, &grant.routine);
            own.privileges = own.privileges.union(grant.privileges);
        }
    }

    /// Entries that say nothing any longer go.
    pub(crate) fn tidy(&mut self) {
        self.schemas.retain(|grant| !grant.privileges.is_empty());
        self.tables.iter_mut().for_each(|grant| grant.columns.retain(|_, privileges| !privileges.is_empty()));
        self.tables.retain(|grant| !grant.privileges.is_empty() || !grant.columns.is_empty());
        self.routines.retain(|grant| !grant.privileges.is_empty());
    }

    /// Nothing was granted beyond USAGE.
    pub fn is_empty(&self) -> bool {
        *self == Grants::default()
    }
}
