//! Hubs without sockets: what their links would send is looked at instead.

mod interrupted;
mod nodes;
mod relay;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use callbox_bus::testing::LossyBus;
use callbox_bus::{Bus, Notice};
use callbox_domain::testing::{CountingRandom, ManualClock};
use callbox_domain::{AppKey, AppSettings, ConnectionId, Device, UserId};
use callbox_link_proto::{Input, Output};
use callbox_media_control::testing::RecordingMedia;
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::sessions::{Credential, SessionToken, SignIn, SignedIn};
use callbox_service::{Caller, LimitSettings, MasterKey, Parts, Service, ServiceResult};
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use callbox_wire::frame::{ClientFrame, Hello};
use callbox_wire::{CloseCode, ErrorCode};
use tokio::runtime::{Builder, Runtime};

use crate::Hub;
use crate::connection::Connection;

use interrupted::InterruptedStore;

/// Nodes that share a store and a bus.
struct World {
    nodes: Vec<Node>,
    bus: Arc<LossyBus>,
    store: Arc<InterruptedStore>,
    clock: Arc<ManualClock>,
    runtime: Runtime,
}

struct Node {
    service: Arc<Service>,
    hub: Arc<Hub>,
    media: Arc<RecordingMedia>,
}

impl World {
    /// One node that hears of everything.
    fn new() -> Self {
        Self::with(1, LossyBus::lossless())
    }

    /// One node that hears nothing of what it tells.
    fn deaf() -> Self {
        let world = Self::new();
        world.bus.set_deaf(true);
        world
    }

    fn with(nodes: usize, bus: LossyBus) -> Self {
        Self::on(SqliteOptions::memory(), nodes, bus)
    }

    fn on(options: SqliteOptions, nodes: usize, bus: LossyBus) -> Self {
        let bus = Arc::new(bus);
        let clock = Arc::new(ManualClock::default());
        let random = Arc::new(CountingRandom::default());
        let logged = Arc::clone(&bus);
        let listener = Box::new(move |events| logged.publish(Notice::Logged(events)));
        let sqlite = SqliteStore::open(options, listener).expect("a store");
        let store = Arc::new(InterruptedStore::new(sqlite));
        let master_key = MasterKey::generate(random.as_ref());
        let nodes: Vec<Node> = (0..nodes)
            .map(|_| {
                let media = Arc::new(RecordingMedia::default());
                let service = Arc::new(Service::new(Parts {
                    store: store.clone(),
                    bus: bus.clone(),
                    media: media.clone(),
                    clock: clock.clone(),
                    master_key: master_key.clone(),
                    random: random.clone(),
                    limits: LimitSettings::default(),
                    keys: Arc::new(NoKeys),
                }));
                service.allow_open_sign_in();
                Node { hub: Hub::new(Arc::clone(&service), bus.as_ref()), service, media }
            })
            .collect();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let settings = AppSettings::development();
        let app = CreateApp { name: "Test".to_owned(), key: Some(app_key()), settings };
        runtime.block_on(nodes[0].service.create_app(Actor::CommandLine, app)).expect("a new app");
        Self { nodes, bus, store, clock, runtime }
    }

    fn service(&self) -> &Service {
        &self.nodes[0].service
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.nodes[0].hub
    }

    fn wait<T>(&self, work: impl Future<Output = ServiceResult<T>>) -> T {
        self.runtime.block_on(work).expect("it goes well")
    }

    /// Signs `ann` in for a little while.
    fn sign_in(&self) -> SignedIn {
        self.sign_in_as("ann")
    }

    fn sign_in_as(&self, user: &str) -> SignedIn {
        self.wait(self.service().sign_in(SignIn {
            app_key: Some(app_key()),
            credential: Credential::Open(UserId::new(user).expect("valid")),
            device: Device::default(),
            expires_in: Some(LIFE),
            force: true,
            origin: None,
            address: None,
        }))
    }

    fn caller(&self, token: &SessionToken) -> Caller {
        self.wait(self.service().authenticate(token))
    }

    /// A connection that says hello with a token; `caller` is what the token led to when it was looked at.
    fn welcome(&self, token: &SessionToken, caller: Caller) -> (Arc<Connection>, Result<(), CloseCode>) {
        let connection = self.hub().add();
        let welcomed = self.welcome_on(&connection, token, caller);
        (connection, welcomed)
    }

    /// As [`World::welcome`], on a socket that was opened before.
    fn welcome_on(
        &self,
        connection: &Arc<Connection>,
        token: &SessionToken,
        caller: Caller,
    ) -> Result<(), CloseCode> {
        let connection_id = ConnectionId::new(caller.session_id.as_str()).expect("valid");
        let (id, token_text) = ("hello".to_owned(), token.expose().to_owned());
        let hello = Hello { id, token: token_text, connection_id, cursor: None };
        let text = serde_json::to_string(&ClientFrame::Hello(hello.clone())).expect("plain data");
        connection.handle(self.hub().now(), Input::Text(&text));
        self.runtime.block_on(self.hub().welcome(connection, hello, token, caller))
    }

    fn connect(&self, token: &SessionToken) -> Arc<Connection> {
        let (connection, welcomed) = self.welcome(token, self.caller(token));
        assert_eq!(welcomed, Ok(()));
        connection
    }

    /// With what a hello of this token is answered.
    fn refusal(&self, token: &SessionToken) -> Option<ErrorCode> {
        self.runtime.block_on(self.service().authenticate(token)).err().map(|error| error.code)
    }

    /// The code with which the connection is closed by now, if it is.
    fn closed(&self, connection: &Connection) -> Option<CloseCode> {
        connection.handle(self.hub().now(), Input::Tick);
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

/// Shorter than the silence for which a link gives up by itself.
const LIFE: Duration = Duration::from_secs(20);

fn app_key() -> AppKey {
    AppKey::new("test-app").expect("valid")
}
