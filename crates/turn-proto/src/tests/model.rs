//! A server beside a model that is too simple to be wrong, under the same random sequence of inputs: every answer and every
//! packet is what the model says. So no allocation outlives its lifetime, no packet passes without a live permission, nothing
//! goes to an address that is denied, no port has two owners, and quotas are exact.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::message::{Message, Method, attribute, channel_data as read_channel};
use crate::{Client, Input, RelayPort, Revoked, Via};

/// Of whom there may be allocations: one of each call, and two of each session.
const USERS: [(Via, &str, &str, &str); 6] = [
    (Via::Udp(0), "9.9.9.1:4000", "ses_a", "1.x"),
    (Via::Udp(0), "9.9.9.2:4000", "ses_b", "1.x"),
    (Via::Tcp(3), "9.9.9.3:4000", "ses_a", "1.y"),
    (Via::Udp(1), "9.9.9.4:4000", "ses_c", ""),
    (Via::Tls(5), "[2606:4700::5]:4000", "ses_c", ""),
    (Via::Udp(0), "9.9.9.6:4000", "ses_a", "1.z"),
];

const PEERS: [&str; 14] = [
    "1.1.1.1:7000",
    "1.1.1.1:7001",
    "[2606:4700::1111]:7000",
    "[::ffff:1.1.1.1]:7000",
    "8.8.4.4:50000",
    "8.8.4.4:50001",
    "8.8.4.4:50002",
    "[2a00:1450::8]:50000",
    "8.8.4.4:22",
    "127.0.0.1:80",
    "[::ffff:10.0.0.1]:80",
    "198.41.0.4:80",
    "[2002:7f00:1::]:80",
    "1.1.1.1:0",
];

/// The addresses of [`PEERS`] to which packets may go.
const ALLOWED: [&str; 2] = ["1.1.1.1", "2606:4700::1111"];

#[derive(Debug, Clone)]
enum Step {
    Allocate { user: usize, both: bool },
    Refresh { user: usize, seconds: u32 },
    Permit { user: usize, peers: Vec<usize> },
    Bind { user: usize, number: u16, peer: usize },
    Indicate { user: usize, peer: usize },
    SendChannel { user: usize, number: u16 },
    PeerSends { user: usize, peer: usize },
    Advance { seconds: u64 },
    EndSession { user: usize },
    EndCall { user: usize },
    Gone { user: usize },
    Drop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (user, peer, number) = (0..USERS.len(), 0..PEERS.len(), 0x4000_u16..0x4003);
    let step = prop_oneof![
        6 => (user.clone(), any::<bool>()).prop_map(|(user, both)| Step::Allocate { user, both }),
        2 => (user.clone(), prop::sample::select(vec![0, 1, 600, 1_000, 9_999]))
            .prop_map(|(user, seconds)| Step::Refresh { user, seconds }),
        6 => (user.clone(), prop::collection::vec(peer.clone(), 0..3))
            .prop_map(|(user, peers)| Step::Permit { user, peers }),
        6 => (user.clone(), number.clone(), peer.clone())
            .prop_map(|(user, number, peer)| Step::Bind { user, number, peer }),
        8 => (user.clone(), peer.clone()).prop_map(|(user, peer)| Step::Indicate { user, peer }),
        8 => (user.clone(), number).prop_map(|(user, number)| Step::SendChannel { user, number }),
        8 => (user.clone(), peer).prop_map(|(user, peer)| Step::PeerSends { user, peer }),
        4 => prop::sample::select(vec![1, 60, 299, 300, 301, 600]).prop_map(|seconds| Step::Advance { seconds }),
        1 => user.clone().prop_map(|user| Step::EndSession { user }),
        1 => user.clone().prop_map(|user| Step::EndCall { user }),
        1 => user.prop_map(|user| Step::Gone { user }),
        1 => Just(Step::Drop),
    ];
    prop::collection::vec(step, 1..80)
}

/// An allocation, as the model has it.
struct Held {
    user: User,
    relays: BTreeMap<u16, (RelayPort, Duration)>,
    permissions: BTreeMap<IpAddr, Duration>,
    channels: BTreeMap<u16, (SocketAddr, Duration)>,
}

/// How a packet came out.
#[derive(Debug, PartialEq, Eq)]
enum Packet {
    ToPeer(RelayPort, SocketAddr),
    OnChannel(Client, u16),
    Indicated(Client, SocketAddr),
}

struct Model {
    world: World,
    held: BTreeMap<usize, Held>,
    /// Until when sessions and calls are refused.
    refused: BTreeMap<&'static str, Duration>,
}

