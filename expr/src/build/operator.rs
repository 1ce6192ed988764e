//! Operators that compute: arithmetic, bits, CASE, conversions.

use super::BuildContext;
use crate::expr::{ArithmeticOp, BitOp, CastTarget, Coercibility, Expr, ExprKind, WhenThen};
use crate::typing::{self, Domain};
use aurora_types::error::{ER_COLLATION_CHARSET_MISMATCH, ER_OPERAND_COLUMNS};
use aurora_types::{BaseType, CollationId, SqlError, SqlMode, SqlResult, SqlType, Value};

fn single(expr: &Expr) -> SqlResult<()> {
    match expr.kind {
        ExprKind::Row(_) => Err(SqlError::new(ER_OPERAND_COLUMNS, &[&1])),
        _ => Ok(()),
    }
}

/// A hex literal read as a number, other expressions as they are.
pub(super) fn numeric_operand(expr: Expr) -> Expr {
    match &expr.kind {
        ExprKind::HexLiteral(bytes) => {
            let number =
                bytes.as_bytes().iter().rev().take(8).rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
            Expr::new(
                ExprKind::Literal(Value::UInt(number)),
                typing::bigint_unsigned(20),
                Coercibility::NUMERIC,
            )
        }
        _ => expr,
    }
}

/// `+ - * / DIV %`.
///
/// # Errors
/// 1241 when an operand is a row.
pub fn arithmetic(op: ArithmeticOp, left: Expr, right: Expr, ctx: &BuildContext) -> SqlResult<Expr> {
    single(&left)?;
    single(&right)?;
    let (left, right) = (numeric_operand(left), numeric_operand(right));
    let (l, r) = (typing::numeric_domain(&left.ty), typing::numeric_domain(&right.ty));
    let computed = match (op, l, r) {
        (ArithmeticOp::IntDiv, ..) => Domain::Int,
        (_, Domain::Double, _) | (_, _, Domain::Double) => Domain::Double,
        (ArithmeticOp::Div, ..) | (_, Domain::Decimal, _) | (_, _, Domain::Decimal) => Domain::Decimal,
        _ => Domain::Int,
    };
    let nullable = left.ty.nullable
        || right.ty.nullable
        || matches!(op, ArithmeticOp::Div | ArithmeticOp::IntDiv | ArithmeticOp::Mod);
    let ty = match computed {
        Domain::Int => integer_result(op, &left.ty, &right.ty, ctx),
        Domain::Decimal => decimal_result(op, &left.ty, &right.ty, ctx),
        _ => typing::double(),
    };
    let ty = SqlType { nullable, ..ty };
    let domain_op = ExprKind::Arithmetic { op, left: Box::new(left), right: Box::new(right) };
    Ok(Expr::new(domain_op, ty, Coercibility::NUMERIC))
}

fn is_unsigned(ty: &SqlType) -> bool {
    ty.unsigned || ty.base == BaseType::Year || ty.base == BaseType::Bit
}

fn integer_result(op: ArithmeticOp, l: &SqlType, r: &SqlType, ctx: &BuildContext) -> SqlType {
    let (left, right) = (integer_digits(l), integer_digits(r));
    let unsigned = match op {
        ArithmeticOp::Sub if ctx.sql_mode.contains(SqlMode::NO_UNSIGNED_SUBTRACTION) => false,
        ArithmeticOp::Mod => is_unsigned(l),
        _ => is_unsigned(l) || is_unsigned(r),
    };
    let length = match op {
        ArithmeticOp::Add | ArithmeticOp::Sub => left.max(right) + 1 + u32::from(!unsigned),
        ArithmeticOp::Mul => left + right + u32::from(!unsigned),
        ArithmeticOp::Mod => typing::text_length(l).max(typing::text_length(r)) as u32,
        _ => typing::text_length(l).saturating_sub(u64::from(l.decimals)) as u32,
    };
    SqlType { unsigned, ..typing::bigint(length.max(1)) }
}

