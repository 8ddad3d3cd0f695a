//! Whether the server answers over HTTP, and whether its ports are free where none runs.

use std::net::SocketAddr;

use hyper::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;

use super::finding::Finding;
use super::site::{Answer, Site, Unreachable};
use super::subject::{Local, Subject};
use crate::config::resolve;

/// The listener of this machine's server.
pub(super) async fn examine_http(subject: &Subject) -> Finding {
    const CHECK: &str = "HTTP";
    let Some((local, listen)) = subject.local.as_ref().and_then(|local| Some((local, local.listen()?)))
    else {
        return Finding::not_checked(CHECK, NO_CONFIG);
    };
    match subject.running() {
        Some(site) => judge_http(CHECK, Health::of(&site).await, &while_running(local)),
        None => judge_port(CHECK, listen, TcpListener::bind(listen).await.map(drop)),
    }
}

/// The listener of the figures.
pub(super) async fn examine_metrics(subject: &Subject) -> Finding {
    const CHECK: &str = "metrics";
    let Some(local) = &subject.local else { return Finding::not_checked(CHECK, NO_CONFIG) };
    let listen = local.config.metrics.listen.as_str();
    let Ok(address) = resolve("metrics.listen", listen) else {
        return Finding::not_checked(CHECK, "switched off: metrics.listen is empty");
    };
    if !subject.is_running {
        return judge_port(CHECK, address, TcpListener::bind(address).await.map(drop));
    }
    match Site::local(address, false).get("/metrics").await {
        Ok(answer) if answer.status == StatusCode::OK => Finding::ok(CHECK, format!("{address} answers")),
        Ok(answer) => {
            let seen = format!("{address} answers {}", answer.status);
            Finding::problem(CHECK, seen, "Another program is there: choose another port for metrics.listen.")
        }
        Err(error) => error.problem(CHECK, &while_running(local)),
    }
}

/// The server as the outside reaches it.
pub(super) async fn examine_public(site: &Site) -> Finding {
    let change = format!(
        "Let TCP port {} in at the firewall and the router, see that the name leads to this machine, and that the server or the \
         reverse proxy listens there.",
        site.port
    );
    judge_http("public HTTPS", Health::of(site).await, &change)
}

/// What a server says of its health.
struct Health {
    at: String,
    alive: Result<Answer, Unreachable>,
    ready: Option<Result<Answer, Unreachable>>,
}

impl Health {
    async fn of(site: &Site) -> Self {
        let alive = site.get("/healthz").await;
        let ready = if alive.is_ok() { Some(site.get("/readyz").await) } else { None };
        Self { at: site.authority(), alive, ready }
    }
}

fn judge_http(check: &'static str, health: Health, unreachable: &str) -> Finding {
    let Health { at, alive, ready } = health;
    let alive = match alive {
        Ok(alive) => alive,
        Err(error) => return error.problem(check, unreachable),
    };
    if alive.status != StatusCode::OK || alive.body.trim() != "ok" {
        let seen = format!("{at} answers {} to /healthz, and not as a Callbox server does", alive.status);
        let change = "Correct the address, or let the reverse proxy pass every path on to the server.";
        return Finding::problem(check, seen, change);
    }
    match ready {
        Some(Ok(answer)) if answer.status == StatusCode::OK => match answer.body.lines().nth(1) {
            None => Finding::ok(check, format!("{at} answers and is ready")),
            Some(damage) => {
                let change = "Stop the server, look after its disk, and restore a backup soon.";
                Finding::warning(check, format!("{at} answers; {damage}"), change)
            }
        },
        Some(Ok(answer)) => {
            let seen = format!("{at} answers, and is not ready{}", reason(&answer.body));
            let change = if answer.body.contains("\"media\"") { RELAY_FAILED } else { DISK_FAILED };
            Finding::problem(check, seen, change)
        }
        Some(Err(error)) => error.problem(check, unreachable),
        None => Finding::problem(check, format!("{at} does not say whether it is ready"), unreachable),
    }
}

/// What `/readyz` says besides no.
fn reason(body: &str) -> String {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let told = |value: &Value| value.as_str().map(str::to_owned);
    let details = &answer["error"]["details"];
    match (told(&details["part"]), told(&details["since"])) {
        (Some(part), Some(since)) => format!(": {part} since {since}"),
        _ => told(&answer["error"]["code"]).map_or_else(String::new, |code| format!(": {code}")),
    }
}