fn peer_at(place: usize) -> SocketAddr {
    let address = socket(PEERS[place]);
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Which relay address is of the family.
fn relay_for(address: IpAddr) -> u16 {
    u16::from(address.is_ipv6())
}

fn is_relay(address: IpAddr) -> bool {
    address == ip(RELAY_V4) || address == ip(RELAY_V6)
}

impl Model {
    fn new() -> Self {
        let world = World::with(|settings| {
            settings.ports = 50_000..=50_002;
            settings.limits.allocations_per_call = NonZeroU32::MIN;
            settings.limits.allocations_per_session = NonZeroU32::new(2).expect("not zero");
            settings.limits.open_answers_per_second = NonZeroU32::new(1_000_000).expect("not zero");
        });
        Self { world, held: BTreeMap::new(), refused: BTreeMap::new() }
    }

    fn now(&self) -> Duration {
        self.world.now.elapsed
    }

    /// Whoever holds the allocation, with a fresh nonce, or somebody with a fresh credential.
    fn user(&mut self, user: usize) -> User {
        let (via, address, session, call) = USERS[user];
        let fresh = self.world.user_via(via, address, session, call);
        match self.held.get(&user) {
            Some(held) => User { nonce: fresh.nonce, ..held.user.clone() },
            None => fresh,
        }
    }

    fn play(&mut self, step: &Step) {
        match *step {
            Step::Allocate { user, both } => self.allocate(user, both),
            Step::Refresh { user, seconds } => self.refresh(user, seconds),
            Step::Permit { user, ref peers } => self.permit(user, peers),
            Step::Bind { user, number, peer } => self.bind(user, number, peer),
            Step::Indicate { user, peer } => {
                let sender = self.user(user);
                let expected = self.way(user, peer_at(peer));
                let done = self.world.indicate(&sender, PEERS[peer], b"hello");
                assert_eq!(packets(done), Vec::from_iter(expected));
            }
            Step::SendChannel { user, number } => {
                let sender = self.user(user);
                let expected = self.channel(user, number).and_then(|peer| self.way(user, peer));
                let done = self.world.send_channel(&sender, number, b"hello");
                assert_eq!(packets(done), Vec::from_iter(expected));
            }
            Step::PeerSends { user, peer } => {
                let peer = peer_at(peer);
                let relays = self.held.get(&user).map(|held| &held.relays);
                let Some((relay, _)) = relays.and_then(|relays| relays.get(&relay_for(peer.ip()))) else {
                    return;
                };
                let expected = if is_relay(peer.ip()) { None } else { self.heard(user, peer) };
                let done = self.world.peer_sends(*relay, peer, b"hello");
                assert_eq!(packets(done), Vec::from_iter(expected));
            }
            Step::Advance { seconds } => {
                self.world.advance(Duration::from_secs(seconds));
                let now = self.now();
                for held in self.held.values_mut() {
                    held.relays.retain(|_, (_, expires)| *expires > now);
                }
                self.held.retain(|_, held| !held.relays.is_empty());
                self.refused.retain(|_, until| *until > now);
            }
            Step::EndSession { user } => {
                let session = USERS[user].2;
                self.world.handle(Input::Revoked(Revoked::Session(session)), &[]);
                self.refuse(session);
                self.held.retain(|user, _| USERS[*user].2 != session);
            }
            Step::EndCall { user } => {
                let call = USERS[user].3;
                self.world.handle(Input::Revoked(Revoked::Call(call)), &[]);
                if !call.is_empty() {
                    self.refuse(call);
                    self.held.retain(|user, _| USERS[*user].3 != call);
                }
            }
            Step::Gone { user } => {
                let client = self.user(user).client;
                self.world.handle(Input::ClientGone(client), &[]);
                self.held.remove(&user);
            }
            Step::Drop => {
                self.world.handle(Input::DropAllocations, &[]);
                self.held.clear();
            }
        }
    }

    /// For twenty minutes; who is refused for ten more at least is told nothing new.
    fn refuse(&mut self, name: &'static str) {
        let now = self.now();
        let until = self.refused.entry(name).or_insert(now);
        if *until < now + Duration::from_mins(10) {
            *until = now + Duration::from_mins(20);
        }
    }

    fn allocate(&mut self, user: usize, both: bool) {
        let caller = self.user(user);
        let (_, _, session, call) = USERS[user];
        let holders = |same: &dyn Fn(usize) -> bool| self.held.keys().filter(|other| same(**other)).count();
        let of_session = holders(&|other| USERS[other].2 == session);
        let of_call =
            holders(&|other| USERS[other].3 == call && (!call.is_empty() || USERS[other].2 == session));
        let families = if both { 0..2_u16 } else { 0..1 };
        let has_free =
            |address: &u16| self.held.values().filter(|held| held.relays.contains_key(address)).count() < 3;
        let expected = if self.held.contains_key(&user) {
            Some(437)
        } else if self.refused.contains_key(session) || self.refused.contains_key(call) {
            Some(401)
        } else if of_session >= 2 || of_call >= 1 {
            Some(486)
        } else if families.clone().any(|family| has_free(&family)) {
            None
        } else {
            Some(508)
        };
        let granted: Vec<u16> = families.filter(has_free).collect();
        let answer = self.world.ask(&caller, Method::Allocate, |request| {
            let request = udp(request);
            if both {
                request.attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0])
            } else {
                request
            }
        });
        assert_eq!(answer.error, expected);
        if expected.is_some() {
            return;
        }
        let relayed = answer.addresses(attribute::XOR_RELAYED_ADDRESS);
        assert_eq!(relayed.iter().map(|address| relay_for(address.ip())).collect::<Vec<_>>(), granted);
        let expires = self.now() + Duration::from_mins(10);
        let relays = relayed.into_iter().map(|relayed| {
            let relay = RelayPort { address: relay_for(relayed.ip()), port: relayed.port() };
            (relay.address, (relay, expires))
        });
        let (permissions, channels) = (BTreeMap::new(), BTreeMap::new());
        self.held.insert(user, Held { user: caller, relays: relays.collect(), permissions, channels });
    }

    fn refresh(&mut self, user: usize, seconds: u32) {
        let caller = self.user(user);
        let now = self.now();
        let answer = self.world.refresh(&caller, seconds);
        match self.held.get_mut(&user) {
            None => assert_eq!(answer.error, if seconds == 0 { None } else { Some(437) }),
            Some(_) if seconds == 0 => drop(self.held.remove(&user)),
            Some(held) => {
                assert_eq!(answer.error, None);
                for (_, expires) in held.relays.values_mut() {
                    *expires = now + Duration::from_secs(seconds.clamp(600, 3_600).into());
                }
                held.permissions.retain(|_, expires| *expires > now);
                held.channels.retain(|_, (_, expires)| *expires > now);
            }
        }
    }

    /// Why an allocation may not hear an address.
    fn refusal(&self, user: usize, address: IpAddr) -> Option<u16> {
        if !self.held[&user].relays.contains_key(&relay_for(address)) {
            Some(443)
        } else if ALLOWED.map(ip).contains(&address) || is_relay(address) {
            None
        } else {
            Some(403)
        }
    }

    fn permit(&mut self, user: usize, peers: &[usize]) {
        let caller = self.user(user);
        let addresses: Vec<IpAddr> = peers.iter().map(|peer| peer_at(*peer).ip()).collect();
        let expected = if !self.held.contains_key(&user) {
            Some(437)
        } else if peers.is_empty() {
            Some(400)
        } else {
            addresses.iter().find_map(|address| self.refusal(user, *address))
        };
        let names: Vec<&str> = peers.iter().map(|peer| PEERS[*peer]).collect();
        assert_eq!(self.world.permit(&caller, &names).error, expected);
        if expected.is_none() {
            let expires = self.now() + Duration::from_mins(5);
            let held = self.held.get_mut(&user).expect("it was there");
            held.permissions.extend(addresses.into_iter().map(|address| (address, expires)));
        }
    }

    fn bind(&mut self, user: usize, number: u16, peer: usize) {
        let caller = self.user(user);
        let (address, now) = (peer_at(peer), self.now());
        let refusal = if !self.held.contains_key(&user) {
            Some(437)
        } else if address.port() == 0 {
            Some(403)
        } else {
            self.refusal(user, address.ip())
        };
        let answer = self.world.bind(&caller, number, PEERS[peer]);
        if refusal.is_some() {
            assert_eq!(answer.error, refusal);
            return;
        }
        let held = self.held.get_mut(&user).expect("it was there");
        held.channels.retain(|_, (_, expires)| *expires > now);
        let is_taken = held.channels.iter().any(|(of, (to, _))| (*of == number) != (*to == address));
        assert_eq!(answer.error, is_taken.then_some(400));
        if !is_taken {
            held.channels.insert(number, (address, now + Duration::from_mins(10)));
            held.permissions.insert(address.ip(), now + Duration::from_mins(5));
        }
    }

    fn channel(&self, user: usize, number: u16) -> Option<SocketAddr> {
        let (peer, expires) = self.held.get(&user)?.channels.get(&number)?;
        (*expires > self.now()).then_some(*peer)
    }

    /// What a client hears of a peer that sent something.
    fn heard(&self, user: usize, peer: SocketAddr) -> Option<Packet> {
        let held = &self.held[&user];
        held.permissions.get(&peer.ip()).filter(|expires| **expires > self.now())?;
        let is_live = |expires: &Duration| *expires > self.now();
        let number = held.channels.iter().find(|(_, (to, expires))| *to == peer && is_live(expires));
        Some(match number {
            Some((number, _)) => Packet::OnChannel(held.user.client, *number),
            None => Packet::Indicated(held.user.client, peer),
        })
    }

    /// What becomes of a packet to a peer.
    fn way(&self, user: usize, peer: SocketAddr) -> Option<Packet> {
        let held = self.held.get(&user)?;
        held.permissions.get(&peer.ip()).filter(|expires| **expires > self.now())?;
        let (relay, _) = held.relays.get(&relay_for(peer.ip()))?;
        if is_relay(peer.ip()) {
            let to = RelayPort { address: relay_for(peer.ip()), port: peer.port() };
            let owns = |held: &Held| held.relays.values().any(|(relay, _)| *relay == to);
            let (receiver, _) = self.held.iter().find(|(_, held)| owns(held))?;
            return self.heard(*receiver, SocketAddr::new(peer.ip(), relay.port));
        }
        let is_allowed = ALLOWED.map(ip).contains(&peer.ip()) && peer.port() != 0;
        is_allowed.then_some(Packet::ToPeer(*relay, peer))
    }

    fn check(&self) {
        let ports: BTreeSet<RelayPort> =
            self.held.values().flat_map(|held| held.relays.values().map(|(relay, _)| *relay)).collect();
        assert_eq!(self.world.open, ports);
        let expiries = self.held.values().flat_map(|held| held.relays.values().map(|(_, expires)| *expires));
        assert_eq!(self.world.server.deadline(), expiries.min());
        let remembered = self.held.values().map(|held| held.permissions.len() + held.channels.len());
        let figures = self.world.server.figures();
        assert_eq!(usize::try_from(figures.allocations).expect("few"), self.held.len());
        assert_eq!(usize::try_from(figures.permissions).expect("few"), remembered.sum::<usize>());
    }
}

