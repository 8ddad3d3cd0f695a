//! What signatures have in common.

mod date_time;
mod keyed;

pub(crate) use date_time::parse_date_time;
pub(crate) use keyed::{LENIENT, keyed_by};
