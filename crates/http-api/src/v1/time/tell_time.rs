//! `GET /v1/timestamp`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::time::TimestampAnswer;

/// Tell the time
///
/// The server's time, for those who sign their requests and are told `clock_skew`. Needs no credential.
#[utoipa::path(
    get,
    path = "/v1/timestamp",
    operation_id = "tellTime",
    tag = "time",
    responses((status = 200, description = "The server's time.", body = TimestampAnswer)),
)]
pub(crate) async fn tell_time(State(service): State<Arc<Service>>) -> Json<TimestampAnswer> {
    Json(TimestampAnswer { timestamp: service.clock().now() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn anyone_learns_the_present_to_the_millisecond() {
        let api = Api::new();
        api.clock.advance(Duration::from_millis(7));
        let answer = api.call("GET", "/v1/timestamp").send();
        assert_eq!((answer.status, answer.body), (200, json!({ "timestamp": "2023-11-14T22:13:20.007Z" })));
    }
}
