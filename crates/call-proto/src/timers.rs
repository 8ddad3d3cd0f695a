//! How long a call waits for what. Chosen when it starts, and kept with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The time limits of one call. Every value is brought inside its bounds when it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timers {
    #[serde(rename = "reachMs", with = "millis")]
    pub(crate) reach: Duration,
    #[serde(rename = "ringMs", with = "millis")]
    pub(crate) ring: Duration,
    #[serde(rename = "connectMs", with = "millis")]
    pub(crate) connect: Duration,
    #[serde(rename = "callerGoneMs", with = "millis")]
    pub(crate) caller_gone: Duration,
    #[serde(rename = "legGoneMs", with = "millis")]
    pub(crate) leg_gone: Duration,
    #[serde(rename = "bothGoneMs", with = "millis")]
    pub(crate) both_gone: Duration,
    #[serde(rename = "longestMs", with = "millis")]
    pub(crate) longest: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            reach: REACH_DEFAULT,
            ring: RING_DEFAULT,
            connect: CONNECT_DEFAULT,
            caller_gone: CALLER_GONE,
            leg_gone: LEG_GONE,
            both_gone: BOTH_GONE,
            longest: LONGEST_DEFAULT,
        }
    }
}

impl Timers {
    /// How long the first device may take to ring: [`REACH_MIN`] to [`REACH_MAX`].
    #[must_use]
    pub fn with_reach(self, reach: Duration) -> Self {
        Self { reach: reach.clamp(REACH_MIN, REACH_MAX), ..self }
    }

    /// How long it may ring: what the caller asked for, or [`RING_DEFAULT`]; at least [`RING_MIN`], at most what the
    /// app allows, and never more than [`RING_MAX`].
    #[must_use]
    pub fn with_ring(self, asked: Option<Duration>, allowed: Duration) -> Self {
        let most = allowed.clamp(RING_MIN, RING_MAX);
        Self { ring: asked.unwrap_or(RING_DEFAULT).clamp(RING_MIN, most), ..self }
    }

    /// How long both legs may take from the accept until they have media: [`CONNECT_MIN`] to [`CONNECT_MAX`].
    #[must_use]
    pub fn with_connect(self, connect: Duration) -> Self {
        Self { connect: connect.clamp(CONNECT_MIN, CONNECT_MAX), ..self }
    }

    /// How long an accepted call may last: [`LONGEST_MIN`] to [`LONGEST_MAX`].
    #[must_use]
    pub fn with_longest(self, longest: Duration) -> Self {
        Self { longest: longest.clamp(LONGEST_MIN, LONGEST_MAX), ..self }
    }

    /// How long it may ring.
    pub fn ring(&self) -> Duration {
        self.ring
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// From the start until the first device rings, unless said otherwise; then the callee is unreachable.
pub const REACH_DEFAULT: Duration = Duration::from_secs(10);
/// The shortest time to reach a device.
pub const REACH_MIN: Duration = Duration::from_secs(1);
/// The longest time to reach a device: waking a phone by push takes a while.
pub const REACH_MAX: Duration = Duration::from_mins(2);

/// From the first ring until the answer, unless said otherwise; then there is none.
pub const RING_DEFAULT: Duration = Duration::from_mins(1);
/// The shortest ring that can be asked for.
pub const RING_MIN: Duration = Duration::from_secs(1);
/// The longest ring that can be asked for or allowed.
pub const RING_MAX: Duration = Duration::from_mins(2);

/// From the accept until both legs have media, unless said otherwise.
pub const CONNECT_DEFAULT: Duration = Duration::from_mins(1);
/// The shortest time for media to come through.
pub const CONNECT_MIN: Duration = Duration::from_secs(1);
/// The longest time for media to come through.
pub const CONNECT_MAX: Duration = Duration::from_mins(5);

/// How long the caller may have no socket before the answer; then the call is canceled. Long enough for a reconnect,
/// short enough that the callee is not called by a page that was closed.
pub const CALLER_GONE: Duration = Duration::from_secs(10);
/// How long a leg may have no socket while the other leg has no media either; then the connection counts as lost.
pub const LEG_GONE: Duration = Duration::from_mins(1);
/// How long neither leg may have a socket, whatever they said last about their media: longer than an outage of the
/// network that leads to the server, short enough that two crashed browsers do not leave a call for a day.
pub const BOTH_GONE: Duration = Duration::from_mins(15);

/// From the accept, unless said otherwise; then the server ends the call.
pub const LONGEST_DEFAULT: Duration = Duration::from_hours(24);
/// The shortest limit of a call.
pub const LONGEST_MIN: Duration = Duration::from_secs(1);
/// The longest limit of a call.
pub const LONGEST_MAX: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_what_was_asked_for_inside_what_is_allowed() {
        let seconds = Duration::from_secs;
        let ring = |asked: Option<u64>, allowed| {
            Timers::default().with_ring(asked.map(seconds), seconds(allowed)).ring()
        };
        assert_eq!(ring(None, 120), RING_DEFAULT);
        assert_eq!(ring(None, 30), seconds(30), "the app's limit holds for the default too");
        assert_eq!(ring(Some(20), 60), seconds(20));
        assert_eq!(ring(Some(90), 60), seconds(60));
        assert_eq!(ring(Some(0), 60), RING_MIN);
        assert_eq!(ring(Some(500), 500), RING_MAX);
        assert_eq!(ring(Some(500), 0), RING_MIN);
    }

    #[test]
    fn the_other_limits_stay_inside_their_bounds() {
        let least = Timers::default()
            .with_reach(Duration::ZERO)
            .with_connect(Duration::ZERO)
            .with_longest(Duration::ZERO);
        assert_eq!((least.reach, least.connect, least.longest), (REACH_MIN, CONNECT_MIN, LONGEST_MIN));
        let most = Timers::default()
            .with_reach(Duration::MAX)
            .with_connect(Duration::MAX)
            .with_longest(Duration::MAX);
        assert_eq!((most.reach, most.connect, most.longest), (REACH_MAX, CONNECT_MAX, LONGEST_MAX));
    }
}
