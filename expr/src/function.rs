//! Functions as registered items.

use crate::build::BuildContext;
use crate::context::EvalCtx;
use crate::expr::{Coercibility, Expr};
use crate::functions;
use aurora_types::{SqlResult, SqlType, Value, ValueRef};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One SQL function.
pub struct FunctionDef {
    /// Lower case.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub arity: Arity,
    /// Types the call. May change the arguments (put a [`crate::build::cast`] around one) and fail (1582 for a
    /// count that [`Arity`] cannot say, 1267 for collations).
    pub result_type: fn(&mut Vec<Expr>, &BuildContext) -> SqlResult<Typed>,
    pub nulls: NullRule,
    pub determinism: Determinism,
    pub kernel: Kernel,
    /// One or two sentences for users.
    pub doc: &'static str,
}

impl std::fmt::Debug for FunctionDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How many arguments (1582 otherwise).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    pub min: u8,
    /// `u8::MAX` is any number.
    pub max: u8,
}

impl Arity {
    pub const fn exactly(n: u8) -> Arity {
        Arity { min: n, max: n }
    }
    pub const fn between(min: u8, max: u8) -> Arity {
        Arity { min, max }
    }
    /// Whether so many arguments are right.
    pub fn takes(self, count: usize) -> bool {
        count >= usize::from(self.min) && (self.max == u8::MAX || count <= usize::from(self.max))
    }
    pub const fn at_least(min: u8) -> Arity {
        Arity { min, max: u8::MAX }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullRule {
    /// Any NULL argument makes NULL without calling the kernel.
    Propagate,
    /// The kernel sees NULLs.
    Custom,
}

/// In order: each is less foldable than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Determinism {
    /// Same arguments, same result, for ever.
    Immutable,
    /// Fixed during one statement (NOW, USER, CONNECTION_ID).
    Statement,
    /// May differ from call to call (RAND, UUID, SYSDATE) or change something (SLEEP, GET_LOCK).
    Volatile,
}

/// What computes the result.
#[derive(Clone, Copy)]
pub enum Kernel {
    /// Gets all argument values.
    Eager(fn(&mut EvalCtx<'_>, &Args<'_>) -> SqlResult<Value>),
    /// Evaluates the arguments it needs (`Expr::eval(row, ctx)`).
    Lazy(fn(&mut EvalCtx<'_>, &[Expr], &SqlType, &[Value]) -> SqlResult<Value>),
}

/// The evaluated arguments of a call.
pub struct Args<'a> {
    pub exprs: &'a [Expr],
    pub values: &'a [Value],
    /// Type of the call.
    pub result: &'a SqlType,
}

impl<'a> Args<'a> {
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Argument `i`; NULL when it was not given.
    pub fn get(&self, i: usize) -> ValueRef<'a> {
        self.values.get(i).map_or(ValueRef::Null, Value::as_ref)
    }

    /// Type of argument `i`, which must have been given.
    pub fn ty(&self, i: usize) -> &'a SqlType {
        &self.exprs[i].ty
    }

    pub fn is_null(&self, i: usize) -> bool {
        self.get(i).is_null()
    }
}

/// Type of a call and how strongly it holds its collation.
#[derive(Clone, Debug)]
pub struct Typed {
    pub ty: SqlType,
    pub coercibility: Coercibility,
}

impl From<SqlType> for Typed {
    /// Strings hold on as literals do, the rest as numbers do.
    fn from(ty: SqlType) -> Typed {
        let coercibility =
            if crate::typing::is_string(&ty) { Coercibility::COERCIBLE } else { Coercibility::NUMERIC };
        Typed { ty, coercibility }
    }
}

static REGISTRY: LazyLock<HashMap<&'static str, &'static FunctionDef>> = LazyLock::new(|| {
    let mut map = HashMap::new();
    for def in functions::FAMILIES.iter().flat_map(|family| family.iter()) {
        for name in std::iter::once(&def.name).chain(def.aliases) {
            map.insert(*name, def);
        }
    }
    map
});

/// The function of a name, given in lower case.
pub fn lookup(name: &str) -> Option<&'static FunctionDef> {
    REGISTRY.get(name).copied()
}

/// All registered functions, for documentation and completeness checks.
pub fn all() -> impl Iterator<Item = &'static FunctionDef> {
    functions::FAMILIES.iter().flat_map(|family| family.iter())
}
