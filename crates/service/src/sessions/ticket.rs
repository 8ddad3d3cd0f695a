//! Tickets: short texts by which an app's backend says "this is user X".
//!
//! `ticket = Base64(json) ":" Base64(HMAC-SHA256(Base64Decode(secret), json bytes))`, with `json` an object of
//! `identity {type, endpoint}`, `applicationKey`, `created` and, optionally, `expiresIn` (seconds of session life).
//! The signature covers the decoded bytes as they came; nothing is ever serialised again.
//!
//! Backends in the field write this in many hands, so these are all read: any order of properties; `applicationkey` in
//! lower case; Base64 with line breaks inside, with or without padding; `created` without a zone (taken as UTC), with
//! `Z` or an offset, with up to nine decimals; `expiresIn` left out, or as a text of digits.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use callbox_domain::{IdentityType, Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

/// What a ticket says, before anyone has checked who signed it.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// What kind of name the user is known by.
    pub identity_type: IdentityType,
    /// The name.
    pub endpoint: String,
    /// The app that it is for.
    pub application_key: String,
    /// When the backend made it.
    pub created: Timestamp,
    /// Wished life of the session, in seconds.
    pub expires_in: Option<u32>,
    signed_bytes: Vec<u8>,
    signature: Vec<u8>,
}

/// Longest ticket that is looked at, in bytes.
pub const TICKET_BYTES_MAX: usize = 4_096;

impl Ticket {
    /// Reads a ticket; the error says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > TICKET_BYTES_MAX {
            return Err("it is longer than 4,096 bytes");
        }
        let compact: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let (body, signature) =
            compact.rsplit_once(':').ok_or("there is no ':' between data and signature")?;
        let signed_bytes = LENIENT.decode(body).map_err(|_| "the data before ':' is not Base64")?;
        let signature = LENIENT.decode(signature).map_err(|_| "the signature after ':' is not Base64")?;
        let body: Body = serde_json::from_slice(&signed_bytes).map_err(
            |_| "the data is not a JSON object with identity {type, endpoint}, applicationKey and created",
        )?;
        Ok(Self {
            identity_type: IdentityType::parse(&body.identity.identity_type.to_ascii_lowercase())
                .ok_or("identity.type is none of username, email, number")?,
            endpoint: body.identity.endpoint,
            application_key: body.application_key,
            created: parse_created(&body.created).ok_or("created is not an ISO 8601 date-time")?,
            expires_in: body.expires_in.as_ref().map(parse_seconds).transpose()?.flatten(),
            signed_bytes,
            signature,
        })
    }

    /// Whether this secret (Base64) signed the ticket. Takes the same time for every signature.
    pub fn is_signed_by(&self, secret: &Secret<String>) -> bool {
        let Ok(key) = LENIENT.decode(secret.expose().trim()) else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
        mac.update(&self.signed_bytes);
        mac.verify_slice(&self.signature).is_ok()
    }

    /// Makes a ticket: for trying, and for tests.
    pub fn sign(contents: &TicketContents, secret: &Secret<String>) -> Option<Secret<String>> {
        let json = serde_json::json!({
            "identity": { "type": contents.identity_type.as_str(), "endpoint": contents.endpoint },
            "applicationKey": contents.application_key,
            "created": contents.created.to_rfc3339(),
            "expiresIn": contents.expires_in,
        });
        Self::sign_bytes(json.to_string().as_bytes(), secret)
    }

    pub(super) fn sign_bytes(json: &[u8], secret: &Secret<String>) -> Option<Secret<String>> {
        let key = LENIENT.decode(secret.expose().trim()).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(json);
        let signature = LENIENT.encode(mac.finalize().into_bytes());
        Some(Secret::new(format!("{}:{signature}", LENIENT.encode(json))))
    }
}

/// What a new ticket is to say.
#[derive(Debug, Clone)]
pub struct TicketContents {
    /// What kind of name.
    pub identity_type: IdentityType,
    /// The name.
    pub endpoint: String,
    /// The app.
    pub application_key: String,
    /// When it is made.
    pub created: Timestamp,
    /// Life of the session, in seconds.
    pub expires_in: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    identity: BodyIdentity,
    #[serde(alias = "applicationkey")]
    application_key: String,
    created: String,
    #[serde(default)]
    expires_in: Option<Value>,
}

