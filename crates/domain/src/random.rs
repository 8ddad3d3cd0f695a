//! Randomness as a parameter.

/// A source of random bytes; in production the operating system's, in tests seeded.
pub trait Random: Send + Sync {
    /// Fills `bytes` with unpredictable values.
    fn fill(&self, bytes: &mut [u8]);
}

/// Random text of lower-case letters and digits (Crockford's base 32) that holds `byte_count` random bytes.
pub fn random_text(random: &dyn Random, byte_count: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = vec![0; byte_count];
    random.fill(&mut bytes);
    let mut text = String::with_capacity(byte_count * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn text_carries_every_bit() {
        assert_eq!(random_text(&Fixed(0xff), 5), "zzzzzzzz");
        assert_eq!(random_text(&Fixed(0), 5), "00000000");
        assert_eq!(random_text(&Fixed(0xff), 1), "zw");
        assert_eq!(random_text(&Fixed(0xff), 16).len(), 26);
    }
}
