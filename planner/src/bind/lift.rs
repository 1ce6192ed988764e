//! Literals that become parameters, so that one plan serves every statement of the same shape.
//!
//! Lifted is what has no say in names, types, the choice of rows to group or the text of an error: a number beside a
//! numeric column and a text beside a text column in WHERE and ON, and plain values of INSERT and UPDATE. All other
//! literals stay in the plan, which then serves only statements that have them too.

use super::Binder;
use aurora_expr::typing::{self, Domain};
use aurora_expr::{Expr, ExprKind, build};
use aurora_parser as ast;
use aurora_parser::{ExprId, Literal, StringLiteral};
use aurora_types::{BaseType, Decimal, SqlResult, Value};

/// Largest number of literals that are lifted: beyond it a plan is for one statement.
const MOST_LIFTED: usize = 4096;

impl Binder<'_, '_> {
    /// The value that `id` is compared with in a condition: lifted where `other` is a column that it suits.
    pub fn compared(&mut self, id: ExprId, other: &Expr) -> SqlResult<Expr> {
        if self.lifting && matches!(other.kind, ExprKind::Column(_)) && other.ty.base != BaseType::Year {
            let suits = match (self.ast.expr(id), typing::domain(&other.ty)) {
                (ast::Expr::Literal(Literal::Int(_)), Domain::Int | Domain::Decimal | Domain::Double) => true,
                // Where character sets differ, which side is converted depends on the text.
                (ast::Expr::Literal(Literal::String(_)), Domain::Text) => {
                    other.ty.collation.charset() == self.state.ctx.build.collation.charset()
                }
                _ => false,
            };
            if suits && let Some(lifted) = self.lift(id) {
                return Ok(lifted);
            }
        }
        self.expr(id)
    }

    /// A value that goes into a column: lifted where it is a plain literal, with or without a sign.
    pub fn stored(&mut self, id: ExprId) -> SqlResult<Expr> {
        if self.may_lift {
            if let ast::Expr::Unary { op: ast::UnaryOp::Minus, expr } = self.ast.expr(id)
                && let Some(lifted) = self.lift(*expr)
            {
                return build::negate(lifted, &self.state.ctx.build);
            }
            if let Some(lifted) = self.lift(id) {
                return Ok(lifted);
            }
        }
        self.expr(id)
    }

    fn lift(&mut self, id: ExprId) -> Option<Expr> {
        let ast::Expr::Literal(literal) = self.ast.expr(id) else { return None };
        if self.state.lifted.len() >= MOST_LIFTED {
            return None;
        }
        let value = match literal {
            Literal::Int(v) => Value::Int(i64::try_from(*v).ok()?),
            Literal::Decimal(text) => Value::Decimal(Decimal::parse(text.as_bytes()).value),
            Literal::String(text @ StringLiteral { introducer: None, .. }) => {
                Value::Text(self.string_text(text).ok()?)
            }
            _ => return None,
        };
        let ty = build::literal(value.clone(), &self.state.ctx.build).ty;
        self.state.lifted_values.push(value);
        self.state.lifted.push(self.ast.span(id).start);
        let number = self.state.parameters.len();
        self.state.parameters.push(Some(ty.clone()));
        Some(build::param(number, ty))
    }
}