#[derive(Deserialize)]
struct BodyIdentity {
    #[serde(rename = "type")]
    identity_type: String,
    endpoint: String,
}

fn parse_created(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = text.get(10..)?;
    if time.ends_with(['Z', 'z']) {
        return Timestamp::parse_rfc3339(text);
    }
    let Some(sign) = time.find(['+', '-']) else {
        return Timestamp::parse_rfc3339(&format!("{text}Z"));
    };
    let (moment, offset) = text.split_at(10 + sign);
    match offset.len() {
        // PHP's DATE_ISO8601 leaves the colon out.
        5 => Timestamp::parse_rfc3339(&format!("{moment}{}:{}", offset.get(..3)?, offset.get(3..)?)),
        _ => Timestamp::parse_rfc3339(text),
    }
}

fn parse_seconds(value: &Value) -> Result<Option<u32>, &'static str> {
    let wrong = "expiresIn is not a number of seconds, at least 1";
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|seconds| *seconds >= 1.0).ok_or(wrong)?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped and not negative"
            )]
            Ok(Some(seconds.min(f64::from(u32::MAX)) as u32))
        }
        Value::String(text) => match text.trim().parse() {
            Ok(seconds @ 1..) => Ok(Some(seconds)),
            _ => Err(wrong),
        },
        _ => Err(wrong),
    }
}

