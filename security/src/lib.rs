//! Accounts, logins and privileges.
//!
//! Start at [`Accounts`]: it keeps accounts, roles and grants as rows, and gives readers an immutable
//! [`AclSnapshot`]. [`Attempt`] is a client logging in.

mod account;
mod accounts;
mod certificate;
mod crypt5;
mod digests;
mod effective;
pub mod errors;
mod grant;
mod grants;
mod hasher;
mod host;
mod login;
mod name;
mod passwords;
mod privilege;
mod show;
mod snapshot;
mod strength;
mod usage;
mod users;
mod verifier;

pub use account::{
    Account, Expiry, FailedLogins, LockTime, PLUGIN, PasswordOptions, PastPassword, ResourceLimits, TlsFacts,
    TlsRequirement,
};
pub use accounts::{AccountSettings, Accounts, PasswordPolicy};
pub use certificate::certificate_names;
pub use digests::scramble;
pub use effective::Effective;
pub use grant::{GrantTarget, GrantWhat, Lenience, PrivilegeRequest};
pub use grants::{Grants, ProxyGrant, RoleGrant, RoutineGrant, RoutineKind, SchemaGrant, TableGrant};
pub use host::ClientHost;
pub use login::{Attempt, AuthenticatedAccount, FastResult};
pub use name::AccountName;
pub use privilege::{DYNAMIC, Privilege, PrivilegeSet, is_dynamic};
pub use show::UserRow;
pub use snapshot::AclSnapshot;
pub use strength::Strength;
pub use usage::Usage;
pub use users::{AccountOption, AccountOutcome, RoleChoice, Secret, UserRequest};
pub use verifier::{HashParams, Verifier};
