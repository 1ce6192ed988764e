//! One client's state and the life of a statement, free of any protocol. README.md has the map.

mod access;
mod account;
mod admin;
mod data_file;
mod data_shape;
mod ddl;
mod host;
mod info_schema;
mod load_data;
mod locks;
mod names;
mod outfile;
mod plans;
mod prepared;
mod redact;
mod rows;
mod run;
mod server_file;
mod session;
mod set;
mod shared;
mod show;
mod state;
mod transaction;
pub mod variables;

pub use prepared::Prepared;
pub use session::{Reply, Session};
pub use shared::{Connection, Counters, Doing, ServerFacts, SessionShared};
pub use state::{SessionInit, SessionState};
