//! Connections that do nothing: what they take of the server's memory, and what it costs to come back after a break.

use tokio::task::JoinSet;

use crate::BenchResult;
use crate::contender::{Connection, Contender, Pass};
use crate::scale::Scale;

/// What connections cost a server.
#[derive(Debug)]
pub(crate) struct Costs {
    pub(crate) count: usize,
    /// Of one more connection.
    pub(crate) memory: f64,
    /// CPU microseconds of a first connection, with sign-in where that belongs to it.
    pub(crate) connect: f64,
    /// CPU microseconds from the break on: TCP, whatever comes before it, proof of who it is, going on.
    pub(crate) reconnect: f64,
}

/// Connects 10,000 users, or as many as this process may hold, then breaks and resumes some of the connections.
pub(crate) async fn measure(contender: &Contender, scale: Scale) -> BenchResult<Costs> {
    let count = scale.times(CONNECTIONS, QUICK_CONNECTIONS).min(descriptors()?.saturating_sub(SPARE));
    let mut passes = contender.passes(count).await?;
    // The first ones pay for buffers and tables that all share.
    let rest = passes.split_off(count / WARM_UP_SHARE);
    let mut held = connect_all(contender, passes).await?;
    let before = contender.usage()?;
    let counted = rest.len() as f64;
    held.extend(connect_all(contender, rest).await?);
    let after = contender.usage()?;
    let broken = held.split_off(count - count / RECONNECTED_SHARE);
    let reconnected = broken.len() as f64;
    let passes = broken.into_iter().map(|(pass, _)| pass).collect();
    held.extend(connect_all(contender, passes).await?);
    let end = contender.usage()?;
    Ok(Costs {
        count,
        memory: after.memory.saturating_sub(before.memory) as f64 / counted,
        connect: after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / counted,
        reconnect: end.cpu.saturating_sub(after.cpu).as_secs_f64() * 1e6 / reconnected,
    })
}

/// Connects with each of the passes, a few at the same time.
async fn connect_all(contender: &Contender, passes: Vec<Pass>) -> BenchResult<Vec<(Pass, Connection)>> {
    let mut tasks = JoinSet::new();
    for some in passes.chunks(passes.len().div_ceil(AT_ONCE)) {
        let (mut some, door, address) = (some.to_vec(), contender.door(), contender.address().to_owned());
        tasks.spawn(async move {
            let mut connected = Vec::with_capacity(some.len());
            for mut pass in some.drain(..) {
                let connection = door.connect(&address, &mut pass).await?;
                connected.push((pass, connection));
            }
            BenchResult::Ok(connected)
        });
    }
    let mut connected = Vec::new();
    while let Some(done) = tasks.join_next().await {
        connected.extend(done??);
    }
    Ok(connected)
}

/// How many files and sockets this process, and each that it starts, may have open.
fn descriptors() -> BenchResult<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).ok_or("no limit of open files")?;
    Ok(soft.parse().unwrap_or(usize::MAX))
}

const CONNECTIONS: usize = 10_000;
const QUICK_CONNECTIONS: usize = 200;
/// Of which one in so many comes before the measurement, and one in so many breaks.
const WARM_UP_SHARE: usize = 10;
const RECONNECTED_SHARE: usize = 4;
const AT_ONCE: usize = 8;
/// Descriptors for everything else.
const SPARE: usize = 500;
