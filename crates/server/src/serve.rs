//! Wires a server together, runs it, and stops it without losing anything.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use axum::{Extension, Router, routing};
use callbox_bus::LocalBus;
use callbox_domain::{AppKey, Clock};
use callbox_http_api::TrustedProxies;
use callbox_hub::Hub;
use callbox_media::Relay;
use callbox_media_control::{MediaControl, NoMedia};
use callbox_service::calls::relay_key;
use callbox_service::events::dispatcher;
use callbox_service::{Parts, Service};
use callbox_wire::ApiError;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::config::Config;
use crate::data_folder::{Access, DataFolder, StartError};
use crate::listen::{TakeTurn, TlsListener};
use crate::operator::OperatorListener;
use crate::outbound::Outbound;
use crate::relay::{RelayDoors, Works};
use crate::system::{SystemClock, SystemRandom};
use crate::{api, assets, listen, telemetry, tls};

/// The open doors of a server.
pub struct Listeners {
    /// HTTP and sockets.
    pub http: TcpListener,
    /// `/metrics`, where wanted.
    pub metrics: Option<TcpListener>,
}

/// A server that is put together but not yet running.
pub struct Server {
    /// Before the folder: its file must be gone when the folder's lock is.
    operator: OperatorListener,
    folder: DataFolder,
    service: Arc<Service>,
    hub: Arc<Hub>,
    relay: Option<Arc<Relay>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    trusted_proxies: TrustedProxies,
}

impl Server {
    /// Opens the data folder and puts everything together, with a relay behind its doors where there are any.
    pub fn open(config: &Config, relay: Option<RelayDoors>) -> Result<Self, StartError> {
        Self::open_with(config, relay, Arc::new(SystemClock::new()))
    }

    /// As [`Server::open`], by another clock, so that a test can move time.
    pub fn open_with(
        config: &Config,
        relay: Option<RelayDoors>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let limits = config.limits.settings()?;
        let trusted_proxies = config.server.proxies()?;
        let tls = match (&config.tls.cert, &config.tls.key) {
            (Some(cert), Some(key)) => Some(tls::load(cert, key)?),
            _ => None,
        };
        let bus = Arc::new(LocalBus::default());
        let random = Arc::new(SystemRandom);
        let folder =
            DataFolder::open(&config.storage, Access::Own, random.as_ref(), dispatcher(bus.clone()))?;
        let works =
            || Works { key: relay_key(&folder.master_key), clock: clock.clone(), random: random.clone() };
        let relay = relay.map(|doors| doors.start(config, works())).transpose()?;
        let media: Arc<dyn MediaControl> = match &relay {
            Some(relay) => relay.clone(),
            None => Arc::new(NoMedia),
        };
        let service = Arc::new(Service::new(Parts {
            store: folder.store.clone(),
            bus: bus.clone(),
            media,
            clock,
            random: random.clone(),
            master_key: folder.master_key.clone(),
            limits,
            keys: Arc::new(Outbound::new(&config.outbound)),
        }));
        let operator = OperatorListener::open(&config.storage.folder, random.as_ref(), &service)?;
        let hub = Hub::new(service.clone(), bus.as_ref());
        Ok(Self { operator, folder, service, hub, relay, tls, trusted_proxies })
    }

