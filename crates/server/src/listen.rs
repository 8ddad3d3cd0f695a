//! Listeners: plain TCP, and TLS over it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::AsyncBufReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use callbox_turn_proto::frames::looks_like_turn;

use crate::StartError;
use crate::tls;

/// Binds an address; the error says what to do.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "the port is taken; stop the other program or choose another port".to_owned()
            }
            io::ErrorKind::PermissionDenied => "not allowed; ports below 1024 need a privilege".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            _ => error.to_string(),
        };
        StartError::Listen { address: address.to_string(), error: advice }
    })
}

/// Sends small frames at once: Nagle's algorithm would hold them back until the peer confirms the frame before.
pub(crate) fn without_delay(stream: &mut TcpStream) {
    // Fails only on a socket that is gone already.
    let _ = stream.set_nodelay(true);
}

/// Takes a connection on which a client speaks TURN, with what it has said so far. It must not block.
pub(crate) type TakeTurn = Arc<dyn Fn(TlsStream<TcpStream>, SocketAddr) + Send + Sync>;

/// TLS over a TCP listener. Handshakes run beside each other, so that a slow client holds up nobody.
///
/// Where somebody takes TURN, its clients come here too: the port of HTTPS is the one that a strict firewall leaves open.
/// They say so in the handshake (RFC 7443), or else by their first byte.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    pub(crate) fn new(
        listener: TcpListener,
        config: Arc<rustls::ServerConfig>,
        turn: Option<TakeTurn>,
    ) -> io::Result<Self> {
        Self::with(listener, config, turn, HANDSHAKE_TIME_MAX)
    }

    fn with(
        listener: TcpListener,
        config: Arc<rustls::ServerConfig>,
        turn: Option<TakeTurn>,
        time_max: Duration,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(HANDSHAKEN_MAX);
        let config = if turn.is_some() { tls::speaking_turn_too(&config) } else { config };
        let reception = Reception { acceptor: TlsAcceptor::from(config), turn, time_max, http: sender };
        tokio::spawn(accept(listener, reception));
        Ok(Self { ready, address })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends with this listener only.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// What becomes of a connection.
#[derive(Clone)]
struct Reception {
    acceptor: TlsAcceptor,
    turn: Option<TakeTurn>,
    /// From the connection to the moment at which it is clear what its client speaks.
    time_max: Duration,
    http: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
}

async fn accept(mut listener: TcpListener, reception: Reception) {
    loop {
        // axum's own accept: it waits and tries again when the system is out of sockets.
        let (stream, address) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = reception.http.closed() => return,
        };
        let reception = reception.clone();
        tokio::spawn(async move { reception.receive(stream, address).await });
    }
}

impl Reception {
    /// Leads a client to where it wants to go. One that takes too long to say so, or speaks no TLS, is let go.
    async fn receive(self, mut stream: TcpStream, address: SocketAddr) {
        without_delay(&mut stream);
        let handshake = async {
            let mut stream = self.acceptor.accept(stream).await?;
            let is_turn = self.turn.is_some() && speaks_turn(&mut stream).await?;
            io::Result::Ok((stream, is_turn))
        };
        let Ok(Ok((stream, is_turn))) = tokio::time::timeout(self.time_max, handshake).await else { return };
        match self.turn {
            Some(take_turn) if is_turn => take_turn(stream, address),
            _ => {
                let _ = self.http.send((stream, address)).await;
            }
        }
    }
}

/// Whether a client has come for TURN. One that did not say so in the handshake speaks first, in TURN as in HTTP; what it
/// said stays to be read.
async fn speaks_turn(stream: &mut TlsStream<TcpStream>) -> io::Result<bool> {
    match stream.get_ref().1.alpn_protocol() {
        Some(protocol) => Ok(tls::TURN_PROTOCOLS.contains(&protocol)),
        None => Ok(stream.fill_buf().await?.first().is_some_and(|first| looks_like_turn(*first))),
    }
}

