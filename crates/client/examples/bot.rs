//! A bot that answers: `ping` by `pong`, `help` by what it can, everything else by the same text.
//!
//! ```sh
//! cargo run -p callbox-client --example bot -- http://localhost:8080 demo bot [file]
//! ```
//!
//! It signs in openly as the given user, or by a ticket where the environment has one in `CALLBOX_TICKET`. Where a file is
//! named it keeps its place there, and goes on from it after a restart: each message is answered exactly once, even where
//! the bot, the server, or the line between them died in the middle of it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

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
        let mut handled = self.place.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        loop {
            let mut options = Options::new(&self.url, &self.app_key, self.credential.clone());
            if let Some(cursor) = &handled {
                options = options.cursor(cursor);
            }
            let (client, mut events) = match Client::sign_in_with(options).await {
                Ok(signed_in) => signed_in,
                Err(error) => return error,
            };
            let error = self.listen(&client, &mut events, &mut handled).await;
            if !error.ends_session() {
                return error;
            }
        }
    }

    /// `handled` is the place behind the last event that was handled: the cursor is behind the last that was taken, which
    /// the next session must hear again where it was not answered.
    async fn listen(&self, client: &Client, events: &mut Events, handled: &mut Option<String>) -> Error {
        while let Some(event) = events.next().await {
            match event {
                Event::Online { user_id, .. } => println!("{user_id} is online"),
                Event::Offline { error, retry_in } => println!("{error} Next attempt in {retry_in:?}."),
                Event::Stopped(error) => return error,
                Event::Message(told) if !told.mine => match answer(client, &told.message).await {
                    Ok(()) => {}
                    // Why it is closed, the last event says.
                    Err(Error::Closed) => return last(events).await,
                    Err(error) => return error,
                },
                _ => {}
            }
            let Some(cursor) = events.cursor().filter(|cursor| handled.as_ref() != Some(cursor)) else {
                continue;
            };
            if let Some(file) = &self.place
                && let Err(error) = keep(file, &cursor)
            {
                return Error::Invalid(format!("{}: {error}", file.display()));
            }
            *handled = Some(cursor);
        }
        Error::Closed
    }
}

async fn last(events: &mut Events) -> Error {
    while let Some(event) = events.next().await {
        if let Event::Stopped(error) = event {
            return error;
        }
    }
    Error::Closed
}

/// Whatever dies meanwhile, the file holds a whole cursor, the old one or the new one.
fn keep(file: &Path, cursor: &str) -> std::io::Result<()> {
    let beside = file.with_added_extension("new");
    let mut new = File::create(&beside)?;
    new.write_all(cursor.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(beside, file)
}

/// Says once what there is to say to a message: the id of the answer comes from it, so that a bot that died between the
/// answer and keeping its place says nothing new when it comes to this message again.
async fn answer(client: &Client, message: &Message) -> Result<(), Error> {
    let conversation = &message.conversation_id;
    insist(|| client.mark_read(conversation, message.position)).await?;
    let id = MessageId::new(format!("re-{}", message.id)).unwrap_or_else(|_| client.message_id());
    insist(|| client.send_as(id.clone(), conversation, reply(&message.text))).await
}

/// Asks again, after the wait that the error names, until there is an answer.
async fn insist<T, Answer: Future<Output = Result<T, Error>>>(ask: impl Fn() -> Answer) -> Result<(), Error> {
    loop {
        let Err(error) = ask().await else { return Ok(()) };
        match (error.retry_after(), &error) {
            (Some(wait), _) => tokio::time::sleep(wait).await,
            // Such as a message id that is taken: nothing that stops a bot, as the end of its connection does.
            (None, Error::Refused(no)) if !error.ends_session() && !no.details.contains_key("closeCode") => {
                eprintln!("{error}");
                return Ok(());
            }
            (None, _) => return Err(error),
        }
    }
}

fn reply(text: &str) -> String {
    match text.trim() {
        "ping" => "pong".to_owned(),
        "help" => "I answer 'ping', and repeat everything else.".to_owned(),
        other => other.to_owned(),
    }
}
