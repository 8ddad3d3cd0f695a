//! Whether a WebSocket gets through, to whatever stands in front of the server and to the server itself.

use callbox_wire::frame::SUBPROTOCOL;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::{StatusCode, header};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

use super::finding::Finding;
use super::site::{HTTP, Site, Unreachable, in_time};

/// Opens a WebSocket as a client does, and sends a ping over it.
pub(super) async fn examine(check: &'static str, site: &Site) -> Finding {
    judge(check, &site.authority(), tried(site).await)
}

/// What became of a WebSocket.
#[derive(Debug)]
enum Tried {
    /// It opened, and a ping came back.
    Works,
    /// It opened, and nothing came back.
    Mute,
    /// It was answered as a plain request.
    NotUpgraded(StatusCode),
    /// It opened for another protocol.
    OtherProtocol,
    /// Something else went wrong.
    Failed(String),
}

async fn tried(site: &Site) -> Tried {
    let at = site.authority();
    let connection = match site.connect(Some(HTTP)).await {
        Ok(connection) => connection,
        Err(error) => return Tried::Failed(error.to_string()),
    };
    // The scheme only names the default port here: the stream is already what it is.
    let request = format!("ws://{at}{}", site.path("/v1/socket")).into_client_request();
    let Ok(mut request) = request else { return Tried::Failed(format!("{at} cannot stand in an address")) };
    let protocol = header::HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    let opening = async { Ok(client_async(request, connection.stream).await) };
    let mut socket = match in_time(&at, opening).await {
        Err(error) => return Tried::Failed(error.to_string()),
        Ok(Err(tungstenite::Error::Http(answer))) => return Tried::NotUpgraded(answer.status()),
        Ok(Err(tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::SecWebSocketSubProtocolError(_),
        ))) => return Tried::OtherProtocol,
        Ok(Err(error)) => return Tried::Failed(error.to_string()),
        Ok(Ok((socket, _))) => socket,
    };
    let echo = async {
        let gone = |_| Unreachable::Silent { at: at.clone() };
        socket.send(Message::Ping(Bytes::from_static(PING))).await.map_err(gone)?;
        while let Some(Ok(message)) = socket.next().await {
            if message == Message::Pong(Bytes::from_static(PING)) {
                return Ok(());
            }
        }
        Err(Unreachable::Silent { at: at.clone() })
    };
    if in_time(&at, echo).await.is_ok() { Tried::Works } else { Tried::Mute }
}

fn judge(check: &'static str, at: &str, tried: Tried) -> Finding {
    match tried {
        Tried::Works => Finding::ok(check, format!("{at} takes WebSockets")),
        Tried::Mute => {
            let seen = format!("{at} opens a WebSocket, and then nothing gets through");
            Finding::problem(check, seen, "Let the proxy pass WebSockets on without holding data back.")
        }
        Tried::NotUpgraded(status) if status.is_server_error() => {
            let seen = format!("{at} answers a WebSocket with {status}");
            let change = "See that the server runs, and that the proxy in front leads to server.listen.";
            Finding::problem(check, seen, change)
        }
        Tried::NotUpgraded(status) => {
            let seen = format!("{at} answers a WebSocket with {status}: a proxy does not pass upgrades");
            Finding::problem(check, seen, PASS_UPGRADES)
        }
        Tried::OtherProtocol => {
            let seen = format!(
                "{at} does not speak {SUBPROTOCOL}: a proxy drops headers, or it is no Callbox server"
            );
            Finding::problem(check, seen, PASS_UPGRADES)
        }
        Tried::Failed(reason) => {
            Finding::problem(check, reason, "See what HTTP says above; WebSockets take the same way.")
        }
    }
}

const PASS_UPGRADES: &str = "Let the reverse proxy speak HTTP/1.1 to the server and pass Upgrade, Connection and \
                             Sec-WebSocket-Protocol on; docs/operations.md has it for nginx under TLS.";
const PING: &[u8] = b"doctor";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_says_what_to_change() {
        assert_eq!(
            judge("WebSocket", "there", Tried::Works),
            Finding::ok("WebSocket", "there takes WebSockets")
        );
        for (tried, change) in [
            (Tried::Mute, "proxy"),
            (Tried::NotUpgraded(StatusCode::UPGRADE_REQUIRED), "Upgrade"),
            (Tried::NotUpgraded(StatusCode::OK), "Upgrade"),
            (Tried::NotUpgraded(StatusCode::BAD_GATEWAY), "server.listen"),
            (Tried::OtherProtocol, "Sec-WebSocket-Protocol"),
            (Tried::Failed("no".into()), "HTTP"),
        ] {
            let finding = judge("WebSocket", "there", tried);
            assert!(finding.is_problem(), "{finding:?}");
            assert!(finding.change().is_some_and(|text| text.contains(change)), "{finding:?}");
        }
    }
}
