//! Regular expressions as MySQL writes them (ICU's syntax), translated to those of the engine, with
//! MySQL's errors.

use aurora_types::error::{
    ER_REGEX_NUMBER_TOO_BIG, ER_REGEXP_BAD_ESCAPE_SEQUENCE, ER_REGEXP_BAD_INTERVAL,
    ER_REGEXP_ILLEGAL_ARGUMENT, ER_REGEXP_INVALID_BACK_REF, ER_REGEXP_INVALID_CAPTURE_GROUP_NAME,
    ER_REGEXP_INVALID_RANGE, ER_REGEXP_MAX_LT_MIN, ER_REGEXP_MISMATCHED_PAREN,
    ER_REGEXP_MISSING_CLOSE_BRACKET, ER_REGEXP_RULE_SYNTAX, ER_REGEXP_UNIMPLEMENTED,
};
use aurora_types::{ErrorKind, SqlError, SqlResult};

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub unix_lines: bool,
}

/// Any line break, as one unit.
const LINE_BREAK: &str = r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])";
const VERTICAL: &str = r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}";

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// The largest bound of an interval.
const LARGEST_BOUND: u32 = 0xFF_FFFF;

/// What can come before a quantifier.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Atom,
    Quantifier,
}

struct Translator<'a> {
    pattern: &'a [char],
    at: usize,
    flags: Flags,
    out: String,
    /// The text to match ends with a line break, before which `$` holds too.
    break_at_end: bool,
    groups: usize,
    references: Vec<usize>,
}

fn fail<T>(kind: &'static ErrorKind) -> SqlResult<T> {
    Err(SqlError::new(kind, &[]))
}

/// The engine's pattern.
///
/// # Errors
/// 3685 to 3697 for what is no regular expression.
pub(super) fn translate(pattern: &str, flags: Flags, break_at_end: bool) -> SqlResult<String> {
    if pattern.is_empty() {
        return fail(ER_REGEXP_ILLEGAL_ARGUMENT);
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 16);
    if flags.ignore_case {
        out.push_str("(?i)");
    }
    let mut translator =
        Translator { pattern: &pattern, at: 0, flags, out, break_at_end, groups: 0, references: Vec::new() };
    translator.run()?;
    if translator.references.iter().any(|n| *n > translator.groups) {
        return fail(ER_REGEXP_INVALID_BACK_REF);
    }
    Ok(translator.out)
}

