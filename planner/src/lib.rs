//! Names, types, costs: from the syntax tree to the plan that the executor runs. README.md has the map.

mod bind;
mod context;
mod explain;
mod physical;
mod plan;
mod same;
mod sample;
mod walk;

pub use bind::{plan, plan_expressions, stored_expression, table_expressions};
pub use context::{DEFAULT_ROWS, NoStatistics, NoVirtualTables, PlanContext, Statistics, VirtualTables};
pub use explain::{Actuals, Explained, NodeActuals, POINT_NODE, explain, explain_tree, plan_outline};
pub use plan::*;
pub use sample::TableSample;
