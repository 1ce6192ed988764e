//! Column definitions: types, lengths and flags as MySQL's clients expect them.

use crate::constants::{Capabilities, column_type};
use crate::out::OutBuffer;
use crate::reply::{write_eof, write_result_end};
use aurora_types::{BaseType, CollationId, ColumnFlags, ColumnMeta, SqlType, StatementStatus};

/// The type code that a column of this type is announced and sent as.
pub fn wire_type(ty: &SqlType) -> u8 {
    match &ty.base {
        BaseType::Null => column_type::NULL,
        BaseType::TinyInt => column_type::TINY,
        BaseType::SmallInt => column_type::SHORT,
        BaseType::MediumInt => column_type::INT24,
        BaseType::Int => column_type::LONG,
        BaseType::BigInt => column_type::LONGLONG,
        BaseType::Float => column_type::FLOAT,
        BaseType::Double => column_type::DOUBLE,
        BaseType::Decimal => column_type::NEWDECIMAL,
        BaseType::Bit => column_type::BIT,
        BaseType::Year => column_type::YEAR,
        BaseType::Date => column_type::DATE,
        BaseType::Time => column_type::TIME,
        BaseType::DateTime => column_type::DATETIME,
        BaseType::Timestamp => column_type::TIMESTAMP,
        // ENUM and SET are strings with a flag.
        BaseType::Char | BaseType::Enum(_) | BaseType::Set(_) => column_type::STRING,
        BaseType::VarChar => column_type::VAR_STRING,
        BaseType::TinyText | BaseType::Text | BaseType::MediumText | BaseType::LongText => column_type::BLOB,
        BaseType::Json => column_type::JSON,
        BaseType::Geometry(_) => column_type::GEOMETRY,
    }
}

/// Whether cells of this type are texts in a character set (and are converted for the client).
pub fn is_character(ty: &SqlType) -> bool {
    match ty.base {
        BaseType::Char
        | BaseType::VarChar
        | BaseType::TinyText
        | BaseType::Text
        | BaseType::MediumText
        | BaseType::LongText
        | BaseType::Enum(_)
        | BaseType::Set(_) => !ty.collation.is_binary(),
        _ => false,
    }
}

/// Greatest length in bytes, as announced. `results` is the client's collation; `None` sends text as stored.
pub fn display_bytes(ty: &SqlType, results: Option<CollationId>) -> u32 {
    let chars = match &ty.base {
        BaseType::TinyText => 255,
        // Some of the server's own columns are shorter than their type.
        BaseType::Text if (1..65_535).contains(&ty.length) => ty.length,
        BaseType::Text => 65_535,
        BaseType::MediumText => 16_777_215,
        BaseType::LongText | BaseType::Json | BaseType::Geometry(_) => return u32::MAX,
        // Sign and point come on top of the digits.
        BaseType::Decimal => {
            return ty.length + u32::from(ty.decimals > 0) + u32::from(!ty.unsigned);
        }
        BaseType::Date => return 10,
        BaseType::Time => return 10 + fraction_width(ty),
        BaseType::DateTime | BaseType::Timestamp => return 19 + fraction_width(ty),
        _ => ty.length,
    };
    if !is_character(ty) {
        return chars;
    }
    chars.saturating_mul(results.unwrap_or(ty.collation).charset().max_bytes())
}

fn fraction_width(ty: &SqlType) -> u32 {
    if ty.decimals > 0 { 1 + u32::from(ty.decimals.min(6)) } else { 0 }
}

