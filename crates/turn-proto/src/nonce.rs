//! Nonces that nobody needs to remember: each says when it was made, and shows that it was made here and for whom.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::{Client, Now, Via};

/// Makes nonces and recognises them.
#[derive(Clone)]
pub struct Nonces(Hmac<Sha256>);

/// What a nonce is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceState {
    /// It was made here, for this client, not long ago.
    Fresh,
    /// It was made here for this client, longer than [`NONCE_LIFE`] ago.
    Stale,
    /// It was made elsewhere, before the last start, or for another client.
    NotOurs,
}

impl Nonces {
    /// Takes 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(KeyInit::new_from_slice(&key).expect("any length will do"))
    }

    /// A nonce for this client.
    pub fn make(&self, now: Now, client: Client) -> [u8; NONCE_BYTES] {
        self.make_at(seconds(now), client)
    }

    /// What this nonce is. The time that it takes does not tell how much of a forged one is right.
    pub fn check(&self, now: Now, client: Client, nonce: &[u8]) -> NonceState {
        let Some(made) = made_at(nonce) else { return NonceState::NotOurs };
        if !bool::from(self.make_at(made, client).ct_eq(nonce)) {
            return NonceState::NotOurs;
        }
        let age = Duration::from_secs(u64::from(seconds(now).saturating_sub(made)));
        if age <= NONCE_LIFE { NonceState::Fresh } else { NonceState::Stale }
    }

    fn make_at(&self, made: u32, client: Client) -> [u8; NONCE_BYTES] {
        let made = made.to_be_bytes();
        let mut mac = self.0.clone();
        mac.update(&made);
        let (kind, number) = match client.via {
            Via::Udp(number) => (b'u', number),
            Via::Tcp(number) => (b't', number),
            Via::Tls(number) => (b's', number),
        };
        mac.update(&[kind]);
        mac.update(&number.to_be_bytes());
        mac.update(&client.address.port().to_be_bytes());
        // Last, for it alone has more than one length.
        match client.address.ip() {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        let mut bytes = [0; SIGNED_BYTES];
        bytes[..TIME_BYTES].copy_from_slice(&made);
        bytes[TIME_BYTES..].copy_from_slice(&mac.finalize().into_bytes()[..SIGNED_BYTES - TIME_BYTES]);
        let mut nonce = [0; NONCE_BYTES];
        nonce[..PREFIX.len()].copy_from_slice(PREFIX);
        let written = STANDARD_NO_PAD.encode_slice(bytes, &mut nonce[PREFIX.len()..]);
        assert_eq!(written, Ok(NONCE_BYTES - PREFIX.len()), "14 bytes are 19 characters");
        nonce
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Nonces([redacted])")
    }
}

/// When a nonce says that it was made.
fn made_at(nonce: &[u8]) -> Option<u32> {
    let text: &[u8; NONCE_BYTES - PREFIX.len()] = nonce.strip_prefix(PREFIX)?.try_into().ok()?;
    let mut bytes = [0; SIGNED_BYTES];
    STANDARD_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    bytes.first_chunk().map(|time| u32::from_be_bytes(*time))
}

/// Enough for 136 years of running.
fn seconds(now: Now) -> u32 {
    u32::try_from(now.elapsed.as_secs()).unwrap_or(u32::MAX)
}

/// The length of a nonce.
pub const NONCE_BYTES: usize = 32;

/// A nonce is good for so long (RFC 8656, section 5, asks for a limit of at most an hour).
pub const NONCE_LIFE: Duration = Duration::from_mins(10);

/// The cookie that says that security features follow (RFC 8489, section 9.2), and the one that is there: PASSWORD-ALGORITHMS,
/// the first of 24 bits (section 18.1), in Base64.
const PREFIX: &[u8] = b"obMatJos2gAAA";

/// The time, and ten bytes of the code: more than anybody guesses within the life of a nonce.
const SIGNED_BYTES: usize = 14;

const TIME_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use callbox_domain::Timestamp;

    use super::*;

    fn after(elapsed: Duration) -> Now {
        Now { elapsed, wall: Timestamp::from_millis(0) }
    }

    fn client(via: Via, address: &str) -> Client {
        Client { via, address: address.parse().expect(address) }
    }

    fn ann() -> Client {
        client(Via::Udp(0), "192.0.2.1:5000")
    }

    #[test]
    fn a_nonce_is_fresh_for_ten_minutes() {
        let nonces = Nonces::new([7; 32]);
        let made = Duration::from_millis(5_900);
        let nonce = nonces.make(after(made), ann());
        assert!(nonce.starts_with(b"obMatJos2gAAA"));
        assert!(nonce.is_ascii());
        let at = |seconds| nonces.check(after(Duration::from_secs(seconds)), ann(), &nonce);
        assert_eq!(at(5), NonceState::Fresh);
        assert_eq!(at(605), NonceState::Fresh);
        assert_eq!(at(606), NonceState::Stale);
        assert_eq!(at(u64::MAX), NonceState::Stale);
    }

    #[test]
    fn a_nonce_is_for_one_client_of_one_server() {
        let nonces = Nonces::new([7; 32]);
        let nonce = nonces.make(after(Duration::ZERO), ann());
        for other in [
            client(Via::Udp(1), "192.0.2.1:5000"),
            client(Via::Tcp(0), "192.0.2.1:5000"),
            client(Via::Tls(0), "192.0.2.1:5000"),
            client(Via::Udp(0), "192.0.2.2:5000"),
            client(Via::Udp(0), "192.0.2.1:5001"),
            client(Via::Udp(0), "[2001:db8::1]:5000"),
        ] {
            assert_eq!(nonces.check(after(Duration::ZERO), other, &nonce), NonceState::NotOurs, "{other:?}");
            assert_ne!(nonces.make(after(Duration::ZERO), other), nonce, "{other:?}");
        }
        let restarted = Nonces::new([8; 32]);
        assert_eq!(restarted.check(after(Duration::ZERO), ann(), &nonce), NonceState::NotOurs);
        assert_eq!(format!("{nonces:?}"), "Nonces([redacted])");
    }

    #[test]
    fn a_nonce_with_any_other_character_is_not_ours() {
        let nonces = Nonces::new([7; 32]);
        let now = after(Duration::from_secs(1_000));
        let good = nonces.make(now, ann());
        for place in 0..good.len() {
            for byte in 0..=255 {
                let mut nonce = good;
                nonce[place] = byte;
                let expected = if byte == good[place] { NonceState::Fresh } else { NonceState::NotOurs };
                assert_eq!(nonces.check(now, ann(), &nonce), expected, "{place}, {byte}");
            }
        }
        for length in 0..good.len() {
            assert_eq!(nonces.check(now, ann(), &good[..length]), NonceState::NotOurs);
        }
        assert_eq!(nonces.check(now, ann(), &[&good[..], b"A"].concat()), NonceState::NotOurs);
    }
}
