//! Something in the place of a relay that remembers what it was told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use callbox_domain::SessionId;

use crate::{CallSubject, MediaControl, RelayUrls};

/// Relays nothing. Whatever is said to it can be asked for once.
#[derive(Debug, Default)]
pub struct RecordingMedia(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    urls: RelayUrls,
    ended_sessions: Vec<SessionId>,
    ended_calls: Vec<CallSubject>,
    trouble: Option<String>,
}

impl RecordingMedia {
    /// A relay that is reached at these addresses.
    pub fn at(urls: RelayUrls) -> Self {
        Self(Mutex::new(State { urls, ..State::default() }))
    }

    /// The sessions whose end it was told since this was asked the last time, each once.
    pub fn ended_sessions(&self) -> Vec<SessionId> {
        once(std::mem::take(&mut self.state().ended_sessions))
    }

    /// The calls whose end it was told since this was asked the last time, each once.
    pub fn ended_calls(&self) -> Vec<CallSubject> {
        once(std::mem::take(&mut self.state().ended_calls))
    }

    /// How clients reach it from now on.
    pub fn set_urls(&self, urls: RelayUrls) {
        self.state().urls = urls;
    }

    /// What is wrong with it from now on, if anything.
    pub fn set_trouble(&self, trouble: Option<&str>) {
        self.state().trouble = trouble.map(str::to_owned);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything may be said twice, so a test asks what was said at all.
fn once<T: PartialEq>(said: Vec<T>) -> Vec<T> {
    let mut heard = Vec::new();
    for one in said {
        if !heard.contains(&one) {
            heard.push(one);
        }
    }
    heard
}

impl MediaControl for RecordingMedia {
    fn urls(&self) -> RelayUrls {
        self.state().urls.clone()
    }

    fn end_session(&self, session: &SessionId) {
        self.state().ended_sessions.push(session.clone());
    }

    fn end_call(&self, call: &CallSubject) {
        self.state().ended_calls.push(call.clone());
    }

    fn health(&self) -> Result<(), String> {
        self.state().trouble.clone().map_or(Ok(()), Err)
    }
}
