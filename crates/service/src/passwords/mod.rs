//! Passwords: which may be chosen, how they are kept, and the threads that do the hashing.

mod change_password;
pub mod hash;
mod keep_fresh;
pub mod pool;
pub mod rules;
mod sign_up;

#[cfg(test)]
mod tests;

pub use change_password::ResetPassword;
pub use pool::HashPool;
pub use rules::check_password;
pub use sign_up::{SignUp, SignedUp};

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password in Unicode NFC, as it is measured and hashed (NIST SP 800-63B-4, section 3.1.1.2): keyboards differ in how they
/// write `é`, the person who types it does not. Nothing else is changed: case, spaces and look-alikes stay as they are.
fn normal_form(password: &str) -> Zeroizing<String> {
    // Room for the longest form, because text that outgrows its memory leaves a copy behind.
    let mut normal = Zeroizing::new(String::with_capacity(password.len() * NFC_GROWTH_MAX));
    normal.extend(password.nfc());
    normal
}

/// By how much UTF-8 text may grow in NFC, as Unicode's FAQ on normalization lists it.
const NFC_GROWTH_MAX: usize = 3;
