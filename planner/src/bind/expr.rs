//! Expressions of the tree to typed ones.

use super::{Binder, unsupported};
use aurora_expr::{
    ArithmeticOp, BitOp, CastTarget, CompareOp, Expr, ExprKind, IsTest, WhenThen, build, typing,
};
use aurora_parser as ast;
use aurora_parser::{BinaryOp, ExprId, UnaryOp};
use aurora_types::error::{
    ER_NO_DEFAULT_FOR_FIELD, ER_UNKNOWN_COLLATION, ER_WRONG_ARGUMENTS, ER_WRONG_USAGE,
};
use aurora_types::{CollationId, SqlError, SqlResult, SqlType, Value};

/// The operation of a comparison operator.
pub(crate) fn compare_op(op: BinaryOp) -> Option<CompareOp> {
    Some(match op {
        BinaryOp::Eq => CompareOp::Eq,
        BinaryOp::NullSafeEq => CompareOp::NullSafeEq,
        BinaryOp::Ne => CompareOp::Ne,
        BinaryOp::Lt => CompareOp::Lt,
        BinaryOp::Le => CompareOp::Le,
        BinaryOp::Gt => CompareOp::Gt,
        BinaryOp::Ge => CompareOp::Ge,
        _ => return None,
    })
}

/// Characters that a user variable's text is announced with.
const VARIABLE_CHARS: u64 = 67_108_860;
/// Bytes of a user variable that has no value.
const UNSET_VARIABLE_BYTES: u64 = 65_532;
/// Characters of a system variable's text.
const SYSTEM_VARIABLE_CHARS: u64 = 21_845;

impl Binder<'_, '_> {
    pub fn exprs(&mut self, ids: &[ExprId]) -> SqlResult<Vec<Expr>> {
        ids.iter().map(|id| self.expr(*id)).collect()
    }

    /// The expression `id`, over the positions of the current block.
    pub fn expr(&mut self, id: ExprId) -> SqlResult<Expr> {
        let ast = self.ast;
        match ast.expr(id) {
            ast::Expr::Literal(literal) => self.literal(literal),
            ast::Expr::Param(number) => Ok(self.parameter(*number)),
            ast::Expr::Column(name) => self.column(name),
            ast::Expr::Unary { op, expr } => self.unary(*op, *expr),
            ast::Expr::Binary { op, left, right } => self.binary(*op, *left, *right),
            ast::Expr::And(list) => build::and(self.exprs(list)?),
            ast::Expr::Or(list) => build::or(self.exprs(list)?),
            ast::Expr::Between { expr, low, high, negated } => {
                let expr = self.expr(*expr)?;
                let (low, high) = (self.compared(*low, &expr)?, self.compared(*high, &expr)?);
                let (low, high) = (self.typed_as(low, &expr), self.typed_as(high, &expr));
                let expr = self.typed_as(expr, &low);
                build::between(expr, low, high, *negated)
            }
            ast::Expr::In { expr, list, negated } => self.in_list(*expr, list, *negated),
            ast::Expr::Like { expr, pattern, escape, negated } => {
                self.like(*expr, *pattern, *escape, *negated)
            }
            ast::Expr::Is { expr, test, negated } => {
                let test = match test {
                    ast::IsTest::Null => IsTest::Null,
                    ast::IsTest::True => IsTest::True,
                    ast::IsTest::False => IsTest::False,
                    ast::IsTest::Unknown => IsTest::Unknown,
                };
                build::is_test(self.expr(*expr)?, test, *negated)
            }
            ast::Expr::Row(list) => Ok(build::row(self.exprs(list)?)),
            ast::Expr::Case { operand, branches, otherwise } => self.case(*operand, branches, *otherwise),
            ast::Expr::Call(call) => self.call(call),
            ast::Expr::InSubquery { .. }
            | ast::Expr::Exists(_)
            | ast::Expr::Subquery(_)
            | ast::Expr::Quantified { .. } => self.subquery_expr(id),
            _ => self.rare_expr(id),
        }
    }

