//! What the endpoint tests share: a server in memory, and requests to it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_bus::{Bus, LocalBus, Notice};
use callbox_domain::testing::{CountingRandom, ManualClock};
use callbox_domain::{
    App, AppId, AppKey, AppSettings, Clock, IdentityType, OneTimePurpose, OneTimeToken, Secret, Timestamp,
    UserId,
};
use callbox_media_control::RelayUrls;
use callbox_media_control::testing::RecordingMedia;
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::sessions::ticket::{Ticket, TicketContents};
use callbox_service::signature::{ContentMd5, Covered, SignedPaths};
use callbox_service::{LimitSettings, MasterKey, Parts, Service, ServiceResult};
use callbox_storage::{Store, StoreResult, Tx};
use callbox_storage_sqlite::SqliteStore;
use callbox_wire::ErrorCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// The origin that `app-one` allows.
pub(crate) const ORIGIN: &str = "https://app.example";

/// A server with `app-one`, where every way in is open for pages of [`ORIGIN`], and `app-two`, which trusts only its backend.
pub(crate) struct Api {
    pub clock: Arc<ManualClock>,
    /// For what no operation does: sockets start and accept calls.
    pub service: Arc<Service>,
    pub media: Arc<RecordingMedia>,
    store: Arc<dyn Store>,
    router: Router,
    runtime: Runtime,
    secrets: Vec<Secret<String>>,
}

