//! As little XMPP client as a load needs (RFC 6120, XEP-0077, XEP-0198): a stream in plain text, a session with stream
//! management, elements cut out of the stream without a parser. What servers send is trusted to be well-formed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::BenchResult;

/// A stream to a server of the host `localhost`.
pub(crate) struct Stream {
    connection: TcpStream,
    received: Vec<u8>,
    /// How much of what was received has been handed out.
    read: usize,
}

impl Stream {
    /// Connects and reads what the server offers.
    pub(crate) async fn open(address: &str) -> BenchResult<Self> {
        let connection = TcpStream::connect(address).await?;
        connection.set_nodelay(true)?;
        let mut opened = Self { connection, received: Vec::new(), read: 0 };
        opened.begin().await?;
        Ok(opened)
    }

    /// Makes accounts, each with [`PASSWORD`]; ones that exist already stay.
    pub(crate) async fn register(&mut self, users: impl IntoIterator<Item = String>) -> BenchResult<()> {
        for user in users {
            self.send(&format!(
                "<iq type='set' id='register'><query xmlns='jabber:iq:register'><username>{user}</username>\
                 <password>{PASSWORD}</password></query></iq>"
            ))
            .await?;
            let answer = self.expect("<iq").await?;
            if !answer.contains("type='result'") && !answer.contains("conflict") {
                return Err(format!("not registered: {answer}").into());
            }
        }
        Ok(())
    }

    /// Signs in and reads what the server offers to those who did.
    pub(crate) async fn sign_in(&mut self, user: &str) -> BenchResult<()> {
        let plain = STANDARD.encode(format!("\0{user}\0{PASSWORD}"));
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"
        ))
        .await?;
        self.expect("<success").await?;
        self.begin().await
    }

    /// Binds a resource, becomes available and turns stream management on. Returns what resumes this session.
    pub(crate) async fn bind(&mut self, resource: &str) -> BenchResult<String> {
        self.send(&format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>{resource}</resource></bind></iq>"
        ))
        .await?;
        let answer = self.expect("<iq").await?;
        if !answer.contains("type='result'") {
            return Err(format!("not bound: {answer}").into());
        }
        self.send("<presence/>").await?;
        // It comes back to who sent it, too. From then on nothing is on its way that stream management would count.
        self.expect("<presence").await?;
        self.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>").await?;
        let enabled = self.expect("<enabled").await?;
        Ok(attribute(&enabled, "id").unwrap_or_default().to_owned())
    }

    /// Goes on with a session whose stream broke before it was told anything.
    pub(crate) async fn resume(&mut self, session: &str) -> BenchResult<()> {
        self.send(&format!("<resume xmlns='urn:xmpp:sm:3' h='0' previd='{session}'/>")).await?;
        self.expect("<resumed").await.map(drop)
    }

    pub(crate) async fn send(&mut self, text: &str) -> BenchResult<()> {
        Ok(self.connection.write_all(text.as_bytes()).await?)
    }

    /// The next whole element. Nothing is lost when this is dropped before it is done.
    pub(crate) async fn next(&mut self) -> BenchResult<&str> {
        loop {
            if let Some(length) = element_length(&self.received[self.read..]) {
                let element = &self.received[self.read..self.read + length];
                self.read += length;
                return Ok(std::str::from_utf8(element)?.trim_start());
            }
            self.received.drain(..self.read);
            self.read = 0;
            self.received.reserve(READ_MIN);
            if self.connection.read_buf(&mut self.received).await? == 0 {
                return Err("the server closed the stream".into());
            }
        }
    }

    async fn begin(&mut self) -> BenchResult<()> {
        self.send(
            "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
        )
        .await?;
        self.expect("<stream:features").await.map(drop)
    }

    /// The next element that begins so; ones before are skipped unless they are errors.
    async fn expect(&mut self, start: &str) -> BenchResult<String> {
        loop {
            let element = self.next().await?;
            if element.starts_with(start) {
                return Ok(element.to_owned());
            }
            if ["<failure", "<failed", "<stream:error"].iter().any(|error| element.starts_with(error)) {
                return Err(format!("instead of {start}>: {element}").into());
            }
        }
    }
}

/// The value of the first attribute of this name.
pub(crate) fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.match_indices(name).find_map(|(at, _)| {
        let before = element[..at].ends_with(char::is_whitespace);
        let value = element[at + name.len()..].strip_prefix('=').filter(|_| before)?;
        let quote = value.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        value[1..].split_once(quote).map(|(value, _)| value)
    })
}

/// How long the first whole element is, with the white space before it. The head of a document and that of a stream count
/// as elements by themselves.
fn element_length(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let tag = at + bytes[at..].iter().position(|byte| *byte == b'<')?;
        let end = tag_end(bytes, tag)?;
        let text = &bytes[tag..end];
        at = end;
        if text.starts_with(b"</") {
            depth = depth.saturating_sub(1);
        } else if !text.ends_with(b"/>") && !text.starts_with(b"<?") && !text.starts_with(b"<stream:stream") {
            depth += 1;
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Behind the `>` of the tag that begins at `tag`; one within quotes does not end it.
fn tag_end(bytes: &[u8], tag: usize) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate().skip(tag) {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'\'' | b'"') => quote = Some(*byte),
            (Some(open), _) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Of every account.
const PASSWORD: &str = "correct-horse-battery-staple";

/// Small, because thousands of these stand beside the server under test.
const READ_MIN: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_out_whole_and_one_after_the_other() {
        let text = "<?xml version='1.0'?><stream:stream id='1' a='>'><a><b x=\"</a>\"/><c>d</c></a>\n<e/><f>";
        let mut rest = text;
        let mut elements = Vec::new();
        while let Some(length) = element_length(rest.as_bytes()) {
            elements.push(&rest[..length]);
            rest = &rest[length..];
        }
        assert_eq!(
            elements,
            [
                "<?xml version='1.0'?>",
                "<stream:stream id='1' a='>'>",
                "<a><b x=\"</a>\"/><c>d</c></a>",
                "\n<e/>"
            ]
        );
        assert_eq!(rest, "<f>");
    }

    #[test]
    fn an_attribute_is_found_by_its_whole_name_in_either_quotes() {
        let element = "<a xml:id='no' previd='no' id=\"yes\" h='7'/>";
        assert_eq!(attribute(element, "id"), Some("yes"));
        assert_eq!(attribute(element, "h"), Some("7"));
        assert_eq!(attribute(element, "x"), None);
    }
}
