//! Allocate: relay ports for a client (RFC 8656, section 7).

use std::time::Duration;

use super::super::answers::{
    BAD_REQUEST, INSUFFICIENT_CAPACITY, MISMATCH, OVER_QUOTA, UNAUTHORIZED, UNSUPPORTED_FAMILY,
    UNSUPPORTED_TRANSPORT, reason,
};
use super::super::authentication::Caller;
use super::Request;
use crate::allocation::{Allocation, Family, Leg, Origin, Slot};
use crate::message::{Builder, Class, Method, attribute};
use crate::ports::{NoPort, PortKind};
use crate::{Now, Output, RelayPort, Server};

impl Server {
    pub(super) fn allocate(&mut self, request: &Request<'_>) {
        let Some(caller) = self.caller(request) else { return };
        if let Some(slot) = self.allocations.of(&request.client) {
            self.allocate_again(request, &caller, slot);
            return;
        }
        let now = request.now;
        if caller.credential.expires_at() <= now.wall || self.revocations.refuse(now, &caller.credential) {
            self.challenge(request, UNAUTHORIZED);
            return;
        }
        match wanted(request) {
            Err(code) => self.refuse(request, &caller, code),
            Ok(_) if !self.quotas.allow(&caller.credential) => {
                self.figures.over_quota += 1;
                self.refuse(request, &caller, OVER_QUOTA);
            }
            Ok(wanted) => self.open(request, caller, &wanted),
        }
    }

    /// The client has an allocation. Perhaps it did not hear of it.
    fn allocate_again(&mut self, request: &Request<'_>, caller: &Caller, slot: Slot) {
        let Some(allocation) = self.allocations.get(slot) else { return };
        let is_same = allocation.origin.transaction_id == request.message.transaction_id();
        if !is_same || allocation.credential != caller.credential {
            self.refuse(request, caller, MISMATCH);
        } else if !allocation.is_opening() {
            let answer = self.allocated(allocation);
            self.send_signed(request.client, answer, caller);
        }
    }

    /// Asks for the ports of a new allocation.
    fn open(&mut self, request: &Request<'_>, caller: Caller, wanted: &Wanted) {
        let slot = self.allocations.vacant();
        let lifetime = self.lifetime_for(wanted.lifetime);
        let expires = request.now.elapsed + lifetime;
        let mut legs = [Leg::None; 2];
        for family in wanted.families.into_iter().flatten() {
            legs[family.index()] = match self.ports.take(family, wanted.ports, slot) {
                Ok(relay) => Leg::Opening { relay, failures: 0, expires },
                Err(NoPort::Family) => Leg::Refused(UNSUPPORTED_FAMILY),
                Err(NoPort::Free) => Leg::Refused(INSUFFICIENT_CAPACITY),
            };
        }
        let relays: Vec<RelayPort> = legs.iter().filter_map(|leg| leg.relay()).collect();
        if relays.is_empty() {
            let code = refusal(&legs);
            self.figures.out_of_ports += u64::from(code == INSUFFICIENT_CAPACITY);
            self.refuse(request, &caller, code);
            return;
        }
        let transaction_id = request.message.transaction_id();
        let origin = Origin { transaction_id, signing: caller.signing, lifetime, ports: wanted.ports };
        self.quotas.add(&caller.credential, slot);
        self.allocations.insert(Allocation::new(request.client, caller.credential, origin, legs));
        self.outputs.extend(relays.into_iter().map(Output::OpenRelay));
    }

    /// One of the ports is open.
    pub(in crate::server) fn leg_opened(&mut self, now: Now, slot: Slot, opened: RelayPort) {
        self.allocations.change(slot, |allocation| {
            let expires = now.elapsed + allocation.origin.lifetime;
            for leg in allocation.legs.iter_mut().filter(|leg| leg.relay() == Some(opened)) {
                *leg = Leg::Open { relay: opened, expires };
            }
        });
        self.conclude(slot);
    }

    /// One of the ports could not be opened: another is tried.
    pub(in crate::server) fn leg_failed(&mut self, slot: Slot, failed: RelayPort) {
        let Self { allocations, ports, outputs, .. } = self;
        allocations.change(slot, |allocation| {
            let kind = allocation.origin.ports;
            for (leg, family) in allocation.legs.iter_mut().zip(Family::ALL) {
                let Leg::Opening { relay, failures, expires } = *leg else { continue };
                if relay != failed {
                    continue;
                }
                *leg = Leg::Refused(INSUFFICIENT_CAPACITY);
                if failures < OTHER_PORTS_MAX
                    && let Ok(relay) = ports.take(family, kind, slot)
                {
                    *leg = Leg::Opening { relay, failures: failures + 1, expires };
                    outputs.push_back(Output::OpenRelay(relay));
                }
            }
        });
        self.conclude(slot);
    }

