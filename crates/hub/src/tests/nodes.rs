//! Two hubs on one store, and a bus between them that loses: every event reaches every client once and in order.

use std::sync::Arc;

use callbox_bus::testing::LossyBus;
use callbox_link_proto::{Input, Output};
use callbox_service::Caller;
use callbox_service::events::ReplayPage;
use callbox_service::sessions::SignedIn;
use callbox_storage_sqlite::SqliteOptions;
use callbox_wire::messaging::SendMessageRequest;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::World;
use super::interrupted::elsewhere;
use crate::Hub;
use crate::connection::Connection;
use crate::drive::PAGE;

/// One page load of a user, which goes on from its cursor wherever it connects.
struct Client {
    user: &'static str,
    signed_in: SignedIn,
    caller: Caller,
    number: usize,
    at: Option<(Arc<Hub>, Arc<Connection>)>,
    cursor: Option<String>,
    /// The texts of the events that it has, numbered from `first`.
    events: Vec<String>,
    /// The newest event when it connected for the first time.
    start: u64,
    requests: usize,
}

impl Client {
    /// Signs in and connects to a node.
    fn new(world: &World, number: usize, user: &'static str, node: usize) -> Self {
        let signed_in = world.sign_in_as(user);
        let caller = world.caller(&signed_in.token);
        let (cursor, events) = (None, Vec::new());
        let mut client =
            Self { user, signed_in, caller, number, at: None, cursor, events, start: 0, requests: 0 };
        client.connect(world, node);
        client
    }

    /// Opens a socket on a node; the one before, if there is one, is replaced or was lost.
    fn connect(&mut self, world: &World, node: usize) {
        self.disconnect(world);
        let hub = Arc::clone(&world.nodes[node].hub);
        self.at = Some((Arc::clone(&hub), hub.add()));
        self.say(
            world,
            &json!({
                "type": "hello",
                "id": "hello",
                "token": self.signed_in.token.expose(),
                "connectionId": format!("connection-{}", self.number),
                "cursor": self.cursor,
            }),
        );
        // The welcome is taken at once; what follows it waits until the client reads.
        self.read(world, 1);
    }

    fn disconnect(&mut self, world: &World) {
        if let Some((hub, connection)) = self.at.take() {
            world.runtime.block_on(hub.remove(&connection));
        }
    }

    /// Sends a frame, if connected, and has it served.
    fn say(&mut self, world: &World, frame: &Value) {
        let Some((hub, connection)) = &self.at else { return };
        connection.handle(hub.now(), Input::Text(&frame.to_string()));
        let request = connection.link().next_request();
        if let Some(request) = request {
            world.runtime.block_on(hub.serve_request(connection, request, None));
        }
    }

    fn send(&mut self, world: &World, to: &str) {
        self.requests += 1;
        let id = format!("message-{}-{}", self.number, self.requests);
        let message = json!({ "messageId": id, "to": { "userId": to }, "text": format!("to {to}") });
        self.say(world, &json!({ "type": "message.send", "id": id, "message": message }));
    }

    fn acknowledge(&mut self, world: &World) {
        self.say(world, &json!({ "type": "ack", "seq": self.newest() }));
    }

    /// Takes so many outputs of its link.
    fn read(&mut self, world: &World, count: usize) {
        let Some((hub, connection)) = self.at.clone() else { return };
        for _ in 0..count {
            let output = connection.link().next_output();
            match output {
                Some(Output::Send(text)) => self.receive(&text),
                Some(Output::Fetch { after }) => world.runtime.block_on(hub.fetch(&connection, after, PAGE)),
                Some(Output::Ping) => {}
                Some(Output::Close(code)) => panic!("{} was closed with {code:?}", self.user),
                None => return,
            }
        }
    }

