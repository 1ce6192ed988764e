//! Triggers, routines and events: their headers, and where their bodies end.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// What stands behind CREATE .. TRIGGER.
    pub(crate) fn create_trigger(&mut self, definer: Option<UserName>) -> PResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let time = match self.eat_any_kw(&[Kw::BEFORE, Kw::AFTER]) {
            Some(Kw::BEFORE) => TriggerTime::Before,
            Some(_) => TriggerTime::After,
            None => return self.unexpected(),
        };
        let event = match self.eat_any_kw(&[Kw::INSERT, Kw::UPDATE, Kw::DELETE]) {
            Some(Kw::INSERT) => TriggerEvent::Insert,
            Some(Kw::UPDATE) => TriggerEvent::Update,
            Some(_) => TriggerEvent::Delete,
            None => return self.unexpected(),
        };
        self.expect_kw(Kw::ON)?;
        let table = self.object_name()?;
        self.expect_kws(&[Kw::FOR, Kw::EACH, Kw::ROW])?;
        let order = match self.eat_any_kw(&[Kw::FOLLOWS, Kw::PRECEDES]) {
            Some(word) => Some((word == Kw::FOLLOWS, self.ident_or_text()?)),
            None => None,
        };
        let body = self.body()?;
        Ok(Statement::CreateTrigger(Box::new(CreateTrigger {
            definer,
            if_not_exists,
            name,
            time,
            event,
            table,
            order,
            body,
        })))
    }

    /// What stands behind CREATE .. PROCEDURE.
    pub(crate) fn create_procedure(&mut self, definer: Option<UserName>) -> PResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let parameters = self.parameters(true)?;
        let options = self.routine_options(true)?;
        let body = self.routine_body()?;
        Ok(Statement::CreateProcedure(Box::new(CreateRoutine {
            definer,
            if_not_exists,
            name,
            parameters,
            returns: None,
            options,
            body,
        })))
    }

    /// What stands behind CREATE .. FUNCTION.
    pub(crate) fn create_function(
        &mut self,
        definer: Option<UserName>,
        aggregate: bool,
    ) -> PResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        if self.peek() != Tok::LParen && definer.is_none() && name.schema.is_none() {
            self.expect_kw(Kw::RETURNS)?;
            if self.eat_any_kw(&[Kw::STRING, Kw::REAL, Kw::DECIMAL, Kw::INT, Kw::INTEGER]).is_none() {
                return self.unexpected();
            }
            self.expect_kw(Kw::SONAME)?;
            let soname = self.string()?;
            let name = name.name;
            let function = CreateLoadableFunction { aggregate, if_not_exists, name, soname };
            return Ok(Statement::CreateLoadableFunction(function));
        }
        if aggregate {
            return self.unexpected();
        }
        let parameters = self.parameters(false)?;
        self.expect_kw(Kw::RETURNS)?;
        let returns = self.type_with_collation()?;
        let options = self.routine_options(true)?;
        let body = self.routine_body()?;
        Ok(Statement::CreateFunction(Box::new(CreateRoutine {
            definer,
            if_not_exists,
            name,
            parameters,
            returns: Some(returns),
            options,
            body,
        })))
    }

    fn type_with_collation(&mut self) -> PResult<DataType> {
        let mut ty = self.data_type()?;
        if self.eat_kw(Kw::COLLATE) {
            ty.collation = Some(self.collation_name()?);
        }
        Ok(ty)
    }

    fn parameters(&mut self, modes: bool) -> PResult<Vec<RoutineParameter>> {
        self.expect(Tok::LParen)?;
        if self.eat(Tok::RParen) {
            return Ok(Vec::new());
        }
        let parameters = self.list(|parser| {
            let word = if modes { parser.eat_any_kw(&[Kw::IN, Kw::OUT, Kw::INOUT]) } else { None };
            let mode = match word {
                Some(Kw::OUT) => ParameterMode::Out,
                Some(Kw::INOUT) => ParameterMode::InOut,
                _ => ParameterMode::In,
            };
            let name = parser.ident()?;
            Ok(RoutineParameter { mode, name, ty: parser.type_with_collation()? })
        })?;
        self.expect(Tok::RParen)?;
        Ok(parameters)
    }

    /// COMMENT, LANGUAGE, SQL SECURITY and so on; DETERMINISTIC only where `create`.
    pub(crate) fn routine_options(&mut self, create: bool) -> PResult<RoutineOptions> {
        let mut options = RoutineOptions::default();
        loop {
            let Tok::Kw(word) = self.peek() else { return Ok(options) };
            match word {
                Kw::COMMENT => {
                    self.bump();
                    options.comment = Some(self.string()?);
                }
                Kw::LANGUAGE => {
                    self.bump();
                    options.language =
                        Some(if self.at_kw(Kw::SQL) { self.one_of(&[Kw::SQL])? } else { self.ident()? });
                }
                Kw::NO | Kw::CONTAINS => {
                    self.bump();
                    self.expect_kw(Kw::SQL)?;
                    options.data_access = Some(if word == Kw::NO { "NO SQL" } else { "CONTAINS SQL" });
                }
                Kw::READS | Kw::MODIFIES => {
                    self.bump();
                    self.expect_kws(&[Kw::SQL, Kw::DATA])?;
                    options.data_access =
                        Some(if word == Kw::READS { "READS SQL DATA" } else { "MODIFIES SQL DATA" });
                }
                Kw::SQL => options.security = self.sql_security()?,
                Kw::DETERMINISTIC if create => {
                    self.bump();
                    options.deterministic = Some(true);
                }
                Kw::NOT if create => {
                    self.bump();
                    self.expect_kw(Kw::DETERMINISTIC)?;
                    options.deterministic = Some(false);
                }
                _ => return Ok(options),
            }
        }
    }

    /// A statement, or `AS 'code'` of another language.
    fn routine_body(&mut self) -> PResult<Span> {
        if self.eat_kw(Kw::AS) {
            let start = self.here();
            self.string()?;
            return Ok(self.span_from(start));
        }
        self.body()
    }

    /// What stands behind CREATE or ALTER .. EVENT.
    pub(crate) fn event(&mut self, alter: bool, definer: Option<UserName>) -> PResult<Statement> {
        let if_not_exists = if alter { false } else { self.if_not_exists()? };
        let name = self.object_name()?;
        let mut event = CreateEvent {
            alter,
            definer,
            if_not_exists,
            name,
            schedule: None,
            preserve: None,
            rename_to: None,
            status: None,
            comment: None,
            body: None,
        };
        let start = self.position();
        if !alter && !self.at_kw2(Kw::ON, Kw::SCHEDULE) {
            self.expect_kws(&[Kw::ON, Kw::SCHEDULE])?;
        }
        while event.preserve.is_none() && self.eat_kw(Kw::ON) {
            if event.schedule.is_none() && self.eat_kw(Kw::SCHEDULE) {
                event.schedule = Some(self.event_schedule()?);
            } else {
                self.expect_kw(Kw::COMPLETION)?;
                event.preserve = Some(!self.eat_kw(Kw::NOT));
                self.expect_kw(Kw::PRESERVE)?;
            }
        }
        if alter && self.eat_kw(Kw::RENAME) {
            self.expect_kw(Kw::TO)?;
            event.rename_to = Some(self.object_name()?);
        }
        if self.eat_kw(Kw::ENABLE) {
            event.status = Some(EventStatus::Enable);
        } else if self.eat_kw(Kw::DISABLE) {
            let elsewhere = self.eat_kw(Kw::ON);
            if elsewhere && self.eat_any_kw(&[Kw::REPLICA, Kw::SLAVE]).is_none() {
                return self.unexpected();
            }
            event.status = Some(if elsewhere { EventStatus::DisableOnReplica } else { EventStatus::Disable });
        }
        if self.eat_kw(Kw::COMMENT) {
            event.comment = Some(self.string()?);
        }
        if !alter || self.at_kw(Kw::DO) {
            self.expect_kw(Kw::DO)?;
            event.body = Some(self.body()?);
        }
        if self.position() == start {
            return self.unexpected();
        }
        Ok(Statement::CreateEvent(Box::new(event)))
    }

    fn event_schedule(&mut self) -> PResult<EventSchedule> {
        if self.eat_kw(Kw::AT) {
            return Ok(EventSchedule::At(self.expression()?));
        }
        self.expect_kw(Kw::EVERY)?;
        let amount = self.expression()?;
        let unit = self.interval_unit()?;
        let starts = if self.eat_kw(Kw::STARTS) { Some(self.expression()?) } else { None };
        let ends = if self.eat_kw(Kw::ENDS) { Some(self.expression()?) } else { None };
        Ok(EventSchedule::Every { amount, unit, starts, ends })
    }

    // ---- where a body ends ----

    /// One statement of a stored program with all that is inside it.
    fn body(&mut self) -> PResult<Span> {
        let start = self.here();
        self.skip_statement()?;
        Ok(self.span_from(start))
    }

    /// Steps over a statement of a stored program, to its `;` or the end.
    fn skip_statement(&mut self) -> PResult<()> {
        self.nested(Parser::skip_statement_inside)
    }

    fn skip_statement_inside(&mut self) -> PResult<()> {
        let word = matches!(self.peek(), Tok::Ident | Tok::Quoted);
        let labelled = word || self.at_name() && self.peek_at(1) == Tok::Colon;
        if labelled {
            self.bump();
            self.expect(Tok::Colon)?;
        }
        let Tok::Kw(word) = self.peek() else { return self.skip_plain() };
        match word {
            Kw::BEGIN => {
                self.bump();
                if !self.at_kw(Kw::END) {
                    self.skip_statements(&[Kw::END])?;
                }
                self.bump();
                self.skip_label(labelled);
            }
            Kw::LOOP => {
                self.bump();
                self.skip_statements(&[Kw::END])?;
                self.expect_kws(&[Kw::END, Kw::LOOP])?;
                self.skip_label(labelled);
            }
            Kw::REPEAT => {
                self.bump();
                self.skip_statements(&[Kw::UNTIL])?;
                self.bump();
                self.expression()?;
                self.expect_kws(&[Kw::END, Kw::REPEAT])?;
                self.skip_label(labelled);
            }
            Kw::WHILE => {
                self.bump();
                self.expression()?;
                self.expect_kw(Kw::DO)?;
                self.skip_statements(&[Kw::END])?;
                self.expect_kws(&[Kw::END, Kw::WHILE])?;
                self.skip_label(labelled);
            }
            _ if labelled => return self.unexpected(),
            Kw::IF => {
                self.bump();
                loop {
                    self.expression()?;
                    self.expect_kw(Kw::THEN)?;
                    self.skip_statements(&[Kw::ELSEIF, Kw::ELSE, Kw::END])?;
                    if !self.eat_kw(Kw::ELSEIF) {
                        break;
                    }
                }
                if self.eat_kw(Kw::ELSE) {
                    self.skip_statements(&[Kw::END])?;
                }
                self.expect_kws(&[Kw::END, Kw::IF])?;
            }
            Kw::CASE => {
                self.bump();
                if !self.at_kw(Kw::WHEN) {
                    self.expression()?;
                }
                self.expect_kw(Kw::WHEN)?;
                loop {
                    self.expression()?;
                    self.expect_kw(Kw::THEN)?;
                    self.skip_statements(&[Kw::WHEN, Kw::ELSE, Kw::END])?;
                    if !self.eat_kw(Kw::WHEN) {
                        break;
                    }
                }
                if self.eat_kw(Kw::ELSE) {
                    self.skip_statements(&[Kw::END])?;
                }
                self.expect_kws(&[Kw::END, Kw::CASE])?;
            }
            Kw::DECLARE if matches!(self.peek_at(1), Tok::Kw(Kw::CONTINUE | Kw::EXIT | Kw::UNDO)) => {
                self.bump();
                if self.eat_any_kw(&[Kw::CONTINUE, Kw::EXIT, Kw::UNDO]).is_none() {
                    return self.unexpected();
                }
                self.expect_kws(&[Kw::HANDLER, Kw::FOR])?;
                self.list(Parser::skip_handler_condition)?;
                self.skip_statement()?;
            }
            _ => return self.skip_plain(),
        }
        Ok(())
    }

    /// A condition of DECLARE .. HANDLER.
    fn skip_handler_condition(&mut self) -> PResult<()> {
        if self.eat_kw(Kw::SQLSTATE) {
            self.eat_kw(Kw::VALUE);
            self.string()?;
        } else if self.eat_kw(Kw::NOT) {
            self.expect_kw(Kw::FOUND)?;
        } else if self.eat_any_kw(&[Kw::SQLWARNING, Kw::SQLEXCEPTION]).is_none() {
            if self.peek() == Tok::Int {
                self.unsigned()?;
            } else {
                self.ident()?;
            }
        }
        Ok(())
    }

    /// `statement; statement; ..`, one at least, up to one of `ends`, which stays.
    fn skip_statements(&mut self, ends: &[Kw]) -> PResult<()> {
        loop {
            self.skip_statement()?;
            self.cross_semicolon()?;
            if matches!(self.peek(), Tok::Kw(word) if ends.contains(&word)) {
                return Ok(());
            }
        }
    }

    /// The label behind END, which may stand there when there is one at the start.
    fn skip_label(&mut self, labelled: bool) {
        if labelled && self.at_name() {
            self.bump();
        }
    }

    /// A statement without others inside: those that only stored programs have, and all the rest.
    fn skip_plain(&mut self) -> PResult<()> {
        let Tok::Kw(word) = self.peek() else { return self.statement().map(drop) };
        match word {
            Kw::LEAVE | Kw::ITERATE | Kw::OPEN | Kw::CLOSE => {
                self.bump();
                self.ident().map(drop)
            }
            Kw::RETURN => {
                self.bump();
                self.expression().map(drop)
            }
            Kw::FETCH => {
                self.bump();
                if self.eat_kw(Kw::NEXT) || self.at_kw(Kw::FROM) {
                    self.expect_kw(Kw::FROM)?;
                }
                self.ident()?;
                self.expect_kw(Kw::INTO)?;
                self.list(Parser::ident).map(drop)
            }
            Kw::DECLARE => {
                self.bump();
                self.skip_declaration()
            }
            _ => self.statement().map(drop),
        }
    }

    /// What stands behind DECLARE: variables, a condition or a cursor.
    fn skip_declaration(&mut self) -> PResult<()> {
        if self.at_name() && self.peek_at(1) == Tok::Kw(Kw::CURSOR) {
            self.bump();
            self.bump();
            self.expect_kw(Kw::FOR)?;
            return self.query_expression().map(drop);
        }
        if self.at_name() && self.peek_at(1) == Tok::Kw(Kw::CONDITION) {
            self.bump();
            self.bump();
            self.expect_kw(Kw::FOR)?;
            return self.skip_handler_condition();
        }
        self.list(Parser::ident)?;
        self.type_with_collation()?;
        if self.eat_kw(Kw::DEFAULT) {
            self.expression()?;
        }
        Ok(())
    }
}
