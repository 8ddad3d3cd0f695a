//! Disks that are full, broken or gone, under the real binary.
//!
//! A disk is full as long as the process may write no file beyond a size: what SQLite sees is a write that fails, perhaps
//! in its middle. Unlike a small disk, that takes no privilege, and can be had at any moment of a process's life.

use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Running, Socket, call, config, open_socket};
use crate::process::Process;

/// A development server with ann and bob.
struct Scene {
    process: Process,
    ann: String,
    bob: String,
}

impl Scene {
    async fn start(data: &Path) -> Self {
        Self::of(Process::start(data)).await
    }

    /// One whose log cannot be synced while there is the file `hangs`.
    #[cfg(target_os = "linux")]
    async fn start_on_disk(data: &Path, hangs: &Path) -> Self {
        // Cargo puts it where it puts this test, which depends on it.
        let shim = std::env::current_exe().expect("a path").with_file_name("libcallbox_sync_shim.so");
        assert!(shim.exists(), "{} is not there", shim.display());
        Self::of(Process::start_with(data, &[("LD_PRELOAD", &shim), ("CALLBOX_SYNC_HANGS", hangs)])).await
    }

    async fn of(process: Process) -> Self {
        let (ann, bob) = (sign_in(&process.address, "ann").await, sign_in(&process.address, "bob").await);
        Self { process, ann, bob }
    }

    /// Lets the server write files up to this size; `None` for any.
    fn limit_files(&self, bytes: Option<u64>) {
        let process = Pid::from_raw(i32::try_from(self.process.id()).expect("a number of a process"));
        let limit = Rlimit { current: bytes, maximum: getrlimit(Resource::Fsize).maximum };
        prlimit(process, Resource::Fsize, limit).expect("one's own child");
    }

    async fn get(&self, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.bob);
        call(&self.process.address, "GET", path, &[("authorization", &bearer)], "").await
    }

    /// Sends to bob over HTTP.
    async fn post(&self, id: &str, text: &str) -> Answer {
        let bearer = format!("Bearer {}", self.ann);
        let body = json!({ "messageId": id, "to": { "userId": "bob" }, "text": text }).to_string();
        call(&self.process.address, "POST", "/v1/messages", &[("authorization", &bearer)], &body).await
    }

    async fn socket(&self) -> Socket {
        socket(&self.process.address, &self.ann).await
    }

    /// Asks until the server has noticed that its disk hangs.
    #[cfg(target_os = "linux")]
    async fn until_noticed(&self) {
        while self.get("/readyz").await.status == 200 {}
    }

    /// Asks until the server is ready: asking makes it try again.
    async fn until_ready(&self) {
        while self.get("/readyz").await.status != 200 {}
    }

    /// Ids and positions of all messages that bob sees, oldest first.
    async fn history(&self) -> Vec<(String, u64)> {
        let list = self.get("/v1/conversations").await.body;
        let path = format!("/v1/conversations/{}/messages?limit=100", text(&list["items"][0]["id"]));
        let page = self.get(&path).await.body;
        let one = |message: &Value| (text(&message["id"]), message["position"].as_u64().expect("a number"));
        page["items"].as_array().expect("a list").iter().map(one).collect()
    }
}

