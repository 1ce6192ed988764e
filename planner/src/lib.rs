//! Names, types, costs: from the syntax tree to the plan that the executor runs. README.md has the map.

mod plan;

pub use plan::*;
