//! One database transaction, shared by the closures of a batch, and how each closure is kept apart from the others.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use callbox_domain::LoggedEvent;
use callbox_storage::{StoreError, StoreResult, Verdict, WriteJob};
use rusqlite::Params;

use crate::append::Appended;
use crate::error::{is_damage, is_machine_failure, unavailable};
use crate::heads::Heads;
use crate::statements::{Prepared, Statements};
use crate::stored_row::{Stored, StoredRow};

/// An open transaction. Dropping it rolls back what is not committed.
pub(crate) struct Transaction<'home, 'connection> {
    statements: &'home Statements<'connection>,
    /// `None` where nothing is written.
    heads: Option<&'home RefCell<Heads>>,
    committed: bool,
    /// Events of the closures kept so far, then of the one that runs.
    pub(crate) events: Vec<LoggedEvent>,
    /// What the running closure has appended and not written; see `append.rs`.
    appended: RefCell<Vec<Appended>>,
    /// Whether a closure that was kept has written something.
    holds_writes: bool,
    guard: Cell<Guard>,
    /// Why the closure that runs cannot be kept: one of its writing verbs failed, perhaps half-way.
    spoilt: RefCell<Option<StoreError>>,
    /// Why nothing of the transaction can be kept.
    lost: RefCell<Option<StoreError>>,
}

/// How the writes of the running closure can be undone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// There are none.
    Untouched,
    /// Nobody else has written: roll back everything and begin anew.
    Transaction,
    /// Roll back to the savepoint.
    Savepoint,
}

impl<'home, 'connection> Transaction<'home, 'connection> {
    /// Begins a transaction that writes.
    pub fn begin(
        statements: &'home Statements<'connection>,
        heads: &'home RefCell<Heads>,
    ) -> StoreResult<Self> {
        let transaction = Self::open(statements, Some(heads), "BEGIN IMMEDIATE")?;
        let version = transaction.number("PRAGMA data_version", [], || "data_version".to_owned())?;
        heads.borrow_mut().check(version.unwrap_or_default());
        Ok(transaction)
    }

    /// Begins a transaction that only reads: everything in it sees the same moment.
    pub fn snapshot(statements: &'home Statements<'connection>) -> StoreResult<Self> {
        Self::open(statements, None, "BEGIN")
    }

    /// Runs a closure and keeps or undoes what it wrote. The answer is for its caller, once the batch is committed.
    pub fn run(&mut self, job: &mut dyn WriteJob) -> StoreResult<()> {
        self.guard.set(Guard::Untouched);
        *self.spoilt.get_mut() = None;
        let events_before = self.events.len();
        let verdict = catch_unwind(AssertUnwindSafe(|| job.run(self)));
        let spoilt = self.spoilt.take();
        if self.lost().is_some() {
            self.appended.get_mut().clear();
            return Ok(());
        }
        let kept = match (verdict, spoilt) {
            (Ok(Verdict::Keep), None) => self.settle_without_guard(),
            (_, spoilt) => spoilt.map_or(Ok(false), Err),
        };
        let ended = if let Ok(true) = kept {
            self.keep()
        } else {
            self.events.truncate(events_before);
            self.undo()
        };
        if let Err(error) = ended {
            self.lost.get_mut().get_or_insert(error);
        }
        kept.map(drop)
    }

    /// Why nothing of this transaction can be kept, if so.
    pub fn lost(&self) -> Option<StoreError> {
        self.lost.borrow().clone()
    }

    /// Syncs everything that was kept to disk and returns its events.
    pub fn commit(mut self) -> StoreResult<Vec<LoggedEvent>> {
        if let Some(error) = self.lost() {
            return Err(error);
        }
        self.control("COMMIT")?;
        self.committed = true;
        Ok(std::mem::take(&mut self.events))
    }

