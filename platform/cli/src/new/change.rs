//! Files that are there and get something more: all of them or none.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use toml::Table;

/// A file of TOML as it is and as it is to be.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    before: String,
    pub(super) after: String,
}

impl Change {
    /// Takes a new text only when it says what the old one said and what was meant to be added, and nothing else.
    pub(super) fn checked(
        path: &Path,
        before: &str,
        after: String,
        meant: impl FnOnce(&mut Table) -> Option<()>,
    ) -> Result<Self> {
        let expected = before.parse::<Table>().ok().and_then(|mut said| meant(&mut said).map(|()| said));
        if expected.is_none() || after.parse::<Table>().ok() != expected {
            bail!("{} cannot be changed safely: write it by hand", path.display());
        }
        Ok(Self { path: path.to_owned(), before: before.to_owned(), after })
    }

    /// Where the new text stands until it takes the place of the old one.
    fn beside(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        self.path.with_file_name(name)
    }

    fn prepare(&self) -> Result<()> {
        // The copy has the rights of the old one.
        fs::copy(&self.path, self.beside())
            .and_then(|_| fs::write(self.beside(), &self.after))
            .with_context(|| format!("cannot write {}", self.beside().display()))
    }

    fn replace(&self) -> Result<()> {
        fs::rename(self.beside(), &self.path).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Makes all changes, or none.
pub(super) fn make(changes: &[Change]) -> Result<()> {
    let made = changes.iter().try_for_each(Change::prepare).and_then(|()| changes.iter().try_for_each(Change::replace));
    if made.is_err() {
        for change in changes {
            let _none_is_fine = fs::remove_file(change.beside());
            if fs::read_to_string(&change.path).is_ok_and(|text| text != change.before) {
                fs::write(&change.path, &change.before)
                    .with_context(|| format!("cannot write {} back", change.path.display()))?;
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(path: &Path) -> Change {
        let before = fs::read_to_string(path).unwrap();
        let after = format!("{before}b = 2\n");
        Change::checked(path, &before, after, |said| said.insert("b".into(), 2.into()).is_none().then_some(())).unwrap()
    }

    #[test]
    fn when_one_file_cannot_be_written_none_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one.toml", "two.toml"].map(|name| folder.path().join(name));
        for path in [&one, &two] {
            fs::write(path, "a = 1\n").unwrap();
        }
        fs::create_dir(folder.path().join("two.toml.new")).unwrap();
        let why = make(&[more(&one), more(&two)]).unwrap_err().to_string();
        assert!(why.starts_with("cannot write") && fs::read_to_string(&one).unwrap() == "a = 1\n", "{why}");
        assert!(!folder.path().join("one.toml.new").exists());
        fs::remove_dir(folder.path().join("two.toml.new")).unwrap();
        make(&[more(&one), more(&two)]).unwrap();
        assert_eq!([one, two].map(|path| fs::read_to_string(path).unwrap()), ["a = 1\nb = 2\n"; 2]);
    }

    #[test]
    fn a_text_that_says_something_else_is_no_change() {
        let meant = |said: &mut Table| said.insert("b".into(), 2.into()).is_none().then_some(());
        for after in ["a = 1\nb = 3", "b = 2", "a = 1\nb = 2\nc = 3", "a = 1\nb = ["] {
            let why = Change::checked(Path::new("x.toml"), "a = 1", after.into(), meant).unwrap_err().to_string();
            assert_eq!(why, "x.toml cannot be changed safely: write it by hand", "{after}");
        }
    }
}
