//! The resolved, typed expression tree.

use crate::function::{Determinism, FunctionDef};
use aurora_types::like::LikePattern;
use aurora_types::{SqlType, Text, Value};
use std::sync::Arc;

/// How strongly an expression holds on to its collation; the smaller number wins (MySQL's `COERCIBILITY()`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coercibility(pub u8);

impl Coercibility {
    /// `COLLATE` was written.
    pub const EXPLICIT: Coercibility = Coercibility(0);
    /// Mix of strings with different collations.
    pub const NONE: Coercibility = Coercibility(1);
    /// A column, or a user variable.
    pub const IMPLICIT: Coercibility = Coercibility(2);
    /// `USER()`, `VERSION()`.
    pub const SYSTEM: Coercibility = Coercibility(3);
    /// A literal.
    pub const COERCIBLE: Coercibility = Coercibility(4);
    /// A number or temporal value.
    pub const NUMERIC: Coercibility = Coercibility(5);
    /// NULL.
    pub const IGNORABLE: Coercibility = Coercibility(6);
}

/// A node with its type. Cloning is deep, but literals and compiled patterns are shared.
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: SqlType,
    pub coercibility: Coercibility,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A value known at planning. Temporal literals (`DATE '…'`) are these too.
    Literal(Value),
    /// `X'41'`, `0x41`, `B'01'`: binary text that is a number in numeric context ([`crate::build`] turns it).
    HexLiteral(Text),
    /// Position in the operator's input row.
    Column(usize),
    /// A value that an outer operator or a subquery call has set.
    Slot(usize),
    /// Parameter of a prepared statement, or a literal that the plan cache took out; from 0.
    Param(usize),
    /// `@name`, lower case.
    UserVariable(Text),
    /// `@name := value`.
    AssignVariable {
        name: Text,
        value: Box<Expr>,
    },
    /// `@@[scope.]name`, lower case.
    SystemVariable {
        name: Text,
        scope: crate::VariableScope,
    },
    /// Two or more; three-valued, evaluated from the left until false.
    And(Vec<Expr>),
    /// Two or more; evaluated from the left until true.
    Or(Vec<Expr>),
    Xor(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
        how: crate::typing::Comparison,
    },
    /// `(a, b) = (c, d)`: same number of operands, none itself a row.
    CompareRows {
        op: CompareOp,
        left: Vec<Expr>,
        right: Vec<Expr>,
        how: Vec<crate::typing::Comparison>,
    },
    /// Between operands of the domain of `ty` (integers, decimals or doubles).
    Arithmetic {
        op: ArithmeticOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Negate(Box<Expr>),
    /// 64-bit unsigned integers, or binary strings of one length when `ty` is one.
    Bit {
        op: BitOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    BitNot(Box<Expr>),
    Is {
        expr: Box<Expr>,
        test: IsTest,
        negated: bool,
    },
    /// `how` has one entry per element. `set` answers when all elements are constants of a hashable comparison.
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
        how: Vec<crate::typing::Comparison>,
        set: Option<Arc<crate::eval::InSet>>,
    },
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
        how: [crate::typing::Comparison; 2],
    },
    /// `escape`: `None` is no escape character. `compiled` is there when the pattern is a literal.
    Like {
        expr: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<char>,
        negated: bool,
        collation: aurora_types::CollationId,
        compiled: Option<Arc<LikePattern>>,
    },
    /// `CASE WHEN … THEN … ELSE … END`; `CASE x WHEN` is built as comparisons with `x`.
    Case {
        branches: Vec<WhenThen>,
        otherwise: Option<Box<Expr>>,
    },
    /// Conversion to `ty`; `target` says by which rules.
    Cast {
        expr: Box<Expr>,
        target: CastTarget,
    },
    /// `COLLATE`: changes the type only.
    Collate(Box<Expr>),
    /// A row constructor where only its elements matter (operands of IN, comparisons): never evaluated by itself.
    Row(Vec<Expr>),
    Call {
        function: &'static FunctionDef,
        args: Vec<Expr>,
    },
    Subquery(Box<Subquery>),
}

#[derive(Clone, Debug)]
pub struct WhenThen {
    pub when: Expr,
    pub then: Expr,
}

