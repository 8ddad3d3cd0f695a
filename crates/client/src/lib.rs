//! The Rust SDK of Callbox: sign-in, one connection that comes back by itself, messages exactly once, call signalling.
//!
//! ```no_run
//! use callbox_client::{Client, Credential, Event};
//!
//! # async fn run() -> Result<(), callbox_client::Error> {
//! let (client, mut events) =
//!     Client::sign_in("http://localhost:8080", "demo", Credential::Open("ann".into())).await?;
//!
//! let message = client.send("bob", "Hello").await?; // It is on the server's disk now, once.
//! println!("accepted as number {} of {}", message.position, message.conversation_id);
//!
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Message(told) if !told.mine => println!("{}: {}", told.message.sender_id, told.message.text),
//!         Event::Stopped(error) => println!("{error}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - A message is sent again after each lost connection until it is answered; the server knows it by its id and keeps it once.
//! - Messages, receipts and the ends of calls come each once and in order, whatever happens to the connection. To go on in
//!   another process, keep [`Events::cursor`] and give it to [`Options::cursor`].
//! - A lost connection comes back by itself, after waits that grow; [`Event::Offline`] and [`Event::Online`] tell of it. What
//!   only a person can mend, such as a session that is over, ends in [`Event::Stopped`].
//!
//! [`core`] decides all of this, and is pure: no socket, no clock, no randomness of its own. Around it stands one task for
//! each client, on tokio, with bounded queues.
//!
//! This crate must never import a crate of the server: what it knows of it is what travels.

mod calls;
mod client;
pub mod core;
mod credential;
mod driver;
mod error;
mod event;
mod events;
mod http;
mod options;
mod server;
mod system;
mod to;

pub use callbox_domain as domain;
pub use callbox_wire as wire;

pub use calls::{Calls, Joined};
pub use client::{Client, History};
pub use credential::Credential;
pub use error::{Error, Refusal};
pub use event::{CallEvent, Event, MessageEvent};
pub use events::Events;
pub use options::Options;
pub use to::To;