fn flags(column: &ColumnMeta) -> u16 {
    let ty = &column.ty;
    let mut flags = column.flags.0 & !ColumnFlags::NUM;
    if ty.unsigned {
        flags |= ColumnFlags::UNSIGNED;
    }
    if ty.zerofill && !column.org_name.is_empty() {
        flags |= ColumnFlags::ZEROFILL;
    }
    if !ty.nullable {
        flags |= ColumnFlags::NOT_NULL;
    }
    match ty.base {
        BaseType::Enum(_) => flags |= ColumnFlags::ENUM,
        BaseType::Set(_) => flags |= ColumnFlags::SET,
        BaseType::TinyText | BaseType::Text | BaseType::MediumText | BaseType::LongText => {
            flags |= ColumnFlags::BLOB;
        }
        BaseType::Json | BaseType::Geometry(_) => flags |= ColumnFlags::BLOB | ColumnFlags::BINARY,
        BaseType::Date | BaseType::Time | BaseType::DateTime | BaseType::Timestamp => {
            flags |= ColumnFlags::BINARY;
        }
        BaseType::Bit => flags |= ColumnFlags::UNSIGNED,
        BaseType::Year if column.org_name.is_empty() => flags |= ColumnFlags::UNSIGNED,
        BaseType::Year => flags |= ColumnFlags::UNSIGNED | ColumnFlags::ZEROFILL,
        _ => {}
    }
    let string = matches!(
        ty.base,
        BaseType::Char
            | BaseType::VarChar
            | BaseType::TinyText
            | BaseType::Text
            | BaseType::MediumText
            | BaseType::LongText
    );
    // MySQL marks every expression without a character set, but columns of strings alone.
    if (string || column.org_name.is_empty()) && ty.collation.is_bin() {
        flags |= ColumnFlags::BINARY;
    }
    flags
}

/// The type code of a definition. Texts that are computed are the longest kind whatever they hold.
fn announced_type(column: &ColumnMeta) -> u8 {
    match column.ty.base {
        BaseType::MediumText if column.org_name.is_empty() => column_type::MEDIUM_BLOB,
        BaseType::Text | BaseType::LongText if column.org_name.is_empty() => column_type::LONG_BLOB,
        _ => wire_type(&column.ty),
    }
}

/// The length of a definition: computed texts and documents announce their own.
fn announced_bytes(column: &ColumnMeta, results: Option<CollationId>) -> u32 {
    let ty = &column.ty;
    match ty.base {
        BaseType::Text | BaseType::MediumText | BaseType::LongText if column.org_name.is_empty() => {
            let max_bytes =
                if is_character(ty) { results.unwrap_or(ty.collation).charset().max_bytes() } else { 1 };
            ty.length.saturating_mul(max_bytes)
        }
        BaseType::Json if column.org_name.is_empty() => u32::MAX / 4 * 4,
        _ => display_bytes(ty, results),
    }
}

fn write_definition(out: &mut OutBuffer, column: &ColumnMeta, results: Option<CollationId>) {
    let ty = &column.ty;
    let charset = results.unwrap_or(CollationId::UTF8MB4_0900_AI_CI).charset();
    out.begin_packet();
    out.lenenc_bytes(b"def");
    for name in [&column.schema, &column.table, &column.org_table, &column.name, &column.org_name] {
        out.lenenc_bytes(&charset.encode_lossy(name.as_bytes()));
    }
    out.u8(0x0C);
    let collation = if is_character(ty) { results.unwrap_or(ty.collation) } else { CollationId::BINARY };
    out.u16(collation.0);
    out.u32(announced_bytes(column, results));
    out.u8(announced_type(column));
    out.u16(flags(column));
    out.u8(ty.decimals);
    out.u16(0);
}

/// What of a connection decides how its results look.
#[derive(Clone, Copy, Debug)]
pub struct ClientView {
    /// What both sides have.
    pub common: Capabilities,
    /// `character_set_results` as a collation; `None` sends text as stored.
    pub results: Option<CollationId>,
    /// What the EOF behind definitions says, for clients that still want one.
    pub status_flags: u16,
}

impl ClientView {
    fn end_definitions(&self, out: &mut OutBuffer) {
        if !self.common.has(Capabilities::DEPRECATE_EOF) {
            write_eof(out, 0, self.status_flags);
        }
    }

    /// Whether the client lets a server leave definitions out. This one never does: the variable
    /// `resultset_metadata` stays FULL.
    fn metadata_optional(&self) -> bool {
        self.common.has(Capabilities::OPTIONAL_RESULTSET_METADATA)
    }
}

/// Definitions of a result set, behind their count, with the EOF that old clients wait for.
pub fn write_columns(out: &mut OutBuffer, columns: &[ColumnMeta], view: ClientView) {
    write_columns_open(out, columns, view);
    view.end_definitions(out);
}

