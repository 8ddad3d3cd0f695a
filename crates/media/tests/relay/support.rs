//! A relay on loopback, its clients, and peers.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use callbox_domain::testing::ManualClock;
use callbox_domain::{Clock, Random, Timestamp};
use callbox_media::{Relay, RelayBinding, RelayOptions, RelayParts, RelaySockets};
use callbox_media_control::{Credential, CredentialKey, RelayUrls};
use callbox_turn_proto::client::{Event, Family, Transport, TurnClient};
use callbox_turn_proto::frames::{Frame, next_frame};
use callbox_turn_proto::{Limits, Settings};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use tokio::runtime::Runtime;

/// A relay, and what it takes to reach it.
pub struct World {
    pub relay: Arc<Relay>,
    pub clock: Arc<ManualClock>,
    /// Whether the relay's clock panics when it is asked.
    pub broken: Arc<AtomicBool>,
    pub runtime: Runtime,
    /// Where it listens for UDP and TCP.
    pub plain: SocketAddr,
    /// Where it listens for TLS.
    pub tls: SocketAddr,
    pub server_tls: Arc<ServerConfig>,
    pub client_tls: Arc<ClientConfig>,
    key: CredentialKey,
    random: Arc<Seeded>,
}

impl World {
    /// On IPv4.
    pub fn new() -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into())
    }

    /// On an address of loopback. Peers on loopback are allowed.
    pub fn at(address: IpAddr) -> Self {
        Self::with(address, vec![RelayBinding { public: address, bind: address }])
    }

    /// With relay ports at other addresses than where it listens.
    pub fn with(listen: IpAddr, addresses: Vec<RelayBinding>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let any_port = SocketAddr::new(listen, 0);
        let sockets = RelaySockets::bind(&RelayOptions {
            listen: vec![any_port],
            tls_listen: vec![any_port],
            addresses,
        })
        .expect("loopback");
        let (plain, tls) = (sockets.listen_addresses()[0], sockets.tls_listen_addresses()[0]);
        let clock = Arc::new(ManualClock::default());
        // The port is this relay's alone, so those that run beside it choose other relay ports.
        let random = Arc::new(Seeded(AtomicU64::new(plain.port().into())));
        let key = CredentialKey::new([7; 32]);
        let most = NonZeroU32::MAX;
        let settings = Settings {
            key: key.clone(),
            relay_addresses: Vec::new(),
            ports: 10_000..=32_000,
            own_addresses: Vec::new(),
            allow_peers: vec![
                "127.0.0.0/8".parse().expect("a network"),
                "::1/128".parse().expect("a network"),
            ],
            limits: Limits {
                allocations_per_call: most,
                allocations_per_session: most,
                bytes_per_second: most,
                open_answers_per_second: most,
                lifetime_max: Duration::from_hours(1),
            },
        };
        let (server_tls, client_tls) = certificates(listen);
        let broken = Arc::new(AtomicBool::new(false));
        let parts = RelayParts {
            clock: Arc::new(Breakable { clock: clock.clone(), broken: broken.clone() }),
            random: random.clone(),
            urls: RelayUrls::default(),
            tls: Some(server_tls.clone()),
        };
        let relay = {
            let _inside = runtime.enter();
            Arc::new(Relay::start(sockets, settings, parts).expect("starts"))
        };
        Self { relay, clock, broken, runtime, plain, tls, server_tls, client_tls, key, random }
    }

    /// A client over UDP.
    pub fn over_udp(&self) -> Client {
        let socket = UdpSocket::bind(SocketAddr::new(self.plain.ip(), 0)).expect("loopback");
        socket.connect(self.plain).expect("possible");
        socket.set_read_timeout(Some(PATIENCE)).expect("possible");
        self.client(Link::Datagrams(socket), Transport::Udp)
    }

    /// A client over TCP.
    pub fn over_tcp(&self) -> Client {
        self.over_stream(Box::new(connect(self.plain)))
    }

    /// A client over TLS.
    pub fn over_tls(&self) -> Client {
        self.over_stream(Box::new(self.handshake(connect(self.tls))))
    }

    /// A client over this stream.
    pub fn over_stream(&self, stream: Box<dyn Both>) -> Client {
        self.client(Link::Stream { stream, unused: Vec::new() }, Transport::Stream)
    }

    /// TLS over a stream.
    pub fn handshake(&self, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::IpAddress(self.plain.ip().into());
        let connection = ClientConnection::new(self.client_tls.clone(), name).expect("a good name");
        StreamOwned::new(connection, stream)
    }

    /// A peer that is no client.
    pub fn peer(&self) -> Peer {
        Peer::at(self.plain.ip())
    }

    fn client(&self, link: Link, transport: Transport) -> Client {
        let credential = Credential::new(self.clock.now(), SESSION, CALL);
        let turn = TurnClient::new(
            credential.username(),
            credential.password(&self.key),
            self.random.clone(),
            transport,
        );
        let family = if self.plain.is_ipv4() { Family::V4 } else { Family::V6 };
        Client { turn, link, family }
    }
}

