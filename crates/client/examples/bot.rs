//! A bot that answers: `ping` by `pong`, `help` by what it can, everything else by the same text.
//!
//! ```sh
//! cargo run -p callbox-client --example bot -- http://localhost:8080 demo bot [file]
//! ```
//!
//! It signs in openly as the given user, or by a ticket where the environment has one in `CALLBOX_TICKET`. Where a file is
//! named it keeps its place there, and goes on from it after a restart: each message is answered exactly once, even where
//! the bot, the server, or the line between them died in the middle of it.

use std::path::PathBuf;

use callbox_client::domain::MessageId;
use callbox_client::wire::messaging::Message;
use callbox_client::{Client, Credential, Error, Event, Events, Options};

/// How a bot is set up.
pub struct Bot {
    /// Where the server is.
    pub url: String,
    /// Which app.
    pub app_key: String,
    /// Who the bot is.
    pub credential: Credential,
    /// Where it keeps its place in its events.
    pub place: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (url, app_key, user) = (next("http://localhost:8080"), next("demo"), next("bot"));
    let credential = std::env::var("CALLBOX_TICKET").map_or(Credential::Open(user), Credential::Ticket);
    let bot = Bot { url, app_key, credential, place: arguments.next().map(PathBuf::from) };
    let error = bot.run().await;
    eprintln!("{error}");
    std::process::exit(1);
}

impl Bot {
    /// Answers until that is possible no more. The connection comes back by itself; a session that is over is followed by
    /// the next one.
    pub async fn run(&self) -> Error {
        let mut cursor = self.place.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        loop {
            let mut options = Options::new(&self.url, &self.app_key, self.credential.clone());
            if let Some(cursor) = cursor.take() {
                options = options.cursor(cursor);
            }
            let (client, mut events) = match Client::sign_in_with(options).await {
                Ok(signed_in) => signed_in,
                Err(error) => return error,
            };
            let error = self.listen(&client, &mut events).await;
            if !error.ends_session() {
                return error;
            }
            cursor = events.cursor();
        }
    }

    async fn listen(&self, client: &Client, events: &mut Events) -> Error {
        while let Some(event) = events.next().await {
            match event {
                Event::Online { user_id, .. } => println!("{user_id} is online"),
                Event::Offline { error, retry_in } => println!("{error} Next attempt in {retry_in:?}."),
                Event::Stopped(error) => return error,
                Event::Message(told) if !told.mine => {
                    if let Err(error) = answer(client, &told.message).await {
                        return error;
                    }
                }
                _ => {}
            }
            if let (Some(file), Some(cursor)) = (&self.place, events.cursor())
                && let Err(error) = std::fs::write(file, cursor)
            {
                return Error::Invalid(format!("{}: {error}", file.display()));
            }
        }
        Error::Closed
    }
}

/// Says once what there is to say to a message: the id of the answer comes from it, so that a bot that died between the
/// answer and keeping its place says nothing new when it comes to this message again.
async fn answer(client: &Client, message: &Message) -> Result<(), Error> {
    client.mark_read(&message.conversation_id, message.position).await?;
    let id = MessageId::new(format!("re-{}", message.id)).unwrap_or_else(|_| client.message_id());
    match client.send_as(id, &message.conversation_id, reply(&message.text)).await {
        // Such as a message id that is taken: nothing that stops a bot.
        Err(Error::Refused(refusal)) if !Error::from(*refusal.clone()).ends_session() => {
            eprintln!("{}", refusal.message);
            Ok(())
        }
        result => result.map(drop),
    }
}

fn reply(text: &str) -> String {
    match text.trim() {
        "ping" => "pong".to_owned(),
        "help" => "I answer 'ping', and repeat everything else.".to_owned(),
        other => other.to_owned(),
    }
}
