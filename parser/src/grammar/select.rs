//! SELECT up to ORDER BY.

use crate::ast::*;
use crate::context::ClientCharset;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;
use aurora_types::error::{ER_NOT_SUPPORTED_YET, ER_WRONG_USAGE};

/// How long a column's name gets that is made from its source.
const AUTOMATIC_NAME_BYTES: usize = 255;

impl Parser<'_> {
    /// The text of `/*+ .. */`, when it comes next.
    pub(crate) fn hints(&mut self) -> Option<Text> {
        if self.peek() != Tok::Hint {
            return None;
        }
        let token = self.bump();
        let bytes = self.bytes(token);
        Some(Text::from(bytes.get(3..bytes.len().saturating_sub(2)).unwrap_or_default().trim_ascii()))
    }

    pub(crate) fn select(&mut self) -> PResult<(Select, Option<IntoClause>)> {
        let span = self.bump().span();
        let hints = self.hints();
        let options = self.select_options();
        let items = self.select_items()?;
        let into = self.selected_into()?;
        let mut select = Select {
            options,
            hints,
            items,
            from: Vec::new(),
            from_dual: false,
            filter: None,
            group_by: None,
            having: None,
            windows: Vec::new(),
            qualify: None,
            span,
        };
        if self.eat_kw(Kw::FROM) {
            select.from_dual = self.eat_kw(Kw::DUAL);
            if !select.from_dual {
                select.from = self.table_references()?;
            }
        }
        select.filter = self.filter()?;
        if self.eat_kw(Kw::GROUP) {
            self.expect_kw(Kw::BY)?;
            select.group_by = Some(self.group_by()?);
        }
        if self.eat_kw(Kw::HAVING) {
            select.having = Some(self.expression()?);
        }
        if self.eat_kw(Kw::WINDOW) {
            select.windows = self.list(|parser| {
                let name = parser.ident()?;
                parser.expect_kw(Kw::AS)?;
                Ok((name, parser.window_spec()?))
            })?;
        }
        if self.eat_kw(Kw::QUALIFY) {
            select.qualify = Some(self.expression()?);
        }
        Ok((select, into))
    }

    /// `WHERE ..`, when it comes next.
    pub(crate) fn filter(&mut self) -> PResult<Option<ExprId>> {
        if self.eat_kw(Kw::WHERE) { self.expression().map(Some) } else { Ok(None) }
    }

    fn group_by(&mut self) -> PResult<GroupBy> {
        if self.at_kw(Kw::ROLLUP) && self.peek_at(1) == Tok::LParen {
            self.bump();
            return Ok(GroupBy { items: self.parenthesised(Parser::expression)?, rollup: true });
        }
        if self.at_kw(Kw::CUBE) {
            self.bump();
            self.defer(ER_NOT_SUPPORTED_YET, vec!["GROUP BY CUBE".into()]);
            return Ok(GroupBy { items: self.parenthesised(Parser::expression)?, rollup: false });
        }
        if self.at_kw2(Kw::GROUPING, Kw::SETS) {
            self.bump();
            self.bump();
            self.defer(ER_NOT_SUPPORTED_YET, vec!["GROUPING SETS".into()]);
            let sets = self.parenthesised(|parser| {
                if parser.peek() == Tok::LParen && parser.peek_at(1) == Tok::RParen {
                    parser.bump();
                    parser.bump();
                    return Ok(Vec::new());
                }
                parser.parenthesised(Parser::expression)
            })?;
            return Ok(GroupBy { items: sets.concat(), rollup: false });
        }
        let items = self.list(Parser::expression)?;
        let rollup = self.eat_kws(&[Kw::WITH, Kw::ROLLUP]);
        Ok(GroupBy { items, rollup })
    }

    fn select_options(&mut self) -> SelectOptions {
        let mut options = SelectOptions::default();
        let mut all = false;
        while let Tok::Kw(word) = self.peek() {
            match word {
                Kw::ALL => all = true,
                Kw::DISTINCT | Kw::DISTINCTROW => options.distinct = true,
                Kw::STRAIGHT_JOIN => options.straight_join = true,
                Kw::HIGH_PRIORITY => options.high_priority = true,
                Kw::SQL_SMALL_RESULT => options.small_result = true,
                Kw::SQL_BIG_RESULT => options.big_result = true,
                Kw::SQL_BUFFER_RESULT => options.buffer_result = true,
                Kw::SQL_CALC_FOUND_ROWS => options.calc_found_rows = true,
                Kw::SQL_NO_CACHE => options.no_cache = true,
                _ => break,
            }
            self.bump();
        }
        if all && options.distinct {
            self.defer(ER_WRONG_USAGE, vec!["ALL".into(), "DISTINCT".into()]);
        }
        options
    }

    pub(crate) fn select_items(&mut self) -> PResult<Vec<SelectItem>> {
        let mut items = Vec::new();
        if self.peek() == Tok::Star {
            items.push(SelectItem::Wildcard(self.bump().span()));
        } else {
            items.push(self.select_item()?);
        }
        while self.eat(Tok::Comma) {
            items.push(self.select_item()?);
        }
        Ok(items)
    }

    fn select_item(&mut self) -> PResult<SelectItem> {
        if self.at_name() && self.peek_at(1) == Tok::Dot {
            let longer = Parser::is_name(self.peek_at(2)) && self.peek_at(3) == Tok::Dot;
            let star = if longer { 4 } else { 2 };
            if self.peek_at(star) == Tok::Star {
                let name = self.object_name_before_star(longer)?;
                return Ok(SelectItem::TableWildcard(name));
            }
        }
        let start = self.here();
        let expr = self.expression()?;
        let span = self.span_from(start);
        let alias = self.select_alias()?;
        let name = match &alias {
            Some(alias) => alias.text.clone(),
            None => cut_name(self.automatic_name(expr, span)),
        };
        Ok(SelectItem::Expr { expr, alias, name, span })
    }

    /// `t.*` and `s.t.*`.
    pub(crate) fn object_name_before_star(&mut self, with_schema: bool) -> PResult<ObjectName> {
        let first = self.ident()?;
        self.expect(Tok::Dot)?;
        let name = if with_schema {
            let name = self.ident()?;
            self.expect(Tok::Dot)?;
            ObjectName { schema: Some(first), name }
        } else {
            ObjectName { schema: None, name: first }
        };
        self.expect(Tok::Star)?;
        Ok(name)
    }

    /// What a column without alias is called. Columns and literals bring a name that parentheses and `+` leave
    /// alone; all else is called by its source.
    fn automatic_name(&self, expr: ExprId, source: Span) -> Text {
        let mut named = expr;
        while let Expr::Unary { op: UnaryOp::Plus, expr } = self.ast.expr(named) {
            named = *expr;
        }
        let span = self.ast.span(named);
        match self.ast.expr(named) {
            Expr::Column(column) => column.column.text.clone(),
            Expr::Param(_) => Text::from("?"),
            Expr::Literal(Literal::Null) => Text::from("NULL"),
            Expr::Literal(Literal::String(_)) if !span.of(self.sql).starts_with(b"{") => {
                self.string_name(span)
            }
            Expr::Literal(Literal::Int(_) | Literal::Decimal(_) | Literal::Float(_)) => {
                self.source_text(span)
            }
            _ => self.source_text(source),
        }
    }

    /// The name of a column that is a string: its first piece, without spaces in front.
    fn string_name(&self, span: Span) -> Text {
        let token = self.token_from(span.start, Tok::Introducer);
        let bytes = token.map(|token| self.string_bytes(token)).unwrap_or_default();
        let bytes = bytes.trim_ascii_start();
        if self.context.client_charset == ClientCharset::Latin1 && !bytes.is_ascii() {
            return Text::from(bytes.iter().map(|&byte| char::from(byte)).collect::<String>());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Text::from(text),
            Err(_) => Text::from(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// `[AS] name` or `[AS] 'name'`, when it comes next.
    pub(crate) fn select_alias(&mut self) -> PResult<Option<Ident>> {
        if !self.eat_kw(Kw::AS) && self.peek() != Tok::Str && !self.at_name() {
            return Ok(None);
        }
        let mut alias = self.ident_or_text()?;
        let trimmed = alias.text.as_bytes().trim_ascii_start();
        if trimmed.len() < alias.text.as_bytes().len() {
            alias.text = Text::from(String::from_utf8_lossy(trimmed).into_owned());
        }
        Ok(Some(alias))
    }
}

/// MySQL cuts the names that it makes up itself.
fn cut_name(name: Text) -> Text {
    if name.as_bytes().len() <= AUTOMATIC_NAME_BYTES {
        return name;
    }
    let text = name.to_str_lossy();
    Text::from(&text[..text.floor_char_boundary(AUTOMATIC_NAME_BYTES)])
}
