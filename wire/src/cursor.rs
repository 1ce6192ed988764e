//! Cursors of prepared statements: the rows of an execution, kept encoded until COM_STMT_FETCH asks for them.

use crate::column::{ClientView, write_columns_open};
use crate::constants::status;
use crate::out::{Mark, OutBuffer};
use crate::reply::{write_err, write_ok, write_result_end};
use crate::rows::{RowEncoder, RowFormat};
use aurora_types::error::ER_CAPACITY_EXCEEDED;
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlError, SqlResult, StatementStatus, ValueRef};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows are kept in pieces of this size, so that memory goes back while they are fetched. The first are smaller.
const CHUNK_BYTES: usize = 256 * 1024;
const FIRST_CHUNK_BYTES: usize = 4 * 1024;
const LENGTH_BYTES: usize = 4;

/// What the cursors of one connection, and those of all, may keep.
#[derive(Clone, Debug)]
pub struct CursorBudget {
    connection: Arc<Budget>,
    server: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0) })
    }

    fn take(&self, bytes: usize) -> bool {
        let take = |used: usize| used.checked_add(bytes).filter(|total| *total <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl CursorBudget {
    /// `connection_bytes` for each [`CursorBudget::for_connection`], `server_bytes` for all of them.
    pub fn new(connection_bytes: usize, server_bytes: usize) -> CursorBudget {
        CursorBudget { connection: Budget::new(connection_bytes), server: Budget::new(server_bytes) }
    }

    /// The share of one more connection.
    pub fn for_connection(&self) -> CursorBudget {
        CursorBudget { connection: Budget::new(self.connection.limit), server: self.server.clone() }
    }

    /// Bytes that the cursors of this connection keep now.
    pub fn used(&self) -> usize {
        self.connection.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> SqlResult<()> {
        if !self.connection.take(bytes) {
            return Err(self.exceeded(&self.connection, "cursors of the connection"));
        }
        if !self.server.take(bytes) {
            self.connection.give_back(bytes);
            return Err(self.exceeded(&self.server, "cursors of all connections"));
        }
        Ok(())
    }

    fn exceeded(&self, budget: &Budget, whose: &str) -> SqlError {
        let advice = "Fetch the result without a cursor, or in parts (LIMIT).";
        SqlError::new(ER_CAPACITY_EXCEEDED, &[&budget.limit, &whose, &advice])
    }

    fn give_back(&self, bytes: usize) {
        self.connection.give_back(bytes);
        self.server.give_back(bytes);
    }
}

/// The rows of one execution that have not been fetched.
#[derive(Debug)]
pub struct Cursor {
    chunks: VecDeque<Chunk>,
    /// Where the next row is in the first chunk.
    at: usize,
    budget: CursorBudget,
    taken: usize,
}

/// Length and payload of row after row.
#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    /// Of the budget.
    taken: usize,
}

impl Cursor {
    fn new(budget: CursorBudget) -> Cursor {
        Cursor { chunks: VecDeque::new(), at: 0, budget, taken: 0 }
    }

    fn push(&mut self, payload: &[u8]) -> SqlResult<()> {
        let needed = LENGTH_BYTES + payload.len();
        // Rows of a gigabyte and more are refused long before.
        let length =
            u32::try_from(payload.len()).map_err(|_| self.budget.exceeded(&self.budget.server, "a row"))?;
        if self.chunks.back().is_none_or(|chunk| chunk.taken - chunk.bytes.len() < needed) {
            let bytes = needed.max(self.taken.clamp(FIRST_CHUNK_BYTES, CHUNK_BYTES));
            self.budget.take(bytes)?;
            self.taken += bytes;
            self.chunks.push_back(Chunk { bytes: Vec::with_capacity(bytes), taken: bytes });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.bytes.extend_from_slice(&length.to_le_bytes());
            chunk.bytes.extend_from_slice(payload);
        }
        Ok(())
    }

    /// Writes the next row as a packet; `false`: there is none.
    pub fn fetch(&mut self, out: &mut OutBuffer) -> bool {
        let Some(chunk) = self.chunks.front() else { return false };
        let Some((length, rest)) = chunk.bytes.get(self.at..).and_then(|rest| rest.split_first_chunk())
        else {
            return false;
        };
        let end = u32::from_le_bytes(*length) as usize;
        out.begin_packet();
        out.raw(&rest[..end]);
        out.end_packet();
        self.at += LENGTH_BYTES + end;
        if self.at >= chunk.bytes.len() {
            let bytes = chunk.taken;
            self.chunks.pop_front();
            self.at = 0;
            self.budget.give_back(bytes);
            self.taken -= bytes;
        }
        true
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
    }
}

/// Writes the packet behind fetched rows. As in MySQL, the end is seen by asking for more rows than there are.
pub fn write_fetch_end(out: &mut OutBuffer, view: ClientView, is_over: bool) {
    let bit = if is_over { status::LAST_ROW_SENT } else { status::CURSOR_EXISTS };
    let done = StatementStatus { status_flags: view.status_flags | bit, ..StatementStatus::default() };
    write_result_end(out, view.common, &done);
}

/// The sink of an execution that opens a cursor: definitions go out, rows stay.
#[derive(Debug)]
pub struct CursorSink<'a> {
    view: ClientView,
    out: &'a mut OutBuffer,
    /// To this the answer goes back when the execution fails.
    start: Mark,
    budget: &'a CursorBudget,
    open: Option<(RowEncoder, Cursor)>,
    row: OutBuffer,
    ended: bool,
}

impl<'a> CursorSink<'a> {
    pub fn new(view: ClientView, out: &'a mut OutBuffer, budget: &'a CursorBudget) -> CursorSink<'a> {
        let start = out.mark();
        CursorSink { view, out, start, budget, open: None, row: OutBuffer::new(), ended: false }
    }

    /// Whether the statement said how it ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The cursor, when the statement had a result set.
    pub fn finish(self) -> Option<Cursor> {
        self.open.map(|(_, cursor)| cursor)
    }

    /// The error is all of the answer.
    pub fn fail(self, error: &SqlError) {
        self.out.rewind(self.start);
        write_err(self.out, error);
    }
}

