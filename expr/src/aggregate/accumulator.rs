//! The running state of one aggregate over one group.

use super::AggregateFunction;
use crate::context::EvalCtx;
use crate::eval::raised;
use crate::typing::{self, Comparison, Domain};
use aurora_types::{Decimal, SqlError, SqlResult, SqlType, Text, Value};

/// State of one call in one group. `step` per row (arguments evaluated, DISTINCT and ORDER BY done by the caller),
/// `finish` as often as wanted (window frames grow).
#[derive(Clone, Debug)]
pub struct Accumulator {
    function: AggregateFunction,
    result: SqlType,
    state: State,
    /// Rows that counted.
    count: u64,
}

#[derive(Clone, Debug)]
enum State {
    Count,
    SumInt(i128),
    /// Unscaled, and the scale: as long as it stays within 127 bits.
    SumSmall(i128, u8),
    SumDecimal(Decimal),
    SumDouble(f64),
    Extreme(Value, Comparison),
    First(Option<Value>),
    Bits(u64),
    Bytes(Option<Vec<u8>>),
    /// Welford: mean and sum of squared distances.
    Variance {
        mean: f64,
        squares: f64,
    },
    Concat {
        text: Vec<u8>,
        cut: bool,
    },
    JsonArray(Vec<u8>),
    JsonObject(std::collections::BTreeMap<(usize, Vec<u8>), Vec<u8>>),
}

impl Accumulator {
    /// `arg_types`: of the call's arguments; `result`: of the call.
    pub fn new(function: AggregateFunction, arg_types: &[SqlType], result: &SqlType) -> Accumulator {
        use AggregateFunction as A;
        let arg_domain = arg_types.first().map_or(Domain::Int, typing::numeric_domain);
        let state = match function {
            A::Count => State::Count,
            A::Sum | A::Avg => match arg_domain {
                Domain::Int => State::SumInt(0),
                Domain::Decimal => State::SumSmall(0, 0),
                _ => State::SumDouble(0.0),
            },
            A::Min | A::Max => {
                let how = arg_types.first().map_or(Comparison::Int, typing::own_comparison);
                State::Extreme(Value::Null, how)
            }
            A::AnyValue => State::First(None),
            A::BitAnd | A::BitOr | A::BitXor if typing::is_string(result) => State::Bytes(None),
            A::BitAnd => State::Bits(u64::MAX),
            A::BitOr | A::BitXor => State::Bits(0),
            A::StddevPop | A::StddevSamp | A::VarPop | A::VarSamp => {
                State::Variance { mean: 0.0, squares: 0.0 }
            }
            A::GroupConcat => State::Concat { text: Vec::new(), cut: false },
            A::JsonArrayAgg => State::JsonArray(Vec::new()),
            A::JsonObjectAgg => State::JsonObject(std::collections::BTreeMap::new()),
        };
        Accumulator { function, result: result.clone(), state, count: 0 }
    }

    /// Bytes on the heap, for memory accounting.
    pub fn memory_bytes(&self) -> usize {
        match &self.state {
            State::Concat { text, .. } | State::JsonArray(text) => text.capacity(),
            State::JsonObject(map) => map.iter().map(|((_, k), v)| k.len() + v.len() + 64).sum(),
            State::Bytes(Some(bytes)) => bytes.capacity(),
            _ => 0,
        }
    }

    /// Takes `n` rows at once: `COUNT(*)`.
    pub fn add_rows(&mut self, n: u64) {
        self.count += n;
    }

    /// Takes a row whose only argument is this decimal; `false`: it goes to [`Accumulator::step`].
    #[inline]
    pub fn add_small(&mut self, unscaled: i128, scale: u8) -> bool {
        let State::SumSmall(sum, have) = &mut self.state else { return false };
        if *have == scale
            && let Some(new) = sum.checked_add(unscaled)
        {
            *sum = new;
            self.count += 1;
            return true;
        }
        let wanted = scale.max(*have);
        let (Some(a), Some(b)) = (raised(*sum, wanted - *have), raised(unscaled, wanted - scale)) else {
            return false;
        };
        let Some(new) = a.checked_add(b) else { return false };
        (*sum, *have) = (new, wanted);
        self.count += 1;
        true
    }

    /// Whether [`Accumulator::add_small`] takes rows.
    #[inline]
    pub fn sums_decimals(&self) -> bool {
        matches!(self.state, State::SumSmall(..))
    }

    /// Whether [`Accumulator::add_exact`] takes rows.
    pub fn sums_exactly(&self) -> bool {
        matches!(self.state, State::SumSmall(..) | State::SumInt(_))
    }

