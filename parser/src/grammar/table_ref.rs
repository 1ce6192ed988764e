//! FROM: tables, derived tables, joins, parentheses, index hints, JSON_TABLE.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::ErrorKind;
use aurora_types::error::{ER_DERIVED_MUST_HAVE_ALIAS, ER_NOT_SUPPORTED_YET, ER_TF_MUST_HAVE_ALIAS};

/// Words that can follow a table.
const BEHIND_A_TABLE: &[Kw] = &[
    Kw::ON,
    Kw::USING,
    Kw::JOIN,
    Kw::INNER,
    Kw::CROSS,
    Kw::LEFT,
    Kw::RIGHT,
    Kw::NATURAL,
    Kw::STRAIGHT_JOIN,
    Kw::WHERE,
    Kw::GROUP,
    Kw::HAVING,
    Kw::WINDOW,
    Kw::QUALIFY,
    Kw::ORDER,
    Kw::LIMIT,
    Kw::FOR,
    Kw::LOCK,
    Kw::INTO,
    Kw::UNION,
    Kw::EXCEPT,
    Kw::INTERSECT,
    Kw::SET,
    Kw::WITH,
];

/// What parentheses in FROM held.
enum TableParens {
    Query(QueryId),
    Tables(Vec<TableReference>),
}

/// What joins two tables.
enum JoinWord {
    Plain(JoinKind),
    Natural(JoinKind),
}

