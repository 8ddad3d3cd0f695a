//! `[outbound]`

use schemars::JsonSchema;
use serde::Deserialize;

/// What the server itself asks of others: the keys of identity providers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundConfig {
    /// Whether it connects to addresses that are not of the public internet too.
    pub allow_private: bool,
}

pub(super) const EXAMPLE: &str = r"[outbound]
# Whether the server fetches from private addresses too (127.0.0.1, 10.0.0.0/8, …), such as an identity provider in its own
# network. Then whoever sets up an app can make it knock on every door there.
allow_private = false
";
