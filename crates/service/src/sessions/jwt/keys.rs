//! The keys of identity providers, kept for a while, by the address where each provider publishes them.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callbox_domain::Clock;
use callbox_domain::settings::JwtIssuer;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::{Jwt, JwtProblem, JwtUser, KeySet};

/// How a document is on its way.
pub type Fetching = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// Fetches documents over HTTPS. It keeps its own limits of time and size, and goes to nobody but the public internet.
pub trait FetchKeys: Send + Sync {
    /// The document at `url`, or a sentence for the log.
    fn fetch(&self, url: String) -> Fetching;
}

/// Fetches nothing: for processes that let nobody in, such as commands.
pub struct NoKeys;

impl FetchKeys for NoKeys {
    fn fetch(&self, _url: String) -> Fetching {
        Box::pin(async { Err("nothing is fetched here".to_owned()) })
    }
}

/// The keys of every identity provider.
///
/// A document is used for ten minutes, then asked for again; where that fails, the old one stays good for a day. A `kid`
/// that a document does not have, as after a rotation, asks for it again at most once a minute. Of many who need the same
/// document, one asks and the others wait for its answer.
pub struct IssuerKeys {
    fetcher: Arc<dyn FetchKeys>,
    clock: Arc<dyn Clock>,
    documents: Arc<Documents>,
}

impl IssuerKeys {
    /// Without any document yet.
    pub fn new(fetcher: Arc<dyn FetchKeys>, clock: Arc<dyn Clock>) -> Self {
        Self { fetcher, clock, documents: Arc::default() }
    }

    /// Checks a JWT of an identity provider: by the keys in the settings, or those that the provider publishes. A JWT that
    /// no key could save makes nobody fetch one.
    pub async fn verify(&self, jwt: &Jwt, issuer: &JwtIssuer) -> Result<JwtUser, JwtProblem> {
        let now = self.clock.now();
        jwt.claimed_user(issuer, now)?;
        let keys = match &issuer.jwks_url {
            Some(url) => self.published(url, jwt.key_id.as_deref()).await?,
            None => pasted(issuer)?,
        };
        jwt.verify_by_keys(issuer, &keys, now)
    }

    /// The keys at `url`, with the one called `key_id` if there is such a one.
    async fn published(&self, url: &str, key_id: Option<&str>) -> Result<Arc<KeySet>, JwtProblem> {
        let found = self.documents.look_up(url, key_id, self.clock.elapsed(), || self.ask(url));
        let asked = match found {
            Found::Keys(keys) => return Ok(keys),
            Found::Nothing => return Err(unavailable()),
            Found::Asked(asked) => asked,
        };
        let answer = asked.await;
        answer.or_else(|| self.documents.usable(url, self.clock.elapsed())).ok_or_else(unavailable)
    }

    fn ask(&self, url: &str) -> Asked {
        let (fetching, clock) = (self.fetcher.fetch(url.to_owned()), Arc::clone(&self.clock));
        let (documents, url) = (Arc::clone(&self.documents), url.to_owned());
        let asking = async move {
            let fetched = fetching.await.and_then(|document| KeySet::parse(&document));
            documents.keep(&url, fetched, clock.elapsed())
        };
        asking.boxed().shared()
    }
}

fn pasted(issuer: &JwtIssuer) -> Result<Arc<KeySet>, JwtProblem> {
    KeySet::parse(issuer.jwks.as_deref().unwrap_or_default()).map(Arc::new).map_err(|reason| {
        tracing::warn!(issuer = issuer.issuer, reason, "the JWK Set in the settings cannot be read");
        unavailable()
    })
}

fn unavailable() -> JwtProblem {
    JwtProblem::KeysUnavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
}

/// A document that somebody asked for. `None` where it cannot be had.
type Asked = Shared<BoxFuture<'static, Option<Arc<KeySet>>>>;

enum Found {
    Keys(Arc<KeySet>),
    Asked(Asked),
    /// No keys, and asked too lately to ask again.
    Nothing,
}

