//! Random histories of messages, watermarks and events, against a model that fits on a page.

use std::collections::BTreeMap;
use std::sync::Arc;

use callbox_domain::{AppId, Event, Watermark};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::MakeStore;
use super::world::{World, at, conversation_id, message_id, new_message, send, user_id, user_ids};
use crate::{EventsPage, MessagesPage, StoreError, StoreResult, Tx, WriteError};

pub(super) fn random_histories_match_the_model(make: &MakeStore) {
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    TestRunner::new_with_rng(config, random)
        .run(&proptest::collection::vec(step(), 1..40), |steps| {
            follow(make, &steps);
            Ok(())
        })
        .expect("the store does what the model does");
}

/// One write: some acts, kept or refused together.
#[derive(Debug, Clone)]
struct Step {
    acts: Vec<Act>,
    refuse: bool,
}

/// Users and conversations are numbers into the lists below.
#[derive(Debug, Clone)]
enum Act {
    Send { conversation: usize, sender: usize, id: u8 },
    Raise { conversation: usize, user: usize, watermark: Watermark, position: u32 },
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    /// By conversation: (id, sender), in the order of positions.
    messages: BTreeMap<usize, Vec<(u8, usize)>>,
    /// By conversation and user: (delivered, read).
    marks: BTreeMap<(usize, usize), (u32, u32)>,
    /// By user: what each event was about.
    logs: BTreeMap<usize, Vec<Told>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Told {
    Message(usize, u32),
    Receipt(usize, usize),
}

impl Model {
    fn act(&mut self, act: &Act) {
        match *act {
            Act::Send { conversation, sender, id } => {
                let known = self.messages.values().flatten().any(|(known, _)| *known == id);
                if known || !MEMBERS[conversation].contains(&sender) {
                    return;
                }
                let history = self.messages.entry(conversation).or_default();
                history.push((id, sender));
                let position = u32::try_from(history.len()).expect("short");
                for member in MEMBERS[conversation] {
                    let log = self.logs.entry(*member).or_default();
                    log.push(Told::Message(conversation, position));
                }
            }
            Act::Raise { conversation, user, watermark, position } => {
                if !MEMBERS[conversation].contains(&user) {
                    return;
                }
                let newest = self.messages.get(&conversation).map_or(0, Vec::len);
                let position = position.min(u32::try_from(newest).expect("short"));
                let (delivered, read) = self.marks.entry((conversation, user)).or_default();
                let before = (*delivered, *read);
                *delivered = position.max(*delivered);
                if watermark == Watermark::Read {
                    *read = position.max(*read);
                }
                if before != (*delivered, *read) {
                    for member in MEMBERS[conversation].iter().filter(|member| **member != user) {
                        let log = self.logs.entry(*member).or_default();
                        log.push(Told::Receipt(conversation, user));
                    }
                }
            }
        }
    }
}

/// Plays the steps to both and compares.
fn follow(make: &MakeStore, steps: &[Step]) {
    let world = World::with_users(make, USERS);
    for (number, members) in MEMBERS.iter().enumerate() {
        let names: Vec<_> = members.iter().map(|member| USERS[*member]).collect();
        world.converse(&number.to_string(), &names);
    }
    let mut model = Model::default();
    for step in steps {
        let mut next = model.clone();
        step.acts.iter().for_each(|act| next.act(act));
        let (app, acts, refuse) = (world.app, step.acts.clone(), step.refuse);
        let answer = world.try_write(move |tx| {
            acts.iter().try_for_each(|act| play(tx, app, act)).map_err(Some)?;
            if refuse { Err(None) } else { Ok(()) }
        });
        if step.refuse {
            assert_eq!(answer, Err(WriteError::Refused(None::<StoreError>)));
        } else {
            assert_eq!(answer, Ok(()));
            model = next;
        }
    }
    compare(&world, &model);
}

/// The same as [`Model::act`], with the verbs of the port.
fn play(tx: &mut dyn Tx, app: AppId, act: &Act) -> StoreResult<()> {
    match *act {
        Act::Send { conversation, sender, id } => {
            let members: Vec<_> = MEMBERS[conversation].iter().map(|member| USERS[*member]).collect();
            let known = tx.message(app, &message_id(&id.to_string()))?.is_some();
            if known || !members.contains(&USERS[sender]) {
                return Ok(());
            }
            let place = conversation_id(&conversation.to_string());
            let message = new_message(&place, USERS[sender], &id.to_string());
            send(tx, app, message, &user_ids(&members)).map(drop)
        }
        Act::Raise { conversation, user, watermark, position } => {
            let place = conversation_id(&conversation.to_string());
            let member = user_id(USERS[user]);
            let raised = tx.raise_watermark(app, &place, &member, watermark, position)?;
            let Some(receipt) = raised else { return Ok(()) };
            let event = Arc::new(Event::ReceiptChanged(receipt));
            for other in MEMBERS[conversation].iter().filter(|other| **other != user) {
                tx.append_event(app, &user_id(USERS[*other]), &event, at(20))?;
            }
            Ok(())
        }
    }
}

fn compare(world: &World, model: &Model) {
    let app = world.app;
    for (number, members) in MEMBERS.iter().enumerate() {
        let place = conversation_id(&number.to_string());
        let asked = place.clone();
        let messages = world.read(move |read| read.messages(app, &asked, MessagesPage::Latest, 1_000));
        let expected = model.messages.get(&number).cloned().unwrap_or_default();
        assert_eq!(messages.len(), expected.len());
        for ((index, (id, sender)), message) in (1..).zip(&expected).zip(&messages) {
            assert_eq!(message.position, index);
            assert_eq!(message.id, message_id(&id.to_string()));
            assert_eq!(message.sender_id.as_str(), USERS[*sender]);
        }
        let asked = place.clone();
        for (member, row) in members.iter().zip(world.read(move |read| read.members(app, &asked))) {
            let marks = model.marks.get(&(number, *member)).copied().unwrap_or_default();
            assert_eq!((row.delivered_up_to, row.read_up_to), marks);
        }
    }
    let announced = world.announced();
    for (number, name) in USERS.iter().enumerate() {
        let page = EventsPage { after: 0, limit: 10_000 };
        let events = world.read(move |read| read.events(app, &user_id(name), page));
        let expected = model.logs.get(&number).cloned().unwrap_or_default();
        let told: Vec<_> = events.iter().map(|event| told(&event.event)).collect();
        assert_eq!(told, expected);
        assert!((1..).zip(&events).all(|(seq, event)| event.seq == seq));
        let heard: Vec<_> = announced
            .iter()
            .filter(|event| event.user_id.as_str() == *name)
            .map(|event| (event.seq, self::told(&event.event)))
            .collect();
        assert_eq!(heard, (1..).zip(expected).collect::<Vec<_>>());
        let mailbox = world.read(move |read| read.mailbox(app, &user_id(name))).expect(name);
        assert_eq!(usize::try_from(mailbox.head), Ok(events.len()));
    }
}

fn told(event: &Event) -> Told {
    let number = |text: &str| text.rsplit('-').next().and_then(|text| text.parse().ok());
    match event {
        Event::MessageCreated(message) => {
            Told::Message(number(message.conversation_id.as_str()).expect("made here"), message.position)
        }
        Event::ReceiptChanged(receipt) => Told::Receipt(
            number(receipt.conversation_id.as_str()).expect("made here"),
            USERS.iter().position(|name| *name == receipt.user_id.as_str()).expect("a user"),
        ),
        Event::CallEnded(call) => panic!("{call:?}"),
    }
}

fn step() -> impl Strategy<Value = Step> {
    (proptest::collection::vec(act(), 1..5), proptest::bool::weighted(0.2))
        .prop_map(|(acts, refuse)| Step { acts, refuse })
}

fn act() -> impl Strategy<Value = Act> {
    let place = 0..MEMBERS.len();
    let user = 0..USERS.len();
    let watermark = prop_oneof![Just(Watermark::Delivered), Just(Watermark::Read)];
    prop_oneof![
        (place.clone(), user.clone(), any::<u8>()).prop_map(|(conversation, sender, id)| Act::Send {
            conversation,
            sender,
            id
        }),
        (place, user, watermark, 0..12u32).prop_map(|(conversation, user, watermark, position)| {
            Act::Raise { conversation, user, watermark, position }
        }),
    ]
}

const USERS: &[&str] = &["ann", "bob", "carl"];
/// Of each conversation, in the order of their ids.
const MEMBERS: &[&[usize]] = &[&[0, 1], &[1, 2], &[0, 1, 2]];
const HISTORIES: u32 = 48;
const SEED: [u8; 32] = *b"callbox: store against its model";
