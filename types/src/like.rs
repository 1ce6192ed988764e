//! `LIKE`: patterns with `%`, `_` and an escape character, character by character under a collation.

mod ascii;

use crate::CollationId;
use crate::collation::decode_char;
use ascii::AsciiPattern;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct LikePattern {
    collation: CollationId,
    items: Vec<Item>,
    /// The characters before the first wildcard, UTF-8 (raw bytes for `binary`).
    prefix: Vec<u8>,
    /// The whole pattern is `prefix` or `prefix%` and characters are equal only if their bytes are.
    plain: Option<Plain>,
    /// The pattern as far as ASCII text goes.
    ascii: Option<AsciiPattern>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Exact,
    Prefix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// A code point, or a byte under `binary`.
    Char(u32),
    /// `_`
    One,
    /// `%`
    Many,
}

/// The escape character where no `ESCAPE` is written and NO_BACKSLASH_ESCAPES is off.
pub const DEFAULT_ESCAPE: Option<char> = Some('\\');

impl LikePattern {
    /// Compiles `pattern`. `escape` is `None` for `ESCAPE ''` and under NO_BACKSLASH_ESCAPES. An escape at the
    /// pattern's end stands for itself.
    pub fn new(pattern: &[u8], escape: Option<char>, collation: CollationId) -> LikePattern {
        let mut items = Vec::with_capacity(pattern.len());
        let mut rest = pattern;
        while !rest.is_empty() {
            let (mut code, len) = next_char(rest, collation);
            rest = &rest[len..];
            let item = match code {
                0x25 if items.last() == Some(&Item::Many) => continue,
                0x25 => Item::Many,
                0x5F => Item::One,
                _ => {
                    if escape.is_some_and(|escape| u32::from(escape) == code) && !rest.is_empty() {
                        let (escaped, len) = next_char(rest, collation);
                        rest = &rest[len..];
                        code = escaped;
                    }
                    Item::Char(code)
                }
            };
            items.push(item);
        }
        let mut prefix = Vec::new();
        let literal = items.iter().take_while(|item| matches!(item, Item::Char(_))).count();
        for item in &items[..literal] {
            if let Item::Char(code) = *item {
                push_char(code, collation, &mut prefix);
            }
        }
        let plain = match items[literal..] {
            _ if !collation.is_bin() => None,
            [] => Some(Plain::Exact),
            [Item::Many] => Some(Plain::Prefix),
            _ => None,
        };
        let ascii = if plain.is_none() { AsciiPattern::new(&items, collation) } else { None };
        LikePattern { collation, items, prefix, plain, ascii }
    }

    /// The text before the first wildcard.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether the pattern has no wildcard at all.
    pub fn is_literal(&self) -> bool {
        self.items.iter().all(|item| matches!(item, Item::Char(_)))
    }

    /// Whether every text matches (`%`).
    pub fn matches_all(&self) -> bool {
        self.items == [Item::Many]
    }

    /// Appends what the sort keys of all matching texts begin with: bounds of an index range. Matching still has
    /// to be checked.
    pub fn key_prefix(&self, out: &mut Vec<u8>) {
        self.collation.key_prefix(&self.prefix, out);
    }

    /// Whether `text` matches. Worst case O(text × pattern) with two or more `%`, no recursion.
    pub fn matches(&self, text: &[u8]) -> bool {
        match self.plain {
            Some(Plain::Exact) => return text == self.prefix,
            Some(Plain::Prefix) => return text.starts_with(&self.prefix),
            None => {}
        }
        if let Some(ascii) = &self.ascii
            && text.is_ascii()
        {
            return ascii.matches(text);
        }
        self.matches_any(text)
    }

    /// Character by character.
    fn matches_any(&self, text: &[u8]) -> bool {
        let mut at_text = 0;
        let mut at_item = 0;
        // Where to go on after the last `%`: the item behind it, and the text position tried for it.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let item = self.items.get(at_item);
            if item == Some(&Item::Many) {
                at_item += 1;
                if at_item == self.items.len() {
                    return true;
                }
                retry = Some((at_item, at_text));
                continue;
            }
            if at_text == text.len() {
                return item.is_none();
            }
            let (code, len) = next_char(&text[at_text..], self.collation);
            let matched = match item {
                Some(Item::One) => true,
                Some(Item::Char(wanted)) => self.char_matches(code, *wanted),
                _ => false,
            };
            if matched {
                at_text += len;
                at_item += 1;
                continue;
            }
            let Some((item, from)) = retry else { return false };
            let (_, len) = next_char(&text[from..], self.collation);
            let from = from + len;
            (at_item, at_text, retry) = (item, from, Some((item, from)));
        }
    }

    fn char_matches(&self, code: u32, wanted: u32) -> bool {
        if code == wanted {
            return true;
        }
        // Two different printable ASCII letters are different in every collation but swe7's.
        let both_ascii = (0x20..0x7F).contains(&code) && (0x20..0x7F).contains(&wanted);
        if both_ascii && code | 0x20 != wanted | 0x20 && self.collation.charset() != crate::Charset::Swe7 {
            return false;
        }
        self.collation.chars_eq(code, wanted)
    }
}

