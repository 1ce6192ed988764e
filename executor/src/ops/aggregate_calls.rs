//! How aggregate calls take rows.

use super::Row;
use super::input::Here;
use crate::key_table::KeyTable;
use crate::runtime::Runtime;
use aurora_expr::{Accumulator, AggregateFunction, Columns, EvalCtx, Exact, Expr, ExprKind, SharedSums};
use aurora_planner::AggregateCall;
use aurora_types::{Decimal, SqlResult, SqlType, Value, ValueRef};

/// How a call takes a row.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// `COUNT(*)`.
    Rows,
    /// `COUNT(column)`.
    Present(usize),
    /// A sum or average of an argument that is among the shared ones.
    Shared(usize),
    Any,
}

pub(super) fn way<'a>(call: &'a AggregateCall, types: &[SqlType], shared: &mut SharedSums<'a>) -> Way {
    let distinct = call.distinct && !call.function.ignores_distinct();
    match call.args.as_slice() {
        [] => Way::Rows,
        [arg] if !distinct && call.order_by.is_empty() => {
            if call.function == AggregateFunction::Count {
                return match arg.kind {
                    ExprKind::Column(at) => Way::Present(at),
                    _ => Way::Any,
                };
            }
            if !Accumulator::new(call.function, types, &call.ty).sums_exactly() {
                return Way::Any;
            }
            shared.add(arg).map_or(Way::Any, Way::Shared)
        }
        _ => Way::Any,
    }
}

/// The running state of one group.
pub(super) struct Group {
    pub(super) values: Row,
    pub(super) rolled_up: u64,
    pub(super) states: Vec<State>,
}

pub(super) struct State {
    pub(super) accumulator: Accumulator,
    /// DISTINCT: what was counted. Boxed, as most calls have none and groups are many.
    pub(super) seen: Option<Box<KeyTable>>,
    /// ORDER BY inside the call.
    pub(super) ordered: Option<Box<Ordered>>,
}

/// Sort key, arrival, arguments.
type Ordered = Vec<(Vec<u8>, usize, Row)>;

impl Group {
    /// What it costs in memory to begin with, and with its key in a table.
    pub(super) fn bytes(&self, key: &[u8]) -> usize {
        let distinct = self.states.iter().filter(|state| state.seen.is_some()).count();
        std::mem::size_of::<Group>()
            + super::row_bytes(&self.values)
            + self.states.len() * (std::mem::size_of::<Value>() + std::mem::size_of::<State>())
            + distinct * std::mem::size_of::<KeyTable>()
            + key.len()
            + KEY_BYTES
    }
}

/// What a key in a table costs besides its bytes: hash, end, place; and its group's place and arrival.
const KEY_BYTES: usize = 48;

pub(super) fn step(
    accumulator: &mut Accumulator,
    call: &AggregateCall,
    args: &[Value],
    types: &[SqlType],
    rt: &Runtime<'_>,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    if call.args.is_empty() {
        accumulator.add_rows(1);
        return Ok(());
    }
    let separator = call.separator.as_deref().unwrap_or(",");
    accumulator.step(args, types, separator.as_bytes(), rt.settings.group_concat_max_len, ctx)
}

/// Buffers that rows are added up with.
#[derive(Default)]
pub(super) struct Scratch {
    args: Row,
    key: Vec<u8>,
}

/// Adds a row to a call of one argument without DISTINCT and ORDER BY.
#[inline]
fn add_one(
    accumulator: &mut Accumulator,
    (call, arg, types): (&AggregateCall, &Expr, &[SqlType]),
    row: &[Value],
    rt: &Runtime<'_>,
    ctx: &mut EvalCtx<'_>,
) -> SqlResult<()> {
    if accumulator.sums_decimals()
        && let Some((unscaled, scale)) = arg.small_decimal(row, ctx)
        && accumulator.add_small(unscaled, scale)
    {
        return Ok(());
    }
    if let ExprKind::Column(at) = arg.kind {
        let value = row.get(at).unwrap_or(&Value::Null);
        return step(accumulator, call, std::slice::from_ref(value), types, rt, ctx);
    }
    let value = arg.eval(row, ctx)?;
    step(accumulator, call, std::slice::from_ref(&value), types, rt, ctx)
}

