//! From the revocation of a session to its closed socket.

use std::sync::Arc;
use std::time::Duration;

use crate::BenchResult;
use crate::client::{Http, Socket};
use crate::local::{Local, LosingBus};
use crate::report::{Bar, Figure};
use crate::scale::Scale;
use crate::server::Server;
use crate::timing::{milliseconds_at, now};

/// Revokes 200 sessions one after the other: where the bus tells of it, and where it does not.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Vec<Figure>> {
    let count = scale.times(SESSIONS, QUICK_SESSIONS);
    let server = Server::start().await?;
    let told = revoke(&server.address, count).await?;
    let local = Local::open(Arc::new(LosingBus::default())).await?;
    let untold = revoke(&local.serve().await?, count).await?;
    let bar = Some(Bar::AtMost(1_000.0));
    Ok(vec![
        Figure::new("revocation asked for to socket closed, p50", milliseconds_at(50, &told), "ms", None),
        Figure::new("revocation asked for to socket closed, p99", milliseconds_at(99, &told), "ms", bar),
        Figure::new(
            "the same while the bus loses every notice, p50",
            milliseconds_at(50, &untold),
            "ms",
            None,
        ),
        Figure::new(
            "the same while the bus loses every notice, p99",
            milliseconds_at(99, &untold),
            "ms",
            bar,
        ),
    ])
}

/// How long each took, sorted.
async fn revoke(address: &str, count: usize) -> BenchResult<Vec<Duration>> {
    let mut http = Http::connect(address).await?;
    let mut sockets = Vec::new();
    for user in 0..count {
        let token = http.sign_in(&format!("user-{user}")).await?;
        sockets.push((Socket::connect(address, &token, "connection").await?, token));
    }
    let mut times = Vec::new();
    for (mut socket, token) in sockets {
        let began = now();
        http.delete("/v1/session", &format!("Bearer {token}")).await?;
        socket.closed().await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

const SESSIONS: usize = 200;
const QUICK_SESSIONS: usize = 5;
