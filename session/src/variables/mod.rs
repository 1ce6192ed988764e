//! System variables: names, types, scopes and defaults as MySQL 9.7 has them, and the values of this server.
//!
//! The table of definitions is a text file beside this one. Values of a session are a copy-on-write overlay over
//! the globals at connect time, so that a connection costs no copy of some 600 values.

mod assign;
mod definition;
mod known;
mod store;

pub use assign::{Assignment, convert_assignment};
pub use definition::{Kind, Scope, VariableDef, VariableId, definitions, lookup};
pub use known::known;
pub use store::{GlobalVariables, SessionVariables};
