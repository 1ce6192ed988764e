//! What the executor runs: a resolved, typed, costed plan that knows nothing of names or SQL text.
//!
//! How values travel. Every operator gives rows of columns; an expression's `Column(i)` is position `i` of the
//! operator's input row (the left columns then the right ones for a join). A value of an outer row reaches an
//! inner operator through a *slot*: slots are numbered once per statement, the outer operator (a dependent
//! nested loop, or the call of a subquery inside an expression) writes them before the inner one runs.

mod dml;
mod expressions;
mod node;
mod object;
mod point;
mod scan;
mod short;

pub use dml::{
    AssignTarget, Assignment, DeletePlan, DeleteTarget, DuplicateAction, InsertPlan, InsertSource,
    UpdatePlan, UpdateTarget, ViewCheck,
};
pub use expressions::TableExpressions;
pub use node::{
    AggregateCall, AggregateStrategy, Estimate, FrameBound, FrameExclusion, FrameUnit, HashKey, JoinType,
    JsonColumn, JsonColumnSource, JsonDefault, Node, Operator, SetOperation, SortKey, WindowCall,
    WindowFrame,
};
pub use object::{ColumnUse, Dependency, ObjectAccess, Privilege};
pub use point::{PointDelete, PointGet, PointUpdate, Projection};
pub use scan::{Access, IndexAccess, KeyBound, KeyRange, LockMode, RangeKind, RowLock, Scan, WaitPolicy};

use aurora_expr::Expr;
use aurora_types::{ColumnMeta, SqlType};

/// A plan, immutable and shared between executions.
#[derive(Clone, Debug)]
pub struct Plan {
    pub body: PlanBody,
    /// The result set; empty when the statement gives none.
    pub columns: Vec<ColumnMeta>,
    /// Types that the parameters were given or were derived from their context, in order of the text.
    pub parameters: Vec<SqlType>,
    /// Where in the text the literals begin that became parameters, in order: the last of `parameters` are theirs.
    pub lifted: Vec<u32>,
    /// Queries that expressions call; `Expr`'s subquery node names one by position.
    pub subplans: Vec<SubPlan>,
    /// Common table expressions and views that are computed once per execution, on first use.
    pub ctes: Vec<CtePlan>,
    /// Types of the correlation slots.
    pub slots: Vec<SqlType>,
    /// Where the rows go instead of the client.
    pub into: Option<IntoTarget>,
    /// `SQL_CALC_FOUND_ROWS`: count what LIMIT cuts off.
    pub calc_found_rows: bool,
    /// What the user must be allowed to do.
    pub access: Vec<ObjectAccess>,
    /// The definitions that this plan was made from: another version of one of them makes it stale.
    pub dependencies: Vec<Dependency>,
    /// Whether the plan may be used for another execution (no session-bound constant was folded in).
    pub cacheable: bool,
    /// Raised while planning (deprecations, truncated constants); shown again at every execution.
    pub warnings: Vec<aurora_types::Warning>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one per plan")]
pub enum PlanBody {
    /// At most one row by primary or unique key.
    PointGet(PointGet),
    PointUpdate(PointUpdate),
    PointDelete(PointDelete),
    /// A tree that gives the rows of `Plan::columns`.
    Query(Box<Node>),
    Insert(InsertPlan),
    Update(UpdatePlan),
    Delete(DeletePlan),
}

/// A query inside an expression.
#[derive(Clone, Debug)]
pub struct SubPlan {
    pub root: Node,
    /// Slots to be set from the call's `args`, in order; none for an uncorrelated subquery, whose result the
    /// executor keeps for the whole execution.
    pub slots: Vec<usize>,
    /// Number in EXPLAIN (`select #2`).
    pub number: u32,
    /// As EXPLAIN names it: `SUBQUERY`, `DEPENDENT SUBQUERY`, ….
    pub dependent: bool,
}

/// A query that is kept in a temporary table and read by `Operator::CteScan`.
#[derive(Clone, Debug)]
pub struct CtePlan {
    pub name: String,
    pub types: Vec<SqlType>,
    pub body: CteBody,
    /// Slots that it reads: when one changes, the temporary table is stale. Empty for nearly all.
    pub slots: Vec<usize>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "few per plan")]
pub enum CteBody {
    Plain(Node),
    /// Rows of `seed`, then of `step` over the rows of the previous round (`Operator::WorkTable`) until a round
    /// gives none; more than `cte_max_recursion_depth` rounds are error 3636.
    Recursive {
        seed: Node,
        step: Node,
        /// UNION DISTINCT: rows seen before are dropped in every round.
        distinct: bool,
        /// LIMIT of the recursive query: how many rows are wanted at most, and how many are skipped.
        limit: Option<(Expr, Option<Expr>)>,
    },
}

/// `SELECT … INTO`.
#[derive(Clone, Debug)]
pub enum IntoTarget {
    /// At most one row (1172), a warning for none (1329).
    UserVariables(Vec<String>),
    Outfile {
        file: String,
        format: FileFormat,
    },
    Dumpfile(String),
}

/// FIELDS and LINES, with MySQL's defaults filled in.
#[derive(Clone, Debug)]
pub struct FileFormat {
    pub charset: Option<String>,
    pub fields_terminated_by: Vec<u8>,
    pub enclosed_by: Vec<u8>,
    pub optionally_enclosed: bool,
    pub escaped_by: Vec<u8>,
    pub lines_starting_by: Vec<u8>,
    pub lines_terminated_by: Vec<u8>,
}

impl Default for FileFormat {
    fn default() -> FileFormat {
        FileFormat {
            charset: None,
            fields_terminated_by: b"\t".to_vec(),
            enclosed_by: Vec::new(),
            optionally_enclosed: false,
            escaped_by: b"\\".to_vec(),
            lines_starting_by: Vec::new(),
            lines_terminated_by: b"\n".to_vec(),
        }
    }
}
