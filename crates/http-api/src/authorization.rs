//! What an `Authorization` header says. Scheme names are compared without case.

use base64::Engine as _;
use callbox_domain::{AppKey, Secret, SessionId};
use callbox_service::signature::{LENIENT, Signature, Signer};
use callbox_wire::ErrorCode;

/// A credential of a well-formed header; nobody has checked it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorization<'header> {
    /// `Application <appKey>`: an app's client that has no session yet.
    App(AppKey),
    /// `User <ticket>`.
    Ticket(&'header str),
    /// `Bearer <token>`.
    Bearer(&'header str),
    /// `Application <appKey>:<signature>`, `Instance <sessionId>:<signature>`: who signed, and the proof.
    Signed(Signer, Signature),
    /// `Basic Base64(<appKey>:<secret>)`, in an older form `Basic Base64(application\<appKey>:<secret>)`: an app's backend.
    Basic(AppKey, Secret<String>),
}

impl<'header> Authorization<'header> {
    /// Reads the header's value. The error says what is wrong where a known scheme is followed by what it cannot mean;
    /// everything else is `credentials_missing`.
    pub(crate) fn parse(header: &'header str) -> Result<Self, ErrorCode> {
        let (scheme, value) = header.trim().split_once(' ').ok_or(ErrorCode::CredentialsMissing)?;
        let value = value.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "application" => match value.split_once(':') {
                None => Ok(Self::App(app_key(value)?)),
                Some((key, proof)) => Ok(Self::Signed(Signer::App(app_key(key)?), signature(proof)?)),
            },
            "instance" => {
                let (id, proof) = value.split_once(':').ok_or(ErrorCode::SignatureInvalid)?;
                let id = SessionId::new(id).map_err(|_| ErrorCode::TokenUnknown)?;
                Ok(Self::Signed(Signer::Session(id), signature(proof)?))
            }
            "user" => Ok(Self::Ticket(value)),
            "bearer" => Ok(Self::Bearer(value)),
            "basic" => basic(value),
            _ => Err(ErrorCode::CredentialsMissing),
        }
    }
}

fn basic(value: &str) -> Result<Authorization<'static>, ErrorCode> {
    let text = LENIENT.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or(ErrorCode::CredentialsMissing)?;
    let (name, secret) = text.split_once(':').ok_or(ErrorCode::CredentialsMissing)?;
    let key = match name.split_once('\\') {
        Some((prefix, key)) if prefix.eq_ignore_ascii_case("application") => key,
        _ => name,
    };
    Ok(Authorization::Basic(app_key(key)?, Secret::new(secret.to_owned())))
}

fn app_key(text: &str) -> Result<AppKey, ErrorCode> {
    AppKey::new(text).map_err(|_| ErrorCode::AppKeyUnknown)
}

