//! Expressions: operators by precedence, from OR down to the prefix operators.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

/// What parentheses held.
pub(crate) enum Parens {
    Query(QueryId),
    List(Vec<ExprId>),
}

impl Parser<'_> {
    /// Any expression.
    pub(crate) fn expression(&mut self) -> PResult<ExprId> {
        self.nested(Parser::or_level)
    }

    fn at_or(&self) -> bool {
        match self.peek() {
            Tok::Kw(Kw::OR) => true,
            Tok::PipePipe => !self.context.sql_mode.pipes_as_concat,
            _ => false,
        }
    }

    fn or_level(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        let first = self.xor_level()?;
        if !self.at_or() {
            return Ok(first);
        }
        let mut terms = self.flat_terms(first, true);
        while self.at_or() {
            if self.peek() == Tok::PipePipe {
                self.ast.deprecate(crate::ast::Deprecated::PipesAsOr);
            }
            self.bump();
            let term = self.xor_level()?;
            self.append_terms(&mut terms, term, true);
        }
        let below = self.highest(&terms);
        let span = self.span_from(start);
        self.push(Expr::Or(terms), span, below)
    }

    fn xor_level(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        let mut left = self.and_level()?;
        while self.eat_kw(Kw::XOR) {
            let right = self.and_level()?;
            left = self.binary(BinaryOp::Xor, left, right, start)?;
        }
        Ok(left)
    }

    fn at_and(&self) -> bool {
        matches!(self.peek(), Tok::Kw(Kw::AND) | Tok::AmpAmp)
    }

    fn and_level(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        let first = self.not_level()?;
        if !self.at_and() {
            return Ok(first);
        }
        let mut terms = self.flat_terms(first, false);
        while self.at_and() {
            self.bump();
            let term = self.not_level()?;
            self.append_terms(&mut terms, term, false);
        }
        let below = self.highest(&terms);
        let span = self.span_from(start);
        self.push(Expr::And(terms), span, below)
    }

    /// The terms of `first` when it is an OR (or an AND) itself, else `first` alone.
    fn flat_terms(&mut self, first: ExprId, or: bool) -> Vec<ExprId> {
        match self.ast.expr_mut(first) {
            Expr::Or(terms) if or => std::mem::take(terms),
            Expr::And(terms) if !or => std::mem::take(terms),
            _ => vec![first],
        }
    }

    fn append_terms(&mut self, terms: &mut Vec<ExprId>, term: ExprId, or: bool) {
        match self.ast.expr_mut(term) {
            Expr::Or(inner) if or => terms.append(inner),
            Expr::And(inner) if !or => terms.append(inner),
            _ => terms.push(term),
        }
    }

    /// `NOT a`, and what has no AND, OR or XOR outside of parentheses.
    pub(crate) fn not_level(&mut self) -> PResult<ExprId> {
        if self.pending.is_none() && self.at_kw(Kw::NOT) && !self.context.sql_mode.high_not_precedence {
            let start = self.here();
            self.bump();
            let expr = self.nested(Parser::not_level)?;
            return self.unary(UnaryOp::Not, expr, start);
        }
        let start = self.operand_start();
        let expr = self.comparison()?;
        if !self.at_kw(Kw::IS) {
            return Ok(expr);
        }
        let not = usize::from(self.peek_at(1) == Tok::Kw(Kw::NOT));
        let test = match self.peek_at(1 + not) {
            Tok::Kw(Kw::TRUE) => IsTest::True,
            Tok::Kw(Kw::FALSE) => IsTest::False,
            Tok::Kw(Kw::UNKNOWN) => IsTest::Unknown,
            _ => {
                self.bump();
                self.eat_kw(Kw::NOT);
                return self.unexpected();
            }
        };
        for _ in 0..2 + not {
            self.bump();
        }
        let span = self.span_from(start);
        let below = self.ast.height(expr);
        self.push(Expr::Is { expr, test, negated: not == 1 }, span, below)
    }

    /// `bool_pri` of MySQL's grammar: comparisons and IS NULL, from left to right.
    fn comparison(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        let mut left = self.predicate()?;
        loop {
            let op = match self.peek() {
                Tok::Eq => BinaryOp::Eq,
                Tok::NullSafeEq => BinaryOp::NullSafeEq,
                Tok::Ne => BinaryOp::Ne,
                Tok::Lt => BinaryOp::Lt,
                Tok::Le => BinaryOp::Le,
                Tok::Gt => BinaryOp::Gt,
                Tok::Ge => BinaryOp::Ge,
                Tok::Kw(Kw::IS) => {
                    let negated = self.peek_at(1) == Tok::Kw(Kw::NOT);
                    if self.peek_at(1 + usize::from(negated)) != Tok::Kw(Kw::NULL) {
                        return Ok(left);
                    }
                    for _ in 0..2 + usize::from(negated) {
                        self.bump();
                    }
                    let span = self.span_from(start);
                    let below = self.ast.height(left);
                    left = self.push(Expr::Is { expr: left, test: IsTest::Null, negated }, span, below)?;
                    continue;
                }
                _ => return Ok(left),
            };
            let operator = self.position();
            self.bump();
            let quantifier = match self.peek() {
                Tok::Kw(Kw::ALL) => true,
                Tok::Kw(Kw::ANY | Kw::SOME) => self.peek_at(1) == Tok::LParen,
                _ => false,
            };
            if quantifier {
                let all = self.bump().tok == Tok::Kw(Kw::ALL);
                let query = self.parenthesised_query()?;
                if op == BinaryOp::NullSafeEq {
                    return self.unexpected_at(operator);
                }
                let span = self.span_from(start);
                let below = self.ast.height(left);
                left = self.push(Expr::Quantified { op, left, all, query }, span, below)?;
                continue;
            }
            let right = self.predicate()?;
            left = self.binary(op, left, right, start)?;
        }
    }

    /// `predicate` of MySQL's grammar: IN, BETWEEN, LIKE, REGEXP, SOUNDS LIKE, MEMBER OF, at most one.
    fn predicate(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        let expr = self.bit_expression(0)?;
        let negated = self.eat_kw(Kw::NOT);
        let word = match self.peek() {
            Tok::Kw(word @ (Kw::IN | Kw::BETWEEN | Kw::LIKE | Kw::REGEXP | Kw::RLIKE)) => word,
            _ if negated => return self.unexpected(),
            // Never an alias here, as in MySQL.
            Tok::Kw(word @ (Kw::MEMBER | Kw::SOUNDS)) => word,
            _ => return Ok(expr),
        };
        self.bump();
        let mut below = self.ast.height(expr);
        let node = match word {
            Kw::IN => match self.parens()? {
                Parens::Query(query) => Expr::InSubquery { expr, query, negated },
                Parens::List(list) => {
                    below = below.max(self.highest(&list));
                    Expr::In { expr, list, negated }
                }
            },
            Kw::BETWEEN => {
                let low = self.bit_expression(0)?;
                self.expect_kw(Kw::AND)?;
                let high = self.nested(Parser::predicate)?;
                below = below.max(self.highest(&[low, high]));
                Expr::Between { expr, low, high, negated }
            }
            Kw::LIKE => {
                let pattern = self.simple_expression()?;
                let escape = if self.eat_kw(Kw::ESCAPE) { Some(self.simple_expression()?) } else { None };
                below = below.max(self.highest(&[pattern, escape.unwrap_or(pattern)]));
                Expr::Like { expr, pattern, escape, negated }
            }
            Kw::MEMBER => {
                self.eat_kw(Kw::OF);
                self.expect(Tok::LParen)?;
                let array = self.simple_expression()?;
                self.expect(Tok::RParen)?;
                below = below.max(self.ast.height(array));
                Expr::MemberOf { value: expr, array }
            }
            Kw::SOUNDS => {
                self.expect_kw(Kw::LIKE)?;
                let right = self.bit_expression(0)?;
                return self.binary(BinaryOp::SoundsLike, expr, right, start);
            }
            _ => {
                let pattern = self.bit_expression(0)?;
                below = below.max(self.ast.height(pattern));
                Expr::Regexp { expr, pattern, negated }
            }
        };
        let span = self.span_from(start);
        self.push(node, span, below)
    }

    /// `bit_expr` of MySQL's grammar, of operators that bind tighter than `above`.
    pub(crate) fn bit_expression(&mut self, above: u8) -> PResult<ExprId> {
        let start = self.operand_start();
        let mut left = self.simple_expression()?;
        loop {
            let (op, power) = match self.peek() {
                Tok::Pipe => (BinaryOp::BitOr, 1),
                Tok::Amp => (BinaryOp::BitAnd, 2),
                Tok::ShiftLeft => (BinaryOp::ShiftLeft, 3),
                Tok::ShiftRight => (BinaryOp::ShiftRight, 3),
                Tok::Plus => (BinaryOp::Add, 4),
                Tok::Minus => (BinaryOp::Sub, 4),
                Tok::Star => (BinaryOp::Mul, 5),
                Tok::Slash => (BinaryOp::Div, 5),
                Tok::Percent | Tok::Kw(Kw::MOD) => (BinaryOp::Mod, 5),
                Tok::Kw(Kw::DIV) => (BinaryOp::IntDiv, 5),
                Tok::Caret => (BinaryOp::BitXor, 6),
                _ => return Ok(left),
            };
            if power <= above {
                return Ok(left);
            }
            self.bump();
            if power == 4 && self.at_kw(Kw::INTERVAL) && !self.at_interval_function() {
                self.bump();
                let amount = self.expression()?;
                let unit = self.interval_unit()?;
                let span = self.span_from(start);
                let below = self.highest(&[left, amount]);
                let subtract = op == BinaryOp::Sub;
                left = self.push(Expr::DateArith { date: left, amount, unit, subtract }, span, below)?;
                continue;
            }
            let right = self.bit_expression(power)?;
            left = self.binary(op, left, right, start)?;
        }
    }

    /// `simple_expr` of MySQL's grammar, with `||` where that is CONCAT.
    pub(crate) fn simple_expression(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        let mut left = self.prefixed()?;
        while self.context.sql_mode.pipes_as_concat && self.eat(Tok::PipePipe) {
            let right = self.prefixed()?;
            left = self.binary(BinaryOp::Concat, left, right, start)?;
        }
        Ok(left)
    }

    /// An operand with its prefix operators and its COLLATE.
    fn prefixed(&mut self) -> PResult<ExprId> {
        let start = self.operand_start();
        if let Some((expr, _)) = self.pending.take() {
            return self.collated(expr, start);
        }
        let op = match self.peek() {
            Tok::Plus => UnaryOp::Plus,
            Tok::Minus => UnaryOp::Minus,
            Tok::Tilde => UnaryOp::BitNot,
            Tok::Bang => UnaryOp::Not,
            Tok::Kw(Kw::NOT) if self.context.sql_mode.high_not_precedence => UnaryOp::Not,
            Tok::Kw(Kw::BINARY) => UnaryOp::Binary,
            _ => {
                let expr = self.primary()?;
                return self.collated(expr, start);
            }
        };
        if self.peek() == Tok::Bang {
            self.ast.deprecate(crate::ast::Deprecated::Bang);
        }
        self.bump();
        let expr = self.nested(Parser::prefixed)?;
        self.unary(op, expr, start)
    }

    fn collated(&mut self, mut expr: ExprId, start: u32) -> PResult<ExprId> {
        while self.eat_kw(Kw::COLLATE) {
            if self.at_kw(Kw::BINARY) {
                return self.unexpected();
            }
            let collation = self.collation_name()?;
            let span = self.span_from(start);
            let below = self.ast.height(expr);
            expr = self.push(Expr::Collate { expr, collation }, span, below)?;
        }
        Ok(expr)
    }

    pub(crate) fn unary(&mut self, op: UnaryOp, expr: ExprId, start: u32) -> PResult<ExprId> {
        let span = self.span_from(start);
        let below = self.ast.height(expr);
        self.push(Expr::Unary { op, expr }, span, below)
    }

    pub(crate) fn binary(
        &mut self,
        op: BinaryOp,
        left: ExprId,
        right: ExprId,
        start: u32,
    ) -> PResult<ExprId> {
        let span = self.span_from(start);
        let below = self.ast.height(left).max(self.ast.height(right));
        self.push(Expr::Binary { op, left, right }, span, below)
    }

    /// Where the next operand begins in the source.
    fn operand_start(&self) -> u32 {
        self.pending.map_or_else(|| self.here(), |(_, start)| start)
    }

    /// `(query)`, `(expr)` or `(expr, ..)`.
    ///
    /// `((SELECT 1) UNION ..)` and `((SELECT 1) + 1)` differ only behind the inner parenthesis: what was read
    /// by then waits in `pending`, where the operand is taken from.
    pub(crate) fn parens(&mut self) -> PResult<Parens> {
        self.nested(|parser| {
            parser.expect(Tok::LParen)?;
            if parser.at_query_word(0) {
                let query = parser.query_expression()?;
                parser.expect(Tok::RParen)?;
                return Ok(Parens::Query(query));
            }
            if parser.peek() == Tok::LParen {
                let inner = parser.here();
                let expr = match parser.parens()? {
                    Parens::Query(query) if parser.at_query_tail() => {
                        let query = parser.continued_query(query, inner)?;
                        parser.expect(Tok::RParen)?;
                        return Ok(Parens::Query(query));
                    }
                    Parens::Query(query) => parser.subquery(query, inner)?,
                    Parens::List(list) => parser.row_or_single(list, inner)?,
                };
                parser.pending = Some((expr, inner));
            }
            let mut list = vec![parser.or_level()?];
            while parser.eat(Tok::Comma) {
                list.push(parser.or_level()?);
            }
            parser.expect(Tok::RParen)?;
            Ok(Parens::List(list))
        })
    }

    fn row_or_single(&mut self, list: Vec<ExprId>, start: u32) -> PResult<ExprId> {
        match list[..] {
            [single] => Ok(single),
            _ => {
                let span = self.span_from(start);
                let below = self.highest(&list);
                self.push(Expr::Row(list), span, below)
            }
        }
    }

    fn subquery(&mut self, query: QueryId, start: u32) -> PResult<ExprId> {
        let span = self.span_from(start);
        Ok(self.leaf(Expr::Subquery(query), span))
    }

    /// A parenthesis where an operand stands.
    pub(crate) fn parenthesised_operand(&mut self) -> PResult<ExprId> {
        let start = self.here();
        match self.parens()? {
            Parens::Query(query) => self.subquery(query, start),
            Parens::List(list) => self.row_or_single(list, start),
        }
    }

    /// `(query)`, where only a query may stand.
    pub(crate) fn parenthesised_query(&mut self) -> PResult<QueryId> {
        self.expect(Tok::LParen)?;
        let query = self.query_expression()?;
        self.expect(Tok::RParen)?;
        Ok(query)
    }

    /// Whether SELECT, WITH, TABLE or VALUES ROW comes `ahead` tokens on.
    pub(crate) fn at_query_word(&self, ahead: usize) -> bool {
        match self.peek_at(ahead) {
            Tok::Kw(Kw::SELECT | Kw::WITH | Kw::TABLE) => true,
            Tok::Kw(Kw::VALUES) => self.peek_at(ahead + 1) == Tok::Kw(Kw::ROW),
            _ => false,
        }
    }

    /// Whether what comes next continues a query in parentheses.
    pub(crate) fn at_query_tail(&self) -> bool {
        matches!(
            self.peek(),
            Tok::RParen
                | Tok::Kw(
                    Kw::UNION | Kw::EXCEPT | Kw::INTERSECT | Kw::ORDER | Kw::LIMIT | Kw::FOR | Kw::LOCK
                )
        )
    }

    /// Whether INTERVAL is the comparison function: a comma in its parentheses says so.
    pub(crate) fn at_interval_function(&self) -> bool {
        if self.peek_at(1) != Tok::LParen || self.at_query_word(2) {
            return false;
        }
        let mut depth = 0usize;
        let mut ahead = 1;
        loop {
            match self.peek_at(ahead) {
                Tok::LParen => depth += 1,
                Tok::RParen if depth == 1 => return false,
                Tok::RParen => depth -= 1,
                Tok::Comma if depth == 1 => return true,
                Tok::Eof | Tok::Semicolon | Tok::Invalid => return false,
                _ => {}
            }
            ahead += 1;
        }
    }

    /// DAY, HOUR_MINUTE and the like.
    pub(crate) fn interval_unit(&mut self) -> PResult<IntervalUnit> {
        let Some(unit) = interval_unit_of(self.peek()) else { return self.unexpected() };
        self.bump();
        Ok(unit)
    }
}

