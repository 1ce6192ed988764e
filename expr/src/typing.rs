//! MySQL's rules for the types of results and for how two types compare.

use crate::collate;
use crate::expr::{Expr, ExprKind};
use crate::function::Typed;
use aurora_types::sql_type::NOT_FIXED_DECIMALS;
use aurora_types::{BaseType, CollationId, SqlResult, SqlType, Value};

/// What an expression computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    Null,
    Int,
    Decimal,
    Double,
    /// Character and binary strings, ENUM and SET.
    Text,
    Date,
    Time,
    /// DATETIME and TIMESTAMP.
    DateTime,
    Json,
    Geometry,
}

/// How two values are brought together to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Signed and unsigned integers by value.
    Int,
    Decimal,
    Double,
    Text(CollationId),
    Date,
    Time,
    DateTime,
    Json,
}

pub fn domain(ty: &SqlType) -> Domain {
    use BaseType as B;
    match ty.base {
        B::Null => Domain::Null,
        B::TinyInt | B::SmallInt | B::MediumInt | B::Int | B::BigInt | B::Bit | B::Year => Domain::Int,
        B::Float | B::Double => Domain::Double,
        B::Decimal => Domain::Decimal,
        B::Date => Domain::Date,
        B::Time => Domain::Time,
        B::DateTime | B::Timestamp => Domain::DateTime,
        B::Char
        | B::VarChar
        | B::TinyText
        | B::Text
        | B::MediumText
        | B::LongText
        | B::Enum(_)
        | B::Set(_) => Domain::Text,
        B::Json => Domain::Json,
        B::Geometry(_) => Domain::Geometry,
    }
}

/// Character or binary string, ENUM and SET included.
pub fn is_string(ty: &SqlType) -> bool {
    matches!(domain(ty), Domain::Text)
}

pub fn is_temporal(ty: &SqlType) -> bool {
    matches!(domain(ty), Domain::Date | Domain::Time | Domain::DateTime)
}

/// A string whose characters are known: not binary.
pub fn is_character(ty: &SqlType) -> bool {
    is_string(ty) && !ty.collation.is_binary()
}

/// BIGINT with a display width, not null.
pub fn bigint(length: u32) -> SqlType {
    SqlType { nullable: false, ..SqlType::new(BaseType::BigInt, length) }
}

pub fn bigint_unsigned(length: u32) -> SqlType {
    SqlType { unsigned: true, ..bigint(length) }
}

/// The type of a truth value: MySQL's `int(1)`.
pub fn boolean(nullable: bool) -> SqlType {
    SqlType { nullable, ..SqlType::new(BaseType::BigInt, 1) }
}

pub fn double() -> SqlType {
    SqlType { decimals: NOT_FIXED_DECIMALS, nullable: false, ..SqlType::new(BaseType::Double, 23) }
}

pub fn decimal(precision: u32, scale: u32) -> SqlType {
    let scale = scale.min(30);
    let precision = precision.max(scale).clamp(1, 65);
    SqlType { decimals: scale as u8, nullable: false, ..SqlType::new(BaseType::Decimal, precision) }
}

/// VARCHAR of `chars` characters; becomes a TEXT type by MySQL's bounds.
pub fn text(chars: u64, collation: CollationId) -> SqlType {
    let max_bytes = if collation.is_binary() { 1 } else { u64::from(collation.charset().max_bytes()) };
    let base = match chars.saturating_mul(max_bytes) {
        0..=65_535 => BaseType::VarChar,
        65_536..=16_777_215 => BaseType::MediumText,
        _ => BaseType::LongText,
    };
    let length = chars.min(u64::from(u32::MAX) / max_bytes) as u32;
    SqlType { collation, nullable: false, ..SqlType::new(base, length) }
}

pub fn date() -> SqlType {
    SqlType { nullable: false, ..SqlType::new(BaseType::Date, 10) }
}

pub fn time(fsp: u8) -> SqlType {
    let fraction = if fsp > 0 { u32::from(fsp) + 1 } else { 0 };
    SqlType { decimals: fsp, nullable: false, ..SqlType::new(BaseType::Time, 10 + fraction) }
}

