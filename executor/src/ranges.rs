//! Index ranges as byte ranges of storage.

use crate::shape::{IndexShape, put_part};
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::{KeyBound, KeyRange, RangeKind};
use aurora_types::codec::key::{KeyColumn, prefix_end, put_text_beginning};
use aurora_types::like::LikePattern;
use aurora_types::{BaseType, DateTime, Decimal, SqlResult, SqlType, Value};
use std::ops::Bound;

/// A byte range; `end` is excluded, `None` is the end of the key space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRange {
    pub start: Vec<u8>,
    pub end: Option<Vec<u8>>,
}

impl ByteRange {
    /// All keys with a prefix.
    pub fn prefix(prefix: &[u8]) -> ByteRange {
        ByteRange { start: prefix.to_vec(), end: prefix_end(prefix) }
    }

    pub fn lower(&self) -> Bound<&[u8]> {
        Bound::Included(&self.start)
    }

    pub fn upper(&self) -> Bound<&[u8]> {
        match &self.end {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        }
    }
}

/// How a value stands among the values of a column.
pub(crate) enum Fit {
    /// It is one of them.
    Exact(Value),
    /// It lies just above this one and below the next.
    Above(Value),
    BelowAll,
    AboveAll,
    /// The column's order says nothing about it.
    Unknown,
}

/// Brings `value` into the terms of a key column.
pub(crate) fn fit(value: &Value, column: &KeyColumn, ctx: &EvalCtx<'_>) -> Fit {
    use BaseType as B;
    let ty = &column.ty;
    match &ty.base {
        B::TinyInt | B::SmallInt | B::MediumInt | B::Int | B::BigInt => fit_int(value, ty),
        B::Year => match whole(value) {
            Some(0) => Fit::Exact(Value::UInt(0)),
            Some(v) if v < 0 => Fit::BelowAll,
            Some(v) if (1901..=2155).contains(&v) => Fit::Exact(Value::UInt(v as u64)),
            Some(v) if v > 2155 => Fit::AboveAll,
            _ => Fit::Unknown,
        },
        B::Decimal => match decimal_of(value) {
            Some(decimal) => {
                let precision = u8::try_from(ty.length).unwrap_or(65);
                let (fitted, _) = decimal.fit(precision, ty.decimals);
                if fitted == decimal { Fit::Exact(Value::Decimal(fitted)) } else { Fit::Unknown }
            }
            None => Fit::Unknown,
        },
        B::Float | B::Double => match value {
            Value::Double(v) => Fit::Exact(Value::Double(*v)),
            Value::Int(v) if v.unsigned_abs() < 1 << 53 => Fit::Exact(Value::Double(*v as f64)),
            Value::UInt(v) if *v < 1 << 53 => Fit::Exact(Value::Double(*v as f64)),
            Value::Decimal(v) => Fit::Exact(Value::Double(v.to_f64())),
            Value::Text(_) => match decimal_of(value) {
                Some(v) => Fit::Exact(Value::Double(v.to_f64())),
                None => Fit::Unknown,
            },
            _ => Fit::Unknown,
        },
        B::Date => match datetime_of(value, ctx) {
            Some(v) if v.time().micros() == 0 => Fit::Exact(Value::Date(v.date())),
            Some(v) => Fit::Above(Value::Date(v.date())),
            None => Fit::Unknown,
        },
        B::DateTime | B::Timestamp => {
            let Some(v) = datetime_of(value, ctx) else { return Fit::Unknown };
            if ty.base == B::Timestamp && ctx.session.time_zone().datetime_to_utc(v).is_none() && !v.is_zero()
            {
                return Fit::Unknown;
            }
            match v.round(ty.decimals, true) {
                Some(cut) if cut == v => Fit::Exact(Value::DateTime(v)),
                Some(cut) => Fit::Above(Value::DateTime(cut)),
                None => Fit::Unknown,
            }
        }
        B::Time => {
            let v = match value {
                Value::Time(v) => *v,
                Value::Text(text) => {
                    let parsed = aurora_types::temporal::parse::parse_time(text.as_bytes());
                    match parsed.rounded(6, false) {
                        Some(time) if !parsed.warnings.any() => time,
                        _ => return Fit::Unknown,
                    }
                }
                _ => return Fit::Unknown,
            };
            let cut = v.round(ty.decimals, true);
            if cut == v {
                Fit::Exact(Value::Time(v))
            } else if v.is_negative() {
                Fit::Unknown
            } else {
                Fit::Above(Value::Time(cut))
            }
        }
        B::Enum(def) => match value {
            Value::Text(name) => {
                let found =
                    def.members.iter().find(|member| ty.collation.eq(member.as_bytes(), name.as_bytes()));
                found.map_or(Fit::Unknown, |member| Fit::Exact(Value::Text(member.clone())))
            }
            _ => Fit::Unknown,
        },
        B::Set(def) => match value {
            Value::Text(names) if def.mask_of(names.as_bytes()).is_some() => Fit::Exact(value.clone()),
            _ => Fit::Unknown,
        },
        B::Bit => {
            let width = (ty.length as usize).div_ceil(8);
            let bytes = match value {
                Value::Int(v) if *v < 0 => return Fit::BelowAll,
                Value::Int(v) => v.to_be_bytes().to_vec(),
                Value::UInt(v) => v.to_be_bytes().to_vec(),
                Value::Text(text) => text.as_bytes().to_vec(),
                _ => return Fit::Unknown,
            };
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            let bytes = &bytes[start..];
            if bytes.len() > width {
                return Fit::AboveAll;
            }
            let mut padded = vec![0; width - bytes.len()];
            padded.extend_from_slice(bytes);
            Fit::Exact(Value::Text(padded.into()))
        }
        B::Json | B::Geometry(_) | B::Null => Fit::Unknown,
        B::Char | B::VarChar | B::TinyText | B::Text | B::MediumText | B::LongText => match value {
            Value::Text(_) => Fit::Exact(value.clone()),
            _ => Fit::Unknown,
        },
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(v) => Some(i128::from(*v)),
        Value::UInt(v) => Some(i128::from(*v)),
        _ => None,
    }
}

