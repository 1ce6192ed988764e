//! `caching_sha2_password`, the server's half, as a state machine. The same one serves the handshake and
//! COM_CHANGE_USER. It holds no secret and checks nothing: it says what the driver is to check.

use crate::constants::CACHING_SHA2_PASSWORD;
use crate::handshake::{Nonce, write_auth_more_data, write_auth_switch};
use crate::out::OutBuffer;
use zeroize::Zeroizing;

/// Length of a proof: SHA-256.
pub const PROOF_BYTES: usize = 32;
const FAST_AUTH_DONE: u8 = 3;
const FULL_AUTH_WANTED: u8 = 4;
const PUBLIC_KEY_WANTED: u8 = 2;
/// A longer cleartext password is refused before it is hashed (MySQL's limit is 256).
const MAX_PASSWORD_BYTES: usize = 256;

/// What the driver does next.
#[derive(Debug, PartialEq, Eq)]
pub enum AuthAction {
    /// Flush, read one packet, give it to [`AuthExchange::on_packet`].
    Read,
    /// The client claims that the account has no password. Nothing more is asked of it.
    CheckEmpty,
    /// Compare the proof with a cached digest, then call [`AuthExchange::on_fast_hit`] or
    /// [`AuthExchange::on_fast_miss`].
    CheckFast([u8; PROOF_BYTES]),
    /// The password itself; the last check.
    CheckFull(Zeroizing<Vec<u8>>),
    /// A password sealed with the server's public key; give the opened bytes to [`AuthExchange::on_opened`].
    Open(Vec<u8>),
    Fail(AuthFailure),
}

/// Why an exchange cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthFailure {
    #[error("malformed authentication packet")]
    Malformed,
    /// The password would travel in the clear (clients call it 2061).
    #[error("Authentication requires secure connection.")]
    NeedsTls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitProof,
    Checking,
    AwaitPassword,
    AwaitSealed,
}

/// One login.
#[derive(Debug)]
pub struct AuthExchange {
    nonce: Nonce,
    /// The channel hides what is sent through it: TLS.
    secure: bool,
    state: State,
}

impl AuthExchange {
    /// Begins with what the client sent unasked. A client that speaks another plugin, or computed its answer for
    /// one, is asked to switch.
    pub fn start(
        nonce: Nonce,
        secure: bool,
        plugin: Option<&[u8]>,
        response: &[u8],
        out: &mut OutBuffer,
    ) -> (AuthExchange, AuthAction) {
        let mut exchange = AuthExchange { nonce, secure, state: State::AwaitProof };
        if plugin == Some(CACHING_SHA2_PASSWORD.as_bytes()) {
            let action = exchange.proof(response);
            return (exchange, action);
        }
        write_auth_switch(out, CACHING_SHA2_PASSWORD, &exchange.nonce);
        (exchange, AuthAction::Read)
    }

    /// A packet of the client. `public_key` is the PEM of the key that passwords may be sealed with, if there is
    /// one.
    pub fn on_packet(&mut self, packet: &[u8], public_key: Option<&str>, out: &mut OutBuffer) -> AuthAction {
        match self.state {
            State::AwaitProof => self.proof(packet),
            State::AwaitPassword if self.secure => self.password(packet),
            State::AwaitPassword if packet == [PUBLIC_KEY_WANTED] => match public_key {
                Some(pem) => {
                    write_auth_more_data(out, pem.as_bytes());
                    self.state = State::AwaitSealed;
                    AuthAction::Read
                }
                None => AuthAction::Fail(AuthFailure::NeedsTls),
            },
            // A client that knows the key already sends the sealed password at once.
            State::AwaitPassword if public_key.is_some() && packet.len() >= 128 => {
                self.state = State::Checking;
                AuthAction::Open(packet.to_vec())
            }
            State::AwaitPassword => AuthAction::Fail(AuthFailure::NeedsTls),
            State::AwaitSealed => {
                self.state = State::Checking;
                AuthAction::Open(packet.to_vec())
            }
            State::Checking => AuthAction::Fail(AuthFailure::Malformed),
        }
    }

    /// The proof is right: the client hears so before the OK.
    pub fn on_fast_hit(&mut self, out: &mut OutBuffer) {
        write_auth_more_data(out, &[FAST_AUTH_DONE]);
    }

    /// Nothing is cached, or the proof is wrong: the client is asked for the password.
    pub fn on_fast_miss(&mut self, out: &mut OutBuffer) -> AuthAction {
        write_auth_more_data(out, &[FULL_AUTH_WANTED]);
        self.state = State::AwaitPassword;
        AuthAction::Read
    }

    /// The opened bytes: the password with its NUL, xored with the nonce.
    pub fn on_opened(&mut self, opened: Zeroizing<Vec<u8>>) -> AuthAction {
        let mut text = opened;
        for (byte, mask) in text.iter_mut().zip(self.nonce.bytes().iter().cycle()) {
            *byte ^= mask;
        }
        self.password(&text)
    }

