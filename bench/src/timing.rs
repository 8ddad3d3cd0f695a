//! The wall clock.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// So many milliseconds or less took this share, in percent, of sorted times.
pub(crate) fn milliseconds_at(percent: usize, sorted: &[Duration]) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1e3
}

/// The value in the middle, or the mean of the two there; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}
