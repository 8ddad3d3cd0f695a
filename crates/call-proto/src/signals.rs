//! How many signals a call has seen and how many bytes of them are kept. The texts lie in rows of their own.

use serde::{Deserialize, Serialize};

use crate::IllegalMove;

/// The account of a call's signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Signals {
    /// The number of the newest signal; 0 before the first.
    count: u32,
    /// The newest ICE generation that was seen.
    generation: u32,
    /// What the signals since that generation began cost, in bytes.
    generation_bytes: u32,
    /// What all signals cost, in bytes.
    call_bytes: u32,
}

impl Signals {
    /// The account after one more signal, or why there cannot be one. A newer generation begins a new budget; a late
    /// signal of an older one is paid from the newest.
    pub(crate) fn with(self, generation: u32, bytes: usize) -> Result<Self, IllegalMove> {
        let cost = u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(SIGNAL_OVERHEAD_BYTES);
        let newer = generation > self.generation;
        let before = if newer { 0 } else { self.generation_bytes };
        let room = SIGNAL_BYTES_PER_GENERATION_MAX.saturating_sub(before);
        if cost > room {
            return Err(IllegalMove::GenerationFull { left: room.saturating_sub(SIGNAL_OVERHEAD_BYTES) });
        }
        if cost > SIGNAL_BYTES_PER_CALL_MAX.saturating_sub(self.call_bytes) {
            return Err(IllegalMove::SignalsSpent);
        }
        Ok(Self {
            count: self.count.saturating_add(1),
            generation: self.generation.max(generation),
            generation_bytes: before.saturating_add(cost),
            call_bytes: self.call_bytes.saturating_add(cost),
        })
    }

    /// The number of the newest signal.
    pub(crate) fn count(self) -> u32 {
        self.count
    }
}

/// The bytes that the signals of one ICE generation may cost, both legs together.
pub const SIGNAL_BYTES_PER_GENERATION_MAX: u32 = 64 * 1024;

/// The bytes that all signals of one call may cost, whatever the number of ICE restarts.
pub const SIGNAL_BYTES_PER_CALL_MAX: u32 = 1024 * 1024;

/// What a signal costs beside its text, in bytes: its row. It bounds the number of empty ones.
pub const SIGNAL_OVERHEAD_BYTES: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: usize = (SIGNAL_BYTES_PER_GENERATION_MAX / 2 - SIGNAL_OVERHEAD_BYTES) as usize;

    #[test]
    fn a_generation_is_full_to_the_byte() {
        let half = Signals::default().with(0, TEXT).expect("half fits");
        assert_eq!(
            half.with(0, TEXT + 1),
            Err(IllegalMove::GenerationFull { left: TEXT.try_into().expect("small") })
        );
        let full = half.with(0, TEXT).expect("the other half fits");
        assert_eq!(full.with(0, 0), Err(IllegalMove::GenerationFull { left: 0 }));
        assert_eq!(full.count(), 2);
    }

    #[test]
    fn a_newer_generation_has_a_budget_of_its_own_and_pays_for_late_signals() {
        let full = Signals::default().with(0, TEXT).and_then(|it| it.with(0, TEXT)).expect("full");
        let next = full.with(1, TEXT).expect("a new budget");
        assert_eq!(next.count(), 3);
        let late = next.with(0, TEXT).expect("a late one of generation 0");
        assert!(matches!(late.with(1, 0), Err(IllegalMove::GenerationFull { left: 0 })));
    }

    #[test]
    fn restarts_do_not_make_a_call_endless() {
        let mut signals = Signals::default();
        let mut generation = 0;
        let error = loop {
            generation += 1;
            match signals.with(generation, TEXT) {
                Ok(next) => signals = next,
                Err(error) => break error,
            }
        };
        assert_eq!(error, IllegalMove::SignalsSpent);
        assert_eq!(signals.count(), 2 * SIGNAL_BYTES_PER_CALL_MAX / SIGNAL_BYTES_PER_GENERATION_MAX);
    }

    #[test]
    fn an_absurd_length_is_refused_like_any_other() {
        let room = SIGNAL_BYTES_PER_GENERATION_MAX - SIGNAL_OVERHEAD_BYTES;
        let refused = Signals::default().with(u32::MAX, usize::MAX);
        assert_eq!(refused, Err(IllegalMove::GenerationFull { left: room }));
    }
}
