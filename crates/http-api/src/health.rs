//! For load balancers and supervisors.

use std::sync::Arc;

use axum::extract::State;
use callbox_service::{Service, Trouble, TroubledPart};
use callbox_wire::{ApiError, ErrorAnswer, ErrorCode};

use crate::error::HttpResult;

/// Is the process up?
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "processHealth",
    tag = "health",
    responses((status = 200, description = "The process answers.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn process_health() -> &'static str {
    "ok\n"
}

/// Can it serve?
///
/// Damage that leaves the rest of the data alone is told and does not make a server unready: there is no other one that
/// could serve instead.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    tag = "health",
    responses(
        (status = 200, description = "The store writes, and the relay relays. A second line tells of damage, and since when.", body = String, content_type = "text/plain"),
        (status = 503, description = "`store_unavailable`, `relay_unavailable`; `details` has the `part` that does not work, and `since` when", body = ErrorAnswer),
    ),
)]
pub(crate) async fn readiness(State(service): State<Arc<Service>>) -> HttpResult<String> {
    if let Err(Trouble { part, since, reason }) = service.check_health() {
        tracing::warn!(part = part.as_str(), %since, reason, "not ready");
        let error = ApiError::new(match part {
            TroubledPart::StoreWrites | TroubledPart::StoreData => ErrorCode::StoreUnavailable,
            TroubledPart::Media => ErrorCode::RelayUnavailable,
        });
        return Err(error.detail("part", part.as_str()).detail("since", since.to_rfc3339()).into());
    }
    Ok(match service.damage() {
        None => "ready\n".to_owned(),
        Some(Trouble { part, since, .. }) => {
            format!("ready\ndamaged: {} since {since}; restore a backup\n", part.as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn a_server_whose_relay_is_in_trouble_is_not_ready() {
        let api = Api::new();
        api.media.set_trouble(Some("its thread is gone"));
        let answer = api.call("GET", "/readyz").send();
        let details = answer.is_error(ErrorCode::RelayUnavailable);
        assert_eq!(details["part"], "media");
        assert_eq!(details["since"], api.clock.now().to_rfc3339());
        assert!(!answer.body.to_string().contains("thread"), "why is for the log");
        assert_eq!(api.call("GET", "/healthz").send().status, 200);
        api.media.set_trouble(None);
        assert_eq!(api.call("GET", "/readyz").send().status, 200);
    }
}
