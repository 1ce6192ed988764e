//! Expressions.

use super::data_type::DataType;
use super::literal::{Literal, StringLiteral};
use super::name::{ColumnName, Ident, ObjectName};
use super::query::OrderItem;
use super::{ExprId, QueryId};
use aurora_types::Text;

#[derive(Clone, Debug)]
pub enum Expr {
    Literal(Literal),
    /// `?`, counted from 0 in the order of the text.
    Param(u32),
    Column(ColumnName),
    /// `*` or `t.*`: only as the argument of COUNT.
    Wildcard,
    /// `DEFAULT` where a value of INSERT, REPLACE or UPDATE stands, and `DEFAULT(col)`.
    Default(Option<ColumnName>),
    /// `VALUES(col)` in ON DUPLICATE KEY UPDATE.
    Values(ColumnName),
    /// `@v`.
    UserVariable(Text),
    /// `@v := value`.
    Assign {
        variable: Text,
        value: ExprId,
    },
    /// `@@[scope.][component.]name`.
    SystemVariable(SystemVariable),
    Unary {
        op: UnaryOp,
        expr: ExprId,
    },
    Binary {
        op: BinaryOp,
        left: ExprId,
        right: ExprId,
    },
    /// `a AND b AND c`: two or more, in order, none itself an `And`.
    And(Vec<ExprId>),
    /// `a OR b OR c`: two or more, in order, none itself an `Or`.
    Or(Vec<ExprId>),
    Between {
        expr: ExprId,
        low: ExprId,
        high: ExprId,
        negated: bool,
    },
    In {
        expr: ExprId,
        list: Vec<ExprId>,
        negated: bool,
    },
    InSubquery {
        expr: ExprId,
        query: QueryId,
        negated: bool,
    },
    Like {
        expr: ExprId,
        pattern: ExprId,
        escape: Option<ExprId>,
        negated: bool,
    },
    /// `REGEXP` and `RLIKE`.
    Regexp {
        expr: ExprId,
        pattern: ExprId,
        negated: bool,
    },
    /// `IS [NOT] NULL / TRUE / FALSE / UNKNOWN`.
    Is {
        expr: ExprId,
        test: IsTest,
        negated: bool,
    },
    /// `value MEMBER OF (array)`.
    MemberOf {
        value: ExprId,
        array: ExprId,
    },
    /// `EXISTS (query)`; `NOT` is a `Unary` around it.
    Exists(QueryId),
    /// A scalar or row subquery.
    Subquery(QueryId),
    /// `left op ALL / ANY (query)`.
    Quantified {
        op: BinaryOp,
        left: ExprId,
        all: bool,
        query: QueryId,
    },
    /// `(a, b)` and `ROW(a, b)`.
    Row(Vec<ExprId>),
    Case {
        operand: Option<ExprId>,
        branches: Vec<CaseBranch>,
        otherwise: Option<ExprId>,
    },
    /// `CAST(expr AS type [ARRAY])` and `CONVERT(expr, type)`; `at_time_zone` of `CAST(x AT TIME ZONE ..)`.
    Cast {
        expr: ExprId,
        ty: DataType,
        array: bool,
        at_time_zone: Option<Text>,
    },
    /// `CONVERT(expr USING charset)`.
    ConvertUsing {
        expr: ExprId,
        charset: Text,
    },
    Collate {
        expr: ExprId,
        collation: Text,
    },
    /// Any call by name, aggregate and window functions included.
    Call(Box<Call>),
    /// `date ± INTERVAL amount unit`, and DATE_ADD, DATE_SUB, ADDDATE, SUBDATE with an interval.
    DateArith {
        date: ExprId,
        amount: ExprId,
        unit: IntervalUnit,
        subtract: bool,
    },
    Extract {
        unit: IntervalUnit,
        expr: ExprId,
    },
    /// `TIMESTAMPADD(unit, amount, date)`.
    TimestampAdd {
        unit: IntervalUnit,
        amount: ExprId,
        date: ExprId,
    },
    /// `TIMESTAMPDIFF(unit, from, to)`.
    TimestampDiff {
        unit: IntervalUnit,
        from: ExprId,
        to: ExprId,
    },
    Trim {
        side: TrimSide,
        what: Option<ExprId>,
        expr: ExprId,
    },
    /// `CHAR(a, b [USING charset])`.
    Char {
        args: Vec<ExprId>,
        charset: Option<Text>,
    },
    /// `WEIGHT_STRING(expr [AS CHAR(n) | BINARY(n)])`.
    WeightString {
        expr: ExprId,
        binary: bool,
        length: Option<u64>,
    },
    Match {
        columns: Vec<ColumnName>,
        against: ExprId,
        mode: MatchMode,
    },
    /// `column -> 'path'`, `column ->> 'path'`.
    JsonArrow {
        column: ExprId,
        path: StringLiteral,
        unquote: bool,
    },
    JsonValue(Box<JsonValue>),
    /// `INTERVAL(a, b, c)`, the comparison function.
    IntervalFunction(Vec<ExprId>),
    /// `GET_FORMAT(DATE, 'USA')`.
    GetFormat {
        kind: TemporalKind,
        format: ExprId,
    },
}

#[derive(Clone, Debug)]
pub struct CaseBranch {
    pub when: ExprId,
    pub then: ExprId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `+a`, which changes nothing.
    Plus,
    Minus,
    /// `~a`.
    BitNot,
    /// `NOT a` and `!a`.
    Not,
    /// `BINARY a`.
    Binary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Xor,
    Eq,
    /// `<=>`.
    NullSafeEq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// `SOUNDS LIKE`.
    SoundsLike,
    BitOr,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Add,
    Sub,
    Mul,
    Div,
    /// `DIV`.
    IntDiv,
    /// `%` and `MOD`.
    Mod,
    BitXor,
    /// `||` under PIPES_AS_CONCAT.
    Concat,
}

