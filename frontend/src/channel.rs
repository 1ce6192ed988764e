//! What packets travel through: a stream, and compression around it once both sides have agreed.

use crate::connection::Broken;
use crate::stream::Stream;
use aurora_wire::compress::Method;
use aurora_wire::{Compression, FrameReader};
use std::io;

/// A stream of packets, compressed or not.
#[derive(Debug)]
pub struct Channel {
    pub stream: Stream,
    compression: Option<Box<Compression>>,
}

impl Channel {
    pub fn new(stream: Stream) -> Channel {
        Channel { stream, compression: None }
    }

    /// From the next packet on, in both directions.
    pub fn compress(&mut self, method: Method, frames: &mut FrameReader) {
        let mut compression = Box::new(Compression::new(method));
        frames.set_check_sequence(false);
        // What came behind the login is compressed already.
        let early = frames.take_pending();
        for piece in early.chunks(1024) {
            compression.spare()[..piece.len()].copy_from_slice(piece);
            if compression.filled(piece.len(), frames).is_err() {
                // Left out: the client's next packet is out of order then, and says so.
                break;
            }
        }
        self.compression = Some(compression);
    }

    pub fn is_compressed(&self) -> bool {
        self.compression.is_some()
    }

    /// A command starts: numbers begin again.
    pub fn start_command(&mut self) {
        if let Some(compression) = &mut self.compression {
            compression.start_command();
        }
    }

    /// Reads what there is into `frames`, at least a byte of the stream. Nothing is lost when the future is dropped.
    pub async fn fill(&mut self, frames: &mut FrameReader) -> Result<(), Broken> {
        match &mut self.compression {
            None => {
                let n = self.stream.read(frames.spare()).await?;
                if n == 0 {
                    return Err(Broken::Closed);
                }
                frames.filled(n);
            }
            Some(compression) => {
                let n = self.stream.read(compression.spare()).await?;
                if n == 0 {
                    return Err(Broken::Closed);
                }
                compression.filled(n, frames)?;
            }
        }
        Ok(())
    }

    /// As [`Channel::fill`], where it can be done without waiting; `None`: it must be waited for.
    pub fn fill_at_once(&mut self, frames: &mut FrameReader) -> Option<Result<(), Broken>> {
        if self.compression.is_some() {
            return None;
        }
        Some(match self.stream.read_at_once(frames.spare())? {
            Ok(0) => Err(Broken::Closed),
            Ok(n) => {
                frames.filled(n);
                Ok(())
            }
            Err(error) => Err(error.into()),
        })
    }

    /// Writes as much of whole packets as needs no waiting, and says how much; the rest is for [`Channel::write`].
    pub fn write_at_once(&mut self, packets: &[u8]) -> io::Result<usize> {
        if self.compression.is_some() { Ok(0) } else { self.stream.write_at_once(packets) }
    }

    /// Writes whole packets.
    pub async fn write(&mut self, packets: &[u8]) -> io::Result<()> {
        match &mut self.compression {
            None => self.stream.write_all(packets).await,
            Some(compression) => {
                let frames = compression.pack(packets)?;
                self.stream.write_all(frames).await
            }
        }
    }
}