#[derive(Default)]
struct Documents(Mutex<HashMap<String, Document>>);

/// Times are those of [`Clock::elapsed`].
#[derive(Default)]
struct Document {
    /// The last good ones, and when they came.
    keys: Option<(Arc<KeySet>, Duration)>,
    /// When an answer came last, good or bad.
    answered_at: Option<Duration>,
    /// When somebody needed it last.
    used_at: Duration,
    /// Weak: when all who wait have hung up nobody moves it on, and the next one asks anew.
    asked: Option<WeakShared<BoxFuture<'static, Option<Arc<KeySet>>>>>,
}

impl Documents {
    fn look_up(&self, url: &str, key_id: Option<&str>, now: Duration, ask: impl FnOnce() -> Asked) -> Found {
        let mut documents = self.lock();
        if !documents.contains_key(url) && documents.len() >= DOCUMENTS_MAX {
            let quietest = documents.iter().min_by_key(|(_, document)| document.used_at);
            let quietest = quietest.map(|(url, _)| url.clone());
            quietest.and_then(|url| documents.remove(&url));
        }
        let document = documents.entry(url.to_owned()).or_default();
        document.used_at = now;
        document.look_up(key_id, now, ask)
    }

    /// The keys at `url`, even if they should have been asked for again.
    fn usable(&self, url: &str, now: Duration) -> Option<Arc<KeySet>> {
        self.lock().get(url).and_then(|document| document.usable(now))
    }

    fn keep(&self, url: &str, fetched: Result<KeySet, String>, now: Duration) -> Option<Arc<KeySet>> {
        let fetched = fetched.map(Arc::new);
        if let Err(reason) = &fetched {
            tracing::warn!(url, reason, "the keys of an identity provider cannot be had");
        }
        if let Some(document) = self.lock().get_mut(url) {
            document.answered_at = Some(now);
            if let Ok(keys) = &fetched {
                document.keys = Some((Arc::clone(keys), now));
            }
        }
        fetched.ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Document>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Document {
    fn look_up(&mut self, key_id: Option<&str>, now: Duration, ask: impl FnOnce() -> Asked) -> Found {
        let usable = self.usable(now);
        let fresh = self.keys.as_ref().is_some_and(|(_, came_at)| now.saturating_sub(*came_at) < FRESH_TIME);
        let known = usable.as_ref().is_some_and(|keys| keys.knows(key_id));
        let pause = match (fresh, known) {
            (true, true) => None,
            (true, false) => Some(UNKNOWN_KEY_PAUSE),
            (false, _) => Some(FAILURE_PAUSE),
        };
        let due = pause.is_some_and(|pause| {
            self.answered_at.is_none_or(|answered_at| now.saturating_sub(answered_at) >= pause)
        });
        match (due, usable) {
            (true, _) => {
                let asked = self.asked.as_ref().and_then(WeakShared::upgrade).unwrap_or_else(ask);
                self.asked = asked.downgrade();
                Found::Asked(asked)
            }
            (false, Some(keys)) => Found::Keys(keys),
            (false, None) => Found::Nothing,
        }
    }

    fn usable(&self, now: Duration) -> Option<Arc<KeySet>> {
        let (keys, came_at) = self.keys.as_ref()?;
        (now.saturating_sub(*came_at) < USABLE_TIME).then(|| Arc::clone(keys))
    }
}

/// A document is not asked for again while it is younger than this.
const FRESH_TIME: Duration = Duration::from_mins(10);

/// An old document is good for this long when no newer one can be had.
const USABLE_TIME: Duration = Duration::from_hours(24);

/// Between two questions for a `kid` that the document does not have.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_mins(1);

/// Between two questions to a provider that did not answer well.
const FAILURE_PAUSE: Duration = Duration::from_secs(RETRY_AFTER_SECONDS as u64);

const RETRY_AFTER_SECONDS: u32 = 10;

/// Documents that are kept at once; beyond, the one that was not needed for longest goes.
const DOCUMENTS_MAX: usize = 256;
