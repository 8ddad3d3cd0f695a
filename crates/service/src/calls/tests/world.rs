//! What the cases share: two apps in a store, devices that sign in, and a record of what each of them is told.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox_bus::{Bus, LocalBus, Notice, Reach};
use callbox_call_proto::{Input, ServerCause};
use callbox_domain::{
    AppId, AppKey, AppSettings, CallEventRecord, CallId, CallMedia, CallRecord, ConnectionId, Device, UserId,
};
use callbox_media_control::testing::RecordingMedia;
use callbox_media_control::{CallSubject, RelayUrls};
use callbox_storage::{ReadJob, Store, StoreError, StoreResult, Trouble, WriteJob};
use callbox_storage_sqlite::SqliteStore;
use callbox_wire::call::{CallCause, CallSummary, DescriptionType, IceCandidate, SessionDescription};
use callbox_wire::{ErrorCode, ServerFrame};
use futures_executor::block_on;

use super::super::{EndReason, JoinedCall, MediaReport, Muted, StartRequest};
use crate::accounts::CreateApp;
use crate::events::logged_frame;
use crate::sessions::jwt::NoKeys;
use crate::sessions::{Credential, SignIn};
use crate::testing::{ManualClock, SeededRandom};
use crate::{Caller, LimitSettings, MasterKey, Parts, Service, ServiceResult};

/// A server without sockets.
pub(super) struct World {
    pub service: Service,
    pub clock: Arc<ManualClock>,
    pub media: Arc<RecordingMedia>,
    pub store: Arc<FlakyStore>,
    bus: Arc<LocalBus>,
    told: Arc<Mutex<Vec<Told>>>,
}

/// A frame and for whom it is.
#[derive(Clone)]
struct Told {
    app: AppId,
    user: UserId,
    reach: Reach,
    frame: ServerFrame,
}

/// One connection of one signed-in user.
pub(super) struct Tab {
    pub caller: Caller,
    pub connection: ConnectionId,
    heard: AtomicUsize,
}

impl World {
    /// A server with the apps `app-one` and `app-two`.
    pub fn new() -> Self {
        let bus = Arc::new(LocalBus::default());
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        bus.subscribe(Box::new(move |notice| {
            listener.lock().expect("not poisoned").extend(frames_of(notice));
        }));
        let logged = Arc::clone(&bus);
        let inner =
            SqliteStore::open_in_memory(Box::new(move |events| logged.publish(Notice::Logged(events))))
                .expect("a store in memory");
        let store = Arc::new(FlakyStore { inner, is_down: AtomicBool::new(false) });
        let clock = Arc::new(ManualClock::default());
        let media = Arc::new(RecordingMedia::at(urls()));
        let service = service(&store, &bus, &clock, &media);
        for key in ["app-one", "app-two"] {
            let key = AppKey::new(key).expect("valid");
            let settings = AppSettings::development();
            let app = CreateApp { name: key.to_string(), key: Some(key), settings };
            block_on(service.create_app(crate::audit::Actor::CommandLine, app)).expect("a new app");
        }
        let world = Self { service, clock, media, store, bus, told };
        block_on(world.service.recover_calls()).expect("no calls");
        world
    }

    /// The same store under a server that was just started.
    pub fn restart(&mut self) {
        self.service = service(&self.store, &self.bus, &self.clock, &self.media);
    }

    /// Signs a user of `app-one` in on a new device, with one open connection.
    pub fn tab(&self, user: &str, connection: &str) -> Tab {
        self.tab_in("app-one", user, connection)
    }

    pub fn tab_in(&self, app: &str, user: &str, connection: &str) -> Tab {
        let request = SignIn {
            app_key: Some(AppKey::new(app).expect("valid")),
            credential: Credential::Open(UserId::new(user).expect("valid")),
            device: Device::default(),
            expires_in: Some(Duration::from_hours(48)),
            force: true,
            origin: None,
            address: None,
        };
        let signed_in = block_on(self.service.sign_in(request)).expect("signed in");
        let caller = block_on(self.service.authenticate(&signed_in.token)).expect("a good token");
        let tab = Tab::new(caller, connection);
        self.open(&tab);
        tab
    }

    /// Another connection on the same device.
    pub fn tab_beside(&self, tab: &Tab, connection: &str) -> Tab {
        let tab = Tab::new(tab.caller.clone(), connection);
        self.open(&tab);
        tab
    }

    pub fn open(&self, tab: &Tab) {
        block_on(self.service.connection_opened(&tab.caller, &tab.connection));
    }

    pub fn close(&self, tab: &Tab) {
        block_on(self.service.connection_closed(&tab.caller, &tab.connection));
    }

