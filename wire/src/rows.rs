//! Rows: cells straight into the output buffer, as text or binary.

use crate::column::is_character;
use crate::constants::column_type;
use crate::out::OutBuffer;
use aurora_types::display::write_text;
use aurora_types::{BaseType, Charset, CollationId, ColumnMeta, Date, DateTime, SqlType, Time, ValueRef};

/// NULL in a text row.
const NULL_CELL: u8 = 0xFB;

/// Which protocol a result set is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// Answers to COM_QUERY: every cell as its text.
    Text,
    /// Answers to COM_STMT_EXECUTE.
    Binary,
}

/// What the encoder must know of a column, worked out once per result set.
#[derive(Clone, Debug)]
struct CellPlan {
    ty: SqlType,
    wire: u8,
    /// Set when the client wants text in another character set than UTF-8.
    convert: Option<Charset>,
}

/// Encodes the rows of one result set.
#[derive(Clone, Debug)]
pub struct RowEncoder {
    cells: Vec<CellPlan>,
    format: RowFormat,
}

impl RowEncoder {
    /// `results` is the client's collation; `None` sends text in each column's own character set.
    pub fn new(columns: &[ColumnMeta], format: RowFormat, results: Option<CollationId>) -> RowEncoder {
        let cells = columns
            .iter()
            .map(|column| {
                let charset = results.unwrap_or(column.ty.collation).charset();
                let same = matches!(charset, Charset::Utf8mb4 | Charset::Binary);
                CellPlan {
                    ty: column.ty.clone(),
                    wire: crate::column::wire_type(&column.ty),
                    convert: (is_character(&column.ty) && !same).then_some(charset),
                }
            })
            .collect();
        RowEncoder { cells, format }
    }

