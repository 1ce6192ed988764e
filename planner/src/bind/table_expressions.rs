//! Expressions that are stored with a table's definition as text.

use super::{Binder, State};
use crate::context::PlanContext;
use crate::plan::TableExpressions;
use aurora_catalog::{ColumnDefault, KeyPart, TableDef};
use aurora_expr::{Expr, ExprKind};
use aurora_parser::{ParseContext, QueryBody, SelectItem, Statement};
use aurora_types::error::{
    ER_CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED, ER_DEFAULT_VAL_GENERATED_VARIABLES,
    ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED, ER_GENERATED_COLUMN_NAMED_FUNCTION_IS_NOT_ALLOWED,
};
use aurora_types::{SqlError, SqlResult};
use std::sync::Arc;

/// Resolves defaults, generated columns, checks and functional key parts of a table.
///
/// # Errors
/// What resolution of the stored text raises; 1235 where it has a subquery.
pub fn table_expressions(table: &Arc<TableDef>, ctx: &PlanContext<'_>) -> SqlResult<TableExpressions> {
    let one = |text: &str| stored_expression(text, table, ctx);
    // What gives another value tomorrow must not be kept in a row, an index or the promise of a check.
    let lasting = |text: &str, refused: &dyn Fn(&str) -> SqlError| {
        let expr = bound(text, table, ctx)?;
        match fleeting(&expr) {
            Some(name) => Err(refused(name)),
            None => Ok(folded(expr, ctx)),
        }
    };
    let mut result = TableExpressions::default();
    for column in &table.columns {
        result.defaults.push(match &column.default {
            ColumnDefault::Expression(text) => Some(one(text)?),
            _ => None,
        });
        result.generated.push(match &column.generated {
            Some(generated) => Some(lasting(&generated.expression, &|function| {
                if function.starts_with('@') {
                    return SqlError::new(ER_DEFAULT_VAL_GENERATED_VARIABLES, &[&column.name]);
                }
                SqlError::new(ER_GENERATED_COLUMN_NAMED_FUNCTION_IS_NOT_ALLOWED, &[&column.name, &function])
            })?),
            None => None,
        });
    }
    for check in &table.checks {
        let refused = |function: &str| {
            SqlError::new(ER_CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED, &[&check.name, &function])
        };
        result.checks.push(if check.enforced { Some(lasting(&check.expression, &refused)?) } else { None });
    }
    for index in &table.indexes {
        for (number, part) in index.parts.iter().enumerate() {
            if let KeyPart::Expression(text) = &part.part {
                let refused =
                    |_: &str| SqlError::new(ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED, &[&index.name]);
                result.key_parts.push((index.id, number, lasting(text, &refused)?));
            }
        }
    }
    Ok(result)
}

/// An expression text over the columns of `table`: `Column(i)` is its column at position `i`.
///
/// # Errors
/// 1064, and what resolution raises.
pub fn stored_expression(text: &str, table: &Arc<TableDef>, ctx: &PlanContext<'_>) -> SqlResult<Expr> {
    Ok(folded(bound(text, table, ctx)?, ctx))
}

fn folded(mut expr: Expr, ctx: &PlanContext<'_>) -> Expr {
    State::new(ctx, 0).fold(&mut expr);
    expr
}

/// Functions whose value depends on more than their arguments, as MySQL names them in errors.
const FLEETING: [&str; 32] = [
    "benchmark",
    "connection_id",
    "current_role",
    "current_user",
    "curdate",
    "curtime",
    "database",
    "found_rows",
    "get_lock",
    "icu_version",
    "is_free_lock",
    "is_used_lock",
    "last_insert_id",
    "load_file",
    "localtime",
    "now",
    "rand",
    "random_bytes",
    "release_all_locks",
    "release_lock",
    "row_count",
    "session_user",
    "sleep",
    "sysdate",
    "system_user",
    "unix_timestamp",
    "user",
    "utc_date",
    "utc_time",
    "utc_timestamp",
    "uuid",
    "uuid_short",
];

/// The first function (or variable, `@`) in the expression that may not be kept.
fn fleeting(expr: &Expr) -> Option<&'static str> {
    let mut found = None;
    expr.any(&mut |e| {
        found = match &e.kind {
            ExprKind::Call { function, .. } if function.name == "version" => Some("version()"),
            ExprKind::Call { function, .. } if function.name == "icu_version" => Some("icu_version()"),
            ExprKind::Call { function, .. } => {
                let name = FLEETING.iter().find(|name| **name == function.name).copied();
                let volatile = function.determinism == aurora_expr::Determinism::Volatile;
                name.or_else(|| volatile.then_some(function.name))
            }
            ExprKind::UserVariable(_) | ExprKind::AssignVariable { .. } | ExprKind::SystemVariable { .. } => {
                Some("@")
            }
            _ => None,
        };
        found.is_some()
    });
    found
}

fn bound(text: &str, table: &Arc<TableDef>, ctx: &PlanContext<'_>) -> SqlResult<Expr> {
    let sql = format!("SELECT ({text})");
    let context = ParseContext { parameters: false, ..ParseContext::default() };
    let parsed = aurora_parser::parse(sql.as_bytes(), &context)?;
    let Statement::Query(query) = parsed.statement else {
        return super::unsupported("this stored expression");
    };
    let QueryBody::Select(select) = &parsed.ast.query(query).body else {
        return super::unsupported("this stored expression");
    };
    let Some(SelectItem::Expr { expr, .. }) = select.items.first() else {
        return super::unsupported("this stored expression");
    };
    let mut state = State::new(ctx, 0);
    let mut binder = Binder {
        state: &mut state,
        ast: &parsed.ast,
        database: Some(table.schema.clone()),
        definer: None,
        with: Vec::new(),
        may_lift: false,
        lifting: false,
    };
    binder.push_block();
    let part = binder.base_table(table, &table.name, None)?;
    binder.block().visible = part.visible;
    let bound = binder.expr(*expr)?;
    if super::has_subquery(&bound) {
        return super::unsupported("a subquery in a stored expression");
    }
    Ok(bound)
}
