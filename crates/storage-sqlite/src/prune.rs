//! Lets go of events that are too old, or too many.

use callbox_storage::{EventsKept, StoreResult};
use rusqlite::params;

use crate::entities::EventMoment;
use crate::numbers::Person;
use crate::read::sequence;
use crate::transaction::Transaction;

impl Transaction<'_, '_> {
    /// See [`callbox_storage::Tx::prune_events`]. `from` is the number of a person.
    pub(crate) fn prune(&self, from: u64, kept: EventsKept, rows_max: u32) -> StoreResult<Option<u64>> {
        let mut rows_left = rows_max.max(1);
        let mut from = from;
        loop {
            let next = self.number::<u64>(
                "SELECT person FROM mailboxes WHERE person >= ?1 ORDER BY person LIMIT 1",
                params![sequence(from)],
                || "mailboxes.person".to_owned(),
            )?;
            let Some(number) = next else { return Ok(None) };
            let person = Person(sequence(number));
            let removed = self.prune_log(person, kept, rows_left)?;
            if removed == rows_left {
                // There may be more to remove.
                return Ok(Some(number));
            }
            // Looking at a mailbox counts too.
            rows_left -= removed.max(1);
            from = number + 1;
            if rows_left == 0 {
                return Ok(Some(from));
            }
        }
    }

    /// Removes at most so many events from the beginning of a log, and says how many.
    fn prune_log(&self, person: Person, kept: EventsKept, rows_max: u32) -> StoreResult<u32> {
        let newest: Option<EventMoment> = self.one(NEWEST, params![person])?;
        let Some(newest) = newest else { return Ok(0) };
        let too_many = newest.seq.saturating_sub(kept.per_user_max);
        let oldest: Vec<EventMoment> = self.all(OLDEST, params![person, rows_max])?;
        let goes = |event: &&EventMoment| event.seq <= too_many || event.at < kept.newer_than;
        let Some(last) = oldest.iter().take_while(goes).last() else { return Ok(0) };
        let up_to = params![person, sequence(last.seq)];
        // The note comes first: a log without events has its head there.
        self.execute("UPDATE mailboxes SET pruned_up_to = ?2 WHERE person = ?1", up_to)?;
        let removed = self.execute("DELETE FROM events WHERE person = ?1 AND seq <= ?2", up_to)?;
        Ok(u32::try_from(removed).unwrap_or(rows_max).min(rows_max))
    }
}

const NEWEST: &str = "SELECT person, seq, at FROM events WHERE person = ?1 ORDER BY seq DESC LIMIT 1";
const OLDEST: &str = "SELECT person, seq, at FROM events WHERE person = ?1 ORDER BY seq LIMIT ?2";
