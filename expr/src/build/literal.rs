//! Literals.

use super::BuildContext;
use crate::expr::{Coercibility, Expr, ExprKind};
use crate::typing;
use aurora_types::sql_type::NOT_FIXED_DECIMALS;
use aurora_types::{BaseType, CollationId, SqlType, Text, Value};

pub fn null() -> Expr {
    Expr::new(ExprKind::Literal(Value::Null), SqlType::new(BaseType::Null, 0), Coercibility::IGNORABLE)
}

/// A literal with the type that MySQL gives it; text is of the connection's collation.
pub fn literal(value: Value, ctx: &BuildContext) -> Expr {
    let ty = match &value {
        Value::Null => return null(),
        // Room for a sign, as MySQL leaves it.
        Value::Int(v) => typing::bigint(digits(v.unsigned_abs()) + 1),
        Value::UInt(v) if *v <= i64::MAX as u64 => typing::bigint(digits(*v) + 1),
        Value::UInt(v) => typing::bigint_unsigned(digits(*v)),
        Value::Double(v) => {
            let mut text = Vec::new();
            aurora_types::number::write_double(*v, &mut text);
            SqlType { length: text.len() as u32, decimals: NOT_FIXED_DECIMALS, ..typing::double() }
        }
        Value::Decimal(v) => {
            // The digit before the point counts, even a 0.
            let scale = u32::from(v.scale());
            typing::decimal(u32::from(v.precision()).max(scale + 1), scale)
        }
        Value::Text(v) => typing::text(ctx.collation.char_count(v.as_bytes()) as u64, ctx.collation),
        Value::Date(_) => typing::date(),
        Value::Time(v) => typing::time(fraction_digits(v.subsec_micros())),
        Value::DateTime(v) => typing::datetime(fraction_digits(v.subsec_micros())),
        Value::Json(_) => typing::json(),
    };
    let value = match value {
        Value::UInt(v) if v <= i64::MAX as u64 => Value::Int(v as i64),
        same => same,
    };
    typed_literal(value, ty)
}

/// TRUE and FALSE: numbers, but JSON functions still see that they are truth values.
pub fn truth_literal(truth: bool) -> Expr {
    typed_literal(Value::Int(i64::from(truth)), typing::boolean(false))
}

/// A literal of a given type (introducers, temporal literals with their digits).
pub fn typed_literal(value: Value, ty: SqlType) -> Expr {
    let typed = crate::Typed::from(ty);
    Expr::new(ExprKind::Literal(value), typed.ty, typed.coercibility)
}

/// `X'4D'`, `0x4D`, `B'01'`: bytes.
pub fn hex_literal(bytes: &[u8]) -> Expr {
    let ty = typing::text(bytes.len() as u64, CollationId::BINARY);
    Expr::new(ExprKind::HexLiteral(Text::from(bytes)), ty, Coercibility::COERCIBLE)
}

fn digits(v: u64) -> u32 {
    v.checked_ilog10().map_or(1, |log| log + 1)
}

fn fraction_digits(micros: u32) -> u8 {
    if micros == 0 {
        return 0;
    }
    let mut digits = 6;
    let mut rest = micros;
    while rest.is_multiple_of(10) {
        rest /= 10;
        digits -= 1;
    }
    digits
}
