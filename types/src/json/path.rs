//! JSON paths: `$.a[0]."b c"[last-1]**.d[1 to 3].*`.

use super::{Json, write_string};

/// A parsed path; `$` by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    legs: Vec<Leg>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leg {
    Member(Vec<u8>),
    /// `.*`
    AnyMember,
    Cell(Index),
    /// `[*]`
    AnyCell,
    /// `[from to to]`, both included.
    Range(Index, Index),
    /// `**`: the value itself and all below it.
    Ellipsis,
}

/// A place in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    FromStart(usize),
    /// `last` is 0.
    FromEnd(usize),
}

/// One step of the way to a value that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    Key(&'a [u8]),
    At(usize),
}

impl Index {
    /// The position in an array of `len` elements; `None` before its start.
    pub fn resolve(self, len: usize) -> Option<usize> {
        match self {
            Index::FromStart(n) => Some(n),
            Index::FromEnd(n) => len.checked_sub(n + 1),
        }
    }
}

/// Longest path; more legs than documents can be deep match nothing anyway.
const MAX_LEGS: usize = 1024;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// The position, from 1, that an error message names.
type Parsed<T> = Result<T, usize>;

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn fail<T>(&self) -> Parsed<T> {
        Err(self.text[..self.at].chars().count())
    }

    fn spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.spaces();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn number(&mut self) -> Parsed<usize> {
        self.spaces();
        let len = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        match self.rest()[..len].parse::<u32>() {
            Ok(n) => {
                self.at += len;
                Ok(n as usize)
            }
            Err(_) => self.fail(),
        }
    }

    fn index(&mut self) -> Parsed<Index> {
        if !self.eat("last") {
            return self.number().map(Index::FromStart);
        }
        if self.eat("-") { self.number().map(Index::FromEnd) } else { Ok(Index::FromEnd(0)) }
    }

    fn cell(&mut self) -> Parsed<Leg> {
        if self.eat("*") {
            return if self.eat("]") { Ok(Leg::AnyCell) } else { self.fail() };
        }
        let from = self.index()?;
        let before = self.at;
        self.spaces();
        let leg = if self.at > before && self.eat("to") {
            if !self.rest().starts_with([' ', '\t', '\n', '\r']) {
                return self.fail();
            }
            let to = self.index()?;
            let backwards = match (from, to) {
                (Index::FromStart(a), Index::FromStart(b)) => a > b,
                (Index::FromEnd(a), Index::FromEnd(b)) => a < b,
                _ => false,
            };
            if backwards {
                return self.fail();
            }
            Leg::Range(from, to)
        } else {
            Leg::Cell(from)
        };
        if self.eat("]") { Ok(leg) } else { self.fail() }
    }

    fn member(&mut self) -> Parsed<Leg> {
        if self.eat("*") {
            return Ok(Leg::AnyMember);
        }
        if self.rest().starts_with('"') {
            let bytes = self.rest().as_bytes();
            let mut end = 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let Some(quoted) = self.rest().get(..=end) else { return self.fail() };
            return match Json::parse(quoted.as_bytes()) {
                Ok(Json::String(key)) => {
                    self.at += end + 1;
                    Ok(Leg::Member(key))
                }
                _ => self.fail(),
            };
        }
        let end = self.rest().find([' ', '\t', '\n', '\r', '.', '[', '*']).unwrap_or(self.rest().len());
        let name = &self.rest()[..end];
        if !is_identifier(name) {
            return self.fail();
        }
        let key = name.as_bytes().to_vec();
        self.at += end;
        Ok(Leg::Member(key))
    }
}

/// An ECMAScript identifier: needs no quotes in a path.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let start = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    chars.next().is_some_and(start)
        && chars.all(|c| start(c) || c.is_numeric() || matches!(c, '\u{200C}' | '\u{200D}'))
}

impl Path {
    /// # Errors
    /// The character position of what is wrong.
    pub fn parse(text: &[u8]) -> Result<Path, usize> {
        let text = std::str::from_utf8(text).map_err(|error| error.valid_up_to())?;
        let mut parser = Parser { text, at: 0 };
        if !parser.eat("$") {
            return Err(parser.at + 1);
        }
        let mut legs = Vec::new();
        loop {
            parser.spaces();
            if parser.rest().is_empty() {
                break;
            }
            if legs.len() == MAX_LEGS {
                return parser.fail();
            }
            let leg = if parser.eat("**") {
                if parser.rest().starts_with('*') {
                    return parser.fail();
                }
                Leg::Ellipsis
            } else if parser.eat(".") {
                parser.spaces();
                parser.member()?
            } else if parser.eat("[") {
                parser.cell()?
            } else {
                return parser.fail();
            };
            legs.push(leg);
        }
        if legs.last() == Some(&Leg::Ellipsis) {
            return parser.fail();
        }
        Ok(Path { legs })
    }

    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// `$`.
    pub fn is_root(&self) -> bool {
        self.legs.is_empty()
    }

