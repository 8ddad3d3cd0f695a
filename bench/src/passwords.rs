//! Password sign-ins: what they cost beside the hash itself, and what a flood of them costs those who are signed in.

use std::time::Duration;

use callbox_service::passwords::{HashPool, hash};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::BenchResult;
use crate::client::{Http, Socket};
use crate::process::Usage;
use crate::report::{Bar, Figure};
use crate::scale::Scale;
use crate::server::Server;
use crate::timing::{milliseconds_at, now};

pub(crate) async fn measure(scale: Scale) -> BenchResult<Vec<Figure>> {
    let server = Server::start().await?;
    let bare = bare_rate(scale.times(HASHES, QUICK_HASHES))?;
    let signed_in =
        sign_in_rate(&server, scale.times(SIGN_INS_PER_CLIENT, QUICK_SIGN_INS_PER_CLIENT)).await?;
    let messages = scale.times(MESSAGES, QUICK_MESSAGES);
    let alone = message_p99(&server, "alone", messages).await?;
    let flood = Flood::start(&server.address).await?;
    let beside = message_p99(&server, "beside", messages).await?;
    flood.end().await?;
    Ok(vec![
        Figure::new("password hashes per CPU second, bare", bare, "", None),
        Figure::new("password sign-ins per CPU second", signed_in, "", None),
        Figure::new(
            "the second as a share of the first",
            signed_in / bare * 100.0,
            "%",
            Some(Bar::AtLeast(90.0)),
        ),
        Figure::new("message accepted, p99, nothing else going on", alone, "ms", None),
        Figure::new("message accepted, p99, beside a full hash pool", beside, "ms", None),
        Figure::new("the second as a multiple of the first", beside / alone, "", None),
    ])
}

/// Verifications a CPU second, by the function that the server uses.
fn bare_rate(count: usize) -> BenchResult<f64> {
    let phc = hash::dummy();
    let before = Usage::of(std::process::id())?.cpu;
    for _ in 0..count {
        std::hint::black_box(hash::verify(PASSWORD, phc));
    }
    let cpu = Usage::of(std::process::id())?.cpu.saturating_sub(before);
    Ok(count as f64 / cpu.as_secs_f64())
}

/// Sign-ins a CPU second of the server, never more at once than the pool takes.
async fn sign_in_rate(server: &Server, each: usize) -> BenchResult<f64> {
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let mut http = Http::connect(&server.address).await?;
        let name = format!("person-{client}");
        let identities = json!([{ "type": "username", "value": name }]);
        let body = json!({ "identities": identities, "password": PASSWORD });
        http.post("/v1/users", "Application demo", &body).await?;
        clients.push((http, by_password(&name)));
    }
    let before = server.usage()?.cpu;
    let mut running = JoinSet::new();
    for (mut http, body) in clients {
        running.spawn(async move {
            for _ in 0..each {
                http.post("/v1/sessions", "Application demo", &body).await?;
            }
            BenchResult::Ok(())
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let cpu = server.usage()?.cpu.saturating_sub(before);
    Ok((CLIENTS * each) as f64 / cpu.as_secs_f64())
}

/// Milliseconds until a message is accepted, where one is sent after the other.
async fn message_p99(server: &Server, name: &str, count: usize) -> BenchResult<f64> {
    let mut http = Http::connect(&server.address).await?;
    let recipient = format!("recipient-{name}");
    http.sign_in(&recipient).await?;
    let token = http.sign_in(&format!("sender-{name}")).await?;
    let socket = Socket::connect(&server.address, &token, "connection").await?;
    let mut latencies: Vec<Duration> = send(socket, recipient, count).await?;
    latencies.sort_unstable();
    Ok(milliseconds_at(99, &latencies))
}

/// Sends one message after another: how long each took to be accepted.
async fn send(mut socket: Socket, recipient: String, count: usize) -> BenchResult<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(count);
    for number in 0..count {
        let began = now();
        let message_id = format!("{recipient}-{number}");
        let message = json!({ "messageId": message_id, "to": { "userId": recipient }, "text": TEXT });
        socket.send(&json!({ "type": "message.send", "id": message_id, "message": message })).await?;
        loop {
            let frame = socket.receive().await?;
            if frame["re"] == message_id.as_str() {
                if frame["type"] != "message.accepted" {
                    return Err(format!("not accepted: {frame}").into());
                }
                break;
            }
        }
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

/// Password sign-ins without end: more than the pool's threads, and not more than its queue holds.
struct Flood(JoinSet<BenchResult<()>>);

impl Flood {
    /// Every thread of the pool is busy when this returns, and others wait for it.
    async fn start(address: &str) -> BenchResult<Self> {
        let (answered, mut first_answers) = tokio::sync::mpsc::channel(1);
        let mut running = JoinSet::new();
        for stranger in 0..HashPool::default_threads().get() + WAITING {
            let mut http = Http::connect(address).await?;
            let answered = answered.clone();
            running.spawn(async move {
                for attempt in 0_u64.. {
                    let body = by_password(&format!("stranger-{stranger}-{attempt}"));
                    // It is refused: there is nobody of this name.
                    let _ = http.post("/v1/sessions", "Application demo", &body).await;
                    let _ = answered.try_send(());
                }
                BenchResult::Ok(())
            });
        }
        first_answers.recv().await.ok_or("the flood ended")?;
        Ok(Self(running))
    }

    async fn end(mut self) -> BenchResult<()> {
        let is_going_on = self.0.try_join_next().is_none();
        self.0.shutdown().await;
        if is_going_on { Ok(()) } else { Err("the flood ended early".into()) }
    }
}

fn by_password(name: &str) -> Value {
    json!({ "identity": { "type": "username", "value": name }, "password": PASSWORD })
}

const TEXT: &str = "A message of the usual length, about as long as this one.";
const PASSWORD: &str = "purple tractor parade";
const HASHES: usize = 200;
const QUICK_HASHES: usize = 8;
const CLIENTS: usize = 8;
const SIGN_INS_PER_CLIENT: usize = 50;
const QUICK_SIGN_INS_PER_CLIENT: usize = 2;
const MESSAGES: usize = 2_000;
const QUICK_MESSAGES: usize = 20;

/// Half of the queue's places.
const WAITING: usize = 32;
