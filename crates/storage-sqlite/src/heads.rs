//! What the writer remembers of people, and of the ends of conversations and event logs, so that appending need not look
//! them up.
//!
//! Nobody but the writer moves these ends. It forgets everything whenever something is undone, a commit fails, or
//! another connection has written; and what it remembers is what the open transaction would read.

use std::collections::HashMap;
use std::hash::Hash;

use callbox_domain::{AppId, Conversation, ConversationId, Member, Timestamp, UserId};

use crate::numbers::{ConversationNumber, Person};

/// A conversation with its end and its members.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub number: ConversationNumber,
    pub id: ConversationId,
    pub last_position: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Whether it is the one conversation of its two members.
    pub is_direct: bool,
    /// In the order of the user ids.
    pub members: Vec<MemberHead>,
}

/// A member and their watermarks.
#[derive(Debug, Clone)]
pub(crate) struct MemberHead {
    pub person: Person,
    pub member: Member,
}

/// Someone with, perhaps, a mailbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PersonHead {
    pub person: Person,
    /// The number of the newest event; `None` before somebody asked for it.
    pub newest_event: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Heads {
    conversations: Remembered<(AppId, ConversationId), Head>,
    /// By the lower and the higher user id.
    directs: Remembered<(AppId, UserId, UserId), ConversationId>,
    people: Remembered<(AppId, UserId), PersonHead>,
    /// SQLite's count of changes by others.
    data_version: i64,
}

impl Head {
    /// The other member of a direct conversation.
    pub fn recipient(&self, sender: &UserId) -> Option<&MemberHead> {
        let [one, other] = self.members.as_slice() else { return None };
        let is_member = one.member.user_id == *sender || other.member.user_id == *sender;
        let recipient = if one.member.user_id == *sender { other } else { one };
        (self.is_direct && is_member).then_some(recipient)
    }

    /// The member with this id.
    pub fn member(&self, user: &UserId) -> Option<&MemberHead> {
        self.members.iter().find(|one| one.member.user_id == *user)
    }

    /// The conversation without the watermarks.
    pub fn into_conversation(self) -> Conversation {
        Conversation {
            id: self.id,
            members: self.members.into_iter().map(|one| one.member.user_id).collect(),
            last_position: self.last_position,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The members with their watermarks.
    pub fn into_members(self) -> Vec<Member> {
        self.members.into_iter().map(|one| one.member).collect()
    }
}

impl Heads {
    /// A conversation's end.
    pub fn conversation(&mut self, app: AppId, id: &ConversationId) -> Option<&mut Head> {
        self.conversations.recall(&(app, id.clone()))
    }

    /// Remembers a conversation's end. Large groups are looked up each time: telling their members costs more than that.
    pub fn keep_conversation(&mut self, app: AppId, head: &Head) {
        if head.members.len() <= MEMBERS_MAX {
            self.conversations.keep((app, head.id.clone()), head.clone());
        }
    }

    /// The direct conversation of two users, the lower id first.
    pub fn direct(&mut self, key: &(AppId, UserId, UserId)) -> Option<ConversationId> {
        self.directs.recall(key).cloned()
    }

    /// Remembers the direct conversation of two users.
    pub fn keep_direct(&mut self, key: (AppId, UserId, UserId), id: ConversationId) {
        self.directs.keep(key, id);
    }

    /// Someone.
    pub fn person(&mut self, app: AppId, user: &UserId) -> Option<&mut PersonHead> {
        self.people.recall(&(app, user.clone()))
    }

    /// Remembers someone.
    pub fn keep_person(&mut self, app: AppId, user: &UserId, person: PersonHead) {
        self.people.keep((app, user.clone()), person);
    }

    /// Forgets everything if others have written since the last time.
    pub fn check(&mut self, data_version: i64) {
        if self.data_version != data_version {
            self.forget();
            self.data_version = data_version;
        }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self { data_version: self.data_version, ..Self::default() };
    }
}

/// A map that forgets what nobody asked for in a long time: when the younger half is full, it becomes the older one.
struct Remembered<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq, V> Remembered<K, V> {
    fn recall(&mut self, key: &K) -> Option<&mut V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.keep(key, value);
        }
        self.young.get_mut(key)
    }

    fn keep(&mut self, key: K, value: V) {
        if self.young.len() >= HALF_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

/// Entries in each half of what is remembered of one kind.
const HALF_MAX: usize = 16_384;
/// Members of the largest conversation that is remembered.
const MEMBERS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut remembered = Remembered::default();
        for number in 0..4 * HALF_MAX {
            remembered.keep(number, number);
            assert_eq!(remembered.recall(&0), Some(&mut 0), "asked for again and again");
        }
        let last = 4 * HALF_MAX - 1;
        assert_eq!(remembered.recall(&last), Some(&mut 3.max(last)));
        assert_eq!(remembered.recall(&1), None);
        assert!(remembered.young.len() + remembered.old.len() <= 2 * HALF_MAX);
    }
}
