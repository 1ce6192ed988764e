//! What the families of string and JSON functions share: short definitions, operands as text, the
//! packet limit.

use crate::build::{self, BuildContext};
use crate::context::{EvalCtx, VariableScope};
use crate::expr::{Coercibility, Expr, ExprKind};
use crate::function::{Args, Arity, Determinism, FunctionDef, Kernel, NullRule, Typed};
use crate::{collate, typing};
use aurora_types::error::{ER_CANNOT_CONVERT_STRING, ER_WARN_ALLOWED_PACKET_OVERFLOWED};
use aurora_types::{CollationId, SqlError, SqlResult, SqlType, Text, Value, ValueRef};
use std::borrow::Cow;

pub(super) type TypeRule = fn(&mut Vec<Expr>, &BuildContext) -> SqlResult<Typed>;
pub(super) type EagerKernel = fn(&mut EvalCtx<'_>, &Args<'_>) -> SqlResult<Value>;

/// An immutable function of evaluated arguments that is NULL when one of them is.
pub(super) const fn def(
    name: &'static str,
    arity: Arity,
    result_type: TypeRule,
    kernel: EagerKernel,
    doc: &'static str,
) -> FunctionDef {
    FunctionDef {
        name,
        aliases: &[],
        arity,
        result_type,
        nulls: NullRule::Propagate,
        determinism: Determinism::Immutable,
        kernel: Kernel::Eager(kernel),
        doc,
    }
}

impl FunctionDef {
    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> FunctionDef {
        self.aliases = aliases;
        self
    }

    /// The kernel sees NULLs.
    pub(super) const fn sees_nulls(mut self) -> FunctionDef {
        self.nulls = NullRule::Custom;
        self
    }

    pub(super) const fn determinism(mut self, determinism: Determinism) -> FunctionDef {
        self.determinism = determinism;
        self
    }
}

/// Marks arguments that are read as numbers: hex literals are numbers there.
pub(super) fn numeric_args(args: &mut [Expr], which: &[usize]) {
    for &i in which {
        if let Some(arg) = args.get_mut(i) {
            let taken = std::mem::replace(arg, build::null());
            *arg = build::truth(taken);
        }
    }
}

/// Characters that the text of an expression takes at most.
pub(super) fn chars_of(expr: &Expr) -> u64 {
    typing::text_length(&expr.ty)
}

/// Text made of these arguments, in their common collation.
pub(super) fn text_like(args: &[&Expr], chars: u64, function: &str, ctx: &BuildContext) -> SqlResult<Typed> {
    if args.iter().any(|e| typing::is_string(&e.ty) || typing::domain(&e.ty) == typing::Domain::Json) {
        let (collation, coercibility) = collate::aggregate(args, function)?;
        check_literals(args, collation)?;
        return Ok(Typed { ty: typing::text(chars, collation), coercibility });
    }
    Ok(Typed { ty: typing::text(chars, ctx.collation), coercibility: Coercibility::COERCIBLE })
}

/// 3854 for a literal with characters that the character set of the result does not have.
fn check_literals(args: &[&Expr], collation: CollationId) -> SqlResult<()> {
    let charset = collation.charset();
    if charset.is_unicode() || charset.is_utf8_or_binary() {
        return Ok(());
    }
    for arg in args.iter().filter(|arg| typing::is_character(&arg.ty)) {
        if let ExprKind::Literal(Value::Text(text)) = &arg.kind
            && charset.encode(text.as_bytes()).is_err()
        {
            let shown: String = text.as_bytes().iter().take(6).map(|b| format!("\\x{b:02X}")).collect();
            let from = arg.ty.collation.charset().name();
            return Err(SqlError::new(ER_CANNOT_CONVERT_STRING, &[&shown, &from, &charset.name()]));
        }
    }
    Ok(())
}

/// Text of the first argument's collation, whatever the later ones are of.
pub(super) fn text_led(args: &[&Expr], chars: u64, function: &str, ctx: &BuildContext) -> SqlResult<Typed> {
    let binary = |e: &Expr| typing::is_string(&e.ty) && e.ty.collation.is_binary();
    if binary(args[0]) {
        return Ok(bytes(chars));
    }
    let typed = text_like(&args[..1], chars, function, ctx)?;
    let characters: Vec<&Expr> = args.iter().copied().filter(|e| !binary(e)).collect();
    check_literals(&characters, typed.ty.collation)?;
    Ok(typed)
}

/// Text of the connection's collation.
pub(super) fn connection_text(chars: u64, ctx: &BuildContext) -> Typed {
    Typed { ty: typing::text(chars, ctx.collation), coercibility: Coercibility::COERCIBLE }
}

