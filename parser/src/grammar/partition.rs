//! PARTITION BY, and the partition actions of ALTER TABLE.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// From PARTITION BY to the end of the clause.
    pub(crate) fn partitioning(&mut self) -> PResult<Partitioning> {
        let start = self.here();
        self.expect_kws(&[Kw::PARTITION, Kw::BY])?;
        let method = self.partition_method(true)?;
        let partitions = if self.eat_kw(Kw::PARTITIONS) { Some(self.unsigned()?) } else { None };
        let mut sub_method = None;
        let mut subpartitions = None;
        if self.commit_kws(&[Kw::SUBPARTITION, Kw::BY])? {
            sub_method = Some(self.partition_method(false)?);
            subpartitions = if self.eat_kw(Kw::SUBPARTITIONS) { Some(self.unsigned()?) } else { None };
        }
        let definitions = if self.peek() == Tok::LParen { self.partition_definitions()? } else { Vec::new() };
        Ok(Partitioning {
            method,
            partitions,
            sub_method,
            subpartitions,
            definitions,
            source: self.span_from(start),
        })
    }

    /// HASH, KEY and, where `ranges`, RANGE and LIST.
    fn partition_method(&mut self, ranges: bool) -> PResult<PartitionMethod> {
        let linear = self.eat_kw(Kw::LINEAR);
        if self.eat_kw(Kw::HASH) {
            let expr = self.parenthesised_expression()?.0;
            return Ok(PartitionMethod::Hash { expr, linear });
        }
        if self.eat_kw(Kw::KEY) {
            let algorithm = if self.eat_kw(Kw::ALGORITHM) {
                self.expect(Tok::Eq)?;
                Some(self.unsigned()?)
            } else {
                None
            };
            self.expect(Tok::LParen)?;
            let empty = ranges && self.peek() == Tok::RParen;
            let columns = if empty { Vec::new() } else { self.list(Parser::ident)? };
            self.expect(Tok::RParen)?;
            return Ok(PartitionMethod::Key { columns, linear, algorithm });
        }
        if linear || !ranges {
            return self.unexpected();
        }
        let range = match self.eat_any_kw(&[Kw::RANGE, Kw::LIST]) {
            Some(word) => word == Kw::RANGE,
            None => return self.unexpected(),
        };
        if self.eat_kw(Kw::COLUMNS) {
            let columns = self.parenthesised(Parser::ident)?;
            return Ok(if range {
                PartitionMethod::RangeColumns(columns)
            } else {
                PartitionMethod::ListColumns(columns)
            });
        }
        let expr = self.parenthesised_expression()?.0;
        Ok(if range { PartitionMethod::Range(expr) } else { PartitionMethod::List(expr) })
    }

    /// `(PARTITION p VALUES .., ..)`
    pub(crate) fn partition_definitions(&mut self) -> PResult<Vec<PartitionDefinition>> {
        self.parenthesised(|parser| {
            parser.expect_kw(Kw::PARTITION)?;
            let name = parser.ident()?;
            let values = parser.partition_values()?;
            let options = parser.partition_options()?;
            let subpartitions = if parser.peek() == Tok::LParen {
                parser.parenthesised(|parser| {
                    parser.expect_kw(Kw::SUBPARTITION)?;
                    Ok((parser.ident_or_text()?, parser.partition_options()?))
                })?
            } else {
                Vec::new()
            };
            Ok(PartitionDefinition { name, values, options, subpartitions })
        })
    }

    fn partition_values(&mut self) -> PResult<PartitionValues> {
        if !self.eat_kw(Kw::VALUES) {
            return Ok(PartitionValues::None);
        }
        if self.eat_kw(Kw::LESS) {
            self.expect_kw(Kw::THAN)?;
            if self.eat_kw(Kw::MAXVALUE) {
                return Ok(PartitionValues::LessThan(vec![None]));
            }
            let values = self.parenthesised(|parser| {
                if parser.eat_kw(Kw::MAXVALUE) { Ok(None) } else { parser.expression().map(Some) }
            })?;
            return Ok(PartitionValues::LessThan(values));
        }
        self.expect_kw(Kw::IN)?;
        let tuples = self.parenthesised(|parser| {
            if parser.peek() == Tok::LParen {
                return parser.parenthesised(Parser::expression);
            }
            Ok(vec![parser.expression()?])
        })?;
        Ok(PartitionValues::In(tuples))
    }

    fn partition_options(&mut self) -> PResult<Vec<TableOption>> {
        let mut options = Vec::new();
        loop {
            let at = self.position();
            let storage = self.eat_kw(Kw::STORAGE);
            let Tok::Kw(word) = self.peek() else { return Ok(options) };
            match word {
                Kw::ENGINE => {}
                _ if storage => {
                    self.rewind(at);
                    return self.unexpected();
                }
                // Means nothing outside of NDB.
                Kw::NODEGROUP => {
                    self.bump();
                    self.eat(Tok::Eq);
                    self.unsigned()?;
                    continue;
                }
                Kw::TABLESPACE | Kw::MAX_ROWS | Kw::MIN_ROWS | Kw::COMMENT => {}
                Kw::DATA | Kw::INDEX => {}
                _ => return Ok(options),
            }
            match self.table_option()? {
                Some(option) => options.push(option),
                None => return self.unexpected(),
            }
        }
    }

    /// An action on partitions that stands alone in ALTER TABLE, when one comes next.
    pub(crate) fn alter_partition(&mut self) -> PResult<Option<AlterPartition>> {
        let Tok::Kw(verb) = self.peek() else { return Ok(None) };
        match verb {
            Kw::ADD | Kw::DROP if self.peek_at(1) == Tok::Kw(Kw::PARTITION) => {}
            Kw::COALESCE | Kw::REORGANIZE | Kw::EXCHANGE | Kw::TRUNCATE | Kw::ANALYZE | Kw::CHECK => {}
            Kw::OPTIMIZE | Kw::REBUILD | Kw::REPAIR | Kw::DISCARD | Kw::IMPORT => {}
            _ => return Ok(None),
        }
        self.bump();
        self.expect_kw(Kw::PARTITION)?;
        let local = matches!(
            verb,
            Kw::ADD | Kw::COALESCE | Kw::REORGANIZE | Kw::ANALYZE | Kw::OPTIMIZE | Kw::REBUILD | Kw::REPAIR
        );
        if local {
            self.eat_any_kw(&[Kw::NO_WRITE_TO_BINLOG, Kw::LOCAL]);
        }
        let action = match verb {
            Kw::ADD => {
                if self.eat_kw(Kw::PARTITIONS) {
                    AlterPartition::Add { definitions: Vec::new(), count: Some(self.unsigned()?) }
                } else {
                    // Without either, MySQL's grammar lets it pass.
                    let listed = self.peek() == Tok::LParen;
                    let definitions = if listed { self.partition_definitions()? } else { Vec::new() };
                    AlterPartition::Add { definitions, count: None }
                }
            }
            Kw::DROP => AlterPartition::Drop(self.list(Parser::ident)?),
            Kw::COALESCE => AlterPartition::Coalesce(self.unsigned()?),
            Kw::REORGANIZE => {
                if self.at_name() {
                    let partitions = self.list(Parser::ident)?;
                    self.expect_kw(Kw::INTO)?;
                    AlterPartition::Reorganize { partitions, into: self.partition_definitions()? }
                } else {
                    AlterPartition::Reorganize { partitions: Vec::new(), into: Vec::new() }
                }
            }
            Kw::EXCHANGE => {
                let partition = self.ident()?;
                self.expect_kws(&[Kw::WITH, Kw::TABLE])?;
                let table = self.object_name()?;
                AlterPartition::Exchange { partition, table, validation: self.validation()? != Some(false) }
            }
            _ => {
                let partitions = if self.eat_kw(Kw::ALL) { Vec::new() } else { self.list(Parser::ident)? };
                match verb {
                    Kw::DISCARD | Kw::IMPORT => self.expect_kw(Kw::TABLESPACE)?,
                    Kw::CHECK => while self.check_option()?.is_some() {},
                    Kw::REPAIR => while self.repair_option().is_some() {},
                    _ => {}
                }
                AlterPartition::Maintain { verb: verb.name(), partitions }
            }
        };
        Ok(Some(action))
    }

    /// WITH VALIDATION or WITHOUT VALIDATION.
    pub(crate) fn validation(&mut self) -> PResult<Option<bool>> {
        match self.eat_any_kw(&[Kw::WITH, Kw::WITHOUT]) {
            Some(word) => {
                self.expect_kw(Kw::VALIDATION)?;
                Ok(Some(word == Kw::WITH))
            }
            None => Ok(None),
        }
    }
}
