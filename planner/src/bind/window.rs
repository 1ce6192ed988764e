//! Window functions: named windows, frames.

use super::scope::WindowUse;
use super::{Binder, Clause, WINDOW_BASE, unsupported};
use crate::plan::{FrameBound, FrameExclusion, FrameUnit, SortKey, WindowCall, WindowFrame};
use aurora_catalog::names_equal;
use aurora_expr::typing::{self, Domain};
use aurora_expr::{ArithmeticOp, Expr, ExprKind, WindowFunction, build};
use aurora_parser as ast;
use aurora_types::error::{
    ER_WINDOW_DUPLICATE_NAME, ER_WINDOW_FRAME_END_ILLEGAL, ER_WINDOW_FRAME_ILLEGAL,
    ER_WINDOW_FRAME_START_ILLEGAL, ER_WINDOW_ILLEGAL_ORDER_BY, ER_WINDOW_INVALID_WINDOW_FUNC_USE,
    ER_WINDOW_NO_CHILD_PARTITIONING, ER_WINDOW_NO_INHERIT_FRAME, ER_WINDOW_NO_REDEFINE_ORDER_BY,
    ER_WINDOW_NO_SUCH_WINDOW, ER_WINDOW_RANGE_FRAME_NUMERIC_TYPE, ER_WINDOW_RANGE_FRAME_ORDER_TYPE,
    ER_WINDOW_RANGE_FRAME_TEMPORAL_TYPE, ER_WINDOW_ROWS_INTERVAL_USE,
};
use aurora_types::{SqlError, SqlResult, Value};

/// A window specification over block positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoundWindow {
    pub name: String,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortKey>,
    pub frame: Option<ast::WindowFrame>,
}

impl Binder<'_, '_> {
    /// WINDOW clause. A window may refer to ones written later, so they are bound on demand.
    pub fn named_windows(&mut self, windows: &[(ast::Ident, ast::WindowSpec)]) -> SqlResult<()> {
        for (at, (name, _)) in windows.iter().enumerate() {
            if windows[..at].iter().any(|(other, _)| names_equal(other.as_str(), name.as_str())) {
                return Err(SqlError::new(ER_WINDOW_DUPLICATE_NAME, &[name]));
            }
        }
        let mut left: Vec<&(ast::Ident, ast::WindowSpec)> = windows.iter().collect();
        while !left.is_empty() {
            let ready = left.iter().position(|(_, spec)| match &spec.base {
                None => true,
                Some(base) => !left.iter().any(|(name, _)| names_equal(name.as_str(), base.as_str())),
            });
            let Some(at) = ready else {
                return Err(SqlError::new(aurora_types::error::ER_WINDOW_CIRCULARITY_IN_WINDOW_GRAPH, &[]));
            };
            let (name, spec) = left.remove(at);
            let bound = self.window_spec(spec, name.as_str())?;
            self.block().named_windows.push((name.as_str().to_owned(), bound));
        }
        Ok(())
    }

    fn named_window(&self, name: &ast::Ident) -> SqlResult<BoundWindow> {
        let known =
            self.block_ref().named_windows.iter().find(|(known, _)| names_equal(known, name.as_str()));
        match known {
            Some((_, window)) => Ok(window.clone()),
            None => Err(SqlError::new(ER_WINDOW_NO_SUCH_WINDOW, &[name])),
        }
    }

    fn window_spec(&mut self, spec: &ast::WindowSpec, name: &str) -> SqlResult<BoundWindow> {
        let mut window = match &spec.base {
            None => BoundWindow::default(),
            Some(base) => {
                let known = self.named_window(base)?;
                if !spec.partition_by.is_empty() {
                    return Err(SqlError::new(ER_WINDOW_NO_CHILD_PARTITIONING, &[]));
                }
                if known.frame.is_some() {
                    return Err(SqlError::new(ER_WINDOW_NO_INHERIT_FRAME, &[base]));
                }
                if !known.order_by.is_empty() && !spec.order_by.is_empty() {
                    return Err(SqlError::new(ER_WINDOW_NO_REDEFINE_ORDER_BY, &[&name, base]));
                }
                known
            }
        };
        window.name = name.to_owned();
        let ast = self.ast;
        let is_position =
            |id: &ast::ExprId| matches!(ast.expr(*id), ast::Expr::Literal(ast::Literal::Int(_)));
        if spec.partition_by.iter().chain(spec.order_by.iter().map(|item| &item.expr)).any(is_position) {
            return Err(SqlError::new(ER_WINDOW_ILLEGAL_ORDER_BY, &[&name]));
        }
        let block = self.block();
        let saved = (block.clause, block.windows_allowed, block.aggregates_allowed);
        block.windows_allowed = false;
        block.aggregates_allowed = true;
        block.clause = Clause::WindowPartition;
        if spec.base.is_none() {
            window.partition_by = self.exprs(&spec.partition_by)?;
        }
        self.block().clause = Clause::WindowOrder;
        for item in &spec.order_by {
            window.order_by.push(SortKey { expr: self.expr(item.expr)?, descending: item.descending });
        }
        let block = self.block();
        (block.clause, block.windows_allowed, block.aggregates_allowed) = saved;
        if spec.frame.is_some() {
            window.frame.clone_from(&spec.frame);
        }
        Ok(window)
    }

