//! The results of one command, written as packets: definitions, rows, terminators, errors.

use crate::column::{ClientView, write_columns};
use crate::out::{Mark, OutBuffer};
use crate::reply::{StatusAt, mark_more_results, write_err, write_ok, write_result_end};
use crate::rows::{RowEncoder, RowFormat};
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlError, SqlResult, StatementStatus, ValueRef};

/// A command's buffer above this size should be flushed between rows.
pub const FLUSH_BYTES: usize = 64 * 1024;

/// Turns what a statement produces into packets.
///
/// The last terminator stays in the buffer until it is known whether another result follows: the buffer may be
/// flushed while rows are written ([`ResultWriter::may_flush`]) and when the command is over, at no other time.
#[derive(Debug)]
pub struct ResultWriter {
    view: ClientView,
    format: RowFormat,
    encoder: Option<RowEncoder>,
    /// The last terminator and the buffer before it.
    last_end: Option<(StatusAt, Mark)>,
}

impl ResultWriter {
    pub fn new(view: ClientView, format: RowFormat) -> ResultWriter {
        ResultWriter { view, format, encoder: None, last_end: None }
    }

    pub fn set_results_collation(&mut self, results: Option<CollationId>) {
        self.view.results = results;
    }

    /// Whether the buffer holds nothing that may still change.
    pub fn may_flush(&self) -> bool {
        self.last_end.is_none()
    }

    /// Whether any result has ended.
    pub fn has_ended(&self) -> bool {
        self.last_end.is_some()
    }

    pub fn begin(&mut self, out: &mut OutBuffer, columns: &[ColumnMeta]) {
        self.another_follows(out);
        write_columns(out, columns, self.view);
        self.encoder = Some(RowEncoder::new(columns, self.format, self.view.results));
    }

    /// `true`: more than [`FLUSH_BYTES`] wait.
    pub fn row(&mut self, out: &mut OutBuffer, cells: &[ValueRef<'_>]) -> bool {
        if let Some(encoder) = &self.encoder {
            encoder.write(out, cells);
        }
        out.len() >= FLUSH_BYTES
    }

    pub fn end(&mut self, out: &mut OutBuffer, done: &StatementStatus) {
        self.another_follows(out);
        let before = out.mark();
        let at = if self.encoder.take().is_some() {
            write_result_end(out, self.view.common, done)
        } else {
            write_ok(out, self.view.common, done)
        };
        self.last_end = Some((at, before));
    }

    /// The command failed: the error follows whatever was sent.
    pub fn fail(&mut self, out: &mut OutBuffer, error: &SqlError) {
        self.another_follows(out);
        self.encoder = None;
        write_err(out, error);
    }

    /// The last statement's commit failed after its terminator was written: the error takes its place.
    pub fn fail_last(&mut self, out: &mut OutBuffer, error: &SqlError) {
        if let Some((_, before)) = self.last_end.take() {
            out.rewind(before);
        }
        self.fail(out, error);
    }

    /// Something follows the last terminator, which must say so.
    pub fn another_follows(&mut self, out: &mut OutBuffer) {
        if let Some((at, _)) = self.last_end.take() {
            mark_more_results(out, at);
        }
    }
}

/// A [`RowSink`] into a buffer that grows as needed: for tests, and for answers known to be small.
#[derive(Debug)]
pub struct BufferSink<'a> {
    pub writer: ResultWriter,
    pub out: &'a mut OutBuffer,
}

impl RowSink for BufferSink<'_> {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        self.writer.begin(self.out, columns);
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        Ok(self.writer.row(self.out, cells))
    }

    fn end(&mut self, status: &StatementStatus) -> SqlResult<()> {
        self.writer.end(self.out, status);
        Ok(())
    }

    fn results_collation(&mut self, collation: Option<CollationId>) {
        self.writer.set_results_collation(collation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::Capabilities;
    use crate::frame::FrameReader;
    use aurora_types::error::ER_LOCK_DEADLOCK;
    use aurora_types::{BaseType, ColumnFlags, SqlType};

    fn column() -> ColumnMeta {
        ColumnMeta {
            schema: String::new(),
            table: String::new(),
            org_table: String::new(),
            name: "n".into(),
            org_name: String::new(),
            ty: SqlType::new(BaseType::BigInt, 20),
            flags: ColumnFlags(0),
        }
    }

    fn packets(out: &OutBuffer) -> Vec<Vec<u8>> {
        let mut reader = FrameReader::new(usize::MAX / 2);
        reader.set_sequence(1);
        reader.feed(out.bytes());
        let mut all = Vec::new();
        while let Some(at) = reader.next_packet().unwrap() {
            all.push(reader.payload(at).to_vec());
        }
        all
    }

    fn run(common: u32, steps: impl FnOnce(&mut BufferSink<'_>)) -> Vec<Vec<u8>> {
        let mut out = OutBuffer::new();
        out.set_sequence(1);
        let writer = ResultWriter::new(
            ClientView { common: Capabilities(common), results: None, status_flags: 2 },
            RowFormat::Text,
        );
        steps(&mut BufferSink { writer, out: &mut out });
        packets(&out)
    }

    #[test]
    fn results_follow_one_another_in_both_styles() {
        let two = |sink: &mut BufferSink<'_>| {
            let done = StatementStatus { status_flags: 2, ..Default::default() };
            sink.begin(&[column()]).unwrap();
            sink.row(&[ValueRef::Int(1)]).unwrap();
            sink.end(&done).unwrap();
            sink.end(&done).unwrap();
        };
        let new = run(Capabilities::DEPRECATE_EOF, two);
        assert_eq!(new.len(), 5);
        assert_eq!(new[3], [0xFE, 0, 0, 10, 0, 0, 0]);
        assert_eq!(new[4], [0, 0, 0, 2, 0, 0, 0]);
        let old = run(0, two);
        assert_eq!(old.len(), 6);
        assert_eq!(old[2], [0xFE, 0, 0, 2, 0]);
        assert_eq!(old[4], [0xFE, 0, 0, 10, 0]);
    }

    #[test]
    fn a_failed_commit_takes_back_the_ok() {
        let error = SqlError::new(ER_LOCK_DEADLOCK, &[]);
        let got = run(0, |sink| {
            sink.end(&StatementStatus::default()).unwrap();
            sink.end(&StatementStatus::default()).unwrap();
            sink.writer.fail_last(sink.out, &error);
        });
        assert_eq!(got.len(), 2);
        assert_eq!(got[0], [0, 0, 0, 8, 0, 0, 0]);
        assert_eq!(got[1][..3], [0xFF, 0xBD, 0x04]);
    }
}
