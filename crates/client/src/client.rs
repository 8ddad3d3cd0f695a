//! The client, as an app has it in hand.

use std::sync::{Arc, Mutex};

use callbox_domain::{ConversationId, MessageId, Secret, Timestamp};
use callbox_wire::messaging::{Conversation, Message, Receipt, SendMessageRequest};
use callbox_wire::page::Page;
use callbox_wire::people::{Presence, User};
use callbox_wire::session::{ListedSession, RenewSessionRequest, Session, SessionAnswer, SignInAnswer};
use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};

use crate::calls::Calls;
use crate::core::{self, Answer, Ask, MessageIds, Tell, connection_id};
use crate::credential::Credential;
use crate::driver::{Command, Driver};
use crate::error::Error;
use crate::events::Events;
use crate::http;
use crate::options::Options;
use crate::server::Server;
use crate::system::{SystemRandom, wall_clock};
use crate::to::{To, user_id};

/// One user of one app on one device. Clones are the same client; when the last of them is dropped, it closes.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    /// `Authorization` of this session.
    session: Mutex<Signed>,
    user: User,
    message_ids: Mutex<MessageIds>,
}

#[derive(Clone)]
struct Signed {
    token: Secret<String>,
    session: Session,
}

/// Which part of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// The newest messages.
    Newest,
    /// Those right before a position.
    Before(u32),
    /// Those right after a position.
    After(u32),
}

impl Client {
    /// Signs in and connects: the client, and what happens to it. Fails where the sign-in does; the connection then comes and
    /// goes as the network does, and [`Events`] tells of it.
    pub async fn sign_in(
        url: impl Into<String>,
        app_key: impl Into<String>,
        credential: Credential,
    ) -> Result<(Self, Events), Error> {
        Self::sign_in_with(Options::new(url, app_key, credential)).await
    }

    /// Signs in with more wishes.
    pub async fn sign_in_with(options: Options) -> Result<(Self, Events), Error> {
        let Options { url, app_key, credential, device, expires_in, force, cursor, connection_id: id } =
            options;
        let server = Server::parse(&url)?;
        let mut request = credential.sign_in()?;
        (request.device, request.expires_in, request.force) = (device, expires_in, force);
        let authorization = format!("Application {app_key}");
        let SignInAnswer { token, session, user, .. } =
            http::ask(&server, Method::POST, "/v1/sessions", &authorization, Some(&request)).await?;
        let token = Secret::new(token);
        let connection_id = id.unwrap_or_else(|| connection_id(&SystemRandom));
        let core = core::Options { token: token.clone(), connection_id, cursor };
        Ok(Self::start(server, core, Signed { token, session }, user))
    }

    /// Goes on with a session whose token was kept; see [`token`](Self::token).
    pub async fn resume(
        url: impl Into<String>,
        token: impl Into<String>,
        cursor: Option<String>,
    ) -> Result<(Self, Events), Error> {
        let server = Server::parse(&url.into())?;
        let token = Secret::new(token.into());
        let SessionAnswer { session, user } =
            http::ask(&server, Method::GET, "/v1/session", &bearer(&token), NOTHING).await?;
        let core =
            core::Options { token: token.clone(), connection_id: connection_id(&SystemRandom), cursor };
        Ok(Self::start(server, core, Signed { token, session }, user))
    }

    fn start(server: Server, core: core::Options, signed: Signed, user: User) -> (Self, Events) {
        let (commands, commanded) = mpsc::channel(COMMANDS_MAX);
        let (teller, told) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(Driver::new(server.clone(), core, commanded, teller).drive());
        let (session, message_ids) = (Mutex::new(signed), Mutex::default());
        let shared = Arc::new(Shared { server, session, user, message_ids });
        (Self { commands, shared }, Events::new(told))
    }

    /// Who is signed in.
    pub fn user(&self) -> &User {
        &self.shared.user
    }

    /// On which session, as of the last renewal.
    pub fn session(&self) -> Session {
        self.signed().session
    }

    /// The session's token, to go on in another process by [`resume`](Self::resume). Keep it like a password.
    pub fn token(&self) -> Secret<String> {
        self.signed().token
    }

    /// Sends a text, and waits until the server has synced it to disk and given it its place. While there is no connection it
    /// waits for one. Messages to the same user, or to the same conversation, keep their order.
    ///
    /// Once this was polled the message is on its way, even where nobody waits for the answer any more.
    pub async fn send(&self, to: impl Into<To>, text: impl Into<String>) -> Result<Message, Error> {
        self.send_as(self.message_id(), to, text).await
    }

    /// A new id for a message.
    pub fn message_id(&self) -> MessageId {
        self.shared.message_ids.lock().expect("not poisoned").next(wall_clock(), &SystemRandom)
    }

    /// Like [`send`](Self::send), with an id that the app kept: a message that was sent before, perhaps by another process, is
    /// answered as the first time and is there once.
    pub async fn send_as(
        &self,
        message_id: MessageId,
        to: impl Into<To>,
        text: impl Into<String>,
    ) -> Result<Message, Error> {
        let message = SendMessageRequest { message_id, to: to.into().recipient()?, text: text.into() };
        match self.ask(Ask::Send(message)).await? {
            Answer::Message(message) => Ok(*message),
            _ => Err(Error::Closed),
        }
    }

