//! The data folder, the database in it, and the master key: looked at, never changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use callbox_domain::Timestamp;
use callbox_service::MasterKey;
use callbox_storage_sqlite::{Inspected, OpenError, inspect};

use super::finding::Finding;
use crate::commands::progress::size;
use crate::config::StorageConfig;
use crate::data_folder::{FINGERPRINT, StartError, database_in, existing_key, is_in_use};

/// What was found, and what other checks go on with.
pub(super) struct Data {
    pub(super) findings: Vec<Finding>,
    /// Whether somebody has the folder, which is a server but for the instant of a command.
    pub(super) is_running: bool,
    /// The key, where it is the database's.
    pub(super) master_key: Option<MasterKey>,
    /// When the database came to its version: no clock that is right tells an earlier time.
    pub(super) migrated_at: Option<Timestamp>,
}

/// Looks at everything that a server keeps.
pub(super) fn examine(storage: &StorageConfig) -> Data {
    let folder = FolderFacts::of(&storage.folder);
    let is_running = folder.is_running();
    let database = match &folder.state {
        FolderState::There(_) if database_in(&storage.folder).exists() => {
            Some(inspect(&database_in(&storage.folder), FINGERPRINT))
        }
        _ => None,
    };
    let key = KeyFacts::of(storage);
    let inspected = database.as_ref().and_then(|inspected| inspected.as_ref().ok());
    let key_finding = judge_key(&key, inspected);
    let master_key = key.state.into_key().filter(|_| !key_finding.is_problem());
    Data {
        is_running,
        master_key,
        migrated_at: inspected.and_then(|inspected| inspected.migrated_at),
        findings: vec![judge_folder(&folder), judge_database(database.as_ref()), key_finding],
    }
}

/// What can be seen of a data folder.
struct FolderFacts {
    path: PathBuf,
    state: FolderState,
}

enum FolderState {
    Missing,
    NoFolder,
    There(Contents),
}

struct Contents {
    is_writable: bool,
    /// Whether a server has it, or why that cannot be told.
    is_running: Result<bool, String>,
    /// Bytes that this user may still write, where the system tells.
    free: Option<u64>,
    /// A file in it that belongs to someone else than the folder.
    foreign: Option<PathBuf>,
    /// Whether others than its owner may enter it.
    is_open: bool,
}

impl FolderFacts {
    fn of(path: &Path) -> Self {
        let state = match fs::metadata(path) {
            Err(_) => FolderState::Missing,
            Ok(metadata) if !metadata.is_dir() => FolderState::NoFolder,
            Ok(metadata) => FolderState::There(Contents {
                is_writable: is_writable(path),
                is_running: is_in_use(path).map_err(|error| error.to_string()),
                free: free_bytes(path),
                foreign: foreign_file(path, &metadata),
                is_open: mode(&metadata) & 0o077 != 0,
            }),
        };
        Self { path: path.to_owned(), state }
    }

    fn is_running(&self) -> bool {
        matches!(self.state, FolderState::There(Contents { is_running: Ok(true), .. }))
    }
}

fn judge_folder(facts: &FolderFacts) -> Finding {
    const CHECK: &str = "data folder";
    let path = facts.path.display();
    match &facts.state {
        FolderState::Missing => {
            let change =
                "Start the server once, which makes it, or name the right one by --config or --data.";
            Finding::problem(CHECK, format!("there is no folder {path}"), change)
        }
        FolderState::NoFolder => {
            Finding::problem(CHECK, format!("{path} is no folder"), "Correct storage.folder.")
        }
        FolderState::There(contents) => judge_contents(CHECK, &facts.path, contents),
    }
}

fn judge_contents(check: &'static str, path: &Path, contents: &Contents) -> Finding {
    let path = path.display();
    let is_running = match &contents.is_running {
        Ok(is_running) => *is_running,
        Err(reason) => {
            let change = "Run the doctor as the user that the server runs as.";
            return Finding::problem(check, reason.clone(), change);
        }
    };
    if !contents.is_writable {
        let change = format!(
            "Run the doctor as the user that the server runs as, or give that user the folder: chown -R USER {path}"
        );
        return Finding::problem(check, format!("this user may not write in {path}"), change);
    }
    if let Some(file) = &contents.foreign {
        let seen = format!("{} belongs to another user than {path}", file.display());
        let change = format!("Give everything in it to the owner of the folder: chown -R USER {path}");
        return Finding::problem(check, seen, change);
    }
    let room = contents.free.map_or(String::new(), |free| format!(", {} free", size(free)));
    let user = if is_running { "a server has it" } else { "no server runs on it" };
    let seen = format!("{path}{room}, {user}");
    match contents.free {
        Some(free) if free < FREE_BYTES_MIN => {
            Finding::problem(check, seen, "Make room on its disk: a full disk takes no messages.")
        }
        Some(free) if free < FREE_BYTES_GOOD => {
            Finding::warning(check, seen, "Make room on its disk soon: a full disk takes no messages.")
        }
        _ if contents.is_open => {
            Finding::warning(check, seen, format!("Others may look into it: chmod 700 {path}"))
        }
        _ => Finding::ok(check, seen),
    }
}

