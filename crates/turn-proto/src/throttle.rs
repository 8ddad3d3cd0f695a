//! How often an address gets an answer before it has shown who it is. Over UDP the sender's address may be forged: the limit
//! keeps the server from being of use against whoever really has that address.

// The only hash of the standard library that takes its key as a parameter.
#[expect(deprecated, reason = "the one that replaced it has no key")]
use std::hash::SipHasher;
use std::hash::{Hash as _, Hasher as _};
use std::num::NonZeroU32;
use std::time::Duration;

use callbox_domain::ClientAddress;

/// A table of token buckets that never grows. Addresses that fall into the same bucket share it; which do depends on the
/// key, so that nobody can aim at another's. A flood from enough forged addresses to empty all buckets asks for more answers
/// than a server could give.
pub struct Throttle {
    #[expect(deprecated, reason = "see above")]
    hash: SipHasher,
    /// Between two answers from one bucket in the long run.
    interval: u64,
    /// When each bucket will be full again, in nanoseconds of elapsed time.
    full_at: Box<[u64]>,
}

impl Throttle {
    /// Full buckets. `key` is random; each bucket holds the answers of one second.
    pub fn new(key: [u8; 16], per_second: NonZeroU32) -> Self {
        let [first, second] =
            [0, 8].map(|at| u64::from_le_bytes(key[at..at + 8].try_into().expect("eight bytes")));
        #[expect(deprecated, reason = "see above")]
        let hash = SipHasher::new_with_keys(first, second);
        let interval = SECOND / u64::from(per_second.get());
        Self { hash, interval, full_at: vec![0; BUCKETS].into_boxed_slice() }
    }

    /// Takes a token for one answer to this address, if there is one.
    pub fn allows(&mut self, elapsed: Duration, address: ClientAddress) -> bool {
        let now = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bucket_of(address);
        let bucket = &mut self.full_at[bucket];
        let full_at = (*bucket).max(now).saturating_add(self.interval);
        let allowed = full_at - now <= SECOND;
        if allowed {
            *bucket = full_at;
        }
        allowed
    }

    fn bucket_of(&self, address: ClientAddress) -> usize {
        let mut hash = self.hash.clone();
        address.hash(&mut hash);
        let buckets = u64::try_from(BUCKETS).expect("few");
        usize::try_from(hash.finish() % buckets).expect("fewer")
    }
}

/// Half a megabyte.
const BUCKETS: usize = 1 << 16;

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    const PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("not zero");

    fn throttle(key: u8) -> Throttle {
        Throttle::new([key; 16], PER_SECOND)
    }

    fn address(text: &str) -> ClientAddress {
        text.parse::<IpAddr>().expect(text).into()
    }

    fn allowed(throttle: &mut Throttle, elapsed: Duration, address: ClientAddress) -> usize {
        (0..100).filter(|_| throttle.allows(elapsed, address)).count()
    }

    #[test]
    fn an_address_gets_the_answers_of_a_second_at_once_and_then_one_by_one() {
        let mut throttle = throttle(1);
        let ann = address("192.0.2.1");
        assert_eq!(allowed(&mut throttle, Duration::ZERO, ann), 10);
        assert_eq!(allowed(&mut throttle, Duration::from_millis(99), ann), 0);
        assert_eq!(allowed(&mut throttle, Duration::from_millis(100), ann), 1);
        assert_eq!(allowed(&mut throttle, Duration::from_millis(350), ann), 2);
        assert_eq!(allowed(&mut throttle, Duration::from_mins(1), ann), 10, "never more than of a second");
    }

    #[test]
    fn others_are_not_counted_with_it() {
        let mut throttle = throttle(1);
        allowed(&mut throttle, Duration::ZERO, address("192.0.2.1"));
        assert_eq!(allowed(&mut throttle, Duration::ZERO, address("192.0.2.2")), 10);
        assert_eq!(allowed(&mut throttle, Duration::ZERO, address("2001:db8::1")), 10);
        assert_eq!(allowed(&mut throttle, Duration::ZERO, address("2001:db8::2")), 0, "the same customer");
    }

    #[test]
    fn who_shares_a_bucket_depends_on_the_key() {
        let buckets = |key| {
            let throttle = throttle(key);
            (0..=255).map(move |last| throttle.bucket_of(IpAddr::from([192, 0, 2, last]).into()))
        };
        let same = buckets(1).zip(buckets(2)).filter(|(one, other)| one == other).count();
        assert!(same < 5, "{same} of 256 are in the same bucket");
        assert!(buckets(1).eq(buckets(1)));
    }

    proptest! {
        #[test]
        fn no_pace_gets_more_than_the_limit(pauses in prop::collection::vec(0_u64..300, 1..200)) {
            let mut throttle = throttle(3);
            let (mut elapsed, mut answers) = (Duration::ZERO, 0_u128);
            for pause in pauses {
                elapsed += Duration::from_millis(pause);
                answers += u128::from(throttle.allows(elapsed, address("192.0.2.1")));
                prop_assert!(answers <= 10 + elapsed.as_millis() / 100);
            }
        }
    }
}
