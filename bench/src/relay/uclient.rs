//! coturn's load generator, `turnutils_uclient`, and the peer that sends everything back, `turnutils_peer`: the same client
//! for every relay.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::contender::Relay;
use crate::BenchResult;
use crate::rivals::free_port;
use crate::scale::Scale;

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) name: &'static str,
    flags: &'static [&'static str],
}

/// In the order in which they are measured.
pub(super) const WAYS: [Way; 4] = [
    Way { name: "UDP, channels", flags: &[] },
    Way { name: "UDP, indications", flags: &["-s"] },
    Way { name: "TCP, channels", flags: &["-t"] },
    Way { name: "UDP, channels, from relay address to relay address", flags: &["-y"] },
];

/// What became of a load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    /// Packets that the relay took from clients for peers, and from peers for clients.
    pub(super) relayed: u64,
    pub(super) lost: u64,
    /// Of the relay.
    pub(super) cpu: Duration,
}

impl Outcome {
    pub(super) fn cpu_per_packet(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.relayed as f64
    }
}

/// Whether both programs are here: they come with coturn.
pub(super) async fn is_installed() -> bool {
    // Without an address it tells how it is used.
    let mut command = Command::new("turnutils_uclient");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok()
}

/// Lets clients send packets through a relay, each of which comes back.
pub(super) async fn run(relay: &Relay, way: Way, scale: Scale) -> BenchResult<Outcome> {
    let port = free_port()?;
    let _peer = peer(port)?;
    let mut command = Command::new("turnutils_uclient");
    command
        .args(["-c", "-e", "127.0.0.1", "-r", &port.to_string(), "-p", &relay.address.port().to_string()])
        .args(["-u", &relay.username, "-w", &relay.password])
        .args(["-m", CLIENTS, "-z", MILLISECONDS_BETWEEN, "-l", PACKET_BYTES])
        .args(["-n", &scale.times(PACKETS_EACH, QUICK_PACKETS_EACH).to_string()])
        .args(way.flags)
        .arg(relay.address.ip().to_string())
        .kill_on_drop(true);
    let before = relay.usage()?.cpu;
    let output = tokio::time::timeout(TIME_MAX, command.output()).await.map_err(|_| "the load hangs")??;
    let cpu = relay.usage()?.cpu.saturating_sub(before);
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let (sent, received) =
        counts(&said).filter(|_| output.status.success()).ok_or_else(|| format!("{way:?}: {said}"))?;
    Ok(Outcome { relayed: sent + received, lost: sent.saturating_sub(received), cpu })
}

fn peer(port: u16) -> BenchResult<Child> {
    let mut command = Command::new("turnutils_peer");
    command.args(["-L", "127.0.0.1", "-p", &port.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(command.spawn()?)
}

/// Reads the closing `tot_send_msgs=100000, tot_recv_msgs=100000`.
fn counts(said: &str) -> Option<(u64, u64)> {
    let (_, last) = said.rsplit_once("tot_send_msgs=")?;
    let (sent, rest) = last.split_once(", tot_recv_msgs=")?;
    let received = rest.split(|end: char| !end.is_ascii_digit()).next()?;
    Some((sent.parse().ok()?, received.parse().ok()?))
}

pub(super) const CLIENTS: &str = "50";
/// About as much as a voice packet.
pub(super) const PACKET_BYTES: &str = "100";
/// Of one client.
pub(super) const MILLISECONDS_BETWEEN: &str = "2";
const PACKETS_EACH: usize = 2_000;
const QUICK_PACKETS_EACH: usize = 100;
const TIME_MAX: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_counts_are_read() {
        let said = "4: : start_mclient: msz=2, tot_send_msgs=50, tot_recv_msgs=49, tot_send_bytes ~ 5000\n\
                    6: : start_mclient: tot_send_msgs=100, tot_recv_msgs=99\n\
                    6: : start_mclient: tot_send_bytes ~ 10000, tot_recv_bytes ~ 9900\n";
        assert_eq!(counts(said), Some((100, 99)));
        assert_eq!(counts("0: : ERROR: Cannot complete Allocation"), None);
    }
}
