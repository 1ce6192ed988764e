//! What two texts have in common that differ in their literals only, found without tokens, tree or allocation.
//!
//! The scan cuts a text into literals and the rest. It does not try to read everything: a text with comments, bytes,
//! floats, several statements or anything else unusual has no fingerprint, and its reader goes the long way. Where it
//! does cut, it cuts as the lexer does.

use crate::context::{ClientCharset, ParseContext};
use crate::lexer::{DIGIT, SPACE, WORD, is};
use crate::parser::unquote;
use aurora_types::{Decimal, Text, Value};

/// What a literal is, as far as its value can be read without the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScannedKind {
    /// Digits.
    Int,
    /// Digits with a point, and how many stand behind it.
    Decimal(u8),
    /// A quoted string.
    Text,
}

/// A literal of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    pub start: u32,
    pub end: u32,
    pub kind: ScannedKind,
    /// A string with escapes or doubled quotes.
    escaped: bool,
}

impl Scanned {
    /// Its bytes, quotes included.
    pub fn bytes<'a>(&self, sql: &'a [u8]) -> &'a [u8] {
        sql.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Its value as the grammar and the binder would read it; `None` where only they can say.
    pub fn value(&self, sql: &[u8], context: &ParseContext) -> Option<Value> {
        let bytes = self.bytes(sql);
        match self.kind {
            ScannedKind::Int => {
                let mut value: i64 = 0;
                for digit in bytes {
                    value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
                }
                Some(Value::Int(value))
            }
            ScannedKind::Decimal(_) => Some(Value::Decimal(Decimal::parse(bytes).value)),
            ScannedKind::Text => {
                let inner = bytes.get(1..bytes.len().saturating_sub(1))?;
                std::str::from_utf8(inner).ok()?;
                Some(Value::Text(match self.escaped {
                    false => Text::from(inner),
                    true => Text::from(&*unquote(bytes, context)),
                }))
            }
        }
    }
}

/// Odd, so that multiplying by it loses nothing (the golden ratio's digits).
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(MIX)
}

fn mix_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        hash = mix(hash, u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(hash, u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56)
}

/// Cuts `sql` and gives a hash of everything but the literals' values; `None` for texts that are to be parsed. Literals
/// are appended to `literals`, which is cleared first. Equal hashes are no proof: [`same_shape`] is.
pub fn fingerprint(sql: &[u8], context: &ParseContext, literals: &mut Vec<Scanned>) -> Option<u64> {
    literals.clear();
    // Elsewhere a character's second byte may be a quote or a backslash, or texts are to be converted.
    if context.client_charset != ClientCharset::Utf8 || sql.len() >= u32::MAX as usize {
        return None;
    }
    let byte = |at: usize| sql.get(at).copied().unwrap_or(0);
    let mut hash = 0;
    let (mut at, mut gap) = (0, 0);
    while let Some(&here) = sql.get(at) {
        let start = at;
        let (kind, escaped) = match here {
            b'0'..=b'9' => {
                if start > 0 && matches!(byte(start - 1), b'.' | b'@') {
                    return None;
                }
                while is(byte(at), DIGIT) {
                    at += 1;
                }
                let mut kind = ScannedKind::Int;
                if byte(at) == b'.' {
                    at += 1;
                    let point = at;
                    while is(byte(at), DIGIT) {
                        at += 1;
                    }
                    kind = ScannedKind::Decimal(u8::try_from(at - point).ok()?);
                }
                if is(byte(at), WORD) || byte(at) == b'.' {
                    return None;
                }
                (kind, false)
            }
            b'\'' | b'"' if here == b'\'' || !context.sql_mode.ansi_quotes => {
                if start > 0 && byte(start - 1) == b'@' {
                    return None;
                }
                let escaped = string(sql, &mut at, !context.sql_mode.no_backslash_escapes)?;
                // A string behind a string continues it.
                let mut next = at;
                while is(byte(next), SPACE) {
                    next += 1;
                }
                if matches!(byte(next), b'\'' | b'"') {
                    return None;
                }
                (ScannedKind::Text, escaped)
            }
            b'"' | b'`' => {
                string(sql, &mut at, false)?;
                continue;
            }
            _ if is(here, WORD) => {
                while is(byte(at), WORD) {
                    at += 1;
                }
                if matches!(byte(at), b'\'' | b'"') {
                    return None;
                }
                continue;
            }
            b';' | b'#' | b'?' | b'\\' | 0 => return None,
            b'-' if byte(at + 1) == b'-' => return None,
            b'/' if byte(at + 1) == b'*' => return None,
            b'*' if byte(at + 1) == b'/' => return None,
            b'.' if is(byte(at + 1), DIGIT) => return None,
            b'@' if matches!(byte(at + 1), b'\'' | b'"' | b'`') => return None,
            _ => {
                at += 1;
                continue;
            }
        };
        hash = mix_bytes(hash, &sql[gap..start]);
        hash = mix(hash, kind_code(kind));
        gap = at;
        literals.push(Scanned { start: start as u32, end: at as u32, kind, escaped });
    }
    Some(mix_bytes(hash, &sql[gap..]))
}

fn kind_code(kind: ScannedKind) -> u64 {
    match kind {
        ScannedKind::Int => 1,
        ScannedKind::Text => 2,
        ScannedKind::Decimal(scale) => 3 + u64::from(scale),
    }
}

