//! The trace, and what is looked for.

use std::ffi::{CStr, CString, c_int, c_long, c_void};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;

use libc::{iovec, off64_t, size_t};

/// What the environment says.
struct Settings {
    /// Where the trace goes.
    output: c_int,
    /// How the ids begin that are looked for.
    prefix: Vec<u8>,
    skips_sync: bool,
}

/// What a file descriptor leads to, as far as it matters here.
#[derive(PartialEq, Eq)]
enum Kind {
    WriteAheadLog,
    Socket,
    Other,
}

/// The bytes of a caller's buffer.
///
/// # Safety
/// There must be `count` readable bytes at `buffer`, for as long as the caller of this function uses them.
pub unsafe fn bytes<'a>(buffer: *const c_void, count: size_t) -> &'a [u8] {
    if buffer.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { std::slice::from_raw_parts(buffer.cast(), count) }
}

/// The bytes of a caller's buffers.
///
/// # Safety
/// There must be `count` parts at `parts`, each of which leads to as many readable bytes as it says.
pub unsafe fn parts<'a>(parts: *const iovec, count: usize) -> Vec<&'a [u8]> {
    if parts.is_null() || count == 0 {
        return Vec::new();
    }
    // SAFETY: not null, and the caller vouches for the rest.
    let parts = unsafe { std::slice::from_raw_parts(parts, count) };
    // SAFETY: as above.
    parts.iter().map(|part| unsafe { bytes(part.iov_base, part.iov_len) }).collect()
}

/// Where the next write(2) goes.
pub fn position(file: c_int) -> off64_t {
    if settings().is_none() {
        return 0;
    }
    // SAFETY: the call takes numbers and touches no memory.
    unsafe { libc::syscall(libc::SYS_lseek, file, 0, libc::SEEK_CUR) }
}

/// Bytes are about to leave, if this is a socket.
pub fn before_send(file: c_int, parts: &[&[u8]]) {
    let Some(settings) = settings() else { return };
    let ids = ids(parts, &settings.prefix);
    if ids.is_empty() || kind(file) != Kind::Socket {
        return;
    }
    let is_answer = parts.iter().any(|part| contains(part, b"\"message.accepted\""));
    append(settings, &format!("send {}{ids}\n", if is_answer { "accepted" } else { "other" }));
}

/// Bytes were written, if this is a write-ahead log.
pub fn after_write(file: c_int, offset: off64_t, parts: &[&[u8]], done: c_long) {
    let Some(settings) = settings() else { return };
    if done <= 0 || kind(file) != Kind::WriteAheadLog {
        return;
    }
    // A frame is a header of 24 bytes, whose second word says how large the database is after a commit and is zero
    // otherwise, and a page (https://sqlite.org/fileformat2.html#walformat).
    let what = match parts {
        [header] if header.len() == 24 && header[4..8] != [0; 4] => "commit",
        [header] if header.len() == 24 => "frame",
        _ => "page",
    };
    append(settings, &format!("write {offset} {done} {what}{}\n", ids(parts, &settings.prefix)));
}

/// A file is about to be synced.
pub fn before_sync(file: c_int) {
    if let Some(settings) = settings()
        && kind(file) == Kind::WriteAheadLog
    {
        append(settings, "sync\n");
    }
}

/// A file was synced, or not.
pub fn after_sync(file: c_int, done: c_long) {
    if let Some(settings) = settings()
        && done == 0
        && kind(file) == Kind::WriteAheadLog
    {
        append(settings, "synced\n");
    }
}

/// Does not come back while the disk is said to hang.
pub fn hang(file: c_int) {
    static HANGS: OnceLock<Option<CString>> = OnceLock::new();
    let hangs = HANGS.get_or_init(|| CString::new(std::env::var_os("CALLBOX_SYNC_HANGS")?.as_bytes()).ok());
    if let Some(path) = hangs
        && kind(file) == Kind::WriteAheadLog
    {
        // SAFETY: `path` ends in a zero and lives as long as the call.
        while unsafe { libc::access(path.as_ptr(), libc::F_OK) } == 0 {
            // SAFETY: the call takes a number.
            unsafe { libc::usleep(1_000) };
        }
    }
}

/// Whether files are to be left as they are.
pub fn skips_sync() -> bool {
    settings().is_some_and(|settings| settings.skips_sync)
}

fn settings() -> Option<&'static Settings> {
    static SETTINGS: OnceLock<Option<Settings>> = OnceLock::new();
    SETTINGS.get_or_init(read_settings).as_ref()
}

fn read_settings() -> Option<Settings> {
    let path = std::env::var_os("CALLBOX_SYNC_TRACE")?;
    let path = CString::new(path.as_bytes()).ok()?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
    // SAFETY: `path` ends in a zero and lives as long as the call.
    let output = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0o600) };
    let prefix = std::env::var_os("CALLBOX_SYNC_TRACE_PREFIX")?.as_bytes().to_vec();
    let skips_sync = std::env::var_os("CALLBOX_SYNC_TRACE_NO_SYNC").is_some();
    Some(Settings { output: c_int::try_from(output).ok().filter(|file| *file >= 0)?, prefix, skips_sync })
}

fn append(settings: &Settings, line: &str) {
    // SAFETY: the line is as long as it says.
    let done = unsafe { libc::syscall(libc::SYS_write, settings.output, line.as_ptr(), line.len()) };
    // A trace with a hole would show order where there is none.
    assert!(usize::try_from(done) == Ok(line.len()), "the trace cannot be written");
}

/// What the system says that a descriptor is.
fn kind(file: c_int) -> Kind {
    let mut link = [0_u8; 4_096];
    let Ok(path) = CString::new(format!("/proc/self/fd/{file}")) else { return Kind::Other };
    let path: &CStr = &path;
    // SAFETY: `path` ends in a zero, and `link` has as much room as the call is told.
    let length = unsafe {
        libc::syscall(libc::SYS_readlinkat, libc::AT_FDCWD, path.as_ptr(), link.as_mut_ptr(), link.len())
    };
    let link = &link[..usize::try_from(length).unwrap_or(0)];
    if link.starts_with(b"socket:") {
        Kind::Socket
    } else if link.ends_with(b"-wal") {
        Kind::WriteAheadLog
    } else {
        Kind::Other
    }
}

/// Each id that begins with the prefix, once, with a space before it.
fn ids(parts: &[&[u8]], prefix: &[u8]) -> String {
    let mut found: Vec<&str> = Vec::new();
    for part in parts {
        let starts =
            (0..part.len().saturating_sub(prefix.len())).filter(|start| part[*start..].starts_with(prefix));
        for start in starts {
            let rest = &part[start..];
            let length =
                rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
            found.extend(std::str::from_utf8(&rest[..length.min(ID_LETTERS)]).ok());
        }
    }
    found.sort_unstable();
    found.dedup();
    found.iter().fold(String::new(), |mut text, id| {
        let _ = write!(text, " {id}");
        text
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Ids are of this length: in a database there is no end to be seen, for the next value follows at once.
const ID_LETTERS: usize = 16;
