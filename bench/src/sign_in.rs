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
    let mut figures = tickets(scale.times(USERS_PER_CLIENT, QUICK_USERS_PER_CLIENT)).await?;
    figures.extend(session_checks::measure(scale).await?);
    figures.extend(passwords::measure(scale).await?);
    figures.extend(revocation::measure(scale).await?);
    Ok(figures)
}

/// Signs users in, each over a connection of its own: first within the ten sessions that a user may have, then beyond them,
/// where each sign-in also ends the session used least recently.
async fn tickets(users_each: usize) -> BenchResult<Vec<Figure>> {
    let server = Server::start().await?;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let mut tickets = Vec::new();
        for user in 0..users_each {
            tickets.push(server.ticket(&format!("user-{client}-{user}")).await?);
        }
        clients.push((Http::connect(&server.address).await?, tickets));
    }
    let (within, clients) = sign_in_all(&server, clients).await?;
    let (beyond, _) = sign_in_all(&server, clients).await?;
    let count = (CLIENTS * users_each * SESSIONS_PER_USER) as f64;
    Ok(vec![
        Figure::new("ticket sign-ins per CPU second", count / within, "", Some(Bar::AtLeast(10_000.0))),
        Figure::new("server CPU per ticket sign-in", within * 1e6 / count, "µs", None),
        Figure::new("the same, ending the user's oldest session", beyond * 1e6 / count, "µs", None),
    ])
}

/// A connection, and the tickets of the users who come over it.
type Client = (Http, Vec<String>);

/// Signs every user in ten times; the CPU seconds that it took the server.
async fn sign_in_all(server: &Server, clients: Vec<Client>) -> BenchResult<(f64, Vec<Client>)> {
    let before = server.usage()?;
    let mut tasks = JoinSet::new();
    for (mut http, tickets) in clients {
        tasks.spawn(async move {
            for ticket in &tickets {
                let body = json!({ "ticket": ticket });
                for _ in 0..SESSIONS_PER_USER {
                    http.post("/v1/sessions", "Application demo", &body).await?;
                }
            }
            BenchResult::Ok((http, tickets))
        });
    }
    let mut back = Vec::new();
    while let Some(done) = tasks.join_next().await {
        back.push(done??);
    }
    Ok((server.usage()?.cpu.saturating_sub(before.cpu).as_secs_f64(), back))
}

const CLIENTS: usize = 64;

/// The limit of a new app.
const SESSIONS_PER_USER: usize = 10;

/// Users of each client.
const USERS_PER_CLIENT: usize = 15;
const QUICK_USERS_PER_CLIENT: usize = 1;
