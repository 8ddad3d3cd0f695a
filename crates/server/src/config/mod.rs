//! Configuration: a TOML file, then the environment over it. One section, one file. Unknown keys refuse to start.

mod environment;
mod limits;
mod log;
mod metrics;
mod outbound;
mod relay;
mod server;
mod storage;
mod tls;

pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat};
pub use metrics::MetricsConfig;
pub use outbound::OutboundConfig;
pub(crate) use relay::PublicAddress;
pub use relay::RelayConfig;
pub use server::ServerConfig;
pub(crate) use server::resolve;
pub use storage::StorageConfig;
pub use tls::TlsConfig;

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

/// Everything that `callbox serve` can be told.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where clients reach the server.
    pub server: ServerConfig,
    /// Where the data is.
    pub storage: StorageConfig,
    /// The server's own certificate.
    pub tls: TlsConfig,
    /// The relay for the media of calls: STUN and TURN.
    pub relay: RelayConfig,
    /// How much one session may ask for.
    pub limits: LimitsConfig,
    /// What the server itself asks of others.
    pub outbound: OutboundConfig,
    /// Figures for Prometheus.
    pub metrics: MetricsConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

/// Why a configuration is not good. One clear line each.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {error}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("the configuration is not good: {0}")]
    Malformed(String),
    /// A value that makes no sense.
    #[error("the configuration is not good: {key}: {problem}")]
    Invalid {
        /// `section.key`.
        key: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl Config {
    /// Reads a file, if one is given, and the environment over it (`CALLBOX_SERVER_LISTEN` for `server.listen`).
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match path {
            Some(path) => fs::read_to_string(path)
                .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?,
            None => String::new(),
        };
        // A variable that is not Unicode is none of ours.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::parse(&text, variables)
    }

    /// Reads a TOML text and variables of an environment over it.
    pub fn parse(
        text: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| one_line(&error))?;
        environment::overlay(&mut table, variables);
        let config: Self = table.try_into().map_err(|error| one_line(&error))?;
        config.validate()?;
        Ok(config)
    }

    /// Whether every value makes sense.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.server.validate()?;
        self.tls.validate()?;
        self.relay.validate()?;
        self.limits.validate()?;
        self.log.validate()
    }

    /// A commented example that holds every key with its default.
    pub fn example() -> String {
        let sections = [
            server::EXAMPLE,
            storage::EXAMPLE,
            tls::EXAMPLE,
            relay::EXAMPLE,
            limits::EXAMPLE,
            outbound::EXAMPLE,
            metrics::EXAMPLE,
            log::EXAMPLE,
        ];
        format!("{EXAMPLE_HEAD}\n{}", sections.join("\n"))
    }
}

fn one_line(error: &toml::de::Error) -> ConfigError {
    let text = error.to_string();
    ConfigError::Malformed(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

const EXAMPLE_HEAD: &str = "\
# Callbox: every key with its default. Each can be set by the environment too: server.listen by CALLBOX_SERVER_LISTEN.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, []).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_is_the_default() {
        assert_eq!(parse(&Config::example()), Ok(Config::default()));
    }

    #[test]
    fn unknown_keys_and_wrong_kinds_are_refused_in_one_line() {
        for (text, part) in [
            ("[server]\nlisen = \"x\"", "lisen"),
            ("[sever]", "sever"),
            ("[server]\nlisten = 8080", "listen"),
            ("[server]\nlisten = \"nowhere\"", "server.listen"),
            ("[server]\ntrusted_proxies = [\"proxy\"]", "server.trusted_proxies: 'proxy'"),
            ("[server]\ntrusted_proxies = [\"0.0.0.0/0\"]", "whole internet"),
            ("[limits]\nrequests_per_second = 0", "requests_per_second"),
            ("[tls]\ncert = \"a.pem\"", "tls.key"),
            ("[relay]\nlisten = \"0.0.0.0:3478\"", "sequence"),
            ("[relay]\nports = \"1\"", "relay.ports"),
            ("not toml", "configuration is not good"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(part), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = [
            variable("CALLBOX_SERVER_LISTEN", "127.0.0.1:9000"),
            variable("CALLBOX_LIMITS_MESSAGES_BURST", "7"),
            variable("CALLBOX_SERVER_TRUSTED_PROXIES", "[\"10.0.0.0/8\", \"::1\"]"),
            variable("CALLBOX_OUTBOUND_ALLOW_PRIVATE", "true"),
            variable("CALLBOX_RELAY_LISTEN", "[\"127.0.0.1:0\"]"),
            variable("CALLBOX_RELAY_TLS_LISTEN", "[]"),
            variable("CALLBOX_RELAY_PORTS", "50000-50009"),
            variable("PATH", "/bin"),
        ];
        let config = Config::parse("[server]\nlisten = \"127.0.0.1:1\"", variables).expect("good");
        assert_eq!(config.server.listen, "127.0.0.1:9000");
        assert_eq!(config.limits.messages_burst, 7);
        assert_eq!(config.server.trusted_proxies, ["10.0.0.0/8", "::1"]);
        assert!(config.outbound.allow_private);
        assert_eq!(
            (config.relay.listen, config.relay.tls_listen),
            (vec!["127.0.0.1:0".to_owned()], Vec::new())
        );
        assert_eq!(config.relay.ports, "50000-50009");
        let unknown = Config::parse("", [variable("CALLBOX_SERVER_LISEN", "x")]);
        assert!(unknown.is_err_and(|error| error.to_string().contains("lisen")));
    }
}
