//! Literal defaults.

use super::builder::BuildWith;
use aurora_catalog::ColumnDef;
use aurora_expr::typing;
use aurora_parser::{Ast, Expr, ExprId, Literal, UnaryOp};
use aurora_types::error::ER_INVALID_DEFAULT;
use aurora_types::store::{StoreContext, store};
use aurora_types::{BaseType, CollationId, Decimal, Diagnostics, SqlError, SqlResult, SqlType, Text, Value};

/// A literal with its type, as DEFAULT and SET of plain values need it. `None` for anything else.
pub fn literal(ast: &Ast, id: ExprId, client: CollationId) -> Option<(Value, SqlType)> {
    Some(match ast.expr(id) {
        Expr::Literal(literal) => match literal {
            Literal::Null => (Value::Null, SqlType::new(BaseType::Null, 0)),
            Literal::Bool(v) => (Value::Int(i64::from(*v)), typing::bigint(1)),
            Literal::Int(v) => match i64::try_from(*v) {
                Ok(v) => (Value::Int(v), typing::bigint(20)),
                Err(_) => (Value::UInt(*v), typing::bigint_unsigned(20)),
            },
            Literal::Decimal(text) => {
                let decimal = Decimal::parse(text.as_bytes()).value;
                (Value::Decimal(decimal), typing::decimal(65, u32::from(decimal.scale())))
            }
            Literal::Float(text) => (Value::Double(text.to_str_lossy().parse().ok()?), typing::double()),
            Literal::String(text) => {
                let charset = match &text.introducer {
                    Some(name) => aurora_types::charset::lookup(&name.to_str_lossy())?,
                    None => client.charset(),
                };
                let decoded = charset.decode(text.bytes.as_bytes()).ok()?;
                let collation = if text.introducer.is_some() { charset.default_collation() } else { client };
                let chars = decoded.len() as u64;
                (Value::Text(Text::from(decoded.as_ref())), typing::text(chars, collation))
            }
            Literal::Hex { bytes, .. } | Literal::Bit { bytes, .. } => {
                (Value::Text(bytes.clone()), typing::text(bytes.len() as u64, CollationId::BINARY))
            }
            Literal::Date(text) | Literal::Time(text) | Literal::Timestamp(text) => {
                (Value::Text(text.clone()), typing::text(text.len() as u64, client))
            }
        },
        Expr::Unary { op, expr } => {
            let (value, ty) = literal(ast, *expr, client)?;
            match op {
                UnaryOp::Minus => match value {
                    Value::Int(v) => (Value::Int(v.checked_neg()?), ty),
                    Value::UInt(v) if v == 1 << 63 => (Value::Int(i64::MIN), typing::bigint(20)),
                    Value::UInt(v) => (Value::Decimal(Decimal::from_u64(v).neg()), typing::decimal(20, 0)),
                    Value::Decimal(v) => (Value::Decimal(v.neg()), ty),
                    Value::Double(v) => (Value::Double(-v), ty),
                    _ => return None,
                },
                UnaryOp::Plus => (value, ty),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// A DEFAULT literal in the form that the column stores.
///
/// # Errors
/// 1067 for what the column does not hold.
pub fn literal_default(with: &BuildWith<'_>, column: &ColumnDef, id: ExprId) -> SqlResult<Value> {
    let invalid = || SqlError::new(ER_INVALID_DEFAULT, &[&column.name]);
    let (value, from) = literal(with.ast, id, with.client).ok_or_else(invalid)?;
    if value.is_null() {
        return Ok(Value::Null);
    }
    let ctx = StoreContext {
        sql_mode: with.sql_mode.with(aurora_types::SqlMode::STRICT_ALL_TABLES),
        strict: true,
        time_zone: with.zone,
        now: with.now,
        table: "",
    };
    let mut ignored = Diagnostics::default();
    store(&value, &from, &column.ty, &column.name, 1, &ctx, &mut ignored).map_err(|_| invalid())
}

/// The digits of `CURRENT_TIMESTAMP(n)`; `None` for another call.
pub fn now_digits(ast: &Ast, id: ExprId) -> Option<u8> {
    let Expr::Call(call) = ast.expr(id) else { return None };
    match call.args.first() {
        None => Some(0),
        Some(arg) => match ast.expr(*arg) {
            Expr::Literal(Literal::Int(n)) => u8::try_from(*n).ok(),
            _ => None,
        },
    }
}
