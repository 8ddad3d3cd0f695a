//! Durable 1:1 messages: accepted when synced, delivered, acknowledged, the receipt told to the sender.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::BenchResult;
use crate::client::{Http, Socket};
use crate::report::{Bar, Figure};
use crate::server::Server;

/// Every pair sends one message after another, as fast as each is accepted.
pub(crate) async fn measure() -> BenchResult<Vec<Figure>> {
    let server = Server::start().await?;
    let mut http = Http::connect(&server.address).await?;
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        let (sender, recipient) = (format!("sender-{pair}"), format!("recipient-{pair}"));
        let from = Socket::connect(&server.address, &http.sign_in(&sender).await?, "connection").await?;
        let to = Socket::connect(&server.address, &http.sign_in(&recipient).await?, "connection").await?;
        pairs.push((from, to, recipient));
    }
    let before = server.usage()?;
    let began = now();
    let mut senders = JoinSet::new();
    let mut recipients = JoinSet::new();
    for (from, to, recipient) in pairs {
        senders.spawn(send(from, recipient, MESSAGES_PER_PAIR));
        recipients.spawn(receive(to));
    }
    let mut latencies = Vec::new();
    while let Some(sent) = senders.join_next().await {
        latencies.extend(sent??);
    }
    while let Some(received) = recipients.join_next().await {
        received??;
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = server.usage()?.cpu.saturating_sub(before.cpu);
    let count = latencies.len() as f64;
    latencies.sort_unstable();
    let percentile = |share: usize| milliseconds_at(share, &latencies);
    Ok(vec![
        Figure::new(
            "server CPU per message, accepted, delivered, acknowledged",
            cpu.as_secs_f64() * 1e6 / count,
            "µs",
            Some(Bar::AtMost(40.0)),
        ),
        Figure::new("rate, load beside the server on the same cores", count / elapsed, "messages/s", None),
        Figure::new("send to accepted, p50", percentile(50), "ms", None),
        Figure::new("send to accepted, p99", percentile(99), "ms", None),
        Figure::new("pairs sending at once", PAIRS as f64, "", None),
    ])
}

/// Sends one message after another: how long each took to be accepted.
pub(crate) async fn send(mut socket: Socket, recipient: String, count: usize) -> BenchResult<Vec<Duration>> {
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

/// So many milliseconds or less took this share, in percent, of sorted times.
pub(crate) fn milliseconds_at(percent: usize, sorted: &[Duration]) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e3
}

async fn receive(mut socket: Socket) -> BenchResult<()> {
    let mut received = 0;
    while received < MESSAGES_PER_PAIR {
        let frame = socket.receive().await?;
        if frame["type"] == "message.created" {
            received += 1;
            socket.send(&json!({ "type": "ack", "seq": frame["seq"] })).await?;
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

const PAIRS: usize = 64;
const MESSAGES_PER_PAIR: usize = 500;
const TEXT: &str = "A message of the usual length, about as long as this one.";
