//! `ChannelBind`: a number for a peer, so that packets need only four bytes more (RFC 8656, section 12).

use std::net::SocketAddr;

use super::super::answers::{BAD_REQUEST, FORBIDDEN};
use super::super::relaying::normalised;
use super::Request;
use crate::Server;
use crate::message::{CHANNELS, attribute};

impl Server {
    pub(super) fn channel_bind(&mut self, request: &Request<'_>) {
        let Some((caller, slot)) = self.holder(request) else { return };
        let checked = match wanted(request) {
            Some((_, peer)) if peer.port() == 0 => {
                self.figures.peers_refused += 1;
                Err(FORBIDDEN)
            }
            Some((number, peer)) => self.check_peer(slot, peer.ip()).map(|()| (number, peer)),
            None => Err(BAD_REQUEST),
        };
        let elapsed = request.now.elapsed;
        match checked {
            Err(code) => self.refuse(request, &caller, code),
            Ok((number, peer)) => {
                self.remember(request, &caller, slot, |allocation| allocation.bind(elapsed, number, peer));
            }
        }
    }
}

/// The number and the peer.
fn wanted(request: &Request<'_>) -> Option<(u16, SocketAddr)> {
    let [high, low, _, _] = *request.message.attribute(attribute::CHANNEL_NUMBER)? else { return None };
    let number = u16::from_be_bytes([high, low]);
    let peer = normalised(request.message.xor_address(attribute::XOR_PEER_ADDRESS)?);
    CHANNELS.contains(&number).then_some((number, peer))
}