/// Bytes.
pub(super) fn bytes(length: u64) -> Typed {
    Typed { ty: typing::text(length, CollationId::BINARY), coercibility: Coercibility::COERCIBLE }
}

/// The result can be NULL though no argument is.
pub(super) fn may_be_null(mut typed: Typed) -> Typed {
    typed.ty.nullable = true;
    typed
}

/// An integer known at planning.
pub(super) fn constant_int(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Literal(Value::Int(v)) => Some(*v),
        ExprKind::Literal(Value::UInt(v)) => i64::try_from(*v).ok(),
        ExprKind::Negate(inner) => constant_int(inner).and_then(i64::checked_neg),
        _ => None,
    }
}

/// What this text value's bytes are in its own character set.
pub(super) fn encoded<'a>(text: Cow<'a, [u8]>, ty: &SqlType) -> Cow<'a, [u8]> {
    if !typing::is_character(ty) || ty.collation.charset().is_utf8_or_binary() {
        return text;
    }
    match text {
        Cow::Borrowed(text) => ty.collation.charset().encode_lossy(text),
        Cow::Owned(text) => Cow::Owned(ty.collation.charset().encode_lossy(&text).into_owned()),
    }
}

impl<'a> Args<'a> {
    /// Argument `i` as text.
    pub(super) fn text(&self, i: usize) -> Cow<'a, [u8]> {
        match self.get(i) {
            ValueRef::Null => Cow::Borrowed(&[]),
            value => crate::eval::text_of(value, self.ty(i)),
        }
    }

    /// Argument `i` as the bytes of its own character set.
    pub(super) fn bytes(&self, i: usize) -> Cow<'a, [u8]> {
        encoded(self.text(i), self.ty(i))
    }

    /// Argument `i` for a result of the call's type: bytes where that is binary, else text.
    pub(super) fn part(&self, i: usize) -> Cow<'a, [u8]> {
        if self.result.collation.is_binary() { self.bytes(i) } else { self.text(i) }
    }

    /// Argument `i` as a whole number.
    pub(super) fn int(&self, i: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<i64> {
        match self.get(i) {
            ValueRef::Int(v) => Ok(v),
            ValueRef::Null => Ok(0),
            value => ctx.to_i64(value, self.ty(i)),
        }
    }

    /// The text result that argument `i` is as a whole, without a copy where it is text already.
    pub(super) fn whole(&self, i: usize) -> Value {
        match self.values.get(i) {
            Some(Value::Text(text)) if !self.result.collation.is_binary() => Value::Text(text.clone()),
            _ => text_value(self.part(i)),
        }
    }

    /// Identifies this call in [`crate::EvalCache`].
    pub(super) fn cache_key(&self) -> usize {
        self.exprs.as_ptr() as usize
    }
}

pub(super) fn text_value(text: Cow<'_, [u8]>) -> Value {
    Value::Text(match text {
        Cow::Borrowed(text) => Text::from(text),
        Cow::Owned(text) => Text::from(text),
    })
}

pub(super) fn ascii_value(text: String) -> Value {
    Value::Text(Text::from(text))
}

pub(super) fn truth_value(truth: bool) -> Value {
    Value::Int(i64::from(truth))
}

/// `max_allowed_packet` where `length` might exceed it.
const SMALLEST_PACKET: u64 = 1024;

/// Whether a result of `length` bytes is too large: it is NULL then, and a warning is given.
pub(super) fn exceeds_packet(ctx: &mut EvalCtx<'_>, length: u64, function: &str) -> SqlResult<bool> {
    if length <= SMALLEST_PACKET {
        return Ok(false);
    }
    let limit = match ctx.session.system_variable("max_allowed_packet", VariableScope::Default)? {
        Value::Int(v) => v as u64,
        Value::UInt(v) => v,
        _ => 64 << 20,
    };
    if length <= limit {
        return Ok(false);
    }
    ctx.diagnostics.warn(ER_WARN_ALLOWED_PACKET_OVERFLOWED, &[&function, &limit]);
    Ok(true)
}

/// The byte range of characters `from..to` of `text`; ends are cut to it.
pub(super) fn char_range(collation: CollationId, text: &[u8], from: usize, to: usize) -> &[u8] {
    let start = char_offset(collation, text, from);
    let rest = &text[start..];
    &rest[..char_offset(collation, rest, to.saturating_sub(from))]
}

/// Offset of character `chars`; the length where there are fewer.
pub(super) fn char_offset(collation: CollationId, text: &[u8], chars: usize) -> usize {
    collation.prefix(text, chars).len()
}

/// Length in bytes of the character at the start of `text`.
pub(super) fn char_len(collation: CollationId, text: &[u8]) -> usize {
    if collation.is_binary() { 1 } else { aurora_types::collation::decode_char(text).1 }
}
