//! The load on Callbox by a bare client, which costs as little as that of XMPP and makes as many receipts.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{PAIRS, Peer, Stamp, Told};
use crate::BenchResult;
use crate::client::{Http, Socket};
use crate::server::Server;
use crate::timing::now;

/// When a client says what has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acks {
    /// After each message, so that each makes a receipt of its own, as in XMPP.
    Each,
    /// As the protocol asks of clients: at most every 250 ms.
    Paced,
}

/// Signs in pairs of new users; `name` tells them from those of other loads.
pub(crate) async fn pairs(server: &Server, name: &str) -> BenchResult<Vec<(Client, Client)>> {
    let mut http = Http::connect(&server.address).await?;
    let mut pairs = Vec::with_capacity(PAIRS);
    for pair in 0..PAIRS {
        let (writer, reader) = (format!("writer-{name}-{pair}"), format!("reader-{name}-{pair}"));
        // What a writer is told of its own messages and their receipts never needs more than the pace asks for.
        let writing = Client::connect(&mut http, server, &writer, &reader, Acks::Paced).await?;
        pairs.push((writing, Client::connect(&mut http, server, &reader, &writer, Acks::Each).await?));
    }
    Ok(pairs)
}

/// A connection of a user who writes to one other.
pub(crate) struct Client {
    socket: Socket,
    other: String,
    acks: Acks,
    /// The newest event that has arrived, and when the server was last told.
    seq: u64,
    told: Instant,
}

impl Client {
    async fn connect(
        http: &mut Http,
        server: &Server,
        user: &str,
        other: &str,
        acks: Acks,
    ) -> BenchResult<Self> {
        let token = http.sign_in(user).await?;
        let socket = Socket::connect(&server.address, &token, "connection").await?;
        Ok(Self { socket, other: other.to_owned(), acks, seq: 0, told: now() })
    }
}

impl Peer for Client {
    async fn send(&mut self, number: u64, text: &str) -> BenchResult<()> {
        let other = &self.other;
        // By hand, for it is the load that is to be cheap; nothing here needs escaping.
        let frame = format!(
            r#"{{"type":"message.send","id":"{number}","message":{{"messageId":"to-{other}-{number}","to":{{"userId":"{other}"}},"text":"{text}"}}}}"#
        );
        self.socket.send_text(frame).await
    }

    async fn next(&mut self) -> BenchResult<Told> {
        let text = self.socket.receive_text().await?;
        let frame: Frame = serde_json::from_str(&text)?;
        self.seq = frame.seq.unwrap_or(self.seq);
        Ok(match (frame.kind, frame.message, frame.receipt) {
            ("message.accepted", ..) => Told::Accepted(frame.re.ok_or("no answer's id")?.parse()?),
            ("message.created", Some(message), _) if frame.origin.is_none() => {
                Told::Message(Stamp::of(message.text)?)
            }
            ("receipt.changed", _, Some(receipt)) => Told::Receipt(receipt.delivered_up_to),
            ("error", ..) => return Err(format!("refused: {text}").into()),
            _ => Told::Other,
        })
    }

    async fn answer(&mut self, told: Told) -> BenchResult<()> {
        let is_due = match told {
            Told::Message(stamp) => stamp.is_last || self.acks == Acks::Each,
            Told::Accepted(_) => return Ok(()),
            Told::Receipt(_) | Told::Asked | Told::Other => false,
        };
        if is_due || self.told.elapsed() >= ACK_EVERY {
            self.told = now();
            self.socket.send_text(format!(r#"{{"type":"ack","seq":{}}}"#, self.seq)).await?;
        }
        Ok(())
    }
}

/// What a load reads of the server's frames.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    re: Option<&'a str>,
    seq: Option<u64>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    origin: Option<IgnoredAny>,
    receipt: Option<Receipt>,
}

#[derive(Deserialize)]
struct Message<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    /// The position of a message; the pair's conversation is new, so it is the message's number too.
    delivered_up_to: u64,
}

const ACK_EVERY: Duration = Duration::from_millis(250);