/// Whether a server that does not run would get its port.
pub(super) fn judge_port(check: &'static str, address: SocketAddr, bound: std::io::Result<()>) -> Finding {
    use std::io::ErrorKind;
    let Err(error) = bound else {
        return Finding::not_checked(check, format!("no server runs; {address} is free"));
    };
    match error.kind() {
        ErrorKind::AddrInUse => {
            let change = format!(
                "Stop the program that has it (ss -tulpn | grep :{}), or choose another port.",
                address.port()
            );
            Finding::problem(check, format!("{address} is taken by another program"), change)
        }
        ErrorKind::AddrNotAvailable => {
            let seen = format!("this machine does not have the address {}", address.ip());
            Finding::problem(check, seen, "Name an address of this machine, or 0.0.0.0 for all of them.")
        }
        ErrorKind::PermissionDenied => {
            Finding::not_checked(check, format!("no server runs, and this user may not try {address}"))
        }
        _ => {
            Finding::problem(check, format!("cannot listen on {address} ({error})"), "Name another address.")
        }
    }
}

fn while_running(local: &Local) -> String {
    let change = if local.is_development {
        "Name the port that 'callbox dev' was started with, by --port."
    } else {
        "A server has the data folder, but does not listen there: restart it with this configuration."
    };
    change.to_owned()
}

const DISK_FAILED: &str = "Make room on its disk or mend it; the log says what failed.";
const RELAY_FAILED: &str = "See in the log why the relay failed, and restart the server.";

/// Why nothing is known of this machine's server.
pub(super) const NO_CONFIG: &str = "only --public was given";

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::finding::Verdict;
    use super::*;

    /// What comes of these answers to `/healthz` and `/readyz`.
    fn judged(alive: (u16, &str), ready: (u16, &str)) -> Finding {
        let answer = |(status, body): (u16, &str)| Answer {
            status: StatusCode::from_u16(status).expect("valid"),
            body: body.to_owned(),
        };
        let (alive, ready) = (Ok(answer(alive)), Some(Ok(answer(ready))));
        judge_http("HTTP", Health { at: "there".into(), alive, ready }, "Open the port.")
    }

    #[test]
    fn a_server_is_well_that_answers_and_is_ready() {
        let finding = judged((200, "ok\n"), (200, "ready\n"));
        assert_eq!(finding, Finding::ok("HTTP", "there answers and is ready"));
    }

    #[test]
    fn a_server_that_is_not_ready_says_why() {
        let body = r#"{"error":{"code":"store_unavailable","message":"No.","retry":"after",
            "details":{"part":"store_writes","since":"2026-11-21T20:00:00.000Z"}}}"#;
        let finding = judged((200, "ok\n"), (503, body));
        assert!(finding.is_problem() && finding.seen.contains("store_writes since 2026"), "{finding:?}");
        let damaged = judged((200, "ok\n"), (200, "ready\ndamaged: store_data\n"));
        assert!(matches!(damaged.verdict, Verdict::Warning { .. }) && damaged.seen.contains("store_data"));
    }

    #[test]
    fn what_does_not_answer_as_a_server_is_told() {
        let refused = Unreachable::Refused { at: "there".into() };
        let silent = Health { at: "there".into(), alive: Err(refused), ready: None };
        let finding = judge_http("HTTP", silent, "Open the port.");
        assert_eq!(finding, Finding::problem("HTTP", "nobody listens at there", "Open the port."));
        let unknown = Unreachable::NoAddress { host: "there".into(), reason: "unknown".into() };
        let unknown = Health { at: "there".into(), alive: Err(unknown), ready: None };
        let finding = judge_http("HTTP", unknown, "Open the port.");
        assert!(finding.is_problem() && finding.change().is_some_and(|change| change.contains("DNS")));
        for (status, body) in [(404, "ok\n"), (200, "<html>")] {
            let finding = judged((status, body), (200, "ready\n"));
            assert!(finding.is_problem() && finding.seen.contains("not as a Callbox server"), "{finding:?}");
        }
    }

    #[test]
    fn a_port_is_tried_where_no_server_runs() {
        let address: SocketAddr = "127.0.0.1:8080".parse().expect("valid");
        let judged = |bound| judge_port("HTTP", address, bound);
        assert_eq!(judged(Ok(())).verdict, Verdict::NotChecked);
        let taken = judged(Err(io::ErrorKind::AddrInUse.into()));
        assert!(taken.is_problem() && taken.change().is_some_and(|change| change.contains(":8080")));
        assert!(judged(Err(io::ErrorKind::AddrNotAvailable.into())).is_problem());
        assert_eq!(judged(Err(io::ErrorKind::PermissionDenied.into())).verdict, Verdict::NotChecked);
    }
}
