//! What is wrong with the server, for those who watch over it.

use std::sync::{Mutex, PoisonError};

use callbox_domain::Timestamp;
use callbox_storage as storage;

use crate::Service;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// With what.
    pub part: TroubledPart,
    /// Since when.
    pub since: Timestamp,
    /// Why, for the log.
    pub reason: String,
}

/// A part of the server that can be in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubledPart {
    /// The store does not write.
    StoreWrites,
    /// The store cannot read some of what it keeps.
    StoreData,
    /// The relay does not work.
    Media,
}

impl TroubledPart {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoreWrites => "store_writes",
            Self::StoreData => "store_data",
            Self::Media => "media",
        }
    }
}

/// Since when the relay has been in trouble, as far as anybody has looked: it does not say itself.
#[derive(Default)]
pub(crate) struct MediaTrouble(Mutex<Option<Timestamp>>);

impl MediaTrouble {
    fn look(&self, health: Result<(), String>, now: Timestamp) -> Result<(), Trouble> {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match health {
            Ok(()) => {
                *since = None;
                Ok(())
            }
            Err(reason) => {
                let since = *since.get_or_insert(now);
                Err(Trouble { part: TroubledPart::Media, since, reason })
            }
        }
    }
}

impl Service {
    /// What keeps the server from doing its work, if anything. Asking makes a store that does not write try again.
    pub fn check_health(&self) -> Result<(), Trouble> {
        self.store.health().map_err(|trouble| self.describe_trouble(&trouble))?;
        self.media_trouble.look(self.media.health(), self.clock.now())
    }

    /// What is lost or damaged while everything else goes on.
    pub fn damage(&self) -> Option<Trouble> {
        self.store.damage().map(|trouble| self.describe_trouble(&trouble))
    }

    fn describe_trouble(&self, trouble: &storage::Trouble) -> Trouble {
        let part = match trouble.part {
            storage::Part::Writes => TroubledPart::StoreWrites,
            storage::Part::Data => TroubledPart::StoreData,
        };
        let since = self.clock.now().minus(trouble.lasts);
        Trouble { part, since, reason: trouble.error.to_string() }
    }
}
