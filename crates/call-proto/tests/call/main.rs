//! The rules of a call, one by one; then all of them against random inputs.

mod answering;
mod checker;
mod ending;
mod media;
mod properties;
mod records;
mod signals;
mod simulation;
mod support;
mod timers;
