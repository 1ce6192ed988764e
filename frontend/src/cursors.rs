//! Executions that open a cursor, and COM_STMT_FETCH.

use crate::commands::{Client, Next, Panicked, guarded, internal_error};
use crate::service::ClientSession;
use aurora_types::{RowSink, StatementStatus, Value};
use aurora_wire::CursorSink;
use aurora_wire::cursor::write_fetch_end;
use aurora_wire::result::FLUSH_BYTES;
use tokio::time::timeout;

impl<S: ClientSession> Client<'_, S> {
    /// Runs a prepared statement and keeps its rows. A statement without rows opens no cursor.
    pub(crate) async fn open_cursor(&mut self, id: u32, values: Vec<Value>) -> Next {
        if let Err(error) = self.session.check_cursor(id) {
            return self.error(&error);
        }
        let view = self.view();
        let mut sink = CursorSink::new(view, self.out, self.cursors);
        let run = |session: &mut S| session.execute_prepared(id, values, &mut sink);
        let committed = match guarded(self.session, self.pace, run) {
            Ok(Ok(Some(ticket))) => ticket.await,
            Ok(Ok(None)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(Panicked) => {
                sink.fail(&internal_error());
                return Next::Close;
            }
        };
        let status_flags = self.session.status_flags();
        match committed {
            Ok(()) => {
                if !sink.has_ended() {
                    // A sink into memory does not fail.
                    let _ = sink.end(&StatementStatus { status_flags, ..StatementStatus::default() });
                }
                let cursor = sink.finish();
                self.statements.open_cursor(id, cursor);
            }
            Err(error) => sink.fail(&error),
        }
        Next::Continue
    }

    /// Sends the next `rows` rows at most.
    pub(crate) async fn fetch(&mut self, id: u32, rows: u32) -> Next {
        let view = self.view();
        let cursor = match self.statements.cursor(id) {
            Ok(cursor) => cursor,
            Err(error) => return self.error(&error),
        };
        let mut is_over = false;
        for _ in 0..rows {
            if !cursor.fetch(self.out) {
                is_over = true;
                break;
            }
            if self.out.len() >= FLUSH_BYTES {
                let written = timeout(self.write_timeout, self.channel.write(self.out.bytes())).await;
                self.out.clear();
                if !matches!(written, Ok(Ok(()))) || self.entry.is_killed() {
                    return Next::Close;
                }
            }
        }
        if is_over {
            self.statements.open_cursor(id, None);
        }
        write_fetch_end(self.out, view, is_over);
        Next::Continue
    }
}
