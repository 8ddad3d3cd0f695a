//! Rows are private and suspicious: nothing that a table holds is believed before it was checked.

use callbox_storage::{StoreError, StoreResult};
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// A row that was read but not yet checked. Its cells are taken from left to right; a bad one is reported with
/// table, column and key.
pub(crate) struct StoredRow<'row> {
    row: &'row Row<'row>,
    table: &'static str,
    /// How many of the first cells make the key of the row.
    key_cells: usize,
    start: usize,
    next: usize,
}

/// What can be read from rows: a conversion that refuses bad ones, and where it comes from.
pub(crate) trait Stored: for<'row> TryFrom<StoredRow<'row>, Error = StoreError> {
    /// The table, for messages.
    const TABLE: &'static str;
    /// How many of the first cells make the key of a row, for messages.
    const KEY_CELLS: usize;
}

impl<'row> StoredRow<'row> {
    /// The part of `row` that starts at `start` and holds a `T`.
    pub fn of<T: Stored>(row: &'row Row<'row>, start: usize) -> Self {
        Self { row, table: T::TABLE, key_cells: T::KEY_CELLS, start, next: start }
    }

    /// The next cell, as text that `parse` understands.
    pub fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> StoreResult<T> {
        match self.take()? {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(parse),
            _ => None,
        }
        .ok_or_else(|| self.bad_cell())
    }

    /// The next cell, as text that `parse` understands, or nothing.
    pub fn parsed_or_null<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> StoreResult<Option<T>> {
        if self.skip_null()? { Ok(None) } else { self.parsed(parse).map(Some) }
    }

    /// The next cell, as any text.
    pub fn text<T: for<'text> From<&'text str>>(&mut self) -> StoreResult<T> {
        self.parsed(|text| Some(text.into()))
    }

    /// The next cell, as a number that fits.
    pub fn number<T: TryFrom<i64>>(&mut self) -> StoreResult<T> {
        match self.take()? {
            ValueRef::Integer(number) => T::try_from(number).ok(),
            _ => None,
        }
        .ok_or_else(|| self.bad_cell())
    }

    /// The next cell, as bytes or nothing.
    pub fn bytes_or_null(&mut self) -> StoreResult<Option<Vec<u8>>> {
        match self.take()? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
            _ => Err(self.bad_cell()),
        }
    }

    /// The next cell, as exactly so many bytes.
    pub fn bytes<const COUNT: usize>(&mut self) -> StoreResult<[u8; COUNT]> {
        match self.take()? {
            ValueRef::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
        .ok_or_else(|| self.bad_cell())
    }

    /// Steps over the next cell.
    pub fn skip(&mut self) {
        self.next += 1;
    }

    /// Steps over the next cell if it holds nothing, and says whether it did.
    pub fn skip_null(&mut self) -> StoreResult<bool> {
        let null = matches!(self.take()?, ValueRef::Null);
        if !null {
            self.next -= 1;
        }
        Ok(null)
    }

    /// Says that the cell taken last is bad.
    pub fn bad_cell(&self) -> StoreError {
        let taken = self.next.saturating_sub(1);
        let column = self.row.as_ref().column_name(taken).unwrap_or("?");
        let key = (self.start..self.start + self.key_cells)
            .map(|cell| self.shown(cell))
            .collect::<Vec<_>>()
            .join(", ");
        StoreError::Corrupt(format!("{}.{column} of the row ({key})", self.table))
    }

    fn take(&mut self) -> StoreResult<ValueRef<'row>> {
        let value = self.row.get_ref(self.next);
        self.next += 1;
        value.map_err(|_| self.bad_cell())
    }

    fn shown(&self, cell: usize) -> String {
        match self.row.get_ref(cell) {
            Ok(ValueRef::Integer(number)) => number.to_string(),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            Ok(ValueRef::Null) => "null".to_owned(),
            _ => "?".to_owned(),
        }
    }
}
