//! A whole server in this process, and as little client as its tests need.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{AppKey, AppSettings, Clock, Secret};
use callbox_server::config::{Config, LimitsConfig, RelayConfig, StorageConfig};
use callbox_server::relay::RelayDoors;
use callbox_server::serve::{Listeners, Server};
use callbox_server::{StartError, SystemClock};
use callbox_service::Service;
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_service::sessions::SessionToken;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A running server with an app into which anyone signs in.
pub struct Running {
    pub address: String,
    /// Where the relay listens for TLS, if it does.
    pub relay_tls: Option<SocketAddr>,
    service: Arc<Service>,
    folder: TempDir,
    configure: fn(&mut Config),
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), StartError>>,
}

impl Running {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts a server that is configured a little differently.
    pub async fn start_with(configure: fn(&mut Config)) -> Self {
        Self::start_in(TempDir::new().expect("a folder for the test"), configure).await
    }

    /// Starts a server by a clock that the test moves.
    pub async fn start_by(clock: Arc<dyn Clock>, configure: fn(&mut Config)) -> Self {
        Self::start_in_by(TempDir::new().expect("a folder for the test"), clock, configure).await
    }

    /// Starts a server on what another one left.
    pub async fn start_in(folder: TempDir, configure: fn(&mut Config)) -> Self {
        Self::start_in_by(folder, Arc::new(SystemClock::new()), configure).await
    }

    /// As [`Running::start_in`], by a clock that the test moves.
    pub async fn start_in_by(folder: TempDir, clock: Arc<dyn Clock>, configure: fn(&mut Config)) -> Self {
        let mut config = config(folder.path());
        configure(&mut config);
        let http = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let relay = RelayDoors::bind(&config, &http).expect("free ports");
        let relay_tls = relay.as_ref().and_then(|relay| relay.tls_listen_addresses().first().copied());
        let server = Server::open_with(&config, relay, clock).expect("a server");
        server.service().allow_open_sign_in();
        let key = AppKey::new(APP_KEY).expect("valid");
        if server.service().find_app(&key).await.is_err() {
            let settings = AppSettings::development();
            let app = CreateApp { name: "Test".into(), key: Some(key), settings };
            server.service().create_app(Actor::CommandLine, app).await.expect("a new app");
        }
        let service = Arc::clone(server.service());
        let address = http.local_addr().expect("bound").to_string();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let listeners = Listeners { http, metrics: None };
        let serving = tokio::spawn(server.run(listeners, None, shutdown));
        Self { address, relay_tls, service, folder, configure, stop, serving }
    }

    /// Stops the server and starts another one on the same data, at another address.
    pub async fn restart(self) -> Self {
        let configure = self.configure;
        Self::start_in(self.stop().await, configure).await
    }

    /// Stops the server; what it kept stays as long as the folder is held.
    pub async fn stop(self) -> TempDir {
        self.stop.send(()).expect("a running server");
        within(self.serving).await.expect("no panic").expect("a clean stop");
        self.folder
    }

