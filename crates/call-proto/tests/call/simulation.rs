//! Ann's desk, Bob's phone and Bob's laptop with a slow, reordering network between them and the server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use callbox_call_proto::{EndReason, Endpoint, IllegalMove, Input, MediaReport, Output, SignalKind};
use callbox_domain::{CallEndCause, Timestamp};

use crate::checker::Checker;
use crate::support::*;

const SEEDS: u64 = 1_500;

#[test]
fn every_seed_ends_well_and_together_they_end_in_every_way() {
    let mut causes = BTreeSet::new();
    for seed in 0..SEEDS {
        causes.insert(World::run(seed).as_str());
    }
    let expected = [
        CallEndCause::Completed,
        CallEndCause::Canceled,
        CallEndCause::Declined,
        CallEndCause::NoAnswer,
        CallEndCause::Unreachable,
        CallEndCause::ConnectTimeout,
        CallEndCause::ConnectionLost,
        CallEndCause::ServerEnded,
    ];
    for cause in expected.map(CallEndCause::as_str) {
        assert!(causes.contains(cause), "no seed ended as {cause}: {causes:?}");
    }
}

#[test]
fn a_seed_tells_one_story() {
    for seed in 0..20 {
        assert_eq!(World::run(seed), World::run(seed));
    }
}

/// What a device believes about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    Idle,
    Asked,
    InCall,
    Done,
}

/// What is under way.
#[derive(Debug, Clone)]
enum Event {
    /// An input reaches the server.
    Arrives(usize, Input),
    /// A device learns something from the server.
    Hears(usize, Output),
}

struct World {
    seed: u64,
    random: Random,
    now: Timestamp,
    checker: Checker,
    devices: [(Endpoint, Belief); 3],
    queue: BTreeMap<(Timestamp, u64), Event>,
    queued: u64,
}

impl World {
    /// Plays a call to its end and says why it ended.
    fn run(seed: u64) -> CallEndCause {
        let now = noon();
        let mut world = Self {
            seed,
            random: Random(seed),
            now,
            checker: Checker::new(now),
            devices: [(ann(), Belief::InCall), (phone(), Belief::Idle), (laptop(), Belief::Idle)],
            queue: BTreeMap::new(),
            queued: 0,
        };
        world.open();
        while world.step() {}
        world.close()
    }

    /// What the three do of their own accord.
    fn open(&mut self) {
        for kind in [SignalKind::Offer, SignalKind::Candidate, SignalKind::Candidate] {
            self.send(0, 0, signal(&ann(), kind, 0, 500));
        }
        if self.random.chance(15) {
            let patience = self.random.below(40_000);
            self.send(0, patience, end(&ann(), EndReason::HangUp));
        }
        for device in [1, 2] {
            if self.random.chance(20) {
                continue;
            }
            let endpoint = self.devices[device].0.clone();
            self.send(device, 0, ring(&endpoint));
            let think = 500 + self.random.below(4_000);
            match self.random.below(10) {
                0 => self.send(device, think, end(&endpoint, EndReason::HangUp)),
                1..=7 => {
                    self.devices[device].1 = Belief::Asked;
                    self.send(device, think, accept(&endpoint));
                }
                _ => {}
            }
        }
        for device in 0..3 {
            if self.random.chance(25) {
                let endpoint = self.devices[device].0.clone();
                let from = self.random.below(20_000);
                self.send(device, from, lost(&endpoint));
                if self.random.chance(60) {
                    let until = from + 2_000 + self.random.below(90_000);
                    self.send(device, until, back(&endpoint));
                }
            }
        }
    }