/// A call of a query inside an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// Index in the plan's list of subplans.
    pub plan: usize,
    pub kind: SubqueryKind,
    /// Left side of IN, ANY, ALL and of row comparisons.
    pub operands: Vec<Expr>,
    /// Values for the subplan's slots, evaluated on the current row; empty when it is not correlated.
    pub args: Vec<Expr>,
    /// How operand `i` compares with column `i` of the subquery.
    pub how: Vec<crate::typing::Comparison>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubqueryKind {
    /// One column, at most one row (1242).
    Scalar,
    Exists {
        negated: bool,
    },
    In {
        negated: bool,
    },
    Quantified {
        op: CompareOp,
        quantifier: Quantifier,
    },
    /// `(a, b) op (SELECT …)`: at most one row.
    RowCompare {
        op: CompareOp,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Any,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    Eq,
    NullSafeEq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl CompareOp {
    /// `b op a` for `a self b`.
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }

    /// `NOT (a self b)`; `None` for `<=>`.
    pub fn negated(self) -> Option<CompareOp> {
        Some(match self {
            CompareOp::Eq => CompareOp::Ne,
            CompareOp::Ne => CompareOp::Eq,
            CompareOp::Lt => CompareOp::Ge,
            CompareOp::Ge => CompareOp::Lt,
            CompareOp::Gt => CompareOp::Le,
            CompareOp::Le => CompareOp::Gt,
            CompareOp::NullSafeEq => return None,
        })
    }

    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Eq | CompareOp::NullSafeEq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
        }
    }

    /// As MySQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            CompareOp::Eq => "=",
            CompareOp::NullSafeEq => "<=>",
            CompareOp::Ne => "<>",
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArithmeticOp {
    Add,
    Sub,
    Mul,
    /// `/`
    Div,
    /// `DIV`
    IntDiv,
    /// `%`, `MOD`
    Mod,
}

