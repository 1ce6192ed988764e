//! Which collation wins when strings meet: MySQL's coercibility rules.

use crate::expr::{Coercibility, Expr, ExprKind};
use crate::typing;
use aurora_types::error::{
    ER_CANT_AGGREGATE_2COLLATIONS, ER_CANT_AGGREGATE_3COLLATIONS, ER_CANT_AGGREGATE_NCOLLATIONS,
};
use aurora_types::{BaseType, Charset, CollationId, SqlError, SqlResult, Value};

#[derive(Clone, Copy)]
struct Side {
    collation: CollationId,
    coercibility: Coercibility,
    ascii: bool,
}

/// Only ASCII characters can be in it: such a text converts to any character set.
fn is_ascii(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(Value::Text(text)) => text.as_bytes().is_ascii(),
        _ => !typing::is_string(&expr.ty) || expr.ty.collation.charset() == Charset::Ascii,
    }
}

fn side(expr: &Expr) -> Side {
    let (collation, coercibility) = if typing::is_string(&expr.ty) {
        (expr.ty.collation, expr.coercibility)
    } else if expr.ty.base == BaseType::Json {
        (CollationId::UTF8MB4_BIN, Coercibility::IMPLICIT)
    } else if expr.ty.base == BaseType::Null {
        (CollationId::BINARY, Coercibility::IGNORABLE)
    } else {
        // Numbers and times are ASCII text of the connection's character set, the weakest of all.
        (CollationId::UTF8MB4_0900_AI_CI, Coercibility::NUMERIC)
    };
    Side { collation, coercibility, ascii: is_ascii(expr) }
}

/// `None`: no conversion brings them together.
fn meet(a: Side, b: Side) -> Option<Side> {
    let ascii = a.ascii && b.ascii;
    let pick = |s: Side| Some(Side { ascii, ..s });
    if a.collation == b.collation {
        return pick(Side { coercibility: a.coercibility.min(b.coercibility), ..a });
    }
    if a.coercibility == Coercibility::IGNORABLE {
        return pick(b);
    }
    if b.coercibility == Coercibility::IGNORABLE {
        return pick(a);
    }
    if a.collation.is_binary() || b.collation.is_binary() {
        let (binary, other) = if a.collation.is_binary() { (a, b) } else { (b, a) };
        return pick(if binary.coercibility <= other.coercibility { binary } else { other });
    }
    let (set_a, set_b) = (a.collation.charset(), b.collation.charset());
    if set_a == set_b {
        if a.coercibility != b.coercibility {
            return pick(if a.coercibility < b.coercibility { a } else { b });
        }
        if a.coercibility == Coercibility::EXPLICIT {
            return None;
        }
        if a.collation.is_bin() {
            return pick(a);
        }
        if b.collation.is_bin() {
            return pick(b);
        }
        return Some(Side { collation: set_a.bin_collation(), coercibility: Coercibility::NONE, ascii });
    }
    if a.coercibility == Coercibility::EXPLICIT && b.coercibility == Coercibility::EXPLICIT {
        return None;
    }
    let wins = |x: Side, y: Side| {
        let superset = x.collation.charset().is_unicode()
            && (!y.collation.charset().is_unicode()
                || (x.collation.charset().max_bytes() > y.collation.charset().max_bytes()));
        x.coercibility <= y.coercibility && (superset || y.ascii)
            || (x.coercibility < y.coercibility && y.coercibility >= Coercibility::SYSTEM)
    };
    if wins(a, b) {
        pick(a)
    } else if wins(b, a) {
        pick(b)
    } else {
        None
    }
}

/// The collation and strength of a string made of all of these.
///
/// # Errors
/// 1267, 1270 or 1271 for two, three or more expressions that do not go together.
pub fn aggregate(exprs: &[&Expr], operation: &str) -> SqlResult<(CollationId, Coercibility)> {
    let mut sides = exprs.iter().map(|e| side(e));
    let Some(mut result) = sides.next() else {
        return Ok((CollationId::UTF8MB4_0900_AI_CI, Coercibility::COERCIBLE));
    };
    for next in sides {
        // What NONE stands for may still be overruled by COLLATE; else it stays.
        match meet(result, next) {
            Some(met) => result = met,
            None => return Err(illegal_mix(exprs, operation)),
        }
    }
    let coercibility = if result.coercibility >= Coercibility::NUMERIC {
        Coercibility::COERCIBLE
    } else {
        result.coercibility
    };
    Ok((result.collation, coercibility))
}

/// The collation that these are compared by.
///
/// # Errors
/// As [`aggregate`], and also when no collation is stronger than the others.
pub fn for_comparison(exprs: &[&Expr], operation: &str) -> SqlResult<CollationId> {
    let (collation, coercibility) = aggregate(exprs, operation)?;
    if coercibility == Coercibility::NONE && exprs.iter().filter(|e| typing::is_string(&e.ty)).count() > 1 {
        return Err(illegal_mix(exprs, operation));
    }
    Ok(collation)
}

fn illegal_mix(exprs: &[&Expr], operation: &str) -> SqlError {
    let names: Vec<(&'static str, &'static str)> = exprs
        .iter()
        .map(|e| {
            let side = side(e);
            (side.collation.name(), coercibility_name(side.coercibility))
        })
        .collect();
    match names.as_slice() {
        [(a, b), (c, d)] => SqlError::new(ER_CANT_AGGREGATE_2COLLATIONS, &[a, b, c, d, &operation]),
        [(a, b), (c, d), (e, f)] => {
            SqlError::new(ER_CANT_AGGREGATE_3COLLATIONS, &[a, b, c, d, e, f, &operation])
        }
        _ => SqlError::new(ER_CANT_AGGREGATE_NCOLLATIONS, &[&operation]),
    }
}

fn coercibility_name(coercibility: Coercibility) -> &'static str {
    match coercibility.0 {
        0 => "EXPLICIT",
        1 => "NONE",
        2 => "IMPLICIT",
        3 => "SYSCONST",
        4 => "COERCIBLE",
        5 => "NUMERIC",
        _ => "IGNORABLE",
    }
}