/// Whose credentials clients have.
pub const SESSION: &str = "ses_0123456789abcdefghjkmnpqrs";
/// And for which call.
pub const CALL: &str = "1.cal_0123456789abcdef";

/// Whatever carries bytes both ways.
pub trait Both: Read + Write {}
impl<Stream: Read + Write> Both for Stream {}

enum Link {
    Datagrams(UdpSocket),
    Stream { stream: Box<dyn Both>, unused: Vec<u8> },
}

/// A client of the relay.
pub struct Client {
    pub turn: TurnClient,
    link: Link,
    family: Family,
}

impl Client {
    pub fn send(&mut self, bytes: &[u8]) {
        match &mut self.link {
            Link::Datagrams(socket) => {
                socket.send(bytes).expect("open");
            }
            Link::Stream { stream, .. } => stream.write_all(bytes).expect("open"),
        }
    }

    /// What comes next; fails where nothing comes.
    pub fn hear(&mut self) -> Event<'static> {
        let frame = self.next_frame().expect("something comes").leak();
        self.turn.handle(frame).expect("an answer")
    }

    /// Asks, with a credential where the relay wants to see one.
    pub fn ask(&mut self, ask: impl FnOnce(&mut TurnClient) -> Vec<u8>) -> Event<'static> {
        let mut request = ask(&mut self.turn);
        loop {
            self.send(&request);
            match self.hear() {
                Event::Challenged(again) => request = again,
                event => return event,
            }
        }
    }

    /// Opens an allocation, and returns where peers reach it.
    pub fn allocate(&mut self) -> SocketAddr {
        let family = self.family;
        match self.ask(|turn| turn.allocate(family)) {
            Event::Allocated { relayed, .. } => relayed[0],
            other => panic!("no allocation: {other:?}"),
        }
    }

    /// Lets a peer send.
    pub fn permit(&mut self, peer: SocketAddr) {
        assert_eq!(self.ask(|turn| turn.permit(peer)), Event::Permitted);
    }

    /// Fails unless the relay closes this client's stream.
    pub fn expect_closed(&mut self) {
        while let Some(_answer) = self.next_frame() {}
    }

    /// Its own address over UDP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.link {
            Link::Datagrams(socket) => socket.local_addr().ok(),
            Link::Stream { .. } => None,
        }
    }

    /// The next frame; `None` at the end of a stream.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        let mut space = vec![0; 65_536];
        match &mut self.link {
            Link::Datagrams(socket) => {
                let length = socket.recv(&mut space).expect("something comes");
                space.truncate(length);
                Some(space)
            }
            Link::Stream { stream, unused } => loop {
                match next_frame(unused) {
                    Frame::Whole(length) => return Some(unused.drain(..length).collect()),
                    Frame::Incomplete => {}
                    Frame::Broken => panic!("the relay sent no frame: {unused:?}"),
                }
                match stream.read(&mut space) {
                    Ok(0) => return None,
                    Ok(length) => unused.extend_from_slice(&space[..length]),
                    Err(error) if is_reset(&error) => return None,
                    Err(error) => panic!("nothing comes: {error}"),
                }
            },
        }
    }
}

/// Someone to whom packets are relayed.
pub struct Peer(UdpSocket);

impl Peer {
    /// At this address, on any port.
    pub fn at(address: IpAddr) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(address, 0)).expect("loopback");
        socket.set_read_timeout(Some(PATIENCE)).expect("possible");
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("bound")
    }

    pub fn send(&self, relayed: SocketAddr, bytes: &[u8]) {
        self.0.send_to(bytes, relayed).expect("sent");
    }

    /// The next packet, and from where it came.
    pub fn hear(&self) -> (Vec<u8>, SocketAddr) {
        let mut space = vec![0; 65_536];
        let (length, from) = self.0.recv_from(&mut space).expect("something comes");
        space.truncate(length);
        (space, from)
    }
}

/// Fails unless the relay port is closed before long: then the system says that nobody is there.
pub fn wait_until_closed(relayed: SocketAddr) {
    let socket = UdpSocket::bind(SocketAddr::new(relayed.ip(), 0)).expect("loopback");
    socket.connect(relayed).expect("possible");
    socket.set_read_timeout(Some(PATIENCE / 400)).expect("possible");
    let is_closed = (0..400).any(|_| {
        let sent = socket.send(b"anyone?").and_then(|_| socket.recv(&mut [0; 10]));
        sent.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    });
    assert!(is_closed, "{relayed} is open");
}

/// A clock that can be made to panic.
struct Breakable {
    clock: Arc<ManualClock>,
    broken: Arc<AtomicBool>,
}

impl Clock for Breakable {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        assert!(!self.broken.load(Ordering::Relaxed), "this clock is broken");
        self.clock.elapsed()
    }
}

/// Splitmix64.
struct Seeded(AtomicU64);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A connection on which nothing waits forever.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("possible");
    stream.set_write_timeout(Some(PATIENCE)).expect("possible");
    stream
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
    )
}

fn certificates(address: IpAddr) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(vec![address.to_string()]).expect("makes one");
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("supported")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("they fit");
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate).expect("good");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("supported")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

/// Nothing takes this long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(20);