    /// A call with OVER becomes a position behind the windows.
    pub fn window_call(&mut self, function: WindowFunction, call: &ast::Call) -> SqlResult<Expr> {
        let name = function.name();
        if !self.block_ref().windows_allowed || self.block_ref().in_aggregate {
            return Err(SqlError::new(ER_WINDOW_INVALID_WINDOW_FUNC_USE, &[&name]));
        }
        if call.distinct {
            return unsupported(format_args!("{name}(DISTINCT ..) OVER"));
        }
        let window = match &call.over {
            Some(ast::Over::Name(name)) => self.named_window(name)?,
            Some(ast::Over::Spec(spec)) => self.window_spec(spec, "<unnamed window>")?,
            None => BoundWindow::default(),
        };
        self.block().windows_allowed = false;
        let typed = self.window_args(function, call);
        self.block().windows_allowed = true;
        let (args, typed) = typed?;
        let frame = match function.uses_frame() {
            true => self.frame(&window)?,
            false => None,
        };
        let ty = typed.ty.clone();
        let bound = WindowCall {
            function,
            args,
            ignore_nulls: call.ignore_nulls,
            from_last: call.from_last,
            frame,
            ty: typed.ty,
        };
        self.block().windows.push(WindowUse { window, call: bound });
        let at = WINDOW_BASE + self.block_ref().windows.len() - 1;
        Ok(Expr::new(ExprKind::Column(at), ty, typed.coercibility))
    }

    fn window_args(
        &mut self,
        function: WindowFunction,
        call: &ast::Call,
    ) -> SqlResult<(Vec<Expr>, aurora_expr::Typed)> {
        if let WindowFunction::Aggregate(aggregate) = function {
            let (bound, coercibility) = self.aggregate_parts(aggregate, call)?;
            return Ok((bound.args, aurora_expr::Typed { ty: bound.ty, coercibility }));
        }
        let mut args = self.exprs(&call.args)?;
        let typed = aurora_expr::window::window_type(function, &mut args, &self.state.ctx.build)?;
        // What LAG and LEAD find and their default are of one type.
        if let ([found, _, default], true) =
            (args.as_mut_slice(), matches!(function, WindowFunction::Lag | WindowFunction::Lead))
        {
            for arg in [found, default] {
                if typing::domain(&arg.ty) != typing::domain(&typed.ty)
                    || arg.ty.decimals != typed.ty.decimals
                {
                    let plain = std::mem::replace(arg, aurora_expr::build::null());
                    *arg = aurora_expr::build::coerce(plain, &typed.ty);
                }
            }
        }
        Ok((args, typed))
    }

    fn frame(&mut self, window: &BoundWindow) -> SqlResult<Option<WindowFrame>> {
        let Some(frame) = &window.frame else {
            let end = if window.order_by.is_empty() {
                FrameBound::UnboundedFollowing
            } else {
                FrameBound::CurrentRow
            };
            return Ok(Some(WindowFrame {
                unit: FrameUnit::Range,
                start: FrameBound::UnboundedPreceding,
                end,
                exclusion: FrameExclusion::None,
            }));
        };
        let unit = match frame.unit {
            ast::FrameUnit::Rows => FrameUnit::Rows,
            ast::FrameUnit::Range => FrameUnit::Range,
            ast::FrameUnit::Groups => return unsupported("GROUPS in a window frame"),
        };
        let exclusion = match frame.exclude {
            ast::FrameExclusion::None | ast::FrameExclusion::NoOthers => FrameExclusion::None,
            _ => return unsupported("EXCLUDE in a window frame"),
        };
        if matches!(frame.start, ast::FrameBound::UnboundedFollowing) {
            return Err(SqlError::new(ER_WINDOW_FRAME_START_ILLEGAL, &[&window.name]));
        }
        if matches!(frame.end, ast::FrameBound::UnboundedPreceding) {
            return Err(SqlError::new(ER_WINDOW_FRAME_END_ILLEGAL, &[&window.name]));
        }
        let illegal = matches!(
            (&frame.start, &frame.end),
            (ast::FrameBound::CurrentRow | ast::FrameBound::Following(_), ast::FrameBound::Preceding(_))
                | (ast::FrameBound::Following(_), ast::FrameBound::CurrentRow)
        );
        if illegal {
            return Err(SqlError::new(ER_WINDOW_FRAME_ILLEGAL, &[&window.name]));
        }
        let start = self.frame_bound(&frame.start, unit, window)?;
        let end = self.frame_bound(&frame.end, unit, window)?;
        Ok(Some(WindowFrame { unit, start, end, exclusion }))
    }

