//! What travels: JSON bodies, socket frames, error codes and close codes, each with a sample.
//!
//! The types here are the one source of the OpenAPI document and of the TypeScript types made from it. Rules:
//! camelCase names; a frame is a newtype variant around a named struct; answers always send every field (`null`, never
//! missing) while requests may leave fields out; no 64-bit integers, because JavaScript rounds them.
//!
//! This crate must never import a runtime, a database, HTTP or socket code.

pub mod account;
pub mod call;
pub mod close;
pub mod error;
pub mod frame;
pub mod managed;
pub mod messaging;
pub mod operator;
pub mod page;
pub mod people;
pub mod samples;
pub mod schema;
pub mod seq;
pub mod session;
pub mod time;

pub use close::CloseCode;
pub use error::{ApiError, ErrorAnswer, ErrorCode, ErrorInfo, Retry};
pub use frame::{ClientFrame, ServerFrame};
pub use seq::Seq;