    /// Answers when all ports are open, or could not be.
    fn conclude(&mut self, slot: Slot) {
        let Some(allocation) = self.allocations.get(slot) else { return };
        if allocation.is_opening() {
            return;
        }
        let Allocation { client, origin, .. } = *allocation;
        let credential = allocation.credential.clone();
        let key = self.long_term_key(&credential, origin.signing.algorithm);
        self.figures.allocations += 1;
        let answer = if allocation.expires().is_some() {
            self.figures.allocations_opened += 1;
            self.allocated(allocation)
        } else {
            let code = refusal(&allocation.legs);
            self.figures.out_of_ports += 1;
            self.end(slot);
            Builder::new(Class::Error, Method::Allocate, origin.transaction_id).error(code, reason(code))
        };
        self.send_signed(client, answer, &Caller { credential, signing: origin.signing, key });
    }

    /// The answer that tells a client of its allocation.
    fn allocated(&self, allocation: &Allocation) -> Builder {
        let Origin { transaction_id, lifetime, .. } = allocation.origin;
        let mut answer = Builder::new(Class::Success, Method::Allocate, transaction_id);
        for (leg, family) in allocation.legs.into_iter().zip(Family::ALL) {
            answer = match leg {
                Leg::Open { relay, .. } => {
                    answer.xor_address(attribute::XOR_RELAYED_ADDRESS, self.address_of(relay))
                }
                Leg::Refused(code) => {
                    let [class, number] = [code / 100, code % 100].map(|part| part.to_be_bytes()[1]);
                    answer.attribute(attribute::ADDRESS_ERROR_CODE, &[family.number(), 0, class, number])
                }
                Leg::Opening { .. } | Leg::None => answer,
            };
        }
        let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        answer
            .attribute(attribute::LIFETIME, &seconds.to_be_bytes())
            .xor_address(attribute::XOR_MAPPED_ADDRESS, allocation.client.address)
    }
}

/// What a client asks for.
struct Wanted {
    families: [Option<Family>; 2],
    lifetime: Option<Duration>,
    ports: PortKind,
}

/// What a request asks for, or the code that refuses it (RFC 8656, section 7.2).
fn wanted(request: &Request<'_>) -> Result<Wanted, u16> {
    match request.byte(attribute::REQUESTED_TRANSPORT)? {
        Some(UDP) => {}
        Some(_) => return Err(UNSUPPORTED_TRANSPORT),
        None => return Err(BAD_REQUEST),
    }
    let requested = request.byte(attribute::REQUESTED_ADDRESS_FAMILY)?;
    let additional = request.byte(attribute::ADDITIONAL_ADDRESS_FAMILY)?;
    let families = match (requested, additional) {
        (None | Some(attribute::FAMILY_IPV4), None) => [Some(Family::V4), None],
        (Some(attribute::FAMILY_IPV6), None) => [Some(Family::V6), None],
        (None, Some(attribute::FAMILY_IPV6)) => Family::ALL.map(Some),
        (Some(_), None) => return Err(UNSUPPORTED_FAMILY),
        // It is IPv6 in addition to IPv4, or nothing.
        (_, Some(_)) => return Err(BAD_REQUEST),
    };
    let ports = match request.message.attribute(attribute::EVEN_PORT) {
        None => PortKind::Any,
        Some([flags]) if flags & RESERVE_NEXT == 0 => PortKind::Even,
        // The next one is never kept for anybody.
        Some([_]) => return Err(INSUFFICIENT_CAPACITY),
        Some(_) => return Err(BAD_REQUEST),
    };
    Ok(Wanted { families, lifetime: request.lifetime()?, ports })
}

/// Why no leg came to be.
fn refusal(legs: &[Leg]) -> u16 {
    let codes = legs.iter().filter_map(|leg| if let Leg::Refused(code) = leg { Some(*code) } else { None });
    // A port may be free later; a family will not be there.
    codes.max().unwrap_or(INSUFFICIENT_CAPACITY)
}

/// The protocol that ports are opened for (RFC 8656, section 18.8).
const UDP: u8 = 17;

/// In EVEN-PORT: keep the port after it too (RFC 8656, section 18.7).
const RESERVE_NEXT: u8 = 0x80;

/// So many other ports are tried where one cannot be opened.
const OTHER_PORTS_MAX: u8 = 8;
