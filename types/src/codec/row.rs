//! Stored rows. On the point-read path: a column is found in constant time and decodes without a copy.

use super::key::{bit_width, int_width, precision};
use super::{CodecError, TIME_OFFSET, wrong_value};
use crate::{BaseType, Date, DateTime, EnumDef, SqlType, Time, Value, ValueRef, decimal};
use std::sync::Arc;

const FORMAT_NARROW: u8 = 1;
const FORMAT_WIDE: u8 = 2;
const HEADER_LEN: usize = 7;

/// A physical column of a table.
#[derive(Clone, Debug)]
pub struct ColumnLayout {
    pub ty: SqlType,
    /// What rows give that were written before the column was added.
    pub default: Value,
}

impl ColumnLayout {
    /// A column that every row has, or whose default is NULL.
    pub fn new(ty: SqlType) -> ColumnLayout {
        ColumnLayout { ty, default: Value::Null }
    }
}

/// Where the columns of a table lie; made once per schema version.
#[derive(Clone, Debug)]
pub struct RowLayout {
    columns: Vec<ColumnLayout>,
    slots: Vec<Slot>,
    /// Bytes of the fixed area with the first `n` columns.
    fixed_len: Vec<u32>,
    /// Variable-width columns among the first `n`.
    variable_count: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Slot {
    kind: Kind,
    /// Offset in the fixed area, or number among the variable-width columns.
    at: u32,
}

#[derive(Clone, Debug)]
enum Kind {
    Signed(u8),
    Unsigned(u8),
    Year,
    Float,
    Double,
    Decimal { precision: u8, scale: u8, len: u8 },
    Bytes(u8),
    Enum(Arc<EnumDef>),
    Date,
    Time,
    DateTime,
    Text,
    Json,
}

impl Kind {
    fn of(ty: &SqlType) -> Kind {
        if let Some(width) = int_width(&ty.base) {
            return if ty.unsigned { Kind::Unsigned(width as u8) } else { Kind::Signed(width as u8) };
        }
        match &ty.base {
            BaseType::Year => Kind::Year,
            BaseType::Float => Kind::Float,
            BaseType::Double => Kind::Double,
            BaseType::Decimal => {
                let precision = precision(ty);
                Kind::Decimal { precision, scale: ty.decimals, len: decimal::ordered_len(precision) as u8 }
            }
            BaseType::Bit => Kind::Bytes(bit_width(ty) as u8),
            BaseType::Enum(def) => Kind::Enum(Arc::clone(def)),
            BaseType::Date => Kind::Date,
            BaseType::Time => Kind::Time,
            BaseType::DateTime | BaseType::Timestamp => Kind::DateTime,
            BaseType::Json => Kind::Json,
            _ => Kind::Text,
        }
    }

    /// Bytes in the fixed area; `None` for a variable width.
    #[inline]
    fn width(&self) -> Option<usize> {
        Some(match self {
            Kind::Signed(width) | Kind::Unsigned(width) | Kind::Bytes(width) => usize::from(*width),
            Kind::Year => 1,
            Kind::Enum(_) => 2,
            Kind::Date => 3,
            Kind::Float => 4,
            Kind::Time => 6,
            Kind::Double | Kind::DateTime => 8,
            Kind::Decimal { len, .. } => usize::from(*len),
            Kind::Text | Kind::Json => return None,
        })
    }
}

impl RowLayout {
    /// Columns in physical order; a dropped column stays in its place.
    pub fn new(columns: Vec<ColumnLayout>) -> RowLayout {
        let mut slots = Vec::with_capacity(columns.len());
        let (mut fixed, mut variable) = (0u32, 0u32);
        let (mut fixed_len, mut variable_count) = (vec![0], vec![0]);
        for column in &columns {
            let kind = Kind::of(&column.ty);
            let at = match kind.width() {
                Some(width) => {
                    fixed += width as u32;
                    fixed - width as u32
                }
                None => {
                    variable += 1;
                    variable - 1
                }
            };
            slots.push(Slot { kind, at });
            fixed_len.push(fixed);
            variable_count.push(variable);
        }
        RowLayout { columns, slots, fixed_len, variable_count }
    }

