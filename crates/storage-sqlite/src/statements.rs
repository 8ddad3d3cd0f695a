//! Prepared statements, kept as long as their connection.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Deref, DerefMut};

use rusqlite::{Connection, Statement};

/// A connection and what was prepared on it. SQL is always a constant, so that a statement is found by the address of
/// its text, without reading it.
pub(crate) struct Statements<'connection> {
    connection: &'connection Connection,
    idle: RefCell<HashMap<(usize, usize), Statement<'connection>, BuildHasherDefault<AddressHasher>>>,
    met_damage: Cell<bool>,
}

impl<'connection> Statements<'connection> {
    pub fn new(connection: &'connection Connection) -> Self {
        Self { connection, idle: RefCell::default(), met_damage: Cell::default() }
    }

    /// Notes that a statement has met a damaged page.
    pub fn note_damage(&self) {
        self.met_damage.set(true);
    }

    /// Whether a statement has met a damaged page.
    pub fn has_met_damage(&self) -> bool {
        self.met_damage.get()
    }

    pub fn connection(&self) -> &'connection Connection {
        self.connection
    }

    /// The statement for `sql`, prepared if this is its first use.
    pub fn get(&self, sql: &'static str) -> rusqlite::Result<Prepared<'_, 'connection>> {
        let key = (sql.as_ptr().addr(), sql.len());
        let idle = self.idle.borrow_mut().remove(&key);
        let statement = if let Some(statement) = idle {
            statement
        } else {
            #[cfg(debug_assertions)]
            crate::plans::check(self.connection, sql);
            self.connection.prepare(sql)?
        };
        Ok(Prepared { statement: Some(statement), key, home: self })
    }
}

/// A statement in use; it goes back when dropped.
pub(crate) struct Prepared<'home, 'connection> {
    /// `None` only while it is dropped.
    statement: Option<Statement<'connection>>,
    key: (usize, usize),
    home: &'home Statements<'connection>,
}

impl<'connection> Deref for Prepared<'_, 'connection> {
    type Target = Statement<'connection>;

    fn deref(&self) -> &Self::Target {
        self.statement.as_ref().expect("present until dropped")
    }
}

impl DerefMut for Prepared<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.statement.as_mut().expect("present until dropped")
    }
}

impl Drop for Prepared<'_, '_> {
    fn drop(&mut self) {
        if let Some(statement) = self.statement.take() {
            self.home.idle.borrow_mut().insert(self.key, statement);
        }
    }
}

/// Spreads addresses over a table; nobody outside chooses them.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, value: usize) {
        self.0 = (self.0.rotate_left(5) ^ value as u64).wrapping_mul(SPREAD);
    }
}

/// Odd, with its bits well mixed (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
