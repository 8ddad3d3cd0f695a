//! The settings of an app: one table with name, default, bounds and a sentence for each.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The switches of one app. Everything that weakens it is off by default.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each switch is a setting of its own, and no two make up a state"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppSettings {
    /// Tickets that the app's backend signed open sessions.
    pub ticket_sign_in: bool,
    /// JWTs open sessions: under the app's secret, its derived keys, or of [`AppSettings::jwt_issuers`].
    pub jwt_sign_in: bool,
    /// Access tokens that the app's backend issued open sessions.
    pub access_token_sign_in: bool,
    /// Users sign up with a password and sign in with it.
    pub password_sign_in: bool,
    /// Device credentials are made, and open their session slots.
    pub register: bool,
    /// Anyone may register users that registration made. For trying only.
    pub sandbox: bool,
    /// Anyone may sign in as any user without a credential. For development only.
    pub open_sign_in: bool,
    /// A ticket or JWT session may be renewed without a fresh credential.
    pub renew_without_credential: bool,
    /// Identity providers whose JWTs this app takes.
    pub jwt_issuers: Vec<JwtIssuer>,
    /// Who may list users and see their presence.
    pub directory: Directory,
    /// Web origins (`https://app.example.com`) whose pages may use this app; `*` stands for every origin.
    pub allowed_origins: Vec<String>,
    /// A ticket created longer ago than this is refused, in seconds.
    pub ticket_age_max_seconds: u32,
    /// The longest life of a session, in seconds.
    pub session_life_max_seconds: u32,
    /// Sessions that one user may have at once.
    pub sessions_per_user_max: u32,
    /// How long a callee rings at most before the call ends `no_answer`, in seconds.
    pub ring_seconds: u32,
    /// The media of calls goes through the relay always, so that neither side learns the other's network address.
    pub relay_only: bool,
}

/// An identity provider of an app, such as Auth0, Keycloak or Firebase: whose JWTs are taken, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JwtIssuer {
    /// The claim `iss`, byte for byte.
    pub issuer: String,
    /// What the claim `aud` must be or hold.
    pub audience: String,
    /// The provider's keys as a JWK Set (RFC 7517, section 5), where the operator pastes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// Where the provider publishes its JWK Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// The algorithms that the provider signs with, such as `RS256`. Never `none`, never a shared secret.
    pub algorithms: Vec<String>,
    /// Which claim holds the user's id.
    #[serde(default = "user_id_claim")]
    pub user_id_claim: String,
}

fn user_id_claim() -> String {
    "sub".to_owned()
}

/// Who may list an app's users and see their presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Directory {
    /// Only users who listed each other.
    Contacts,
    /// Every user of the app.
    Everyone,
}

/// What an operator reads about one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingInfo {
    /// The name in JSON.
    pub name: &'static str,
    /// Which values it takes.
    pub values: SettingValues,
    /// What it does, for people.
    pub sentence: &'static str,
}

/// Which values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingValues {
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds.
    Number {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// Web origins, or `*`.
    Origins,
    /// [`JwtIssuer`]s.
    JwtIssuers,
}

/// For people who are about to set one.
impl fmt::Display for SettingValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch => formatter.write_str("true or false"),
            Self::Number { min, max } => write!(formatter, "a whole number from {min} to {max}"),
            Self::Word(words) => formatter.write_str(&words.join(" or ")),
            Self::Origins => {
                formatter.write_str(r#"a list of origins such as ["https://app.example.com"], or ["*"]"#)
            }
            Self::JwtIssuers => formatter.write_str(
                "a list of {issuer, audience, algorithms, jwksUrl or jwks, userIdClaim where it is not sub}",
            ),
        }
    }
}

/// Why a setting is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {rule}")]
pub struct SettingError {
    /// Which setting, as it was named.
    pub name: String,
    /// What would be good.
    pub rule: String,
}

impl AppSettings {
    /// Every setting, in the order of the documents. Defaults are those of [`AppSettings::default`].
    pub const TABLE: &'static [SettingInfo] = TABLE;

    /// The settings of the app that `callbox dev` makes: anyone may try everything.
    pub fn development() -> Self {
        Self {
            access_token_sign_in: true,
            password_sign_in: true,
            register: true,
            sandbox: true,
            open_sign_in: true,
            renew_without_credential: true,
            directory: Directory::Everyone,
            allowed_origins: vec!["*".to_owned()],
            ..Self::default()
        }
    }

