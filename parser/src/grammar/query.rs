//! Query expressions: WITH, set operations, parentheses, ORDER BY, LIMIT, locking, INTO.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::error::{ER_MISPLACED_INTO, ER_MULTIPLE_INTO_CLAUSES};

/// A query that is an operand of a set operation.
#[derive(Clone, Copy)]
struct Operand {
    query: QueryId,
    parenthesised: bool,
    /// Where it starts in the source, its parentheses included.
    start: u32,
}

impl Parser<'_> {
    /// SELECT, WITH, VALUES, TABLE or a parenthesised one of these, with INTO or not.
    pub(crate) fn query_statement(&mut self) -> PResult<Statement> {
        self.query_with_into().map(Statement::Query)
    }

    /// SELECT, UPDATE or DELETE behind WITH.
    pub(crate) fn with_statement(&mut self) -> PResult<Statement> {
        let start = self.here();
        let with = self.with_clause()?;
        match self.peek() {
            Tok::Kw(Kw::UPDATE) => {
                self.bump();
                self.update(Some(with))
            }
            Tok::Kw(Kw::DELETE) => {
                self.bump();
                self.delete(Some(with))
            }
            _ => self.query_behind_with(start, Some(with)).map(Statement::Query),
        }
    }

    /// A query where INTO must not stand.
    pub(crate) fn query_expression(&mut self) -> PResult<QueryId> {
        let query = self.query_with_into()?;
        self.without_into(query);
        Ok(query)
    }

    fn without_into(&mut self, query: QueryId) {
        if self.ast.query(query).into.is_some() {
            self.defer(ER_MISPLACED_INTO, Vec::new());
        }
    }

    fn query_with_into(&mut self) -> PResult<QueryId> {
        self.nested(|parser| {
            let start = parser.here();
            let with = if parser.at_kw(Kw::WITH) { Some(parser.with_clause()?) } else { None };
            parser.query_behind_with(start, with)
        })
    }

    fn query_behind_with(&mut self, start: u32, with: Option<With>) -> PResult<QueryId> {
        let first = self.operand()?;
        self.query_from(first, start, with)
    }

    /// What follows `query`, which stood in parentheses that began at `start`.
    pub(crate) fn continued_query(&mut self, query: QueryId, start: u32) -> PResult<QueryId> {
        let query = self.query_from(Operand { query, parenthesised: true, start }, start, None)?;
        self.without_into(query);
        Ok(query)
    }

    fn query_from(&mut self, first: Operand, start: u32, with: Option<With>) -> PResult<QueryId> {
        let body = self.set_operations(first)?;
        self.query_tail(body, start, with)
    }

    fn with_clause(&mut self) -> PResult<With> {
        if self.at_kw2(Kw::WITH, Kw::ROLLUP) {
            return self.unexpected();
        }
        self.expect_kw(Kw::WITH)?;
        let recursive = self.eat_kw(Kw::RECURSIVE);
        let tables = self.list(|parser| {
            let name = parser.ident()?;
            let columns = parser.optional_ident_list()?;
            parser.expect_kw(Kw::AS)?;
            let query = parser.parenthesised_query()?;
            Ok(CommonTable { name, columns, query })
        })?;
        Ok(With { recursive, tables })
    }

    /// UNION and EXCEPT, from left to right.
    fn set_operations(&mut self, first: Operand) -> PResult<Operand> {
        let first = self.intersections(first)?;
        let mut rest = Vec::new();
        let mut last = first;
        while let Some(word) = self.eat_any_kw(&[Kw::UNION, Kw::EXCEPT]) {
            self.without_into(last.query);
            let op = if word == Kw::UNION { SetOp::Union } else { SetOp::Except };
            let all = self.set_quantifier();
            let operand = self.operand()?;
            last = self.intersections(operand)?;
            rest.push(SetTerm { op, all, query: last.query });
        }
        self.set_operation(first, rest, last)
    }

    /// INTERSECT, which binds tighter.
    fn intersections(&mut self, first: Operand) -> PResult<Operand> {
        let mut rest = Vec::new();
        let mut last = first;
        while self.eat_kw(Kw::INTERSECT) {
            self.without_into(last.query);
            let all = self.set_quantifier();
            last = self.operand()?;
            rest.push(SetTerm { op: SetOp::Intersect, all, query: last.query });
        }
        self.set_operation(first, rest, last)
    }

    fn set_quantifier(&mut self) -> bool {
        let all = self.eat_kw(Kw::ALL);
        if !all {
            self.eat_kw(Kw::DISTINCT);
        }
        all
    }

    fn set_operation(&mut self, first: Operand, rest: Vec<SetTerm>, last: Operand) -> PResult<Operand> {
        if rest.is_empty() {
            return Ok(first);
        }
        // INTO behind the last operand belongs to the whole.
        let into = self.ast.query_mut(last.query).into.take();
        let span = self.span_from(first.start);
        let body = QueryBody::SetOperation { first: first.query, rest };
        let query = self.ast.add_query(plain_query(body, into, span));
        Ok(Operand { query, parenthesised: false, start: first.start })
    }

    fn operand(&mut self) -> PResult<Operand> {
        let start = self.here();
        let (body, into) = match self.peek() {
            Tok::LParen => {
                self.bump();
                let query = self.query_with_into()?;
                self.expect(Tok::RParen)?;
                return Ok(Operand { query, parenthesised: true, start });
            }
            Tok::Kw(Kw::SELECT) => {
                let (select, into) = self.select()?;
                (QueryBody::Select(Box::new(select)), into)
            }
            Tok::Kw(Kw::TABLE) => {
                self.bump();
                (QueryBody::Table(self.object_name()?), None)
            }
            Tok::Kw(Kw::VALUES) => {
                self.bump();
                let rows = self.list(|parser| {
                    parser.expect_kw(Kw::ROW)?;
                    parser.insert_row()
                })?;
                (QueryBody::Values(rows), None)
            }
            _ => return self.unexpected(),
        };
        let span = self.span_from(start);
        let query = self.ast.add_query(plain_query(body, into, span));
        Ok(Operand { query, parenthesised: false, start })
    }

    /// ORDER BY, LIMIT, locking and INTO of the query `operand`.
    fn query_tail(&mut self, operand: Operand, start: u32, with: Option<With>) -> PResult<QueryId> {
        let order_by = self.order_by()?;
        let limit = self.limit()?;
        let mut into = self.selected_into()?;
        let locking = self.locking()?;
        if into.is_none() {
            into = self.selected_into()?;
        }
        let bare =
            with.is_none() && order_by.is_empty() && limit.is_none() && locking.is_empty() && into.is_none();
        let Operand { query, parenthesised, .. } = operand;
        if bare && parenthesised {
            return Ok(query);
        }
        let inner = self.ast.query(query);
        let own = inner.with.is_some()
            || !inner.order_by.is_empty()
            || inner.limit.is_some()
            || !inner.locking.is_empty();
        if inner.into.is_some() && (into.is_some() || parenthesised) {
            let kind = if into.is_some() { ER_MULTIPLE_INTO_CLAUSES } else { ER_MISPLACED_INTO };
            self.defer(kind, Vec::new());
        }
        let span = self.span_from(start);
        if own {
            let body = QueryBody::Nested(query);
            return Ok(self.ast.add_query(Query { with, body, order_by, limit, locking, into, span }));
        }
        let whole = self.ast.query_mut(query);
        whole.with = with;
        whole.order_by = order_by;
        whole.limit = limit;
        whole.locking = locking;
        whole.into = into.or_else(|| whole.into.take());
        whole.span = span;
        Ok(query)
    }

    /// `ORDER BY ..`, when it comes next.
    pub(crate) fn order_by(&mut self) -> PResult<Vec<OrderItem>> {
        if !self.eat_kw(Kw::ORDER) {
            return Ok(Vec::new());
        }
        self.expect_kw(Kw::BY)?;
        self.list(Parser::order_item)
    }

    pub(crate) fn order_item(&mut self) -> PResult<OrderItem> {
        let expr = self.expression()?;
        let descending = self.eat_any_kw(&[Kw::ASC, Kw::DESC]) == Some(Kw::DESC);
        Ok(OrderItem { expr, descending })
    }

    /// `LIMIT count`, `LIMIT offset, count`, `LIMIT count OFFSET offset`, when it comes next.
    pub(crate) fn limit(&mut self) -> PResult<Option<Limit>> {
        if !self.eat_kw(Kw::LIMIT) {
            return Ok(None);
        }
        let first = self.limit_value()?;
        if self.eat(Tok::Comma) {
            return Ok(Some(Limit { count: self.limit_value()?, offset: Some(first) }));
        }
        let offset = if self.eat_kw(Kw::OFFSET) { Some(self.limit_value()?) } else { None };
        Ok(Some(Limit { count: first, offset }))
    }

    /// `LIMIT count` alone, when it comes next.
    pub(crate) fn simple_limit(&mut self) -> PResult<Option<Limit>> {
        if !self.eat_kw(Kw::LIMIT) {
            return Ok(None);
        }
        Ok(Some(Limit { count: self.limit_value()?, offset: None }))
    }

    fn limit_value(&mut self) -> PResult<ExprId> {
        match self.peek() {
            Tok::Int if self.fits(self.token()) => self.literal(),
            Tok::Param => Ok(self.parameter()),
            _ => {
                let name = self.ident()?;
                let span = name.span;
                Ok(self.leaf(Expr::Column(ColumnName::bare(name)), span))
            }
        }
    }

    fn locking(&mut self) -> PResult<Vec<LockingClause>> {
        let mut clauses = Vec::new();
        while let Some(word) = self.eat_any_kw(&[Kw::FOR, Kw::LOCK]) {
            if word == Kw::LOCK {
                self.expect_kws(&[Kw::IN, Kw::SHARE, Kw::MODE])?;
                let (strength, tables, wait) = (LockStrength::Share, Vec::new(), LockWait::Wait);
                clauses.push(LockingClause { strength, tables, wait });
                continue;
            }
            let strength = match self.eat_any_kw(&[Kw::UPDATE, Kw::SHARE]) {
                Some(Kw::UPDATE) => LockStrength::Update,
                Some(_) => LockStrength::Share,
                None => return self.unexpected(),
            };
            let tables = if self.eat_kw(Kw::OF) { self.list(Parser::object_name)? } else { Vec::new() };
            let wait = if self.eat_kw(Kw::NOWAIT) {
                LockWait::NoWait
            } else if self.eat_kw(Kw::SKIP) {
                self.expect_kw(Kw::LOCKED)?;
                LockWait::SkipLocked
            } else {
                LockWait::Wait
            };
            clauses.push(LockingClause { strength, tables, wait });
        }
        Ok(clauses)
    }

    /// `INTO ..` of SELECT, when it comes next.
    pub(crate) fn selected_into(&mut self) -> PResult<Option<IntoClause>> {
        if !self.eat_kw(Kw::INTO) {
            return Ok(None);
        }
        if self.eat_kw(Kw::DUMPFILE) {
            return Ok(Some(IntoClause::Dumpfile(self.string()?)));
        }
        if self.eat_kw(Kw::OUTFILE) {
            let file = self.string()?;
            let charset = self.optional_charset()?;
            let format = Box::new(self.data_file_format()?);
            return Ok(Some(IntoClause::Outfile { file, charset, format }));
        }
        let targets = self.list(|parser| {
            if parser.peek() == Tok::At {
                return parser.user_variable().map(IntoTarget::UserVariable);
            }
            parser.ident_or_text().map(IntoTarget::Local)
        })?;
        Ok(Some(IntoClause::Variables(targets)))
    }

    /// `CHARACTER SET name`, when it comes next.
    pub(crate) fn optional_charset(&mut self) -> PResult<Option<aurora_types::Text>> {
        if !self.at_charset_words() {
            return Ok(None);
        }
        self.charset_words()?;
        self.charset_name().map(Some)
    }
}

fn plain_query(body: QueryBody, into: Option<IntoClause>, span: Span) -> Query {
    Query { with: None, body, order_by: Vec::new(), limit: None, locking: Vec::new(), into, span }
}
