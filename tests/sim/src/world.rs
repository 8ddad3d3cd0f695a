//! Everything there is in one seed, and the scheduler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::testing::ManualClock;
use callbox_domain::{AppId, AppKey, Clock, Device as Description, SessionId, Timestamp, UserId};
use callbox_service::sessions::{Credential, SignIn};

use crate::Stage;
use crate::bus::Post;
use crate::device::Device;
use crate::dice::{Dice, SeededRandom};
use crate::errand::Errand;
use crate::model::{Model, Verdict};
use crate::node::{Ground, Node};
use crate::step::Step;
use crate::temper::Temper;
use crate::trace::Trace;
use crate::wire::Wire;

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) temper: Temper,
    pub(crate) ground: Ground,
    /// `None` while a node is down.
    pub(crate) nodes: Vec<Option<Node>>,
    pub(crate) wires: BTreeMap<u64, Wire>,
    pub(crate) people: Vec<UserId>,
    pub(crate) devices: Vec<Device>,
    pub(crate) errands: Vec<Errand>,
    pub(crate) model: Model,
    pub(crate) trace: Trace,
    /// Sessions whose end somebody asked for.
    pub(crate) doomed: BTreeSet<SessionId>,
    /// Numbers wires, messages and memories.
    numbers: u64,
    seed: u64,
}

impl World {
    /// Users, their devices and the servers, with nothing said yet.
    pub(crate) fn new(stage: &Stage, seed: u64, trace: Trace) -> Self {
        let mut dice = Dice::new(seed, 1);
        let temper = Temper::throw(&mut dice);
        let ground = Ground {
            database: Arc::clone(&stage.database),
            post: Arc::new(Post::default()),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(seed, 2)),
            master_key: stage.master_key.clone(),
        };
        let nodes = (0..temper.nodes).map(|number| Some(Node::start(number, &ground))).collect();
        let name = |name: &&str| UserId::new(format!("{name}-{seed}")).expect("valid");
        let mut world = Self {
            people: ["ann", "bob", "cat"].iter().take(temper.people).map(name).collect(),
            dice,
            temper,
            ground,
            nodes,
            wires: BTreeMap::new(),
            devices: Vec::new(),
            errands: Vec::new(),
            model: Model::default(),
            trace,
            doomed: BTreeSet::new(),
            numbers: 0,
            seed,
        };
        world.trace.tell(|| format!("{:?}", world.temper));
        for person in 0..world.people.len() {
            world.sign_in(person, 0);
        }
        if world.dice.chance(60) {
            world.sign_in(0, 0);
        }
        world
    }

    /// Lets the seed happen.
    pub(crate) fn run(&mut self) -> Verdict {
        for device in 0..self.devices.len() {
            self.attend(device)?;
        }
        if self.temper.is_calm_first {
            self.work_off()?;
        }
        for _ in 0..self.temper.steps {
            let Some(step) = self.choose() else { break };
            self.take(step)?;
        }
        self.calm_down()?;
        self.check_all()
    }

    /// One of the steps that are possible now, by weight.
    fn choose(&mut self) -> Option<Step> {
        let steps = self.possible();
        let total: u32 = steps.iter().map(|(weight, _)| weight).sum();
        let mut left = u32::try_from(self.dice.below(total as usize)).unwrap_or(0);
        steps.into_iter().find_map(|(weight, step)| {
            if left < weight {
                return Some(step);
            }
            left -= weight;
            None
        })
    }

    /// Signs a user in on a new device, beside everything else.
    pub(crate) fn sign_in(&mut self, person: usize, node: usize) {
        let user = self.people[person].clone();
        let life = self.dice.chance(15).then(|| Duration::from_secs(20 + self.dice.next() % 100));
        let request = SignIn {
            app_key: Some(app_key()),
            credential: Credential::Open(user),
            device: Description::default(),
            expires_in: life,
            force: true,
            origin: None,
            address: None,
        };
        let Some(node) = &self.nodes[node] else { return };
        let signed_in = node.aside(async |service| service.sign_in(request).await).expect("signed in");
        let memory = self.number();
        let now = self.now();
        let device = Device::new(&signed_in, memory, &self.ground.random, now);
        let number = self.devices.len();
        self.trace.tell(|| format!("device {number}: {} signs in, {}", device.user, device.session));
        self.devices.push(device);
    }

    pub(crate) fn now(&self) -> Duration {
        self.ground.clock.elapsed()
    }

    pub(crate) fn wall_clock(&self) -> Timestamp {
        self.ground.clock.now()
    }

    /// A number that was not used before.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Something happened on a node: its sockets may have something to send.
    pub(crate) fn stir(&mut self, node: usize) {
        for wire in self.wires.values_mut().filter(|wire| wire.node == node) {
            wire.stir();
        }
    }

    /// What was committed becomes part of the model.
    pub(crate) fn note_commits(&mut self) -> Verdict {
        for logged in self.ground.database.take_journal() {
            self.trace
                .tell(|| format!("    committed: {} of {}: {:?}", logged.seq, logged.user_id, logged.event));
            self.model.commit(&logged)?;
        }
        Ok(())
    }
}

/// The only app of a new database.
pub(crate) fn app_id() -> AppId {
    AppId(1)
}

pub(crate) fn app_key() -> AppKey {
    AppKey::new("sim").expect("valid")
}
