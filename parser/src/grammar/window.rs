//! Windows: OVER, WINDOW, frames.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// `OVER name` or `OVER (..)`, when it comes next.
    pub(crate) fn over(&mut self) -> PResult<Option<Over>> {
        if !self.eat_kw(Kw::OVER) {
            return Ok(None);
        }
        if self.peek() == Tok::LParen {
            return Ok(Some(Over::Spec(self.window_spec()?)));
        }
        Ok(Some(Over::Name(self.ident()?)))
    }

    /// `(..)` of OVER and WINDOW.
    pub(crate) fn window_spec(&mut self) -> PResult<WindowSpec> {
        self.expect(Tok::LParen)?;
        let mut spec = WindowSpec::default();
        if self.at_name() {
            spec.base = Some(self.ident()?);
        }
        if self.eat_kw(Kw::PARTITION) {
            self.expect_kw(Kw::BY)?;
            spec.partition_by = self.list(Parser::expression)?;
        }
        spec.order_by = self.order_by()?;
        if let Some(word) = self.eat_any_kw(&[Kw::ROWS, Kw::RANGE, Kw::GROUPS]) {
            let unit = match word {
                Kw::ROWS => FrameUnit::Rows,
                Kw::RANGE => FrameUnit::Range,
                _ => FrameUnit::Groups,
            };
            spec.frame = Some(self.frame(unit)?);
        }
        self.expect(Tok::RParen)?;
        Ok(spec)
    }

    fn frame(&mut self, unit: FrameUnit) -> PResult<WindowFrame> {
        let (start, end) = if self.eat_kw(Kw::BETWEEN) {
            let start = self.frame_bound(true)?;
            self.expect_kw(Kw::AND)?;
            (start, self.frame_bound(true)?)
        } else {
            (self.frame_bound(false)?, FrameBound::CurrentRow)
        };
        let mut exclude = FrameExclusion::None;
        if self.eat_kw(Kw::EXCLUDE) {
            exclude = match self.eat_any_kw(&[Kw::CURRENT, Kw::GROUP, Kw::TIES, Kw::NO]) {
                Some(Kw::CURRENT) => {
                    self.expect_kw(Kw::ROW)?;
                    FrameExclusion::CurrentRow
                }
                Some(Kw::GROUP) => FrameExclusion::Group,
                Some(Kw::TIES) => FrameExclusion::Ties,
                Some(_) => {
                    self.expect_kw(Kw::OTHERS)?;
                    FrameExclusion::NoOthers
                }
                None => return self.unexpected(),
            };
        }
        Ok(WindowFrame { unit, start, end, exclude })
    }

    fn frame_bound(&mut self, both: bool) -> PResult<FrameBound> {
        if self.eat_kws(&[Kw::CURRENT, Kw::ROW]) {
            return Ok(FrameBound::CurrentRow);
        }
        if self.eat_kw(Kw::UNBOUNDED) {
            return Ok(if both && self.eat_kw(Kw::FOLLOWING) {
                FrameBound::UnboundedFollowing
            } else {
                self.expect_kw(Kw::PRECEDING)?;
                FrameBound::UnboundedPreceding
            });
        }
        let offset = match self.peek() {
            Tok::Kw(Kw::INTERVAL) => {
                self.bump();
                let amount = self.expression()?;
                FrameOffset { amount, unit: Some(self.interval_unit()?) }
            }
            Tok::Int | Tok::HexNum | Tok::Decimal | Tok::Float => {
                FrameOffset { amount: self.literal()?, unit: None }
            }
            Tok::Param => FrameOffset { amount: self.parameter(), unit: None },
            _ => return self.unexpected(),
        };
        if both && self.eat_kw(Kw::FOLLOWING) {
            return Ok(FrameBound::Following(offset));
        }
        self.expect_kw(Kw::PRECEDING)?;
        Ok(FrameBound::Preceding(offset))
    }
}
