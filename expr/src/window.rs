//! Window functions: which there are and what type they give. Frames and partitions are the executor's.

use crate::aggregate::{self, AggregateFunction};
use crate::build::BuildContext;
use crate::expr::{Coercibility, Expr};
use crate::function::Typed;
use crate::typing;
use aurora_types::error::ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT;
use aurora_types::{SqlError, SqlResult};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
    Aggregate(AggregateFunction),
}

impl WindowFunction {
    /// By MySQL's name in lower case; aggregates included.
    pub fn lookup(name: &str) -> Option<WindowFunction> {
        Some(match name {
            "row_number" => WindowFunction::RowNumber,
            "rank" => WindowFunction::Rank,
            "dense_rank" => WindowFunction::DenseRank,
            "percent_rank" => WindowFunction::PercentRank,
            "cume_dist" => WindowFunction::CumeDist,
            "ntile" => WindowFunction::Ntile,
            "lag" => WindowFunction::Lag,
            "lead" => WindowFunction::Lead,
            "first_value" => WindowFunction::FirstValue,
            "last_value" => WindowFunction::LastValue,
            "nth_value" => WindowFunction::NthValue,
            other => WindowFunction::Aggregate(AggregateFunction::lookup(other)?),
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            WindowFunction::RowNumber => "row_number",
            WindowFunction::Rank => "rank",
            WindowFunction::DenseRank => "dense_rank",
            WindowFunction::PercentRank => "percent_rank",
            WindowFunction::CumeDist => "cume_dist",
            WindowFunction::Ntile => "ntile",
            WindowFunction::Lag => "lag",
            WindowFunction::Lead => "lead",
            WindowFunction::FirstValue => "first_value",
            WindowFunction::LastValue => "last_value",
            WindowFunction::NthValue => "nth_value",
            WindowFunction::Aggregate(function) => function.name(),
        }
    }

    /// Whether the frame decides the result.
    pub fn uses_frame(self) -> bool {
        matches!(
            self,
            WindowFunction::FirstValue
                | WindowFunction::LastValue
                | WindowFunction::NthValue
                | WindowFunction::Aggregate(_)
        )
    }
}

/// Type of a call.
///
/// # Errors
/// 1582 for a wrong number of arguments.
pub fn window_type(function: WindowFunction, args: &mut [Expr], ctx: &BuildContext) -> SqlResult<Typed> {
    use WindowFunction as W;
    let (min, max) = match function {
        W::RowNumber | W::Rank | W::DenseRank | W::PercentRank | W::CumeDist => (0, 0),
        W::Ntile | W::FirstValue | W::LastValue => (1, 1),
        W::NthValue => (2, 2),
        W::Lag | W::Lead => (1, 3),
        W::Aggregate(aggregate) => return aggregate::aggregate_type(aggregate, args, ctx),
    };
    if !(min..=max).contains(&args.len()) {
        return Err(SqlError::new(ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, &[&function.name()]));
    }
    Ok(match function {
        W::RowNumber | W::Rank | W::DenseRank => typing::bigint_unsigned(21).into(),
        W::Ntile => typing::bigint_unsigned(21).into(),
        W::PercentRank | W::CumeDist => typing::double().into(),
        W::Lag | W::Lead => {
            if args.len() == 3 {
                typing::unify(&[&args[0], &args[2]], function.name())?
            } else {
                Typed { ty: typing::nullable(args[0].ty.clone(), true), coercibility: args[0].coercibility }
            }
        }
        _ => Typed {
            ty: typing::nullable(args[0].ty.clone(), true),
            coercibility: args[0].coercibility.min(Coercibility::IMPLICIT),
        },
    })
}
