//! Deadlocks: searched when a wait begins, for only then can a cycle close.
//!
//! An edge leads from a waiter to whoever holds, or queues before it for, what it does not go with. Edges that are
//! added to a wait already under way lead to transactions that run, whose own later waits are searched in turn, so
//! every cycle contains the wait that begins last.

use super::owner::Owner;
use std::collections::HashSet;
use std::sync::Arc;

/// The transactions of a cycle through `start`.
pub(super) fn find_cycle(
    start: &Arc<Owner>,
    blockers: impl Fn(&Arc<Owner>) -> Vec<Arc<Owner>>,
) -> Option<Vec<Arc<Owner>>> {
    let mut visited = HashSet::new();
    let mut path: Vec<(Arc<Owner>, Vec<Arc<Owner>>)> = vec![(start.clone(), blockers(start))];
    while let Some((_, unseen)) = path.last_mut() {
        let Some(next) = unseen.pop() else {
            path.pop();
            continue;
        };
        if next.id == start.id {
            return Some(path.into_iter().map(|(owner, _)| owner).collect());
        }
        if visited.insert(next.id) && next.is_waiting() {
            let onward = blockers(&next);
            path.push((next, onward));
        }
    }
    None
}

/// Picks who did least, of those the youngest; its wait ends with 1213. If that wait has just been granted the cycle is
/// gone, and the caller's next search says so.
pub(super) fn make_victim(cycle: &[Arc<Owner>]) {
    let Some(victim) = cycle.iter().min_by_key(|owner| (owner.work(), std::cmp::Reverse(owner.id))) else {
        return;
    };
    if let Some(waiting) = victim.waiting() {
        waiting.slot.make_victim();
    }
}
