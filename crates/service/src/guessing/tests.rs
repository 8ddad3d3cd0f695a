//! Guessers, and those whom they must not shut out.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::testing::{ManualClock, code};

struct Guessers {
    guessing: Guessing,
    clock: Arc<ManualClock>,
}

impl Guessers {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { guessing: Guessing::new(GuessingSettings::default(), clock.clone()), clock }
    }

    fn check(&self, account: &str, address: u8, known: bool) -> Result<Attempt<'_>, u64> {
        self.guessing.check(account, Some(at(address)), known).map_err(|refused| {
            assert_eq!(refused.code, ErrorCode::RateLimited);
            u64::from(refused.retry_after_seconds().expect("a time"))
        })
    }

    /// Fails once, or says for how many seconds it may not.
    fn fail(&self, account: &str, address: u8) -> Result<(), u64> {
        self.check(account, address, false).map(Attempt::failed)
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn at(last: u8) -> ClientAddress {
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, last)).into()
}

#[test]
fn an_address_waits_longer_after_each_failure_on_an_account() {
    let guessers = Guessers::new();
    for _ in 0..5 {
        assert_eq!(guessers.fail("ann", 1), Ok(()));
    }
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        assert_eq!(guessers.fail("ann", 1), Err(wait));
        guessers.advance(wait - 1);
        assert_eq!(guessers.fail("ann", 1), Err(1));
        guessers.advance(1);
        assert_eq!(guessers.fail("ann", 1), Ok(()));
    }
    assert_eq!(guessers.fail("bob", 1), Ok(()), "another account");
    assert_eq!(guessers.fail("ann", 2), Ok(()), "another address");
}

#[test]
fn an_hour_of_quiet_or_a_success_starts_anew() {
    let guessers = Guessers::new();
    let fail_nine_times = || {
        for wait in [0, 0, 0, 0, 0, 1, 2, 4, 8] {
            guessers.advance(wait);
            assert_eq!(guessers.fail("ann", 1), Ok(()));
        }
    };
    fail_nine_times();
    guessers.advance(3_600);
    fail_nine_times();
    guessers.advance(16);
    guessers.check("ann", 1, false).expect("waited").succeeded();
    fail_nine_times();
    assert_eq!(guessers.fail("ann", 1), Err(16));
}

#[test]
fn an_address_that_fails_everywhere_is_slowed_down_everywhere() {
    let guessers = Guessers::new();
    for number in 0..30 {
        assert_eq!(guessers.fail(&format!("user-{number}"), 1), Ok(()));
    }
    assert_eq!(guessers.fail("user-30", 1), Err(2));
    assert_eq!(guessers.check("user-30", 1, true).err(), Some(2), "whatever device");
    assert_eq!(guessers.fail("user-30", 2), Ok(()));
    guessers.advance(2);
    assert_eq!(guessers.fail("user-30", 1), Ok(()));
    assert_eq!(guessers.fail("user-31", 1), Err(2));
    guessers.advance(60);
    for number in 0..30 {
        assert_eq!(guessers.fail(&format!("user-{number}"), 1), Ok(()), "the whole minute's worth");
    }
}

#[test]
fn successes_cost_an_address_nothing_and_buy_it_nothing() {
    let guessers = Guessers::new();
    for _ in 0..1_000 {
        guessers.check("ann", 1, false).expect("no failure yet").succeeded();
    }
    for number in 0..30 {
        assert_eq!(guessers.fail(&format!("user-{number}"), 1), Ok(()));
    }
    assert_eq!(guessers.check("ann", 1, false).err(), Some(2));
}

#[test]
fn many_addresses_together_slow_an_account_down_but_not_its_known_devices() {
    let guessers = Guessers::new();
    for address in 0..100 {
        assert_eq!(guessers.fail("ann", address), Ok(()));
    }
    assert_eq!(guessers.fail("ann", 200), Err(36));
    guessers.check("ann", 200, true).expect("a known device").succeeded();
    assert_eq!(guessers.fail("ann", 200), Err(36), "its success is not theirs");
    guessers.advance(36);
    assert_eq!(guessers.fail("ann", 201), Ok(()));
    assert_eq!(guessers.fail("ann", 202), Err(36));
}