    /// Lets time pass, and the timers look.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        block_on(self.service.run_call_timers());
    }

    /// Lets all but a [`MOMENT`] of a time pass.
    pub fn pass_nearly(&self, time: Duration) {
        self.pass(time.checked_sub(MOMENT).expect("longer than a moment"));
    }

    /// What a tab was told since it was asked the last time.
    pub fn heard(&self, tab: &Tab) -> Vec<ServerFrame> {
        let told = self.told.lock().expect("not poisoned");
        let before = tab.heard.swap(told.len(), Ordering::Relaxed);
        told[before..].iter().filter(|told| told.reaches(tab)).map(|told| told.frame.clone()).collect()
    }

    /// The names of what a tab was told since it was asked the last time.
    pub fn names(&self, tab: &Tab) -> Vec<&'static str> {
        self.heard(tab).iter().map(ServerFrame::name).collect()
    }

    /// The end of a call, which must be the only one that a tab was told of since it was asked the last time.
    pub fn ended(&self, tab: &Tab) -> CallSummary {
        let heard = self.heard(tab).into_iter();
        let mut ends = heard.filter_map(|frame| match frame {
            ServerFrame::CallEnded(frame) => Some(frame.call),
            _ => None,
        });
        let end = ends.next().expect("the call has ended");
        assert!(ends.next().is_none(), "told once");
        end
    }

    /// The cause that both tabs were told.
    pub fn cause(&self, one: &Tab, other: &Tab) -> CallCause {
        let (one, other) = (self.ended(one), self.ended(other));
        assert_eq!(one, other, "both are told the same");
        one.cause
    }

    pub fn record(&self, call: &str) -> CallRecord {
        let call = call_id(call);
        let found = block_on(self.dyn_store().read(move |store| store.call(AppId(1), &call)));
        found.expect("a store that reads").expect("a known call")
    }

    pub fn timeline(&self, call: &str) -> Vec<CallEventRecord> {
        let call = call_id(call);
        block_on(self.dyn_store().read(move |store| store.call_events(AppId(1), &call)))
            .expect("a store that reads")
    }

    /// The kinds of a call's timeline.
    pub fn kinds(&self, call: &str) -> Vec<String> {
        self.timeline(call).into_iter().map(|line| line.kind).collect()
    }

    pub fn kept_signals(&self, call: &str) -> usize {
        let call = call_id(call);
        let kept = block_on(self.dyn_store().read(move |store| store.call_signals(AppId(1), &call)));
        kept.expect("a store that reads").len()
    }

    fn dyn_store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }
}

/// What users do.
impl World {
    pub fn start(&self, tab: &Tab, call: &str, callee: &str) -> ServiceResult<JoinedCall> {
        self.start_for(tab, call, callee, None)
    }

    pub fn start_for(
        &self,
        tab: &Tab,
        call: &str,
        callee: &str,
        ring: Option<Duration>,
    ) -> ServiceResult<JoinedCall> {
        let callee_id = UserId::new(callee).expect("valid");
        let request = StartRequest { call_id: call_id(call), callee_id, media: CallMedia::Audio, ring };
        block_on(self.service.start_call(&tab.caller, &tab.connection, request))
    }

    pub fn ring(&self, tab: &Tab, call: &str) -> ServiceResult<()> {
        block_on(self.service.ring_call(&tab.caller, &tab.connection, call_id(call)))
    }

    pub fn accept(&self, tab: &Tab, call: &str) -> ServiceResult<JoinedCall> {
        block_on(self.service.accept_call(&tab.caller, &tab.connection, call_id(call)))
    }

    pub fn end(&self, tab: &Tab, call: &str, reason: EndReason) -> ServiceResult<()> {
        block_on(self.service.end_call(&tab.caller, Some(&tab.connection), call_id(call), reason))
    }

    /// As over HTTP: for the whole session.
    pub fn end_by_session(&self, tab: &Tab, call: &str, reason: EndReason) -> ServiceResult<()> {
        block_on(self.service.end_call(&tab.caller, None, call_id(call), reason))
    }

    pub fn offer(&self, tab: &Tab, call: &str, generation: u32, sdp: &str) -> ServiceResult<()> {
        self.describe(tab, call, generation, DescriptionType::Offer, sdp)
    }

    pub fn answer(&self, tab: &Tab, call: &str, generation: u32, sdp: &str) -> ServiceResult<()> {
        self.describe(tab, call, generation, DescriptionType::Answer, sdp)
    }

    fn describe(
        &self,
        tab: &Tab,
        call: &str,
        generation: u32,
        description_type: DescriptionType,
        sdp: &str,
    ) -> ServiceResult<()> {
        let description = SessionDescription { description_type, sdp: sdp.to_owned() };
        let (caller, connection) = (&tab.caller, &tab.connection);
        block_on(self.service.describe_call(caller, connection, call_id(call), generation, description))
    }

    pub fn candidate(&self, tab: &Tab, call: &str, generation: u32, line: &str) -> ServiceResult<()> {
        let (caller, connection) = (&tab.caller, &tab.connection);
        let candidate = Some(candidate(line));
        block_on(self.service.add_candidate(caller, connection, call_id(call), generation, candidate))
    }

    pub fn report(&self, tab: &Tab, call: &str, media: MediaReport) -> ServiceResult<()> {
        block_on(self.service.report_media(&tab.caller, &tab.connection, call_id(call), media))
    }

