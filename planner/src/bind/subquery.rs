//! Queries inside expressions.

use super::expr::compare_op;
use super::{Binder, Clause, unsupported};
use crate::plan::SubPlan;
use aurora_expr::{CompareOp, Expr, ExprKind, Quantifier, SubqueryKind, Typed, build};
use aurora_parser as ast;
use aurora_parser::{ExprId, QueryId};
use aurora_types::SqlResult;

/// A planned subquery as a call needs it.
struct Called {
    plan: usize,
    args: Vec<Expr>,
    types: Vec<Typed>,
}

impl Binder<'_, '_> {
    pub fn subquery_expr(&mut self, id: ExprId) -> SqlResult<Expr> {
        if let Some((_, known)) = self.block_ref().grouped_subqueries.iter().find(|(known, _)| *known == id) {
            return Ok(known.clone());
        }
        let bound = self.new_subquery(id)?;
        if self.block_ref().clause == Clause::Group {
            self.block().grouped_subqueries.push((id, bound.clone()));
        }
        Ok(bound)
    }

    fn new_subquery(&mut self, id: ExprId) -> SqlResult<Expr> {
        let ast = self.ast;
        match ast.expr(id) {
            ast::Expr::Exists(query) => {
                let called = self.subplan(*query)?;
                let kind = SubqueryKind::Exists { negated: false };
                build::subquery(called.plan, kind, None, called.args, &called.types)
            }
            ast::Expr::Subquery(query) => {
                let called = self.subplan(*query)?;
                build::subquery(called.plan, SubqueryKind::Scalar, None, called.args, &called.types)
            }
            ast::Expr::InSubquery { expr, query, negated } => {
                let operand = self.expr(*expr)?;
                let called = self.subplan(*query)?;
                let kind = SubqueryKind::In { negated: *negated };
                build::subquery(called.plan, kind, Some(operand), called.args, &called.types)
            }
            ast::Expr::Quantified { op, left, all, query } => {
                let operand = self.expr(*left)?;
                let called = self.subplan(*query)?;
                let Some(op) = compare_op(*op) else { return unsupported("this comparison with ANY or ALL") };
                let kind = match (op, all) {
                    (CompareOp::Eq, false) => SubqueryKind::In { negated: false },
                    (CompareOp::Ne, true) => SubqueryKind::In { negated: true },
                    (op, true) => SubqueryKind::Quantified { op, quantifier: Quantifier::All },
                    (op, false) => SubqueryKind::Quantified { op, quantifier: Quantifier::Any },
                };
                build::subquery(called.plan, kind, Some(operand), called.args, &called.types)
            }
            _ => unsupported("this subquery"),
        }
    }

    /// `(a, b) = (SELECT …)` or the other way round; `None` for other comparisons.
    pub fn row_subquery(&mut self, op: CompareOp, left: ExprId, right: ExprId) -> SqlResult<Option<Expr>> {
        let ast = self.ast;
        let (row, query, op) = match (ast.expr(left), ast.expr(right)) {
            (ast::Expr::Row(_), ast::Expr::Subquery(query)) => (left, *query, op),
            (ast::Expr::Subquery(query), ast::Expr::Row(_)) => (right, *query, op.swapped()),
            _ => return Ok(None),
        };
        let operand = self.expr(row)?;
        let called = self.subplan(query)?;
        let kind = SubqueryKind::RowCompare { op };
        build::subquery(called.plan, kind, Some(operand), called.args, &called.types).map(Some)
    }

    fn subplan(&mut self, query: QueryId) -> SqlResult<Called> {
        let bound = self.query(query)?;
        let number = self.state.select_number;
        let slots: Vec<usize> = bound.free.iter().copied().collect();
        let args: Vec<Expr> = slots.iter().map(|slot| self.slot_argument(*slot)).collect();
        let typed = |e: &Expr| Typed { ty: e.ty.clone(), coercibility: e.coercibility };
        let types = bound.items.iter().map(|item| typed(&item.expr)).collect();
        let dependent = !slots.is_empty();
        self.state.subplans.push(SubPlan { root: bound.node, slots, number, dependent });
        Ok(Called { plan: self.state.subplans.len() - 1, args, types })
    }
}

/// Whether a subquery stands somewhere in the expression.
pub(crate) fn has_subquery(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e.kind, ExprKind::Subquery(_)))
}
