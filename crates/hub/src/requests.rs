//! What clients ask for over the socket.

use std::sync::Arc;

use callbox_link_proto::{Admission, HEARTBEAT, Input, Request};
use callbox_service::sessions::SessionToken;
use callbox_service::{Caller, ServiceResult};
use callbox_wire::frame::{
    CallLive, ClientFrame, ErrorFrame, Hello, MessageAccepted, PresenceState, ReceiptRecorded, ServerFrame,
    Welcome,
};
use callbox_wire::messaging::{Message, Receipt};
use callbox_wire::{ApiError, CloseCode, ErrorCode};

use crate::Hub;
use crate::connection::{Connection, Member};
use crate::registry::Placed;

impl Hub {
    pub(crate) async fn serve_request(
        &self,
        connection: &Arc<Connection>,
        request: Request,
        origin: Option<&str>,
    ) {
        match request {
            Request::Admit(hello) => {
                if let Err(code) = self.admit(connection, hello, origin).await {
                    connection.handle(self.now(), Input::Refused(code));
                }
            }
            Request::Acknowledge { after, up_to } => {
                if let Some(member) = connection.member() {
                    // What could not be noted now is noted when the history is fetched or the next message is confirmed.
                    let _ = self.service.acknowledge(&member.caller, after, up_to).await;
                }
            }
            Request::Serve(frame) => {
                let Some(member) = connection.member() else { return };
                let id = frame.id().map(str::to_owned);
                let replies = match self.answer(connection, member, frame).await {
                    Ok(replies) => replies,
                    Err(error) => vec![refusal(id, error)],
                };
                self.reply(connection, replies);
            }
        }
    }

    async fn admit(
        &self,
        connection: &Arc<Connection>,
        hello: Hello,
        origin: Option<&str>,
    ) -> Result<(), CloseCode> {
        let token = SessionToken::from_client(&hello.token);
        let caller = self.service.authenticate(&token).await.map_err(|error| close_code(&error))?;
        self.service.check_origin(&caller, origin).map_err(|error| close_code(&error))?;
        self.welcome(connection, hello, &token, caller).await
    }

    /// Gives a connection its place, and tells it what it needs to know first.
    pub(crate) async fn welcome(
        &self,
        connection: &Arc<Connection>,
        hello: Hello,
        token: &SessionToken,
        caller: Caller,
    ) -> Result<(), CloseCode> {
        connection.admit(caller, hello.connection_id);
        let Member { caller, connection_id } = connection.member().ok_or(CloseCode::TryAgain)?;
        // Its place comes first, the log second: what is logged in between is noticed.
        match self.registry.place(connection) {
            Placed::Full => return Err(CloseCode::TooManyConnections),
            Placed::Late => return Err(CloseCode::Replaced),
            Placed::In { replaced } => {
                self.service.connection_opened(caller, connection_id).await;
                if let Some(replaced) = replaced {
                    self.watchers.unwatch(&replaced);
                    self.tell(&replaced, Input::Close(CloseCode::Replaced));
                    self.service.socket_closed(caller).await;
                }
            }
        }
        // The session comes after the place too: had it ended, or been renewed, in between, nobody would have told.
        let session = self.service.authenticate(token).await.map_err(|error| close_code(&error))?;
        let mailbox = self.service.open_mailbox(caller, hello.cursor.as_deref()).await;
        let mailbox = mailbox.map_err(|error| close_code(&error))?;
        let live_calls =
            self.service.live_calls(caller, connection_id).await.map_err(|error| close_code(&error))?;
        let server_time = self.service.clock().now();
        let welcome = Welcome {
            re: hello.id,
            user_id: caller.user_id.clone(),
            session_id: caller.session_id.clone(),
            cursor: mailbox.cursor.to_string(),
            resumed: mailbox.resumed,
            heartbeat_seconds: u32::try_from(HEARTBEAT.as_secs()).unwrap_or(u32::MAX),
            server_time,
            live_call_ids: live_calls.iter().map(|live| live.call.id.clone()).collect(),
        };
        let admission = Admission {
            welcome,
            start: mailbox.cursor.seq,
            head: mailbox.head,
            session_life: session.session_expires_at.since(server_time),
        };
        connection.handle(self.now(), Input::Admitted(Box::new(admission)));
        // Looked up again: what was told before the welcome did not reach this connection.
        let live_calls = self.service.live_calls(caller, connection_id).await;
        for live in live_calls.map_err(|error| close_code(&error))? {
            let ice = self.service.ice_configuration(caller, Some(&live.call.id));
            self.reply(connection, vec![CallLive { call: live.call, ice }.into()]);
            self.reply(connection, live.signals);
        }
        Ok(())
    }

    /// Answers a frame, where it is answered at all.
    async fn answer(
        &self,
        connection: &Arc<Connection>,
        member: &Member,
        frame: ClientFrame,
    ) -> ServiceResult<Vec<ServerFrame>> {
        let caller = &member.caller;
        self.service.count_request(caller)?;
        Ok(match frame {
            ClientFrame::MessageSend(frame) => {
                let message = self.service.send_message(caller, frame.message).await?;
                vec![MessageAccepted { re: frame.id, message: Message::from_domain(&message) }.into()]
            }
            ClientFrame::ReceiptRead(frame) => {
                let receipt = self.service.mark_read(caller, frame.conversation_id, frame.up_to).await?;
                vec![ReceiptRecorded { re: frame.id, receipt: Receipt::from_domain(&receipt) }.into()]
            }
            ClientFrame::TypingSet(frame) => {
                self.service.set_typing(caller, frame.to, frame.active).await?;
                Vec::new()
            }
            ClientFrame::PresenceWatch(frame) => {
                self.service.check_watch(caller, &frame.user_ids)?;
                // Watching comes before looking, so that a change in between is told rather than missed.
                self.watchers.watch(connection, frame.user_ids.clone());
                let presences = self.service.watch_presence(caller, &frame.user_ids).await?;
                vec![PresenceState { re: frame.id, presences }.into()]
            }
            // The link answers these itself.
            ClientFrame::Hello(_) | ClientFrame::Ack(_) | ClientFrame::Ping(_) => Vec::new(),
            ClientFrame::CallStart(_)
            | ClientFrame::CallRing(_)
            | ClientFrame::CallAccept(_)
            | ClientFrame::CallEnd(_)
            | ClientFrame::CallDescribe(_)
            | ClientFrame::CallCandidate(_)
            | ClientFrame::CallReport(_)
            | ClientFrame::CallMute(_) => self.answer_in_call(member, frame).await?,
        })
    }

    fn reply(&self, connection: &Connection, frames: Vec<ServerFrame>) {
        for frame in frames {
            connection.handle(self.now(), Input::Send(frame.to_text().into()));
        }
    }
}

fn refusal(re: Option<String>, error: ApiError) -> ServerFrame {
    ErrorFrame { re, error: error.into_info(None) }.into()
}

fn close_code(error: &ApiError) -> CloseCode {
    match error.code {
        ErrorCode::TokenUnknown | ErrorCode::SessionEnded => CloseCode::SessionEnded,
        ErrorCode::OriginNotAllowed => CloseCode::OriginNotAllowed,
        _ => CloseCode::TryAgain,
    }
}
