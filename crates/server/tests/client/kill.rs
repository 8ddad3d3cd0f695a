//! The server is killed in the middle of a load, ten times in a row on one data folder. What it has accepted is there, once,
//! in one order; what it has not is there once or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use callbox_client::domain::MessageId;
use callbox_client::wire::messaging::Message;
use callbox_client::{Client, Credential, Error, Event, Events, Options};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::load::{sign_in, whole_history, within};
use crate::process::Process;
use crate::relay::Relay;

#[tokio::test]
async fn what_was_accepted_survives_ten_kills() {
    let folder = TempDir::new().expect("a folder");
    let mut stage = Stage::set(folder.path().join("data")).await;
    for round in 0..ROUNDS {
        stage.round(round).await;
    }
    stage.check_logs().await;
}

/// The server, those who stay through all kills, and what they know.
struct Stage {
    data: PathBuf,
    relay: Relay,
    server: Option<Process>,
    clients: Vec<Client>,
    /// What each of them heard, when it heard the last word.
    hearing: Vec<JoinHandle<Vec<(u64, String)>>>,
    accepted: BTreeMap<String, Message>,
    /// What nobody heard an answer to, and nobody said again.
    abandoned: BTreeSet<String>,
}

impl Stage {
    async fn set(data: PathBuf) -> Self {
        let relay = Relay::start().await;
        let server = Process::start(&data);
        relay.lead_to(Some(server.address.clone()));
        let (mut clients, mut hearing) = (Vec::new(), Vec::new());
        for user in USERS {
            let (client, events) = sign_in(&relay.url, user).await;
            clients.push(client);
            hearing.push(tokio::spawn(hear(events)));
        }
        let (accepted, abandoned) = (BTreeMap::new(), BTreeSet::new());
        Self { data, relay, server: Some(server), clients, hearing, accepted, abandoned }
    }

    /// A load, a kill after as many acceptances as the seed says, and a look at what is left.
    async fn round(&mut self, round: u64) {
        let kill_after = 20 + usize::try_from(scrambled(round) % 100).expect("small");
        let (accepting, mut accepted) = mpsc::channel(1_024);
        let (stop, stopped) = watch::channel(false);
        let mut senders = JoinSet::new();
        for (place, client) in self.clients.iter().enumerate() {
            for step in [1, 2] {
                let to = USERS[(place + step) % USERS.len()];
                senders.spawn(send_until(client.clone(), to, accepting.clone(), stopped.clone()));
            }
        }
        let (quitter, quitters_events) = sign_in(&self.relay.url, "quitter").await;
        drop(quitters_events);
        let mut quitting = JoinSet::new();
        for to in USERS {
            quitting.spawn(send_until_closed(quitter.clone(), to, accepting.clone()));
        }
        drop(accepting);

        let mut heard: Vec<Message> = Vec::new();
        while heard.len() < kill_after {
            heard.push(within(accepted.recv()).await.expect("somebody sends"));
        }
        self.server.take().expect("it runs").kill();
        self.relay.lead_to(None);
        within(quitter.close()).await;
        for ids in within(quitting.join_all()).await {
            self.abandoned.extend(ids);
        }
        stop.send(true).expect("they listen");

        let server = Process::start(&self.data);
        self.relay.lead_to(Some(server.address.clone()));
        self.server = Some(server);
        for client in &self.clients {
            client.hurry().await;
        }
        // What was on its way is said again by itself, and answered.
        within(senders.join_all()).await;
        while let Some(message) = within(accepted.recv()).await {
            heard.push(message);
        }
        self.check_repeats(&heard).await;
        self.accepted.extend(heard.into_iter().map(|message| (message.id.to_string(), message)));
        self.check_histories().await;
    }

    /// Whoever says the same again hears the first answer.
    async fn check_repeats(&self, heard: &[Message]) {
        let (quitter, _) = sign_in(&self.relay.url, "quitter").await;
        for message in heard {
            let sender = USERS.iter().position(|user| *user == message.sender_id.as_str());
            let client = sender.map_or(&quitter, |place| &self.clients[place]);
            let to = message.recipient_id.as_ref().expect("of two");
            let again = client.send_as(message.id.clone(), to, message.text.clone());
            assert_eq!(&within(again).await.expect("accepted"), message);
        }
    }

