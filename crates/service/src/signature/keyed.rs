//! HMAC-SHA256 (RFC 2104) keyed with a secret in the form in which backends keep it: Base64.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use callbox_domain::Secret;
use hmac::{Hmac, KeyInit};
use sha2::Sha256;

/// Standard Base64 with padding written, and read with or without. Unused last bits must be zero, so that no other text
/// stands for the same bytes.
pub const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keyed hash, ready for its text; `None` where the secret is not Base64, or empty: HMAC would take an empty key,
/// and everyone knows that one.
pub(crate) fn keyed_by(secret: &Secret<String>) -> Option<Hmac<Sha256>> {
    let key = LENIENT.decode(secret.expose().trim()).ok().filter(|key| !key.is_empty())?;
    Hmac::new_from_slice(&key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_none_keys_nothing() {
        for bad in ["", " ", "====", "not base64!"] {
            assert!(keyed_by(&Secret::new(bad.to_owned())).is_none(), "{bad:?}");
        }
        for good in ["AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODw==\n"] {
            assert!(keyed_by(&Secret::new(good.to_owned())).is_some(), "{good:?}");
        }
    }
}