    /// Writes one row as a packet. Cells that are missing are NULL; cells too many are left out.
    pub fn write(&self, out: &mut OutBuffer, row: &[ValueRef<'_>]) {
        out.begin_packet();
        self.encode(out, row);
        out.end_packet();
    }

    /// As [`RowEncoder::write`], without the packet around it.
    pub(crate) fn encode(&self, out: &mut OutBuffer, row: &[ValueRef<'_>]) {
        match self.format {
            RowFormat::Text => {
                for (at, plan) in self.cells.iter().enumerate() {
                    plan.text(out, row.get(at).copied().unwrap_or(ValueRef::Null));
                }
            }
            RowFormat::Binary => self.binary(out, row),
        }
    }

    fn binary(&self, out: &mut OutBuffer, row: &[ValueRef<'_>]) {
        out.u8(0);
        let bitmap = out.len();
        // The first two bits are reserved.
        let bitmap_bytes = (self.cells.len() + 2).div_ceil(8);
        let buf = out.buffer();
        buf.resize(bitmap + bitmap_bytes, 0);
        for (at, plan) in self.cells.iter().enumerate() {
            let cell = row.get(at).copied().unwrap_or(ValueRef::Null);
            if cell.is_null() || plan.wire == column_type::NULL {
                let bit = at + 2;
                out.buffer()[bitmap + bit / 8] |= 1 << (bit % 8);
            } else {
                plan.binary(out, cell);
            }
        }
    }
}

impl CellPlan {
    fn text(&self, out: &mut OutBuffer, cell: ValueRef<'_>) {
        match (cell, self.convert) {
            (ValueRef::Null, _) => out.u8(NULL_CELL),
            (ValueRef::Text(bytes), None) | (ValueRef::Json(bytes), _) => out.lenenc_bytes(bytes),
            (ValueRef::Text(bytes), Some(charset)) => out.lenenc_bytes(&charset.encode_lossy(bytes)),
            (ValueRef::UInt(bits), _) if self.ty.base == BaseType::Bit => self.bit(out, bits),
            (ValueRef::Int(bits), _) if self.ty.base == BaseType::Bit => self.bit(out, bits as u64),
            (other, None) => out.lenenc_with(|buf| write_text(other, &self.ty, buf)),
            (other, Some(charset)) => {
                // Only the wide Unicode encodings spell a number otherwise than UTF-8 does.
                let mut text = Vec::new();
                write_text(other, &self.ty, &mut text);
                out.lenenc_bytes(&charset.encode_lossy(&text));
            }
        }
    }

    /// BIT(n) is sent as its bytes, highest first.
    fn bit(&self, out: &mut OutBuffer, bits: u64) {
        let bytes = (self.ty.length as usize).div_ceil(8).clamp(1, 8);
        out.lenenc_bytes(&bits.to_be_bytes()[8 - bytes..]);
    }

    fn binary(&self, out: &mut OutBuffer, cell: ValueRef<'_>) {
        match self.wire {
            column_type::TINY => out.u8(integer(cell) as u8),
            column_type::SHORT | column_type::YEAR => out.u16(integer(cell) as u16),
            column_type::LONG | column_type::INT24 => out.u32(integer(cell) as u32),
            column_type::LONGLONG => out.u64(integer(cell)),
            column_type::FLOAT => out.raw(&(double(cell) as f32).to_le_bytes()),
            column_type::DOUBLE => out.raw(&double(cell).to_le_bytes()),
            column_type::DATE | column_type::DATETIME | column_type::TIMESTAMP => match cell {
                ValueRef::Date(date) => write_datetime(out, date, None),
                ValueRef::DateTime(moment) if self.wire == column_type::DATE => {
                    write_datetime(out, moment.date(), None);
                }
                ValueRef::DateTime(moment) => write_datetime(out, moment.date(), Some(moment)),
                other => self.parsed_datetime(out, other),
            },
            column_type::TIME => match cell {
                ValueRef::Time(time) => write_time(out, time),
                ValueRef::DateTime(moment) => write_time(out, moment.time()),
                other => {
                    let mut text = Vec::new();
                    write_text(other, &self.ty, &mut text);
                    let time = aurora_types::temporal::parse::parse_time(&text).rounded(6, true);
                    write_time(out, time.unwrap_or(Time::ZERO));
                }
            },
            _ => self.text(out, cell),
        }
    }

    /// A value of another type in a temporal column: sent as what its text says.
    fn parsed_datetime(&self, out: &mut OutBuffer, cell: ValueRef<'_>) {
        let mut text = Vec::new();
        write_text(cell, &self.ty, &mut text);
        let flags = aurora_types::temporal::DateFlags::STRICT;
        let moment = aurora_types::temporal::parse::parse_datetime(&text, flags).rounded(6, true);
        let moment = moment.unwrap_or(DateTime::ZERO);
        let time = (self.wire != column_type::DATE).then_some(moment);
        write_datetime(out, moment.date(), time);
    }
}

/// The cell as an integer of the width of its column; the engine has checked its range on store.
fn integer(cell: ValueRef<'_>) -> u64 {
    match cell {
        ValueRef::Int(v) => v as u64,
        ValueRef::UInt(v) => v,
        ValueRef::Double(v) if v >= 9.3e18 => v as u64,
        ValueRef::Double(v) => aurora_types::number::double_to_i64(v) as u64,
        ValueRef::Decimal(v) if v.is_negative() => v.to_i64().0 as u64,
        ValueRef::Decimal(v) => v.to_u64().0,
        ValueRef::Text(bytes) | ValueRef::Json(bytes) => {
            aurora_types::number::parse_integer(bytes).value as u64
        }
        ValueRef::Date(v) => v.to_number(),
        ValueRef::DateTime(v) => v.to_number(),
        ValueRef::Time(v) => v.to_number() as u64,
        ValueRef::Null => 0,
    }
}

fn double(cell: ValueRef<'_>) -> f64 {
    match cell {
        ValueRef::Double(v) => v,
        ValueRef::Int(v) => v as f64,
        ValueRef::Decimal(v) => v.to_f64(),
        ValueRef::Text(bytes) | ValueRef::Json(bytes) => aurora_types::number::parse_double(bytes).value,
        other => integer(other) as f64,
    }
}

/// As short as the value allows: nothing for zero, the date alone, with time, with microseconds.
fn write_datetime(out: &mut OutBuffer, date: Date, time: Option<DateTime>) {
    let micros = time.map_or(0, DateTime::subsec_micros);
    let clock = time.map_or((0, 0, 0), |t| (t.hour(), t.minute(), t.second()));
    let len = match (micros, clock) {
        (1.., _) => 11,
        (0, (0, 0, 0)) if date.is_zero() => 0,
        (0, (0, 0, 0)) => 4,
        _ => 7,
    };
    out.u8(len);
    if len >= 4 {
        out.u16(date.year() as u16);
        out.u8(date.month() as u8);
        out.u8(date.day() as u8);
    }
    if len >= 7 {
        out.u8(clock.0 as u8);
        out.u8(clock.1 as u8);
        out.u8(clock.2 as u8);
    }
    if len == 11 {
        out.u32(micros);
    }
}

fn write_time(out: &mut OutBuffer, time: Time) {
    let micros = time.subsec_micros();
    let len = match (micros, time.micros()) {
        (1.., _) => 12,
        (0, 0) => 0,
        _ => 8,
    };
    out.u8(len);
    if len == 0 {
        return;
    }
    out.u8(u8::from(time.is_negative()));
    out.u32(time.hours() / 24);
    out.u8((time.hours() % 24) as u8);
    out.u8(time.minutes() as u8);
    out.u8(time.seconds() as u8);
    if len == 12 {
        out.u32(micros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_types::{ColumnFlags, Decimal};

    fn column(base: BaseType, length: u32, edit: impl FnOnce(&mut SqlType)) -> ColumnMeta {
        let mut ty = SqlType::new(base, length);
        edit(&mut ty);
        let name = String::new;
        ColumnMeta {
            schema: name(),
            table: name(),
            org_table: name(),
            name: name(),
            org_name: name(),
            ty,
            flags: ColumnFlags(0),
        }
    }

    fn encode(columns: &[ColumnMeta], format: RowFormat, row: &[ValueRef<'_>]) -> Vec<u8> {
        let mut out = OutBuffer::new();
        RowEncoder::new(columns, format, Some(CollationId::UTF8MB4_0900_AI_CI)).write(&mut out, row);
        out.bytes()[4..].to_vec()
    }

    fn plain(_: &mut SqlType) {}

    #[test]
    fn text_rows_have_lengths_and_nulls() {
        let columns = [
            column(BaseType::Int, 11, plain),
            column(BaseType::VarChar, 10, |ty| ty.collation = CollationId::UTF8MB4_0900_AI_CI),
            column(BaseType::Bit, 9, plain),
            column(BaseType::Decimal, 10, |ty| ty.decimals = 2),
            column(BaseType::Double, 22, |ty| ty.decimals = 31),
        ];
        let row = [
            ValueRef::Int(-42),
            ValueRef::Null,
            ValueRef::UInt(0x105),
            ValueRef::Decimal(Decimal::from_i64(3)),
            ValueRef::Double(1.5),
        ];
        assert_eq!(encode(&columns, RowFormat::Text, &row), b"\x03-42\xFB\x02\x01\x05\x043.00\x031.5");
        assert_eq!(encode(&columns, RowFormat::Text, &row[..1]), b"\x03-42\xFB\xFB\xFB\xFB");
    }

    #[test]
    fn text_is_converted_to_the_clients_character_set() {
        let text = |ty: &mut SqlType| ty.collation = CollationId::UTF8MB4_0900_AI_CI;
        let columns = [column(BaseType::VarChar, 10, text), column(BaseType::VarChar, 10, plain)];
        let row = [ValueRef::Text("é".as_bytes()), ValueRef::Text("é".as_bytes())];
        let latin1 = Some(CollationId::LATIN1_SWEDISH_CI);
        let mut out = OutBuffer::new();
        RowEncoder::new(&columns, RowFormat::Text, latin1).write(&mut out, &row);
        assert_eq!(&out.bytes()[4..], b"\x01\xE9\x02\xC3\xA9");
    }

    #[test]
    fn binary_rows_have_a_bitmap_and_fixed_widths() {
        let columns = [
            column(BaseType::TinyInt, 4, plain),
            column(BaseType::BigInt, 20, plain),
            column(BaseType::Float, 12, |ty| ty.decimals = 31),
            column(BaseType::VarChar, 10, plain),
            column(BaseType::Year, 4, plain),
        ];
        let row = [
            ValueRef::Int(-1),
            ValueRef::Null,
            ValueRef::Double(1.5),
            ValueRef::Text(b"ab"),
            ValueRef::UInt(2024),
        ];
        let expected = [0, 0b1000, 0xFF, 0, 0, 0xC0, 0x3F, 2, b'a', b'b', 0xE8, 7];
        assert_eq!(encode(&columns, RowFormat::Binary, &row), expected);
    }

    #[test]
    fn binary_times_are_as_short_as_they_can_be() {
        let date = Date::new(2024, 2, 29).unwrap();
        let at = |h, m, s, us| ValueRef::DateTime(DateTime::new(date, h, m, s, us).unwrap());
        let moment = [column(BaseType::DateTime, 26, plain)];
        let cases: [(ValueRef<'_>, &[u8]); 4] = [
            (ValueRef::DateTime(DateTime::ZERO), &[0]),
            (at(0, 0, 0, 0), &[4, 0xE8, 7, 2, 29]),
            (at(1, 2, 3, 0), &[7, 0xE8, 7, 2, 29, 1, 2, 3]),
            (at(1, 2, 3, 4), &[11, 0xE8, 7, 2, 29, 1, 2, 3, 4, 0, 0, 0]),
        ];
        for (value, expected) in cases {
            assert_eq!(encode(&moment, RowFormat::Binary, &[value])[2..], *expected);
        }
        let time = [column(BaseType::Time, 17, plain)];
        let value = ValueRef::Time(Time::new(true, 49, 2, 3, 0).unwrap());
        assert_eq!(encode(&time, RowFormat::Binary, &[value])[2..], [8, 1, 2, 0, 0, 0, 1, 2, 3]);
    }
}