    /// Everything accepted is in the histories, as it was accepted; positions have no gaps; and all that is there beside it
    /// was sent by someone who went away.
    async fn check_histories(&self) {
        let mut kept: BTreeMap<String, Message> = BTreeMap::new();
        for client in &self.clients {
            for history in whole_history(client).await {
                assert!((1..).zip(&history).all(|(place, message)| message.position == place), "no gaps");
                let ids: BTreeSet<_> = history.iter().map(|message| message.id.to_string()).collect();
                assert_eq!(ids.len(), history.len(), "each message once");
                for message in history {
                    let id = message.id.to_string();
                    // Each conversation is seen by two of them, in the same way.
                    if let Some(same) = kept.insert(id, message.clone()) {
                        assert_eq!(same, message);
                    }
                }
            }
        }
        for (id, message) in &self.accepted {
            assert_eq!(kept.remove(id).as_ref(), Some(message), "as it was accepted");
        }
        let beside: Vec<_> = kept.into_keys().filter(|id| !self.abandoned.contains(id)).collect();
        assert!(beside.is_empty(), "nobody sent {beside:?}");
    }

    /// Each log has no gaps and each message once: as the clients heard it through all kills, and as it is told to one who
    /// asks for all of it.
    async fn check_logs(mut self) {
        for (place, client) in self.clients.iter().enumerate() {
            let last_word = client.send_as(last_word(USERS[place]), USERS[(place + 1) % USERS.len()], "Bye");
            within(last_word).await.expect("accepted");
        }
        for (place, hearing) in self.hearing.drain(..).enumerate() {
            let heard = within(hearing).await.expect("no panic");
            let user = USERS[place];
            let mine = self.accepted.values().filter(|message| concerns(message, user)).count();
            assert!(heard.len() > mine, "{} of {mine}", heard.len());
            let options = Options::new(&self.relay.url, "demo", Credential::Open(user.into()));
            let (_client, mut events) =
                within(Client::sign_in_with(options.clone())).await.expect("a session");
            within(events.next()).await.expect("online");
            let epoch = events.cursor().expect("a place").rsplit_once('.').expect("a dot").0.to_owned();
            let (_client, events) =
                within(Client::sign_in_with(options.cursor(format!("{epoch}.0")))).await.expect("a session");
            assert_eq!(within(hear(events)).await, heard, "one order for {user}, told twice");
        }
    }
}

/// Sends one message after the other, and reports each that is accepted, until it is told to stop.
async fn send_until(
    client: Client,
    to: &str,
    accepting: mpsc::Sender<Message>,
    stopped: watch::Receiver<bool>,
) {
    for number in 0.. {
        if *stopped.borrow() {
            return;
        }
        let message = client.send(to, format!("number {number}")).await.expect("accepted");
        accepting.send(message).await.expect("somebody counts");
    }
}

/// Sends one message after the other until the client is closed: the ids of those that got no answer.
async fn send_until_closed(client: Client, to: &str, accepting: mpsc::Sender<Message>) -> Vec<String> {
    loop {
        let id: MessageId = client.message_id();
        match client.send_as(id.clone(), to, "Are you there?").await {
            Ok(message) => accepting.send(message).await.expect("somebody counts"),
            Err(Error::Closed) => return vec![id.to_string()],
            Err(error) => panic!("{error}"),
        }
    }
}

/// Hears events until the last word that the user says: the number and the id of each message. Numbers have no gaps.
async fn hear(mut events: Events) -> Vec<(u64, String)> {
    let (mut messages, mut latest) = (Vec::new(), None);
    while let Some(event) = events.next().await {
        assert!(!matches!(event, Event::Stale | Event::Stopped(_)), "{event:?}");
        let Some(cursor) = events.cursor() else { continue };
        let seq: u64 = cursor.rsplit_once('.').and_then(|(_, seq)| seq.parse().ok()).expect("a number");
        if let Some(before) = latest.replace(seq) {
            assert!(seq == before || seq == before + 1, "{seq} after {before}");
        }
        if let Event::Message(told) = event {
            let id = told.message.id;
            messages.push((seq, id.to_string()));
            if told.mine && id == last_word(told.message.sender_id.as_str()) {
                break;
            }
        }
    }
    let ids: BTreeSet<_> = messages.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), messages.len(), "each message once");
    messages
}

fn last_word(user: &str) -> MessageId {
    MessageId::new(format!("last-word-of-{user}")).expect("valid")
}

fn concerns(message: &Message, user: &str) -> bool {
    message.sender_id.as_str() == user || message.recipient_id.as_ref().is_some_and(|id| id.as_str() == user)
}

/// A number that looks like any other (`SplitMix64`).
fn scrambled(seed: u64) -> u64 {
    let mut number = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

const ROUNDS: u64 = 10;
const USERS: [&str; 4] = ["ann", "bob", "cid", "dan"];