impl BinaryOp {
    /// As it is printed.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Xor => "xor",
            BinaryOp::Eq => "=",
            BinaryOp::NullSafeEq => "<=>",
            BinaryOp::Ne => "<>",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::SoundsLike => "sounds like",
            BinaryOp::BitOr => "|",
            BinaryOp::BitAnd => "&",
            BinaryOp::ShiftLeft => "<<",
            BinaryOp::ShiftRight => ">>",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::IntDiv => "DIV",
            BinaryOp::Mod => "%",
            BinaryOp::BitXor => "^",
            BinaryOp::Concat => "||",
        }
    }

    /// `=`, `<=>`, `<>`, `<`, `<=`, `>`, `>=`.
    pub fn is_comparison(self) -> bool {
        use BinaryOp::*;
        matches!(self, Eq | NullSafeEq | Ne | Lt | Le | Gt | Ge)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsTest {
    Null,
    True,
    False,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrimSide {
    Both,
    Leading,
    Trailing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemporalKind {
    Date,
    Time,
    DateTime,
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchMode {
    NaturalLanguage,
    NaturalLanguageWithExpansion,
    Boolean,
    Expansion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntervalUnit {
    Microsecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    SecondMicrosecond,
    MinuteMicrosecond,
    MinuteSecond,
    HourMicrosecond,
    HourSecond,
    HourMinute,
    DayMicrosecond,
    DaySecond,
    DayMinute,
    DayHour,
    YearMonth,
}

impl IntervalUnit {
    /// As MySQL prints it.
    pub fn name(self) -> &'static str {
        use IntervalUnit::*;
        match self {
            Microsecond => "microsecond",
            Second => "second",
            Minute => "minute",
            Hour => "hour",
            Day => "day",
            Week => "week",
            Month => "month",
            Quarter => "quarter",
            Year => "year",
            SecondMicrosecond => "second_microsecond",
            MinuteMicrosecond => "minute_microsecond",
            MinuteSecond => "minute_second",
            HourMicrosecond => "hour_microsecond",
            HourSecond => "hour_second",
            HourMinute => "hour_minute",
            DayMicrosecond => "day_microsecond",
            DaySecond => "day_second",
            DayMinute => "day_minute",
            DayHour => "day_hour",
            YearMonth => "year_month",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableScope {
    /// `@@name`: the session's value, or the global one where there is only that.
    Implicit,
    /// `@@SESSION.` and `@@LOCAL.`.
    Session,
    Global,
    /// SET only.
    Persist,
    /// SET only.
    PersistOnly,
}

#[derive(Clone, Debug)]
pub struct SystemVariable {
    pub scope: VariableScope,
    /// `hot` of `@@hot.key_buffer_size`, or a component.
    pub component: Option<Ident>,
    pub name: Ident,
}

/// `name(args)`. SUBSTRING, POSITION, MID and their like come with plain arguments (POSITION as LOCATE);
/// CURRENT_TIMESTAMP and the other functions without parentheses as calls without arguments.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: ObjectName,
    pub args: Vec<ExprId>,
    /// `COUNT(DISTINCT ..)`.
    pub distinct: bool,
    /// ORDER BY of GROUP_CONCAT.
    pub order_by: Vec<OrderItem>,
    /// SEPARATOR of GROUP_CONCAT.
    pub separator: Option<StringLiteral>,
    /// RESPECT NULLS / IGNORE NULLS; false is RESPECT.
    pub ignore_nulls: bool,
    /// FROM LAST of NTH_VALUE.
    pub from_last: bool,
    pub over: Option<Over>,
    /// `AS name` behind arguments of loadable functions, by position; empty when none has one.
    pub arg_names: Vec<Option<Ident>>,
}

impl Call {
    pub fn new(name: Ident, args: Vec<ExprId>) -> Call {
        Call {
            name: ObjectName { schema: None, name },
            args,
            distinct: false,
            order_by: Vec::new(),
            separator: None,
            ignore_nulls: false,
            from_last: false,
            over: None,
            arg_names: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Over {
    /// `OVER w`.
    Name(Ident),
    /// `OVER (..)`.
    Spec(WindowSpec),
}

#[derive(Clone, Debug, Default)]
pub struct WindowSpec {
    /// The window that this one refines.
    pub base: Option<Ident>,
    pub partition_by: Vec<ExprId>,
    pub order_by: Vec<OrderItem>,
    pub frame: Option<WindowFrame>,
}

#[derive(Clone, Debug)]
pub struct WindowFrame {
    pub unit: FrameUnit,
    pub start: FrameBound,
    /// CURRENT ROW when `BETWEEN` was not written.
    pub end: FrameBound,
    pub exclude: FrameExclusion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameUnit {
    Rows,
    Range,
    Groups,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameExclusion {
    None,
    CurrentRow,
    Group,
    Ties,
    NoOthers,
}

#[derive(Clone, Debug)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(FrameOffset),
    CurrentRow,
    Following(FrameOffset),
    UnboundedFollowing,
}

#[derive(Clone, Debug)]
pub struct FrameOffset {
    pub amount: ExprId,
    /// With `INTERVAL`.
    pub unit: Option<IntervalUnit>,
}

/// `JSON_VALUE(doc, path [RETURNING type] [on empty] [on error])`.
#[derive(Clone, Debug)]
pub struct JsonValue {
    pub doc: ExprId,
    pub path: ExprId,
    pub returning: Option<DataType>,
    pub on_empty: Option<JsonOnResponse>,
    pub on_error: Option<JsonOnResponse>,
}

#[derive(Clone, Debug)]
pub enum JsonOnResponse {
    Error,
    Null,
    Default(ExprId),
}
