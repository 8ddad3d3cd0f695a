//! The real binary through the Rust SDK: what an app meets, and what is left when the server is killed.

#[path = "../../../client/examples/bot.rs"]
#[expect(dead_code, reason = "its `main` is for people")]
mod bot;
mod bots;
mod calls;
mod load;
mod messages;
mod process;
mod relay;
