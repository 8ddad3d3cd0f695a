//! Requests, a file for each method.

mod allocate;
mod binding;
mod channel_bind;
mod create_permission;
mod refresh;

use std::net::IpAddr;
use std::time::Duration;

use super::Server;
use super::answers::{
    BAD_REQUEST, FORBIDDEN, INSUFFICIENT_CAPACITY, MISMATCH, WRONG_CREDENTIALS, WRONG_FAMILY,
};
use super::authentication::Caller;
use crate::allocation::{Allocation, Family, NotBound, Slot};
use crate::message::{Builder, Class, Message, Method, attribute};
use crate::{Client, Now};

/// A request.
pub(super) struct Request<'a> {
    pub now: Now,
    pub client: Client,
    pub message: Message<'a>,
}

impl Request<'_> {
    /// The beginning of an answer.
    pub fn answer(&self, class: Class) -> Builder {
        Builder::new(class, self.message.method(), self.message.transaction_id())
    }

    /// The value of an attribute that is one byte and three that are reserved; an error where it is longer or shorter.
    fn byte(&self, kind: u16) -> Result<Option<u8>, u16> {
        match self.message.attribute(kind) {
            None => Ok(None),
            Some([byte, _, _, _]) => Ok(Some(*byte)),
            Some(_) => Err(BAD_REQUEST),
        }
    }

    /// The lifetime that it asks for.
    fn lifetime(&self) -> Result<Option<Duration>, u16> {
        let Some(value) = self.message.attribute(attribute::LIFETIME) else { return Ok(None) };
        let seconds = value.try_into().map_err(|_| BAD_REQUEST)?;
        Ok(Some(Duration::from_secs(u32::from_be_bytes(seconds).into())))
    }
}

impl Server {
    /// Answers a request. Methods that are not known are not for this server (RFC 8489, section 6.3).
    pub(super) fn request(&mut self, now: Now, client: Client, method: Method, message: Message<'_>) {
        let request = Request { now, client, message };
        match method {
            Method::Binding => self.binding(&request),
            Method::Allocate => self.allocate(&request),
            Method::Refresh => self.refresh(&request),
            Method::CreatePermission => self.create_permission(&request),
            Method::ChannelBind => self.channel_bind(&request),
            Method::Send | Method::Data | Method::Other(_) => {}
        }
    }

    /// Who sent a request that is understood; otherwise it is answered here.
    fn caller(&mut self, request: &Request<'_>) -> Option<Caller> {
        let caller = self.authenticate(request)?;
        let unknown = request.message.unknown_required(UNDERSTOOD);
        if unknown.is_empty() {
            return Some(caller);
        }
        self.refuse_unknown(request, &caller, &unknown);
        None
    }

    /// Who sent a request about an allocation that it has; otherwise it is answered here.
    fn holder(&mut self, request: &Request<'_>) -> Option<(Caller, Slot)> {
        let caller = self.caller(request)?;
        let slot = self.allocations.of(&request.client);
        match slot.and_then(|slot| self.allocations.get(slot).map(|allocation| (slot, allocation))) {
            Some((_, allocation)) if allocation.credential != caller.credential => {
                self.refuse(request, &caller, WRONG_CREDENTIALS);
            }
            Some((slot, allocation)) if !allocation.is_opening() => return Some((caller, slot)),
            Some(_) | None => self.refuse(request, &caller, MISMATCH),
        }
        None
    }

    /// Whether an allocation may hear and be heard by an address; otherwise the code that says why not.
    fn check_peer(&mut self, slot: Slot, address: IpAddr) -> Result<(), u16> {
        let family = Family::of(address);
        if self.allocations.get(slot).and_then(|allocation| allocation.relay(family)).is_none() {
            return Err(WRONG_FAMILY);
        }
        if !self.peers.may_be_permitted(address) {
            self.figures.peers_refused += 1;
            return Err(FORBIDDEN);
        }
        Ok(())
    }

    /// Changes what an allocation remembers, and answers.
    fn remember(
        &mut self,
        request: &Request<'_>,
        caller: &Caller,
        slot: Slot,
        change: impl FnOnce(&mut Allocation) -> Result<(), NotBound>,
    ) {
        let Some(allocation) = self.allocations.get_mut(slot) else { return };
        let before = allocation.remembered();
        let result = change(allocation);
        self.figures.permissions = self.figures.permissions + allocation.remembered() - before;
        match result {
            Ok(()) => self.grant(request, caller),
            Err(NotBound::Taken) => self.refuse(request, caller, BAD_REQUEST),
            Err(NotBound::Full) => self.refuse(request, caller, INSUFFICIENT_CAPACITY),
        }
    }

    /// How long an allocation lives (RFC 8656, sections 7.2 and 8.2).
    fn lifetime_for(&self, asked: Option<Duration>) -> Duration {
        asked.unwrap_or(LIFETIME).max(LIFETIME).min(self.limits.lifetime_max)
    }
}

/// What must be understood and is. An attribute that has no place in a request is ignored (RFC 8489, section 6.3.1); those that
/// ask for what this server does not do are not here: RESERVATION-TOKEN, DONT-FRAGMENT and USERHASH.
const UNDERSTOOD: &[u16] = &[
    attribute::USERNAME,
    attribute::MESSAGE_INTEGRITY,
    attribute::ERROR_CODE,
    attribute::UNKNOWN_ATTRIBUTES,
    attribute::CHANNEL_NUMBER,
    attribute::LIFETIME,
    attribute::XOR_PEER_ADDRESS,
    attribute::DATA,
    attribute::REALM,
    attribute::NONCE,
    attribute::XOR_RELAYED_ADDRESS,
    attribute::REQUESTED_ADDRESS_FAMILY,
    attribute::EVEN_PORT,
    attribute::REQUESTED_TRANSPORT,
    attribute::MESSAGE_INTEGRITY_SHA256,
    attribute::PASSWORD_ALGORITHM,
    attribute::XOR_MAPPED_ADDRESS,
];

/// An allocation lives for so long where its client asks for no more (RFC 8656, section 3.2).
const LIFETIME: Duration = Duration::from_mins(10);
