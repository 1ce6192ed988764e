//! Arithmetic and bits.

use crate::context::EvalCtx;
use crate::expr::{ArithmeticOp, BitOp, Expr, ExprKind};
use crate::typing::{self, Domain};
use aurora_types::error::{ER_DATA_OUT_OF_RANGE, ER_DIVISION_BY_ZERO, ER_INVALID_BITWISE_OPERANDS_SIZE};
use aurora_types::{Decimal, SqlError, SqlMode, SqlResult, SqlType, Text, Value, ValueRef};

/// `a op b`, neither NULL, in the domain of the expression's type.
pub(super) fn compute(
    expr: &Expr,
    op: ArithmeticOp,
    a: ValueRef<'_>,
    a_ty: &SqlType,
    b: ValueRef<'_>,
    b_ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    if op == ArithmeticOp::IntDiv {
        return int_div(expr, a, a_ty, b, b_ty, ctx);
    }
    match typing::domain(&expr.ty) {
        Domain::Int => {
            let (x, y) = match (a, b) {
                (ValueRef::Int(x), ValueRef::Int(y)) => (i128::from(x), i128::from(y)),
                _ => (ctx.to_i128(a, a_ty)?, ctx.to_i128(b, b_ty)?),
            };
            let result = match op {
                ArithmeticOp::Add => x + y,
                ArithmeticOp::Sub => x - y,
                ArithmeticOp::Mul => match x.checked_mul(y) {
                    Some(product) => product,
                    None => return Err(out_of_range(expr)),
                },
                _ if y == 0 => return division_by_zero(ctx),
                _ => x % y,
            };
            integer(expr, result)
        }
        Domain::Decimal => {
            let (x, y) = (ctx.to_decimal(a, a_ty)?, ctx.to_decimal(b, b_ty)?);
            let result = match op {
                ArithmeticOp::Add => x.add(&y),
                ArithmeticOp::Sub => x.sub(&y),
                ArithmeticOp::Mul => x.mul(&y),
                ArithmeticOp::Div => {
                    let increment = expr.ty.decimals.saturating_sub(typing::decimal_digits(a_ty).1 as u8);
                    match x.div(&y, increment) {
                        Ok(Some(quotient)) => Ok(quotient),
                        Ok(None) => return division_by_zero(ctx),
                        Err(overflow) => Err(overflow),
                    }
                }
                _ => match x.rem(&y) {
                    Some(rest) => Ok(rest),
                    None => return division_by_zero(ctx),
                },
            };
            match result {
                Ok(value) if op == ArithmeticOp::Div || value.scale() > expr.ty.decimals => {
                    Ok(Value::Decimal(value.round(i32::from(expr.ty.decimals))))
                }
                Ok(value) => Ok(Value::Decimal(value)),
                Err(_) => Err(SqlError::new(ER_DATA_OUT_OF_RANGE, &[&"DECIMAL", &describe(expr)])),
            }
        }
        _ => {
            let (x, y) = (ctx.to_f64(a, a_ty)?, ctx.to_f64(b, b_ty)?);
            let result = match op {
                ArithmeticOp::Add => x + y,
                ArithmeticOp::Sub => x - y,
                ArithmeticOp::Mul => x * y,
                _ if y == 0.0 => return division_by_zero(ctx),
                ArithmeticOp::Div => x / y,
                _ => x % y,
            };
            if result.is_finite() {
                Ok(Value::Double(result))
            } else {
                Err(SqlError::new(ER_DATA_OUT_OF_RANGE, &[&"DOUBLE", &describe(expr)]))
            }
        }
    }
}

fn integer(expr: &Expr, result: i128) -> SqlResult<Value> {
    if expr.ty.unsigned {
        u64::try_from(result).map(Value::UInt).map_err(|_| out_of_range(expr))
    } else {
        i64::try_from(result).map(Value::Int).map_err(|_| out_of_range(expr))
    }
}

fn out_of_range(expr: &Expr) -> SqlError {
    let kind = if expr.ty.unsigned { "BIGINT UNSIGNED" } else { "BIGINT" };
    SqlError::new(ER_DATA_OUT_OF_RANGE, &[&kind, &describe(expr)])
}

