//! `[limits]`

use std::num::NonZeroU32;
use std::time::Duration;

use callbox_service::LimitSettings;
use callbox_service::events::RetentionSettings;
use callbox_service::guessing::GuessingSettings;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// How much one session may ask for. A burst is what may come at once after a pause.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Requests and frames a second.
    pub requests_per_second: u32,
    /// Requests and frames at once.
    pub requests_burst: u32,
    /// Messages a second.
    pub messages_per_second: u32,
    /// Messages at once.
    pub messages_burst: u32,
    /// Failed sign-ins of one client address a minute.
    pub failed_sign_ins_per_minute: u32,
    /// Sign-ups of one client address an hour.
    pub sign_ups_per_hour: u32,
    /// Days for which events are replayed to a client that was away; one that was away for longer fetches what it shows.
    pub events_kept_days: u32,
    /// Events of one user that are replayed at most.
    pub events_kept_per_user: u32,
    /// A development server does not count sign-ups.
    #[serde(skip)]
    pub unlimited_sign_ups: bool,
}

impl LimitsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.settings().map(|_| ())
    }

    /// As the use cases take them.
    pub(crate) fn settings(&self) -> Result<LimitSettings, ConfigError> {
        let positive = |key, number| {
            let problem = || "at least 1; there is no switch for 'without limit'".to_owned();
            NonZeroU32::new(number).ok_or_else(|| ConfigError::Invalid { key, problem: problem() })
        };
        Ok(LimitSettings {
            requests_per_second: positive("limits.requests_per_second", self.requests_per_second)?,
            requests_burst: positive("limits.requests_burst", self.requests_burst)?,
            messages_per_second: positive("limits.messages_per_second", self.messages_per_second)?,
            messages_burst: positive("limits.messages_burst", self.messages_burst)?,
            guessing: GuessingSettings {
                failures_per_minute: positive(
                    "limits.failed_sign_ins_per_minute",
                    self.failed_sign_ins_per_minute,
                )?,
                sign_ups_per_hour: if self.unlimited_sign_ups {
                    None
                } else {
                    Some(positive("limits.sign_ups_per_hour", self.sign_ups_per_hour)?)
                },
            },
            retention: RetentionSettings {
                age_max: Duration::from_hours(
                    24 * u64::from(positive("limits.events_kept_days", self.events_kept_days)?.get()),
                ),
                per_user_max: positive("limits.events_kept_per_user", self.events_kept_per_user)?,
            },
        })
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            requests_burst: 200,
            messages_per_second: 20,
            messages_burst: 60,
            failed_sign_ins_per_minute: 30,
            sign_ups_per_hour: 10,
            events_kept_days: 30,
            events_kept_per_user: 10_000,
            unlimited_sign_ups: false,
        }
    }
}

pub(super) const EXAMPLE: &str = r"[limits]
# What one session may ask for: a second, and at once after a pause.
requests_per_second = 50
requests_burst = 200
messages_per_second = 20
messages_burst = 60
# What one client address may do: behind a proxy, name it in server.trusted_proxies.
failed_sign_ins_per_minute = 30
sign_ups_per_hour = 10
# A client that was away is told what it missed event by event, this far back; beyond that it fetches its lists anew.
events_kept_days = 30
events_kept_per_user = 10000
";