/// An exact number, or the one that a text begins with (0 where it begins with none), as comparing reads it.
fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Decimal(v) => Some(*v),
        Value::Int(v) => Some(Decimal::from(*v)),
        Value::UInt(v) => Some(Decimal::from(*v)),
        Value::Text(text) => {
            let text = text.as_bytes().trim_ascii();
            let parsed = Decimal::parse(text);
            Some(if parsed.consumed == 0 { Decimal::from(0i64) } else { parsed.value })
        }
        _ => None,
    }
}

/// A moment, where the value is one without any doubt.
fn datetime_of(value: &Value, ctx: &EvalCtx<'_>) -> Option<DateTime> {
    use aurora_types::temporal::parse;
    let flags = parse::DateFlags::from_sql_mode(ctx.sql_mode);
    match value {
        Value::DateTime(v) => Some(*v),
        Value::Date(v) => Some(v.at_midnight()),
        Value::Text(text) => {
            let parsed = parse::parse_datetime(text.as_bytes(), flags);
            let doubtful = parsed.warnings.any() || parsed.offset_seconds.is_some();
            if doubtful { None } else { parsed.rounded(6, false) }
        }
        Value::Int(v) => parse::datetime_from_number(*v, flags).ok().map(|(moment, _)| moment),
        _ => None,
    }
}

fn fit_int(value: &Value, ty: &SqlType) -> Fit {
    let (floor, is_whole) = match value {
        Value::Int(_) | Value::UInt(_) => (whole(value).unwrap_or(0), true),
        Value::Double(v) if v.abs() < 9e15 => (v.floor() as i128, v.fract() == 0.0),
        Value::Double(v) if *v >= 2e19 => return Fit::AboveAll,
        Value::Double(v) if *v <= -2e19 => return Fit::BelowAll,
        Value::Decimal(_) | Value::Text(_) => {
            let Some(v) = decimal_of(value) else { return Fit::Unknown };
            let floor = v.floor();
            match floor.rescale(0).ok().and_then(|whole| whole.unscaled_i128()) {
                Some(whole) => (whole, floor == v),
                None => return Fit::Unknown,
            }
        }
        _ => return Fit::Unknown,
    };
    let (low, high) = int_range(ty);
    if floor < low {
        Fit::BelowAll
    } else if floor > high {
        Fit::AboveAll
    } else {
        let value = if ty.unsigned { Value::UInt(floor as u64) } else { Value::Int(floor as i64) };
        if is_whole { Fit::Exact(value) } else { Fit::Above(value) }
    }
}

