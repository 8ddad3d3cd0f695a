//! Refresh: longer, or not at all (RFC 8656, section 8).

use std::time::Duration;

use super::super::answers::{MISMATCH, WRONG_CREDENTIALS, WRONG_FAMILY};
use super::super::authentication::Caller;
use super::Request;
use crate::Server;
use crate::allocation::{Family, Leg, Slot};
use crate::message::{Class, attribute};

impl Server {
    pub(super) fn refresh(&mut self, request: &Request<'_>) {
        let Some(caller) = self.caller(request) else { return };
        let (family, asked) = match wanted(request) {
            Ok(wanted) => wanted,
            Err(code) => return self.refuse(request, &caller, code),
        };
        let slot = self.allocations.of(&request.client);
        let found = slot.and_then(|slot| self.allocations.get(slot).map(|allocation| (slot, allocation)));
        match found {
            // Perhaps the client did not hear that it is gone.
            None if asked == Some(Duration::ZERO) => self.refreshed(request, &caller, Duration::ZERO),
            None => self.refuse(request, &caller, MISMATCH),
            Some((_, allocation)) if allocation.credential != caller.credential => {
                self.refuse(request, &caller, WRONG_CREDENTIALS);
            }
            // Whoever gives up before it has its ports gives up all of them.
            Some((slot, allocation)) if allocation.is_opening() && asked == Some(Duration::ZERO) => {
                self.end(slot);
                self.refreshed(request, &caller, Duration::ZERO);
            }
            Some((_, allocation)) if allocation.is_opening() => self.refuse(request, &caller, MISMATCH),
            Some((_, allocation)) if family.is_some_and(|family| allocation.relay(family).is_none()) => {
                self.refuse(request, &caller, WRONG_FAMILY);
            }
            Some((slot, _)) => self.keep(request, &caller, slot, family, asked),
        }
    }

    /// Moves the expiry of the ports that are meant, or closes them.
    fn keep(
        &mut self,
        request: &Request<'_>,
        caller: &Caller,
        slot: Slot,
        family: Option<Family>,
        asked: Option<Duration>,
    ) {
        let lifetime = match asked {
            Some(Duration::ZERO) => Duration::ZERO,
            asked => self.lifetime_for(asked),
        };
        let elapsed = request.now.elapsed;
        let Some(swept) = self.allocations.change(slot, |allocation| {
            let before = allocation.remembered();
            allocation.sweep(elapsed);
            for (leg, of) in allocation.legs.iter_mut().zip(Family::ALL) {
                if let Leg::Open { expires, .. } = leg
                    && family.is_none_or(|family| family == of)
                {
                    *expires = elapsed + lifetime;
                }
            }
            before - allocation.remembered()
        }) else {
            return;
        };
        self.figures.permissions -= swept;
        // What was given no time is over now.
        self.end_expired(request.now);
        self.refreshed(request, caller, lifetime);
    }

    fn refreshed(&mut self, request: &Request<'_>, caller: &Caller, lifetime: Duration) {
        let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        let answer = request.answer(Class::Success).attribute(attribute::LIFETIME, &seconds.to_be_bytes());
        self.send_signed(request.client, answer, caller);
    }
}

/// Which ports a request means, all if none in particular, and the lifetime that it asks for; or the code that refuses it.
fn wanted(request: &Request<'_>) -> Result<(Option<Family>, Option<Duration>), u16> {
    let family = match request.byte(attribute::REQUESTED_ADDRESS_FAMILY)? {
        None => None,
        Some(attribute::FAMILY_IPV4) => Some(Family::V4),
        Some(attribute::FAMILY_IPV6) => Some(Family::V6),
        Some(_) => return Err(WRONG_FAMILY),
    };
    Ok((family, request.lifetime()?))
}
