//! What a read looks at: memtables and files, pinned together by one load.

use crate::error::Result;
use crate::memtable::Memtable;
use crate::sst::hash64;
use crate::types::Seq;
use crate::value::Lookup;
use crate::version::Version;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;

/// A consistent set of places, newest first. Immutable, except that `mem` still grows while it is the newest.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) mem: Arc<Memtable>,
    /// Sealed and not flushed yet, newest first.
    pub(crate) immutables: Vec<Arc<Memtable>>,
    pub(crate) version: Arc<Version>,
}

impl View {
    /// The newest version of a key at `at`. Newer places hold newer versions, so the first answer is it.
    #[inline]
    pub(crate) fn lookup(&self, key: &[u8], at: Seq) -> Result<Option<Lookup>> {
        if let Some(found) = self.mem.lookup(key, at) {
            return Ok(Some(found));
        }
        for mem in &self.immutables {
            if let Some(found) = mem.lookup(key, at) {
                return Ok(Some(found));
            }
        }
        if self.version.is_empty() {
            return Ok(None);
        }
        self.version.lookup(key, hash64(key), at)
    }
}

/// The newest view. Readers load it; rotation, flush and compaction replace it.
pub(crate) struct Views(ArcSwap<View>);

impl Views {
    pub(crate) fn new(view: View) -> Views {
        Views(ArcSwap::from_pointee(view))
    }

    #[inline]
    pub(crate) fn load(&self) -> Guard<Arc<View>> {
        self.0.load()
    }

    pub(crate) fn load_full(&self) -> Arc<View> {
        self.0.load_full()
    }

    /// `next` takes new commits; the one before it is sealed.
    pub(crate) fn rotate(&self, next: &Arc<Memtable>) {
        self.0.rcu(|view| {
            let mut immutables = Vec::with_capacity(view.immutables.len() + 1);
            immutables.push(view.mem.clone());
            immutables.extend(view.immutables.iter().cloned());
            View { mem: next.clone(), immutables, version: view.version.clone() }
        });
    }

    /// Shows a new version; what lies in `flushed` is in it.
    pub(crate) fn install(&self, version: &Arc<Version>, flushed: Option<&Arc<Memtable>>) {
        self.0.rcu(|view| {
            let mut next = View::clone(view);
            next.version = version.clone();
            if let Some(flushed) = flushed {
                next.immutables.retain(|mem| !Arc::ptr_eq(mem, flushed));
            }
            next
        });
    }
}
