//! What the tests of the use cases share.

use std::sync::{Arc, Mutex};

use callbox_bus::{Bus, LocalBus, Notice};
pub use callbox_domain::testing::ManualClock;
use callbox_domain::{
    App, AppId, AppKey, AppSettings, ClientAddress, Clock, ConversationId, Device, MessageId, Random, Secret,
    Timestamp, UserId,
};
use callbox_media_control::testing::RecordingMedia;
use callbox_storage::{StoreResult, Tx};
use callbox_storage_sqlite::SqliteStore;
use callbox_wire::messaging::{Recipient, SendMessageRequest};
use callbox_wire::{ErrorCode, ServerFrame};
use futures_executor::block_on;

use crate::accounts::CreateApp;
use crate::error::Refusal;
use crate::events::{ReplayPage, logged_frame};
use crate::sessions::jwt::NoKeys;
use crate::sessions::ticket::{Ticket, TicketContents};
use crate::sessions::{Credential, SignIn, SignedIn};
use crate::{Caller, LimitSettings, MasterKey, Parts, Service, ServiceResult};

/// A server without sockets. The app `app-one` is open to everyone; `app-two` trusts only its backend and the pages of
/// <https://app.example>.
pub struct World {
    pub service: Service,
    pub clock: Arc<ManualClock>,
    pub media: Arc<RecordingMedia>,
    notices: Arc<Mutex<Vec<Notice>>>,
    secrets: Vec<Secret<String>>,
}

impl World {
    pub fn new() -> Self {
        let world = Self::closed();
        world.service.allow_open_sign_in();
        world
    }

    /// A server on which nobody has allowed open sign-in.
    pub fn closed() -> Self {
        let bus = Arc::new(LocalBus::default());
        let notices = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&notices);
        bus.subscribe(Box::new(move |notice| {
            listener.lock().expect("not poisoned").push(notice.clone());
        }));
        let logged = Arc::clone(&bus);
        let store =
            SqliteStore::open_in_memory(Box::new(move |events| logged.publish(Notice::Logged(events))))
                .expect("a store in memory");
        let clock = Arc::new(ManualClock::default());
        let media = Arc::new(RecordingMedia::default());
        let random = Arc::new(SeededRandom::new(11));
        let service = Service::new(Parts {
            store,
            bus,
            media: media.clone(),
            clock: clock.clone(),
            master_key: MasterKey::generate(random.as_ref()),
            random,
            limits: LimitSettings::default(),
            keys: Arc::new(NoKeys),
        });
        let strict =
            AppSettings { allowed_origins: vec!["https://app.example".to_owned()], ..AppSettings::default() };
        let apps = [("app-one", AppSettings::development()), ("app-two", strict)];
        let create = |(key, settings): (&str, AppSettings)| {
            let app = CreateApp { name: key.to_owned(), key: Some(app_key(key)), settings };
            block_on(service.create_app(crate::audit::Actor::CommandLine, app)).expect("a new app").secret
        };
        let secrets = apps.into_iter().map(create).collect();
        Self { service, clock, media, notices, secrets }
    }

    /// The first secret of `app-one` or `app-two`.
    pub fn secret(&self, app: &str) -> &Secret<String> {
        &self.secrets[usize::from(app != "app-one")]
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A ticket by which the backend of an app opens an hour's session for a user name.
    pub fn ticket(&self, app: &str, user: &str) -> String {
        let contents = TicketContents {
            identity_type: callbox_domain::IdentityType::Username,
            endpoint: user.to_owned(),
            application_key: app.to_owned(),
            created: self.now(),
            expires_in: 3_600,
        };
        Ticket::sign(&contents, self.secret(app)).expect("a good secret").into_exposed()
    }

    /// Writes to the store what no use case does.
    pub fn write<T: Send + 'static>(
        &self,
        verbs: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> T {
        let written = self.service.store.write(move |tx| Ok::<_, Refusal>(verbs(tx)?));
        block_on(written).expect("written")
    }

    /// Changes an app, as its operator does.
    pub fn change_app(&self, key: &str, change: impl FnOnce(&mut App)) {
        let mut app = block_on(self.service.find_app(&app_key(key))).expect("known");
        change(&mut app);
        self.write(move |tx| tx.update_app(&app));
    }

    /// The number of an app.
    pub fn app_id(&self, key: &str) -> AppId {
        block_on(self.service.find_app(&app_key(key))).expect("known").id
    }

    /// The caller of a session that was just opened.
    pub fn authenticate(&self, signed_in: &SignedIn) -> ServiceResult<Caller> {
        block_on(self.service.authenticate(&signed_in.token))
    }

    pub fn sign_in(&self, request: SignIn) -> ServiceResult<SignedIn> {
        block_on(self.service.sign_in(request))
    }

    /// Signs in; who that is.
    pub fn caller_with(&self, request: SignIn) -> Caller {
        let signed_in = self.sign_in(request).expect("signed in");
        self.authenticate(&signed_in).expect("a good token")
    }

    /// Signs a user in on a new device: openly in `app-one`, by a ticket in `app-two`.
    pub fn caller_in(&self, app: &str, user: &str) -> Caller {
        let request = match app {
            "app-one" => open_sign_in(user),
            _ => ticket_sign_in(&self.ticket(app, user)),
        };
        self.caller_with(request)
    }

    /// Signs a user of `app-one` in on a new device.
    pub fn caller(&self, user: &str) -> Caller {
        self.caller_in("app-one", user)
    }

    pub fn send(
        &self,
        from: &Caller,
        id: &str,
        to: &str,
        text: &str,
    ) -> ServiceResult<callbox_domain::Message> {
        self.send_to(from, id, to_user(to), text)
    }

    pub fn send_to(
        &self,
        from: &Caller,
        id: &str,
        to: Recipient,
        text: &str,
    ) -> ServiceResult<callbox_domain::Message> {
        let message_id = MessageId::new(id).expect("valid");
        let request = SendMessageRequest { message_id, to, text: text.to_owned() };
        block_on(self.service.send_message(from, request))
    }

    /// What was published since this was asked the last time.
    pub fn notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock().expect("not poisoned"))
    }

    /// Whom the log told what since this was asked the last time, as `(user, number, frame)`.
    pub fn logged(&self) -> Vec<(String, u64, ServerFrame)> {
        let notices = self.notices().into_iter();
        let logged = notices.filter_map(|notice| match notice {
            Notice::Logged(events) => Some(events),
            _ => None,
        });
        let frames = logged.flatten().map(|event| {
            let text = logged_frame(&event.event, &event.user_id).with_seq(event.seq);
            (event.user_id.to_string(), event.seq, serde_json::from_str(&text).expect("a frame"))
        });
        frames.collect()
    }

    /// As [`World::logged`], with frames by name.
    pub fn logged_names(&self) -> Vec<(String, &'static str)> {
        self.logged().into_iter().map(|(user, _, frame)| (user, frame.name())).collect()
    }
}

