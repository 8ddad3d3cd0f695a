//! The task that moves bytes for the core: a socket, a timer, the app's requests and its events. It decides nothing.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Secret;
use callbox_wire::frame::SUBPROTOCOL;
use futures_util::{SinkExt, StreamExt};
use hyper::header;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::core::{Answer, Ask, Core, Input, Options, Output, Tell, Ticket};
use crate::error::Error;
use crate::events::Told;
use crate::server::{Duplex, Server, network};
use crate::system::SystemRandom;

/// What the app wants of its client.
pub(crate) enum Command {
    /// To be answered.
    Ask(Box<Ask>, oneshot::Sender<Result<Answer, Error>>),
    /// Not to be answered.
    Tell(Tell),
    /// The session has another token.
    Token(Secret<String>),
    /// The way to the server may be better now.
    Hurry,
    /// Enough.
    Stop,
}

pub(crate) struct Driver {
    core: Core,
    server: Server,
    started: Instant,
    commands: mpsc::Receiver<Command>,
    tickets: u64,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Answer, Error>>>,
    events: mpsc::Sender<Told>,
    /// Events for which there is no room yet. While there are any, the socket is not read.
    backlog: VecDeque<Told>,
    opening: Option<Opening>,
    socket: Option<Socket>,
}

type Socket = WebSocketStream<Box<dyn Duplex>>;
type Opening = Pin<Box<dyn Future<Output = Result<Socket, Error>> + Send>>;

/// One of the things that wake the driver.
enum Woken {
    Command(Option<Command>),
    Opened(Result<Socket, Error>),
    Received(Option<Result<Message, tungstenite::Error>>),
    Room,
    Due,
}

impl Driver {
    pub(crate) fn new(
        server: Server,
        options: Options,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Told>,
    ) -> Self {
        Self {
            core: Core::new(Duration::ZERO, options, Arc::new(SystemRandom)),
            server,
            started: Instant::now(),
            commands,
            tickets: 0,
            waiting: HashMap::new(),
            events,
            backlog: VecDeque::new(),
            opening: None,
            socket: None,
        }
    }

    /// Until the client is over, and all of its events are taken.
    pub(crate) async fn drive(mut self) {
        let timer = sleep_until(self.started);
        tokio::pin!(timer);
        self.follow().await;
        while let Some(deadline) = self.core.deadline() {
            let deadline = self.started + deadline;
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            match self.wait(timer.as_mut()).await {
                Woken::Command(command) => self.obey(command.unwrap_or(Command::Stop)),
                Woken::Opened(Ok(socket)) => {
                    (self.socket, self.opening) = (Some(socket), None);
                    self.handle(Input::Opened);
                }
                Woken::Opened(Err(error)) => {
                    self.opening = None;
                    let reason = if let Error::Network(reason) = error { reason } else { error.to_string() };
                    self.handle(Input::Lost { code: None, reason });
                }
                Woken::Received(received) => self.receive(received).await,
                Woken::Room => {}
                Woken::Due => self.handle(Input::Tick),
            }
            self.follow().await;
        }
        for told in self.backlog {
            if self.events.send(told).await.is_err() {
                return;
            }
        }
    }

    async fn wait(&mut self, timer: Pin<&mut Sleep>) -> Woken {
        let has_backlog = !self.backlog.is_empty();
        tokio::select! {
            command = self.commands.recv() => Woken::Command(command),
            opened = poll_optional(&mut self.opening) => Woken::Opened(opened),
            received = next_message(&mut self.socket), if !has_backlog => Woken::Received(received),
            room = self.events.reserve(), if has_backlog => {
                match room {
                    Ok(room) => {
                        if let Some(told) = self.backlog.pop_front() {
                            room.send(told);
                        }
                    }
                    Err(_) => self.backlog.clear(),
                }
                Woken::Room
            }
            () = timer => Woken::Due,
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask(ask, answer) => {
                self.tickets += 1;
                let ticket = Ticket(self.tickets);
                self.waiting.insert(ticket, answer);
                self.handle(Input::Ask { ticket, ask: *ask });
            }
            Command::Tell(tell) => self.handle(Input::Tell(tell)),
            Command::Token(token) => self.handle(Input::Token(token)),
            Command::Hurry => self.handle(Input::Hurry),
            Command::Stop => self.handle(Input::Stop),
        }
    }

