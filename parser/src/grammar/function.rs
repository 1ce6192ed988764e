//! Calls: of functions whose names are keywords, of aggregates, and of any other by name.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::ER_NOT_SUPPORTED_YET;

/// How many arguments a function takes whose name is a keyword and whose arguments are plain.
fn arity(word: Kw) -> Option<(usize, usize)> {
    Some(match word {
        Kw::DATABASE | Kw::SCHEMA | Kw::USER | Kw::ROW_COUNT | Kw::SESSION_USER | Kw::SYSTEM_USER => (0, 0),
        Kw::CURDATE => (0, 0),
        Kw::ASCII | Kw::CHARSET | Kw::COLLATION | Kw::DATE | Kw::DAY | Kw::HOUR | Kw::MICROSECOND => (1, 1),
        Kw::MINUTE | Kw::MONTH | Kw::QUARTER | Kw::REVERSE | Kw::SECOND | Kw::TIME | Kw::YEAR => (1, 1),
        Kw::SQL_TSI_DAY | Kw::SQL_TSI_HOUR | Kw::SQL_TSI_MINUTE | Kw::SQL_TSI_MONTH => (1, 1),
        Kw::SQL_TSI_QUARTER | Kw::SQL_TSI_SECOND | Kw::SQL_TSI_YEAR => (1, 1),
        Kw::LOG | Kw::TIMESTAMP | Kw::WEEK | Kw::SQL_TSI_WEEK => (1, 2),
        Kw::LEFT | Kw::RIGHT | Kw::MOD | Kw::REPEAT | Kw::TRUNCATE | Kw::POINT => (2, 2),
        Kw::FORMAT => (2, 3),
        Kw::IF | Kw::REPLACE => (3, 3),
        Kw::INSERT => (4, 4),
        Kw::COALESCE | Kw::GROUPING | Kw::LINESTRING | Kw::MULTILINESTRING => (1, usize::MAX),
        Kw::MULTIPOINT | Kw::MULTIPOLYGON | Kw::POLYGON => (1, usize::MAX),
        Kw::GEOMETRYCOLLECTION | Kw::GEOMCOLLECTION => (0, usize::MAX),
        _ => return None,
    })
}

/// Whether `word` begins a call that must have parentheses.
pub(super) fn is_function(word: Kw) -> bool {
    use Kw::*;
    arity(word).is_some()
        || matches!(word, ROW_NUMBER | RANK | DENSE_RANK | CUME_DIST | PERCENT_RANK | NTILE | LEAD | LAG)
        || matches!(word, FIRST_VALUE | LAST_VALUE | NTH_VALUE)
}

