//! Limits for those who guess passwords and codes.
//!
//! Only failed checks count, and nothing is ever locked: every refusal says how many seconds it lasts, and a device on which
//! the user has been signed in before gets past what strangers do to the account from elsewhere. All of it is in memory,
//! and a restart forgets it: it slows guessing over the network down, it is no record.

mod budget;
mod quiet_map;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callbox_domain::{ClientAddress, Clock};
use callbox_wire::{ApiError, ErrorCode};
use sha2::{Digest, Sha256};

use crate::ServiceResult;
use budget::Budget;
use quiet_map::{Quiet, QuietMap};

/// How much guessing is put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessingSettings {
    /// Failed checks a minute of one client address, all at once if need be: an office behind one address mistypes too.
    pub failures_per_minute: NonZeroU32,
    /// Sign-ups an hour of one client address; `None` for as many as come.
    pub sign_ups_per_hour: Option<NonZeroU32>,
}

impl Default for GuessingSettings {
    fn default() -> Self {
        Self { failures_per_minute: number(30), sign_ups_per_hour: NonZeroU32::new(10) }
    }
}

/// Counts failed checks. Ask [`Guessing::check`] before a password or code is looked at, and tell the [`Attempt`] how it went.
pub struct Guessing {
    clock: Arc<dyn Clock>,
    tables: Mutex<Tables>,
}

struct Tables {
    by_address: Budget<ClientAddress>,
    by_account: Budget<Account>,
    by_pair: QuietMap<Pair, Failures>,
    sign_ups: Option<Budget<ClientAddress>>,
    /// Checks that run at this moment. Never more entries than requests that are being answered.
    running: HashMap<Pair, u32>,
}

/// An account by its digest, so that long names take no more memory than short ones and no name is kept.
type Account = [u8; 32];

type Pair = (Account, Option<ClientAddress>);

/// The failures of one address on one account since the last success or the last quiet hour.
#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    last_at: Duration,
}

impl Quiet for Failures {
    fn quiet_from(&self) -> Duration {
        self.last_at + FAILURES_FORGOTTEN_AFTER
    }
}

impl Failures {
    /// How many checks may run at once: no more than could fail one after the other without a wait.
    fn running_max(self) -> u32 {
        FAILURES_FREE.saturating_sub(self.count).max(1)
    }

    fn wait(self, now: Duration) -> Duration {
        let Some(doublings) = self.count.checked_sub(FAILURES_FREE) else { return Duration::ZERO };
        let delay = DELAY_MIN.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(DELAY_MAX);
        (self.last_at + delay).saturating_sub(now)
    }
}

impl Guessing {
    /// Without any failure so far.
    pub fn new(settings: GuessingSettings, clock: Arc<dyn Clock>) -> Self {
        let tables = Tables {
            by_address: Budget::new(settings.failures_per_minute, Duration::from_mins(1)),
            by_account: Budget::new(number(ACCOUNT_FAILURES_PER_HOUR_MAX), Duration::from_hours(1)),
            by_pair: QuietMap::new(ENTRIES_MAX),
            sign_ups: settings.sign_ups_per_hour.map(|count| Budget::new(count, Duration::from_hours(1))),
            running: HashMap::new(),
        };
        Self { clock, tables: Mutex::new(tables) }
    }

