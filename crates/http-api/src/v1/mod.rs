//! Version 1: a folder for each noun, a file for each operation.

pub(crate) mod app;
pub(crate) mod calls;
mod managed;
pub(crate) mod me;
pub(crate) mod messaging;
pub(crate) mod operator;
pub(crate) mod people;
pub(crate) mod sessions;
pub(crate) mod time;
