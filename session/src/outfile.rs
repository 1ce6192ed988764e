//! SELECT … INTO OUTFILE and DUMPFILE: rows as text in a file of the server.

use crate::data_shape::{Width, width_of};
use crate::run::Done;
use crate::session::Session;
use aurora_executor::Outcome;
use aurora_planner::{FileFormat, IntoTarget, Plan};
use aurora_types::error as er;
use aurora_types::{
    BaseType, Charset, ColumnMeta, Diagnostics, RowSink, SqlError, SqlMode, SqlResult, SqlType,
    StatementStatus, Value, ValueRef, charset, display,
};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

/// What an escape may begin: separators among them cannot be escaped.
const ESCAPE_LETTERS: &[u8] = b"ntrb0ZN";
/// What numbers are made of: separators among them are ambiguous.
const NUMBER_LETTERS: &[u8] = b".0123456789e+-";
/// DUMPFILE writes two rows before it complains of too many, as MySQL does.
const DUMPFILE_ROWS: u64 = 2;

fn write_error(error: &io::Error) -> SqlError {
    let number = error.raw_os_error().unwrap_or_default();
    SqlError {
        code: 3,
        sqlstate: "HY000",
        message: format!("Error writing file (OS errno {number} - {error})"),
    }
}

/// How fields and lines are told apart.
struct Shape {
    fields_end: Vec<u8>,
    enclosed: Option<u8>,
    optionally: bool,
    escape: Option<u8>,
    lines_start: Vec<u8>,
    lines_end: Vec<u8>,
    /// `None`: each column in its own.
    charset: Option<Charset>,
    /// The end of fields cannot be escaped.
    ambiguous_end: bool,
    /// Nothing separates fields, so that they have these widths; empty where something does, or a column has no bounds.
    widths: Vec<usize>,
}

impl Shape {
    fn new(format: &FileFormat, escapes: bool) -> SqlResult<Shape> {
        let one = |text: &[u8]| match text {
            [] => Ok(None),
            [byte] => Ok(Some(*byte)),
            _ => Err(SqlError::new(er::ER_WRONG_FIELD_TERMINATORS, &[])),
        };
        let named = |name: &String| {
            charset::lookup(name).ok_or_else(|| SqlError::new(er::ER_UNKNOWN_CHARACTER_SET, &[name]))
        };
        let charset = format.charset.as_ref().map(named).transpose()?;
        let enclosed = one(&format.enclosed_by)?;
        let mut escape = one(&format.escaped_by)?;
        if escape == Some(b'\\') && !escapes {
            escape = None;
        }
        let lines_end = if format.lines_terminated_by.is_empty() {
            &format.fields_terminated_by
        } else {
            &format.lines_terminated_by
        };
        Ok(Shape {
            fields_end: format.fields_terminated_by.clone(),
            enclosed,
            optionally: format.optionally_enclosed && !format.fields_terminated_by.is_empty(),
            escape,
            lines_start: format.lines_starting_by.clone(),
            lines_end: lines_end.clone(),
            charset: charset.filter(|charset| *charset != Charset::Binary),
            ambiguous_end: false,
            widths: Vec::new(),
        })
    }

    /// The first character of what ends a field, or encloses it.
    fn separator(&self) -> Option<u8> {
        self.enclosed.or(self.fields_end.first().copied())
    }

    fn is(letters: &[u8], byte: Option<u8>) -> bool {
        byte.is_some_and(|byte| letters.contains(&byte))
    }

    /// Looks whether the columns can be told apart again; `false` is worth a warning.
    fn judge(&mut self, columns: &[ColumnMeta]) -> bool {
        if self.separator().is_none() {
            let bytes = |column: &ColumnMeta| match width_of(&column.ty) {
                Width::Bytes(bytes) => Some(bytes),
                Width::AtMost(_) => None,
            };
            let widths: Option<Vec<usize>> = columns.iter().map(bytes).collect();
            self.widths = widths.unwrap_or_default();
        }
        let strings = columns.iter().any(|column| is_string(&column.ty));
        let numbers = columns.iter().any(|column| !is_string(&column.ty));
        let separator = self.separator();
        let bare = self.enclosed.is_none();
        self.ambiguous_end =
            (Self::is(ESCAPE_LETTERS, separator) && bare && (strings || Self::is(NUMBER_LETTERS, separator)))
                || ((self.optionally || bare)
                    && numbers
                    && Self::is(NUMBER_LETTERS, self.fields_end.first().copied()));
        !self.ambiguous_end
    }

    fn field(&self, at: usize, cell: ValueRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
        let width = self.widths.get(at).copied();
        if cell.is_null() {
            if let Some(width) = width {
                out.resize(out.len() + width, b' ');
                return;
            }
            match self.escape {
                Some(escape) => out.extend_from_slice(&[escape, b'N']),
                None => out.extend_from_slice(b"NULL"),
            }
            return;
        }
        let string = is_string(ty);
        let enclosed = self.enclosed.filter(|_| string || !self.optionally);
        let mut text = text_of(cell, ty, self.charset);
        if let Some(width) = width {
            text.truncate(width);
        }
        let spaces = width.map_or(0, |width| width - text.len());
        out.extend(enclosed);
        let separator = self.separator();
        match self.escape.filter(|_| string || Self::is(NUMBER_LETTERS, separator)) {
            None => out.extend_from_slice(&text),
            Some(escape) => {
                let ends = if enclosed.is_some() { enclosed } else { self.fields_end.first().copied() };
                let line_end = self.lines_end.first().copied();
                for byte in text {
                    let special = byte == 0 || [Some(escape), ends, line_end].contains(&Some(byte));
                    let bare_end = enclosed.is_none()
                        && self.ambiguous_end
                        && Some(byte) == self.fields_end.first().copied();
                    if special && !bare_end {
                        let doubled = Some(byte) == separator && Self::is(ESCAPE_LETTERS, separator);
                        out.push(if doubled { byte } else { escape });
                        out.push(if byte == 0 { b'0' } else { byte });
                    } else {
                        out.push(byte);
                    }
                }
            }
        }
        out.resize(out.len() + spaces, b' ');
        out.extend(enclosed);
    }
}