fn next_char(text: &[u8], collation: CollationId) -> (u32, usize) {
    if collation.is_binary() { (text.first().copied().map_or(0, u32::from), 1) } else { decode_char(text) }
}

fn push_char(code: u32, collation: CollationId, out: &mut Vec<u8>) {
    if collation.is_binary() {
        out.push(code as u8);
    } else if let Some(c) = char::from_u32(code) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collation;

    fn like(text: &str, pattern: &str, name: &str) -> bool {
        let id = collation::lookup(name).unwrap_or(CollationId::BINARY);
        LikePattern::new(pattern.as_bytes(), DEFAULT_ESCAPE, id).matches(text.as_bytes())
    }

    #[test]
    fn wildcards_and_escapes_match() {
        for (text, pattern, expected) in [
            ("David!", "David_", true),
            ("David!", "%D%v%", true),
            ("David!", "David\\_", false),
            ("David_", "David\\_", true),
            ("", "%", true),
            ("", "_", false),
            ("", "", true),
            ("a", "", false),
            ("abcabd", "%abd", true),
            ("abcabc", "%abd%", false),
            ("a%", "a\\%", true),
            ("a\\", "a\\", true),
            ("ñandú", "Ñ_nd_", true),
            ("a ", "a", false),
            ("ß", "ss", false),
            ("mississippi", "m%iss%ip%i", true),
            ("mississippi", "m%iss%iss%iss%", false),
        ] {
            assert_eq!(like(text, pattern, "utf8mb4_0900_ai_ci"), expected, "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn the_collation_decides_which_letters_are_alike() {
        assert!(like("É", "e", "utf8mb4_0900_ai_ci"));
        assert!(!like("É", "e", "utf8mb4_0900_as_ci"));
        assert!(like("É", "é", "utf8mb4_0900_as_ci"));
        assert!(!like("A", "a", "utf8mb4_0900_as_cs"));
        assert!(!like("A", "a%", "utf8mb4_bin"));
        assert!(like("ab", "a%", "utf8mb4_bin"));
        assert!(like("É", "é", "latin1_swedish_ci"));
        assert!(!like("é", "_", "binary"));
        assert!(like("é", "__", "binary"));
    }

    #[test]
    fn ascii_matches_as_any_text_does() {
        let pieces = ["", "a", "B", "ab", "%", "_", "a%b", "%a%", "_b", "ba", "%ab%ba%", "b_%_a", " "];
        let texts = ["", "a", "b", "AB", "aba", "abba", "bab", "aabbaab", " a", "b b", "\ta\n"];
        for name in ["utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "latin1_swedish_ci", "binary", "utf8mb4_bin"]
        {
            let id = collation::lookup(name).unwrap_or(CollationId::BINARY);
            for (a, b) in pieces.iter().flat_map(|a| pieces.iter().map(move |b| (a, b))) {
                let pattern = LikePattern::new(format!("{a}{b}").as_bytes(), DEFAULT_ESCAPE, id);
                for text in texts {
                    let (quick, slow) =
                        (pattern.matches(text.as_bytes()), pattern.matches_any(text.as_bytes()));
                    assert_eq!(quick, slow, "{text:?} LIKE {a}{b} under {name}");
                }
            }
        }
    }

    #[test]
    fn a_long_pattern_of_wildcards_takes_no_exponential_time() {
        let text = "a".repeat(2000);
        assert!(!like(&text, &format!("{}b", "%a".repeat(200)), "utf8mb4_0900_ai_ci"));
    }

    #[test]
    fn prefixes_bound_index_ranges() {
        let pattern = LikePattern::new(b"ab\\%c%x_", DEFAULT_ESCAPE, CollationId::UTF8MB4_0900_AI_CI);
        assert_eq!(pattern.prefix(), b"ab%c");
        assert!(!pattern.is_literal());
        let (mut key, mut bound) = (Vec::new(), Vec::new());
        CollationId::UTF8MB4_0900_AI_CI.weights(b"AB%C-x!", &mut key);
        pattern.key_prefix(&mut bound);
        assert!(pattern.matches(b"AB%C-x!"));
        assert!(!bound.is_empty() && key.starts_with(&bound));
    }

    #[test]
    fn another_escape_character_or_none_can_be_chosen() {
        let matches = |text: &[u8], pattern: &[u8], escape| {
            LikePattern::new(pattern, escape, CollationId::UTF8MB4_0900_AI_CI).matches(text)
        };
        assert!(matches(b"a_", b"a|_", Some('|')));
        assert!(!matches(b"ab", b"a|_", Some('|')));
        assert!(matches(b"a\\b", b"a\\_", None));
    }
}
