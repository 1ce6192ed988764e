//! `/health/live`, `/health/ready` and `/metrics` for monitoring: HTTP/1.1, one request a connection.

use crate::metrics;
use aurora_lsm::Engine;
use aurora_session::SessionShared;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const REQUEST_BYTES_MAX: usize = 8 << 10;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const REQUESTS_AT_ONCE: usize = 32;

/// What is served: nothing until the server is ready, and nothing again once it stops.
#[derive(Default)]
pub struct Health {
    source: Mutex<Option<Source>>,
}

/// Weak: monitoring must not keep storage open.
#[derive(Clone)]
pub struct Source {
    pub shared: Weak<SessionShared>,
    pub engine: Weak<Engine>,
}

impl Health {
    pub fn ready(&self, source: Source) {
        *self.source.lock() = Some(source);
    }

    pub fn stopping(&self) {
        *self.source.lock() = None;
    }

    fn source(&self) -> Option<(Arc<SessionShared>, Arc<Engine>)> {
        let source = self.source.lock().clone()?;
        Some((source.shared.upgrade()?, source.engine.upgrade()?))
    }
}

/// Serves until its task is aborted.
pub async fn serve(listener: TcpListener, health: Arc<Health>) {
    let slots = Arc::new(Semaphore::new(REQUESTS_AT_ONCE));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let health = health.clone();
                tokio::spawn(async move {
                    let _slot = slot;
                    // A client that is slow or gone gets no answer.
                    let _ = timeout(REQUEST_TIMEOUT, converse(stream, &health)).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn converse(mut stream: TcpStream, health: &Health) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if request.len() > REQUEST_BYTES_MAX {
            return send(
                &mut stream,
                &Answer::new("431 Request Header Fields Too Large", "too long\n"),
                false,
            )
            .await;
        }
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (answer, is_head) = respond(&request, health);
    send(&mut stream, &answer, is_head).await
}

struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

impl Answer {
    fn new(status: &'static str, body: &str) -> Answer {
        Answer { status, content_type: "text/plain; charset=utf-8", body: body.to_owned() }
    }
}

/// The answer, and whether only its head goes out.
fn respond(request: &[u8], health: &Health) -> (Answer, bool) {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return (Answer::new("400 Bad Request", "bad request\n"), false);
    };
    if !version.starts_with("HTTP/1.") {
        return (Answer::new("505 HTTP Version Not Supported", "HTTP/1.1 is spoken here\n"), false);
    }
    if !matches!(method, "GET" | "HEAD") {
        return (Answer::new("405 Method Not Allowed", "GET only\n"), false);
    }
    let answer = match target.split('?').next().unwrap_or_default() {
        "/health/live" => Answer::new("200 OK", "live\n"),
        "/health/ready" => match health.source() {
            Some(_) => Answer::new("200 OK", "ready\n"),
            None => Answer::new("503 Service Unavailable", "not ready\n"),
        },
        "/metrics" => match health.source() {
            Some((shared, engine)) => Answer {
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                ..Answer::new("200 OK", &metrics::text(&shared, &engine.stats()))
            },
            None => Answer::new("503 Service Unavailable", "not ready\n"),
        },
        _ => Answer::new("404 Not Found", "/health/live, /health/ready, /metrics\n"),
    };
    (answer, method == "HEAD")
}

async fn send(stream: &mut TcpStream, answer: &Answer, is_head: bool) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.content_type,
        answer.body.len()
    );
    let body = if is_head { "" } else { &answer.body };
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: &str) -> &'static str {
        respond(request.as_bytes(), &Health::default()).0.status
    }

    #[test]
    fn requests_are_answered_by_their_line() {
        assert_eq!(status("GET /health/live HTTP/1.1\r\n\r\n"), "200 OK");
        assert_eq!(status("GET /health/ready?x=1 HTTP/1.1\r\n\r\n"), "503 Service Unavailable");
        assert_eq!(status("GET /metrics HTTP/1.0\r\n\r\n"), "503 Service Unavailable");
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "404 Not Found");
        assert_eq!(status("POST /metrics HTTP/1.1\r\n\r\n"), "405 Method Not Allowed");
        assert_eq!(status("GET /metrics HTTP/2\r\n\r\n"), "505 HTTP Version Not Supported");
        assert_eq!(status("\u{0}\r\n\r\n"), "400 Bad Request");
        assert!(respond(b"HEAD /health/live HTTP/1.1\r\n\r\n", &Health::default()).1);
    }
}
