//! Getting in, staying in, being put out: ticket sign-ins, each with its session row synced to disk, and what belongs to
//! sessions beside them.

use serde_json::json;
use tokio::task::JoinSet;

use crate::BenchResult;
use crate::client::Http;
use crate::report::{Bar, Figure};
use crate::scale::Scale;
use crate::server::Server;
use crate::{passwords, revocation, session_checks};

/// All figures about sessions.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Vec<Figure>> {
    let mut figures = tickets(scale.times(SIGN_INS_PER_CLIENT, QUICK_SIGN_INS_PER_CLIENT)).await?;
    figures.extend(session_checks::measure(scale).await?);
    figures.extend(passwords::measure(scale).await?);
    figures.extend(revocation::measure(scale).await?);
    Ok(figures)
}

/// Signs 64 users in again and again, each over a connection of its own.
async fn tickets(each: usize) -> BenchResult<Vec<Figure>> {
    let server = Server::start().await?;
    let mut clients = Vec::new();
    for user in 0..CLIENTS {
        let ticket = server.ticket(&format!("user-{user}")).await?;
        clients.push((Http::connect(&server.address).await?, ticket));
    }
    let before = server.usage()?;
    let mut tasks = JoinSet::new();
    for (mut http, ticket) in clients {
        tasks.spawn(async move {
            let body = json!({ "ticket": ticket });
            for _ in 0..each {
                http.post("/v1/sessions", "Application demo", &body).await?;
            }
            BenchResult::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let cpu = server.usage()?.cpu.saturating_sub(before.cpu).as_secs_f64();
    let count = (CLIENTS * each) as f64;
    Ok(vec![
        Figure::new("ticket sign-ins per CPU second", count / cpu, "", Some(Bar::AtLeast(10_000.0))),
        Figure::new("server CPU per ticket sign-in", cpu * 1e6 / count, "µs", None),
    ])
}

const CLIENTS: usize = 64;
const SIGN_INS_PER_CLIENT: usize = 300;
const QUICK_SIGN_INS_PER_CLIENT: usize = 3;
