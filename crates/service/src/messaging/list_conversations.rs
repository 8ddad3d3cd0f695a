//! The caller's conversations, the latest changed first.

use callbox_domain::{ConversationId, ConversationSummary, Timestamp};
use callbox_storage::ConversationsPage;

use crate::error::read;
use crate::people::check_limit;
use crate::{Caller, Service, ServiceResult};

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListConversations {
    /// The last one of the page before.
    pub before: Option<(Timestamp, ConversationId)>,
    /// Only those changed after this moment.
    pub updated_after: Option<Timestamp>,
    /// 1 to 100.
    pub limit: u32,
}

/// A page of conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationList {
    /// The latest changed first.
    pub items: Vec<ConversationSummary>,
    /// The last of them when there may be more.
    pub next_before: Option<(Timestamp, ConversationId)>,
}

impl Service {
    /// Errors: `invalid_request` for a limit beyond 1 to 100.
    pub async fn list_conversations(
        &self,
        caller: &Caller,
        list: ListConversations,
    ) -> ServiceResult<ConversationList> {
        check_limit(list.limit)?;
        let (app, user, limit) = (caller.app_id(), caller.user_id.clone(), list.limit);
        let page = ConversationsPage { before: list.before, updated_after: list.updated_after, limit };
        let items = read(self.store.read(move |store| store.conversations_of(app, &user, &page)).await)?;
        let is_full = u32::try_from(items.len()).is_ok_and(|count| count == limit);
        let oldest = items.last().filter(|_| is_full);
        let next_before = oldest.map(|item| (item.conversation.updated_at, item.conversation.id.clone()));
        Ok(ConversationList { items, next_before })
    }
}
