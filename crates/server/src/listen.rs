//! Listeners: plain TCP, and TLS over it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::StartError;

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

/// TLS over a TCP listener. Handshakes run beside each other, so that a slow client holds up nobody.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(HANDSHAKEN_MAX);
        tokio::spawn(accept(listener, TlsAcceptor::from(config), sender));
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

async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    loop {
        // axum's own accept: it waits and tries again when the system is out of sockets.
        let accepted = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = sender.closed() => return,
        };
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            let (mut stream, address) = accepted;
            without_delay(&mut stream);
            let handshake = tokio::time::timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = handshake {
                let _ = sender.send((stream, address)).await;
            }
        });
    }
}

const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Finished handshakes that wait to be served.
const HANDSHAKEN_MAX: usize = 64;
