//! Names, types, costs: from the syntax tree to the plan that the executor runs. README.md has the map.

mod bind;
mod context;
mod physical;
mod plan;
mod same;
mod walk;

pub use bind::{plan, stored_expression, table_expressions};
pub use context::{DEFAULT_ROWS, NoStatistics, NoVirtualTables, PlanContext, Statistics, VirtualTables};
pub use plan::*;