    async fn receive(&mut self, received: Option<Result<Message, tungstenite::Error>>) {
        match received {
            Some(Ok(Message::Text(text))) => self.handle(Input::Text(&text)),
            Some(Ok(Message::Close(frame))) => {
                // The answer to the close is on its way out.
                self.flush().await;
                self.socket = None;
                let (code, reason) = frame.map_or((None, String::new()), |frame| {
                    (Some(frame.code.into()), frame.reason.to_string())
                });
                self.handle(Input::Lost { code, reason });
            }
            Some(Ok(_)) => {
                // A ping of the protocol is answered by the library; the answer must leave.
                self.flush().await;
                self.handle(Input::Life);
            }
            Some(Err(error)) => self.lose(&network(error)),
            None => self.lose(&Error::Network("the connection was closed".to_owned())),
        }
    }

    /// Does what the core says.
    async fn follow(&mut self) {
        let mut has_written = false;
        loop {
            let Some(output) = self.core.next_output() else {
                if !std::mem::take(&mut has_written) {
                    return;
                }
                self.flush().await;
                continue;
            };
            match output {
                Output::Open => {
                    let server = self.server.clone();
                    self.socket = None;
                    self.opening = Some(Box::pin(open(server)));
                }
                Output::Send(text) => {
                    has_written = true;
                    self.write(text).await;
                }
                Output::Close => {
                    self.opening = None;
                    if let Some(mut socket) = self.socket.take() {
                        // As a courtesy: the socket may be the reason.
                        let _ = timeout(COURTESY_TIME_MAX, socket.close(None)).await;
                    }
                }
                Output::Event { event, cursor } => self.tell((event, cursor)),
                Output::Answer { ticket, result } => {
                    // Whoever asked may have gone away.
                    let _ = self.waiting.remove(&ticket).map(|waiting| waiting.send(result));
                }
            }
        }
    }

    fn tell(&mut self, told: Told) {
        if !self.backlog.is_empty() {
            return self.backlog.push_back(told);
        }
        match self.events.try_send(told) {
            Err(mpsc::error::TrySendError::Full(told)) => self.backlog.push_back(told),
            // The app does not want them.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    async fn write(&mut self, text: String) {
        let Some(socket) = &mut self.socket else { return };
        match timeout(WRITE_TIME_MAX, socket.feed(Message::Text(text.into()))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.lose(&network(error)),
            Err(_) => self.lose(&Error::Timeout),
        }
    }

    async fn flush(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        match timeout(WRITE_TIME_MAX, socket.flush()).await {
            // A close that crossed the flush is still to be received, with its code.
            Ok(Ok(()) | Err(tungstenite::Error::ConnectionClosed)) => {}
            Ok(Err(error)) => self.lose(&network(error)),
            Err(_) => self.lose(&Error::Timeout),
        }
    }

    fn lose(&mut self, error: &Error) {
        if self.socket.take().is_some() {
            let reason = if let Error::Network(reason) = error { reason.clone() } else { error.to_string() };
            self.handle(Input::Lost { code: None, reason });
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.core.handle(self.started.elapsed(), input);
    }
}

async fn poll_optional(opening: &mut Option<Opening>) -> Result<Socket, Error> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

async fn next_message(socket: &mut Option<Socket>) -> Option<Result<Message, tungstenite::Error>> {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

async fn open(server: Server) -> Result<Socket, Error> {
    let stream = server.connect().await?;
    // The scheme only names the default port here: the stream is already what it is.
    let url = format!("ws://{}{}", server.authority, server.path("/v1/socket"));
    let mut request = url.into_client_request().map_err(network)?;
    request
        .headers_mut()
        .insert(header::SEC_WEBSOCKET_PROTOCOL, header::HeaderValue::from_static(SUBPROTOCOL));
    // Small, because thousands of clients may stand in one process.
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(INCOMING_BYTES_MAX))
        .max_frame_size(Some(INCOMING_BYTES_MAX));
    let (socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(network)?;
    Ok(socket)
}

const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
const COURTESY_TIME_MAX: Duration = Duration::from_millis(500);
const READ_BUFFER_BYTES: usize = 4_096;
/// More than any server sends: a frame's text may grow where it is escaped.
const INCOMING_BYTES_MAX: usize = 1024 * 1024;
