//! Statements whose grammar is still to come: each steps to its end and answers error 1235.

use crate::ast::*;
use crate::error::PResult;
use crate::keyword::Kw;
use crate::parser::Parser;

macro_rules! pending {
    ($($name:ident($($arg:ident: $ty:ty),*) $what:literal)*) => {
        impl Parser<'_> {
            $(pub(crate) fn $name(&mut self, $($arg: $ty),*) -> PResult<Statement> {
                $(let _ = $arg;)*
                Ok(self.unsupported($what))
            })*
        }
    };
}

pending! {
    show() "SHOW"
    set() "SET"
    start() "START"
    begin() "BEGIN"
    commit() "COMMIT"
    rollback() "ROLLBACK"
    release() "RELEASE"
    xa() "XA"
    prepare() "PREPARE"
    execute() "EXECUTE"
    deallocate() "DEALLOCATE"
    lock() "LOCK"
    unlock() "UNLOCK"
    signal(resignal: bool) "SIGNAL"
    get_diagnostics() "GET DIAGNOSTICS"
    table_admin(kind: TableAdminKind) "ANALYZE TABLE"
    flush() "FLUSH"
    kill() "KILL"
    install() "INSTALL"
    uninstall() "UNINSTALL"
}

impl Parser<'_> {
    pub(crate) fn check_option(&mut self) -> Option<&'static str> {
        self.eat_any_kw(&[Kw::QUICK, Kw::FAST, Kw::MEDIUM, Kw::EXTENDED, Kw::CHANGED]).map(Kw::name)
    }

    pub(crate) fn repair_option(&mut self) -> Option<&'static str> {
        self.eat_any_kw(&[Kw::QUICK, Kw::EXTENDED, Kw::USE_FRM]).map(Kw::name)
    }
}