    /// Whether a page of `origin` (as in the `Origin` header) may use the app.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }

    /// Whether the app's backend names users: then a stranger who signs up does not choose a user id.
    pub fn backend_names_users(&self) -> bool {
        self.ticket_sign_in || self.jwt_sign_in || self.access_token_sign_in
    }

    /// The longest life of a session.
    pub fn session_life_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.session_life_max_seconds))
    }

    /// Checks the numbers and texts against their bounds.
    pub fn validate(&self) -> Result<(), SettingError> {
        for info in TABLE {
            if let (SettingValues::Number { min, max }, Some(value)) = (info.values, self.number(info.name))
                && !(min..=max).contains(&value)
            {
                return Err(refuse(info.name, info.values.to_string()));
            }
        }
        if self.allowed_origins.iter().any(|origin| !is_origin(origin)) {
            return Err(refuse("allowedOrigins", SettingValues::Origins.to_string()));
        }
        self.jwt_issuers.iter().try_for_each(JwtIssuer::validate)
    }

    fn number(&self, name: &str) -> Option<u32> {
        match name {
            "ticketAgeMaxSeconds" => Some(self.ticket_age_max_seconds),
            "sessionLifeMaxSeconds" => Some(self.session_life_max_seconds),
            "sessionsPerUserMax" => Some(self.sessions_per_user_max),
            "ringSeconds" => Some(self.ring_seconds),
            _ => None,
        }
    }
}

impl JwtIssuer {
    fn validate(&self) -> Result<(), SettingError> {
        let rule = if self.issuer.is_empty() || self.audience.is_empty() || self.user_id_claim.is_empty() {
            "issuer, audience and userIdClaim must not be empty"
        } else if self.jwks.is_some() == self.jwks_url.is_some() {
            "give exactly one of jwks (the document as text) and jwksUrl"
        } else if self.algorithms.is_empty() || !self.algorithms.iter().all(|name| is_public_key(name)) {
            "algorithms are some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"
        } else if self.jwks_url.as_ref().is_some_and(|url| !url.starts_with("https://")) {
            "jwksUrl begins with https://"
        } else {
            return Ok(());
        };
        Err(refuse("jwtIssuers", rule))
    }
}

/// Whether a signature under this algorithm is checked with a public key.
fn is_public_key(algorithm: &str) -> bool {
    PUBLIC_KEY_ALGORITHMS.contains(&algorithm)
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '?', '#']))
}

fn refuse(name: &str, rule: impl Into<String>) -> SettingError {
    SettingError { name: name.to_owned(), rule: rule.into() }
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            ticket_sign_in: true,
            jwt_sign_in: true,
            access_token_sign_in: false,
            password_sign_in: false,
            register: false,
            sandbox: false,
            open_sign_in: false,
            renew_without_credential: false,
            jwt_issuers: Vec::new(),
            directory: Directory::Contacts,
            allowed_origins: Vec::new(),
            ticket_age_max_seconds: 3_600,
            session_life_max_seconds: 30 * 86_400,
            sessions_per_user_max: 10,
            ring_seconds: 60,
            relay_only: false,
        }
    }
}

const fn setting(name: &'static str, values: SettingValues, sentence: &'static str) -> SettingInfo {
    SettingInfo { name, values, sentence }
}

use SettingValues::{Number, Switch};