fn int_div(
    expr: &Expr,
    a: ValueRef<'_>,
    a_ty: &SqlType,
    b: ValueRef<'_>,
    b_ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    let whole = |ty: &SqlType| typing::numeric_domain(ty) == Domain::Int;
    if whole(a_ty) && whole(b_ty) {
        let (x, y) = (ctx.to_i128(a, a_ty)?, ctx.to_i128(b, b_ty)?);
        if y == 0 {
            return division_by_zero(ctx);
        }
        return integer(expr, x / y);
    }
    let (x, y) = (ctx.to_decimal(a, a_ty)?, ctx.to_decimal(b, b_ty)?);
    let quotient = match x.int_div(&y) {
        Ok(Some(quotient)) => quotient,
        Ok(None) => return division_by_zero(ctx),
        Err(_) => return Err(out_of_range(expr)),
    };
    if expr.ty.unsigned {
        let (value, cut) = quotient.to_u64();
        if cut { Err(out_of_range(expr)) } else { Ok(Value::UInt(value)) }
    } else {
        let (value, cut) = quotient.to_i64();
        if cut { Err(out_of_range(expr)) } else { Ok(Value::Int(value)) }
    }
}

/// NULL with warning 1365, or the error in strict statements that change data.
pub(crate) fn division_by_zero(ctx: &mut EvalCtx<'_>) -> SqlResult<Value> {
    if ctx.sql_mode.contains(SqlMode::ERROR_FOR_DIVISION_BY_ZERO) {
        if ctx.strict_dml && ctx.sql_mode.is_strict() {
            return Err(SqlError::new(ER_DIVISION_BY_ZERO, &[]));
        }
        ctx.diagnostics.warn(ER_DIVISION_BY_ZERO, &[]);
    }
    Ok(Value::Null)
}

pub(super) fn negate(
    expr: &Expr,
    value: ValueRef<'_>,
    ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Int(v) => Value::Int(v.checked_neg().ok_or_else(|| out_of_range(expr))?),
        ValueRef::UInt(v) => integer(expr, -i128::from(v))?,
        ValueRef::Double(v) => Value::Double(-v),
        ValueRef::Decimal(v) => Value::Decimal(v.neg()),
        other => match typing::domain(&expr.ty) {
            Domain::Int => integer(expr, -ctx.to_i128(other, ty)?)?,
            Domain::Decimal => Value::Decimal(ctx.to_decimal(other, ty)?.neg()),
            _ => Value::Double(-ctx.to_f64(other, ty)?),
        },
    })
}

fn is_bytes(expr: &Expr) -> bool {
    typing::is_string(&expr.ty)
}

/// Bits of a number: doubles and decimals are rounded, negative numbers keep their two's complement.
pub(crate) fn bits(value: ValueRef<'_>, ty: &SqlType, ctx: &mut EvalCtx<'_>) -> SqlResult<u64> {
    match value {
        ValueRef::Text(text)
            if typing::is_string(ty)
                && !matches!(ty.base, aurora_types::BaseType::Enum(_) | aurora_types::BaseType::Set(_)) =>
        {
            // Text goes by its leading number.
            let number = Decimal::parse(text);
            if number.consumed < text.len() {
                ctx.truncated("INTEGER", text)?;
            }
            let value = number.value;
            Ok(if value.is_negative() { value.to_i64().0 as u64 } else { value.to_u64().0 })
        }
        other => ctx.to_u64(other, ty),
    }
}

