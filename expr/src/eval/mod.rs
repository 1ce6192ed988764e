//! Evaluation: one value per row, three-valued logic, no recursion guard needed beyond the planner's depth limit.
//!
//! Hot path: columns, literals and parameters are borrowed ([`Operand`]), numbers never touch the heap.

mod arithmetic;
mod cache;
mod cast;
mod compare;
mod convert;
mod in_set;
mod json;
mod quick;
mod shared;

pub(crate) use arithmetic::{bits, describe};
pub use cache::EvalCache;
pub(crate) use convert::text_operand as text_of;
pub use in_set::InSet;
pub use quick::Columns;
pub(crate) use quick::raised;
pub use shared::{Exact, SharedSums};

use crate::context::EvalCtx;
use crate::expr::{CompareOp, Expr, ExprKind, IsTest, SubqueryKind};
use crate::function::{Args, Kernel, NullRule};
use crate::typing::Comparison;
use aurora_types::error::{ER_INTERNAL_ERROR, ER_OPERAND_COLUMNS};
use aurora_types::like::LikePattern;
use aurora_types::{SqlError, SqlResult, Value, ValueRef};
use std::cmp::Ordering;

/// A value that is borrowed where it already exists.
pub enum Operand<'a> {
    Borrowed(&'a Value),
    Owned(Value),
}

impl Operand<'_> {
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Operand::Borrowed(value) => value.as_ref(),
            Operand::Owned(value) => value.as_ref(),
        }
    }

    pub fn into_owned(self) -> Value {
        match self {
            Operand::Borrowed(value) => value.clone(),
            Operand::Owned(value) => value,
        }
    }

    pub fn is_null(&self) -> bool {
        self.as_ref().is_null()
    }
}

static NULL: Value = Value::Null;

fn truth_value(truth: Option<bool>) -> Value {
    match truth {
        Some(truth) => Value::Int(i64::from(truth)),
        None => Value::Null,
    }
}

/// Whether a value of this kind counts as true: a number that is not zero; text by its leading number.
pub fn is_true(
    value: ValueRef<'_>,
    ty: &aurora_types::SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<bool>> {
    Ok(Some(match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Int(v) => v != 0,
        ValueRef::UInt(v) => v != 0,
        ValueRef::Double(v) => v != 0.0,
        ValueRef::Decimal(v) => !v.is_zero(),
        other => ctx.to_f64(other, ty)? != 0.0,
    }))
}

