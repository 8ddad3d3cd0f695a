//! The binary as its operator meets it: what it says when it cannot start, and what it prints when it can.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

fn callbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    callbox(arguments).output().expect("the binary runs")
}

/// A command that must fail with one clear line.
fn complaint(arguments: &[&str]) -> String {
    let output = output(arguments);
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success(), "{arguments:?} should fail: {text}");
    let complaints: Vec<_> = text.lines().filter(|line| line.starts_with("callbox: ")).collect();
    assert_eq!(complaints.len(), 1, "{text}");
    assert!(!text.contains("panicked"), "{text}");
    complaints[0].to_owned()
}

fn stdout(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A development server on a folder. Killed when dropped, if it was not stopped.
struct Running {
    child: Child,
    port: String,
}

impl Running {
    fn start(data: &str) -> Self {
        let mut command = callbox(&["dev", "--port", "0", "--data", data]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.as_mut().expect("piped")).lines();
        let address =
            lines.map_while(Result::ok).find(|line| line.trim().starts_with("Open")).expect("an address");
        let port = address.rsplit_once(':').expect("a port").1.to_owned();
        Self { child, port }
    }

    fn stop(mut self) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status().expect("kill runs");
        assert!(sent.success());
        assert!(self.child.wait().expect("it ends").success(), "Ctrl-C ends it cleanly");
    }

    fn get(&self, path: &str) -> String {
        let mut stream =
            std::net::TcpStream::connect(format!("127.0.0.1:{}", self.port)).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn data_in(folder: &TempDir) -> String {
    folder.path().join("data").to_string_lossy().into_owned()
}

fn key_of(data: &str) -> String {
    format!("{data}.master-key")
}

/// A data folder that a server has made and left.
fn used_folder() -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let data = data_in(&folder);
    Running::start(&data).stop();
    (folder, data)
}

#[test]
fn a_server_starts_stops_and_finds_its_data_again() {
    let (_folder, data) = used_folder();
    let database = Path::new(&data).join("callbox.sqlite");
    let before = stdout(&["app", "list", "--data", &data]);
    assert!(database.exists() && before.starts_with("demo"), "{before}");
    let again = Running::start(&data);
    assert!(again.get("/readyz").ends_with("ready\n"));
    assert_eq!(stdout(&["app", "list", "--data", &data]), before, "also beside a running server");
    again.stop();
}

#[test]
fn a_reader_who_closes_the_pipe_stops_no_server() {
    let folder = TempDir::new().expect("a folder");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = callbox(&["dev", "--port", "0", "--data", &data_in(&folder)]);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    // From here on it hears signals, and has printed nothing yet.
    assert!(log.any(|line| line.contains("app created")), "it starts");
    let process = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().expect("kill runs").success());
    let rest: Vec<_> = log.collect();
    assert!(child.wait().expect("it ends").success(), "{rest:?}");
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port().to_string();
    let folder = TempDir::new().expect("a folder");
    let data = data_in(&folder);
    assert!(complaint(&["dev", "--port", &port, "--data", &data]).contains("the port is taken"));
    assert!(!Path::new(&data).exists(), "nothing was touched");
}

#[test]
fn a_folder_that_cannot_be_used_is_one_clear_line() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writable");
    let below_a_file = file.join("data").to_string_lossy().into_owned();
    assert!(
        complaint(&["dev", "--port", "0", "--data", &below_a_file])
            .contains("cannot write to the data folder")
    );

    let data = data_in(&folder);
    let running = Running::start(&data);
    assert!(complaint(&["dev", "--port", "0", "--data", &data]).contains("in use by another callbox server"));
    running.stop();
}

#[test]
fn a_missing_or_foreign_master_key_is_one_clear_line() {
    let (_folder, data) = used_folder();
    let key = fs::read_to_string(key_of(&data)).expect("a key file");
    fs::remove_file(key_of(&data)).expect("removable");
    assert!(
        complaint(&["dev", "--port", "0", "--data", &data]).contains("is missing, but the database needs it")
    );
    let (_other_folder, other) = used_folder();
    fs::copy(key_of(&other), key_of(&data)).expect("copied");
    assert!(complaint(&["dev", "--port", "0", "--data", &data]).contains("is not the one"));
    fs::write(key_of(&data), "nonsense").expect("writable");
    assert!(complaint(&["dev", "--port", "0", "--data", &data]).contains("line 1 of the master key file"));
    fs::write(key_of(&data), key).expect("writable");
    Running::start(&data).stop();
}