/// A request under way.
#[derive(Clone)]
pub(crate) struct Call<'api> {
    api: &'api Api,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Api {
    pub fn new() -> Self {
        let bus = Arc::new(LocalBus::default());
        let logged = Arc::clone(&bus);
        let store: Arc<dyn Store> =
            SqliteStore::open_in_memory(Box::new(move |events| logged.publish(Notice::Logged(events))))
                .expect("a store in memory");
        let clock = Arc::new(ManualClock::default());
        let random = Arc::new(CountingRandom::default());
        let media = Arc::new(RecordingMedia::at(RelayUrls {
            stun: vec!["stun:call.example.com:3478".to_owned()],
            turn: vec!["turn:call.example.com:3478?transport=udp".to_owned()],
        }));
        let service = Arc::new(Service::new(Parts {
            store: Arc::clone(&store),
            bus,
            media: media.clone(),
            clock: clock.clone(),
            master_key: MasterKey::generate(random.as_ref()),
            random,
            limits: LimitSettings::default(),
            keys: Arc::new(NoKeys),
        }));
        service.allow_open_sign_in();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let open = AppSettings { allowed_origins: vec![ORIGIN.to_owned()], ..AppSettings::development() };
        let create = |(key, settings): (&str, AppSettings)| {
            let app =
                CreateApp { name: key.to_owned(), key: Some(AppKey::new(key).expect("valid")), settings };
            runtime.block_on(service.create_app(Actor::CommandLine, app)).expect("a new app").secret
        };
        let apps = [("app-one", open), ("app-two", AppSettings::default())];
        let secrets = apps.into_iter().map(create).collect();
        let operators = crate::operator_routes(Arc::clone(&service));
        let (router, _) = crate::routes(Arc::clone(&service)).merge(operators).split_for_parts();
        let router = crate::wrap(router, Arc::clone(&service));
        Self { clock, service, media, store, router, runtime, secrets }
    }

    /// Waits for what the service does.
    pub fn wait<T>(&self, work: impl Future<Output = ServiceResult<T>>) -> T {
        self.runtime.block_on(work).expect("it goes well")
    }

    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let (method, path) = (method.to_owned(), path.to_owned());
        Call { api: self, method, path, headers: Vec::new(), body: Vec::new() }
    }

    /// A request of a signed-in user.
    pub fn call_as(&self, token: &str, method: &str, path: &str) -> Call<'_> {
        self.call(method, path).header("authorization", &format!("Bearer {token}"))
    }

    /// A request of an app's backend, by the app's secret.
    pub fn call_by(&self, app: &str, method: &str, path: &str) -> Call<'_> {
        self.call_with(&basic(app, self.secret(app)), method, path)
    }

    /// A request with this `Authorization` header.
    pub fn call_with(&self, authorization: &str, method: &str, path: &str) -> Call<'_> {
        self.call(method, path).header("authorization", authorization)
    }

    /// Makes another app, into which users come by passwords; the `Authorization` header of its backend.
    pub fn create_app_with_passwords(&self, key: &str) -> String {
        let settings = AppSettings { password_sign_in: true, ..AppSettings::default() };
        let app = CreateApp { name: key.to_owned(), key: Some(AppKey::new(key).expect("valid")), settings };
        basic(key, &self.wait(self.service.create_app(Actor::Operator, app)).secret)
    }

    /// Writes to the store what no operation does.
    pub fn write<T: Send + 'static>(
        &self,
        verbs: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> T {
        let written = self.store.write(verbs);
        self.runtime.block_on(written).expect("written")
    }

    /// Changes an app's settings, as its operator does.
    pub fn change_app(&self, key: &str, change: impl FnOnce(&mut AppSettings)) {
        let mut app = self.app(key);
        change(&mut app.settings);
        self.write(move |tx| tx.update_app(&app));
    }

    fn app(&self, key: &str) -> App {
        self.wait(self.service.find_app(&AppKey::new(key).expect("valid")))
    }

    /// Gives a user of an app a token to reset the password with, good for an hour, as the app's backend does.
    pub fn issue_reset_token(&self, app: &str, user: &str, token: &str) {
        let app: AppId = self.app(app).id;
        let token = OneTimeToken {
            hash: Sha256::digest(token.as_bytes()).into(),
            purpose: OneTimePurpose::PasswordReset,
            user_id: UserId::new(user).expect("valid"),
            expires_at: self.clock.now().plus(Duration::from_hours(1)),
        };
        self.write(move |tx| tx.insert_one_time_token(app, &token));
    }

    /// The secret of an app's backend.
    pub fn secret(&self, app: &str) -> &Secret<String> {
        &self.secrets[usize::from(app != "app-one")]
    }

    /// Signs a user in: openly in `app-one`, by a ticket in `app-two`. The token.
    pub fn sign_in(&self, app: &str, user: &str) -> String {
        self.signed_in(app, user)["token"].as_str().expect("a token").to_owned()
    }

    /// As [`Api::sign_in`]; the whole answer.
    pub fn signed_in(&self, app: &str, user: &str) -> Value {
        let body = match app {
            "app-one" => json!({ "userId": user }),
            _ => json!({ "ticket": self.ticket(app, user, self.clock.now()) }),
        };
        let call = self.call("POST", "/v1/sessions").header("authorization", &format!("Application {app}"));
        let answer = call.json(&body).send();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    pub fn ticket(&self, app: &str, user: &str, created: Timestamp) -> String {
        let contents = TicketContents {
            identity_type: IdentityType::Username,
            endpoint: user.to_owned(),
            application_key: app.to_owned(),
            created,
            expires_in: 3_600,
        };
        Ticket::sign(&contents, self.secret(app)).expect("a good secret").into_exposed()
    }

    /// Sends a message and says in which conversation it is.
    pub fn message(&self, token: &str, id: &str, to: &str) -> String {
        let body = json!({ "messageId": id, "to": { "userId": to }, "text": "hello" });
        let answer = self.call_as(token, "POST", "/v1/messages").json(&body).send();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["message"]["conversationId"].as_str().expect("an id").to_owned()
    }

    /// Everyone who is not the app's backend.
    pub fn check_backend(&self, method: &str, path: &str) {
        let user = self.sign_in("app-one", "nosy");
        let foreign = basic("app-one", self.secret("app-two"));
        let unknown = basic("app-none", self.secret("app-one"));
        self.call(method, path).send().is_error(ErrorCode::AppCredentialsRequired);
        self.call_as(&user, method, path).send().is_error(ErrorCode::AppCredentialsRequired);
        for wrong in [&foreign, &unknown, "Application app-one"] {
            self.call_with(wrong, method, path).send().is_error(ErrorCode::AppCredentialsRequired);
        }
    }

    /// Every way in which a bearer token can be refused.
    pub fn check_credentials(&self, method: &str, path: &str) {
        let ended = self.sign_in("app-one", "gone");
        self.call_as(&ended, "DELETE", "/v1/session").send();
        self.call(method, path).send().is_error(ErrorCode::CredentialsMissing);
        self.call_as("cbs_nothing", method, path).send().is_error(ErrorCode::TokenUnknown);
        self.call_as(&ended, method, path).send().is_error(ErrorCode::SessionEnded);
        let ann = self.sign_in("app-one", "here");
        let foreign = self.call_as(&ann, method, path).header("origin", "https://evil.example");
        foreign.send().is_error(ErrorCode::OriginNotAllowed);
    }
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Goes to another path, whatever was signed.
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Signs all that is there so far with the secret of this session (an answer of a sign-in), now.
    pub fn signed_by_session(self, session: &Value) -> Self {
        let now = self.api.clock.now();
        self.signed_by_session_at(session, &now.to_rfc3339())
    }

    /// As [`Call::signed_by_session`], at any time.
    pub fn signed_by_session_at(self, session: &Value, timestamp: &str) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let secret = Secret::new(text(&session["secret"]));
        self.signed(&format!("Instance {}", text(&session["session"]["id"])), &secret, timestamp)
    }

    /// Signs all that is there so far with the secret of this app, now.
    pub fn signed_by_app(self, app: &str) -> Self {
        let (secret, now) = (self.api.secret(app).clone(), self.api.clock.now());
        self.signed(&format!("Application {app}"), &secret, &now.to_rfc3339())
    }

    fn signed(self, signer: &str, secret: &Secret<String>, timestamp: &str) -> Self {
        let content_type = self.headers.iter().find(|(name, _)| name == "content-type");
        let covered = Covered {
            method: self.method.clone(),
            paths: SignedPaths::exact(&self.path),
            content_type: content_type.map(|(_, value)| value.clone()).unwrap_or_default(),
            timestamp_text: timestamp.to_owned(),
            content_md5: ContentMd5::of(&self.body),
        };
        let signature = covered.sign(secret).expect("a good secret").to_text();
        self.header("x-timestamp", timestamp).header("authorization", &format!("{signer}:{signature}"))
    }

    pub fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body)).expect("a request");
        self.api.runtime.block_on(async {
            let response = self.api.router.clone().oneshot(request).await.expect("never fails");
            let (parts, body) = response.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
            let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
            let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
            Answer { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    /// Checks everything about an error; gives its details.
    #[track_caller]
    pub fn is_error(&self, code: ErrorCode) -> &Value {
        let error = &self.body["error"];
        assert_eq!(error["code"], code.name(), "{self:?}");
        assert_eq!(self.status, code.status());
        assert_eq!(error["retry"], json!(code.retry()));
        assert_eq!(error["requestId"].as_str(), self.header("x-request-id"));
        assert!(self.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
        &error["details"]
    }

    /// Checks that a field is refused by its path.
    #[track_caller]
    pub fn is_invalid(&self, path: &str) {
        assert_eq!(self.is_error(ErrorCode::InvalidRequest)["path"], path, "{self:?}");
    }
}

/// The `Authorization` header of an app's backend.
fn basic(app: &str, secret: &Secret<String>) -> String {
    format!("Basic {}", STANDARD.encode(format!("{app}:{}", secret.expose())))
}
