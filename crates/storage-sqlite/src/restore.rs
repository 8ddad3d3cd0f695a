//! Puts a copy of a database into the place of a server's database.
//!
//! Everything is done to a copy of the copy, beside the place where it goes: checks, the newest schema, and the changes
//! that a restore is about. Only then it gets its name. Until that moment nothing has happened, whatever went wrong.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use callbox_domain::{MailboxEpoch, Random, SessionEndReason, Timestamp};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use crate::backup::BACKED_UP_AT;
use crate::error::OpenError;
use crate::files::{
    ENDINGS, Unfinished, create_private, folder_of, own_as_folder, remove_if_there, sync_file,
    sync_folder_of, with_ending,
};
use crate::migrate::{check_known, migrate};
use crate::options::BUSY_TIMEOUT_DEFAULT;
use crate::progress::{Proceed, Step, Watch, watched};

/// Why a backup was not restored. Each is one line that says what to do; what was there before is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error("cannot read the backup {}: {reason}", path.display())]
    CannotRead {
        /// The backup.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is no database.
    #[error("{} is not a backup: it is no database at all", .0.display())]
    NotADatabase(PathBuf),
    /// The file is a database of something else.
    #[error("{} is not a backup: it is a database of another program", .0.display())]
    NotCallbox(PathBuf),
    /// The file is where the database goes, or where it is prepared.
    #[error("{} is in the way: the restore itself writes there; move the backup to another name first", .0.display())]
    InTheWay(PathBuf),
    /// The file was cut off.
    #[error("the backup {} is cut off: it has {found} of {expected} bytes; take a whole one", path.display())]
    CutOff {
        /// The backup.
        path: PathBuf,
        /// How many bytes it has.
        found: u64,
        /// How many it says that it has.
        expected: u64,
    },
    /// The file is damaged.
    #[error("the backup {} is damaged: take another one ({reason})", path.display())]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// The backup was made by a newer server, or by one that never was released.
    #[error("the backup {} does not fit this server: {reason}", path.display())]
    OtherVersion {
        /// The backup.
        path: PathBuf,
        /// In what way.
        reason: String,
    },
    /// The data folder cannot take it.
    #[error("cannot write {}: {reason}", path.display())]
    CannotWrite {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Whoever watched said so.
    #[error("the restore was stopped; nothing has changed")]
    Stopped,
}

/// What becomes of the sessions that were open when the backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// They are over, and so are one-time tokens: they may have been ended, or used, after the backup.
    End,
    /// They go on, as where a server moves to another machine.
    Keep,
}

/// What a restore has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Renewed {
    /// Users, each with a log of a new life.
    pub users: u64,
    /// Sessions that are over now.
    pub sessions_ended: u64,
}

/// What was in the place before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutAside {
    /// Nothing.
    Nothing,
    /// A database; it has this name now.
    As(PathBuf),
}

/// A backup in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was there before.
    pub before: PutAside,
}

/// A copy of a backup, checked, that nobody uses yet. Dropping it removes it.
pub struct Staged {
    connection: Connection,
    file: Unfinished,
    backup: PathBuf,
    database: PathBuf,
}

impl Staged {
    /// Looks at a backup for the place `database` without touching anything: whether it can be read, is a database, is not
    /// cut off, and lies where the restore leaves it alone.
    pub fn check_file(backup: &Path, database: &Path) -> Result<(), RestoreError> {
        check_header(backup)?;
        check_place(backup, database)
    }

    /// Copies a backup beside the place `database`, where no other process may be at work, and checks it: that it is whole,
    /// a database of Callbox, not newer than this server, and in itself consistent. Then it is brought to the newest schema.
    pub fn new(backup: &Path, database: &Path, watch: Watch<'_>) -> Result<Self, RestoreError> {
        Self::check_file(backup, database)?;
        let place = &staging_place(database);
        let file = Unfinished(place.clone());
        for ending in ENDINGS {
            remove_if_there(&with_ending(place, ending)).map_err(|error| cannot_write(place, &error))?;
        }
        copy_all(backup, place, &mut *watch)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection =
            Connection::open_with_flags(place, flags).map_err(|error| refused(backup, place, &error))?;
        let check = |connection: &mut Connection| check_and_migrate(connection, backup, place);
        watched(&mut connection, watch, || Step::Checking, check).ok_or(RestoreError::Stopped)??;
        Ok(Self { connection, file, backup: backup.to_owned(), database: database.to_owned() })
    }

