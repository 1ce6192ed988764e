//! Typed expressions: the resolved tree, MySQL's typing rules, evaluation, and the registry of functions.
//!
//! Planner builds expressions with [`build`]; executor evaluates them with an [`EvalCtx`]. Neither names nor SQL
//! text are known here. Functions live by family in [`functions`], one [`FunctionDef`] each.

pub mod aggregate;
pub mod build;
pub mod collate;
mod context;
mod eval;
mod expr;
mod function;
pub mod functions;
pub mod typing;
pub mod window;

pub use aggregate::{Accumulator, AggregateFunction};
pub use build::BuildContext;
pub use context::{EvalCtx, NoSubqueries, SessionInfo, SubqueryRunner, VariableScope};
pub use eval::{Columns, EvalCache, Exact, InSet, Operand, SharedSums, compare_with_row, is_true, row_order};
pub use expr::{
    ArithmeticOp, BitOp, CastTarget, Coercibility, CompareOp, Expr, ExprKind, IsTest, Quantifier, Subquery,
    SubqueryKind, WhenThen,
};
pub use function::{
    Args, Arity, Determinism, FunctionDef, Kernel, NullRule, Typed, all as all_functions, lookup,
};
pub use functions::json_value;
pub use window::WindowFunction;
