//! Time as a value: milliseconds since 1970, and the trait through which the present comes in.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. In JSON it is RFC 3339 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970. Values outside the years 0 to 9999 are brought to that range.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(MILLIS_MIN, MILLIS_MAX))
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date-time, rounded down to the millisecond.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        Some(Self::from_millis(i64::try_from(millis).ok()?))
    }

    /// RFC 3339 in UTC with exactly three digits of milliseconds: `2026-11-21T10:02:03.004Z`.
    pub fn to_rfc3339(self) -> String {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|moment| moment.format(&format).ok())
            .expect("the constructor keeps the value inside the years 0 to 9999")
    }

    /// This moment plus `duration`.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This moment less `duration`.
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero when it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_rfc3339())
    }
}

impl From<Timestamp> for String {
    fn from(moment: Timestamp) -> Self {
        moment.to_rfc3339()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse_rfc3339(&text).ok_or("expected a date-time such as 2026-11-21T10:02:03.004Z (RFC 3339)")
    }
}

/// Where the present comes from; the system's clock in production, a hand-moved one in tests.
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process. It never goes back; timers use it.
    fn elapsed(&self) -> Duration;
}

/// 0000-01-01T00:00:00Z.
const MILLIS_MIN: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
const MILLIS_MAX: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_offsets_and_writes_utc() {
        let moment = Timestamp::parse_rfc3339("2015-01-01T01:00:00.123456+01:00").expect("valid");
        assert_eq!(moment.to_rfc3339(), "2015-01-01T00:00:00.123Z");
        assert_eq!(Timestamp::parse_rfc3339("2015-01-01"), None);
    }

    proptest! {
        #[test]
        fn every_timestamp_survives_its_text(millis in any::<i64>()) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse_rfc3339(&moment.to_rfc3339()), Some(moment));
        }

        #[test]
        fn since_undoes_plus(millis in 0i64..4_000_000_000_000, delta in 0u64..1_000_000_000) {
            let moment = Timestamp::from_millis(millis);
            let delta = Duration::from_millis(delta);
            prop_assert_eq!(moment.plus(delta).since(moment), delta);
        }
    }
}
