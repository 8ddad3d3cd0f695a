//! One load for every server: pairs of users of whom one writes and the other reads, confirms and so makes receipts.
//!
//! The end of a message is the same everywhere: the server says that it has it (Callbox's `message.accepted`, XMPP's
//! `<a/>`), the reader has it, and the writer has the reader's receipt. Only then does a load count as done.

pub(crate) mod callbox;
pub(crate) mod sdk;
pub(crate) mod xmpp;

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use crate::BenchResult;
use crate::process::{self, Usage};
use crate::timing::now;

/// One end of a pair: a connection of a user, whatever the server.
pub(crate) trait Peer: Send + 'static {
    /// Writes to the other end. Messages are numbered from 1.
    fn send(&mut self, number: u64, text: &str) -> impl Future<Output = BenchResult<()>> + Send;

    /// What the server tells next. Nothing is lost when this is dropped before it is done.
    fn next(&mut self) -> impl Future<Output = BenchResult<Told>> + Send;

    /// Does what a client owes for what it was told: receipts, acknowledgements.
    fn answer(&mut self, told: Told) -> impl Future<Output = BenchResult<()>> + Send;
}

/// What a server tells.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    /// It has the messages up to this number.
    Accepted(u64),
    /// A message of the other end.
    Message(Stamp),
    /// The other end has the messages up to this number.
    Receipt(u64),
    /// It asks how much has arrived (XEP-0198).
    Asked,
    /// Something else.
    Other,
}

/// What a message carries in its text: when it was written, and whether it is the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    nanoseconds: u64,
    pub(crate) is_last: bool,
}

impl Stamp {
    fn new(written: Instant, is_last: bool) -> Self {
        let since = written.saturating_duration_since(*START).as_nanos();
        Self { nanoseconds: u64::try_from(since).unwrap_or(u64::MAX), is_last }
    }

    fn text(self) -> String {
        format!("{:020}{}{TEXT}", self.nanoseconds, if self.is_last { '!' } else { '.' })
    }

    /// Reads the text of a message.
    pub(crate) fn of(text: &str) -> BenchResult<Self> {
        let (nanoseconds, rest) = text.split_at_checked(20).ok_or("a message without a stamp")?;
        Ok(Self { nanoseconds: nanoseconds.parse()?, is_last: rest.starts_with('!') })
    }

    fn age(self) -> Duration {
        START.elapsed().saturating_sub(Duration::from_nanos(self.nanoseconds))
    }
}

/// How fast the writers write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each the next message as soon as the one before is accepted.
    AsAccepted,
    /// So many messages a second by all of them together, whatever the server does.
    PerSecond(u32),
}

/// What a load did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) seconds: f64,
    /// CPU time of the server and of this process, which is the load.
    pub(crate) server: Duration,
    pub(crate) load: Duration,
    /// The server's by the names of its threads.
    pub(crate) threads: BTreeMap<String, Duration>,
    /// From writing a message to knowing that the server has it, sorted.
    pub(crate) accepted: Vec<Duration>,
    /// From writing a message to the reader having it, sorted.
    pub(crate) delivered: Vec<Duration>,
}

impl Outcome {
    pub(crate) fn messages(&self) -> f64 {
        self.accepted.len() as f64
    }
}

/// Lets the pairs write for so long and waits until everything has arrived. `server` is the server's process.
pub(crate) async fn run<P: Peer>(
    pairs: Vec<(P, P)>,
    pace: Pace,
    time: Duration,
    server: u32,
) -> BenchResult<Outcome> {
    let count = u32::try_from(pairs.len())?;
    let (before, threads, load) = (Usage::of(server)?.cpu, process::threads(server)?, own_cpu()?);
    let began = now();
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for (number, (writer, reader)) in (0..).zip(pairs) {
        let interval = match pace {
            Pace::AsAccepted => None,
            Pace::PerSecond(rate) => Some(interval(began, rate, number, count)),
        };
        writers.spawn(write(writer, interval, began + time));
        readers.spawn(read(reader));
    }
    let all = async { tokio::try_join!(gather(writers), gather(readers)) };
    let (written, read) = tokio::time::timeout(time + PATIENCE, all)
        .await
        .map_err(|_| "the load did not come to its end")??;
    let accepted = written.iter().map(|end| end.at).max().unwrap_or(began);
    Ok(Outcome {
        seconds: accepted.saturating_duration_since(began).as_secs_f64(),
        server: Usage::of(server)?.cpu.saturating_sub(before),
        load: own_cpu()?.saturating_sub(load),
        threads: since(&threads, process::threads(server)?),
        accepted: times(written),
        delivered: times(read),
    })
}

