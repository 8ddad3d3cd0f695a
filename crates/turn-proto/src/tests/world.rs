//! A server, what it did, and clients with credentials. Whatever it does is checked: ports are opened once, closed when they
//! are open, and nothing is sent from others.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox_domain::{Random, Timestamp};

use crate::credential::{Credential, CredentialKey};
use crate::message::{
    Builder, Class, Integrity, LongTermKey, Message, Method, TAILROOM, TransactionId, attribute,
};
use crate::{
    Bytes, Client, HEADROOM, Input, Limits, Now, Output, Packet, RelayAddress, RelayPort, Server, Settings,
    Via,
};

/// Seeded randomness (`SplitMix64`).
pub struct Seeded(Mutex<u64>);

impl Seeded {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seed)))
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("not poisoned");
        for byte in bytes {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 32).to_le_bytes()[0];
        }
    }
}

/// Something that a server sent, or had done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Opened(RelayPort),
    Closed(RelayPort),
    ToClient(Client, Vec<u8>),
    ToPeer(RelayPort, SocketAddr, Vec<u8>),
    Disconnected(Client),
}

pub struct World {
    pub server: Server,
    pub now: Now,
    pub key: CredentialKey,
    /// Ports that other programs have.
    pub taken: BTreeSet<u16>,
    /// Ports that were asked for, of which the server is not told yet.
    pub opening: Vec<RelayPort>,
    /// Whether the server is told at once.
    pub is_prompt: bool,
    pub open: BTreeSet<RelayPort>,
    pub done: Vec<Done>,
    transactions: u32,
}

