//! INSERT, REPLACE, UPDATE, DELETE, CALL, DO.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::error::{ER_NO_TABLES_USED, ER_WRONG_USAGE};

impl Parser<'_> {
    /// What stands behind INSERT.
    pub(crate) fn insert(&mut self) -> PResult<Statement> {
        let hints = self.hints();
        let priority = match self.eat_any_kw(&[Kw::LOW_PRIORITY, Kw::DELAYED, Kw::HIGH_PRIORITY]) {
            Some(Kw::LOW_PRIORITY) => WritePriority::Low,
            Some(Kw::DELAYED) => WritePriority::Delayed,
            Some(_) => WritePriority::High,
            None => WritePriority::Normal,
        };
        let ignore = self.eat_kw(Kw::IGNORE);
        let mut insert = self.insert_body(false, priority)?;
        insert.ignore = ignore;
        insert.hints = hints;
        if self.eat_kw(Kw::ON) {
            self.expect_kws(&[Kw::DUPLICATE, Kw::KEY, Kw::UPDATE])?;
            insert.on_duplicate = self.list(Parser::assignment)?;
        }
        Ok(Statement::Insert(Box::new(insert)))
    }

    /// What stands behind REPLACE.
    pub(crate) fn replace(&mut self) -> PResult<Statement> {
        let hints = self.hints();
        let priority = match self.eat_any_kw(&[Kw::LOW_PRIORITY, Kw::DELAYED]) {
            Some(Kw::LOW_PRIORITY) => WritePriority::Low,
            Some(_) => WritePriority::Delayed,
            None => WritePriority::Normal,
        };
        let mut insert = self.insert_body(true, priority)?;
        insert.hints = hints;
        Ok(Statement::Insert(Box::new(insert)))
    }

    /// From INTO up to ON DUPLICATE KEY UPDATE.
    fn insert_body(&mut self, replace: bool, priority: WritePriority) -> PResult<Insert> {
        self.eat_kw(Kw::INTO);
        let table = self.object_name()?;
        let partitions = self.partition_names()?;
        let mut columns = None;
        let mut row_alias = None;
        let source = if self.eat_kw(Kw::SET) {
            let assignments = self.list(Parser::assignment)?;
            let (names, values) =
                assignments.into_iter().map(|assignment| (assignment.column, assignment.value)).unzip();
            columns = Some(names);
            if !replace {
                row_alias = self.row_alias()?;
            }
            InsertSource::Values(vec![values])
        } else {
            let query = self.at_query_word(1) || matches!(self.peek_at(1), Tok::LParen | Tok::Kw(Kw::VALUES));
            if self.peek() == Tok::LParen && !query {
                self.bump();
                let names =
                    if self.peek() == Tok::RParen { Vec::new() } else { self.list(Parser::column_name)? };
                self.expect(Tok::RParen)?;
                columns = Some(names);
            }
            let values = matches!(self.peek(), Tok::Kw(Kw::VALUES | Kw::VALUE));
            if values && self.peek_at(1) == Tok::LParen {
                self.bump();
                // Rows are alike: one allocation each, and one for the expressions of all.
                self.expect_values();
                let mut width = columns.as_ref().map_or(4, Vec::len);
                let rows = self.list(|parser| {
                    let row = parser.insert_row_of(width)?;
                    width = row.len();
                    Ok(row)
                })?;
                if !replace {
                    row_alias = self.row_alias()?;
                }
                InsertSource::Values(rows)
            } else if self.at_query_word(0) || self.peek() == Tok::LParen {
                InsertSource::Query(self.query_expression()?)
            } else {
                if values {
                    self.bump();
                }
                return self.unexpected();
            }
        };
        Ok(Insert {
            replace,
            priority,
            ignore: false,
            hints: None,
            table,
            partitions,
            columns,
            source,
            row_alias,
            on_duplicate: Vec::new(),
        })
    }

    /// `(value, ..)`, which may be empty and may hold DEFAULT.
    pub(crate) fn insert_row(&mut self) -> PResult<Vec<ExprId>> {
        self.insert_row_of(4)
    }

    fn insert_row_of(&mut self, width: usize) -> PResult<Vec<ExprId>> {
        self.expect(Tok::LParen)?;
        if self.eat(Tok::RParen) {
            return Ok(Vec::new());
        }
        let mut row = Vec::with_capacity(width);
        loop {
            row.push(self.value_or_default()?);
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        self.expect(Tok::RParen)?;
        Ok(row)
    }

    /// An expression, or DEFAULT alone.
    pub(crate) fn value_or_default(&mut self) -> PResult<ExprId> {
        if self.at_kw(Kw::DEFAULT) && self.peek_at(1) != Tok::LParen {
            let span = self.bump().span();
            return Ok(self.leaf(Expr::Default(None), span));
        }
        // A literal alone, as nearly all values of a long INSERT are, needs no descent through the operators.
        if matches!(self.peek(), Tok::Str | Tok::Int | Tok::Decimal | Tok::Kw(Kw::NULL))
            && matches!(self.peek_at(1), Tok::Comma | Tok::RParen)
            && self.pending.is_none()
        {
            return self.literal();
        }
        self.expression()
    }

    /// `AS new [(a, b)]`, when it comes next.
    fn row_alias(&mut self) -> PResult<Option<RowAlias>> {
        if !self.eat_kw(Kw::AS) {
            return Ok(None);
        }
        let name = self.ident()?;
        Ok(Some(RowAlias { name, columns: self.optional_ident_list()? }))
    }

    /// `column = value`
    pub(crate) fn assignment(&mut self) -> PResult<Assignment> {
        let column = self.column_name()?;
        if !self.eat(Tok::Eq) && !self.eat(Tok::Assign) {
            return self.unexpected();
        }
        Ok(Assignment { column, value: self.value_or_default()? })
    }

    /// What stands behind UPDATE.
    pub(crate) fn update(&mut self, with: Option<With>) -> PResult<Statement> {
        let hints = self.hints();
        let low_priority = self.eat_kw(Kw::LOW_PRIORITY);
        let ignore = self.eat_kw(Kw::IGNORE);
        let tables = self.table_references()?;
        self.expect_kw(Kw::SET)?;
        let assignments = self.list(Parser::assignment)?;
        let filter = self.filter()?;
        let order_by = self.order_by()?;
        let limit = self.simple_limit()?;
        let single = matches!(&tables[..], [table] if table.joins.is_empty()
            && !matches!(table.first, TableFactor::Nested(_)));
        if !single && (!order_by.is_empty() || limit.is_some()) {
            let clause = if order_by.is_empty() { "LIMIT" } else { "ORDER BY" };
            self.defer(ER_WRONG_USAGE, vec!["UPDATE".into(), clause.into()]);
        }
        Ok(Statement::Update(Box::new(Update {
            with,
            low_priority,
            ignore,
            hints,
            tables,
            assignments,
            filter,
            order_by,
            limit,
        })))
    }

    /// What stands behind DELETE.
    pub(crate) fn delete(&mut self, with: Option<With>) -> PResult<Statement> {
        let hints = self.hints();
        let (mut low_priority, mut quick, mut ignore) = (false, false, false);
        while let Some(word) = self.eat_any_kw(&[Kw::LOW_PRIORITY, Kw::QUICK, Kw::IGNORE]) {
            match word {
                Kw::LOW_PRIORITY => low_priority = true,
                Kw::QUICK => quick = true,
                _ => ignore = true,
            }
        }
        let mut order_by = Vec::new();
        let mut limit = None;
        let (form, filter) = if !self.eat_kw(Kw::FROM) {
            let (targets, _) = self.delete_targets()?;
            self.expect_kw(Kw::FROM)?;
            let tables = self.table_references()?;
            (DeleteForm::Multi { targets, tables }, self.filter()?)
        } else {
            let (mut targets, starred) = self.delete_targets()?;
            if self.eat_kw(Kw::USING) {
                let tables = self.table_references()?;
                (DeleteForm::Multi { targets, tables }, self.filter()?)
            } else {
                let table = match targets.pop() {
                    Some(table) if targets.is_empty() && !starred => table,
                    _ => return self.unexpected(),
                };
                let alias = self.table_alias()?;
                let partitions = self.partition_names()?;
                let filter = self.filter()?;
                order_by = self.order_by()?;
                limit = self.simple_limit()?;
                (DeleteForm::Single { table, alias, partitions }, filter)
            }
        };
        Ok(Statement::Delete(Box::new(Delete {
            with,
            low_priority,
            quick,
            ignore,
            hints,
            form,
            filter,
            order_by,
            limit,
        })))
    }

    /// Names with `.*` behind them or not, and whether any has it.
    fn delete_targets(&mut self) -> PResult<(Vec<ObjectName>, bool)> {
        let mut starred = false;
        let targets = self.list(|parser| {
            let first = parser.ident()?;
            let mut name = ObjectName { schema: None, name: first };
            while parser.eat(Tok::Dot) {
                if parser.eat(Tok::Star) {
                    starred = true;
                    break;
                }
                if name.schema.is_some() {
                    return parser.unexpected();
                }
                let schema = std::mem::replace(&mut name.name, parser.ident()?);
                name.schema = Some(schema);
            }
            Ok(name)
        })?;
        Ok((targets, starred))
    }

    /// What stands behind CALL.
    pub(crate) fn call(&mut self) -> PResult<Statement> {
        let name = self.object_name()?;
        let mut args = Vec::new();
        if self.eat(Tok::LParen) {
            if self.peek() != Tok::RParen {
                args = self.list(Parser::expression)?;
            }
            self.expect(Tok::RParen)?;
        }
        Ok(Statement::Call(CallProcedure { name, args }))
    }

    /// What stands behind DO.
    pub(crate) fn do_statement(&mut self) -> PResult<Statement> {
        let mut values = Vec::new();
        if self.eat(Tok::Star) {
            self.defer(ER_NO_TABLES_USED, Vec::new());
        } else {
            values.push(self.done_value()?);
        }
        while self.eat(Tok::Comma) {
            values.push(self.done_value()?);
        }
        Ok(Statement::Do(values))
    }

    fn done_value(&mut self) -> PResult<ExprId> {
        let value = self.expression()?;
        self.select_alias()?;
        Ok(value)
    }
}
