//! The master key: what stands between a stolen database and the secrets in it.
//!
//! The key file lies outside the data folder. Each line is `<id>:<Base64 of 32 bytes>`; the last line seals, every line
//! opens, so that a key can be replaced while old rows still carry the older one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::random::random_text;
use callbox_domain::{Random, Secret};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;

/// The keys of one server, newest last.
#[derive(Debug, Clone)]
pub struct MasterKey {
    keys: Vec<(String, Secret<[u8; 32]>)>,
}

/// Why a key file is not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Not of the form that this server writes.
    #[error("line {0} of the master key file is not '<id>:<Base64 of 32 bytes>'")]
    BadLine(usize),
    /// Nothing in it.
    #[error("the master key file holds no key")]
    Empty,
}

impl MasterKey {
    /// A new key with a random id.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self { keys: vec![(random_text(random, 5), Secret::new(bytes))] }
    }

    /// Reads a key file.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let bad = || MasterKeyError::BadLine(index + 1);
            let (id, encoded) = line.trim().split_once(':').ok_or_else(bad)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| bad())?;
            let bytes: [u8; 32] = bytes.try_into().map_err(|_| bad())?;
            let good = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            good.then(|| keys.push((id.to_owned(), Secret::new(bytes)))).ok_or_else(bad)?;
        }
        if keys.is_empty() { Err(MasterKeyError::Empty) } else { Ok(Self { keys }) }
    }

    /// The key file's text.
    pub fn to_file_text(&self) -> Secret<String> {
        let line =
            |(id, key): &(String, Secret<[u8; 32]>)| format!("{id}:{}\n", STANDARD.encode(key.expose()));
        Secret::new(self.keys.iter().map(line).collect())
    }

    /// Says which key a database belongs to without telling the key: kept in the database, compared at each start.
    pub fn fingerprint(&self) -> String {
        let (id, _) = self.keys.first().expect("never empty");
        format!("{id}:{}", STANDARD.encode(self.derive(&[b"fingerprint"])))
    }

    /// A key of its own for each purpose: HKDF-SHA-256 (RFC 5869) over the oldest master key and the labels.
    pub fn derive(&self, labels: &[&[u8]]) -> [u8; 32] {
        let (_, key) = self.keys.first().expect("never empty");
        let mut derived = [0; 32];
        let mut info = Vec::new();
        for label in labels {
            info.extend_from_slice(&u32::try_from(label.len()).unwrap_or(u32::MAX).to_be_bytes());
            info.extend_from_slice(label);
        }
        Hkdf::<Sha256>::new(None, key.expose())
            .expand(&info, &mut derived)
            .expect("32 bytes are fewer than HKDF's limit");
        derived
    }

    /// Seals a secret (ChaCha20-Poly1305, RFC 8439) bound to `context`. The result names the key that opens it.
    pub(crate) fn seal(&self, random: &dyn Random, context: &str, secret: &[u8]) -> Vec<u8> {
        let (id, key) = self.keys.last().expect("never empty");
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let payload = Payload { msg: secret, aad: context.as_bytes() };
        let sealed = cipher(key)
            .encrypt(&Nonce::from(nonce), payload)
            .expect("a short text in memory can always be sealed");
        let id_length = u8::try_from(id.len()).expect("at most 32");
        [&[id_length], id.as_bytes(), &nonce, &sealed].concat()
    }

    /// Opens what [`MasterKey::seal`] sealed for the same context; `None` when it was altered, moved to another row, or
    /// sealed under a key that is not in the file.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&id_length, rest) = sealed.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(id_length))?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
        let (_, key) = self.keys.iter().find(|(known, _)| known.as_bytes() == id)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        cipher(key).decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: context.as_bytes() }).ok()
    }
}

fn cipher(key: &Secret<[u8; 32]>) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key.expose()))
}

const NONCE_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn a_sealed_secret_opens_only_in_its_place_and_unaltered() {
        let random = SeededRandom::new(1);
        let key = MasterKey::generate(&random);
        let sealed = key.seal(&random, "row 1", b"secret");
        assert_eq!(key.open("row 1", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(key.open("row 2", &sealed), None);
        assert_eq!(MasterKey::generate(&random).open("row 1", &sealed), None);
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert_eq!(key.open("row 1", &altered), None, "byte {index}");
            assert_eq!(key.open("row 1", &sealed[..index]), None, "cut at {index}");
        }
    }

    #[test]
    fn the_file_keeps_the_key_and_older_keys_open() {
        let random = SeededRandom::new(2);
        let old = MasterKey::generate(&random);
        let sealed = old.seal(&random, "row", b"secret");
        let new = MasterKey::generate(&random);
        let both = format!("{}{}", old.to_file_text().expose(), new.to_file_text().expose());
        let both = MasterKey::parse(&both).expect("two good lines");
        assert_eq!(both.open("row", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(both.fingerprint(), old.fingerprint());
        let resealed = both.seal(&random, "row", b"secret");
        assert_eq!(old.open("row", &resealed), None);
        assert_eq!(new.open("row", &resealed).as_deref(), Some(&b"secret"[..]));
    }

    #[test]
    fn bad_files_are_refused_by_line() {
        assert_eq!(MasterKey::parse("\n").err(), Some(MasterKeyError::Empty));
        assert_eq!(MasterKey::parse("nonsense").err(), Some(MasterKeyError::BadLine(1)));
        assert_eq!(MasterKey::parse("\nk1:c2hvcnQ=").err(), Some(MasterKeyError::BadLine(2)));
    }

    #[test]
    fn derived_keys_differ_by_label_and_its_borders() {
        let key = MasterKey::generate(&SeededRandom::new(3));
        assert_ne!(key.derive(&[b"ab", b"c"]), key.derive(&[b"a", b"bc"]));
        assert_eq!(key.derive(&[b"ab"]), key.derive(&[b"ab"]));
        assert_eq!(format!("{key:?}").matches("[redacted]").count(), 1);
    }
}
