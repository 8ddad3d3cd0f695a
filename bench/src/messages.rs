//! Durable 1:1 messages: accepted when synced, delivered, acknowledged, the receipt told to the sender; beside ejabberd and
//! Prosody in the same run, and with what messaging stands on: connections, the store, a start with history.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::BenchResult;
use crate::connections::{self, Costs};
use crate::contender::{Contender, Hand};
use crate::load::{Outcome, PAIRS, Pace};
use crate::report::{Bar, Comparison, Figure, Findings, Row};
use crate::rivals::Kind;
use crate::scale::Scale;
use crate::timing::{median, milliseconds_at};
use crate::{inserts, starts};

/// Runs everything; what is not installed is left out and said.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Findings> {
    let mut entrants = entrants().await?;
    for round in 0..scale.times(ROUNDS, 1) {
        for entrant in &mut entrants {
            entrant.take_part(round, scale).await?;
        }
    }
    for entrant in &mut entrants {
        entrant.leave();
    }
    for entrant in entrants.iter_mut().filter(|entrant| entrant.connects) {
        eprintln!("bench: connections of {} …", entrant.name);
        // Anew, for what the loads left behind is not to be counted.
        entrant.costs = Some(connections::measure(&entrant.start().await?, scale).await?);
    }
    eprintln!("bench: the store alone …");
    let inserts = inserts::measure(scale).await?;
    eprintln!("bench: starts with history …");
    let starts = starts::measure(scale).await?;

    let mut figures = message_figures(&entrants);
    figures.extend([
        Figure::new(
            "the store alone: durable messages/s",
            inserts.per_second,
            "",
            Some(Bar::AtLeast(50_000.0)),
        ),
        Figure::new("the store alone: CPU per message, caller included", inserts.cpu, "µs", None),
    ]);
    if let Some(costs) = &entrants[0].costs {
        figures.extend([
            Figure::new("connections held", costs.count as f64, "", None),
            Figure::new("memory per idle connection", costs.memory / 1_024.0, "KiB", Some(Bar::AtMost(10.0))),
            Figure::new("server CPU per reconnect", costs.reconnect, "µs", Some(Bar::AtMost(250.0))),
        ]);
    }
    figures.push(Figure::new(
        "start to ready on a database with history, p50",
        milliseconds_at(50, &starts),
        "ms",
        Some(Bar::AtMost(200.0)),
    ));
    Ok(Findings { figures, comparisons: comparisons(&entrants), method: method(scale) })
}

/// Puts the load on Callbox for as long as a profiler needs, and says where the server is; measures nothing.
pub(crate) async fn hold() -> BenchResult<()> {
    let server = Contender::callbox(Hand::Bare).await?;
    eprintln!("bench: the server is process {}, under load for {} s", server.id()?, HOLD_TIME.as_secs());
    let outcome = server.load("held", Pace::AsAccepted, HOLD_TIME).await?;
    eprintln!("bench: {:.0} CPU µs per message", cpu_per_message(&outcome));
    Ok(())
}

/// A server in one way of running it, with what was measured of it.
struct Entrant {
    name: String,
    way: Way,
    server: Option<Contender>,
    /// The fixed rates that it takes part in: those that it has CPU time for.
    rates: &'static [u32],
    /// Whether its idle connections are measured.
    connects: bool,
    as_accepted: Vec<Outcome>,
    at_rates: Vec<(u32, Outcome)>,
    costs: Option<Costs>,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Callbox(Hand),
    Rival(Kind),
}

impl Entrant {
    async fn new(name: &str, way: Way, rates: &'static [u32], connects: bool) -> BenchResult<Self> {
        let mut entrant = Self {
            name: name.to_owned(),
            way,
            server: None,
            rates,
            connects,
            as_accepted: Vec::new(),
            at_rates: Vec::new(),
            costs: None,
        };
        entrant.server = Some(entrant.start().await?);
        Ok(entrant)
    }

    async fn start(&self) -> BenchResult<Contender> {
        match self.way {
            Way::Callbox(hand) => Contender::callbox(hand).await,
            Way::Rival(kind) => Contender::rival(kind).await,
        }
    }

