//! Statements of a dump: bytes in, one statement at a time out, as the `mysql` client splits them.
//!
//! Knows quotes, backticks, the three kinds of comments and the client's `DELIMITER` command; knows no SQL beyond that.

use std::io::{self, BufRead};

/// One statement and where it ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    /// Without its delimiter.
    pub text: Vec<u8>,
    /// Offset of the byte behind its delimiter in the (unpacked) dump.
    pub end: u64,
    /// Line it begins on, from 1.
    pub line: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Quoted(u8),
    /// Quoted, and the byte before was a backslash.
    Escaped(u8),
    LineComment,
    BlockComment,
}

/// Splits a reader. A statement longer than `statement_bytes_max` is refused.
pub struct Splitter<R> {
    input: R,
    delimiter: Vec<u8>,
    offset: u64,
    line: u64,
    pub statement_bytes_max: usize,
}

impl<R: BufRead> Splitter<R> {
    pub fn new(input: R) -> Splitter<R> {
        Splitter { input, delimiter: b";".to_vec(), offset: 0, line: 1, statement_bytes_max: 1 << 30 }
    }

    /// The next statement, or `None` at the end.
    pub fn next_statement(&mut self) -> io::Result<Option<Statement>> {
        let mut text: Vec<u8> = Vec::new();
        let mut state = State::Plain;
        let mut begins_on = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.input.read_until(b'\n', &mut line)? == 0 {
                let whole = trim(&text);
                if whole.is_empty() {
                    return Ok(None);
                }
                let line = begins_on.unwrap_or(self.line);
                return Ok(Some(Statement { text: whole.to_vec(), end: self.offset, line }));
            }
            let line_number = self.line;
            self.line += 1;
            if state == State::Plain && trim(&text).is_empty() {
                text.clear();
                begins_on = None;
                if let Some(delimiter) = delimiter_command(&line) {
                    self.delimiter = delimiter;
                    self.offset += line.len() as u64;
                    continue;
                }
            }
            let mut at = 0;
            while at < line.len() {
                if state == State::Plain && line[at..].starts_with(&self.delimiter) {
                    let delimiter_bytes = self.delimiter.len();
                    let whole = trim(&text).to_vec();
                    if whole.is_empty() {
                        // A lone delimiter is no statement.
                        text.clear();
                        at += delimiter_bytes;
                        continue;
                    }
                    // Dumps put one statement on a line; what else stands on it is read again as the next one.
                    let rest = trim(&line[at + delimiter_bytes..]);
                    if rest.is_empty() || rest.starts_with(b"--") || rest.starts_with(b"#") {
                        self.offset += line.len() as u64;
                        let line = begins_on.unwrap_or(line_number);
                        return Ok(Some(Statement { text: whole, end: self.offset, line }));
                    }
                    text = whole;
                    text.push(b';');
                    at += delimiter_bytes;
                    continue;
                }
                let byte = line[at];
                state = match (state, byte) {
                    (State::Plain, b'\'' | b'"' | b'`') => State::Quoted(byte),
                    (State::Plain, b'#') => State::LineComment,
                    (State::Plain, b'-') if is_dash_comment(&line[at..]) => State::LineComment,
                    (State::Plain, b'/') if line[at..].starts_with(b"/*") => {
                        text.push(b'/');
                        at += 1;
                        State::BlockComment
                    }
                    (State::BlockComment, b'*') if line[at..].starts_with(b"*/") => {
                        text.push(b'*');
                        at += 1;
                        State::Plain
                    }
                    (State::Quoted(quote), b'\\') if quote != b'`' => State::Escaped(quote),
                    (State::Quoted(quote), _) if byte == quote => State::Plain,
                    (State::Escaped(quote), _) => State::Quoted(quote),
                    (State::LineComment, b'\n') => State::Plain,
                    (other, _) => other,
                };
                if state == State::LineComment {
                    at = line.len();
                    state = State::Plain;
                    text.push(b'\n');
                    continue;
                }
                if begins_on.is_none() && !byte.is_ascii_whitespace() {
                    begins_on = Some(line_number);
                }
                text.push(line[at]);
                at += 1;
            }
            self.offset += line.len() as u64;
            if text.len() > self.statement_bytes_max {
                let what = format!(
                    "the statement on line {} is longer than {} bytes",
                    begins_on.unwrap_or(0),
                    self.statement_bytes_max
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

fn is_dash_comment(rest: &[u8]) -> bool {
    rest.starts_with(b"--") && rest.get(2).is_none_or(|byte| byte.is_ascii_whitespace())
}

/// `DELIMITER ;;` on a line of its own.
fn delimiter_command(line: &[u8]) -> Option<Vec<u8>> {
    let line = trim(line);
    let (word, rest) = line.split_at_checked(9)?;
    if !word.eq_ignore_ascii_case(b"DELIMITER") || !rest.first()?.is_ascii_whitespace() {
        return None;
    }
    let delimiter = trim(rest);
    (!delimiter.is_empty()).then(|| delimiter.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut splitter = Splitter::new(text.as_bytes());
        let mut out = Vec::new();
        while let Some(statement) = splitter.next_statement().expect("reads") {
            out.push(String::from_utf8(statement.text).expect("text"));
        }
        out
    }

    #[test]
    fn delimiters_in_quotes_and_comments_do_not_split() {
        let statements = split(
            "INSERT INTO t VALUES ('a;b', \"c\\\";\", `d;`);\n-- no; \n/* x; */ SELECT 1;\n# y;\nSELECT 2",
        );
        assert_eq!(
            statements,
            ["INSERT INTO t VALUES ('a;b', \"c\\\";\", `d;`)", "/* x; */ SELECT 1", "SELECT 2"]
        );
    }

    #[test]
    fn the_delimiter_command_is_the_clients() {
        let statements =
            split("DELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT 1; END ;;\nDELIMITER ;\nSELECT 2;\n");
        assert_eq!(statements, ["CREATE PROCEDURE p() BEGIN SELECT 1; END", "SELECT 2"]);
    }

    #[test]
    fn the_end_of_a_statement_is_an_offset_to_resume_behind() {
        let text = "SELECT 1;\nSELECT\n2;\n";
        let mut splitter = Splitter::new(text.as_bytes());
        assert_eq!(splitter.next_statement().expect("reads").expect("one").end, 10);
        let second = splitter.next_statement().expect("reads").expect("two");
        assert_eq!((second.end, second.line), (text.len() as u64, 2));
    }

    #[test]
    fn a_multi_line_string_is_one_statement() {
        assert_eq!(split("SELECT 'a\n;\nb';\n"), ["SELECT 'a\n;\nb'"]);
    }
}