/// Digits of an operand of integer arithmetic.
fn integer_digits(ty: &SqlType) -> u32 {
    match ty.base {
        BaseType::Bit => ty.length,
        _ => typing::decimal_digits(ty).0,
    }
}

fn decimal_result(op: ArithmeticOp, l: &SqlType, r: &SqlType, ctx: &BuildContext) -> SqlType {
    let ((lw, ls), (rw, rs)) = (typing::decimal_digits(l), typing::decimal_digits(r));
    let unsigned = is_unsigned(l) && is_unsigned(r);
    let ty = match op {
        ArithmeticOp::Add | ArithmeticOp::Sub => typing::decimal(lw.max(rw) + 1 + ls.max(rs), ls.max(rs)),
        ArithmeticOp::Mul => typing::decimal(lw + ls + rw + rs, ls + rs),
        ArithmeticOp::Div => {
            let increment = u32::from(ctx.div_precision_increment);
            typing::decimal(lw + ls + increment + rs, ls + increment)
        }
        ArithmeticOp::Mod | ArithmeticOp::IntDiv => typing::decimal((lw + ls).max(rw + rs), ls.max(rs)),
    };
    SqlType { unsigned: unsigned && op != ArithmeticOp::Sub, ..ty }
}

/// `-x`. Negative literals stay literals.
pub fn negate(expr: Expr, ctx: &BuildContext) -> SqlResult<Expr> {
    single(&expr)?;
    let expr = numeric_operand(expr);
    match &expr.kind {
        ExprKind::Literal(Value::Int(v)) => {
            return Ok(match v.checked_neg() {
                Some(v) => super::literal(Value::Int(v), ctx),
                None => {
                    let v = aurora_types::Decimal::from_u64(v.unsigned_abs());
                    super::literal(Value::Decimal(v), ctx)
                }
            });
        }
        ExprKind::Literal(Value::UInt(v)) if *v == 1 << 63 => {
            return Ok(super::literal(Value::Int(i64::MIN), ctx));
        }
        ExprKind::Literal(Value::UInt(v)) => {
            return Ok(super::literal(Value::Decimal(aurora_types::Decimal::from_u64(*v).neg()), ctx));
        }
        ExprKind::Literal(Value::Decimal(v)) => return Ok(super::literal(Value::Decimal(v.neg()), ctx)),
        ExprKind::Literal(Value::Double(v)) => return Ok(super::literal(Value::Double(-*v), ctx)),
        _ => {}
    }
    let ty = match typing::numeric_domain(&expr.ty) {
        Domain::Int => {
            let sign = u32::from(is_unsigned(&expr.ty));
            typing::bigint((typing::text_length(&expr.ty) as u32 + sign).min(21))
        }
        Domain::Decimal => {
            let (whole, scale) = typing::decimal_digits(&expr.ty);
            typing::decimal(whole + scale, scale)
        }
        _ => typing::double(),
    };
    let ty = SqlType { nullable: expr.ty.nullable, ..ty };
    Ok(Expr::new(ExprKind::Negate(Box::new(expr)), ty, Coercibility::NUMERIC))
}

/// Binary strings (hex literals aside) compute as such, everything else as BIGINT UNSIGNED.
pub fn bit(op: BitOp, left: Expr, right: Expr) -> SqlResult<Expr> {
    single(&left)?;
    single(&right)?;
    let binary = |e: &Expr| {
        typing::is_string(&e.ty)
            && e.ty.collation.is_binary()
            && !matches!(e.kind, ExprKind::HexLiteral(_))
            && !matches!(e.ty.base, BaseType::Enum(_) | BaseType::Set(_))
    };
    let nullable = left.ty.nullable || right.ty.nullable;
    let shift = matches!(op, BitOp::ShiftLeft | BitOp::ShiftRight);
    let as_bytes = if shift { binary(&left) } else { binary(&left) && binary(&right) };
    let (left, right) =
        if as_bytes { (left, right) } else { (numeric_operand(left), numeric_operand(right)) };
    let ty = if as_bytes {
        typing::text(
            typing::text_length(&left.ty).max(if shift { 0 } else { typing::text_length(&right.ty) }),
            CollationId::BINARY,
        )
    } else {
        typing::bigint_unsigned(21)
    };
    let coercibility = if as_bytes { Coercibility::COERCIBLE } else { Coercibility::NUMERIC };
    let kind = ExprKind::Bit { op, left: Box::new(left), right: Box::new(right) };
    Ok(Expr::new(kind, SqlType { nullable, ..ty }, coercibility))
}

