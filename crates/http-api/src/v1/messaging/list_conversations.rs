//! `GET /v1/conversations`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_domain::{ConversationId, Timestamp};
use callbox_service::Service;
use callbox_service::messaging::ListConversations;
use callbox_wire::messaging::Conversation;
use callbox_wire::page::Page;
use callbox_wire::{ApiError, ErrorAnswer};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::Query;
use crate::credentials::SignedIn;
use crate::cursor::{self, LIMIT_DEFAULT};
use crate::error::HttpResult;

/// The query of `listConversations`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListConversationsQuery {
    /// Items in a page, 1 to 100; 50 where it is left out.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Only conversations that changed after this date-time (RFC 3339).
    updated_after: Option<String>,
}

/// List conversations
///
/// The caller's conversations, the latest changed first, each with its newest message and the number of unread ones.
#[utoipa::path(
    get,
    path = "/v1/conversations",
    operation_id = "listConversations",
    tag = "messages",
    security(("sessionToken" = [])),
    params(ListConversationsQuery),
    responses(
        (status = 200, description = "A page of conversations.", body = Page<Conversation>),
        (status = 400, description = "`invalid_request`, `invalid_cursor`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`origin_not_allowed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_conversations(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    Query(query): Query<ListConversationsQuery>,
) -> HttpResult<Json<Page<Conversation>>> {
    let updated_after = query.updated_after.as_deref().map(|text| {
        let problem = "expected a date-time such as 2026-11-21T10:02:03.004Z (RFC 3339)";
        Timestamp::parse_rfc3339(text).ok_or_else(|| ApiError::invalid_field("updatedAfter", problem))
    });
    let list = ListConversations {
        before: cursor::parse(query.cursor.as_deref(), read_cursor)?,
        updated_after: updated_after.transpose()?,
        limit: query.limit.unwrap_or(LIMIT_DEFAULT),
    };
    let page = service.list_conversations(&caller, list).await?;
    Ok(Json(Page {
        items: page.items.iter().map(Conversation::from_domain).collect(),
        next_cursor: page
            .next_before
            .map(|(moment, id)| cursor::write(&format!("{}.{id}", moment.as_millis()))),
    }))
}

fn read_cursor(text: &str) -> Option<(Timestamp, ConversationId)> {
    let (millis, id) = text.split_once('.')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), ConversationId::new(id).ok()?))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn conversations_come_in_pages() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        for user in ["bob", "cid"] {
            api.sign_in("app-one", user);
            api.clock.advance(std::time::Duration::from_secs(1));
            api.message(&token, &format!("message-{user}"), user);
        }
        let get = |query: &str| api.call_as(&token, "GET", &format!("/v1/conversations{query}")).send();
        let first = get("?limit=1");
        assert_eq!(
            (first.status, &first.body["items"][0]["lastMessage"]["id"]),
            (200, &"message-cid".into())
        );
        let cursor = first.body["nextCursor"].as_str().expect("more");
        let second = get(&format!("?limit=2&cursor={cursor}"));
        assert_eq!(second.body["items"][0]["lastMessage"]["id"], "message-bob");
        assert!(second.body["nextCursor"].is_null());
        let later = get("?updatedAfter=2023-11-14T22%3A13%3A21Z");
        assert_eq!(later.body["items"].as_array().map(Vec::len), Some(1));
        get("?limit=0").is_invalid("limit");
        get("?limit=101").is_invalid("limit");
        get("?updatedAfter=yesterday").is_invalid("updatedAfter");
        get("?cursor=!").is_error(ErrorCode::InvalidCursor);
        api.check_credentials("GET", "/v1/conversations");
    }
}
