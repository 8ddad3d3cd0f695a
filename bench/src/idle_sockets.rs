//! Memory of the server for each idle, signed-in socket.

use crate::BenchResult;
use crate::client::{Http, Socket};
use crate::report::{Bar, Figure};
use crate::server::Server;

/// Opens 9,000 sockets of 2,250 users, four connections each.
pub(crate) async fn measure() -> BenchResult<Vec<Figure>> {
    let server = Server::start().await?;
    let mut http = Http::connect(&server.address).await?;
    let mut tokens = Vec::new();
    for user in 0..SOCKETS / CONNECTIONS_PER_USER {
        tokens.push(http.sign_in(&format!("user-{user}")).await?);
    }
    let mut sockets = Vec::with_capacity(SOCKETS);
    // The first ones pay for buffers and tables that all share.
    let mut before = server.usage()?;
    let began = server.usage()?.cpu;
    for number in 0..SOCKETS {
        let token = &tokens[number / CONNECTIONS_PER_USER];
        sockets.push(Socket::connect(&server.address, token, &format!("connection-{number}")).await?);
        if number + 1 == WARM_UP {
            before = server.usage()?;
        }
    }
    let after = server.usage()?;
    let counted = (SOCKETS - WARM_UP) as f64;
    let bytes = after.memory.saturating_sub(before.memory) as f64 / counted;
    let cpu = after.cpu.saturating_sub(began).as_secs_f64() * 1e6 / SOCKETS as f64;
    Ok(vec![
        Figure::new("memory per idle signed-in socket", bytes / 1024.0, "KiB", Some(Bar::AtMost(10.0))),
        Figure::new("connect, upgrade, hello, welcome: server CPU", cpu, "µs", Some(Bar::AtMost(250.0))),
        Figure::new("sockets held", SOCKETS as f64, "", None),
    ])
}

const SOCKETS: usize = 9_000;
const CONNECTIONS_PER_USER: usize = 4;
const WARM_UP: usize = 1_000;