impl RowSink for CursorSink<'_> {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        // A cursor is over one result set: the last.
        self.out.rewind(self.start);
        write_columns_open(self.out, columns, self.view);
        let encoder = RowEncoder::new(columns, RowFormat::Binary, self.view.results);
        self.open = Some((encoder, Cursor::new(self.budget.clone())));
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        if let Some((encoder, cursor)) = &mut self.open {
            self.row.clear();
            encoder.encode(&mut self.row, cells);
            cursor.push(self.row.bytes())?;
        }
        Ok(false)
    }

    fn end(&mut self, done: &StatementStatus) -> SqlResult<()> {
        self.ended = true;
        if self.open.is_some() {
            let flags = done.status_flags | status::CURSOR_EXISTS;
            let done = StatementStatus { status_flags: flags, ..done.clone() };
            write_result_end(self.out, self.view.common, &done);
        } else {
            self.out.rewind(self.start);
            write_ok(self.out, self.view.common, done);
        }
        Ok(())
    }

    fn results_collation(&mut self, collation: Option<CollationId>) {
        self.view.results = collation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::Capabilities;
    use aurora_types::{BaseType, ColumnFlags, SqlType};

    fn column() -> ColumnMeta {
        ColumnMeta {
            schema: String::new(),
            table: String::new(),
            org_table: String::new(),
            name: "n".into(),
            org_name: String::new(),
            ty: SqlType::new(BaseType::LongText, 0),
            flags: ColumnFlags(0),
        }
    }

    fn view(common: u32) -> ClientView {
        ClientView { common: Capabilities(common), results: None, status_flags: 2 }
    }

    fn opened(rows: &[Vec<u8>], budget: &CursorBudget, common: u32) -> (Vec<u8>, SqlResult<Cursor>) {
        let mut out = OutBuffer::new();
        let mut sink = CursorSink::new(view(common), &mut out, budget);
        sink.begin(&[column()]).unwrap();
        for row in rows {
            if let Err(error) = sink.row(&[ValueRef::Text(row)]) {
                sink.fail(&error);
                return (out.bytes().to_vec(), Err(error));
            }
        }
        sink.end(&StatementStatus { status_flags: 2, ..Default::default() }).unwrap();
        let cursor = sink.finish().unwrap();
        (out.bytes().to_vec(), Ok(cursor))
    }

    #[test]
    fn an_execution_sends_definitions_and_that_a_cursor_exists() {
        let budget = CursorBudget::new(1 << 20, 1 << 20);
        let (new, _cursor) = opened(&[], &budget, Capabilities::DEPRECATE_EOF);
        assert!(new.ends_with(&[7, 0, 0, 2, 0xFE, 0, 0, 0x42, 0, 0, 0]), "{new:?}");
        // One EOF, not two: the one behind the definitions says it.
        let (old, _cursor) = opened(&[], &budget, 0);
        assert!(old.ends_with(&[5, 0, 0, 2, 0xFE, 0, 0, 0x42, 0]), "{old:?}");
        let mut out = OutBuffer::new();
        let mut sink = CursorSink::new(view(0), &mut out, &budget);
        sink.end(&StatementStatus { affected_rows: 3, ..Default::default() }).unwrap();
        assert!(sink.finish().is_none());
        assert_eq!(out.bytes(), [7, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn rows_come_back_in_order_and_their_memory_with_them() {
        let budget = CursorBudget::new(8 << 20, 8 << 20).for_connection();
        let sizes = [0, 1, 300, CHUNK_BYTES - 300, CHUNK_BYTES, 3 * CHUNK_BYTES, 5];
        let rows: Vec<Vec<u8>> = sizes.iter().map(|size| vec![b'x'; *size]).collect();
        let mut cursor = opened(&rows, &budget, 0).1.unwrap();
        let full = budget.used();
        for (row, size) in rows.iter().zip(sizes) {
            let mut out = OutBuffer::new();
            assert!(cursor.fetch(&mut out));
            let mut expected = OutBuffer::new();
            expected.begin_packet();
            RowEncoder::new(&[column()], RowFormat::Binary, None)
                .encode(&mut expected, &[ValueRef::Text(row)]);
            expected.end_packet();
            assert!(out.bytes() == expected.bytes(), "{size}");
        }
        assert!(budget.used() < full);
        let mut out = OutBuffer::new();
        assert!(!cursor.fetch(&mut out) && out.is_empty());
        write_fetch_end(&mut out, view(Capabilities::DEPRECATE_EOF), true);
        assert_eq!(out.bytes()[4..], [0xFE, 0, 0, 0x82, 0, 0, 0]);
        drop(cursor);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn too_much_is_an_error_and_nothing_else() {
        let budget = CursorBudget::new(2 * CHUNK_BYTES, usize::MAX);
        let rows = vec![vec![b'x'; CHUNK_BYTES / 2]; 5];
        let (answer, refused) = opened(&rows, &budget, 0);
        assert!(refused.unwrap_err().is(ER_CAPACITY_EXCEEDED));
        assert_eq!(answer[4..7], [0xFF, 0x62, 0x0C]);
        assert_eq!(budget.used(), 0);
        let shared = CursorBudget::new(usize::MAX, 2 * CHUNK_BYTES);
        let kept = opened(&rows[..1], &shared.for_connection(), 0).1.unwrap();
        let other = shared.for_connection();
        assert!(opened(&rows, &other, 0).1.unwrap_err().message.contains("all connections"));
        assert_eq!(other.used(), 0);
        drop(kept);
        assert!(opened(&rows[..2], &other, 0).1.is_ok());
    }
}
