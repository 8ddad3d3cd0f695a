//! Accepting streams, on tokio: what comes to the thread is ready to carry frames.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::mailbox::Mailbox;
use crate::places::{Place, Places};

/// A stream for the thread.
pub(crate) struct Arrival {
    pub(crate) socket: std::net::TcpStream,
    pub(crate) tls: Option<Box<ServerConnection>>,
    pub(crate) peer: SocketAddr,
    /// What was read of it already.
    pub(crate) early: Vec<u8>,
    pub(crate) place: Place,
}

/// Where streams are handed in.
#[derive(Clone)]
pub(crate) struct Entrance {
    pub(crate) places: Arc<Places>,
    pub(crate) arrivals: mpsc::Sender<Arrival>,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Entrance {
    /// Hands a stream to the thread, as soon as that has taken those before it.
    pub(crate) async fn hand_in(
        &self,
        socket: TcpStream,
        tls: Option<Box<ServerConnection>>,
        peer: SocketAddr,
        early: Vec<u8>,
        place: Place,
    ) -> io::Result<()> {
        socket.set_nodelay(true)?;
        // More would be old before it is sent. The system may round it.
        let _ = SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER_BYTES);
        let arrival = Arrival { socket: socket.into_std()?, tls, peer, early, place };
        self.arrivals.send(arrival).await.map_err(|_| io::ErrorKind::NotConnected)?;
        self.mailbox.wake();
        Ok(())
    }
}

/// Accepts until the thread ends. With `tls`, handshakes run beside each other, so that a slow client holds up nobody.
pub(crate) fn accept(
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    entrance: Entrance,
) -> io::Result<AbortHandle> {
    let listener = TcpListener::from_std(listener)?;
    let acceptor = tls.map(TlsAcceptor::from);
    let task = tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = entrance.arrivals.closed() => return,
            };
            match accepted {
                Ok((socket, peer)) => welcome(socket, peer, acceptor.as_ref(), &entrance).await,
                // The client went away before.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "the relay cannot accept a connection");
                    tokio::time::sleep(OUT_OF_SOCKETS_DELAY).await;
                }
            }
        }
    });
    Ok(task.abort_handle())
}

async fn welcome(socket: TcpStream, peer: SocketAddr, acceptor: Option<&TlsAcceptor>, entrance: &Entrance) {
    // Without a place the connection is closed, and its client tries another way.
    let Some(place) = entrance.places.take(peer.ip()) else { return };
    let Some(acceptor) = acceptor else {
        let _ = entrance.hand_in(socket, None, peer, Vec::new(), place).await;
        return;
    };
    let (handshake, entrance) = (acceptor.accept(socket), entrance.clone());
    tokio::spawn(async move {
        let handshake = tokio::time::timeout(HANDSHAKE_TIME_MAX, handshake).await;
        if let Ok(Ok(stream)) = handshake {
            let (socket, tls) = stream.into_inner();
            let _ = entrance.hand_in(socket, Some(Box::new(tls)), peer, Vec::new(), place).await;
        }
    });
}

/// The certificate of `config`, with the protocols that clients of TURN may ask for (RFC 7443); most ask for none.
pub(crate) fn speaking_turn(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"stun.turn".to_vec(), b"stun.nat-discovery".to_vec()];
    Arc::new(config)
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A handshake may take this long.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// When the system is out of sockets, some may be free again after this.
const OUT_OF_SOCKETS_DELAY: Duration = Duration::from_secs(1);

/// What the system may hold of a stream beside the queue.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// Streams that wait for the thread.
pub(crate) const ARRIVALS_MAX: usize = 64;
