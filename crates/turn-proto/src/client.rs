//! A client of a TURN server, for whoever looks at one from outside: diagnosis, tests, measurements. It makes what to send,
//! and says what an answer means; it sends nothing, and repeats nothing by itself: over UDP, send the same bytes again.

mod login;
mod request;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::{Random, Secret};

use self::login::Login;
use self::request::Request;
use crate::message::{Builder, Class, Message, Method, ParseError, TransactionId, attribute, channel_data};

/// A client with one credential, on one 5-tuple.
pub struct TurnClient {
    username: String,
    password: Secret<String>,
    random: Arc<dyn Random>,
    transport: Transport,
    sha1_only: bool,
    /// What the server asked for; none until it did.
    login: Option<Login>,
    /// Requests without an answer, the oldest first.
    pending: VecDeque<Pending>,
}

/// What carries the bytes to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// TCP, with or without TLS.
    Stream,
}

/// Of which families the addresses of an allocation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// One of each, if there are.
    Both,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// It sees this address.
    Mapped(SocketAddr),
    /// It wants to know who asks, or wants a fresh nonce: send this.
    Challenged(Vec<u8>),
    /// An allocation is open.
    Allocated {
        /// Where peers reach it.
        relayed: Vec<SocketAddr>,
        /// The client's own address as the server sees it.
        mapped: SocketAddr,
        /// For so long.
        lifetime: Duration,
    },
    /// The allocation lives on, or is closed if this is zero.
    Refreshed {
        /// For so long.
        lifetime: Duration,
    },
    /// The peer may send.
    Permitted,
    /// The peer has the channel.
    ChannelBound,
    /// A peer sent this.
    Data {
        /// Which.
        peer: SocketAddr,
        /// What.
        bytes: &'a [u8],
    },
    /// The peer of a channel sent this.
    ChannelData {
        /// Which.
        channel: u16,
        /// What.
        bytes: &'a [u8],
    },
    /// The server does not do what it was asked to.
    Refused {
        /// ERROR-CODE.
        code: u16,
        /// For people; often empty.
        reason: String,
    },
}

/// Why bytes were dropped. A request that was not answered otherwise is still waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// They are neither STUN nor `ChannelData`.
    #[error("this is no answer: {0}")]
    Malformed(#[from] ParseError),
    /// They answer nothing that was asked.
    #[error("this answers nothing that was asked")]
    Unexpected,
    /// They do not come from a server that knows the password.
    #[error("this is not signed with the password of the credential")]
    Forged,
    /// They lack what such an answer must have, or have it in another form.
    #[error("this answer lacks an attribute, or has it in another form")]
    Incomplete,
    /// Someone on the way took out which algorithms the server knows (RFC 8489, section 9.2.5).
    #[error("someone changed which algorithms the server offers")]
    BidDown,
}

struct Pending {
    transaction_id: TransactionId,
    request: Request,
    signed: bool,
    attempt: u32,
}

impl TurnClient {
    /// A client that sent nothing yet.
    pub fn new(
        username: impl Into<String>,
        password: Secret<String>,
        random: Arc<dyn Random>,
        transport: Transport,
    ) -> Self {
        let (login, pending) = (None, VecDeque::new());
        Self { username: username.into(), password, random, transport, sha1_only: false, login, pending }
    }

    /// Uses nothing that came with RFC 8489, as browsers do.
    pub fn sha1_only(mut self) -> Self {
        self.sha1_only = true;
        self
    }

    /// Asks for the address that the server sees.
    pub fn bind(&mut self) -> Vec<u8> {
        self.request(Request::Bind, 1)
    }

    /// Opens an allocation.
    pub fn allocate(&mut self, family: Family) -> Vec<u8> {
        self.request(Request::Allocate(family), 1)
    }

    /// Keeps the allocation for so long, to the second; for zero, closes it.
    pub fn refresh(&mut self, lifetime: Duration) -> Vec<u8> {
        self.request(Request::Refresh(lifetime), 1)
    }

    /// Lets a peer in.
    pub fn permit(&mut self, peer: SocketAddr) -> Vec<u8> {
        self.request(Request::Permit(peer), 1)
    }

    /// Gives a peer a channel.
    pub fn bind_channel(&mut self, channel: u16, peer: SocketAddr) -> Vec<u8> {
        self.request(Request::BindChannel(channel, peer), 1)
    }

