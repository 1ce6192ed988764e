//! CREATE TABLE and ALTER TABLE.

use super::data_type::DataType;
use super::dml::LoadDuplicates;
use super::literal::StringLiteral;
use super::name::{Ident, ObjectName, Span};
use super::{ExprId, QueryId};
use aurora_types::Text;

#[derive(Clone, Debug)]
pub struct CreateTable {
    pub temporary: bool,
    /// `CREATE EXTERNAL TABLE`.
    pub external: bool,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub body: CreateTableBody,
}

#[derive(Clone, Debug)]
pub enum CreateTableBody {
    Like(ObjectName),
    Definition {
        elements: Vec<TableElement>,
        options: Vec<TableOption>,
        partitioning: Option<Partitioning>,
        /// CREATE TABLE .. SELECT: what happens to duplicates, and the query.
        query: Option<(LoadDuplicates, QueryId)>,
    },
}

#[derive(Clone, Debug)]
pub enum TableElement {
    Column(ColumnDefinition),
    Key(KeyDefinition),
    ForeignKey(ForeignKeyDefinition),
    Check(CheckDefinition),
}

#[derive(Clone, Debug)]
pub struct ColumnDefinition {
    pub name: Ident,
    pub ty: DataType,
    /// In the order written; the last of its kind wins, as in MySQL.
    pub attributes: Vec<ColumnAttribute>,
}

#[derive(Clone, Debug)]
pub enum ColumnAttribute {
    Null,
    NotNull,
    /// A literal (with its sign as a `Unary`), or CURRENT_TIMESTAMP[(n)] as a `Call` named `now`.
    Default(ExprId),
    /// `DEFAULT (expr)`; `source` is the text between the parentheses.
    DefaultExpr {
        expr: ExprId,
        source: Span,
    },
    /// `ON UPDATE CURRENT_TIMESTAMP(n)`.
    OnUpdateNow {
        fsp: Option<u64>,
    },
    AutoIncrement,
    PrimaryKey,
    Unique,
    Comment(StringLiteral),
    Collate(Text),
    ColumnFormat(Ident),
    Storage(Ident),
    EngineAttribute(StringLiteral),
    SecondaryEngineAttribute(StringLiteral),
    /// `GENERATED ALWAYS AS (expr)`; `source` is the text between the parentheses.
    Generated {
        expr: ExprId,
        source: Span,
        stored: bool,
    },
    /// Inline REFERENCES, which 9.7 enforces.
    References(References),
    Check(CheckDefinition),
    Visible,
    Invisible,
    Srid(u64),
    NotSecondary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    Primary,
    Unique,
    Index,
    FullText,
    Spatial,
}

/// A key of CREATE TABLE, ALTER TABLE ADD and CREATE INDEX.
#[derive(Clone, Debug)]
pub struct KeyDefinition {
    pub kind: KeyKind,
    /// `CONSTRAINT name`: names the key when it has no name of its own.
    pub constraint: Option<Ident>,
    pub name: Option<Ident>,
    pub parts: Vec<KeyPart>,
    pub options: KeyOptions,
}

