//! How many sessions a user may have, and which of them makes room.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use callbox_domain::{CallId, CallMedia, ConnectionId};
use callbox_wire::ErrorCode;
use futures_executor::block_on;
use proptest::prelude::*;

use super::super::{SignIn, SignedIn};
use super::{end_reason, told_ended};
use crate::calls::StartRequest;
use crate::testing::{World, code, open_sign_in, user_id};
use crate::{Caller, ServiceResult};

const LIMIT: usize = 10;

/// Signs `ann` in a second after whatever was before.
fn sign_in(world: &World, force: bool) -> ServiceResult<SignedIn> {
    world.clock.advance(Duration::from_secs(1));
    world.sign_in(SignIn { force, ..open_sign_in("ann") })
}

fn sessions(world: &World, count: usize) -> Vec<SignedIn> {
    (0..count).map(|_| sign_in(world, false).expect("below the limit")).collect()
}

fn connect(world: &World, signed_in: &SignedIn, connection: &str) -> Caller {
    let caller = world.authenticate(signed_in).expect("open");
    block_on(world.service.connection_opened(&caller, &ConnectionId::new(connection).expect("valid")));
    caller
}

fn open_ids(world: &World, signed_in: &SignedIn) -> HashSet<String> {
    let caller = world.authenticate(signed_in).expect("open");
    let open = block_on(world.service.list_sessions(&caller)).expect("a list");
    open.into_iter().map(|open| open.session.id.to_string()).collect()
}

#[test]
fn without_force_one_more_than_the_limit_is_refused() {
    let world = World::new();
    let all = sessions(&world, LIMIT);
    let refused = sign_in(&world, false).expect_err("one too many");
    assert_eq!(refused.code, ErrorCode::SessionLimitReached);
    assert_eq!(refused.details["sessionsPerUserMax"], LIMIT);
    assert!(all.iter().all(|one| end_reason(&world, one).is_none()));
    world
        .sign_in(SignIn { force: false, ..open_sign_in("bob") })
        .expect("another user has sessions of his own");
    end_one(&world, &all[4]);
    sign_in(&world, false).expect("there is room again");
}

fn end_one(world: &World, signed_in: &SignedIn) {
    block_on(world.service.sign_out(&world.authenticate(signed_in).expect("open"))).expect("signed out");
}

#[test]
fn with_force_the_one_used_least_recently_ends_and_it_is_told() {
    let world = World::new();
    let all = sessions(&world, LIMIT);
    // The oldest session is used again, and that is kept.
    world.clock.advance(Duration::from_secs(1));
    world.authenticate(&all[0]).expect("open");
    block_on(world.service.keep_last_used());
    world.notices();
    sign_in(&world, true).expect("makes room");
    assert_eq!(told_ended(&world), [all[1].session.id.to_string()]);
    assert_eq!(end_reason(&world, &all[1]).as_deref(), Some("replaced"));
    assert_eq!(end_reason(&world, &all[0]), None);
}

#[test]
fn a_session_with_a_connection_is_replaced_last() {
    let world = World::new();
    let all = sessions(&world, LIMIT);
    for (index, signed_in) in all.iter().enumerate().filter(|(index, _)| *index != 7) {
        connect(&world, signed_in, &format!("connection-{index}"));
    }
    sign_in(&world, true).expect("makes room");
    assert_eq!(end_reason(&world, &all[7]).as_deref(), Some("replaced"), "the only one without a socket");
    // The newcomer has no connection either, and so goes next; then the longest unused of those with one.
    let newest = sign_in(&world, true).expect("makes room");
    connect(&world, &newest, "connection-new");
    sign_in(&world, true).expect("makes room");
    assert_eq!(end_reason(&world, &all[0]).as_deref(), Some("replaced"));
    assert_eq!(end_reason(&world, &all[1]), None);
}

#[test]
fn expired_sessions_do_not_count() {
    let world = World::new();
    let short = || SignIn { expires_in: Some(Duration::from_mins(1)), force: false, ..open_sign_in("ann") };
    let all: Vec<_> = (0..LIMIT).map(|_| world.sign_in(short()).expect("below the limit")).collect();
    assert_eq!(code(world.sign_in(short())), ErrorCode::SessionLimitReached);
    world.clock.advance(Duration::from_mins(1));
    let newest = world.sign_in(short()).expect("all others are over");
    assert_eq!(open_ids(&world, &newest).len(), 1);
    assert_eq!(end_reason(&world, &all[0]).as_deref(), Some("expired"));
}

#[test]
fn a_lower_limit_ends_as_many_as_are_too_many() {
    let world = World::new();
    let all = sessions(&world, LIMIT);
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 3);
    let newest = sign_in(&world, true).expect("makes room");
    let left: HashSet<_> = [&all[8], &all[9], &newest].map(|one| one.session.id.to_string()).into();
    assert_eq!(open_ids(&world, &newest), left);
}

#[test]
fn a_replaced_session_leaves_its_call() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 1);
    world.caller("bob");
    let first = sign_in(&world, true).expect("signed in");
    let connection = ConnectionId::new("connection-1").expect("valid");
    let caller = connect(&world, &first, "connection-1");
    let call_id = CallId::new("call-0001").expect("valid");
    let request = StartRequest {
        call_id: call_id.clone(),
        callee_id: user_id("bob"),
        media: CallMedia::Audio,
        ring: None,
    };
    block_on(world.service.start_call(&caller, &connection, request)).expect("it rings");
    sign_in(&world, true).expect("makes room");
    let app = caller.app_id();
    let call = world.write(move |tx| tx.call(app, &call_id)).expect("kept");
    assert!(call.end.is_some(), "nobody is left to accept for: {call:?}");
}

