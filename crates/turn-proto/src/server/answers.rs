//! What clients are told.

use super::Server;
use super::authentication::Caller;
use super::requests::Request;
use crate::message::{Builder, Class, attribute};
use crate::{Bytes, Client, Output};

impl Server {
    /// Asks for a credential, or for a request with a fresh nonce. Nothing here depends on what was sent but the
    /// transaction, and it is as short as it can be: whoever asked may be somebody else.
    pub(super) fn challenge(&mut self, request: &Request<'_>, code: u16) {
        if code == UNAUTHORIZED {
            self.figures.unauthorized += 1;
            // Whoever is told that a nonce is stale has signed.
            if !self.may_answer_openly(request) {
                return;
            }
        }
        let nonce = self.nonces.make(request.now, request.client);
        let answer = request
            .answer(Class::Error)
            .error(code, "")
            .text(attribute::REALM, REALM)
            .attribute(attribute::NONCE, &nonce)
            .attribute(attribute::PASSWORD_ALGORITHMS, PASSWORD_ALGORITHMS);
        self.send(request.client, answer);
    }

    /// Refuses a request of somebody who showed no credential.
    pub(super) fn refuse_openly(&mut self, request: &Request<'_>, code: u16) {
        if self.may_answer_openly(request) {
            self.send(request.client, request.answer(Class::Error).error(code, ""));
        }
    }

    /// Refuses a request of somebody who showed no credential, for attributes that are not understood.
    pub(super) fn refuse_unknown_openly(&mut self, request: &Request<'_>, unknown: &[u16]) {
        if self.may_answer_openly(request) {
            let answer = request.answer(Class::Error).error(UNKNOWN_ATTRIBUTE, "");
            self.send(request.client, answer.attribute(attribute::UNKNOWN_ATTRIBUTES, &listed(unknown)));
        }
    }

    /// Whether somebody who showed no credential is answered. Over a stream it is clear who asks.
    pub(super) fn may_answer_openly(&mut self, request: &Request<'_>) -> bool {
        let Request { now, client, .. } = request;
        let allowed = client.via.is_stream() || self.throttle.allows(now.elapsed, client.address.ip().into());
        self.figures.answers_withheld += u64::from(!allowed);
        allowed
    }

    /// Grants a request.
    pub(super) fn grant(&mut self, request: &Request<'_>, caller: &Caller) {
        self.send_signed(request.client, request.answer(Class::Success), caller);
    }

    /// Refuses a request.
    pub(super) fn refuse(&mut self, request: &Request<'_>, caller: &Caller, code: u16) {
        self.send_signed(request.client, request.answer(Class::Error).error(code, reason(code)), caller);
    }

    /// Refuses a request for attributes that are not understood.
    pub(super) fn refuse_unknown(&mut self, request: &Request<'_>, caller: &Caller, unknown: &[u16]) {
        let answer = request.answer(Class::Error).error(UNKNOWN_ATTRIBUTE, reason(UNKNOWN_ATTRIBUTE));
        let answer = answer.attribute(attribute::UNKNOWN_ATTRIBUTES, &listed(unknown));
        self.send_signed(request.client, answer, caller);
    }

    /// Sends an answer to somebody who showed a credential, signed in the way that the request was.
    pub(super) fn send_signed(&mut self, client: Client, answer: Builder, caller: &Caller) {
        let answer = answer.text(attribute::SOFTWARE, SOFTWARE);
        self.send(client, answer.sign(caller.signing.integrity, caller.key.bytes()));
    }

    /// Sends an answer.
    pub(super) fn send(&mut self, client: Client, answer: Builder) {
        let bytes = Bytes::Own(answer.fingerprint().finish());
        self.outputs.push_back(Output::ToClient { client, bytes });
    }
}

/// The value of UNKNOWN-ATTRIBUTES.
fn listed(kinds: &[u16]) -> Vec<u8> {
    kinds.iter().flat_map(|kind| kind.to_be_bytes()).collect()
}

/// What a code says to people.
pub(super) fn reason(code: u16) -> &'static str {
    match code {
        BAD_REQUEST => "Bad Request",
        FORBIDDEN => "Forbidden",
        UNKNOWN_ATTRIBUTE => "Unknown Attribute",
        MISMATCH => "Allocation Mismatch",
        UNSUPPORTED_FAMILY => "Address Family not Supported",
        WRONG_CREDENTIALS => "Wrong Credentials",
        UNSUPPORTED_TRANSPORT => "Unsupported Transport Protocol",
        WRONG_FAMILY => "Peer Address Family Mismatch",
        OVER_QUOTA => "Allocation Quota Reached",
        INSUFFICIENT_CAPACITY => "Insufficient Capacity",
        _ => "",
    }
}

/// What the credentials of this server are for.
pub(super) const REALM: &str = "callbox";

const SOFTWARE: &str = "callbox";

/// The value of PASSWORD-ALGORITHMS: MD5, and SHA-256 (RFC 8489, sections 14.11 and 18.5).
pub(super) const PASSWORD_ALGORITHMS: &[u8] = &[0, 1, 0, 0, 0, 2, 0, 0];

// RFC 8489, section 14.8, and RFC 8656, section 19.
pub(super) const BAD_REQUEST: u16 = 400;
pub(super) const UNAUTHORIZED: u16 = 401;
pub(super) const FORBIDDEN: u16 = 403;
pub(super) const UNKNOWN_ATTRIBUTE: u16 = 420;
pub(super) const MISMATCH: u16 = 437;
pub(super) const STALE_NONCE: u16 = 438;
pub(super) const UNSUPPORTED_FAMILY: u16 = 440;
pub(super) const WRONG_CREDENTIALS: u16 = 441;
pub(super) const UNSUPPORTED_TRANSPORT: u16 = 442;
pub(super) const WRONG_FAMILY: u16 = 443;
pub(super) const OVER_QUOTA: u16 = 486;
pub(super) const INSUFFICIENT_CAPACITY: u16 = 508;
