//! SHOW.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;
use crate::token::Tok;

/// Which filter a kind of SHOW may have.
#[derive(Clone, Copy, PartialEq)]
enum Filter {
    None,
    Where,
    LikeOrWhere,
}

impl Parser<'_> {
    /// What stands behind SHOW.
    pub(crate) fn show(&mut self) -> PResult<Statement> {
        if self.eat_kw(Kw::PARSE_TREE) {
            self.unsupported("SHOW PARSE_TREE");
            return Ok(Statement::Show(Box::new(Show { kind: ShowKind::ParseTree, filter: None })));
        }
        if self.at_kw2(Kw::CREATE, Kw::LIBRARY) {
            return Ok(self.unsupported("SHOW CREATE LIBRARY"));
        }
        let (kind, allowed) = self.show_kind()?;
        let filter = match allowed {
            Filter::LikeOrWhere if self.eat_kw(Kw::LIKE) => Some(ShowFilter::Like(self.string()?)),
            Filter::None => None,
            _ if self.eat_kw(Kw::WHERE) => Some(ShowFilter::Where(self.expression()?)),
            _ => None,
        };
        Ok(Statement::Show(Box::new(Show { kind, filter })))
    }

    fn show_kind(&mut self) -> PResult<(ShowKind, Filter)> {
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        let plain = |kind| Ok((kind, Filter::None));
        let filtered = |kind| Ok((kind, Filter::LikeOrWhere));
        match word {
            Kw::DATABASES | Kw::SCHEMAS => filtered(ShowKind::Databases),
            Kw::EXTENDED | Kw::FULL | Kw::TABLES | Kw::COLUMNS | Kw::FIELDS | Kw::PROCESSLIST => {
                self.rewind(at);
                self.show_with_full()
            }
            Kw::TRIGGERS | Kw::INDEX | Kw::INDEXES | Kw::KEYS => {
                self.rewind(at);
                self.show_with_full()
            }
            Kw::TABLE => {
                self.expect_kw(Kw::STATUS)?;
                filtered(ShowKind::TableStatus { schema: self.show_schema()? })
            }
            Kw::OPEN => {
                self.expect_kw(Kw::TABLES)?;
                filtered(ShowKind::OpenTables { schema: self.show_schema()? })
            }
            Kw::EVENTS => filtered(ShowKind::Events { schema: self.show_schema()? }),
            Kw::CREATE => plain(self.show_create()?),
            Kw::VARIABLES => filtered(ShowKind::Variables { global: false }),
            Kw::STATUS => filtered(ShowKind::Status { global: false }),
            Kw::GLOBAL | Kw::SESSION | Kw::LOCAL => {
                let global = word == Kw::GLOBAL;
                match self.eat_any_kw(&[Kw::VARIABLES, Kw::STATUS]) {
                    Some(Kw::VARIABLES) => filtered(ShowKind::Variables { global }),
                    Some(_) => filtered(ShowKind::Status { global }),
                    None => self.unexpected(),
                }
            }
            Kw::CHARACTER | Kw::CHAR => {
                self.expect_kw(Kw::SET)?;
                filtered(ShowKind::CharacterSet)
            }
            Kw::CHARSET => filtered(ShowKind::CharacterSet),
            Kw::COLLATION => filtered(ShowKind::Collation),
            Kw::ENGINES => plain(ShowKind::Engines),
            Kw::STORAGE => {
                self.expect_kw(Kw::ENGINES)?;
                plain(ShowKind::Engines)
            }
            Kw::ENGINE => {
                let name = if self.eat_kw(Kw::ALL) { None } else { Some(self.ident_or_text()?) };
                match self.eat_any_kw(&[Kw::STATUS, Kw::MUTEX, Kw::LOGS]) {
                    Some(word) => plain(ShowKind::Engine { name, what: word.name() }),
                    None => self.unexpected(),
                }
            }
            Kw::PLUGINS => plain(ShowKind::Plugins),
            Kw::PRIVILEGES => plain(ShowKind::Privileges),
            Kw::WARNINGS => plain(ShowKind::Warnings { count: false, limit: self.limit()? }),
            Kw::ERRORS => plain(ShowKind::Errors { count: false, limit: self.limit()? }),
            Kw::COUNT => {
                self.expect(Tok::LParen)?;
                self.expect(Tok::Star)?;
                self.expect(Tok::RParen)?;
                match self.eat_any_kw(&[Kw::WARNINGS, Kw::ERRORS]) {
                    Some(Kw::WARNINGS) => plain(ShowKind::Warnings { count: true, limit: None }),
                    Some(_) => plain(ShowKind::Errors { count: true, limit: None }),
                    None => self.unexpected(),
                }
            }
            Kw::GRANTS => {
                let user = if self.eat_kw(Kw::FOR) { Some(self.user_name()?) } else { None };
                let using = if user.is_some() && self.eat_kw(Kw::USING) {
                    self.list(Parser::user_name)?
                } else {
                    Vec::new()
                };
                plain(ShowKind::Grants { user, using })
            }
            Kw::PROCEDURE | Kw::FUNCTION => {
                let procedure = word == Kw::PROCEDURE;
                if self.eat_kw(Kw::CODE) {
                    let name = self.object_name()?;
                    return plain(if procedure {
                        ShowKind::ProcedureCode(name)
                    } else {
                        ShowKind::FunctionCode(name)
                    });
                }
                self.expect_kw(Kw::STATUS)?;
                filtered(if procedure { ShowKind::ProcedureStatus } else { ShowKind::FunctionStatus })
            }
            Kw::LIBRARY => {
                self.expect_kw(Kw::STATUS)?;
                filtered(ShowKind::LibraryStatus)
            }
            Kw::PROFILES => plain(ShowKind::Profiles),
            Kw::PROFILE => plain(self.show_profile()?),
            Kw::BINARY => {
                if self.eat_kw(Kw::LOGS) {
                    return plain(ShowKind::BinaryLogs);
                }
                self.expect_kws(&[Kw::LOG, Kw::STATUS])?;
                plain(ShowKind::BinaryLogStatus)
            }
            Kw::BINLOG | Kw::RELAYLOG => plain(self.show_binlog_events(word == Kw::RELAYLOG)?),
            Kw::REPLICAS => plain(ShowKind::Replicas),
            Kw::REPLICA => {
                self.expect_kw(Kw::STATUS)?;
                plain(ShowKind::ReplicaStatus { channel: self.for_channel()? })
            }
            _ => self.unexpected_at(at),
        }
    }

    /// The kinds that EXTENDED or FULL may precede.
    fn show_with_full(&mut self) -> PResult<(ShowKind, Filter)> {
        let extended = self.eat_kw(Kw::EXTENDED);
        let full = self.eat_kw(Kw::FULL);
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        match word {
            Kw::TABLES => {
                let schema = self.show_schema()?;
                Ok((ShowKind::Tables { extended, full, schema }, Filter::LikeOrWhere))
            }
            Kw::COLUMNS | Kw::FIELDS => {
                let table = self.show_table()?;
                Ok((ShowKind::Columns { extended, full, table }, Filter::LikeOrWhere))
            }
            Kw::TRIGGERS if !extended => {
                let schema = self.show_schema()?;
                Ok((ShowKind::Triggers { full, schema }, Filter::LikeOrWhere))
            }
            Kw::PROCESSLIST if !extended => Ok((ShowKind::ProcessList { full }, Filter::None)),
            Kw::INDEX | Kw::INDEXES | Kw::KEYS if !full => {
                let table = self.show_table()?;
                Ok((ShowKind::Index { extended, table }, Filter::Where))
            }
            _ => self.unexpected_at(at),
        }
    }

    /// `FROM schema`, when it comes next.
    fn show_schema(&mut self) -> PResult<Option<Ident>> {
        match self.eat_any_kw(&[Kw::FROM, Kw::IN]) {
            Some(_) => self.ident().map(Some),
            None => Ok(None),
        }
    }

    /// `FROM t [FROM schema]`; the second schema wins.
    fn show_table(&mut self) -> PResult<ObjectName> {
        if self.eat_any_kw(&[Kw::FROM, Kw::IN]).is_none() {
            return self.unexpected();
        }
        let mut table = self.object_name()?;
        if let Some(schema) = self.show_schema()? {
            table.schema = Some(schema);
        }
        Ok(table)
    }

    fn show_create(&mut self) -> PResult<ShowKind> {
        let at = self.position();
        let Tok::Kw(word) = self.bump().tok else { return self.unexpected_at(at) };
        let kind = match word {
            Kw::TABLE => ShowCreate::Table,
            Kw::VIEW => ShowCreate::View,
            Kw::PROCEDURE => ShowCreate::Procedure,
            Kw::FUNCTION => ShowCreate::Function,
            Kw::TRIGGER => ShowCreate::Trigger,
            Kw::EVENT => ShowCreate::Event,
            Kw::DATABASE | Kw::SCHEMA => {
                let if_not_exists = self.if_not_exists()?;
                return Ok(ShowKind::CreateDatabase { if_not_exists, name: self.ident()? });
            }
            Kw::USER => return Ok(ShowKind::CreateUser(self.user_name()?)),
            _ => return self.unexpected_at(at),
        };
        Ok(ShowKind::Create { kind, name: self.object_name()? })
    }

    fn show_profile(&mut self) -> PResult<ShowKind> {
        let mut types = Vec::new();
        loop {
            let ty = match self.peek() {
                Tok::Kw(Kw::CPU) => "CPU",
                Tok::Kw(Kw::MEMORY) => "MEMORY",
                Tok::Kw(Kw::IPC) => "IPC",
                Tok::Kw(Kw::SWAPS) => "SWAPS",
                Tok::Kw(Kw::SOURCE) => "SOURCE",
                Tok::Kw(Kw::ALL) => "ALL",
                Tok::Kw(Kw::BLOCK) => "BLOCK IO",
                Tok::Kw(Kw::CONTEXT) => "CONTEXT SWITCHES",
                Tok::Kw(Kw::PAGE) => "PAGE FAULTS",
                _ if types.is_empty() => break,
                _ => return self.unexpected(),
            };
            self.bump();
            match ty {
                "BLOCK IO" => self.expect_kw(Kw::IO)?,
                "CONTEXT SWITCHES" => self.expect_kw(Kw::SWITCHES)?,
                "PAGE FAULTS" => self.expect_kw(Kw::FAULTS)?,
                _ => {}
            }
            types.push(ty);
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        let query = if self.eat_kw(Kw::FOR) {
            self.expect_kw(Kw::QUERY)?;
            if self.peek() != Tok::Int {
                return self.unexpected();
            }
            Some(self.literal()?)
        } else {
            None
        };
        Ok(ShowKind::Profile { types, query, limit: self.limit()? })
    }

    fn show_binlog_events(&mut self, relay: bool) -> PResult<ShowKind> {
        self.expect_kw(Kw::EVENTS)?;
        let file = if self.eat_kw(Kw::IN) { Some(self.string()?) } else { None };
        let position = if self.eat_kw(Kw::FROM) { Some(self.unsigned()?) } else { None };
        let limit = self.limit()?;
        if relay {
            self.for_channel()?;
        }
        Ok(ShowKind::BinlogEvents { relay, file, position, limit })
    }

    /// `FOR CHANNEL 'c'`, when it comes next.
    pub(crate) fn for_channel(&mut self) -> PResult<Option<StringLiteral>> {
        if !self.eat_kw(Kw::FOR) {
            return Ok(None);
        }
        self.expect_kw(Kw::CHANNEL)?;
        self.string().map(Some)
    }
}