#[cfg(unix)]
#[test]
fn the_master_key_is_for_its_owner_only_and_in_no_database() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, data) = used_folder();
    let mode = fs::metadata(key_of(&data)).expect("a key file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = fs::read_to_string(key_of(&data)).expect("text");
    let key = key.trim().split_once(':').expect("id and key").1.to_owned();
    for entry in fs::read_dir(&data).expect("a folder") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("readable");
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    }
}

#[test]
fn a_newer_or_broken_database_is_one_clear_line() {
    let (_folder, data) = used_folder();
    let database = Path::new(&data).join("callbox.sqlite");
    let connection = rusqlite::Connection::open(&database).expect("a database");
    let add = "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (9999, 'future', 'x', 0)";
    connection.execute(add, []).expect("a row");
    drop(connection);
    let newer = complaint(&["dev", "--port", "0", "--data", &data]);
    assert!(newer.contains("9999") || newer.contains("newer"), "{newer}");
    for name in ["callbox.sqlite-wal", "callbox.sqlite-shm"] {
        let _ = fs::remove_file(Path::new(&data).join(name));
    }
    fs::write(&database, "this is no database, and long enough to be noticed as such by its first bytes")
        .expect("writable");
    complaint(&["dev", "--port", "0", "--data", &data]);
}

#[test]
fn a_damaged_database_is_one_clear_line() {
    let (_folder, data) = used_folder();
    let database = Path::new(&data).join("callbox.sqlite");
    let mut bytes = fs::read(&database).expect("a database");
    // The header stays; the schema behind it does not.
    bytes[100..4096].fill(0xaa);
    fs::write(&database, bytes).expect("writable");
    let damaged = complaint(&["dev", "--port", "0", "--data", &data]);
    assert!(damaged.contains("callbox.sqlite is damaged: restore a backup"), "{damaged}");
}

/// A command in a process that may write no file beyond so many blocks of 512 bytes: for it the disk is full.
#[cfg(unix)]
fn on_a_full_disk(blocks: u32, arguments: &[&str]) -> String {
    let limit = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limit, env!("CARGO_BIN_EXE_callbox")]).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("the shell runs");
    assert_eq!(output.status.code(), Some(1), "it ends by itself: {output:?}");
    let text = String::from_utf8(output.stderr).expect("text");
    let complaints: Vec<_> = text.lines().filter(|line| line.starts_with("callbox: ")).collect();
    assert_eq!(complaints.len(), 1, "{text}");
    complaints[0].to_owned()
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_one_clear_line() {
    let (folder, data) = used_folder();
    let line = on_a_full_disk(0, &["dev", "--port", "0", "--data", &data]);
    assert!(line.contains("callbox.sqlite") && line.contains("see that it has room"), "{line}");

    let backup = folder.path().join("backup").to_string_lossy().into_owned();
    let line = on_a_full_disk(64, &["backup", &backup, "--data", &data]);
    assert!(line.contains(&format!("cannot write the backup {backup}: File too large")), "{line}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "data and key, and nothing else");

    stdout(&["backup", &backup, "--data", &data]);
    let database = Path::new(&data).join("callbox.sqlite");
    let before = fs::read(&database).expect("a database");
    let line = on_a_full_disk(64, &["restore", &backup, "--replace", "--data", &data]);
    assert!(line.contains("cannot write") && line.contains("File too large"), "{line}");
    assert_eq!(fs::read(&database).expect("a database"), before);
    assert!(!database.with_extension("restore").exists());
    Running::start(&data).stop();
}

/// A command that must fail, by a user who may not write what is read-only. For the superuser nothing is, unless
/// what a thread starts gives that up.
#[cfg(target_os = "linux")]
fn complaint_of_a_mortal(arguments: &[&str]) -> String {
    let run = || {
        if rustix::process::geteuid().is_root() {
            let mortal = rustix::thread::CapabilitySet::DAC_OVERRIDE;
            rustix::thread::remove_capability_from_bounding_set(mortal).expect("the superuser may");
        }
        complaint(arguments)
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("no panic"))
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_read_only_is_one_clear_line() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, data) = used_folder();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("one's own file");
    };
    let database = Path::new(&data).join("callbox.sqlite");
    allow(&database, 0o400);
    let line = complaint_of_a_mortal(&["dev", "--port", "0", "--data", &data]);
    assert!(line.contains("callbox.sqlite is read-only: give this user the right"), "{line}");
    allow(folder.path(), 0o500);
    let new = folder.path().join("new").to_string_lossy().into_owned();
    let line = complaint_of_a_mortal(&["dev", "--port", "0", "--data", &new]);
    assert!(line.contains("cannot write to the data folder"), "{line}");
    let backup = folder.path().join("backup").to_string_lossy().into_owned();
    let line = complaint_of_a_mortal(&["backup", &backup, "--data", &data]);
    assert!(line.contains("cannot write the backup") && line.contains("Permission denied"), "{line}");
    allow(folder.path(), 0o700);
}