/// Moves `at` from an opening quote behind the closing one; whether something in between is not as it stands.
fn string(sql: &[u8], at: &mut usize, escapes: bool) -> Option<bool> {
    let quote = *sql.get(*at)?;
    *at += 1;
    let mut escaped = false;
    loop {
        let rest = sql.get(*at..)?;
        *at += if escapes { memchr::memchr2(quote, b'\\', rest)? } else { memchr::memchr(quote, rest)? };
        if sql.get(*at) == Some(&quote) && sql.get(*at + 1) != Some(&quote) {
            *at += 1;
            return Some(escaped);
        }
        escaped = true;
        *at += 2;
    }
}

/// Whether two texts are the same but for the values of their literals.
pub fn same_shape(one: &[u8], ones: &[Scanned], other: &[u8], others: &[Scanned]) -> bool {
    if ones.len() != others.len() {
        return false;
    }
    let (mut here, mut there) = (0, 0);
    for (a, b) in ones.iter().zip(others) {
        let gap = one.get(here..a.start as usize);
        if a.kind != b.kind || gap.is_none() || gap != other.get(there..b.start as usize) {
            return false;
        }
        (here, there) = (a.end as usize, b.end as usize);
    }
    one.get(here..) == other.get(there..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expr, Literal};

    fn scan(sql: &str) -> Option<(u64, Vec<Scanned>)> {
        let mut literals = Vec::new();
        let hash = fingerprint(sql.as_bytes(), &ParseContext::default(), &mut literals)?;
        Some((hash, literals))
    }

    #[test]
    fn literals_make_no_difference_and_all_else_does() {
        let same = |a: &str, b: &str| {
            let ((ha, la), (hb, lb)) = (scan(a).unwrap(), scan(b).unwrap());
            let same = same_shape(a.as_bytes(), &la, b.as_bytes(), &lb);
            assert_eq!(same, ha == hb, "{a} | {b}");
            same
        };
        assert!(same("SELECT c FROM t WHERE id=1", "SELECT c FROM t WHERE id=123456"));
        assert!(same("INSERT INTO t VALUES (1,'a')", "INSERT INTO t VALUES (22,'it''s \\'')"));
        assert!(!same("SELECT c FROM t WHERE id=1", "SELECT c FROM t WHERE id='1'"));
        assert!(!same("SELECT c FROM t WHERE id=1", "SELECT d FROM t WHERE id=1"));
        assert!(!same("SELECT 1, 2", "SELECT 1 , 2"));
        assert!(!same("SELECT 1.5", "SELECT 1.55"));
        assert!(!same("SELECT c1 FROM t", "SELECT c2 FROM t"));
        assert!(!same("SELECT `1` FROM t", "SELECT `2` FROM t"));
    }

    #[test]
    fn unusual_texts_have_none() {
        for sql in [
            "SELECT 1 -- x",
            "SELECT /* 1 */ 1",
            "SELECT 1 # x",
            "SELECT 1; SELECT 2",
            "SELECT x'41'",
            "SELECT 0x41",
            "SELECT 1e5",
            "SELECT .5",
            "SELECT 'a' 'b'",
            "SELECT 'a",
            "SELECT _latin1'a'",
            "SELECT t.1a FROM t",
            "SELECT @'a'",
            "SELECT 1a FROM t",
            "SELECT ?",
            "SELECT N'a'",
            "SELECT '\\",
            "SELECT `a",
        ] {
            assert_eq!(scan(sql), None, "{sql}");
        }
    }

    /// Every literal that the grammar finds is found here too, at the same place and with the same value.
    #[test]
    fn values_are_the_grammar_s() {
        let texts = [
            "SELECT * FROM t WHERE a=1 AND b='x' AND c IN (1.50, 'it''s', 'a\\'b\\n\\%', \"q\"\"r\", 007)",
            "INSERT INTO t (a, b) VALUES (-5, 'ü€𝄞'), (9223372036854775807, '')",
            "UPDATE `t` SET a=a+1, b=\"x'y\" WHERE id BETWEEN 3 AND 4 LIMIT 10",
        ];
        for sql in texts {
            let context = ParseContext::default();
            let parsed = crate::parse(sql.as_bytes(), &context).unwrap();
            let (_, scanned) = scan(sql).unwrap();
            let mut found = 0;
            for at in 0..parsed.ast.expr_count() {
                let id = crate::ExprId(at as u32);
                let Expr::Literal(literal) = parsed.ast.expr(id) else { continue };
                let start = parsed.ast.span(id).start;
                let scanned = scanned.iter().find(|scanned| scanned.start == start).expect(sql);
                let value = scanned.value(sql.as_bytes(), &context).unwrap();
                let same = match (literal, &value) {
                    (Literal::Int(v), Value::Int(w)) => i64::try_from(*v) == Ok(*w),
                    (Literal::Decimal(v), Value::Decimal(w)) => Decimal::parse(v.as_bytes()).value == *w,
                    (Literal::String(v), Value::Text(w)) => v.bytes == *w,
                    _ => false,
                };
                assert!(same, "{sql}: {literal:?} {value:?}");
                found += 1;
            }
            assert!(found >= 3, "{sql}");
        }
        let sql = b"SELECT 99999999999999999999";
        let mut literals = Vec::new();
        fingerprint(sql, &ParseContext::default(), &mut literals);
        assert!(literals[0].value(sql, &ParseContext::default()).is_none());
    }
}
