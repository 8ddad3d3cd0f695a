//! Files around a database: private, synced, and never half there under their final name.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes a file that only its owner can read; fails when there is one.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The path with this at its end, such as that of a write-ahead log.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes sure that what a file holds outlives a loss of power.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    File::options().read(true).write(true).open(path)?.sync_all()
}

/// Makes sure that the names in a file's folder outlive a loss of power.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and needs no sync.
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

/// Gives a whole file its final name; fails when there is something of that name.
pub(crate) fn name_finally(unfinished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(unfinished, path) {
        Ok(()) => fs::remove_file(unfinished),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system knows a second name for a file.
        Err(_) => fs::rename(unfinished, path),
    }
}

/// Gives a new file to whoever owns its folder: the one who restores may be another user than the server's.
pub fn own_as_folder(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(folder), Ok(file)) = (folder_of(path).metadata(), path.symlink_metadata()) else {
            return;
        };
        if (folder.uid(), folder.gid()) != (file.uid(), file.gid()) {
            // Only the superuser may; for anyone else the server says at its start what is wrong. And never what a link
            // leads to: whoever owns the folder could put one there and be given any file.
            let _ = std::os::unix::fs::lchown(path, Some(folder.uid()), Some(folder.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Files that belong to an unfinished database; they go when this does.
pub(crate) struct Unfinished(pub PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for ending in ENDINGS {
            if let Err(error) = remove_if_there(&with_ending(&self.0, ending)) {
                tracing::warn!(path = %self.0.display(), %error, "an unfinished file stays behind");
            }
        }
    }
}

/// What the files of one database have behind its name: itself, its write-ahead log, the index of that, and the journal
/// that it has without a write-ahead log.
pub(crate) const ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
