//! The implicit default of a type.

use crate::{BaseType, Date, DateTime, Decimal, SqlType, Text, Time, Value};

/// What a NOT NULL column of this type takes when it is given nothing and has no default: zero, the empty text
/// (zero bytes for BINARY and BIT), the zero date, the first member of an ENUM.
pub fn implicit_default(ty: &SqlType) -> Value {
    use BaseType as B;
    match &ty.base {
        B::Null => Value::Null,
        B::TinyInt | B::SmallInt | B::MediumInt | B::Int | B::BigInt if ty.unsigned => Value::UInt(0),
        B::TinyInt | B::SmallInt | B::MediumInt | B::Int | B::BigInt => Value::Int(0),
        B::Year => Value::UInt(0),
        B::Float | B::Double => Value::Double(0.0),
        B::Decimal => Value::Decimal(Decimal::ZERO.rescale(ty.decimals).unwrap_or(Decimal::ZERO)),
        B::Bit => Value::Text(Text::from(vec![0; ty.length.div_ceil(8) as usize])),
        B::Date => Value::Date(Date::ZERO),
        B::Time => Value::Time(Time::ZERO),
        B::DateTime | B::Timestamp => Value::DateTime(DateTime::ZERO),
        B::Char if ty.collation.is_binary() => Value::Text(Text::from(vec![0; ty.length as usize])),
        B::Enum(def) => Value::Text(def.members.first().cloned().unwrap_or(Text::EMPTY)),
        B::Json => Value::Json(Text::from("null")),
        B::Char
        | B::VarChar
        | B::TinyText
        | B::Text
        | B::MediumText
        | B::LongText
        | B::Set(_)
        | B::Geometry(_) => Value::Text(Text::EMPTY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueRef;

    #[test]
    fn every_type_has_its_zero() {
        let binary = SqlType::new(BaseType::Char, 3);
        assert!(matches!(implicit_default(&binary).as_ref(), ValueRef::Text(b"\0\0\0")));
        let bit = SqlType::new(BaseType::Bit, 9);
        assert!(matches!(implicit_default(&bit).as_ref(), ValueRef::Text(b"\0\0")));
        let unsigned = SqlType { unsigned: true, ..SqlType::new(BaseType::Int, 10) };
        assert!(matches!(implicit_default(&unsigned), Value::UInt(0)));
        let date = SqlType::new(BaseType::Date, 10);
        assert!(matches!(implicit_default(&date), Value::Date(Date::ZERO)));
    }
}