impl Expr {
    /// The value on `row`, borrowed from the row, the plan or the parameters where possible.
    #[inline]
    pub fn operand<'a>(&'a self, row: &'a [Value], ctx: &mut EvalCtx<'a>) -> SqlResult<Operand<'a>> {
        Ok(match &self.kind {
            ExprKind::Column(at) => Operand::Borrowed(row.get(*at).unwrap_or(&NULL)),
            ExprKind::Literal(value) => Operand::Borrowed(value),
            ExprKind::Param(at) => Operand::Borrowed(ctx.params.get(*at).unwrap_or(&NULL)),
            _ => Operand::Owned(self.eval(row, ctx)?),
        })
    }

    /// As [`Expr::operand`] for contexts of any lifetime: parameters are copied.
    #[inline]
    fn local_operand<'a>(&'a self, row: &'a [Value], ctx: &mut EvalCtx<'_>) -> SqlResult<Operand<'a>> {
        Ok(match &self.kind {
            ExprKind::Column(at) => Operand::Borrowed(row.get(*at).unwrap_or(&NULL)),
            ExprKind::Literal(value) => Operand::Borrowed(value),
            ExprKind::Collate(inner) => return inner.local_operand(row, ctx),
            _ => Operand::Owned(self.eval(row, ctx)?),
        })
    }

    /// The value on `row`.
    ///
    /// # Errors
    /// What MySQL raises: 1690, 1242, errors of functions, 1365 and 1292 in strict statements that change data.
    pub fn eval(&self, row: &[Value], ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
        match &self.kind {
            ExprKind::Column(at) => Ok(row.get(*at).cloned().unwrap_or(Value::Null)),
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::HexLiteral(bytes) => Ok(Value::Text(bytes.clone())),
            ExprKind::Slot(at) => Ok(ctx.slots.get(*at).cloned().unwrap_or(Value::Null)),
            ExprKind::Param(at) => Ok(ctx.params.get(*at).cloned().unwrap_or(Value::Null)),
            ExprKind::UserVariable(name) => {
                let name = name.to_str_lossy();
                Ok(ctx.session.user_variable(&name).map_or(Value::Null, |(value, _)| value))
            }
            ExprKind::AssignVariable { name, value } => {
                let result = value.eval(row, ctx)?;
                ctx.session.set_user_variable(&name.to_str_lossy(), result.clone(), &value.ty);
                Ok(result)
            }
            ExprKind::SystemVariable { name, scope } => {
                ctx.session.system_variable(&name.to_str_lossy(), *scope)
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Xor(..)
            | ExprKind::Not(_)
            | ExprKind::Compare { .. }
            | ExprKind::CompareRows { .. }
            | ExprKind::Is { .. }
            | ExprKind::InList { .. }
            | ExprKind::Between { .. }
            | ExprKind::Like { .. } => Ok(truth_value(self.eval_bool(row, ctx)?)),
            ExprKind::Arithmetic { op, left, right } => {
                if self.ty.base == aurora_types::BaseType::Decimal
                    && let Some((unscaled, scale)) = self.small_decimal(row, ctx)
                    && let Ok(value) = aurora_types::Decimal::from_parts(unscaled, scale)
                {
                    return Ok(Value::Decimal(value));
                }
                let l = left.local_operand(row, ctx)?;
                if l.is_null() {
                    return Ok(Value::Null);
                }
                let r = right.local_operand(row, ctx)?;
                if r.is_null() {
                    return Ok(Value::Null);
                }
                arithmetic::compute(self, *op, l.as_ref(), &left.ty, r.as_ref(), &right.ty, ctx)
            }
            ExprKind::Negate(inner) => {
                let value = inner.local_operand(row, ctx)?;
                arithmetic::negate(self, value.as_ref(), &inner.ty, ctx)
            }
            ExprKind::Bit { op, left, right } => {
                let l = left.local_operand(row, ctx)?;
                let r = right.local_operand(row, ctx)?;
                if l.is_null() || r.is_null() {
                    return Ok(Value::Null);
                }
                arithmetic::bit(self, *op, l.as_ref(), &left.ty, r.as_ref(), &right.ty, ctx)
            }
            ExprKind::BitNot(inner) => {
                let value = inner.local_operand(row, ctx)?;
                if value.is_null() {
                    return Ok(Value::Null);
                }
                arithmetic::bit_not(self, value.as_ref(), &inner.ty, ctx)
            }
            ExprKind::Case { branches, otherwise } => {
                for branch in branches {
                    if branch.when.eval_bool(row, ctx)? == Some(true) {
                        return branch.then.eval(row, ctx);
                    }
                }
                match otherwise {
                    Some(expr) => expr.eval(row, ctx),
                    None => Ok(Value::Null),
                }
            }
            ExprKind::Cast { expr, target } => {
                let value = expr.local_operand(row, ctx)?;
                if value.is_null() {
                    return Ok(Value::Null);
                }
                cast::cast(value.as_ref(), &expr.ty, *target, &self.ty, ctx)
            }
            ExprKind::Collate(inner) => inner.eval(row, ctx),
            ExprKind::Row(list) => {
                Err(SqlError::new(ER_OPERAND_COLUMNS, &[&if list.len() == 1 { 2 } else { 1 }]))
            }
            ExprKind::Call { function, args } => match function.kernel {
                Kernel::Lazy(kernel) => kernel(ctx, args, &self.ty, row),
                Kernel::Eager(kernel) => {
                    const INLINE: usize = 4;
                    let mut inline: [Value; INLINE] = Default::default();
                    let mut spilled = Vec::new();
                    let values: &mut [Value] = if args.len() <= INLINE {
                        &mut inline[..args.len()]
                    } else {
                        spilled.resize(args.len(), Value::Null);
                        &mut spilled
                    };
                    for (value, arg) in values.iter_mut().zip(args) {
                        *value = arg.eval(row, ctx)?;
                        if function.nulls == NullRule::Propagate && value.is_null() {
                            return Ok(Value::Null);
                        }
                    }
                    kernel(ctx, &Args { exprs: args, values, result: &self.ty })
                }
            },
            ExprKind::Subquery(call) => {
                let mut operands = Vec::with_capacity(call.operands.len());
                for operand in &call.operands {
                    operands.push(operand.eval(row, ctx)?);
                }
                let mut args = Vec::with_capacity(call.args.len());
                for arg in &call.args {
                    args.push(arg.eval(row, ctx)?);
                }
                let runner = ctx.subqueries;
                runner.run(ctx, call, &operands, &args)
            }
        }
    }

    /// The truth value on `row`; `None` is unknown.
    pub fn eval_bool(&self, row: &[Value], ctx: &mut EvalCtx<'_>) -> SqlResult<Option<bool>> {
        match &self.kind {
            ExprKind::And(list) => {
                let mut result = Some(true);
                for operand in list {
                    match operand.eval_bool(row, ctx)? {
                        Some(false) => return Ok(Some(false)),
                        None => result = None,
                        Some(true) => {}
                    }
                }
                Ok(result)
            }
            ExprKind::Or(list) => {
                let mut result = Some(false);
                for operand in list {
                    match operand.eval_bool(row, ctx)? {
                        Some(true) => return Ok(Some(true)),
                        None => result = None,
                        Some(false) => {}
                    }
                }
                Ok(result)
            }
            ExprKind::Xor(left, right) => {
                let (l, r) = (left.eval_bool(row, ctx)?, right.eval_bool(row, ctx)?);
                Ok(l.zip(r).map(|(l, r)| l != r))
            }
            ExprKind::Not(inner) => Ok(inner.eval_bool(row, ctx)?.map(|truth| !truth)),
            ExprKind::Compare { op, left, right, how } => {
                if let Some(truth) = quick::compare(*op, (left, right), *how, row, ctx) {
                    return Ok(truth);
                }
                let l = left.local_operand(row, ctx)?;
                if l.is_null() && *op != CompareOp::NullSafeEq {
                    return Ok(None);
                }
                let r = right.local_operand(row, ctx)?;
                if *op == CompareOp::NullSafeEq && (l.is_null() || r.is_null()) {
                    return Ok(Some(l.is_null() && r.is_null()));
                }
                if let Some(order) = quick::order(*how, l.as_ref(), r.as_ref()) {
                    return Ok(order.map(|order| op.holds(order)));
                }
                let order = how.compare(l.as_ref(), &left.ty, r.as_ref(), &right.ty, ctx)?;
                Ok(order.map(|order| op.holds(order)))
            }
            ExprKind::CompareRows { op, left, right, how } => compare_rows(*op, left, right, how, row, ctx),
            ExprKind::Is { expr, test, negated } => {
                let holds = match test {
                    IsTest::Null | IsTest::Unknown => expr.local_operand(row, ctx)?.is_null(),
                    IsTest::True => expr.eval_bool(row, ctx)? == Some(true),
                    IsTest::False => expr.eval_bool(row, ctx)? == Some(false),
                };
                Ok(Some(holds != *negated))
            }
            ExprKind::InList { expr, list, negated, how, set } => {
                if let Some(truth) = self.quick_bool(row, ctx) {
                    return Ok(truth);
                }
                let value = expr.local_operand(row, ctx)?;
                if value.is_null() {
                    return Ok(None);
                }
                let found = if let Some(answer) = set.as_deref().and_then(|set| set.find(value.as_ref())) {
                    answer
                } else {
                    let mut found = Some(false);
                    for (element, how) in list.iter().zip(how) {
                        let other = element.local_operand(row, ctx)?;
                        match how.compare(value.as_ref(), &expr.ty, other.as_ref(), &element.ty, ctx)? {
                            Some(Ordering::Equal) => {
                                found = Some(true);
                                break;
                            }
                            None => found = None,
                            Some(_) => {}
                        }
                    }
                    found
                };
                Ok(found.map(|found| found != *negated))
            }
            ExprKind::Between { expr, low, high, negated, how } => {
                if let Some(truth) = self.quick_bool(row, ctx) {
                    return Ok(truth);
                }
                let value = expr.local_operand(row, ctx)?;
                if value.is_null() {
                    return Ok(None);
                }
                let low_value = low.local_operand(row, ctx)?;
                let above = how[0].compare(value.as_ref(), &expr.ty, low_value.as_ref(), &low.ty, ctx)?;
                let high_value = high.local_operand(row, ctx)?;
                let below = how[1].compare(value.as_ref(), &expr.ty, high_value.as_ref(), &high.ty, ctx)?;
                let (above, below) = (above.map(Ordering::is_ge), below.map(Ordering::is_le));
                let inside = match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                Ok(inside.map(|inside| inside != *negated))
            }
            ExprKind::Like { expr, pattern, escape, negated, collation, compiled } => {
                let value = expr.local_operand(row, ctx)?;
                if value.is_null() {
                    return Ok(None);
                }
                let text = convert::text_operand(value.as_ref(), &expr.ty);
                let matched = match compiled {
                    Some(pattern) => pattern.matches(&text),
                    None => {
                        let wanted = pattern.local_operand(row, ctx)?;
                        if wanted.is_null() {
                            return Ok(None);
                        }
                        let wanted = convert::text_operand(wanted.as_ref(), &pattern.ty);
                        LikePattern::new(&wanted, *escape, *collation).matches(&text)
                    }
                };
                Ok(Some(matched != *negated))
            }
            ExprKind::Column(at) => {
                is_true(row.get(*at).map_or(ValueRef::Null, Value::as_ref), &self.ty, ctx)
            }
            ExprKind::Literal(value) => is_true(value.as_ref(), &self.ty, ctx),
            _ => {
                let value = self.eval(row, ctx)?;
                is_true(value.as_ref(), &self.ty, ctx)
            }
        }
    }

    /// Whether `row` passes: true, not false and not unknown.
    #[inline]
    pub fn eval_predicate(&self, row: &[Value], ctx: &mut EvalCtx<'_>) -> SqlResult<bool> {
        Ok(self.eval_bool(row, ctx)? == Some(true))
    }

    /// Replaces constant parts by their values. An expression whose evaluation fails or warns is left for
    /// execution, so that the error comes when (and if) it is due.
    pub fn fold(&mut self, ctx: &mut EvalCtx<'_>) {
        self.rewrite(&mut |expr| {
            if matches!(expr.kind, ExprKind::Literal(_) | ExprKind::HexLiteral(_)) || !expr.is_constant() {
                return;
            }
            let warnings = ctx.diagnostics.count;
            let kept = ctx.diagnostics.list.len();
            match expr.eval(&[], ctx) {
                Ok(value) if ctx.diagnostics.count == warnings => expr.kind = ExprKind::Literal(value),
                _ => {
                    ctx.diagnostics.list.truncate(kept);
                    ctx.diagnostics.count = warnings;
                }
            }
        });
    }
}

