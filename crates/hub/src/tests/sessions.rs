//! Sessions that end or are renewed while they have connections.

use std::sync::Arc;
use std::time::Duration;

use callbox_bus::{Bus, LocalBus, Notice};
use callbox_domain::testing::{CountingRandom, ManualClock};
use callbox_domain::{AppKey, AppSettings, ConnectionId, Device, UserId};
use callbox_link_proto::{Input, Output};
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::sessions::{Credential, SessionToken, SignIn, SignedIn};
use callbox_service::{Caller, LimitSettings, MasterKey, Parts, Service, ServiceResult};
use callbox_storage_sqlite::SqliteStore;
use callbox_wire::frame::{ClientFrame, Hello};
use callbox_wire::{CloseCode, ErrorCode};
use tokio::runtime::{Builder, Runtime};

use crate::Hub;
use crate::connection::Connection;

/// A hub without sockets: what its links would send is looked at instead.
struct World {
    service: Arc<Service>,
    hub: Arc<Hub>,
    clock: Arc<ManualClock>,
    runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let bus = Arc::new(LocalBus::default());
        Self::with(bus.clone(), bus.as_ref())
    }

    /// A hub that hears nothing of what its service tells.
    fn deaf() -> Self {
        Self::with(Arc::default(), &DeafBus)
    }

    fn with(bus: Arc<LocalBus>, heard: &dyn Bus) -> Self {
        let clock = Arc::new(ManualClock::default());
        let random = Arc::new(CountingRandom::default());
        let service = Arc::new(Service::new(Parts {
            store: SqliteStore::open_in_memory(Box::new(|_| {})).expect("a store in memory"),
            bus,
            clock: clock.clone(),
            master_key: MasterKey::generate(random.as_ref()),
            random,
            limits: LimitSettings::default(),
            keys: Arc::new(NoKeys),
        }));
        service.allow_open_sign_in();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let settings = AppSettings::development();
        let app = CreateApp { name: "Test".to_owned(), key: Some(app_key()), settings };
        runtime.block_on(service.create_app(Actor::CommandLine, app)).expect("a new app");
        Self { hub: Hub::new(Arc::clone(&service), heard), service, clock, runtime }
    }

    fn wait<T>(&self, work: impl Future<Output = ServiceResult<T>>) -> T {
        self.runtime.block_on(work).expect("it goes well")
    }

    /// Signs `ann` in for a little while.
    fn sign_in(&self) -> SignedIn {
        self.wait(self.service.sign_in(SignIn {
            app_key: Some(app_key()),
            credential: Credential::Open(UserId::new("ann").expect("valid")),
            device: Device::default(),
            expires_in: Some(LIFE),
            force: true,
            origin: None,
            address: None,
        }))
    }

    fn caller(&self, token: &SessionToken) -> Caller {
        self.wait(self.service.authenticate(token))
    }

    /// A connection that says hello with a token; `caller` is what the token led to when it was looked at.
    fn welcome(&self, token: &SessionToken, caller: Caller) -> (Arc<Connection>, Result<(), CloseCode>) {
        let connection_id = ConnectionId::new(caller.session_id.as_str()).expect("valid");
        let (id, token_text) = ("hello".to_owned(), token.expose().to_owned());
        let hello = Hello { id, token: token_text, connection_id, cursor: None };
        let connection = self.hub.add();
        let text = serde_json::to_string(&ClientFrame::Hello(hello.clone())).expect("plain data");
        connection.handle(self.hub.now(), Input::Text(&text));
        let welcomed = self.runtime.block_on(self.hub.welcome(&connection, hello, token, caller));
        (connection, welcomed)
    }

    fn connect(&self, token: &SessionToken) -> Arc<Connection> {
        let (connection, welcomed) = self.welcome(token, self.caller(token));
        assert_eq!(welcomed, Ok(()));
        connection
    }

    /// With what a hello of this token is answered.
    fn refusal(&self, token: &SessionToken) -> Option<ErrorCode> {
        self.runtime.block_on(self.service.authenticate(token)).err().map(|error| error.code)
    }

    /// The code with which the connection is closed by now, if it is.
    fn closed(&self, connection: &Connection) -> Option<CloseCode> {
        connection.handle(self.hub.now(), Input::Tick);
        loop {
            let output = connection.link().next_output();
            match output {
                Some(Output::Close(code)) => return Some(code),
                Some(_) => {}
                None => return None,
            }
        }
    }
}

