//! JSON_TABLE.

use super::{Op, Row};
use crate::runtime::Runtime;
use aurora_expr::{EvalCtx, Expr};
use aurora_planner::JsonColumn;
use aurora_types::error::ER_NOT_SUPPORTED_YET;
use aurora_types::{SqlError, SqlResult};

/// Not built yet: opening it says so.
pub(super) struct JsonTable;

impl JsonTable {
    pub fn new(_doc: &Expr, _path: &str, _columns: &[JsonColumn]) -> JsonTable {
        JsonTable
    }
}

impl Op for JsonTable {
    fn open(&mut self, _: &Runtime<'_>, _: &mut EvalCtx<'_>) -> SqlResult<()> {
        Err(SqlError::new(ER_NOT_SUPPORTED_YET, &[&"JSON_TABLE"]))
    }

    fn next(&mut self, _: &Runtime<'_>, _: &mut EvalCtx<'_>, _: &mut Row) -> SqlResult<bool> {
        Ok(false)
    }
}