    /// The user has read everything up to a position: how far the user is now.
    pub async fn mark_read(&self, conversation_id: &ConversationId, up_to: u32) -> Result<Receipt, Error> {
        match self.ask(Ask::Read { conversation_id: conversation_id.clone(), up_to }).await? {
            Answer::Receipt(receipt) => Ok(receipt),
            _ => Err(Error::Closed),
        }
    }

    /// Says that the user writes to someone, or stopped. Repeat it every four seconds while it holds.
    pub async fn set_typing(&self, to: impl Into<To>, active: bool) -> Result<(), Error> {
        self.tell(Tell::Typing { to: to.into().recipient()?, active }).await
    }

    /// Watches these users, at most 500, instead of those watched before: how they are now. Changes come as
    /// [`Event::Presence`](crate::Event::Presence), and all of them again after each reconnect.
    pub async fn watch<Id: AsRef<str>>(
        &self,
        users: impl IntoIterator<Item = Id>,
    ) -> Result<Vec<Presence>, Error> {
        let users = users.into_iter().map(user_id).collect::<Result<_, _>>()?;
        match self.ask(Ask::Watch(users)).await? {
            Answer::Presences(presences) => Ok(presences),
            _ => Err(Error::Closed),
        }
    }

    /// Calls.
    pub fn calls(&self) -> Calls<'_> {
        Calls::new(self)
    }

    /// The user's conversations, the latest changed first; from the start, or from the `next_cursor` of another page.
    pub async fn conversations(&self, cursor: Option<&str>) -> Result<Page<Conversation>, Error> {
        let query = cursor.map(|cursor| format!("?cursor={}", escape(cursor))).unwrap_or_default();
        self.request(Method::GET, &format!("/v1/conversations{query}"), NOTHING).await
    }

    /// The conversations that changed after a time: what to fetch after [`Event::Stale`](crate::Event::Stale).
    pub async fn conversations_updated_after(
        &self,
        time: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Page<Conversation>, Error> {
        let mut path = format!("/v1/conversations?updatedAfter={}", escape(&time.to_rfc3339()));
        if let Some(cursor) = cursor {
            path.extend(["&cursor=", &escape(cursor)]);
        }
        self.request(Method::GET, &path, NOTHING).await
    }

    /// Messages of a conversation in rising order, at most `limit` of them (1 to 100).
    pub async fn history(
        &self,
        conversation_id: &ConversationId,
        part: History,
        limit: u32,
    ) -> Result<Page<Message>, Error> {
        let place = match part {
            History::Newest => String::new(),
            History::Before(position) => format!("&before={position}"),
            History::After(position) => format!("&after={position}"),
        };
        let path = format!("/v1/conversations/{conversation_id}/messages?limit={limit}{place}");
        self.request(Method::GET, &path, NOTHING).await
    }

    /// Where the user is signed in.
    pub async fn sessions(&self) -> Result<Page<ListedSession>, Error> {
        self.request(Method::GET, "/v1/sessions", NOTHING).await
    }

    /// Renews the session before it runs out; the connection stays. One that a ticket or a JWT opened may need a fresh one.
    pub async fn renew(&self, credential: Option<Credential>) -> Result<Session, Error> {
        let request = credential.map_or(Ok(RenewSessionRequest::default()), Credential::renewal)?;
        let answer = self.request(Method::POST, "/v1/session/renew", Some(&request)).await?;
        let SignInAnswer { token, session, .. } = answer;
        let token = Secret::new(token);
        *self.shared.session.lock().expect("not poisoned") =
            Signed { token: token.clone(), session: session.clone() };
        self.command(Command::Token(token)).await?;
        Ok(session)
    }

    /// Ends the session on the server, and closes.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let ended = self.request(Method::DELETE, "/v1/session", NOTHING).await;
        self.close().await;
        ended
    }

    /// Closes without signing out. What has no answer yet ends in [`Error::Closed`].
    pub async fn close(&self) {
        // It may be closed already.
        let _ = self.commands.send(Command::Stop).await;
    }

    /// Does not wait any longer for the next attempt to connect, because the network may be better now.
    pub async fn hurry(&self) {
        let _ = self.commands.send(Command::Hurry).await;
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Ask(Box::new(ask), answer)).await?;
        answered.await.unwrap_or(Err(Error::Closed))
    }

    pub(crate) async fn tell(&self, tell: Tell) -> Result<(), Error> {
        self.command(Command::Tell(tell)).await
    }

    async fn command(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::Closed)
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, Error> {
        http::ask(&self.shared.server, method, path, &bearer(&self.token()), body).await
    }

    fn signed(&self) -> Signed {
        self.shared.session.lock().expect("not poisoned").clone()
    }
}

fn bearer(token: &Secret<String>) -> String {
    format!("Bearer {}", token.expose())
}

/// For a query: everything but the unreserved characters (RFC 3986, 2.3) by its bytes.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escaped).collect()
}

/// No body.
const NOTHING: Option<&()> = None;
/// Requests of the app on their way to the client's task.
const COMMANDS_MAX: usize = 64;
/// Events on their way to the app.
const EVENTS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped_by_their_bytes() {
        assert_eq!(escape("2026-11-21T10:02+é"), "2026-11-21T10%3A02%2B%C3%A9");
    }
}