impl Translator<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn syntax<T>(&self) -> SqlResult<T> {
        Err(SqlError::new(ER_REGEXP_RULE_SYNTAX, &[&1, &(self.at + 1)]))
    }

    fn run(&mut self) -> SqlResult<()> {
        let mut depth = 0usize;
        let mut before = Before::Nothing;
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => {
                    before = if self.escape(false)? { Before::Atom } else { Before::Nothing };
                    continue;
                }
                '[' => {
                    self.class()?;
                    before = Before::Atom;
                    continue;
                }
                '(' => {
                    if self.open()? {
                        depth += 1;
                        before = Before::Nothing;
                    }
                    continue;
                }
                ')' => {
                    depth = match depth.checked_sub(1) {
                        Some(depth) => depth,
                        None => return fail(ER_REGEXP_MISMATCHED_PAREN),
                    };
                    self.out.push(')');
                    before = Before::Atom;
                }
                '*' | '+' | '?' | '{' => {
                    if before != Before::Atom {
                        return self.syntax();
                    }
                    self.quantifier(c)?;
                    before = Before::Quantifier;
                    continue;
                }
                '}' => return self.syntax(),
                '|' => {
                    self.out.push('|');
                    before = Before::Nothing;
                }
                '.' => {
                    self.out.push_str(match (self.flags.dot_all, self.flags.unix_lines) {
                        (true, _) => "(?s:.)",
                        (_, true) => ".",
                        _ => r"[^\n\x0B\x0C\r\x{85}\x{2028}\x{2029}]",
                    });
                    before = Before::Atom;
                }
                '^' => {
                    self.out.push_str(if self.flags.multi_line { "(?m:^)" } else { "^" });
                    before = Before::Atom;
                }
                '$' => {
                    self.end_anchor();
                    before = Before::Atom;
                }
                _ => {
                    push_literal(&mut self.out, c);
                    before = Before::Atom;
                }
            }
            self.at += 1;
        }
        if depth > 0 { fail(ER_REGEXP_MISMATCHED_PAREN) } else { Ok(()) }
    }

    fn end_anchor(&mut self) {
        if self.flags.multi_line {
            self.out.push_str("(?m:$)");
        } else if self.break_at_end {
            self.out.push_str("(?=");
            self.out.push_str(LINE_BREAK);
            self.out.push_str(r"?\z)");
        } else {
            self.out.push_str(r"\z");
        }
    }

    /// An opening parenthesis; `false` when it was a comment or set flags.
    fn open(&mut self) -> SqlResult<bool> {
        if self.peek(1) != Some('?') {
            self.groups += 1;
            self.out.push('(');
            self.at += 1;
            return Ok(true);
        }
        for form in ["(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"] {
            if self.starts_with(form) {
                self.out.push_str(form);
                self.at += form.len();
                return Ok(true);
            }
        }
        match self.peek(2) {
            Some('#') => match self.pattern[self.at..].iter().position(|c| *c == ')') {
                Some(end) => {
                    self.at += end + 1;
                    Ok(false)
                }
                None => fail(ER_REGEXP_MISMATCHED_PAREN),
            },
            Some('<') => {
                let rest = &self.pattern[self.at + 3..];
                let len = rest.iter().take_while(|c| c.is_ascii_alphanumeric()).count();
                if len == 0 || rest[0].is_ascii_digit() || rest.get(len) != Some(&'>') {
                    return fail(ER_REGEXP_INVALID_CAPTURE_GROUP_NAME);
                }
                self.groups += 1;
                self.out.push_str("(?<");
                self.out.extend(&rest[..len]);
                self.out.push('>');
                self.at += 4 + len;
                Ok(true)
            }
            _ => self.inline_flags(),
        }
    }

    /// `(?i)`, `(?s-m:…)`.
    fn inline_flags(&mut self) -> SqlResult<bool> {
        self.at += 2;
        let mut on = true;
        let mut text = String::from("(?");
        loop {
            let Some(c) = self.peek(0) else { return fail(ER_REGEXP_MISMATCHED_PAREN) };
            self.at += 1;
            match c {
                '-' if on => {
                    on = false;
                    text.push('-');
                }
                'i' | 'x' => text.push(c),
                's' => self.flags.dot_all = on,
                'm' => self.flags.multi_line = on,
                'd' => self.flags.unix_lines = on,
                'w' => {}
                ')' | ':' => {
                    let has_flags = text.len() > 2 && !text.ends_with('-');
                    let text = text.strip_suffix('-').unwrap_or(&text);
                    if c == ':' || has_flags {
                        self.out.push_str(text);
                        self.out.push(c);
                    }
                    return Ok(c == ':');
                }
                _ => return self.syntax(),
            }
        }
    }

    fn quantifier(&mut self, c: char) -> SqlResult<()> {
        if c == '{' {
            self.interval()?;
        } else {
            self.out.push(c);
            self.at += 1;
        }
        // Lazy and possessive forms.
        if let Some(mark @ ('?' | '+')) = self.peek(0) {
            self.out.push(mark);
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> SqlResult<Option<u32>> {
        let start = self.at;
        let mut n: u32 = 0;
        while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(10)) {
            n = n.saturating_mul(10).saturating_add(digit);
            if n > LARGEST_BOUND {
                return fail(ER_REGEX_NUMBER_TOO_BIG);
            }
            self.at += 1;
        }
        Ok((self.at > start).then_some(n))
    }

    fn interval(&mut self) -> SqlResult<()> {
        self.at += 1;
        let Some(low) = self.number()? else { return fail(ER_REGEXP_BAD_INTERVAL) };
        let high = if self.peek(0) == Some(',') {
            self.at += 1;
            self.number()?
        } else {
            Some(low)
        };
        if self.peek(0) != Some('}') {
            return fail(ER_REGEXP_BAD_INTERVAL);
        }
        self.at += 1;
        match high {
            Some(high) if high < low => return fail(ER_REGEXP_MAX_LT_MIN),
            Some(high) => self.out.push_str(&format!("{{{low},{high}}}")),
            None => self.out.push_str(&format!("{{{low},}}")),
        }
        Ok(())
    }

    /// A backslash and what belongs to it; whether it is something to repeat.
    fn escape(&mut self, in_class: bool) -> SqlResult<bool> {
        let Some(c) = self.peek(1) else { return fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE) };
        self.at += 2;
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'n' | 't' | 'r' => self.out.extend(['\\', c]),
            'a' => self.out.push_str(r"\x07"),
            'e' => self.out.push_str(r"\x1B"),
            'f' => self.out.push_str(r"\x0C"),
            'b' | 'B' | 'A' | 'z' | 'G' if !in_class => self.out.extend(['\\', c]),
            'Z' if !in_class => {
                let multi_line = std::mem::replace(&mut self.flags.multi_line, false);
                self.end_anchor();
                self.flags.multi_line = multi_line;
            }
            'h' | 'H' => self.out.push_str(match (c, in_class) {
                ('h', true) => r"\t\p{Zs}",
                ('h', false) => r"[\t\p{Zs}]",
                _ => r"[^\t\p{Zs}]",
            }),
            'v' if in_class => self.out.push_str(VERTICAL),
            'v' => self.out.push_str(&format!("[{VERTICAL}]")),
            'V' => self.out.push_str(&format!("[^{VERTICAL}]")),
            'R' if !in_class => self.out.push_str(LINE_BREAK),
            'u' => self.hex(4, 4)?,
            'U' => self.hex(8, 8)?,
            'x' if self.peek(0) == Some('{') => {
                self.at += 1;
                self.hex(1, 6)?;
                if self.peek(0) != Some('}') {
                    return fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE);
                }
                self.at += 1;
            }
            'x' => self.hex(1, 2)?,
            '0' => {
                let digits = &self.pattern[self.at..];
                let len = digits.iter().take(3).take_while(|c| c.is_digit(8)).count();
                if len == 0 {
                    return fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE);
                }
                let code = digits[..len].iter().fold(0, |n, c| n * 8 + c.to_digit(8).unwrap_or(0));
                self.out.push_str(&format!(r"\x{{{code:X}}}"));
                self.at += len;
            }
            '1'..='9' if !in_class => {
                let n = c as usize - '0' as usize;
                self.references.push(n);
                self.out.push_str(&format!("(?:\\{n})"));
            }
            'c' => {
                let Some(control) = self.peek(0) else { return fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE) };
                self.at += 1;
                self.out.push_str(&format!(r"\x{{{:X}}}", control as u32 & 0x1F));
            }
            'p' | 'P' => self.property(c)?,
            'k' if !in_class => {
                let rest = &self.pattern[self.at..];
                let end = rest.iter().position(|c| *c == '>');
                match (rest.first(), end) {
                    (Some('<'), Some(end)) => {
                        self.out.push_str("\\k");
                        self.out.extend(&rest[..=end]);
                        self.at += end + 1;
                    }
                    _ => return fail(ER_REGEXP_INVALID_CAPTURE_GROUP_NAME),
                }
            }
            'Q' => {
                while self.at < self.pattern.len() && !self.starts_with("\\E") {
                    push_literal(&mut self.out, self.pattern[self.at]);
                    self.at += 1;
                }
                self.at = (self.at + 2).min(self.pattern.len());
            }
            'E' => return Ok(false),
            'X' | 'N' => return fail(ER_REGEXP_UNIMPLEMENTED),
            _ => push_literal(&mut self.out, c),
        }
        Ok(true)
    }

    fn hex(&mut self, min: usize, max: usize) -> SqlResult<()> {
        let digits: String =
            self.pattern[self.at..].iter().take(max).take_while(|c| c.is_ascii_hexdigit()).collect();
        match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
            Some(c) if digits.len() >= min => {
                push_literal(&mut self.out, c);
                self.at += digits.len();
                Ok(())
            }
            _ => fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE),
        }
    }

    /// `\p{…}`; the engine decides later whether the property exists.
    fn property(&mut self, c: char) -> SqlResult<()> {
        let rest = &self.pattern[self.at..];
        let end = match rest.first() {
            Some('{') => match rest.iter().position(|c| *c == '}') {
                Some(end) => end,
                None => return fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE),
            },
            _ => return fail(ER_REGEXP_BAD_ESCAPE_SEQUENCE),
        };
        self.out.extend(['\\', c]);
        self.out.extend(&rest[..=end]);
        self.at += end + 1;
        Ok(())
    }

    /// A bracket expression.
    fn class(&mut self) -> SqlResult<()> {
        self.out.push('[');
        self.at += 1;
        if self.peek(0) == Some('^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut first = true;
        // The last single character, which a range may start at.
        let mut low: Option<char> = None;
        loop {
            let Some(c) = self.peek(0) else { return fail(ER_REGEXP_MISSING_CLOSE_BRACKET) };
            let was_first = std::mem::replace(&mut first, false);
            match c {
                ']' if !was_first => {
                    self.out.push(']');
                    self.at += 1;
                    return Ok(());
                }
                '[' if self.peek(1) == Some(':') => {
                    self.posix()?;
                    low = None;
                }
                '[' if matches!(self.peek(1), Some('.' | '=')) => {
                    self.collating()?;
                    low = None;
                }
                '[' => {
                    self.class()?;
                    low = None;
                }
                '&' if self.peek(1) == Some('&') => {
                    self.out.push_str("&&");
                    self.at += 2;
                    low = None;
                }
                '-' if self.peek(1) == Some('-') => {
                    self.out.push_str("--");
                    self.at += 2;
                    low = None;
                }
                '-' if low.is_some() && self.peek(1).is_none() => return fail(ER_REGEXP_INVALID_RANGE),
                '-' if low.is_some() && !matches!(self.peek(1), None | Some(']' | '[')) => {
                    self.out.push('-');
                    self.at += 1;
                    let start = low.take();
                    let high = self.class_char()?;
                    if let (Some(start), Some(high)) = (start, high)
                        && start > high
                    {
                        return fail(ER_REGEXP_INVALID_RANGE);
                    }
                }
                _ => low = self.class_char()?,
            }
        }
    }

    /// One character of a class; `None` for a set such as `\d`.
    fn class_char(&mut self) -> SqlResult<Option<char>> {
        let Some(c) = self.peek(0) else { return fail(ER_REGEXP_MISSING_CLOSE_BRACKET) };
        if c != '\\' {
            push_literal(&mut self.out, c);
            self.at += 1;
            return Ok(Some(c));
        }
        let escaped = self.peek(1);
        self.escape(true)?;
        Ok(escaped.filter(|c| !c.is_ascii_alphanumeric()))
    }

    fn posix(&mut self) -> SqlResult<()> {
        let rest = &self.pattern[self.at + 2..];
        let Some(end) = rest.windows(2).position(|w| w == [':', ']']) else {
            return fail(ER_REGEXP_MISSING_CLOSE_BRACKET);
        };
        let name: String = rest[..end].iter().collect();
        let (negated, plain) = match name.strip_prefix('^') {
            Some(plain) => (true, plain),
            None => (false, name.as_str()),
        };
        if !POSIX.contains(&plain) {
            return fail(ER_REGEXP_ILLEGAL_ARGUMENT);
        }
        // Letters, digits and spaces of all scripts, as Unicode says.
        let set = match plain {
            "alpha" => r"\p{Alphabetic}",
            "digit" => r"\d",
            "alnum" => r"\p{Alphabetic}\d",
            "lower" => r"\p{Lowercase}",
            "upper" => r"\p{Uppercase}",
            "space" => r"\s",
            "punct" => r"\p{P}",
            "word" => r"\w",
            "cntrl" => r"\p{Cc}",
            "blank" => r"\t\p{Zs}",
            _ => "",
        };
        match (set.is_empty(), negated) {
            (true, _) => self.out.push_str(&format!("[:{name}:]")),
            (false, true) => self.out.push_str(&format!("[^{set}]")),
            (false, false) => self.out.push_str(set),
        }
        self.at += end + 4;
        Ok(())
    }

    /// `[.a.]` and `[=a=]`: the character itself.
    fn collating(&mut self) -> SqlResult<()> {
        match (self.peek(1), self.peek(2), self.peek(3), self.peek(4)) {
            (Some(open), Some(c), Some(close), Some(']')) if open == close => {
                push_literal(&mut self.out, c);
                self.at += 5;
                Ok(())
            }
            _ => fail(ER_REGEXP_ILLEGAL_ARGUMENT),
        }
    }
}

/// A character that stands for itself, in and outside of classes.
fn push_literal(out: &mut String, c: char) {
    if c.is_alphanumeric() || c == '_' || !c.is_ascii() {
        out.push(c);
    } else if c.is_ascii_punctuation() {
        out.extend(['\\', c]);
    } else {
        out.push_str(&format!(r"\x{{{:X}}}", c as u32));
    }
}