    /// Whether a password or code for this account may be checked now. Three limits hold, and the answer names the longest
    /// wait:
    ///
    /// - of the address, on all accounts: [`GuessingSettings::failures_per_minute`];
    /// - of the address on this account: after five failures a second, twice as long after each one more, up to 15 minutes;
    ///   a success or an hour without failure starts anew, and checks at the same time are no way around it;
    /// - of the account, from everywhere: 100 failures an hour. A `known_device`, which has proved that this user was signed
    ///   in on it before, is let past this one, so that nobody can shut a user out by failing in the user's name.
    ///
    /// `account` is any text that names the account on this server, whether or not there is such an account. Without an
    /// address, as in tests without a socket, the first limit does not hold and the second is that of all who have none.
    pub fn check(
        &self,
        account: &str,
        address: Option<ClientAddress>,
        known_device: bool,
    ) -> ServiceResult<Attempt<'_>> {
        let account: Account = Sha256::digest(account).into();
        let pair = (account, address);
        let now = self.clock.elapsed();
        let mut tables = self.tables();
        let of_address = address.map_or(Duration::ZERO, |address| tables.by_address.wait(&address, now));
        let failures = tables.by_pair.find(&pair, now).copied().unwrap_or_default();
        let of_pair = failures.wait(now);
        let of_account = if known_device { Duration::ZERO } else { tables.by_account.wait(&account, now) };
        let wait = of_address.max(of_pair).max(of_account);
        if !wait.is_zero() {
            let whose = if of_address == wait { "from this address" } else { "to this account" };
            return Err(refused(&format!("Too many failed sign-ins {whose}; wait before the next."), wait));
        }
        let running = tables.running.entry(pair).or_default();
        if *running >= failures.running_max() {
            return Err(refused("Too many sign-ins to this account at once; send one.", DELAY_MIN));
        }
        *running += 1;
        Ok(Attempt { guessing: self, pair })
    }

    /// Counts one sign-up from an address, and refuses when there have been too many.
    pub fn count_sign_up(&self, address: Option<ClientAddress>) -> ServiceResult<()> {
        let now = self.clock.elapsed();
        let mut tables = self.tables();
        let (Some(sign_ups), Some(address)) = (&mut tables.sign_ups, address) else { return Ok(()) };
        let wait = sign_ups.wait(&address, now);
        if !wait.is_zero() {
            return Err(refused("Too many sign-ups from this address; wait before the next.", wait));
        }
        sign_ups.spend(address, now);
        Ok(())
    }

    /// Gives the memory of those back that have been quiet; call it now and then.
    pub fn forget_quiet(&self) {
        let now = self.clock.elapsed();
        let mut tables = self.tables();
        tables.by_address.forget_quiet(now);
        tables.by_account.forget_quiet(now);
        tables.by_pair.forget_quiet(now);
        if let Some(sign_ups) = &mut tables.sign_ups {
            sign_ups.forget_quiet(now);
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A check that was let through. Dropped without a word, as when the client goes away or the server is overloaded, it
/// counts as nothing.
#[must_use = "say whether it failed or succeeded"]
pub struct Attempt<'a> {
    guessing: &'a Guessing,
    pair: Pair,
}

impl Attempt<'_> {
    /// The password or code was wrong, or there is no such account.
    pub fn failed(self) {
        let now = self.guessing.clock.elapsed();
        let (account, address) = self.pair;
        let mut tables = self.guessing.tables();
        if let Some(address) = address {
            tables.by_address.spend(address, now);
        }
        tables.by_account.spend(account, now);
        let before = tables.by_pair.find(&self.pair, now).copied().unwrap_or_default();
        let failures = Failures { count: before.count.saturating_add(1), last_at: now };
        tables.by_pair.insert(self.pair, failures, now);
    }

    /// It was right. The address starts anew on this account; what others have failed stays counted, and so does what the
    /// address has failed elsewhere: one account of one's own must not buy guesses at all the others.
    pub fn succeeded(self) {
        self.guessing.tables().by_pair.remove(&self.pair);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut tables = self.guessing.tables();
        if let Some(running) = tables.running.get_mut(&self.pair) {
            *running -= 1;
            if *running == 0 {
                tables.running.remove(&self.pair);
            }
        }
    }
}

fn refused(sentence: &str, wait: Duration) -> ApiError {
    let seconds = u32::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX);
    ApiError::with_message(ErrorCode::RateLimited, sentence).detail("retryAfterSeconds", seconds)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

/// An address may fail so often on an account before it waits.
const FAILURES_FREE: u32 = 5;

/// The first wait. Each further one is twice as long.
const DELAY_MIN: Duration = Duration::from_secs(1);

/// The longest wait.
const DELAY_MAX: Duration = Duration::from_mins(15);

/// Failures of an address on an account are forgotten after so long without another.
const FAILURES_FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Failures on one account from everywhere. A million guesses, which the rules for passwords withstand, take a year.
const ACCOUNT_FAILURES_PER_HOUR_MAX: u32 = 100;

/// Addresses, accounts and pairs of them that are remembered, of each. To push one out, its guesser must fail as often
/// elsewhere, and each failure costs a hash.
const ENTRIES_MAX: usize = 65_536;
