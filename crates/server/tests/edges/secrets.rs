//! What a server that was used in every way has written down: its data folder and its log hold nothing that opens anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use callbox_domain::{AccessToken, AppId, AppKey, OneTimePurpose, OneTimeToken, UserId};
use callbox_server::StartError;
use callbox_server::config::{Config, StorageConfig};
use callbox_server::serve::Server;
use callbox_storage::{Store, StoreError, Tx};
use callbox_storage_sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::forgeries::backend_jwt;
use crate::harness::{Answer, call, open_socket};
use crate::process::{Process, output};
use crate::signed::{Signed, now};
use crate::turn::{self, Ice, Turn};

const BY_APP: &str = "Application demo";
const EMAIL: &str = "annika.svensson@example.com";
const LATER_EMAIL: &str = "a.svensson@example.org";
const NUMBER: &str = "+46701234567";
const MESSAGE: &str = "Nobody but bob reads this.";
const PASSWORDS: [&str; 4] =
    ["purple tractor parade", "seventeen quiet lanterns", "gravel under the piano", "a guess that fails"];

/// A server's folder after a run in which every kind of credential was made, used and misused.
struct Run {
    folder: TempDir,
    /// Everything that opens something, by what it is.
    secrets: BTreeMap<String, String>,
    /// Both logs.
    log: String,
    /// The data folder at the end, and as it was while the server ran.
    data: Vec<(PathBuf, Vec<u8>)>,
}

impl Run {
    async fn whole() -> Self {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("data");
        let mut run = Self { folder, secrets: BTreeMap::new(), log: String::new(), data: Vec::new() };
        for (number, password) in PASSWORDS.iter().enumerate() {
            run.secrets.insert(format!("password {number}"), (*password).to_owned());
        }
        let first = Process::start(&data);
        let user = run.sign_up(&first.address).await;
        run.log += &first.stop();

        let rotated = output(&["app", "rotate-secret", "demo", "--grace", "60"], &data);
        let secret = rotated.lines().find_map(|line| line.strip_prefix("App secret")).expect("a secret");
        run.keep("app secret", secret.trim());
        let (access, reset) = run.issue(&data, &user).await;

        let second = Process::start(&data);
        run.sign_in(&second.address, &user, &access, &reset).await;
        run.register(&second.address, &data).await;
        run.misuse(&second.address).await;
        run.data.extend(files(&data));
        run.log += &second.stop();
        run.data.extend(files(&data));
        run
    }

    /// A user with a password: the user's id.
    async fn sign_up(&mut self, address: &str) -> UserId {
        let identities = json!([{ "type": "email", "value": EMAIL }, { "type": "number", "value": NUMBER }]);
        let body = json!({ "identities": identities, "password": PASSWORDS[0] });
        let answer = expect(201, post(address, "/v1/users", BY_APP, &body).await);
        let ticket = self.keep("sign-up ticket", text(&answer, "/ticket"));
        let first = self.session(address, "of the sign-up", json!({ "ticket": ticket })).await;
        let taken = post(address, "/v1/users", BY_APP, &body).await;
        assert_eq!(taken.code(), "identity_taken");
        UserId::new(text(&first, "/user/id")).expect("an id")
    }

    /// What the app's backend has operations of its own for, or will: an access token, and a token for a new password.
    async fn issue(&mut self, data: &Path, user: &UserId) -> (String, String) {
        let access = format!("cba_{}", URL_SAFE_NO_PAD.encode([0xa5; 32]));
        let reset = format!("cbr_{}", URL_SAFE_NO_PAD.encode([0x5a; 32]));
        self.keep("access token", &access);
        self.keep("reset token", &reset);
        let token = AccessToken {
            id: "tok_12345678".to_owned(),
            user_id: user.clone(),
            prefix: "cba_".to_owned(),
            hash: sha256(&access),
            created_at: now(),
            expires_at: None,
        };
        let once = OneTimeToken {
            hash: sha256(&reset),
            purpose: OneTimePurpose::PasswordReset,
            user_id: user.clone(),
            expires_at: now().plus(Duration::from_hours(1)),
        };
        write(data, move |tx, app| {
            tx.insert_access_token(app, &token)?;
            tx.insert_one_time_token(app, &once)
        })
        .await;
        (access, reset)
    }

