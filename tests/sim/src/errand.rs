//! Requests over HTTP, which a client asks of any node.

use std::sync::Arc;

use callbox_domain::{Message, SessionId};
use callbox_service::messaging::{ListConversations, ListMessages, MessagesPage};
use callbox_service::sessions::SessionToken;
use callbox_service::{Service, ServiceResult};

use crate::task::Task;

/// A request under way.
pub(crate) struct Errand {
    pub(crate) node: usize,
    /// Whose, and on which page load: a page that is gone hears no answer.
    pub(crate) device: usize,
    pub(crate) page: u64,
    /// Whether it fetches a history.
    pub(crate) fetches: bool,
    pub(crate) task: Task<Brought>,
}

/// What came of it.
pub(crate) enum Brought {
    /// A session was to end.
    Ended(ServiceResult<()>),
    /// Every message of the user.
    History(ServiceResult<Vec<Message>>),
}

/// Ends a session of the user who holds the token.
pub(crate) fn end_session(service: Arc<Service>, token: String, session: SessionId) -> Task<Brought> {
    Task::new(async move {
        let ending = async {
            let caller = service.authenticate(&SessionToken::from_client(&token)).await?;
            service.end_own_session(&caller, session).await
        };
        Brought::Ended(ending.await)
    })
}

/// Fetches all that a user shows.
pub(crate) fn fetch_history(service: Arc<Service>, token: String) -> Task<Brought> {
    Task::new(async move { Brought::History(history(&service, &token).await) })
}

async fn history(service: &Service, token: &str) -> ServiceResult<Vec<Message>> {
    let caller = service.authenticate(&SessionToken::from_client(token)).await?;
    let all = ListConversations { before: None, updated_after: None, limit: LIMIT };
    let conversations = service.list_conversations(&caller, all).await?;
    let mut messages = Vec::new();
    for summary in conversations.items {
        let mut page = Some(MessagesPage::Latest);
        while let Some(wanted) = page {
            let conversation_id = summary.conversation.id.clone();
            let list = ListMessages { conversation_id, page: wanted, limit: PAGE };
            let found = service.list_messages(&caller, list).await?;
            messages.extend(found.items);
            page = found.next;
        }
    }
    Ok(messages)
}

const LIMIT: u32 = 100;
/// Small, so that pages have neighbours.
const PAGE: u32 = 10;
