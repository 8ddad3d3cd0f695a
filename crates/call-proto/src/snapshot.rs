//! A call as the row of a store, and back.

use std::borrow::Cow;

use callbox_domain::{AppId, CallId, CallRecord};
use serde::{Deserialize, Serialize};

use crate::Call;
use crate::call::{Over, Parties, State};
use crate::live::Live;

/// Why a row holds no call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot of call {call_id} cannot be read: {reason}")]
pub struct SnapshotError {
    /// Whose row.
    pub call_id: CallId,
    /// What is wrong with it.
    pub reason: String,
}

impl Call {
    /// The call in a row, live or over.
    pub fn from_record(record: &CallRecord) -> Result<Self, SnapshotError> {
        let state = if let Some(end) = &record.end {
            State::Over(Over { accepted_at: record.accepted_at, end: end.clone() })
        } else {
            let snapshot = serde_json::from_str(&record.snapshot);
            let Snapshot::V1(live) = snapshot
                .map_err(|error| SnapshotError { call_id: record.id.clone(), reason: error.to_string() })?;
            State::Live(Box::new(live.into_owned()))
        };
        let parties = Parties {
            id: record.id.clone(),
            caller_id: record.caller_id.clone(),
            callee_id: record.callee_id.clone(),
            media: record.media,
            created_at: record.created_at,
        };
        Ok(Self { parties, state })
    }

    /// The row to save, in `app`.
    pub fn to_record(&self, app: AppId) -> CallRecord {
        let snapshot = match &self.state {
            State::Live(live) => serde_json::to_string(&Snapshot::V1(Cow::Borrowed(live)))
                .expect("a struct of texts, numbers and flags has a JSON form"),
            State::Over(_) => String::new(),
        };
        CallRecord {
            app_id: app,
            id: self.parties.id.clone(),
            caller_id: self.parties.caller_id.clone(),
            callee_id: self.parties.callee_id.clone(),
            media: self.parties.media,
            created_at: self.parties.created_at,
            accepted_at: self.accepted_at(),
            end: self.end().cloned(),
            snapshot,
        }
    }
}

/// The forms that a live state has been written in. A newer server reads all of them.
#[derive(Serialize, Deserialize)]
#[serde(tag = "version")]
enum Snapshot<'a> {
    #[serde(rename = "1")]
    V1(Cow<'a, Live>),
}
