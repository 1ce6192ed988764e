//! Queries, statements on rows and expressions: what MySQL 9.7 takes, where it finds the error, how operators
//! bind, what columns are called. The lists beside this file hold what MySQL answered.

use aurora_parser::*;

#[test]
fn accepted_statements() {
    for sql in include_str!("queries/accept.txt").lines() {
        // Other errors come from what MySQL resolves later, or from what is known and not built.
        match parse(sql.as_bytes(), &ParseContext::default()) {
            Ok(parsed) => assert_eq!(parsed.next, sql.len(), "{sql}"),
            Err(error) => assert!(!matches!(error.code, 1064 | 1149), "{sql}\n{}", error.message),
        }
    }
}

#[test]
fn rejected_statements() {
    for line in include_str!("queries/reject.txt").lines() {
        let Some((near, sql)) = line.split_once('\t') else { panic!("{line}") };
        match parse(sql.as_bytes(), &ParseContext::default()) {
            Ok(parsed) => panic!("{sql}\n{:?}", parsed.statement),
            Err(error) => {
                assert_eq!(error.code, 1064, "{sql}\n{}", error.message);
                let wanted = format!("near '{near}' at line 1");
                assert!(error.message.ends_with(&wanted), "{sql}\n{}\nwanted {wanted}", error.message);
            }
        }
    }
}

/// The expression of the first select item of `sql`, as MySQL prints it in the text of a view.
fn printed(sql: &str) -> String {
    let parsed =
        parse(sql.as_bytes(), &ParseContext::default()).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let Statement::Query(query) = &parsed.statement else { panic!("{sql}") };
    let QueryBody::Select(select) = &parsed.ast.query(*query).body else { panic!("{sql}") };
    let SelectItem::Expr { expr, .. } = &select.items[0] else { panic!("{sql}") };
    Printer(&parsed.ast).value(*expr)
}

/// Prints with a pair of parentheses for every operator, and with MySQL's forms: a value that is no truth
/// value is compared with 0 where one is needed, NOT goes inwards.
struct Printer<'a>(&'a Ast);

