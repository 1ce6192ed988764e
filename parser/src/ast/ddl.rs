//! Databases, indexes, views, and dropping or renaming things; routines, triggers and events by their headers.

use super::data_type::DataType;
use super::literal::StringLiteral;
use super::name::{Ident, ObjectName, Span, UserName};
use super::table::{AlterAlgorithm, AlterLock, KeyDefinition};
use super::{ExprId, QueryId};
use aurora_types::Text;

#[derive(Clone, Debug, Default)]
pub struct DatabaseOptions {
    pub charset: Option<Text>,
    pub collation: Option<Text>,
    pub encryption: Option<StringLiteral>,
    /// ALTER DATABASE .. READ ONLY; the inner `None` is DEFAULT.
    pub read_only: Option<Option<bool>>,
}

#[derive(Clone, Debug)]
pub struct CreateDatabase {
    pub if_not_exists: bool,
    pub name: Ident,
    pub options: DatabaseOptions,
}

#[derive(Clone, Debug)]
pub struct AlterDatabase {
    /// `None` is the default database.
    pub name: Option<Ident>,
    pub options: DatabaseOptions,
}

#[derive(Clone, Debug)]
pub struct CreateIndex {
    pub table: ObjectName,
    pub key: KeyDefinition,
    pub algorithm: Option<AlterAlgorithm>,
    pub lock: Option<AlterLock>,
}

#[derive(Clone, Debug)]
pub struct DropIndex {
    pub name: Ident,
    pub table: ObjectName,
    pub algorithm: Option<AlterAlgorithm>,
    pub lock: Option<AlterLock>,
}

/// DROP TABLE and DROP VIEW.
#[derive(Clone, Debug)]
pub struct DropTables {
    pub temporary: bool,
    pub if_exists: bool,
    pub names: Vec<ObjectName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewAlgorithm {
    Undefined,
    Merge,
    TempTable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlSecurity {
    Definer,
    Invoker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckOption {
    Local,
    Cascaded,
}

/// CREATE VIEW and ALTER VIEW.
#[derive(Clone, Debug)]
pub struct CreateView {
    pub alter: bool,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub algorithm: Option<ViewAlgorithm>,
    pub definer: Option<UserName>,
    pub security: Option<SqlSecurity>,
    pub name: ObjectName,
    pub columns: Vec<Ident>,
    pub query: QueryId,
    /// The text of the query.
    pub source: Span,
    pub check_option: Option<CheckOption>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerTime {
    Before,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerEvent {
    Insert,
    Update,
    Delete,
}

#[derive(Clone, Debug)]
pub struct CreateTrigger {
    pub definer: Option<UserName>,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub time: TriggerTime,
    pub event: TriggerEvent,
    pub table: ObjectName,
    /// FOLLOWS (true) or PRECEDES (false) another trigger.
    pub order: Option<(bool, Ident)>,
    /// The statement, verbatim.
    pub body: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterMode {
    In,
    Out,
    InOut,
}

#[derive(Clone, Debug)]
pub struct RoutineParameter {
    pub mode: ParameterMode,
    pub name: Ident,
    pub ty: DataType,
}

#[derive(Clone, Debug, Default)]
pub struct RoutineOptions {
    pub comment: Option<StringLiteral>,
    pub deterministic: Option<bool>,
    /// `CONTAINS SQL`, `NO SQL`, `READS SQL DATA` or `MODIFIES SQL DATA`.
    pub data_access: Option<&'static str>,
    pub security: Option<SqlSecurity>,
    /// LANGUAGE; `SQL` when not written.
    pub language: Option<Ident>,
}

/// CREATE PROCEDURE and CREATE FUNCTION.
#[derive(Clone, Debug)]
pub struct CreateRoutine {
    pub definer: Option<UserName>,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub parameters: Vec<RoutineParameter>,
    /// A function's type.
    pub returns: Option<DataType>,
    pub options: RoutineOptions,
    /// The statement, verbatim (or the string behind AS for other languages).
    pub body: Span,
}

/// `CREATE FUNCTION f RETURNS STRING SONAME 'lib'`.
#[derive(Clone, Debug)]
pub struct CreateLoadableFunction {
    pub aggregate: bool,
    pub if_not_exists: bool,
    pub name: Ident,
    pub soname: StringLiteral,
}

#[derive(Clone, Debug)]
pub enum EventSchedule {
    At(ExprId),
    Every { amount: ExprId, unit: super::IntervalUnit, starts: Option<ExprId>, ends: Option<ExprId> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventStatus {
    Enable,
    Disable,
    DisableOnReplica,
}

/// CREATE EVENT and ALTER EVENT.
#[derive(Clone, Debug)]
pub struct CreateEvent {
    pub alter: bool,
    pub definer: Option<UserName>,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub schedule: Option<EventSchedule>,
    pub preserve: Option<bool>,
    pub rename_to: Option<ObjectName>,
    pub status: Option<EventStatus>,
    pub comment: Option<StringLiteral>,
    /// The statement, verbatim.
    pub body: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoutineKind {
    Procedure,
    Function,
    Trigger,
    Event,
}

#[derive(Clone, Debug)]
pub struct DropRoutine {
    pub kind: RoutineKind,
    pub if_exists: bool,
    pub name: ObjectName,
}

#[derive(Clone, Debug)]
pub struct AlterRoutine {
    pub kind: RoutineKind,
    pub name: ObjectName,
    pub options: RoutineOptions,
}
