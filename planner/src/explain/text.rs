//! Expressions as text, with names in place of positions.

use aurora_expr::{Expr, ExprKind, IsTest, Quantifier, SubqueryKind};
use aurora_types::Value;

/// `expr` with column `i` called `names[i]`.
pub(crate) fn expr_text(expr: &Expr, names: &[String]) -> String {
    let mut out = String::new();
    write(expr, names, &mut out);
    out
}

fn list(exprs: &[Expr], separator: &str, names: &[String], out: &mut String) {
    for (at, expr) in exprs.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        write(expr, names, out);
    }
}

fn value_text(value: &Value, expr: &Expr, out: &mut String) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Text(_) | Value::Json(_) | Value::Date(_) | Value::Time(_) | Value::DateTime(_) => {
            out.push('\'');
            let mut bytes = Vec::new();
            aurora_types::display::write_text(value.as_ref(), &expr.ty, &mut bytes);
            out.push_str(&String::from_utf8_lossy(&bytes));
            out.push('\'');
        }
        _ => {
            let mut bytes = Vec::new();
            aurora_types::display::write_text(value.as_ref(), &expr.ty, &mut bytes);
            out.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

fn infix(left: &Expr, symbol: &str, right: &Expr, names: &[String], out: &mut String) {
    out.push('(');
    write(left, names, out);
    out.push(' ');
    out.push_str(symbol);
    out.push(' ');
    write(right, names, out);
    out.push(')');
}

fn write(expr: &Expr, names: &[String], out: &mut String) {
    use ExprKind as K;
    match &expr.kind {
        K::Literal(value) => value_text(value, expr, out),
        K::HexLiteral(bytes) => {
            out.push_str("0x");
            for byte in bytes.as_bytes() {
                out.push_str(&format!("{byte:02x}"));
            }
        }
        K::Column(at) => match names.get(*at) {
            Some(name) => out.push_str(name),
            None => out.push_str(&format!("#{at}")),
        },
        K::Slot(at) => out.push_str(&format!("${at}")),
        K::Param(_) => out.push('?'),
        K::UserVariable(name) => {
            out.push('@');
            out.push_str(&name.to_str_lossy());
        }
        K::AssignVariable { name, value } => {
            out.push_str(&format!("(@{}:=", name.to_str_lossy()));
            write(value, names, out);
            out.push(')');
        }
        K::SystemVariable { name, .. } => {
            out.push_str("@@");
            out.push_str(&name.to_str_lossy());
        }
        K::And(all) | K::Or(all) => {
            out.push('(');
            list(all, if matches!(expr.kind, K::And(_)) { " and " } else { " or " }, names, out);
            out.push(')');
        }
        K::Xor(l, r) => infix(l, "xor", r, names, out),
        K::Not(e) => prefix("not ", e, names, out),
        K::Compare { op, left, right, .. } => infix(left, op.symbol(), right, names, out),
        K::CompareRows { op, left, right, .. } => {
            out.push('(');
            row(left, names, out);
            out.push_str(&format!(" {} ", op.symbol()));
            row(right, names, out);
            out.push(')');
        }
        K::Arithmetic { op, left, right } => infix(left, op.symbol(), right, names, out),
        K::Bit { op, left, right } => infix(left, op.symbol(), right, names, out),
        K::Negate(e) => prefix("-", e, names, out),
        K::BitNot(e) => prefix("~", e, names, out),
        K::Is { expr, test, negated } => {
            let test = match test {
                IsTest::Null => "null",
                IsTest::True => "true",
                IsTest::False => "false",
                IsTest::Unknown => "unknown",
            };
            out.push('(');
            write(expr, names, out);
            out.push_str(&format!(" is {}{test})", if *negated { "not " } else { "" }));
        }
        K::InList { expr, list, negated, .. } => {
            out.push('(');
            write(expr, names, out);
            out.push_str(if *negated { " not in " } else { " in " });
            row(list, names, out);
            out.push(')');
        }
        K::Between { expr, low, high, negated, .. } => {
            out.push('(');
            write(expr, names, out);
            out.push_str(if *negated { " not between " } else { " between " });
            write(low, names, out);
            out.push_str(" and ");
            write(high, names, out);
            out.push(')');
        }
        K::Like { expr, pattern, negated, .. } => {
            infix(expr, if *negated { "not like" } else { "like" }, pattern, names, out)
        }
        K::Case { branches, otherwise } => {
            out.push_str("(case");
            for branch in branches {
                out.push_str(" when ");
                write(&branch.when, names, out);
                out.push_str(" then ");
                write(&branch.then, names, out);
            }
            if let Some(otherwise) = otherwise {
                out.push_str(" else ");
                write(otherwise, names, out);
            }
            out.push_str(" end)");
        }
        K::Cast { expr: inner, .. } => {
            out.push_str("cast(");
            write(inner, names, out);
            out.push_str(&format!(" as {})", cast_name(&expr.ty)));
        }
        K::Collate(inner) => {
            out.push('(');
            write(inner, names, out);
            out.push_str(&format!(" collate {})", expr.ty.collation.name()));
        }
        K::Row(all) => row(all, names, out),
        K::Call { function, args } => {
            out.push_str(function.name);
            row(args, names, out);
        }
        K::Subquery(call) => {
            match call.kind {
                SubqueryKind::Scalar => {}
                SubqueryKind::Exists { negated } => {
                    out.push_str(if negated { "not exists " } else { "exists " })
                }
                SubqueryKind::In { negated } => {
                    row_or_one(&call.operands, names, out);
                    out.push_str(if negated { " not in " } else { " in " });
                }
                SubqueryKind::Quantified { op, quantifier } => {
                    row_or_one(&call.operands, names, out);
                    let which = if quantifier == Quantifier::All { "all" } else { "any" };
                    out.push_str(&format!(" {} {which} ", op.symbol()));
                }
                SubqueryKind::RowCompare { op } => {
                    row(&call.operands, names, out);
                    out.push_str(&format!(" {} ", op.symbol()));
                }
            }
            out.push_str(&format!("subquery#{}", call.plan));
            row(&call.args, names, out);
        }
    }
}

fn prefix(symbol: &str, expr: &Expr, names: &[String], out: &mut String) {
    out.push('(');
    out.push_str(symbol);
    write(expr, names, out);
    out.push(')');
}

fn row(exprs: &[Expr], names: &[String], out: &mut String) {
    out.push('(');
    list(exprs, ",", names, out);
    out.push(')');
}

fn row_or_one(exprs: &[Expr], names: &[String], out: &mut String) {
    match exprs {
        [one] => write(one, names, out),
        _ => row(exprs, names, out),
    }
}

fn cast_name(ty: &aurora_types::SqlType) -> String {
    use aurora_expr::typing::{Domain, domain};
    match domain(ty) {
        Domain::Int if ty.unsigned => "unsigned".into(),
        Domain::Int => "signed".into(),
        Domain::Decimal => format!("decimal({},{})", ty.length, ty.decimals),
        Domain::Double => "double".into(),
        Domain::Date => "date".into(),
        Domain::Time => "time".into(),
        Domain::DateTime => "datetime".into(),
        Domain::Json => "json".into(),
        _ if ty.collation.is_binary() => "binary".into(),
        _ => "char".into(),
    }
}