fn compare_rows(
    op: CompareOp,
    left: &[Expr],
    right: &[Expr],
    how: &[Comparison],
    row: &[Value],
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<bool>> {
    let mut orders = Vec::with_capacity(left.len());
    for ((l, r), how) in left.iter().zip(right).zip(how) {
        let (a, b) = (l.local_operand(row, ctx)?, r.local_operand(row, ctx)?);
        if op == CompareOp::NullSafeEq && (a.is_null() || b.is_null()) {
            if a.is_null() != b.is_null() {
                return Ok(Some(false));
            }
            orders.push(Some(Ordering::Equal));
            continue;
        }
        let order = how.compare(a.as_ref(), &l.ty, b.as_ref(), &r.ty, ctx)?;
        orders.push(order);
        if order.is_some_and(Ordering::is_ne) {
            break;
        }
        if order.is_none() && matches!(op, CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge) {
            return Ok(None);
        }
    }
    Ok(row_order(op, &orders))
}

/// What a comparison of rows says, given the orders of their elements from the left (those behind a decisive one
/// may be missing).
pub fn row_order(op: CompareOp, orders: &[Option<Ordering>]) -> Option<bool> {
    match op {
        CompareOp::Eq | CompareOp::NullSafeEq | CompareOp::Ne => {
            let differs = orders.iter().any(|order| order.is_some_and(Ordering::is_ne));
            let equal = if differs {
                Some(false)
            } else if orders.contains(&None) {
                None
            } else {
                Some(true)
            };
            if op == CompareOp::Ne { equal.map(|equal| !equal) } else { equal }
        }
        _ => {
            for order in orders {
                match order {
                    None => return None,
                    Some(Ordering::Equal) => {}
                    Some(order) => return Some(op.holds(*order)),
                }
            }
            Some(op.holds(Ordering::Equal))
        }
    }
}

/// For implementations of [`crate::SubqueryRunner`]: how the operands compare with one row of the subquery.
pub fn compare_with_row(
    call: &crate::Subquery,
    op: CompareOp,
    operands: &[Value],
    row: &[Value],
    types: &[aurora_types::SqlType],
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<bool>> {
    let mut orders = Vec::with_capacity(operands.len());
    for (i, how) in call.how.iter().enumerate() {
        let (Some(a), Some(b), Some(ty)) = (operands.get(i), row.get(i), types.get(i)) else {
            return Err(SqlError::new(ER_INTERNAL_ERROR, &[&"a subquery with fewer columns than operands"]));
        };
        if op == CompareOp::NullSafeEq && (a.is_null() || b.is_null()) {
            orders.push(if a.is_null() && b.is_null() {
                Some(Ordering::Equal)
            } else {
                Some(Ordering::Less)
            });
            continue;
        }
        orders.push(how.compare(a.as_ref(), &call.operands[i].ty, b.as_ref(), ty, ctx)?);
    }
    Ok(row_order(op, &orders))
}

impl SubqueryKind {
    /// What the kind says of a subquery without rows.
    pub fn of_no_rows(self) -> Value {
        match self {
            SubqueryKind::Scalar | SubqueryKind::RowCompare { .. } => Value::Null,
            SubqueryKind::Exists { negated } | SubqueryKind::In { negated } => Value::Int(i64::from(negated)),
            SubqueryKind::Quantified { quantifier, .. } => {
                Value::Int(i64::from(quantifier == crate::Quantifier::All))
            }
        }
    }
}
