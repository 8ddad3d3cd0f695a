//! `[tls]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// The server's own certificate; without one it speaks plain HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The certificate chain, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let missing =
            |key| Err(ConfigError::Invalid { key, problem: "tls.cert and tls.key go together".into() });
        match (&self.cert, &self.key) {
            (Some(_), None) => missing("tls.key"),
            (None, Some(_)) => missing("tls.cert"),
            _ => Ok(()),
        }
    }
}

pub(super) const EXAMPLE: &str = r#"[tls]
# The server's own certificate chain and private key, PEM. Without them it speaks plain HTTP.
# cert = "/etc/callbox/fullchain.pem"
# key = "/etc/callbox/privkey.pem"
"#;
