//! Ids that a client chooses.

use callbox_domain::random::random_text;
use callbox_domain::{CallId, ConnectionId, MessageId, Random, Timestamp};

/// Makes the ids of messages. They begin with the time, so that messages of one time stand together in the server's
/// index, and end in 80 random bits, so that nobody else has the same.
#[derive(Debug, Default)]
pub struct MessageIds {
    latest: i64,
}

impl MessageIds {
    /// The id of a new message. Later ids sort behind earlier ones, also when the clock was put back between them; those
    /// of one millisecond in any order.
    pub fn next(&mut self, now: Timestamp, random: &dyn Random) -> MessageId {
        self.latest = self.latest.max(now.as_millis());
        MessageId::new(time_text(self.latest) + &random_text(random, RANDOM_BYTES))
            .expect("letters and digits")
    }
}

/// The id of a new call.
pub fn call_id(random: &dyn Random) -> CallId {
    CallId::new(random_text(random, RANDOM_BYTES)).expect("letters and digits")
}

/// The name of a new client: for as long as the process, or the object, that holds the events it was told.
pub fn connection_id(random: &dyn Random) -> ConnectionId {
    ConnectionId::new(random_text(random, RANDOM_BYTES)).expect("letters and digits")
}

/// Ten letters of Crockford's base 32, whose order is that of the numbers.
fn time_text(millis: i64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |place: u32| char::from(ALPHABET[usize::try_from(millis >> (5 * place) & 31).unwrap_or(0)]);
    (0..TIME_LETTERS).rev().map(letter).collect()
}

const RANDOM_BYTES: usize = 10;
/// 50 bits of milliseconds reach beyond the year 30000.
const TIME_LETTERS: u32 = 10;

#[cfg(test)]
mod tests {
    use callbox_domain::testing::CountingRandom;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_sort_by_their_time(one in 0..253_402_300_799_999_i64, other in 0..253_402_300_799_999_i64) {
            let random = CountingRandom::default();
            let id = |millis| MessageIds::default().next(Timestamp::from_millis(millis), &random);
            prop_assert_eq!(id(one).as_str()[..10].cmp(&id(other).as_str()[..10]), one.cmp(&other));
        }
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_earlier_ids() {
        let (mut ids, random) = (MessageIds::default(), CountingRandom::default());
        let first = ids.next(Timestamp::from_millis(1_700_000_000_000), &random);
        let second = ids.next(Timestamp::from_millis(1_600_000_000_000), &random);
        assert_eq!(first.as_str()[..10], second.as_str()[..10]);
        assert_ne!(first, second);
    }
}