fn judge_database(found: Option<&Result<Inspected, OpenError>>) -> Finding {
    const CHECK: &str = "database";
    match found {
        None => Finding::not_checked(CHECK, "there is none yet; the first start makes it"),
        Some(Ok(found)) if found.schema < found.schema_known => {
            let (found, known) = (found.schema, found.schema_known);
            Finding::ok(CHECK, format!("schema version {found}; the next start brings it to {known}"))
        }
        Some(Ok(found)) => Finding::ok(CHECK, format!("schema version {}", found.schema)),
        Some(Err(error)) => {
            let (seen, change) = seen_and_change(&error.to_string());
            Finding::problem(CHECK, seen, change)
        }
    }
}

/// Errors of the start say what is wrong, a colon or a semicolon, and what to do.
pub(super) fn seen_and_change(error: &str) -> (String, String) {
    let split = error.split_once("; ").or_else(|| error.split_once(": "));
    let (seen, change) = split.unwrap_or((error, "see docs/operations.md"));
    let mut letters = change.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    (seen.to_owned(), format!("{first}{}.", letters.as_str()))
}

/// What can be seen of the master key, without the key.
struct KeyFacts {
    path: PathBuf,
    state: KeyState,
    /// Whether it lies in the data folder, and so in each copy of it.
    is_in_data: bool,
}

enum KeyState {
    Missing,
    /// It cannot be read, or is malformed.
    Bad(String),
    There {
        key: MasterKey,
        /// The permissions of the file; 0 where the system has none.
        mode: u32,
    },
}

impl KeyState {
    fn into_key(self) -> Option<MasterKey> {
        match self {
            Self::There { key, .. } => Some(key),
            Self::Missing | Self::Bad(_) => None,
        }
    }
}

impl KeyFacts {
    fn of(storage: &StorageConfig) -> Self {
        let path = storage.master_key_file.clone();
        let state = match existing_key(&path) {
            Ok(None) => KeyState::Missing,
            Ok(Some(key)) => KeyState::There { key, mode: fs::metadata(&path).map_or(0, |it| mode(&it)) },
            Err(StartError::KeyFile { error, .. }) if error.kind() == io::ErrorKind::PermissionDenied => {
                KeyState::Bad(format!("this user may not read {}", path.display()))
            }
            Err(error) => KeyState::Bad(error.to_string()),
        };
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let is_in_data = absolute(&path).starts_with(absolute(&storage.folder));
        Self { path, state, is_in_data }
    }
}

fn judge_key(facts: &KeyFacts, database: Option<&Inspected>) -> Finding {
    const CHECK: &str = "master key";
    let path = facts.path.display();
    let (key, mode) = match &facts.state {
        KeyState::Missing if database.is_none() => {
            return Finding::not_checked(CHECK, "there is none yet; the first start makes it");
        }
        KeyState::Missing => {
            let change = "Put the key file of this database back, or correct storage.master_key_file.";
            return Finding::problem(CHECK, format!("{path} is missing, but the database needs it"), change);
        }
        KeyState::Bad(reason) => {
            let change =
                "Run the doctor as the user that the server runs as, or put the right key file back.";
            return Finding::problem(CHECK, reason.clone(), change);
        }
        KeyState::There { key, mode } => (key, *mode),
    };
    let needed = database.and_then(|database| database.meta.as_ref());
    if needed.is_some_and(|needed| *needed != key.fingerprint()) {
        let seen = format!("{path} is not the key that this database was made with");
        return Finding::problem(CHECK, seen, "Put the key file of this database back.");
    }
    if mode & 0o077 != 0 {
        let seen = format!("{path} can be read or written by others (mode {:04o})", mode & 0o7777);
        return Finding::problem(CHECK, seen, format!("Take that right away: chmod 600 {path}"));
    }
    if facts.is_in_data {
        let seen = format!("{path} lies in the data folder");
        let change =
            "Move it elsewhere and set storage.master_key_file: who copies the folder has the key too.";
        return Finding::warning(CHECK, seen, change);
    }
    let fits = if needed.is_some() { "of this database, private" } else { "private" };
    Finding::ok(CHECK, format!("{path}, {fits}"))
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode()
}

#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> u32 {
    0
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|metadata| !metadata.permissions().readonly())
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(unix)]
fn foreign_file(folder: &Path, metadata: &fs::Metadata) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let mut files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.find(|file| file.symlink_metadata().is_ok_and(|file| file.uid() != metadata.uid()))
}

