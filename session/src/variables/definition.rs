//! What variables exist.

use aurora_types::{Text, Value};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Position in [`definitions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Global,
    /// Has a global and a session value.
    Both,
    SessionOnly,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Boolean,
    /// Bounds are inclusive; values out of them are cut with warning 1292.
    Integer {
        min: i128,
        max: i128,
    },
    Double {
        min: f64,
        max: f64,
    },
    String,
    Enumeration(Vec<&'static str>),
    Set,
}

#[derive(Clone, Debug)]
pub struct VariableDef {
    pub name: &'static str,
    pub scope: Scope,
    pub kind: Kind,
    pub read_only: bool,
    /// Compiled-in default: Int or UInt for numbers and booleans, Text for the rest, Null for strings that are NULL.
    pub default: Value,
}

impl VariableDef {
    /// The value as SHOW VARIABLES prints it: booleans as ON and OFF.
    pub fn shown(&self, value: &Value) -> Vec<u8> {
        match (&self.kind, value) {
            (Kind::Boolean, Value::Int(0)) => b"OFF".to_vec(),
            (Kind::Boolean, Value::Int(_)) => b"ON".to_vec(),
            (_, Value::Int(number)) => number.to_string().into_bytes(),
            (_, Value::UInt(number)) => number.to_string().into_bytes(),
            (_, Value::Double(number)) => format!("{number:.6}").into_bytes(),
            (_, Value::Text(text)) => text.as_bytes().to_vec(),
            _ => Vec::new(),
        }
    }
}

static TABLE: &str = include_str!("system_variables.tsv");

fn parse_line(line: &'static str) -> Option<VariableDef> {
    let mut fields = line.split('\t');
    let name = fields.next()?;
    let scope = match fields.next()? {
        "GLOBAL" => Scope::Global,
        "SESSION" => Scope::Both,
        _ => Scope::SessionOnly,
    };
    let kind_name = fields.next()?;
    let read_only = fields.next()? == "ro";
    let (min, max) = (fields.next()?, fields.next()?);
    let default = fields.next()?;
    let members = fields.next().unwrap_or("");
    let (kind, default) = match kind_name {
        "Boolean" => (Kind::Boolean, Value::Int(i64::from(default == "ON" || default == "1"))),
        "Integer" => {
            let bounds = (min.parse().unwrap_or(0), max.parse().unwrap_or(i128::from(u64::MAX)));
            let value = match default.parse::<i128>().unwrap_or(0) {
                number if number < 0 => Value::Int(number as i64),
                number => Value::UInt(number as u64),
            };
            (Kind::Integer { min: bounds.0, max: bounds.1 }, value)
        }
        "Numeric" => {
            let bounds = (min.parse().unwrap_or(0.0), max.parse().unwrap_or(f64::MAX));
            (Kind::Double { min: bounds.0, max: bounds.1 }, Value::Double(default.parse().unwrap_or(0.0)))
        }
        "Enumeration" => (Kind::Enumeration(members.split(',').collect()), Value::Text(Text::from(default))),
        "Set" => (Kind::Set, Value::Text(Text::from(default))),
        _ => (Kind::String, Value::Text(Text::from(default))),
    };
    let default = if name == "secure_file_priv" { Value::Null } else { default };
    Some(VariableDef { name, scope, kind, read_only, default })
}

/// All variables, in order of name.
pub fn definitions() -> &'static [VariableDef] {
    static DEFINITIONS: OnceLock<Vec<VariableDef>> = OnceLock::new();
    DEFINITIONS.get_or_init(|| {
        let mut all: Vec<VariableDef> =
            TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(parse_line).collect();
        all.sort_by_key(|definition| definition.name);
        all
    })
}

/// Finds a variable by name, without case.
pub fn lookup(name: &str) -> Option<(VariableId, &'static VariableDef)> {
    static BY_NAME: OnceLock<HashMap<&'static str, u16>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        definitions().iter().enumerate().map(|(at, definition)| (definition.name, at as u16)).collect()
    });
    let at = match by_name.get(name) {
        Some(at) => *at,
        None => *by_name.get(name.to_ascii_lowercase().as_str())?,
    };
    Some((VariableId(at), &definitions()[usize::from(at)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_definition() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(definitions().len(), lines);
        assert!(lines > 600);
    }

    #[test]
    fn names_are_found_without_case() {
        let (_, definition) = lookup("SQL_Mode").expect("known");
        assert_eq!(definition.name, "sql_mode");
        assert!(lookup("no_such_variable").is_none());
    }

    #[test]
    fn booleans_are_shown_as_words() {
        let (_, definition) = lookup("autocommit").expect("known");
        assert_eq!(definition.shown(&definition.default), b"ON");
    }
}
