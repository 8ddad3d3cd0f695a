//! Copies that take the place of a database.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use callbox_domain::testing::CountingRandom;
use callbox_domain::{Device, MailboxEpoch, Session, SessionId, SessionStatus, Timestamp, User};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{APP, World, send, user, user_id};
use crate::{Proceed, PutAside, Renewed, RestoreError, Restored, Sessions, Staged, Step, back_up, is_taken};

/// A folder with a database, closed, and a backup of it.
struct Scene {
    folder: TempDir,
}

impl Scene {
    /// `users` beside ann and bob; a message and an open session.
    fn set(users: u32) -> Self {
        let scene = Self { folder: TempDir::new().expect("a folder") };
        let world = World::in_file(&scene.path("callbox.db"));
        world.furnish();
        let made = world.write(move |tx| {
            for number in 0..users {
                let user = User { id: user_id(&format!("user-{number}")), ..user("ann") };
                tx.insert_user(APP, &user, &MailboxEpoch::new("k3").expect("an epoch"))?;
            }
            tx.insert_session(&session(), &[7; 32])?;
            send(tx, "1", "hello")
        });
        assert_eq!(made, Ok(()));
        back_up(&scene.path("callbox.db"), &scene.path("backup"), moment(), &mut |_| Proceed::Yes)
            .expect("a backup");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn stage(&self) -> Result<Staged, RestoreError> {
        Staged::new(&self.path("backup"), &self.path("callbox.db"), &mut |_| Proceed::Yes)
    }

    fn restore(&self, sessions: Sessions) -> (Renewed, Restored) {
        let mut staged = self.stage().expect("a good backup");
        assert_eq!(staged.made_at(), Ok(Some(moment())));
        let renewed = staged
            .renew(&CountingRandom::default(), moment(), sessions, &mut |_| Proceed::Yes)
            .expect("renewed");
        let restored = staged.put_into_place(&self.path("aside"), &mut |_| Proceed::Yes).expect("in place");
        assert!(!self.path("callbox.restore").exists());
        (renewed, restored)
    }

    /// How many rows of the restored database this finds.
    fn count(&self, sql: &str) -> i64 {
        let connection = Connection::open(self.path("callbox.db")).expect("opens");
        connection.query_row(sql, [], |row| row.get(0)).expect(sql)
    }

    fn tamper(&self, sql: &str) {
        Connection::open(self.path("backup")).and_then(|backup| backup.execute_batch(sql)).expect(sql);
    }
}

#[test]
fn every_user_has_a_log_of_a_new_life() {
    let scene = Scene::set(10_001);
    let (renewed, _) = scene.restore(Sessions::Keep);
    assert_eq!(renewed, Renewed { users: 10_003, sessions_ended: 0 });
    let connection = Connection::open(scene.path("callbox.db")).expect("opens");
    let mut statement = connection.prepare("SELECT epoch FROM mailboxes").expect("prepared");
    let epochs: HashSet<String> =
        statement.query_map([], |row| row.get(0)).expect("read").map(|epoch| epoch.expect("text")).collect();
    assert!(epochs.len() == 10_003 && !epochs.contains("k3"), "one each, and none of before");
}

#[test]
fn what_is_in_the_place_is_set_aside_with_its_newest_writes() {
    let scene = Scene::set(0);
    let world = World::in_file(&scene.path("callbox.db"));
    assert_eq!(world.write(|tx| send(tx, "2", "after the backup")), Ok(()));
    // As a crash leaves it: with writes that stand in the log only.
    let crashed = TempDir::new().expect("a folder");
    for ending in ["", "-wal"] {
        let name = format!("callbox.db{ending}");
        std::fs::copy(scene.path(&name), crashed.path().join(&name)).expect("copied");
    }
    std::fs::copy(scene.path("backup"), crashed.path().join("backup")).expect("copied");
    let scene = Scene { folder: crashed };

    let (_, restored) = scene.restore(Sessions::Keep);
    assert_eq!(restored, Restored { before: PutAside::As(scene.path("aside")) });
    assert!(!scene.path("callbox.db-wal").exists(), "no log of one beside the other");
    assert_eq!(World::in_file(&scene.path("callbox.db")).numbers(), [1]);
    assert_eq!(World::in_file(&scene.path("aside")).numbers(), [1, 2]);
}

#[test]
fn a_damaged_database_is_set_aside_as_it_is() {
    let scene = Scene::set(0);
    let files = [("callbox.db", "no database"), ("callbox.db-wal", "no log")];
    for (name, text) in files {
        std::fs::write(scene.path(name), text).expect("written");
    }
    scene.restore(Sessions::Keep);
    for (name, text) in [("aside", files[0].1), ("aside-wal", files[1].1)] {
        assert_eq!(std::fs::read_to_string(scene.path(name)).expect("set aside"), text);
    }
    assert_eq!(World::in_file(&scene.path("callbox.db")).numbers(), [1]);
}

#[test]
fn what_was_set_aside_comes_back_where_the_backup_cannot_take_its_place() {
    let scene = Scene::set(0);
    let files =
        [("callbox.db", "no database"), ("callbox.db-wal", "no log"), ("callbox.db-journal", "nothing")];
    for (name, text) in files {
        std::fs::write(scene.path(name), text).expect("written");
    }
    let as_before = || {
        for (name, text) in files {
            assert_eq!(std::fs::read_to_string(scene.path(name)).expect("as before"), text);
        }
        assert!(!scene.path("aside-wal").exists() && !scene.path("aside-journal").exists());
    };
    let staged = scene.stage().expect("good");
    // Gone at the last moment, after everything else was looked at.
    let restored = staged.put_into_place(&scene.path("aside"), &mut |_| {
        std::fs::remove_file(scene.path("callbox.restore")).expect("removed");
        Proceed::Yes
    });
    assert!(matches!(restored, Err(RestoreError::CannotWrite { .. })), "{restored:?}");
    assert!(!scene.path("aside").exists());
    as_before();

    std::fs::write(scene.path("aside"), "precious").expect("written");
    let staged = scene.stage().expect("good");
    let restored = staged.put_into_place(&scene.path("aside"), &mut |_| Proceed::Yes);
    assert!(matches!(restored, Err(RestoreError::CannotWrite { .. })), "{restored:?}");
    assert_eq!(std::fs::read_to_string(scene.path("aside")).expect("still there"), "precious");
    as_before();
}

#[test]
fn a_log_without_its_database_is_not_left_beside_the_new_one() {
    let scene = Scene::set(0);
    std::fs::remove_file(scene.path("callbox.db")).expect("removed");
    std::fs::write(scene.path("callbox.db-wal"), "of another").expect("written");
    assert!(is_taken(&scene.path("callbox.db")));
    scene.restore(Sessions::Keep);
    assert!(!scene.path("callbox.db-wal").exists() && scene.path("aside-wal").exists());
}

#[test]
fn into_an_empty_place_nothing_is_set_aside() {
    let scene = Scene::set(0);
    std::fs::remove_file(scene.path("callbox.db")).expect("removed");
    assert!(!is_taken(&scene.path("callbox.db")));
    let (_, restored) = scene.restore(Sessions::Keep);
    assert_eq!(restored, Restored { before: PutAside::Nothing });
    assert_eq!(World::in_file(&scene.path("callbox.db")).numbers(), [1]);
}

#[test]
fn sessions_end_or_go_on() {
    let open = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
    let scene = Scene::set(0);
    scene.tamper("INSERT INTO one_time_tokens VALUES (1, x'01', 'reset', 'ann', 9999999999999)");
    scene.restore(Sessions::Keep);
    assert_eq!((scene.count(open), scene.count("SELECT count(*) FROM one_time_tokens")), (1, 1));

    std::fs::remove_file(scene.path("aside")).expect("removed");
    let (renewed, _) = scene.restore(Sessions::End);
    assert_eq!(renewed.sessions_ended, 1);
    assert_eq!((scene.count(open), scene.count("SELECT count(*) FROM one_time_tokens")), (0, 0));
    let world = World::in_file(&scene.path("callbox.db"));
    let found = world.read(|read| read.session(APP, &session().id)).expect("read").expect("a session");
    assert!(found.check(moment()).is_err(), "{found:?}");
}

#[test]
fn a_copy_of_a_whole_folder_is_a_backup_too() {
    let scene = Scene::set(0);
    let world = World::in_file(&scene.path("callbox.db"));
    assert_eq!(world.write(|tx| send(tx, "2", "in the log only")), Ok(()));
    for ending in ["", "-wal"] {
        let (from, to) = (format!("callbox.db{ending}"), format!("backup{ending}"));
        std::fs::copy(scene.path(&from), scene.path(&to)).expect("copied");
    }
    drop(world);
    let staged = scene.stage().expect("good");
    assert_eq!(staged.made_at(), Ok(None));
    drop(staged);
    assert!(!scene.path("callbox.restore").exists() && !scene.path("callbox.restore-wal").exists());
    assert!(scene.path("backup-wal").exists(), "what is restored stays as it is");
}

#[test]
fn what_is_no_good_backup_is_refused_and_nothing_is_left() {
    let scene = Scene::set(3_000);
    let backup = scene.path("backup");
    let good = std::fs::read(&backup).expect("read");
    let refused = |bytes: &[u8]| {
        std::fs::write(&backup, bytes).expect("written");
        let error = scene.stage().err().expect("refused");
        assert!(!scene.path("callbox.restore").exists());
        assert!(!error.to_string().contains('\n'), "{error}");
        error
    };
    for no_database in [&b"short"[..], &b"a letter to my aunt ".repeat(100)] {
        assert_eq!(refused(no_database), RestoreError::NotADatabase(backup.clone()));
    }
    let (found, expected) = (good.len() as u64 - 4096, good.len() as u64);
    let cut = RestoreError::CutOff { path: backup.clone(), found, expected };
    assert_eq!(refused(&good[..good.len() - 4096]), cut);
    std::fs::write(&backup, &good).expect("written");
    super::damage(&backup, "users", 1);
    let damaged = std::fs::read(&backup).expect("read");
    assert!(matches!(refused(&damaged), RestoreError::Damaged { .. }));
    let mut schema = good.clone();
    schema[100..4096].fill(0xaa);
    assert!(matches!(refused(&schema), RestoreError::Damaged { .. }));
    std::fs::remove_file(&backup).expect("removed");
    assert!(matches!(scene.stage().err(), Some(RestoreError::CannotRead { .. })));
}

#[test]
fn a_backup_where_the_restore_itself_writes_is_refused_and_stays() {
    let scene = Scene::set(0);
    let good = std::fs::read(scene.path("backup")).expect("read");
    for ending in ["", "-wal", "-shm", "-journal"] {
        let backup = scene.path(&format!("callbox.restore{ending}"));
        std::fs::write(&backup, &good).expect("written");
        let refused = |named: PathBuf| {
            let error = RestoreError::InTheWay(named.clone());
            let staged = Staged::new(&named, &scene.path("callbox.db"), &mut |_| Proceed::Yes);
            assert_eq!(staged.err(), Some(error));
            assert_eq!(std::fs::read(&backup).expect("still there"), good);
        };
        refused(backup.clone());
        refused(scene.folder.path().join(".").join(backup.file_name().expect("a name")));
        #[cfg(unix)]
        {
            let link = scene.path("link");
            std::os::unix::fs::symlink(&backup, &link).expect("linked");
            refused(link.clone());
            std::fs::remove_file(link).expect("removed");
        }
        std::fs::remove_file(&backup).expect("removed");
    }
    let database = scene.path("callbox.db");
    assert_eq!(Staged::check_file(&database, &database), Err(RestoreError::InTheWay(database.clone())));
    #[cfg(unix)]
    {
        let place = scene.path("callbox.restore");
        std::os::unix::fs::symlink(scene.path("backup"), &place).expect("linked");
        assert_eq!(Staged::check_file(&place, &database), Err(RestoreError::InTheWay(place)));
    }
}

#[test]
fn backups_of_others_and_of_newer_servers_are_refused() {
    let scene = Scene::set(0);
    let refused = || scene.stage().err().expect("refused");
    scene.tamper("INSERT INTO migrations VALUES (1000, 'from_the_future', 'x', 0)");
    let newer = refused();
    assert!(matches!(newer, RestoreError::OtherVersion { .. }));
    assert!(newer.to_string().contains("version 1000"), "{newer}");
    scene.tamper(
        "DELETE FROM migrations WHERE number = 1000; UPDATE migrations SET checksum = 'x' WHERE number = 1",
    );
    assert!(refused().to_string().contains("migration 1 (first) is another one"));
    scene.tamper("PRAGMA application_id = 7");
    assert_eq!(refused(), RestoreError::NotCallbox(scene.path("backup")));
}

#[test]
fn a_restore_that_is_stopped_leaves_nothing() {
    let scene = Scene::set(0);
    let before = std::fs::read(scene.path("callbox.db")).expect("read");
    let stop = &mut |_| Proceed::No;
    let stop_at_the_check = &mut |step| if step == Step::Checking { Proceed::No } else { Proceed::Yes };
    let (backup, database) = (scene.path("backup"), scene.path("callbox.db"));
    assert_eq!(Staged::new(&backup, &database, stop).err(), Some(RestoreError::Stopped));
    assert_eq!(Staged::new(&backup, &database, stop_at_the_check).err(), Some(RestoreError::Stopped));
    let mut staged = scene.stage().expect("good");
    let renewed = staged.renew(&CountingRandom::default(), moment(), Sessions::End, stop);
    assert_eq!(renewed, Err(RestoreError::Stopped));
    drop(staged);
    let staged = scene.stage().expect("good");
    assert_eq!(staged.put_into_place(&scene.path("aside"), stop), Err(RestoreError::Stopped));
    assert!(!scene.path("callbox.restore").exists() && !scene.path("aside").exists());
    assert!(std::fs::read(&database).expect("still there") == before);
}

#[test]
fn what_an_unfinished_restore_left_is_no_hindrance() {
    let scene = Scene::set(0);
    for name in ["callbox.restore", "callbox.restore-wal", "callbox.restore-journal"] {
        std::fs::write(scene.path(name), "of before").expect("written");
    }
    scene.restore(Sessions::Keep);
    assert_eq!(World::in_file(&scene.path("callbox.db")).numbers(), [1]);
}

fn session() -> Session {
    Session {
        id: SessionId::new("session-of-ann").expect("an id"),
        app_id: APP,
        user_id: user_id("ann"),
        device: Device::default(),
        created_at: Timestamp::from_millis(1),
        expires_at: moment().plus(std::time::Duration::from_hours(24)),
        status: SessionStatus::Open,
        credential: callbox_domain::CredentialKind::Ticket,
        last_used_at: Timestamp::from_millis(1),
    }
}

fn moment() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

#[test]
fn every_refusal_is_one_line() {
    let path = Path::new("/backup/callbox").to_owned();
    let reason = "why".to_owned();
    for error in [
        RestoreError::CannotRead { path: path.clone(), reason: reason.clone() },
        RestoreError::NotADatabase(path.clone()),
        RestoreError::NotCallbox(path.clone()),
        RestoreError::InTheWay(path.clone()),
        RestoreError::CutOff { path: path.clone(), found: 1, expected: 2 },
        RestoreError::Damaged { path: path.clone(), reason: reason.clone() },
        RestoreError::OtherVersion { path: path.clone(), reason: reason.clone() },
        RestoreError::CannotWrite { path, reason },
        RestoreError::Stopped,
    ] {
        let line = error.to_string();
        assert!(!line.contains('\n') && !line.contains("  "), "{line:?}");
    }
}
