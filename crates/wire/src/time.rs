//! The server's time.

use callbox_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to `GET /v1/timestamp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimestampAnswer {
    /// The server's time when it answered.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
}
