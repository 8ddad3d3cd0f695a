//! Receiving and sending datagrams, many with one call where the system can.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Receiver, send};

// Also in tests on Linux, so that it does not rot.
#[cfg(any(test, not(target_os = "linux")))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Receiver, send};

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;

/// A datagram that lies in a slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) from: SocketAddr,
    /// Its length; `None` when it was too long for the slot.
    pub(crate) length: Option<usize>,
}

/// A datagram to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) to: SocketAddr,
    pub(crate) bytes: &'a [u8],
}

/// Datagrams that were not sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// The socket's buffer was full.
    pub(crate) buffer_full: u64,
    /// The system sees no way there.
    pub(crate) unreachable: u64,
}

/// Sends one datagram. Nobody is told of a failure: to them it is a packet that got lost.
fn send_one(socket: &UdpSocket, datagram: Datagram<'_>, unsent: &mut Unsent) {
    loop {
        match socket.send_to(datagram.bytes, datagram.to) {
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                unsent.buffer_full += 1;
                return;
            }
            Err(_) => {
                unsent.unreachable += 1;
                return;
            }
        }
    }
}

/// Datagrams that one call receives or sends at most.
const BATCH: usize = 64;

#[cfg(test)]
mod tests;