/// A hundred sign-ins at once; how each of them went.
fn rush(world: &World, force: bool) -> Vec<ServiceResult<SignedIn>> {
    let start = Barrier::new(RUSH);
    thread::scope(|scope| {
        let each = || {
            start.wait();
            world.sign_in(SignIn { force, ..open_sign_in("ann") })
        };
        let all: Vec<_> = (0..RUSH).map(|_| scope.spawn(each)).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    })
}

const RUSH: usize = 100;

#[test]
fn a_hundred_at_once_with_force_all_come_in_and_no_more_than_the_limit_stay() {
    let world = World::new();
    let all: Vec<_> = rush(&world, true).into_iter().map(|one| one.expect("makes room")).collect();
    let open = all.iter().filter(|one| end_reason(&world, one).is_none()).count();
    assert_eq!(open, LIMIT);
    assert_eq!(told_ended(&world).into_iter().collect::<HashSet<_>>().len(), RUSH - LIMIT, "each is told");
}

#[test]
fn of_a_hundred_at_once_without_force_as_many_as_the_limit_come_in() {
    let world = World::new();
    let (good, refused): (Vec<_>, Vec<_>) = rush(&world, false).into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), refused.len()), (LIMIT, RUSH - LIMIT));
    assert!(refused.into_iter().all(|one| code(one) == ErrorCode::SessionLimitReached));
    assert_eq!(told_ended(&world).len(), 0);
}

/// What may happen to the sessions of one user.
#[derive(Debug, Clone)]
enum Step {
    SignIn { force: bool, seconds: u64 },
    Connect(usize),
    Use(usize),
    SignOut(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 10u64..200).prop_map(|(force, seconds)| Step::SignIn { force, seconds }),
        1 => any::<usize>().prop_map(Step::Connect),
        1 => any::<usize>().prop_map(Step::Use),
        1 => any::<usize>().prop_map(Step::SignOut),
        1 => (1u64..60).prop_map(Step::Wait),
    ]
}

/// What the model knows of an open session.
struct Known {
    signed_in: SignedIn,
    used_at: Duration,
    ends_at: Duration,
    connected: bool,
}

/// The rule of the limit, said in another way than the use case says it.
struct Model {
    world: World,
    open: Vec<Known>,
    connections: usize,
}

impl Model {
    fn take(&mut self, step: Step) {
        self.world.clock.advance(Duration::from_secs(1));
        let now = callbox_domain::Clock::elapsed(self.world.clock.as_ref());
        self.open.retain(|one| now < one.ends_at);
        let count = self.open.len();
        let place = |index: usize| (count > 0).then(|| index % count);
        match step {
            Step::SignIn { force, seconds } => self.sign_in(force, Duration::from_secs(seconds), now),
            Step::Connect(index) => {
                if let Some(one) = place(index).map(|place| &mut self.open[place]) {
                    self.connections += 1;
                    connect(&self.world, &one.signed_in, &format!("connection-{}", self.connections));
                    block_on(self.world.service.keep_last_used());
                    (one.connected, one.used_at) = (true, now);
                }
            }
            Step::Use(index) => {
                if let Some(one) = place(index).map(|place| &mut self.open[place]) {
                    self.world.authenticate(&one.signed_in).expect("open");
                    block_on(self.world.service.keep_last_used());
                    one.used_at = now;
                }
            }
            Step::SignOut(index) => {
                if let Some(place) = place(index) {
                    end_one(&self.world, &self.open.remove(place).signed_in);
                }
            }
            Step::Wait(seconds) => self.world.clock.advance(Duration::from_secs(seconds)),
        }
    }

    fn sign_in(&mut self, force: bool, life: Duration, now: Duration) {
        let request = SignIn { force, expires_in: Some(life), ..open_sign_in("ann") };
        let result = self.world.sign_in(request);
        if self.open.len() == MODEL_LIMIT && !force {
            assert_eq!(code(result), ErrorCode::SessionLimitReached);
            return;
        }
        if self.open.len() == MODEL_LIMIT {
            let first = self.open.iter().enumerate().min_by_key(|(_, one)| (one.connected, one.used_at));
            let (place, _) = first.expect("the limit is not zero");
            let replaced = self.open.remove(place);
            assert_eq!(end_reason(&self.world, &replaced.signed_in).as_deref(), Some("replaced"));
        }
        let signed_in = result.expect("there is room, or it is made");
        let found = open_ids(&self.world, &signed_in);
        block_on(self.world.service.keep_last_used());
        self.open.push(Known { signed_in, used_at: now, ends_at: now + life, connected: false });
        let expected: HashSet<_> = self.open.iter().map(|one| one.signed_in.session.id.to_string()).collect();
        assert_eq!(found, expected);
    }
}

const MODEL_LIMIT: usize = 3;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_limit_holds_whatever_happens(steps in prop::collection::vec(step(), 1..40)) {
        let world = World::new();
        world.change_app("app-one", |app| app.settings.sessions_per_user_max = 3);
        let mut model = Model { world, open: Vec::new(), connections: 0 };
        for step in steps {
            model.take(step);
        }
    }
}