#[test]
fn guesses_at_the_same_time_are_as_few_as_one_after_the_other() {
    let guessers = Guessers::new();
    let mut running: Vec<_> = (0..5).map(|_| guessers.check("ann", 1, false).expect("free")).collect();
    assert_eq!(guessers.check("ann", 1, true).err(), Some(1));
    let other = guessers.check("ann", 2, false).expect("another address");
    drop(running.pop());
    running.push(guessers.check("ann", 1, false).expect("one has left"));
    running.into_iter().for_each(Attempt::failed);
    assert_eq!(guessers.check("ann", 1, false).err(), Some(1));
    guessers.advance(1);
    let waited = guessers.check("ann", 1, false).expect("waited");
    assert_eq!(guessers.check("ann", 1, false).err(), Some(1), "a single one after the fifth failure");
    drop(waited);
    other.succeeded();
    assert!(guessers.guessing.tables().running.is_empty(), "nothing is left of those that have ended");
}

#[test]
fn without_an_address_the_limits_of_the_account_hold() {
    let guessers = Guessers::new();
    let check = |account: &str| guessers.guessing.check(account, None, false);
    for number in 0..50 {
        check(&format!("user-{number}")).expect("no address to count by").failed();
    }
    for _ in 0..5 {
        check("ann").expect("free").failed();
    }
    assert_eq!(code(check("ann").map(drop)), ErrorCode::RateLimited);
}

#[test]
fn sign_ups_are_counted_by_address() {
    let guessers = Guessers::new();
    for _ in 0..10 {
        guessers.guessing.count_sign_up(Some(at(1))).expect("an hour's worth");
    }
    let refused = guessers.guessing.count_sign_up(Some(at(1))).expect_err("one more");
    assert_eq!((refused.code, refused.retry_after_seconds()), (ErrorCode::RateLimited, Some(360)));
    guessers.guessing.count_sign_up(Some(at(2))).expect("another address");
    guessers.guessing.count_sign_up(None).expect("no address");
    guessers.advance(360);
    guessers.guessing.count_sign_up(Some(at(1))).expect("one came back");
    let settings = GuessingSettings { sign_ups_per_hour: None, ..GuessingSettings::default() };
    let open = Guessing::new(settings, guessers.clock.clone());
    for _ in 0..1_000 {
        open.count_sign_up(Some(at(1))).expect("without limit, because someone said so");
    }
}

#[test]
fn quiet_ones_are_forgotten() {
    let guessers = Guessers::new();
    for number in 0..20 {
        assert_eq!(guessers.fail(&format!("user-{number}"), 1), Ok(()));
    }
    assert_eq!(guessers.guessing.tables().by_pair.len(), 20);
    guessers.advance(3_599);
    assert_eq!(guessers.fail("ann", 2), Ok(()));
    guessers.advance(1);
    guessers.guessing.forget_quiet();
    assert_eq!(guessers.guessing.tables().by_pair.len(), 1);
}

/// What happens at a sign-in page.
#[derive(Debug, Clone)]
enum Step {
    Fail { account: u8, address: u8, known: bool },
    Succeed { account: u8, address: u8 },
    Wait(u64),
}

fn steps(addresses: u8, count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..3u8, 0..addresses, any::<bool>())
            .prop_map(|(account, address, known)| Step::Fail { account, address, known }),
        1 => (0..3u8, 0..addresses).prop_map(|(account, address)| Step::Succeed { account, address }),
        4 => (0..2_000u64).prop_map(Step::Wait),
        4 => (0..5u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..count)
}

fn follow(guessers: &Guessers, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Fail { account, address, known } => {
                let _ = guessers.check(&account.to_string(), *address, *known).map(Attempt::failed);
            }
            Step::Succeed { account, address } => {
                let _ = guessers.check(&account.to_string(), *address, false).map(Attempt::succeeded);
            }
            Step::Wait(seconds) => guessers.advance(*seconds),
        }
    }
}

proptest! {
    #[test]
    fn whoever_waits_as_long_as_told_is_let_in(steps in steps(40, 400), account in 0..3u8, address in 0..40u8) {
        let guessers = Guessers::new();
        follow(&guessers, &steps);
        let account = account.to_string();
        if let Err(wait) = guessers.check(&account, address, false).map(drop) {
            prop_assert!((1..=DELAY_MAX.as_secs()).contains(&wait), "{}", wait);
            guessers.advance(wait);
        }
        prop_assert_eq!(guessers.check(&account, address, false).map(drop), Ok(()));
    }

    #[test]
    fn nobody_shuts_a_known_device_out_from_elsewhere(steps in steps(40, 400), account in 0..3u8) {
        let guessers = Guessers::new();
        follow(&guessers, &steps);
        prop_assert_eq!(guessers.check(&account.to_string(), 99, true).map(drop), Ok(()));
    }

    #[test]
    fn one_address_alone_does_not_stop_the_first_try_of_another(steps in steps(1, 99), account in 0..3u8) {
        let guessers = Guessers::new();
        follow(&guessers, &steps);
        prop_assert_eq!(guessers.check(&account.to_string(), 99, false).map(drop), Ok(()));
    }
}
