//! Operators that give truth values.

use super::operator::numeric_operand;
use crate::Typed;
use crate::collate;
use crate::eval::InSet;
use crate::expr::{Coercibility, CompareOp, Expr, ExprKind, IsTest, Subquery, SubqueryKind};
use crate::typing::{self, Comparison, Domain};
use aurora_types::error::{ER_OPERAND_COLUMNS, ER_WRONG_ARGUMENTS, ER_WRONG_VALUE};
use aurora_types::like::LikePattern;
use aurora_types::temporal::parse::{DateFlags, parse_datetime};
use aurora_types::{BaseType, SqlError, SqlResult, SqlType, Value};
use std::sync::Arc;

fn boolean(kind: ExprKind, nullable: bool) -> Expr {
    Expr::new(kind, typing::boolean(nullable), Coercibility::NUMERIC)
}

/// Operands of one comparison: hex literals become numbers beside numbers.
fn paired(left: Expr, right: Expr) -> (Expr, Expr) {
    if typing::domain(&left.ty) == Domain::Json || typing::domain(&right.ty) == Domain::Json {
        return (crate::functions::json_operand(left), crate::functions::json_operand(right));
    }
    let number = |e: &Expr| matches!(typing::domain(&e.ty), Domain::Int | Domain::Decimal | Domain::Double);
    if number(&left) {
        let right = numeric_operand(right);
        (left, right)
    } else if number(&right) {
        (numeric_operand(left), right)
    } else {
        (left, right)
    }
}

/// A string literal beside a date must be one: 1525. (Other text that is no date compares as the zero date.)
fn check_dates(left: &Expr, right: &Expr, flags: DateFlags) -> SqlResult<()> {
    for (literal, other) in [(left, right), (right, left)] {
        let kind = match typing::domain(&other.ty) {
            Domain::Date => "DATE",
            Domain::DateTime => "DATETIME",
            _ => continue,
        };
        if let ExprKind::Literal(Value::Text(text)) = &literal.kind
            && typing::domain(&literal.ty) == Domain::Text
            && parse_datetime(text.as_bytes(), flags).rounded(6, false).is_none()
        {
            return Err(SqlError::new(ER_WRONG_VALUE, &[&kind, &text.to_str_lossy()]));
        }
    }
    Ok(())
}

/// 1525 also for zero dates where the sql_mode knows none: of what `=`, `<`, … and NULLIF compare.
///
/// # Errors
/// 1525 for text that is no date by the mode.
pub fn check_compared_dates(left: &Expr, right: &Expr, ctx: &super::BuildContext) -> SqlResult<()> {
    check_dates(left, right, DateFlags::from_sql_mode(ctx.sql_mode))
}

/// The same for what folding made a literal, in all comparisons of `expr` but those of CASE.
///
/// # Errors
/// 1525 for text that is no date.
pub fn check_folded_dates(expr: &Expr) -> SqlResult<()> {
    let mut stack = vec![expr];
    while let Some(e) = stack.pop() {
        match &e.kind {
            ExprKind::Case { .. } => continue,
            ExprKind::Compare { left, right, .. } => check_dates(left, right, DateFlags::default())?,
            _ => {}
        }
        stack.extend(e.children());
    }
    Ok(())
}

/// A number below 100 beside a YEAR column is a year of two digits.
fn full_year(expr: Expr, other: &Expr) -> Expr {
    if other.ty.base != BaseType::Year || !matches!(other.kind, ExprKind::Column(_)) {
        return expr;
    }
    let year = match &expr.kind {
        ExprKind::Literal(Value::Int(v)) => Some(*v),
        ExprKind::Literal(Value::Decimal(v)) => Some(v.to_f64().round() as i64),
        ExprKind::Literal(Value::Text(text)) => text.to_str_lossy().trim().parse::<i64>().ok(),
        _ => None,
    };
    match year {
        Some(v @ 1..=69) => {
            Expr { kind: ExprKind::Literal(Value::Int(v + 2000)), ty: typing::bigint(5), ..expr }
        }
        Some(v @ 70..=99) => {
            Expr { kind: ExprKind::Literal(Value::Int(v + 1900)), ty: typing::bigint(5), ..expr }
        }
        _ => expr,
    }
}

/// `left op right`, of values or of rows.
///
/// # Errors
/// 1241 when the rows differ in width, 1267 for collations.
pub fn comparison(op: CompareOp, left: Expr, right: Expr) -> SqlResult<Expr> {
    compared(op, left, right, true)
}

