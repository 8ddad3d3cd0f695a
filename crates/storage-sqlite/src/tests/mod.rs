//! What is SQLite's own: files, syncs, batches, failures. What every store must do is in the conformance suite.

mod backups;
mod batches;
mod erasure;
mod failures;
mod files;
mod restores;
mod rows;

use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use callbox_domain::{
    App, AppId, AppKey, AppSettings, Conversation, ConversationId, Event, LoggedEvent, MailboxEpoch,
    MessageId, SessionId, Timestamp, User, UserId,
};
use callbox_storage::{NewMessage, Read, Store, StoreResult, Tx, WriteError};
use futures_executor::block_on;

use crate::{SqliteOptions, SqliteStore};

type Answer<T> = Result<T, WriteError<callbox_storage::StoreError>>;
type Pending<T> = Pin<Box<dyn Future<Output = Answer<T>>>>;

/// A store and what its listener was told, commit by commit.
struct World {
    store: Arc<SqliteStore>,
    commits: Arc<Mutex<Vec<Vec<LoggedEvent>>>>,
}

impl World {
    fn open(options: SqliteOptions) -> Self {
        let commits = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&commits);
        let listener = Box::new(move |events| heard.lock().expect("not poisoned").push(events));
        Self { store: SqliteStore::open(options, listener).expect("the store opens"), commits }
    }

    fn in_file(path: &Path) -> Self {
        Self::open(SqliteOptions::file(path))
    }

    fn in_memory() -> Self {
        Self::open(SqliteOptions::memory())
    }

    /// Adds an app with two users and their conversation.
    fn furnish(&self) {
        self.write(|tx| {
            assert_eq!(tx.insert_app(&app())?, APP);
            for name in ["ann", "bob"] {
                tx.insert_user(APP, &user(name), &MailboxEpoch::new("k3").expect("an epoch"))?;
            }
            tx.insert_conversation(APP, &conversation())
        })
        .expect("furnished");
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    fn write<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> Answer<T> {
        block_on(self.store().write(closure))
    }

    fn read<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&dyn Read) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        block_on(self.store().read(closure))
    }

    /// Queues a write without waiting for it; it must not be answered yet.
    fn queue<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> Pending<T> {
        let store = self.store();
        let mut write: Pending<T> = Box::pin(async move { store.write(closure).await });
        assert!(write.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        write
    }

    /// Occupies the writer until the sender is used.
    fn gate(&self) -> (SyncSender<()>, Pending<()>) {
        let (open, opened) = sync_channel::<()>(1);
        let (begun, begins) = sync_channel::<()>(1);
        let held = self.queue(move |_| {
            begun.send(()).expect("someone waits");
            let _ = opened.recv();
            Ok(())
        });
        begins.recv().expect("the writer begins");
        (open, held)
    }

    /// Runs SQL behind the store's back.
    fn tamper(&self, sql: &'static str) {
        self.store.between_batches(move |connection| connection.execute_batch(sql)).expect(sql);
    }

    /// Bob's event numbers.
    fn numbers(&self) -> Vec<u64> {
        let page = callbox_storage::EventsPage { after: 0, limit: 100_000 };
        let events = self.read(move |read| read.events(APP, &user_id("bob"), page));
        events.expect("events").iter().map(|event| event.seq).collect()
    }

    /// How many closures each commit held, when each wrote one event.
    fn batch_sizes(&self) -> Vec<usize> {
        self.commits.lock().expect("not poisoned").iter().map(Vec::len).collect()
    }
}

/// Appends a message of ann's and tells bob.
fn send(tx: &mut dyn Tx, id: &str, text: &str) -> StoreResult<()> {
    let message = NewMessage {
        id: MessageId::new(format!("message-{id}")).expect("an id"),
        conversation_id: conversation().id,
        sender_id: user_id("ann"),
        sender_session_id: SessionId::new("session-of-ann").expect("an id"),
        text: text.into(),
        created_at: Timestamp::from_millis(1_700_000_000_000),
    };
    let event = Arc::new(Event::MessageCreated(tx.append_message(APP, message)?));
    tx.append_event(APP, &user_id("bob"), &event, Timestamp::from_millis(5)).map(drop)
}

/// Overwrites pages of a table, those with its first rows, in a file that nobody has open.
fn damage(path: &Path, table: &str, pages: usize) {
    let connection = rusqlite::Connection::open(path).expect("opens");
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0).map(u64::from));
    let page_size = usize::try_from(number("PRAGMA page_size").expect("a number")).expect("small");
    let root =
        number(&format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")).expect("a table");
    drop(connection);
    let mut bytes = std::fs::read(path).expect("read");
    let start = |page: u64| usize::try_from(page - 1).expect("small") * page_size;
    let at = start(root);
    // The header of a page that leads to others, and its cells (https://sqlite.org/fileformat2.html, section 1.6).
    let header = &bytes[at..at + 12];
    assert!([2, 5].contains(&header[0]), "the table has more than one page");
    let cells = usize::from(u16::from_be_bytes([header[3], header[4]]));
    let mut children = Vec::new();
    for cell in 0..cells {
        let pointer = at + 12 + 2 * cell;
        let cell = at + usize::from(u16::from_be_bytes([bytes[pointer], bytes[pointer + 1]]));
        children.push(u64::from(u32::from_be_bytes([
            bytes[cell],
            bytes[cell + 1],
            bytes[cell + 2],
            bytes[cell + 3],
        ])));
    }
    for child in children.into_iter().take(pages) {
        bytes[start(child)..start(child) + page_size].fill(0xaa);
    }
    std::fs::write(path, bytes).expect("written");
}

fn app() -> App {
    App {
        id: AppId(0),
        key: AppKey::new("app").expect("a key"),
        name: "An app".to_owned(),
        settings: AppSettings::default(),
        created_at: Timestamp::from_millis(1),
        disabled_at: None,
    }
}

fn user_id(name: &str) -> UserId {
    UserId::new(name).expect("an id")
}

fn user(name: &str) -> User {
    User { id: user_id(name), created_at: Timestamp::from_millis(2), last_seen_at: None, blocked_at: None }
}

fn conversation() -> Conversation {
    Conversation {
        id: ConversationId::new("conversation").expect("an id"),
        members: vec![user_id("ann"), user_id("bob")],
        last_position: 0,
        created_at: Timestamp::from_millis(3),
        updated_at: Timestamp::from_millis(3),
    }
}

const APP: AppId = AppId(1);
