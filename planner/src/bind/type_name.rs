//! Types as written in CAST, CONVERT, JSON_TABLE.

use super::expr::collation_named;
use super::{Binder, unsupported};
use aurora_expr::{CastTarget, Expr, build, typing};
use aurora_parser::{DataType, TypeName};
use aurora_types::error::{ER_TOO_BIG_PRECISION, ER_TOO_BIG_SCALE};
use aurora_types::sql_type::NOT_FIXED_DECIMALS;
use aurora_types::{BaseType, CollationId, SqlError, SqlResult, SqlType};

impl Binder<'_, '_> {
    pub fn cast(&mut self, expr: Expr, ty: &DataType) -> SqlResult<Expr> {
        let (target, mut sql_type) = self.cast_type(ty)?;
        if let CastTarget::Char { limited: false } | CastTarget::Binary { limited: false } = target {
            let mut length = typing::text_length(&expr.ty);
            if sql_type.collation.is_binary() && typing::is_string(&expr.ty) {
                length *= u64::from(expr.ty.collation.charset().max_bytes().max(1));
            }
            sql_type = typing::text(length, sql_type.collation);
        }
        build::cast(expr, target, sql_type)
    }

    /// Target and type of `CAST(… AS ty)`.
    pub fn cast_type(&self, ty: &DataType) -> SqlResult<(CastTarget, SqlType)> {
        let fsp = || -> SqlResult<u8> {
            let digits = ty.length.unwrap_or(0);
            if digits > 6 {
                return Err(SqlError::new(ER_TOO_BIG_PRECISION, &[&digits, &"CAST", &6]));
            }
            Ok(digits as u8)
        };
        Ok(match ty.name {
            TypeName::Signed
            | TypeName::BigInt
            | TypeName::Int
            | TypeName::SmallInt
            | TypeName::TinyInt
            | TypeName::MediumInt
                if !ty.unsigned =>
            {
                (CastTarget::Signed, typing::bigint(21))
            }
            TypeName::Signed
            | TypeName::Unsigned
            | TypeName::BigInt
            | TypeName::Int
            | TypeName::SmallInt
            | TypeName::TinyInt
            | TypeName::MediumInt => (CastTarget::Unsigned, typing::bigint_unsigned(21)),
            TypeName::Decimal => {
                let (precision, scale) = (ty.length.unwrap_or(10), ty.decimals.unwrap_or(0));
                if scale > 30 {
                    return Err(SqlError::new(ER_TOO_BIG_SCALE, &[&scale, &"CAST", &30]));
                }
                if precision > 65 {
                    return Err(SqlError::new(ER_TOO_BIG_PRECISION, &[&precision, &"CAST", &65]));
                }
                let precision = if precision == 0 { 10 } else { precision as u32 };
                (CastTarget::Decimal, typing::decimal(precision, scale))
            }
            TypeName::Double | TypeName::Real => (CastTarget::Double, typing::double()),
            TypeName::Float if ty.length.is_some_and(|p| p > 24) => (CastTarget::Double, typing::double()),
            TypeName::Float => {
                let float = SqlType { decimals: NOT_FIXED_DECIMALS, ..SqlType::new(BaseType::Float, 23) };
                (CastTarget::Float, float)
            }
            TypeName::Year => (
                CastTarget::Year,
                SqlType { unsigned: true, zerofill: true, ..SqlType::new(BaseType::Year, 4) },
            ),
            TypeName::Date => (CastTarget::Date, typing::date()),
            TypeName::Time => (CastTarget::Time, typing::time(fsp()?)),
            TypeName::DateTime | TypeName::Timestamp => (CastTarget::DateTime, typing::datetime(fsp()?)),
            TypeName::Json => (CastTarget::Json, typing::json()),
            TypeName::Binary
            | TypeName::VarBinary
            | TypeName::Blob
            | TypeName::TinyBlob
            | TypeName::MediumBlob
            | TypeName::LongBlob => {
                let limited = ty.length.is_some();
                (CastTarget::Binary { limited }, typing::text(ty.length.unwrap_or(0), CollationId::BINARY))
            }
            TypeName::Char
            | TypeName::VarChar
            | TypeName::Text
            | TypeName::TinyText
            | TypeName::MediumText
            | TypeName::LongText => {
                let collation = self.type_collation(ty)?;
                let limited = ty.length.is_some();
                let target = match collation.is_binary() {
                    true => CastTarget::Binary { limited },
                    false => CastTarget::Char { limited },
                };
                (target, typing::text(ty.length.unwrap_or(0), collation))
            }
            _ => return unsupported("CAST to this type"),
        })
    }

    fn type_collation(&self, ty: &DataType) -> SqlResult<CollationId> {
        if let Some(collation) = &ty.collation {
            return collation_named(&collation.to_str_lossy());
        }
        let set = match &ty.charset {
            Some(name) => Some(self.charset_named(name)?),
            None => None,
        };
        Ok(match (set, ty.binary) {
            (Some(set), true) => set.bin_collation(),
            (Some(set), false) => set.default_collation(),
            (None, true) => self.state.ctx.build.collation.charset().bin_collation(),
            (None, false) => self.state.ctx.build.collation,
        })
    }
}
