//! Calls through the use cases: what is answered, what is kept, and who is told.

mod answering;
mod ending;
mod races;
mod recovery;
mod relay;
mod signals;
mod sockets;
mod starting;
mod timers;
mod world;
