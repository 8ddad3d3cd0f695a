//! The load on servers of XMPP: receipts by XEP-0184, acceptance by XEP-0198.

use super::{PAIRS, Peer, Stamp, Told};
use crate::BenchResult;
use crate::xmpp::{Stream, attribute};

/// Makes and signs in pairs of new users; `name` tells them from those of other loads.
pub(crate) async fn pairs(address: &str, name: &str) -> BenchResult<Vec<(Client, Client)>> {
    let users = |pair: usize| (format!("writer-{name}-{pair}"), format!("reader-{name}-{pair}"));
    let mut registration = Stream::open(address).await?;
    registration.register((0..PAIRS).map(users).flat_map(|(writer, reader)| [writer, reader])).await?;
    let mut pairs = Vec::with_capacity(PAIRS);
    for (writer, reader) in (0..PAIRS).map(users) {
        let writing = Client::connect(address, &writer, format!("{reader}@localhost")).await?;
        // A receipt goes to the device that wrote.
        let to = format!("{writer}@localhost/{RESOURCE}");
        pairs.push((writing, Client::connect(address, &reader, to).await?));
    }
    Ok(pairs)
}

/// A connection of a user who writes to one other.
pub(crate) struct Client {
    stream: Stream,
    other: String,
    /// Stanzas that have arrived, as XEP-0198 counts them.
    arrived: u64,
    /// Receipts that have arrived, of messages that the other end confirms in their order.
    receipts: u64,
    /// The message that was told last.
    message_id: String,
}

impl Client {
    async fn connect(address: &str, user: &str, other: String) -> BenchResult<Self> {
        let mut stream = Stream::open(address).await?;
        stream.sign_in(user).await?;
        stream.bind(RESOURCE).await?;
        Ok(Self { stream, other, arrived: 0, receipts: 0, message_id: String::new() })
    }
}

impl Peer for Client {
    async fn send(&mut self, number: u64, text: &str) -> BenchResult<()> {
        let other = &self.other;
        let stanza = format!(
            "<message type='chat' to='{other}' id='{number}'><body>{text}</body>\
             <request xmlns='urn:xmpp:receipts'/></message><r xmlns='urn:xmpp:sm:3'/>"
        );
        self.stream.send(&stanza).await
    }

    async fn next(&mut self) -> BenchResult<Told> {
        let element = self.stream.next().await?;
        if element.starts_with("<a ") {
            // Nothing but messages is sent since stream management is on.
            return Ok(Told::Accepted(attribute(element, "h").ok_or("an <a/> without h")?.parse()?));
        }
        if element.starts_with("<r ") || element.starts_with("<r/") {
            return Ok(Told::Asked);
        }
        if ["<message", "<presence", "<iq"].iter().all(|stanza| !element.starts_with(stanza)) {
            return Err(format!("not expected: {element}").into());
        }
        self.arrived += 1;
        if let Some((_, text)) = element.split_once("<body>") {
            attribute(element, "id").ok_or("a message without id")?.clone_into(&mut self.message_id);
            return Ok(Told::Message(Stamp::of(text)?));
        }
        if element.contains("<received") {
            self.receipts += 1;
            return Ok(Told::Receipt(self.receipts));
        }
        if element.contains("<error") { Err(format!("refused: {element}").into()) } else { Ok(Told::Other) }
    }

    async fn answer(&mut self, told: Told) -> BenchResult<()> {
        let (other, id) = (&self.other, &self.message_id);
        match told {
            Told::Message(_) => {
                let receipt = format!(
                    "<message type='chat' to='{other}' id='receipt-{id}'>\
                     <received xmlns='urn:xmpp:receipts' id='{id}'/></message>"
                );
                self.stream.send(&receipt).await
            }
            Told::Asked => {
                self.stream.send(&format!("<a xmlns='urn:xmpp:sm:3' h='{}'/>", self.arrived)).await
            }
            Told::Accepted(_) | Told::Receipt(_) | Told::Other => Ok(()),
        }
    }
}

const RESOURCE: &str = "device";
