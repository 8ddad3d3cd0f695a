//! `GET /v1/operator/audit`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_service::audit::ListedEntry;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::AuditEntry;
use callbox_wire::page::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::app_key;
use crate::body::Query;
use crate::credentials::Operator;
use crate::cursor::{self, LIMIT_DEFAULT};
use crate::error::HttpResult;

/// The query of `listAudit`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAuditQuery {
    /// Only what was changed in this app.
    app: Option<String>,
    /// Items in a page, 1 to 100; 50 where it is left out.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// List what was changed
///
/// What operators and the backends of apps changed, newest first. No secrets.
#[utoipa::path(
    get,
    path = "/v1/operator/audit",
    operation_id = "listAudit",
    tag = "operator",
    security(("operatorToken" = [])),
    params(ListAuditQuery),
    responses(
        (status = 200, description = "A page of changes.", body = Page<AuditEntry>),
        (status = 400, description = "`invalid_request`, `invalid_cursor`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_audit(
    State(service): State<Arc<Service>>,
    _operator: Operator,
    Query(query): Query<ListAuditQuery>,
) -> HttpResult<Json<Page<AuditEntry>>> {
    let before = cursor::parse(query.cursor.as_deref(), |text| text.parse().ok())?;
    let app = query.app.map(app_key).transpose()?;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    let entries = service.list_audit(app.as_ref(), before, limit).await?;
    let is_full = u32::try_from(entries.len()).is_ok_and(|count| count == limit);
    let last = entries.last().filter(|_| is_full).map(|entry| entry.record.number);
    let next_cursor = last.map(|number| cursor::write(&number.to_string()));
    Ok(Json(Page { items: entries.into_iter().map(audit_entry).collect(), next_cursor }))
}

fn audit_entry(ListedEntry { record, app_key }: ListedEntry) -> AuditEntry {
    let entry = record.entry;
    let details = serde_json::from_str(&entry.details).unwrap_or_default();
    let callbox_domain::AuditEntry { at, actor, action, subject, .. } = entry;
    AuditEntry { at, actor, action, app_key, subject, details }
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    #[test]
    fn the_log_comes_in_pages_newest_first() {
        let api = operated();
        send(&api, "PATCH", "/v1/operator/apps/app-one", &json!({ "settings": { "ringSeconds": 9 } }));
        let list = |query: &str| get(&api, &format!("/v1/operator/audit{query}"));
        let first = list("?limit=2");
        let entry = json!({
            "at": "2023-11-14T22:13:20.000Z",
            "actor": "operator",
            "action": "app.updated",
            "appKey": "app-one",
            "subject": "app-one",
            "details": { "settings": { "ringSeconds": 9 } },
        });
        assert_eq!((first.status, &first.body["items"][0]), (200, &entry));
        assert_eq!(first.body["items"][1]["appKey"], "app-two");
        let cursor = first.body["nextCursor"].as_str().expect("more");
        let second = list(&format!("?limit=2&cursor={cursor}"));
        assert_eq!(second.body["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            (&second.body["items"][0]["appKey"], second.body["nextCursor"].is_null()),
            (&"app-one".into(), true)
        );
        assert_eq!(list("?app=app-one").body["items"].as_array().map(Vec::len), Some(2));
        list("?app=none").is_error(ErrorCode::AppNotFound);
        list("?limit=101").is_invalid("limit");
        list("?cursor=!").is_error(ErrorCode::InvalidCursor);
        check_operator(&api, "GET", "/v1/operator/audit");
    }
}