/// A column of the row in hand.
#[inline]
pub(super) fn column<'v>(here: &'v Here<'_>, at: usize) -> SqlResult<ValueRef<'v>> {
    here.column(at).ok_or_else(|| crate::shape::internal(&format!("column {at} of a stored row is damaged")))
}

/// The calls of an operator.
#[derive(Clone, Copy)]
pub(super) struct Calls<'c> {
    pub(super) calls: &'c [AggregateCall],
    pub(super) arg_types: &'c [Vec<SqlType>],
    pub(super) ways: &'c [Way],
}

impl Calls<'_> {
    /// Adds a row to its group; gives the bytes that are held for it from now on, or nothing where the row has to be
    /// filled first.
    pub(super) fn add(
        self,
        group: &mut Group,
        (shared, here, row, filled): (&mut SharedSums<'_>, &Here<'_>, &[Value], bool),
        scratch: &mut Scratch,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<Option<usize>> {
        if !shared.run(here, ctx) && !filled {
            return Ok(None);
        }
        let mut held = 0;
        for (at, (way, state)) in self.ways.iter().zip(&mut group.states).enumerate() {
            match way {
                Way::Rows => state.accumulator.add_rows(1),
                Way::Present(at) => {
                    state.accumulator.add_rows(u64::from(!column(here, *at)?.is_null()));
                }
                Way::Shared(number) => match shared.result(*number) {
                    Exact::Null => {}
                    Exact::Number(unscaled, scale) if state.accumulator.add_exact(unscaled, scale) => {}
                    // Beyond 127 bits.
                    Exact::Number(unscaled, scale) => {
                        let value = Decimal::from_parts(i128::from(unscaled), scale)
                            .map_err(|_| crate::shape::internal(&"a sum of too many digits"))?;
                        let args = [Value::Decimal(value)];
                        step(&mut state.accumulator, &self.calls[at], &args, &self.arg_types[at], rt, ctx)?;
                    }
                    Exact::Unknown => held += self.accumulate_any(at, state, row, scratch, rt, ctx)?,
                },
                Way::Any => held += self.accumulate_any(at, state, row, scratch, rt, ctx)?,
            }
        }
        Ok(Some(held))
    }

    fn accumulate_any(
        self,
        at: usize,
        state: &mut State,
        row: &[Value],
        scratch: &mut Scratch,
        rt: &Runtime<'_>,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<usize> {
        let (call, types) = (&self.calls[at], &self.arg_types[at]);
        let mut held = 0;
        if let (None, None, [arg]) = (&state.seen, &state.ordered, call.args.as_slice()) {
            add_one(&mut state.accumulator, (call, arg, types), row, rt, ctx)?;
            return Ok(0);
        }
        let Scratch { args, key } = scratch;
        args.clear();
        for arg in &call.args {
            args.push(arg.eval(row, ctx)?);
        }
        if let Some(seen) = &mut state.seen {
            if args.iter().any(Value::is_null) {
                return Ok(held);
            }
            key.clear();
            for (value, ty) in args.iter().zip(types) {
                crate::normal::put_equal(value.as_ref(), ty, key);
            }
            let bytes = key.len() + 48;
            if !seen.insert(key).1 {
                return Ok(held);
            }
            rt.hold(bytes)?;
            held += bytes;
        }
        match &mut state.ordered {
            Some(ordered) => {
                if args.iter().any(Value::is_null) {
                    return Ok(held);
                }
                let mut key = Vec::new();
                super::sort::sort_key(&call.order_by, row, ctx, &mut key)?;
                let bytes = key.len() + super::row_bytes(args);
                rt.hold(bytes)?;
                held += bytes;
                let arrival = ordered.len();
                ordered.push((key, arrival, std::mem::take(args)));
            }
            None => step(&mut state.accumulator, call, args, types, rt, ctx)?,
        }
        Ok(held)
    }
}
