//! The relay as the rest of the server has it in hand.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use callbox_domain::{Clock, Random, SessionId};
use callbox_media_control::{CallSubject, MediaControl, RelayUrls};
use callbox_turn_proto::{Now, RelayAddress, Server, Settings};
use mio::{Poll, Waker};
use rustls::{ServerConfig, ServerConnection};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::accept::{self, ARRIVALS_MAX, Entrance};
use crate::bind::RelaySockets;
use crate::driver::Driver;
use crate::mailbox::{Command, Life, Mailbox};
use crate::places::Places;
use crate::source::Source;

/// What a relay is made of, beside its sockets and settings.
pub struct RelayParts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What [`MediaControl::urls`] says.
    pub urls: RelayUrls,
    /// The certificate for the listeners of TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// A relay that runs, until this is dropped.
pub struct Relay {
    urls: RelayUrls,
    entrance: Entrance,
    accepting: Vec<AbortHandle>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    handle: thread::JoinHandle<()>,
    /// Tells of the end by being cut off.
    ended: std::sync::mpsc::Receiver<()>,
}

impl Relay {
    /// Starts the thread, and accepting on this tokio runtime. The relay addresses of `settings` are those of the sockets.
    pub fn start(sockets: RelaySockets, settings: Settings, parts: RelayParts) -> io::Result<Self> {
        let relay_addresses =
            sockets.addresses.iter().map(|binding| RelayAddress { public: binding.public }).collect();
        let now = Now { elapsed: parts.clock.elapsed(), wall: parts.clock.now() };
        let server = Server::new(Settings { relay_addresses, ..settings }, parts.random, now);
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Source::Mail.token())?;
        let mailbox = Arc::new(Mailbox::new(waker));
        let (arrivals, arriving) = mpsc::channel(ARRIVALS_MAX);
        let listen = sockets.listen_addresses().to_vec();
        let driver = Driver::new(
            poll,
            sockets.udp,
            &sockets.addresses,
            server,
            parts.clock,
            mailbox.clone(),
            arriving,
        )?;
        let entrance = Entrance { places: Arc::new(Places::default()), arrivals, mailbox: mailbox.clone() };
        let mut accepting = Vec::new();
        for listener in sockets.tcp {
            accepting.push(accept::accept(listener, None, entrance.clone())?);
        }
        if let Some(config) = parts.tls.as_deref().map(accept::speaking_turn) {
            for listener in sockets.tls {
                accepting.push(accept::accept(listener, Some(config.clone()), entrance.clone())?);
            }
        }
        let (end, ended) = sync_channel(0);
        let handle = thread::Builder::new()
            .name("callbox-relay".to_owned())
            .spawn(move || live(driver, &mailbox, end))?;
        tracing::info!(?listen, "the relay runs");
        let thread = Mutex::new(Some(Thread { handle, ended }));
        Ok(Self { urls: parts.urls, entrance, accepting, thread })
    }

    /// Takes over a connection on which TURN was recognised elsewhere, as on the port of HTTPS. `tls` is its TLS, in which
    /// decrypted bytes may wait; `early` is what was read of it already.
    pub async fn take_stream(
        &self,
        socket: TcpStream,
        tls: Option<ServerConnection>,
        peer: SocketAddr,
        early: Vec<u8>,
    ) -> Result<(), StreamRefused> {
        let place = self.entrance.places.take(peer.ip());
        let place = place.filter(|_| early.len() <= EARLY_BYTES_MAX).ok_or(StreamRefused::TooMuch)?;
        // A listener for both families tells addresses of IPv4 wrapped into IPv6.
        let peer = match peer.ip().to_canonical() {
            address if address.is_ipv4() => SocketAddr::new(address, peer.port()),
            _ => peer,
        };
        let handed_in = self.entrance.hand_in(socket, tls.map(Box::new), peer, early, place).await;
        handed_in.map_err(StreamRefused::NotTaken)
    }

    /// Ends every allocation, as a restart would; clients may open new ones. For tests of how they come back.
    pub fn drop_allocations(&self) {
        self.entrance.mailbox.leave(Command::DropAllocations);
    }

    /// Closes every socket and ends the thread: at once, but if it hangs no later than after two seconds.
    pub fn stop(&self) {
        for task in &self.accepting {
            task.abort();
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Thread { handle, ended }) = thread else { return };
        self.entrance.mailbox.leave(Command::Stop);
        if ended.recv_timeout(STOP_TIME_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the relay's thread did not stop in time");
            return;
        }
        // It caught its own panic, and said so.
        let _ = handle.join();
        tracing::info!("the relay stopped");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}

impl MediaControl for Relay {
    fn urls(&self) -> RelayUrls {
        self.urls.clone()
    }

    fn end_session(&self, session: &SessionId) {
        self.entrance.mailbox.leave(Command::EndSession(session.as_str().to_owned()));
    }

    fn end_call(&self, call: &CallSubject) {
        self.entrance.mailbox.leave(Command::EndCall(call.as_str().to_owned()));
    }

    fn health(&self) -> Result<(), String> {
        match self.entrance.mailbox.life() {
            Life::Running => Ok(()),
            Life::Stopped => Err("the relay was stopped".to_owned()),
            Life::Failed(error) => Err(format!("the relay failed, and no call is relayed: {error}")),
        }
    }
}

/// Why a stream was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StreamRefused {
    /// There are too many streams, in all or from its address; or more was read of it than is needed to recognise it.
    #[error("too many streams, or too much read of one")]
    TooMuch,
    /// The stream is broken, or the relay is not there any more.
    #[error("the stream could not be handed over: {0}")]
    NotTaken(#[source] io::Error),
}

/// The thread's whole life. `end` is dropped at its end.
fn live(driver: Driver, mailbox: &Mailbox, end: SyncSender<()>) {
    // What the driver had is dropped in there, and nothing looks at it afterwards.
    let life = match catch_unwind(AssertUnwindSafe(|| driver.run())) {
        Ok(Ok(())) => Life::Stopped,
        Ok(Err(error)) => Life::Failed(error.to_string()),
        Err(panic) => Life::Failed(format!("a panic: {}", message(&*panic))),
    };
    if let Life::Failed(error) = &life {
        tracing::error!(%error, "the relay failed; calls that need it do not connect until the server is restarted");
    }
    mailbox.end(life);
    drop(end);
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// More is never read before a stream is recognised: one record of TLS.
pub(crate) const EARLY_BYTES_MAX: usize = 16 << 10;

/// A stop waits for the thread no longer than this.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);