/// Standard Base64 with padding written, and read with or without.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODw==";
    const KEY: &str = "00000000-0000-0000-0000-000000000001";

    fn secret() -> Secret<String> {
        Secret::new(SECRET.to_owned())
    }

    fn signed(json: &str) -> String {
        Ticket::sign_bytes(json.as_bytes(), &secret()).expect("a good secret").into_exposed()
    }

    fn read(json: &str) -> Result<Ticket, &'static str> {
        let ticket = Ticket::parse(&signed(json));
        if let Ok(ticket) = &ticket {
            assert!(ticket.is_signed_by(&secret()));
        }
        ticket
    }

    fn with_created(created: &str) -> Option<Timestamp> {
        let json = format!(
            r#"{{"identity":{{"type":"username","endpoint":"alice"}},"applicationKey":"{KEY}","created":"{created}"}}"#
        );
        read(&json).ok().map(|ticket| ticket.created)
    }

    #[test]
    fn the_published_rule_gives_the_known_signature() {
        let json = format!(
            r#"{{"applicationKey":"{KEY}","identity":{{"type":"username","endpoint":"alice"}},"created":"2015-01-01T00:00:00.000Z","expiresIn":3600}}"#
        );
        let ticket = signed(&json);
        assert!(ticket.ends_with(":zpkvdc2f5Yql9udadZSaIoEdzFiID9HWgoZeivl2jYg="), "{ticket}");
        let ticket = read(&json).expect("good");
        assert_eq!((ticket.endpoint.as_str(), ticket.expires_in), ("alice", Some(3600)));
        assert_eq!(ticket.created.to_rfc3339(), "2015-01-01T00:00:00.000Z");
    }

    #[test]
    fn every_published_way_to_write_created_is_read() {
        let moment = Timestamp::parse_rfc3339("2015-01-01T00:00:00.123Z");
        for created in [
            "2015-01-01T00:00:00.123Z",
            "2015-01-01T00:00:00.123456",
            "2015-01-01T00:00:00.1234567Z",
            "2015-01-01T00:00:00.1234567+00:00",
            "2015-01-01T01:00:00.123+01:00",
            "2014-12-31T19:00:00.123-0500",
        ] {
            assert_eq!(with_created(created), moment, "{created}");
        }
        let whole = Timestamp::parse_rfc3339("2015-01-01T00:00:00Z");
        for created in ["2015-01-01T00:00:00", "2015-01-01T00:00:00+00:00", "2015-01-01T00:00:00+0000"] {
            assert_eq!(with_created(created), whole, "{created}");
        }
        for bad in ["", "yesterday", "2015-01-01", "1420070400", "2015-13-01T00:00:00Z", "ÄÄÄÄÄÄÄÄÄÄÄÄ"]
        {
            assert_eq!(with_created(bad), None, "{bad}");
        }
    }

    #[test]
    fn other_spellings_in_the_field_are_read() {
        let lower = r#"{"created":"2015-01-01T00:00:00Z","applicationkey":"k","identity":{"endpoint":"a","type":"Username"},"expiresIn":"86400","extra":1}"#;
        let ticket = read(lower).expect("good");
        assert_eq!((ticket.application_key.as_str(), ticket.expires_in), ("k", Some(86_400)));
        let ticket = read(&lower.replace(r#""86400""#, "null")).expect("good");
        assert_eq!(ticket.expires_in, None);
        for no_life in ["-1", "0", "\"0\"", "true"] {
            assert!(read(&lower.replace(r#""86400""#, no_life)).is_err(), "{no_life}");
        }
        assert!(read(&lower.replace("Username", "did")).is_err());
    }

    #[test]
    fn line_breaks_and_missing_padding_do_not_matter() {
        let json = format!(
            r#"{{"identity":{{"type":"email","endpoint":"alice@example.com"}},"applicationKey":"{KEY}","created":"2015-01-01T00:00:00Z"}}"#
        );
        let ticket = signed(&json);
        let broken: Vec<String> =
            ticket.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        for variant in
            [broken.join("\n"), broken.join("\r\n"), ticket.replace('=', ""), format!(" {ticket}\n")]
        {
            assert!(Ticket::parse(&variant).expect("good").is_signed_by(&secret()), "{variant}");
        }
    }

    #[test]
    fn one_bit_altered_anywhere_is_noticed() {
        let json = format!(
            r#"{{"identity":{{"type":"username","endpoint":"alice"}},"applicationKey":"{KEY}","created":"2015-01-01T00:00:00Z"}}"#
        );
        let good = signed(&json);
        for index in 0..good.len() {
            for bit in 0..7 {
                let mut bytes = good.clone().into_bytes();
                bytes[index] ^= 1 << bit;
                let altered = String::from_utf8(bytes).expect("ASCII");
                // A flip that becomes white space is dropped and leaves a shorter, unsigned text; one in the unused
                // last bits of Base64 is refused by the decoder. Neither may verify.
                let accepted = Ticket::parse(&altered).is_ok_and(|ticket| ticket.is_signed_by(&secret()));
                assert!(!accepted, "bit {bit} of byte {index}");
            }
        }
    }

    #[test]
    fn another_secret_or_none_is_refused() {
        let ticket = signed(
            r#"{"identity":{"type":"username","endpoint":"a"},"applicationKey":"k","created":"2015-01-01T00:00:00Z"}"#,
        );
        let ticket = Ticket::parse(&ticket).expect("good");
        for other in ["", "AAECAwQFBgcICQoLDA0ODg==", "not base64!"] {
            assert!(!ticket.is_signed_by(&Secret::new(other.to_owned())), "{other}");
        }
        assert_eq!(Ticket::parse(&"A".repeat(5_000)).err(), Some("it is longer than 4,096 bytes"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = Ticket::parse(&text);
        }

        #[test]
        fn any_signed_json_is_read_or_refused(json in "\\PC{0,200}") {
            let _ = Ticket::parse(&signed(&json));
        }

        #[test]
        fn what_is_signed_is_read_back(endpoint in "[!-~]{1,80}", expires_in in 1u32.., millis in 0i64..4_000_000_000_000) {
            let contents = TicketContents {
                identity_type: IdentityType::Username,
                endpoint,
                application_key: KEY.to_owned(),
                created: Timestamp::from_millis(millis),
                expires_in,
            };
            let text = Ticket::sign(&contents, &secret()).expect("a good secret");
            let ticket = Ticket::parse(text.expose()).expect("good");
            prop_assert!(ticket.is_signed_by(&secret()));
            prop_assert_eq!(ticket.endpoint, contents.endpoint);
            prop_assert_eq!(ticket.created, contents.created);
            prop_assert_eq!(ticket.expires_in, Some(expires_in));
        }
    }
}
