//! What an app's backend does, by the app's secret.

pub(crate) mod users;
