//! Expressions that are stored with a table's definition as text.

use super::{Binder, State};
use crate::context::PlanContext;
use crate::plan::TableExpressions;
use aurora_catalog::{ColumnDefault, KeyPart, TableDef};
use aurora_expr::Expr;
use aurora_parser::{ParseContext, QueryBody, SelectItem, Statement};
use aurora_types::SqlResult;
use std::sync::Arc;

/// Resolves defaults, generated columns, checks and functional key parts of a table.
///
/// # Errors
/// What resolution of the stored text raises; 1235 where it has a subquery.
pub fn table_expressions(table: &Arc<TableDef>, ctx: &PlanContext<'_>) -> SqlResult<TableExpressions> {
    let one = |text: &str| stored_expression(text, table, ctx);
    let mut result = TableExpressions::default();
    for column in &table.columns {
        result.defaults.push(match &column.default {
            ColumnDefault::Expression(text) => Some(one(text)?),
            _ => None,
        });
        result.generated.push(match &column.generated {
            Some(generated) => Some(one(&generated.expression)?),
            None => None,
        });
    }
    for check in &table.checks {
        result.checks.push(if check.enforced { Some(one(&check.expression)?) } else { None });
    }
    for index in &table.indexes {
        for (number, part) in index.parts.iter().enumerate() {
            if let KeyPart::Expression(text) = &part.part {
                result.key_parts.push((index.id, number, one(text)?));
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
    let mut bound = binder.expr(*expr)?;
    if super::has_subquery(&bound) {
        return super::unsupported("a subquery in a stored expression");
    }
    binder.state.fold(&mut bound);
    Ok(bound)
}
