//! How a data file tells fields and lines apart.

use aurora_parser::{DataFileFormat, StringLiteral};
use aurora_types::error::ER_WRONG_FIELD_TERMINATORS;
use aurora_types::{BaseType, Charset, SqlError, SqlResult, SqlType};

/// FIELDS and LINES.
#[derive(Clone, Debug)]
pub(crate) struct FileShape {
    pub fields_end: Vec<u8>,
    pub enclosed: Option<u8>,
    pub escape: Option<u8>,
    pub lines_start: Vec<u8>,
    pub lines_end: Vec<u8>,
    /// LINES TERMINATED BY was something, but is what fields end with: there are no lines that could be skipped.
    pub no_lines: bool,
    pub charset: Charset,
}

impl FileShape {
    /// # Errors
    /// 1083 for an enclosing or escape string of more than one character.
    pub fn new(format: &DataFileFormat, charset: Charset, backslash_escapes: bool) -> SqlResult<FileShape> {
        let bytes = |text: &Option<StringLiteral>, default: &[u8]| match text {
            Some(text) => text.bytes.as_bytes().to_vec(),
            None => default.to_vec(),
        };
        let one = |text: Vec<u8>| match text[..] {
            [] => Ok(None),
            [byte] => Ok(Some(byte)),
            _ => Err(SqlError::new(ER_WRONG_FIELD_TERMINATORS, &[])),
        };
        let default_escape: &[u8] = if backslash_escapes { b"\\" } else { b"" };
        let fields_end = bytes(&format.fields_terminated_by, b"\t");
        let mut lines_end = bytes(&format.lines_terminated_by, b"\n");
        // Lines that end as fields do end with their last field.
        let no_lines = lines_end == fields_end && !lines_end.is_empty();
        if no_lines {
            lines_end.clear();
        }
        Ok(FileShape {
            no_lines,
            fields_end,
            enclosed: one(bytes(&format.enclosed_by, b""))?,
            escape: one(bytes(&format.escaped_by, default_escape))?,
            lines_start: bytes(&format.lines_starting_by, b""),
            lines_end,
            charset,
        })
    }

    /// Neither an end of fields nor what encloses them: fields have the widths of their columns.
    pub fn is_fixed(&self) -> bool {
        self.fields_end.is_empty() && self.enclosed.is_none()
    }

    /// Separators that are no ASCII: MySQL warns.
    pub fn has_wide_separators(&self) -> bool {
        let one = |byte: Option<u8>| byte.is_some_and(|byte| !byte.is_ascii());
        let texts = [&self.fields_end, &self.lines_start, &self.lines_end];
        texts.iter().any(|text| !text.is_ascii()) || one(self.enclosed) || one(self.escape)
    }
}

/// Bytes of a column in a file without separators.
pub(crate) enum Width {
    Bytes(usize),
    /// A text without a bound of its own.
    AtMost(usize),
}

/// How wide a column of this type is in a file without separators.
pub(crate) fn width_of(ty: &SqlType) -> Width {
    let fraction = || if ty.decimals > 0 { 1 + u32::from(ty.decimals.min(6)) } else { 0 };
    let width = match ty.base {
        BaseType::TinyText => return Width::AtMost(255),
        BaseType::Text => return Width::AtMost(65_535),
        BaseType::MediumText => return Width::AtMost(16_777_215),
        BaseType::LongText | BaseType::Json | BaseType::Geometry(_) => {
            return Width::AtMost(u32::MAX as usize);
        }
        BaseType::Decimal => ty.length + u32::from(ty.decimals > 0) + u32::from(!ty.unsigned),
        BaseType::Date => 10,
        BaseType::Time => 10 + fraction(),
        BaseType::DateTime | BaseType::Timestamp => 19 + fraction(),
        BaseType::Char | BaseType::VarChar | BaseType::Enum(_) | BaseType::Set(_)
            if !ty.collation.is_binary() =>
        {
            ty.length.saturating_mul(ty.collation.charset().max_bytes())
        }
        _ => ty.length,
    };
    Width::Bytes(width as usize)
}
