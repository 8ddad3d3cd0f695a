//! The task of one socket: what comes in goes to the link, what the link puts out goes to the socket.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use callbox_link_proto::{Input, Link, Output, REPLAY_PAGE_BYTES, REPLAY_PAGE_EVENTS};
use callbox_service::events::{ReplayPage, Replayed};
use callbox_wire::CloseCode;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt, poll};
use tokio::time::{Sleep, sleep, timeout};

use crate::Hub;
use crate::connection::Connection;

impl Hub {
    /// Serves one socket until it is closed. `origin` is the web page's, where a browser said it.
    pub(crate) async fn serve(self: Arc<Self>, socket: WebSocket, origin: Option<String>) {
        let connection = self.add();
        let (sink, stream) = socket.split();
        tokio::select! {
            // Reading comes first: what it leads to is then written in the same turn.
            biased;
            () = self.read(&connection, stream, origin) => {}
            () = self.write(&connection, sink) => {}
        }
        self.remove(&connection).await;
    }

    async fn read(
        &self,
        connection: &Arc<Connection>,
        mut stream: SplitStream<WebSocket>,
        origin: Option<String>,
    ) {
        while let Some(received) = stream.next().await {
            let input = match &received {
                Ok(Message::Text(text)) => Input::Text(text),
                Ok(Message::Binary(_)) => Input::Unreadable,
                Ok(Message::Ping(_) | Message::Pong(_)) => Input::Pong,
                Err(error) if is_too_large(error) => Input::TooLarge,
                Ok(Message::Close(_)) | Err(_) => return,
            };
            self.take_in(connection, input, origin.as_deref()).await;
            if connection.link().is_closed() {
                // The writer says goodbye and ends the task.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Hands in what came over the socket and serves what it asks for.
    pub(crate) async fn take_in(&self, connection: &Arc<Connection>, input: Input<'_>, origin: Option<&str>) {
        connection.handle(self.now(), input);
        let request = connection.link().next_request();
        if let Some(request) = request {
            // In a box: an idle socket holds no room for what a request needs.
            Box::pin(self.serve_request(connection, request, origin)).await;
        }
    }

    async fn write(&self, connection: &Connection, mut sink: SplitSink<WebSocket, Message>) {
        let mut alarm = Alarm { at: Duration::MAX, timer: pin!(sleep(Duration::ZERO)) };
        loop {
            let next = loop {
                let output = connection.link().next_output();
                let message = match output {
                    Some(Output::Send(text)) => Message::Text(Utf8Bytes::from(&*text)),
                    Some(Output::Ping) => Message::Ping(Bytes::new()),
                    other => break other,
                };
                if !self.put(connection, &mut alarm, sink.feed(message)).await {
                    return;
                }
            };
            // What was ready leaves together, and before more is fetched or waited for.
            if !self.put(connection, &mut alarm, sink.flush()).await {
                return;
            }
            match next {
                Some(Output::Close(code)) => {
                    let _ = timeout(GOODBYE_TIME_MAX, sink.send(goodbye(code))).await;
                    return;
                }
                Some(Output::Fetch { after }) => Box::pin(self.fetch(connection, after, PAGE)).await,
                _ => {
                    if !self.rest(connection, &mut alarm).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for something to do; `false` once the connection is over.
    async fn rest(&self, connection: &Connection, alarm: &mut Alarm<'_>) -> bool {
        let deadline = connection.link().deadline();
        let Some(deadline) = deadline else { return false };
        let is_due = |link: &Link| link.has_output() || link.deadline() < Some(deadline);
        tokio::select! {
            biased;
            () = connection.until(is_due) => {}
            () = alarm.ring(self.now(), deadline) => connection.handle(self.now(), Input::Tick),
        }
        true
    }

    /// Has the socket take something; gives up when the link closes meanwhile, as it does when the peer takes nothing.
    async fn put(
        &self,
        connection: &Connection,
        alarm: &mut Alarm<'_>,
        taking: impl Future<Output = Result<(), axum::Error>>,
    ) -> bool {
        let mut taking = pin!(taking);
        if let Poll::Ready(taken) = poll!(&mut taking) {
            return taken.is_ok();
        }
        loop {
            let deadline = connection.link().deadline();
            let Some(deadline) = deadline else {
                // Closing with something on the way: a last chance for a socket that is merely slow.
                return timeout(GOODBYE_TIME_MAX, taking).await.is_ok_and(|taken| taken.is_ok());
            };
            tokio::select! {
                biased;
                taken = &mut taking => {
                    // It had no room and has some now: the peer reads, however slowly.
                    connection.handle(self.now(), Input::Pong);
                    return taken.is_ok();
                }
                () = connection.until(Link::is_closed) => {}
                () = alarm.ring(self.now(), deadline) => connection.handle(self.now(), Input::Tick),
            }
        }
    }

    /// Hands in a page of the log after `after`.
    pub(crate) async fn fetch(&self, connection: &Connection, after: u64, page: ReplayPage) {
        let Some(member) = connection.member() else { return };
        let input = match self.service.replay(&member.caller, after, page).await {
            Ok(Replayed { events, head }) => Input::Page { events, head },
            Err(_) => Input::Close(CloseCode::TryAgain),
        };
        connection.handle(self.now(), input);
    }

    pub(crate) fn now(&self) -> Duration {
        self.service.clock().elapsed()
    }
}

/// A timer that is set anew only where it has rung or must ring sooner: most deadlines are moved back long before they
/// come, and a look too early costs less than a timer for each.
struct Alarm<'task> {
    at: Duration,
    timer: Pin<&'task mut Sleep>,
}

impl Alarm<'_> {
    /// Resolves at `deadline`, or before.
    async fn ring(&mut self, now: Duration, deadline: Duration) {
        if deadline < self.at || self.timer.is_elapsed() {
            self.at = deadline;
            self.timer.set(sleep(deadline.saturating_sub(now)));
        }
        self.timer.as_mut().await;
    }
}

fn goodbye(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code: code.number(), reason: Utf8Bytes::from(code.reason()) }))
}

fn is_too_large(error: &axum::Error) -> bool {
    // axum hides the socket library's error type; its text is all that is left.
    std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .any(|error| error.to_string().contains("too long"))
}

/// What a socket reads of the log at once.
pub(crate) const PAGE: ReplayPage =
    ReplayPage { events_max: REPLAY_PAGE_EVENTS, bytes_max: REPLAY_PAGE_BYTES };

/// How long a socket that is being closed may take for its last frame.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);