    /// Where the operator's listener is, and the token that opens it.
    pub fn operator(&self) -> (String, String) {
        let text = std::fs::read_to_string(operator_file(self.folder.path())).expect("a running server");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let told = |name: &str| file[name].as_str().expect("text").to_owned();
        (told("url").strip_prefix("http://").expect("an address").to_owned(), told("token"))
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the binary with these arguments on the folder of this server.
    pub async fn command(&self, arguments: &[&str]) -> Ran {
        command(self.folder.path(), arguments).await
    }

    /// Signs a user in and returns the session's token.
    pub async fn sign_in(&self, user: &str) -> String {
        let app = format!("Application {APP_KEY}");
        let (status, answer) = self.post("/v1/sessions", &app, &json!({ "userId": user })).await;
        assert_eq!(status, 201, "{answer}");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Ends a call over HTTP: the status and the error's code, if there is one.
    pub async fn end_call(&self, token: &str, call: &str, reason: &str) -> (u16, Option<String>) {
        let path = format!("/v1/calls/{call}/end");
        let (status, answer) =
            self.post(&path, &format!("Bearer {token}"), &json!({ "reason": reason })).await;
        (status, answer["error"]["code"].as_str().map(str::to_owned))
    }

    async fn post(&self, path: &str, authorization: &str, body: &Value) -> (u16, Value) {
        self.request("POST", path, authorization, &body.to_string()).await
    }

    pub async fn request(&self, verb: &str, path: &str, authorization: &str, body: &str) -> (u16, Value) {
        let answer = self.call(verb, path, &[("authorization", authorization)], body).await;
        (answer.status, answer.body)
    }

    /// A request with these headers beside those that it needs.
    pub async fn call(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        call(&self.address, verb, path, headers, body).await
    }

    /// A request of the app's own backend, by the app's secret.
    pub async fn as_backend(&self, verb: &str, path: &str, body: &str) -> (u16, Value) {
        let app = self.service.find_app(&AppKey::new(APP_KEY).expect("valid")).await.expect("the app");
        let secrets = self.service.app_secrets(&app).await.expect("its secrets");
        self.request(verb, path, &basic(APP_KEY, secrets[0].0.expose()), body).await
    }

    /// Makes an app into which only the holders of its secret bring users: the secret.
    pub async fn create_app(&self, key: &str) -> Secret<String> {
        self.create_app_with(key, AppSettings::default()).await
    }

    /// Makes an app: its secret.
    pub async fn create_app_with(&self, key: &str, settings: AppSettings) -> Secret<String> {
        let key = AppKey::new(key).expect("valid");
        let app = CreateApp { name: "Signed".into(), key: Some(key), settings };
        self.service.create_app(Actor::CommandLine, app).await.expect("a new app").secret
    }

    /// Signs a user in to an app whose directory is closed and whose pages come from `https://other.example` only.
    pub async fn sign_in_to_other_app(&self, user: &str) -> String {
        let key = AppKey::new("other-app").expect("valid");
        if self.service.find_app(&key).await.is_err() {
            let settings = AppSettings {
                open_sign_in: true,
                allowed_origins: vec!["https://other.example".into()],
                ..AppSettings::default()
            };
            let app = CreateApp { name: "Other".into(), key: Some(key), settings };
            self.service.create_app(Actor::CommandLine, app).await.expect("a new app");
        }
        let answer = self.post("/v1/sessions", "Application other-app", &json!({ "userId": user })).await;
        answer.1["token"].as_str().expect("a token").to_owned()
    }

    /// Opens a socket, as a page of `origin` if one is given, and says nothing yet.
    pub async fn open(&self, origin: Option<&str>) -> Socket {
        open_socket(&self.address, origin).await
    }

    /// Opens a socket and says hello: the socket, and the welcome.
    pub async fn connect(&self, token: &str, connection: &str) -> (Socket, Value) {
        self.connect_with(token, connection, None).await
    }

    /// Opens a socket and says hello with a cursor.
    pub async fn connect_with(&self, token: &str, connection: &str, cursor: Option<&str>) -> (Socket, Value) {
        hello(self.open(None).await, token, connection, cursor).await
    }

    /// As [`Running::connect_with`], over a line that holds only a few kilobytes until the client takes them.
    pub async fn connect_narrowly(&self, token: &str, connection: &str, cursor: &str) -> (Socket, Value) {
        let narrow = TcpSocket::new_v4().expect("a socket");
        narrow.set_recv_buffer_size(4 * 1_024).expect("a small buffer");
        let address = self.address.parse().expect("an address");
        let stream = within(narrow.connect(address)).await.expect("a connection");
        hello(open_socket_on(stream, &self.address, None).await, token, connection, Some(cursor)).await
    }

    /// Has whoever holds a token write messages, each an id and a text, to a user: many at a time, in no promised order.
    pub async fn write_many(&self, token: &str, to: &str, messages: impl Iterator<Item = (String, String)>) {
        let token = SessionToken::from_client(token);
        let caller = self.service.authenticate(&token).await.expect("a good token");
        let writing = messages.map(|(id, text)| {
            let body = json!({ "messageId": id, "to": { "userId": to }, "text": text });
            let request = serde_json::from_value(body).expect("a message");
            self.service.send_message(&caller, request)
        });
        let mut writing = futures_util::stream::iter(writing).buffer_unordered(WRITES_AT_ONCE);
        while let Some(written) = writing.next().await {
            written.expect("accepted");
        }
    }

    /// Opens a socket whose user has no live calls.
    pub async fn socket(&self, token: &str, connection: &str) -> Socket {
        let (socket, welcome) = self.connect(token, connection).await;
        assert_eq!(welcome["liveCallIds"], json!([]));
        socket
    }
}

/// A request to whichever server listens there, on a connection of its own.
pub async fn call(address: &str, verb: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.extend(["\r\n", body]);
    let exchange = async {
        let (mut reader, mut writer) = TcpStream::connect(address).await?.into_split();
        let writing = async {
            // Whoever sends too much is answered before everything is taken.
            let _ = writer.write_all(request.as_bytes()).await;
        };
        let reading = async {
            let mut answer = Vec::new();
            // What was refused half-way may end with a reset, after the answer.
            while reader.read_buf(&mut answer).await.is_ok_and(|count| count > 0) {}
            answer
        };
        let ((), answer) = tokio::join!(writing, reading);
        Ok::<_, std::io::Error>(answer)
    };
    Answer::read(&within(exchange).await.expect("an answer"))
}

/// Opens a socket of whichever server listens there, and says nothing yet.
pub async fn open_socket(address: &str, origin: Option<&str>) -> Socket {
    open_socket_on(TcpStream::connect(address).await.expect("a connection"), address, origin).await
}

async fn open_socket_on(stream: TcpStream, address: &str, origin: Option<&str>) -> Socket {
    let mut request = format!("ws://{address}/v1/socket").into_client_request().expect("valid");
    let protocol = "callbox.v1".parse().expect("valid");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().expect("valid"));
    }
    let (stream, _) = within(client_async(request, stream)).await.expect("a socket");
    Socket { stream, pings: 0 }
}

