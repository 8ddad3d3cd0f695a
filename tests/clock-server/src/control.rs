//! How a test has its way with the server: HTTP on a port of loopback that only this binary has.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use callbox_domain::testing::MovableClock;
use callbox_media::Relay;
use callbox_server::SystemClock;
use serde::Deserialize;

/// What a test can do.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) clock: Arc<MovableClock<SystemClock>>,
    /// Where the server has one.
    pub(crate) relay: Option<Arc<Relay>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i32,
}

impl Control {
    /// Listens from now on, until this runtime ends: where.
    pub(crate) fn serve(self) -> std::io::Result<SocketAddr> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(async move { axum::serve(listener, self.router()).await });
        Ok(address)
    }

    fn router(self) -> Router {
        Router::new()
            .route("/clock/advance", post(advance))
            .route("/relay/drop", post(drop_allocations))
            .with_state(self)
    }
}

/// Moves the wall clock by so many seconds.
async fn advance(State(control): State<Control>, Json(Advance { seconds }): Json<Advance>) -> StatusCode {
    control.clock.advance(seconds);
    StatusCode::NO_CONTENT
}

/// Ends every allocation of the relay, as a restart would.
async fn drop_allocations(State(control): State<Control>) -> StatusCode {
    match control.relay {
        Some(relay) => {
            relay.drop_allocations();
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}
