//! Aggregate functions: which there are, their types, and their running state.

mod accumulator;

pub use accumulator::Accumulator;

use crate::build::BuildContext;
use crate::expr::{Coercibility, Expr};
use crate::function::Typed;
use crate::typing::{self, Domain};
use aurora_types::error::{ER_OPERAND_COLUMNS, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT};
use aurora_types::{BaseType, CollationId, SqlError, SqlResult, SqlType};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// `COUNT(*)` without arguments; with several (DISTINCT) counts rows without a NULL.
    Count,
    Sum,
    Avg,
    Min,
    Max,
    GroupConcat,
    BitAnd,
    BitOr,
    BitXor,
    StddevPop,
    StddevSamp,
    VarPop,
    VarSamp,
    JsonArrayAgg,
    JsonObjectAgg,
    AnyValue,
}

impl AggregateFunction {
    /// By MySQL's name in lower case, aliases included. ANY_VALUE is in it: without GROUP BY the planner may use
    /// it as a plain function.
    pub fn lookup(name: &str) -> Option<AggregateFunction> {
        use AggregateFunction as A;
        Some(match name {
            "count" => A::Count,
            "sum" => A::Sum,
            "avg" => A::Avg,
            "min" => A::Min,
            "max" => A::Max,
            "group_concat" => A::GroupConcat,
            "bit_and" => A::BitAnd,
            "bit_or" => A::BitOr,
            "bit_xor" => A::BitXor,
            "std" | "stddev" | "stddev_pop" => A::StddevPop,
            "stddev_samp" => A::StddevSamp,
            "variance" | "var_pop" => A::VarPop,
            "var_samp" => A::VarSamp,
            "json_arrayagg" => A::JsonArrayAgg,
            "json_objectagg" => A::JsonObjectAgg,
            "any_value" => A::AnyValue,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        use AggregateFunction as A;
        match self {
            A::Count => "count",
            A::Sum => "sum",
            A::Avg => "avg",
            A::Min => "min",
            A::Max => "max",
            A::GroupConcat => "group_concat",
            A::BitAnd => "bit_and",
            A::BitOr => "bit_or",
            A::BitXor => "bit_xor",
            A::StddevPop => "std",
            A::StddevSamp => "stddev_samp",
            A::VarPop => "variance",
            A::VarSamp => "var_samp",
            A::JsonArrayAgg => "json_arrayagg",
            A::JsonObjectAgg => "json_objectagg",
            A::AnyValue => "any_value",
        }
    }

    /// Whether DISTINCT changes nothing.
    pub fn ignores_distinct(self) -> bool {
        matches!(self, AggregateFunction::Min | AggregateFunction::Max | AggregateFunction::AnyValue)
    }

    /// What no rows give: COUNT and the BIT functions have a value, the rest are NULL.
    pub fn is_null_when_empty(self) -> bool {
        !matches!(
            self,
            AggregateFunction::Count
                | AggregateFunction::BitAnd
                | AggregateFunction::BitOr
                | AggregateFunction::BitXor
        )
    }
}

/// Type of a call.
///
/// # Errors
/// 1582 for a wrong number of arguments, 1241 for rows, 1271 for GROUP_CONCAT's collations.
pub fn aggregate_type(
    function: AggregateFunction,
    args: &mut [Expr],
    ctx: &BuildContext,
) -> SqlResult<Typed> {
    use AggregateFunction as A;
    let (min, max) = match function {
        A::Count => (0, usize::MAX),
        A::GroupConcat => (1, usize::MAX),
        A::JsonObjectAgg => (2, 2),
        _ => (1, 1),
    };
    if !(min..=max).contains(&args.len()) {
        return Err(SqlError::new(ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, &[&function.name().to_uppercase()]));
    }
    if args.iter().any(|arg| matches!(arg.kind, crate::ExprKind::Row(_))) {
        return Err(SqlError::new(ER_OPERAND_COLUMNS, &[&1]));
    }
    let typed: Typed = match function {
        A::Count => typing::bigint(21).into(),
        A::Sum => match typing::numeric_domain(&args[0].ty) {
            Domain::Double => nullable(typing::double()).into(),
            _ => {
                let (mut whole, scale) = typing::decimal_digits(&args[0].ty);
                // A column's values take the whole type, however few digits its first expression had.
                if matches!(args[0].kind, crate::ExprKind::Column(_)) && args[0].ty.base == BaseType::BigInt {
                    whole = whole.max(19);
                }
                nullable(typing::decimal(whole + scale + 22, scale)).into()
            }
        },
        A::Avg => match typing::numeric_domain(&args[0].ty) {
            Domain::Double => nullable(typing::double()).into(),
            _ => {
                let (whole, scale) = typing::decimal_digits(&args[0].ty);
                let increment = u32::from(ctx.div_precision_increment);
                nullable(typing::decimal(whole + scale + increment, scale + increment)).into()
            }
        },
        A::Min | A::Max | A::AnyValue => {
            let mut ty = nullable(args[0].ty.clone());
            ty.zerofill = false;
            if let BaseType::Enum(_) | BaseType::Set(_) = ty.base {
                // As text: ENUM's MIN goes by name.
                ty.base = BaseType::Char;
            }
            Typed { ty, coercibility: args[0].coercibility }
        }
        A::GroupConcat => {
            let all: Vec<&Expr> = args.iter().collect();
            let (collation, coercibility) = crate::collate::aggregate(&all, "group_concat")?;
            let collation = if all.iter().all(|e| !typing::is_string(&e.ty) && e.ty.base != BaseType::Json) {
                ctx.collation
            } else {
                collation
            };
            let mut ty = typing::text(ctx.group_concat_max_len, collation);
            if ctx.group_concat_max_len > 512 {
                // Longer ones are a TEXT.
                let max_bytes = collation.charset().max_bytes().max(1);
                ty = SqlType {
                    base: BaseType::Text,
                    ..typing::text(65_536 / u64::from(max_bytes), collation)
                };
            }
            Typed { ty: nullable(ty), coercibility }
        }
        A::BitAnd | A::BitOr | A::BitXor => {
            let binary = typing::is_string(&args[0].ty) && args[0].ty.collation.is_binary();
            if binary {
                typing::text(u64::from(args[0].ty.length), CollationId::BINARY).into()
            } else {
                typing::bigint_unsigned(21).into()
            }
        }
        A::StddevPop | A::StddevSamp | A::VarPop | A::VarSamp => nullable(typing::double()).into(),
        A::JsonArrayAgg | A::JsonObjectAgg => {
            args.iter_mut().for_each(crate::build::own_number);
            Typed { ty: nullable(typing::json()), coercibility: Coercibility::IMPLICIT }
        }
    };
    Ok(typed)
}

fn nullable(ty: SqlType) -> SqlType {
    typing::nullable(ty, true)
}