    /// Whether it can lead to more than one value.
    pub fn is_multiple(&self) -> bool {
        self.legs.iter().any(|leg| !matches!(leg, Leg::Member(_) | Leg::Cell(_)))
    }

    /// Every value that the path leads to, once, in document order.
    pub fn find<'a>(&self, json: &'a Json) -> Vec<&'a Json> {
        let mut found = Vec::new();
        self.visit(json, &mut |value, _| found.push(value));
        found
    }

    /// As [`Path::find`], with the way to each value.
    pub fn visit<'a>(&self, json: &'a Json, visitor: &mut dyn FnMut(&'a Json, &[Step<'a>])) {
        let deduplicate = self.legs.contains(&Leg::Ellipsis);
        let mut seen = std::collections::HashSet::new();
        let mut location = Vec::new();
        follow(json, &self.legs, &mut location, &mut |value, location| {
            if !deduplicate || seen.insert(std::ptr::from_ref(value)) {
                visitor(value, location);
            }
        });
    }
}

fn follow<'a>(
    json: &'a Json,
    legs: &[Leg],
    location: &mut Vec<Step<'a>>,
    visitor: &mut dyn FnMut(&'a Json, &[Step<'a>]),
) {
    let Some((leg, rest)) = legs.split_first() else { return visitor(json, location) };
    let mut into = |value: &'a Json, step: Step<'a>, legs: &[Leg], location: &mut Vec<Step<'a>>| {
        location.push(step);
        follow(value, legs, location, visitor);
        location.pop();
    };
    match (leg, json) {
        (Leg::Member(key), Json::Object(object)) => {
            if let Some((key, value)) = object.get_entry(key) {
                into(value, Step::Key(key), rest, location);
            }
        }
        (Leg::AnyMember, Json::Object(object)) => {
            for (key, value) in object.iter() {
                into(value, Step::Key(key), rest, location);
            }
        }
        (Leg::AnyCell, Json::Array(list)) => {
            for (i, value) in list.iter().enumerate() {
                into(value, Step::At(i), rest, location);
            }
        }
        (Leg::Cell(index), Json::Array(list)) => {
            if let Some((i, value)) = index.resolve(list.len()).and_then(|i| Some((i, list.get(i)?))) {
                into(value, Step::At(i), rest, location);
            }
        }
        (Leg::Range(from, to), Json::Array(list)) => {
            let from = from.resolve(list.len()).unwrap_or(0);
            if let Some(to) = to.resolve(list.len()) {
                for (i, value) in list.iter().enumerate().take(to.saturating_add(1)).skip(from) {
                    into(value, Step::At(i), rest, location);
                }
            }
        }
        // What is no array counts as an array of itself.
        (Leg::Cell(index), _) if index.resolve(1) == Some(0) => follow(json, rest, location, visitor),
        (Leg::Range(from, to), _) if from.resolve(1).unwrap_or(0) == 0 && to.resolve(1).is_some() => {
            follow(json, rest, location, visitor);
        }
        (Leg::Ellipsis, _) => {
            follow(json, rest, location, visitor);
            let mut into = |value: &'a Json, step: Step<'a>| {
                location.push(step);
                follow(value, legs, location, visitor);
                location.pop();
            };
            match json {
                Json::Array(list) => list.iter().enumerate().for_each(|(i, value)| into(value, Step::At(i))),
                Json::Object(object) => object.iter().for_each(|(key, value)| into(value, Step::Key(key))),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Appends the path to a place, as `JSON_SEARCH` gives it.
pub fn write_location(steps: &[Step<'_>], out: &mut Vec<u8>) {
    out.push(b'$');
    for step in steps {
        match step {
            Step::At(i) => out.extend_from_slice(format!("[{i}]").as_bytes()),
            Step::Key(key) => {
                out.push(b'.');
                if std::str::from_utf8(key).is_ok_and(is_identifier) {
                    out.extend_from_slice(key);
                } else {
                    write_string(key, out);
                }
            }
        }
    }
}
