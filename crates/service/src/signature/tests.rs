use std::time::Duration;

use callbox_domain::{AppKey, Secret, SessionId, Timestamp};
use callbox_wire::ErrorCode;
use proptest::prelude::*;

use super::{ContentMd5, Covered, SIGNATURE_WINDOW, Signature, SignedPaths, SignedRequest, Signer};

const KEY: &str = "5F5C418A0F914BBC8234A9BF5EDDAD97";
const SECRET: &str = "JViE5vDor0Sw3WllZka15Q==";
const SIGNATURE: &str = "qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// The first of the two published examples.
fn covered() -> Covered {
    Covered {
        method: "POST".to_owned(),
        paths: SignedPaths::exact("/v1/sms/+46700000000"),
        content_type: "application/json".to_owned(),
        timestamp_text: "2014-06-04T13:41:58Z".to_owned(),
        content_md5: ContentMd5::of(br#"{"message":"Hello world"}"#),
    }
}

fn request(covered: Covered, signature: &str) -> SignedRequest {
    SignedRequest {
        signer: Signer::App(AppKey::new(KEY).expect("valid")),
        signature: Signature::parse(signature).expect("a signature"),
        covered,
    }
}

fn signed_at(text: &str) -> SignedRequest {
    request(Covered { timestamp_text: text.to_owned(), ..covered() }, SIGNATURE)
}

#[test]
fn the_published_rule_gives_the_known_signatures() {
    let covered = covered();
    assert_eq!(covered.content_md5.as_str(), "jANzQ+rgAHyf1MWQFSwvYw==");
    assert_eq!(covered.sign(&secret(SECRET)).map(|made| made.to_text()).as_deref(), Some(SIGNATURE));
    assert!(request(covered, SIGNATURE).is_signed_by(&secret(SECRET)));

    let body = br#"{"event":"ace","callid":"822aa4b7-05b4-4d83-87c7-1f835ee0b6f6_257","timestamp":"2014-09-24T10:59:41Z","version":1}"#;
    let covered = Covered {
        paths: SignedPaths::exact("/sinch/callback/ace"),
        timestamp_text: "2014-09-24T10:59:41Z".to_owned(),
        content_md5: ContentMd5::of(body),
        ..self::covered()
    };
    assert_eq!(covered.content_md5.as_str(), "REWF+X220L4/Gw1spXOU7g==");
    let signature = "Tg6fMyo8mj9pYfWQ9ssbx3Tc1BNC87IEygAfLbJqZb4=";
    assert!(request(covered, signature).is_signed_by(&secret("BeIukql3pTKJ8RGL5zo0DA==")));
}

#[test]
fn a_request_without_a_body_signs_empty_lines() {
    let covered =
        Covered { content_type: String::new(), content_md5: ContentMd5::of(b""), ..self::covered() };
    assert_eq!(covered.content_md5.as_str(), "");
    let made = covered.sign(&secret(SECRET)).expect("a good secret");
    assert!(request(covered, &made.to_text()).is_signed_by(&secret(SECRET)));
}

#[test]
fn any_of_the_candidate_paths_may_be_signed() {
    let signed = |path: &str| {
        let covered = Covered { paths: SignedPaths::exact(path), ..covered() };
        covered.sign(&secret(SECRET)).expect("a good secret").to_text()
    };
    let mounted = |signature: &str| {
        let paths = SignedPaths::lenient("/sinch", "/sinch/v1/sms/1?a=b");
        request(Covered { paths, ..covered() }, signature).is_signed_by(&secret(SECRET))
    };
    for path in ["/sinch/v1/sms/1?a=b", "/sinch/v1/sms/1", "/v1/sms/1?a=b", "/v1/sms/1"] {
        assert!(mounted(&signed(path)), "{path}");
    }
    assert!(!mounted(&signed("/v1/sms/2")));
    let exact = Covered { paths: SignedPaths::exact("/v1/users?limit=1"), ..covered() };
    assert!(!request(exact, &signed("/v1/users")).is_signed_by(&secret(SECRET)), "the query is signed");
}

#[test]
fn another_secret_or_none_is_refused() {
    for other in ["", "JViE5vDor0Sw3WllZka15A==", "not base64!"] {
        assert!(!request(covered(), SIGNATURE).is_signed_by(&secret(other)), "{other:?}");
        assert_eq!(covered().sign(&secret(other)).is_none(), !other.ends_with('='), "{other:?}");
    }
}

#[test]
fn only_32_bytes_of_base64_are_a_signature() {
    let bare = SIGNATURE.trim_end_matches('=');
    assert_eq!(Signature::parse(bare), Signature::parse(SIGNATURE));
    for bad in ["", "AAAA", "a b", &SIGNATURE[1..], &format!("{SIGNATURE}="), &format!("AAAA{bare}")] {
        assert_eq!(Signature::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_signature_is_good_for_five_minutes_before_and_after() {
    let request = signed_at("2014-06-04T15:41:58+02:00");
    let signed = Timestamp::parse_rfc3339("2014-06-04T13:41:58Z").expect("valid");
    assert_eq!(request.timestamp(), Some(signed));
    let (window, tick) = (SIGNATURE_WINDOW, Duration::from_millis(1));
    let earliest = Timestamp::from_millis(signed.as_millis() - 300_000);
    let last = signed.plus(window);
    for good in [earliest, signed, last] {
        assert_eq!(request.check_clock(good), Ok(last), "{good}");
    }
    for bad in [Timestamp::from_millis(earliest.as_millis() - 1), last.plus(tick)] {
        let error = request.check_clock(bad).expect_err("outside of the window");
        assert_eq!(error.code, ErrorCode::ClockSkew);
        assert_eq!(error.details["serverTime"], bad.to_rfc3339());
        assert_eq!(error.details["timestamp"], "2014-06-04T15:41:58+02:00");
    }
}

#[test]
fn a_request_that_does_not_say_when_is_told_how_to() {
    for text in ["", "now", "1401889318"] {
        let error = signed_at(text).check_clock(Timestamp::from_millis(0)).expect_err("no time");
        assert_eq!((error.code, error.details["timestamp"].as_str()), (ErrorCode::ClockSkew, Some(text)));
        assert!(error.message.contains("x-timestamp"), "{}", error.message);
    }
}

#[test]
fn a_replay_is_known_under_every_key_and_spelling() {
    let first = request(covered(), SIGNATURE);
    let spelled = request(covered(), SIGNATURE.trim_end_matches('='));
    assert_eq!(first.replay_key(), spelled.replay_key());
    let alias = Signer::App(AppKey::new("alias").expect("valid"));
    assert_eq!(SignedRequest { signer: alias, ..first.clone() }.replay_key(), first.replay_key());
    let session = Signer::Session(SessionId::new("ses_12345678").expect("valid"));
    assert_ne!(SignedRequest { signer: session, ..first.clone() }.replay_key(), first.replay_key());
    let other = request(covered(), "Tg6fMyo8mj9pYfWQ9ssbx3Tc1BNC87IEygAfLbJqZb4=");
    assert_ne!(other.replay_key(), first.replay_key());
}

/// Everything that a signature depends on, as bytes that a test can alter.
#[derive(Debug, Clone)]
struct Sent {
    method: Vec<u8>,
    path: Vec<u8>,
    content_type: Vec<u8>,
    timestamp: Vec<u8>,
    body: Vec<u8>,
    key: Vec<u8>,
    signature: Vec<u8>,
}

impl Sent {
    fn signed(mut self) -> Self {
        let made = self.covered().sign(&self.secret()).expect("a good secret");
        self.signature = made.0.to_vec();
        self
    }

    fn covered(&self) -> Covered {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("ASCII");
        Covered {
            method: text(&self.method),
            paths: SignedPaths::exact(&text(&self.path)),
            content_type: text(&self.content_type),
            timestamp_text: text(&self.timestamp),
            content_md5: ContentMd5::of(&self.body),
        }
    }

    fn secret(&self) -> Secret<String> {
        use base64::Engine as _;
        Secret::new(super::STANDARD.encode(&self.key))
    }

    fn is_accepted(&self) -> bool {
        use base64::Engine as _;
        request(self.covered(), &super::STANDARD.encode(&self.signature)).is_signed_by(&self.secret())
    }

    fn parts(&mut self) -> [(&mut Vec<u8>, u8); 7] {
        // Texts stay ASCII when one of their seven lower bits is turned.
        let Self { method, path, content_type, timestamp, body, key, signature } = self;
        [(method, 7), (path, 7), (content_type, 7), (timestamp, 7), (body, 8), (key, 8), (signature, 8)]
    }
}

prop_compose! {
    fn sent()(
        method in "(GET|POST|PUT|PATCH|DELETE)",
        path in "/v1/[a-zA-Z0-9/%+]{0,20}(\\?[a-z=&%]{0,20})?",
        content_type in "(|application/json|[!-~ ]{1,30})",
        timestamp in "2014-06-04T13:41:58(\\.[0-9]{1,7})?(Z|[+]02:00)?",
        body in prop::collection::vec(any::<u8>(), 0..60),
        key in prop::collection::vec(any::<u8>(), 1..40),
    ) -> Sent {
        let [method, path, content_type, timestamp] = [method, path, content_type, timestamp].map(String::into_bytes);
        Sent { method, path, content_type, timestamp, body, key, signature: Vec::new() }.signed()
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_accepted(sent in sent()) {
        prop_assert!(sent.is_accepted());
    }

    #[test]
    fn one_bit_altered_anywhere_is_refused(sent in sent(), place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut altered = sent.clone();
        let parts = altered.parts();
        let length: usize = parts.iter().map(|(part, _)| part.len()).sum();
        let mut index = place.index(length);
        for (part, bits) in parts {
            if let Some(byte) = part.get_mut(index) {
                *byte ^= 1 << (bit % bits);
                break;
            }
            index -= part.len();
        }
        prop_assert!(!altered.is_accepted(), "{altered:?}");
    }

    #[test]
    fn one_byte_more_or_less_is_refused(sent in sent(), which in 0usize..5, more in any::<bool>()) {
        let mut altered = sent.clone();
        let part = &mut *altered.parts().into_iter().nth(which).expect("seven parts").0;
        match more {
            true => part.push(b'a'),
            false if part.is_empty() => part.push(b'/'),
            false => { part.pop(); }
        }
        prop_assert!(!altered.is_accepted(), "{altered:?}");
    }

    #[test]
    fn any_text_is_a_signature_or_not(text in "([A-Za-z0-9+/]{43}=?|\\PC{0,60})") {
        if let Some(signature) = Signature::parse(&text) {
            let written = signature.to_text();
            prop_assert_eq!(written.trim_end_matches('='), text.trim_end_matches('='));
        }
    }

    #[test]
    fn any_timestamp_is_read_or_refused(text in "\\PC{0,60}", now in any::<i64>()) {
        let _ = signed_at(&text).check_clock(Timestamp::from_millis(now));
    }
}