impl ArithmeticOp {
    /// As MySQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            ArithmeticOp::Add => "+",
            ArithmeticOp::Sub => "-",
            ArithmeticOp::Mul => "*",
            ArithmeticOp::Div => "/",
            ArithmeticOp::IntDiv => "DIV",
            ArithmeticOp::Mod => "%",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitOp {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

impl BitOp {
    pub fn symbol(self) -> &'static str {
        match self {
            BitOp::And => "&",
            BitOp::Or => "|",
            BitOp::Xor => "^",
            BitOp::ShiftLeft => "<<",
            BitOp::ShiftRight => ">>",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsTest {
    Null,
    True,
    False,
    /// The same as NULL, for truth values.
    Unknown,
}

/// The targets of CAST and CONVERT, and of conversions that typing inserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CastTarget {
    Signed,
    Unsigned,
    Decimal,
    /// To the decimals that the results of one expression have in common; its type, not its text, asks for that
    /// ([`crate::build::own_text`]).
    Scale,
    Double,
    Float,
    Year,
    Date,
    Time,
    DateTime,
    /// `CHAR[(n)]`, `NCHAR`: characters of the type's collation, cut at its length when `limited`.
    Char {
        limited: bool,
    },
    Binary {
        limited: bool,
    },
    Json,
}

impl Expr {
    pub fn new(kind: ExprKind, ty: SqlType, coercibility: Coercibility) -> Expr {
        Expr { kind, ty, coercibility }
    }

    pub fn ty(&self) -> &SqlType {
        &self.ty
    }

    /// The value of a literal.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    pub fn is_null_literal(&self) -> bool {
        matches!(self.kind, ExprKind::Literal(Value::Null))
    }

    /// The operands, in order of evaluation.
    pub fn children(&self) -> Vec<&Expr> {
        use ExprKind as K;
        match &self.kind {
            K::Literal(_)
            | K::HexLiteral(_)
            | K::Column(_)
            | K::Slot(_)
            | K::Param(_)
            | K::UserVariable(_)
            | K::SystemVariable { .. } => Vec::new(),
            K::AssignVariable { value: e, .. }
            | K::Not(e)
            | K::Negate(e)
            | K::BitNot(e)
            | K::Is { expr: e, .. }
            | K::Cast { expr: e, .. }
            | K::Collate(e) => vec![e],
            K::And(list) | K::Or(list) | K::Row(list) => list.iter().collect(),
            K::Xor(l, r) => vec![l, r],
            K::Compare { left, right, .. }
            | K::Arithmetic { left, right, .. }
            | K::Bit { left, right, .. } => vec![left, right],
            K::CompareRows { left, right, .. } => left.iter().chain(right).collect(),
            K::InList { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
            K::Between { expr, low, high, .. } => vec![expr, low, high],
            K::Like { expr, pattern, .. } => vec![expr, pattern],
            K::Case { branches, otherwise } => {
                branches.iter().flat_map(|b| [&b.when, &b.then]).chain(otherwise.as_deref()).collect()
            }
            K::Call { args, .. } => args.iter().collect(),
            K::Subquery(sub) => sub.operands.iter().chain(&sub.args).collect(),
        }
    }

    /// The operands, to be changed in place.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        use ExprKind as K;
        match &mut self.kind {
            K::Literal(_)
            | K::HexLiteral(_)
            | K::Column(_)
            | K::Slot(_)
            | K::Param(_)
            | K::UserVariable(_)
            | K::SystemVariable { .. } => Vec::new(),
            K::AssignVariable { value: e, .. }
            | K::Not(e)
            | K::Negate(e)
            | K::BitNot(e)
            | K::Is { expr: e, .. }
            | K::Cast { expr: e, .. }
            | K::Collate(e) => vec![e],
            K::And(list) | K::Or(list) | K::Row(list) => list.iter_mut().collect(),
            K::Xor(l, r) => vec![l, r],
            K::Compare { left, right, .. }
            | K::Arithmetic { left, right, .. }
            | K::Bit { left, right, .. } => vec![left, right],
            K::CompareRows { left, right, .. } => left.iter_mut().chain(right).collect(),
            K::InList { expr, list, .. } => std::iter::once(&mut **expr).chain(list).collect(),
            K::Between { expr, low, high, .. } => vec![expr, low, high],
            K::Like { expr, pattern, .. } => vec![expr, pattern],
            K::Case { branches, otherwise } => branches
                .iter_mut()
                .flat_map(|b| [&mut b.when, &mut b.then])
                .chain(otherwise.as_deref_mut())
                .collect(),
            K::Call { args, .. } => args.iter_mut().collect(),
            K::Subquery(sub) => sub.operands.iter_mut().chain(&mut sub.args).collect(),
        }
    }

    /// Visits this node and all below, parents first, with a stack of its own: depth is no danger.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        let mut stack = vec![self];
        while let Some(expr) = stack.pop() {
            visit(expr);
            let mut children = expr.children();
            children.reverse();
            stack.extend(children);
        }
    }

    /// Calls `change` on this node and all below, parents first (children of what `change` put there included).
    pub fn rewrite(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        let mut stack = vec![self];
        while let Some(expr) = stack.pop() {
            change(expr);
            stack.extend(expr.children_mut());
        }
    }

    /// Whether some node below (or this one) fulfils `test`.
    pub fn any(&self, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let mut stack = vec![self];
        while let Some(expr) = stack.pop() {
            if test(expr) {
                return true;
            }
            stack.extend(expr.children());
        }
        false
    }

    /// No column, slot, parameter, variable or subquery, and every function gives the same for the same: may be
    /// replaced by its value once and for all.
    pub fn is_constant(&self) -> bool {
        !self.any(&mut |expr| match &expr.kind {
            ExprKind::Column(_)
            | ExprKind::Slot(_)
            | ExprKind::Param(_)
            | ExprKind::UserVariable(_)
            | ExprKind::AssignVariable { .. }
            | ExprKind::SystemVariable { .. }
            | ExprKind::Row(_)
            | ExprKind::Subquery(_) => true,
            ExprKind::Call { function, .. } => function.determinism != Determinism::Immutable,
            _ => false,
        })
    }

    /// Has one value during one execution: as [`Expr::is_constant`], but parameters, NOW() and system variables
    /// are allowed. User variables are not: rows may assign them.
    pub fn is_constant_for_execution(&self) -> bool {
        !self.any(&mut |expr| match &expr.kind {
            ExprKind::Column(_)
            | ExprKind::Slot(_)
            | ExprKind::UserVariable(_)
            | ExprKind::AssignVariable { .. }
            | ExprKind::Row(_)
            | ExprKind::Subquery(_) => true,
            ExprKind::Call { function, .. } => function.determinism > Determinism::Statement,
            _ => false,
        })
    }

    /// Evaluating it twice on one row gives the same and changes nothing.
    pub fn is_deterministic(&self) -> bool {
        !self.any(&mut |expr| match &expr.kind {
            ExprKind::AssignVariable { .. } | ExprKind::UserVariable(_) => true,
            ExprKind::Call { function, .. } => function.determinism > Determinism::Statement,
            _ => false,
        })
    }

    /// Adds the positions of the columns that it reads.
    pub fn collect_columns(&self, out: &mut Vec<usize>) {
        self.walk(&mut |expr| {
            if let ExprKind::Column(at) = expr.kind {
                out.push(at);
            }
        });
    }
}