/// `~x`.
pub fn bit_not(expr: Expr) -> SqlResult<Expr> {
    single(&expr)?;
    let as_bytes = typing::is_string(&expr.ty)
        && expr.ty.collation.is_binary()
        && !matches!(expr.kind, ExprKind::HexLiteral(_));
    let expr = if as_bytes { expr } else { numeric_operand(expr) };
    let (ty, coercibility) = if as_bytes {
        (typing::text(typing::text_length(&expr.ty), CollationId::BINARY), Coercibility::COERCIBLE)
    } else {
        (typing::bigint_unsigned(21), Coercibility::NUMERIC)
    };
    let ty = SqlType { nullable: expr.ty.nullable, ..ty };
    Ok(Expr::new(ExprKind::BitNot(Box::new(expr)), ty, coercibility))
}

/// The two sides of `CASE operand WHEN when`: JSON is compared as its text with texts and as a DOUBLE with numbers
/// there, not by JSON's own order (as MySQL does, other than for `=`).
pub fn case_operands(operand: Expr, when: Expr) -> (Expr, Expr) {
    let domains = [typing::domain(&operand.ty), typing::domain(&when.ty)];
    if !domains.contains(&Domain::Json) {
        return (operand, when);
    }
    let is_number = |domain: &Domain| matches!(domain, Domain::Int | Domain::Decimal | Domain::Double);
    let target = if domains.iter().any(is_number) {
        typing::double()
    } else {
        typing::text(typing::text_length(&operand.ty), CollationId::UTF8MB4_BIN)
    };
    let plain = |expr: Expr| {
        if typing::domain(&expr.ty) != Domain::Json {
            return expr;
        }
        // A constant too brings its own, binary collation along.
        Expr { coercibility: Coercibility::IMPLICIT, ..cast_to(expr, &target) }
    };
    (plain(operand), plain(when))
}

/// `CASE WHEN … THEN …`: conditions are truth values ([`super::truth`] is applied here).
pub fn case(branches: Vec<WhenThen>, otherwise: Option<Expr>) -> SqlResult<Expr> {
    let mut results: Vec<&Expr> = branches.iter().map(|b| &b.then).collect();
    results.extend(otherwise.as_ref());
    for result in &results {
        single(result)?;
    }
    let mut typed = typing::unify(&results, "case")?;
    if otherwise.is_none() {
        typed.ty.nullable = true;
    }
    let ty = typed.ty;
    let branches = branches
        .into_iter()
        .map(|b| WhenThen { when: super::truth(b.when), then: coerce(b.then, &ty) })
        .collect();
    let otherwise = otherwise.map(|e| Box::new(coerce(e, &ty)));
    Ok(Expr::new(ExprKind::Case { branches, otherwise }, ty, typed.coercibility))
}

/// `CAST(expr AS ty)`.
pub fn cast(expr: Expr, target: CastTarget, ty: SqlType) -> SqlResult<Expr> {
    single(&expr)?;
    let expr = match target {
        CastTarget::Char { .. } => super::own_text(expr, ty.collation),
        CastTarget::Binary { .. } => super::own_text(expr, CollationId::UTF8MB4_BIN),
        CastTarget::Json => {
            let mut expr = expr;
            super::own_number(&mut expr);
            crate::functions::json_operand(expr)
        }
        _ => numeric_operand(expr),
    };
    // Texts may exceed the packet limit.
    let may_fail = matches!(
        target,
        CastTarget::Date
            | CastTarget::Time
            | CastTarget::DateTime
            | CastTarget::Year
            | CastTarget::Char { .. }
            | CastTarget::Binary { .. }
            | CastTarget::Json
    );
    let ty = SqlType { nullable: expr.ty.nullable || may_fail, ..ty };
    let coercibility = crate::Typed::from(ty.clone()).coercibility;
    let coercibility =
        if typing::is_string(&ty) { Coercibility::IMPLICIT.min(coercibility) } else { coercibility };
    Ok(Expr::new(ExprKind::Cast { expr: Box::new(expr), target }, ty, coercibility))
}