    /// The use cases, for what is set up before the doors open.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// The sockets.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The relay, where there is one.
    pub fn relay(&self) -> Option<&Arc<Relay>> {
        self.relay.as_ref()
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// How it speaks TLS, and who takes what is TURN there, where there is anyone.
    fn https(&self) -> Option<Https> {
        let relay = self.relay.clone();
        self.tls.clone().map(|tls| Https { tls, turn: relay.map(taker) })
    }

    /// Serves until `shutdown` resolves, then tells sockets to come back, finishes requests and closes the store: within
    /// ten seconds, or else it says what hangs. `demo` is the app of the page at `/`, for development.
    pub async fn run(
        self,
        listeners: Listeners,
        demo: Option<&AppKey>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        let figures = telemetry::start_metrics();
        let https = self.https();
        let api = api::assemble(self.service.clone(), self.hub.clone());
        let document: Arc<str> = api.document.to_pretty_json().expect("plain data").into();
        let mut router = api.public.layer(Extension(document)).merge(assets::sdk());
        if let Some(app_key) = demo {
            router = router.merge(assets::demo(app_key.as_str()));
        }
        let router =
            callbox_http_api::wrap(router, self.service.clone()).layer(Extension(self.trusted_proxies));

        let refused = |error: ApiError| StartError::Other(error.message);
        let newest_ended = self.service.newest_ended_session().await.map_err(refused)?;
        self.service.recover_calls().await.map_err(refused)?;
        let (stop, stopped) = watch::channel(());
        let http = serve_http(router, listeners.http, https, stopped.clone())?;
        let operator = callbox_http_api::wrap(api.operator, self.service.clone());
        let commands = self.operator.serve(operator, changed(stopped.clone()))?;
        let metrics = listeners.metrics.map(|listener| {
            let router = Router::new().route("/metrics", routing::get(async move || figures.render()));
            let serving = axum::serve(listener, router).with_graceful_shutdown(changed(stopped.clone()));
            tokio::spawn(async move { serving.await })
        });
        let session_sweep = tokio::spawn(self.hub.clone().sweep_ended_sessions(newest_ended));
        let head_sweep = tokio::spawn(self.hub.clone().sweep_heads());
        let call_timers = tokio::spawn(run_call_timers(self.service.clone()));
        let housekeeping = tokio::spawn(keep_house(self.service.clone(), stopped));
        let pruning = tokio::spawn(prune_events(self.service.clone()));

        shutdown.await;
        tracing::info!("stopping");
        drop(self.operator);
        let _ = stop.send(());
        let drained = async {
            self.hub.drain().await;
            let _ = tokio::join!(http, commands);
        };
        let closed = async {
            if tokio::time::timeout(DRAIN_TIME_MAX, drained).await.is_err() {
                tracing::warn!("some requests did not finish in time");
            }
            for task in [session_sweep, head_sweep, call_timers, housekeeping, pruning] {
                task.abort();
            }
            self.service.keep_last_used().await;
            if let Some(metrics) = metrics {
                metrics.abort();
            }
            let store = self.folder.store.clone();
            let store = tokio::task::spawn_blocking(move || store.close());
            // Until here it went on for calls whose sockets were told to come back.
            let relay = tokio::task::spawn_blocking(move || self.relay.inspect(|relay| relay.stop()));
            let _ = tokio::join!(store, relay);
        };
        if tokio::time::timeout(STOP_TIME_MAX, closed).await.is_err() {
            let hangs = "the database could not be closed in time, for its disk does not answer; nothing that was confirmed \
                         is lost, and the next start takes up the rest";
            return Err(StartError::Other(hangs.to_owned()));
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// What a door with TLS needs.
struct Https {
    tls: Arc<rustls::ServerConfig>,
    turn: Option<TakeTurn>,
}

/// Hands streams to the relay.
fn taker(relay: Arc<Relay>) -> TakeTurn {
    Arc::new(move |stream, address| {
        let relay = relay.clone();
        tokio::spawn(async move {
            let (socket, tls) = stream.into_inner();
            if let Err(error) = relay.take_stream(socket, Some(tls), address, Vec::new()).await {
                tracing::debug!(%error, "a client of TURN was turned away");
            }
        });
    })
}

fn serve_http(
    router: Router,
    listener: TcpListener,
    https: Option<Https>,
    stopped: watch::Receiver<()>,
) -> Result<JoinHandle<std::io::Result<()>>, StartError> {
    let stopped = changed(stopped);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(match https {
        None => {
            let listener = listener.tap_io(listen::without_delay);
            tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(stopped).into_future())
        }
        Some(Https { tls, turn }) => {
            let listener = TlsListener::new(listener, tls, turn)
                .map_err(|error| StartError::Other(error.to_string()))?;
            // Of listeners that are not its own, axum tells the peer's address only when they are tapped.
            let listener = listener.tap_io(|_| ());
            tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(stopped).into_future())
        }
    })
}

async fn changed(mut stopped: watch::Receiver<()>) {
    // An error means that the sender is gone, which is a stop too.
    let _ = stopped.changed().await;
}

async fn keep_house(service: Arc<Service>, stopped: watch::Receiver<()>) {
    let mut timer = tokio::time::interval(HOUSEKEEPING_INTERVAL);
    while !stopped.has_changed().unwrap_or(true) {
        timer.tick().await;
        service.forget_quiet_sessions();
        service.keep_last_used().await;
        service.end_expired_relaying().await;
        service.forget_expired().await;
        service.finish_erasures().await;
    }
}

async fn prune_events(service: Arc<Service>) {
    // The start has enough to do.
    tokio::time::sleep(PRUNING_DELAY).await;
    loop {
        service.prune_events().await;
        tokio::time::sleep(PRUNING_INTERVAL).await;
    }
}

async fn run_call_timers(service: Arc<Service>) {
    let mut timer = tokio::time::interval(CALL_TIMER_INTERVAL);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        service.run_call_timers().await;
    }
}

/// Calls are looked at this often; their shortest timer is a second.
const CALL_TIMER_INTERVAL: Duration = Duration::from_millis(100);

/// A stop takes no longer than this: less than ten seconds, whatever hangs.
const STOP_TIME_MAX: Duration = Duration::from_millis(9_500);

/// Sockets and requests have no longer than this to finish. The rest is for the database.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(8);

const HOUSEKEEPING_INTERVAL: Duration = Duration::from_mins(1);

/// Old events are looked for this often.
const PRUNING_INTERVAL: Duration = Duration::from_hours(1);

/// And first so long after the start.
const PRUNING_DELAY: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use callbox_http_api::ClientAt;
    use rustls::ClientConfig;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use tempfile::TempDir;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;