const TABLE: &[SettingInfo] = &[
    setting("ticketSignIn", Switch, "Tickets that the app's backend signed open sessions."),
    setting("jwtSignIn", Switch, "JWTs of the app's backend, or of its jwtIssuers, open sessions."),
    setting("accessTokenSignIn", Switch, "Access tokens that the app's backend issued open sessions."),
    setting("passwordSignIn", Switch, "Users sign up with a password, and sign in with it."),
    setting("register", Switch, "Device credentials are made, and open their session slots."),
    setting("sandbox", Switch, "Anyone may register users that registration made. For trying only."),
    setting("openSignIn", Switch, "Anyone may sign in as anyone; only a development server obeys."),
    setting(
        "renewWithoutCredential",
        Switch,
        "Ticket and JWT sessions are renewed without a fresh credential.",
    ),
    setting("jwtIssuers", SettingValues::JwtIssuers, "Identity providers whose JWTs this app takes."),
    setting(
        "directory",
        SettingValues::Word(&["contacts", "everyone"]),
        "Who may list users and see presence.",
    ),
    setting("allowedOrigins", SettingValues::Origins, "Web origins whose pages may use this app; * is all."),
    setting(
        "ticketAgeMaxSeconds",
        Number { min: 10, max: 7 * 86_400 },
        "A ticket created longer ago than this is refused.",
    ),
    setting("sessionLifeMaxSeconds", Number { min: 60, max: 30 * 86_400 }, "The longest life of a session."),
    setting("sessionsPerUserMax", Number { min: 1, max: 1_000 }, "Sessions that one user may have at once."),
    setting("ringSeconds", Number { min: 5, max: 300 }, "How long a callee rings before 'no_answer'."),
    setting("relayOnly", Switch, "Calls go through the relay always, which hides the users' addresses."),
];

const PUBLIC_KEY_ALGORITHMS: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_app_trusts_nobody_but_its_backend() {
        let settings = AppSettings::default();
        let ways = [settings.ticket_sign_in, settings.jwt_sign_in];
        assert_eq!(ways, [true; 2]);
        let others = [
            settings.access_token_sign_in,
            settings.password_sign_in,
            settings.register,
            settings.sandbox,
            settings.open_sign_in,
            settings.renew_without_credential,
        ];
        assert_eq!(others, [false; 6]);
        assert!(!settings.allows_origin("https://example.com"));
        assert_eq!(settings.directory, Directory::Contacts);
    }

    #[test]
    fn origins_match_whole_and_without_case() {
        let settings =
            AppSettings { allowed_origins: vec!["https://app.example.com".into()], ..AppSettings::default() };
        assert!(settings.allows_origin("https://APP.example.com"));
        assert!(!settings.allows_origin("https://app.example.com.evil.net"));
        assert!(!settings.allows_origin("http://app.example.com"));
        assert!(!settings.allows_origin("null"));
    }

    #[test]
    fn the_defaults_are_within_their_bounds() {
        assert_eq!(AppSettings::default().validate(), Ok(()));
        assert_eq!(AppSettings::development().validate(), Ok(()));
    }

    #[test]
    fn values_beyond_their_bounds_are_refused_by_name() {
        let refused = |change: fn(&mut AppSettings)| {
            let mut settings = AppSettings::default();
            change(&mut settings);
            settings.validate().map_err(|error| error.name)
        };
        assert_eq!(refused(|settings| settings.sessions_per_user_max = 0), Err("sessionsPerUserMax".into()));
        assert_eq!(refused(|settings| settings.ring_seconds = 301), Err("ringSeconds".into()));
        assert_eq!(
            refused(|settings| settings.session_life_max_seconds = 59),
            Err("sessionLifeMaxSeconds".into())
        );
        assert_eq!(
            refused(|settings| settings.ticket_age_max_seconds = 9),
            Err("ticketAgeMaxSeconds".into())
        );
        let origins = |settings: &mut AppSettings| settings.allowed_origins = vec!["example.com".into()];
        assert_eq!(refused(origins), Err("allowedOrigins".into()));
    }

    #[test]
    fn an_issuer_needs_one_source_of_keys_and_algorithms_with_public_keys() {
        let good = JwtIssuer {
            issuer: "https://id.example.com/".into(),
            audience: "callbox".into(),
            jwks: None,
            jwks_url: Some("https://id.example.com/jwks.json".into()),
            algorithms: vec!["RS256".into()],
            user_id_claim: "sub".into(),
        };
        assert_eq!(good.validate(), Ok(()));
        let bad = [
            JwtIssuer { jwks: Some("{}".into()), ..good.clone() },
            JwtIssuer { jwks_url: None, ..good.clone() },
            JwtIssuer { jwks_url: Some("http://id.example.com/jwks.json".into()), ..good.clone() },
            JwtIssuer { algorithms: vec!["HS256".into()], ..good.clone() },
            JwtIssuer { algorithms: vec!["none".into()], ..good.clone() },
            JwtIssuer { algorithms: vec![], ..good.clone() },
            JwtIssuer { audience: String::new(), ..good.clone() },
        ];
        for issuer in bad {
            assert!(issuer.validate().is_err(), "{issuer:?}");
        }
    }
}
