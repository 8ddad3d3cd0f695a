//! The names by which a user is known, as the user sees and changes them.

mod add_identity;
mod list_identities;
mod remove_identity;
#[cfg(test)]
mod tests;
