//! The numbers that stand for people, conversations and messages in the tables that grow.

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

/// A row of `people`: a user, or the id that stands for an erased one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Person(pub i64);

/// A row of `conversations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConversationNumber(pub i64);

/// A message's key: its conversation's number times 2^32, plus its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(i64);

impl Place {
    /// Where a message stands.
    pub fn new(conversation: ConversationNumber, position: u32) -> Self {
        Self((conversation.0 << POSITION_BITS) + i64::from(position))
    }

    /// A place as a row holds it.
    pub fn from_row(number: i64) -> Self {
        Self(number)
    }

    /// The last place that a conversation can have.
    pub fn last(conversation: ConversationNumber) -> Self {
        Self::new(conversation, u32::MAX)
    }

    /// The conversation.
    pub fn conversation(self) -> ConversationNumber {
        ConversationNumber(self.0 >> POSITION_BITS)
    }

    /// The position in it.
    pub fn position(self) -> u32 {
        u32::try_from(self.0 & i64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place so many positions later, at most the conversation's last one.
    pub fn later_by(self, count: u32) -> Self {
        Self::new(self.conversation(), self.position().saturating_add(count))
    }
}

impl ToSql for Person {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl ToSql for ConversationNumber {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl ToSql for Place {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// Positions take the lower half of a place.
const POSITION_BITS: u32 = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_keeps_its_parts_and_their_order(
            conversation in 0..i64::from(i32::MAX), position: u32, other in 0..i64::from(i32::MAX), far: u32,
        ) {
            let place = Place::new(ConversationNumber(conversation), position);
            prop_assert_eq!((place.conversation().0, place.position()), (conversation, position));
            let second = Place::new(ConversationNumber(other), far);
            prop_assert_eq!(place < second, (conversation, position) < (other, far));
            prop_assert!(place.later_by(far) <= Place::last(place.conversation()));
            prop_assert_eq!(place.later_by(far).position(), position.saturating_add(far));
        }
    }
}
