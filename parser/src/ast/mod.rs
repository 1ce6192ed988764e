//! The syntax tree.
//!
//! Nodes live in the arena [`Ast`] and name each other by small ids, so that dropping a tree of any depth
//! recurses nowhere. AND, OR, set operations and joins are flat lists. Spans are byte offsets into the text
//! that was parsed.

mod admin;
mod data_type;
mod ddl;
mod dml;
mod expr;
mod literal;
mod name;
mod query;
mod session;
mod show;
mod statement;
mod table;

pub use admin::*;
pub use data_type::*;
pub use ddl::*;
pub use dml::*;
pub use expr::*;
pub use literal::*;
pub use name::*;
pub use query::*;
pub use session::*;
pub use show::*;
pub use statement::*;
pub use table::*;

macro_rules! node_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
    };
}

node_id!(
    /// An expression of an [`Ast`].
    ExprId
);
node_id!(
    /// A query of an [`Ast`].
    QueryId
);
node_id!(
    /// A parenthesised list of table references of an [`Ast`].
    FromId
);

/// The nodes of one statement.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    exprs: Vec<ExprNode>,
    queries: Vec<Query>,
    froms: Vec<Vec<TableReference>>,
    deprecated: Vec<Deprecated>,
}

/// Syntax that MySQL takes with warning 1287.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deprecated {
    /// `!a`.
    Bang,
    /// `a || b` that means OR.
    PipesAsOr,
}

#[derive(Clone, Debug)]
struct ExprNode {
    expr: Expr,
    span: Span,
    /// Height of the tree below, this node included.
    height: u32,
}

impl Ast {
    /// The expression `id`.
    ///
    /// # Panics
    /// When `id` comes from another tree.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize].expr
    }

    /// Where `id` stands in the source, parentheses around it left out.
    pub fn span(&self, id: ExprId) -> Span {
        self.exprs[id.0 as usize].span
    }

    /// How many levels the expression has: 1 for a leaf. Bounded by [`crate::ParseContext::max_depth`].
    pub fn height(&self, id: ExprId) -> u32 {
        self.exprs[id.0 as usize].height
    }

    /// The query `id`.
    ///
    /// # Panics
    /// When `id` comes from another tree.
    pub fn query(&self, id: QueryId) -> &Query {
        &self.queries[id.0 as usize]
    }

    /// The table references inside the parentheses of [`TableFactor::Nested`].
    ///
    /// # Panics
    /// When `id` comes from another tree.
    pub fn from(&self, id: FromId) -> &[TableReference] {
        &self.froms[id.0 as usize]
    }

    /// Deprecated syntax in the order of the text.
    pub fn deprecated(&self) -> &[Deprecated] {
        &self.deprecated
    }

    pub(crate) fn deprecate(&mut self, what: Deprecated) {
        self.deprecated.push(what);
    }

    /// How many expressions there are.
    pub fn expr_count(&self) -> usize {
        self.exprs.len()
    }

    /// How many queries there are: all of them belong to the one statement.
    pub fn query_count(&self) -> usize {
        self.queries.len()
    }

    /// How many parenthesised lists of table references there are.
    pub fn from_count(&self) -> usize {
        self.froms.len()
    }

    /// Adds an expression, for rewriters above the parser. `height` of a node made from others is the
    /// highest of theirs plus one.
    pub fn add_expr(&mut self, expr: Expr, span: Span, height: u32) -> ExprId {
        let id = ExprId(self.exprs.len() as u32);
        self.exprs.push(ExprNode { expr, span, height });
        id
    }

    pub(crate) fn reserve_exprs(&mut self, more: usize) {
        self.exprs.reserve(more);
    }

    /// Adds a query, for rewriters above the parser.
    pub fn add_query(&mut self, query: Query) -> QueryId {
        let id = QueryId(self.queries.len() as u32);
        self.queries.push(query);
        id
    }

    pub(crate) fn add_from(&mut self, from: Vec<TableReference>) -> FromId {
        let id = FromId(self.froms.len() as u32);
        self.froms.push(from);
        id
    }

    pub(crate) fn expr_mut(&mut self, id: ExprId) -> &mut Expr {
        &mut self.exprs[id.0 as usize].expr
    }

    pub(crate) fn query_mut(&mut self, id: QueryId) -> &mut Query {
        &mut self.queries[id.0 as usize]
    }
}
