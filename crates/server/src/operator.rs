//! The operator's own listener, and the file by which whoever reads the data folder finds it.
//!
//! It is plain HTTP on loopback, on a port that the system picks. So the public listener does not know the operator's
//! operations at all, whatever stands in front of it; a command reaches its server without asking which certificate
//! that has; and what travels never leaves the machine. Loopback is open to every user of the machine, which is why
//! there is a token, made anew by each start: one in a file that a crash left behind opens nothing.

use std::fs;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use axum::Router;
use callbox_domain::Random;
use callbox_service::Service;
use callbox_service::audit::Actor;
use callbox_service::operator::OperatorToken;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::StartError;
use crate::data_folder::write_private;

/// What a command needs to reach the server that runs on a data folder.
#[derive(Serialize, Deserialize)]
pub(crate) struct OperatorFile {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Opens the operator API.
    pub(crate) token: String,
}

impl OperatorFile {
    /// The file in a data folder, where there is one. Whether a server runs there says only the folder's lock.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(folder.join(FILE)).ok()?).ok()
    }

    /// Under its name there is always a whole file: it is written under another and then renamed.
    fn write(&self, folder: &Path) -> io::Result<()> {
        let unfinished = folder.join(UNFINISHED_FILE);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let text = serde_json::to_string(self).map_err(io::Error::other)?;
        write_private(&unfinished, text.as_bytes())?;
        fs::rename(unfinished, folder.join(FILE))
    }
}

/// An open listener, whose file goes when this does.
pub(crate) struct OperatorListener {
    listener: TcpListener,
    file: PathBuf,
}

impl OperatorListener {
    /// Listens, and says where in a data folder that this process has locked. Whoever asks waits until it is served.
    pub(crate) fn open(folder: &Path, random: &dyn Random, service: &Service) -> Result<Self, StartError> {
        let failed = |error: io::Error| {
            StartError::Other(format!("cannot listen for the operator's commands on loopback: {error}"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let token = OperatorToken::generate(random);
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        OperatorFile { url, token: token.expose().to_owned() }
            .write(folder)
            .map_err(|error| StartError::Folder { path: folder.to_owned(), error })?;
        service.admit_operator(&token, Actor::Operator);
        Ok(Self { listener, file: folder.join(FILE) })
    }

    /// Serves the operator's operations until `stopped`.
    pub(crate) fn serve(
        &self,
        router: Router,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> Result<JoinHandle<io::Result<()>>, StartError> {
        let listener = self.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
        let listener = listener.map_err(|error| StartError::Other(error.to_string()))?;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        Ok(tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(stopped).into_future()))
    }
}

impl Drop for OperatorListener {
    fn drop(&mut self) {
        // What stays behind is stale and opens nothing.
        let _ = fs::remove_file(&self.file);
    }
}

const FILE: &str = "operator.json";
const UNFINISHED_FILE: &str = "operator.json.unfinished";