/// As much of a log as any test writes.
pub const WHOLE_LOG: ReplayPage = ReplayPage { events_max: 10_000, bytes_max: usize::MAX };

pub fn app_key(text: &str) -> AppKey {
    AppKey::new(text).expect("valid")
}

pub fn user_id(text: &str) -> UserId {
    UserId::new(text).expect("valid")
}

pub fn to_user(user: &str) -> Recipient {
    Recipient { user_id: Some(user_id(user)), conversation_id: None }
}

pub fn to_conversation(id: &ConversationId) -> Recipient {
    Recipient { user_id: None, conversation_id: Some(id.clone()) }
}

/// Open sign-in to `app-one`, without anything else.
pub fn open_sign_in(user: &str) -> SignIn {
    SignIn {
        app_key: Some(app_key("app-one")),
        credential: Credential::Open(user_id(user)),
        device: Device::default(),
        expires_in: None,
        force: true,
        origin: None,
        address: None,
    }
}

/// A ticket that stands alone.
pub fn ticket_sign_in(ticket: &str) -> SignIn {
    SignIn { app_key: None, credential: Credential::Ticket(ticket.to_owned()), ..open_sign_in("nobody") }
}

/// Where a client is.
pub fn address(text: &str) -> ClientAddress {
    text.parse::<std::net::IpAddr>().expect("an address").into()
}

/// A secret of this text.
pub fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// The code of a refusal.
pub fn code<T>(result: ServiceResult<T>) -> ErrorCode {
    result.err().expect("a refusal").code
}

/// Reproducible randomness (`SplitMix64`). Never for anything but tests.
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("not poisoned");
        for byte in bytes {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 32).to_le_bytes()[0];
        }
    }
}
