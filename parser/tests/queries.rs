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
fn printed(sql: &str, context: &ParseContext) -> String {
    let parsed = parse(sql.as_bytes(), context).unwrap_or_else(|error| panic!("{sql}\n{error}"));
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
            Expr::Binary { op: BinaryOp::Concat, left, right } => {
                format!("concat({},{})", self.value(*left), self.value(*right))
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

fn assert_printed(lines: &str, context: &ParseContext) {
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let Some((expr, wanted)) = line.split_once('\t') else { panic!("{line}") };
        let got = printed(&format!("SELECT {expr} AS x FROM k"), context);
        if got != wanted {
            wrong.push(format!("{expr}\n  wanted {wanted}\n  got    {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn operators_bind_as_in_mysql() {
    assert_printed(include_str!("queries/precedence.txt"), &ParseContext::default());
}

#[test]
fn operators_bind_as_in_mysql_under_modes_that_change_it() {
    let sql_mode = SqlMode { pipes_as_concat: true, high_not_precedence: true, ..SqlMode::default() };
    let context = ParseContext { sql_mode, ..ParseContext::default() };
    assert_printed(include_str!("queries/precedence_modes.txt"), &context);
}

#[test]
fn columns_are_called_as_in_mysql() {
    let mut wrong = Vec::new();
    for line in include_str!("queries/names.txt").lines() {
        let Some((expr, wanted)) = line.split_once('\t') else { panic!("{line}") };
        let sql = format!("SELECT {expr} FROM k");
        let parsed =
            parse(sql.as_bytes(), &ParseContext::default()).unwrap_or_else(|error| panic!("{sql}\n{error}"));
        let Statement::Query(query) = &parsed.statement else { panic!("{sql}") };
        let QueryBody::Select(select) = &parsed.ast.query(*query).body else { panic!("{sql}") };
        let [SelectItem::Expr { alias, name, .. }] = &select.items[..] else { panic!("{sql}") };
        let got = alias.as_ref().map_or(name, |alias| &alias.text).to_str_lossy();
        if got != wanted {
            wrong.push(format!("{expr}\n  wanted {wanted:?}\n  got    {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn query_of(terms: usize, between: &str) -> String {
    let terms: Vec<String> = (0..terms).map(|term| format!("a = {term}")).collect();
    format!("SELECT a FROM t WHERE {}", terms.join(between))
}

#[test]
fn long_chains_are_flat() {
    for (between, or) in [(" AND ", false), (" OR ", true), (" && ", false)] {
        let sql = query_of(100_000, between);
        let parsed = parse(sql.as_bytes(), &ParseContext::default()).unwrap();
        let Statement::Query(query) = &parsed.statement else { panic!() };
        let QueryBody::Select(select) = &parsed.ast.query(*query).body else { panic!() };
        let filter = select.filter.unwrap();
        let terms = match parsed.ast.expr(filter) {
            Expr::And(terms) if !or => terms,
            Expr::Or(terms) if or => terms,
            other => panic!("{other:?}"),
        };
        assert_eq!((terms.len(), parsed.ast.height(filter)), (100_000, 3));
    }
    let list: Vec<String> = (0..100_000).map(|value| value.to_string()).collect();
    let sql = format!("SELECT a FROM t WHERE a IN ({})", list.join(","));
    assert!(parse(sql.as_bytes(), &ParseContext::default()).is_ok());
}

/// Every way to nest: the start, what is repeated, the middle, what is repeated behind it, the end.
const NESTS: &[(&str, &str, &str, &str, &str)] = &[
    ("SELECT ", "(", "1", ")", ""),
    ("SELECT ", "-", "1", "", ""),
    ("SELECT ", "NOT ", "1", "", ""),
    ("SELECT ", "! ", "1", "", ""),
    ("SELECT ", "~", "1", "", ""),
    ("SELECT ", "BINARY ", "1", "", ""),
    ("SELECT ", "1 + (", "1", ")", ""),
    ("SELECT ", "ABS(", "1", ")", ""),
    ("SELECT ", "f(1, ", "1", ")", ""),
    ("SELECT ", "(SELECT ", "1", ")", ""),
    ("SELECT ", "EXISTS (SELECT ", "1", ")", ""),
    ("SELECT ", "1 IN (", "1", ")", ""),
    ("SELECT ", "1 IN (SELECT ", "1", ")", ""),
    ("SELECT ", "CASE WHEN ", "1", " THEN 1 END", ""),
    ("SELECT ", "IF(1, 1, ", "1", ")", ""),
    ("SELECT ", "CAST(", "1", " AS SIGNED)", ""),
    ("SELECT ", "@a := ", "1", "", ""),
    ("SELECT ", "1 BETWEEN 1 AND ", "1", "", ""),
    ("SELECT ", "d + INTERVAL ", "1", " DAY", ""),
    ("SELECT ", "{x ", "1", "}", ""),
    ("SELECT ", "ROW(1, ", "1", ")", ""),
    ("SELECT ", "COUNT(DISTINCT ", "1", ")", ""),
    ("SELECT ", "SUM(1) OVER (ORDER BY ", "1", ")", ""),
    ("SELECT * FROM ", "(", "t", ")", ""),
    ("SELECT * FROM ", "t JOIN (u JOIN ", "t", " ON 1)", ""),
    ("SELECT * FROM ", "{oj ", "t", "}", ""),
    ("SELECT * FROM ", "(SELECT * FROM ", "t", ") x", ""),
    ("", "(", "SELECT 1", ")", ""),
    ("", "(SELECT 1) UNION (", "SELECT 1", ")", ""),
    ("", "WITH x AS (", "SELECT 1", ") SELECT 1", ""),
    (
        "SELECT * FROM JSON_TABLE('', '$' COLUMNS (",
        "NESTED PATH '$' COLUMNS (",
        "a INT PATH '$'",
        ")",
        ")) x",
    ),
];

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    for (head, open, middle, close, tail) in NESTS {
        for depth in [1, 20, 30_000] {
            let sql = format!("{head}{}{middle}{}{tail}", open.repeat(depth), close.repeat(depth));
            match parse(sql.as_bytes(), &ParseContext::default()) {
                Ok(_) => assert!(depth < 30_000, "{head}{open}"),
                Err(error) if depth == 30_000 => assert_eq!(error.code, 1436, "{open}\n{}", error.message),
                Err(error) => panic!("{sql}\n{}", error.message),
            }
        }
    }
}

/// A fixed sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn contexts() -> Vec<ParseContext> {
    let plain = ParseContext::default();
    let modes = SqlMode {
        ansi_quotes: true,
        pipes_as_concat: true,
        no_backslash_escapes: true,
        ignore_space: true,
        high_not_precedence: true,
        real_as_float: true,
        no_unsigned_subtraction: true,
    };
    let charsets = [
        ClientCharset::Latin1,
        ClientCharset::Gbk,
        ClientCharset::Gb18030,
        ClientCharset::Sjis,
        ClientCharset::Big5,
        ClientCharset::SingleByte,
    ];
    let mut all = vec![plain, ParseContext { sql_mode: modes, parameters: false, ..plain }];
    all.extend(charsets.map(|client_charset| ParseContext { client_charset, ..plain }));
    all
}

#[test]
fn no_bytes_make_the_parser_panic() {
    let statements: Vec<&[u8]> = include_str!("queries/accept.txt")
        .lines()
        .chain(include_str!("ddl/accept.txt").lines())
        .chain(include_str!("queries/reject.txt").lines().filter_map(|line| line.split('\t').nth(1)))
        .map(str::as_bytes)
        .collect();
    let contexts = contexts();
    let special = b"'\"`\\/*!-#@.:;?()\0\x80\xff\xc3\x81$ex0b_n{}";
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..60_000 {
        let mut sql = if round % 8 == 0 {
            let length = random.below(60);
            (0..length).map(|_| random.below(256) as u8).collect()
        } else {
            statements[random.below(statements.len())].to_vec()
        };
        for _ in 0..1 + random.below(4) {
            let at = random.below(sql.len() + 1);
            match random.below(5) {
                0 => sql.insert(at, special[random.below(special.len())]),
                1 => sql.truncate(at),
                2 if at < sql.len() => drop(sql.remove(at)),
                3 if at < sql.len() => sql[at] = special[random.below(special.len())],
                _ => {
                    let other = statements[random.below(statements.len())];
                    let from = random.below(other.len());
                    let to = (from + random.below(12)).min(other.len());
                    sql.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        let context = &contexts[random.below(contexts.len())];
        if let Ok(parsed) = parse(&sql, context) {
            assert!(parsed.next <= sql.len() && parsed.span.end as usize <= sql.len());
        }
    }
}

/// A second opinion: another project's parser of MySQL's dialect takes the statements too, and what it prints
/// of them is taken here. Where it does not go along, MySQL's answer stands: these are listed.
#[test]
fn another_parser_agrees_on_plain_statements() {
    let known: Vec<&str> = include_str!("queries/others.txt").lines().collect();
    let dialect = sqlparser::dialect::MySqlDialect {};
    let mut unknown = Vec::new();
    let mut agreed = 0;
    for sql in include_str!("queries/accept.txt").lines() {
        let same = sqlparser::parser::Parser::parse_sql(&dialect, sql).is_ok_and(|statements| {
            statements.iter().all(|statement| {
                match parse(statement.to_string().as_bytes(), &ParseContext::default()) {
                    Ok(parsed) => parsed.next == statement.to_string().len(),
                    Err(error) => error.code != 1064,
                }
            })
        });
        if same {
            agreed += 1;
        } else if !known.contains(&sql) {
            unknown.push(sql);
        }
    }
    assert!(unknown.is_empty(), "{} more:\n{}", unknown.len(), unknown.join("\n"));
    assert!(agreed > 500, "{agreed}");
}
