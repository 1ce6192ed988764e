//! UNION, INTERSECT, EXCEPT.

use super::Binder;
use super::query::{BoundQuery, Tail};
use super::scope::Item;
use crate::plan::{Node, Operator, SetOperation};
use aurora_expr::{Expr, ExprKind, build, typing};
use aurora_parser::{QueryId, SetOp, SetTerm};
use aurora_types::error::ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT;
use aurora_types::{ColumnFlags, SqlError, SqlResult, SqlType};

impl<'s> Binder<'s, '_> {
    pub fn set_operation(
        &mut self,
        first: QueryId,
        rest: &'s [SetTerm],
        tail: Tail<'s>,
    ) -> SqlResult<BoundQuery> {
        let mut all = self.query(first)?;
        let mut parts = vec![];
        for term in rest {
            let next = self.query(term.query)?;
            if next.items.len() != all.items.len() {
                return Err(SqlError::new(ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT, &[]));
            }
            parts.push((term.op, term.all, next));
        }
        // One type for all terms, as MySQL gives it to the temporary table.
        let mut items = Vec::with_capacity(all.items.len());
        for at in 0..all.items.len() {
            let mut of_column: Vec<&Expr> = vec![&all.items[at].expr];
            of_column.extend(parts.iter().map(|(_, _, query)| &query.items[at].expr));
            let typed = typing::unify(&of_column, "UNION")?;
            let expr = Expr::new(ExprKind::Column(at), typed.ty, typed.coercibility);
            let name = all.items[at].name.clone();
            items.push(Item {
                expr,
                name,
                aliased: all.items[at].aliased,
                origin: None,
                table: String::new(),
            });
        }
        let types: Vec<SqlType> = items.iter().map(|item| item.expr.ty.clone()).collect();
        let mut node = self.as_types(all.node, &types);
        let mut inputs = Vec::new();
        let mut pending: Option<(SetOperation, bool)> = None;
        for (op, is_all, query) in parts {
            let operation = match op {
                SetOp::Union => SetOperation::Union,
                SetOp::Except => SetOperation::Except,
                SetOp::Intersect => SetOperation::Intersect,
            };
            let next = self.as_types(query.node, &types);
            all.free.extend(query.free);
            if pending != Some((operation, is_all)) {
                if let Some((operation, is_all)) = pending {
                    inputs.insert(0, node);
                    node = self.set_node(operation, is_all, std::mem::take(&mut inputs), &types);
                }
                pending = Some((operation, is_all));
            }
            inputs.push(next);
        }
        if let Some((operation, is_all)) = pending {
            inputs.insert(0, node);
            node = self.set_node(operation, is_all, inputs, &types);
        }
        let mut columns: Vec<aurora_types::ColumnMeta> =
            items.iter().map(|item| super::meta::column_meta(item, false)).collect();
        for column in &mut columns {
            // Rows come from a temporary table, whose numbers are not marked as computed.
            if column.flags.0 & ColumnFlags::NUM != 0 {
                column.flags.0 &= !ColumnFlags::BINARY;
            }
        }
        self.tail_of(BoundQuery { node, items, free: all.free, columns }, tail)
    }

    fn set_node(&mut self, operation: SetOperation, all: bool, inputs: Vec<Node>, types: &[SqlType]) -> Node {
        let rows = match operation {
            SetOperation::Union => inputs.iter().map(|n| n.estimate.rows).sum(),
            _ => inputs.first().map_or(1.0, |n| n.estimate.rows),
        };
        let cost = inputs.iter().map(|n| n.estimate.cost + n.estimate.rows).sum();
        self.state.node(Operator::SetOperation { operation, all, inputs }, types.to_vec(), rows, cost)
    }

    /// The rows with their columns converted.
    pub fn as_types(&mut self, node: Node, types: &[SqlType]) -> Node {
        let exprs: Vec<Expr> = node
            .types
            .iter()
            .zip(types)
            .enumerate()
            .map(|(at, (own, wanted))| build::coerce(build::column(at, own.clone()), wanted))
            .collect();
        if exprs.iter().all(|e| matches!(e.kind, ExprKind::Column(_))) {
            return Node { types: types.to_vec(), ..node };
        }
        let estimate = node.estimate;
        let operator = Operator::Project { input: Box::new(node), expressions: exprs };
        self.state.node(operator, types.to_vec(), estimate.rows, estimate.cost)
    }
}
