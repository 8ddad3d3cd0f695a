//! Page cursors: opaque to clients, Base64 of what the next page starts from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_wire::ErrorCode;

use crate::error::HttpError;

/// Items in a page where the request does not say.
pub(crate) const LIMIT_DEFAULT: u32 = 50;

/// As it travels.
pub(crate) fn write(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Reads a cursor by `read`, which answers `None` for what the server would not have written.
pub(crate) fn parse<T>(
    cursor: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, HttpError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(read) {
        Some(value) => Ok(Some(value)),
        None => Err(ErrorCode::InvalidCursor.into()),
    }
}
