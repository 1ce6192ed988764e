//! The sink of a running statement: rows go into the connection's buffer, and from there to the client whenever it
//! is full.

use crate::channel::Channel;
use aurora_env::{KillFlag, KillLevel};
use aurora_types::error::{
    ER_CLIENT_LOCAL_FILES_DISABLED, ER_NET_ERROR_ON_WRITE, ER_NET_PACKETS_OUT_OF_ORDER, ER_NET_READ_ERROR,
};
use aurora_types::{CollationId, ColumnMeta, RowSink, SqlError, SqlResult, StatementStatus, ValueRef};
use aurora_wire::{FrameReader, OutBuffer, ResultWriter};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::timeout;

/// Largest packet of a local file; clients send some KiB at a time.
const LOCAL_FILE_PACKET_BYTES: usize = 64 * 1024 * 1024;

/// Used on a worker of the runtime, which is replaced while it writes: a full buffer is written out before the next row is taken, so that a result of
/// any size needs no more memory than the buffer.
pub struct WireSink<'a> {
    pub writer: ResultWriter,
    pub out: &'a mut OutBuffer,
    pub channel: &'a mut Channel,
    pub runtime: &'a Handle,
    pub kill: &'a KillFlag,
    pub read_timeout: Duration,
    pub write_timeout: Duration,
    /// The client offered to send local files.
    pub local_files: bool,
    /// The stream is unusable: nothing more can be said to the client.
    pub broken: bool,
}

impl WireSink<'_> {
    fn flush(&mut self) -> SqlResult<()> {
        let write = timeout(self.write_timeout, self.channel.write(self.out.bytes()));
        match block_in_place(|| self.runtime.block_on(write)) {
            Ok(Ok(())) => {
                self.out.clear();
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(self.broke(SqlError::new(ER_NET_ERROR_ON_WRITE, &[]))),
        }
    }

    fn broke(&mut self, error: SqlError) -> SqlError {
        self.broken = true;
        self.out.clear();
        self.kill.kill(KillLevel::Connection);
        error
    }

    /// Reads one packet of a local file into `frames`.
    fn read_packet(&mut self, frames: &mut FrameReader) -> SqlResult<aurora_wire::PacketAt> {
        loop {
            match frames.next_packet() {
                Ok(Some(at)) => return Ok(at),
                Ok(None) => {}
                Err(_) => return Err(self.broke(SqlError::new(ER_NET_PACKETS_OUT_OF_ORDER, &[]))),
            }
            let read = timeout(self.read_timeout, self.channel.fill(frames));
            match block_in_place(|| self.runtime.block_on(read)) {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(self.broke(SqlError::new(ER_NET_READ_ERROR, &[]))),
            }
        }
    }
}

impl RowSink for WireSink<'_> {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        self.writer.begin(self.out, columns);
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        if self.writer.row(self.out, cells) {
            self.flush()?;
        }
        Ok(false)
    }

    fn end(&mut self, status: &StatementStatus) -> SqlResult<()> {
        self.writer.end(self.out, status);
        Ok(())
    }

    fn results_collation(&mut self, collation: Option<CollationId>) {
        self.writer.set_results_collation(collation);
    }

    fn local_infile(
        &mut self,
        name: &[u8],
        consume: &mut dyn FnMut(&[u8]) -> SqlResult<()>,
    ) -> SqlResult<()> {
        if !self.local_files {
            return Err(SqlError::new(ER_CLIENT_LOCAL_FILES_DISABLED, &[]));
        }
        self.writer.another_follows(self.out);
        self.out.begin_packet();
        self.out.u8(0xFB);
        self.out.raw(name);
        self.out.end_packet();
        self.flush()?;
        let mut frames = FrameReader::new(LOCAL_FILE_PACKET_BYTES);
        frames.set_sequence(self.out.sequence());
        frames.set_check_sequence(!self.channel.is_compressed());
        let mut failed = None;
        loop {
            let at = self.read_packet(&mut frames)?;
            let bytes = frames.payload(at);
            if bytes.is_empty() {
                break;
            }
            // The client sends all of it whatever happens; an error waits until it listens again.
            if failed.is_none() {
                failed = consume(bytes).err();
            }
        }
        if frames.pending_bytes() > 0 {
            // Nobody may send a command before this one has been answered.
            return Err(self.broke(SqlError::new(ER_NET_PACKETS_OUT_OF_ORDER, &[])));
        }
        self.out.set_sequence(frames.sequence());
        failed.map_or(Ok(()), Err)
    }
}