    /// Takes a row whose only argument is `unscaled / 10^scale`; `false`: it goes to [`Accumulator::step`].
    #[inline]
    pub fn add_exact(&mut self, unscaled: i64, scale: u8) -> bool {
        match &mut self.state {
            State::SumSmall(..) => self.add_small(i128::from(unscaled), scale),
            State::SumInt(sum) if scale == 0 => {
                *sum += i128::from(unscaled);
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes one row's arguments. `separator` and `max_bytes` are GROUP_CONCAT's.
    ///
    /// # Errors
    /// 1690 for sums out of range, 1292 in strict statements.
    pub fn step(
        &mut self,
        args: &[Value],
        types: &[SqlType],
        separator: &[u8],
        max_bytes: usize,
        ctx: &mut EvalCtx<'_>,
    ) -> SqlResult<()> {
        if self.function == AggregateFunction::JsonArrayAgg
            || self.function == AggregateFunction::JsonObjectAgg
        {
            return self.step_json(args, types, ctx);
        }
        if self.function != AggregateFunction::AnyValue && args.iter().any(Value::is_null) {
            return Ok(());
        }
        let Some(value) = args.first() else {
            self.count += 1;
            return Ok(());
        };
        if let Value::Decimal(v) = value
            && let Some(unscaled) = v.unscaled_i128()
            && self.add_small(unscaled, v.scale())
        {
            return Ok(());
        }
        self.count += 1;
        let ty = types.first().unwrap_or(&self.result);
        if let State::SumSmall(sum, scale) = &self.state {
            let sum = Decimal::from_parts(*sum, *scale).map_err(|_| overflow("DECIMAL", "sum"))?;
            self.state = State::SumDecimal(sum);
        }
        match &mut self.state {
            State::Count | State::SumSmall(..) => {}
            State::SumInt(sum) => {
                let term = match value {
                    Value::Int(v) => i128::from(*v),
                    other => ctx.to_i128(other.as_ref(), ty)?,
                };
                *sum += term;
            }
            State::SumDecimal(sum) => {
                let term = ctx.to_decimal(value.as_ref(), ty)?;
                *sum = sum.add(&term).map_err(|_| overflow("DECIMAL", "sum"))?;
            }
            State::SumDouble(sum) => {
                *sum += ctx.to_f64(value.as_ref(), ty)?;
                if !sum.is_finite() {
                    return Err(overflow("DOUBLE", "sum"));
                }
            }
            State::Extreme(best, how) => {
                let better = if best.is_null() {
                    true
                } else {
                    let order = how.compare(value.as_ref(), ty, best.as_ref(), ty, ctx)?;
                    let wanted = if self.function == AggregateFunction::Min {
                        std::cmp::Ordering::Less
                    } else {
                        std::cmp::Ordering::Greater
                    };
                    order == Some(wanted)
                };
                if better {
                    *best = value.clone();
                }
            }
            State::First(first) => {
                if first.as_ref().is_none_or(Value::is_null) {
                    *first = Some(value.clone());
                }
            }
            State::Bits(bits) => {
                let term = ctx.to_u64(value.as_ref(), ty)?;
                match self.function {
                    AggregateFunction::BitAnd => *bits &= term,
                    AggregateFunction::BitOr => *bits |= term,
                    _ => *bits ^= term,
                }
            }
            State::Bytes(bytes) => {
                let term = ctx.to_text(value.as_ref(), ty);
                match bytes {
                    None => *bytes = Some(term.as_bytes().to_vec()),
                    Some(have) => {
                        for (have, term) in have.iter_mut().zip(term.as_bytes()) {
                            match self.function {
                                AggregateFunction::BitAnd => *have &= term,
                                AggregateFunction::BitOr => *have |= term,
                                _ => *have ^= term,
                            }
                        }
                    }
                }
            }
            State::Variance { mean, squares } => {
                let term = ctx.to_f64(value.as_ref(), ty)?;
                let distance = term - *mean;
                *mean += distance / self.count as f64;
                *squares += distance * (term - *mean);
            }
            State::Concat { text, cut } => {
                if *cut {
                    return Ok(());
                }
                if self.count > 1 {
                    text.extend_from_slice(separator);
                }
                for (value, ty) in args.iter().zip(types) {
                    ctx.append_text(value.as_ref(), ty, text);
                }
                if text.len() > max_bytes {
                    let collation = self.result.collation;
                    let mut end = max_bytes;
                    if !collation.is_binary() {
                        while end > 0 && text.get(end).is_some_and(|b| b & 0xC0 == 0x80) {
                            end -= 1;
                        }
                    }
                    text.truncate(end);
                    *cut = true;
                    ctx.diagnostics.warn(
                        aurora_types::error::ER_CUT_VALUE_GROUP_CONCAT,
                        &[&self.count, &"group_concat()"],
                    );
                }
            }
            State::JsonArray(_) | State::JsonObject(_) => {}
        }
        Ok(())
    }

    fn step_json(&mut self, args: &[Value], types: &[SqlType], ctx: &mut EvalCtx<'_>) -> SqlResult<()> {
        self.count += 1;
        match &mut self.state {
            State::JsonArray(text) => {
                if self.count > 1 {
                    text.extend_from_slice(b", ");
                }
                if let (Some(value), Some(ty)) = (args.first(), types.first()) {
                    append_json(value, ty, text);
                }
            }
            State::JsonObject(map) => {
                let (Some(key), Some(value)) = (args.first(), args.get(1)) else { return Ok(()) };
                if key.is_null() {
                    return Err(SqlError::new(aurora_types::error::ER_JSON_DOCUMENT_NULL_KEY, &[]));
                }
                let key = ctx.to_text(key.as_ref(), &types[0]).as_bytes().to_vec();
                let mut text = Vec::new();
                append_json(value, &types[1], &mut text);
                map.insert((key.len(), key), text);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish_decimal(&self, sum: Decimal) -> SqlResult<Value> {
        if self.function == AggregateFunction::Avg {
            return average(sum, self.count, &self.result);
        }
        Ok(Value::Decimal(sum.rescale(self.result.decimals).unwrap_or(sum)))
    }

    /// The result over the rows so far.
    pub fn finish(&self, _: &mut EvalCtx<'_>) -> SqlResult<Value> {
        use AggregateFunction as A;
        if self.count == 0 && self.function.is_null_when_empty() {
            return Ok(Value::Null);
        }
        Ok(match &self.state {
            State::Count => Value::Int(i64::try_from(self.count).unwrap_or(i64::MAX)),
            State::SumInt(sum) if self.function == A::Avg => average(
                Decimal::from_parts(*sum, 0).map_err(|_| overflow("DECIMAL", "avg"))?,
                self.count,
                &self.result,
            )?,
            State::SumInt(sum) => {
                Value::Decimal(Decimal::from_parts(*sum, 0).map_err(|_| overflow("DECIMAL", "sum"))?)
            }
            State::SumSmall(sum, scale) => self
                .finish_decimal(Decimal::from_parts(*sum, *scale).map_err(|_| overflow("DECIMAL", "sum"))?)?,
            State::SumDecimal(sum) => self.finish_decimal(*sum)?,
            State::SumDouble(sum) if self.function == A::Avg => Value::Double(*sum / self.count as f64),
            State::SumDouble(sum) => Value::Double(*sum),
            State::Extreme(best, _) => best.clone(),
            State::First(first) => first.clone().unwrap_or(Value::Null),
            State::Bits(bits) => Value::UInt(*bits),
            State::Bytes(Some(bytes)) => Value::Text(Text::from(bytes.as_slice())),
            State::Bytes(None) => {
                let fill = if self.function == A::BitAnd { 0xFF } else { 0 };
                Value::Text(Text::from(vec![fill; self.result.length as usize]))
            }
            State::Variance { squares, .. } => {
                let n = self.count as f64;
                let sample = matches!(self.function, A::StddevSamp | A::VarSamp);
                if sample && self.count < 2 {
                    return Ok(Value::Null);
                }
                let variance = squares / if sample { n - 1.0 } else { n };
                let root = matches!(self.function, A::StddevPop | A::StddevSamp);
                Value::Double(if root { variance.sqrt() } else { variance })
            }
            State::Concat { text, .. } => Value::Text(Text::from(text.as_slice())),
            State::JsonArray(text) => {
                let mut all = Vec::with_capacity(text.len() + 2);
                all.push(b'[');
                all.extend_from_slice(text);
                all.push(b']');
                Value::Json(Text::from(all))
            }
            State::JsonObject(map) => {
                let mut all = vec![b'{'];
                for (i, ((_, key), value)) in map.iter().enumerate() {
                    if i > 0 {
                        all.extend_from_slice(b", ");
                    }
                    aurora_types::json::write_string(key, &mut all);
                    all.extend_from_slice(b": ");
                    all.extend_from_slice(value);
                }
                all.push(b'}');
                Value::Json(Text::from(all))
            }
        })
    }
}

fn average(sum: Decimal, count: u64, result: &SqlType) -> SqlResult<Value> {
    let increment = result.decimals.saturating_sub(sum.scale());
    match sum.div(&Decimal::from_u64(count), increment) {
        Ok(Some(quotient)) => Ok(Value::Decimal(quotient.round(i32::from(result.decimals)))),
        _ => Err(overflow("DECIMAL", "avg")),
    }
}

fn overflow(kind: &str, function: &str) -> SqlError {
    SqlError::new(aurora_types::error::ER_DATA_OUT_OF_RANGE, &[&kind, &format_args!("{function}()")])
}

fn append_json(value: &Value, ty: &SqlType, out: &mut Vec<u8>) {
    match value {
        Value::Json(text) => out.extend_from_slice(text.as_bytes()),
        other => crate::functions::json_from_value(other.as_ref(), ty).write(out),
    }
}
