//! The timeline: one line for each thing that happened, so that "why did this call fail?" has an answer.

use callbox_domain::{CallEndCause, CallEventRecord, CallMedia, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::leg::Leg;
use crate::{Endpoint, Muted, Output, SignalKind};

/// What a line of the timeline tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The caller started the call. Always the first line.
    Started,
    /// A device of the callee rings.
    Ringing,
    /// A device of the callee answered.
    Accepted,
    /// A leg sent a session description.
    Described,
    /// A leg reported that its media comes through, for the first time or again.
    MediaConnected,
    /// Both legs have media for the first time.
    Connected,
    /// A leg reported that its media does not come through.
    Interrupted,
    /// A leg switched its microphone or camera off or on.
    Muted,
    /// A leg has no socket any more.
    ConnectionLost,
    /// A leg has a socket again.
    ConnectionBack,
    /// The call is over. Always the last line.
    Ended,
}

impl EventKind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Started,
        Self::Ringing,
        Self::Accepted,
        Self::Described,
        Self::MediaConnected,
        Self::Connected,
        Self::Interrupted,
        Self::Muted,
        Self::ConnectionLost,
        Self::ConnectionBack,
        Self::Ended,
    ];

    /// The word in [`CallEventRecord::kind`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ringing => "ringing",
            Self::Accepted => "accepted",
            Self::Described => "described",
            Self::MediaConnected => "media_connected",
            Self::Connected => "connected",
            Self::Interrupted => "interrupted",
            Self::Muted => "muted",
            Self::ConnectionLost => "connection_lost",
            Self::ConnectionBack => "connection_back",
            Self::Ended => "ended",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether a call can have any number of such lines.
    fn is_noise(self) -> bool {
        !matches!(self, Self::Started | Self::Accepted | Self::Connected | Self::Ended)
    }
}

/// Counts the lines, so that a client that toggles for hours does not fill a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Timeline {
    noise: u32,
    omitted: u32,
}

impl Timeline {
    /// The line for something that happened; `None` when there are too many of its sort.
    pub(crate) fn line(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        user_id: Option<&UserId>,
        details: Details<'_>,
    ) -> Option<Output> {
        if kind.is_noise() {
            if self.noise >= NOISE_ROWS_MAX {
                self.omitted = self.omitted.saturating_add(1);
                return None;
            }
            self.noise += 1;
        }
        let kind = kind.as_str().to_owned();
        Some(Output::Record(CallEventRecord { at, kind, user_id: user_id.cloned(), details: details.json() }))
    }

    /// How many lines were left out.
    pub(crate) fn omitted(self) -> u32 {
        self.omitted
    }
}

/// What a line says beside its kind.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(crate) enum Details<'a> {
    Started {
        media: CallMedia,
        #[serde(flatten)]
        device: DeviceDetails<'a>,
    },
    Device(DeviceDetails<'a>),
    Described {
        description: SignalKind,
        generation: u32,
        signal: u32,
    },
    Muted(Muted),
    Ended {
        cause: CallEndCause,
        #[serde(skip_serializing_if = "is_zero")]
        omitted_lines: u32,
        caller: LegDetails,
        #[serde(skip_serializing_if = "Option::is_none")]
        callee: Option<LegDetails>,
    },
    None,
}

impl<'a> Details<'a> {
    pub(crate) fn device(endpoint: &'a Endpoint) -> Self {
        Self::Device(DeviceDetails::of(endpoint))
    }

    fn json(&self) -> String {
        match self {
            Self::None => String::new(),
            details => serde_json::to_string(details).expect("texts, numbers and flags have a JSON form"),
        }
    }
}

/// Which device it was.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceDetails<'a> {
    session_id: &'a str,
    connection_id: &'a str,
}

impl<'a> DeviceDetails<'a> {
    pub(crate) fn of(endpoint: &'a Endpoint) -> Self {
        Self { session_id: endpoint.session_id.as_str(), connection_id: endpoint.connection_id.as_str() }
    }
}

/// How a leg was when the call ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LegDetails {
    media: &'static str,
    gone_since: Option<Timestamp>,
}

impl LegDetails {
    pub(crate) fn of(leg: &Leg) -> Self {
        Self { media: leg.media.as_str(), gone_since: leg.gone_since }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like this")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How many lines of the kinds that may come any number of times one call can have. The last line tells how many
/// were left out.
pub const NOISE_ROWS_MAX: u32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_word_of_its_own() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventKind::parse("rang"), None);
    }
}
