//! `[storage]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StorageConfig {
    /// The data folder. One server at a time uses it.
    pub folder: PathBuf,
    /// The master key's file. Keep it outside the data folder and out of its backups.
    pub master_key_file: PathBuf,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { folder: "callbox-data".into(), master_key_file: "callbox-master.key".into() }
    }
}

pub(super) const EXAMPLE: &str = r#"[storage]
# The data folder. One server at a time uses it.
folder = "callbox-data"
# The master key's file, made at the first start. Without it the secrets in the database cannot be opened: keep a copy,
# but never beside the data or in its backups.
master_key_file = "callbox-master.key"
"#;
