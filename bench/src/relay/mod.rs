//! The relay beside coturn: CPU time for each relayed packet, by coturn's own load generator; allocations a second, how many
//! are held, and what each takes of memory, by a client of ours.

mod allocations;
mod contender;
mod uclient;

use self::allocations::Held;
use self::contender::{Kind, Relay};
use self::uclient::{Outcome, WAYS, Way};
use crate::BenchResult;
use crate::report::{Bar, Comparison, Figure, Findings, Row};
use crate::scale::Scale;
use crate::timing::median;

/// Runs everything; without coturn there is no load and nothing to stand beside.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Findings> {
    let mut entrants = Vec::new();
    for kind in [Kind::Callbox, Kind::Coturn] {
        let name = kind.version().ok_or(NOT_INSTALLED)?;
        entrants.push(Entrant { name, kind, loads: Vec::new(), held: Vec::new() });
    }
    if !uclient::is_installed().await {
        return Err(NOT_INSTALLED.into());
    }
    allocations::allow_many_sockets()?;
    for round in 0..scale.times(ROUNDS, 1) {
        for entrant in &mut entrants {
            entrant.take_part(round, scale).await?;
        }
    }
    let figures = figures(&entrants[0], &entrants[1]);
    Ok(Findings { figures, comparisons: comparisons(&entrants), method: method(scale) })
}

/// A relay, with what was measured of it in each round.
struct Entrant {
    name: String,
    kind: Kind,
    loads: Vec<(Way, Outcome)>,
    held: Vec<Held>,
}

impl Entrant {
    /// One round of everything, each time on a relay that has just started.
    async fn take_part(&mut self, round: usize, scale: Scale) -> BenchResult<()> {
        let relay: Relay = self.kind.start().await?;
        for way in WAYS {
            let outcome = uclient::run(&relay, way, scale).await?;
            let (cpu, lost) = (outcome.cpu_per_packet(), outcome.lost);
            let (round, name, way_name) = (round + 1, &self.name, way.name);
            eprintln!("bench: round {round}: {cpu:.2} CPU µs per packet by {name}, {way_name}; {lost} lost");
            self.loads.push((way, outcome));
        }
        drop(relay);
        let held = allocations::measure(&self.kind.start().await?, scale).await?;
        eprintln!("bench: round {}: {held:?} by {}", round + 1, self.name);
        self.held.push(held);
        Ok(())
    }

    /// The middle of a figure over the rounds of one way.
    fn of(&self, way: Way, figure: impl Fn(&Outcome) -> f64) -> Option<f64> {
        median(self.loads.iter().filter(|(known, _)| *known == way).map(|(_, outcome)| figure(outcome)))
    }

    /// The middle of a figure of allocations over the rounds.
    fn holding(&self, figure: impl Fn(&Held) -> f64) -> Option<f64> {
        median(self.held.iter().map(figure))
    }
}

fn figures(ours: &Entrant, theirs: &Entrant) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |what: String, value: Option<f64>, unit, bar| {
        figures.extend(value.map(|value| Figure::new(what, value, unit, bar)));
    };
    for way in WAYS {
        let cpu = ours.of(way, Outcome::cpu_per_packet);
        add(format!("CPU per relayed packet, {}", way.name), cpu, "µs", None);
        let ratio = cpu.zip(theirs.of(way, Outcome::cpu_per_packet)).map(|(ours, theirs)| ours / theirs);
        add(format!("the same, to {}'s", theirs.name), ratio, "×", Some(Bar::AtMost(1.0)));
    }
    let held = |figure: fn(&Held) -> f64| ours.holding(figure);
    add("allocations/s".to_owned(), held(|held| held.per_second), "", Some(Bar::AtLeast(5_000.0)));
    add("allocations held".to_owned(), held(|held| held.count as f64), "", Some(Bar::AtLeast(16_000.0)));
    add("memory per allocation".to_owned(), held(|held| held.memory / 1_024.0), "KiB", None);
    figures
}

fn comparisons(entrants: &[Entrant]) -> Vec<Comparison> {
    let row = |what: String, unit, value: &dyn Fn(&Entrant) -> Option<f64>| Row {
        what,
        unit,
        values: entrants.iter().map(value).collect(),
    };
    let table = |title: &str, rows| Comparison {
        title: title.to_owned(),
        columns: entrants.iter().map(|entrant| entrant.name.clone()).collect(),
        rows,
        is_race: true,
    };
    let mut packets: Vec<Row> = WAYS
        .iter()
        .map(|way| row(way.name.to_owned(), "µs", &|it| it.of(*way, Outcome::cpu_per_packet)))
        .collect();
    packets.push(row("packets lost, of a million, over all rounds".to_owned(), "", &|entrant| {
        let total = |count: fn(&Outcome) -> u64| entrant.loads.iter().map(|(_, it)| count(it)).sum::<u64>();
        Some(total(|it| it.lost) as f64 * 1e6 / total(|it| it.relayed) as f64)
    }));
    let held = |what: &str, unit, figure: fn(&Held) -> f64| {
        row(what.to_owned(), unit, &|entrant| entrant.holding(figure))
    };
    let allocations = vec![
        held("allocations/s beside the load", "", |held| held.per_second),
        held("server CPU per allocation", "µs", |held| held.cpu),
        held("held, each refreshed at the end", "", |held| held.count as f64),
        held("memory each", "KiB", |held| held.memory / 1_024.0),
        held("server CPU per refresh", "µs", |held| held.refresh),
    ];
    vec![table("Server CPU per relayed packet", packets), table("Allocations", allocations)]
}

fn method(scale: Scale) -> String {
    METHOD
        .replace("CLIENTS", uclient::CLIENTS)
        .replace("BYTES", uclient::PACKET_BYTES)
        .replace("MILLISECONDS", uclient::MILLISECONDS_BETWEEN)
        .replace("ROUNDS", &scale.times(ROUNDS, 1).to_string())
}

const NOT_INSTALLED: &str =
    "coturn is missing, which is the load and what to stand beside: apt-get install coturn";

/// How it is done, for who reads the results.
const METHOD: &str = "\
The load is coturn's `turnutils_uclient`: CLIENTS clients, each sending BYTES bytes every MILLISECONDS ms to `turnutils_peer`, which sends them back;
from relay address to relay address, two of them send to each other. A packet that comes to a peer and back counts twice, for it is
relayed twice. Both relays are as they come, on loopback without TLS; Callbox only has its quotas for calls and sessions raised, since all
clients use one credential. Allocations are made by sixteen hands of a client of ours, each allocation from a socket and an address of its own
(127.x.y.z) with the two round trips that a first request takes; they are held, and refreshed when all are there. Memory is what the
process has more, shared evenly, without what the system keeps for sockets. The relays take turns; figures are the middle of
ROUNDS rounds.";

const ROUNDS: usize = 3;
