//! A server in this process: for what cannot be seen, or cannot be made to fail, from outside.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use callbox_bus::{Bus, Listener, LocalBus, Notice};
use callbox_domain::{AppKey, AppSettings, Clock, Random, Timestamp};
use callbox_hub::Hub;
use callbox_media_control::NoMedia;
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_service::events::dispatcher;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::{LimitSettings, MasterKey, Parts, Service};
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::BenchResult;

/// A server with the app `demo`, as `callbox dev` has it.
pub(crate) struct Local {
    pub(crate) service: Arc<Service>,
    pub(crate) store: Arc<SqliteStore>,
    bus: Arc<dyn Bus>,
    _folder: TempDir,
}

impl Local {
    pub(crate) async fn open(bus: Arc<dyn Bus>) -> BenchResult<Self> {
        let folder = TempDir::new()?;
        let options = SqliteOptions::file(folder.path().join("callbox.sqlite"));
        let store = SqliteStore::open(options, dispatcher(Arc::clone(&bus)))?;
        let system = Arc::new(System(crate::timing::now()));
        let service = Arc::new(Service::new(Parts {
            store: store.clone(),
            bus: Arc::clone(&bus),
            media: Arc::new(NoMedia),
            clock: system.clone(),
            master_key: MasterKey::generate(system.as_ref()),
            random: system,
            limits: LimitSettings::default(),
            keys: Arc::new(NoKeys),
        }));
        service.allow_open_sign_in();
        let key = AppKey::new("demo")?;
        let app = CreateApp { name: "Demo".into(), key: Some(key), settings: AppSettings::development() };
        service.create_app(Actor::CommandLine, app).await.map_err(|error| error.message)?;
        Ok(Self { service, store, bus, _folder: folder })
    }

    /// Serves HTTP and sockets: where. The tasks end with the runtime.
    pub(crate) async fn serve(&self) -> BenchResult<String> {
        let hub = Hub::new(Arc::clone(&self.service), self.bus.as_ref());
        let router = callbox_server::api::assemble(Arc::clone(&self.service), Arc::clone(&hub)).public;
        let newest = self.service.newest_ended_session().await.map_err(|error| error.message)?;
        tokio::spawn(hub.sweep_ended_sessions(newest));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }
}

/// A bus that tells nobody when a session ends.
#[derive(Default)]
pub(crate) struct LosingBus(LocalBus);

impl Bus for LosingBus {
    fn publish(&self, notice: Notice) {
        if !matches!(notice, Notice::SessionEnded { .. }) {
            self.0.publish(notice);
        }
    }

    fn subscribe(&self, listener: Listener) {
        self.0.subscribe(listener);
    }
}

/// The system's clock and randomness.
struct System(Instant);

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "what is measured runs on the real clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Random for System {
    #[expect(clippy::disallowed_methods, reason = "what is measured uses real randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system has randomness");
    }
}
