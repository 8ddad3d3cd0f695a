//! `CreatePermission`: whom to hear (RFC 8656, section 10).

use std::net::IpAddr;

use super::super::answers::BAD_REQUEST;
use super::Request;
use crate::Server;
use crate::message::attribute;

impl Server {
    /// Lets all peers in, or none.
    pub(super) fn create_permission(&mut self, request: &Request<'_>) {
        let Some((caller, slot)) = self.holder(request) else { return };
        let addresses: Option<Vec<IpAddr>> = request
            .message
            .xor_addresses(attribute::XOR_PEER_ADDRESS)
            .map(|peer| Some(peer?.ip().to_canonical()))
            .collect();
        let checked = match addresses {
            Some(addresses) if !addresses.is_empty() => {
                addresses.iter().try_for_each(|address| self.check_peer(slot, *address)).map(|()| addresses)
            }
            _ => Err(BAD_REQUEST),
        };
        let elapsed = request.now.elapsed;
        match checked {
            Err(code) => self.refuse(request, &caller, code),
            Ok(addresses) => {
                self.remember(request, &caller, slot, |allocation| allocation.permit(elapsed, &addresses));
            }
        }
    }
}
