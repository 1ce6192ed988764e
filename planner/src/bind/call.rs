//! Calls by name: aggregates, window functions, registered functions.

use super::{AGGREGATE_BASE, Binder, Clause, ROLLUP_BITS, unsupported};
use crate::plan::{AggregateCall, SortKey};
use crate::same::same;
use aurora_expr::{AggregateFunction, ArithmeticOp, BitOp, Expr, ExprKind, WindowFunction, build, typing};
use aurora_parser as ast;
use aurora_types::error::{
    ER_INVALID_GROUP_FUNC_USE, ER_SP_DOES_NOT_EXIST, ER_WRONG_ARGUMENTS, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT,
};
use aurora_types::{SqlError, SqlResult, Value};

impl Binder<'_, '_> {
    /// A call of a registered function; 1305 when there is none of the name.
    pub fn function(&mut self, name: &str, mut args: Vec<Expr>) -> SqlResult<Expr> {
        if aurora_expr::functions::counts_digits(name) {
            args.iter_mut().filter(|arg| typing::is_string(&arg.ty)).for_each(|arg| self.state.fold(arg));
        }
        match aurora_expr::lookup(name) {
            Some(function) => build::call_function(function, args, &self.state.ctx.build),
            None => {
                let schema = self.database.clone().unwrap_or_default();
                let full = if schema.is_empty() { name.to_owned() } else { format!("{schema}.{name}") };
                Err(SqlError::new(ER_SP_DOES_NOT_EXIST, &[&"FUNCTION", &full]))
            }
        }
    }

    pub fn call(&mut self, call: &ast::Call) -> SqlResult<Expr> {
        let name = call.name.name.as_str().to_lowercase();
        if let Some(schema) = &call.name.schema {
            return Err(SqlError::new(
                ER_SP_DOES_NOT_EXIST,
                &[&"FUNCTION", &format_args!("{schema}.{name}")],
            ));
        }
        if call.over.is_some() {
            return match WindowFunction::lookup(&name) {
                Some(function) => self.window_call(function, call),
                None => {
                    let name = call.name.name.as_str();
                    Err(SqlError::new(aurora_types::error::ER_WINDOW_INVALID_WINDOW_FUNC_USE, &[&name]))
                }
            };
        }
        if let Some(function) = AggregateFunction::lookup(&name) {
            return self.aggregate_call(function, call);
        }
        match name.as_str() {
            "grouping" => return self.grouping(&call.args),
            "database" | "schema" => return self.database_function(),
            _ => {}
        }
        let args = self.exprs(&call.args)?;
        match name.as_str() {
            "adddate" | "subdate" if args.len() == 2 => {
                let [date, days] =
                    <[Expr; 2]>::try_from(args).unwrap_or_else(|_| [build::null(), build::null()]);
                return self.date_arith(date, days, ast::IntervalUnit::Day, name == "subdate");
            }
            "mod" if args.len() == 2 => {
                let [left, right] =
                    <[Expr; 2]>::try_from(args).unwrap_or_else(|_| [build::null(), build::null()]);
                return build::arithmetic(ArithmeticOp::Mod, left, right, &self.state.ctx.build);
            }
            "found_rows" => self.state.deprecated(
                "FOUND_ROWS() is deprecated and will be removed in a future release. Consider using COUNT(*) instead.",
            ),
            _ => {}
        }
        if aurora_expr::lookup(&name).is_none() && WindowFunction::lookup(&name).is_some() {
            return Err(SqlError::new(aurora_types::error::ER_WINDOW_INVALID_WINDOW_FUNC_USE, &[&name]));
        }
        let written = call.name.name.as_str();
        match aurora_expr::lookup(&name) {
            // Errors name the function as it was written.
            Some(function) if !function.arity.takes(args.len()) => {
                Err(SqlError::new(aurora_types::error::ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, &[&written]))
            }
            Some(_) => self.function(&name, args),
            None => self.function(written, args),
        }
    }

