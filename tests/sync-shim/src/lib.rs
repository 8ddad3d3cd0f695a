//! Traces, from inside a server, what is written to the write-ahead log of its database, what of that is synced to disk,
//! and what leaves on sockets.
//!
//! For Linux with glibc: `LD_PRELOAD` puts the functions below before those of the C library. Each does what the system call
//! of its name does. It reads four variables of the environment:
//!
//! - `CALLBOX_SYNC_TRACE`: the file to which the trace is appended. Without it nothing is traced.
//! - `CALLBOX_SYNC_TRACE_PREFIX`: how the ids of messages begin that are looked for in what is written.
//! - `CALLBOX_SYNC_TRACE_NO_SYNC`: where it is set, files are not synced. So a test sees what it would say of a server that
//!   does not sync.
//! - `CALLBOX_SYNC_HANGS`: while there is this file, a sync of the log does not come back, as on a disk that hangs. It is
//!   heeded without a trace too.
//!
//! A line is appended by one system call, so that the order of the lines is an order in which things happened:
//!
//! ```text
//! write <offset> <length> <commit|frame|page> [ids]    after bytes went to the file `…-wal`
//! sync                                                 before the file is synced
//! synced                                               after it is
//! send <accepted|other> [ids]                          before bytes leave that name a message
//! ```
//!
//! This crate must never be called by anything: it is preloaded.

#[cfg(target_os = "linux")]
mod hooks;
#[cfg(target_os = "linux")]
mod trace;
