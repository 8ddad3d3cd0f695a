//! The real binary as a process of its own, with everything that it writes.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

/// A development server that logs all it can. Killed when dropped, if it was not stopped.
pub struct Process {
    pub address: String,
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Process {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts it with more variables in its environment.
    pub fn start_with(data: &Path, environment: &[(&str, &Path)]) -> Self {
        let mut child = callbox()
            .args(["dev", "--port", "0", "--log", "trace", "--data"])
            .arg(data)
            // Tests are in more of a hurry than people.
            .envs([("CALLBOX_LIMITS_MESSAGES_BURST", "1000"), ("CALLBOX_LIMITS_REQUESTS_BURST", "1000")])
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stderr = child.stderr.take().expect("piped");
        let log = thread::spawn(move || {
            let mut log = Vec::new();
            let _ = stderr.read_to_end(&mut log);
            String::from_utf8(log).expect("text")
        });
        let lines = BufReader::new(child.stdout.as_mut().expect("piped")).lines();
        let page = lines.map_while(Result::ok).find(|line| line.trim().starts_with("Open"));
        let port = page.expect("an address").rsplit_once(':').expect("a port").1.to_owned();
        Self { address: format!("127.0.0.1:{port}"), child, log: Some(log) }
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Stops it as Ctrl-C does: all that it has logged.
    pub fn stop(self) -> String {
        self.signal("INT");
        let (is_clean, log) = self.ended();
        assert!(is_clean, "it ends cleanly: {log}");
        log
    }

    /// Waits for its end: whether it was clean, and all that it has logged.
    pub fn ended(mut self) -> (bool, String) {
        let status = self.child.wait().expect("it ends");
        (status.success(), self.log.take().expect("not yet taken").join().expect("no panic"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command on a data folder prints.
pub fn output(arguments: &[&str], data: &Path) -> String {
    let output = callbox().args(arguments).arg("--data").arg(data).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn callbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
    command.stdin(Stdio::null());
    command
}
