//! Linux: one call for many datagrams.
//!
//! Receiving is nix's, for rustix has no `recvmmsg`. Sending is rustix's, for nix's `sendmmsg` does not say how many went out
//! without reading addresses that were never written.

use std::array;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, recvmmsg};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

use super::{Arrived, BATCH, Datagram, Unsent, send_one};

/// What `recvmmsg` needs, made once. One for each family, for the system keeps the length of the last address in it.
pub(crate) struct Receiver {
    v4: MultiHeaders<SockaddrIn>,
    v6: MultiHeaders<SockaddrIn6>,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self { v4: MultiHeaders::preallocate(BATCH, None), v6: MultiHeaders::preallocate(BATCH, None) }
    }

    /// Receives into `slots`, one datagram in each, and appends what came to `arrived`. Returns whether nothing is left to
    /// receive.
    pub(crate) fn receive<'a>(
        &mut self,
        socket: &UdpSocket,
        of_v6: bool,
        slots: impl Iterator<Item = &'a mut [u8]>,
        arrived: &mut Vec<Arrived>,
    ) -> bool {
        if of_v6 {
            receive(socket, &mut self.v6, slots, arrived, |address| {
                SocketAddrV6::new(address.ip(), address.port(), 0, address.scope_id()).into()
            })
        } else {
            receive(socket, &mut self.v4, slots, arrived, |address| {
                SocketAddrV4::new(address.ip(), address.port()).into()
            })
        }
    }
}

fn receive<'a, Address: SockaddrLike + Copy>(
    socket: &UdpSocket,
    headers: &mut MultiHeaders<Address>,
    mut slots: impl Iterator<Item = &'a mut [u8]>,
    arrived: &mut Vec<Arrived>,
    read: impl Fn(Address) -> SocketAddr,
) -> bool {
    let mut wanted = 0;
    let mut parts: [[IoSliceMut<'_>; 1]; BATCH] = array::from_fn(|_| {
        let slot = slots.next();
        wanted += usize::from(slot.is_some());
        [IoSliceMut::new(slot.unwrap_or_default())]
    });
    let received =
        recvmmsg(socket.as_raw_fd(), headers, parts[..wanted].iter_mut(), MsgFlags::MSG_DONTWAIT, None);
    // An error other than "nothing there" concerns a datagram that was sent; the next packet wakes the socket again.
    let Ok(messages) = received else { return true };
    let before = arrived.len();
    arrived.extend(messages.filter_map(|message| {
        let length = (!message.flags.contains(MsgFlags::MSG_TRUNC)).then_some(message.bytes);
        Some(Arrived { from: read(message.address?), length })
    }));
    arrived.len() - before < wanted
}

/// Sends all through one socket, and counts those that did not go.
pub(crate) fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = Datagram<'a>>,
    unsent: &mut Unsent,
) {
    let mut datagrams = datagrams.peekable();
    while let Some(first) = datagrams.next() {
        if datagrams.peek().is_none() {
            return send_one(socket, first, unsent);
        }
        let batch = std::iter::once(first).chain(datagrams.by_ref().take(BATCH - 1));
        let (addresses, parts): (Vec<SocketAddrAny>, Vec<[IoSlice<'_>; 1]>) =
            batch.map(|datagram| (SocketAddrAny::from(datagram.to), [IoSlice::new(datagram.bytes)])).unzip();
        let mut nothing: Vec<_> = addresses.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let mut messages: Vec<MMsgHdr<'_>> = addresses
            .iter()
            .zip(&parts)
            .zip(&mut nothing)
            .map(|((address, part), nothing)| MMsgHdr::new_with_addr(address, part, nothing))
            .collect();
        send_batch(socket, &mut messages, unsent);
    }
}

fn send_batch(socket: &UdpSocket, messages: &mut [MMsgHdr<'_>], unsent: &mut Unsent) {
    let mut rest = messages;
    while !rest.is_empty() {
        let sent = match sendmmsg(socket, rest, SendFlags::DONTWAIT).map_err(io::Error::from) {
            Ok(sent) => sent,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                unsent.buffer_full += rest.len() as u64;
                return;
            }
            // Speaks of the first; those behind it may go.
            Err(_) => {
                unsent.unreachable += 1;
                1
            }
        };
        rest = &mut rest[sent..];
    }
}