    /// What is seldom written; apart from [`Binder::expr`] so that its frame stays small.
    fn rare_expr(&mut self, id: ExprId) -> SqlResult<Expr> {
        let ast = self.ast;
        match ast.expr(id) {
            ast::Expr::UserVariable(name) => Ok(self.user_variable(&name.to_str_lossy())),
            ast::Expr::Assign { variable, value } => {
                self.state.cacheable = false;
                self.state.deprecated(
                    "Setting user variables within expressions is deprecated and will be removed in a future release. \
                     Consider alternatives: 'SET variable=expression, ...', or 'SELECT expression(s) INTO variables(s)'.",
                );
                build::assign(&variable.to_str_lossy(), self.expr(*value)?)
            }
            ast::Expr::SystemVariable(variable) => self.system_variable(variable),
            ast::Expr::Regexp { expr, pattern, negated } => {
                let args = vec![self.expr(*expr)?, self.expr(*pattern)?];
                let matches = self.function("regexp_like", args)?;
                if *negated { build::not(matches) } else { Ok(matches) }
            }
            ast::Expr::MemberOf { value, array } => {
                let args = vec![self.expr(*value)?, self.expr(*array)?];
                self.function("member of", args)
            }
            ast::Expr::Cast { expr, ty, array, at_time_zone } => {
                if *array || at_time_zone.is_some() {
                    return unsupported(if *array {
                        "CAST … AS … ARRAY"
                    } else {
                        "CAST … AT TIME ZONE"
                    });
                }
                let expr = self.expr(*expr)?;
                self.cast(expr, ty)
            }
            ast::Expr::ConvertUsing { expr, charset } => {
                let expr = self.expr(*expr)?;
                let collation = self.charset_named(charset)?.default_collation();
                let limited = CastTarget::Char { limited: false };
                let target =
                    if collation.is_binary() { CastTarget::Binary { limited: false } } else { limited };
                let ty = typing::text(typing::text_length(&expr.ty), collation);
                build::cast(expr, target, ty)
            }
            ast::Expr::Collate { expr, collation } => {
                let expr = self.expr(*expr)?;
                let collation = collation_named(&collation.to_str_lossy())?;
                build::collate(expr, collation, &self.state.ctx.build)
            }
            ast::Expr::Values(column) => {
                self.state.deprecated(
                    "'VALUES function' is deprecated and will be removed in a future release. Please use an alias (INSERT \
                     INTO ... VALUES (...) AS alias) and replace VALUES(col) in the ON DUPLICATE KEY UPDATE clause with \
                     alias.col instead",
                );
                self.values_of(column)
            }
            ast::Expr::Default(Some(column)) => self.default_of(column),
            ast::Expr::Default(None) => Err(SqlError::new(ER_WRONG_USAGE, &[&"DEFAULT", &"expression"])),
            ast::Expr::DateArith { date, amount, unit, subtract } => {
                let (date, amount) = (self.expr(*date)?, self.expr(*amount)?);
                self.date_arith(date, amount, *unit, *subtract)
            }
            ast::Expr::Extract { unit, expr } => {
                let args = vec![self.unit(*unit), self.expr(*expr)?];
                self.function("extract", args)
            }
            ast::Expr::TimestampAdd { unit, amount, date } => {
                let args = vec![self.unit(*unit), self.expr(*amount)?, self.expr(*date)?];
                self.function("timestampadd", args)
            }
            ast::Expr::TimestampDiff { unit, from, to } => {
                let args = vec![self.unit(*unit), self.expr(*from)?, self.expr(*to)?];
                self.function("timestampdiff", args)
            }
            ast::Expr::Trim { side, what, expr } => {
                let mut args = vec![self.expr(*expr)?];
                if let Some(what) = what {
                    args.push(self.expr(*what)?);
                }
                let name = match side {
                    ast::TrimSide::Both => "trim",
                    ast::TrimSide::Leading => "trim leading",
                    ast::TrimSide::Trailing => "trim trailing",
                };
                self.function(name, args)
            }
            ast::Expr::Char { args, charset } => {
                let mut args = self.exprs(args)?;
                match charset {
                    Some(charset) => {
                        let name = Value::Text(charset.clone());
                        args.insert(0, build::literal(name, &self.state.ctx.build));
                        self.function("char using", args)
                    }
                    None => self.function("char", args),
                }
            }
            ast::Expr::WeightString { expr, binary, length } => {
                let mut args = vec![self.expr(*expr)?];
                if let Some(length) = length {
                    args.push(build::literal(Value::UInt(*length), &self.state.ctx.build));
                    args.push(build::literal(Value::Int(i64::from(*binary)), &self.state.ctx.build));
                }
                self.function("weight_string", args)
            }
            ast::Expr::Match { .. } => unsupported("MATCH … AGAINST"),
            ast::Expr::JsonArrow { column, path, unquote } => {
                let path = build::literal(Value::Text(self.string_text(path)?), &self.state.ctx.build);
                let args = vec![self.expr(*column)?, path];
                let found = self.function("json_extract", args)?;
                if *unquote { self.function("json_unquote", vec![found]) } else { Ok(found) }
            }
            ast::Expr::JsonValue(value) => self.json_value(value),
            ast::Expr::IntervalFunction(args) => {
                let args = self.exprs(args)?;
                self.function("interval", args)
            }
            ast::Expr::GetFormat { kind, format } => {
                let kind = match kind {
                    ast::TemporalKind::Date => "DATE",
                    ast::TemporalKind::Time => "TIME",
                    ast::TemporalKind::DateTime | ast::TemporalKind::Timestamp => "DATETIME",
                };
                let kind = build::literal(Value::Text(kind.into()), &self.state.ctx.build);
                let args = vec![kind, self.expr(*format)?];
                self.function("get_format", args)
            }
            ast::Expr::Wildcard => Err(SqlError::new(ER_WRONG_USAGE, &[&"*", &"expression"])),
            _ => unsupported("this expression"),
        }
    }