/// A conversion to a type by that type's own cast.
pub fn cast_to(expr: Expr, ty: &SqlType) -> Expr {
    let target = match typing::domain(ty) {
        Domain::Null => return expr,
        Domain::Int if ty.unsigned => CastTarget::Unsigned,
        Domain::Int => CastTarget::Signed,
        Domain::Decimal => CastTarget::Decimal,
        Domain::Double if ty.base == BaseType::Float => CastTarget::Float,
        Domain::Double => CastTarget::Double,
        Domain::Date => CastTarget::Date,
        Domain::Time => CastTarget::Time,
        Domain::DateTime => CastTarget::DateTime,
        Domain::Json => CastTarget::Json,
        Domain::Text | Domain::Geometry if ty.collation.is_binary() => CastTarget::Binary { limited: false },
        Domain::Text | Domain::Geometry => CastTarget::Char { limited: false },
    };
    let coercibility = expr.coercibility;
    let nullable = expr.ty.nullable;
    let ty = SqlType { nullable, ..ty.clone() };
    if let ExprKind::Literal(Value::Null) = expr.kind {
        return Expr { ty, ..expr };
    }
    Expr::new(ExprKind::Cast { expr: Box::new(expr), target }, ty, coercibility)
}

/// A conversion where the value's form differs between the two types; else the expression as it is.
pub fn coerce(expr: Expr, ty: &SqlType) -> Expr {
    let (from, to) = (typing::domain(&expr.ty), typing::domain(ty));
    let same = match (from, to) {
        (Domain::Null, _) => true,
        (Domain::Int, Domain::Int) => expr.ty.base != BaseType::Bit || ty.base == BaseType::Bit,
        (Domain::Decimal, Domain::Decimal) => expr.ty.decimals == ty.decimals,
        (Domain::Text, Domain::Text) => true,
        (a, b) => a == b,
    };
    if same {
        return expr;
    }
    let scaled = to == Domain::Decimal && matches!(from, Domain::Int | Domain::Decimal);
    let own = if to == Domain::Text { super::own_text(expr, ty.collation) } else { expr };
    let mut expr = cast_to(own, ty);
    if scaled && let ExprKind::Cast { target, .. } = &mut expr.kind {
        *target = CastTarget::Scale;
    }
    expr
}

/// `expr COLLATE name`.
///
/// # Errors
/// 1253 when the collation is of another character set.
pub fn collate(expr: Expr, collation: CollationId, ctx: &BuildContext) -> SqlResult<Expr> {
    single(&expr)?;
    let own = if typing::is_string(&expr.ty) { expr.ty.collation } else { ctx.collation };
    if own.charset() != collation.charset() && !expr.is_null_literal() {
        return Err(SqlError::new(
            ER_COLLATION_CHARSET_MISMATCH,
            &[&collation.name(), &own.charset().name()],
        ));
    }
    let expr = if typing::is_string(&expr.ty) {
        expr
    } else {
        let ty = typing::text(typing::text_length(&expr.ty), own);
        cast_to(expr, &ty)
    };
    let ty = SqlType { collation, nullable: true, ..expr.ty.clone() };
    Ok(Expr::new(ExprKind::Collate(Box::new(expr)), ty, Coercibility::EXPLICIT))
}

/// `@name := value`.
pub fn assign(name: &str, value: Expr) -> SqlResult<Expr> {
    single(&value)?;
    let (ty, coercibility) = (value.ty.clone(), value.coercibility);
    let kind = ExprKind::AssignVariable { name: name.to_lowercase().into(), value: Box::new(value) };
    Ok(Expr::new(kind, ty, coercibility))
}