    /// Runs a writing verb. When it fails, nothing of the closure will be kept, whatever the closure makes of it.
    pub fn writing<T>(&mut self, verb: impl FnOnce(&mut Self) -> StoreResult<T>) -> StoreResult<T> {
        if let Some(error) = self.spoilt.get_mut() {
            return Err(error.clone());
        }
        let result = verb(self);
        if let Err(error) = &result {
            self.spoilt.get_mut().get_or_insert_with(|| error.clone());
        }
        result
    }

    /// The statement for `sql`, prepared once per connection. What was appended before is written first.
    pub fn statement(&self, sql: &'static str) -> StoreResult<Prepared<'home, 'connection>> {
        self.settle()?;
        self.statements.get(sql).map_err(|error| self.failure(&error))
    }

    /// Notes a row that is written with the closure, or before the closure's next statement.
    pub fn note(&self, appended: Appended) {
        self.appended.borrow_mut().push(appended);
    }

    /// Runs a statement that writes; how many rows it changed.
    pub fn execute(&self, sql: &'static str, parameters: impl Params) -> StoreResult<usize> {
        self.protect()?;
        self.statement(sql)?.execute(parameters).map_err(|error| self.failure(&error))
    }

    /// The first row, checked.
    pub fn one<T: Stored>(&self, sql: &'static str, parameters: impl Params) -> StoreResult<Option<T>> {
        self.one_of(&mut self.statement(sql)?, parameters)
    }

    /// The first row of a statement at hand, checked.
    pub fn one_of<T: Stored>(
        &self,
        statement: &mut Prepared<'_, '_>,
        parameters: impl Params,
    ) -> StoreResult<Option<T>> {
        let mut rows = statement.query(parameters).map_err(|error| self.failure(&error))?;
        let row = rows.next().map_err(|error| self.failure(&error))?;
        row.map(|row| T::try_from(StoredRow::of::<T>(row, 0))).transpose()
    }