    fn json_value(&mut self, value: &ast::JsonValue) -> SqlResult<Expr> {
        use aurora_expr::json_value::Response;
        let (doc, path) = (self.expr(value.doc)?, self.expr(value.path)?);
        let returning = value.returning.as_ref().map(|ty| self.cast_type(ty)).transpose()?;
        let mut response = |said: &Option<ast::JsonOnResponse>| -> SqlResult<Response> {
            Ok(match said {
                None | Some(ast::JsonOnResponse::Null) => Response::Null,
                Some(ast::JsonOnResponse::Error) => Response::Error,
                Some(ast::JsonOnResponse::Default(value)) => Response::Default(self.expr(*value)?),
            })
        };
        let (on_empty, on_error) = (response(&value.on_empty)?, response(&value.on_error)?);
        let ty = returning.map(|(_, ty)| ty);
        aurora_expr::json_value::build(doc, path, ty, on_empty, on_error, &self.state.ctx.build)
    }

    fn parameter(&mut self, number: u32) -> Expr {
        let number = number as usize;
        let ty = self.state.parameters.get(number).cloned().flatten();
        let ty =
            ty.unwrap_or_else(|| typing::nullable(typing::text(0, self.state.ctx.build.collation), true));
        build::param(number, ty)
    }

    /// A parameter of unknown type takes the type of what it stands beside.
    pub fn typed_as(&mut self, expr: Expr, other: &Expr) -> Expr {
        match expr.kind {
            ExprKind::Param(number)
                if self.state.parameters.get(number).is_some_and(Option::is_none)
                    && !matches!(other.kind, ExprKind::Param(_) | ExprKind::Row(_)) =>
            {
                self.set_parameter(number, other.ty.clone())
            }
            _ => expr,
        }
    }

    /// Gives a parameter its type.
    pub fn set_parameter(&mut self, number: usize, ty: SqlType) -> Expr {
        let ty = typing::nullable(ty, true);
        if let Some(known) = self.state.parameters.get_mut(number) {
            *known = Some(ty.clone());
        }
        build::param(number, ty)
    }

    pub fn user_variable(&mut self, name: &str) -> Expr {
        self.state.cacheable = false;
        let name = name.to_lowercase();
        let known = self.state.ctx.session.user_variable(&name);
        let ty = match known {
            Some((_, ty)) => match typing::domain(&ty) {
                // Another statement may have set another number or text when the plan runs.
                typing::Domain::Int => SqlType { unsigned: ty.unsigned, ..typing::bigint(21) },
                typing::Domain::Text => typing::text(VARIABLE_CHARS, ty.collation),
                _ => ty,
            },
            None => typing::text(UNSET_VARIABLE_BYTES, CollationId::BINARY),
        };
        let ty = typing::nullable(ty, true);
        Expr::new(ExprKind::UserVariable(name.into()), ty, aurora_expr::Coercibility::IMPLICIT)
    }

    fn system_variable(&mut self, variable: &ast::SystemVariable) -> SqlResult<Expr> {
        let scope = match variable.scope {
            ast::VariableScope::Implicit => aurora_expr::VariableScope::Default,
            ast::VariableScope::Session => aurora_expr::VariableScope::Session,
            _ => aurora_expr::VariableScope::Global,
        };
        let mut name = variable.name.as_str().to_lowercase();
        if let Some(component) = &variable.component {
            name = format!("{}.{name}", component.as_str().to_lowercase());
        }
        let value = self.state.ctx.session.system_variable(&name, scope)?;
        let ty = match &value {
            Value::Int(0 | 1) => typing::boolean(true),
            Value::Int(_) => typing::bigint(21),
            Value::UInt(_) => typing::bigint_unsigned(21),
            Value::Text(_) | Value::Null => {
                let text = typing::text(SYSTEM_VARIABLE_CHARS, self.state.ctx.build.collation);
                SqlType { base: aurora_types::BaseType::VarChar, ..text }
            }
            Value::Double(_) => SqlType { decimals: 6, ..typing::double() },
            _ => build::literal(value.clone(), &self.state.ctx.build).ty,
        };
        let ty = typing::nullable(ty, true);
        Ok(Expr::new(
            ExprKind::SystemVariable { name: name.into(), scope },
            ty,
            aurora_expr::Coercibility::SYSTEM,
        ))
    }

