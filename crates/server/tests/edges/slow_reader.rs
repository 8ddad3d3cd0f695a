//! A client far behind on a narrow line, over a real connection.

use callbox_server::config::Config;
use serde_json::json;

use crate::harness::{Running, Socket};

#[tokio::test]
async fn ten_thousand_missed_events_reach_a_slow_reader_while_it_goes_on_asking() {
    let server = Running::start_with(without_limits).await;
    let (ann, bob) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let (away, welcome) = server.connect(&bob, "connection-bob").await;
    let cursor = welcome["cursor"].as_str().expect("a cursor").to_owned();
    away.close().await;
    server.write_many(&ann, "bob", (0..BEHIND).map(message)).await;

    let (mut bobs, welcome) = server.connect_narrowly(&bob, "connection-bob", &cursor).await;
    assert_eq!(welcome["resumed"], true);
    // More than the line holds, and all before the first event is read: answers queue up behind the replay.
    let mut reader = Reader::default();
    for _ in 0..100 {
        reader.ask(&mut bobs).await;
    }
    // Live events come meanwhile, from both sides.
    let (mut written, mut written_at) = (BEHIND, 0);
    while reader.received < written || reader.answered < reader.asked {
        reader.take(&mut bobs).await;
        if reader.received >= written_at + 500 && written < BEHIND + 40 {
            written_at = reader.received;
            server.write_many(&ann, "bob", std::iter::once(message(written))).await;
            reader.write(&mut bobs).await;
            written += 2;
        }
    }
    assert_eq!(written, BEHIND + 40, "some came while it was reading");
    bobs.quiet().await;
    server.stop().await;
}

/// What the slow client has.
#[derive(Default)]
struct Reader {
    received: usize,
    asked: usize,
    answered: usize,
}

impl Reader {
    async fn ask(&mut self, socket: &mut Socket) {
        self.asked += 1;
        socket.send(json!({ "type": "ping", "id": format!("ask-{}", self.asked) })).await;
    }

    async fn write(&mut self, socket: &mut Socket) {
        self.asked += 1;
        let id = format!("answer-{}", self.asked);
        let message = json!({ "messageId": id, "to": { "userId": "ann" }, "text": "meanwhile" });
        socket.send(json!({ "type": "message.send", "id": id, "message": message })).await;
    }

    /// Takes one frame, and confirms what it has now and then.
    async fn take(&mut self, socket: &mut Socket) {
        let frame = socket.receive().await;
        if frame["re"].is_string() {
            assert_ne!(frame["type"], "error", "{frame}");
            self.answered += 1;
        } else if !frame["seq"].is_null() {
            self.received += 1;
            assert_eq!(frame["seq"], self.received, "once and in order");
            if self.received.is_multiple_of(1_000) {
                socket.send(json!({ "type": "ack", "seq": self.received })).await;
            }
        }
    }
}

/// The first two pages, if events alone were counted, and now and then one, are of the largest size.
fn message(number: usize) -> (String, String) {
    let length = if number < 200 || number.is_multiple_of(50) { 16 * 1_024 } else { 100 };
    (format!("message-{number:05}"), "x".repeat(length))
}

fn without_limits(config: &mut Config) {
    let limits = &mut config.limits;
    for limit in [
        &mut limits.requests_per_second,
        &mut limits.requests_burst,
        &mut limits.messages_per_second,
        &mut limits.messages_burst,
    ] {
        *limit = 1_000_000;
    }
}

const BEHIND: usize = 10_000;
