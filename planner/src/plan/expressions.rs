//! The expressions that belong to a table, resolved once per version of its definition.

use aurora_catalog::IndexId;
use aurora_expr::Expr;

/// Defaults, generated columns, checks and functional key parts. `Column(i)` is the table's column at position `i`.
#[derive(Clone, Debug, Default)]
pub struct TableExpressions {
    /// `DEFAULT (expr)` by column position.
    pub defaults: Vec<Option<Expr>>,
    /// `GENERATED ALWAYS AS (expr)` by column position.
    pub generated: Vec<Option<Expr>>,
    /// By position in `TableDef::checks`; `None` for a check that is NOT ENFORCED.
    pub checks: Vec<Option<Expr>>,
    /// Functional key parts: index, number of the part, expression (its type is the key's).
    pub key_parts: Vec<(IndexId, usize, Expr)>,
}
