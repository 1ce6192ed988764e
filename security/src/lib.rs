//! Accounts, logins and privileges.
//!
//! Start at [`Accounts`]: it keeps accounts, roles and grants as rows, and gives readers an immutable
//! [`AclSnapshot`]. [`Attempt`] is a client logging in.

mod account;
mod accounts;
mod crypt5;
mod digests;
mod effective;
pub mod errors;
mod grants;
mod hasher;
mod host;
mod login;
mod name;
mod privilege;
mod snapshot;
mod strength;
mod verifier;

pub use account::{
    Account, Expiry, FailedLogins, LockTime, PLUGIN, PasswordOptions, PastPassword, ResourceLimits, TlsFacts,
    TlsRequirement,
};
pub use accounts::{AccountSettings, Accounts, PasswordPolicy};
pub use digests::scramble;
pub use grants::{Grants, ProxyGrant, RoleGrant, RoutineGrant, RoutineKind, SchemaGrant, TableGrant};
pub use host::ClientHost;
pub use login::{Attempt, AuthenticatedAccount, FastResult};
pub use name::AccountName;
pub use privilege::{DYNAMIC, Privilege, PrivilegeSet, is_dynamic};
pub use snapshot::AclSnapshot;
pub use strength::Strength;
pub use verifier::{HashParams, Verifier};