/// As [`write_columns`], without the EOF: no rows follow where a cursor opens, only one terminator.
pub fn write_columns_open(out: &mut OutBuffer, columns: &[ColumnMeta], view: ClientView) {
    out.begin_packet();
    if view.metadata_optional() {
        out.u8(1);
    }
    out.lenenc_int(columns.len() as u64);
    out.end_packet();
    for column in columns {
        write_definition(out, column, view.results);
        out.end_packet();
    }
}

/// The answer to COM_STMT_PREPARE: statement id, parameters, columns. Neither may be more than 65,535.
pub fn write_prepared(
    out: &mut OutBuffer,
    id: u32,
    params: &[ColumnMeta],
    columns: &[ColumnMeta],
    warnings: u16,
    view: ClientView,
) {
    out.begin_packet();
    out.u8(0);
    out.u32(id);
    out.u16(columns.len() as u16);
    out.u16(params.len() as u16);
    out.u8(0);
    out.u16(warnings);
    if view.metadata_optional() {
        // All definitions follow.
        out.u8(1);
    }
    out.end_packet();
    for part in [params, columns] {
        for column in part {
            write_definition(out, column, view.results);
            out.end_packet();
        }
        if !part.is_empty() {
            view.end_definitions(out);
        }
    }
}

/// The answer to COM_FIELD_LIST: definitions, each with its default value (`None`: NULL), and a terminator.
pub fn write_field_list(
    out: &mut OutBuffer,
    columns: &[(ColumnMeta, Option<Vec<u8>>)],
    view: ClientView,
    done: &StatementStatus,
) {
    for (column, default) in columns {
        write_definition(out, column, view.results);
        match default {
            Some(text) => out.lenenc_bytes(text),
            None => out.u8(0xFB),
        }
        out.end_packet();
    }
    write_result_end(out, view.common, done);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(base: BaseType, length: u32, decimals: u8) -> SqlType {
        SqlType { decimals, ..SqlType::new(base, length) }
    }

    #[test]
    fn lengths_are_those_of_mysql() {
        let utf8 = Some(CollationId::UTF8MB4_0900_AI_CI);
        let text = |base, length| SqlType {
            collation: CollationId::UTF8MB4_0900_AI_CI,
            ..SqlType::new(base, length)
        };
        let cases = [
            (ty(BaseType::Decimal, 10, 2), 12),
            (SqlType { unsigned: true, ..ty(BaseType::Decimal, 10, 0) }, 10),
            (ty(BaseType::Time, 10, 3), 14),
            (ty(BaseType::DateTime, 19, 0), 19),
            (ty(BaseType::Timestamp, 19, 6), 26),
            (text(BaseType::Char, 5), 20),
            (text(BaseType::VarChar, 10), 40),
            (text(BaseType::TinyText, 255), 1020),
            (text(BaseType::Text, 65_535), 262_140),
            (text(BaseType::MediumText, 0), 67_108_860),
            (text(BaseType::LongText, 0), u32::MAX),
            (ty(BaseType::VarChar, 7, 0), 7),
            (ty(BaseType::Text, 0, 0), 65_535),
            (ty(BaseType::Json, 0, 0), u32::MAX),
        ];
        for (ty, expected) in cases {
            assert_eq!(display_bytes(&ty, utf8), expected, "{:?}", ty.base);
        }
        let latin1 = Some(CollationId::LATIN1_SWEDISH_CI);
        assert_eq!(display_bytes(&text(BaseType::VarChar, 10), latin1), 10);
    }

    #[test]
    fn a_definition_has_mysqls_bytes() {
        let column = ColumnMeta {
            schema: "s".into(),
            table: "a".into(),
            org_table: "t".into(),
            name: "n".into(),
            org_name: "o".into(),
            ty: SqlType { nullable: false, ..SqlType::new(BaseType::Int, 11) },
            flags: ColumnFlags(ColumnFlags::PRI_KEY),
        };
        let mut out = OutBuffer::new();
        let common = Capabilities(Capabilities::DEPRECATE_EOF);
        write_columns(&mut out, &[column], ClientView { common, results: None, status_flags: 0 });
        let expected =
            b"\x01\0\0\0\x01\x1b\0\0\x01\x03def\x01s\x01a\x01t\x01n\x01o\x0c\x3f\0\x0b\0\0\0\x03\x03\0\0\0\0";
        assert_eq!(out.bytes(), expected);
    }
}