/// The packets that came out, each with the data that went in.
fn packets(done: Vec<Done>) -> Vec<Packet> {
    let read = |done| match done {
        Done::ToPeer(relay, peer, bytes) => {
            assert_eq!(bytes, b"hello");
            Packet::ToPeer(relay, peer)
        }
        Done::ToClient(client, bytes) => {
            if let Some((number, data)) = read_channel(&bytes) {
                assert_eq!(&bytes[data.clone()], b"hello");
                assert_eq!(bytes.len(), if client.via.is_stream() { 12 } else { 9 });
                return Packet::OnChannel(client, number);
            }
            let message = Message::parse(&bytes).expect("a message");
            assert_eq!(message.attribute(attribute::DATA), Some(&b"hello"[..]));
            Packet::Indicated(client, message.xor_address(attribute::XOR_PEER_ADDRESS).expect("a peer"))
        }
        other => panic!("{other:?}"),
    };
    done.into_iter().map(read).collect()
}

proptest! {
    #[test]
    fn a_server_does_what_its_model_does(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.play(step);
            model.check();
        }
    }

    #[test]
    fn nothing_is_lost_whenever_ports_open(steps in steps(), prompt in prop::collection::vec(any::<bool>(), 80)) {
        // No answer is expected in time here: what a server does is checked by the world that it is in.
        let mut world = Model::new().world;
        let users = USERS.map(|(via, address, session, call)| world.user_via(via, address, session, call));
        for (step, is_prompt) in steps.iter().zip(prompt) {
            world.is_prompt = is_prompt;
            let id = world.transaction();
            match *step {
                Step::Allocate { user, .. } => {
                    world.send(users[user].client, &users[user].request(id, Method::Allocate, udp));
                }
                Step::Refresh { user, seconds } => {
                    let request = users[user].request(id, Method::Refresh, |request| lifetime(request, seconds));
                    world.send(users[user].client, &request);
                }
                Step::Advance { seconds } => world.advance(Duration::from_secs(seconds)),
                Step::EndCall { user } => world.handle(Input::Revoked(Revoked::Call(USERS[user].3)), &[]),
                Step::Gone { user } => world.handle(Input::ClientGone(users[user].client), &[]),
                Step::Drop => world.handle(Input::DropAllocations, &[]),
                _ => world.open_ports(),
            }
        }
        world.is_prompt = true;
        world.open_ports();
        world.handle(Input::DropAllocations, &[]);
        prop_assert!(world.open.is_empty());
        prop_assert_eq!(world.server.deadline(), None);
        prop_assert_eq!(world.server.figures().allocations, 0);
        for number in 0..3 {
            let user = world.user(&format!("9.9.8.{number}:4000"), "ses_z", &format!("9.{number}"));
            let expected = if number < 2 { None } else { Some(486) };
            prop_assert_eq!(world.allocate(&user).error, expected);
        }
    }
}
