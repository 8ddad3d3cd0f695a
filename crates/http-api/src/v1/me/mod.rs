//! What users do with their own accounts.

pub(crate) mod add_identity;
pub(crate) mod change_password;
pub(crate) mod list_identities;
pub(crate) mod register;
pub(crate) mod remove_identity;
pub(crate) mod reset_password;
pub(crate) mod sign_up;
