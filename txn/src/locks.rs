//! Locks: what they are named, how modes go together, who waits, and who must give way.

mod deadlock;
mod mode;
mod name;
mod owner;
mod ranges;
mod table;

pub use mode::LockMode;
pub use name::{LockId, LockName};
pub(crate) use owner::Owner;
pub(crate) use ranges::RangeSpec;
pub use table::DataLock;
pub(crate) use table::{Acquired, LockError, LockManager, Wait};
