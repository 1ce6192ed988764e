//! Lines and fields of a data file, as LOAD DATA reads them.
//!
//! Bytes come in pieces of any size. A line is read from its beginning whenever more bytes have come, until it is
//! whole: lines are short beside the pieces, and one that is not is tried again only when its bytes have doubled.

use crate::data_shape::FileShape;
use aurora_types::error::ER_INVALID_CHARACTER_STRING;
use aurora_types::{Charset, SqlError, SqlResult};

/// Where a field lies in [`Line::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    start: usize,
    end: usize,
    null: bool,
}

/// A line that has been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    bytes: Vec<u8>,
    fields: Vec<Field>,
    /// There was more on the line.
    pub truncated: bool,
}

impl Line {
    /// The fields; `None` is NULL.
    pub fn fields(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.fields.iter().map(|field| (!field.null).then(|| &self.bytes[field.start..field.end]))
    }
}

/// The piece ends before the line does.
#[derive(Debug)]
enum Stop {
    /// More bytes are needed.
    Short,
    Failed(SqlError),
}

/// The fields that are asked for.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// So many, each up to its separator.
    Fields(usize),
    /// Of these widths in bytes, without separators.
    Fixed(Vec<usize>),
}

/// Cuts a file into lines.
pub(crate) struct LineReader {
    shape: FileShape,
    /// By byte: a character of its own that says nothing but itself.
    plain: [bool; 256],
    wanted: Wanted,
    /// Lines to be skipped yet.
    skip: u64,
    pending: Vec<u8>,
    /// Bytes of `pending` that have been used.
    used: usize,
    /// The line before was skipped field by field: what LINES STARTING BY says is not looked for again.
    inside: bool,
    /// A line did not fit in so many bytes.
    short_at: usize,
    done: bool,
    line: Line,
}

impl LineReader {
    pub fn new(shape: FileShape, wanted: Wanted, skip: u64) -> LineReader {
        LineReader {
            skip: if shape.no_lines { 0 } else { skip },
            plain: plain_bytes(&shape),
            shape,
            wanted,
            pending: Vec::new(),
            used: 0,
            inside: false,
            short_at: 0,
            done: false,
            line: Line::default(),
        }
    }

    /// Takes a piece of the file and gives every line that is whole now.
    ///
    /// # Errors
    /// What `take` raises; 1300 for bytes that begin no character.
    pub fn push(&mut self, piece: &[u8], take: &mut dyn FnMut(&Line) -> SqlResult<()>) -> SqlResult<()> {
        self.pending.extend_from_slice(piece);
        if self.pending.len() < self.short_at {
            return Ok(());
        }
        self.lines(false, take)
    }

    /// The file has ended.
    ///
    /// # Errors
    /// As [`LineReader::push`].
    pub fn finish(&mut self, take: &mut dyn FnMut(&Line) -> SqlResult<()>) -> SqlResult<()> {
        self.lines(true, take)
    }