    /// One round of each load.
    async fn take_part(&mut self, round: usize, scale: Scale) -> BenchResult<()> {
        let server = self.server.as_ref().ok_or("a server that has left")?;
        let name = |load: &str| format!("{load}-{round}");
        let outcome = server.load(&name("free"), Pace::AsAccepted, scale.time(LOAD_TIME)).await?;
        let cpu = cpu_per_message(&outcome);
        eprintln!("bench: round {}: {cpu:.0} CPU µs per message by {}", round + 1, self.name);
        self.as_accepted.push(outcome);
        for rate in self.rates {
            let load = name(&rate.to_string());
            let outcome = server.load(&load, Pace::PerSecond(*rate), scale.time(LOAD_TIME)).await?;
            self.at_rates.push((*rate, outcome));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.server = None;
    }

    /// The middle of a figure over the rounds as fast as messages are accepted.
    fn free(&self, figure: impl Fn(&Outcome) -> f64) -> Option<f64> {
        median(self.as_accepted.iter().map(figure))
    }

    /// The middle of a figure over the rounds at a rate.
    fn at(&self, rate: u32, figure: impl Fn(&Outcome) -> f64) -> Option<f64> {
        median(self.at_rates.iter().filter(|(known, _)| *known == rate).map(|(_, outcome)| figure(outcome)))
    }
}

/// Callbox first, then whoever is installed.
async fn entrants() -> BenchResult<Vec<Entrant>> {
    let mut entrants = vec![
        Entrant::new("Callbox", Way::Callbox(Hand::Bare), &RATES, true).await?,
        Entrant::new("Callbox by its Rust client", Way::Callbox(Hand::Sdk), &RATES, false).await?,
    ];
    let mut is_complete = true;
    for (kind, rates, connects) in [
        (Kind::Ejabberd { archive: false }, RATES.as_slice(), true),
        (Kind::Ejabberd { archive: true }, &[], false),
        (Kind::Prosody { archive: false }, &RATES[..1], true),
        (Kind::Prosody { archive: true }, &[], false),
    ] {
        let Some(version) = kind.version() else {
            is_complete = false;
            continue;
        };
        let name = match kind {
            Kind::Ejabberd { archive: true } => format!("{version}, archive on SQLite"),
            Kind::Prosody { archive: true } => format!("{version}, archive in files"),
            _ => version,
        };
        entrants.push(Entrant::new(&name, Way::Rival(kind), rates, connects).await?);
    }
    if !is_complete {
        eprintln!("bench: for the whole comparison: apt-get install ejabberd erlang-p1-sqlite3 prosody");
    }
    Ok(entrants)
}

fn message_figures(entrants: &[Entrant]) -> Vec<Figure> {
    let is_rival = |way, with| matches!(way, Way::Rival(Kind::Ejabberd { archive }) if archive == with);
    let rival = |archive| entrants.iter().find(|entrant| is_rival(entrant.way, archive));
    let top = RATES[RATES.len() - 1];
    let mut figures = Vec::new();
    for ours in entrants.iter().filter(|entrant| matches!(entrant.way, Way::Callbox(_))) {
        let mut add = |what: &str, value: Option<f64>, unit, bar| {
            let what = format!("{}: {what}", ours.name);
            figures.extend(value.map(|value| Figure::new(what, value, unit, Some(bar))));
        };
        let cpu = ours.free(cpu_per_message);
        add("server CPU per message", cpu, "µs", Bar::AtMost(40.0));
        for (archive, bar) in [(false, 2.0), (true, 20.0)] {
            let with = if archive { "with archive on SQLite" } else { "without archive" };
            let theirs = rival(archive).and_then(|rival| rival.free(cpu_per_message));
            let what = format!("messages per server CPU second, to ejabberd's {with}");
            add(&what, ratio(theirs, cpu), "×", Bar::AtLeast(bar));
        }
        for (end, p99) in [("accepted", accepted_p99 as fn(&Outcome) -> f64), ("delivered", delivered_p99)] {
            let theirs = rival(false).and_then(|rival| rival.at(top, p99));
            let what = format!("written to {end} at {top}/s, p99, to ejabberd's without archive");
            add(&what, ratio(ours.at(top, p99), theirs), "×", Bar::AtMost(1.0));
        }
    }
    figures
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    Some(of? / to?)
}

fn comparisons(entrants: &[Entrant]) -> Vec<Comparison> {
    let all: Vec<&Entrant> = entrants.iter().collect();
    let mut comparisons = vec![compare(
        "As fast as each message is accepted",
        &all,
        &[
            ("server CPU per message", "µs", &|entrant| entrant.free(cpu_per_message)),
            ("messages per server CPU second", "", &|entrant| {
                entrant.free(|outcome| outcome.messages() / outcome.server.as_secs_f64())
            }),
            ("messages/s beside the load", "", &|entrant| {
                entrant.free(|outcome| outcome.messages() / outcome.seconds)
            }),
            ("the load's CPU per message", "µs", &|entrant| {
                entrant.free(|outcome| outcome.load.as_secs_f64() * 1e6 / outcome.messages())
            }),
            ("written to accepted, p50", "ms", &|entrant| {
                entrant.free(|outcome| milliseconds_at(50, &outcome.accepted))
            }),
            ("written to accepted, p99", "ms", &|entrant| entrant.free(accepted_p99)),
        ],
    )];
    for rate in RATES {
        let there: Vec<&Entrant> =
            all.iter().copied().filter(|entrant| entrant.rates.contains(&rate)).collect();
        comparisons.push(compare(
            &format!("At {rate} messages/s"),
            &there,
            &[
                ("written to accepted, p50", "ms", &|entrant| {
                    entrant.at(rate, |outcome| milliseconds_at(50, &outcome.accepted))
                }),
                ("written to accepted, p99", "ms", &|entrant| entrant.at(rate, accepted_p99)),
                ("written to delivered, p50", "ms", &|entrant| {
                    entrant.at(rate, |outcome| milliseconds_at(50, &outcome.delivered))
                }),
                ("written to delivered, p99", "ms", &|entrant| entrant.at(rate, delivered_p99)),
                ("server CPU per message", "µs", &|entrant| entrant.at(rate, cpu_per_message)),
                ("messages/s that it came to", "", &|entrant| {
                    entrant.at(rate, |outcome| outcome.messages() / outcome.seconds)
                }),
            ],
        ));
    }
    comparisons.push(threads(all[0]));
    let connected: Vec<&Entrant> = all.into_iter().filter(|entrant| entrant.costs.is_some()).collect();
    comparisons.push(compare(
        "Connections",
        &connected,
        &[
            ("held", "", &|entrant| Some(entrant.costs.as_ref()?.count as f64)),
            ("memory each, idle", "KiB", &|entrant| Some(entrant.costs.as_ref()?.memory / 1_024.0)),
            ("server CPU per first connection", "µs", &|entrant| Some(entrant.costs.as_ref()?.connect)),
            ("server CPU per reconnect", "µs", &|entrant| Some(entrant.costs.as_ref()?.reconnect)),
        ],
    ));
    comparisons
}

/// What each kind of Callbox's threads has of the CPU time of a message.
fn threads(ours: &Entrant) -> Comparison {
    let of = |outcome: &Outcome, name: &str| {
        let cpu = outcome.threads.get(name).copied().unwrap_or_default();
        cpu.as_secs_f64() * 1e6 / outcome.messages()
    };
    let names: BTreeSet<&String> =
        ours.as_accepted.iter().flat_map(|outcome| outcome.threads.keys()).collect();
    let top = RATES[RATES.len() - 1];
    let values =
        |name: &str| vec![ours.free(|outcome| of(outcome, name)), ours.at(top, |outcome| of(outcome, name))];
    let rows = names.into_iter().map(|name| Row { what: name.clone(), unit: "µs", values: values(name) });
    Comparison {
        title: "Callbox's CPU per message, by thread".to_owned(),
        columns: vec!["as fast as accepted".to_owned(), format!("at {top}/s")],
        rows: rows.filter(|row| row.values.iter().flatten().any(|value| *value > 0.05)).collect(),
        is_race: false,
    }
}

/// A figure's name, its unit and how an entrant has it.
type Reading<'a> = (&'static str, &'static str, &'a dyn Fn(&Entrant) -> Option<f64>);

