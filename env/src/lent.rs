//! Whether the calling thread may be blocked for the length of one sync.
//!
//! A hop to another thread and back costs a large part of what a sync costs. Whoever knows that nobody else needs its
//! thread says so, and what is called may then do on the spot what it would otherwise leave to a thread of its own.

use std::cell::Cell;

thread_local! {
    static LENT: Cell<bool> = const { Cell::new(false) };
}

/// Restores what was before, also when the call panics.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        LENT.set(self.0);
    }
}

/// Runs `call` on this thread, and lets it block the thread as long as one sync takes.
pub fn lend_thread<T>(call: impl FnOnce() -> T) -> T {
    let _restore = Restore(LENT.replace(true));
    call()
}

/// Whether the caller runs within [`lend_thread`].
pub fn is_thread_lent() -> bool {
    LENT.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_ends_with_its_call() {
        assert!(!is_thread_lent());
        assert!(lend_thread(|| lend_thread(is_thread_lent) && is_thread_lent()));
        let panicked = std::panic::catch_unwind(|| lend_thread(|| panic!("as a statement may")));
        assert!(panicked.is_err() && !is_thread_lent());
    }
}