#[derive(Clone, Debug, Default)]
pub struct KeyOptions {
    /// USING / TYPE.
    pub using: Option<IndexAlgorithm>,
    pub key_block_size: Option<u64>,
    pub comment: Option<StringLiteral>,
    /// `Some(false)` is INVISIBLE.
    pub visible: Option<bool>,
    /// WITH PARSER.
    pub parser: Option<Ident>,
    pub engine_attribute: Option<StringLiteral>,
    pub secondary_engine_attribute: Option<StringLiteral>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexAlgorithm {
    BTree,
    RTree,
    Hash,
}

#[derive(Clone, Debug)]
pub enum KeyPart {
    Column {
        name: Ident,
        prefix_length: Option<u64>,
        descending: bool,
        explicit_order: bool,
    },
    /// `(expr)`; `source` is the text between the parentheses.
    Expr {
        expr: ExprId,
        source: Span,
        descending: bool,
    },
}

#[derive(Clone, Debug)]
pub struct ForeignKeyDefinition {
    pub constraint: Option<Ident>,
    pub index_name: Option<Ident>,
    pub columns: Vec<Ident>,
    pub references: References,
}

#[derive(Clone, Debug)]
pub struct References {
    pub table: ObjectName,
    /// Empty when no list was written.
    pub columns: Vec<Ident>,
    pub match_kind: Option<MatchKind>,
    pub on_delete: Option<ReferenceAction>,
    pub on_update: Option<ReferenceAction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchKind {
    Full,
    Partial,
    Simple,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceAction {
    Restrict,
    Cascade,
    SetNull,
    NoAction,
    SetDefault,
}

#[derive(Clone, Debug)]
pub struct CheckDefinition {
    pub name: Option<Ident>,
    pub expr: ExprId,
    /// The text between the parentheses.
    pub source: Span,
    pub enforced: bool,
}

#[derive(Clone, Debug)]
pub enum TableOption {
    Engine(Text),
    SecondaryEngine(Option<Text>),
    AutoIncrement(u64),
    AvgRowLength(u64),
    Charset(Text),
    Collate(Text),
    Checksum(u64),
    Comment(StringLiteral),
    Compression(StringLiteral),
    Connection(StringLiteral),
    DataDirectory(StringLiteral),
    IndexDirectory(StringLiteral),
    DelayKeyWrite(u64),
    Encryption(StringLiteral),
    EngineAttribute(StringLiteral),
    SecondaryEngineAttribute(StringLiteral),
    InsertMethod(Ident),
    KeyBlockSize(u64),
    MaxRows(u64),
    MinRows(u64),
    /// `None` is DEFAULT.
    PackKeys(Option<u64>),
    Password(StringLiteral),
    RowFormat(Ident),
    StartTransaction,
    /// `None` is DEFAULT.
    StatsAutoRecalc(Option<u64>),
    StatsPersistent(Option<u64>),
    StatsSamplePages(Option<u64>),
    TableChecksum(u64),
    Tablespace(Ident),
    Storage(Ident),
    Union(Vec<ObjectName>),
    AutoextendSize(u64),
}

#[derive(Clone, Debug)]
pub struct Partitioning {
    pub method: PartitionMethod,
    pub partitions: Option<u64>,
    pub sub_method: Option<PartitionMethod>,
    pub subpartitions: Option<u64>,
    pub definitions: Vec<PartitionDefinition>,
    /// From PARTITION to the end of the clause.
    pub source: Span,
}

#[derive(Clone, Debug)]
pub enum PartitionMethod {
    Range(ExprId),
    RangeColumns(Vec<Ident>),
    List(ExprId),
    ListColumns(Vec<Ident>),
    Hash { expr: ExprId, linear: bool },
    Key { columns: Vec<Ident>, linear: bool, algorithm: Option<u64> },
}

#[derive(Clone, Debug)]
pub struct PartitionDefinition {
    pub name: Ident,
    pub values: PartitionValues,
    pub options: Vec<TableOption>,
    pub subpartitions: Vec<(Ident, Vec<TableOption>)>,
}

#[derive(Clone, Debug)]
pub enum PartitionValues {
    None,
    /// VALUES LESS THAN; a value of `None` is MAXVALUE.
    LessThan(Vec<Option<ExprId>>),
    /// VALUES IN; tuples for LIST COLUMNS.
    In(Vec<Vec<ExprId>>),
}

#[derive(Clone, Debug)]
pub struct AlterTable {
    pub name: ObjectName,
    pub actions: Vec<AlterAction>,
    pub algorithm: Option<AlterAlgorithm>,
    pub lock: Option<AlterLock>,
    /// WITH VALIDATION / WITHOUT VALIDATION.
    pub validation: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlterAlgorithm {
    Default,
    Instant,
    InPlace,
    Copy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlterLock {
    Default,
    None,
    Shared,
    Exclusive,
}

#[derive(Clone, Debug)]
pub enum ColumnPlace {
    Last,
    First,
    After(Ident),
}

#[derive(Clone, Debug)]
pub enum AlterAction {
    AddColumn {
        column: ColumnDefinition,
        place: ColumnPlace,
    },
    AddKey(KeyDefinition),
    AddForeignKey(ForeignKeyDefinition),
    AddCheck(CheckDefinition),
    ChangeColumn {
        old: Ident,
        column: ColumnDefinition,
        place: ColumnPlace,
    },
    ModifyColumn {
        column: ColumnDefinition,
        place: ColumnPlace,
    },
    /// `SET DEFAULT`: literal or `(expr)` with its text.
    SetDefault {
        column: Ident,
        expr: ExprId,
        source: Option<Span>,
    },
    DropDefault {
        column: Ident,
    },
    SetColumnVisibility {
        column: Ident,
        visible: bool,
    },
    DropColumn {
        name: Ident,
    },
    DropPrimaryKey,
    DropKey {
        name: Ident,
    },
    DropForeignKey {
        name: Ident,
    },
    /// `DROP CHECK`.
    DropCheck {
        name: Ident,
    },
    /// `DROP CONSTRAINT`.
    DropConstraint {
        name: Ident,
    },
    /// `ALTER CHECK / CONSTRAINT name [NOT] ENFORCED`.
    AlterCheck {
        name: Ident,
        enforced: bool,
    },
    AlterKeyVisibility {
        name: Ident,
        visible: bool,
    },
    RenameColumn {
        old: Ident,
        new: Ident,
    },
    RenameKey {
        old: Ident,
        new: Ident,
    },
    RenameTable(ObjectName),
    ConvertCharset {
        charset: Option<Text>,
        collation: Option<Text>,
    },
    DisableKeys,
    EnableKeys,
    OrderBy(Vec<super::OrderItem>),
    Force,
    Option(TableOption),
    DiscardTablespace,
    ImportTablespace,
    SecondaryLoad,
    SecondaryUnload,
    Partition(AlterPartition),
}

#[derive(Clone, Debug)]
pub enum AlterPartition {
    PartitionBy(Partitioning),
    Remove,
    Add {
        definitions: Vec<PartitionDefinition>,
        count: Option<u64>,
    },
    Drop(Vec<Ident>),
    Coalesce(u64),
    Reorganize {
        partitions: Vec<Ident>,
        into: Vec<PartitionDefinition>,
    },
    Exchange {
        partition: Ident,
        table: ObjectName,
        validation: bool,
    },
    /// TRUNCATE, ANALYZE, CHECK, OPTIMIZE, REBUILD, REPAIR, DISCARD, IMPORT; an empty list is ALL.
    Maintain {
        verb: &'static str,
        partitions: Vec<Ident>,
    },
}