    /// What was kept under `name`, such as the fingerprint of the master key.
    pub fn meta(&self, name: &str) -> Result<Option<String>, RestoreError> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        self.connection.query_row(sql, [name], |row| row.get(0)).optional().map_err(self.failed())
    }

    /// When the backup was made; `None` where it was not made by [`back_up`](crate::back_up).
    pub fn made_at(&self) -> Result<Option<Timestamp>, RestoreError> {
        Ok(self.meta(BACKED_UP_AT)?.as_deref().and_then(Timestamp::parse_rfc3339))
    }

    /// Gives every user's log a new life: clients that have seen more than the backup knows would otherwise take up
    /// numbers that will stand for something else. And ends sessions, where that is wanted.
    pub fn renew(
        &mut self,
        random: &dyn Random,
        now: Timestamp,
        sessions: Sessions,
        watch: Watch<'_>,
    ) -> Result<Renewed, RestoreError> {
        let renew = |connection: &mut Connection| {
            let users = renew_epochs(connection, random)?;
            let sessions_ended = match sessions {
                Sessions::End => end_sessions(connection, now)?,
                Sessions::Keep => 0,
            };
            connection.execute("DELETE FROM meta WHERE name = ?1", [BACKED_UP_AT])?;
            Ok(Renewed { users, sessions_ended })
        };
        let renewed = watched(&mut self.connection, watch, || Step::Checking, renew);
        renewed.ok_or(RestoreError::Stopped)?.map_err(self.failed())
    }

    /// Puts it into its place, and what is there under the name `aside`. At every moment one of the two is in the place,
    /// whole. Once that has begun it is not stopped any more.
    pub fn put_into_place(self, aside: &Path, watch: Watch<'_>) -> Result<Restored, RestoreError> {
        let Self { connection, file, backup, database } = self;
        let database = database.as_path();
        connection.close().map_err(|(_, error)| refused(&backup, &file.0, &error))?;
        let of = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| cannot_write(&path, &error)
        };
        own_as_folder(&file.0);
        sync_file(&file.0).map_err(of(&file.0))?;
        if watch(Step::Checking) == Proceed::No {
            return Err(RestoreError::Stopped);
        }
        let mut moves = Moves::default();
        let before = set_aside(database, aside, &mut moves)?;
        fs::rename(&file.0, database).map_err(of(database))?;
        moves.keep();
        sync_folder_of(database).map_err(of(database))?;
        Ok(Restored { before })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> RestoreError {
        |error| refused(&self.backup, &self.file.0, &error)
    }
}

/// Whether a database, or something of one, is in this place.
pub fn is_taken(database: &Path) -> bool {
    ENDINGS.iter().any(|ending| with_ending(database, ending).exists())
}

/// Where a backup is prepared for the place `database`: in the same folder, so that a new name is all that it needs then.
fn staging_place(database: &Path) -> PathBuf {
    database.with_extension("restore")
}

/// What lies in the staging place is removed, and what lies in the place of the database is what a restore is to replace:
/// neither may be the backup, which can be the only one.
fn check_place(backup: &Path, database: &Path) -> Result<(), RestoreError> {
    // By what it is, and by what it is called: the name that was given may be a link.
    let given = [backup.canonicalize().ok(), in_real_folder(backup)];
    for place in [staging_place(database), database.to_owned()] {
        for ending in ENDINGS {
            let taken = in_real_folder(&with_ending(&place, ending));
            if taken.is_some() && given.contains(&taken) {
                return Err(RestoreError::InTheWay(backup.to_owned()));
            }
        }
    }
    Ok(())
}

/// A path by the real name of its folder; `None` where there is no such folder, and so nothing in it.
fn in_real_folder(path: &Path) -> Option<PathBuf> {
    Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?))
}