    pub fn columns(&self) -> &[ColumnLayout] {
        &self.columns
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Appends a row of all columns of `layout`. Values are what their columns hold, as `store_convert` gives them.
///
/// # Errors
/// When a value is of another kind than its column, their number differs, or the row exceeds 4 GiB.
pub fn encode_row(
    layout: &RowLayout,
    schema_version: u32,
    values: &[Value],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    encode(layout, schema_version, values.len(), |i| values[i].as_ref(), out)
}

/// [`encode_row`] for borrowed values.
///
/// # Errors
/// Those of [`encode_row`].
pub fn encode_row_refs(
    layout: &RowLayout,
    schema_version: u32,
    values: &[ValueRef<'_>],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    encode(layout, schema_version, values.len(), |i| values[i], out)
}

fn encode<'v>(
    layout: &RowLayout,
    schema_version: u32,
    given: usize,
    value_at: impl Fn(usize) -> ValueRef<'v>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let count = layout.len();
    if given != count || count > usize::from(u16::MAX) {
        return Err(CodecError::TooManyColumns { have: given, known: count });
    }
    let row = out.len();
    out.push(FORMAT_NARROW);
    out.extend_from_slice(&schema_version.to_le_bytes());
    out.extend_from_slice(&(count as u16).to_le_bytes());
    let nulls = out.len();
    out.resize(nulls + count.div_ceil(8), 0);
    let mut variable_len = 0;
    for (i, slot) in layout.slots.iter().enumerate() {
        let value = value_at(i);
        if value.is_null() {
            out[nulls + i / 8] |= 1 << (i % 8);
        }
        match slot.kind.width() {
            Some(width) if value.is_null() => out.resize(out.len() + width, 0),
            Some(_) => put_fixed(&slot.kind, value, out).ok_or_else(|| wrong_value(i, value))?,
            None => {
                variable_len += match value {
                    ValueRef::Null => 0,
                    ValueRef::Text(bytes) | ValueRef::Json(bytes) => bytes.len(),
                    _ => return Err(wrong_value(i, value)),
                }
            }
        }
    }
    let wide = variable_len > usize::from(u16::MAX);
    if u32::try_from(variable_len).is_err() {
        return Err(CodecError::TooLarge);
    }
    if wide {
        out[row] = FORMAT_WIDE;
    }
    let variable =
        || layout.slots.iter().enumerate().filter(|(_, s)| s.kind.width().is_none()).map(|(i, _)| i);
    let mut end = 0u32;
    for i in variable() {
        if let ValueRef::Text(bytes) | ValueRef::Json(bytes) = value_at(i) {
            end += bytes.len() as u32;
        }
        let end = end.to_le_bytes();
        out.extend_from_slice(if wide { &end } else { &end[..2] });
    }
    for i in variable() {
        if let ValueRef::Text(bytes) | ValueRef::Json(bytes) = value_at(i) {
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

fn put_fixed(kind: &Kind, value: ValueRef<'_>, out: &mut Vec<u8>) -> Option<()> {
    match (kind, value) {
        (Kind::Signed(width), v) => {
            let v = match v {
                ValueRef::Int(v) => v,
                ValueRef::UInt(v) => i64::try_from(v).ok()?,
                _ => return None,
            };
            let spare = 64 - u32::from(*width) * 8;
            if v << spare >> spare != v {
                return None;
            }
            out.extend_from_slice(&v.to_le_bytes()[..usize::from(*width)]);
        }
        (Kind::Unsigned(width), v) => {
            let v = match v {
                ValueRef::UInt(v) => v,
                ValueRef::Int(v) => u64::try_from(v).ok()?,
                _ => return None,
            };
            let spare = 64 - u32::from(*width) * 8;
            if v << spare >> spare != v {
                return None;
            }
            out.extend_from_slice(&v.to_le_bytes()[..usize::from(*width)]);
        }
        (Kind::Year, ValueRef::UInt(v)) => out.push(year_byte(v)?),
        (Kind::Year, ValueRef::Int(v)) => out.push(year_byte(u64::try_from(v).ok()?)?),
        (Kind::Float, ValueRef::Double(v)) => out.extend_from_slice(&(v as f32).to_le_bytes()),
        (Kind::Double, ValueRef::Double(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (Kind::Decimal { precision, scale, .. }, ValueRef::Decimal(v)) => {
            decimal::write_ordered(&v, *precision, *scale, out);
        }
        (Kind::Bytes(width), ValueRef::Text(bytes)) => {
            let width = usize::from(*width);
            if bytes.len() > width {
                return None;
            }
            out.resize(out.len() + width - bytes.len(), 0);
            out.extend_from_slice(bytes);
        }
        (Kind::Enum(def), ValueRef::Text(name)) => {
            out.extend_from_slice(&u16::try_from(def.index_of(name)?).ok()?.to_le_bytes());
        }
        (Kind::Date, ValueRef::Date(v)) => out.extend_from_slice(&v.packed().to_le_bytes()[..3]),
        (Kind::Time, ValueRef::Time(v)) => {
            out.extend_from_slice(&(v.micros() + TIME_OFFSET).to_le_bytes()[..6]);
        }
        (Kind::DateTime, ValueRef::DateTime(v)) => out.extend_from_slice(&v.packed().to_le_bytes()),
        _ => return None,
    }
    Some(())
}

fn year_byte(year: u64) -> Option<u8> {
    if year == 0 { Some(0) } else { u8::try_from(year.checked_sub(1900)?).ok().filter(|b| *b != 0) }
}

/// What the numbers of [`RowView::ordinal`] stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordinal {
    Int,
    /// Unscaled, with so many digits behind the point.
    Decimal(u8),
    /// [`Date::packed`].
    Date,
}

impl RowLayout {
    /// Whether the values of a column order as 64-bit numbers do that [`RowView::ordinal`] gives.
    pub fn ordinal(&self, column: usize) -> Option<Ordinal> {
        match self.slots.get(column)?.kind {
            Kind::Signed(_) | Kind::Unsigned(_) => Some(Ordinal::Int),
            Kind::Decimal { scale, len: 4..=8, .. } => Some(Ordinal::Decimal(scale)),
            Kind::Date => Some(Ordinal::Date),
            _ => None,
        }
    }
}

/// A stored row with its layout.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    layout: &'a RowLayout,
    bytes: &'a [u8],
    /// Columns that the row has.
    count: usize,
    fixed: usize,
    ends: usize,
    variable: usize,
    end_len: usize,
}

impl<'a> RowView<'a> {
    /// Checks the header only: constant time.
    ///
    /// # Errors
    /// When the header is none, or the row is shorter than it says.
    #[inline]
    pub fn new(bytes: &'a [u8], layout: &'a RowLayout) -> Result<RowView<'a>, CodecError> {
        let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(CodecError::Truncated { have: bytes.len(), need: HEADER_LEN });
        };
        let end_len = match header[0] {
            FORMAT_NARROW => 2,
            FORMAT_WIDE => 4,
            other => return Err(CodecError::UnknownFormat(other)),
        };
        let count = usize::from(u16::from_le_bytes([header[5], header[6]]));
        let (Some(fixed_len), Some(variable_count)) =
            (layout.fixed_len.get(count), layout.variable_count.get(count))
        else {
            return Err(CodecError::TooManyColumns { have: count, known: layout.len() });
        };
        let fixed = HEADER_LEN + count.div_ceil(8);
        let ends = fixed + *fixed_len as usize;
        let variable = ends + *variable_count as usize * end_len;
        if bytes.len() < variable {
            return Err(CodecError::Truncated { have: bytes.len(), need: variable });
        }
        Ok(RowView { layout, bytes, count, fixed, ends, variable, end_len })
    }

    /// The schema version under which the row was written.
    pub fn schema_version(&self) -> u32 {
        self.bytes.get(1..5).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    /// Columns that the row has; the rest are defaults.
    pub fn stored_columns(&self) -> usize {
        self.count
    }

    /// One column by its physical number, in constant time and without a copy. TIMESTAMP comes in UTC.
    ///
    /// # Errors
    /// When the column's bytes are damaged, or there is no such column.
    #[inline]
    pub fn get(&self, column: usize) -> Result<ValueRef<'a>, CodecError> {
        if column >= self.count {
            return match self.layout.columns.get(column) {
                Some(layout) => Ok(layout.default.as_ref()),
                None => Err(CodecError::DamagedColumn { column }),
            };
        }
        self.read(column).ok_or(CodecError::DamagedColumn { column })
    }

    /// The number that a stored column's value is or orders by, see [`RowLayout::ordinal`]; `Some(None)` for NULL, `None`
    /// where [`RowView::get`] has to be asked.
    #[inline]
    #[allow(clippy::option_option, reason = "NULL, and not knowing")]
    pub fn ordinal(&self, column: usize) -> Option<Option<i64>> {
        if column >= self.count {
            return None;
        }
        if self.bytes.get(HEADER_LEN + column / 8)? >> (column % 8) & 1 == 1 {
            return Some(None);
        }
        let slot = self.layout.slots.get(column)?;
        let at = self.fixed + slot.at as usize;
        let number = match slot.kind {
            Kind::Signed(width) => {
                let spare = 64 - u32::from(width) * 8;
                (low_le(self.bytes.get(at..at + usize::from(width))?) << spare) as i64 >> spare
            }
            Kind::Unsigned(width) => {
                i64::try_from(low_le(self.bytes.get(at..at + usize::from(width))?)).ok()?
            }
            Kind::Decimal { len, .. } => {
                decimal::read_ordered_i64(self.bytes.get(at..at + usize::from(len))?)?
            }
            Kind::Date => low_le(self.bytes.get(at..at + 3)?) as i64,
            _ => return None,
        };
        Some(Some(number))
    }

    /// Whether a column is NULL, without decoding it.
    pub fn is_null(&self, column: usize) -> bool {
        if column >= self.count {
            return self.layout.columns.get(column).is_none_or(|c| c.default.is_null());
        }
        self.bytes[HEADER_LEN + column / 8] >> (column % 8) & 1 == 1
    }

    #[inline]
    fn read(&self, column: usize) -> Option<ValueRef<'a>> {
        if self.bytes.get(HEADER_LEN + column / 8)? >> (column % 8) & 1 == 1 {
            return Some(ValueRef::Null);
        }
        let slot = self.layout.slots.get(column)?;
        let Some(width) = slot.kind.width() else {
            let bytes = self.variable_bytes(slot.at as usize)?;
            return Some(match slot.kind {
                Kind::Json => ValueRef::Json(bytes),
                _ => ValueRef::Text(bytes),
            });
        };
        let at = self.fixed + slot.at as usize;
        read_fixed(&slot.kind, self.bytes.get(at..at + width)?)
    }

    #[inline]
    fn end(&self, nth: usize) -> Option<usize> {
        let at = self.ends + nth * self.end_len;
        Some(if self.end_len == 2 {
            usize::from(u16::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?))
        } else {
            u32::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?) as usize
        })
    }