fn interval_unit_of(tok: Tok) -> Option<IntervalUnit> {
    let Tok::Kw(word) = tok else { return None };
    Some(match word {
        Kw::MICROSECOND => IntervalUnit::Microsecond,
        Kw::SECOND | Kw::SQL_TSI_SECOND => IntervalUnit::Second,
        Kw::MINUTE | Kw::SQL_TSI_MINUTE => IntervalUnit::Minute,
        Kw::HOUR | Kw::SQL_TSI_HOUR => IntervalUnit::Hour,
        Kw::DAY | Kw::SQL_TSI_DAY => IntervalUnit::Day,
        Kw::WEEK | Kw::SQL_TSI_WEEK => IntervalUnit::Week,
        Kw::MONTH | Kw::SQL_TSI_MONTH => IntervalUnit::Month,
        Kw::QUARTER | Kw::SQL_TSI_QUARTER => IntervalUnit::Quarter,
        Kw::YEAR | Kw::SQL_TSI_YEAR => IntervalUnit::Year,
        Kw::SECOND_MICROSECOND => IntervalUnit::SecondMicrosecond,
        Kw::MINUTE_MICROSECOND => IntervalUnit::MinuteMicrosecond,
        Kw::MINUTE_SECOND => IntervalUnit::MinuteSecond,
        Kw::HOUR_MICROSECOND => IntervalUnit::HourMicrosecond,
        Kw::HOUR_SECOND => IntervalUnit::HourSecond,
        Kw::HOUR_MINUTE => IntervalUnit::HourMinute,
        Kw::DAY_MICROSECOND => IntervalUnit::DayMicrosecond,
        Kw::DAY_SECOND => IntervalUnit::DaySecond,
        Kw::DAY_MINUTE => IntervalUnit::DayMinute,
        Kw::DAY_HOUR => IntervalUnit::DayHour,
        Kw::YEAR_MONTH => IntervalUnit::YearMonth,
        _ => return None,
    })
}