#[test]
fn configuration_is_printed_checked_and_described() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("callbox.toml").to_string_lossy().into_owned();
    fs::write(&file, stdout(&["config", "default"])).expect("writable");
    assert_eq!(stdout(&["config", "check", &file]), "The configuration is good.\n");
    let schema: serde_json::Value = serde_json::from_str(&stdout(&["config", "schema"])).expect("JSON");
    assert!(schema["properties"]["server"].is_object());
    fs::write(&file, "[server]\nlisten = \"nowhere\"").expect("writable");
    assert!(complaint(&["config", "check", &file]).contains("server.listen"));
    assert!(complaint(&["serve", "--config", &file]).contains("server.listen"));
    assert!(complaint(&["serve", "--config", "/nonexistent.toml"]).contains("cannot read the configuration"));
}

#[test]
fn apps_are_made_shown_and_given_new_secrets() {
    let (_folder, data) = used_folder();
    let made = stdout(&[
        "app",
        "create",
        "--name",
        "Mine",
        "--key",
        "mine",
        "--allow-origin",
        "https://mine.example",
        "--data",
        &data,
    ]);
    let secret =
        made.lines().find_map(|line| line.strip_prefix("App secret")).expect("a secret").trim().to_owned();
    let shown = stdout(&["app", "show", "mine", "--data", &data]);
    assert!(
        shown.contains(r#"allowedOrigins=["https://mine.example"]  (set)"#)
            && shown.contains("openSignIn=false\n")
            && !shown.contains(&secret)
    );
    let rotated = stdout(&["app", "rotate-secret", "mine", "--grace", "5", "--data", &data]);
    assert!(rotated.starts_with("App secret") && !rotated.contains(&secret));
    assert!(
        complaint(&["app", "create", "--name", "Twice", "--key", "mine", "--data", &data])
            .contains("another app has this key")
    );
    assert!(complaint(&["app", "show", "nobody", "--data", &data]).contains("No app has this key"));
    assert!(
        complaint(&["app", "create", "--name", "X", "--allow-origin", "mine.example", "--data", &data])
            .contains("--allow-origin")
    );
    let ticket = stdout(&["ticket", "--app", "mine", "--user", "ann", "--data", &data]);
    assert!(ticket.contains(':') && !ticket.contains(&secret));
}

#[test]
fn commands_reach_a_server_once_it_is_ready_and_its_data_when_it_was_killed() {
    let folder = TempDir::new().expect("a folder");
    let data = data_in(&folder);
    let running = Running::start(&data);
    let create = |key| stdout(&["app", "create", "--name", "Mine", "--key", key, "--data", &data]);
    let list = || stdout(&["app", "list", "--data", &data]);
    assert!(create("mine").starts_with("App key     mine\n"));
    let listed = list();
    assert!(listed.contains("demo") && listed.contains("mine"), "{listed}");
    drop(running);
    assert!(Path::new(&data).join("operator.json").exists(), "it had no time to remove it");
    assert_eq!(list(), listed);
    create("another");
    let again = Running::start(&data);
    assert!(list().contains("another"));
    again.stop();
}

#[test]
fn every_command_has_a_help_that_teaches() {
    for command in [
        &["dev"][..],
        &["serve"],
        &["app"],
        &["app", "create"],
        &["app", "list"],
        &["app", "show"],
        &["app", "set"],
        &["app", "disable"],
        &["app", "enable"],
        &["app", "rotate-secret"],
        &["app", "alias"],
        &["app", "import-key"],
        &["app", "remove-key"],
        &["user"],
        &["user", "list"],
        &["user", "show"],
        &["user", "block"],
        &["user", "unblock"],
        &["user", "erase"],
        &["user", "sessions"],
        &["user", "end-sessions"],
        &["audit"],
        &["backup"],
        &["restore"],
        &["settings"],
        &["ticket"],
        &["config"],
        &["config", "default"],
        &["config", "check"],
        &["config", "schema"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let help = stdout(&arguments);
        let is_of_an_app = ["audit", "backup", "restore"].contains(&command[0])
            || command.len() == 2 && ["app", "user"].contains(&command[0]);
        assert!(help.contains("Example: callbox") || !is_of_an_app, "{help}");
        assert!(help.contains("Usage: callbox") && help.lines().count() > 4, "{help}");
    }
    assert!(stdout(&["--version"]).starts_with("callbox "));
}
