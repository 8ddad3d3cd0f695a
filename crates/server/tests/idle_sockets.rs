//! A thousand idle, signed-in sockets: what each costs the server in memory.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// The bar, for a release build.
const SOCKET_BYTES_MAX: u64 = 10 * 1024;

/// A debug build keeps larger futures: the compiler does not overlay what is not needed at the same time.
const DEBUG_SOCKET_BYTES_MAX: u64 = 2 * SOCKET_BYTES_MAX;

const SOCKETS: usize = 1_000;
const WARM_UP: usize = 200;
const CONNECTIONS_PER_USER: usize = 4;

#[test]
fn a_thousand_idle_sockets_cost_little() {
    let server = Server::start();
    let mut sockets = Vec::with_capacity(SOCKETS + WARM_UP);
    let mut token = String::new();
    let mut before = 0;
    for number in 0..SOCKETS + WARM_UP {
        if number == WARM_UP {
            before = server.memory();
        }
        if number % CONNECTIONS_PER_USER == 0 {
            token = server.sign_in(&format!("user-{number}"));
        }
        sockets.push(server.connect(&token, number));
    }
    let each = server.memory().saturating_sub(before) / SOCKETS as u64;
    let max = if cfg!(debug_assertions) { DEBUG_SOCKET_BYTES_MAX } else { SOCKET_BYTES_MAX };
    println!("{each} bytes for each idle socket, at most {max}");
    assert!(each <= max, "{each} bytes for each idle socket, more than {max}");
    let mut last = sockets.pop().expect("a socket");
    last.send(Message::text(json!({ "type": "ping", "id": "p" }).to_string())).expect("open");
    assert_eq!(read(&mut last)["type"], "pong", "they are all still served");
}

struct Server {
    child: Child,
    port: String,
    _folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_callbox"))
            .args(["dev", "--port", "0", "--log", "warn", "--data"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let lines = BufReader::new(child.stdout.as_mut().expect("piped")).lines();
        let address =
            lines.map_while(Result::ok).find(|line| line.trim().starts_with("Open")).expect("an address");
        let port = address.rsplit_once(':').expect("a port").1.to_owned();
        Self { child, port, _folder: folder }
    }

    /// Memory of the process that no file stands behind, in bytes (proc(5), `smaps_rollup`). The pages of the binary would
    /// count for more as other processes of it, of tests beside this one, come to their end.
    fn memory(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).expect("Linux");
        let own = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).expect("a figure");
        own.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1_024
    }

    fn tcp(&self) -> TcpStream {
        TcpStream::connect(format!("127.0.0.1:{}", self.port)).expect("it listens")
    }

    fn sign_in(&self, user: &str) -> String {
        let body = json!({ "userId": user }).to_string();
        let mut stream = self.tcp();
        let request = format!(
            "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Application demo\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        let answer: Value = serde_json::from_str(body).expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    fn connect(&self, token: &str, number: usize) -> WebSocket<TcpStream> {
        let mut request =
            format!("ws://127.0.0.1:{}/v1/socket", self.port).into_client_request().expect("valid");
        request.headers_mut().insert("sec-websocket-protocol", "callbox.v1".parse().expect("valid"));
        let (mut socket, _) = client(request, self.tcp()).expect("a socket");
        let connection = format!("connection-{number}");
        let hello = json!({ "type": "hello", "id": "1", "token": token, "connectionId": connection });
        socket.send(Message::text(hello.to_string())).expect("open");
        assert_eq!(read(&mut socket)["type"], "welcome");
        socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(socket: &mut WebSocket<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = socket.read().expect("open") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}
