//! System variables given at start: `--set name=value` and configuration files.

use aurora_session::variables::{
    Kind, Scope, VariableDef, VariableId, convert_assignment, definitions, lookup,
};
use aurora_types::{SqlMode, Text, Value};

/// Read-only variables that the start decides about, and never a client.
const AT_START: [&str; 3] = ["secure_file_priv", "audit", "encryption"];

/// Why a variable was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    Unknown(String),
    /// MySQL knows it, but it has no effect when this server starts.
    NoEffect(String),
    BadValue(String),
}

impl Refused {
    pub fn message(self) -> String {
        match self {
            Refused::Unknown(text) | Refused::NoEffect(text) | Refused::BadValue(text) => text,
        }
    }
}

/// Checks `name = text` as `SET GLOBAL` does; numbers may end in K, M, G or T.
pub fn assignment(name: &str, text: &str) -> Result<(VariableId, Value), Refused> {
    let name = name.trim().replace('-', "_").to_ascii_lowercase();
    let Some((id, definition)) = lookup(&name) else {
        let nearest = nearest(&name, definitions().iter().map(|definition| definition.name));
        return Err(Refused::Unknown(format!("unknown system variable `{name}`{}", hint(nearest))));
    };
    let flag = match definition.name {
        "datadir" => Some("--data-dir"),
        "port" | "bind_address" => Some("--listen"),
        "socket" => Some("--socket"),
        _ => None,
    };
    if let Some(flag) = flag {
        return Err(Refused::NoEffect(format!("`{name}` is not set as a variable; use {flag}")));
    }
    if definition.read_only && !AT_START.contains(&definition.name) {
        return Err(Refused::NoEffect(format!("`{name}` cannot be set in this server; leave it out")));
    }
    if definition.scope == Scope::SessionOnly {
        return Err(Refused::NoEffect(format!("`{name}` belongs to a session; SET it after connecting")));
    }
    let bad = |why: &str| Refused::BadValue(format!("`{name}` cannot be `{text}`: {why}"));
    let value = parse(definition, text).ok_or_else(|| bad(expected(&definition.kind)))?;
    if definition.name == "sql_mode" && SqlMode::parse(text).is_err() {
        return Err(bad("it names an unknown mode"));
    }
    let assignment = convert_assignment(definition, &value).map_err(|error| bad(&error.message))?;
    if assignment.truncated {
        let Kind::Integer { min, max } = definition.kind else { return Err(bad("it is out of bounds")) };
        return Err(bad(&format!("it must be from {min} to {max}")));
    }
    Ok((id, assignment.value))
}

fn parse(definition: &VariableDef, text: &str) -> Option<Value> {
    let text = text.trim();
    match &definition.kind {
        Kind::Integer { .. } => parse_integer(text),
        Kind::Double { .. } => text.parse().ok().map(Value::Double),
        Kind::Boolean => match text {
            "0" => Some(Value::Int(0)),
            "1" => Some(Value::Int(1)),
            word => Some(Value::Text(Text::from(word))),
        },
        Kind::Enumeration(_) => match text.parse() {
            Ok(number) => Some(Value::Int(number)),
            Err(_) => Some(Value::Text(Text::from(text))),
        },
        Kind::String | Kind::Set => Some(Value::Text(Text::from(text))),
    }
}

fn parse_integer(text: &str) -> Option<Value> {
    let shift = match text.as_bytes().last()?.to_ascii_uppercase() {
        b'K' => 10,
        b'M' => 20,
        b'G' => 30,
        b'T' => 40,
        _ => 0,
    };
    let digits = if shift == 0 { text } else { &text[..text.len() - 1] };
    if let Ok(number) = digits.parse::<u64>() {
        return number.checked_mul(1 << shift).map(Value::UInt);
    }
    digits.parse::<i64>().ok()?.checked_mul(1 << shift).map(Value::Int)
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Integer { .. } => "a whole number is expected, such as 64 or 16M",
        Kind::Double { .. } => "a number is expected",
        _ => "another value is expected",
    }
}

/// `; did you mean …?`, or nothing.
pub fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The name that a mistyped one was probably meant to be.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = 1 + name.len() / 5;
    known
        .map(|other| (distance(name, other), other))
        .filter(|(far, _)| *far <= most)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance, in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let kept = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = kept.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, text: &str) -> Value {
        assignment(name, text).expect("accepted").1
    }

    #[test]
    fn values_are_read_by_their_kind() {
        assert!(matches!(value("max_connections", "200"), Value::UInt(200)));
        assert!(matches!(value("innodb-buffer-pool-size", "1G"), Value::UInt(0x4000_0000)));
        assert!(matches!(value("autocommit", "off"), Value::Int(0)));
        assert!(matches!(value("sql_mode", "ANSI_QUOTES"), Value::Text(_)));
        assert!(matches!(value("audit", "async"), Value::Text(text) if text.as_bytes() == b"ASYNC"));
        assert!(matches!(value("encryption", "OFF"), Value::Int(0)));
        assert!(matches!(assignment("audit", "maybe"), Err(Refused::BadValue(_))));
    }

    #[test]
    fn mistakes_are_told_with_what_to_do() {
        let unknown = assignment("max_conections", "1").expect_err("unknown").message();
        assert_eq!(unknown, "unknown system variable `max_conections`; did you mean `max_connections`?");
        assert!(assignment("port", "1").expect_err("a flag").message().contains("--listen"));
        assert!(
            assignment("max_connections", "many").expect_err("no number").message().contains("64 or 16M")
        );
        assert!(assignment("wait_timeout", "0").expect_err("too small").message().contains("from 1 to"));
        assert!(matches!(assignment("sql_mode", "NONSENSE"), Err(Refused::BadValue(_))));
        assert!(matches!(assignment("lower_case_table_names", "1"), Err(Refused::NoEffect(_))));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("lisen", ["listen", "http"].into_iter()), Some("listen"));
        assert_eq!(nearest("zzz", ["listen", "http"].into_iter()), None);
    }
}
