//! Those who guess passwords, one after the other and all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callbox_domain::AppSettings;
use callbox_server::config::Config;
use callbox_service::passwords::HashPool;
use serde_json::json;
use tokio::sync::mpsc;

use crate::harness::{Answer, Running};

const APP: &str = "passwords";
const PASSWORD: &str = "purple tractor parade";

/// Failed sign-ins of one address that are put up with in the tests; the first is given back after twenty seconds.
const FAILURES: usize = 3;

fn few_failures(config: &mut Config) {
    config.limits.failed_sign_ins_per_minute = 3;
    config.limits.unlimited_sign_ups = true;
}

fn behind_a_proxy(config: &mut Config) {
    few_failures(config);
    config.server.trusted_proxies = vec!["127.0.0.1/32".to_owned()];
}

fn any_failures(config: &mut Config) {
    config.limits.failed_sign_ins_per_minute = 1_000_000;
    config.limits.unlimited_sign_ups = true;
}

/// A server with an app for passwords and one user in it.
async fn server(configure: fn(&mut Config)) -> Running {
    let server = Running::start_with(configure).await;
    let settings = AppSettings { password_sign_in: true, ..AppSettings::default() };
    server.create_app_with(APP, settings).await;
    let ann = json!({ "identities": [{ "type": "username", "value": "ann" }], "password": PASSWORD });
    let signed_up = server.call("POST", "/v1/users", &[by_app()], &ann.to_string()).await;
    assert_eq!(signed_up.status, 201, "{signed_up:?}");
    server
}

fn by_app() -> (&'static str, &'static str) {
    ("authorization", "Application passwords")
}

/// A sign-in by password from where a proxy says that it comes from.
async fn sign_in(server: &Running, from: Option<&str>, user: &str, password: &str) -> Answer {
    let body = json!({ "identity": { "type": "username", "value": user }, "password": password });
    let forwarded = from.map(|address| ("x-forwarded-for", address));
    let headers: Vec<_> = [by_app()].into_iter().chain(forwarded).collect();
    server.call("POST", "/v1/sessions", &headers, &body.to_string()).await
}

/// Guesses at accounts of which there is none, each another one, until the address has no guess left.
async fn guess(server: &Running, from: Option<&str>) {
    for number in 0..FAILURES {
        let failed = sign_in(server, from, &format!("nobody-{number}"), PASSWORD).await;
        assert_eq!((failed.status, failed.code()), (401, "credentials_wrong"), "{failed:?}");
    }
}

fn is_limited(answer: &Answer) -> bool {
    if answer.status != 429 {
        assert_eq!(answer.status, 201, "{answer:?}");
        return false;
    }
    let seconds = &answer.body["error"]["details"]["retryAfterSeconds"];
    assert_eq!(answer.code(), "rate_limited");
    assert_eq!(answer.header("retry-after"), Some(seconds.to_string().as_str()), "{answer:?}");
    assert!(seconds.as_u64().is_some_and(|seconds| (1..=20).contains(&seconds)), "{answer:?}");
    true
}

