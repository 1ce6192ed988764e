//! Name resolution and typing: from the syntax tree to blocks of typed expressions.
//!
//! Columns of a block. Every table of a block's FROM clause takes a range of *block positions*: its columns and, for
//! a base table, one more for the row handle. Expressions of the block say `Column(block position)` until the
//! physical step has decided where the value lies in the rows of an operator. Positions from [`GROUP_BASE`] up are
//! results of grouping, of aggregates and of window functions.

mod aggregate;
mod call;
mod cte;
mod delete;
mod expr;
pub(crate) mod from;
mod insert;
mod json_table;
mod lift;
mod literal;
mod meta;
mod order;
mod query;
mod scope;
pub(crate) mod select;
pub(crate) mod semi;
mod subquery;
mod table_expressions;
mod target;
mod type_name;
mod union;
mod update;
pub(crate) mod view;
mod window;

pub(crate) use cte::CteEntry;
pub(crate) use scope::{
    Block, Clause, IndexHints, Leaf, LeafKind, Origin, ScopeColumn, ScopeTable, WindowUse,
};
pub(crate) use subquery::has_subquery;
pub use table_expressions::{stored_expression, table_expressions};
pub(crate) use window::BoundWindow;

use crate::context::PlanContext;
use crate::plan::{
    ColumnUse, CtePlan, Dependency, Estimate, Node, ObjectAccess, Operator, Plan, PlanBody, Privilege,
    SubPlan,
};
use aurora_expr::{EvalCtx, Expr, NoSubqueries};
use aurora_parser::{Ast, Statement};
use aurora_types::error::{ER_NOT_SUPPORTED_YET, ER_TRUNCATED_WRONG_VALUE, ER_WRONG_VALUE};
use aurora_types::{Diagnostics, SqlError, SqlResult, SqlType, Warning};
use std::collections::HashMap;
use std::rc::Rc;

/// Block positions of group expressions.
pub(crate) const GROUP_BASE: usize = 1 << 32;
/// Block positions of aggregates.
pub(crate) const AGGREGATE_BASE: usize = 1 << 33;
/// Block positions of window functions.
pub(crate) const WINDOW_BASE: usize = 1 << 34;
/// Block position of the bits of WITH ROLLUP.
pub(crate) const ROLLUP_BITS: usize = 1 << 35;

/// Deeper nesting of queries and views is refused.
const MAX_QUERY_DEPTH: usize = 64;

/// What one statement's planning gathers.
pub(crate) struct State<'a> {
    pub ctx: &'a PlanContext<'a>,
    /// Blocks being bound, outermost first.
    pub blocks: Vec<Block>,
    next_block: usize,
    pub slots: Vec<SqlType>,
    /// The slot of a column of an outer block.
    outer_slots: HashMap<(usize, usize), usize>,
    /// Owner of a slot: block and position.
    slot_owner: HashMap<usize, (usize, usize)>,
    pub subplans: Vec<SubPlan>,
    pub ctes: Vec<Option<CtePlan>>,
    pub access: Vec<ObjectAccess>,
    pub dependencies: Vec<Dependency>,
    pub parameters: Vec<Option<SqlType>>,
    /// Where the literals begin that the last parameters stand for.
    pub lifted: Vec<u32>,
    /// Their values now: what estimates are made with.
    pub lifted_values: Vec<aurora_types::Value>,
    pub warnings: Vec<Warning>,
    pub calc_found_rows: bool,
    /// The next SELECT's rows go to the client as they are.
    pub shown: bool,
    /// A temporal literal is none.
    pub bad_literal: bool,
    pub cacheable: bool,
    next_node: u32,
    select_number: u32,
    depth: usize,
    /// Tables that the statement writes: its subqueries must not read them (1093).
    pub targets: Vec<aurora_catalog::TableId>,
    /// Derived tables around what is bound now.
    pub derived_depth: usize,
    /// Views being expanded, against recursion.
    views: Vec<(String, String)>,
}

/// The state together with the text that is bound just now (the statement, or a view's definition).
pub(crate) struct Binder<'s, 'a> {
    pub state: &'s mut State<'a>,
    pub ast: &'s Ast,
    pub database: Option<String>,
    /// Whose privileges the tables of this text need.
    pub definer: Option<String>,
    pub with: Vec<Rc<CteEntry>>,
    /// Literals of this text may become parameters.
    pub may_lift: bool,
    /// They may just here: in a condition that filters or joins.
    pub lifting: bool,
}

/// Error 1235.
pub(crate) fn unsupported<T>(what: impl std::fmt::Display) -> SqlResult<T> {
    Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&what]))
}