    pub fn mute(&self, tab: &Tab, call: &str, muted: Muted) -> ServiceResult<()> {
        block_on(self.service.mute_call(&tab.caller, &tab.connection, call_id(call), muted))
    }

    pub fn live_calls(&self, tab: &Tab) -> Vec<JoinedCall> {
        block_on(self.service.live_calls(&tab.caller, &tab.connection)).expect("a store that reads")
    }

    /// The server ends a call.
    pub fn server_end(&self, call: &str, cause: ServerCause) {
        let moved = self.service.move_call(AppId(1), call_id(call), Input::ServerEnd { cause }, None);
        block_on(moved).expect("what the server states is not refused");
    }

    /// A call from one tab to another that was accepted; nobody has asked yet what the tabs were told since.
    pub fn accepted(&self, from: &Tab, to: &Tab, call: &str) {
        self.start(from, call, to.caller.user_id.as_str()).expect("started");
        self.ring(to, call).expect("rings");
        self.accept(to, call).expect("accepted");
        self.heard(from);
        self.heard(to);
    }

    /// A call from one tab to another through which media goes.
    pub fn connected(&self, from: &Tab, to: &Tab, call: &str) {
        self.accepted(from, to, call);
        self.report(from, call, MediaReport::Connected).expect("reported");
        self.report(to, call, MediaReport::Connected).expect("reported");
        self.heard(from);
        self.heard(to);
    }
}

impl Tab {
    fn new(caller: Caller, connection: &str) -> Self {
        let connection = ConnectionId::new(connection).expect("valid");
        Self { caller, connection, heard: AtomicUsize::new(0) }
    }
}

impl Told {
    fn reaches(&self, tab: &Tab) -> bool {
        let is_users = self.app == tab.caller.app_id() && self.user == tab.caller.user_id;
        is_users
            && match &self.reach {
                Reach::Everywhere => true,
                Reach::Connection { session_id, connection_id } => {
                    *session_id == tab.caller.session_id && *connection_id == tab.connection
                }
            }
    }
}

fn frames_of(notice: &Notice) -> Vec<Told> {
    match notice {
        Notice::Frame { app_id, user_id, reach, frame } => {
            let frame = ServerFrame::clone(frame);
            vec![Told { app: *app_id, user: user_id.clone(), reach: reach.clone(), frame }]
        }
        Notice::Logged(events) => events
            .iter()
            .map(|event| {
                let text = logged_frame(&event.event, &event.user_id).with_seq(event.seq);
                let frame = serde_json::from_str(&text).expect("a frame");
                let (app, user) = (event.app_id, event.user_id.clone());
                Told { app, user, reach: Reach::Everywhere, frame }
            })
            .collect(),
        Notice::PresenceChanged { .. }
        | Notice::UserAdded { .. }
        | Notice::SessionRenewed { .. }
        | Notice::SessionEnded { .. } => Vec::new(),
    }
}

fn service(
    store: &Arc<FlakyStore>,
    bus: &Arc<LocalBus>,
    clock: &Arc<ManualClock>,
    media: &Arc<RecordingMedia>,
) -> Service {
    let random = Arc::new(SeededRandom::new(7));
    let service = Service::new(Parts {
        store: store.clone(),
        bus: bus.clone(),
        media: media.clone(),
        clock: clock.clone(),
        master_key: MasterKey::generate(random.as_ref()),
        random,
        limits: LimitSettings::default(),
        keys: Arc::new(NoKeys),
    });
    service.allow_open_sign_in();
    service
}

/// How clients reach the relay.
fn urls() -> RelayUrls {
    RelayUrls {
        stun: vec!["stun:call.example.com:3478".to_owned()],
        turn: vec!["turn:call.example.com:3478?transport=udp".to_owned()],
    }
}

/// A call of `app-one` as the relay knows it.
pub(super) fn subject(call: &str) -> CallSubject {
    CallSubject::new(AppId(1), &call_id(call))
}

pub(super) fn call_id(text: &str) -> CallId {
    CallId::new(text).expect("valid")
}

pub(super) fn candidate(line: &str) -> IceCandidate {
    let candidate = line.to_owned();
    IceCandidate { candidate, sdp_mid: None, sdp_m_line_index: Some(0), username_fragment: None }
}

/// The code of a refusal.
pub(super) fn code<T>(result: ServiceResult<T>) -> ErrorCode {
    result.err().expect("a refusal").code
}

/// The shortest time that makes a difference.
pub(super) const MOMENT: Duration = Duration::from_millis(1);

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A store that can be told to take no writes.
pub(super) struct FlakyStore {
    inner: Arc<SqliteStore>,
    pub is_down: AtomicBool,
}

impl Store for FlakyStore {
    fn submit_write(&self, job: Box<dyn WriteJob>) -> StoreResult<()> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StoreError::Overloaded);
        }
        self.inner.submit_write(job)
    }

    fn submit_read(&self, job: Box<dyn ReadJob>) -> StoreResult<()> {
        self.inner.submit_read(job)
    }

    fn health(&self) -> Result<(), Trouble> {
        self.inner.health()
    }
}
