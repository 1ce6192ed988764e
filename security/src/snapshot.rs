//! All accounts and grants at one moment.

use crate::account::Account;
use crate::grants::Grants;
use crate::host::{ClientHost, specificity};
use crate::name::AccountName;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Immutable; a change makes the next one.
#[derive(Clone, Debug, Default)]
pub struct AclSnapshot {
    /// Rises with every change.
    pub version: u64,
    pub(crate) accounts: BTreeMap<AccountName, Arc<Account>>,
    pub(crate) grants: BTreeMap<AccountName, Arc<Grants>>,
    /// Accounts in the order in which a login tries them.
    order: Vec<Arc<Account>>,
}

impl AclSnapshot {
    pub fn account(&self, name: &AccountName) -> Option<&Arc<Account>> {
        self.accounts.get(name)
    }

    /// All accounts and roles by name.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// What the account was granted itself, without its roles.
    pub fn grants(&self, name: &AccountName) -> Option<&Arc<Grants>> {
        self.grants.get(name)
    }

    /// The account that a client logs in to: by host from the most to the least specific, a named one before the
    /// anonymous one; the first that matches decides.
    pub fn find(&self, user: &str, host: &ClientHost) -> Option<&Arc<Account>> {
        self.order.iter().find(|account| {
            let name = &account.name;
            (name.user == user || name.user.is_empty()) && host.matches(&name.host)
        })
    }

    /// `roles` and all roles that were granted to them, directly or not.
    pub fn closure(&self, roles: &[AccountName]) -> Vec<AccountName> {
        let mut seen: HashSet<&AccountName> = HashSet::new();
        let mut closed = Vec::new();
        let mut open: Vec<&AccountName> = roles.iter().rev().collect();
        while let Some(role) = open.pop() {
            if self.accounts.contains_key(role) && seen.insert(role) {
                closed.push(role.clone());
                open.extend(self.grants.get(role).iter().flat_map(|g| g.roles.iter().map(|r| &r.role)));
            }
        }
        closed
    }

    /// Whether `role` was granted to `account` itself.
    pub fn is_granted(&self, role: &AccountName, account: &AccountName) -> bool {
        self.grants.get(account).is_some_and(|grants| grants.roles.iter().any(|known| known.role == *role))
    }

    pub(crate) fn sort(&mut self) {
        self.order =
            self.accounts.values().filter(|account| !(account.is_role && account.locked)).cloned().collect();
        self.order.sort_by_cached_key(|account| {
            (Reverse(specificity(&account.name.host)), account.name.user.is_empty(), account.name.clone())
        });
    }
}
