//! Binding: which address does the server see? (RFC 8489, section 7.3.1.)

use super::{Request, UNDERSTOOD};
use crate::Server;
use crate::message::{Class, attribute};

impl Server {
    /// Anyone may ask, and a signature is not looked at: there is nothing to protect.
    pub(super) fn binding(&mut self, request: &Request<'_>) {
        let unknown = request.message.unknown_required(UNDERSTOOD);
        if !unknown.is_empty() {
            self.refuse_unknown_openly(request, &unknown);
            return;
        }
        // A client with an allocation is who it says it is: it got the nonce that was sent there.
        let is_known = self.allocations.of(&request.client).is_some();
        if is_known || self.may_answer_openly(request) {
            self.figures.bindings += 1;
            let answer = request.answer(Class::Success);
            let answer = answer.xor_address(attribute::XOR_MAPPED_ADDRESS, request.client.address);
            self.send(request.client, answer);
        }
    }
}
