//! How long to wait before the next attempt.

use std::time::Duration;

use callbox_domain::Random;

/// Exponential growth with full jitter: anywhere between nothing and the bound of this attempt, so that the clients of a
/// server that restarts do not come back all at once. The first attempt is 0.
pub(super) fn full_jitter(attempt: u32, random: &dyn Random) -> Duration {
    let bound = WAIT_MIN.saturating_mul(1 << attempt.min(DOUBLINGS_MAX)).min(WAIT_MAX);
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    bound.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

const WAIT_MIN: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);
const DOUBLINGS_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let longest: Vec<_> = (0..9).map(|attempt| full_jitter(attempt, &Always(0xff))).collect();
        let millis = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
        assert_eq!(longest, millis.map(Duration::from_millis));
        assert_eq!(full_jitter(u32::MAX, &Always(0xff)), WAIT_MAX);
    }

    #[test]
    fn a_wait_may_be_any_part_of_its_bound() {
        assert_eq!(full_jitter(3, &Always(0)), Duration::ZERO);
        let half = full_jitter(3, &Always(0x80)).as_millis();
        assert!((2_000..2_020).contains(&half), "{half}");
    }
}
