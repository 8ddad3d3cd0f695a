//! How passwords are kept: argon2id, as PHC strings that name their own parameters.
//!
//! One hash takes 19 MiB and tens of milliseconds of one core. Never call these where others wait: [`HashPool`](super::HashPool)
//! runs them on threads of its own. A stolen hash can be tried against any number of guesses; the parameters say how dear each is.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use callbox_domain::Random;

use super::normal_form;

/// The PHC string of a password, with a new salt.
pub fn hash(password: &str, random: &dyn Random) -> String {
    hash_with_salt(password, &new_salt(random))
}

/// A salt for one hash.
pub(super) fn new_salt(random: &dyn Random) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    salt
}

/// As [`hash()`], with a salt that is used for nothing else.
pub(super) fn hash_with_salt(password: &str, salt: &[u8; SALT_BYTES]) -> String {
    let hash = argon2().hash_password_with_salt(normal_form(password).as_bytes(), salt);
    hash.expect("the parameters and the salt are of good length").to_string()
}

/// Whether this is the password of a PHC string. It takes as long as that string's parameters ask, and what is no PHC string
/// opens for nobody.
pub fn verify(password: &str, phc: &str) -> bool {
    let Ok(hash) = PasswordHash::new(phc) else {
        tracing::error!("a stored password hash cannot be read");
        return false;
    };
    argon2().verify_password(normal_form(password).as_bytes(), &hash).is_ok()
}

/// Whether a PHC string is weaker than one that would be made today. The password is there to make a better one only at
/// the moment when it has just been verified.
pub fn needs_rehash(phc: &str) -> bool {
    let Ok(hash) = PasswordHash::new(phc) else { return true };
    let Ok(params) = Params::try_from(&hash) else { return true };
    hash.algorithm != Algorithm::Argon2id.ident()
        || hash.version != Some(Version::V0x13.into())
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES
        || params.p_cost() < LANES
        || hash.salt.is_none_or(|salt| salt.len() < SALT_BYTES)
        || hash.hash.is_none_or(|output| output.len() < HASH_BYTES)
}

/// A PHC string with today's parameters that no password opens, for users who do not exist: they cost one verification
/// too, so that nobody learns from the time of an answer who has a password. Its hash was not computed from anything.
pub fn dummy() -> &'static str {
    static DUMMY: LazyLock<String> = LazyLock::new(|| {
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}")
    });
    &DUMMY
}

fn argon2() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).expect("within the limits of argon2");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Memory of one hash: 19 MiB. This and the next two are the first choice of OWASP's Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes that could run beside each other.
const LANES: u32 = 1;
/// As RFC 9106, section 3.1, recommends for passwords.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn a_password_opens_its_hash_and_nothing_else_does() {
        let phc = hash("correct horse", &SeededRandom::new(1));
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse", &phc));
        for other in ["Correct horse", "correct horse ", "correct  horse", ""] {
            assert!(!verify(other, &phc), "{other:?}");
        }
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        let random = SeededRandom::new(2);
        assert_ne!(hash("correct horse", &random), hash("correct horse", &random));
    }

    #[test]
    fn a_password_is_the_same_however_the_keyboard_composes_its_letters() {
        let phc = hash("cafe\u{301} au lait", &SeededRandom::new(3));
        assert!(verify("café au lait", &phc));
        assert!(!verify("cafe au lait", &phc), "but an accent counts");
        assert!(!verify("CAFÉ AU LAIT", &phc), "and so does case");
    }

    #[test]
    fn hashes_made_elsewhere_open() {
        // From the test vectors of the reference implementation: argon2id, m=256 KiB, t=2, p=1.
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(verify("password", phc));
        assert!(!verify("Password", phc));
    }

    #[test]
    fn weaker_hashes_are_to_be_made_again() {
        let today = hash("correct horse", &SeededRandom::new(4));
        assert!(!needs_rehash(&today));
        assert!(!needs_rehash(&today.replace("m=19456", "m=65536")), "a stronger one stays");
        for (from, to) in [
            ("m=19456", "m=4096"),
            ("t=2", "t=1"),
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("$argon2id", ""),
        ] {
            assert!(needs_rehash(&today.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn the_dummy_asks_for_todays_parameters_and_opens_for_nobody() {
        assert!(!needs_rehash(dummy()));
        assert!(!verify("", dummy()));
        assert!(!verify("correct horse", dummy()));
    }

    #[test]
    fn what_is_no_hash_opens_for_nobody() {
        for phc in ["", "correct horse", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"] {
            assert!(!verify("correct horse", phc), "{phc}");
            assert!(needs_rehash(phc), "{phc}");
        }
    }
}
