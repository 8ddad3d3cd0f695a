//! The server under test.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::BenchResult;
use crate::process::Usage;

/// A running server on a data folder of its own. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Held open: a server whose output nobody takes ends.
    _stdout: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    /// `127.0.0.1:<port>`
    pub(crate) address: String,
}

impl Server {
    /// Starts a server with limits that a load does not reach.
    pub(crate) async fn start() -> BenchResult<Self> {
        Self::start_with(&[]).await
    }

    /// Starts it with more variables in its environment.
    pub(crate) async fn start_with(environment: &[(&str, &str)]) -> BenchResult<Self> {
        let folder = TempDir::new()?;
        let data = folder.path().join("data");
        let mut child = Command::new(std::env::current_exe()?)
            .args(["callbox", "dev", "--port", "0", "--log", "warn", "--data"])
            .arg(&data)
            .env("CALLBOX_LIMITS_REQUESTS_PER_SECOND", "1000000")
            .env("CALLBOX_LIMITS_REQUESTS_BURST", "1000000")
            .env("CALLBOX_LIMITS_MESSAGES_PER_SECOND", "1000000")
            .env("CALLBOX_LIMITS_MESSAGES_BURST", "1000000")
            .env("CALLBOX_LIMITS_FAILED_SIGN_INS_PER_MINUTE", "1000000")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server's output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.trim().strip_prefix("Open") {
                let address = address.trim().trim_start_matches("http://").replace("localhost", "127.0.0.1");
                return Ok(Self { child, _stdout: lines, folder, address });
            }
        }
        Err("the server did not start".into())
    }

    /// What the server's process has used so far.
    pub(crate) fn usage(&self) -> BenchResult<Usage> {
        Usage::of(self.id()?)
    }

    /// The server's process.
    pub(crate) fn id(&self) -> BenchResult<u32> {
        Ok(self.child.id().ok_or("the server has ended")?)
    }

    /// A ticket for a user, signed by the command that the server's operator has.
    pub(crate) async fn ticket(&self, user: &str) -> BenchResult<String> {
        let output = Command::new(std::env::current_exe()?)
            .args(["callbox", "ticket", "--user", user, "--data"])
            .arg(self.folder.path().join("data"))
            .output()
            .await?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}