/// `operand = when` of CASE: text that is no date is unequal to all dates there, no error.
///
/// # Errors
/// As [`comparison`], but for 1525.
pub fn case_comparison(operand: Expr, when: Expr) -> SqlResult<Expr> {
    compared(CompareOp::Eq, operand, when, false)
}

/// As [`comparison`]; `strict`: a literal beside a date must be one.
fn compared(op: CompareOp, left: Expr, right: Expr, strict: bool) -> SqlResult<Expr> {
    match (left.kind, right.kind) {
        (ExprKind::Row(l), ExprKind::Row(r)) => {
            if l.len() != r.len() {
                return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&l.len()]));
            }
            if l.iter().chain(&r).any(|e| matches!(e.kind, ExprKind::Row(_))) {
                return nested_rows(op, l, r, strict);
            }
            let nullable = op != CompareOp::NullSafeEq && l.iter().chain(&r).any(|e| e.ty.nullable);
            let (mut left, mut right, mut how) = (Vec::new(), Vec::new(), Vec::new());
            for (a, b) in l.into_iter().zip(r) {
                let (a, b) = paired(a, b);
                if strict {
                    check_dates(&a, &b, DateFlags::default())?;
                }
                how.push(typing::comparison(&a, &b, op.symbol())?);
                left.push(a);
                right.push(b);
            }
            Ok(boolean(ExprKind::CompareRows { op, left, right, how }, nullable))
        }
        (ExprKind::Row(l), _) => Err(SqlError::new(ER_OPERAND_COLUMNS, &[&l.len()])),
        (_, ExprKind::Row(_)) => Err(SqlError::new(ER_OPERAND_COLUMNS, &[&1])),
        (l, r) => {
            let left =
                Expr { kind: l, ..Expr::new(ExprKind::Literal(Value::Null), left.ty, left.coercibility) };
            let right =
                Expr { kind: r, ..Expr::new(ExprKind::Literal(Value::Null), right.ty, right.coercibility) };
            let (left, right) = paired(left, right);
            if strict {
                check_dates(&left, &right, DateFlags::default())?;
            }
            let left = full_year(left, &right);
            let right = full_year(right, &left);
            let how = typing::comparison(&left, &right, op.symbol())?;
            let nullable = op != CompareOp::NullSafeEq && (left.ty.nullable || right.ty.nullable);
            let kind = ExprKind::Compare { op, left: Box::new(left), right: Box::new(right), how };
            Ok(boolean(kind, nullable))
        }
    }
}

/// Rows of rows compare as if they were flat.
fn nested_rows(op: CompareOp, l: Vec<Expr>, r: Vec<Expr>, strict: bool) -> SqlResult<Expr> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (a, b) in l.into_iter().zip(r) {
        match (a.kind, b.kind) {
            (ExprKind::Row(a), ExprKind::Row(b)) if a.len() == b.len() => {
                left.extend(a);
                right.extend(b);
            }
            (ExprKind::Row(a), _) => return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&a.len()])),
            (_, ExprKind::Row(_)) => return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&1])),
            (x, y) => {
                left.push(Expr::new(x, a.ty, a.coercibility));
                right.push(Expr::new(y, b.ty, b.coercibility));
            }
        }
    }
    compared(op, row(left), row(right), strict)
}

/// `(a, b, …)`.
pub fn row(elements: Vec<Expr>) -> Expr {
    Expr::new(ExprKind::Row(elements), SqlType::new(BaseType::Null, 0), Coercibility::IGNORABLE)
}

/// The expression as a truth value: nothing to do, evaluation asks for it; only rows are refused later.
pub fn truth(expr: Expr) -> Expr {
    numeric_operand(expr)
}

fn check_single(exprs: &[Expr]) -> SqlResult<()> {
    if exprs.iter().any(|e| matches!(e.kind, ExprKind::Row(_))) {
        return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&1]));
    }
    Ok(())
}

/// Conjunction; nested ones are flattened, one operand stays as it is.
pub fn and(operands: Vec<Expr>) -> SqlResult<Expr> {
    check_single(&operands)?;
    let mut flat = Vec::with_capacity(operands.len());
    for operand in operands {
        match operand.kind {
            ExprKind::And(list) => flat.extend(list),
            _ => flat.push(truth(operand)),
        }
    }
    let nullable = flat.iter().any(|e| e.ty.nullable);
    Ok(match flat.len() {
        0 => boolean(ExprKind::Literal(Value::Int(1)), false),
        _ => boolean(ExprKind::And(flat), nullable),
    })
}

