//! Numbers that JavaScript holds exactly.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A place in a user's event log: 1, 2, 3, … at most 2^53 − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(value_type = f64, example = 813)]
pub struct Seq(u64);

impl Seq {
    /// A number as it is; values beyond 2^53 − 1 are brought down to it.
    pub fn new(number: u64) -> Self {
        Self(number.min(callbox_domain::event::SEQ_MAX))
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number > callbox_domain::event::SEQ_MAX {
            return Err(serde::de::Error::custom("a seq is at most 9007199254740991"));
        }
        Ok(Self(number))
    }
}