pub fn datetime(fsp: u8) -> SqlType {
    let fraction = if fsp > 0 { u32::from(fsp) + 1 } else { 0 };
    SqlType { decimals: fsp, nullable: false, ..SqlType::new(BaseType::DateTime, 19 + fraction) }
}

pub fn json() -> SqlType {
    SqlType {
        collation: CollationId::UTF8MB4_BIN,
        nullable: false,
        ..SqlType::new(BaseType::Json, u32::MAX / 4)
    }
}

#[must_use]
pub fn nullable(mut ty: SqlType, nullable: bool) -> SqlType {
    ty.nullable = nullable;
    ty
}

/// Digits before and behind the point when the type becomes a DECIMAL.
pub fn decimal_digits(ty: &SqlType) -> (u32, u32) {
    use BaseType as B;
    let whole = match ty.base {
        B::TinyInt => 3,
        B::SmallInt => 5,
        B::MediumInt => 8,
        B::Int => 10,
        B::BigInt => {
            // Literals and computed integers know their digits.
            let sign = u32::from(!ty.unsigned && ty.length > 1);
            return ((ty.length.saturating_sub(sign)).clamp(1, 20), 0);
        }
        B::Bit => 20,
        B::Year => 4,
        B::Null => 1,
        B::Decimal => return (ty.length.saturating_sub(u32::from(ty.decimals)), u32::from(ty.decimals)),
        B::Date => 8,
        B::Time => return (7, u32::from(ty.decimals)),
        B::DateTime | B::Timestamp => return (14, u32::from(ty.decimals)),
        B::Float | B::Double if ty.decimals < NOT_FIXED_DECIMALS => {
            return (ty.length.saturating_sub(u32::from(ty.decimals)).min(65), u32::from(ty.decimals));
        }
        _ => return (35, 30),
    };
    (whole, 0)
}

/// Characters that a value of this type takes as text.
pub fn text_length(ty: &SqlType) -> u64 {
    use BaseType as B;
    match ty.base {
        B::Null => 0,
        B::TinyInt => 4,
        B::SmallInt => 6,
        B::MediumInt => 9 - u64::from(ty.unsigned),
        B::Int => 11 - u64::from(ty.unsigned),
        B::BigInt => u64::from(ty.length.clamp(1, 20)),
        B::Year => 4,
        B::Float => 12,
        B::Double => 23,
        B::Decimal => u64::from(ty.length) + u64::from(!ty.unsigned) + u64::from(ty.decimals > 0),
        B::Bit => u64::from(ty.length.div_ceil(8)),
        B::Date => 10,
        B::Time => 10 + if ty.decimals > 0 { u64::from(ty.decimals) + 1 } else { 0 },
        B::DateTime | B::Timestamp => 19 + if ty.decimals > 0 { u64::from(ty.decimals) + 1 } else { 0 },
        _ => u64::from(ty.length),
    }
}

/// The type that numbers are computed in: strings become DOUBLE, temporal values integers or decimals.
pub fn numeric_domain(ty: &SqlType) -> Domain {
    match domain(ty) {
        Domain::Null => Domain::Int,
        Domain::Text | Domain::Json | Domain::Geometry => Domain::Double,
        Domain::Date | Domain::Time | Domain::DateTime => {
            if ty.decimals > 0 {
                Domain::Decimal
            } else {
                Domain::Int
            }
        }
        same => same,
    }
}