/// Disjunction.
pub fn or(operands: Vec<Expr>) -> SqlResult<Expr> {
    check_single(&operands)?;
    let mut flat = Vec::with_capacity(operands.len());
    for operand in operands {
        match operand.kind {
            ExprKind::Or(list) => flat.extend(list),
            _ => flat.push(truth(operand)),
        }
    }
    let nullable = flat.iter().any(|e| e.ty.nullable);
    Ok(match flat.len() {
        0 => boolean(ExprKind::Literal(Value::Int(0)), false),
        _ => boolean(ExprKind::Or(flat), nullable),
    })
}

pub fn xor(left: Expr, right: Expr) -> SqlResult<Expr> {
    let nullable = left.ty.nullable || right.ty.nullable;
    let operands = [truth(left), truth(right)];
    check_single(&operands)?;
    let [left, right] = operands;
    Ok(boolean(ExprKind::Xor(Box::new(left), Box::new(right)), nullable))
}

pub fn not(expr: Expr) -> SqlResult<Expr> {
    let operands = [truth(expr)];
    check_single(&operands)?;
    let [expr] = operands;
    let nullable = expr.ty.nullable;
    Ok(boolean(ExprKind::Not(Box::new(expr)), nullable))
}

/// `expr IS [NOT] NULL / TRUE / FALSE / UNKNOWN`.
pub fn is_test(expr: Expr, test: IsTest, negated: bool) -> SqlResult<Expr> {
    let operands = [expr];
    check_single(&operands)?;
    let [expr] = operands;
    Ok(boolean(ExprKind::Is { expr: Box::new(expr), test, negated }, false))
}

/// `expr [NOT] BETWEEN low AND high`.
pub fn between(expr: Expr, low: Expr, high: Expr, negated: bool) -> SqlResult<Expr> {
    let operands = [expr, low, high];
    check_single(&operands)?;
    let [expr, low, high] = operands;
    let all = [&expr, &low, &high];
    let some = |domain: Domain| all.iter().any(|e| typing::domain(&e.ty) == domain);
    let is_number =
        |e: &&&Expr| matches!(typing::domain(&e.ty), Domain::Int | Domain::Decimal | Domain::Double);
    if some(Domain::Json) && !all.iter().any(|e| is_number(&e)) {
        // BETWEEN takes documents as their text.
        let how = [Comparison::Text(aurora_types::CollationId::UTF8MB4_BIN); 2];
        let nullable = all.iter().any(|e| e.ty.nullable);
        let kind = ExprKind::Between {
            expr: Box::new(expr),
            low: Box::new(low),
            high: Box::new(high),
            negated,
            how,
        };
        return Ok(boolean(kind, nullable));
    }
    let (expr, low) = paired(expr, low);
    let (expr, high) = paired(expr, high);
    let (low, high) = (full_year(low, &expr), full_year(high, &expr));
    let mut how = [typing::comparison(&expr, &low, "between")?, typing::comparison(&expr, &high, "between")?];
    if let (Comparison::Text(_), Comparison::Text(_)) = (how[0], how[1]) {
        let collation = collate::for_comparison(&[&expr, &low, &high], "between")?;
        how = [Comparison::Text(collation); 2];
    } else if how[0] != how[1]
        && typing::is_string(&expr.ty)
        && !typing::is_temporal(&low.ty)
        && !typing::is_temporal(&high.ty)
    {
        how = [Comparison::Double; 2];
    }
    let nullable = expr.ty.nullable || low.ty.nullable || high.ty.nullable;
    let kind =
        ExprKind::Between { expr: Box::new(expr), low: Box::new(low), high: Box::new(high), negated, how };
    Ok(boolean(kind, nullable))
}