    fn lines(&mut self, ended: bool, take: &mut dyn FnMut(&Line) -> SqlResult<()>) -> SqlResult<()> {
        while !self.done {
            let mut scan = Scan {
                shape: &self.shape,
                plain: &self.plain,
                bytes: &self.pending[self.used..],
                at: 0,
                ended,
                line_ended: false,
            };
            let step = if self.skip > 0 && !self.shape.lines_end.is_empty() {
                scan.next_line().map(|(more, _)| (more, false))
            } else {
                match &self.wanted {
                    Wanted::Fields(count) => scan.record(*count, self.inside, &mut self.line),
                    Wanted::Fixed(widths) => scan.fixed(widths, self.inside, &mut self.line),
                }
            };
            let consumed = scan.at;
            match step {
                Ok((more, is_row)) => {
                    self.used += consumed;
                    self.done = !more;
                    self.inside = false;
                    if self.skip > 0 {
                        self.skip -= 1;
                        self.inside = self.shape.lines_end.is_empty();
                    } else if is_row {
                        take(&self.line)?;
                    }
                }
                Err(Stop::Short) => break,
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        self.pending.drain(..self.used);
        self.used = 0;
        self.short_at = 2 * self.pending.len();
        Ok(())
    }
}

/// Reads one line out of what there is.
struct Scan<'s> {
    shape: &'s FileShape,
    plain: &'s [bool; 256],
    bytes: &'s [u8],
    at: usize,
    /// Nothing comes behind `bytes`.
    ended: bool,
    /// The last field ended its line.
    line_ended: bool,
}

impl Scan<'_> {
    /// The next byte; `None` at the end of the file.
    fn get(&mut self) -> Result<Option<u8>, Stop> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(Some(*byte))
            }
            None if self.ended => Ok(None),
            None => Err(Stop::Short),
        }
    }

    /// Takes the rest of a terminator whose first byte was just taken, or nothing of it.
    fn terminator(&mut self, text: &[u8]) -> Result<bool, Stop> {
        let rest = &text[1..];
        let found = &self.bytes[self.at..];
        let known = rest.len().min(found.len());
        if found[..known] != rest[..known] {
            return Ok(false);
        }
        if known < rest.len() {
            return if self.ended { Ok(false) } else { Err(Stop::Short) };
        }
        self.at += rest.len();
        Ok(true)
    }

    /// Reads a line into `line`: whether the file goes on, and whether there was a row.
    fn record(&mut self, width: usize, inside: bool, line: &mut Line) -> Result<(bool, bool), Stop> {
        line.bytes.clear();
        line.fields.clear();
        line.truncated = false;
        let mut ended = false;
        if !inside && !self.shape.lines_start.is_empty() && !self.start_of_line()? {
            return Ok((false, false));
        }
        while line.fields.len() < width {
            if self.line_ended || ended {
                break;
            }
            match self.field(line)? {
                Some(end_of_file) => ended = end_of_file,
                None => ended = true,
            }
        }
        if line.fields.is_empty() && width > 0 {
            return Ok((false, false));
        }
        if ended {
            return Ok((false, true));
        }
        if self.line_ended {
            self.line_ended = false;
            return Ok((true, true));
        }
        let (more, skipped) = self.next_line()?;
        // A line that ends with the file is not said to be too long.
        line.truncated = more && skipped;
        Ok((more, true))
    }

    /// As [`Scan::record`], with fields of fixed widths.
    fn fixed(&mut self, widths: &[usize], inside: bool, line: &mut Line) -> Result<(bool, bool), Stop> {
        let shape = self.shape;
        line.bytes.clear();
        line.fields.clear();
        line.truncated = false;
        if !inside && !shape.lines_start.is_empty() && !self.start_of_line()? {
            return Ok((false, false));
        }
        let total = widths.iter().fold(0usize, |total, width| total.saturating_add(*width));
        let line_first = shape.lines_end.first().copied();
        let (mut at_end, mut line_ended) = (false, false);
        while line.bytes.len() < total && !at_end {
            let Some(byte) = self.get()? else {
                at_end = true;
                break;
            };
            if Some(byte) == shape.escape {
                let escaped = self.get()?;
                at_end = escaped.is_none();
                // NULL cannot be written here: an escaped N is an N.
                line.bytes.push(escaped.map_or(byte, |escaped| unescaped(escaped, &mut false)));
            } else if Some(byte) == line_first && self.terminator(&shape.lines_end)? {
                line_ended = true;
                break;
            } else {
                line.bytes.push(byte);
            }
        }
        if at_end && line.bytes.is_empty() {
            return Ok((false, false));
        }
        let mut start = 0;
        for width in widths {
            if start == line.bytes.len() {
                break;
            }
            let end = start.saturating_add(*width).min(line.bytes.len());
            line.fields.push(Field { start, end, null: false });
            start = end;
        }
        if at_end || line_ended {
            return Ok((!at_end, true));
        }
        let (more, skipped) = self.next_line()?;
        line.truncated = more && skipped;
        Ok((more, true))
    }

    /// Skips what stands before LINES STARTING BY.
    fn start_of_line(&mut self) -> Result<bool, Stop> {
        let start = &self.shape.lines_start;
        let rest = &self.bytes[self.at..];
        match rest.windows(start.len()).position(|window| window == start) {
            Some(found) => {
                self.at += found + start.len();
                Ok(true)
            }
            None if self.ended => Ok(false),
            None => Err(Stop::Short),
        }
    }

    /// Skips the rest of a line: whether the file goes on, and whether there was anything.
    fn next_line(&mut self) -> Result<(bool, bool), Stop> {
        let Some(first) = self.shape.lines_end.first().copied() else { return Ok((true, false)) };
        let mut skipped = false;
        loop {
            let Some(mut byte) = self.get()? else { return Ok((false, skipped)) };
            // The bytes of a character are passed over together.
            for _ in 1..character_bytes(self.shape.charset, byte) {
                let Some(next) = self.get()? else { return Ok((false, skipped)) };
                byte = next;
            }
            if Some(byte) == self.shape.escape {
                skipped = true;
                if self.get()?.is_none() {
                    return Ok((false, skipped));
                }
                continue;
            }
            if byte == first && self.terminator(&self.shape.lines_end)? {
                return Ok((true, skipped));
            }
            skipped = true;
        }
    }

    /// Takes the bytes up to the next one that may say something.
    fn plain_run(&mut self, line: &mut Line) {
        let rest = &self.bytes[self.at..];
        let run = rest.iter().position(|byte| !self.plain[usize::from(*byte)]).unwrap_or(rest.len());
        line.bytes.extend_from_slice(&rest[..run]);
        self.at += run;
    }

    /// Reads one field; whether the file ended with it. `None`: there is no field, the file is over.
    fn field(&mut self, line: &mut Line) -> Result<Option<bool>, Stop> {
        let shape = self.shape;
        let line_first = shape.lines_end.first().copied();
        let field_first = shape.fields_end.first().copied();
        let start = line.bytes.len();
        let mut found_null = false;
        let Some(first) = self.get()? else { return Ok(None) };
        let enclosed_by = (Some(first) == shape.enclosed).then_some(first);
        if enclosed_by.is_some() {
            // Stays when the field turns out not to be enclosed.
            line.bytes.push(first);
        } else {
            self.at -= 1;
        }
        let mut at_end = false;
        // An escape before a character of several bytes may stand between its bytes as well.
        let mut escaped_character = false;
        let enclosed = loop {
            if !escaped_character {
                self.plain_run(line);
            }
            let Some(mut byte) = self.get()? else {
                at_end = true;
                break false;
            };
            if Some(byte) == shape.escape {
                let Some(escaped) = self.get()? else {
                    line.bytes.push(byte);
                    at_end = true;
                    break false;
                };
                // Doubled, where the same character encloses and escapes; otherwise it begins an escape.
                if shape.escape != shape.enclosed || escaped == byte {
                    if character_bytes(shape.charset, escaped) == 1 {
                        line.bytes.push(unescaped(escaped, &mut found_null));
                    } else {
                        escaped_character = true;
                        self.at -= 1;
                    }
                    continue;
                }
                self.at -= 1;
                byte = shape.escape.unwrap_or(byte);
            }
            if enclosed_by.is_none() && Some(byte) == line_first && self.terminator(&shape.lines_end)? {
                self.line_ended = true;
                break false;
            }
            if let Some(quote) = enclosed_by.filter(|quote| *quote == byte) {
                match self.get()? {
                    Some(next) if next == quote => {
                        line.bytes.push(quote);
                        continue;
                    }
                    None => {
                        at_end = true;
                        break true;
                    }
                    Some(next) if Some(next) == line_first && self.terminator(&shape.lines_end)? => {
                        self.line_ended = true;
                        break true;
                    }
                    Some(next) if Some(next) == field_first && self.terminator(&shape.fields_end)? => {
                        break true;
                    }
                    // The field goes on behind a quote of its own.
                    Some(_) => self.at -= 1,
                }
            } else if enclosed_by.is_none()
                && Some(byte) == field_first
                && self.terminator(&shape.fields_end)?
            {
                break false;
            }
            let length = character_bytes(shape.charset, byte);
            if length == 0 {
                return Err(Stop::Failed(no_character(shape.charset, &line.bytes[start..])));
            }
            let begun = line.bytes.len();
            let rest_at = self.at;
            line.bytes.push(byte);
            for _ in 1..length {
                let mut next = self.get()?;
                if escaped_character && next.is_some() && next == shape.escape {
                    next = self.get()?.map(|byte| unescaped(byte, &mut found_null));
                }
                let Some(next) = next else {
                    // Half a character at the end of the file is none.
                    line.bytes.truncate(begun);
                    at_end = true;
                    break;
                };
                line.bytes.push(next);
            }
            if at_end {
                break false;
            }
            escaped_character = escaped_character && length == 1;
            if length > 1 && shape.charset.decode(&line.bytes[begun..]).is_err() {
                // The bytes behind it are no part of a character.
                line.bytes.truncate(begun + 1);
                self.at = rest_at;
            }
        };
        let text = start + usize::from(enclosed);
        let end = line.bytes.len();
        let word = !enclosed && shape.enclosed.is_some() && &line.bytes[text..end] == b"NULL";
        let null = word || (found_null && end - text == 1);
        line.fields.push(Field { start: text, end, null });
        Ok(Some(at_end))
    }
}

