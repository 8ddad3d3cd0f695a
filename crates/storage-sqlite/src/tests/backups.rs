//! Copies of a database in use.

use std::path::Path;

use callbox_domain::Timestamp;
use rusqlite::Connection;

use super::{World, send};
use crate::{BackupError, OpenError, Proceed, SqliteOptions, SqliteStore, Step, back_up};

#[test]
fn a_backup_is_one_private_file_with_everything_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = furnished(folder.path());
    assert_eq!(world.write(|tx| send(tx, "1", "hello")), Ok(()));
    let backup = folder.path().join("backup");
    let mut steps = Vec::new();
    let bytes = back_up(&database(folder.path()), &backup, now(), &mut |step| {
        steps.push(step);
        Proceed::Yes
    });
    assert_eq!(bytes, Ok(backup.metadata().expect("a file").len()));
    assert!(matches!(steps[0], Step::Copying { done: 0, total } if total > 0), "{steps:?}");
    assert_eq!(steps.last(), Some(&Step::Checking));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(backup.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(world.write(|tx| send(tx, "2", "not in it")), Ok(()));
    world.store.close();
    assert_eq!(names(folder.path()), ["backup", "callbox.db"]);

    let copy = World::in_file(&backup);
    assert_eq!(copy.numbers(), [1]);
    assert_eq!(copy.write(|tx| send(tx, "2", "another")), Ok(()));
}

#[test]
fn a_database_that_nobody_has_open_is_copied_with_what_a_crash_left_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = furnished(folder.path());
    assert_eq!(world.write(|tx| send(tx, "1", "hello")), Ok(()));
    let crashed = tempfile::tempdir().expect("a folder");
    for ending in ["", "-wal"] {
        let name = format!("callbox.db{ending}");
        std::fs::copy(folder.path().join(&name), crashed.path().join(&name)).expect("copied");
    }
    let backup = crashed.path().join("backup");
    quietly(&database(crashed.path()), &backup).expect("a backup");
    assert_eq!(World::in_file(&backup).numbers(), [1]);
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let _world = furnished(folder.path());
    let backup = folder.path().join("backup");
    for (name, error) in [
        ("backup", BackupError::Exists(backup.clone())),
        ("backup.part", BackupError::Unfinished(folder.path().join("backup.part"))),
    ] {
        let there = folder.path().join(name);
        std::fs::write(&there, "precious").expect("written");
        assert_eq!(quietly(&database(folder.path()), &backup), Err(error));
        assert_eq!(std::fs::read_to_string(&there).expect("still there"), "precious");
        std::fs::remove_file(&there).expect("removed");
    }
    // One that comes in between is found in the end.
    let raced = back_up(&database(folder.path()), &backup, now(), &mut |step| {
        if step == Step::Checking {
            std::fs::write(folder.path().join("backup"), "precious").expect("written");
        }
        Proceed::Yes
    });
    assert_eq!(raced, Err(BackupError::Exists(backup.clone())));
    assert_eq!(std::fs::read_to_string(&backup).expect("still there"), "precious");
    assert!(!folder.path().join("backup.part").exists());
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = furnished(folder.path());
    let before = names(folder.path());
    let backup = folder.path().join("backup");
    let stopped = back_up(&database(folder.path()), &backup, now(), &mut |_| Proceed::No);
    assert_eq!(stopped, Err(BackupError::Stopped));
    assert_eq!(names(folder.path()), before);
    // During the check, or, where that is as quick as here, before the file has its name.
    for at in [1, 2] {
        let mut checking = 0;
        let stopped = back_up(&database(folder.path()), &backup, now(), &mut |step| {
            checking += u32::from(step == Step::Checking);
            if checking >= at { Proceed::No } else { Proceed::Yes }
        });
        assert_eq!((stopped, checking), (Err(BackupError::Stopped), at));
        assert_eq!(names(folder.path()), before);
    }
    drop(world);
}

#[test]
fn what_is_no_database_of_callbox_is_not_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other");
    let backup = folder.path().join("backup");
    assert!(matches!(quietly(&path, &backup), Err(BackupError::Database(OpenError::CannotOpen { .. }))));
    Connection::open(&path)
        .and_then(|other| other.execute_batch("CREATE TABLE recipes (name TEXT)"))
        .expect("made");
    let error = BackupError::Database(OpenError::NotCallbox { path: path.clone() });
    assert_eq!(quietly(&path, &backup), Err(error));
    assert_eq!(names(folder.path()), ["other"]);
}

#[test]
fn a_damaged_database_gives_no_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = furnished(folder.path());
    for number in 0..40 {
        assert_eq!(world.write(move |tx| send(tx, &number.to_string(), &"x".repeat(2_000))), Ok(()));
    }
    world.store.close();
    super::damage(&database(folder.path()), "messages", 1);
    let error = quietly(&database(folder.path()), &folder.path().join("backup"));
    assert!(matches!(error, Err(BackupError::Database(OpenError::Damaged { .. }))), "{error:?}");
    assert!(!names(folder.path()).iter().any(|name| name.starts_with("backup")));
    // It opens all the same: the rest of it is good.
    SqliteStore::open(SqliteOptions::file(database(folder.path())), Box::new(|_| ())).expect("it opens");
}

#[test]
fn every_refusal_is_one_line() {
    let path = Path::new("/backup/callbox").to_owned();
    let reason = "why".to_owned();
    for error in [
        BackupError::Exists(path.clone()),
        BackupError::Unfinished(path.clone()),
        BackupError::DiskFull { path: path.clone(), megabytes: 7 },
        BackupError::CannotWrite { path: path.clone(), reason: reason.clone() },
        BackupError::NotGood { path, reason },
        BackupError::Stopped,
    ] {
        let line = error.to_string();
        assert!(!line.contains('\n') && !line.contains("  "), "{line:?}");
    }
}

fn furnished(folder: &Path) -> World {
    let world = World::in_file(&database(folder));
    world.furnish();
    world
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("callbox.db")
}

fn quietly(database: &Path, backup: &Path) -> Result<u64, BackupError> {
    back_up(database, backup, now(), &mut |_| Proceed::Yes)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("text")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}