/// `expr [NOT] IN (list)`; rows on both sides or on none.
pub fn in_list(expr: Expr, list: Vec<Expr>, negated: bool) -> SqlResult<Expr> {
    if let ExprKind::Row(_) = &expr.kind {
        let single = list.len() == 1;
        let mut tests = Vec::with_capacity(list.len());
        for element in list {
            tests.push(compared(CompareOp::Eq, expr.clone(), element, single)?);
        }
        let any = or(tests)?;
        return if negated { not(any) } else { Ok(any) };
    }
    check_single(&list)?;
    let mut expr = expr;
    let mut elements = Vec::with_capacity(list.len());
    for element in list {
        let (e, element) = paired(expr, element);
        expr = e;
        elements.push(element);
    }
    if let [element] = elements.as_slice() {
        // The same as `=`.
        check_dates(&expr, element, DateFlags::default())?;
    }
    let mut how = Vec::with_capacity(elements.len());
    if typing::is_string(&expr.ty) && elements.iter().all(|e| typing::is_string(&e.ty) || e.is_null_literal())
    {
        // One collation for the whole list, as MySQL aggregates it.
        let all: Vec<&Expr> = std::iter::once(&expr).chain(elements.iter()).collect();
        let collation = collate::for_comparison(&all, " IN ")?;
        how.resize(elements.len(), Comparison::Text(collation));
    } else {
        for element in &elements {
            how.push(typing::comparison(&expr, element, " IN ")?);
        }
    }
    let nullable = expr.ty.nullable || elements.iter().any(|e| e.ty.nullable);
    let set = InSet::build(&expr, &elements, &how).map(Arc::new);
    Ok(boolean(ExprKind::InList { expr: Box::new(expr), list: elements, negated, how, set }, nullable))
}

/// `expr [NOT] LIKE pattern [ESCAPE c]`. `escape`: the evaluated constant, `None` where none was written (then
/// backslash, unless NO_BACKSLASH_ESCAPES), an empty text for no escape character.
///
/// # Errors
/// 1210 when the escape is not one character.
pub fn like(
    expr: Expr,
    pattern: Expr,
    escape: Option<&Value>,
    negated: bool,
    ctx: &super::BuildContext,
) -> SqlResult<Expr> {
    let operands = [expr, pattern];
    check_single(&operands)?;
    let [expr, pattern] = operands.map(|operand| super::own_text(operand, ctx.collation));
    let escape = match escape {
        None if ctx.sql_mode.contains(aurora_types::SqlMode::NO_BACKSLASH_ESCAPES) => None,
        None => aurora_types::like::DEFAULT_ESCAPE,
        Some(Value::Text(text)) => {
            let text = text.to_str_lossy();
            let mut chars = text.chars();
            let first = chars.next();
            if chars.next().is_some() {
                return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"ESCAPE"]));
            }
            first
        }
        Some(Value::Null) => aurora_types::like::DEFAULT_ESCAPE,
        Some(_) => return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"ESCAPE"])),
    };
    let collation = collate::for_comparison(&[&expr, &pattern], "like")?;
    let compiled = match &pattern.kind {
        ExprKind::Literal(Value::Text(text)) => {
            Some(Arc::new(LikePattern::new(text.as_bytes(), escape, collation)))
        }
        _ => None,
    };
    let nullable = expr.ty.nullable || pattern.ty.nullable;
    let kind = ExprKind::Like {
        expr: Box::new(expr),
        pattern: Box::new(pattern),
        escape,
        negated,
        collation,
        compiled,
    };
    Ok(boolean(kind, nullable))
}

/// A call of subplan `plan` whose columns have the types `columns`. `operand` is the left side where the kind has
/// one; `args` go into the subplan's slots.
///
/// # Errors
/// 1241 when the widths differ, 1267 for collations.
pub fn subquery(
    plan: usize,
    kind: SubqueryKind,
    operand: Option<Expr>,
    args: Vec<Expr>,
    columns: &[Typed],
) -> SqlResult<Expr> {
    let operands = match operand {
        Some(Expr { kind: ExprKind::Row(list), .. }) => list,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    match kind {
        SubqueryKind::Exists { .. } => {}
        SubqueryKind::Scalar if columns.len() != 1 => {
            return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&1]));
        }
        SubqueryKind::Scalar => {}
        _ if operands.len() != columns.len() => {
            return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&operands.len()]));
        }
        _ => {}
    }
    let operation = match kind {
        SubqueryKind::Quantified { op, .. } | SubqueryKind::RowCompare { op } => op.symbol(),
        _ => "=",
    };
    let mut how = Vec::with_capacity(operands.len());
    for (operand, column) in operands.iter().zip(columns) {
        let column = Expr { coercibility: column.coercibility, ..super::column(0, column.ty.clone()) };
        how.push(typing::comparison(operand, &column, operation)?);
    }
    let (ty, coercibility) = match kind {
        SubqueryKind::Scalar => {
            let ty = SqlType { nullable: true, ..columns[0].ty.clone() };
            (ty, columns[0].coercibility)
        }
        SubqueryKind::Exists { .. } => (typing::boolean(false), Coercibility::NUMERIC),
        _ => (typing::boolean(true), Coercibility::NUMERIC),
    };
    let call = Subquery { plan, kind, operands, args, how };
    Ok(Expr::new(ExprKind::Subquery(Box::new(call)), ty, coercibility))
}