async fn hello(mut socket: Socket, token: &str, connection: &str, cursor: Option<&str>) -> (Socket, Value) {
    let hello =
        json!({ "type": "hello", "id": "h", "token": token, "connectionId": connection, "cursor": cursor });
    socket.send(hello).await;
    let welcome = socket.receive().await;
    assert_eq!(welcome["type"], "welcome");
    (socket, welcome)
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    head: String,
    text: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let json = serde_json::from_str(body).unwrap_or_default();
        Self { status, body: json, head: head.to_ascii_lowercase(), text: body.to_owned() }
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The body as it came.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The error's code; empty for a success.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

/// A socket that was welcomed.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    pings: u32,
}

impl Socket {
    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a frame where the server may have closed the socket; whether it could be sent.
    pub async fn try_send(&mut self, frame: &Value) -> bool {
        within(self.stream.send(Message::Text(frame.to_string().into()))).await.is_ok()
    }

    pub async fn send_text(&mut self, text: &str) {
        within(self.stream.send(Message::Text(text.into()))).await.expect("an open socket");
    }

    /// The next frame.
    pub async fn receive(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("{other:?} is no frame"),
        }
    }

    /// The next frame, which must be of this type.
    pub async fn expect(&mut self, name: &str) -> Value {
        let frame = self.receive().await;
        assert_eq!(frame["type"], name, "{frame}");
        frame
    }

    /// The next two frames, which must be of these types, in either order.
    pub async fn expect_both(&mut self, one: &str, other: &str) -> (Value, Value) {
        let frame = self.receive().await;
        if frame["type"] == one {
            return (frame, self.expect(other).await);
        }
        assert_eq!(frame["type"], other, "{frame}");
        (self.expect(one).await, frame)
    }

    /// Everything that was sent before is served, and nothing was told since the last frame that was received.
    pub async fn quiet(&mut self) {
        self.pings += 1;
        let id = format!("ping-{}", self.pings);
        self.send(json!({ "type": "ping", "id": id })).await;
        assert_eq!(self.receive().await, json!({ "type": "pong", "re": id }));
    }

    /// The code with which the server closes the socket; frames before are skipped.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(Some(close)) = self.next().await {
                return close.code.into();
            }
        }
    }

    /// Closes the socket and waits until the server has done so too.
    pub async fn close(mut self) {
        within(self.stream.close(None)).await.expect("an open socket");
        while within(self.stream.next()).await.is_some_and(|received| received.is_ok()) {}
    }

    async fn next(&mut self) -> Message {
        loop {
            let received = within(self.stream.next()).await;
            match received.expect("an open socket").expect("an open socket") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }
}

/// Asks whoever listens at an address: the status and the body.
pub async fn request(address: &str, verb: &str, path: &str, authorization: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: {authorization}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        address,
        body.len()
    );
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = within(exchange).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// What a command said and how it went.
#[derive(Debug)]
pub struct Ran {
    pub succeeded: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// What a command printed that must succeed.
    #[track_caller]
    pub fn printed(self) -> String {
        assert!(self.succeeded, "{self:?}");
        self.stdout
    }

    /// The one line of a command that must fail.
    #[track_caller]
    pub fn complaint(self) -> String {
        assert!(!self.succeeded && self.stdout.is_empty() && self.stderr.lines().count() == 1, "{self:?}");
        self.stderr
    }
}

/// Runs the binary with these arguments on a test's folder, whether a server runs there or not.
pub async fn command(folder: &Path, arguments: &[&str]) -> Ran {
    let StorageConfig { folder: data, master_key_file } = config(folder).storage;
    let (data, key) = (data.display(), master_key_file.display());
    let text = format!("[storage]\nfolder = '{data}'\nmaster_key_file = '{key}'\n");
    let file = folder.join("callbox.toml");
    std::fs::write(&file, text).expect("writable");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_callbox"));
    command.args(arguments).arg("--config").arg(file).stdin(std::process::Stdio::null());
    // The server may be in this very process, and must go on.
    let output = within(tokio::task::spawn_blocking(move || command.output())).await;
    let output = output.expect("no panic").expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { succeeded: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// By which commands find the server that runs on a test's folder.
pub fn operator_file(folder: &Path) -> PathBuf {
    config(folder).storage.folder.join("operator.json")
}

/// The configuration of a server in this folder.
pub fn config(folder: &Path) -> Config {
    let master_key_file: PathBuf = folder.join("master.key");
    let storage = StorageConfig { folder: folder.join("data"), master_key_file };
    // Tests are in more of a hurry than people.
    let limits = LimitsConfig { messages_burst: 1_000, requests_burst: 1_000, ..LimitsConfig::default() };
    // Without a relay, but where a test wants one.
    let relay = RelayConfig { listen: Vec::new(), tls_listen: Vec::new(), ..RelayConfig::default() };
    Config { storage, limits, relay, ..Config::default() }
}

/// The `Authorization` header of an app's backend.
pub fn basic(app: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{app}:{secret}")))
}

/// What must not take long.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

const APP_KEY: &str = "test-app";
/// Few enough for the store's queue.
const WRITES_AT_ONCE: usize = 256;
const PATIENCE: Duration = Duration::from_secs(20);