/// How `left` and `right` compare.
///
/// # Errors
/// 1267 when both are strings of collations that do not go together.
pub fn comparison(left: &Expr, right: &Expr, operation: &str) -> SqlResult<Comparison> {
    use Domain as D;
    let (l, r) = (domain(&left.ty), domain(&right.ty));
    Ok(match (l, r) {
        (D::Null, D::Null) => Comparison::Int,
        (D::Null, _) => own_comparison(&right.ty),
        (_, D::Null) => own_comparison(&left.ty),
        (D::Json, _) | (_, D::Json) => Comparison::Json,
        (D::Int, D::Int) => Comparison::Int,
        (D::Int | D::Decimal, D::Int | D::Decimal) => Comparison::Decimal,
        (D::Text | D::Geometry, D::Text | D::Geometry) => {
            Comparison::Text(collate::for_comparison(&[left, right], operation)?)
        }
        (D::Date, D::Date) => Comparison::Date,
        (D::Time, D::Time) => Comparison::Time,
        (D::Date | D::DateTime | D::Time, D::Date | D::DateTime | D::Time) => Comparison::DateTime,
        // Only a time that varies makes a time of a text that does not.
        (D::Time, D::Text) if is_fixed(right) && !is_fixed(left) => Comparison::Time,
        (D::Text, D::Time) if is_fixed(left) && !is_fixed(right) => Comparison::Time,
        (D::Time, D::Text) => Comparison::Text(right.ty.collation),
        (D::Text, D::Time) => Comparison::Text(left.ty.collation),
        (D::Date | D::DateTime, D::Text) | (D::Text, D::Date | D::DateTime) => Comparison::DateTime,
        (D::Date | D::DateTime, D::Int | D::Decimal | D::Double) if is_fixed(right) => Comparison::DateTime,
        (D::Int | D::Decimal | D::Double, D::Date | D::DateTime) if is_fixed(left) => Comparison::DateTime,
        (D::Time, D::Int | D::Decimal | D::Double) if is_fixed(right) => Comparison::Time,
        (D::Int | D::Decimal | D::Double, D::Time) if is_fixed(left) => Comparison::Time,
        (D::Text, D::Int | D::Decimal) => exact_literal(left),
        (D::Int | D::Decimal, D::Text) => exact_literal(right),
        _ => Comparison::Double,
    })
}

/// How values of one type compare with each other.
pub fn own_comparison(ty: &SqlType) -> Comparison {
    match domain(ty) {
        Domain::Null | Domain::Int => Comparison::Int,
        Domain::Decimal => Comparison::Decimal,
        Domain::Double => Comparison::Double,
        Domain::Text | Domain::Geometry => Comparison::Text(ty.collation),
        Domain::Date => Comparison::Date,
        Domain::Time => Comparison::Time,
        Domain::DateTime => Comparison::DateTime,
        Domain::Json => Comparison::Json,
    }
}

fn is_fixed(expr: &Expr) -> bool {
    expr.is_constant_for_execution()
}

/// A string literal that is a whole number compares exactly with numbers; other strings as doubles do.
fn exact_literal(text: &Expr) -> Comparison {
    if let ExprKind::Literal(Value::Text(value)) = &text.kind {
        let parsed = aurora_types::Decimal::parse(value.as_bytes());
        let plain = value.as_bytes().iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        if plain && parsed.consumed == value.len() && !value.is_empty() {
            return Comparison::Decimal;
        }
    }
    Comparison::Double
}

