//! `GET /v1/socket`.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use callbox_wire::frame::{FRAME_BYTES_MAX, SUBPROTOCOL};
use callbox_wire::{ApiError, ErrorAnswer, ErrorCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Hub;

/// The socket's route, documented.
pub fn routes(hub: Arc<Hub>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(open_socket)).with_state(hub)
}

/// Open a socket
///
/// A WebSocket with the subprotocol `callbox.v1`. The first frame must be `hello` and carries the session's token, so
/// that the token is in no URL and no log. Frames are described by the schemas `ClientFrame` and `ServerFrame`.
#[utoipa::path(
    get,
    path = "/v1/socket",
    operation_id = "openSocket",
    tag = "socket",
    responses(
        (status = 101, description = "The socket is open; say hello."),
        (status = 426, description = "`upgrade_required`", body = ErrorAnswer),
    ),
)]
async fn open_socket(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return refuse() };
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        // Small buffers: most sockets are idle most of the time.
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(4 * FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX);
    if upgrade.selected_protocol().is_none() {
        return refuse();
    }
    let origin =
        headers.get(header::ORIGIN).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    upgrade.on_upgrade(move |socket| hub.serve(socket, origin))
}

/// Says that this address is for sockets. The body is written by the layer around all operations, which knows the
/// request's id.
fn refuse() -> Response {
    let mut response = Response::default();
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response.extensions_mut().insert(ApiError::new(ErrorCode::UpgradeRequired));
    response
}

const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Frames that are ready together leave together once they reach this, or no more are ready.
const WRITE_BUFFER_BYTES: usize = 2 * 1024;
