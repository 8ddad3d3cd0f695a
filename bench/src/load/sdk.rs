//! The load on Callbox by its own Rust client: what a bot in that language costs, and what its rules for acknowledging do.

use std::pin::Pin;

use callbox_client::wire::messaging::Message;
use callbox_client::{Client, Credential, Error, Event, Events};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;

use super::{PAIRS, Peer, Stamp, Told};
use crate::BenchResult;
use crate::server::Server;

/// Signs in pairs of new users; `name` tells them from those of other loads.
pub(crate) async fn pairs(server: &Server, name: &str) -> BenchResult<Vec<(User, User)>> {
    let mut pairs = Vec::with_capacity(PAIRS);
    for pair in 0..PAIRS {
        let (writer, reader) = (format!("writer-{name}-{pair}"), format!("reader-{name}-{pair}"));
        let writing = User::connect(server, &writer, &reader).await?;
        pairs.push((writing, User::connect(server, &reader, &writer).await?));
    }
    Ok(pairs)
}

/// A user who writes to one other.
pub(crate) struct User {
    client: Client,
    events: Events,
    other: String,
    sending: FuturesOrdered<Sending>,
    accepted: u64,
}

type Sending = Pin<Box<dyn Future<Output = Result<Message, Error>> + Send>>;

impl User {
    async fn connect(server: &Server, user: &str, other: &str) -> BenchResult<Self> {
        let url = format!("http://{}", server.address);
        let (client, mut events) = Client::sign_in(url, "demo", Credential::Open(user.to_owned())).await?;
        match events.next().await {
            Some(Event::Online { .. }) => {}
            other => return Err(format!("not online: {other:?}").into()),
        }
        Ok(Self { client, events, other: other.to_owned(), sending: FuturesOrdered::new(), accepted: 0 })
    }
}

impl Peer for User {
    async fn send(&mut self, _: u64, text: &str) -> BenchResult<()> {
        let (client, other, text) = (self.client.clone(), self.other.clone(), text.to_owned());
        self.sending.push_back(Box::pin(async move { client.send(other, text).await }));
        Ok(())
    }

    async fn next(&mut self) -> BenchResult<Told> {
        let event = tokio::select! {
            Some(sent) = self.sending.next(), if !self.sending.is_empty() => {
                sent?;
                self.accepted += 1;
                return Ok(Told::Accepted(self.accepted));
            }
            event = self.events.next() => event.ok_or("the client ended")?,
        };
        match event {
            Event::Message(told) if !told.mine => Ok(Told::Message(Stamp::of(&told.message.text)?)),
            // The pair's conversation is new, so a position in it is the message's number too.
            Event::Receipt(receipt) => Ok(Told::Receipt(receipt.delivered_up_to.into())),
            Event::Offline { error, .. } | Event::Stopped(error) => Err(error.into()),
            _ => Ok(Told::Other),
        }
    }

    async fn answer(&mut self, _: Told) -> BenchResult<()> {
        // The client does what it owes.
        Ok(())
    }
}
