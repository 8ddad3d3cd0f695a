//! What carries STUN and TURN to a server: datagrams, or a stream that is cut into frames.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use callbox_turn_proto::frames::{Frame, next_frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use super::Target;
use super::Way;
use crate::commands::doctor::site::{Duplex, Site, Unreachable};

/// An open way to a server.
pub(super) enum Line {
    Datagrams(UdpSocket),
    Stream {
        stream: Box<dyn Duplex>,
        /// What was read and is no whole frame yet.
        received: Vec<u8>,
    },
}

impl Line {
    /// Opens a way. Over UDP nothing is sent yet.
    pub(super) async fn open(target: &Target) -> Result<Self, Unreachable> {
        let Target { way, host, port } = target;
        if *way == Way::Udp {
            return Ok(Self::Datagrams(datagrams(host, *port).await?));
        }
        let site = Site::at(host, *port, *way != Way::Tcp);
        // Browsers name no protocol here either.
        let stream = site.connect(None).await?.stream;
        Ok(Self::Stream { stream, received: Vec::new() })
    }

    /// This end, where it is an address of this machine.
    pub(super) fn own_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Datagrams(socket) => socket.local_addr().ok(),
            Self::Stream { .. } => None,
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagrams(socket) => socket.send(bytes).await.map(drop),
            Self::Stream { stream, .. } => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// The next datagram or frame; nothing where it is time to send again, for a datagram may be lost. May be given up on
    /// at any moment.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Datagrams(socket) => {
                let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
                match tokio::time::timeout(RESEND_AFTER, socket.recv(&mut buffer)).await {
                    Err(_) => Ok(None),
                    Ok(length) => {
                        buffer.truncate(length?);
                        Ok(Some(buffer))
                    }
                }
            }
            Self::Stream { stream, received } => loop {
                match next_frame(received) {
                    Frame::Whole(length) => return Ok(Some(received.drain(..length).collect())),
                    Frame::Broken => return Err(io::ErrorKind::InvalidData.into()),
                    Frame::Incomplete if stream.read_buf(received).await? == 0 => {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    Frame::Incomplete => {}
                }
            },
        }
    }
}

/// A socket that takes datagrams of one address only.
async fn datagrams(host: &str, port: u16) -> Result<UdpSocket, Unreachable> {
    let no_address = |reason: String| Unreachable::NoAddress { host: host.to_owned(), reason };
    let mut addresses =
        tokio::net::lookup_host((host, port)).await.map_err(|error| no_address(error.to_string()))?;
    let address = addresses.next().ok_or_else(|| no_address("the answer is empty".to_owned()))?;
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let open = async {
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        Ok(socket)
    };
    open.await.map_err(|error: io::Error| Unreachable::Failed {
        at: address.to_string(),
        reason: error.to_string(),
    })
}

/// As long as browsers first wait (RFC 8489, section 6.2.1).
const RESEND_AFTER: Duration = Duration::from_millis(500);
const DATAGRAM_BYTES_MAX: usize = 2_048;
