//! The components of the OpenAPI document that no operation names: the socket's frames.

use utoipa::OpenApi;

use crate::error::ErrorAnswer;
use crate::frame::{ClientFrame, ServerFrame};

/// Frames and errors as OpenAPI components; the HTTP crate adds the operations.
#[derive(Debug, OpenApi)]
#[openapi(components(schemas(ClientFrame, ServerFrame, ErrorAnswer)))]
pub struct SocketSchema;
