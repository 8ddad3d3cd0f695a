//! Backups of a server at work, and what clients see that know more than the backup does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callbox_domain::{AppId, ConversationId, UserId};
use callbox_storage::{EventsPage, MessagesPage, Store};
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Ran, Running, Socket, command, config};

/// Sends as ann to bob: the accepted message.
async fn send(ann: &mut Socket, id: &str, text: &str) -> Value {
    let message = json!({ "messageId": id, "to": { "userId": "bob" }, "text": text });
    ann.send(json!({ "type": "message.send", "id": id, "message": message })).await;
    let (accepted, _) = ann.expect_both("message.accepted", "message.created").await;
    accepted["message"].clone()
}

fn path_in(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// The last line of a command that must fail; those before tell how far it came.
#[track_caller]
fn complaint(ran: &Ran) -> &str {
    assert!(!ran.succeeded, "{ran:?}");
    let line = ran.stderr.lines().last().expect("a line");
    assert_eq!(ran.stderr.matches("callbox: ").count(), 1, "{ran:?}");
    line
}

#[tokio::test]
async fn clients_that_are_ahead_of_the_backup_start_anew() {
    let server = Running::start().await;
    let backup = path_in(server.folder(), "backup");
    let (ann_token, bob_token) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let mut ann = server.socket(&ann_token, "ann-tab1").await;
    let (mut bob, welcome) = server.connect(&bob_token, "bob-tab1").await;
    let epoch = welcome["cursor"].as_str().expect("a cursor").split_once('.').expect("epoch and number").0;
    let mut conversation = Value::Null;
    for number in 1..=3 {
        conversation = send(&mut ann, &format!("message-{number}"), "kept").await["conversationId"].clone();
    }
    server.command(&["backup", &backup]).await.printed();
    for number in 4..=6 {
        assert_eq!(send(&mut ann, &format!("message-{number}"), "lost").await["position"], number);
    }
    for seq in 1..=6 {
        assert_eq!(bob.expect("message.created").await["seq"], seq);
    }
    let folder = server.stop().await;
    let restored =
        command(folder.path(), &["restore", &backup, "--replace", "--keep-sessions"]).await.printed();
    assert!(restored.contains("Set aside") && restored.contains("Users       2;"), "{restored}");

    let server = Running::start_in(folder, |_| ()).await;
    let mut ann = server.socket(&ann_token, "ann-tab1").await;
    // What the backup has forgotten is as good as never sent: a resend is taken, at the next position.
    let again = send(&mut ann, "message-5", "sent again").await;
    assert_eq!((&again["position"], &again["text"]), (&json!(4), &json!("sent again")));
    // Beyond the head; the head's number, which stands for something else now; one that is the same on both sides.
    let mut tabs = Vec::new();
    for (tab, seq) in [6, 4, 3].into_iter().enumerate() {
        let cursor = format!("{epoch}.{seq}");
        let (socket, welcome) =
            server.connect_with(&bob_token, &format!("bob-tab{tab}"), Some(&cursor)).await;
        assert_eq!(welcome["resumed"], false, "{cursor}");
        let fresh = welcome["cursor"].as_str().expect("a cursor").split_once('.').expect("epoch and number");
        assert!(fresh.0 != epoch && fresh.1 == "4", "{fresh:?}");
        tabs.push((socket, fresh.0.to_owned()));
    }
    send(&mut ann, "message-7", "new").await;
    for (socket, _) in &mut tabs {
        let created = socket.expect("message.created").await;
        assert_eq!((&created["seq"], &created["message"]["text"]), (&json!(5), &json!("new")));
        socket.quiet().await;
    }
    // The list, from which they fetch, has nothing of the other life.
    let conversation = conversation.as_str().expect("an id");
    let path = format!("/v1/conversations/{conversation}/messages");
    let (_, page) = server.request("GET", &path, &format!("Bearer {bob_token}"), "").await;
    let texts: Vec<_> = page["items"].as_array().expect("a list").iter().map(|one| &one["text"]).collect();
    assert_eq!(texts.len(), 5, "{page}");
    assert!(!page.to_string().contains("lost"), "{page}");
    // From the new life on, a cursor is good.
    let cursor = format!("{}.4", tabs[0].1);
    let (mut resumed, welcome) = server.connect_with(&bob_token, "bob-tab9", Some(&cursor)).await;
    assert_eq!(welcome["resumed"], true);
    assert_eq!(resumed.expect("message.created").await["message"]["text"], "new");
    server.stop().await;
}

#[tokio::test]
async fn whoever_was_signed_in_signs_in_again_unless_said_otherwise() {
    let server = Running::start().await;
    let backup = path_in(server.folder(), "backup");
    let token = server.sign_in("ann").await;
    server.command(&["backup", &backup]).await.printed();
    let bearer = format!("Bearer {token}");
    assert_eq!(server.request("DELETE", "/v1/session", &bearer, "").await.0, 204);
    let folder = server.stop().await;
    let restored = command(folder.path(), &["restore", &backup, "--replace"]).await.printed();
    assert!(restored.contains("Sessions    1 ended"), "{restored}");
    let server = Running::start_in(folder, |_| ()).await;
    let (status, answer) = server.request("GET", "/v1/session", &bearer, "").await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("session_ended")));
    server.sign_in("ann").await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_at_work_is_copied_as_it_was_at_one_moment() {
    let server = Arc::new(Running::start().await);
    let is_over = Arc::new(AtomicBool::new(false));
    // Everybody is there before anybody listens: those who come later are told of.
    let mut tokens = Vec::new();
    for pair in 0..PAIRS {
        tokens.push(server.sign_in(&format!("sender-{pair}")).await);
        server.sign_in(&format!("receiver-{pair}")).await;
    }
    let talk = |(pair, token)| tokio::spawn(talk(Arc::clone(&server), pair, token, Arc::clone(&is_over)));
    let senders: Vec<_> = tokens.into_iter().enumerate().map(talk).collect();
    // Some of what is sent is accepted before the backup begins.
    let before = accepted_so_far(&server).await;
    let backup = path_in(server.folder(), "backup");
    server.command(&["backup", &backup]).await.printed();
    is_over.store(true, Ordering::Relaxed);
    let mut accepted = Vec::new();
    for sender in senders {
        accepted.push(sender.await.expect("no panic"));
    }
    let folder = Arc::into_inner(server).expect("nobody else's").stop().await;
    command(folder.path(), &["restore", &backup, "--replace"]).await.printed();

    let store = open(&config(folder.path()).storage.folder.join("callbox.sqlite"));
    let mut found = 0;
    for (conversation, accepted) in &accepted {
        let conversation = ConversationId::new(conversation.as_str()).expect("an id");
        let history = store
            .read(move |read| read.messages(AppId(1), &conversation, MessagesPage::After(0), u32::MAX))
            .await
            .expect("messages");
        let ids: Vec<_> = history.iter().map(|message| message.id.as_str().to_owned()).collect();
        assert_eq!(ids, accepted[..ids.len()], "the first that were accepted, and no hole");
        let positions: Vec<_> = history.iter().map(|message| message.position).collect();
        assert_eq!(positions, (1..=u32::try_from(ids.len()).expect("few")).collect::<Vec<_>>());
        found += ids.len();
    }
    assert!(found >= before, "{found} of at least {before}");
    for pair in 0..PAIRS {
        let user = UserId::new(format!("receiver-{pair}")).expect("an id");
        let page = EventsPage { after: 0, limit: u32::MAX };
        let events = store.read(move |read| read.events(AppId(1), &user, page)).await.expect("a log");
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
}

/// Sends until it is over: the conversation, and the ids of all that was accepted.
async fn talk(
    server: Arc<Running>,
    pair: usize,
    token: String,
    is_over: Arc<AtomicBool>,
) -> (String, Vec<String>) {
    let mut socket = server.socket(&token, "tab-00001").await;
    let (mut conversation, mut accepted) = (String::new(), Vec::new());
    while !is_over.load(Ordering::Relaxed) || accepted.is_empty() {
        let id = format!("message-{pair}-{}", accepted.len());
        let to = json!({ "userId": format!("receiver-{pair}") });
        let message = json!({ "messageId": id, "to": to, "text": "x".repeat(500) });
        socket.send(json!({ "type": "message.send", "id": id, "message": message })).await;
        let (answer, _) = socket.expect_both("message.accepted", "message.created").await;
        answer["message"]["conversationId"].as_str().expect("an id").clone_into(&mut conversation);
        accepted.push(id);
    }
    (conversation, accepted)
}

/// Waits until every pair has had a message accepted; how many that makes at least.
async fn accepted_so_far(server: &Running) -> usize {
    let mut count = 0;
    for pair in 0..PAIRS {
        let token = server.sign_in(&format!("receiver-{pair}")).await;
        loop {
            let bearer = format!("Bearer {token}");
            let (_, page) = server.request("GET", "/v1/conversations", &bearer, "").await;
            let position = page["items"][0]["lastMessage"]["position"].as_u64().unwrap_or(0);
            if position > 0 {
                count += usize::try_from(position).expect("few");
                break;
            }
        }
    }
    count
}

fn open(database: &Path) -> Arc<dyn Store> {
    SqliteStore::open(SqliteOptions::file(database), Box::new(|_| {})).expect("a database")
}

/// What stands in a data folder, byte by byte.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(config(folder).storage.folder).expect("a folder");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.clone(), std::fs::read(path).expect("a file")))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn whatever_cannot_be_restored_is_one_line_and_changes_nothing() {
    let server = Running::start().await;
    let backup = path_in(server.folder(), "backup");
    let restore = ["restore", &backup, "--replace"];
    server.command(&["backup", &backup]).await.printed();
    assert!(complaint(&server.command(&["backup", &backup]).await).contains("exists and is not overwritten"));
    assert!(complaint(&server.command(&restore).await).contains("in use by another callbox server"));
    let folder = server.stop().await;
    let folder = folder.path();
    let before = contents(folder);
    let refused = async |arguments: &[&str]| {
        let ran = command(folder, arguments).await;
        assert_eq!(contents(folder), before, "nothing was touched");
        complaint(&ran).to_owned()
    };
    let without_replace = refused(&restore[..2]).await;
    assert!(without_replace.contains("--replace sets it aside"), "{without_replace}");

    let own = path_in(&config(folder).storage.folder, "callbox.sqlite");
    assert!(refused(&["restore", &own, "--replace"]).await.contains("is in the way"));

    let key = config(folder).storage.master_key_file;
    let its_own = std::fs::read_to_string(&key).expect("a key");
    let (id, _) = its_own.split_once(':').expect("id and key");
    std::fs::write(&key, format!("{id}:{}=\n", "A".repeat(43))).expect("writable");
    let wrong = refused(&restore).await;
    assert!(wrong.contains("is not the one that the backup needs: bring the key file"), "{wrong}");
    std::fs::remove_file(&key).expect("removable");
    let missing = refused(&restore).await;
    assert!(missing.contains("master.key is missing") && missing.contains("bring the key file"), "{missing}");
    std::fs::write(&key, its_own).expect("writable");

    let bytes = std::fs::read(&backup).expect("a backup");
    for (bytes, expected) in [
        (bytes[..bytes.len() / 2].to_vec(), "is cut off"),
        (Vec::new(), "is no database at all"),
        ([&bytes[..8192], &vec![0xaa; bytes.len() - 8192][..]].concat(), "is damaged"),
    ] {
        std::fs::write(&backup, bytes).expect("writable");
        let line = refused(&restore).await;
        assert!(line.contains(expected), "{line}");
    }
    std::fs::write(&backup, bytes).expect("writable");
    let newer = rusqlite::Connection::open(&backup).expect("a database");
    newer.execute_batch("INSERT INTO migrations VALUES (9999, 'future', 'x', 0)").expect("a row");
    drop(newer);
    let line = refused(&restore).await;
    assert!(line.contains("version 9999") && line.contains("newer server"), "{line}");
    assert!(refused(&["restore", "/nonexistent", "--replace"]).await.contains("cannot read the backup"));
}

