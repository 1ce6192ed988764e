//! LOAD DATA, LOAD XML, HANDLER, EXPLAIN and DESCRIBE.

use crate::ast::*;
use crate::error::{PResult, ParseError};
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::error::{
    ER_EXPLAIN_INTO_IMPLICIT_FORMAT_NOT_SUPPORTED, ER_NOT_SUPPORTED_YET, ER_UNKNOWN_EXPLAIN_FORMAT,
};

impl Parser<'_> {
    /// What stands behind LOAD.
    pub(crate) fn load(&mut self) -> PResult<Statement> {
        let xml = match self.eat_any_kw(&[Kw::DATA, Kw::XML, Kw::INDEX]) {
            Some(Kw::DATA) => false,
            Some(Kw::XML) => true,
            Some(_) => return self.unsupported_if(&[Kw::INTO, Kw::CACHE], "LOAD INDEX INTO CACHE"),
            None => return self.unexpected(),
        };
        let priority = match self.eat_any_kw(&[Kw::LOW_PRIORITY, Kw::CONCURRENT]) {
            Some(Kw::LOW_PRIORITY) => LoadPriority::Low,
            Some(_) => LoadPriority::Concurrent,
            None => LoadPriority::Normal,
        };
        self.eat_kw(Kw::FROM);
        let local = self.eat_kw(Kw::LOCAL);
        match self.eat_any_kw(&[Kw::INFILE, Kw::URL, Kw::S3]) {
            Some(Kw::INFILE) => {}
            Some(_) => self.bulk_load(),
            None => return self.unexpected(),
        }
        let file = self.string()?;
        if matches!(self.peek(), Tok::Ident | Tok::Quoted) {
            let word = self.position();
            let count = self.ident()?;
            if self.peek() != Tok::Int {
                return self.unexpected();
            }
            if !count.is("count") {
                return self.unexpected_at(word);
            }
            self.unsigned()?;
            self.bulk_load();
        }
        if self.commit_kws(&[Kw::IN, Kw::PRIMARY, Kw::KEY, Kw::ORDER])? {
            self.bulk_load();
        }
        let duplicates = match self.eat_any_kw(&[Kw::REPLACE, Kw::IGNORE]) {
            Some(Kw::REPLACE) => LoadDuplicates::Replace,
            Some(_) => LoadDuplicates::Ignore,
            None => LoadDuplicates::Error,
        };
        self.expect_kws(&[Kw::INTO, Kw::TABLE])?;
        let table = self.object_name()?;
        let partitions = self.partition_names()?;
        let charset = self.optional_charset()?;
        if self.eat_kw(Kw::COMPRESSION) {
            self.expect(Tok::Eq)?;
            self.string()?;
            self.bulk_load();
        }
        let mut rows_identified_by = None;
        if self.commit_kws(&[Kw::ROWS, Kw::IDENTIFIED, Kw::BY])? {
            rows_identified_by = Some(self.any_string()?);
        }
        let format = self.data_file_format()?;
        let mut ignore_lines = None;
        if self.eat_kw(Kw::IGNORE) {
            if self.peek() != Tok::Int {
                return self.unexpected();
            }
            ignore_lines = Some(self.unsigned()?);
            if self.eat_any_kw(&[Kw::LINES, Kw::ROWS]).is_none() {
                return self.unexpected();
            }
        }
        let mut columns = Vec::new();
        if self.eat(Tok::LParen) {
            if self.peek() != Tok::RParen {
                columns = self.list(|parser| {
                    if parser.peek() == Tok::At {
                        return parser.user_variable().map(LoadTarget::UserVariable);
                    }
                    Ok(LoadTarget::Column(parser.column_name()?.column))
                })?;
            }
            self.expect(Tok::RParen)?;
        }
        let assignments = if self.eat_kw(Kw::SET) { self.list(Parser::assignment)? } else { Vec::new() };
        for word in [Kw::PARALLEL, Kw::MEMORY, Kw::ALGORITHM] {
            if !self.eat_kw(word) {
                continue;
            }
            self.expect(Tok::Eq)?;
            match word {
                Kw::ALGORITHM => self.expect_kw(Kw::BULK)?,
                Kw::MEMORY if self.peek() != Tok::Int => drop(self.ident()?),
                _ => drop(self.unsigned()?),
            }
            self.bulk_load();
        }
        Ok(Statement::LoadData(Box::new(LoadData {
            xml,
            priority,
            local,
            file,
            duplicates,
            table,
            partitions,
            charset,
            rows_identified_by,
            format,
            ignore_lines,
            columns,
            assignments,
        })))
    }

    /// Notes what only the bulk loader of MySQL takes.
    fn bulk_load(&mut self) {
        self.defer(ER_NOT_SUPPORTED_YET, vec!["LOAD DATA .. ALGORITHM = BULK".into()]);
    }

    /// FIELDS and LINES.
    pub(crate) fn data_file_format(&mut self) -> PResult<DataFileFormat> {
        let mut format = DataFileFormat::default();
        if self.eat_any_kw(&[Kw::FIELDS, Kw::COLUMNS]).is_some() {
            let mut count = 0;
            loop {
                if self.eat_kw(Kw::TERMINATED) {
                    self.expect_kw(Kw::BY)?;
                    format.fields_terminated_by = Some(self.any_string()?);
                } else if self.at_kw(Kw::OPTIONALLY) || self.at_kw(Kw::ENCLOSED) {
                    format.optionally_enclosed = self.eat_kw(Kw::OPTIONALLY);
                    self.expect_kws(&[Kw::ENCLOSED, Kw::BY])?;
                    format.enclosed_by = Some(self.any_string()?);
                } else if self.eat_kw(Kw::ESCAPED) {
                    self.expect_kw(Kw::BY)?;
                    format.escaped_by = Some(self.any_string()?);
                } else {
                    break;
                }
                count += 1;
            }
            if count == 0 {
                return self.unexpected();
            }
        }
        if self.eat_kw(Kw::LINES) {
            let mut count = 0;
            while let Some(word) = self.eat_any_kw(&[Kw::TERMINATED, Kw::STARTING]) {
                self.expect_kw(Kw::BY)?;
                let text = Some(self.any_string()?);
                if word == Kw::TERMINATED {
                    format.lines_terminated_by = text;
                } else {
                    format.lines_starting_by = text;
                }
                count += 1;
            }
            if count == 0 {
                return self.unexpected();
            }
        }
        Ok(format)
    }

    /// What stands behind HANDLER.
    pub(crate) fn handler(&mut self) -> PResult<Statement> {
        let table = self.object_name()?;
        let action = match self.eat_any_kw(&[Kw::OPEN, Kw::CLOSE, Kw::READ]) {
            Some(Kw::OPEN) => HandlerAction::Open { alias: self.table_alias()? },
            Some(Kw::CLOSE) => HandlerAction::Close,
            Some(_) => self.handler_read()?,
            None => return self.unexpected(),
        };
        Ok(Statement::Handler(Box::new(Handler { table, action })))
    }

    fn handler_read(&mut self) -> PResult<HandlerAction> {
        let scan = matches!(self.peek(), Tok::Kw(Kw::FIRST | Kw::NEXT))
            && !matches!(self.peek_at(1), Tok::Kw(Kw::FIRST | Kw::NEXT | Kw::PREV | Kw::LAST));
        let index = if scan { None } else { Some(self.ident()?) };
        let position = match self.peek() {
            Tok::Kw(Kw::FIRST) => HandlerPosition::First,
            Tok::Kw(Kw::NEXT) => HandlerPosition::Next,
            Tok::Kw(Kw::PREV) => HandlerPosition::Prev,
            Tok::Kw(Kw::LAST) => HandlerPosition::Last,
            Tok::Eq => self.handler_key(BinaryOp::Eq)?,
            Tok::Ge => self.handler_key(BinaryOp::Ge)?,
            Tok::Le => self.handler_key(BinaryOp::Le)?,
            Tok::Gt => self.handler_key(BinaryOp::Gt)?,
            Tok::Lt => self.handler_key(BinaryOp::Lt)?,
            _ => return self.unexpected(),
        };
        if !matches!(position, HandlerPosition::Key { .. }) {
            self.bump();
        }
        let filter = self.filter()?;
        Ok(HandlerAction::Read { index, position, filter, limit: self.limit()? })
    }

    fn handler_key(&mut self, op: BinaryOp) -> PResult<HandlerPosition> {
        self.bump();
        if self.peek() == Tok::LParen && self.peek_at(1) == Tok::RParen {
            self.bump();
            return self.unexpected();
        }
        Ok(HandlerPosition::Key { op, values: self.insert_row()? })
    }

    /// What stands behind EXPLAIN, DESCRIBE or DESC.
    pub(crate) fn explain(&mut self) -> PResult<Statement> {
        let analyze = self.eat_kw(Kw::ANALYZE);
        let mut format = ExplainFormat::Default;
        let mut formatted = false;
        if self.at_kw(Kw::FORMAT) && (analyze || self.peek_at(1) == Tok::Eq) {
            self.bump();
            self.expect(Tok::Eq)?;
            let word = self.ident_or_text()?;
            format = if word.is("json") {
                ExplainFormat::Json
            } else if word.is("tree") {
                ExplainFormat::Tree
            } else if word.is("traditional") {
                ExplainFormat::Traditional
            } else {
                return Err(ParseError::other(ER_UNKNOWN_EXPLAIN_FORMAT, vec![word.to_string()]));
            };
            formatted = true;
        }
        let mut into = None;
        if self.eat_kw(Kw::INTO) {
            into = Some(self.user_variable()?);
            if !formatted {
                return Err(ParseError::other(ER_EXPLAIN_INTO_IMPLICIT_FORMAT_NOT_SUPPORTED, Vec::new()));
            }
        }
        let mut schema = None;
        if self.eat_kw(Kw::FOR) {
            if self.eat_kw(Kw::CONNECTION) {
                let target = ExplainTarget::Connection(self.unsigned()?);
                return Ok(Statement::Explain(Explain { analyze, format, into, schema, target }));
            }
            if self.eat_any_kw(&[Kw::DATABASE, Kw::SCHEMA]).is_none() {
                return self.unexpected();
            }
            schema = Some(self.ident()?);
        }
        let explainable = self.peek() == Tok::LParen
            || self.at_query_word(0)
            || matches!(
                self.peek(),
                Tok::Kw(Kw::INSERT | Kw::REPLACE | Kw::UPDATE | Kw::DELETE | Kw::VALUES)
            );
        if explainable {
            let target = ExplainTarget::Statement(Box::new(self.nested(Parser::statement)?));
            return Ok(Statement::Explain(Explain { analyze, format, into, schema, target }));
        }
        if analyze || formatted || into.is_some() || schema.is_some() {
            return self.unexpected();
        }
        let table = self.object_name()?;
        let column = if self.peek() == Tok::Str {
            Some(DescribeColumn::Pattern(self.string()?))
        } else if self.at_name() {
            Some(DescribeColumn::Name(self.ident()?))
        } else {
            None
        };
        Ok(Statement::Describe(Describe { table, column }))
    }
}
