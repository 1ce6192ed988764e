//! What a column makes of a value that is stored into it: MySQL's conversions of INSERT and UPDATE, with the
//! errors of strict mode and the warnings of the other.

mod member;
mod number;
mod temporal;
mod text;

use crate::diagnostics::{Diagnostics, Level};
use crate::error::{
    ER_CANT_CREATE_GEOMETRY_OBJECT, ER_INVALID_JSON_CHARSET, ER_INVALID_JSON_TEXT, ER_JSON_DOCUMENT_TOO_DEEP,
    ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_WARN_DATA_OUT_OF_RANGE, ErrorKind, WARN_DATA_TRUNCATED,
};
use crate::json::{Json, JsonProblem};
use crate::{
    BaseType, DateTime, SqlError, SqlMode, SqlResult, SqlType, Text, TimeZone, Value, ValueRef, display,
};
use std::borrow::Cow;

/// Bytes of a value that a message shows.
const SHOWN_BYTES: usize = 128;

/// What the conversion depends on besides the types.
#[derive(Clone, Copy, Debug)]
pub struct StoreContext<'a> {
    pub sql_mode: SqlMode,
    /// Bad values are errors: the statement has no IGNORE (nor is it a later row of a table without
    /// transactions). Counts only when the mode is strict.
    pub strict: bool,
    /// Of the session: TIMESTAMP's range and gaps are those of its clock.
    pub time_zone: &'a TimeZone,
    /// The statement's start in the session's zone: a TIME stored as a date is of this day.
    pub now: DateTime,
    /// Shown by errors of JSON columns.
    pub table: &'a str,
}

/// `value` of type `from` in the form that a column of type `to` stores. NULL stays NULL: whether the column takes
/// it is the caller's question.
///
/// # Errors
/// In strict mode 1264, 1265, 1292, 1366, 1406 and the like; in every mode 3140 for text that is no JSON.
pub fn store(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    column: &str,
    row: u64,
    ctx: &StoreContext<'_>,
    diagnostics: &mut Diagnostics,
) -> SqlResult<Value> {
    use BaseType as B;
    if let (Value::Text(bits), B::Bit) = (value, &from.base) {
        // A BIT is the number of its bits wherever it goes.
        let number = Value::UInt(from.member_number(bits.as_bytes()).unwrap_or(0));
        let from = SqlType { unsigned: true, ..SqlType::new(B::BigInt, 20) };
        return store(&number, &from, to, column, row, ctx, diagnostics);
    }
    let mut target = Target { to, column, row, ctx, diagnostics };
    // The two most frequent cases, which need nothing.
    match (value, &to.base) {
        (Value::Null, _) | (_, B::Null) => return Ok(value.clone()),
        (Value::Int(_), B::BigInt) if !to.unsigned => return Ok(value.clone()),
        _ => {}
    }
    match &to.base {
        B::TinyInt | B::SmallInt | B::MediumInt | B::Int | B::BigInt => target.integer(value.as_ref(), from),
        B::Year => target.year(value.as_ref(), from),
        B::Bit => target.bit(value.as_ref(), from),
        B::Float | B::Double => target.double(value.as_ref(), from),
        B::Decimal => target.decimal(value.as_ref(), from),
        B::Date => target.date(value.as_ref(), from),
        B::Time => target.time(value.as_ref(), from),
        B::DateTime | B::Timestamp => target.datetime(value.as_ref(), from),
        B::Char | B::VarChar | B::TinyText | B::Text | B::MediumText | B::LongText => {
            target.string(value, from)
        }
        B::Enum(def) => target.enumeration(value.as_ref(), from, def),
        B::Set(def) => target.set(value.as_ref(), from, def),
        B::Json => target.json(value, from),
        B::Geometry(_) => match (value, &from.base) {
            (Value::Text(_), B::Geometry(_)) => Ok(value.clone()),
            (Value::Text(bytes), _) if from.collation.is_binary() && bytes.len() > 4 => Ok(value.clone()),
            _ => Err(SqlError::new(ER_CANT_CREATE_GEOMETRY_OBJECT, &[])),
        },
        B::Null => Ok(value.clone()),
    }
}