#[tokio::test]
async fn a_backup_is_restored_on_another_machine_with_its_key() {
    let server = Running::start().await;
    let backup = path_in(server.folder(), "backup");
    let token = server.sign_in("ann").await;
    let printed = server.command(&["backup", &backup]).await.printed();
    assert!(printed.contains("master.key is not in it"), "{printed}");
    let here = server.stop().await;
    let key = std::fs::read_to_string(config(here.path()).storage.master_key_file).expect("a key");
    let secret = key.trim().split_once(':').expect("id and key").1;
    let bytes = std::fs::read(&backup).expect("a backup");
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "no key is in it");

    let there = TempDir::new().expect("a folder");
    assert!(complaint(&command(there.path(), &["restore", &backup]).await).contains("bring the key file"));
    assert!(!config(there.path()).storage.folder.exists(), "nothing was made");
    std::fs::write(config(there.path()).storage.master_key_file, key).expect("writable");
    command(there.path(), &["restore", &backup, "--keep-sessions"]).await.printed();
    let server = Running::start_in(there, |_| ()).await;
    assert_eq!(server.request("GET", "/v1/session", &format!("Bearer {token}"), "").await.0, 200);
    server.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_superuser_restores_belongs_to_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt, chown};

    let server = Running::start().await;
    let backup = path_in(server.folder(), "backup");
    server.command(&["backup", &backup]).await.printed();
    let folder = server.stop().await;
    let data = config(folder.path()).storage.folder;
    std::fs::remove_dir_all(&data).expect("removable");
    std::fs::create_dir(&data).expect("a folder");
    // To another user where this one may do that: everywhere else all that is made belongs to the one who makes it.
    let _ = chown(&data, Some(NOBODY), Some(NOBODY));
    let owner = data.metadata().expect("a folder");
    command(folder.path(), &["restore", &backup]).await.printed();
    for name in ["callbox.sqlite", "lock"] {
        let file = data.join(name).metadata().expect(name);
        assert_eq!((file.uid(), file.gid()), (owner.uid(), owner.gid()), "{name}");
    }
}

#[cfg(unix)]
const NOBODY: u32 = 65_534;
/// Pairs of users who write to each other.
const PAIRS: usize = 4;
