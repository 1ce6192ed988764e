//! Packets over a stream: frames in, one buffer out, deadlines on both.

use crate::channel::Channel;
use crate::stream::Stream;
use aurora_types::error::{
    ER_NET_PACKET_TOO_LARGE, ER_NET_PACKETS_OUT_OF_ORDER, ER_NET_READ_INTERRUPTED, ER_NET_UNCOMPRESS_ERROR,
};
use aurora_types::{SqlError, StatementStatus};
use aurora_wire::{Capabilities, FrameError, FrameReader, OutBuffer, PacketAt, reply};
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// Largest packet before login.
pub const LOGIN_PACKET_BYTES: usize = 64 * 1024;

/// How much is read from a client that has been told goodbye.
const DRAINED_BYTES: usize = 64 * 1024 * 1024;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the client has gone")]
    Closed,
    #[error("the client is silent")]
    Timeout,
    /// Part of an answer may be out: nothing that makes sense can follow it.
    #[error("the client takes nothing")]
    NotTaken,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Broken {
    /// What the client is told before the connection closes, if it can be told anything.
    pub fn farewell(&self) -> Option<SqlError> {
        match self {
            Broken::Frame(FrameError::TooLarge { .. }) => Some(SqlError::new(ER_NET_PACKET_TOO_LARGE, &[])),
            Broken::Frame(FrameError::OutOfOrder { .. }) => {
                Some(SqlError::new(ER_NET_PACKETS_OUT_OF_ORDER, &[]))
            }
            Broken::Frame(FrameError::BadCompression) => Some(SqlError::new(ER_NET_UNCOMPRESS_ERROR, &[])),
            Broken::Timeout => Some(SqlError::new(ER_NET_READ_INTERRUPTED, &[])),
            Broken::Closed | Broken::NotTaken | Broken::Io(_) => None,
        }
    }
}

/// A client's connection below the commands.
#[derive(Debug)]
pub struct Connection {
    pub channel: Channel,
    pub frames: FrameReader,
    pub out: OutBuffer,
    /// What both sides have; nothing before the client's first packet.
    pub common: Capabilities,
    pub read_timeout: Duration,
    pub write_timeout: Duration,
}

impl Connection {
    pub fn new(stream: Stream) -> Connection {
        Connection {
            channel: Channel::new(stream),
            frames: FrameReader::new(LOGIN_PACKET_BYTES),
            out: OutBuffer::new(),
            common: Capabilities(0),
            read_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
        }
    }

    /// The next packet of the running exchange.
    pub async fn read_packet(&mut self) -> Result<PacketAt, Broken> {
        loop {
            if let Some(at) = self.frames.next_packet()? {
                self.out.set_sequence(self.frames.sequence());
                return Ok(at);
            }
            timeout(self.read_timeout, self.fill()).await.map_err(|_| Broken::Timeout)??;
        }
    }

    /// Gives all buffers back, and returns when the client has sent something.
    pub async fn rest(&mut self) -> io::Result<()> {
        self.frames.give_back();
        self.out.give_back();
        self.channel.stream.readable().await
    }

    /// Reads what there is, at least a byte. Nothing is lost when the future is dropped.
    pub async fn fill(&mut self) -> Result<(), Broken> {
        self.channel.fill(&mut self.frames).await
    }

    /// As [`Connection::fill`], where it can be done without waiting; `None`: it must be waited for.
    pub fn fill_at_once(&mut self) -> Option<Result<(), Broken>> {
        self.channel.fill_at_once(&mut self.frames)
    }

    /// Writes all packets; the next one in continues their numbers.
    pub async fn flush(&mut self) -> Result<(), Broken> {
        if !self.out.is_empty() {
            let done = self.write_out().await;
            self.out.clear();
            done?;
        }
        self.frames.set_sequence(self.out.sequence());
        Ok(())
    }

    /// A socket takes most answers at once: a deadline is set for what is left only.
    async fn write_out(&mut self) -> Result<(), Broken> {
        let packets = self.out.bytes();
        let written = self.channel.write_at_once(packets)?;
        match packets.get(written..) {
            None | Some([]) => Ok(()),
            Some(rest) => {
                let done = timeout(self.write_timeout, self.channel.write(rest)).await;
                Ok(done.map_err(|_| Broken::NotTaken)??)
            }
        }
    }

    pub fn write_err(&mut self, error: &SqlError) {
        reply::write_err(&mut self.out, error);
    }

    pub fn write_ok(&mut self, done: &StatementStatus) {
        reply::write_ok(&mut self.out, self.common, done);
    }

    /// Tells the client why, as far as possible, and closes.
    pub async fn end(mut self, reason: Option<SqlError>) {
        if let Some(error) = reason {
            if self.out.is_empty() {
                self.out.set_sequence(self.frames.sequence());
            }
            self.write_err(&error);
            self.write_timeout = self.write_timeout.min(Duration::from_secs(1));
            if self.flush().await.is_err() {
                return;
            }
            self.drain().await;
        }
        let _ = timeout(Duration::from_secs(1), self.channel.stream.close()).await;
    }

    /// Takes what the client still sends: closing a socket with unread bytes would take the error away from it.
    async fn drain(&mut self) {
        let mut room = vec![0; 4096];
        let read_all = async {
            // A packet that was refused for its size, but not an endless one.
            for _ in 0..DRAINED_BYTES / room.len() {
                if !matches!(self.channel.stream.read(&mut room).await, Ok(1..)) {
                    break;
                }
            }
        };
        let _ = timeout(Duration::from_millis(300), read_all).await;
    }
}
