//! The published keys of providers: kept, asked for again, waited for, and let go.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use callbox_domain::settings::JwtIssuer;
use callbox_wire::ErrorCode;
use futures_executor::block_on;
use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::super::{FetchKeys, Fetching, IssuerKeys, Jwt, JwtProblem};
use super::signer::{Signer, issuer, key_set, provider_claims};
use crate::testing::ManualClock;

type Answer = Result<String, String>;

/// Every web server that there is. They answer what they were told last, and keep all waiting until they were.
#[derive(Default)]
struct Web {
    answer: Arc<Mutex<Option<Answer>>>,
    waiting: Arc<Mutex<Vec<Waker>>>,
    asked: Mutex<Vec<String>>,
}

impl Web {
    fn answers(&self, answer: Result<&Value, &str>) {
        let answer = answer.map(ToString::to_string).map_err(str::to_owned);
        *self.answer.lock().expect("not poisoned") = Some(answer);
        self.waiting.lock().expect("not poisoned").drain(..).for_each(Waker::wake);
    }

    /// How often anything was asked for.
    fn asked(&self) -> usize {
        self.asked.lock().expect("not poisoned").len()
    }
}

impl FetchKeys for Web {
    fn fetch(&self, url: String) -> Fetching {
        self.asked.lock().expect("not poisoned").push(url);
        let (answer, waiting) = (Arc::clone(&self.answer), Arc::clone(&self.waiting));
        Box::pin(poll_fn(move |context| {
            if let Some(answer) = answer.lock().expect("not poisoned").clone() {
                return Poll::Ready(answer);
            }
            waiting.lock().expect("not poisoned").push(context.waker().clone());
            Poll::Pending
        }))
    }
}

/// A provider with two keys, of which `old` is published.
struct Provider {
    web: Arc<Web>,
    clock: Arc<ManualClock>,
    keys: IssuerKeys,
    old: Signer,
    new: Signer,
}

impl Provider {
    fn new() -> Self {
        let (web, clock) = (Arc::new(Web::default()), Arc::new(ManualClock::default()));
        let keys = IssuerKeys::new(web.clone(), clock.clone());
        let provider = Self { web, clock, keys, old: Signer::ed25519(), new: Signer::ed25519() };
        provider.web.answers(Ok(&provider.published()));
        provider
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn published(&self) -> Value {
        key_set(&[self.old.jwk("old")])
    }

    fn rotated(&self) -> Value {
        key_set(&[self.old.jwk("old"), self.new.jwk("new")])
    }

    fn jwt(&self, kid: &str) -> Jwt {
        let signer = if kid == "new" { &self.new } else { &self.old };
        let mut claims = provider_claims();
        claims["exp"] = json!(4_000_000_000_u64);
        Jwt::parse(&signer.sign(&json!({ "alg": "EdDSA", "kid": kid }), &claims)).expect("good")
    }

    fn verify_at(&self, issuer: &JwtIssuer, kid: &str) -> Result<(), JwtProblem> {
        block_on(self.keys.verify(&self.jwt(kid), issuer)).map(|_| ())
    }

    fn verify(&self, kid: &str) -> Result<(), JwtProblem> {
        self.verify_at(&issuer(), kid)
    }

    fn is_unknown(&self, kid: &str) -> bool {
        matches!(self.verify(kid), Err(JwtProblem::KeyUnknown(_)))
    }

    fn has_no_keys(&self) -> bool {
        self.verify("old").is_err_and(|problem| problem.code() == ErrorCode::KeysUnavailable)
    }
}

fn at(url: &str) -> JwtIssuer {
    JwtIssuer { jwks_url: Some(url.to_owned()), ..issuer() }
}

/// In seconds.
const MINUTE: u64 = 60;

#[test]
fn a_document_is_used_for_ten_minutes_and_then_asked_for_again() {
    let provider = Provider::new();
    assert_eq!(provider.verify("old"), Ok(()));
    provider.pass(10 * MINUTE - 1);
    assert_eq!(provider.verify("old"), Ok(()));
    assert_eq!(*provider.web.asked.lock().expect("not poisoned"), ["https://id.example.com/jwks.json"]);
    provider.web.answers(Ok(&key_set(&[provider.new.jwk("new")])));
    provider.pass(1);
    assert!(provider.is_unknown("old"), "a key that is no longer published");
    assert_eq!((provider.verify("new"), provider.web.asked()), (Ok(()), 2));
}

#[test]
fn an_old_document_stays_good_for_a_day_when_no_newer_one_comes() {
    for failure in [Err("connection refused"), Ok(&json!("no key set"))] {
        let provider = Provider::new();
        assert_eq!(provider.verify("old"), Ok(()));
        provider.web.answers(failure);
        provider.pass(10 * MINUTE);
        assert_eq!((provider.verify("old"), provider.web.asked()), (Ok(()), 2));
        provider.pass(9);
        assert_eq!((provider.verify("old"), provider.web.asked()), (Ok(()), 2), "not asked at every sign-in");
        provider.pass(1);
        assert_eq!((provider.verify("old"), provider.web.asked()), (Ok(()), 3));
        provider.pass(24 * 60 * MINUTE - 10 * MINUTE - 11);
        assert_eq!(provider.verify("old"), Ok(()), "a second less than a day");
        provider.pass(1);
        assert!(provider.has_no_keys());
    }
}

#[test]
fn a_provider_that_never_answered_is_asked_every_ten_seconds() {
    let provider = Provider::new();
    provider.web.answers(Err("connection refused"));
    assert!(provider.has_no_keys());
    provider.pass(9);
    provider.web.answers(Ok(&provider.published()));
    assert!(provider.has_no_keys());
    assert_eq!(provider.web.asked(), 1);
    provider.pass(1);
    assert_eq!((provider.verify("old"), provider.web.asked()), (Ok(()), 2));
}

#[test]
fn an_unknown_kid_asks_again_at_most_once_a_minute() {
    let provider = Provider::new();
    assert_eq!(provider.verify("old"), Ok(()));
    provider.web.answers(Ok(&provider.rotated()));
    provider.pass(MINUTE - 1);
    assert!(provider.is_unknown("new"));
    assert_eq!(provider.web.asked(), 1);
    provider.pass(1);
    assert_eq!((provider.verify("new"), provider.web.asked()), (Ok(()), 2));
    // Nor do made-up names do more.
    for _ in 0..5 {
        assert!(provider.is_unknown("made up"));
    }
    assert_eq!(provider.web.asked(), 2);
    provider.pass(MINUTE);
    for _ in 0..5 {
        assert!(provider.is_unknown("made up"));
    }
    assert_eq!((provider.verify("old"), provider.web.asked()), (Ok(()), 3));
    // An answer that is none counts too.
    provider.pass(MINUTE);
    provider.web.answers(Err("connection refused"));
    for _ in 0..5 {
        assert!(provider.is_unknown("made up"));
    }
    assert_eq!((provider.verify("new"), provider.web.asked()), (Ok(()), 4));
}

#[test]
fn of_many_who_need_a_document_one_asks() {
    let provider = Provider::new();
    *provider.web.answer.lock().expect("not poisoned") = None;
    let (jwt, other, issuer) = (provider.jwt("old"), provider.jwt("new"), issuer());
    let sign_ins = (0..20).map(|index| provider.keys.verify(if index == 7 { &other } else { &jwt }, &issuer));
    let all_wait = async {
        assert_eq!(provider.web.asked(), 1);
        provider.web.answers(Ok(&provider.published()));
    };
    let (verdicts, ()) = block_on(join(join_all(sign_ins), all_wait));
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 19);
    assert!(matches!(verdicts[7], Err(JwtProblem::KeyUnknown(_))));
    assert_eq!(provider.web.asked(), 1);
}

