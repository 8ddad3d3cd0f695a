//! Clients of the relay, on every line that leads to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Secret;
use callbox_domain::testing::CountingRandom;
use callbox_turn_proto::client::{Event, Family, Transport, TurnClient};
use callbox_turn_proto::frames::{Frame, next_frame};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

/// What a server says of its relay.
#[derive(Debug, Clone)]
pub struct Ice {
    pub urls: Vec<String>,
    pub username: String,
    pub password: String,
}

impl Ice {
    /// Reads an `IceConfiguration`.
    pub fn read(configuration: &Value) -> Self {
        let servers = configuration["iceServers"].as_array().expect("servers");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let urls = servers.iter().flat_map(|server| server["urls"].as_array().expect("urls")).map(text);
        let turn = servers.iter().find(|server| !server["username"].is_null()).expect("a TURN server");
        Self { urls: urls.collect(), username: text(&turn["username"]), password: text(&turn["credential"]) }
    }

    /// The address in the only URL that begins and ends so.
    pub fn address(&self, scheme: &str, end: &str) -> SocketAddr {
        let found = |url: &&String| url.starts_with(scheme) && url.ends_with(end);
        let mut urls = self.urls.iter().filter(found);
        let url = urls.next().unwrap_or_else(|| panic!("{scheme}…{end} in {:?}", self.urls));
        assert!(urls.next().is_none(), "{:?}", self.urls);
        url[scheme.len()..url.len() - end.len()].parse().expect("an address")
    }

    pub fn udp(&self) -> SocketAddr {
        self.address("turn:", "?transport=udp")
    }

    pub fn tcp(&self) -> SocketAddr {
        self.address("turn:", "?transport=tcp")
    }
}

/// A client on its line.
pub struct Turn {
    client: TurnClient,
    line: Line,
}

enum Line {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>, Vec<u8>),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What was answered in the end.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Mapped(SocketAddr),
    Allocated(SocketAddr),
    Done,
    Refused(u16),
    Data(SocketAddr, Vec<u8>),
    /// The server closed the line.
    Closed,
}

impl Turn {
    pub async fn udp(ice: &Ice, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        socket.connect(server).await.expect("a route");
        Self { client: client(ice, Transport::Udp), line: Line::Udp(socket) }
    }

    pub async fn tcp(ice: &Ice, server: SocketAddr) -> Self {
        Self::on(ice, TcpStream::connect(server).await.expect("it listens"))
    }

    /// Over TLS, with these protocols in its handshake, to a server whose certificate is in this file.
    pub async fn tls(ice: &Ice, server: SocketAddr, cert: &Path, protocols: &[&str]) -> Self {
        Self::on(ice, connect_tls(server, cert, protocols).await)
    }

    fn on(ice: &Ice, stream: impl Stream + 'static) -> Self {
        Self { client: client(ice, Transport::Stream), line: Line::Stream(Box::new(stream), Vec::new()) }
    }

    /// The own address as the server sees it.
    pub async fn bind(&mut self) -> Answer {
        let request = self.client.bind();
        self.ask(request).await
    }

    pub async fn allocate(&mut self) -> Answer {
        let request = self.client.allocate(Family::V4);
        self.ask(request).await
    }

    pub async fn refresh(&mut self) -> Answer {
        let request = self.client.refresh(Duration::from_mins(10));
        self.ask(request).await
    }

    pub async fn permit(&mut self, peer: SocketAddr) -> Answer {
        let request = self.client.permit(peer);
        self.ask(request).await
    }

    /// Allocates, and sends to a peer and back: the relayed address.
    pub async fn relay(&mut self, peer: &UdpSocket) -> SocketAddr {
        let Answer::Allocated(relayed) = self.allocate().await else { panic!("not allocated") };
        let address = peer.local_addr().expect("bound");
        assert_eq!(self.permit(address).await, Answer::Done);
        self.tell(address, b"there").await;
        let mut buffer = [0; 64];
        let (count, from) = within(peer.recv_from(&mut buffer)).await.expect("a datagram");
        assert_eq!((&buffer[..count], from), (&b"there"[..], relayed));
        peer.send_to(b"and back", relayed).await.expect("sent");
        assert_eq!(self.next().await, Answer::Data(address, b"and back".to_vec()));
        relayed
    }

    /// Sends to a peer.
    pub async fn tell(&mut self, peer: SocketAddr, data: &[u8]) {
        let bytes = self.client.send(peer, data);
        self.send(&bytes).await;
    }

    /// Sends to a peer that is another client, who sees it come from `seen`: what arrives there.
    pub async fn exchange(
        &mut self,
        peer: SocketAddr,
        to: &mut Self,
        seen: SocketAddr,
        data: &[u8],
    ) -> Vec<u8> {
        self.tell(peer, data).await;
        match to.next().await {
            Answer::Data(from, data) if from == seen => data,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the server closes the line, whatever it says before.
    pub async fn until_closed(&mut self) {
        while self.receive().await.is_some() {}
    }

    /// Sends a request until there is a final answer to it.
    async fn ask(&mut self, request: Vec<u8>) -> Answer {
        self.send(&request).await;
        self.next().await
    }

    /// The next thing that the server says.
    async fn next(&mut self) -> Answer {
        loop {
            let Some(bytes) = self.receive().await else { return Answer::Closed };
            let again = match self.client.handle(&bytes).expect("an answer") {
                Event::Challenged(again) => again,
                Event::Mapped(address) => return Answer::Mapped(address),
                Event::Allocated { relayed, .. } => return Answer::Allocated(relayed[0]),
                Event::Refreshed { .. } | Event::Permitted | Event::ChannelBound => return Answer::Done,
                Event::Data { peer, bytes } => return Answer::Data(peer, bytes.to_vec()),
                Event::ChannelData { channel, .. } => panic!("nobody bound {channel}"),
                Event::Refused { code, .. } => return Answer::Refused(code),
            };
            self.send(&again).await;
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        match &mut self.line {
            Line::Udp(socket) => drop(within(socket.send(bytes)).await.expect("sent")),
            Line::Stream(stream, _) => {
                // A line that is closed is noticed by who reads.
                let _ = within(stream.write_all(bytes)).await;
                let _ = within(stream.flush()).await;
            }
        }
    }

    /// The next datagram or frame; `None` when the line is closed.
    async fn receive(&mut self) -> Option<Vec<u8>> {
        match &mut self.line {
            Line::Udp(socket) => {
                let mut buffer = vec![0; 2_048];
                let count = within(socket.recv(&mut buffer)).await.expect("a datagram");
                buffer.truncate(count);
                Some(buffer)
            }
            Line::Stream(stream, read) => loop {
                match next_frame(read) {
                    Frame::Whole(length) => return Some(read.drain(..length).collect()),
                    Frame::Broken => panic!("no frame: {read:?}"),
                    Frame::Incomplete => {}
                }
                let count = within(stream.read_buf(read)).await.unwrap_or_default();
                if count == 0 {
                    return None;
                }
            },
        }
    }
}

fn client(ice: &Ice, transport: Transport) -> TurnClient {
    let password = Secret::new(ice.password.clone());
    TurnClient::new(&ice.username, password, Arc::new(CountingRandom::default()), transport)
}

/// A connection to a server whose certificate is in this file.
pub async fn connect_tls(
    server: SocketAddr,
    cert: &Path,
    protocols: &[&str],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert).expect("a certificate")).expect("a good one");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(server).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await.expect("a handshake")
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("in time")
}
