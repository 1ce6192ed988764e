//! Expressions.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// Any expression.
    pub(crate) fn expression(&mut self) -> PResult<ExprId> {
        self.literal()
    }

    /// DAY, HOUR_MINUTE and the like.
    pub(crate) fn interval_unit(&mut self) -> PResult<IntervalUnit> {
        let Tok::Kw(word) = self.peek() else { return self.unexpected() };
        let unit = match word {
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
            _ => return self.unexpected(),
        };
        self.bump();
        Ok(unit)
    }
}