    fn proof(&mut self, response: &[u8]) -> AuthAction {
        self.state = State::Checking;
        match response {
            // Clients send no password as nothing or as one NUL.
            [] | [0] => AuthAction::CheckEmpty,
            _ => match <[u8; PROOF_BYTES]>::try_from(response) {
                Ok(proof) => AuthAction::CheckFast(proof),
                Err(_) => AuthAction::Fail(AuthFailure::Malformed),
            },
        }
    }

    fn password(&mut self, packet: &[u8]) -> AuthAction {
        self.state = State::Checking;
        match packet.split_last() {
            Some((0, text)) if text.len() <= MAX_PASSWORD_BYTES => {
                AuthAction::CheckFull(Zeroizing::new(text.to_vec()))
            }
            _ => AuthAction::Fail(AuthFailure::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::NONCE_BYTES;

    const PLUGIN: Option<&[u8]> = Some(CACHING_SHA2_PASSWORD.as_bytes());

    fn start(secure: bool, plugin: Option<&[u8]>, response: &[u8]) -> (AuthExchange, AuthAction, OutBuffer) {
        let mut out = OutBuffer::new();
        let nonce = Nonce::from_random([7; NONCE_BYTES]);
        let (exchange, action) = AuthExchange::start(nonce, secure, plugin, response, &mut out);
        (exchange, action, out)
    }

    fn full(text: &[u8]) -> AuthAction {
        AuthAction::CheckFull(Zeroizing::new(text.to_vec()))
    }

    #[test]
    fn a_cached_password_needs_no_more_than_its_proof() {
        let (mut exchange, action, mut out) = start(false, PLUGIN, &[9; 32]);
        assert_eq!(action, AuthAction::CheckFast([9; 32]));
        exchange.on_fast_hit(&mut out);
        assert_eq!(out.bytes(), [2, 0, 0, 0, 1, 3]);
    }

    #[test]
    fn other_plugins_are_asked_to_switch_and_then_prove() {
        for plugin in [None, Some(b"mysql_native_password".as_slice())] {
            let (mut exchange, action, mut out) = start(true, plugin, &[1; 20]);
            assert_eq!(action, AuthAction::Read);
            assert_eq!(out.bytes()[4], 0xFE);
            assert_eq!(exchange.on_packet(&[9; 32], None, &mut out), AuthAction::CheckFast([9; 32]));
            assert_eq!(exchange.on_fast_miss(&mut out), AuthAction::Read);
            assert_eq!(exchange.on_packet(b"secret\0", None, &mut out), full(b"secret"));
        }
    }

    #[test]
    fn no_password_is_nothing_or_a_nul() {
        for response in [&b""[..], b"\0"] {
            assert_eq!(start(false, PLUGIN, response).1, AuthAction::CheckEmpty);
        }
        for response in [&b"x"[..], &[1; 31], &[1; 33], &[1; 20]] {
            assert_eq!(start(false, PLUGIN, response).1, AuthAction::Fail(AuthFailure::Malformed));
        }
    }

    #[test]
    fn a_password_never_crosses_an_open_channel() {
        for packet in [&b"secret\0"[..], &[PUBLIC_KEY_WANTED]] {
            let (mut exchange, _, mut out) = start(false, PLUGIN, &[9; 32]);
            exchange.on_fast_miss(&mut out);
            let action = exchange.on_packet(packet, None, &mut out);
            assert_eq!(action, AuthAction::Fail(AuthFailure::NeedsTls));
        }
    }

    #[test]
    fn a_sealed_password_is_opened_and_unmasked() {
        let (mut exchange, _, mut out) = start(false, PLUGIN, &[9; 32]);
        exchange.on_fast_miss(&mut out);
        out.clear();
        assert_eq!(exchange.on_packet(&[2], Some("PEM"), &mut out), AuthAction::Read);
        assert_eq!(&out.bytes()[4..], b"\x01PEM");
        let sealed = vec![5; 256];
        assert_eq!(exchange.on_packet(&sealed, Some("PEM"), &mut out), AuthAction::Open(sealed));
        let masked = b"secret\0".iter().map(|b| b ^ 7).collect();
        assert_eq!(exchange.on_opened(Zeroizing::new(masked)), full(b"secret"));
    }

    #[test]
    fn endless_passwords_and_packets_out_of_turn_are_malformed() {
        let (mut exchange, _, mut out) = start(true, PLUGIN, &[9; 32]);
        let malformed = AuthAction::Fail(AuthFailure::Malformed);
        assert_eq!(exchange.on_packet(b"early", None, &mut out), malformed);
        exchange.on_fast_miss(&mut out);
        assert_eq!(exchange.on_packet(&[b'x'; 400], None, &mut out), malformed);
        exchange.on_fast_miss(&mut out);
        assert_eq!(exchange.on_packet(b"no end", None, &mut out), malformed);
    }
}
