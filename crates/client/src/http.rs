//! The REST side of the server.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::error::{Error, Refusal};
use crate::server::{Server, network};

/// Asks, with an `Authorization` header and a JSON body or none; each time on a connection of its own, for what travels
/// often travels over the socket.
pub(crate) async fn ask<Answer: DeserializeOwned>(
    server: &Server,
    method: Method,
    path: &str,
    authorization: &str,
    body: Option<&(impl Serialize + Sync)>,
) -> Result<Answer, Error> {
    let body = body.map(|body| serde_json::to_vec(body).expect("bodies are plain data")).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(server.path(path))
        .header(header::HOST, &server.authority)
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| Error::Invalid("this cannot stand in a header or an address".to_owned()))?;
    let (status, retry_after, bytes) =
        tokio::time::timeout(TIME_MAX, exchange(server, request)).await.map_err(|_| Error::Timeout)??;
    // An answer without a body is JSON's `null`.
    let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    match serde_json::from_slice(bytes) {
        Ok(answer) if status.is_success() => Ok(answer),
        _ => Err(refusal(status, retry_after, bytes)),
    }
}

async fn exchange(
    server: &Server,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Option<u64>, Bytes), Error> {
    let stream = TokioIo::new(server.connect().await?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(network)?;
    // Ends with this exchange, however that ends.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await.map_err(network)?;
    let retry_after = answer.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let status = answer.status();
    let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await.map_err(network)?;
    Ok((status, retry_after, body.to_bytes()))
}

fn refusal(status: StatusCode, retry_after: Option<u64>, body: &[u8]) -> Error {
    match serde_json::from_slice(body) {
        Ok(Problem { error: mut refusal }) => {
            if let Some(seconds) = retry_after {
                refusal.details.entry("retryAfterSeconds").or_insert_with(|| seconds.into());
            }
            refusal.into()
        }
        // A proxy's page, or an address where no Callbox server is.
        Err(_) => Error::Network(format!("it answered {status}, and not as a Callbox server does")),
    }
}

#[derive(Deserialize)]
struct Problem {
    error: Refusal,
}

const TIME_MAX: Duration = Duration::from_secs(20);
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
