//! What functions keep from one row to the next.

use std::any::Any;
use std::collections::HashMap;

/// Values by the address of the call's arguments: a compiled pattern, a parsed JSON path, the state of RAND(n).
/// Lives for one execution, during which the plan does not move.
#[derive(Default)]
pub struct EvalCache {
    entries: HashMap<usize, Box<dyn Any>>,
}

impl EvalCache {
    /// The value kept for `key` (by convention `args.exprs.as_ptr() as usize`), made by `make` at first use or when
    /// it is of another type.
    pub fn get_or_insert_with<T: 'static>(&mut self, key: usize, make: impl FnOnce() -> T) -> &mut T {
        let slot = self.entries.entry(key).or_insert_with(|| Box::new(()));
        if !slot.is::<T>() {
            *slot = Box::new(make());
        }
        match slot.downcast_mut::<T>() {
            Some(value) => value,
            None => unreachable!("the entry was just made of this type"),
        }
    }
}
