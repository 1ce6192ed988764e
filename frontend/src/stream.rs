//! The byte stream of a connection: its socket, or TLS over it.

use crate::net::Net;
use crate::service::TlsInfo;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A socket that is also watched for the client's disappearance while a statement runs.
#[derive(Debug)]
pub struct Socket {
    net: Arc<Net>,
    /// Bytes that were read before TLS took over.
    prefix: Vec<u8>,
    prefix_read: usize,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix_read < self.prefix.len() {
            let rest = &self.prefix[self.prefix_read..];
            let n = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..n]);
            self.prefix_read += n;
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.net.poll_read_ready(cx))?;
            match self.net.try_read(buf.initialize_unfilled()) {
                Ok(n) => {
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.net.poll_write_with(cx, |net| net.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.net.poll_write_with(cx, |net| net.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The socket closes when its last owner drops it.
        Poll::Ready(Ok(()))
    }
}

/// Plain or encrypted.
#[derive(Debug)]
pub enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    /// While TLS is being agreed, and after that has failed.
    Gone,
}

impl Stream {
    pub(crate) fn new(net: Arc<Net>) -> Stream {
        Stream::Plain(Socket { net, prefix: Vec::new(), prefix_read: 0 })
    }

    /// The stream itself; what stays behind is at its end.
    pub fn take(&mut self) -> Stream {
        std::mem::replace(self, Stream::Gone)
    }

    /// Runs the TLS handshake; `early` is what was read behind the SSLRequest.
    pub async fn accept_tls(self, acceptor: &TlsAcceptor, early: Vec<u8>) -> io::Result<Stream> {
        let Stream::Plain(mut socket) = self else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS within TLS"));
        };
        socket.prefix = early;
        Ok(Stream::Tls(Box::new(acceptor.accept(socket).await?)))
    }

    pub fn tls_info(&self) -> Option<TlsInfo> {
        let Stream::Tls(stream) = self else { return None };
        let (_, connection) = stream.get_ref();
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_string(),
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_string(),
            other => format!("{other:?}"),
        };
        let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let cipher = openssl_name(&suite.unwrap_or_default());
        let certificates = connection.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|der| der.as_ref().to_vec()).collect();
        Some(TlsInfo { version, cipher, certificates })
    }

    /// Reads some bytes; 0 at the end of the stream. Nothing is lost when the future is dropped.
    pub async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(buf).await,
            Stream::Tls(stream) => stream.read(buf).await,
            Stream::Gone => Ok(0),
        }
    }

    /// Reads what is there already, of a plain stream: no timer, no task to wake. `None`: nothing yet, or it takes the
    /// way of [`Stream::read`].
    pub fn read_at_once(&mut self, buf: &mut [u8]) -> Option<io::Result<usize>> {
        let Stream::Plain(socket) = self else { return None };
        if socket.prefix_read < socket.prefix.len() {
            return None;
        }
        match socket.net.try_read(buf) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            done => Some(done),
        }
    }

    /// Writes what a plain stream takes without waiting, and says how much; the rest is for [`Stream::write_all`].
    pub fn write_at_once(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Stream::Plain(socket) = self else { return Ok(0) };
        match socket.net.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            done => done,
        }
    }

    /// Returns when the client has sent something, or at once where TLS may have read it already.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => poll_fn(|cx| socket.net.poll_read_ready(cx)).await,
            Stream::Tls(_) | Stream::Gone => Ok(()),
        }
    }

    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Says goodbye inside TLS, so that the client can tell the end from an attack.
    pub async fn close(&mut self) {
        if let Stream::Tls(stream) = self {
            // A peer that is gone cannot be told.
            let _ = stream.shutdown().await;
        }
    }
}

/// A cipher suite by the name that OpenSSL has for it, which MySQL shows and REQUIRE CIPHER compares:
/// `TLS13_AES_256_GCM_SHA384` is `TLS_AES_256_GCM_SHA384`, `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` is
/// `ECDHE-RSA-AES256-GCM-SHA384`.
fn openssl_name(suite: &str) -> String {
    if let Some(name) = suite.strip_prefix("TLS13_") {
        return format!("TLS_{name}");
    }
    let name = suite.trim_start_matches("TLS_").replace("_WITH_", "_").replace("AES_", "AES");
    name.replace("POLY1305_SHA256", "POLY1305").replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_have_openssls_names() {
        for (rustls, openssl) in [
            ("TLS13_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            ("TLS13_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
            ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ] {
            assert_eq!(openssl_name(rustls), openssl);
        }
    }
}
