//! EXISTS and IN of WHERE as semi and anti joins.

use super::from::{JoinTree, conjuncts};
use super::{Binder, Clause};
use aurora_expr::{CompareOp, Expr, ExprKind, build};
use aurora_parser as ast;
use aurora_parser::{ExprId, QueryBody, QueryId, UnaryOp};
use aurora_types::SqlResult;

/// A subquery whose tables are joined to the block's.
#[derive(Clone, Debug)]
pub(crate) struct Semi {
    pub tree: JoinTree,
    /// What rows of both must fulfil.
    pub on: Vec<Expr>,
    /// Rows without a match are wanted.
    pub anti: bool,
}

impl Binder<'_, '_> {
    /// The conditions of WHERE: plain ones, and subqueries that become joins.
    pub fn where_conditions(&mut self, id: ExprId) -> SqlResult<(Vec<Expr>, Vec<Semi>)> {
        let ast = self.ast;
        let ids = match ast.expr(id) {
            ast::Expr::And(list) => list.clone(),
            _ => vec![id],
        };
        let (mut filter, mut semis) = (Vec::new(), Vec::new());
        for id in ids {
            match self.semi_join(id)? {
                Some(semi) => semis.push(semi),
                None => {
                    let condition = build::and(vec![self.expr(id)?])?;
                    filter.extend(conjuncts(condition));
                }
            }
        }
        Ok((filter, semis))
    }

    fn semi_join(&mut self, id: ExprId) -> SqlResult<Option<Semi>> {
        let ast = self.ast;
        if self.block_ref().leaves.is_empty() {
            return Ok(None);
        }
        let (operand, query, anti) = match ast.expr(id) {
            ast::Expr::Exists(query) => (None, *query, false),
            ast::Expr::Unary { op: UnaryOp::Not, expr } => match ast.expr(*expr) {
                ast::Expr::Exists(query) => (None, *query, true),
                _ => return Ok(None),
            },
            // NOT IN looks at NULLs, which a join does not.
            ast::Expr::InSubquery { expr, query, negated: false } => (Some(*expr), *query, false),
            _ => return Ok(None),
        };
        if !self.is_mergeable(query, false) {
            return Ok(None);
        }
        let operand = match operand {
            Some(id) => Some(self.expr(id)?),
            None => None,
        };
        if operand.as_ref().is_some_and(|e| matches!(e.kind, ExprKind::Row(_)) || super::has_subquery(e)) {
            return Ok(None);
        }
        self.splice(query, operand, anti).map(Some)
    }

    fn splice(&mut self, id: QueryId, operand: Option<Expr>, anti: bool) -> SqlResult<Semi> {
        self.state.enter()?;
        self.state.next_select();
        let query = self.ast.query(id);
        let QueryBody::Select(select) = &query.body else { return super::unsupported("this subquery") };
        let block = self.block();
        let (tables, leaves) = (block.tables.len(), block.leaves.len());
        let saved_first = std::mem::replace(&mut block.first_table, tables);
        let saved_visible = std::mem::take(&mut block.visible);
        block.around.push((saved_visible.clone(), saved_first..tables));
        let bound = self.splice_parts(select, operand);
        let block = self.block();
        block.around.pop();
        block.tables.truncate(tables);
        (block.first_table, block.visible, block.clause) = (saved_first, saved_visible, Clause::Where);
        let end = block.leaves.len();
        block.spliced.extend(leaves..end);
        self.state.leave();
        let (tree, on) = bound?;
        Ok(Semi { tree, on, anti })
    }

    fn splice_parts(
        &mut self,
        select: &ast::Select,
        operand: Option<Expr>,
    ) -> SqlResult<(JoinTree, Vec<Expr>)> {
        let Some(tree) = self.from(&select.from)? else { return super::unsupported("this subquery") };
        let mut on = Vec::new();
        self.block().clause = Clause::Where;
        if let Some(id) = select.filter {
            on = conjuncts(build::and(vec![self.expr(id)?])?);
        }
        self.block().clause = Clause::Fields;
        let items = self.items(&select.items)?;
        if let Some(operand) = operand {
            match <[_; 1]>::try_from(items) {
                Ok([item]) => on.push(build::comparison(CompareOp::Eq, operand, item.expr)?),
                Err(_) => {
                    return Err(aurora_types::SqlError::new(aurora_types::error::ER_OPERAND_COLUMNS, &[&1]));
                }
            }
        }
        Ok((tree, on))
    }
}