impl Parser<'_> {
    /// A function whose name is the keyword `word`, when it is called here.
    pub(crate) fn keyword_call(&mut self, word: Kw) -> PResult<Option<ExprId>> {
        let paren = self.peek_at(1) == Tok::LParen;
        match word {
            Kw::CURRENT_DATE | Kw::UTC_DATE | Kw::CURRENT_USER => {
                let (start, name) = self.function_name()?;
                if self.eat(Tok::LParen) {
                    self.expect(Tok::RParen)?;
                }
                return self.finish(start, Call::new(name, Vec::new())).map(Some);
            }
            Kw::CURRENT_TIME | Kw::CURRENT_TIMESTAMP | Kw::LOCALTIME | Kw::LOCALTIMESTAMP => {
                return self.now_call().map(Some);
            }
            Kw::UTC_TIME | Kw::UTC_TIMESTAMP | Kw::CURTIME | Kw::NOW | Kw::SYSDATE => {
                return self.now_call().map(Some);
            }
            _ if !paren => return Ok(None),
            _ => {}
        }
        if let Some((least, most)) = arity(word) {
            let (start, mut name) = self.function_name()?;
            if let Some(unit) = word.name().strip_prefix("SQL_TSI_") {
                name.text = Text::from(unit);
            }
            let args = self.arguments(least, most)?;
            return self.finish(start, Call::new(name, args)).map(Some);
        }
        let call = match word {
            Kw::COUNT => self.count()?,
            Kw::AVG | Kw::MAX | Kw::MIN | Kw::SUM | Kw::ST_COLLECT => self.aggregate(true)?,
            Kw::BIT_AND | Kw::BIT_OR | Kw::BIT_XOR | Kw::JSON_ARRAYAGG | Kw::STD | Kw::STDDEV => {
                self.aggregate(false)?
            }
            Kw::STDDEV_POP | Kw::STDDEV_SAMP | Kw::VARIANCE | Kw::VAR_POP | Kw::VAR_SAMP => {
                self.aggregate(false)?
            }
            Kw::JSON_OBJECTAGG => self.json_objectagg()?,
            Kw::GROUP_CONCAT => self.group_concat()?,
            Kw::ROW_NUMBER | Kw::RANK | Kw::DENSE_RANK | Kw::CUME_DIST | Kw::PERCENT_RANK => {
                self.window_function(word)?
            }
            Kw::NTILE | Kw::LEAD | Kw::LAG | Kw::FIRST_VALUE | Kw::LAST_VALUE | Kw::NTH_VALUE => {
                self.window_function(word)?
            }
            Kw::CHAR | Kw::CHARACTER => self.char_function()?,
            Kw::SUBSTRING | Kw::SUBSTR | Kw::MID => self.substring()?,
            Kw::POSITION => self.position_function()?,
            Kw::TRIM => self.trim()?,
            Kw::DATE_ADD | Kw::DATE_SUB | Kw::ADDDATE | Kw::SUBDATE => self.date_add(word)?,
            Kw::EXTRACT => self.extract()?,
            Kw::GET_FORMAT => self.get_format()?,
            Kw::TIMESTAMPADD | Kw::TIMESTAMPDIFF => self.timestamp_function(word)?,
            Kw::WEIGHT_STRING => self.weight_string()?,
            Kw::JSON_VALUE => self.json_value()?,
            _ => return Ok(None),
        };
        Ok(Some(call))
    }

    /// The word at the cursor as a function's name, and where it starts.
    fn function_name(&mut self) -> PResult<(u32, Ident)> {
        let token = self.bump();
        Ok((token.start, self.ident_of(token)?))
    }

    /// `(a, b, ..)`, between `least` and `most` of them.
    fn arguments(&mut self, least: usize, most: usize) -> PResult<Vec<ExprId>> {
        self.expect(Tok::LParen)?;
        let mut args = Vec::new();
        if most > 0 && !(least == 0 && self.peek() == Tok::RParen) {
            args.push(self.expression()?);
            while args.len() < most {
                if args.len() < least {
                    self.expect(Tok::Comma)?;
                } else if !self.eat(Tok::Comma) {
                    break;
                }
                args.push(self.expression()?);
            }
        }
        self.expect(Tok::RParen)?;
        Ok(args)
    }

    fn finish(&mut self, start: u32, call: Call) -> PResult<ExprId> {
        let span = self.span_from(start);
        let below = self.highest(&call.args);
        self.push(Expr::Call(Box::new(call)), span, below)
    }

    /// Pushes `expr`, whose children are `children`.
    fn node(&mut self, start: u32, expr: Expr, children: &[ExprId]) -> PResult<ExprId> {
        let span = self.span_from(start);
        let below = self.highest(children);
        self.push(expr, span, below)
    }

    /// `name(..)`: built in, loadable or stored; the name decides later.
    pub(crate) fn generic_call(&mut self, name: ObjectName) -> PResult<ExprId> {
        let start = name.span().start;
        self.expect(Tok::LParen)?;
        let mut args = Vec::new();
        let mut names = Vec::new();
        if self.peek() != Tok::RParen {
            loop {
                args.push(self.expression()?);
                let alias = if name.schema.is_none() { self.select_alias()? } else { None };
                names.push(alias);
                if !self.eat(Tok::Comma) {
                    break;
                }
            }
        }
        self.expect(Tok::RParen)?;
        if names.iter().all(Option::is_none) {
            names.clear();
        }
        let mut call = Call::new(name.name, args);
        call.name.schema = name.schema;
        call.arg_names = names;
        self.finish(start, call)
    }

    /// NOW and its like: `name`, `name()`, `name(digits)`.
    fn now_call(&mut self) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        let mut args = Vec::new();
        if self.eat(Tok::LParen) {
            if self.peek() == Tok::Int {
                args.push(self.literal()?);
            }
            self.expect(Tok::RParen)?;
        }
        self.finish(start, Call::new(name, args))
    }

    fn count(&mut self) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        let star = 1 + usize::from(self.peek_at(1) == Tok::Kw(Kw::ALL));
        if self.peek_at(star) != Tok::Star {
            if self.peek_at(1) != Tok::Kw(Kw::DISTINCT) {
                return self.aggregate_of(start, name, false);
            }
            self.bump();
            self.bump();
            let mut call = Call::new(name, self.list(Parser::expression)?);
            call.distinct = true;
            self.expect(Tok::RParen)?;
            call.over = self.over()?;
            return self.finish(start, call);
        }
        for _ in 0..star {
            self.bump();
        }
        let span = self.bump().span();
        let wildcard = self.leaf(Expr::Wildcard, span);
        self.expect(Tok::RParen)?;
        let mut call = Call::new(name, vec![wildcard]);
        call.over = self.over()?;
        self.finish(start, call)
    }

    fn aggregate(&mut self, may_be_distinct: bool) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        self.aggregate_of(start, name, may_be_distinct)
    }

    fn aggregate_of(&mut self, start: u32, name: Ident, may_be_distinct: bool) -> PResult<ExprId> {
        self.expect(Tok::LParen)?;
        let distinct = may_be_distinct && self.eat_kw(Kw::DISTINCT);
        let arg = if distinct { self.expression()? } else { self.aggregated()? };
        self.expect(Tok::RParen)?;
        let mut call = Call::new(name, vec![arg]);
        call.distinct = distinct;
        call.over = self.over()?;
        self.finish(start, call)
    }

    /// `[ALL] expr`
    fn aggregated(&mut self) -> PResult<ExprId> {
        self.eat_kw(Kw::ALL);
        self.expression()
    }

    fn json_objectagg(&mut self) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        self.expect(Tok::LParen)?;
        let key = self.aggregated()?;
        self.expect(Tok::Comma)?;
        let value = self.aggregated()?;
        self.expect(Tok::RParen)?;
        let mut call = Call::new(name, vec![key, value]);
        call.over = self.over()?;
        self.finish(start, call)
    }

    fn group_concat(&mut self) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        self.expect(Tok::LParen)?;
        let distinct = self.eat_kw(Kw::DISTINCT);
        let mut call = Call::new(name, self.list(Parser::expression)?);
        call.distinct = distinct;
        call.order_by = self.order_by()?;
        if self.eat_kw(Kw::SEPARATOR) {
            call.separator = Some(self.any_string()?);
        }
        self.expect(Tok::RParen)?;
        call.over = self.over()?;
        self.finish(start, call)
    }

    fn window_function(&mut self, word: Kw) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        let args = match word {
            Kw::NTILE => {
                self.expect(Tok::LParen)?;
                let count = self.stable_integer()?;
                self.expect(Tok::RParen)?;
                vec![count]
            }
            Kw::LEAD | Kw::LAG => {
                self.expect(Tok::LParen)?;
                let mut args = vec![self.expression()?];
                if self.eat(Tok::Comma) {
                    args.push(self.stable_integer()?);
                    if self.eat(Tok::Comma) {
                        args.push(self.expression()?);
                    }
                }
                self.expect(Tok::RParen)?;
                args
            }
            Kw::FIRST_VALUE | Kw::LAST_VALUE => self.arguments(1, 1)?,
            Kw::NTH_VALUE => {
                self.expect(Tok::LParen)?;
                let value = self.expression()?;
                self.expect(Tok::Comma)?;
                let row = self.simple_expression()?;
                self.expect(Tok::RParen)?;
                vec![value, row]
            }
            _ => self.arguments(0, 0)?,
        };
        let mut call = Call::new(name, args);
        if word == Kw::NTH_VALUE && self.eat_kw(Kw::FROM) {
            match self.eat_any_kw(&[Kw::FIRST, Kw::LAST]) {
                Some(side) => call.from_last = side == Kw::LAST,
                None => return self.unexpected(),
            }
        }
        if matches!(word, Kw::LEAD | Kw::LAG | Kw::FIRST_VALUE | Kw::LAST_VALUE | Kw::NTH_VALUE)
            && !self.commit_kws(&[Kw::RESPECT, Kw::NULLS])?
        {
            call.ignore_nulls = self.commit_kws(&[Kw::IGNORE, Kw::NULLS])?;
        }
        call.over = self.over()?;
        if call.over.is_none() {
            return self.unexpected();
        }
        self.finish(start, call)
    }

    /// An integer, a parameter or a variable.
    fn stable_integer(&mut self) -> PResult<ExprId> {
        match self.peek() {
            Tok::Int | Tok::HexNum | Tok::Param | Tok::At => self.primary(),
            _ if self.at_name() => self.primary(),
            _ => self.unexpected(),
        }
    }

    fn char_function(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let args = self.list(Parser::expression)?;
        let charset = if self.eat_kw(Kw::USING) { Some(self.charset_name()?) } else { None };
        self.expect(Tok::RParen)?;
        let below = self.highest(&args);
        let span = self.span_from(start);
        self.push(Expr::Char { args, charset }, span, below)
    }

    fn substring(&mut self) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        self.expect(Tok::LParen)?;
        let mut args = vec![self.expression()?];
        let words = self.eat_kw(Kw::FROM);
        if !words {
            self.expect(Tok::Comma)?;
        }
        args.push(self.expression()?);
        if if words { self.eat_kw(Kw::FOR) } else { self.eat(Tok::Comma) } {
            args.push(self.expression()?);
        }
        self.expect(Tok::RParen)?;
        self.finish(start, Call::new(name, args))
    }

    /// `POSITION(a IN b)`, which is `LOCATE(a, b)`.
    fn position_function(&mut self) -> PResult<ExprId> {
        let (start, mut name) = self.function_name()?;
        name.text = Text::from("locate");
        self.expect(Tok::LParen)?;
        let part = self.bit_expression(0)?;
        self.expect_kw(Kw::IN)?;
        let whole = self.expression()?;
        self.expect(Tok::RParen)?;
        self.finish(start, Call::new(name, vec![part, whole]))
    }

    fn trim(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let word = self.eat_any_kw(&[Kw::LEADING, Kw::TRAILING, Kw::BOTH]);
        let side = match word {
            Some(Kw::LEADING) => TrimSide::Leading,
            Some(Kw::TRAILING) => TrimSide::Trailing,
            _ => TrimSide::Both,
        };
        let first = if word.is_some() && self.at_kw(Kw::FROM) { None } else { Some(self.expression()?) };
        let (what, expr) = match first {
            Some(expr) if word.is_none() && !self.at_kw(Kw::FROM) => (None, expr),
            what => {
                self.expect_kw(Kw::FROM)?;
                (what, self.expression()?)
            }
        };
        self.expect(Tok::RParen)?;
        self.node(start, Expr::Trim { side, what, expr }, &[what.unwrap_or(expr), expr])
    }

    fn date_add(&mut self, word: Kw) -> PResult<ExprId> {
        let (start, name) = self.function_name()?;
        self.expect(Tok::LParen)?;
        let date = self.expression()?;
        self.expect(Tok::Comma)?;
        let days_allowed = matches!(word, Kw::ADDDATE | Kw::SUBDATE);
        let inner = self.here();
        if self.at_kw(Kw::INTERVAL) && !(days_allowed && self.at_interval_function()) {
            self.bump();
            let amount = self.expression()?;
            let unit = self.interval_unit()?;
            if self.eat(Tok::RParen) {
                let subtract = matches!(word, Kw::DATE_SUB | Kw::SUBDATE);
                return self.node(start, Expr::DateArith { date, amount, unit, subtract }, &[date, amount]);
            }
            if days_allowed {
                let operand = self.interval_plus(inner, amount, unit)?;
                self.pending = Some((operand, inner));
            }
        }
        if !days_allowed {
            return self.unexpected();
        }
        let days = self.expression()?;
        self.expect(Tok::RParen)?;
        self.finish(start, Call::new(name, vec![date, days]))
    }

    fn extract(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let unit = self.interval_unit()?;
        self.expect_kw(Kw::FROM)?;
        let expr = self.expression()?;
        self.expect(Tok::RParen)?;
        self.node(start, Expr::Extract { unit, expr }, &[expr])
    }

    fn get_format(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let kind = match self.eat_any_kw(&[Kw::DATE, Kw::TIME, Kw::DATETIME, Kw::TIMESTAMP]) {
            Some(Kw::DATE) => TemporalKind::Date,
            Some(Kw::TIME) => TemporalKind::Time,
            Some(Kw::DATETIME) => TemporalKind::DateTime,
            Some(_) => TemporalKind::Timestamp,
            None => return self.unexpected(),
        };
        self.expect(Tok::Comma)?;
        let format = self.expression()?;
        self.expect(Tok::RParen)?;
        self.node(start, Expr::GetFormat { kind, format }, &[format])
    }

    fn timestamp_function(&mut self, word: Kw) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let at = self.position();
        let unit = self.interval_unit()?;
        if unit.name().contains('_') {
            return self.unexpected_at(at);
        }
        self.expect(Tok::Comma)?;
        let first = self.expression()?;
        self.expect(Tok::Comma)?;
        let second = self.expression()?;
        self.expect(Tok::RParen)?;
        let expr = if word == Kw::TIMESTAMPADD {
            Expr::TimestampAdd { unit, amount: first, date: second }
        } else {
            Expr::TimestampDiff { unit, from: first, to: second }
        };
        self.node(start, expr, &[first, second])
    }

    fn weight_string(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let expr = self.expression()?;
        let mut binary = false;
        let mut length = None;
        if self.eat_kw(Kw::AS) {
            match self.eat_any_kw(&[Kw::CHAR, Kw::CHARACTER, Kw::BINARY]) {
                Some(word) => binary = word == Kw::BINARY,
                None => return self.unexpected(),
            }
            length = Some(self.length()?);
        } else if self.eat(Tok::Comma) {
            self.unsigned()?;
            for _ in 0..2 {
                self.expect(Tok::Comma)?;
                self.unsigned()?;
            }
            self.defer(ER_NOT_SUPPORTED_YET, vec!["WEIGHT_STRING with flags".into()]);
        }
        self.expect(Tok::RParen)?;
        self.node(start, Expr::WeightString { expr, binary, length }, &[expr])
    }

    fn json_value(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let doc = self.simple_expression()?;
        self.expect(Tok::Comma)?;
        if !matches!(self.peek(), Tok::Str | Tok::NStr | Tok::Introducer) {
            return self.unexpected();
        }
        let path = self.literal()?;
        let returning = if self.eat_kw(Kw::RETURNING) { Some(self.cast_type()?) } else { None };
        let (on_empty, on_error) = self.json_responses(false)?;
        self.expect(Tok::RParen)?;
        let value = JsonValue { doc, path, returning, on_empty, on_error };
        self.node(start, Expr::JsonValue(Box::new(value)), &[doc])
    }

    /// `[.. ON EMPTY] [.. ON ERROR]`, also the other way round where `any_order`.
    pub(crate) fn json_responses(
        &mut self,
        any_order: bool,
    ) -> PResult<(Option<JsonOnResponse>, Option<JsonOnResponse>)> {
        let mut on_empty = None;
        let mut on_error = None;
        while on_error.is_none() || (any_order && on_empty.is_none()) {
            let response = match self.peek() {
                Tok::Kw(Kw::ERROR) => {
                    self.bump();
                    JsonOnResponse::Error
                }
                Tok::Kw(Kw::NULL) => {
                    self.bump();
                    JsonOnResponse::Null
                }
                Tok::Kw(Kw::DEFAULT) => {
                    self.bump();
                    JsonOnResponse::Default(self.signed_literal()?)
                }
                _ => break,
            };
            self.expect_kw(Kw::ON)?;
            if on_empty.is_none() && self.eat_kw(Kw::EMPTY) {
                on_empty = Some(response);
            } else if on_error.is_some() {
                return self.unexpected();
            } else {
                self.expect_kw(Kw::ERROR)?;
                on_error = Some(response);
            }
        }
        Ok((on_empty, on_error))
    }
}
