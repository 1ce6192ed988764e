//! Operands: names, variables, parameters, CASE, CAST and other forms of their own.

use super::function::is_function;
use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::ER_NOT_SUPPORTED_YET;

impl Parser<'_> {
    /// An operand without prefix operators.
    pub(crate) fn primary(&mut self) -> PResult<ExprId> {
        match self.peek() {
            Tok::Str
            | Tok::NStr
            | Tok::Introducer
            | Tok::Int
            | Tok::Decimal
            | Tok::Float
            | Tok::HexNum
            | Tok::HexStr
            | Tok::BitNum
            | Tok::BitStr => self.literal(),
            Tok::Param => Ok(self.parameter()),
            Tok::At => self.variable(),
            Tok::LParen => self.parenthesised_operand(),
            Tok::LBrace => self.braces(),
            Tok::Ident | Tok::Quoted if self.peek_at(1) == Tok::LParen => {
                let name = self.ident()?;
                self.generic_call(ObjectName { schema: None, name })
            }
            Tok::Ident | Tok::Quoted => self.column(),
            Tok::Kw(word) => self.keyword_operand(word),
            _ => self.unexpected(),
        }
    }

    pub(crate) fn parameter(&mut self) -> ExprId {
        let span = self.bump().span();
        let number = self.parameters;
        self.parameters += 1;
        self.leaf(Expr::Param(number), span)
    }

    fn keyword_operand(&mut self, word: Kw) -> PResult<ExprId> {
        let start = self.here();
        let paren = self.peek_at(1) == Tok::LParen;
        match word {
            Kw::NULL | Kw::TRUE | Kw::FALSE => return self.literal(),
            Kw::DATE | Kw::TIME | Kw::TIMESTAMP if self.peek_at(1) == Tok::Str => return self.literal(),
            Kw::CASE => return self.case(),
            Kw::EXISTS => {
                self.bump();
                let query = self.parenthesised_query()?;
                let span = self.span_from(start);
                return Ok(self.leaf(Expr::Exists(query), span));
            }
            Kw::INTERVAL => return self.interval(),
            Kw::MATCH => return self.match_against(),
            Kw::CAST => return self.cast(),
            Kw::CONVERT => return self.convert(),
            Kw::DEFAULT | Kw::VALUES if paren => {
                self.bump();
                self.bump();
                let column = self.column_name()?;
                self.expect(Tok::RParen)?;
                let span = self.span_from(start);
                let default = word == Kw::DEFAULT;
                let expr = if default { Expr::Default(Some(column)) } else { Expr::Values(column) };
                return Ok(self.leaf(expr, span));
            }
            Kw::ROW => {
                self.bump();
                self.expect(Tok::LParen)?;
                let first = self.expression()?;
                self.expect(Tok::Comma)?;
                let mut items = vec![first];
                items.extend(self.list(Parser::expression)?);
                self.expect(Tok::RParen)?;
                let span = self.span_from(start);
                let below = self.highest(&items);
                return self.push(Expr::Row(items), span, below);
            }
            _ => {}
        }
        if let Some(call) = self.keyword_call(word)? {
            return Ok(call);
        }
        if Parser::is_name(Tok::Kw(word)) {
            return self.column();
        }
        if matches!(word, Kw::DEFAULT | Kw::VALUES | Kw::CHAR | Kw::CHARACTER) || is_function(word) {
            self.bump();
        }
        self.unexpected()
    }

    /// A column, with `-> 'path'` behind it or not; or a call of a stored function by its full name.
    fn column(&mut self) -> PResult<ExprId> {
        let start = self.here();
        let name = self.column_name()?;
        if self.peek() == Tok::LParen
            && let (None, Some(schema)) = (&name.schema, &name.table)
        {
            let name = ObjectName { schema: Some(schema.clone()), name: name.column };
            return self.generic_call(name);
        }
        let span = self.span_from(start);
        let column = self.leaf(Expr::Column(name), span);
        let unquote = match self.peek() {
            Tok::Arrow => false,
            Tok::ArrowText => true,
            _ => return Ok(column),
        };
        self.bump();
        let path = self.string()?;
        let span = self.span_from(start);
        self.push(Expr::JsonArrow { column, path, unquote }, span, 1)
    }

    /// `@v`, `@v := value`, `@@v`.
    fn variable(&mut self) -> PResult<ExprId> {
        let start = self.here();
        if self.peek_at(1) == Tok::At {
            let variable = self.system_variable()?;
            let span = self.span_from(start);
            return Ok(self.leaf(Expr::SystemVariable(variable), span));
        }
        let variable = self.user_variable()?;
        if !self.eat(Tok::Assign) {
            let span = self.span_from(start);
            return Ok(self.leaf(Expr::UserVariable(variable), span));
        }
        let value = self.expression()?;
        let span = self.span_from(start);
        let below = self.ast.height(value);
        self.push(Expr::Assign { variable, value }, span, below)
    }

    /// `@name`
    pub(crate) fn user_variable(&mut self) -> PResult<Text> {
        self.expect(Tok::At)?;
        if self.peek() == Tok::Hostname {
            let token = self.bump();
            return self.ident_of(token).map(|ident| ident.text);
        }
        self.ident_or_text().map(|ident| ident.text)
    }

    /// `@@[GLOBAL. | SESSION. | LOCAL.][component.]name`
    fn system_variable(&mut self) -> PResult<SystemVariable> {
        self.expect(Tok::At)?;
        self.expect(Tok::At)?;
        let scope = match self.peek() {
            Tok::Kw(Kw::GLOBAL) => VariableScope::Global,
            Tok::Kw(Kw::SESSION | Kw::LOCAL) => VariableScope::Session,
            _ => VariableScope::Implicit,
        };
        if scope != VariableScope::Implicit {
            self.bump();
            self.expect(Tok::Dot)?;
            return self.system_variable_name(scope);
        }
        self.system_variable_name(VariableScope::Implicit)
    }

    /// `[component.]name`
    pub(crate) fn system_variable_name(&mut self, scope: VariableScope) -> PResult<SystemVariable> {
        let first = self.ident_or_text()?;
        if self.eat(Tok::Dot) {
            return Ok(SystemVariable { scope, component: Some(first), name: self.ident()? });
        }
        Ok(SystemVariable { scope, component: None, name: first })
    }

    /// `{d '..'}`, `{t '..'}`, `{ts '..'}`; with any other word, the expression itself.
    fn braces(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        let word = self.ident()?;
        let expr = self.expression()?;
        self.expect(Tok::RBrace)?;
        let span = self.span_from(start);
        let Expr::Literal(Literal::String(text)) = self.ast.expr(expr) else { return Ok(expr) };
        let text = text.bytes.clone();
        let literal = if word.is("d") {
            Literal::Date(text)
        } else if word.is("t") {
            Literal::Time(text)
        } else if word.is("ts") {
            Literal::Timestamp(text)
        } else {
            return Ok(expr);
        };
        Ok(self.leaf(Expr::Literal(literal), span))
    }

    fn case(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        let operand = if self.at_kw(Kw::WHEN) { None } else { Some(self.expression()?) };
        let mut below = operand.map_or(0, |operand| self.ast.height(operand));
        let mut branches = Vec::new();
        loop {
            self.expect_kw(Kw::WHEN)?;
            let when = self.expression()?;
            self.expect_kw(Kw::THEN)?;
            let then = self.expression()?;
            below = below.max(self.highest(&[when, then]));
            branches.push(CaseBranch { when, then });
            if !self.at_kw(Kw::WHEN) {
                break;
            }
        }
        let otherwise = if self.eat_kw(Kw::ELSE) { Some(self.expression()?) } else { None };
        below = below.max(otherwise.map_or(0, |otherwise| self.ast.height(otherwise)));
        self.expect_kw(Kw::END)?;
        let span = self.span_from(start);
        self.push(Expr::Case { operand, branches, otherwise }, span, below)
    }

    /// `INTERVAL(a, b, ..)` or `INTERVAL amount unit + date`.
    fn interval(&mut self) -> PResult<ExprId> {
        let start = self.here();
        let function = self.at_interval_function();
        self.bump();
        if function {
            let args = self.parenthesised(Parser::expression)?;
            let span = self.span_from(start);
            let below = self.highest(&args);
            return self.push(Expr::IntervalFunction(args), span, below);
        }
        let amount = self.expression()?;
        let unit = self.interval_unit()?;
        self.interval_plus(start, amount, unit)
    }

    /// `+ date` behind INTERVAL.
    pub(crate) fn interval_plus(
        &mut self,
        start: u32,
        amount: ExprId,
        unit: IntervalUnit,
    ) -> PResult<ExprId> {
        self.expect(Tok::Plus)?;
        let date = self.nested(Parser::not_level)?;
        let span = self.span_from(start);
        let below = self.highest(&[amount, date]);
        self.push(Expr::DateArith { date, amount, unit, subtract: false }, span, below)
    }

    fn match_against(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        let columns = if self.peek() == Tok::LParen {
            self.parenthesised(Parser::column_name)?
        } else {
            self.list(Parser::column_name)?
        };
        self.expect_kw(Kw::AGAINST)?;
        self.expect(Tok::LParen)?;
        let against = self.bit_expression(0)?;
        let mode = if self.commit_kws(&[Kw::WITH, Kw::QUERY, Kw::EXPANSION])? {
            MatchMode::Expansion
        } else if self.eat_kws(&[Kw::IN, Kw::BOOLEAN]) {
            self.expect_kw(Kw::MODE)?;
            MatchMode::Boolean
        } else if self.eat_kw(Kw::IN) {
            self.expect_kws(&[Kw::NATURAL, Kw::LANGUAGE, Kw::MODE])?;
            if self.eat_kw(Kw::WITH) {
                self.expect_kws(&[Kw::QUERY, Kw::EXPANSION])?;
                MatchMode::NaturalLanguageWithExpansion
            } else {
                MatchMode::NaturalLanguage
            }
        } else {
            MatchMode::NaturalLanguage
        };
        self.expect(Tok::RParen)?;
        let span = self.span_from(start);
        let below = self.ast.height(against);
        self.push(Expr::Match { columns, against, mode }, span, below)
    }

    fn cast(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let expr = self.expression()?;
        let mut at_time_zone = None;
        if self.eat_kw(Kw::AT) {
            if self.eat_kw(Kw::LOCAL) {
                self.defer(ER_NOT_SUPPORTED_YET, vec!["AT LOCAL".into()]);
            } else {
                self.expect_kws(&[Kw::TIME, Kw::ZONE])?;
                self.eat_kw(Kw::INTERVAL);
                at_time_zone = Some(self.string()?.bytes);
            }
        }
        self.expect_kw(Kw::AS)?;
        if at_time_zone.is_some() && !self.at_kw(Kw::DATETIME) {
            return self.unexpected();
        }
        let ty = self.cast_type()?;
        let array = at_time_zone.is_none() && self.eat_kw(Kw::ARRAY);
        self.expect(Tok::RParen)?;
        let span = self.span_from(start);
        let below = self.ast.height(expr);
        self.push(Expr::Cast { expr, ty, array, at_time_zone }, span, below)
    }

    fn convert(&mut self) -> PResult<ExprId> {
        let start = self.here();
        self.bump();
        self.expect(Tok::LParen)?;
        let expr = self.expression()?;
        let node = if self.eat_kw(Kw::USING) {
            Expr::ConvertUsing { expr, charset: self.charset_name()? }
        } else {
            self.expect(Tok::Comma)?;
            Expr::Cast { expr, ty: self.cast_type()?, array: false, at_time_zone: None }
        };
        self.expect(Tok::RParen)?;
        let span = self.span_from(start);
        let below = self.ast.height(expr);
        self.push(node, span, below)
    }

    /// A type of CAST.
    pub(crate) fn cast_type(&mut self) -> PResult<DataType> {
        let Tok::Kw(word) = self.peek() else { return self.unexpected() };
        match word {
            Kw::SIGNED | Kw::UNSIGNED => {
                self.bump();
                self.eat_any_kw(&[Kw::INT, Kw::INTEGER, Kw::INT4]);
                let name = if word == Kw::SIGNED { TypeName::Signed } else { TypeName::Unsigned };
                Ok(DataType::new(name))
            }
            Kw::REAL | Kw::DOUBLE | Kw::FLOAT8 | Kw::YEAR => {
                self.bump();
                if word == Kw::DOUBLE {
                    self.eat_kw(Kw::PRECISION);
                }
                Ok(DataType::new(match word {
                    Kw::REAL => TypeName::Real,
                    Kw::YEAR => TypeName::Year,
                    _ => TypeName::Double,
                }))
            }
            Kw::BINARY
            | Kw::CHAR
            | Kw::CHARACTER
            | Kw::NCHAR
            | Kw::NATIONAL
            | Kw::DATE
            | Kw::TIME
            | Kw::DATETIME
            | Kw::DECIMAL
            | Kw::DEC
            | Kw::FLOAT
            | Kw::FLOAT4
            | Kw::JSON
            | Kw::POINT
            | Kw::LINESTRING
            | Kw::POLYGON
            | Kw::MULTIPOINT
            | Kw::MULTILINESTRING
            | Kw::MULTIPOLYGON
            | Kw::GEOMETRYCOLLECTION
            | Kw::GEOMCOLLECTION => {
                let at = self.position();
                let ty = self.data_type()?;
                let two = ty.name == TypeName::Float && ty.decimals.is_some();
                if two {
                    return self.unexpected_at(at + 3);
                }
                if ty.unsigned || ty.name == TypeName::VarChar {
                    return self.unexpected_at(at + 1);
                }
                Ok(ty)
            }
            _ => self.unexpected(),
        }
    }
}