#[test]
fn who_knows_a_key_does_not_wait_for_a_document_that_others_need() {
    let provider = Provider::new();
    assert_eq!(provider.verify("old"), Ok(()));
    provider.pass(MINUTE);
    *provider.web.answer.lock().expect("not poisoned") = None;
    let (new, issuer) = (provider.jwt("new"), issuer());
    let needy = provider.keys.verify(&new, &issuer);
    let others = async {
        assert_eq!(provider.web.asked(), 2);
        let old = provider.jwt("old");
        assert!(provider.keys.verify(&old, &issuer).now_or_never().expect("at once").is_ok());
        provider.web.answers(Ok(&provider.rotated()));
    };
    let (verdict, ()) = block_on(join(needy, others));
    assert!(verdict.is_ok());
}

#[test]
fn who_hangs_up_leaves_nothing_behind_that_the_next_one_waits_for() {
    let provider = Provider::new();
    *provider.web.answer.lock().expect("not poisoned") = None;
    let (jwt, issuer) = (provider.jwt("old"), issuer());
    assert!(provider.keys.verify(&jwt, &issuer).now_or_never().is_none());
    provider.web.answers(Ok(&provider.published()));
    assert_eq!((provider.verify("old"), provider.web.asked()), (Ok(()), 2));
}

#[test]
fn a_jwt_that_no_key_could_save_makes_nobody_ask() {
    let provider = Provider::new();
    let jwt = provider.jwt("old");
    let refused = |issuer: JwtIssuer| block_on(provider.keys.verify(&jwt, &issuer)).expect_err("refused");
    assert_eq!(refused(JwtIssuer { audience: "x".into(), ..issuer() }), JwtProblem::WrongAudience);
    assert_eq!(refused(JwtIssuer { issuer: "x".into(), ..issuer() }), JwtProblem::WrongIssuer);
    let algorithms = vec!["RS256".to_owned()];
    assert_eq!(refused(JwtIssuer { algorithms, ..issuer() }), JwtProblem::AlgorithmNotAllowed);
    let claim = JwtIssuer { user_id_claim: "phone".into(), ..issuer() };
    assert!(matches!(refused(claim), JwtProblem::NoUserId(_)));
    assert_eq!(provider.web.asked(), 0);
}

#[test]
fn pasted_keys_ask_nobody() {
    let provider = Provider::new();
    let pasted = |text: String| JwtIssuer { jwks: Some(text), jwks_url: None, ..issuer() };
    assert_eq!(provider.verify_at(&pasted(provider.published().to_string()), "old"), Ok(()));
    let unreadable = provider.verify_at(&pasted("{".to_owned()), "old").expect_err("no keys");
    assert_eq!(unreadable.code(), ErrorCode::KeysUnavailable);
    assert_eq!(provider.web.asked(), 0);
}

#[test]
fn of_too_many_documents_the_one_that_was_not_needed_for_longest_goes() {
    let provider = Provider::new();
    let url = |index: usize| at(&format!("https://{index}.example.com/jwks.json"));
    for index in 0..256 {
        assert_eq!(provider.verify_at(&url(index), "old"), Ok(()));
        provider.pass(1);
    }
    assert_eq!(provider.verify_at(&url(0), "old"), Ok(()));
    assert_eq!(provider.web.asked(), 256, "all are kept");
    provider.pass(1);
    assert_eq!(provider.verify_at(&url(256), "old"), Ok(()));
    assert_eq!(provider.verify_at(&url(0), "old"), Ok(()));
    assert_eq!(provider.web.asked(), 257, "the first is needed still");
    assert_eq!(provider.verify_at(&url(1), "old"), Ok(()));
    assert_eq!(provider.web.asked(), 258, "the second had to go");
}
