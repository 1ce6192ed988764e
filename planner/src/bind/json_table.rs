//! JSON_TABLE in FROM.

use super::from::FromPart;
use super::scope::Visible;
use super::{Binder, unsupported};
use crate::plan::{JsonColumn, JsonColumnSource, JsonDefault, Operator};
use aurora_expr::typing;
use aurora_parser as ast;
use aurora_types::{SqlResult, SqlType, Value};

impl Binder<'_, '_> {
    pub fn json_table(&mut self, table: &ast::JsonTable, before: &[Visible]) -> SqlResult<FromPart> {
        let saved = std::mem::replace(&mut self.block().visible, before.to_vec());
        // In a block of its own, so that columns of preceding tables are slots.
        self.push_block();
        let doc = self.expr(table.doc);
        let free = self.pop_block().map(|block| block.free).unwrap_or_default();
        self.block().visible = saved;
        let doc = doc?;
        let columns = self.json_columns(&table.columns)?;
        let (mut names, mut types) = (Vec::new(), Vec::new());
        flat(&columns, &mut names, &mut types);
        let names = super::view::column_names(Vec::new(), names.into_iter())?;
        let operator = Operator::JsonTable {
            alias: table.alias.as_str().to_owned(),
            doc,
            path: self.plain_text(&table.path)?,
            columns,
        };
        let node = self.state.node(operator, types, 10.0, 10.0);
        let outer = self.slots_of_this_block(&free);
        self.derived_leaf(node, &names, table.alias.as_str(), outer)
    }

    fn json_columns(&mut self, list: &[ast::JsonTableColumn]) -> SqlResult<Vec<JsonColumn>> {
        let mut columns = Vec::with_capacity(list.len());
        for column in list {
            columns.push(match column {
                ast::JsonTableColumn::Ordinality(name) => JsonColumn {
                    name: name.as_str().to_owned(),
                    ty: typing::nullable(typing::bigint_unsigned(20), true),
                    source: JsonColumnSource::Ordinality,
                },
                ast::JsonTableColumn::Path { name, ty, path, exists, on_empty, on_error } => {
                    let path = self.plain_text(path)?;
                    let (_, ty) = self.cast_type(ty)?;
                    let ty = typing::nullable(ty, true);
                    let source = if *exists {
                        JsonColumnSource::Exists { path }
                    } else {
                        JsonColumnSource::Path {
                            path,
                            on_empty: self.json_default(on_empty)?,
                            on_error: self.json_default(on_error)?,
                        }
                    };
                    JsonColumn { name: name.as_str().to_owned(), ty, source }
                }
                ast::JsonTableColumn::Nested { path, columns } => JsonColumn {
                    name: String::new(),
                    ty: SqlType::new(aurora_types::BaseType::Null, 0),
                    source: JsonColumnSource::Nested {
                        path: self.plain_text(path)?,
                        columns: self.json_columns(columns)?,
                    },
                },
            });
        }
        Ok(columns)
    }

    fn json_default(&mut self, response: &Option<ast::JsonOnResponse>) -> SqlResult<JsonDefault> {
        Ok(match response {
            None | Some(ast::JsonOnResponse::Null) => JsonDefault::Null,
            Some(ast::JsonOnResponse::Error) => JsonDefault::Error,
            Some(ast::JsonOnResponse::Default(id)) => {
                let mut expr = self.expr(*id)?;
                self.state.fold(&mut expr);
                match expr.as_literal() {
                    Some(Value::Null) => JsonDefault::Null,
                    Some(value) => JsonDefault::Value(value.clone()),
                    None => return unsupported("a DEFAULT in JSON_TABLE that is no constant"),
                }
            }
        })
    }
}

/// Output columns in order, nested ones in place.
fn flat(columns: &[JsonColumn], names: &mut Vec<String>, types: &mut Vec<SqlType>) {
    for column in columns {
        match &column.source {
            JsonColumnSource::Nested { columns, .. } => flat(columns, names, types),
            _ => {
                names.push(column.name.clone());
                types.push(column.ty.clone());
            }
        }
    }
}
