//! How a command asks for one of the operator's operations: the server that runs on the data folder, over its loopback
//! listener, or, where none runs, the very same routes inside this process. Each command is written once.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use callbox_service::audit::Actor;
use callbox_service::operator::OperatorToken;
use callbox_wire::ErrorAnswer;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::open_service;
use crate::config::StorageConfig;
use crate::data_folder::{self, Access, DataFolder, StartError};
use crate::operator::OperatorFile;
use crate::system::SystemRandom;

/// Who answers.
pub(super) struct Operations {
    door: Door,
    token: String,
}

enum Door {
    /// The server that has the folder, at this address.
    Running(String),
    /// This process has the folder, or looks into it.
    Stopped(Router, Box<DataFolder>),
}

impl Operations {
    /// Finds out who has the data folder. `access` is what the command wants of it where no server has it.
    pub(super) fn open(storage: &StorageConfig, access: Access) -> Result<Self, StartError> {
        if let Some(running) = Self::of_running(storage)? {
            return Ok(running);
        }
        let (service, folder) = open_service(storage, access)?;
        let token = OperatorToken::generate(&SystemRandom);
        service.admit_operator(&token, Actor::CommandLine);
        let service = std::sync::Arc::new(service);
        let (router, _) = callbox_http_api::operator_routes(service.clone()).split_for_parts();
        let router = callbox_http_api::wrap(router, service);
        Ok(Self { door: Door::Stopped(router, Box::new(folder)), token: token.expose().to_owned() })
    }

    /// The server that has the data folder, if one does. Nothing is opened.
    pub(super) fn of_running(storage: &StorageConfig) -> Result<Option<Self>, StartError> {
        if !data_folder::is_in_use(&storage.folder)? {
            return Ok(None);
        }
        let busy = || StartError::Other(busy(storage));
        let OperatorFile { url, token } = OperatorFile::read(&storage.folder).ok_or_else(busy)?;
        let address = url.strip_prefix("http://").ok_or_else(busy)?.to_owned();
        Ok(Some(Self { door: Door::Running(address), token }))
    }

    /// Asks for something.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, StartError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Changes something.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, StartError> {
        let body = serde_json::to_vec(body).map_err(|error| StartError::Other(error.to_string()))?;
        self.ask(method, path, body.into()).await
    }

    /// Closes the database, where this process has it.
    pub(super) fn close(self) {
        if let Door::Stopped(_, folder) = self.door {
            folder.store.close();
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, StartError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| StartError::Other(error.to_string()))?;
        let (status, body) = match &self.door {
            Door::Running(address) => over_loopback(address, request).await?,
            Door::Stopped(router, _) => {
                let Ok(response) = router.clone().oneshot(request).await;
                whole(response).await?
            }
        };
        understand(status, &body)
    }
}

/// A text as one part of a path or a value of a query (RFC 3986, section 2.1).
pub(super) fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// One exchange with a running server.
async fn over_loopback(address: &str, request: Request<Body>) -> Result<(StatusCode, Bytes), StartError> {
    let exchange = async {
        let stream = TcpStream::connect(address).await.map_err(no_answer)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
        // Ends with this exchange, however that ends.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        whole(sender.send_request(request).await.map_err(no_answer)?).await
    };
    tokio::time::timeout(TIME_MAX, exchange).await.unwrap_or_else(|elapsed| Err(no_answer(elapsed)))
}

async fn whole<B>(response: Response<B>) -> Result<(StatusCode, Bytes), StartError>
where
    B: hyper::body::Body,
    B::Error: std::fmt::Display,
{
    let status = response.status();
    let body = response.into_body().collect().await.map_err(no_answer)?;
    Ok((status, body.to_bytes()))
}

/// What the server answered, or its refusal as one line.
fn understand<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, StartError> {
    if status == StatusCode::NO_CONTENT {
        return serde_json::from_value(Value::Null).map_err(no_answer);
    }
    if status.is_success() {
        return serde_json::from_slice(body).map_err(no_answer);
    }
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(answer) => Err(StartError::Other(answer.error.message)),
        Err(_) => Err(no_answer(status)),
    }
}

fn no_answer(reason: impl std::fmt::Display) -> StartError {
    StartError::Other(format!(
        "the server that runs on this data folder does not answer ({reason}); it may be starting or stopping: try again in a moment"
    ))
}

fn busy(storage: &StorageConfig) -> String {
    format!(
        "the data folder {} is in use, and not by a server that takes commands; a server may be starting or stopping, or another \
         command be at work: try again in a moment",
        storage.folder.display()
    )
}

/// For all of it. Ending the sessions of a large app takes a while.
const TIME_MAX: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_user_is_called_stays_one_part_of_a_path() {
        assert_eq!(percent_encoded("ann-2_b.c~"), "ann-2_b.c~");
        assert_eq!(percent_encoded("a/b?c=d&e#f%20ü"), "a%2Fb%3Fc%3Dd%26e%23f%2520%C3%BC");
    }
}