    async fn sign_in(&mut self, address: &str, user: &UserId, access: &str, reset: &str) {
        self.session(address, "by access token", json!({ "userId": user, "accessToken": access })).await;
        let body = json!({ "token": reset, "newPassword": PASSWORDS[1] });
        expect(204, post(address, "/v1/password-resets", BY_APP, &body).await);
        let by_password =
            |password: &str| json!({ "identity": { "type": "email", "value": EMAIL }, "password": password });
        let session = self.session(address, "by password", by_password(PASSWORDS[1])).await;
        let bearer = format!("Bearer {}", text(&session, "/token"));
        let body = json!({ "currentPassword": PASSWORDS[1], "newPassword": PASSWORDS[2] });
        expect(204, send(address, "PUT", "/v1/me/password", &bearer, &body).await);
        let wrong = post(address, "/v1/sessions", BY_APP, &by_password(PASSWORDS[3])).await;
        assert_eq!(wrong.code(), "credentials_wrong");

        let body = json!({ "type": "email", "value": LATER_EMAIL });
        expect(201, post(address, "/v1/me/identities", &bearer, &body).await);
        let path = format!("/v1/me/identities/email/{LATER_EMAIL}");
        expect(204, send(address, "DELETE", &path, &bearer, &Value::Null).await);

        self.relay(address, &bearer).await;
        let instance = format!("Instance {}", text(&session, "/session/id"));
        let issue =
            Signed::new(&instance, text(&session, "/secret"), "POST", "/v1/session/token", &Value::Null);
        let issued = expect(200, issue.send(address).await);
        self.keep("token by secret", text(&issued, "/token"));
        let renewed = expect(200, post(address, "/v1/session/renew", &bearer, &json!({})).await);
        let token = self.keep("renewed token", text(&renewed, "/token"));

        self.session(address, "of bob", json!({ "userId": "bob" })).await;
        let mut socket = open_socket(address, None).await;
        let hello = json!({ "type": "hello", "id": "h", "token": token, "connectionId": "connection-1" });
        socket.send(hello).await;
        socket.expect("welcome").await;
        let message = json!({ "messageId": "message-1", "to": { "userId": "bob" }, "text": MESSAGE });
        socket.send(json!({ "type": "message.send", "id": "m", "message": message })).await;
        socket.expect_both("message.accepted", "message.created").await;
        socket.close().await;
    }

    /// A credential for the relay, where it belongs and in the place of a name.
    async fn relay(&mut self, address: &str, bearer: &str) {
        let answer = call(address, "GET", "/v1/ice-servers", &[("authorization", bearer)], "").await;
        let ice = Ice::read(&expect(200, answer).body);
        let password = self.keep("relay password", &ice.password);
        for (username, opens) in [(ice.username.clone(), true), (password, false)] {
            let ice = Ice { username, ..ice.clone() };
            for mut turn in [Turn::udp(&ice, ice.udp()).await, Turn::tcp(&ice, ice.tcp()).await] {
                assert_eq!(matches!(turn.allocate().await, turn::Answer::Allocated(_)), opens);
            }
        }
    }

    /// What the app's backend signs, and a device.
    async fn register(&mut self, address: &str, data: &Path) {
        let secret = self.secrets["app secret"].clone();
        let ticket = output(&["ticket", "--app", "demo", "--user", "carol"], data);
        let ticket = self.keep("ticket", ticket.trim());
        self.session(address, "by ticket", json!({ "ticket": ticket })).await;
        let jwt = self.keep("jwt", &backend_jwt("demo", "carol", &secret));
        self.session(address, "by jwt", json!({ "jwt": jwt })).await;

        let body = json!({ "identifier": "carol", "metadata": { "room": "4" } });
        let basic = format!("Basic {}", STANDARD.encode(format!("demo:{secret}")));
        let registered = expect(201, post(address, "/v1/register", &basic, &body).await);
        self.keep_session("of the device", &registered);
        let username = text(&registered, "/username");
        let password = self.keep("device password", text(&registered, "/password"));
        let body = json!({ "username": username, "password": password });
        self.session(address, "by device", body).await;
    }

    /// Every secret where it does not belong.
    async fn misuse(&self, address: &str) {
        for secret in self.secrets.values() {
            let bearer = format!("Bearer {secret}");
            call(address, "GET", "/v1/session", &[("authorization", &bearer)], "").await;
            call(address, "GET", "/v1/session", &[("authorization", secret)], "").await;
            let query = format!("/v1/sessions?token={}", secret.replace(' ', "+"));
            call(address, "GET", &query, &[("authorization", BY_APP)], "").await;
            for property in ["ticket", "jwt", "device", "expiresIn"] {
                post(address, "/v1/sessions", BY_APP, &json!({ property: secret })).await;
            }
            let segment = secret.replace(['/', ' '], "-");
            for path in ["/v1/sessions", "/v1/me/identities/email", "/v1"] {
                send(address, "DELETE", &format!("{path}/{segment}"), &bearer, &Value::Null).await;
            }
            let unclosed = format!("{{\"ticket\":\"{secret}\"");
            call(address, "POST", "/v1/sessions", &[("authorization", BY_APP)], &unclosed).await;
            let mut socket = open_socket(address, None).await;
            socket.send(json!({ "type": "ping", "id": "p", "token": secret })).await;
            assert_eq!(socket.close_code().await, 4400);
        }
    }

    async fn session(&mut self, address: &str, what: &str, credential: Value) -> Answer {
        let answer = expect(201, post(address, "/v1/sessions", BY_APP, &credential).await);
        self.keep_session(what, &answer);
        answer
    }

    fn keep_session(&mut self, what: &str, answer: &Answer) {
        self.keep(&format!("token {what}"), text(answer, "/token"));
        self.keep(&format!("session secret {what}"), text(answer, "/secret"));
    }

    fn keep(&mut self, what: &str, secret: &str) -> String {
        assert!(secret.len() > 20, "{what} is too short to be looked for");
        self.secrets.insert(what.to_owned(), secret.to_owned());
        secret.to_owned()
    }