#[test]
fn a_session_that_ends_closes_its_socket_and_no_other() {
    let world = World::new();
    let [one, two] = [(); 2].map(|()| world.sign_in());
    let (first, second) = (world.connect(&one.token), world.connect(&two.token));
    world.wait(world.service.sign_out(&world.caller(&one.token)));
    assert_eq!(world.closed(&first), Some(CloseCode::SessionEnded));
    assert_eq!(world.closed(&second), None);
    assert_eq!(CloseCode::SessionEnded.number(), 4401);
}

#[test]
fn a_session_whose_end_the_bus_forgot_is_found_on_the_list() {
    let world = World::deaf();
    let [one, two] = [(); 2].map(|()| world.sign_in());
    let (first, second) = (world.connect(&one.token), world.connect(&two.token));
    let from = world.wait(world.service.newest_ended_session());
    world.wait(world.service.sign_out(&world.caller(&one.token)));
    assert_eq!(world.closed(&first), None, "nobody told");
    let to = world.runtime.block_on(world.hub.sweep(from));
    assert_eq!((world.closed(&first), world.closed(&second)), (Some(CloseCode::SessionEnded), None));
    assert_eq!(world.runtime.block_on(world.hub.sweep(to)), to, "read once");
    world.wait(world.service.sign_out(&world.caller(&two.token)));
    assert!(world.runtime.block_on(world.hub.sweep(to)) > to);
    assert_eq!(world.closed(&second), Some(CloseCode::SessionEnded));
}

#[test]
fn a_session_that_ended_during_the_hello_is_not_welcome() {
    let world = World::deaf();
    let signed_in = world.sign_in();
    let caller = world.caller(&signed_in.token);
    world.wait(world.service.sign_out(&caller));
    let (_, welcomed) = world.welcome(&signed_in.token, caller);
    assert_eq!(welcomed, Err(CloseCode::SessionEnded));
}

#[test]
fn a_renewed_session_keeps_its_socket() {
    let world = World::new();
    let [one, two] = [(); 2].map(|()| world.sign_in());
    let (renewed, other) = (world.connect(&one.token), world.connect(&two.token));
    world.clock.advance(LIFE / 2);
    let hour = Some(Duration::from_hours(1));
    let caller = world.caller(&one.token);
    world.wait(world.service.renew_session(&caller, None, hour));
    world.clock.advance(LIFE / 2);
    // At the end of a session its client says hello again, and learns from the answer what has become of it.
    assert_eq!((world.closed(&renewed), world.closed(&other)), (None, Some(CloseCode::TryAgain)));
    assert_eq!(world.refusal(&two.token), Some(ErrorCode::SessionEnded));
}

#[test]
fn a_session_renewed_during_the_hello_keeps_its_socket() {
    let world = World::deaf();
    let signed_in = world.sign_in();
    let stale = world.caller(&signed_in.token);
    world.wait(world.service.renew_session(&stale, None, Some(Duration::from_hours(1))));
    let (connection, welcomed) = world.welcome(&signed_in.token, stale);
    assert_eq!(welcomed, Ok(()));
    world.clock.advance(LIFE);
    assert_eq!(world.closed(&connection), None);
}

/// Shorter than the silence for which a link gives up by itself.
const LIFE: Duration = Duration::from_secs(20);

fn app_key() -> AppKey {
    AppKey::new("test-app").expect("valid")
}

/// A bus that loses everything.
struct DeafBus;

impl Bus for DeafBus {
    fn publish(&self, _notice: Notice) {}

    fn subscribe(&self, _listener: callbox_bus::Listener) {}
}