    fn database_function(&mut self) -> SqlResult<Expr> {
        if let Some(function) = aurora_expr::lookup("database") {
            return build::call_function(function, Vec::new(), &self.state.ctx.build);
        }
        self.state.cacheable = false;
        let mut expr = match self.state.ctx.database {
            Some(name) => build::literal(Value::Text(name.into()), &self.state.ctx.build),
            None => build::null(),
        };
        expr.ty.nullable = true;
        Ok(expr)
    }

    /// An aggregate becomes a position behind the grouping.
    fn aggregate_call(&mut self, function: AggregateFunction, call: &ast::Call) -> SqlResult<Expr> {
        let block = self.block_ref();
        let nested = self.state.blocks.len() > 1;
        if block.in_aggregate || (!block.aggregates_allowed && !nested) {
            return Err(SqlError::new(ER_INVALID_GROUP_FUNC_USE, &[]));
        }
        let free: Vec<_> = match nested {
            true => self.state.blocks.iter().map(|block| block.free.clone()).collect(),
            false => Vec::new(),
        };
        let windows = std::mem::replace(&mut self.block().windows_allowed, false);
        self.block().in_aggregate = true;
        let bound = self.aggregate_parts(function, call);
        self.block().in_aggregate = false;
        self.block().windows_allowed = windows;
        let (bound, coercibility) = bound?;
        if nested && let Some(level) = self.aggregating_block(&bound)? {
            for (block, free) in self.state.blocks.iter_mut().zip(free) {
                block.free = free;
            }
            return self.outer_aggregate(level, function, call);
        }
        if !self.block_ref().aggregates_allowed {
            return Err(SqlError::new(ER_INVALID_GROUP_FUNC_USE, &[]));
        }
        let ty = bound.ty.clone();
        let known = self.block_ref().aggregates.iter().position(|known| same_aggregate(known, &bound));
        let at = known.unwrap_or_else(|| {
            self.block().aggregates.push(bound);
            self.block_ref().aggregates.len() - 1
        });
        Ok(Expr::new(ExprKind::Column(AGGREGATE_BASE + at), ty, coercibility))
    }

    /// The outer block that an aggregate belongs to: the innermost one whose columns it reads, or where that cannot
    /// have aggregates (its WHERE), the next one around the current block. `None` when it is the current one.
    fn aggregating_block(&self, call: &AggregateCall) -> SqlResult<Option<usize>> {
        let blocks = &self.state.blocks;
        let mut innermost = None;
        for arg in call.args.iter().chain(call.order_by.iter().map(|key| &key.expr)) {
            let own = arg.any(&mut |e| {
                if let ExprKind::Slot(slot) = e.kind {
                    let owner = self.state.slot_owner(slot).map(|(block, _)| block);
                    let level = blocks.iter().position(|block| Some(block.id) == owner);
                    innermost = innermost.max(level);
                    return level.is_none();
                }
                matches!(e.kind, ExprKind::Column(_))
            });
            if own {
                return Ok(None);
            }
        }
        let Some(from) = innermost else { return Ok(None) };
        if blocks[from].clause == Clause::Group {
            return Err(SqlError::new(ER_INVALID_GROUP_FUNC_USE, &[]));
        }
        let allows = |level: &usize| blocks[*level].aggregates_allowed;
        Ok(Some(from).filter(allows).or_else(|| (from + 1..blocks.len() - 1).rev().find(allows)))
    }

    /// Binds an aggregate in the outer block that it belongs to, and reads it from there.
    fn outer_aggregate(
        &mut self,
        level: usize,
        function: AggregateFunction,
        call: &ast::Call,
    ) -> SqlResult<Expr> {
        let inner = self.state.blocks.split_off(level + 1);
        let bound = self.aggregate_call(function, call);
        self.state.blocks.extend(inner);
        Ok(self.as_outer(level, bound?))
    }