impl Printer<'_> {
    fn values(&self, ids: &[ExprId], between: &str) -> String {
        ids.iter().map(|id| self.value(*id)).collect::<Vec<_>>().join(between)
    }

    fn value(&self, id: ExprId) -> String {
        let not = |negated: bool| if negated { "not " } else { "" };
        match self.0.expr(id) {
            Expr::Column(name) => name.column.to_string(),
            Expr::Literal(Literal::String(text)) => format!("'{}'", text.to_str_lossy()),
            Expr::Literal(Literal::Int(value)) => value.to_string(),
            Expr::Row(parts) => format!("({})", self.values(parts, ",")),
            Expr::Unary { op, expr } => match op {
                UnaryOp::Plus => self.value(*expr),
                UnaryOp::Minus => format!("-({})", self.value(*expr)),
                UnaryOp::BitNot => format!("~({})", self.value(*expr)),
                UnaryOp::Not => self.negation(*expr),
                UnaryOp::Binary => format!("cast({} as char charset binary)", self.value(*expr)),
            },
            Expr::Binary { op: BinaryOp::Xor, left, right } => {
                format!("({} xor {})", self.truth(*left), self.truth(*right))
            }
            Expr::Binary { op: BinaryOp::SoundsLike, left, right } => {
                format!("(soundex({}) = soundex({}))", self.value(*left), self.value(*right))
            }
            Expr::Binary { op, left, right } => {
                format!("({} {} {})", self.value(*left), op.symbol(), self.value(*right))
            }
            Expr::And(terms) => self.terms(terms, " and ", Printer::truth),
            Expr::Or(terms) => self.terms(terms, " or ", Printer::truth),
            Expr::Between { expr, low, high, negated } => format!(
                "({} {}between {} and {})",
                self.value(*expr),
                not(*negated),
                self.value(*low),
                self.value(*high)
            ),
            Expr::In { expr, list, negated } => {
                format!("({} {}in ({}))", self.value(*expr), not(*negated), self.values(list, ","))
            }
            Expr::Like { expr, pattern, escape, negated } => {
                let escape =
                    escape.map(|escape| format!(" escape {}", self.value(escape))).unwrap_or_default();
                let like = format!("({} like {}{escape})", self.value(*expr), self.value(*pattern));
                if *negated { format!("(not({like}))") } else { like }
            }
            Expr::Regexp { expr, pattern, negated } => {
                let call = format!("regexp_like({},{})", self.value(*expr), self.value(*pattern));
                if *negated { format!("(not({call}))") } else { call }
            }
            Expr::Is { expr, test, negated } => self.test(*expr, *test, *negated),
            Expr::Collate { expr, collation } => {
                format!("({} collate {})", self.value(*expr), collation.to_str_lossy())
            }
            Expr::DateArith { date, amount, unit, subtract } => {
                let sign = if *subtract { '-' } else { '+' };
                format!("({} {sign} interval {} {})", self.value(*date), self.value(*amount), unit.name())
            }
            Expr::JsonArrow { column, path, unquote } => {
                let extract = format!("json_extract({},'{}')", self.value(*column), path.to_str_lossy());
                if *unquote { format!("json_unquote({extract})") } else { extract }
            }
            other => panic!("{other:?}"),
        }
    }

    fn test(&self, expr: ExprId, test: IsTest, negated: bool) -> String {
        let (value, test) = match test {
            IsTest::Null | IsTest::Unknown => (self.value(expr), "null"),
            IsTest::True => (self.truth(expr), "true"),
            IsTest::False => (self.truth(expr), "false"),
        };
        format!("({value} is {}{test})", if negated { "not " } else { "" })
    }

    fn terms(&self, terms: &[ExprId], between: &str, print: fn(&Self, ExprId) -> String) -> String {
        format!("({})", terms.iter().map(|term| print(self, *term)).collect::<Vec<_>>().join(between))
    }

    fn is_truth(&self, id: ExprId) -> bool {
        match self.0.expr(id) {
            Expr::Unary { op: UnaryOp::Not, .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Between { .. }
            | Expr::In { .. }
            | Expr::Like { .. }
            | Expr::Regexp { .. }
            | Expr::Is { .. } => true,
            Expr::Unary { op: UnaryOp::Plus, expr } => self.is_truth(*expr),
            Expr::Binary { op, .. } => {
                op.is_comparison() || matches!(op, BinaryOp::Xor | BinaryOp::SoundsLike)
            }
            _ => false,
        }
    }

    fn truth(&self, id: ExprId) -> String {
        if self.is_truth(id) { self.value(id) } else { format!("(0 <> {})", self.value(id)) }
    }

    fn negation(&self, id: ExprId) -> String {
        match self.0.expr(id) {
            Expr::Unary { op: UnaryOp::Not, expr } => self.truth(*expr),
            Expr::Unary { op: UnaryOp::Plus, expr } => self.negation(*expr),
            Expr::And(terms) => self.terms(terms, " or ", Printer::negation),
            Expr::Or(terms) => self.terms(terms, " and ", Printer::negation),
            Expr::Binary { op, left, right } => {
                let op = match op {
                    BinaryOp::Eq => "<>",
                    BinaryOp::Ne => "=",
                    BinaryOp::Lt => ">=",
                    BinaryOp::Ge => "<",
                    BinaryOp::Gt => "<=",
                    BinaryOp::Le => ">",
                    BinaryOp::SoundsLike => {
                        return format!(
                            "(soundex({}) <> soundex({}))",
                            self.value(*left),
                            self.value(*right)
                        );
                    }
                    BinaryOp::Xor => {
                        return format!("({} xor {})", self.negation(*left), self.truth(*right));
                    }
                    _ if self.is_truth(id) => return format!("(not({}))", self.value(id)),
                    _ => return format!("(0 = {})", self.value(id)),
                };
                format!("({} {op} {})", self.value(*left), self.value(*right))
            }
            Expr::Is { expr, test, negated } => self.test(*expr, *test, !*negated),
            Expr::Like { negated: true, .. } | Expr::Regexp { negated: true, .. } => {
                let printed = self.value(id);
                printed[5..printed.len() - 2].to_string()
            }
            Expr::In { expr, list, negated } => {
                let not = if *negated { "" } else { "not " };
                format!("({} {not}in ({}))", self.value(*expr), self.values(list, ","))
            }
            Expr::Between { expr, low, high, negated } => {
                let not = if *negated { "" } else { "not " };
                format!("({} {not}between {} and {})", self.value(*expr), self.value(*low), self.value(*high))
            }
            _ if self.is_truth(id) => format!("(not({}))", self.value(id)),
            _ => format!("(0 = {})", self.value(id)),
        }
    }
}

#[test]
fn operators_bind_as_in_mysql() {
    let mut wrong = Vec::new();
    for line in include_str!("queries/precedence.txt").lines() {
        let Some((expr, wanted)) = line.split_once('\t') else { panic!("{line}") };
        let got = printed(&format!("SELECT {expr} AS x FROM k"));
        if got != wanted {
            wrong.push(format!("{expr}\n  wanted {wanted}\n  got    {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
