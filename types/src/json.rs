//! JSON values: text in and out as MySQL prints it, comparison, paths, changes.
//!
//! A JSON [`Value`](crate::Value) is text in normal form; functions parse it ([`Json::from_normal`]), work on the tree
//! and print it again. Normal form: members by length of key and then bytes, the last of equal keys, `": "` and
//! `", "`, doubles with a point or an exponent. Dates and bytes inside of documents are strings.

mod compare;
mod merge;
mod parse;
mod path;
mod print;
mod size;
mod update;

use crate::Decimal;

pub use parse::{JsonError, JsonProblem};
pub use path::{Index, Leg, Path, Step, write_location};
pub use update::Change;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 100;

/// A JSON document.
#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX` only.
    UInt(u64),
    Double(f64),
    /// From SQL; text parses to [`Json::Double`].
    Decimal(Decimal),
    /// UTF-8.
    String(Vec<u8>),
    Array(Vec<Json>),
    Object(Object),
}

/// Members in the order of their keys: by length, then by bytes.
#[derive(Clone, Debug, Default)]
pub struct Object {
    members: Vec<(Vec<u8>, Json)>,
}

fn key_order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Object {
    /// Of members in any order; the last of equal keys stays.
    pub fn from_members(mut members: Vec<(Vec<u8>, Json)>) -> Object {
        members.reverse();
        members.sort_by(|a, b| key_order(&a.0, &b.0));
        members.dedup_by(|later, kept| later.0 == kept.0);
        Object { members }
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Json)> {
        self.members.iter().map(|(key, value)| (key.as_slice(), value))
    }

    fn position(&self, key: &[u8]) -> Result<usize, usize> {
        self.members.binary_search_by(|(have, _)| key_order(have, key))
    }

    pub fn get(&self, key: &[u8]) -> Option<&Json> {
        self.position(key).ok().map(|at| &self.members[at].1)
    }

    /// As [`Object::get`], with the key as it is kept.
    pub fn get_entry(&self, key: &[u8]) -> Option<(&[u8], &Json)> {
        self.position(key).ok().map(|at| (self.members[at].0.as_slice(), &self.members[at].1))
    }

    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut Json> {
        self.position(key).ok().map(|at| &mut self.members[at].1)
    }

    /// Sets a member.
    pub fn insert(&mut self, key: Vec<u8>, value: Json) {
        match self.position(&key) {
            Ok(at) => self.members[at].1 = value,
            Err(at) => self.members.insert(at, (key, value)),
        }
    }

    pub fn remove(&mut self, key: &[u8]) -> Option<Json> {
        self.position(key).ok().map(|at| self.members.remove(at).1)
    }
}

impl IntoIterator for Object {
    type Item = (Vec<u8>, Json);
    type IntoIter = std::vec::IntoIter<(Vec<u8>, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl Json {
    /// The tree of any JSON text.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &[u8]) -> Result<Json, JsonError> {
        parse::parse(text, false)
    }

    /// The tree of text in normal form: numbers that no double prints are decimals again.
    pub fn from_normal(text: &[u8]) -> Result<Json, JsonError> {
        parse::parse(text, true)
    }

    /// Appends the text in normal form.
    pub fn write(&self, out: &mut Vec<u8>) {
        print::write(self, out);
    }

    pub fn to_text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Appends the text with one element a line.
    pub fn write_pretty(&self, out: &mut Vec<u8>) {
        print::write_pretty(self, 0, out);
    }

    /// An integer of either sign.
    pub fn from_u64(v: u64) -> Json {
        i64::try_from(v).map_or(Json::UInt(v), Json::Int)
    }

    /// As `JSON_TYPE` names it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "NULL",
            Json::Bool(_) => "BOOLEAN",
            Json::Int(_) => "INTEGER",
            Json::UInt(_) => "UNSIGNED INTEGER",
            Json::Double(_) => "DOUBLE",
            Json::Decimal(_) => "DECIMAL",
            Json::String(_) => "STRING",
            Json::Array(_) => "ARRAY",
            Json::Object(_) => "OBJECT",
        }
    }

    /// Elements or members; 1 for a scalar.
    pub fn length(&self) -> usize {
        match self {
            Json::Array(list) => list.len(),
            Json::Object(object) => object.len(),
            _ => 1,
        }
    }

    /// 1 for scalars and what is empty.
    pub fn depth(&self) -> usize {
        1 + match self {
            Json::Array(list) => list.iter().map(Json::depth).max().unwrap_or(0),
            Json::Object(object) => object.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// Appends `text` as a JSON string, in quotes.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    print::write_string(text, out);
}

#[cfg(test)]
mod tests;