/// A column in the act of taking a value.
struct Target<'a, 'd> {
    to: &'a SqlType,
    column: &'a str,
    row: u64,
    ctx: &'a StoreContext<'a>,
    diagnostics: &'d mut Diagnostics,
}

impl Target<'_, '_> {
    fn is_strict(&self) -> bool {
        self.ctx.strict && self.ctx.sql_mode.is_strict()
    }

    /// An error in strict mode, else a warning.
    fn refuse(&mut self, error: SqlError) -> SqlResult<()> {
        if self.is_strict() {
            return Err(error);
        }
        self.diagnostics.push(Level::Warning, error.code, error.message);
        Ok(())
    }

    /// [`Target::refuse`] with an error about column and row.
    fn problem(&mut self, kind: &'static ErrorKind) -> SqlResult<()> {
        self.refuse(SqlError::new(kind, &[&self.column, &self.row]))
    }

    fn out_of_range(&mut self) -> SqlResult<()> {
        self.problem(ER_WARN_DATA_OUT_OF_RANGE)
    }

    fn truncated(&mut self) -> SqlResult<()> {
        self.problem(WARN_DATA_TRUNCATED)
    }

    /// Something was lost that does not matter enough for an error.
    fn note_truncated(&mut self) {
        self.diagnostics.note(WARN_DATA_TRUNCATED, &[&self.column, &self.row]);
    }

    /// 1366: the text is no value of the kind.
    fn incorrect(&mut self, kind: &str, shown: &[u8]) -> SqlResult<()> {
        let error = self.incorrect_error(kind, shown);
        self.refuse(error)
    }

    fn incorrect_error(&self, kind: &str, shown: &[u8]) -> SqlError {
        let shown = String::from_utf8_lossy(&shown[..shown.len().min(SHOWN_BYTES)]);
        SqlError::new(ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, &[&kind, &shown, &self.column, &self.row])
    }

    fn json(&mut self, value: &Value, from: &SqlType) -> SqlResult<Value> {
        let Value::Text(text) = value else {
            if let Value::Json(_) = value {
                return Ok(value.clone());
            }
            return Err(self.invalid_json("not a JSON text, may need CAST", 0));
        };
        if from.collation.is_binary() {
            return Err(SqlError::new(ER_INVALID_JSON_CHARSET, &[&"binary"]));
        }
        self.json_text(text.as_bytes())
    }

    fn invalid_json(&self, reason: &str, at: usize) -> SqlError {
        let column = format!("{}.{}", self.ctx.table, self.column);
        SqlError::new(ER_INVALID_JSON_TEXT, &[&reason, &at, &column])
    }

    fn json_text(&self, text: &[u8]) -> SqlResult<Value> {
        match Json::parse(text) {
            Ok(json) => Ok(Value::Json(Text::from(json.to_text()))),
            Err(error) if error.problem == JsonProblem::TooDeep => {
                Err(SqlError::new(ER_JSON_DOCUMENT_TOO_DEEP, &[]))
            }
            Err(error) => Err(self.invalid_json(error.problem.message(), error.position)),
        }
    }
}

/// The value's text; borrowed when it is one.
fn text_of<'a>(value: ValueRef<'a>, from: &SqlType) -> Cow<'a, [u8]> {
    match value {
        ValueRef::Text(text) | ValueRef::Json(text) => Cow::Borrowed(text),
        other => {
            let mut out = Vec::with_capacity(24);
            display::write_plain(other, from, &mut out);
            Cow::Owned(out)
        }
    }
}

/// The text inside of a JSON string; other JSON as it is.
fn json_inner(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(json)
}

#[cfg(test)]
mod tests;
