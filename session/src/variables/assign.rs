//! `SET variable = value`: what a value becomes for a variable's type.
//!
//! MySQL 9.7: manual, "SET Syntax for Variable Assignment"; numbers and texts checked against the server.

use super::definition::{Kind, VariableDef};
use aurora_types::error::{ER_WRONG_TYPE_FOR_VAR, ER_WRONG_VALUE_FOR_VAR};
use aurora_types::{SqlError, SqlResult, Text, Value};

/// An assignment that passed: the value, and whether it was cut to the variable's bounds (warning 1292).
#[derive(Debug)]
pub struct Assignment {
    pub value: Value,
    pub truncated: bool,
}

fn exact(value: Value) -> SqlResult<Assignment> {
    Ok(Assignment { value, truncated: false })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_string(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Text(text) => text.to_str_lossy().into_owned(),
        other => format!("{other:?}"),
    }
}

fn wrong_value(definition: &VariableDef, value: &Value) -> SqlError {
    SqlError::new(ER_WRONG_VALUE_FOR_VAR, &[&definition.name, &shown(value)])
}

fn wrong_type(definition: &VariableDef) -> SqlError {
    SqlError::new(ER_WRONG_TYPE_FOR_VAR, &[&definition.name])
}

fn as_i128(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::UInt(number) => Some(i128::from(*number)),
        _ => None,
    }
}

/// Converts `value` for `definition`, or says why not (1231, 1232).
pub fn convert_assignment(definition: &VariableDef, value: &Value) -> SqlResult<Assignment> {
    match &definition.kind {
        Kind::Boolean => match value {
            Value::Int(0) | Value::UInt(0) => exact(Value::Int(0)),
            Value::Int(1) | Value::UInt(1) => exact(Value::Int(1)),
            Value::Text(text) => match text.to_str_lossy().to_ascii_uppercase().as_str() {
                "ON" | "TRUE" => exact(Value::Int(1)),
                "OFF" | "FALSE" => exact(Value::Int(0)),
                _ => Err(wrong_value(definition, value)),
            },
            Value::Double(_) | Value::Decimal(_) => Err(wrong_type(definition)),
            _ => Err(wrong_value(definition, value)),
        },
        Kind::Integer { min, max } => {
            let Some(number) = as_i128(value) else { return Err(wrong_type(definition)) };
            let kept = number.clamp(*min, *max);
            let out = if kept < 0 { Value::Int(kept as i64) } else { Value::UInt(kept as u64) };
            Ok(Assignment { value: out, truncated: kept != number })
        }
        Kind::Double { min, max } => {
            let number = match value {
                Value::Double(number) => *number,
                Value::Decimal(_) => shown_decimal(value).ok_or_else(|| wrong_type(definition))?,
                _ => as_i128(value).ok_or_else(|| wrong_type(definition))? as f64,
            };
            let kept = number.clamp(*min, *max);
            Ok(Assignment { value: Value::Double(kept), truncated: kept != number })
        }
        Kind::String => match value {
            Value::Text(_) | Value::Null => exact(value.clone()),
            _ => Err(wrong_type(definition)),
        },
        Kind::Enumeration(members) => {
            let found = match value {
                Value::Text(text) => {
                    let wanted = text.to_str_lossy();
                    members.iter().find(|member| member.eq_ignore_ascii_case(&wanted))
                }
                _ => as_i128(value).and_then(|at| members.get(usize::try_from(at).ok()?)),
            };
            let member = found.ok_or_else(|| wrong_value(definition, value))?;
            exact(Value::Text(Text::from(*member)))
        }
        Kind::Set => match value {
            Value::Text(_) | Value::Int(_) | Value::UInt(_) => exact(value.clone()),
            _ => Err(wrong_value(definition, value)),
        },
    }
}

fn shown_decimal(value: &Value) -> Option<f64> {
    match value {
        Value::Decimal(decimal) => format!("{decimal}").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookup;
    use super::*;

    fn assign(name: &str, value: Value) -> SqlResult<Assignment> {
        convert_assignment(lookup(name).expect("known").1, &value)
    }

    #[test]
    fn a_number_out_of_bounds_is_cut_and_said_so() {
        let assignment = assign("wait_timeout", Value::Int(0)).expect("cut");
        assert!(assignment.truncated);
        assert!(matches!(assignment.value, Value::UInt(1)));
    }

    #[test]
    fn a_word_for_a_number_is_1232_and_an_unknown_member_1231() {
        assert_eq!(assign("wait_timeout", Value::Text(Text::from("x"))).expect_err("refused").code, 1232);
        assert_eq!(assign("binlog_format", Value::Text(Text::from("x"))).expect_err("refused").code, 1231);
        assert_eq!(assign("autocommit", Value::Int(2)).expect_err("refused").code, 1231);
    }

    #[test]
    fn an_enumeration_takes_its_index_too() {
        let assignment = assign("binlog_format", Value::Int(2)).expect("ROW");
        assert!(matches!(&assignment.value, Value::Text(text) if text.as_bytes() == b"ROW"));
    }
}