const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Finished handshakes that wait to be served.
const HANDSHAKEN_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// The beginning of a Binding request, and that of a request of HTTP.
    const TURN: &[u8] = &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    const HTTP: &[u8] = b"GET / HT";

    /// A door, those who came for TURN, and the certificate.
    struct Door {
        listener: TlsListener,
        turn: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
        /// So that nobody comes for as long as the door is there.
        _sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
        certificate: CertificateDer<'static>,
    }

    /// Where a client was led, with what the server then reads of it.
    #[derive(Debug, PartialEq, Eq)]
    enum Led {
        ToHttp(Vec<u8>),
        ToTurn(Vec<u8>),
    }

    async fn open(with_turn: bool) -> Door {
        open_for(with_turn, HANDSHAKE_TIME_MAX).await
    }

    /// A door at which a client may take so long to say what it speaks.
    async fn open_for(with_turn: bool, time_max: Duration) -> Door {
        let folder = TempDir::new().expect("a folder");
        let (cert, key) = tls::self_signed(folder.path(), "localhost").expect("a certificate");
        let config = tls::load(&cert, &key).expect("just made");
        let (sender, turn) = mpsc::channel(8);
        let led = sender.clone();
        let take_turn: TakeTurn = Arc::new(move |stream, address| {
            led.try_send((stream, address)).expect("room");
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let turn_taken = with_turn.then_some(take_turn);
        let listener = TlsListener::with(listener, config, turn_taken, time_max).expect("bound");
        let certificate = CertificateDer::from_pem_file(&cert).expect("just made");
        Door { listener, turn, _sender: sender, certificate }
    }

    impl Door {
        /// A client that asks for these protocols in the handshake.
        async fn connect(
            &self,
            protocols: &[&str],
        ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.clone()).expect("a good one");
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("known versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            let stream = TcpStream::connect(self.listener.address).await.expect("it listens");
            let name = ServerName::try_from("localhost").expect("a name");
            TlsConnector::from(Arc::new(config)).connect(name, stream).await
        }

        /// Where the next client is led, which has said so much.
        async fn next(&mut self, count: usize) -> Led {
            let (stream, _) = tokio::select! {
                http = self.listener.accept() => return Led::ToHttp(read(http.0, count).await),
                turn = self.turn.recv() => turn.expect("the door is open"),
            };
            Led::ToTurn(read(stream, count).await)
        }

        /// Where a client with these protocols and first bytes is led.
        async fn led(&mut self, protocols: &[&str], says: &[u8]) -> Led {
            let mut client = self.connect(protocols).await.expect("a handshake");
            client.write_all(says).await.expect("sent");
            client.flush().await.expect("sent");
            self.next(says.len()).await
        }
    }

    async fn read(mut stream: TlsStream<TcpStream>, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).await.expect("what was said");
        bytes
    }

    #[tokio::test]
    async fn who_names_a_protocol_is_led_by_it_before_saying_anything() {
        let mut door = open(true).await;
        for protocols in [&["stun.turn"][..], &["stun.nat-discovery"]] {
            let client = door.connect(protocols).await.expect("a handshake");
            assert_eq!(door.next(0).await, Led::ToTurn(Vec::new()));
            drop(client);
        }
        for protocols in [&["http/1.1"][..], &["h2", "http/1.1"], &["stun.turn", "http/1.1"]] {
            let client = door.connect(protocols).await.expect("a handshake");
            assert_eq!(door.next(0).await, Led::ToHttp(Vec::new()));
            drop(client);
        }
        assert_eq!(door.led(&["http/1.1"], TURN).await, Led::ToHttp(TURN.to_vec()), "as it asked for");
        assert!(door.connect(&["imap"]).await.is_err(), "nobody speaks that");
    }

    #[tokio::test]
    async fn who_names_none_is_led_by_the_first_byte_and_loses_nothing_of_it() {
        let mut door = open(true).await;
        assert_eq!(door.led(&[], TURN).await, Led::ToTurn(TURN.to_vec()));
        assert_eq!(door.led(&[], HTTP).await, Led::ToHttp(HTTP.to_vec()));
        assert_eq!(door.led(&[], &TURN[..1]).await, Led::ToTurn(TURN[..1].to_vec()), "a byte at a time");
        assert_eq!(door.led(&[], &HTTP[..1]).await, Led::ToHttp(HTTP[..1].to_vec()));
    }

    #[tokio::test]
    async fn where_nobody_takes_turn_everyone_is_led_to_http() {
        let mut door = open(false).await;
        let client = door.connect(&[]).await.expect("a handshake");
        assert_eq!(door.next(0).await, Led::ToHttp(Vec::new()), "and at once");
        drop(client);
        assert_eq!(door.led(&[], TURN).await, Led::ToHttp(TURN.to_vec()));
        assert!(door.connect(&["stun.turn"]).await.is_err());
    }

    #[tokio::test]
    async fn a_silent_client_holds_up_nobody() {
        let mut door = open(true).await;
        let silent = door.connect(&[]).await.expect("a handshake");
        assert_eq!(door.led(&[], HTTP).await, Led::ToHttp(HTTP.to_vec()));
        assert_eq!(door.led(&[], TURN).await, Led::ToTurn(TURN.to_vec()));
        drop(silent);
    }

    #[tokio::test]
    async fn a_client_that_stays_silent_is_let_go() {
        let door = open_for(true, Duration::from_millis(50)).await;
        // In a slow moment the handshake itself may take too long.
        let served = async {
            let mut silent = door.connect(&[]).await?;
            silent.read_to_end(&mut Vec::new()).await
        };
        let end =
            tokio::time::timeout(HANDSHAKE_TIME_MAX, served).await.expect("let go before others would be");
        assert!(matches!(end, Err(_) | Ok(0)), "{end:?}");
    }

    #[tokio::test]
    async fn a_client_that_leaves_without_a_word_is_no_client_of_turn() {
        let mut door = open(true).await;
        let mut client = door.connect(&[]).await.expect("a handshake");
        client.shutdown().await.expect("closed");
        drop(client);
        assert_eq!(door.next(0).await, Led::ToHttp(Vec::new()));
        assert!(door.turn.try_recv().is_err());
    }
}
