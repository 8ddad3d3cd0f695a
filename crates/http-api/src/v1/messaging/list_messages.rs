//! `GET /v1/conversations/{conversationId}/messages`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_domain::ConversationId;
use callbox_service::Service;
use callbox_service::messaging::{ListMessages, MessagesPage};
use callbox_wire::messaging::Message;
use callbox_wire::page::Page;
use callbox_wire::{ApiError, ErrorAnswer, ErrorCode};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::{PathParameter, Query};
use crate::credentials::SignedIn;
use crate::cursor::{self, LIMIT_DEFAULT};
use crate::error::HttpResult;

/// The query of `listMessages`: at most one of `before`, `after` and `cursor`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMessagesQuery {
    /// Items in a page, 1 to 100; 50 where it is left out.
    limit: Option<u32>,
    /// `nextCursor` of the page before; goes on in the same direction.
    cursor: Option<String>,
    /// The newest messages before this position.
    before: Option<u32>,
    /// The oldest messages after this position.
    after: Option<u32>,
}

/// List messages
///
/// A page of a conversation's history, always in rising order of position; the newest page where the query does not say
/// which. What it shows counts as delivered to the caller.
#[utoipa::path(
    get,
    path = "/v1/conversations/{conversationId}/messages",
    operation_id = "listMessages",
    tag = "messages",
    security(("sessionToken" = [])),
    params(("conversationId" = String, Path, description = "Which conversation."), ListMessagesQuery),
    responses(
        (status = 200, description = "A page of messages.", body = Page<Message>),
        (status = 400, description = "`invalid_request`, `invalid_cursor`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`origin_not_allowed`", body = ErrorAnswer),
        (status = 404, description = "`conversation_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_messages(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    PathParameter(conversation): PathParameter,
    Query(query): Query<ListMessagesQuery>,
) -> HttpResult<Json<Page<Message>>> {
    let conversation_id = ConversationId::new(conversation).map_err(|_| ErrorCode::ConversationNotFound)?;
    let page = match (cursor::parse(query.cursor.as_deref(), read_cursor)?, query.before, query.after) {
        (None, None, None) => MessagesPage::Latest,
        (Some(page), None, None) => page,
        (None, Some(position), None) => MessagesPage::Before(position),
        (None, None, Some(position)) => MessagesPage::After(position),
        _ => return Err(ApiError::invalid_field("query", "at most one of before, after and cursor").into()),
    };
    let list = ListMessages { conversation_id, page, limit: query.limit.unwrap_or(LIMIT_DEFAULT) };
    let found = service.list_messages(&caller, list).await?;
    Ok(Json(Page {
        items: found.items.iter().map(Message::from_domain).collect(),
        next_cursor: found.next.and_then(write_cursor),
    }))
}

fn write_cursor(page: MessagesPage) -> Option<String> {
    match page {
        MessagesPage::Latest => None,
        MessagesPage::Before(position) => Some(cursor::write(&format!("before.{position}"))),
        MessagesPage::After(position) => Some(cursor::write(&format!("after.{position}"))),
    }
}

fn read_cursor(text: &str) -> Option<MessagesPage> {
    let (direction, position) = text.split_once('.')?;
    let position = position.parse().ok()?;
    match direction {
        "before" => Some(MessagesPage::Before(position)),
        "after" => Some(MessagesPage::After(position)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn history_comes_in_pages() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        api.sign_in("app-one", "bob");
        let ids = ["message-1", "message-2", "message-3"].map(|id| api.message(&token, id, "bob"));
        let path = format!("/v1/conversations/{}/messages", ids[0].replace('_', "%5F"));
        let get = |query: &str| api.call_as(&token, "GET", &format!("{path}{query}")).send();
        let positions = |query: &str| {
            let answer = get(query);
            assert_eq!(answer.status, 200, "{answer:?}");
            let items = answer.body["items"].as_array().expect("items").clone();
            items.iter().map(|item| item["position"].as_u64().expect("a number")).collect::<Vec<_>>()
        };
        assert_eq!(positions(""), [1, 2, 3]);
        assert_eq!(positions("?before=3"), [1, 2]);
        assert_eq!(positions("?after=1"), [2, 3]);
        for (start, rest) in [("?limit=2", vec![1]), ("?limit=2&after=0", vec![3])] {
            let first = get(start);
            let cursor = first.body["nextCursor"].as_str().expect("more");
            assert_eq!(positions(&format!("?limit=2&cursor={cursor}")), rest);
        }
        get("?before=3&after=1").is_invalid("query");
        get("?before=-1").is_invalid("query");
        get("?limit=0").is_invalid("limit");
        get("?limit=101").is_invalid("limit");
        for bad in ["!", "c2lkZXdheXMuMQ"] {
            get(&format!("?cursor={bad}")).is_error(ErrorCode::InvalidCursor);
        }
        api.check_credentials("GET", &path);
    }

    #[test]
    fn a_conversation_of_others_or_of_nobody_is_not_found() {
        let api = Api::new();
        let (ann, cid) = (api.sign_in("app-one", "ann"), api.sign_in("app-one", "cid"));
        api.sign_in("app-one", "bob");
        let id = api.message(&ann, "message-1", "bob");
        for id in [id.as_str(), "cnv_unknown", "%20", "a%2Fb", "x"] {
            let path = format!("/v1/conversations/{id}/messages");
            api.call_as(&cid, "GET", &path).send().is_error(ErrorCode::ConversationNotFound);
        }
        let broken = api.call_as(&cid, "GET", "/v1/conversations/%ff/messages").send();
        broken.is_error(ErrorCode::NotFound);
    }
}