pub(super) fn bit(
    expr: &Expr,
    op: BitOp,
    a: ValueRef<'_>,
    a_ty: &SqlType,
    b: ValueRef<'_>,
    b_ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    if let (true, ValueRef::Text(x)) = (is_bytes(expr), a) {
        if matches!(op, BitOp::ShiftLeft | BitOp::ShiftRight) {
            let by = bits(b, b_ty, ctx)?;
            return Ok(Value::Text(Text::from(shift_bytes(x, by, op == BitOp::ShiftLeft))));
        }
        let ValueRef::Text(y) = b else { return Ok(Value::Null) };
        if x.len() != y.len() {
            return Err(SqlError::new(ER_INVALID_BITWISE_OPERANDS_SIZE, &[&op.symbol()]));
        }
        let combined: Vec<u8> = x
            .iter()
            .zip(y)
            .map(|(x, y)| match op {
                BitOp::And => x & y,
                BitOp::Or => x | y,
                _ => x ^ y,
            })
            .collect();
        return Ok(Value::Text(Text::from(combined)));
    }
    let (x, y) = (bits(a, a_ty, ctx)?, bits(b, b_ty, ctx)?);
    Ok(Value::UInt(match op {
        BitOp::And => x & y,
        BitOp::Or => x | y,
        BitOp::Xor => x ^ y,
        BitOp::ShiftLeft => u32::try_from(y).ok().and_then(|by| x.checked_shl(by)).unwrap_or(0),
        BitOp::ShiftRight => u32::try_from(y).ok().and_then(|by| x.checked_shr(by)).unwrap_or(0),
    }))
}

fn shift_bytes(bytes: &[u8], by: u64, left: bool) -> Vec<u8> {
    let mut out = vec![0u8; bytes.len()];
    let total = bytes.len() as u64 * 8;
    if by >= total {
        return out;
    }
    let (whole, part) = ((by / 8) as usize, (by % 8) as u32);
    for (at, byte) in out.iter_mut().enumerate() {
        let source = |offset: usize| {
            let index = if left { at.checked_add(offset) } else { at.checked_sub(offset) };
            u32::from(index.and_then(|i| bytes.get(i)).copied().unwrap_or(0))
        };
        let (near, far) = (source(whole), source(whole + 1));
        *byte = if left {
            (near << part | far >> (8 - part)) as u8
        } else {
            (near >> part | far << (8 - part)) as u8
        };
    }
    out
}

pub(super) fn bit_not(
    expr: &Expr,
    value: ValueRef<'_>,
    ty: &SqlType,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Value> {
    match value {
        ValueRef::Text(bytes) if is_bytes(expr) => {
            Ok(Value::Text(Text::from(bytes.iter().map(|b| !b).collect::<Vec<u8>>())))
        }
        other => Ok(Value::UInt(!bits(other, ty, ctx)?)),
    }
}

/// The expression as 1690 shows it. Columns have no name here.
pub(crate) fn describe(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(expr, &mut out, 0);
    out
}

const DESCRIBE_DEPTH: usize = 16;

fn write_expr(expr: &Expr, out: &mut String, depth: usize) {
    if depth > DESCRIBE_DEPTH {
        out.push('…');
        return;
    }
    match &expr.kind {
        ExprKind::Literal(Value::Null) => out.push_str("NULL"),
        ExprKind::Literal(value) => {
            let text = crate::eval::convert::text_operand(value.as_ref(), &expr.ty);
            let quoted = matches!(value, Value::Text(_));
            if quoted {
                out.push('\'');
            }
            out.push_str(&String::from_utf8_lossy(&text));
            if quoted {
                out.push('\'');
            }
        }
        ExprKind::Arithmetic { op, left, right } => {
            out.push('(');
            write_expr(left, out, depth + 1);
            out.push(' ');
            out.push_str(op.symbol());
            out.push(' ');
            write_expr(right, out, depth + 1);
            out.push(')');
        }
        ExprKind::Negate(inner) => {
            out.push_str("-(");
            write_expr(inner, out, depth + 1);
            out.push(')');
        }
        ExprKind::Cast { expr: inner, .. } | ExprKind::Collate(inner) => write_expr(inner, out, depth + 1),
        ExprKind::Column(at) => {
            out.push_str("column ");
            out.push_str(&(at + 1).to_string());
        }
        ExprKind::UserVariable(name) => {
            out.push_str("(@`");
            out.push_str(&name.to_str_lossy());
            out.push_str("`)");
        }
        ExprKind::Call { function, args } => {
            out.push_str(function.name);
            out.push('(');
            for (i, arg) in args.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_expr(arg, out, depth + 1);
            }
            out.push(')');
        }
        _ => out.push('?'),
    }
}
