//! Where accepted settings are handed out: a folder in the data folder, in the form Kubernetes mounts them in. It is also what
//! is kept of them: the last good ones are there when the repository is not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use super::draft::Draft;

/// In the data folder.
const NAME: &str = "configuration";
/// The link that is exchanged.
const DATA: &str = "..data";
const REVISION: &str = "revision";
const STALE: &str = "stale";

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(NAME);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What was handed out last; what cannot be read was not.
    pub(crate) fn last(&self) -> Option<Draft> {
        let at = self.0.join(DATA);
        let mut draft = Draft::new(fs::read_to_string(at.join(REVISION)).ok()?);
        for entry in fs::read_dir(&at).ok()? {
            let name = entry.ok()?.file_name().into_string().ok()?;
            if let Some(of) = name.strip_suffix(".toml") {
                draft.add(of, &fs::read_to_string(at.join(&name)).ok()?).ok()?;
            }
        }
        Some(draft)
    }

    /// Hands out all of it at once.
    pub(crate) fn publish(&self, draft: &Draft) -> io::Result<()> {
        let name = format!("..{}", draft.revision);
        let at = self.0.join(&name);
        // What lies there may be half of it, or what somebody made of it.
        let _ = fs::remove_dir_all(&at);
        DirBuilder::new().mode(0o700).create(&at)?;
        for (of, text) in draft.texts() {
            write(&at.join(format!("{of}.toml")), text)?;
        }
        write(&at.join(REVISION), &draft.revision)?;
        // Before it is what was handed out last: after a power cut it would be empty files.
        File::open(&at)?.sync_all()?;
        let link = self.0.join("..link");
        let _ = fs::remove_file(&link);
        symlink(&name, &link)?;
        fs::rename(&link, self.0.join(DATA))?;
        self.forget_all_but(&name);
        Ok(())
    }

    /// Hands out nothing any more.
    pub(crate) fn withdraw(&self) -> io::Result<()> {
        fs::remove_file(self.0.join(DATA))
    }

    /// Says why what is handed out is not the newest; or that it is.
    pub(crate) fn say(&self, stale: Option<&str>) -> io::Result<()> {
        let file = self.0.join(STALE);
        match stale {
            Some(why) => {
                let draft = self.0.join("..stale");
                write(&draft, why)?;
                fs::rename(draft, file)
            }
            None => match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn forget_all_but(&self, name: &str) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let old = entries.filter(|entry| {
            let found = entry.file_name();
            let is_one = found.to_str().is_some_and(|found| found.starts_with("..") && found != name && found != DATA);
            is_one && entry.file_type().is_ok_and(|kind| kind.is_dir())
        });
        // One that stays is in nobody's way.
        old.for_each(|entry| drop(fs::remove_dir_all(entry.path())));
    }
}

/// For its owner alone.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(revision: &str, text: &str) -> Draft {
        let mut draft = Draft::new(revision.to_owned());
        draft.add("door", text).expect("TOML");
        draft
    }

    #[test]
    fn what_was_handed_out_last_is_kept_and_nothing_else() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(data.path()).expect("opened");
        assert_eq!(folder.last(), None);
        for (revision, text) in [("aaa", "a = 1"), ("bbb", "a = 2"), ("aaa", "a = 3")] {
            folder.publish(&draft(revision, text)).expect("handed out");
            assert_eq!(Folder::open(data.path()).expect("again").last(), Some(draft(revision, text)));
        }
        let left = fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(left, 2, "the link and where it leads");
        folder.say(Some("gone")).expect("said");
        folder.say(None).expect("said");
        folder.say(None).expect("said twice");
        folder.withdraw().expect("withdrawn");
        assert_eq!(folder.last(), None);
    }
}