    /// The next thing under way, or the timer when that is earlier.
    fn step(&mut self) -> bool {
        let next = self.queue.first_key_value().map(|((at, _), _)| *at);
        let deadline = self.checker.call.deadline();
        match (next, deadline) {
            (None, None) => false,
            (next, Some(deadline)) if next.is_none_or(|at| deadline < at) => {
                self.now = deadline;
                let outputs = self.checker.handle(self.now, Input::Tick).expect("never refused");
                self.tell(&outputs);
                true
            }
            _ => {
                let ((at, _), event) = self.queue.pop_first().expect("there is a next one");
                self.now = at;
                match event {
                    Event::Arrives(device, input) => self.arrive(device, input),
                    Event::Hears(device, output) => self.hear(device, &output),
                }
                true
            }
        }
    }

    fn arrive(&mut self, device: usize, input: Input) {
        let accepts = matches!(input, Input::Accept { .. });
        match self.checker.handle(self.now, input) {
            Ok(outputs) => self.tell(&outputs),
            Err(IllegalMove::AlreadyAnswered | IllegalMove::Ended { .. }) if accepts => {
                self.devices[device].1 = Belief::Done;
            }
            Err(IllegalMove::NotInCall) => panic!("seed {}: they are all in the call", self.seed),
            Err(_) => {}
        }
    }

    fn hear(&mut self, device: usize, output: &Output) {
        let (endpoint, belief) = self.devices[device].clone();
        match output {
            _ if belief == Belief::Done => {}
            Output::Accepted { by } if *by == endpoint => {
                assert_eq!(belief, Belief::Asked, "seed {}", self.seed);
                self.devices[device].1 = Belief::InCall;
                self.send(device, 0, signal(&endpoint, SignalKind::Answer, 0, 500));
                self.talk(device, &endpoint);
            }
            Output::Accepted { .. } if device == 0 => self.talk(device, &endpoint),
            Output::Accepted { .. } | Output::Ended(_) => self.devices[device].1 = Belief::Done,
            _ => {}
        }
        let [_, bobs @ ..] = &self.devices;
        let in_call = bobs.iter().filter(|(_, belief)| *belief == Belief::InCall).count();
        assert!(in_call <= 1, "seed {}: two devices of Bob believe that they answered", self.seed);
    }

    /// What a leg does once it is one.
    fn talk(&mut self, device: usize, endpoint: &Endpoint) {
        if self.random.chance(90) {
            let delay = 200 + self.random.below(3_000);
            self.send(device, delay, report(endpoint, MediaReport::Connected));
        }
        if self.random.chance(30) {
            let delay = self.random.below(30_000);
            self.send(device, delay, report(endpoint, MediaReport::Interrupted));
        }
        if self.random.chance(60) {
            let delay = 1_000 + self.random.below(200_000);
            self.send(device, delay, end(endpoint, EndReason::HangUp));
        }
    }

    /// An input sets out after `delay` milliseconds; the network adds its own, so that inputs overtake each other, and
    /// at times delivers one twice.
    fn send(&mut self, device: usize, delay: u64, input: Input) {
        let copies = if self.random.chance(10) { 2 } else { 1 };
        for _ in 0..copies {
            let latency = self.random.below(1_500);
            self.push(delay + latency, Event::Arrives(device, input.clone()));
        }
    }

    fn tell(&mut self, outputs: &[Output]) {
        for output in facts(outputs) {
            for device in 0..3 {
                let latency = self.random.below(1_500);
                self.push(latency, Event::Hears(device, output.clone()));
            }
        }
    }

    fn push(&mut self, delay: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now.plus(Duration::from_millis(delay)), self.queued), event);
    }

    /// Nothing is under way any more: the call is over, and nobody believes otherwise.
    fn close(self) -> CallEndCause {
        let seed = self.seed;
        self.checker.check_timeline();
        let end = self.checker.call.end().unwrap_or_else(|| panic!("seed {seed}: the call never ended"));
        assert_eq!(self.checker.call.deadline(), None);
        assert!(end.at.since(noon()) <= Duration::from_hours(25), "seed {seed}");
        for (device, belief) in &self.devices {
            assert_ne!(*belief, Belief::InCall, "seed {seed}: {device:?}");
        }
        end.cause
    }
}

/// `SplitMix64`: enough for a test, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
