//! Constant IN lists as hash sets.

use crate::expr::{Expr, ExprKind};
use crate::typing::Comparison;
use aurora_types::{CollationId, Value, ValueRef};
use std::cell::RefCell;
use std::collections::HashSet;

/// Lists shorter than this are searched from the left.
const WORTH_HASHING: usize = 8;

/// The literals of an IN list that are integers or text of one collation.
#[derive(Debug)]
pub struct InSet {
    keys: Keys,
    has_null: bool,
}

#[derive(Debug)]
enum Keys {
    Int(HashSet<i128>),
    Text(CollationId, HashSet<Vec<u8>>),
}

impl InSet {
    pub(crate) fn build(expr: &Expr, list: &[Expr], how: &[Comparison]) -> Option<InSet> {
        if list.len() < WORTH_HASHING {
            return None;
        }
        let mut has_null = false;
        let first = list.iter().zip(how).find(|(e, _)| !e.is_null_literal()).map(|(_, how)| *how)?;
        let mut keys = match first {
            Comparison::Int if !matches!(expr.ty.base, aurora_types::BaseType::Bit) => {
                Keys::Int(HashSet::new())
            }
            Comparison::Text(collation) => Keys::Text(collation, HashSet::new()),
            _ => return None,
        };
        for (element, how) in list.iter().zip(how) {
            let ExprKind::Literal(value) = &element.kind else { return None };
            match (&mut keys, value) {
                (_, Value::Null) => has_null = true,
                (Keys::Int(set), Value::Int(v)) if *how == Comparison::Int => {
                    set.insert(i128::from(*v));
                }
                (Keys::Int(set), Value::UInt(v)) if *how == Comparison::Int => {
                    set.insert(i128::from(*v));
                }
                (Keys::Text(collation, set), Value::Text(text)) if *how == Comparison::Text(*collation) => {
                    set.insert(text_key(*collation, text.as_bytes()));
                }
                _ => return None,
            }
        }
        Some(InSet { keys, has_null })
    }

    /// `None`: this value has to be compared one by one.
    #[allow(clippy::option_option)]
    pub(crate) fn find(&self, value: ValueRef<'_>) -> Option<Option<bool>> {
        let found = match (&self.keys, value) {
            (Keys::Int(set), ValueRef::Int(v)) => set.contains(&i128::from(v)),
            (Keys::Int(set), ValueRef::UInt(v)) => set.contains(&i128::from(v)),
            (Keys::Text(collation, set), ValueRef::Text(text)) => BUFFER.with_borrow_mut(|key| {
                key.clear();
                collation.equality(text, key);
                set.contains(key.as_slice())
            }),
            _ => return None,
        };
        Some(if found {
            Some(true)
        } else if self.has_null {
            None
        } else {
            Some(false)
        })
    }
}

thread_local! {
    /// The key of the text that is looked for.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn text_key(collation: CollationId, text: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() + 8);
    collation.equality(text, &mut key);
    key
}
