//! The real binary as a process of its own, which can be killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A development server with limits that no test reaches. Killed when dropped.
pub struct Process {
    /// `127.0.0.1:<port>`
    pub address: String,
    child: Child,
    /// Held open: a server whose output nobody takes ends.
    _stdout: Box<dyn BufRead + Send>,
}

impl Process {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts it with more variables in its environment.
    pub fn start_with(data: &Path, environment: &[(&str, &Path)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_callbox"))
            .args(["dev", "--port", "0", "--log", "warn", "--data"])
            .arg(data)
            .env("CALLBOX_LIMITS_REQUESTS_PER_SECOND", "1000000")
            .env("CALLBOX_LIMITS_REQUESTS_BURST", "1000000")
            .env("CALLBOX_LIMITS_MESSAGES_PER_SECOND", "1000000")
            .env("CALLBOX_LIMITS_MESSAGES_BURST", "1000000")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let page = (&mut stdout).lines().map_while(Result::ok).find(|line| line.trim().starts_with("Open"));
        let port = page.expect("an address").rsplit_once(':').expect("a port").1.to_owned();
        Self { address: format!("127.0.0.1:{port}"), child, _stdout: Box::new(stdout) }
    }

    /// Its address, as clients are told it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it with SIGKILL: not one instruction more is its own.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
