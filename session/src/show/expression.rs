//! Expressions of definitions as SHOW CREATE TABLE writes them: every name quoted, every operation in parentheses,
//! every string with its character set.

use super::create::quoted;
use aurora_parser::UnaryOp;
use aurora_parser::{
    Ast, BinaryOp, Expr, ExprId, IsTest, Literal, ParseContext, QueryBody, SelectItem, Statement,
};

/// The canonical form of an expression's text. What this does not know how to write stays as it was written.
pub fn canonical(text: &str) -> String {
    print(text).unwrap_or_else(|| text.to_owned())
}

fn print(text: &str) -> Option<String> {
    let sql = format!("SELECT ({text})");
    let context = ParseContext { parameters: false, ..ParseContext::default() };
    let parsed = aurora_parser::parse(sql.as_bytes(), &context).ok()?;
    let Statement::Query(query) = &parsed.statement else { return None };
    let QueryBody::Select(select) = &parsed.ast.query(*query).body else { return None };
    let Some(SelectItem::Expr { expr, .. }) = select.items.first() else { return None };
    Printer { ast: &parsed.ast }.expr(*expr)
}

struct Printer<'a> {
    ast: &'a Ast,
}

impl Printer<'_> {
    fn list(&self, ids: &[ExprId], separator: &str) -> Option<String> {
        let printed: Option<Vec<String>> = ids.iter().map(|id| self.expr(*id)).collect();
        Some(printed?.join(separator))
    }

    fn expr(&self, id: ExprId) -> Option<String> {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        Some(match self.ast.expr(id) {
            Expr::Literal(literal) => literal_text(literal)?,
            Expr::Column(name) => quoted(name.column.as_str()),
            Expr::Unary { op: UnaryOp::Plus, expr } => self.expr(*expr)?,
            Expr::Unary { op: UnaryOp::Minus, expr } => match self.ast.expr(*expr) {
                Expr::Literal(literal @ (Literal::Int(_) | Literal::Decimal(_) | Literal::Float(_))) => {
                    format!("-{}", literal_text(literal)?)
                }
                _ => format!("-({})", self.expr(*expr)?),
            },
            Expr::Unary { op: UnaryOp::BitNot, expr } => format!("~({})", self.expr(*expr)?),
            Expr::Binary { op: BinaryOp::Concat | BinaryOp::SoundsLike, .. } => return None,
            Expr::Binary { op, left, right } => {
                format!("({} {} {})", self.expr(*left)?, op.symbol(), self.expr(*right)?)
            }
            Expr::And(terms) => format!("({})", self.list(terms, " and ")?),
            Expr::Or(terms) => format!("({})", self.list(terms, " or ")?),
            Expr::Between { expr, low, high, negated } => {
                let (expr, low, high) = (self.expr(*expr)?, self.expr(*low)?, self.expr(*high)?);
                format!("({expr} {}between {low} and {high})", not(negated))
            }
            Expr::In { expr, list, negated } => {
                format!("({} {}in ({}))", self.expr(*expr)?, not(negated), self.list(list, ",")?)
            }
            Expr::Like { expr, pattern, escape: None, negated } => {
                let like = format!("({} like {})", self.expr(*expr)?, self.expr(*pattern)?);
                if *negated { format!("(not({like}))") } else { like }
            }
            Expr::Is { expr, test, negated } => {
                let test = match test {
                    IsTest::Null => "null",
                    IsTest::True => "true",
                    IsTest::False => "false",
                    IsTest::Unknown => "unknown",
                };
                format!("({} is {}{test})", self.expr(*expr)?, not(negated))
            }
            Expr::Case { operand, branches, otherwise } => {
                let mut out = String::from("(case");
                if let Some(operand) = operand {
                    out.push_str(&format!(" {}", self.expr(*operand)?));
                }
                for branch in branches {
                    out.push_str(&format!(
                        " when {} then {}",
                        self.expr(branch.when)?,
                        self.expr(branch.then)?
                    ));
                }
                if let Some(otherwise) = otherwise {
                    out.push_str(&format!(" else {}", self.expr(*otherwise)?));
                }
                out.push_str(" end)");
                out
            }
            Expr::DateArith { date, amount, unit, subtract } => {
                let sign = if *subtract { '-' } else { '+' };
                let (date, amount) = (self.expr(*date)?, self.expr(*amount)?);
                format!("({date} {sign} interval {amount} {})", unit.name().to_lowercase())
            }
            Expr::Call(call)
                if call.name.schema.is_none()
                    && call.over.is_none()
                    && !call.distinct
                    && call.order_by.is_empty()
                    && call.separator.is_none() =>
            {
                format!("{}({})", call.name.name.as_str().to_lowercase(), self.list(&call.args, ",")?)
            }
            _ => return None,
        })
    }
}

fn literal_text(literal: &Literal) -> Option<String> {
    Some(match literal {
        Literal::Null => "NULL".into(),
        Literal::Bool(true) => "true".into(),
        Literal::Bool(false) => "false".into(),
        Literal::Int(number) => number.to_string(),
        Literal::Decimal(text) | Literal::Float(text) => text.to_str_lossy().into_owned(),
        Literal::String(text) if text.introducer.is_none() => {
            let text = text.bytes.to_str_lossy();
            format!("_utf8mb4'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
        }
        Literal::Date(text) => format!("DATE'{}'", text.to_str_lossy()),
        Literal::Time(text) => format!("TIME'{}'", text.to_str_lossy()),
        Literal::Timestamp(text) => format!("TIMESTAMP'{}'", text.to_str_lossy()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn expressions_are_written_as_mysql_does() {
        for (text, printed) in [
            ("a > 0", "(`a` > 0)"),
            ("a*2+1", "((`a` * 2) + 1)"),
            (
                "a in (1,-2) or b not like 'it''s%'",
                "((`a` in (1,-2)) or (not((`b` like _utf8mb4'it\\'s%'))))",
            ),
            ("case when a>1 then 2 else -a end", "(case when (`a` > 1) then 2 else -(`a`) end)"),
            ("CONCAT(b, 'x')", "concat(`b`,_utf8mb4'x')"),
            ("a + interval 1 day", "(`a` + interval 1 day)"),
            ("a IS NOT NULL", "(`a` is not null)"),
            // Not written in another form.
            ("not a", "not a"),
        ] {
            assert_eq!(canonical(text), printed);
        }
    }
}
