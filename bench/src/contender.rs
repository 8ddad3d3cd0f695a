//! The servers that are compared, behind one face.

use std::time::Duration;

use serde_json::{Value, json};

use crate::BenchResult;
use crate::client::{Http, Socket};
use crate::load::{self, Outcome, Pace};
use crate::process::Usage;
use crate::rivals::{Kind, Rival};
use crate::server::Server;
use crate::xmpp::Stream;

/// A running server.
pub(crate) enum Contender {
    Callbox(Server, Hand),
    Xmpp(Rival),
}

/// Whose hand the load on Callbox comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hand {
    /// A bare client, which acknowledges each message by itself.
    Bare,
    /// The Rust client, which acknowledges at most every 250 ms, as the protocol asks for.
    Sdk,
}

/// What opens a connection of one user, again and again.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    user: String,
    /// Callbox's session.
    token: String,
    /// What the connection goes on from: Callbox's cursor, XEP-0198's session.
    place: Option<String>,
}

/// An open connection, signed in; there is nothing to do but to hold it.
pub(crate) type Connection = Box<dyn Send>;

impl Contender {
    pub(crate) async fn callbox(hand: Hand) -> BenchResult<Self> {
        Ok(Self::Callbox(Server::start().await?, hand))
    }

    pub(crate) async fn rival(kind: Kind) -> BenchResult<Self> {
        Ok(Self::Xmpp(kind.start().await?))
    }

    /// The server's process.
    pub(crate) fn id(&self) -> BenchResult<u32> {
        match self {
            Self::Callbox(server, _) => server.id(),
            Self::Xmpp(rival) => rival.id(),
        }
    }

    /// What the server has used so far.
    pub(crate) fn usage(&self) -> BenchResult<Usage> {
        Usage::of(self.id()?)
    }

    /// Puts a load on it, by new users whose names `name` tells from others.
    pub(crate) async fn load(&self, name: &str, pace: Pace, time: Duration) -> BenchResult<Outcome> {
        let id = self.id()?;
        match self {
            Self::Callbox(server, Hand::Bare) => {
                load::run(load::callbox::pairs(server, name).await?, pace, time, id).await
            }
            Self::Callbox(server, Hand::Sdk) => {
                load::run(load::sdk::pairs(server, name).await?, pace, time, id).await
            }
            Self::Xmpp(rival) => {
                load::run(load::xmpp::pairs(&rival.address, name).await?, pace, time, id).await
            }
        }
    }

    /// Makes users, so that they may connect.
    pub(crate) async fn passes(&self, count: usize) -> BenchResult<Vec<Pass>> {
        let users = (0..count).map(|user| format!("user-{user}"));
        let pass = |user| Pass { user, token: String::new(), place: None };
        match self {
            Self::Callbox(server, _) => {
                let mut http = Http::connect(&server.address).await?;
                let mut passes = Vec::with_capacity(count);
                for user in users {
                    let token = http.sign_in(&user).await?;
                    passes.push(Pass { token, ..pass(user) });
                }
                Ok(passes)
            }
            Self::Xmpp(rival) => {
                Stream::open(&rival.address).await?.register(users.clone()).await?;
                Ok(users.map(pass).collect())
            }
        }
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Callbox(server, _) => &server.address,
            Self::Xmpp(rival) => &rival.address,
        }
    }

    /// How the users of this server connect.
    pub(crate) fn door(&self) -> Door {
        match self {
            Self::Callbox(..) => Door::Callbox,
            Self::Xmpp(_) => Door::Xmpp,
        }
    }
}

/// How users connect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    Callbox,
    Xmpp,
}

impl Door {
    /// Connects: for the first time, or to go on where this pass was the last time.
    pub(crate) async fn connect(self, address: &str, pass: &mut Pass) -> BenchResult<Connection> {
        match self {
            Self::Callbox => {
                let hello = json!({
                    "type": "hello", "id": "hello", "token": pass.token, "connectionId": "connection",
                    "cursor": pass.place,
                });
                let (socket, welcome) = Socket::open(address, &hello).await?;
                if welcome["resumed"] != Value::Bool(pass.place.is_some()) {
                    return Err(format!("not resumed: {welcome}").into());
                }
                pass.place = Some(welcome["cursor"].as_str().ok_or("no cursor")?.to_owned());
                Ok(Box::new(socket))
            }
            Self::Xmpp => {
                let mut stream = Stream::open(address).await?;
                stream.sign_in(&pass.user).await?;
                match &pass.place {
                    Some(session) => stream.resume(session).await?,
                    None => pass.place = Some(stream.bind("device").await?),
                }
                Ok(Box::new(stream))
            }
        }
    }
}