fn check_header(backup: &Path) -> Result<(), RestoreError> {
    let cannot_read = |error: io::Error| cannot_read(backup, &error);
    let mut file = File::open(backup).map_err(cannot_read)?;
    let found = file.metadata().map_err(cannot_read)?.len();
    let mut header = [0; HEADER_BYTES];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(RestoreError::NotADatabase(backup.to_owned()));
        }
        read => read.map_err(cannot_read)?,
    }
    if !header.starts_with(MAGIC) {
        return Err(RestoreError::NotADatabase(backup.to_owned()));
    }
    let number = |at: usize| {
        u64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
    };
    // A page size of 65536 stands as 1; the count of pages is kept by every SQLite since 3.7.0.
    let page_size = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    let expected = number(28) * page_size;
    if found < expected && !with_ending(backup, "-wal").exists() {
        return Err(RestoreError::CutOff { path: backup.to_owned(), found, expected });
    }
    Ok(())
}

/// Copies a database, and what belongs to it where the backup is a copy of a folder.
fn copy_all(backup: &Path, place: &Path, watch: Watch<'_>) -> Result<(), RestoreError> {
    for ending in ["", "-wal", "-journal"] {
        let (from, to) = (with_ending(backup, ending), with_ending(place, ending));
        if ending.is_empty() || from.exists() {
            copy(&from, &to, &mut *watch)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, watch: Watch<'_>) -> Result<(), RestoreError> {
    let mut source = File::open(from).map_err(|error| cannot_read(from, &error))?;
    let total = source.metadata().map_err(|error| cannot_read(from, &error))?.len();
    let mut target = create_private(to).map_err(|error| cannot_write(to, &error))?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut done = 0;
    loop {
        let count = source.read(&mut buffer).map_err(|error| cannot_read(from, &error))?;
        if count == 0 {
            return Ok(());
        }
        target.write_all(&buffer[..count]).map_err(|error| cannot_write(to, &error))?;
        done += count as u64;
        if watch(Step::Copying { done, total }) == Proceed::No {
            return Err(RestoreError::Stopped);
        }
    }
}

/// Looks whether the copy at `place` is what a backup must be, and brings it to the newest schema.
fn check_and_migrate(connection: &Connection, backup: &Path, place: &Path) -> Result<(), RestoreError> {
    let failed = |error: rusqlite::Error| refused(backup, place, &error);
    connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
    check_known(connection, backup).map_err(|error| does_not_fit(backup, error))?;
    // One file, without a log beside it. It is worth nothing before it is complete, and synced as a whole then.
    connection
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(failed)?;
    let found: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(RestoreError::Damaged { path: backup.to_owned(), reason: last_line(&found) });
    }
    migrate(connection, place).map_err(|error| does_not_fit(backup, error))
}

/// One random epoch for each user, a few thousand in each transaction.
fn renew_epochs(connection: &Connection, random: &dyn Random) -> rusqlite::Result<u64> {
    let mut count = 0;
    let mut last = i64::MIN;
    loop {
        let transaction = connection.unchecked_transaction()?;
        let people: Vec<i64> = transaction
            .prepare_cached("SELECT person FROM mailboxes WHERE person > ?1 ORDER BY person LIMIT ?2")?
            .query_map(params![last, USERS_PER_TRANSACTION], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut renew = transaction.prepare_cached("UPDATE mailboxes SET epoch = ?2 WHERE person = ?1")?;
        for person in &people {
            let epoch = MailboxEpoch::generate(random);
            count += renew.execute(params![person, epoch.as_str()])? as u64;
        }
        drop(renew);
        transaction.commit()?;
        match people.last() {
            Some(person) => last = *person,
            None => return Ok(count),
        }
    }
}

/// Ends what is open, and forgets what may have been used. No node is at work that would have to hear of it.
fn end_sessions(connection: &Connection, now: Timestamp) -> rusqlite::Result<u64> {
    connection.execute("DELETE FROM one_time_tokens", [])?;
    // The devices' own credentials stay good: nobody has meant the devices.
    let ended = connection.execute(
        "UPDATE sessions SET ended_at = ?1, end_reason = ?2 WHERE ended_at IS NULL",
        params![now.as_millis(), SessionEndReason::Expired.as_str()],
    )?;
    Ok(ended as u64)
}

/// Gives what is in a place another name, with its newest writes.
fn set_aside(database: &Path, aside: &Path, moves: &mut Moves) -> Result<PutAside, RestoreError> {
    if !is_taken(database) {
        return Ok(PutAside::Nothing);
    }
    if is_taken(aside) {
        return Err(cannot_write(aside, &io::ErrorKind::AlreadyExists.into()));
    }
    if begins_as_database(database) {
        fold(database);
    }
    // What could not be folded goes first: the log of one database must never lie beside another.
    for ending in ["-wal", "-journal"] {
        let (from, to) = (with_ending(database, ending), with_ending(aside, ending));
        if from.exists() {
            moves.rename(&from, &to).map_err(|error| cannot_write(&to, &error))?;
        }
    }
    // Whoever opens the database makes this anew.
    let index = with_ending(database, "-shm");
    remove_if_there(&index).map_err(|error| cannot_write(&index, &error))?;
    if database.exists() {
        moves.link(database, aside).map_err(|error| cannot_write(aside, &error))?;
    }
    Ok(PutAside::As(aside.to_owned()))
}

/// New names of files, which get their old ones back when this goes and they were not to be kept.
#[derive(Default)]
struct Moves(Vec<Move>);

enum Move {
    Renamed { from: PathBuf, to: PathBuf },
    Linked(PathBuf),
}

impl Moves {
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        self.0.push(Move::Renamed { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    /// A second name, so that the first is not without a file for a moment; not every file system knows them.
    fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            Ok(()) => self.0.push(Move::Linked(to.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => self.rename(from, to)?,
        }
        Ok(())
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Moves {
    fn drop(&mut self) {
        for moved in self.0.drain(..).rev() {
            let (path, undone) = match &moved {
                Move::Renamed { from, to } => (to, fs::rename(to, from)),
                Move::Linked(to) => (to, fs::remove_file(to)),
            };
            if let Err(error) = undone {
                tracing::warn!(path = %path.display(), %error, "what was set aside stays under its new name");
            }
        }
    }
}

/// SQLite would throw the log away that lies beside what is none.
fn begins_as_database(path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok() && magic == *MAGIC)
}

/// Moves what stands in the log beside a database into it, if that database is good for anything.
fn fold(database: &Path) {
    let fold = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT_DEFAULT)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    };
    if let Err(error) = fold() {
        tracing::debug!(%error, "the log of the database that is set aside stays beside it");
    }
}

/// What is said of an error of SQLite on the copy at `place`.
fn refused(backup: &Path, place: &Path, error: &rusqlite::Error) -> RestoreError {
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => RestoreError::NotADatabase(backup.to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => RestoreError::Damaged { path: backup.to_owned(), reason },
        _ => RestoreError::CannotWrite { path: place.to_owned(), reason },
    }
}

fn does_not_fit(backup: &Path, error: OpenError) -> RestoreError {
    let path = backup.to_owned();
    match error {
        OpenError::NotADatabase { .. } => RestoreError::NotADatabase(path),
        OpenError::NotCallbox { .. } => RestoreError::NotCallbox(path),
        OpenError::Damaged { reason, .. } => RestoreError::Damaged { path, reason },
        OpenError::NewerVersion { found, known } => {
            let reason = format!(
                "its schema has version {found} and this server knows only {known}; restore it with the newer server"
            );
            RestoreError::OtherVersion { path, reason }
        }
        OpenError::ChangedMigration { number, name } => {
            let reason = format!(
                "its migration {number} ({name}) is another one; restore it with the release that made it"
            );
            RestoreError::OtherVersion { path, reason }
        }
        other => RestoreError::CannotWrite { path, reason: other.to_string() },
    }
}

/// SQLite says in a first line of which database it speaks.
pub(crate) fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().to_owned()
}

fn cannot_read(path: &Path, error: &io::Error) -> RestoreError {
    RestoreError::CannotRead { path: path.to_owned(), reason: error.to_string() }
}

fn cannot_write(path: &Path, error: &io::Error) -> RestoreError {
    RestoreError::CannotWrite { path: path.to_owned(), reason: error.to_string() }
}

/// The header of a database (<https://sqlite.org/fileformat2.html>, section 1.3).
const HEADER_BYTES: usize = 100;
/// How every header begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const COPY_BYTES: usize = 1024 * 1024;
const USERS_PER_TRANSACTION: u32 = 5_000;
