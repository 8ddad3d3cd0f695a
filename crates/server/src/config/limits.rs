//! `[limits]`

use std::num::NonZeroU32;

use callbox_service::LimitSettings;
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
        })
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { requests_per_second: 50, requests_burst: 200, messages_per_second: 20, messages_burst: 60 }
    }
}

pub(super) const EXAMPLE: &str = r"[limits]
# What one session may ask for: a second, and at once after a pause.
requests_per_second = 50
requests_burst = 200
messages_per_second = 20
messages_burst = 60
";