    /// Arguments and type of an aggregate, also for its use as a window function.
    pub fn aggregate_parts(
        &mut self,
        function: AggregateFunction,
        call: &ast::Call,
    ) -> SqlResult<(AggregateCall, aurora_expr::Coercibility)> {
        let ast = self.ast;
        let star = matches!(call.args.as_slice(), [one] if matches!(ast.expr(*one), ast::Expr::Wildcard));
        if star && function != AggregateFunction::Count || (!star && call.args.is_empty()) {
            return Err(SqlError::new(ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, &[&function.name().to_uppercase()]));
        }
        let mut args = if star { Vec::new() } else { self.exprs(&call.args)? };
        let typed = aurora_expr::aggregate::aggregate_type(function, &mut args, &self.state.ctx.build)?;
        let mut order_by = Vec::with_capacity(call.order_by.len());
        for item in &call.order_by {
            let expr = match ast.expr(item.expr) {
                // A number is the position of an argument.
                ast::Expr::Literal(ast::Literal::Int(at)) => match args.get((*at as usize).wrapping_sub(1)) {
                    Some(arg) => arg.clone(),
                    None => {
                        return Err(SqlError::new(
                            aurora_types::error::ER_BAD_FIELD_ERROR,
                            &[at, &"order clause"],
                        ));
                    }
                },
                _ => self.expr(item.expr)?,
            };
            order_by.push(SortKey { expr, descending: item.descending });
        }
        let separator = match &call.separator {
            Some(text) => Some(self.plain_text(text)?),
            None => None,
        };
        let distinct = call.distinct && !function.ignores_distinct();
        // COUNT of what is never NULL counts rows.
        if function == AggregateFunction::Count
            && !distinct
            && args.iter().all(|arg| arg.as_literal().is_some() && !arg.is_null_literal())
        {
            args.clear();
        }
        Ok((
            AggregateCall { function, args, distinct, order_by, separator, ty: typed.ty },
            typed.coercibility,
        ))
    }

    /// `GROUPING(a, b)`: bits of the group expressions that are rolled up.
    fn grouping(&mut self, ids: &[ast::ExprId]) -> SqlResult<Expr> {
        let groups = self.block_ref().rollup_groups.clone();
        if groups.is_empty() {
            // Without ROLLUP nothing is rolled up.
            for id in ids {
                self.expr(*id)?;
            }
            return Ok(build::literal(Value::Int(0), &self.state.ctx.build));
        }
        if ids.is_empty() || ids.len() > 63 {
            return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"GROUPING function"]));
        }
        let ctx = self.state.ctx.build.clone();
        let number = |v: usize| build::literal(Value::Int(v as i64), &ctx);
        let bits = build::column(ROLLUP_BITS, typing::bigint(21));
        let mut result: Option<Expr> = None;
        for (at, id) in ids.iter().enumerate() {
            let arg = self.expr(*id)?;
            let Some(group) = groups.iter().position(|group| same(group, &arg)) else {
                return Err(SqlError::new(
                    aurora_types::error::ER_FIELD_IN_GROUPING_NOT_GROUP_BY,
                    &[&(at + 1)],
                ));
            };
            let shift = build::bit(BitOp::ShiftRight, bits.clone(), number(groups.len() - 1 - group))?;
            let bit = build::bit(BitOp::And, shift, number(1))?;
            let bit = build::bit(BitOp::ShiftLeft, bit, number(ids.len() - 1 - at))?;
            result = Some(match result {
                Some(before) => build::bit(BitOp::Or, before, bit)?,
                None => bit,
            });
        }
        match result {
            Some(bits) => build::cast(bits, aurora_expr::CastTarget::Signed, typing::bigint(1)),
            None => unsupported("GROUPING without arguments"),
        }
    }
}

fn same_aggregate(a: &AggregateCall, b: &AggregateCall) -> bool {
    a.function == b.function
        && a.distinct == b.distinct
        && a.separator == b.separator
        && a.args.len() == b.args.len()
        && a.args.iter().zip(&b.args).all(|(a, b)| same(a, b) && a.is_deterministic())
        && a.order_by.len() == b.order_by.len()
        && a.order_by
            .iter()
            .zip(&b.order_by)
            .all(|(a, b)| a.descending == b.descending && same(&a.expr, &b.expr))
}
