//! Thousands of seeds, each of which must end well, and which together must have seen every kind of trouble.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use callbox_sim::{Failure, HAPPENINGS, Stage, Tally};

/// Seeds that once found something, and what.
const FOUND: &str = include_str!("found.txt");

#[test]
fn every_seed_ends_well() {
    if let Some(seed) = number("SIM_SEED") {
        let (lines, played) = Stage::new().tell(seed);
        println!("{}", lines.join("\n"));
        return drop(played.unwrap_or_else(|failure| panic!("{failure}")));
    }
    let count = number("SIM_SEEDS").unwrap_or(SEEDS);
    let mut seeds: Vec<u64> = found().collect();
    seeds.extend((0..count).filter(|seed| !found().any(|found| found == *seed)));
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let worked = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&seeds, &next))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Vec<_>>()
    });
    let mut all = Tally::new();
    let mut failures = Vec::new();
    for (tally, failed) in worked {
        add(&mut all, &tally);
        failures.extend(failed.iter().map(Failure::to_string));
    }
    assert!(failures.is_empty(), "play one again with SIM_SEED=<seed>:\n{}", failures.join("\n"));
    println!("{all:#?}");
    let missing: Vec<_> = HAPPENINGS.iter().filter(|what| !all.contains_key(*what)).collect();
    assert!(count < SEEDS || missing.is_empty(), "it never happened in {count} seeds: {missing:?}");
}

#[test]
fn a_seed_tells_one_story() {
    for seed in 0..20 {
        let [once, again] = [(); 2].map(|()| Stage::new().tell(seed).0);
        assert!(!once.is_empty());
        let difference = once.iter().zip(&again).position(|(one, other)| one != other);
        assert_eq!((difference, once.len()), (None, again.len()), "seed {seed}");
    }
}

/// Plays seeds until there are none left, or enough have failed.
fn work(seeds: &[u64], next: &AtomicUsize) -> (Tally, Vec<Failure>) {
    let (stage, mut all, mut failures) = (Stage::new(), Tally::new(), Vec::new());
    while failures.len() < FAILURES_MAX {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(seed) = seeds.get(place) else { break };
        match stage.play(*seed) {
            Ok(tally) => add(&mut all, &tally),
            Err(failure) => failures.push(failure),
        }
    }
    (all, failures)
}

fn add(all: &mut Tally, tally: &Tally) {
    for (what, times) in tally {
        *all.entry(what).or_default() += times;
    }
}

fn found() -> impl Iterator<Item = u64> {
    let seeds = FOUND.lines().filter_map(|line| line.split_whitespace().next());
    seeds.map(|seed| seed.parse().expect("a seed begins the line"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

const SEEDS: u64 = 10_000;
/// After so many a worker stops.
const FAILURES_MAX: usize = 3;
