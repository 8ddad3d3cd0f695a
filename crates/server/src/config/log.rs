//! `[log]`

use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::ConfigError;

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,callbox_hub=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text in a terminal, JSON in a pipe.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl LogConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let invalid =
            |error| ConfigError::Invalid { key: "log.level", problem: format!("'{}': {error}", self.level) };
        EnvFilter::try_new(&self.level).map(|_| ()).map_err(invalid)
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

pub(super) const EXAMPLE: &str = r#"[log]
# error, warn, info, debug, trace; or by part: "info,callbox_hub=debug".
level = "info"
# auto: text in a terminal, JSON in a pipe. Or text, or json.
format = "auto"
"#;