    fn receive(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).expect("JSON");
        assert_ne!(frame["type"], "error", "{frame}");
        if frame["type"] == "welcome" {
            assert_eq!(frame["resumed"], self.cursor.is_some(), "the log is the same on every node");
            if self.cursor.is_none() {
                self.cursor = frame["cursor"].as_str().map(str::to_owned);
                self.start = self.newest();
            }
        }
        if let Some(seq) = frame["seq"].as_u64() {
            assert_eq!(seq, self.newest() + 1, "once and in order: {frame}");
            let epoch = self.cursor.as_deref().and_then(|cursor| cursor.split('.').next());
            self.cursor = Some(format!("{}.{seq}", epoch.expect("welcome came first")));
            self.events.push(text.to_owned());
        }
    }

    /// The newest event that it has.
    fn newest(&self) -> u64 {
        let seq = self.cursor.as_deref().and_then(|cursor| cursor.rsplit('.').next());
        seq.map_or(0, |seq| seq.parse().expect("a number"))
    }

    /// It has everything that the log has since it came.
    fn check(&self, world: &World) {
        let log = world.wait(world.service().replay(&self.caller, self.start, EVERYTHING)).events;
        let log: Vec<_> = log.into_iter().map(|(seq, frame)| told(&frame.with_seq(seq))).collect();
        let events: Vec<_> = self.events.iter().map(|text| told(text)).collect();
        assert_eq!(events, log, "{} {}", self.user, self.number);
    }
}

const EVERYTHING: ReplayPage = ReplayPage { events_max: 1_000, bytes_max: usize::MAX };

/// What does not change after an event: watermarks in a log are those of now.
fn told(text: &str) -> (u64, Value, Value) {
    let frame: Value = serde_json::from_str(text).expect("JSON");
    (frame["seq"].as_u64().expect("numbered"), frame["type"].clone(), frame["message"].clone())
}

/// Users with a client on either node, and one on both.
fn clients(world: &World) -> Vec<Client> {
    let places = [("ann", 0), ("ann", 1), ("bob", 0), ("cid", 1)];
    // Everyone exists before anyone writes.
    places.iter().enumerate().map(|(number, (user, node))| Client::new(world, number, user, *node)).collect()
}

/// Everyone reads what there is, without any help of the bus.
fn settle(world: &World, clients: &mut [Client]) {
    for node in &world.nodes {
        world.runtime.block_on(node.hub.compare_heads());
    }
    for client in clients {
        client.read(world, usize::MAX);
    }
}

fn check(world: &World, clients: &[Client]) {
    for client in clients {
        client.check(world);
    }
}

#[test]
fn what_one_node_writes_reaches_the_clients_of_the_other() {
    let world = World::with(2, LossyBus::lossless());
    let mut clients = clients(&world);
    clients[0].send(&world, "cid");
    for (client, events) in clients.iter_mut().zip([1, 1, 0, 1]) {
        client.read(&world, usize::MAX);
        assert_eq!(client.events.len(), events, "{} {}", client.user, client.number);
        client.check(&world);
    }
}

#[test]
fn the_last_event_of_a_burst_is_found_by_comparing_heads() {
    let world = World::with(2, LossyBus::last_of_bursts());
    let mut clients = clients(&world);
    for _ in 0..3 {
        clients[0].send(&world, "cid");
    }
    world.bus.end_burst();
    clients[3].read(&world, usize::MAX);
    assert_eq!(clients[3].events.len(), 2, "nothing that comes later tells of the last");
    settle(&world, &mut clients);
    assert_eq!(clients[3].events.len(), 3);
    check(&world, &clients);
}

#[test]
fn clients_learn_everything_when_the_bus_tells_nothing() {
    let world = World::with(2, LossyBus::lossless());
    let mut clients = clients(&world);
    world.bus.set_deaf(true);
    for _ in 0..30 {
        clients[2].send(&world, "ann");
    }
    clients[0].read(&world, usize::MAX);
    assert_eq!(clients[0].events.len(), 0, "nobody told");
    settle(&world, &mut clients);
    check(&world, &clients);
    assert_eq!((clients[0].events.len(), clients[1].events.len()), (30, 30));
}