/// What one end of a pair came to.
struct End<P> {
    times: Vec<Duration>,
    /// When it had the last message.
    at: Instant,
    /// Open still, for what a client has to do after that.
    _peer: P,
}

/// Everything that the ends measured, sorted.
fn times<P>(ends: Vec<End<P>>) -> Vec<Duration> {
    let mut times: Vec<Duration> = ends.into_iter().flat_map(|end| end.times).collect();
    times.sort_unstable();
    times
}

/// The beat of one writer, out of step with those of the others.
fn interval(began: Instant, rate: u32, number: u32, count: u32) -> Interval {
    let between = Duration::from_secs(1) * count / rate;
    let mut interval = tokio::time::interval_at((began + between * number / count).into(), between);
    interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
    interval
}

/// Writes until the time is over and everything has its receipt: how long each took to be accepted.
async fn write<P: Peer>(mut peer: P, mut interval: Option<Interval>, until: Instant) -> BenchResult<End<P>> {
    let mut times = Vec::new();
    let mut at = now();
    let mut waiting = VecDeque::new();
    let (mut written, mut received, mut is_over) = (0, 0, false);
    while !(is_over && waiting.is_empty() && received >= written) {
        let may_write = !is_over && (interval.is_some() || waiting.is_empty());
        tokio::select! {
            biased;
            () = beat(&mut interval), if may_write => {
                let began = now();
                is_over = began >= until;
                written += 1;
                peer.send(written, &Stamp::new(began, is_over).text()).await?;
                waiting.push_back(began);
            }
            told = peer.next() => {
                let told = told?;
                peer.answer(told).await?;
                match told {
                    Told::Accepted(number) => {
                        at = now();
                        let accepted = written - waiting.len() as u64;
                        let newly = number.saturating_sub(accepted).min(waiting.len() as u64);
                        times.extend((0..newly).filter_map(|_| waiting.pop_front()).map(|began| at - began));
                    }
                    Told::Receipt(number) => received = number.max(received),
                    Told::Message(_) | Told::Asked | Told::Other => {}
                }
            }
        }
    }
    Ok(End { times, at, _peer: peer })
}

async fn beat(interval: &mut Option<Interval>) {
    if let Some(interval) = interval {
        interval.tick().await;
    }
}

/// Reads until the last message: how long each was on its way.
async fn read<P: Peer>(mut peer: P) -> BenchResult<End<P>> {
    let mut times = Vec::new();
    loop {
        let told = peer.next().await?;
        let Told::Message(stamp) = told else {
            peer.answer(told).await?;
            continue;
        };
        times.push(stamp.age());
        peer.answer(told).await?;
        if stamp.is_last {
            return Ok(End { times, at: now(), _peer: peer });
        }
    }
}

async fn gather<P: Peer>(mut tasks: JoinSet<BenchResult<End<P>>>) -> BenchResult<Vec<End<P>>> {
    let mut ends = Vec::new();
    while let Some(done) = tasks.join_next().await {
        ends.push(done??);
    }
    Ok(ends)
}

/// What threads have used since.
fn since(
    before: &BTreeMap<String, Duration>,
    mut after: BTreeMap<String, Duration>,
) -> BTreeMap<String, Duration> {
    for (name, cpu) in &mut after {
        *cpu = cpu.saturating_sub(before.get(name).copied().unwrap_or_default());
    }
    after
}

fn own_cpu() -> BenchResult<Duration> {
    Ok(Usage::of(std::process::id())?.cpu)
}

/// What the stamps count from.
static START: LazyLock<Instant> = LazyLock::new(now);

/// How long a server may take for what is left when the writers are done.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writers, each with a reader.
pub(crate) const PAIRS: usize = 64;

/// With the stamp as long as messages are.
const TEXT: &str = " A message of the usual length, as they are.";
