//! For load balancers and supervisors.

use std::sync::Arc;

use axum::extract::State;
use callbox_service::Service;
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
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    tag = "health",
    responses(
        (status = 200, description = "The store writes.", body = String, content_type = "text/plain"),
        (status = 503, description = "`store_unavailable`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn readiness(State(service): State<Arc<Service>>) -> HttpResult<&'static str> {
    match service.health() {
        Ok(()) => Ok("ready\n"),
        Err(reason) => {
            tracing::warn!(reason, "not ready");
            Err(ApiError::new(ErrorCode::StoreUnavailable).into())
        }
    }
}