#[cfg(not(unix))]
fn foreign_file(_folder: &Path, _metadata: &fs::Metadata) -> Option<PathBuf> {
    None
}

/// Room for the write-ahead log and a while of messages.
const FREE_BYTES_GOOD: u64 = 1_000_000_000;
/// With less the log alone may fill the disk.
const FREE_BYTES_MIN: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;
    use crate::system::SystemRandom;

    fn folder(change: impl FnOnce(&mut Contents)) -> Finding {
        let mut contents = Contents {
            is_writable: true,
            is_running: Ok(true),
            free: Some(12_000_000_000),
            foreign: None,
            is_open: false,
        };
        change(&mut contents);
        judge_folder(&FolderFacts { path: "/data".into(), state: FolderState::There(contents) })
    }

    #[test]
    fn a_folder_is_good_that_can_be_written_and_has_room() {
        let good = folder(|_| ());
        assert_eq!(good, Finding::ok("data folder", "/data, 12 GB free, a server has it"));
        let good = folder(|contents| contents.is_running = Ok(false));
        assert!(good.seen.contains("no server runs"), "{good:?}");
    }

    #[test]
    fn what_is_wrong_with_a_folder_is_told_with_what_to_change() {
        let of = |state| judge_folder(&FolderFacts { path: "/data".into(), state });
        for (finding, seen, change) in [
            (of(FolderState::Missing), "no folder /data", "--config"),
            (of(FolderState::NoFolder), "/data is no folder", "storage.folder"),
            (folder(|contents| contents.is_writable = false), "may not write", "chown"),
            (folder(|contents| contents.is_running = Err("denied".into())), "denied", "as the user"),
            (folder(|contents| contents.free = Some(99_000_000)), "99 MB free", "Make room"),
            (folder(|contents| contents.foreign = Some("/data/lock".into())), "/data/lock", "chown"),
        ] {
            assert!(finding.is_problem(), "{finding:?}");
            assert!(finding.seen.contains(seen), "{finding:?}");
            assert!(finding.change().is_some_and(|text| text.contains(change)), "{finding:?}");
        }
        for warning in
            [folder(|contents| contents.free = Some(999_000_000)), folder(|contents| contents.is_open = true)]
        {
            assert!(matches!(warning.verdict, Verdict::Warning { .. }), "{warning:?}");
        }
    }

    fn key_facts(mode: u32, is_in_data: bool) -> (KeyFacts, Inspected) {
        let key = MasterKey::generate(&SystemRandom);
        let database =
            Inspected { schema: 5, schema_known: 5, migrated_at: None, meta: Some(key.fingerprint()) };
        let state = KeyState::There { key, mode };
        (KeyFacts { path: "/key".into(), state, is_in_data }, database)
    }

    #[test]
    fn a_key_is_good_that_is_private_and_of_this_database() {
        let (key, database) = key_facts(0o100_600, false);
        let good = judge_key(&key, Some(&database));
        assert_eq!(good, Finding::ok("master key", "/key, of this database, private"));
        let KeyState::There { key: secret, .. } = &key.state else { unreachable!("just made") };
        let text = secret.to_file_text();
        assert!(!format!("{good:?}").contains(text.expose().trim().split_once(':').expect("a key").1));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_with_what_to_change() {
        let (key, database) = key_facts(0o100_644, false);
        let open = judge_key(&key, Some(&database));
        assert!(open.is_problem() && open.seen.contains("0644"), "{open:?}");
        assert_eq!(open.change(), Some("Take that right away: chmod 600 /key"));
        let (key, _) = key_facts(0o100_600, false);
        let foreign = judge_key(&key, Some(&database));
        assert!(foreign.is_problem() && foreign.seen.contains("not the key"), "{foreign:?}");
        let (key, database) = key_facts(0o100_600, true);
        let beside = judge_key(&key, Some(&database));
        assert!(matches!(beside.verdict, Verdict::Warning { .. }), "{beside:?}");
        let missing = KeyFacts { path: "/key".into(), state: KeyState::Missing, is_in_data: false };
        assert!(judge_key(&missing, Some(&database)).is_problem());
        assert_eq!(judge_key(&missing, None).verdict, Verdict::NotChecked);
        let bad = KeyFacts { state: KeyState::Bad("line 1 is bad".into()), ..missing };
        assert!(judge_key(&bad, Some(&database)).is_problem());
    }

    #[test]
    fn what_the_start_would_say_is_taken_apart() {
        let error = OpenError::NewerVersion { found: 9, known: 5 };
        let finding = judge_database(Some(&Err(error)));
        assert_eq!(finding.seen, "the database has schema version 9, but this server knows only 5");
        assert_eq!(finding.change(), Some("Start the newer server, or restore a backup."));
        let (seen, change) = seen_and_change("it is broken");
        assert_eq!((seen.as_str(), change.as_str()), ("it is broken", "See docs/operations.md."));
    }
}