pub const RELAY_V4: &str = "8.8.4.4";
pub const RELAY_V6: &str = "2a00:1450::8";

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let key = CredentialKey::new([7; 32]);
        let relay = |text: &str| RelayAddress { public: text.parse().expect(text) };
        let number = |count| NonZeroU32::new(count).expect("not zero");
        let mut settings = Settings {
            key: key.clone(),
            relay_addresses: vec![relay(RELAY_V4), relay(RELAY_V6)],
            ports: 50_000..=50_099,
            own_addresses: vec!["198.41.0.4".parse().expect("an address")],
            allow_peers: Vec::new(),
            limits: Limits {
                allocations_per_call: number(12),
                allocations_per_session: number(64),
                bytes_per_second: number(1_000_000),
                open_answers_per_second: number(10),
                lifetime_max: Duration::from_hours(1),
            },
        };
        change(&mut settings);
        let now = Now { elapsed: Duration::from_secs(5), wall: Timestamp::from_millis(1_795_255_323_000) };
        Self {
            server: Server::new(settings, Seeded::new(1), now),
            now,
            key,
            taken: BTreeSet::new(),
            opening: Vec::new(),
            is_prompt: true,
            open: BTreeSet::new(),
            done: Vec::new(),
            transactions: 0,
        }
    }

    /// Time passes, and the server hears of it.
    pub fn advance(&mut self, time: Duration) {
        self.now = Now { elapsed: self.now.elapsed + time, wall: self.now.wall.plus(time) };
        self.handle(Input::Tick, &[]);
    }

    pub fn handle(&mut self, input: Input<'_>, buffer: &[u8]) {
        self.server.handle(self.now, input);
        self.take_outputs(buffer);
    }

    /// A client sends so many bytes; what it hears at once.
    pub fn send(&mut self, client: Client, bytes: &[u8]) -> Vec<Done> {
        self.receive(bytes, |packet| Input::FromClient { client, packet })
    }

    /// A peer sends so many bytes; what comes of it.
    pub fn peer_sends(&mut self, relay: RelayPort, peer: SocketAddr, bytes: &[u8]) -> Vec<Done> {
        self.receive(bytes, |packet| Input::FromPeer { relay, peer, packet })
    }

    fn receive(&mut self, bytes: &[u8], input: impl for<'a> FnOnce(Packet<'a>) -> Input<'a>) -> Vec<Done> {
        let before = self.done.len();
        let mut buffer = vec![0xee; HEADROOM];
        buffer.extend_from_slice(bytes);
        buffer.extend_from_slice(&[0xee; TAILROOM]);
        let range = HEADROOM..HEADROOM + bytes.len();
        self.server.handle(self.now, input(Packet { buffer: &mut buffer, range }));
        self.take_outputs(&buffer);
        self.done[before..].to_vec()
    }

    /// The server hears what became of the ports that it asked for.
    pub fn open_ports(&mut self) {
        while let Some(relay) = self.opening.pop() {
            let is_open = !self.taken.contains(&relay.port);
            if is_open {
                self.open.insert(relay);
            }
            self.handle(if is_open { Input::RelayOpened(relay) } else { Input::RelayFailed(relay) }, &[]);
        }
    }

    fn take_outputs(&mut self, buffer: &[u8]) {
        let read = |bytes| match bytes {
            Bytes::InBuffer(range) => buffer[range].to_vec(),
            Bytes::Own(bytes) => bytes,
        };
        while let Some(output) = self.server.next_output() {
            let done = match output {
                Output::OpenRelay(relay) => {
                    assert!(!self.open.contains(&relay), "{relay:?} is open");
                    assert!(!self.opening.contains(&relay), "{relay:?} is being opened");
                    self.opening.push(relay);
                    Done::Opened(relay)
                }
                Output::CloseRelay(relay) => {
                    assert!(self.open.remove(&relay), "{relay:?} is not open");
                    Done::Closed(relay)
                }
                Output::ToClient { client, bytes } => Done::ToClient(client, read(bytes)),
                Output::ToPeer { relay, peer, bytes } => {
                    assert!(self.open.contains(&relay), "{relay:?} is not open");
                    Done::ToPeer(relay, peer, read(bytes))
                }
                Output::Disconnect(client) => Done::Disconnected(client),
            };
            self.done.push(done);
        }
        if self.is_prompt {
            self.open_ports();
        }
    }

    pub fn transaction(&mut self) -> TransactionId {
        self.transactions += 1;
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.transactions.to_be_bytes());
        TransactionId(id)
    }

    /// A user with a credential, over UDP.
    pub fn user(&mut self, address: &str, session: &str, call: &str) -> User {
        self.user_via(Via::Udp(0), address, session, call)
    }

    pub fn user_via(&mut self, via: Via, address: &str, session: &str, call: &str) -> User {
        let client = Client { via, address: address.parse().expect(address) };
        let credential = Credential::new(self.now.wall, session, call);
        let nonce = self.server_nonce(client);
        let password = credential.password(&self.key).into_exposed();
        User {
            client,
            username: credential.username(),
            password,
            nonce,
            integrity: Integrity::Sha1,
            with_sha256: false,
        }
    }

    /// Asks for a nonce as every client does: by a request without a credential.
    pub fn server_nonce(&mut self, client: Client) -> Vec<u8> {
        let id = self.transaction();
        let request = Builder::new(Class::Request, Method::Allocate, id).finish();
        let done = self.send(client, &request);
        let answer = Answer::only(&done);
        assert_eq!(answer.error, Some(401));
        answer.bytes(attribute::NONCE).expect("a nonce")
    }

    /// A signed request, and the answer.
    pub fn ask(&mut self, user: &User, method: Method, fill: impl FnOnce(Builder) -> Builder) -> Answer {
        let id = self.transaction();
        let request = user.request(id, method, fill);
        self.ask_bytes(user, &request)
    }

    pub fn ask_bytes(&mut self, user: &User, request: &[u8]) -> Answer {
        let before = self.done.len();
        self.send(user.client, request);
        let answer = Answer::only(&self.done[before..]);
        let parsed = Message::parse(&answer.message).expect("a message");
        if !matches!(answer.error, Some(401 | 438)) {
            assert!(parsed.verify(user.integrity, user.key().bytes()), "an answer that is not signed");
        }
        answer
    }

    pub fn allocate(&mut self, user: &User) -> Answer {
        self.ask(user, Method::Allocate, udp)
    }

    /// Opens an allocation of IPv4, and says which port it is.
    pub fn allocated(&mut self, user: &User) -> RelayPort {
        let answer = self.allocate(user);
        assert_eq!(answer.error, None);
        RelayPort { address: 0, port: answer.address(attribute::XOR_RELAYED_ADDRESS).port() }
    }

    pub fn refresh(&mut self, user: &User, seconds: u32) -> Answer {
        self.ask(user, Method::Refresh, |request| lifetime(request, seconds))
    }

    pub fn permit(&mut self, user: &User, peers: &[&str]) -> Answer {
        self.ask(user, Method::CreatePermission, |request| peers.iter().copied().fold(request, peer))
    }

    pub fn bind(&mut self, user: &User, number: u16, address: &str) -> Answer {
        self.ask(user, Method::ChannelBind, |request| peer(channel(request, number), address))
    }

    /// A Send indication.
    pub fn indicate(&mut self, user: &User, address: &str, data: &[u8]) -> Vec<Done> {
        let id = self.transaction();
        let indication = peer(Builder::new(Class::Indication, Method::Send, id), address);
        self.send(user.client, &indication.attribute(attribute::DATA, data).finish())
    }

    /// `ChannelData`, padded where the user has a stream.
    pub fn send_channel(&mut self, user: &User, number: u16, data: &[u8]) -> Vec<Done> {
        let mut bytes = channel_data(number, data);
        if user.client.via.is_stream() {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        self.send(user.client, &bytes)
    }
}

