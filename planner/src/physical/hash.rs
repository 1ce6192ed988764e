//! Keys of hash joins.

use aurora_expr::typing::{self, Comparison};
use aurora_expr::{Expr, build};
use aurora_types::BaseType;

/// Both sides in the form in which equal values have equal hashes; `None` where comparing is more than that.
pub(crate) fn hash_operands(a: &Expr, b: &Expr, how: Comparison) -> Option<(Expr, Expr)> {
    let ty = match how {
        Comparison::Int => {
            // BIT is bytes.
            let int = |e: &Expr| match e.ty.base {
                BaseType::Bit => build::cast_to(e.clone(), &typing::bigint_unsigned(20)),
                _ => e.clone(),
            };
            return Some((int(a), int(b)));
        }
        Comparison::Date | Comparison::Time => return Some((a.clone(), b.clone())),
        Comparison::Text(collation) => {
            let text = |e: &Expr| {
                // ENUM and SET are numbers in keys.
                let coded = matches!(e.ty.base, BaseType::Enum(_) | BaseType::Set(_));
                if e.ty.collation == collation && typing::is_string(&e.ty) && !coded {
                    return e.clone();
                }
                build::cast_to(e.clone(), &typing::text(typing::text_length(&e.ty), collation))
            };
            return Some((text(a), text(b)));
        }
        Comparison::Decimal => {
            let (aw, ascale) = typing::decimal_digits(&a.ty);
            let (bw, bscale) = typing::decimal_digits(&b.ty);
            let scale = ascale.max(bscale);
            typing::decimal(aw.max(bw) + scale, scale)
        }
        Comparison::Double => typing::double(),
        Comparison::DateTime if !typing::is_temporal(&a.ty) || !typing::is_temporal(&b.ty) => return None,
        Comparison::DateTime => typing::datetime(6),
        Comparison::Json => return None,
    };
    Some((build::coerce(a.clone(), &ty), build::coerce(b.clone(), &ty)))
}
