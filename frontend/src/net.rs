//! The two kinds of sockets that clients come through.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Where clients are let in.
#[derive(Debug)]
pub struct Doors {
    pub tcp: TcpListener,
    /// For clients of this machine.
    pub unix: Option<UnixListener>,
}

impl Doors {
    /// The next client, and its address where it has one.
    pub(crate) async fn accept(&self) -> io::Result<(Net, Option<SocketAddr>)> {
        let unix = async {
            match &self.unix {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.tcp.accept() => {
                let (stream, address) = accepted?;
                // Without it small answers wait for the client's acknowledgement; a failure costs speed only.
                let _ = stream.set_nodelay(true);
                Ok((Net::Tcp(stream), Some(address)))
            }
            accepted = unix => Ok((Net::Unix(accepted?.0), None)),
        }
    }
}

impl From<TcpListener> for Doors {
    fn from(tcp: TcpListener) -> Doors {
        Doors { tcp, unix: None }
    }
}

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Net {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Net {
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Net::Tcp(stream) => stream.poll_read_ready(cx),
            Net::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Net::Tcp(stream) => stream.poll_write_ready(cx),
            Net::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Net::Tcp(stream) => stream.try_read(buf),
            Net::Unix(stream) => stream.try_read(buf),
        }
    }

    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Net::Tcp(stream) => stream.try_write(buf),
            Net::Unix(stream) => stream.try_write(buf),
        }
    }

    pub fn try_write_vectored(&self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Net::Tcp(stream) => stream.try_write_vectored(bufs),
            Net::Unix(stream) => stream.try_write_vectored(bufs),
        }
    }

    /// Whether the other end has hung up. Takes nothing from the socket; on TCP, bytes that wait to be read hide
    /// the end behind them.
    pub fn is_gone(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        match self {
            Net::Tcp(stream) => {
                let mut byte = [0];
                let peek = pin!(stream.peek(&mut byte));
                matches!(peek.poll(&mut cx), Poll::Ready(Ok(0) | Err(_)))
            }
            Net::Unix(stream) => {
                let ready = pin!(stream.ready(Interest::READABLE));
                match ready.poll(&mut cx) {
                    Poll::Ready(Ok(ready)) => ready.is_read_closed(),
                    Poll::Ready(Err(_)) => true,
                    Poll::Pending => false,
                }
            }
        }
    }

    /// Runs `write` whenever the socket takes bytes, until it took some.
    pub fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&Net) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match write(self) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn the_end_of_a_local_client_is_seen() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let ours = Net::Unix(ours);
        assert!(!ours.is_gone());
        theirs.write_all(b"x").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!ours.is_gone());
        drop(theirs);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(ours.is_gone());
    }
}