pub fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short");
    [&number.to_be_bytes(), &length.to_be_bytes(), data].concat()
}

pub fn udp(request: Builder) -> Builder {
    request.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
}

pub fn lifetime(request: Builder, seconds: u32) -> Builder {
    request.attribute(attribute::LIFETIME, &seconds.to_be_bytes())
}

pub fn family(request: Builder, family: u8) -> Builder {
    request.attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[family, 0, 0, 0])
}

pub fn peer(request: Builder, address: &str) -> Builder {
    request.xor_address(attribute::XOR_PEER_ADDRESS, address.parse().expect(address))
}

pub fn channel(request: Builder, number: u16) -> Builder {
    let [high, low] = number.to_be_bytes();
    request.attribute(attribute::CHANNEL_NUMBER, &[high, low, 0, 0])
}

/// A client with a credential.
#[derive(Debug, Clone)]
pub struct User {
    pub client: Client,
    pub username: String,
    pub password: String,
    pub nonce: Vec<u8>,
    pub integrity: Integrity,
    /// Whether its key is made by SHA-256.
    pub with_sha256: bool,
}

impl User {
    pub fn key(&self) -> LongTermKey {
        let make = if self.with_sha256 { LongTermKey::sha256 } else { LongTermKey::md5 };
        make(&self.username, "callbox", &self.password)
    }

    pub fn request(
        &self,
        id: TransactionId,
        method: Method,
        fill: impl FnOnce(Builder) -> Builder,
    ) -> Vec<u8> {
        let mut request = fill(Builder::new(Class::Request, method, id))
            .text(attribute::USERNAME, &self.username)
            .text(attribute::REALM, "callbox")
            .attribute(attribute::NONCE, &self.nonce);
        if self.with_sha256 {
            request = request
                .attribute(attribute::PASSWORD_ALGORITHMS, &[0, 1, 0, 0, 0, 2, 0, 0])
                .attribute(attribute::PASSWORD_ALGORITHM, &[0, 2, 0, 0]);
        }
        request.sign(self.integrity, self.key().bytes()).fingerprint().finish()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub error: Option<u16>,
    pub message: Vec<u8>,
}

impl Answer {
    /// The only thing that was sent to a client.
    #[track_caller]
    pub fn only(done: &[Done]) -> Self {
        let sent: Vec<_> = done
            .iter()
            .filter_map(|done| if let Done::ToClient(_, bytes) = done { Some(bytes) } else { None })
            .collect();
        let [message] = sent[..] else { panic!("one answer, not {done:?}") };
        let parsed = Message::parse(message).expect("a message");
        assert!(matches!(parsed.class(), Class::Success | Class::Error));
        assert!(message.ends_with(&message[message.len() - 4..]));
        Self { error: parsed.error().map(|(code, _)| code), message: message.clone() }
    }

    pub fn bytes(&self, kind: u16) -> Option<Vec<u8>> {
        Message::parse(&self.message).expect("a message").attribute(kind).map(<[u8]>::to_vec)
    }

    pub fn address(&self, kind: u16) -> SocketAddr {
        Message::parse(&self.message).expect("a message").xor_address(kind).expect("an address")
    }

    pub fn addresses(&self, kind: u16) -> Vec<SocketAddr> {
        let message = Message::parse(&self.message).expect("a message");
        message.xor_addresses(kind).map(|address| address.expect("an address")).collect()
    }
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

pub fn socket(text: &str) -> SocketAddr {
    text.parse().expect(text)
}
