//! What the writer remembers of the ends of conversations and event logs, so that appending need not look them up.
//!
//! Nobody but the writer moves these ends. It forgets everything whenever something is undone, a commit fails, or
//! another connection has written; and what it remembers is what the open transaction would read.

use std::collections::HashMap;
use std::hash::Hash;

use callbox_domain::{AppId, ConversationId, UserId};

use crate::entities::ConversationHead;

#[derive(Default)]
pub(crate) struct Heads {
    conversations: HashMap<(AppId, ConversationId), ConversationHead>,
    /// The number of each user's newest event.
    logs: HashMap<(AppId, UserId), u64>,
    /// SQLite's count of changes by others.
    data_version: i64,
}

impl Heads {
    /// Takes a conversation's end out; it comes back by [`Heads::keep_conversation`] once the message is in.
    pub fn take_conversation(&mut self, app: AppId, id: &ConversationId) -> Option<ConversationHead> {
        self.conversations.remove(&(app, id.clone()))
    }

    /// Remembers a conversation's end.
    pub fn keep_conversation(&mut self, app: AppId, head: ConversationHead) {
        keep(&mut self.conversations, (app, head.id.clone()), head);
    }

    /// The number of a user's newest event.
    pub fn log(&self, app: AppId, user: &UserId) -> Option<u64> {
        self.logs.get(&(app, user.clone())).copied()
    }

    /// Remembers the number of a user's newest event.
    pub fn keep_log(&mut self, app: AppId, user: &UserId, newest: u64) {
        keep(&mut self.logs, (app, user.clone()), newest);
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
        self.conversations.clear();
        self.logs.clear();
    }
}

fn keep<K: Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= HEADS_MAX {
        map.clear();
    }
    map.insert(key, value);
}

/// Conversations, and as many logs, that are remembered.
const HEADS_MAX: usize = 16_384;