    fn unary(&mut self, op: UnaryOp, expr: ExprId) -> SqlResult<Expr> {
        let expr = self.expr(expr)?;
        match op {
            UnaryOp::Plus => Ok(expr),
            UnaryOp::Minus => build::negate(expr, &self.state.ctx.build),
            UnaryOp::BitNot => build::bit_not(expr),
            UnaryOp::Not => build::not(expr),
            UnaryOp::Binary => {
                self.state.deprecated(
                    "'BINARY expr' is deprecated and will be removed in a future release. Please use CAST instead",
                );
                let mut length = typing::text_length(&expr.ty);
                if typing::is_string(&expr.ty) {
                    length *= u64::from(expr.ty.collation.charset().max_bytes().max(1));
                }
                let ty = typing::text(length, CollationId::BINARY);
                build::cast(expr, CastTarget::Binary { limited: false }, ty)
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: ExprId, right: ExprId) -> SqlResult<Expr> {
        if let Some(op) = compare_op(op) {
            if let Some(row) = self.row_subquery(op, left, right)? {
                return Ok(row);
            }
            let left = self.expr(left)?;
            let right = self.compared(right, &left)?;
            let right = self.typed_as(right, &left);
            let left = self.typed_as(left, &right);
            build::check_compared_dates(&left, &right, &self.state.ctx.build)?;
            return build::comparison(op, left, right);
        }
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let ctx = &self.state.ctx.build;
        let op = match op {
            BinaryOp::Add => ArithmeticOp::Add,
            BinaryOp::Sub => ArithmeticOp::Sub,
            BinaryOp::Mul => ArithmeticOp::Mul,
            BinaryOp::Div => ArithmeticOp::Div,
            BinaryOp::IntDiv => ArithmeticOp::IntDiv,
            BinaryOp::Mod => ArithmeticOp::Mod,
            BinaryOp::BitOr => return build::bit(BitOp::Or, left, right),
            BinaryOp::BitAnd => return build::bit(BitOp::And, left, right),
            BinaryOp::BitXor => return build::bit(BitOp::Xor, left, right),
            BinaryOp::ShiftLeft => return build::bit(BitOp::ShiftLeft, left, right),
            BinaryOp::ShiftRight => return build::bit(BitOp::ShiftRight, left, right),
            BinaryOp::Xor => return build::xor(left, right),
            BinaryOp::Concat => return self.function("concat", vec![left, right]),
            BinaryOp::SoundsLike => {
                let left = self.function("soundex", vec![left])?;
                let right = self.function("soundex", vec![right])?;
                return build::comparison(CompareOp::Eq, left, right);
            }
            _ => return unsupported(op.symbol()),
        };
        // A parameter of unknown type beside an operator is a number.
        let (left, right) = (self.numeric_parameter(left), self.numeric_parameter(right));
        build::arithmetic(op, left, right, ctx)
    }

    fn numeric_parameter(&mut self, expr: Expr) -> Expr {
        match expr.kind {
            ExprKind::Param(number) if self.state.parameters.get(number).is_some_and(Option::is_none) => {
                self.set_parameter(number, typing::double())
            }
            _ => expr,
        }
    }

    fn in_list(&mut self, expr: ExprId, list: &[ExprId], negated: bool) -> SqlResult<Expr> {
        let mut expr = self.expr(expr)?;
        let mut elements = Vec::with_capacity(list.len());
        for id in list {
            let element = self.compared(*id, &expr)?;
            let mut element = self.typed_as(element, &expr);
            expr = self.typed_as(expr, &element);
            self.state.fold(&mut element);
            self.state.number_beside(&mut element, &expr);
            elements.push(element);
        }
        if let [element] = elements.as_slice() {
            build::check_compared_dates(&expr, element, &self.state.ctx.build)?;
        }
        build::in_list(expr, elements, negated)
    }

    fn like(
        &mut self,
        expr: ExprId,
        pattern: ExprId,
        escape: Option<ExprId>,
        negated: bool,
    ) -> SqlResult<Expr> {
        let (expr, pattern) = (self.expr(expr)?, self.expr(pattern)?);
        let mut pattern = self.typed_as(pattern, &expr);
        self.state.fold(&mut pattern);
        let escape = match escape {
            None => None,
            Some(id) => {
                let mut escape = self.expr(id)?;
                self.state.fold(&mut escape);
                match escape.as_literal() {
                    Some(value) => Some(value.clone()),
                    None => return Err(SqlError::new(ER_WRONG_ARGUMENTS, &[&"ESCAPE"])),
                }
            }
        };
        build::like(expr, pattern, escape.as_ref(), negated, &self.state.ctx.build)
    }

    fn case(
        &mut self,
        operand: Option<ExprId>,
        branches: &[ast::CaseBranch],
        otherwise: Option<ExprId>,
    ) -> SqlResult<Expr> {
        let operand = operand.map(|id| self.expr(id)).transpose()?;
        let mut built = Vec::with_capacity(branches.len());
        for branch in branches {
            let when = self.expr(branch.when)?;
            let when = match &operand {
                Some(operand) => {
                    let when = self.typed_as(when, operand);
                    let (operand, when) = build::case_operands(operand.clone(), when);
                    build::case_comparison(operand, when)?
                }
                None => when,
            };
            built.push(WhenThen { when, then: self.expr(branch.then)? });
        }
        let otherwise = otherwise.map(|id| self.expr(id)).transpose()?;
        build::case(built, otherwise)
    }

    /// `date ± INTERVAL amount unit`.
    pub fn date_arith(
        &mut self,
        date: Expr,
        amount: Expr,
        unit: ast::IntervalUnit,
        subtract: bool,
    ) -> SqlResult<Expr> {
        build::interval(date, amount, &unit.name().to_uppercase(), subtract, &self.state.ctx.build)
    }

    fn unit(&self, unit: ast::IntervalUnit) -> Expr {
        build::literal(Value::Text(unit.name().to_uppercase().into()), &self.state.ctx.build)
    }

    /// `VALUES(column)`: the row that was to be inserted; NULL anywhere else.
    fn values_of(&mut self, name: &ast::ColumnName) -> SqlResult<Expr> {
        let Some(offset) = self.block_ref().insert_values else {
            self.column(name)?;
            return Ok(build::null());
        };
        let column = self.column(name)?;
        match column.kind {
            ExprKind::Column(position) if position < offset => {
                Ok(build::column(position + offset, SqlType { nullable: true, ..column.ty }))
            }
            _ => Err(SqlError::new(ER_WRONG_USAGE, &[&"VALUES", &"expression"])),
        }
    }

    /// `DEFAULT(column)`.
    fn default_of(&mut self, name: &ast::ColumnName) -> SqlResult<Expr> {
        use aurora_catalog::ColumnDefault;
        let column = self.column(name)?;
        let ExprKind::Column(position) = column.kind else { return unsupported("DEFAULT of this column") };
        let found = self.block_ref().leaves.iter().find(|leaf| leaf.contains(position));
        let Some((super::LeafKind::Table(table), offset)) =
            found.map(|leaf| (leaf.kind.clone(), leaf.offset))
        else {
            return unsupported("DEFAULT of this column");
        };
        let Some(def) = table.columns.get(position - offset) else {
            return unsupported("DEFAULT of this column");
        };
        match &def.default {
            ColumnDefault::Null => Ok(build::cast_to(build::null(), &def.ty)),
            ColumnDefault::Value(value) => Ok(build::typed_literal(value.clone(), def.ty.clone())),
            ColumnDefault::CurrentTimestamp => self.now(def.ty.decimals),
            ColumnDefault::None if def.ty.nullable => Ok(build::cast_to(build::null(), &def.ty)),
            ColumnDefault::None => Err(SqlError::new(ER_NO_DEFAULT_FOR_FIELD, &[&def.name])),
            ColumnDefault::Expression(_) => unsupported("DEFAULT(column) of an expression"),
        }
    }

    /// `NOW(fsp)`.
    pub fn now(&mut self, fsp: u8) -> SqlResult<Expr> {
        let fsp = build::literal(Value::Int(i64::from(fsp)), &self.state.ctx.build);
        self.function("now", vec![fsp])
    }
}

/// The collation of a name (1273).
pub(crate) fn collation_named(name: &str) -> SqlResult<CollationId> {
    aurora_types::collation::lookup(name).ok_or_else(|| SqlError::new(ER_UNKNOWN_COLLATION, &[&name]))
}
