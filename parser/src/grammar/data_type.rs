//! Types of columns, parameters and functions.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;

/// What may follow the type word.
enum Tail {
    Nothing,
    /// Nothing, and the length is 1.
    Bool,
    /// `(n)`, SIGNED, UNSIGNED, ZEROFILL.
    Integer,
    /// `(n, m)`, SIGNED, UNSIGNED, ZEROFILL.
    Double,
    /// `(n)` or `(n, m)`, SIGNED, UNSIGNED, ZEROFILL.
    Decimal,
    /// `(n)`, may be left out.
    Length,
    /// `(n)` must be there.
    LengthNeeded,
    /// `(n)`, then a character set.
    Text,
    /// `(n)` must be there, then a character set.
    TextNeeded,
    /// A character set alone.
    Charset,
    /// `(n)`, then BINARY; the character set is utf8mb3.
    National,
    NationalNeeded,
    /// `('a', ..)`, then a character set.
    Members,
}

impl Parser<'_> {
    /// A type as columns have it, without COLLATE.
    pub(crate) fn data_type(&mut self) -> PResult<DataType> {
        let (name, tail) = self.type_word()?;
        let mut ty = DataType::new(name);
        match tail {
            Tail::Nothing => {}
            Tail::Bool => {
                ty.length = Some(1);
                ty.boolean = true;
            }
            Tail::Integer => {
                ty.length = self.optional_length()?;
                self.number_options(&mut ty);
            }
            Tail::Double => {
                if self.peek() == Tok::LParen {
                    self.precision(&mut ty, true)?;
                }
                self.number_options(&mut ty);
            }
            Tail::Decimal => {
                if self.peek() == Tok::LParen {
                    self.precision(&mut ty, false)?;
                }
                self.number_options(&mut ty);
            }
            Tail::Length => ty.length = self.optional_length()?,
            Tail::LengthNeeded => ty.length = Some(self.length()?),
            Tail::Text => {
                ty.length = self.optional_length()?;
                self.type_charset(&mut ty)?;
            }
            Tail::TextNeeded => {
                ty.length = Some(self.length()?);
                self.type_charset(&mut ty)?;
            }
            Tail::Charset => self.type_charset(&mut ty)?,
            Tail::National | Tail::NationalNeeded => {
                ty.length = match tail {
                    Tail::National => self.optional_length()?,
                    _ => Some(self.length()?),
                };
                ty.charset = Some(Text::from("utf8mb3"));
                ty.binary = self.eat_kw(Kw::BINARY);
            }
            Tail::Members => {
                ty.members = self.parenthesised(Parser::any_string)?;
                self.type_charset(&mut ty)?;
            }
        }
        Ok(ty)
    }

    fn type_word(&mut self) -> PResult<(TypeName, Tail)> {
        let Tok::Kw(word) = self.peek() else { return self.unexpected() };
        let found = match word {
            Kw::TINYINT | Kw::INT1 => (TypeName::TinyInt, Tail::Integer),
            Kw::SMALLINT | Kw::INT2 => (TypeName::SmallInt, Tail::Integer),
            Kw::MEDIUMINT | Kw::INT3 | Kw::MIDDLEINT => (TypeName::MediumInt, Tail::Integer),
            Kw::INT | Kw::INTEGER | Kw::INT4 => (TypeName::Int, Tail::Integer),
            Kw::BIGINT | Kw::INT8 => (TypeName::BigInt, Tail::Integer),
            Kw::SERIAL => (TypeName::Serial, Tail::Nothing),
            Kw::FLOAT | Kw::FLOAT4 => (TypeName::Float, Tail::Decimal),
            Kw::DOUBLE | Kw::FLOAT8 => (TypeName::Double, Tail::Double),
            Kw::REAL => (TypeName::Real, Tail::Double),
            Kw::DECIMAL | Kw::DEC | Kw::NUMERIC | Kw::FIXED => (TypeName::Decimal, Tail::Decimal),
            Kw::BIT => (TypeName::Bit, Tail::Length),
            Kw::BOOL | Kw::BOOLEAN => (TypeName::TinyInt, Tail::Bool),
            Kw::YEAR => (TypeName::Year, Tail::Integer),
            Kw::DATE => (TypeName::Date, Tail::Nothing),
            Kw::TIME => (TypeName::Time, Tail::Length),
            Kw::DATETIME => (TypeName::DateTime, Tail::Length),
            Kw::TIMESTAMP => (TypeName::Timestamp, Tail::Length),
            Kw::CHAR | Kw::CHARACTER => (TypeName::Char, Tail::Text),
            Kw::VARCHAR | Kw::VARCHARACTER => (TypeName::VarChar, Tail::TextNeeded),
            Kw::NCHAR | Kw::NATIONAL | Kw::NVARCHAR => return self.national_word(),
            Kw::BINARY => (TypeName::Binary, Tail::Length),
            Kw::VARBINARY => (TypeName::VarBinary, Tail::LengthNeeded),
            Kw::TINYTEXT => (TypeName::TinyText, Tail::Charset),
            Kw::TEXT => (TypeName::Text, Tail::Text),
            Kw::MEDIUMTEXT => (TypeName::MediumText, Tail::Charset),
            Kw::LONGTEXT => (TypeName::LongText, Tail::Charset),
            Kw::LONG => return Ok(self.long_word()),
            Kw::TINYBLOB => (TypeName::TinyBlob, Tail::Nothing),
            Kw::BLOB => (TypeName::Blob, Tail::Length),
            Kw::MEDIUMBLOB => (TypeName::MediumBlob, Tail::Nothing),
            Kw::LONGBLOB => (TypeName::LongBlob, Tail::Nothing),
            Kw::ENUM => (TypeName::Enum, Tail::Members),
            Kw::SET => (TypeName::Set, Tail::Members),
            Kw::JSON => (TypeName::Json, Tail::Nothing),
            Kw::VECTOR => (TypeName::Vector, Tail::Length),
            Kw::GEOMETRY => (TypeName::Geometry, Tail::Nothing),
            Kw::POINT => (TypeName::Point, Tail::Nothing),
            Kw::LINESTRING => (TypeName::LineString, Tail::Nothing),
            Kw::POLYGON => (TypeName::Polygon, Tail::Nothing),
            Kw::MULTIPOINT => (TypeName::MultiPoint, Tail::Nothing),
            Kw::MULTILINESTRING => (TypeName::MultiLineString, Tail::Nothing),
            Kw::MULTIPOLYGON => (TypeName::MultiPolygon, Tail::Nothing),
            Kw::GEOMETRYCOLLECTION | Kw::GEOMCOLLECTION => (TypeName::GeometryCollection, Tail::Nothing),
            _ => return self.unexpected(),
        };
        self.bump();
        match word {
            Kw::DOUBLE => {
                self.eat_kw(Kw::PRECISION);
            }
            Kw::CHAR | Kw::CHARACTER if self.eat_kw(Kw::VARYING) => {
                return Ok((TypeName::VarChar, Tail::TextNeeded));
            }
            _ => {}
        }
        Ok(found)
    }

    /// NCHAR, NVARCHAR, NATIONAL CHAR and their forms.
    fn national_word(&mut self) -> PResult<(TypeName, Tail)> {
        const CHAR: (TypeName, Tail) = (TypeName::Char, Tail::National);
        const VARCHAR: (TypeName, Tail) = (TypeName::VarChar, Tail::NationalNeeded);
        if self.eat_kw(Kw::NVARCHAR) {
            return Ok(VARCHAR);
        }
        let national = self.eat_kw(Kw::NATIONAL);
        if !national {
            self.expect_kw(Kw::NCHAR)?;
            return Ok(match self.eat_any_kw(&[Kw::VARCHAR, Kw::VARCHARACTER, Kw::VARYING]) {
                Some(_) => VARCHAR,
                None => CHAR,
            });
        }
        if self.eat_any_kw(&[Kw::VARCHAR, Kw::VARCHARACTER]).is_some() {
            return Ok(VARCHAR);
        }
        if self.eat_any_kw(&[Kw::CHAR, Kw::CHARACTER]).is_none() {
            return self.unexpected();
        }
        Ok(if self.eat_kw(Kw::VARYING) { VARCHAR } else { CHAR })
    }

    /// LONG, LONG VARBINARY, LONG VARCHAR, LONG CHAR VARYING.
    fn long_word(&mut self) -> (TypeName, Tail) {
        self.bump();
        if self.eat_kw(Kw::VARBINARY) {
            return (TypeName::MediumBlob, Tail::Nothing);
        }
        if self.eat_any_kw(&[Kw::VARCHAR, Kw::VARCHARACTER]).is_none()
            && !self.eat_kws(&[Kw::CHAR, Kw::VARYING])
        {
            self.eat_kws(&[Kw::CHARACTER, Kw::VARYING]);
        }
        (TypeName::MediumText, Tail::Charset)
    }

    /// `(n)`
    pub(crate) fn length(&mut self) -> PResult<u64> {
        self.expect(Tok::LParen)?;
        if !matches!(self.peek(), Tok::Int | Tok::Decimal) {
            return self.unexpected();
        }
        let length = self.unsigned()?;
        self.expect(Tok::RParen)?;
        Ok(length)
    }

    pub(crate) fn optional_length(&mut self) -> PResult<Option<u64>> {
        if self.peek() == Tok::LParen { self.length().map(Some) } else { Ok(None) }
    }

    /// `(n)` or `(n, m)`; `both` forbids the first.
    fn precision(&mut self, ty: &mut DataType, both: bool) -> PResult<()> {
        self.expect(Tok::LParen)?;
        if self.peek() != Tok::Int {
            return self.unexpected();
        }
        ty.length = Some(self.unsigned()?);
        if both || self.peek() == Tok::Comma {
            self.expect(Tok::Comma)?;
            if self.peek() != Tok::Int {
                return self.unexpected();
            }
            ty.decimals = Some(u32::try_from(self.unsigned()?).unwrap_or(u32::MAX));
        }
        self.expect(Tok::RParen)
    }

    fn number_options(&mut self, ty: &mut DataType) {
        while let Some(word) = self.eat_any_kw(&[Kw::SIGNED, Kw::UNSIGNED, Kw::ZEROFILL]) {
            match word {
                Kw::UNSIGNED => ty.unsigned = true,
                Kw::ZEROFILL => {
                    ty.unsigned = true;
                    ty.zerofill = true;
                }
                _ => {}
            }
        }
    }

    /// CHARACTER SET, ASCII, UNICODE, BYTE, with BINARY before or behind.
    fn type_charset(&mut self, ty: &mut DataType) -> PResult<()> {
        ty.binary = self.eat_kw(Kw::BINARY);
        if self.eat_kw(Kw::ASCII) {
            ty.charset = Some(Text::from("latin1"));
        } else if self.eat_kw(Kw::UNICODE) {
            ty.charset = Some(Text::from("ucs2"));
        } else if !ty.binary && self.eat_kw(Kw::BYTE) {
            ty.charset = Some(Text::from("binary"));
            return Ok(());
        } else if self.at_charset_words() {
            self.charset_words()?;
            ty.charset = Some(self.charset_name()?);
        } else {
            return Ok(());
        }
        if !ty.binary {
            ty.binary = self.eat_kw(Kw::BINARY);
        }
        Ok(())
    }

    /// Whether CHARACTER SET, CHAR SET or CHARSET comes next.
    pub(crate) fn at_charset_words(&self) -> bool {
        matches!(self.peek(), Tok::Kw(Kw::CHARSET | Kw::CHARACTER | Kw::CHAR))
    }

    /// Steps over CHARACTER SET, CHAR SET or CHARSET.
    pub(crate) fn charset_words(&mut self) -> PResult<()> {
        if self.bump().tok == Tok::Kw(Kw::CHARSET) { Ok(()) } else { self.expect_kw(Kw::SET) }
    }
}
