//! Who may write samples: `BLESS=1` adds, `BLESS=replace:NAME.vN` alters, and nobody does where `CI` is set.
//!
//! `golden.lock` holds a line per sample, its digest and its path. That the two agree is also a rule of the house, so that an
//! altered sample is found without running a test.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bongsu_given::digest;

use super::files::stem;

/// The file that remembers samples.
const LOCK: &str = "golden.lock";
/// What it says of itself.
const HEAD: &str = "# Samples that were written once: what was stored or told looks like them for ever. A line here is only added; one that\n\
                    # changes is a promise broken, and needs BLESS=replace:NAME.vN (see docs/guides/testing.md).\n";
/// Tests of one binary write one after the other: what one drafts, the next one looks at.
static PEN: Mutex<()> = Mutex::new(());

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bless {
    Nothing,
    New,
    Replace(String),
}

impl Bless {
    /// What the environment allows.
    #[track_caller]
    pub(super) fn asked() -> Self {
        Self::of(env::var_os("BLESS"), env::var_os("CI").is_some()).unwrap_or_else(|why| panic!("{why}"))
    }

    fn of(asked: Option<OsString>, in_ci: bool) -> Result<Self, String> {
        let Some(asked) = asked else { return Ok(Self::Nothing) };
        if in_ci {
            return Err("BLESS is refused where CI is set: samples are written by their author".into());
        }
        match asked.to_str() {
            Some("1") => Ok(Self::New),
            Some(other) => match other.strip_prefix("replace:") {
                Some(name) if !name.is_empty() => Ok(Self::Replace(name.to_owned())),
                _ => Err(format!("BLESS is 1 or replace:NAME.vN, not {other}")),
            },
            None => Err("BLESS is 1 or replace:NAME.vN".into()),
        }
    }

    /// Whether samples that nobody remembers may be written.
    pub(super) fn adds(&self) -> bool {
        *self != Self::Nothing
    }

    /// Has the pen until this is dropped, if there is something to write.
    pub(super) fn pen(&self) -> Option<MutexGuard<'static, ()>> {
        self.adds().then(|| PEN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replaces(&self, path: &str) -> bool {
        let Self::Replace(name) = self else { return false };
        // In `golden/` the file has the name, in `contracts/samples/` its folder.
        let sample = Path::new(path);
        let folder = sample.parent().map(stem).unwrap_or_default();
        let file = stem(sample);
        file == *name || file.starts_with(&format!("{name}.")) || name.ends_with(&format!(".{folder}"))
    }
}

/// Whether a sample was written once, be it there or not.
pub(super) fn is_remembered(folder: &Path, sample: &Path) -> bool {
    read(folder).contains_key(&relative(folder, sample))
}

/// Compares samples with what is remembered of those in the same folder, and remembers new ones if that is allowed.
///
/// # Panics
/// When one is altered, gone, or not remembered.
#[track_caller]
pub(super) fn keep(folder: &Path, under: &Path, samples: &[PathBuf], bless: &Bless) {
    let mut known = read(folder);
    let under = relative(folder, under) + "/";
    let now: BTreeMap<String, String> =
        samples.iter().map(|path| (relative(folder, path), digest::of(&fs::read(path).unwrap_or_default()))).collect();
    for path in known.keys().filter(|path| path.starts_with(&under)) {
        assert!(now.contains_key(path), "{path} was written once and is gone: restore it");
    }
    for (path, digest) in &now {
        match known.get(path) {
            Some(old) if old == digest => continue,
            Some(_) => assert!(
                bless.replaces(path),
                "{path} was written once and is altered: what is stored by now does not change with it. Restore it, or say \
                 BLESS=replace:NAME.vN"
            ),
            None => assert!(bless.adds(), "{path} is new: BLESS=1 has {LOCK} remember it"),
        }
        known.insert(path.clone(), digest.clone());
        write(folder, &known);
    }
}

fn read(folder: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder.join(LOCK)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(digest, path)| (path.to_owned(), digest.to_owned())).collect()
}

#[track_caller]
fn write(folder: &Path, known: &BTreeMap<String, String>) {
    let mut text = HEAD.to_owned();
    for (path, digest) in known {
        writeln!(text, "{digest} {path}").expect("a string takes everything");
    }
    let file = folder.join(LOCK);
    fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn relative(folder: &Path, path: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let golden = folder.path().join("golden");
        let sample = golden.join("door.opened.v1.json");
        fs::create_dir(&golden).expect("a folder");
        fs::write(&sample, "{}").expect("a file");
        (folder, golden, sample)
    }

    fn kept(folder: &Path, golden: &Path, samples: &[PathBuf], bless: &Bless) -> bool {
        std::panic::catch_unwind(|| keep(folder, golden, samples, bless)).is_ok()
    }

    #[test]
    fn a_sample_is_remembered_once_and_altered_only_by_name() {
        let (folder, golden, sample) = context();
        let (folder, samples) = (folder.path(), [sample.clone()]);
        assert!(!kept(folder, &golden, &samples, &Bless::Nothing), "it is new");
        assert!(kept(folder, &golden, &samples, &Bless::New));
        assert!(kept(folder, &golden, &samples, &Bless::Nothing));
        fs::write(&sample, "{\"a\":1}").expect("a file");
        let other = Bless::Replace("door.closed.v1".into());
        for refused in [Bless::Nothing, Bless::New, other] {
            assert!(!kept(folder, &golden, &samples, &refused), "{refused:?}");
        }
        assert!(kept(folder, &golden, &samples, &Bless::Replace("door.opened.v1".into())));
        assert!(kept(folder, &golden, &samples, &Bless::Nothing));
        assert!(!kept(folder, &golden, &[], &Bless::New), "it is gone");
    }

    #[test]
    fn nothing_is_blessed_in_ci_nor_by_another_word() {
        assert_eq!(Bless::of(None, true), Ok(Bless::Nothing));
        assert_eq!(Bless::of(Some("1".into()), false), Ok(Bless::New));
        assert!(Bless::of(Some("1".into()), true).is_err());
        assert!(Bless::of(Some("replace:a.v1".into()), true).is_err());
        assert!(Bless::of(Some("replace:".into()), false).is_err());
        assert!(Bless::of(Some("yes".into()), false).is_err());
    }
}
