//! The store alone, through its port: whole 1:1 messages, each durable before its caller goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callbox_domain::{
    App, AppId, AppKey, AppSettings, Conversation, ConversationId, Event, MailboxEpoch, MessageId, SessionId,
    Timestamp, User, UserId,
};
use callbox_storage::{NewMessage, Store, StoreError, Tx};
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use futures_util::future::try_join_all;
use tempfile::TempDir;

use crate::BenchResult;
use crate::process::Usage;
use crate::scale::Scale;
use crate::timing::now;

/// What the store did.
#[derive(Debug)]
pub(crate) struct Inserts {
    pub(crate) per_second: f64,
    /// CPU microseconds of store and callers for each.
    pub(crate) cpu: f64,
}

/// Writes for some seconds, 64 callers at once, each the next message when the one before is on disk.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Inserts> {
    let folder = TempDir::new()?;
    let options = SqliteOptions::file(folder.path().join("callbox.sqlite"));
    let store: Arc<dyn Store> = SqliteStore::open(options, Box::new(|_| {}))?;
    let app = store.write(prepare).await?;
    let (began, before) = (now(), Usage::of(std::process::id())?.cpu);
    let until = began + scale.time(TIME);
    let counts = try_join_all((0..CALLERS).map(|caller| call(store.as_ref(), app, caller, until))).await?;
    let (took, count) = (began.elapsed(), counts.into_iter().sum::<u32>());
    let cpu = Usage::of(std::process::id())?.cpu.saturating_sub(before);
    Ok(Inserts {
        per_second: f64::from(count) / took.as_secs_f64(),
        cpu: cpu.as_secs_f64() * 1e6 / f64::from(count),
    })
}

/// One caller: how many messages it wrote.
async fn call(store: &dyn Store, app: AppId, caller: usize, until: Instant) -> BenchResult<u32> {
    let mut count = 0;
    while now() < until {
        let pair = (count as usize * 7_919 + caller * 104_729) % PAIRS;
        let message = message(pair, caller, count);
        store.write(move |tx| send(tx, app, pair, message)).await?;
        count += 1;
    }
    Ok(count)
}

/// What the use case of sending writes.
fn send(tx: &mut dyn Tx, app: AppId, pair: usize, message: NewMessage) -> Result<(), StoreError> {
    if tx.message(app, &message.id)?.is_some() {
        return Ok(());
    }
    let message = tx.append_message(app, message)?;
    let at = message.created_at;
    let event = Arc::new(Event::MessageCreated(message));
    tx.append_event(app, &user(2 * pair), &event, at)?;
    tx.append_event(app, &user(2 * pair + 1), &event, at)?;
    Ok(())
}

fn prepare(tx: &mut dyn Tx) -> Result<AppId, StoreError> {
    let app = tx.insert_app(&App {
        id: AppId(0),
        key: AppKey::new("app").expect("a key"),
        name: "Inserts".to_owned(),
        settings: AppSettings::default(),
        created_at: moment(),
        disabled_at: None,
    })?;
    for pair in 0..PAIRS {
        let members = vec![user(2 * pair), user(2 * pair + 1)];
        for id in &members {
            let user = User { id: id.clone(), created_at: moment(), last_seen_at: None, blocked_at: None };
            tx.insert_user(app, &user, &MailboxEpoch::new("abcdefgh").expect("an epoch"))?;
        }
        let id = conversation(pair);
        let conversation =
            Conversation { id, members, last_position: 0, created_at: moment(), updated_at: moment() };
        tx.insert_conversation(app, &conversation)?;
    }
    Ok(app)
}

fn message(pair: usize, caller: usize, number: u32) -> NewMessage {
    // As the SDKs make them: the time first, then random bits.
    let spread = (u64::from(number) * 512 + caller as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    NewMessage {
        id: MessageId::new(format!("{number:010x}{spread:016x}")).expect("an id"),
        conversation_id: conversation(pair),
        sender_id: user(2 * pair),
        sender_session_id: SessionId::new(format!("ses_{pair:026}")).expect("an id"),
        text: "The quick brown fox jumps over the lazy dog, and then some more.".into(),
        created_at: moment(),
    }
}

fn conversation(pair: usize) -> ConversationId {
    let spread = (pair as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ConversationId::new(format!("cnv_{spread:026}")).expect("an id")
}

fn user(number: usize) -> UserId {
    UserId::new(format!("user-{number}@example.com")).expect("an id")
}

fn moment() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

const CALLERS: usize = 64;
/// Pairs of users who write to each other.
const PAIRS: usize = 5_000;
const TIME: Duration = Duration::from_secs(5);
