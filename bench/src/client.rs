//! As little client as a load needs: HTTP/1.1 over one connection, and a signed-in socket.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::BenchResult;

/// One HTTP connection, used again for each request.
pub(crate) struct Http {
    stream: TcpStream,
    address: String,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(address: &str) -> BenchResult<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address: address.to_owned(), buffer: Vec::new() })
    }

    /// `POST`s JSON and returns the JSON of the answer, which must be a success.
    pub(crate) async fn post(&mut self, path: &str, authorization: &str, body: &Value) -> BenchResult<Value> {
        match self.send("POST", path, authorization, &body.to_string()).await? {
            [] => Ok(Value::Null),
            answer => Ok(serde_json::from_slice(answer)?),
        }
    }

    /// `GET`s, which must be a success.
    pub(crate) async fn get(&mut self, path: &str) -> BenchResult<()> {
        self.send("GET", path, "", "").await.map(drop)
    }

    /// `GET`s by a token and returns the JSON of the answer, which must be a success.
    pub(crate) async fn read(&mut self, path: &str, authorization: &str) -> BenchResult<Value> {
        Ok(serde_json::from_slice(self.send("GET", path, authorization, "").await?)?)
    }

    /// `DELETE`s, which must be a success.
    pub(crate) async fn delete(&mut self, path: &str, authorization: &str) -> BenchResult<()> {
        self.send("DELETE", path, authorization, "").await.map(drop)
    }

    async fn send(&mut self, verb: &str, path: &str, authorization: &str, body: &str) -> BenchResult<&[u8]> {
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.answer().await
    }

    /// The body of the answer, which must be a success.
    async fn answer(&mut self) -> BenchResult<&[u8]> {
        self.buffer.clear();
        loop {
            let mut chunk = [0; 4_096];
            let count = self.stream.read(&mut chunk).await?;
            if count == 0 {
                return Err("the server closed the connection".into());
            }
            self.buffer.extend_from_slice(&chunk[..count]);
            let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            // Only an answer that has no body does not say how long it is.
            let length: usize = length.unwrap_or("0").trim().parse()?;
            if self.buffer.len() < end + 4 + length {
                continue;
            }
            if !head.starts_with("http/1.1 2") {
                return Err(String::from_utf8_lossy(&self.buffer).into_owned().into());
            }
            return Ok(&self.buffer[end + 4..]);
        }
    }

    /// Signs in as any user and returns the session's token.
    pub(crate) async fn sign_in(&mut self, user: &str) -> BenchResult<String> {
        let answer = self.post("/v1/sessions", "Application demo", &json!({ "userId": user })).await?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }
}

/// A socket that has said hello and was welcomed.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn connect(address: &str, token: &str, connection: &str) -> BenchResult<Self> {
        let hello = json!({ "type": "hello", "id": "hello", "token": token, "connectionId": connection });
        Ok(Self::open(address, &hello).await?.0)
    }

    /// Connects, says this hello and returns the welcome too.
    pub(crate) async fn open(address: &str, hello: &Value) -> BenchResult<(Self, Value)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{address}/v1/socket").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "callbox.v1".parse()?);
        // Small, because thousands of these stand beside the server under test.
        let config = WebSocketConfig::default().read_buffer_size(4_096).write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await?;
        let mut socket = Self(stream);
        socket.send(hello).await?;
        let welcome = socket.receive().await?;
        if welcome["type"] == "welcome" {
            Ok((socket, welcome))
        } else {
            Err(format!("no welcome: {welcome}").into())
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> BenchResult<()> {
        self.send_text(frame.to_string()).await
    }

    pub(crate) async fn send_text(&mut self, frame: String) -> BenchResult<()> {
        Ok(self.0.send(Message::Text(frame.into())).await?)
    }

    /// Waits until the server closes the socket; frames before are skipped.
    pub(crate) async fn closed(&mut self) {
        while let Some(Ok(message)) = self.0.next().await {
            if message.is_close() {
                return;
            }
        }
    }

    /// The next frame; protocol pings are answered on the way.
    pub(crate) async fn receive(&mut self) -> BenchResult<Value> {
        Ok(serde_json::from_str(&self.receive_text().await?)?)
    }

    /// The next frame as it came. Nothing is lost when this is dropped before it is done.
    pub(crate) async fn receive_text(&mut self) -> BenchResult<Utf8Bytes> {
        loop {
            match self.0.next().await.ok_or("the server closed the socket")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(frame) => {
                    return Err(format!("the server closed the socket: {frame:?}").into());
                }
                _ => {}
            }
        }
    }
}