impl Parser<'_> {
    /// `a, b JOIN c, ..`
    pub(crate) fn table_references(&mut self) -> PResult<Vec<TableReference>> {
        self.list(|parser| parser.table_reference(None))
    }

    /// A table and its joins; `first` is one that was already read.
    ///
    /// ON belongs to the nearest join before it that has none, and a join that never gets one is a cross join
    /// of what is left of it with the first table on its right, as in MySQL's grammar.
    fn table_reference(&mut self, first: Option<TableFactor>) -> PResult<TableReference> {
        let first = match first {
            Some(first) => first,
            None if self.peek() == Tok::LBrace => return self.braced_reference(),
            None => self.table_factor()?,
        };
        let mut current = TableReference { first, joins: Vec::new() };
        let mut waiting: Vec<(JoinKind, TableReference)> = Vec::new();
        loop {
            match self.peek() {
                Tok::Kw(Kw::ON | Kw::USING) if !waiting.is_empty() => {
                    let condition = self.join_condition()?;
                    let Some((kind, mut left)) = waiting.pop() else { break };
                    let right = self.as_factor(current);
                    left.joins.push(Join { kind, natural: false, right, condition });
                    current = left;
                }
                _ => match self.join_word()? {
                    None => break,
                    Some(JoinWord::Natural(kind)) => {
                        let right = self.table_factor()?;
                        current.joins.push(Join {
                            kind,
                            natural: true,
                            right,
                            condition: JoinCondition::None,
                        });
                    }
                    Some(JoinWord::Plain(kind)) => {
                        let right = if self.peek() == Tok::LBrace {
                            let inner = self.braced_reference()?;
                            self.as_factor(inner)
                        } else {
                            self.table_factor()?
                        };
                        let right = TableReference { first: right, joins: Vec::new() };
                        waiting.push((kind, std::mem::replace(&mut current, right)));
                    }
                },
            }
        }
        while let Some((kind, mut left)) = waiting.pop() {
            if matches!(kind, JoinKind::Left | JoinKind::Right) {
                return self.unexpected();
            }
            left.joins.push(Join {
                kind,
                natural: false,
                right: current.first,
                condition: JoinCondition::None,
            });
            left.joins.append(&mut current.joins);
            current = left;
        }
        Ok(current)
    }

    /// `{OJ a LEFT JOIN b ON ..}`
    fn braced_reference(&mut self) -> PResult<TableReference> {
        self.nested(|parser| {
            parser.expect(Tok::LBrace)?;
            let word = parser.position();
            if !parser.ident()?.is("oj") {
                return parser.unexpected_at(word);
            }
            let inner = parser.table_reference(None)?;
            parser.expect(Tok::RBrace)?;
            Ok(inner)
        })
    }

    fn as_factor(&mut self, reference: TableReference) -> TableFactor {
        if reference.joins.is_empty() {
            return reference.first;
        }
        TableFactor::Nested(self.ast.add_from(vec![reference]))
    }

    fn join_word(&mut self) -> PResult<Option<JoinWord>> {
        let Tok::Kw(word) = self.peek() else { return Ok(None) };
        let plain = match word {
            Kw::JOIN => JoinKind::Inner,
            Kw::INNER | Kw::CROSS => {
                self.bump();
                JoinKind::Inner
            }
            Kw::STRAIGHT_JOIN => {
                self.bump();
                return Ok(Some(JoinWord::Plain(JoinKind::Straight)));
            }
            Kw::LEFT | Kw::RIGHT => {
                self.bump();
                self.eat_kw(Kw::OUTER);
                if word == Kw::LEFT { JoinKind::Left } else { JoinKind::Right }
            }
            Kw::NATURAL => {
                self.bump();
                let kind = match self.eat_any_kw(&[Kw::INNER, Kw::LEFT, Kw::RIGHT]) {
                    Some(Kw::LEFT) => JoinKind::Left,
                    Some(Kw::RIGHT) => JoinKind::Right,
                    _ => JoinKind::Inner,
                };
                if kind != JoinKind::Inner {
                    self.eat_kw(Kw::OUTER);
                }
                self.expect_kw(Kw::JOIN)?;
                return Ok(Some(JoinWord::Natural(kind)));
            }
            _ => return Ok(None),
        };
        self.expect_kw(Kw::JOIN)?;
        Ok(Some(JoinWord::Plain(plain)))
    }

    fn join_condition(&mut self) -> PResult<JoinCondition> {
        if self.eat_kw(Kw::ON) {
            return self.expression().map(JoinCondition::On);
        }
        self.expect_kw(Kw::USING)?;
        self.parenthesised(Parser::ident).map(JoinCondition::Using)
    }

    fn table_factor(&mut self) -> PResult<TableFactor> {
        match self.peek() {
            Tok::LParen => match self.table_parens()? {
                TableParens::Query(query) => self.derived(query, false),
                TableParens::Tables(tables) => Ok(self.nested_tables(tables)),
            },
            Tok::Kw(Kw::LATERAL) => {
                self.bump();
                let query = self.parenthesised_query()?;
                self.derived(query, true)
            }
            Tok::Kw(Kw::JSON_TABLE) => self.json_table(),
            _ => self.named_table(),
        }
    }

    fn nested_tables(&mut self, mut tables: Vec<TableReference>) -> TableFactor {
        match tables.pop() {
            Some(only) if tables.is_empty() && only.joins.is_empty() => only.first,
            Some(last) => {
                tables.push(last);
                TableFactor::Nested(self.ast.add_from(tables))
            }
            None => TableFactor::Nested(self.ast.add_from(tables)),
        }
    }

    fn table_parens(&mut self) -> PResult<TableParens> {
        self.nested(|parser| {
            parser.expect(Tok::LParen)?;
            if parser.at_query_word(0) || parser.at_kw(Kw::VALUES) {
                let query = parser.query_expression()?;
                parser.expect(Tok::RParen)?;
                return Ok(TableParens::Query(query));
            }
            let mut first = None;
            if parser.peek() == Tok::LParen {
                let inner = parser.here();
                first = Some(match parser.table_parens()? {
                    TableParens::Query(query) if parser.at_query_tail() => {
                        let query = parser.continued_query(query, inner)?;
                        parser.expect(Tok::RParen)?;
                        return Ok(TableParens::Query(query));
                    }
                    TableParens::Query(query) => parser.derived(query, false)?,
                    TableParens::Tables(tables) => parser.nested_tables(tables),
                });
            }
            let mut tables = vec![parser.table_reference(first)?];
            while parser.eat(Tok::Comma) {
                tables.push(parser.table_reference(None)?);
            }
            if let [TableReference { first: TableFactor::Derived { .. } | TableFactor::JsonTable(_), joins }] =
                &tables[..]
                && joins.is_empty()
            {
                return parser.unexpected();
            }
            parser.expect(Tok::RParen)?;
            Ok(TableParens::Tables(tables))
        })
    }

    /// The alias and columns behind a query in parentheses.
    fn derived(&mut self, query: QueryId, lateral: bool) -> PResult<TableFactor> {
        if self.peek() == Tok::LParen {
            self.optional_ident_list()?;
            return Err(ParseError::other(ER_DERIVED_MUST_HAVE_ALIAS, Vec::new()));
        }
        let alias = self.needed_alias(ER_DERIVED_MUST_HAVE_ALIAS)?;
        let columns = self.optional_ident_list()?;
        Ok(TableFactor::Derived { lateral, query, alias, columns })
    }

    /// `[AS] name`, when it comes next.
    pub(crate) fn table_alias(&mut self) -> PResult<Option<Ident>> {
        if self.eat_kw(Kw::AS) || self.at_name() { self.ident().map(Some) } else { Ok(None) }
    }

    fn needed_alias(&mut self, missing: &'static ErrorKind) -> PResult<Ident> {
        let alias = self.table_alias()?;
        let Some(alias) = alias else {
            // What can stand behind a table lets MySQL see that the name is missing before anything else.
            return match self.peek() {
                Tok::Comma | Tok::RParen | Tok::RBrace | Tok::Semicolon | Tok::Eof => {
                    Err(ParseError::other(missing, Vec::new()))
                }
                Tok::Kw(word) if BEHIND_A_TABLE.contains(&word) => {
                    Err(ParseError::other(missing, Vec::new()))
                }
                _ => self.unexpected(),
            };
        };
        Ok(alias)
    }

    fn named_table(&mut self) -> PResult<TableFactor> {
        let start = self.here();
        let name = self.object_name()?;
        let span = self.span_from(start);
        let partitions = self.partition_names()?;
        let alias = self.table_alias()?;
        let index_hints = self.index_hints()?;
        self.table_sample()?;
        Ok(TableFactor::Table(Box::new(TableFactorTable { name, alias, partitions, index_hints, span })))
    }

    /// `TABLESAMPLE BERNOULLI (percentage)`, when it comes next.
    fn table_sample(&mut self) -> PResult<()> {
        if !self.eat_kw(Kw::TABLESAMPLE) {
            return Ok(());
        }
        if self.eat_any_kw(&[Kw::SYSTEM, Kw::BERNOULLI]).is_none() {
            return self.unexpected();
        }
        self.expect(Tok::LParen)?;
        match self.peek() {
            Tok::At => self.user_variable().map(drop)?,
            Tok::Int | Tok::Decimal | Tok::Float => drop(self.bump()),
            Tok::Param => drop(self.parameter()),
            _ => return self.unexpected(),
        }
        self.expect(Tok::RParen)?;
        self.defer(ER_NOT_SUPPORTED_YET, vec!["TABLESAMPLE".into()]);
        Ok(())
    }

    /// `PARTITION (a, b)`, when it comes next.
    pub(crate) fn partition_names(&mut self) -> PResult<Vec<Ident>> {
        if self.eat_kw(Kw::PARTITION) { self.parenthesised(Parser::ident) } else { Ok(Vec::new()) }
    }

    fn index_hints(&mut self) -> PResult<Vec<IndexHint>> {
        let mut hints = Vec::new();
        while let Some(word) = self.eat_any_kw(&[Kw::USE, Kw::FORCE, Kw::IGNORE]) {
            let kind = match word {
                Kw::USE => IndexHintKind::Use,
                Kw::FORCE => IndexHintKind::Force,
                _ => IndexHintKind::Ignore,
            };
            if self.eat_any_kw(&[Kw::INDEX, Kw::KEY]).is_none() {
                return self.unexpected();
            }
            let scope = if !self.eat_kw(Kw::FOR) {
                IndexHintScope::All
            } else if self.eat_kw(Kw::JOIN) {
                IndexHintScope::Join
            } else if self.eat_kw(Kw::ORDER) {
                self.expect_kw(Kw::BY)?;
                IndexHintScope::OrderBy
            } else {
                self.expect_kws(&[Kw::GROUP, Kw::BY])?;
                IndexHintScope::GroupBy
            };
            self.expect(Tok::LParen)?;
            let empty = kind == IndexHintKind::Use && self.peek() == Tok::RParen;
            let indexes = if empty { Vec::new() } else { self.list(Parser::index_name)? };
            self.expect(Tok::RParen)?;
            hints.push(IndexHint { kind, scope, indexes });
        }
        Ok(hints)
    }

    fn index_name(&mut self) -> PResult<Ident> {
        if self.at_kw(Kw::PRIMARY) {
            let token = self.bump();
            return self.ident_of(token);
        }
        self.ident()
    }

    /// A string, in pieces or with an introducer.
    fn json_path(&mut self) -> PResult<StringLiteral> {
        if !matches!(self.peek(), Tok::Str | Tok::NStr | Tok::Introducer) {
            return self.unexpected();
        }
        let at = self.position();
        let path = self.literal()?;
        match self.ast.expr(path) {
            Expr::Literal(Literal::String(text)) => Ok(text.clone()),
            _ => self.unexpected_at(at + 1),
        }
    }

    fn json_table(&mut self) -> PResult<TableFactor> {
        self.bump();
        self.expect(Tok::LParen)?;
        let doc = self.expression()?;
        self.expect(Tok::Comma)?;
        let path = self.json_path()?;
        let columns = self.json_columns()?;
        self.expect(Tok::RParen)?;
        let alias = self.needed_alias(ER_TF_MUST_HAVE_ALIAS)?;
        Ok(TableFactor::JsonTable(Box::new(JsonTable { doc, path, columns, alias })))
    }

    fn json_columns(&mut self) -> PResult<Vec<JsonTableColumn>> {
        self.expect_kw(Kw::COLUMNS)?;
        self.nested(|parser| parser.parenthesised(Parser::json_column))
    }

    fn json_column(&mut self) -> PResult<JsonTableColumn> {
        if self.eat_kws(&[Kw::NESTED, Kw::PATH]) {
            let path = self.json_path()?;
            return Ok(JsonTableColumn::Nested { path, columns: self.json_columns()? });
        }
        let name = self.ident()?;
        if self.eat_kw(Kw::FOR) {
            self.expect_kw(Kw::ORDINALITY)?;
            return Ok(JsonTableColumn::Ordinality(name));
        }
        let mut ty = self.data_type()?;
        if self.eat_kw(Kw::COLLATE) {
            ty.collation = Some(self.collation_name()?);
        }
        let exists = self.eat_kw(Kw::EXISTS);
        self.expect_kw(Kw::PATH)?;
        let path = self.json_path()?;
        let (on_empty, on_error) = self.json_responses(true)?;
        Ok(JsonTableColumn::Path { name, ty, path, exists, on_empty, on_error })
    }
}