fn plain_bytes(shape: &FileShape) -> [bool; 256] {
    let first = |text: &[u8]| text.first().copied();
    let special = [shape.escape, shape.enclosed, first(&shape.lines_end), first(&shape.fields_end)];
    let mut plain = [false; 256];
    for byte in 0..128u8 {
        plain[usize::from(byte)] = !special.contains(&Some(byte));
    }
    plain
}

/// How many bytes a character has that begins with this one; 0 when none does.
fn character_bytes(charset: Charset, first: u8) -> usize {
    if first.is_ascii() {
        return 1;
    }
    match (charset, first) {
        (Charset::Utf8mb4 | Charset::Utf8mb3, 0xC2..=0xDF) => 2,
        (Charset::Utf8mb4 | Charset::Utf8mb3, 0xE0..=0xEF) => 3,
        (Charset::Utf8mb4, 0xF0..=0xF7) => 4,
        (Charset::Utf8mb4 | Charset::Utf8mb3, _) => 0,
        (Charset::Big5, 0xA1..=0xF9)
        | (Charset::Gbk | Charset::Gb18030 | Charset::Euckr, 0x81..=0xFE)
        | (Charset::Gb2312, 0xA1..=0xF7)
        | (Charset::Sjis | Charset::Cp932, 0x81..=0x9F | 0xE0..=0xFC)
        | (Charset::Ujis | Charset::Eucjpms, 0x8E | 0xA1..=0xFE) => 2,
        (Charset::Ujis | Charset::Eucjpms, 0x8F) => 3,
        _ => 1,
    }
}