    #[inline]
    fn variable_bytes(&self, nth: usize) -> Option<&'a [u8]> {
        let start = if nth == 0 { 0 } else { self.end(nth - 1)? };
        let end = self.end(nth)?;
        self.bytes.get(self.variable..)?.get(start..end)
    }

    /// All columns of the layout, decoded and owned.
    ///
    /// # Errors
    /// At the first damaged column.
    pub fn to_values(&self) -> Result<Vec<Value>, CodecError> {
        (0..self.layout.len()).map(|i| Ok(self.get(i)?.to_owned())).collect()
    }
}

#[inline]
fn low_le(bytes: &[u8]) -> u64 {
    // The usual widths as plain loads.
    match *bytes {
        [a] => return u64::from(a),
        [a, b] => return u64::from(u16::from_le_bytes([a, b])),
        [a, b, c] => return u64::from(u32::from_le_bytes([a, b, c, 0])),
        [a, b, c, d] => return u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => return u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => {}
    }
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// `bytes` are as long as the kind's width, which is at most 8 but for decimals.
#[inline]
fn read_fixed<'a>(kind: &'a Kind, bytes: &'a [u8]) -> Option<ValueRef<'a>> {
    Some(match kind {
        Kind::Signed(width) => {
            let spare = 64 - u32::from(*width) * 8;
            ValueRef::Int((low_le(bytes) << spare) as i64 >> spare)
        }
        Kind::Unsigned(_) => ValueRef::UInt(low_le(bytes)),
        Kind::Year => ValueRef::UInt(match low_le(bytes) {
            0 => 0,
            v => v + 1900,
        }),
        Kind::Float => ValueRef::Double(f64::from(f32::from_le_bytes(*bytes.first_chunk()?))),
        Kind::Double => ValueRef::Double(f64::from_le_bytes(*bytes.first_chunk()?)),
        Kind::Decimal { precision, scale, .. } => {
            ValueRef::Decimal(decimal::read_ordered(bytes, *precision, *scale)?)
        }
        Kind::Bytes(_) => ValueRef::Text(bytes),
        Kind::Enum(def) => ValueRef::Text(def.name_bytes(low_le(bytes) as usize)?),
        Kind::Date => ValueRef::Date(Date::from_packed(low_le(bytes) as u32)?),
        Kind::Time => ValueRef::Time(Time::from_micros(low_le(bytes) as i64 - TIME_OFFSET)?),
        Kind::DateTime => ValueRef::DateTime(DateTime::from_packed(low_le(bytes))?),
        Kind::Text | Kind::Json => return None,
    })
}

#[cfg(test)]
mod tests;
