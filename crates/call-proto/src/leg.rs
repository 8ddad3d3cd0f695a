//! One side of a call: the connection that takes part, and what is known of it.

use callbox_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Endpoint, MediaReport};

/// What a leg has switched off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Muted {
    /// The microphone is off.
    pub audio: bool,
    /// The camera is off.
    pub video: bool,
}

/// A connection that takes part in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Leg {
    /// Which connection.
    pub(crate) endpoint: Endpoint,
    /// What it said last about its media.
    pub(crate) media: Media,
    /// What it has switched off.
    pub(crate) muted: Muted,
    /// Since when it has had no socket; `None` while it has one.
    pub(crate) gone_since: Option<Timestamp>,
}

impl Leg {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, media: Media::Unreported, muted: Muted::default(), gone_since: None }
    }

    /// Notes a report; `false` when it says nothing new.
    pub(crate) fn report(&mut self, now: Timestamp, report: MediaReport) -> bool {
        let media = match (report, self.media) {
            (MediaReport::Connected, Media::Connected)
            | (MediaReport::Interrupted, Media::Interrupted { .. }) => return false,
            (MediaReport::Connected, _) => Media::Connected,
            (MediaReport::Interrupted, _) => Media::Interrupted { since: now },
        };
        self.media = media;
        true
    }
}

/// What a leg said last about its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub(crate) enum Media {
    /// Nothing yet.
    Unreported,
    /// Sound and picture come through.
    Connected,
    /// They do not.
    Interrupted {
        /// Since when.
        since: Timestamp,
    },
}

impl Media {
    pub(crate) fn is_connected(self) -> bool {
        self == Self::Connected
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unreported => "unreported",
            Self::Connected => "connected",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}