impl<'a> State<'a> {
    fn new(ctx: &'a PlanContext<'a>, parameters: u32) -> State<'a> {
        let parameters = (0..parameters as usize).map(|i| ctx.parameter_types.get(i).cloned()).collect();
        State {
            ctx,
            blocks: Vec::new(),
            next_block: 0,
            slots: Vec::new(),
            outer_slots: HashMap::new(),
            slot_owner: HashMap::new(),
            subplans: Vec::new(),
            ctes: Vec::new(),
            access: Vec::new(),
            dependencies: Vec::new(),
            parameters,
            lifted: Vec::new(),
            lifted_values: Vec::new(),
            warnings: Vec::new(),
            calc_found_rows: false,
            shown: false,
            bad_literal: false,
            cacheable: true,
            next_node: 0,
            select_number: 0,
            depth: 0,
            targets: Vec::new(),
            derived_depth: 0,
            views: Vec::new(),
        }
    }

    /// An operator with a fresh id.
    pub fn node(&mut self, operator: Operator, types: Vec<SqlType>, rows: f64, cost: f64) -> Node {
        self.next_node += 1;
        Node { id: self.next_node, operator, types, estimate: Estimate { rows, cost } }
    }

    pub fn new_slot(&mut self, ty: SqlType) -> usize {
        self.slots.push(ty);
        self.slots.len() - 1
    }

    /// The slot through which inner queries read a column of `block`.
    fn outer_slot(&mut self, block: usize, position: usize, ty: &SqlType) -> usize {
        if let Some(slot) = self.outer_slots.get(&(block, position)) {
            return *slot;
        }
        let slot = self.new_slot(ty.clone());
        self.outer_slots.insert((block, position), slot);
        self.slot_owner.insert(slot, (block, position));
        slot
    }

    /// Block and position that a slot of an outer reference stands for.
    pub fn slot_owner(&self, slot: usize) -> Option<(usize, usize)> {
        self.slot_owner.get(&slot).copied()
    }

    /// Warning 1287.
    pub fn deprecated(&mut self, message: impl Into<String>) {
        self.warnings.push(Warning {
            level: aurora_types::Level::Warning,
            code: aurora_types::error::ER_WARN_DEPRECATED_SYNTAX.code,
            message: message.into(),
        });
    }

    /// A text that compares with a column's numbers as a DOUBLE becomes one here, and warns once.
    pub fn number_beside(&mut self, literal: &mut Expr, other: &Expr) {
        use aurora_expr::typing::{self, Comparison};
        let Some(value @ aurora_types::Value::Text(_)) = literal.as_literal() else { return };
        let is_double = matches!(typing::comparison(other, literal, "in"), Ok(Comparison::Double));
        if !is_double || other.is_constant_for_execution() {
            return;
        }
        let mut diagnostics = Diagnostics::default();
        let mut eval = EvalCtx::new(self.ctx.session, &NoSubqueries, &[], &mut diagnostics);
        if let Ok(number) = eval.to_f64(value.as_ref(), &literal.ty) {
            *literal = aurora_expr::build::literal(aurora_types::Value::Double(number), &self.ctx.build);
            self.warnings.append(&mut diagnostics.list);
        }
    }

    /// Conditions that are literals are decided here: what their conversion warns of is then told once, not row by row.
    pub fn settle_literals(&mut self, conditions: &mut [Expr]) {
        for condition in conditions {
            if condition.as_literal().is_none() {
                continue;
            }
            let mut diagnostics = Diagnostics::default();
            let mut eval = EvalCtx::new(self.ctx.session, &NoSubqueries, &[], &mut diagnostics);
            if let Ok(truth) = condition.eval_predicate(&[], &mut eval)
                && !diagnostics.list.is_empty()
            {
                *condition = aurora_expr::build::truth_literal(truth);
                self.warnings.append(&mut diagnostics.list);
            }
        }
    }

    /// Text beside a date that is none is 1525 in a query. A strict statement that changes data has failed earlier,
    /// when it took the text for a date: 1292. (Literals as DATE 'x' are refused as such everywhere.)
    fn strict_dates(&self, body: SqlResult<PlanBody>, ignore: bool) -> SqlResult<PlanBody> {
        let lenient = ignore || !self.ctx.build.sql_mode.is_strict() || self.bad_literal;
        body.map_err(|error| {
            let told = error.message.strip_prefix("Incorrect ").and_then(|rest| rest.split_once(' '));
            match told {
                Some((kind, value)) if !lenient && error.code == ER_WRONG_VALUE.code => SqlError {
                    code: ER_TRUNCATED_WRONG_VALUE.code,
                    sqlstate: ER_TRUNCATED_WRONG_VALUE.sqlstate,
                    message: format!("Truncated incorrect {} {value}", kind.to_lowercase()),
                },
                _ => error,
            }
        })
    }

    /// Replaces constant parts by their values.
    pub fn fold(&self, expr: &mut Expr) {
        let mut diagnostics = Diagnostics::default();
        let mut eval = EvalCtx::new(self.ctx.session, &NoSubqueries, &[], &mut diagnostics);
        expr.fold(&mut eval);
    }

    pub fn need(
        &mut self,
        schema: &str,
        object: &str,
        privilege: Privilege,
        column: Option<&str>,
        definer: Option<&str>,
    ) {
        let known = self.access.iter_mut().find(|a| {
            a.privilege == privilege
                && a.schema == schema
                && a.object == object
                && a.definer.as_deref() == definer
        });
        match known {
            Some(access) => {
                if let Some(column) = column
                    && !access.columns.0.iter().any(|c| c == column)
                {
                    access.columns.0.push(column.to_owned());
                }
            }
            None => self.access.push(ObjectAccess {
                schema: schema.to_owned(),
                object: object.to_owned(),
                privilege,
                columns: ColumnUse(column.map(str::to_owned).into_iter().collect()),
                definer: definer.map(str::to_owned),
            }),
        }
    }

    fn depend(&mut self, dependency: Dependency) {
        if !self.dependencies.contains(&dependency) {
            self.dependencies.push(dependency);
        }
    }

    fn enter(&mut self) -> SqlResult<()> {
        self.depth += 1;
        if self.depth > MAX_QUERY_DEPTH {
            return unsupported("queries nested this deep");
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn next_select(&mut self) -> u32 {
        self.select_number += 1;
        self.select_number
    }

    fn finish(self, body: PlanBody, columns: Vec<aurora_types::ColumnMeta>) -> SqlResult<Plan> {
        let text =
            || aurora_expr::typing::nullable(aurora_expr::typing::text(0, self.ctx.build.collation), true);
        let parameters = self.parameters.iter().map(|ty| ty.clone().unwrap_or_else(text)).collect();
        Ok(Plan {
            body,
            columns,
            parameters,
            lifted: self.lifted,
            subplans: self.subplans,
            ctes: self.ctes.into_iter().flatten().collect(),
            slots: self.slots,
            into: None,
            calc_found_rows: self.calc_found_rows,
            access: self.access,
            dependencies: self.dependencies,
            cacheable: self.cacheable,
            warnings: self.warnings,
        })
    }
}

/// Plans the computing of expressions by themselves (SET, CALL, EXECUTE … USING): a query of one row.
///
/// # Errors
/// As [`plan`].
pub fn plan_expressions(
    exprs: &[aurora_parser::ExprId],
    ast: &Ast,
    parameters: u32,
    ctx: &PlanContext<'_>,
) -> SqlResult<Plan> {
    let mut state = State::new(ctx, parameters);
    let mut binder = Binder {
        state: &mut state,
        ast,
        database: ctx.database.map(str::to_owned),
        definer: None,
        with: Vec::new(),
        may_lift: false,
        lifting: false,
    };
    let body = binder.do_expressions(exprs)?;
    state.finish(body, Vec::new())
}

/// Plans a statement that reads or writes rows.
///
/// # Errors
/// What MySQL's resolution raises (1052, 1054, 1055, 1146, …), and 1235 for what is not built.
pub fn plan(statement: &Statement, ast: &Ast, parameters: u32, ctx: &PlanContext<'_>) -> SqlResult<Plan> {
    let mut state = State::new(ctx, parameters);
    let mut binder = Binder {
        state: &mut state,
        ast,
        database: ctx.database.map(str::to_owned),
        definer: None,
        with: Vec::new(),
        may_lift: ctx.lift_literals,
        lifting: false,
    };
    for deprecated in ast.deprecated() {
        let (old, new) = match deprecated {
            aurora_parser::ast::Deprecated::Bang => ("!", "NOT"),
            aurora_parser::ast::Deprecated::PipesAsOr => ("|| as a synonym for OR", "OR"),
        };
        let warning = SqlError::new(aurora_types::error::ER_WARN_DEPRECATED_SYNTAX, &[&old, &new]);
        binder.state.deprecated(warning.message);
    }
    let mut into = None;
    let (body, columns) = match statement {
        Statement::Query(query) => {
            into = binder.rows_target(ast.query(*query))?;
            binder.top_query(*query)?
        }
        Statement::Insert(insert) => {
            let body = binder.insert(insert);
            (binder.state.strict_dates(body, insert.ignore)?, Vec::new())
        }
        Statement::Update(update) => {
            let body = binder.update(update);
            (binder.state.strict_dates(body, update.ignore)?, Vec::new())
        }
        Statement::Delete(delete) => {
            let body = binder.delete(delete);
            (binder.state.strict_dates(body, delete.ignore)?, Vec::new())
        }
        Statement::Do(exprs) => (binder.do_expressions(exprs)?, Vec::new()),
        _ => return unsupported("a plan for this statement"),
    };
    let mut plan = state.finish(body, columns)?;
    plan.into = into;
    Ok(plan)
}
