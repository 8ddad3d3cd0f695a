//! The server.

mod answers;
mod authentication;
mod relaying;
mod requests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Random;

use crate::allocation::{Leg, Slot};
use crate::allocations::Allocations;
use crate::message::{Class, Message, Method};
use crate::nonce::Nonces;
use crate::peers::PeerRules;
use crate::ports::{Opened, Ports};
use crate::quotas::Quotas;
use crate::revoked::Revocations;
use crate::throttle::Throttle;
use crate::{
    Client, Figures, Input, Limits, Now, Output, Packet, RelayAddress, RelayPort, Revoked, Settings,
};

/// A STUN and TURN server.
///
/// Whatever comes from a client that did not show a credential is answered or dropped, and leaves nothing behind but a
/// count in a table of fixed size.
pub struct Server {
    key: crate::credential::CredentialKey,
    limits: Limits,
    relay_addresses: Vec<RelayAddress>,
    peers: PeerRules,
    ports: Ports,
    quotas: Quotas,
    revocations: Revocations,
    nonces: Nonces,
    throttle: Throttle,
    allocations: Allocations,
    /// Numbers Data indications.
    indications: u128,
    outputs: VecDeque<Output>,
    figures: Figures,
}

impl Server {
    /// A server without clients. Credentials that were made before `now` are good for nothing here: whose session ended
    /// before is not known.
    pub fn new(settings: Settings, random: Arc<dyn Random>, now: Now) -> Self {
        let public: Vec<_> = settings.relay_addresses.iter().map(|address| address.public).collect();
        Self {
            key: settings.key,
            limits: settings.limits,
            relay_addresses: settings.relay_addresses,
            ports: Ports::new(&public, settings.ports, random.clone()),
            peers: PeerRules::new(public, &settings.own_addresses, &settings.allow_peers),
            quotas: Quotas::new(&settings.limits),
            revocations: Revocations::new(now),
            nonces: Nonces::new(bytes(random.as_ref())),
            throttle: Throttle::new(bytes(random.as_ref()), settings.limits.open_answers_per_second),
            allocations: Allocations::default(),
            indications: u128::from_le_bytes(bytes(random.as_ref())),
            outputs: VecDeque::new(),
            figures: Figures::default(),
        }
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        self.end_expired(now);
        match input {
            Input::FromClient { client, packet } => self.client_sent(now, client, packet),
            Input::FromPeer { relay, peer, packet } => self.peer_sent(now, relay, peer, packet),
            Input::RelayOpened(relay) => self.relay_opened(now, relay),
            Input::RelayFailed(relay) => self.relay_failed(relay),
            Input::ClientGone(client) => {
                if let Some(slot) = self.allocations.of(&client) {
                    self.end(slot);
                }
            }
            Input::Revoked(whom) => self.revoke(now, whom),
            Input::DropAllocations => {
                for slot in self.allocations.all() {
                    self.end(slot);
                }
            }
            Input::Tick => {}
        }
    }

    /// The next thing to do; `None` when everything is done.
    pub fn next_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if let Some(Output::CloseRelay(relay)) = output {
            self.ports.closed(relay);
        }
        output
    }

    /// When to hand in [`Input::Tick`] at the latest; `None` while nothing can expire.
    pub fn deadline(&self) -> Option<Duration> {
        self.allocations.next_expiry().map(|(expires, _)| expires)
    }

    /// Whether a client has an allocation, or is about to get one.
    pub fn has_allocation(&self, client: &Client) -> bool {
        self.allocations.of(client).is_some()
    }

    /// What it has done so far.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Tells apart what comes from a client by its first two bits (RFC 8656, section 12.4).
    fn client_sent(&mut self, now: Now, client: Client, packet: Packet<'_>) {
        let Some(bytes) = packet.buffer.get(packet.range.clone()) else { return };
        match bytes.first() {
            Some(0x40..=0x7f) => self.channel_sent(now, client, packet),
            Some(0x00..=0x3f) => match Message::parse(bytes) {
                Ok(message) => match (message.class(), message.method()) {
                    (Class::Request, method) => self.request(now, client, method, message),
                    (Class::Indication, Method::Send) => {
                        if let Some((peer, data)) = relaying::read_send(&message, &packet) {
                            self.indication_sent(now, client, peer, data, packet);
                        }
                    }
                    _ => {}
                },
                Err(_) => self.disconnect(client),
            },
            _ => self.disconnect(client),
        }
    }

    /// Whoever holds an allocation that this speaks of holds it no more.
    fn revoke(&mut self, now: Now, whom: Revoked<'_>) {
        self.revocations.revoke(now, whom);
        for slot in self.quotas.held_by(whom) {
            if let Some(client) = self.allocations.get(slot).map(|allocation| allocation.client) {
                self.end(slot);
                self.disconnect(client);
            }
        }
    }

    /// Ends what a client has, and its stream. Over UDP there is nothing to close, and its sender may be forged.
    fn disconnect(&mut self, client: Client) {
        if !client.via.is_stream() {
            return;
        }
        if let Some(slot) = self.allocations.of(&client) {
            self.end(slot);
        }
        self.outputs.push_back(Output::Disconnect(client));
    }

    /// Closes the ports that have expired, and ends the allocations that have none left.
    fn end_expired(&mut self, now: Now) {
        while let Some((expires, slot)) = self.allocations.next_expiry()
            && expires <= now.elapsed
        {
            let over = |leg: &Leg| leg.expires().is_some_and(|expires| expires <= now.elapsed);
            self.close_legs(slot, over);
        }
    }

    /// Closes some ports of an allocation, and ends it with the last.
    fn close_legs(&mut self, slot: Slot, over: impl Fn(&Leg) -> bool) {
        let closed = self.allocations.change(slot, |allocation| {
            let legs = allocation.legs;
            if !legs.iter().any(|leg| leg.relay().is_some() && !over(leg)) {
                return None;
            }
            allocation.legs = legs.map(|leg| if over(&leg) { Leg::None } else { leg });
            Some(legs)
        });
        match closed {
            Some(Some(legs)) => {
                for leg in legs.into_iter().filter(over) {
                    self.give_back(leg);
                }
            }
            Some(None) => self.end(slot),
            None => {}
        }
    }

    /// Ends an allocation; its ports and its share of the quotas are free again.
    fn end(&mut self, slot: Slot) {
        let Some(allocation) = self.allocations.remove(slot) else { return };
        if !allocation.is_opening() {
            self.figures.allocations -= 1;
        }
        self.figures.permissions -= allocation.remembered();
        self.quotas.remove(&allocation.credential, slot);
        for leg in allocation.legs {
            self.give_back(leg);
        }
    }

    fn give_back(&mut self, leg: Leg) {
        if let Some(relay) = leg.relay()
            && self.ports.give_back(relay)
        {
            self.outputs.push_back(Output::CloseRelay(relay));
        }
    }

    fn relay_opened(&mut self, now: Now, relay: RelayPort) {
        match self.ports.opened(relay) {
            Opened::For(slot) => self.leg_opened(now, slot, relay),
            Opened::ForNobody => self.outputs.push_back(Output::CloseRelay(relay)),
            Opened::Unasked => {}
        }
    }

    fn relay_failed(&mut self, relay: RelayPort) {
        if let Some(slot) = self.ports.failed(relay) {
            self.leg_failed(slot, relay);
        }
    }
}

/// Random bytes.
fn bytes<const COUNT: usize>(random: &dyn Random) -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    random.fill(&mut bytes);
    bytes
}
