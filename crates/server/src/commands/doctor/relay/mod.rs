//! The relay, the way that calls go: two sides that both relay, and send to each other.

mod judge;
mod line;
mod ports;
mod side;

use std::fmt;
use std::net::SocketAddr;

use callbox_domain::random::random_text;
use callbox_domain::{Clock, Secret};
use callbox_service::MasterKey;
use callbox_service::calls::relay_key;
use callbox_turn_proto::credential::Credential;
use futures_util::future::join_all;

use self::judge::{Scene, judge, judge_stun, judge_together};
use self::side::{Side, Told};
use super::finding::Finding;
use super::site::{Site, Unreachable, reachable};
use super::subject::{Local, Subject};
use crate::relay::shares_tcp;
use crate::system::SystemRandom;

/// How a relay is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Udp,
    Tcp,
    Tls,
    /// By TLS, on the port of HTTPS.
    Https,
}

/// Where a relay may be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    way: Way,
    host: String,
    port: u16,
}

/// What opens the relay.
struct Pass {
    username: String,
    password: Secret<String>,
}

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
enum Tried {
    /// Two allocations, and data went from one to the other and back.
    Relayed { relayed: SocketAddr },
    /// It answers, and asks for a credential, which is as it should be for those who have none.
    AsksForCredential,
    /// It answers, and does not do what it was asked to.
    Refused { step: &'static str, code: u16 },
    /// Two allocations, and data was lost between them.
    Lost,
    /// Nothing that is a relay.
    Unreachable(Unreachable),
}

/// What STUN says.
#[derive(Debug, PartialEq, Eq)]
enum Mapping {
    /// The address that the server sees, and that of the socket which asked.
    Mapped { mapped: SocketAddr, own: Option<SocketAddr> },
    /// Nothing that is a STUN server.
    Unreachable(Unreachable),
}

/// Looks for a relay at a name, on the ports that are usual.
pub(super) async fn examine_outside(site: &Site) -> Vec<Finding> {
    let target = |way, port| Target { way, host: site.host.clone(), port };
    let mut targets =
        vec![target(Way::Udp, STUN_PORT), target(Way::Tcp, STUN_PORT), target(Way::Tls, STUNS_PORT)];
    if site.is_tls {
        targets.push(target(Way::Https, site.port));
    }
    let mut findings = examine_targets(&targets, None, Scene::Outside).await;
    findings.push(Finding::not_checked(
        "relayed media",
        "needs the master key: run the doctor on the server too",
    ));
    judge_together(findings)
}

/// Looks at the relay of this machine's server: at its own addresses, or under the public name.
pub(super) async fn examine(subject: &Subject, clock: &dyn Clock) -> Vec<Finding> {
    let Some(local) = &subject.local else { return Vec::new() };
    let relay = &local.config.relay;
    if !relay.is_wanted() {
        return vec![Finding::not_checked(
            "relay",
            "switched off: relay.listen and relay.tls_listen are empty",
        )];
    }
    if !subject.is_running {
        return ports::examine(local).await;
    }
    let Some(master_key) = &subject.master_key else {
        return vec![Finding::not_checked("relay", "the master key, which makes credentials, is not good")];
    };
    let pass = Pass::new(master_key, clock);
    let scene = if local.is_development { Scene::Development } else { Scene::Operator };
    examine_targets(&targets(local, subject.public.as_ref()), Some(&pass), scene).await
}

/// Every way to the relay that clients are told of.
fn targets(local: &Local, public: Option<&Site>) -> Vec<Target> {
    let relay = &local.config.relay;
    let target = |way, listen: SocketAddr| {
        let host = match public {
            Some(_) if !relay.host.is_empty() => relay.host.clone(),
            Some(site) => site.host.clone(),
            None => reachable(listen).ip().to_string(),
        };
        Target { way, host, port: listen.port() }
    };
    let of = |way, listen: Vec<SocketAddr>| listen.into_iter().map(move |address| target(way, address));
    let mut targets: Vec<_> = of(Way::Udp, listen(local)).chain(of(Way::Tcp, tcp_listen(local))).collect();
    let tls_listen = relay.tls_listen_addresses().unwrap_or_default();
    if local.has_relay_certificate() {
        targets.extend(tls_listen.first().map(|address| target(Way::Tls, *address)));
    }
    if let Some(site) = public.filter(|site| site.is_tls) {
        targets.push(Target { way: Way::Https, host: site.host.clone(), port: site.port });
    } else if let Some(address) = local.listen().filter(|_| local.config.tls.cert.is_some()) {
        targets.push(target(Way::Https, address));
    }
    targets
}

/// Where it listens for UDP.
fn listen(local: &Local) -> Vec<SocketAddr> {
    one_for_each_port(local.config.relay.listen_addresses().unwrap_or_default())
}

/// Where it listens for TCP: a port that HTTP has is the relay's for UDP alone, and by name clients come to either.
fn tcp_listen(local: &Local) -> Vec<SocketAddr> {
    let all = local.config.relay.listen_addresses().unwrap_or_default();
    let http = local.listen().filter(|http| all.iter().any(|address| shares_tcp(*address, *http)));
    let mut listen = listen(local);
    listen.retain(|address| http.is_none_or(|http| http.port() != address.port()));
    listen
}

/// The first address of each port, in their order: families share their ports.
fn one_for_each_port(listen: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut first: Vec<SocketAddr> = Vec::new();
    for address in listen {
        if first.iter().all(|known| known.port() != address.port()) {
            first.push(address);
        }
    }
    first
}

/// Asks the first target of UDP for its mapping, and tries all, each beside the others.
async fn examine_targets(targets: &[Target], pass: Option<&Pass>, scene: Scene) -> Vec<Finding> {
    let stun = async {
        let target = targets.iter().find(|target| target.way == Way::Udp)?;
        Some(judge_stun(target, ask_stun(target).await))
    };
    let ways =
        join_all(targets.iter().map(async |target| judge(target, try_relay(target, pass).await, scene)));
    let (stun, ways) = tokio::join!(stun, ways);
    stun.into_iter().chain(ways).collect()
}

impl Way {
    /// The name of its check.
    fn check(self) -> &'static str {
        match self {
            Self::Udp => "relay over UDP",
            Self::Tcp => "relay over TCP",
            Self::Tls => "relay over TLS",
            Self::Https => "relay on HTTPS port",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

impl Pass {
    /// A credential such as a client gets, of no session and for no call that there is.
    fn new(master_key: &MasterKey, clock: &dyn Clock) -> Self {
        // Quotas are by call: two doctors at once must not stand in each other's way.
        let call = random_text(&SystemRandom, CALL_BYTES);
        let credential = Credential::new(clock.now(), "doctor", &call);
        Self { username: credential.username(), password: credential.password(&relay_key(master_key)) }
    }
}

/// Asks a server which address it sees.
async fn ask_stun(target: &Target) -> Mapping {
    let mapped = async {
        let mut side = Side::open(target, None).await?;
        Ok((side.bind().await?, side.own_address()))
    };
    match mapped.await {
        Ok((Told::Mapped(mapped), own)) => Mapping::Mapped { mapped, own },
        Ok(_) => Mapping::Unreachable(Unreachable::NoTurn { at: target.to_string() }),
        Err(error) => Mapping::Unreachable(error),
    }
}

/// Relays from one side to another and back, or, without a pass, sees whether a relay is there.
async fn try_relay(target: &Target, pass: Option<&Pass>) -> Tried {
    relayed(target, pass).await.unwrap_or_else(Tried::Unreachable)
}

async fn relayed(target: &Target, pass: Option<&Pass>) -> Result<Tried, Unreachable> {
    let mut first = Side::open(target, pass).await?;
    let near = match first.allocate().await? {
        Told::Allocated { relayed, .. } => relayed,
        other => return Ok(instead("an allocation", other)),
    };
    let mut second = Side::open(target, pass).await?;
    let far = match second.allocate().await? {
        Told::Allocated { relayed, .. } => relayed,
        other => return Ok(instead("a second allocation", other)),
    };
    for (side, peer) in [(&mut first, far), (&mut second, near)] {
        match side.permit(peer).await? {
            Told::Done => {}
            other => return Ok(instead("a permission", other)),
        }
    }
    let there = first.send_to(&mut second, far, near).await;
    let back = second.send_to(&mut first, near, far).await;
    first.close().await;
    second.close().await;
    match there.and(back) {
        Ok(()) => Ok(Tried::Relayed { relayed: near }),
        Err(Unreachable::Silent { .. }) => Ok(Tried::Lost),
        Err(error) => Err(error),
    }
}

fn instead(step: &'static str, told: Told) -> Tried {
    match told {
        Told::AsksForCredential => Tried::AsksForCredential,
        Told::Refused(code) => Tried::Refused { step, code },
        Told::Mapped(_) | Told::Allocated { .. } | Told::Done => Tried::Refused { step, code: 0 },
    }
}

/// STUN and TURN over UDP and TCP (RFC 8656, section 18.6).
const STUN_PORT: u16 = 3478;
/// The same over TLS.
const STUNS_PORT: u16 = 5349;
const CALL_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_port_that_http_has_is_looked_at_over_udp_alone() {
        for http in ["0.0.0.0:443", "[::]:443"] {
            let text = format!(
                "[server]\nlisten = \"{http}\"\n[relay]\nlisten = [\"0.0.0.0:3478\", \"0.0.0.0:443\", \"[::]:443\"]"
            );
            let config = Config::parse(&text, []).expect("good");
            let local = Local { config, is_development: false };
            let ports = |way| {
                let targets = targets(&local, None);
                targets
                    .iter()
                    .filter(|target| target.way == way)
                    .map(|target| target.port)
                    .collect::<Vec<_>>()
            };
            assert_eq!(ports(Way::Udp), [3478, 443], "{http}");
            assert_eq!(ports(Way::Tcp), [3478], "{http}");
        }
    }
}