/// 1300, with the field up to the byte that begins no character.
fn no_character(charset: Charset, field: &[u8]) -> SqlError {
    SqlError::new(ER_INVALID_CHARACTER_STRING, &[&charset.name(), &String::from_utf8_lossy(field)])
}

fn unescaped(byte: u8, found_null: &mut bool) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'0' => 0,
        b'Z' => 0x1A,
        b'N' => {
            *found_null = true;
            b'N'
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_parser::DataFileFormat;

    fn shape() -> FileShape {
        FileShape::new(&DataFileFormat::default(), Charset::Utf8mb4, true).unwrap()
    }

    fn csv() -> FileShape {
        FileShape { fields_end: b",".to_vec(), enclosed: Some(b'"'), ..shape() }
    }

    /// Every line as its fields, `~` for NULL and `+` behind a line with more fields; read in pieces of every size.
    fn lines(shape: &FileShape, width: usize, skip: u64, file: &[u8]) -> Vec<String> {
        lines_of(shape, &Wanted::Fields(width), skip, file)
    }

    fn lines_of(shape: &FileShape, wanted: &Wanted, skip: u64, file: &[u8]) -> Vec<String> {
        let mut answers = Vec::new();
        for size in 1..=file.len().max(1) {
            let mut reader = LineReader::new(shape.clone(), wanted.clone(), skip);
            let mut found = Vec::new();
            let mut take = |line: &Line| {
                let fields: Vec<_> = line
                    .fields()
                    .map(|field| {
                        field.map_or("~".into(), |field| String::from_utf8_lossy(field).into_owned())
                    })
                    .collect();
                found.push(fields.join("|") + if line.truncated { "+" } else { "" });
                Ok(())
            };
            for piece in file.chunks(size) {
                reader.push(piece, &mut take).unwrap();
            }
            reader.finish(&mut take).unwrap();
            answers.push(found);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "the sizes of pieces change the answer: {answers:?}");
        answers.remove(0)
    }

    #[test]
    fn fields_end_at_tabs_and_lines_at_line_feeds() {
        assert_eq!(lines(&shape(), 2, 0, b"1\ta\n2\tb"), ["1|a", "2|b"]);
        assert_eq!(lines(&shape(), 2, 0, b"1\n\n2\tb\tc\n3\td\te"), ["1", "", "2|b+", "3|d"]);
        assert_eq!(lines(&shape(), 2, 0, b""), Vec::<String>::new());
        assert_eq!(lines(&shape(), 2, 1, b"head\n1\ta\n"), ["1|a"]);
    }

    #[test]
    fn escapes_and_null() {
        assert_eq!(lines(&shape(), 3, 0, b"\\N\tx\\N\t\\\\N\n"), ["~|xN|\\N"]);
        assert_eq!(lines(&shape(), 1, 0, b"a\\\tb\\\nc\n"), ["a\tb\nc"]);
        assert_eq!(lines(&shape(), 1, 0, b"a\\"), ["a\\"]);
    }

    #[test]
    fn enclosed_fields() {
        assert_eq!(lines(&csv(), 2, 0, b"\"a,\"\"b\"\"\",NULL\nx,\"NULL\"\n"), ["a,\"b\"|~", "x|NULL"]);
        assert_eq!(lines(&csv(), 2, 0, b"\"x\"y,\"z\"\n1,2\n"), ["x\"y,\"z", "1|2"]);
        assert_eq!(lines(&csv(), 2, 0, b"\"open,1\n"), ["\"open,1\n"]);
    }

    #[test]
    fn long_terminators_and_starts() {
        let long = FileShape { fields_end: b"||".to_vec(), lines_end: b"<>".to_vec(), ..shape() };
        assert_eq!(lines(&long, 2, 0, b"a|b||c<<>d||e"), ["a|b|c<", "d|e"]);
        let starts = FileShape { lines_start: b"xx".to_vec(), ..shape() };
        assert_eq!(lines(&starts, 1, 0, b"zxx1\nno\nx xx2\n"), ["1", "2"]);
        let none = FileShape { fields_end: b",".to_vec(), lines_end: Vec::new(), ..shape() };
        assert_eq!(lines(&none, 2, 0, b"1,2,3,4,5"), ["1|2", "3|4", "5"]);
    }

    #[test]
    fn fields_of_fixed_width() {
        let fixed = FileShape { fields_end: Vec::new(), ..shape() };
        let wanted = Wanted::Fixed(vec![2, 3]);
        let file = b"1 abc\n2 d\n34567more\n\n8\\\n9";
        assert_eq!(lines_of(&fixed, &wanted, 0, file), ["1 |abc", "2 |d", "34|567+", "", "8\n|9"]);
    }

    #[test]
    fn characters_are_not_cut() {
        let gbk = FileShape { charset: Charset::Gbk, ..shape() };
        assert_eq!(lines(&gbk, 2, 0, b"\x95\\\tx\n").len(), 1);
        assert_eq!(lines(&shape(), 2, 0, "ä\tö\n".as_bytes()), ["ä|ö"]);
        assert_eq!(lines(&shape(), 2, 0, b"q\xE4"), ["q"]);
        assert_eq!(lines(&shape(), 1, 0, "\\ä\n".as_bytes()), ["ä"]);
        let mut reader = LineReader::new(shape(), Wanted::Fields(1), 0);
        assert!(reader.push(b"x\xFF\n", &mut |_| Ok(())).is_err());
    }
}
