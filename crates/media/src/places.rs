//! How many streams there may be: in all, and of one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox_domain::ClientAddress;

/// Counts streams from the moment they are accepted.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by_address: HashMap<ClientAddress, usize>,
}

impl Places {
    /// A place for a stream from `address`; `None` where it has too many, or all are taken.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = ClientAddress::from(address);
        let mut taken = self.taken();
        let of_address = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.in_all >= STREAMS_MAX || of_address >= STREAMS_PER_ADDRESS_MAX {
            return None;
        }
        taken.in_all += 1;
        taken.by_address.insert(address, of_address + 1);
        Some(Place { places: self.clone(), address })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's place, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: ClientAddress,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.in_all -= 1;
        if let Entry::Occupied(mut of_address) = taken.by_address.entry(self.address) {
            *of_address.get_mut() -= 1;
            if *of_address.get() == 0 {
                of_address.remove();
            }
        }
    }
}

/// Streams, whether their handshake is done or not.
const STREAMS_MAX: usize = 8_192;

/// Of those, from one address. Many people may share one.
const STREAMS_PER_ADDRESS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let places = Arc::new(Places::default());
        let mut held: Vec<Place> =
            (0..STREAMS_PER_ADDRESS_MAX).map(|_| places.take(address(1)).expect("free")).collect();
        assert!(places.take(address(1)).is_none());
        assert!(places.take(address(2)).is_some());
        held.pop();
        assert!(places.take(address(1)).is_some());
        held.clear();
        assert_eq!(places.taken().in_all, 0);
        assert!(places.taken().by_address.is_empty(), "no address is remembered for nothing");
    }

    #[test]
    fn all_addresses_together_have_so_many_places() {
        let places = Arc::new(Places::default());
        let held: Vec<Place> = (0..).map_while(|number| places.take(address(number))).collect();
        assert_eq!(held.len(), STREAMS_MAX);
    }
}
