//! `[metrics]`

use schemars::JsonSchema;
use serde::Deserialize;

/// Figures for Prometheus, on a listener of their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Address and port of `/metrics`; empty for none.
    pub listen: String,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9464".to_owned() }
    }
}

pub(super) const EXAMPLE: &str = r#"[metrics]
# Address and port of /metrics for Prometheus; empty for none.
listen = "127.0.0.1:9464"
"#;