fn compare(title: &str, entrants: &[&Entrant], readings: &[Reading]) -> Comparison {
    let row = |(what, unit, value): &Reading| Row {
        what: (*what).to_owned(),
        unit,
        values: entrants.iter().map(|entrant| value(entrant)).collect(),
    };
    Comparison {
        title: title.to_owned(),
        columns: entrants.iter().map(|entrant| entrant.name.clone()).collect(),
        rows: readings.iter().map(row).collect(),
        is_race: true,
    }
}

fn cpu_per_message(outcome: &Outcome) -> f64 {
    outcome.server.as_secs_f64() * 1e6 / outcome.messages()
}

fn accepted_p99(outcome: &Outcome) -> f64 {
    milliseconds_at(99, &outcome.accepted)
}

fn delivered_p99(outcome: &Outcome) -> f64 {
    milliseconds_at(99, &outcome.delivered)
}

fn method(scale: Scale) -> String {
    METHOD
        .replace("PAIRS", &PAIRS.to_string())
        .replace("SECONDS", &scale.time(LOAD_TIME).as_secs_f64().to_string())
        .replace("ROUNDS", &scale.times(ROUNDS, 1).to_string())
        .replace("MESSAGES", &(scale.times(starts::PAIRS, starts::QUICK_PAIRS) * 1_000).to_string())
}

/// How it is done, for who reads the results.
const METHOD: &str = "\
PAIRS pairs of users with presence on: one writes, the other confirms, and the receipt goes back to the writer. A message is
accepted when Callbox says `message.accepted`, which is when it is on disk, or when the XMPP server answers `<a/>` (XEP-0198),
which promises no more than that it has the stanza. *Callbox* is under the load of a bare client that acknowledges each message by
itself, as XMPP does; *Callbox by its Rust client* under that of `crates/client`, which acknowledges at most every 250 ms, as the
protocol asks for. The servers take turns, SECONDS s for each load; figures are the middle of ROUNDS rounds, and those of others
have their ratio to Callbox's beside them. XMPP goes without TLS, signs in by PLAIN and comes back by XEP-0198; ejabberd's virtual
machine is told not to spin while it waits, which is its cheapest way. A start finds MESSAGES messages and their events.";

const ROUNDS: usize = 3;
const RATES: [u32; 2] = [1_000, 5_000];
const HOLD_TIME: Duration = Duration::from_secs(20);
const LOAD_TIME: Duration = Duration::from_secs(3);
