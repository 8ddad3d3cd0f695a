//! One direct call between two users, as a pure state machine: who may do what when, which timer runs, why it ended,
//! and what its timeline says.
//!
//! ```text
//! reaching ──ring──▶ ringing ──accept──▶ accepted ──both legs report media──▶ connected
//!     └──────────────────accept─────────────▲            (each of them ──▶ over)
//! ```
//!
//! A call lives in the row of the call. Each input is handled inside one write of the store:
//!
//! 1. [`Call::from_record`] reads the row,
//! 2. [`Call::handle`] takes the time and the input, and gives outputs or refuses,
//! 3. [`Call::to_record`] makes the row to save, and each [`Output`] becomes a row or a frame,
//! 4. [`Call::deadline`] says when to hand in [`Input::Tick`] if nothing happens before.
//!
//! After a start of the server each live call is handed [`Input::Tick`] first, then [`Input::ConnectionLost`] for its
//! legs; their devices come back by themselves.
//!
//! Three rules hold for every input:
//!
//! - **First the input, then the time.** An accept that came in before anyone noticed that the time was up still
//!   counts; a timer that is due after the input ends the call in the same step.
//! - **Time never goes back.** A wall clock that was set back counts as the latest moment that the call has seen.
//! - **A refusal changes nothing.**
//!
//! This crate is pure. It must never import tokio, a database, a socket, a clock or a random generator: it knows
//! `domain` and how to write itself down as JSON, nothing else.

mod call;
mod deadlines;
mod illegal_move;
mod input;
mod leg;
mod live;
mod output;
mod signals;
mod snapshot;
mod timeline;
pub mod timers;
mod view;

pub use call::{Call, StartCall, glare};
pub use illegal_move::IllegalMove;
pub use input::{EndReason, Endpoint, Input, MediaReport, ServerCause, SignalKind};
pub use leg::Muted;
pub use output::{KeptSignal, Output};
pub use signals::{SIGNAL_BYTES_PER_CALL_MAX, SIGNAL_BYTES_PER_GENERATION_MAX, SIGNAL_OVERHEAD_BYTES};
pub use snapshot::SnapshotError;
pub use timeline::{EventKind, NOISE_ROWS_MAX};
pub use timers::Timers;
pub use view::{CallState, CallView, MutedUser};