    /// Which of the secrets are in these bytes, in any form.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let is_there = |secret: &str| forms(secret).iter().any(|form| contains(bytes, form));
        self.secrets.iter().filter(|(_, secret)| is_there(secret)).map(|(what, _)| what.as_str()).collect()
    }
}

#[tokio::test]
async fn a_copy_of_the_data_folder_opens_nothing() {
    let run = Run::whole().await;
    let names: Vec<_> = run.data.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
    assert!(names.contains(&"callbox.sqlite") && names.contains(&"callbox.sqlite-wal"), "{names:?}");
    assert!(run.secrets.len() > 20, "{:?}", run.secrets.keys());
    let everything: Vec<u8> = run.data.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    assert!(contains(&everything, MESSAGE.as_bytes()), "what is kept in the clear is found");

    let key_file = run.folder.path().join("data.master-key");
    let key = fs::read_to_string(&key_file).expect("a key beside the folder, not in it");
    let key = key.trim().split_once(':').expect("id and key").1;
    for (path, bytes) in &run.data {
        assert_eq!(run.found(bytes), [""; 0], "{}", path.display());
        assert!(!forms(key).iter().any(|form| contains(bytes, form)), "the master key in {}", path.display());
    }

    // Without the key, the copy is not even opened; `tests/start.rs` has the words in which that is said.
    let copy = TempDir::new().expect("a folder");
    let storage =
        StorageConfig { folder: copy.path().join("data"), master_key_file: copy.path().join("key") };
    fs::create_dir(&storage.folder).expect("writable");
    for (path, bytes) in &run.data {
        fs::write(storage.folder.join(path.file_name().expect("a file")), bytes).expect("writable");
    }
    let refused = Server::open(&Config { storage, ..Config::default() }, None);
    assert!(matches!(refused.map(|_| ()), Err(StartError::KeyMissing(_))));
}

#[tokio::test]
async fn the_finest_log_names_no_secret_no_address_and_no_message() {
    let run = Run::whole().await;
    for line in ["signed up", "signed in", "password reset", "password changed", "session renewed", "request"]
    {
        assert!(run.log.contains(&format!("\"message\":\"{line}\"")), "{line}");
    }
    let lines_with = |text: &str| run.log.lines().filter(|line| line.contains(text)).collect::<Vec<_>>();
    for text in [EMAIL, LATER_EMAIL, NUMBER, NUMBER.trim_start_matches('+'), MESSAGE] {
        assert_eq!(lines_with(text), [""; 0]);
        assert_eq!(lines_with(&text.replace('@', "%40").replace('+', "%2B")), [""; 0]);
    }
    for (what, secret) in &run.secrets {
        assert_eq!(lines_with(secret), [""; 0], "{what}");
    }
    assert_eq!(run.found(run.log.as_bytes()), [""; 0], "in another form");
}

/// A secret in every form in which it could have been written down.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec(), json!(secret).to_string().trim_matches('"').into()];
    forms.extend([&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|base64| base64.encode(secret).into_bytes()));
    // The parts of tickets and JWTs, what follows the prefix of a token, and the whole.
    let after_prefix = secret.split_once('_').map_or(secret, |(_, random)| random);
    for part in secret.split([':', '.']).chain([after_prefix]) {
        for base64 in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            forms.extend(base64.decode(part).ok().filter(|raw| raw.len() >= 16));
        }
    }
    let hexadecimal =
        |bytes: &Vec<u8>| bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let hexadecimals: Vec<Vec<u8>> = forms.iter().map(hexadecimal).collect();
    forms.extend(hexadecimals);
    forms
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let first = part[0];
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts.into_iter().any(|(start, _)| bytes[start..].starts_with(part))
}

fn sha256(text: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("32 bytes")
}

/// Everything in a folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}

/// Writes to the database of a server that does not run.
async fn write(
    data: &Path,
    change: impl FnOnce(&mut dyn Tx, AppId) -> Result<(), StoreError> + Send + 'static,
) {
    let options = SqliteOptions::file(data.join("callbox.sqlite"));
    let store = SqliteStore::open(options, Box::new(|_| ())).expect("a database");
    let shared: Arc<dyn Store> = store.clone();
    let written = shared.write(move |tx| {
        let keys = tx.app_keys(&AppKey::new("demo").expect("valid"))?;
        change(tx, keys.first().expect("an app").app_id)
    });
    written.await.expect("written");
    store.close();
}

async fn post(address: &str, path: &str, authorization: &str, body: &Value) -> Answer {
    send(address, "POST", path, authorization, body).await
}

async fn send(address: &str, verb: &str, path: &str, authorization: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    call(address, verb, path, &[("authorization", authorization)], &body).await
}

fn expect(status: u16, answer: Answer) -> Answer {
    assert_eq!(answer.status, status, "{answer:?}");
    answer
}

fn text<'answer>(answer: &'answer Answer, pointer: &str) -> &'answer str {
    answer.body.pointer(pointer).and_then(Value::as_str).expect("a text")
}
