//! How long `callbox serve` takes to be ready on a database with history.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::BenchResult;
use crate::client::Http;
use crate::rivals::free_port;
use crate::scale::Scale;
use crate::timing::now;

/// From starting the process to `/readyz` answering 200, sorted.
pub(crate) async fn measure(scale: Scale) -> BenchResult<Vec<Duration>> {
    let folder = TempDir::new()?;
    let address = format!("127.0.0.1:{}", free_port()?);
    let configuration = configure(folder.path(), &address)?;
    // Makes the folder too.
    let created = Command::new(std::env::current_exe()?)
        .args(["callbox", "app", "create", "--name", "Bench", "--config"])
        .arg(&configuration)
        .output()
        .await?;
    if !created.status.success() {
        return Err(String::from_utf8_lossy(&created.stderr).into_owned().into());
    }
    let pairs = scale.times(PAIRS, QUICK_PAIRS);
    let database = folder.path().join("data/callbox.sqlite");
    tokio::task::spawn_blocking(move || fill(&database, pairs)).await??;
    let mut times = Vec::new();
    for _ in 0..scale.times(STARTS, 1) {
        let began = now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["callbox", "serve", "--config"])
            .arg(&configuration)
            .kill_on_drop(true)
            .spawn()?;
        ready(&address).await?;
        times.push(began.elapsed());
        stop(&mut child).await?;
    }
    times.sort_unstable();
    Ok(times)
}

fn configure(folder: &Path, address: &str) -> BenchResult<PathBuf> {
    let configuration = folder.join("callbox.toml");
    let (data, key) = (folder.join("data"), folder.join("master.key"));
    fs::write(
        &configuration,
        format!(
            "[server]\nlisten = '{address}'\n[storage]\nfolder = '{}'\nmaster_key_file = '{}'\n\
             [relay]\nlisten = ['127.0.0.1:0']\ntls_listen = []\n[metrics]\nlisten = ''\n[log]\nlevel = 'warn'\n",
            data.display(),
            key.display()
        ),
    )?;
    Ok(configuration)
}

async fn ready(address: &str) -> BenchResult<()> {
    let began = now();
    loop {
        let answer = async { Http::connect(address).await?.get("/readyz").await };
        if answer.await.is_ok() {
            return Ok(());
        }
        if began.elapsed() > READY_TIME_MAX {
            return Err("the server is not ready".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// As an operator stops it, so that the next start finds what a stop leaves.
async fn stop(child: &mut Child) -> BenchResult<()> {
    let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or("the server has ended")?;
    kill_process(id, Signal::TERM)?;
    child.wait().await?;
    Ok(())
}

/// Fills the database of a new server by statements of its own: conversations of two with a thousand messages each, and what
/// these left in the logs of both.
fn fill(database: &Path, pairs: usize) -> BenchResult<()> {
    let connection = rusqlite::Connection::open(database)?;
    connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")?;
    connection.execute_batch(&FILL.replace("PAIRS", &pairs.to_string()))?;
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(fs::File::open(database)?.sync_all()?)
}

const FILL: &str = "
CREATE TEMP TABLE pair AS WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < PAIRS)
    SELECT n, 2 * n AS lower, 2 * n + 1 AS upper FROM numbers ORDER BY n;
CREATE TEMP TABLE member AS SELECT n, person, printf('user-%08d', person) AS user_id FROM
    (SELECT n, lower AS person FROM pair UNION ALL SELECT n, upper FROM pair) ORDER BY person;
CREATE TEMP TABLE moment AS WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
    SELECT n AS position FROM numbers ORDER BY n;
BEGIN;
INSERT INTO users (app_id, id, created_at) SELECT 1, user_id, 1700000000000 FROM member;
INSERT INTO people (number, app_id, user_id) SELECT person, 1, user_id FROM member;
INSERT INTO mailboxes (person, epoch, pruned_up_to) SELECT person, 'abcdefgh', 0 FROM member;
INSERT INTO conversations (number, app_id, id, created_at, updated_at, lower_person, upper_person)
    SELECT n, 1, printf('conversation-%08d', n), 1700000000000, 1700000000000, lower, upper FROM pair;
INSERT INTO conversation_members (conversation, person, delivered_up_to, read_up_to)
    SELECT n, person, 1000, 1000 FROM member ORDER BY n;
INSERT INTO messages (place, app_id, id, sender, sender_session_id, recipient, created_at, text)
    SELECT (n << 32) + position, 1, printf('message-%08d-%04d', n, position), lower,
        'ses_00000000000000000000000000', upper, 1700000000000 + position,
        'The quick brown fox jumps over the lazy dog, and then some more.'
    FROM pair CROSS JOIN moment;
INSERT INTO events (person, seq, at, kind, place)
    SELECT person, position, unixepoch() * 1000, 1, (n << 32) + position FROM member CROSS JOIN moment;
COMMIT;
";

/// Pairs of users; each has a thousand messages.
pub(crate) const PAIRS: usize = 10_000;
pub(crate) const QUICK_PAIRS: usize = 10;
const STARTS: usize = 7;
const READY_TIME_MAX: Duration = Duration::from_mins(1);