    /// Sends to a peer. There is no answer.
    ///
    /// # Panics
    ///
    /// Where the data does not fit into a datagram.
    pub fn send(&mut self, peer: SocketAddr, data: &[u8]) -> Vec<u8> {
        Builder::new(Class::Indication, Method::Send, self.transaction_id())
            .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, data)
            .finish()
    }

    /// Sends to the peer of a channel. There is no answer.
    ///
    /// # Panics
    ///
    /// Where the data does not fit into a datagram.
    pub fn send_on_channel(&self, channel: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).expect("data within a datagram");
        let mut bytes = Vec::with_capacity(4 + data.len().next_multiple_of(4));
        bytes.extend_from_slice(&channel.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(data);
        if self.transport == Transport::Stream {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    /// Takes a datagram, or a frame of a stream.
    pub fn handle<'a>(&mut self, bytes: &'a [u8]) -> Result<Event<'a>, ClientError> {
        if bytes.first().is_some_and(|first| *first >= FIRST_OF_CHANNEL_DATA) {
            let (channel, payload) = channel_data(bytes).ok_or(ParseError::Length)?;
            return Ok(Event::ChannelData { channel, bytes: &bytes[payload] });
        }
        let message = Message::parse(bytes)?;
        match (message.class(), message.method()) {
            (Class::Indication, Method::Data) => {
                let peer = message.xor_address(attribute::XOR_PEER_ADDRESS).ok_or(ClientError::Incomplete)?;
                let bytes = message.attribute(attribute::DATA).ok_or(ClientError::Incomplete)?;
                Ok(Event::Data { peer, bytes })
            }
            (Class::Success | Class::Error, method) => self.answered(&message, method),
            _ => Err(ClientError::Unexpected),
        }
    }

    fn answered(&mut self, message: &Message<'_>, method: Method) -> Result<Event<'static>, ClientError> {
        let asked = |pending: &Pending| {
            pending.transaction_id == message.transaction_id() && pending.request.method() == method
        };
        let place = self.pending.iter().position(asked).ok_or(ClientError::Unexpected)?;
        let Pending { request, signed, attempt, .. } = self.pending[place];
        if message.class() == Class::Success {
            self.verify(message, signed)?;
            let event = request.done(message)?;
            self.pending.remove(place);
            return Ok(event);
        }
        let (code, reason) = message.error().ok_or(ClientError::Incomplete)?;
        // A server cannot sign for someone whom it does not know yet (RFC 8489, section 9.2.4).
        self.verify(message, signed && !matches!(code, 400 | 401 | 438))?;
        let challenged = code == 438 || (code == 401 && !signed);
        if challenged && attempt < ATTEMPTS_MAX {
            let password = self.password.expose();
            self.login = Some(Login::read(message, &self.username, password, self.sha1_only)?);
            self.pending.remove(place);
            return Ok(Event::Challenged(self.request(request, attempt + 1)));
        }
        self.pending.remove(place);
        Ok(Event::Refused { code, reason: reason.into_owned() })
    }

    fn verify(&self, message: &Message<'_>, needed: bool) -> Result<(), ClientError> {
        let Some(login) = self.login.as_ref().filter(|_| needed) else { return Ok(()) };
        login.verifies(message).then_some(()).ok_or(ClientError::Forged)
    }

    fn request(&mut self, request: Request, attempt: u32) -> Vec<u8> {
        let transaction_id = self.transaction_id();
        let mut builder = request.write(Builder::new(Class::Request, request.method(), transaction_id));
        let login = self.login.as_ref().filter(|_| request.method() != Method::Binding);
        if let Some(login) = login {
            builder = login.sign(builder, &self.username);
        }
        if self.pending.len() == PENDING_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back(Pending { transaction_id, request, signed: login.is_some(), attempt });
        builder.fingerprint().finish()
    }

    fn transaction_id(&self) -> TransactionId {
        let mut bytes = [0; 12];
        self.random.fill(&mut bytes);
        TransactionId(bytes)
    }
}

impl fmt::Debug for TurnClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TurnClient").field("username", &self.username).finish_non_exhaustive()
    }
}

/// `ChannelData` begins with 64 or more, STUN with less (RFC 8656, section 12).
const FIRST_OF_CHANNEL_DATA: u8 = 64;

/// A server that always wants another nonce is given up on.
const ATTEMPTS_MAX: u32 = 3;

/// More requests than this do not wait for an answer at once.
const PENDING_MAX: usize = 64;

#[cfg(test)]
mod tests;