/// Smallest and largest value of an integer type.
pub(crate) fn int_range(ty: &SqlType) -> (i128, i128) {
    let bits = match ty.base {
        BaseType::TinyInt => 8,
        BaseType::SmallInt => 16,
        BaseType::MediumInt => 24,
        BaseType::Int => 32,
        _ => 64,
    };
    if ty.unsigned { (0, (1i128 << bits) - 1) } else { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) }
}

/// What one side of a range says in bytes.
enum Side {
    /// Keys with this prefix, inside or not.
    At { bytes: Vec<u8>, inclusive: bool },
    /// Nothing on this side.
    Open,
    /// The range is empty.
    Empty,
}

fn side(
    bound: &KeyBound,
    values: &[Expr],
    is_low: bool,
    is_point: bool,
    index: &IndexShape,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<(Side, usize)> {
    if values.is_empty() {
        return Ok((Side::Open, 0));
    }
    let mut bytes = index.prefix.clone();
    let last = values.len() - 1;
    let mut inclusive = bound.inclusive;
    for (i, expr) in values.iter().enumerate() {
        let Some(part) = index.parts.get(i) else { break };
        let value = expr.eval(&[], ctx)?;
        if value.is_null() {
            if bound.null_safe >> i & 1 == 0 {
                return Ok((Side::Empty, i));
            }
            put_part(&Value::Null, &part.column, ctx.session.time_zone(), &mut bytes)?;
            continue;
        }
        let is_range = i == last && !is_point;
        let fitted = fit(&value, &part.column, ctx);
        match fitted {
            Fit::Exact(value) => {
                // A prefix of a string in the key: longer values with the same prefix are not told apart.
                if part.column.prefix.is_some() {
                    inclusive = true;
                }
                put_part(&value, &part.column, ctx.session.time_zone(), &mut bytes)?;
            }
            Fit::Above(value) if is_range => {
                put_part(&value, &part.column, ctx.session.time_zone(), &mut bytes)?;
                return Ok((Side::At { bytes, inclusive: !is_low }, i + 1));
            }
            Fit::BelowAll if is_range && is_low => return Ok((open_at(bytes, i), i)),
            Fit::AboveAll if is_range && !is_low => return Ok((open_at(bytes, i), i)),
            // Nothing is known about this column: all keys with what came before.
            Fit::Unknown => return Ok((open_at(bytes, i), i)),
            Fit::Above(_) | Fit::BelowAll | Fit::AboveAll => return Ok((Side::Empty, i)),
        }
    }
    Ok((Side::At { bytes, inclusive }, values.len()))
}

fn open_at(bytes: Vec<u8>, columns: usize) -> Side {
    if columns == 0 { Side::Open } else { Side::At { bytes, inclusive: true } }
}

/// The keys that begin with `bound`'s values, of which the last is a pattern: `None` where one is NULL.
fn like_range(
    bound: &KeyBound,
    escape: Option<char>,
    index: &IndexShape,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<ByteRange>> {
    let Some((pattern, before)) = bound.values.split_last() else {
        return Ok(Some(ByteRange::prefix(&index.prefix)));
    };
    let (mut bytes, columns) = match side(bound, before, true, true, index, ctx)? {
        (Side::Empty, _) => return Ok(None),
        (Side::Open, columns) => (index.prefix.clone(), columns),
        (Side::At { bytes, .. }, columns) => (bytes, columns),
    };
    let pattern = pattern.eval(&[], ctx)?;
    if pattern.is_null() {
        return Ok(None);
    }
    let part = index.parts.get(columns).filter(|_| columns == before.len());
    if let (Value::Text(pattern), Some(part)) = (&pattern, part) {
        let pattern = LikePattern::new(pattern.as_bytes(), escape, part.column.ty.collation);
        put_text_beginning(pattern.prefix(), &part.column, &mut bytes);
    }
    Ok(Some(ByteRange::prefix(&bytes)))
}

/// Whether the ranges, which are those of a pattern for the first column, say no more than that it is not NULL: the
/// pattern begins with a wildcard.
pub(crate) fn is_open_pattern(ranges: &[KeyRange], bytes: &[ByteRange], index: &IndexShape) -> bool {
    let ([KeyRange { kind: RangeKind::Like { .. }, low, .. }], [found]) = (ranges, bytes) else {
        return false;
    };
    low.values.len() == 1 && found.start.len() <= index.prefix.len() + 1
}

/// The byte range of one key range; `None` is empty.
pub(crate) fn byte_range(
    range: &KeyRange,
    index: &IndexShape,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Option<ByteRange>> {
    if let RangeKind::Like { escape } = range.kind {
        return like_range(&range.low, escape, index, ctx);
    }
    let is_point = range.is_point() && !range.low.values.is_empty();
    let (low, low_columns) = side(&range.low, &range.low.values, true, is_point, index, ctx)?;
    if let (true, Side::At { inclusive: true, .. }) = (is_point && low_columns > 0, &low)
        && let Side::At { bytes: start, .. } = low
    {
        return Ok(Some(ByteRange { end: prefix_end(&start), start }));
    }
    let (high, high_columns) = if is_point {
        match &low {
            Side::At { bytes, inclusive } => {
                (Side::At { bytes: bytes.clone(), inclusive: *inclusive }, low_columns)
            }
            Side::Open => (Side::Open, 0),
            Side::Empty => (Side::Empty, 0),
        }
    } else {
        side(&range.high, &range.high.values, false, is_point, index, ctx)?
    };
    if matches!(low, Side::Empty) || matches!(high, Side::Empty) {
        return Ok(None);
    }
    // The column in which the two sides differ; NULLs of it are outside when only one side is bounded.
    let columns = low_columns.max(high_columns);
    let one_sided = low_columns != high_columns;
    let desc = |columns: usize| columns > 0 && index.parts.get(columns - 1).is_some_and(|p| p.column.desc);
    let (mut first, mut second) = ((low, low_columns), (high, high_columns));
    if desc(columns) {
        std::mem::swap(&mut first, &mut second);
    }
    let all = ByteRange::prefix(&index.prefix);
    let mut start = match &first.0 {
        Side::At { bytes, inclusive: true } => bytes.clone(),
        Side::At { bytes, inclusive: false } => match prefix_end(bytes) {
            Some(end) => end,
            None => return Ok(None),
        },
        _ => all.start.clone(),
    };
    let mut end = match &second.0 {
        Side::At { bytes, inclusive: true } => prefix_end(bytes),
        Side::At { bytes, inclusive: false } => Some(bytes.clone()),
        _ => all.end.clone(),
    };
    if one_sided && columns > 0 {
        let shorter = if first.1 < second.1 { &first.0 } else { &second.0 };
        let common = match shorter {
            Side::At { bytes, .. } => bytes.clone(),
            _ => index.prefix.clone(),
        };
        // Bytes: NULL is 0x00 and values 0x01, inverted when descending.
        if first.1 < second.1 && !desc(columns) {
            let mut not_null = common;
            not_null.push(1);
            start = start.max(not_null);
        } else if second.1 < first.1 && desc(columns) {
            let mut null = common;
            null.push(0xFF);
            end = Some(match end {
                Some(end) => end.min(null),
                None => null,
            });
        }
    }
    if end.as_ref().is_some_and(|end| *end <= start) {
        return Ok(None);
    }
    Ok(Some(ByteRange { start, end }))
}

/// The byte ranges of all key ranges: sorted, disjoint.
///
/// # Errors
/// Those of evaluating the values.
pub fn byte_ranges(
    ranges: &[KeyRange],
    index: &IndexShape,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<Vec<ByteRange>> {
    if ranges.is_empty() {
        return Ok(vec![ByteRange::prefix(&index.prefix)]);
    }
    let mut found = Vec::with_capacity(ranges.len());
    for range in ranges {
        if let Some(bytes) = byte_range(range, index, ctx)? {
            found.push(bytes);
        }
    }
    if found.len() < 2 {
        return Ok(found);
    }
    found.sort();
    let mut merged: Vec<ByteRange> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if last.end.as_ref().is_none_or(|end| *end >= range.start) => {
                if let (Some(have), more) = (&last.end, &range.end)
                    && more.as_ref().is_none_or(|more| more > have)
                {
                    last.end = range.end;
                }
            }
            _ => merged.push(range),
        }
    }
    Ok(merged)
}