    use super::*;

    /// A server that says from where it is asked, and trusts the proxies of this machine.
    async fn start(https: Option<Https>) -> (SocketAddr, watch::Sender<()>) {
        let from = async |ClientAt(address): ClientAt| address.expect("an address").to_string();
        let trusted = TrustedProxies::parse(&["127.0.0.0/8"]).expect("good");
        let router = Router::new().route("/", routing::get(from)).layer(Extension(trusted));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = watch::channel(());
        serve_http(router, listener, https, stopped).expect("served");
        (address, stop)
    }

    /// The last line of an answer.
    async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, header: &str) -> String {
        let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer.lines().last().expect("a line").to_owned()
    }

    #[tokio::test]
    async fn handlers_know_the_client_over_plain_connections() {
        let (address, _stop) = start(None).await;
        let connect = async || TcpStream::connect(address).await.expect("it listens");
        assert_eq!(ask(connect().await, "").await, "127.0.0.1");
        assert_eq!(ask(connect().await, "x-forwarded-for: 203.0.113.9\r\n").await, "203.0.113.9");
    }

    #[tokio::test]
    async fn handlers_know_the_client_over_tls() {
        let folder = TempDir::new().expect("a folder");
        let (cert, key) = tls::self_signed(folder.path(), "localhost").expect("a certificate");
        let (address, _stop) =
            start(Some(Https { tls: tls::load(&cert, &key).expect("just made"), turn: None })).await;

        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&cert).expect("just made")).expect("a good one");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.expect("it listens");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake");
        assert_eq!(ask(stream, "forwarded: for=\"[2001:db8::1]:4711\"\r\n").await, "2001:db8::/64");
    }
}