/// The one type that values of all of these take: CASE, IF, COALESCE, UNION.
///
/// # Errors
/// 1267, 1270, 1271 when their collations do not go together.
pub fn unify(exprs: &[&Expr], operation: &str) -> SqlResult<Typed> {
    let types: Vec<&SqlType> = exprs.iter().map(|e| &e.ty).collect();
    let nullable = types.iter().any(|ty| ty.nullable);
    let known: Vec<&SqlType> = types.iter().copied().filter(|ty| ty.base != BaseType::Null).collect();
    let Some(first) = known.first() else {
        return Ok(Typed {
            ty: SqlType::new(BaseType::Null, 0),
            coercibility: crate::Coercibility::IGNORABLE,
        });
    };
    let same = |d: Domain| known.iter().all(|ty| domain(ty) == d);
    let any = |d: Domain| known.iter().any(|ty| domain(ty) == d);
    let all_in = |list: &[Domain]| known.iter().all(|ty| list.contains(&domain(ty)));
    let ty = if known.iter().all(|ty| ty.base == first.base && ty.unsigned == first.unsigned)
        && !is_string(first)
        && first.base != BaseType::Decimal
    {
        let mut ty = (*first).clone();
        ty.length = known.iter().map(|ty| ty.length).max().unwrap_or(ty.length);
        ty.decimals = known.iter().map(|ty| ty.decimals).max().unwrap_or(ty.decimals);
        ty
    } else if same(Domain::Int) {
        let unsigned = known.iter().filter(|ty| ty.unsigned).count();
        if unsigned == known.len() {
            SqlType { unsigned: true, ..widest_int(&known) }
        } else if unsigned == 0 {
            widest_int(&known)
        } else if known
            .iter()
            .any(|ty| ty.unsigned && matches!(ty.base, BaseType::BigInt | BaseType::Bit) && ty.length >= 20)
        {
            decimal(20, 0)
        } else {
            bigint(known.iter().map(|ty| ty.length).max().unwrap_or(20))
        }
    } else if all_in(&[Domain::Int, Domain::Decimal]) {
        let (mut whole, mut scale) = (0, 0);
        for ty in &known {
            let (w, s) = decimal_digits(ty);
            whole = whole.max(w);
            scale = scale.max(s);
        }
        decimal(whole + scale, scale)
    } else if all_in(&[Domain::Int, Domain::Decimal, Domain::Double]) {
        double()
    } else if same(Domain::Date) {
        date()
    } else if same(Domain::Time) {
        time(known.iter().map(|ty| ty.decimals).max().unwrap_or(0))
    } else if all_in(&[Domain::Date, Domain::Time, Domain::DateTime]) {
        datetime(known.iter().map(|ty| ty.decimals).max().unwrap_or(0))
    } else if same(Domain::Json) {
        json()
    } else if same(Domain::Geometry) {
        (*first).clone()
    } else {
        let chars = known.iter().map(|ty| text_length(ty)).max().unwrap_or(0);
        let strings: Vec<&Expr> = exprs.iter().copied().filter(|e| e.ty.base != BaseType::Null).collect();
        let (collation, coercibility) = if any(Domain::Json) && !any(Domain::Text) {
            (CollationId::UTF8MB4_BIN, crate::Coercibility::IMPLICIT)
        } else {
            collate::aggregate(&strings, operation)?
        };
        // Characters become bytes.
        let bytes_of = |ty: &SqlType| {
            let bytes =
                if is_character(ty) { u64::from(ty.collation.charset().max_bytes().max(1)) } else { 1 };
            text_length(ty).saturating_mul(bytes)
        };
        let chars = match collation.is_binary() {
            true => known.iter().map(|ty| bytes_of(ty)).max().unwrap_or(chars),
            false => chars,
        };
        let mut ty = text(chars, collation);
        if known.iter().all(|ty| ty.base == BaseType::Char) && same(Domain::Text) {
            ty.base = BaseType::Char;
        } else if let Some(longest) = known.iter().map(|ty| text_rank(&ty.base)).max()
            && longest > text_rank(&ty.base)
        {
            ty.base = rank_base(longest);
        }
        ty.nullable = nullable;
        return Ok(Typed { ty, coercibility });
    };
    Ok(Typed::from(SqlType { nullable, zerofill: false, ..ty }))
}

fn text_rank(base: &BaseType) -> u8 {
    match base {
        BaseType::TinyText => 2,
        BaseType::Text => 3,
        BaseType::MediumText => 4,
        BaseType::LongText => 5,
        _ => 1,
    }
}

fn rank_base(rank: u8) -> BaseType {
    match rank {
        2 => BaseType::TinyText,
        3 => BaseType::Text,
        4 => BaseType::MediumText,
        5 => BaseType::LongText,
        _ => BaseType::VarChar,
    }
}

fn widest_int(types: &[&SqlType]) -> SqlType {
    let rank = |base: &BaseType| match base {
        BaseType::TinyInt => 1,
        BaseType::SmallInt | BaseType::Year => 2,
        BaseType::MediumInt => 3,
        BaseType::Int => 4,
        _ => 5,
    };
    let widest = types.iter().max_by_key(|ty| rank(&ty.base)).map_or(BaseType::BigInt, |ty| ty.base.clone());
    let base = match widest {
        BaseType::Bit => BaseType::BigInt,
        BaseType::Year => BaseType::SmallInt,
        other => other,
    };
    SqlType { nullable: false, ..SqlType::new(base, types.iter().map(|ty| ty.length).max().unwrap_or(20)) }
}
