//! Whether an open file still has a name. Writing into one that was removed succeeds and is lost with the process.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

/// An open file, looked at and never read: `O_PATH`, because closing an ordinary descriptor of a database would give up the
/// locks that SQLite holds on it (fcntl(2), "Advisory record locking").
#[derive(Debug)]
pub(crate) struct Presence(File);

impl Presence {
    /// Of a file that is there.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path).map(Self)
    }

    /// Whether no name leads to it any more. One that was moved has another name.
    pub(crate) fn is_removed(&self) -> bool {
        self.0.metadata().is_ok_and(|file| file.nlink() == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_moved_is_there_and_one_that_is_removed_or_replaced_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "1").unwrap();
        let presence = Presence::of(&at("a")).unwrap();
        std::fs::rename(at("a"), at("b")).unwrap();
        assert!(!presence.is_removed());
        std::fs::write(at("c"), "2").unwrap();
        std::fs::rename(at("c"), at("b")).unwrap();
        assert!(presence.is_removed(), "another file has its name");
        let other = Presence::of(&at("b")).unwrap();
        std::fs::remove_file(at("b")).unwrap();
        assert!(other.is_removed());
        assert!(Presence::of(&at("b")).is_err());
    }
}