#[tokio::test]
async fn failures_are_counted_by_the_address_that_the_trusted_proxy_names() {
    let server = server(behind_a_proxy).await;
    let (guesser, other) = (Some("203.0.113.7"), Some("203.0.113.8"));
    let token = sign_in(&server, guesser, "ann", PASSWORD).await.body["token"].clone();
    let token = format!("Bearer {}", token.as_str().expect("a token"));
    for _ in 0..=FAILURES {
        assert!(!is_limited(&sign_in(&server, guesser, "ann", PASSWORD).await), "good ones are not counted");
    }
    guess(&server, guesser).await;
    assert!(is_limited(&sign_in(&server, guesser, "ann", PASSWORD).await), "even the right password");
    assert!(is_limited(&sign_in(&server, guesser, "nobody-again", PASSWORD).await));
    assert!(!is_limited(&sign_in(&server, other, "ann", PASSWORD).await), "nobody else waits");
    let resumed = server.call("GET", "/v1/session", &[("authorization", &token)], "").await;
    assert_eq!(resumed.status, 200, "who is in stays in");

    for spelling in ["198.51.100.1, 203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7:4711"] {
        assert!(is_limited(&sign_in(&server, Some(spelling), "ann", PASSWORD).await), "{spelling}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_ipv6_client_is_counted_with_its_whole_network() {
    let server = server(behind_a_proxy).await;
    for number in 0..FAILURES {
        let from = format!("2001:db8:1:2:{number}::1");
        let failed = sign_in(&server, Some(&from), &format!("nobody-{number}"), PASSWORD).await;
        assert_eq!(failed.status, 401, "{failed:?}");
    }
    assert!(is_limited(&sign_in(&server, Some("2001:db8:1:2:ffff::9"), "ann", PASSWORD).await));
    assert!(!is_limited(&sign_in(&server, Some("2001:db8:1:3::1"), "ann", PASSWORD).await));
    server.stop().await;
}

#[tokio::test]
async fn without_a_trusted_proxy_a_forged_header_changes_nothing() {
    let server = server(few_failures).await;
    for number in 0..FAILURES {
        let from = format!("203.0.113.{number}");
        let failed = sign_in(&server, Some(&from), &format!("nobody-{number}"), PASSWORD).await;
        assert_eq!(failed.status, 401, "{failed:?}");
    }
    for from in [None, Some("203.0.113.200"), Some("2001:db8::1")] {
        assert!(is_limited(&sign_in(&server, from, "ann", PASSWORD).await), "{from:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_passwords_is_refused_and_nobody_else_waits_for_it() {
    let server = Arc::new(server(any_failures).await);
    let (ann, _) = (server.sign_in("ann").await, server.sign_in("bob").await);
    let flooding = Arc::new(AtomicBool::new(true));
    let (refused, mut refusals) = mpsc::channel(1);
    // More at once than threads that hash and places that wait for them, and each comes again when it was answered.
    let floods = 2 * (HashPool::default_threads().get() + HASHES_QUEUED_MAX);
    let floods: Vec<_> = (0..floods)
        .map(|flood| {
            let (server, flooding, refused) = (Arc::clone(&server), Arc::clone(&flooding), refused.clone());
            tokio::spawn(async move {
                let mut failed = 0;
                while flooding.load(Ordering::Relaxed) {
                    let name = format!("nobody-{flood}-{failed}");
                    let answer = sign_in(&server, None, &name, PASSWORD).await;
                    match (answer.status, answer.code()) {
                        (401, "credentials_wrong") => failed += 1,
                        (503, "overloaded") => drop(refused.try_send(answer)),
                        other => panic!("{other:?}"),
                    }
                }
                failed
            })
        })
        .collect();
    drop(refused);
    let first = refusals.recv().await.expect("a refusal");
    assert_eq!(first.header("retry-after"), Some("2"), "{first:?}");

    // The pool is full, and stays so until all this is answered.
    let bearer = format!("Bearer {ann}");
    let resumed = server.call("GET", "/v1/session", &[("authorization", &bearer)], "").await;
    assert_eq!(resumed.status, 200, "{resumed:?}");
    let message = json!({ "messageId": "meanwhile", "to": { "userId": "bob" }, "text": "hello" });
    let sent = server.call("POST", "/v1/messages", &[("authorization", &bearer)], &message.to_string()).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    server.sign_in("carol").await;
    while refusals.try_recv().is_ok() {}
    assert!(refusals.recv().await.is_some(), "all of that was while the flood went on");

    flooding.store(false, Ordering::Relaxed);
    let mut failed = 0;
    for flood in floods {
        failed += flood.await.expect("no panic");
    }
    assert!(failed > 0, "some were served all the same");
    assert!(!is_limited(&sign_in(&server, None, "ann", PASSWORD).await), "and it is over when it is over");
    Arc::into_inner(server).expect("the floods are over").stop().await;
}

/// As the pool has it; a smaller number only makes the flood larger than it needs to be.
const HASHES_QUEUED_MAX: usize = 64;
