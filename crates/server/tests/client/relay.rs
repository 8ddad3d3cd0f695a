//! An address that stays the same while the server behind it is killed and started again at another one.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Forwards connections to whichever server is behind it; refuses them while there is none.
pub struct Relay {
    /// The address, as clients are told it.
    pub url: String,
    target: Arc<Mutex<Option<String>>>,
    _serving: JoinSet<()>,
}

impl Relay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let target = Arc::new(Mutex::new(None));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&target)));
        Self { url, target, _serving: serving }
    }

    /// The server at this address is behind it from now on.
    pub fn lead_to(&self, address: Option<String>) {
        *self.target.lock().expect("not poisoned") = address;
    }
}

async fn serve(listener: TcpListener, target: Arc<Mutex<Option<String>>>) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let Some(address) = target.lock().expect("not poisoned").clone() else { continue };
        connections.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(address).await {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