fn is_string(ty: &SqlType) -> bool {
    !matches!(
        ty.base,
        BaseType::TinyInt
            | BaseType::SmallInt
            | BaseType::MediumInt
            | BaseType::Int
            | BaseType::BigInt
            | BaseType::Float
            | BaseType::Double
            | BaseType::Decimal
            | BaseType::Bit
            | BaseType::Year
    )
}

/// A cell's text in `charset`, or in its column's.
fn text_of(cell: ValueRef<'_>, ty: &SqlType, charset: Option<Charset>) -> Vec<u8> {
    let bits = match cell {
        ValueRef::UInt(bits) => Some(bits),
        ValueRef::Int(bits) => Some(bits as u64),
        _ => None,
    };
    if let (BaseType::Bit, Some(bits)) = (&ty.base, bits) {
        let bytes = (ty.length as usize).div_ceil(8).clamp(1, 8);
        return bits.to_be_bytes()[8 - bytes..].to_vec();
    }
    let mut text = Vec::new();
    display::write_text(cell, ty, &mut text);
    let is_text = matches!(cell, ValueRef::Text(_)) && !ty.collation.is_binary();
    let charset = charset.unwrap_or(if is_text { ty.collation.charset() } else { Charset::Utf8mb4 });
    if charset.is_utf8_or_binary() || ty.collation.is_binary() && matches!(cell, ValueRef::Text(_)) {
        return text;
    }
    charset.encode_lossy(&text).into_owned()
}

/// Writes what a query gives.
struct FileSink {
    file: BufWriter<File>,
    /// `None`: DUMPFILE, which has no separators.
    shape: Option<Shape>,
    columns: Vec<ColumnMeta>,
    rows: u64,
    ambiguous: bool,
    line: Vec<u8>,
}

impl RowSink for FileSink {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        self.columns = columns.to_vec();
        self.ambiguous = self.shape.as_mut().is_some_and(|shape| !shape.judge(columns));
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        self.line.clear();
        match &self.shape {
            None => {
                if self.rows >= DUMPFILE_ROWS {
                    return Err(SqlError::new(er::ER_TOO_MANY_ROWS, &[]));
                }
                for (cell, column) in cells.iter().zip(&self.columns) {
                    match cell {
                        ValueRef::Null => self.line.push(0),
                        cell => self.line.extend(text_of(*cell, &column.ty, None)),
                    }
                }
            }
            Some(shape) => {
                self.line.extend_from_slice(&shape.lines_start);
                for (at, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
                    if at > 0 {
                        self.line.extend_from_slice(&shape.fields_end);
                    }
                    shape.field(at, *cell, &column.ty, &mut self.line);
                }
                self.line.extend_from_slice(&shape.lines_end);
            }
        }
        self.rows += 1;
        self.file.write_all(&self.line).map_err(|error| write_error(&error))?;
        Ok(false)
    }

    fn end(&mut self, _: &StatementStatus) -> SqlResult<()> {
        Ok(())
    }
}

impl Session {
    /// Runs a query whose rows go into a file. A file that was not finished for an error is taken away.
    ///
    /// # Errors
    /// 1290, 1086, 1, and what the query raises.
    pub(crate) fn run_into_file(
        &mut self,
        plan: &Arc<Plan>,
        params: &[Value],
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<Done> {
        let escapes = !self.state.sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
        let (name, shape) = match &plan.into {
            Some(IntoTarget::Outfile { file, format }) => (file, Some(Shape::new(format, escapes)?)),
            Some(IntoTarget::Dumpfile(file)) => (file, None),
            _ => return Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&"SELECT … INTO"])),
        };
        self.check_access(&plan.access)?;
        let is_outfile = shape.is_some();
        let (file, path) = self.create_outfile(name)?;
        let (columns, line) = (Vec::new(), Vec::new());
        let mut sink =
            FileSink { file: BufWriter::new(file), shape, columns, rows: 0, ambiguous: false, line };
        let done = self.run_as(plan, params, diagnostics, &mut |run, diagnostics| {
            run.run(&mut sink, diagnostics)?;
            if sink.ambiguous {
                diagnostics.warn(er::ER_AMBIGUOUS_FIELD_TERM, &[]);
            }
            sink.file.flush().map_err(|error| write_error(&error))?;
            Ok(Outcome::Stored { rows: sink.rows })
        });
        if done.is_err() && is_outfile && std::fs::remove_file(&path).is_err() {
            tracing::warn!(path = %path.display(), "a file that a failed statement began stays");
        }
        done
    }
}