    /// The first row as two entities side by side: the second starts at `second_start`.
    pub fn pair<T: Stored, U: Stored>(
        &self,
        sql: &'static str,
        second_start: usize,
        parameters: impl Params,
    ) -> StoreResult<Option<(T, U)>> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(parameters).map_err(|error| self.failure(&error))?;
        let Some(row) = rows.next().map_err(|error| self.failure(&error))? else { return Ok(None) };
        let first = T::try_from(StoredRow::of::<T>(row, 0))?;
        let second = U::try_from(StoredRow::of::<U>(row, second_start))?;
        Ok(Some((first, second)))
    }

    /// Every row, checked.
    pub fn all<T: Stored>(&self, sql: &'static str, parameters: impl Params) -> StoreResult<Vec<T>> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(parameters).map_err(|error| self.failure(&error))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.failure(&error))? {
            all.push(T::try_from(StoredRow::of::<T>(row, 0))?);
        }
        Ok(all)
    }

    /// The only cell of the first row, as a number that fits; `place` names it when it does not.
    pub fn number<T: TryFrom<i64>>(
        &self,
        sql: &'static str,
        parameters: impl Params,
        place: impl FnOnce() -> String,
    ) -> StoreResult<Option<T>> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(parameters).map_err(|error| self.failure(&error))?;
        let Some(row) = rows.next().map_err(|error| self.failure(&error))? else { return Ok(None) };
        let number = row.get::<_, i64>(0).ok().and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| StoreError::Corrupt(place()))
    }

    /// What the writer remembers.
    pub fn remembered(&self) -> Option<std::cell::RefMut<'home, Heads>> {
        self.heads.map(RefCell::borrow_mut)
    }

    /// The number of the row that was inserted last.
    pub fn last_insert_rowid(&self) -> i64 {
        self.statements.connection().last_insert_rowid()
    }

    fn open(
        statements: &'home Statements<'connection>,
        heads: Option<&'home RefCell<Heads>>,
        sql: &'static str,
    ) -> StoreResult<Self> {
        let transaction = Self {
            statements,
            heads,
            committed: false,
            events: Vec::new(),
            appended: RefCell::default(),
            holds_writes: false,
            guard: Cell::new(Guard::Untouched),
            spoilt: RefCell::default(),
            lost: RefCell::new(None),
        };
        transaction.control(sql)?;
        Ok(transaction)
    }

    /// Makes sure, before the running closure writes, that its writes can be undone.
    fn protect(&self) -> StoreResult<()> {
        if self.guard.get() == Guard::Untouched {
            if self.holds_writes {
                self.control("SAVEPOINT closure")?;
                self.guard.set(Guard::Savepoint);
            } else {
                self.guard.set(Guard::Transaction);
            }
        }
        Ok(())
    }

    /// Writes what was appended, so that the closure's next statement meets it.
    fn settle(&self) -> StoreResult<()> {
        let appended = self.appended.take();
        if !appended.is_empty() {
            self.protect()?;
            for row in appended {
                if let Err(error) = row.write(self.statements) {
                    let error = self.failure(&error);
                    self.spoilt.borrow_mut().get_or_insert_with(|| error.clone());
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Writes what a closure that is kept has appended; says that it can be kept. The first row is the only one that can be
    /// refused, and then nothing is there to be undone. When a later one fails, nobody knows what stands: nothing is kept.
    fn settle_without_guard(&mut self) -> StoreResult<bool> {
        let mut is_first = self.guard.get() == Guard::Untouched;
        let appended = self.appended.take();
        self.holds_writes |= !appended.is_empty();
        for row in appended {
            if let Err(error) = row.write(self.statements) {
                let answer = self.failure(&error);
                if !is_first && self.guard.get() == Guard::Untouched {
                    self.lost.get_mut().get_or_insert_with(|| answer.clone());
                }
                self.forget_heads();
                return Err(answer);
            }
            is_first = false;
        }
        Ok(true)
    }

    fn keep(&mut self) -> StoreResult<()> {
        let guard = self.guard.get();
        self.holds_writes |= guard != Guard::Untouched;
        if guard == Guard::Savepoint { self.control("RELEASE closure") } else { Ok(()) }
    }

    fn undo(&self) -> StoreResult<()> {
        let guard = self.guard.get();
        let appended = !self.appended.take().is_empty();
        if guard != Guard::Untouched || appended {
            self.forget_heads();
        }
        match guard {
            Guard::Untouched => Ok(()),
            Guard::Transaction => {
                self.control("ROLLBACK")?;
                self.control("BEGIN IMMEDIATE")
            }
            Guard::Savepoint => {
                self.control("ROLLBACK TO closure")?;
                self.control("RELEASE closure")
            }
        }
    }

    fn forget_heads(&self) {
        if let Some(heads) = self.heads {
            heads.borrow_mut().forget();
        }
    }

    /// Runs a statement that steers the transaction itself.
    ///
    /// What was appended is not written first: the savepoint that keeps it apart may be just what is being made.
    fn control(&self, sql: &'static str) -> StoreResult<()> {
        let ran = self.statements.get(sql).and_then(|mut statement| statement.execute([]));
        ran.map(drop).map_err(|error| self.failure(&error))
    }

    /// What the caller is told of an error; notes whether it takes the whole transaction with it.
    fn failure(&self, error: &rusqlite::Error) -> StoreError {
        let answer = unavailable(error);
        if is_damage(error) {
            self.statements.note_damage();
        }
        // On some errors SQLite has rolled back by itself.
        if is_machine_failure(error) || self.statements.connection().is_autocommit() {
            self.lost.borrow_mut().get_or_insert_with(|| answer.clone());
        }
        answer
    }
}

impl Drop for Transaction<'_, '_> {
    fn drop(&mut self) {
        if !self.committed {
            self.forget_heads();
        }
        if !self.statements.connection().is_autocommit()
            && let Err(error) = self.control("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}