    fn frame_bound(
        &mut self,
        bound: &ast::FrameBound,
        unit: FrameUnit,
        window: &BoundWindow,
    ) -> SqlResult<FrameBound> {
        let (offset, preceding) = match bound {
            ast::FrameBound::UnboundedPreceding => return Ok(FrameBound::UnboundedPreceding),
            ast::FrameBound::UnboundedFollowing => return Ok(FrameBound::UnboundedFollowing),
            ast::FrameBound::CurrentRow => return Ok(FrameBound::CurrentRow),
            ast::FrameBound::Preceding(offset) => (offset, true),
            ast::FrameBound::Following(offset) => (offset, false),
        };
        let mut amount = self.expr(offset.amount)?;
        self.state.fold(&mut amount);
        let bad = match amount.as_literal() {
            Some(Value::Int(v)) => *v < 0,
            Some(Value::UInt(_)) => false,
            Some(Value::Decimal(v)) => unit == FrameUnit::Rows || v.is_negative(),
            Some(Value::Double(v)) => unit == FrameUnit::Rows || *v < 0.0,
            Some(Value::Text(_)) => offset.unit.is_none(),
            Some(_) => true,
            None => !amount.is_constant_for_execution(),
        };
        if bad {
            return Err(SqlError::new(ER_WINDOW_FRAME_ILLEGAL, &[&window.name]));
        }
        let expr = match unit {
            FrameUnit::Rows | FrameUnit::Groups => {
                if offset.unit.is_some() {
                    return Err(SqlError::new(ER_WINDOW_ROWS_INTERVAL_USE, &[&window.name]));
                }
                amount
            }
            FrameUnit::Range => self.range_edge(amount, offset.unit, preceding, window)?,
        };
        Ok(if preceding { FrameBound::Preceding(expr) } else { FrameBound::Following(expr) })
    }

    /// The order key's value at the edge of a RANGE frame.
    fn range_edge(
        &mut self,
        amount: Expr,
        unit: Option<ast::IntervalUnit>,
        preceding: bool,
        window: &BoundWindow,
    ) -> SqlResult<Expr> {
        let [key] = window.order_by.as_slice() else {
            return Err(SqlError::new(ER_WINDOW_RANGE_FRAME_ORDER_TYPE, &[&window.name]));
        };
        // Preceding rows have smaller keys, larger ones where the order descends.
        let subtract = preceding != key.descending;
        match (typing::domain(&key.expr.ty), unit) {
            (Domain::Int | Domain::Decimal | Domain::Double, None) => {
                let op = if subtract { ArithmeticOp::Sub } else { ArithmeticOp::Add };
                // Signed, so that unsigned keys near zero have an edge below it.
                let ctx = aurora_expr::BuildContext {
                    sql_mode: self
                        .state
                        .ctx
                        .build
                        .sql_mode
                        .with(aurora_types::SqlMode::NO_UNSIGNED_SUBTRACTION),
                    ..self.state.ctx.build.clone()
                };
                build::arithmetic(op, key.expr.clone(), amount, &ctx)
            }
            (Domain::Date | Domain::Time | Domain::DateTime, Some(unit)) => {
                self.date_arith(key.expr.clone(), amount, unit, subtract)
            }
            (Domain::Date | Domain::Time | Domain::DateTime, None) => {
                Err(SqlError::new(ER_WINDOW_RANGE_FRAME_TEMPORAL_TYPE, &[&window.name]))
            }
            (Domain::Int | Domain::Decimal | Domain::Double, Some(_)) => {
                Err(SqlError::new(ER_WINDOW_RANGE_FRAME_NUMERIC_TYPE, &[&window.name]))
            }
            _ => Err(SqlError::new(ER_WINDOW_RANGE_FRAME_ORDER_TYPE, &[&window.name])),
        }
    }
}