#[test]
fn an_event_logged_at_any_moment_of_the_hello_is_told() {
    let mut moment = 0;
    loop {
        let folder = TempDir::new().expect("a folder");
        let options = SqliteOptions::file(folder.path().join("callbox.db"));
        let world = World::on(options, 2, LossyBus::lossless());
        let bob = world.caller(&world.sign_in_as("bob").token);
        let mut ann = Client::new(&world, 0, "ann", 0);
        ann.disconnect(&world);
        let service = Arc::clone(&world.nodes[1].service);
        world.store.interrupt(moment, move || {
            let message: SendMessageRequest = serde_json::from_value(
                json!({ "messageId": "message-1", "to": { "userId": "ann" }, "text": "now" }),
            )
            .expect("a message");
            elsewhere(async move { service.send_message(&bob, message).await }).expect("sent");
        });
        ann.connect(&world, 0);
        ann.read(&world, usize::MAX);
        if !world.store.was_interrupted() {
            break;
        }
        assert_eq!(ann.events.len(), 1, "at moment {moment}");
        ann.check(&world);
        moment += 1;
    }
    assert!(moment >= 5, "sessions, the mailbox, calls: {moment}");
}

#[test]
fn comparing_heads_asks_for_nothing_that_is_known() {
    let world = World::with(2, LossyBus::lossless());
    let mut clients = clients(&world);
    clients[0].send(&world, "bob");
    settle(&world, &mut clients);
    settle(&world, &mut clients);
    for client in &clients {
        let (_, connection) = client.at.as_ref().expect("connected");
        assert!(!connection.link().has_output());
    }
}

/// What happens, to whom.
#[derive(Debug, Clone)]
enum Move {
    Send {
        from: usize,
        to: &'static str,
    },
    Acknowledge(usize),
    Read {
        client: usize,
        count: usize,
    },
    Connect {
        client: usize,
        node: usize,
    },
    Disconnect(usize),
    /// The bus loses everything, or no longer.
    Deafen(bool),
    /// Nothing is published for a while.
    Pause,
    /// A node compares heads.
    Sweep(usize),
}

#[derive(Debug, Clone)]
enum Loss {
    Nothing,
    EveryNth(u64),
    LastOfBursts,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let client = 0..4usize;
    let node = 0..2usize;
    let one = prop_oneof![
        8 => (client.clone(), prop::sample::select(vec!["ann", "bob", "cid"]))
            .prop_map(|(from, to)| Move::Send { from, to }),
        2 => client.clone().prop_map(Move::Acknowledge),
        5 => (client.clone(), 0..5usize).prop_map(|(client, count)| Move::Read { client, count }),
        2 => (client.clone(), node.clone()).prop_map(|(client, node)| Move::Connect { client, node }),
        1 => client.prop_map(Move::Disconnect),
        1 => any::<bool>().prop_map(Move::Deafen),
        2 => Just(Move::Pause),
        1 => node.prop_map(Move::Sweep),
    ];
    prop::collection::vec(one, 1..60)
}

fn losses() -> impl Strategy<Value = Loss> {
    prop_oneof![Just(Loss::Nothing), (1..5u64).prop_map(Loss::EveryNth), Just(Loss::LastOfBursts)]
}

fn play(world: &World, clients: &mut [Client], one: &Move) {
    match *one {
        Move::Send { from, to } if clients[from].user == to => {}
        Move::Send { from, to } => clients[from].send(world, to),
        Move::Acknowledge(client) => clients[client].acknowledge(world),
        Move::Read { client, count } => clients[client].read(world, count),
        Move::Connect { client, node } => clients[client].connect(world, node),
        Move::Disconnect(client) => clients[client].disconnect(world),
        Move::Deafen(is_deaf) => world.bus.set_deaf(is_deaf),
        Move::Pause => world.bus.end_burst(),
        Move::Sweep(node) => world.runtime.block_on(world.nodes[node].hub.compare_heads()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_event_reaches_every_client_once_and_in_order(loss in losses(), moves in moves()) {
        let world = World::with(2, match loss {
            Loss::Nothing => LossyBus::lossless(),
            Loss::EveryNth(each) => LossyBus::every_nth(each),
            Loss::LastOfBursts => LossyBus::last_of_bursts(),
        });
        let mut clients = clients(&world);
        for one in &moves {
            play(&world, &mut clients, one);
        }
        world.bus.end_burst();
        for client in &mut clients {
            if client.at.is_none() {
                client.connect(&world, 0);
            }
        }
        settle(&world, &mut clients);
        check(&world, &clients);
    }
}
