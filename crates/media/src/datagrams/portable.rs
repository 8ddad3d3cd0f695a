//! Every other system: one call for each datagram.

use std::io;

use mio::net::UdpSocket;

use super::{Arrived, BATCH, Datagram, Unsent, send_one};

/// Receives datagrams.
pub(crate) struct Receiver;

impl Receiver {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Receives into `slots`, one datagram in each, and appends what came to `arrived`. Returns whether nothing is left to
    /// receive.
    #[expect(clippy::unused_self, reason = "on Linux it holds what the system fills in")]
    pub(crate) fn receive<'a>(
        &mut self,
        socket: &UdpSocket,
        _of_v6: bool,
        slots: impl Iterator<Item = &'a mut [u8]>,
        arrived: &mut Vec<Arrived>,
    ) -> bool {
        for space in slots.take(BATCH) {
            match socket.recv_from(space) {
                Ok((length, from)) => {
                    // Systems cut what is too long, and do not say so.
                    let length = (length < space.len()).then_some(length);
                    arrived.push(Arrived { from, length });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // It concerns a datagram that was sent, or one that was too long (Windows): there may be more.
                Err(_) => return false,
            }
        }
        false
    }
}

/// Sends all through one socket, and counts those that did not go.
pub(crate) fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = Datagram<'a>>,
    unsent: &mut Unsent,
) {
    for datagram in datagrams {
        send_one(socket, datagram, unsent);
    }
}
