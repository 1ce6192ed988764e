//! JSON values as numbers.

use crate::context::EvalCtx;
use aurora_types::error::ER_INVALID_JSON_VALUE_FOR_CAST;
use aurora_types::{Decimal, Json, SqlError, SqlResult, number};

impl EvalCtx<'_> {
    /// 3156: as an error in strict statements that change data, else as a warning.
    fn no_number(&mut self, kind: &str) -> SqlResult<()> {
        let row = self.row_number;
        if self.strict_dml && self.sql_mode.is_strict() {
            return Err(SqlError::new(ER_INVALID_JSON_VALUE_FOR_CAST, &[&kind, &"", &row]));
        }
        self.diagnostics.warn(ER_INVALID_JSON_VALUE_FOR_CAST, &[&kind, &"", &row]);
        Ok(())
    }

    /// The document in `text` as a number: truth values are 0 and 1, strings are read, the rest is 0 with a warning.
    fn json_number(&mut self, text: &[u8], kind: &str) -> SqlResult<Json> {
        Ok(match Json::from_normal(text).unwrap_or(Json::Null) {
            Json::Bool(truth) => Json::Int(i64::from(truth)),
            Json::String(text) => {
                let whole = number::parse_integer(&text);
                let rest = text.get(whole.consumed..).unwrap_or(&[]);
                if let Ok(v) = i64::try_from(whole.value)
                    && whole.consumed > 0
                    && number::only_space(rest)
                {
                    return Ok(Json::Int(v));
                }
                let parsed = number::parse_double(&text);
                let rest = text.get(parsed.consumed..).unwrap_or(&[]);
                if parsed.consumed == 0 || !number::only_space(rest) {
                    self.no_number(kind)?;
                }
                Json::Double(parsed.value)
            }
            Json::Null | Json::Array(_) | Json::Object(_) => {
                self.no_number(kind)?;
                Json::Int(0)
            }
            number => number,
        })
    }

    pub(super) fn json_to_i128(&mut self, text: &[u8]) -> SqlResult<i128> {
        Ok(match self.json_number(text, "INTEGER")? {
            Json::Int(v) => i128::from(v),
            Json::UInt(v) => i128::from(v),
            Json::Double(v) => v.round_ties_even().clamp(i64::MIN as f64, u64::MAX as f64) as i128,
            Json::Decimal(v) if v.is_negative() => i128::from(v.to_i64().0),
            Json::Decimal(v) => i128::from(v.to_u64().0),
            _ => 0,
        })
    }

    pub(super) fn json_to_f64(&mut self, text: &[u8]) -> SqlResult<f64> {
        Ok(match self.json_number(text, "DOUBLE")? {
            Json::Int(v) => v as f64,
            Json::UInt(v) => v as f64,
            Json::Double(v) => v,
            Json::Decimal(v) => v.to_f64(),
            _ => 0.0,
        })
    }

    pub(super) fn json_to_decimal(&mut self, text: &[u8]) -> SqlResult<Decimal> {
        Ok(match self.json_number(text, "DECIMAL")? {
            Json::Int(v) => Decimal::from_i64(v),
            Json::UInt(v) => Decimal::from_u64(v),
            Json::Double(v) => Decimal::from_f64(v).0,
            Json::Decimal(v) => v,
            _ => Decimal::ZERO,
        })
    }
}
