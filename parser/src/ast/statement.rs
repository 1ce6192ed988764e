//! The statement kinds.

use super::admin::*;
use super::ddl::*;
use super::dml::*;
use super::literal::StringLiteral;
use super::name::{Ident, ObjectName, UserName};
use super::session::*;
use super::show::Show;
use super::table::{AlterTable, CreateTable};
use super::{ExprId, QueryId};
use aurora_types::Text;

#[derive(Clone, Debug)]
pub enum Statement {
    /// SELECT, WITH, VALUES, TABLE, parenthesised or not, with INTO or not.
    Query(QueryId),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    LoadData(Box<LoadData>),
    Call(CallProcedure),
    Do(Vec<ExprId>),
    Handler(Box<Handler>),

    CreateTable(Box<CreateTable>),
    AlterTable(Box<AlterTable>),
    DropTable(DropTables),
    TruncateTable(ObjectName),
    /// RENAME TABLE a TO b, c TO d.
    RenameTable(Vec<(ObjectName, ObjectName)>),
    CreateIndex(Box<CreateIndex>),
    DropIndex(DropIndex),
    CreateDatabase(CreateDatabase),
    AlterDatabase(AlterDatabase),
    DropDatabase {
        if_exists: bool,
        name: Ident,
    },
    CreateView(Box<CreateView>),
    DropView(DropTables),
    CreateTrigger(Box<CreateTrigger>),
    CreateProcedure(Box<CreateRoutine>),
    CreateFunction(Box<CreateRoutine>),
    CreateLoadableFunction(CreateLoadableFunction),
    CreateEvent(Box<CreateEvent>),
    AlterRoutine(AlterRoutine),
    DropRoutine(DropRoutine),

    StartTransaction(StartTransaction),
    /// BEGIN [WORK].
    Begin,
    Commit(Completion),
    Rollback(Completion),
    Savepoint(Ident),
    RollbackTo(Ident),
    ReleaseSavepoint(Ident),
    Xa(Xa),

    Set(Vec<SetItem>),
    SetTransaction(SetTransaction),
    SetPassword(SetPassword),
    SetRole(SetRole),
    SetDefaultRole(SetDefaultRole),
    Use(Ident),
    Prepare {
        name: Ident,
        source: PrepareSource,
    },
    Execute {
        name: Ident,
        using: Vec<Text>,
    },
    Deallocate(Ident),
    LockTables(Vec<LockTable>),
    UnlockTables,
    /// LOCK INSTANCE FOR BACKUP.
    LockInstance,
    UnlockInstance,
    Signal(Signal),
    GetDiagnostics(GetDiagnostics),

    Show(Box<Show>),
    Describe(Describe),
    Explain(Explain),
    Help(Text),

    CreateUser(Box<CreateUser>),
    DropUser {
        if_exists: bool,
        users: Vec<UserName>,
    },
    RenameUser(RenameUser),
    CreateRole {
        if_not_exists: bool,
        roles: Vec<UserName>,
    },
    DropRole {
        if_exists: bool,
        roles: Vec<UserName>,
    },
    Grant(Box<Grant>),
    Revoke(Box<Revoke>),

    TableAdmin(Box<TableAdmin>),
    Flush(Flush),
    Kill(Kill),
    Shutdown,
    Restart,
    InstallPlugin {
        name: Ident,
        soname: StringLiteral,
    },
    UninstallPlugin(Ident),
    InstallComponent(Vec<StringLiteral>),
    UninstallComponent(Vec<StringLiteral>),

    /// A statement of MySQL's grammar that is known by its first words only. `what` names it for error 1235,
    /// such as `CREATE TABLESPACE`.
    Unsupported {
        what: &'static str,
    },
}
