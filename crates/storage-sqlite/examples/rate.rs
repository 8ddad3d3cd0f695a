//! How many durable messages a second the store takes: `cargo run --release -p callbox-storage-sqlite --example rate
//! [folder] [seconds]`. Callers and store share the machine; CPU times are those of the whole process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callbox_domain::{
    AppId, AppKey, AppSettings, Conversation, ConversationId, Event, MailboxEpoch, MessageId, SessionId,
    Timestamp, User, UserId, Watermark,
};
use callbox_storage::{NewMessage, Store, StoreError, Tx};
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use futures_executor::{LocalPool, block_on};
use futures_util::task::LocalSpawnExt;

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target".to_owned());
    let seconds = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(5);
    for (name, whole) in [("message row only", false), ("whole 1:1 message", true)] {
        for callers in [1, 64, 512] {
            let path = Path::new(&folder).join("rate.db");
            remove(&path);
            measure(&path, name, whole, callers, Duration::from_secs(seconds));
            remove(&path);
        }
    }
}

fn measure(path: &Path, name: &str, whole: bool, callers: usize, time: Duration) {
    let events = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&events);
    let listener = Box::new(move |batch: Vec<_>| {
        heard.fetch_add(batch.len() as u64, Ordering::Relaxed);
    });
    let store: Arc<dyn Store> = SqliteStore::open(SqliteOptions::file(path), listener).expect("opens");
    let app = block_on(store.write(prepare)).expect("prepared");
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut pool = LocalPool::new();
    for caller in 0..callers {
        let (store, stop, sent) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&sent));
        let task = async move {
            for number in 0u64.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let pair = usize::try_from(number).expect("small") * 7919 + caller * 104_729;
                let message = message(pair % PAIRS, caller, number);
                let answer = store.write(move |tx| send(tx, app, pair % PAIRS, message, whole));
                answer.await.expect("written");
                sent.fetch_add(1, Ordering::Relaxed);
            }
        };
        pool.spawner().spawn_local(task).expect("spawned");
    }
    let (began, cpu_before) = (now(), cpu("store-write"));
    let ender = Arc::clone(&stop);
    std::thread::spawn(move || {
        std::thread::park_timeout(time);
        ender.store(true, Ordering::Relaxed);
    });
    pool.run();
    let (took, cpu_after) = (began.elapsed().as_secs_f64(), cpu("store-write"));
    let count = f64::from(u32::try_from(sent.load(Ordering::Relaxed)).expect("fewer"));
    println!(
        "{name}, {callers} callers: {:.0}/s, {:.1} CPU µs each ({:.1} in the writer), {} events",
        count / took,
        (cpu_after.0 - cpu_before.0) / count,
        (cpu_after.1 - cpu_before.1) / count,
        events.load(Ordering::Relaxed),
    );
}

fn prepare(tx: &mut dyn Tx) -> Result<AppId, StoreError> {
    let app = tx.insert_app(&callbox_domain::App {
        id: AppId(0),
        key: AppKey::new("app").expect("a key"),
        name: "Rate".to_owned(),
        settings: AppSettings::default(),
        created_at: Timestamp::from_millis(0),
        disabled_at: None,
    })?;
    for pair in 0..PAIRS {
        let members = vec![user(2 * pair), user(2 * pair + 1)];
        for id in &members {
            let user = User {
                id: id.clone(),
                created_at: Timestamp::from_millis(0),
                last_seen_at: None,
                blocked_at: None,
            };
            tx.insert_user(app, &user, &MailboxEpoch::new("abcdefgh").expect("an epoch"))?;
        }
        let conversation = Conversation {
            id: conversation(pair),
            members,
            last_position: 0,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        tx.insert_conversation(app, &conversation)?;
    }
    Ok(app)
}

fn send(
    tx: &mut dyn Tx,
    app: AppId,
    pair: usize,
    message: NewMessage,
    whole: bool,
) -> Result<(), StoreError> {
    if tx.message(app, &message.id)?.is_some() {
        return Ok(());
    }
    let message = tx.append_message(app, message)?;
    if whole {
        let (sender, place) = (message.sender_id.clone(), message.conversation_id.clone());
        let (position, at) = (message.position, message.created_at);
        let event = Arc::new(Event::MessageCreated(message));
        tx.append_event(app, &user(2 * pair), &event, at)?;
        tx.append_event(app, &user(2 * pair + 1), &event, at)?;
        tx.raise_watermark(app, &place, &sender, Watermark::Read, position)?;
    }
    Ok(())
}

fn message(pair: usize, caller: usize, number: u64) -> NewMessage {
    // As the SDKs make them: the time first, then random bits.
    let spread = (number * 512 + caller as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    NewMessage {
        id: MessageId::new(format!("{number:010x}{spread:016x}")).expect("an id"),
        conversation_id: conversation(pair),
        sender_id: user(2 * pair),
        sender_session_id: SessionId::new(format!("ses_{pair:026}")).expect("an id"),
        text: "The quick brown fox jumps over the lazy dog, and then some more.".into(),
        created_at: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn conversation(pair: usize) -> ConversationId {
    let spread = (pair as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ConversationId::new(format!("cnv_{spread:026}")).expect("an id")
}

fn user(number: usize) -> UserId {
    UserId::new(format!("user-{number}@example.com")).expect("an id")
}

/// CPU microseconds used so far by the process, and by its newest thread of this name.
fn cpu(thread: &str) -> (f64, f64) {
    let of = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse().ok()).unwrap_or(0.0);
        (text.contains(thread), (ticks(12) + ticks(13)) * 10_000.0)
    };
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let named = tasks.map(|task| of(&task.path().join("stat"))).filter(|(named, _)| *named).last();
    (of(Path::new("/proc/self/stat")).1, named.map_or(0.0, |(_, used)| used))
}

fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        let _ = std::fs::remove_file(file);
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs the real clock")]
fn now() -> Instant {
    Instant::now()
}

/// Pairs of users who write to each other.
const PAIRS: usize = 5_000;