async fn sign_in(address: &str, user: &str) -> String {
    let headers = [("authorization", "Application demo")];
    let answer =
        call(address, "POST", "/v1/sessions", &headers, &json!({ "userId": user }).to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    text(&answer.body["token"])
}

async fn socket(address: &str, token: &str) -> Socket {
    let mut socket = open_socket(address, None).await;
    let hello = json!({ "type": "hello", "id": "h", "token": token, "connectionId": "tab-00001" });
    socket.send(hello).await;
    socket.expect("welcome").await;
    socket
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn send(id: &str) -> Value {
    let message = json!({ "messageId": id, "to": { "userId": "bob" }, "text": "hello" });
    json!({ "type": "message.send", "id": id, "message": message })
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (503, "store_unavailable"), "{answer:?}");
    assert_eq!(answer.body["error"]["retry"], "after");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_lost_or_doubled() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let scene = Scene::start(&data).await;
    let mut ann = scene.socket().await;
    let mut accepted = Vec::new();
    for number in 1..=5 {
        accepted.push(format!("message-{number}"));
        ann.send(send(&accepted[number - 1])).await;
        ann.expect_both("message.accepted", "message.created").await;
    }

    scene.limit_files(Some(0));
    assert_unavailable(&scene.post("message-6", "hello").await);
    ann.send(send("message-7")).await;
    let refused = ann.expect("error").await;
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["retry"]),
        (&json!("store_unavailable"), &json!("after"))
    );
    let ready = scene.get("/readyz").await;
    assert_unavailable(&ready);
    assert_eq!(ready.body["error"]["details"]["part"], "store_writes");
    assert!(text(&ready.body["error"]["details"]["since"]).ends_with('Z'));
    assert_eq!(scene.get("/healthz").await.status, 200);
    assert_eq!(scene.history().await.len(), 5, "reading goes on");
    // Nobody writes, and yet it learns that there is room.
    scene.limit_files(None);
    scene.until_ready().await;

    // Room for the beginning of what a write takes: the log beside the database holds half a transaction.
    let log = data.join("callbox.sqlite-wal");
    for number in 8..=10 {
        let begun = log.metadata().expect("a log").len() + 6_000;
        scene.limit_files(Some(begun));
        assert_unavailable(&scene.post(&format!("message-{number}"), &"x".repeat(16_000)).await);
        scene.limit_files(None);
        // The same again, and once more: it is taken once.
        for _ in 0..2 {
            let again = scene.post(&format!("message-{number}"), &"x".repeat(16_000)).await;
            assert_eq!(again.status, 201, "{again:?}");
        }
        accepted.push(format!("message-{number}"));
        let created = ann.expect("message.created").await;
        assert_eq!(text(&created["message"]["id"]), format!("message-{number}"), "and told once");
    }
    ann.quiet().await;
    let expected: Vec<_> = accepted.into_iter().zip(1..).collect();
    assert_eq!(scene.history().await, expected);
    scene.limit_files(Some(0));
    assert_unavailable(&scene.post("message-11", "lost").await);
    // The end of a process that could not write any more.
    scene.process.signal("KILL");
    let bob = scene.bob.clone();
    assert!(!scene.process.ended().0);
    let process = Process::start(&data);
    let scene = Scene { process, ann: String::new(), bob };
    assert_eq!(scene.history().await, expected);
    scene.process.stop();
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_told_in_bounded_time() {
    let server = Running::start().await;
    let token = server.sign_in("ann").await;
    server.sign_in("bob").await;
    let mut ann = server.socket(&token, "ann-tab1").await;
    let database = config(server.folder()).storage.folder.join("callbox.sqlite");
    let other = rusqlite::Connection::open(database).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");

    ann.send(send("message-1")).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let body = json!({ "messageId": "message-2", "to": { "userId": "bob" }, "text": "hello" }).to_string();
    assert_unavailable(&server.call("POST", "/v1/messages", &headers, &body).await);
    assert_eq!(ann.expect("error").await["error"]["code"], "store_unavailable");
    assert_unavailable(&server.call("GET", "/readyz", &[], "").await);
    assert_eq!(server.call("GET", "/healthz", &[], "").await.status, 200);
    assert_eq!(server.call("GET", "/v1/conversations", &headers, "").await.status, 200, "reading goes on");

    other.execute_batch("ROLLBACK").expect("no lock");
    while server.call("GET", "/readyz", &[], "").await.status != 200 {}
    ann.send(send("message-1")).await;
    let (accepted, _) = ann.expect_both("message.accepted", "message.created").await;
    assert_eq!(accepted["message"]["position"], 1);
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_hangs_is_told_in_bounded_time_and_nothing_is_lost() {
    let folder = TempDir::new().expect("a folder");
    let hangs = folder.path().join("hangs");
    let scene = Scene::start_on_disk(&folder.path().join("data"), &hangs).await;
    assert_eq!(scene.post("message-1", "hello").await.status, 201);
    std::fs::write(&hangs, "").expect("writable");
    let others = async {
        scene.until_noticed().await;
        let waited = scene.post("message-3", "hello").await;
        assert_eq!(scene.get("/healthz").await.status, 200);
        assert_eq!(scene.get("/v1/conversations").await.status, 200, "reading goes on");
        std::fs::remove_file(&hangs).expect("removable");
        waited
    };
    let (begun, waited) = tokio::join!(scene.post("message-2", "hello"), others);
    assert_eq!(begun.status, 201, "what has begun is waited for: {begun:?}");
    assert_eq!((waited.status, waited.header("retry-after")), (503, Some("1")), "{waited:?}");
    scene.until_ready().await;
    assert_eq!(scene.post("message-3", "hello").await.status, 201);
    let expected = [1, 2, 3].map(|position| (format!("message-{position}"), position));
    assert_eq!(scene.history().await, expected);
    scene.process.stop();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stop_does_not_wait_for_a_disk_that_hangs() {
    let folder = TempDir::new().expect("a folder");
    let (data, hangs) = (folder.path().join("data"), folder.path().join("hangs"));
    let scene = Scene::start_on_disk(&data, &hangs).await;
    assert_eq!(scene.post("message-1", "hello").await.status, 201);
    std::fs::write(&hangs, "").expect("writable");
    let noticed = async {
        scene.until_noticed().await;
        scene.process.signal("TERM");
    };
    tokio::select! {
        answer = scene.post("message-2", "hello") => panic!("it was synced: {answer:?}"),
        () = noticed => {}
    }
    let Scene { process, ann, bob } = scene;
    let ended = tokio::task::spawn_blocking(move || process.ended()).await;
    let (is_clean, log) = ended.expect("no panic");
    assert!(!is_clean && log.contains("the database could not be closed in time"), "{log}");

    let scene = Scene { process: Process::start(&data), ann, bob };
    let history = scene.history().await;
    assert_eq!(history[0], ("message-1".to_owned(), 1));
    assert!(history[1..].iter().all(|(id, _)| id == "message-2") && history.len() <= 2, "{history:?}");
    scene.process.stop();
}

#[tokio::test]
async fn a_damaged_page_is_named_and_the_rest_goes_on() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let scene = Scene::start(&data).await;
    let mut conversation = String::new();
    for number in 0..60 {
        let sent = scene.post(&format!("message-{number}"), &format!("{number:03}{}", "x".repeat(300))).await;
        conversation = text(&sent.body["message"]["conversationId"]);
    }
    let Scene { process, ann, bob } = scene;
    process.stop();
    let database = data.join("callbox.sqlite");
    overwrite_page_with(&database, b"000xxx");

    let scene = Scene { process: Process::start(&data), ann, bob };
    let path = format!("/v1/conversations/{conversation}/messages");
    let oldest = scene.get(&format!("{path}?after=0")).await;
    assert_eq!((oldest.status, oldest.code()), (500, "internal"), "{oldest:?}");
    assert_eq!(scene.get(&format!("{path}?limit=1")).await.status, 200, "on another page");
    assert_eq!(scene.post("message-new", "hello").await.status, 201);
    let ready = scene.get("/readyz").await;
    assert_eq!(ready.status, 200);
    assert!(ready.text().starts_with("ready\ndamaged: store_data since 2"), "{ready:?}");
    let log = scene.process.stop();
    let line = log.lines().find(|line| line.contains("the database is damaged")).expect("a line");
    assert!(line.contains("callbox.sqlite") && line.contains("restore a backup soon"), "{line}");
}

/// Damages the page of a database, in nobody's use, on which these bytes stand.
fn overwrite_page_with(database: &Path, mark: &[u8]) {
    let mut bytes = std::fs::read(database).expect("a database");
    let page_size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let holds = |page: &&mut [u8]| page.windows(mark.len()).any(|window| window == mark);
    bytes.chunks_mut(page_size).find(holds).expect("it stands there").fill(0xaa);
    std::fs::write(database, bytes).expect("writable");
}