fn signature(text: &str) -> Result<Signature, ErrorCode> {
    Signature::parse(text).ok_or(ErrorCode::SignatureInvalid)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "5F5C418A0F914BBC8234A9BF5EDDAD97";
    const SIGNATURE: &str = "qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=";
    const SECRET: &str = "JViE5vDor0Sw3WllZka15Q==";

    fn key(text: &str) -> AppKey {
        AppKey::new(text).expect("valid")
    }

    fn by_app(signature: &str) -> Authorization<'static> {
        Authorization::Signed(Signer::App(key(KEY)), Signature::parse(signature).expect("a signature"))
    }

    fn basic_header(name: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{name}:{SECRET}")))
    }

    #[test]
    fn every_scheme_is_read_in_any_case() {
        let cases = [
            (format!("Application {KEY}"), Authorization::App(key(KEY))),
            (format!("Application {KEY}:{SIGNATURE}"), by_app(SIGNATURE)),
            ("User bm90:aGluZw==".to_owned(), Authorization::Ticket("bm90:aGluZw==")),
            ("Bearer cbs_x".to_owned(), Authorization::Bearer("cbs_x")),
            (
                format!("Instance ses_12345678:{SIGNATURE}"),
                Authorization::Signed(
                    Signer::Session(SessionId::new("ses_12345678").expect("valid")),
                    Signature::parse(SIGNATURE).expect("a signature"),
                ),
            ),
        ];
        for (header, expected) in cases {
            let (scheme, value) = header.split_once(' ').expect("two words");
            let (upper, lower) = (scheme.to_uppercase(), scheme.to_lowercase());
            for header in
                [format!("{scheme} {value}"), format!("{upper} {value}"), format!(" {lower}   {value} ")]
            {
                assert_eq!(Authorization::parse(&header).as_ref(), Ok(&expected), "{header}");
            }
        }
    }

    #[test]
    fn both_forms_of_basic_are_read() {
        let expected = Authorization::Basic(key(KEY), Secret::new(SECRET.to_owned()));
        for name in [KEY.to_owned(), format!("application\\{KEY}"), format!("Application\\{KEY}")] {
            let header = basic_header(&name);
            assert_eq!(Authorization::parse(&header).as_ref(), Ok(&expected), "{name}");
            let bare = header.trim_end_matches('=').replacen("Basic", "BASIC", 1);
            assert_eq!(Authorization::parse(&bare).as_ref(), Ok(&expected), "without padding");
        }
        assert!(!format!("{expected:?}").contains(SECRET));
    }

    #[test]
    fn what_a_scheme_cannot_mean_is_said() {
        let cases = [
            ("", ErrorCode::CredentialsMissing),
            ("Bearer", ErrorCode::CredentialsMissing),
            ("Digest abc", ErrorCode::CredentialsMissing),
            ("Application no/key", ErrorCode::AppKeyUnknown),
            ("Application app:", ErrorCode::SignatureInvalid),
            ("Application app:AAAA", ErrorCode::SignatureInvalid),
            ("Application :AAAA", ErrorCode::AppKeyUnknown),
            ("Instance ses_12345678", ErrorCode::SignatureInvalid),
            ("Instance short:AAAA", ErrorCode::TokenUnknown),
            ("Basic !", ErrorCode::CredentialsMissing),
            ("Basic /w==", ErrorCode::CredentialsMissing),
            ("Basic YXBw", ErrorCode::CredentialsMissing),
            ("Basic bm8va2V5OnM=", ErrorCode::AppKeyUnknown),
        ];
        for (header, code) in cases {
            assert_eq!(Authorization::parse(header), Err(code), "{header}");
        }
        assert_eq!(Authorization::parse(&basic_header("user\\app")), Err(ErrorCode::AppKeyUnknown));
    }

    /// Headers that are right, to alter them.
    fn good_header() -> impl Strategy<Value = String> {
        let signature =
            prop::collection::vec(any::<u8>(), 32).prop_map(|bytes| STANDARD.encode(bytes)).boxed();
        prop_oneof![
            ("[A-Za-z0-9_-]{1,64}", signature.clone())
                .prop_map(|(key, proof)| format!("Application {key}:{proof}")),
            ("[A-Za-z0-9_-]{8,64}", signature).prop_map(|(id, proof)| format!("Instance {id}:{proof}")),
        ]
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = Authorization::parse(&text);
        }

        #[test]
        fn anything_after_a_scheme_is_read_or_refused(
            scheme in "(Application|User|Bearer|Instance|Basic)",
            value in "(\\PC{0,100}|[A-Za-z0-9:+/=\\\\ ]{0,100})",
        ) {
            let _ = Authorization::parse(&format!("{scheme} {value}"));
        }

        #[test]
        fn any_text_in_basic_is_read_or_refused(text in "(\\PC{0,60}|(application\\\\)?[a-z]{0,9}:\\PC{0,20})") {
            let header = format!("Basic {}", STANDARD.encode(&text));
            if let Ok(Authorization::Basic(key, secret)) = Authorization::parse(&header) {
                let end = format!("{key}:{}", secret.expose());
                prop_assert!(text.ends_with(&end));
            }
        }

        #[test]
        fn one_bit_altered_after_the_scheme_means_something_else(
            header in good_header(),
            place in any::<prop::sample::Index>(),
            bit in 0u8..7,
        ) {
            let good = Authorization::parse(&header);
            prop_assert!(good.is_ok(), "{good:?}");
            let start = header.find(' ').map_or(0, |space| space + 1);
            let mut altered = header.clone().into_bytes();
            altered[start + place.index(header.len() - start)] ^= 1 << bit;
            let altered = String::from_utf8(altered).expect("ASCII");
            prop_assert_ne!(Authorization::parse(&altered), good, "{}", altered);
        }
    }
}
