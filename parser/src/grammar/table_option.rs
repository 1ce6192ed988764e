//! Options of tables and partitions, character set and collation names.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;
use aurora_types::Text;

impl Parser<'_> {
    /// Options with or without commas between them, as CREATE TABLE has them.
    pub(crate) fn table_options(&mut self) -> PResult<Vec<TableOption>> {
        let mut options = Vec::new();
        while let Some(option) = self.table_option()? {
            options.push(option);
            if self.eat(Tok::Comma) && !self.at_table_option() {
                return self.unexpected();
            }
        }
        Ok(options)
    }

    /// Whether a table option comes next.
    pub(crate) fn at_table_option(&self) -> bool {
        let Tok::Kw(word) = self.peek() else { return false };
        match word {
            Kw::DEFAULT | Kw::CHARACTER | Kw::CHAR => true,
            Kw::DATA | Kw::INDEX => true,
            Kw::UNION => self.peek_at(1) == Tok::Eq || self.peek_at(1) == Tok::LParen,
            Kw::START => self.peek_at(1) == Tok::Kw(Kw::TRANSACTION),
            Kw::ENGINE
            | Kw::SECONDARY_ENGINE
            | Kw::MAX_ROWS
            | Kw::MIN_ROWS
            | Kw::AVG_ROW_LENGTH
            | Kw::PASSWORD
            | Kw::COMMENT
            | Kw::COMPRESSION
            | Kw::ENCRYPTION
            | Kw::AUTO_INCREMENT
            | Kw::PACK_KEYS
            | Kw::STATS_AUTO_RECALC
            | Kw::STATS_PERSISTENT
            | Kw::STATS_SAMPLE_PAGES
            | Kw::CHECKSUM
            | Kw::TABLE_CHECKSUM
            | Kw::DELAY_KEY_WRITE
            | Kw::ROW_FORMAT
            | Kw::CHARSET
            | Kw::COLLATE
            | Kw::INSERT_METHOD
            | Kw::TABLESPACE
            | Kw::STORAGE
            | Kw::CONNECTION
            | Kw::KEY_BLOCK_SIZE
            | Kw::ENGINE_ATTRIBUTE
            | Kw::SECONDARY_ENGINE_ATTRIBUTE
            | Kw::AUTOEXTEND_SIZE => true,
            _ => false,
        }
    }

    /// One option, when one comes next.
    pub(crate) fn table_option(&mut self) -> PResult<Option<TableOption>> {
        if !self.at_table_option() {
            return Ok(None);
        }
        if self.eat_kw(Kw::DEFAULT) || self.at_charset_words() || self.at_kw(Kw::COLLATE) {
            return self.charset_or_collate().map(Some);
        }
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected() };
        match word {
            Kw::DATA | Kw::INDEX => self.expect_kw(Kw::DIRECTORY)?,
            Kw::START => {
                self.expect_kw(Kw::TRANSACTION)?;
                return Ok(Some(TableOption::StartTransaction));
            }
            Kw::STORAGE => {
                return Ok(Some(TableOption::Storage(self.one_of(&[Kw::DISK, Kw::MEMORY])?)));
            }
            _ => {}
        }
        self.eat(Tok::Eq);
        let option = match word {
            Kw::ENGINE => TableOption::Engine(self.ident_or_text()?.text),
            Kw::SECONDARY_ENGINE if self.eat_kw(Kw::NULL) => TableOption::SecondaryEngine(None),
            Kw::SECONDARY_ENGINE => TableOption::SecondaryEngine(Some(self.ident_or_text()?.text)),
            Kw::MAX_ROWS => TableOption::MaxRows(self.unsigned()?),
            Kw::MIN_ROWS => TableOption::MinRows(self.unsigned()?),
            Kw::AVG_ROW_LENGTH => TableOption::AvgRowLength(self.unsigned()?),
            Kw::PASSWORD => TableOption::Password(self.string()?),
            Kw::COMMENT => TableOption::Comment(self.string()?),
            Kw::COMPRESSION => TableOption::Compression(self.string()?),
            Kw::ENCRYPTION => TableOption::Encryption(self.string()?),
            Kw::AUTO_INCREMENT => TableOption::AutoIncrement(self.unsigned()?),
            Kw::PACK_KEYS => TableOption::PackKeys(self.number_or_default()?),
            Kw::STATS_AUTO_RECALC => TableOption::StatsAutoRecalc(self.number_or_default()?),
            Kw::STATS_PERSISTENT => TableOption::StatsPersistent(self.number_or_default()?),
            Kw::STATS_SAMPLE_PAGES => TableOption::StatsSamplePages(self.number_or_default()?),
            Kw::CHECKSUM => TableOption::Checksum(self.unsigned()?),
            Kw::TABLE_CHECKSUM => TableOption::TableChecksum(self.unsigned()?),
            Kw::DELAY_KEY_WRITE => TableOption::DelayKeyWrite(self.unsigned()?),
            Kw::ROW_FORMAT => TableOption::RowFormat(self.one_of(&[
                Kw::DEFAULT,
                Kw::FIXED,
                Kw::DYNAMIC,
                Kw::COMPRESSED,
                Kw::REDUNDANT,
                Kw::COMPACT,
            ])?),
            Kw::INSERT_METHOD => TableOption::InsertMethod(self.one_of(&[Kw::NO, Kw::FIRST, Kw::LAST])?),
            Kw::DATA => TableOption::DataDirectory(self.string()?),
            Kw::INDEX => TableOption::IndexDirectory(self.string()?),
            Kw::TABLESPACE => TableOption::Tablespace(self.ident()?),
            Kw::CONNECTION => TableOption::Connection(self.string()?),
            Kw::KEY_BLOCK_SIZE => TableOption::KeyBlockSize(self.unsigned()?),
            Kw::ENGINE_ATTRIBUTE => TableOption::EngineAttribute(self.string()?),
            Kw::SECONDARY_ENGINE_ATTRIBUTE => TableOption::SecondaryEngineAttribute(self.string()?),
            Kw::AUTOEXTEND_SIZE => TableOption::AutoextendSize(self.size()?),
            Kw::UNION => {
                self.expect(Tok::LParen)?;
                let tables =
                    if self.peek() == Tok::RParen { Vec::new() } else { self.list(Parser::object_name)? };
                self.expect(Tok::RParen)?;
                TableOption::Union(tables)
            }
            _ => return self.unexpected(),
        };
        Ok(Some(option))
    }

    /// CHARACTER SET or COLLATE; a DEFAULT before it is already gone.
    fn charset_or_collate(&mut self) -> PResult<TableOption> {
        if self.at_charset_words() {
            self.charset_words()?;
            self.eat(Tok::Eq);
            return Ok(TableOption::Charset(self.charset_name()?));
        }
        self.expect_kw(Kw::COLLATE)?;
        self.eat(Tok::Eq);
        Ok(TableOption::Collate(self.collation_name()?))
    }

    /// A number, or DEFAULT.
    pub(crate) fn number_or_default(&mut self) -> PResult<Option<u64>> {
        if self.eat_kw(Kw::DEFAULT) { Ok(None) } else { self.unsigned().map(Some) }
    }

    /// A number of bytes: `4194304` or `4M`.
    pub(crate) fn size(&mut self) -> PResult<u64> {
        if self.peek() != Tok::Ident {
            return self.unsigned();
        }
        let token = self.token();
        let text = self.bytes(token);
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&text[..digits]).ok().and_then(|digits| digits.parse::<u64>().ok());
        let shift = match &text[digits..] {
            b"k" | b"K" => 10,
            b"m" | b"M" => 20,
            b"g" | b"G" => 30,
            _ => return self.unexpected(),
        };
        let Some(size) = number.and_then(|number| number.checked_mul(1 << shift)) else {
            return self.unexpected();
        };
        self.bump();
        Ok(size)
    }

    /// The name of a character set, lower case.
    pub(crate) fn charset_name(&mut self) -> PResult<Text> {
        if self.eat_kw(Kw::BINARY) {
            return Ok(Text::from("binary"));
        }
        let name = self.ident_or_text()?;
        Ok(Text::from(name.text.as_bytes().to_ascii_lowercase()))
    }

    /// The name of a collation, lower case.
    pub(crate) fn collation_name(&mut self) -> PResult<Text> {
        self.charset_name()
    }
}
