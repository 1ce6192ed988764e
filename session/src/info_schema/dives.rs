//! How many entries of an index lie in ranges of its keys: few are counted, of more their share of the bytes tells.

use super::PlanStatistics;
use aurora_catalog::{IndexDef, TableDef, storage_range};
use aurora_executor::{ByteRange, Host, byte_ranges};
use aurora_expr::{EvalCtx, NoSubqueries};
use aurora_planner::{KeyRange, Statistics};
use aurora_txn::{Direction, Isolation, TxnError, TxnMode, View};
use aurora_types::{Diagnostics, SqlResult, Value};
use std::ops::Bound;
use std::sync::Arc;

/// Entries of ranges that take no more bytes are counted, up to this many.
const COUNTED_BYTES: u64 = 16 << 10;
const COUNTED: u64 = 200;

impl PlanStatistics<'_> {
    pub(super) fn entries_in(
        &self,
        table: &Arc<TableDef>,
        index: &IndexDef,
        ranges: &[KeyRange],
        params: &[Value],
    ) -> SqlResult<Option<f64>> {
        let info = self.session.host_on(self.catalog).table_info(table)?;
        let mut shapes = std::iter::once(&info.clustered).chain(&info.indexes);
        let Some(shape) = shapes.find(|shape| shape.storage == index.storage) else { return Ok(None) };
        let mut diagnostics = Diagnostics::default();
        let mut eval = EvalCtx::new(&self.session.state, &NoSubqueries, params, &mut diagnostics);
        let (start, end) = storage_range(index.storage);
        let manager = self.session.state.shared.catalog.manager();
        let bytes_of =
            |from: &[u8], to: &[u8]| manager.store().approximate_bytes(from, to).map_err(TxnError::from);
        let mut entries = 0.0;
        for range in byte_ranges(ranges, shape, &mut eval)? {
            let bytes = bytes_of(&range.start, range.end.as_ref().unwrap_or(&end))?;
            let few = if bytes <= COUNTED_BYTES { self.count(&range)? } else { COUNTED };
            entries += if few < COUNTED {
                few as f64
            } else {
                let all = bytes_of(&start, &end)?.max(1);
                let rows = self.rows(table).unwrap_or(few as f64);
                (rows * bytes as f64 / all as f64).max(few as f64)
            };
        }
        Ok(Some(entries))
    }

    /// Entries of the range, [`COUNTED`] at most.
    fn count(&self, range: &ByteRange) -> SqlResult<u64> {
        let manager = self.session.state.shared.catalog.manager();
        let txn = manager.begin(Isolation::ReadCommitted, TxnMode { read_only: true, ..TxnMode::default() });
        let upper = range.end.as_ref().map_or(Bound::Unbounded, |end| Bound::Excluded(end.as_slice()));
        let mut cursor =
            txn.scan(Bound::Included(&range.start), upper, Direction::Forward, View::Snapshot)?;
        let mut found = 0;
        while found < COUNTED && cursor.advance()? {
            found += 1;
        }
        Ok(found)
    }
}
