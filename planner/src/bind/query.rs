//! Queries as a whole: WITH, bodies, INTO.

use super::scope::Item;
use super::{Binder, unsupported};
use crate::plan::{FileFormat, IntoTarget, Node, Operator, PlanBody};
use aurora_expr::{Expr, ExprKind, build, typing};
use aurora_parser as ast;
use aurora_parser::{IntoClause, Query, QueryBody, QueryId};
use aurora_types::error::ER_WRONG_VALUE_COUNT_ON_ROW;
use aurora_types::{ColumnMeta, SqlError, SqlResult, SqlType, Value};
use std::collections::BTreeSet;

/// A query that is planned.
pub(crate) struct BoundQuery {
    pub node: Node,
    /// Names, types and origins of its columns.
    pub items: Vec<Item>,
    /// Slots of outer blocks that it reads.
    pub free: BTreeSet<usize>,
    pub columns: Vec<ColumnMeta>,
}

/// ORDER BY, LIMIT and locks that stand behind a query's body.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tail<'q> {
    pub order_by: &'q [ast::OrderItem],
    pub limit: Option<&'q ast::Limit>,
    pub locking: &'q [ast::LockingClause],
}

impl<'s> Binder<'s, '_> {
    /// The statement's own query.
    pub fn top_query(&mut self, id: QueryId) -> SqlResult<(PlanBody, Vec<ColumnMeta>)> {
        self.state.shown = self.ast.query(id).into.is_none();
        let bound = self.query(id)?;
        let mut node = bound.node;
        let limit = self.state.ctx.select_limit;
        if limit != u64::MAX && self.ast.query(id).limit.is_none() {
            let count = build::literal(Value::UInt(limit), &self.state.ctx.build);
            node = self.limit_node(node, Some(count), None);
        }
        let body = match crate::physical::point_get(&node) {
            Some(point) => PlanBody::PointGet(point),
            None => PlanBody::Query(Box::new(node)),
        };
        Ok((body, bound.columns))
    }

    pub fn query(&mut self, id: QueryId) -> SqlResult<BoundQuery> {
        self.state.enter()?;
        let query = self.ast.query(id);
        let shown = std::mem::take(&mut self.state.shown);
        let known = self.with.len();
        if let Some(with) = &query.with {
            self.with_clause(with)?;
        }
        self.state.shown = shown && matches!(query.body, QueryBody::Select(_));
        let tail = Tail { order_by: &query.order_by, limit: query.limit.as_ref(), locking: &query.locking };
        let bound = self.body(&query.body, tail);
        self.with.truncate(known);
        self.state.leave();
        bound
    }

    fn body(&mut self, body: &'s QueryBody, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        match body {
            QueryBody::Select(select) => self.select(select, tail),
            QueryBody::Values(rows) => self.values(rows, tail),
            QueryBody::Table(name) => self.table_query(name, tail),
            QueryBody::SetOperation { first, rest } => self.set_operation(*first, rest, tail),
            QueryBody::Nested(inner) => {
                let bound = self.query(*inner)?;
                self.tail_of(bound, tail)
            }
        }
    }

    /// `TABLE t` is `SELECT * FROM t`.
    fn table_query(&mut self, name: &ast::ObjectName, tail: Tail<'s>) -> SqlResult<BoundQuery> {
        self.push_block();
        let table = ast::TableFactorTable {
            name: name.clone(),
            alias: None,
            partitions: Vec::new(),
            index_hints: Vec::new(),
            span: name.span(),
        };
        let from =
            vec![ast::TableReference { first: ast::TableFactor::Table(Box::new(table)), joins: Vec::new() }];
        let result = self.table_query_block(&from, tail);
        self.pop_block();
        result
    }

    fn table_query_block(&mut self, from: &[ast::TableReference], tail: Tail<'s>) -> SqlResult<BoundQuery> {
        self.state.next_select();
        let tree = self.from(from)?;
        let items = self.items(&[ast::SelectItem::Wildcard(ast::Span::default())])?;
        self.finish_block(super::select::Parts { tree, items, ..super::select::Parts::default() }, tail)
    }

    /// `VALUES ROW(…), ROW(…)`.
    fn values(&mut self, rows: &[Vec<ast::ExprId>], tail: Tail<'s>) -> SqlResult<BoundQuery> {
        self.state.next_select();
        self.push_block();
        let bound: SqlResult<Vec<Vec<Expr>>> = rows.iter().map(|row| self.exprs(row)).collect();
        let free = self.pop_block().map(|block| block.free).unwrap_or_default();
        let bound = bound?;
        let width = bound.first().map_or(0, Vec::len);
        if let Some(at) = bound.iter().position(|row| row.len() != width) {
            return Err(SqlError::new(ER_WRONG_VALUE_COUNT_ON_ROW, &[&(at + 1)]));
        }
        let mut types = Vec::with_capacity(width);
        let mut items = Vec::with_capacity(width);
        for column in 0..width {
            let all: Vec<&Expr> = bound.iter().map(|row| &row[column]).collect();
            let typed = typing::unify(&all, "VALUES")?;
            types.push(typed.ty.clone());
            items.push(Item {
                expr: Expr::new(ExprKind::Column(column), typed.ty, typed.coercibility),
                name: format!("column_{column}"),
                aliased: false,
                origin: None,
                table: String::new(),
            });
        }
        let rows: Vec<Vec<Expr>> = bound
            .into_iter()
            .map(|row| row.into_iter().zip(&types).map(|(e, ty)| build::coerce(e, ty)).collect())
            .collect();
        let count = rows.len() as f64;
        let node = self.state.node(Operator::Values(rows), types, count, count);
        let columns = items.iter().map(|item| super::meta::column_meta(item, true)).collect();
        self.tail_of(BoundQuery { node, items, free, columns }, tail)
    }

    pub fn limit_node(&mut self, input: Node, count: Option<Expr>, offset: Option<Expr>) -> Node {
        let known = |e: &Option<Expr>| match e.as_ref().and_then(Expr::as_literal) {
            Some(Value::Int(v)) => Some(*v as f64),
            _ => None,
        };
        let rows = known(&count).map_or(input.estimate.rows, |n| n.min(input.estimate.rows));
        let (types, cost) = (input.types.clone(), input.estimate.cost);
        self.state.node(Operator::Limit { input: Box::new(input), count, offset }, types, rows, cost)
    }

    /// Count and offset.
    pub fn limit(&mut self, limit: &ast::Limit) -> SqlResult<(Expr, Option<Expr>)> {
        let mut one = |id| -> SqlResult<Expr> {
            let expr = self.expr(id)?;
            Ok(match expr.kind {
                ExprKind::Param(number) => {
                    if self.state.parameters.get(number).is_some_and(Option::is_none) {
                        self.set_parameter(number, typing::bigint_unsigned(20))
                    } else {
                        expr
                    }
                }
                _ => expr,
            })
        };
        let count = one(limit.count)?;
        let offset = limit.offset.map(one).transpose()?;
        Ok((count, offset))
    }

    /// Where SELECT … INTO puts its rows.
    pub fn rows_target(&mut self, query: &Query) -> SqlResult<Option<IntoTarget>> {
        let Some(into) = &query.into else { return Ok(None) };
        Ok(Some(match into {
            IntoClause::Variables(targets) => {
                let mut names = Vec::with_capacity(targets.len());
                for target in targets {
                    match target {
                        ast::IntoTarget::UserVariable(name) => {
                            names.push(name.to_str_lossy().to_lowercase());
                        }
                        ast::IntoTarget::Local(_) => return unsupported("SELECT … INTO a local variable"),
                    }
                }
                IntoTarget::UserVariables(names)
            }
            IntoClause::Outfile { file, charset, format } => {
                self.state.need("", "", crate::plan::Privilege::File, None, None);
                IntoTarget::Outfile {
                    file: self.plain_text(file)?,
                    format: self.file_format(charset, format),
                }
            }
            IntoClause::Dumpfile(file) => {
                self.state.need("", "", crate::plan::Privilege::File, None, None);
                IntoTarget::Dumpfile(self.plain_text(file)?)
            }
        }))
    }

    fn file_format(&self, charset: &Option<aurora_types::Text>, format: &ast::DataFileFormat) -> FileFormat {
        let bytes = |text: &Option<ast::StringLiteral>, default: Vec<u8>| match text {
            Some(text) => text.bytes.as_bytes().to_vec(),
            None => default,
        };
        let plain = FileFormat::default();
        FileFormat {
            charset: charset.as_ref().map(|name| name.to_str_lossy().into_owned()),
            fields_terminated_by: bytes(&format.fields_terminated_by, plain.fields_terminated_by),
            enclosed_by: bytes(&format.enclosed_by, plain.enclosed_by),
            optionally_enclosed: format.optionally_enclosed,
            escaped_by: bytes(&format.escaped_by, plain.escaped_by),
            lines_starting_by: bytes(&format.lines_starting_by, plain.lines_starting_by),
            lines_terminated_by: bytes(&format.lines_terminated_by, plain.lines_terminated_by),
        }
    }

    /// `DO a, b`: a row that nobody reads.
    pub fn do_expressions(&mut self, ids: &[ast::ExprId]) -> SqlResult<PlanBody> {
        self.push_block();
        let exprs = self.exprs(ids);
        self.pop_block();
        let exprs = exprs?;
        let types: Vec<SqlType> = exprs.iter().map(|e| e.ty.clone()).collect();
        let node = self.state.node(Operator::Values(vec![exprs]), types, 1.0, 1.0);
        Ok(PlanBody::Query(Box::new(node)))
    }
}
