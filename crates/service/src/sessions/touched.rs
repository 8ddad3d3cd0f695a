//! When sessions were last used: noted in memory, kept now and then, for a write for each request would cost more than
//! it tells.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use callbox_domain::{AppId, Session, SessionId, Timestamp};

use crate::Service;
use crate::error::Refusal;

/// Sessions used since the last time that this was kept.
#[derive(Default)]
pub(crate) struct TouchedSessions(Mutex<HashMap<(AppId, SessionId), Timestamp>>);

impl TouchedSessions {
    pub(super) fn note(&self, session: &Session, now: Timestamp) {
        let mut touched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if touched.len() < TOUCHED_MAX {
            touched.insert((session.app_id, session.id.clone()), now);
        }
    }

    fn take(&self) -> Vec<((AppId, SessionId), Timestamp)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}

impl Service {
    /// Keeps when sessions were last used; call it about once a minute.
    pub async fn keep_last_used(&self) {
        for some in self.touched.take().chunks(SESSIONS_PER_WRITE) {
            let some = some.to_vec();
            let kept = self.store.write(move |tx| {
                for ((app, session), used_at) in &some {
                    tx.touch_session(*app, session, *used_at)?;
                }
                Ok::<_, Refusal>(())
            });
            if let Err(error) = kept.await {
                tracing::warn!(?error, "when sessions were last used could not be kept");
            }
        }
    }
}

/// Sessions noted between two writes; of more, some keep the moment of before.
const TOUCHED_MAX: usize = 100_000;

const SESSIONS_PER_WRITE: usize = 500;
