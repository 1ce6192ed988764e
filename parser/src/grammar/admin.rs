//! Administration: tables, FLUSH, KILL, RESET, plugins and components.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

impl Parser<'_> {
    /// What stands behind ANALYZE, CHECK, CHECKSUM, OPTIMIZE and REPAIR of tables.
    pub(crate) fn table_admin(&mut self, kind: TableAdminKind) -> PResult<Statement> {
        match kind {
            TableAdminKind::Analyze => self.analyze(),
            TableAdminKind::Check => self.check_table(),
            TableAdminKind::Checksum => self.checksum(),
            TableAdminKind::Optimize => self.optimize(),
            TableAdminKind::Repair => self.repair(),
        }
    }

    fn analyze(&mut self) -> PResult<Statement> {
        let mut admin = self.admin_tables(TableAdminKind::Analyze, true)?;
        if let Some(word) = self.eat_any_kw(&[Kw::UPDATE, Kw::DROP]) {
            self.expect_kws(&[Kw::HISTOGRAM, Kw::ON])?;
            let columns = self.list(Parser::ident)?;
            let mut histogram = Histogram { drop: word == Kw::DROP, columns, buckets: None, data: None };
            if !histogram.drop {
                self.histogram_options(&mut histogram)?;
            }
            admin.histogram = Some(histogram);
        }
        Ok(Statement::TableAdmin(Box::new(admin)))
    }

    fn histogram_options(&mut self, histogram: &mut Histogram) -> PResult<()> {
        if self.eat_kw(Kw::USING) {
            self.expect_kw(Kw::DATA)?;
            histogram.data = Some(self.string()?);
            return Ok(());
        }
        if self.eat_kw(Kw::WITH) {
            if self.peek() != Tok::Int {
                return self.unexpected();
            }
            histogram.buckets = Some(self.unsigned()?);
            self.expect_kw(Kw::BUCKETS)?;
        }
        if self.eat_any_kw(&[Kw::AUTO, Kw::MANUAL]).is_some() {
            self.expect_kw(Kw::UPDATE)?;
        }
        Ok(())
    }

    fn check_table(&mut self) -> PResult<Statement> {
        let mut admin = self.admin_tables(TableAdminKind::Check, false)?;
        while let Some(option) = self.check_option()? {
            admin.options.push(option);
        }
        Ok(Statement::TableAdmin(Box::new(admin)))
    }

    /// An option of CHECK TABLE, when one comes next.
    pub(crate) fn check_option(&mut self) -> PResult<Option<&'static str>> {
        if self.eat_kw(Kw::FOR) {
            self.expect_kw(Kw::UPGRADE)?;
            return Ok(Some("FOR UPGRADE"));
        }
        let words = [Kw::QUICK, Kw::FAST, Kw::MEDIUM, Kw::EXTENDED, Kw::CHANGED];
        Ok(self.eat_any_kw(&words).map(Kw::name))
    }

    fn checksum(&mut self) -> PResult<Statement> {
        let mut admin = self.admin_tables(TableAdminKind::Checksum, false)?;
        admin.options.extend(self.eat_any_kw(&[Kw::QUICK, Kw::EXTENDED]).map(Kw::name));
        Ok(Statement::TableAdmin(Box::new(admin)))
    }

    fn optimize(&mut self) -> PResult<Statement> {
        Ok(Statement::TableAdmin(Box::new(self.admin_tables(TableAdminKind::Optimize, true)?)))
    }

    fn repair(&mut self) -> PResult<Statement> {
        let mut admin = self.admin_tables(TableAdminKind::Repair, true)?;
        while let Some(option) = self.repair_option() {
            admin.options.push(option);
        }
        Ok(Statement::TableAdmin(Box::new(admin)))
    }

    /// An option of REPAIR TABLE, when one comes next.
    pub(crate) fn repair_option(&mut self) -> Option<&'static str> {
        self.eat_any_kw(&[Kw::QUICK, Kw::EXTENDED, Kw::USE_FRM]).map(Kw::name)
    }

    fn admin_tables(&mut self, kind: TableAdminKind, binlog_words: bool) -> PResult<TableAdmin> {
        let no_binlog = binlog_words && self.eat_any_kw(&[Kw::NO_WRITE_TO_BINLOG, Kw::LOCAL]).is_some();
        if self.eat_any_kw(&[Kw::TABLE, Kw::TABLES]).is_none() {
            return self.unexpected();
        }
        let tables = self.list(Parser::object_name)?;
        Ok(TableAdmin { kind, tables, no_binlog, options: Vec::new(), histogram: None })
    }

    /// What stands behind FLUSH.
    pub(crate) fn flush(&mut self) -> PResult<Statement> {
        self.eat_any_kw(&[Kw::NO_WRITE_TO_BINLOG, Kw::LOCAL]);
        if self.eat_any_kw(&[Kw::TABLE, Kw::TABLES]).is_none() {
            return Ok(Statement::Flush(Flush::Options(self.list(Parser::flush_option)?)));
        }
        let tables = if self.at_name() { self.list(Parser::object_name)? } else { Vec::new() };
        let read_lock = self.eat_kw(Kw::WITH);
        if read_lock {
            self.expect_kws(&[Kw::READ, Kw::LOCK])?;
        }
        let for_export = !read_lock && !tables.is_empty() && self.eat_kw(Kw::FOR);
        if for_export {
            self.expect_kw(Kw::EXPORT)?;
        }
        Ok(Statement::Flush(Flush::Tables { tables, read_lock, for_export }))
    }

    fn flush_option(&mut self) -> PResult<&'static str> {
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        let logs = match word {
            Kw::ERROR => "ERROR LOGS",
            Kw::ENGINE => "ENGINE LOGS",
            Kw::GENERAL => "GENERAL LOGS",
            Kw::SLOW => "SLOW LOGS",
            Kw::BINARY => "BINARY LOGS",
            Kw::RELAY => "RELAY LOGS",
            Kw::LOGS | Kw::STATUS | Kw::PRIVILEGES | Kw::USER_RESOURCES | Kw::OPTIMIZER_COSTS => {
                return Ok(word.name());
            }
            _ => return self.unexpected_at(at),
        };
        self.expect_kw(Kw::LOGS)?;
        if word == Kw::RELAY {
            self.for_channel()?;
        }
        Ok(logs)
    }

    /// What stands behind KILL.
    pub(crate) fn kill(&mut self) -> PResult<Statement> {
        let query_only = self.eat_any_kw(&[Kw::CONNECTION, Kw::QUERY]) == Some(Kw::QUERY);
        Ok(Statement::Kill(Kill { query_only, id: self.expression()? }))
    }

    /// What stands behind RESET.
    pub(crate) fn reset(&mut self) -> PResult<Statement> {
        match self.peek() {
            Tok::Kw(Kw::PERSIST) => Ok(self.unsupported("RESET PERSIST")),
            Tok::Kw(Kw::REPLICA) => Ok(self.unsupported("RESET REPLICA")),
            Tok::Kw(Kw::BINARY) => self
                .unsupported_if(&[Kw::BINARY, Kw::LOGS, Kw::AND, Kw::GTIDS], "RESET BINARY LOGS AND GTIDS"),
            _ => self.unexpected(),
        }
    }

    /// What stands behind INSTALL.
    pub(crate) fn install(&mut self) -> PResult<Statement> {
        if self.eat_kw(Kw::PLUGIN) {
            let name = self.ident()?;
            self.expect_kw(Kw::SONAME)?;
            return Ok(Statement::InstallPlugin { name, soname: self.string()? });
        }
        self.expect_kw(Kw::COMPONENT)?;
        let components = self.list(Parser::string)?;
        if self.at_kw(Kw::SET) {
            return Ok(self.unsupported("INSTALL COMPONENT .. SET"));
        }
        Ok(Statement::InstallComponent(components))
    }

    /// What stands behind UNINSTALL.
    pub(crate) fn uninstall(&mut self) -> PResult<Statement> {
        if self.eat_kw(Kw::PLUGIN) {
            return self.ident().map(Statement::UninstallPlugin);
        }
        self.expect_kw(Kw::COMPONENT)?;
        self.list(Parser::string).map(Statement::UninstallComponent)
    }

    /// What stands behind `verb`, of which the first words are all that is known.
    pub(crate) fn other_admin(&mut self, verb: Kw) -> PResult<Statement> {
        match verb {
            Kw::PURGE => self.unsupported_if(&[Kw::BINARY, Kw::LOGS], "PURGE BINARY LOGS"),
            Kw::CHANGE => {
                self.expect_kw(Kw::REPLICATION)?;
                match self.peek() {
                    Tok::Kw(Kw::SOURCE) => Ok(self.unsupported("CHANGE REPLICATION SOURCE")),
                    Tok::Kw(Kw::FILTER) => Ok(self.unsupported("CHANGE REPLICATION FILTER")),
                    _ => self.unexpected(),
                }
            }
            Kw::BINLOG => Ok(self.unsupported("BINLOG")),
            Kw::STOP => match self.peek() {
                Tok::Kw(Kw::REPLICA) => Ok(self.unsupported("STOP REPLICA")),
                Tok::Kw(Kw::GROUP_REPLICATION) => Ok(self.unsupported("STOP GROUP_REPLICATION")),
                _ => self.unexpected(),
            },
            Kw::CACHE => self.unsupported_if(&[Kw::INDEX], "CACHE INDEX"),
            Kw::IMPORT => {
                self.expect_kws(&[Kw::TABLE, Kw::FROM])?;
                self.list(Parser::string)?;
                Ok(Statement::Unsupported { what: "IMPORT TABLE" })
            }
            Kw::CLONE => Ok(self.unsupported("CLONE")),
            _ => self.unexpected(),
        }
    }
}
