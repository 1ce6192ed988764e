//! Clients that do not keep to the protocol: told so where possible, shown out always, and nobody else notices.

mod support;

use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::raw::{Raw, login};
use support::{Running, start};

async fn check(work: impl FnOnce(&Running) + Send + 'static) {
    let server = start(false, |options| options.login_timeout = Duration::from_millis(400)).await;
    let server = tokio::task::spawn_blocking(move || {
        work(&server);
        // Whatever happened, the next client is served.
        Raw::log_in(&server);
        server
    })
    .await
    .unwrap();
    let began = Instant::now();
    while !server.handle.connections().is_empty() && began.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.handle.connections().len(), 0, "a connection was left behind");
    assert_eq!(server.open_sessions.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn garbage_instead_of_a_handshake() {
    check(|server| {
        let mut raw = Raw::connect(server);
        raw.packet().unwrap();
        raw.bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(matches!(raw.error(), Some(1153 | 1156)));
        for payload in [&b""[..], b"x", &[0xFF; 33], &[0; 200]] {
            let mut raw = Raw::connect(server);
            raw.packet().unwrap();
            raw.send(1, payload);
            assert_eq!(raw.error(), Some(1043), "{payload:?}");
            assert_eq!(raw.packet(), None);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn half_handshakes_are_cut_off_in_time() {
    check(|server| {
        let began = Instant::now();
        let mut silent = Raw::connect(server);
        silent.packet().unwrap();
        let mut half = Raw::connect(server);
        half.packet().unwrap();
        half.bytes(&[200, 0, 0, 1, 1, 2, 3]);
        let mut tls = Raw::connect(server);
        tls.packet().unwrap();
        let mut request = login(b"")[..32].to_vec();
        request[1] |= 0x08;
        tls.send(1, &request);
        assert_eq!(silent.error(), Some(1159));
        assert_eq!(half.error(), Some(1159));
        assert_eq!(tls.packet(), None);
        assert!(began.elapsed() < Duration::from_secs(3));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plain_bytes_behind_an_ssl_request_are_tls_or_nothing() {
    check(|server| {
        let mut raw = Raw::connect(server);
        raw.packet().unwrap();
        let mut request = login(b"")[..32].to_vec();
        request[1] |= 0x08;
        raw.send(1, &request);
        // A login smuggled in front of the TLS handshake.
        raw.send(2, &login(b"open"));
        let mut answer = Vec::new();
        let _ = raw.0.read_to_end(&mut answer);
        assert!(answer.first().is_none_or(|first| *first == 0x15), "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn packets_too_large_or_out_of_order() {
    check(|server| {
        let mut raw = Raw::connect(server);
        raw.packet().unwrap();
        raw.bytes(&[0, 0, 2, 1]);
        assert_eq!(raw.error(), Some(1153));
        let mut raw = Raw::log_in(server);
        // Two frames of 16 MiB are more than the session's 20 MiB.
        raw.bytes(&[0xFF, 0xFF, 0xFF, 0]);
        raw.bytes(&vec![3; 0xFF_FFFF]);
        raw.bytes(&[0xFF, 0xFF, 0xFF, 1]);
        assert_eq!(raw.error(), Some(1153));
        let mut raw = Raw::log_in(server);
        raw.send(5, b"\x0e");
        assert_eq!(raw.error(), Some(1156));
        assert_eq!(raw.packet(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_that_are_none_are_answered_and_forgotten() {
    check(|server| {
        let mut raw = Raw::log_in(server);
        for code in [0u8, 5, 6, 8, 11, 15, 16, 19, 20, 29, 34, 99, 200, 255] {
            assert_eq!(raw.command_error(&[code, 1, 2, 3]), 1047, "{code}");
        }
        for code in [18u8, 21, 30, 32, 13] {
            assert_eq!(raw.command_error(&[code, 1, 2, 3]), 1235, "{code}");
        }
        assert_eq!(raw.command_error(b""), 1047);
        assert_eq!(raw.command_error(b"\x17\x01"), 1835);
        assert_eq!(raw.command_error(b"\x17\x09\0\0\0\0\x01\0\0\0"), 1243);
        assert_eq!(raw.command_error(b"\x1c\x09\0\0\0\x01\0\0\0"), 1243);
        assert_eq!(raw.command_error(b"\x1a\x09\0\0\0"), 1243);
        assert_eq!(raw.command_error(b"\x03\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01SELECT 1"), 1835);
        assert_eq!(raw.command_error(b"\x02missing"), 1049);
        assert_eq!(raw.command(b"\x02there").1[0], 0);
        assert_eq!(raw.command(b"\x0e").1[0], 0);
        assert_eq!(raw.command(b"\x09"), (1, b"Uptime: 1".to_vec()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_without_an_answer_share_a_segment_with_the_next() {
    check(|server| {
        let mut raw = Raw::log_in(server);
        let prepared = raw.command(b"\x16echo ?");
        assert_eq!(prepared.1[..9], [0, 1, 0, 0, 0, 1, 0, 1, 0]);
        raw.packet().unwrap();
        raw.packet().unwrap();
        let mut all = Vec::new();
        // One parameter, counted by the client: NULL bits, a type, a name without letters.
        let execute = [b"\x17\x01\0\0\0\0\x01\0\0\0".as_slice(), b"\x01\0\x01\xfc\0\0"].concat();
        for payload in
            [b"\x18\x01\0\0\0\0\0long ", b"\x18\x01\0\0\0\0\0data ", &execute[..], b"\x19\x01\0\0\0", b"\x0e"]
        {
            all.extend((payload.len() as u32).to_le_bytes()[..3].iter());
            all.push(0);
            all.extend(payload);
        }
        raw.bytes(&all);
        assert_eq!(raw.packet().unwrap().1, [1]);
        raw.packet().unwrap();
        assert_eq!(raw.packet().unwrap().1, b"\0\0\x0along data ");
        assert_eq!(raw.packet().unwrap().1[0], 0xFE);
        let pong = raw.packet().unwrap();
        assert_eq!((pong.0, pong.1[0]), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_takes_nothing_does_not_fill_the_memory() {
    check(|server| {
        let mut raw = Raw::log_in(server);
        // 1 GiB of rows, of which the first are read and the rest is not.
        raw.send(0, b"\x03\0\x01rows 10000000");
        for _ in 0..1000 {
            raw.packet().unwrap();
        }
        drop(raw);
    })
    .await;
}
