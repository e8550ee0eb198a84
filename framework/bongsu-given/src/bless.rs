//! Who may write samples: `BLESS=1` adds, `BLESS=replace:NAME.vN` alters, and nobody does where `CI` is set.
//!
//! `golden.lock` holds a line per sample, its digest and its path. What was written once is what this file says and what the
//! last commit has, samples and lock: a line that somebody took out makes nothing new. Of a sample that was replaced, the old
//! line stays as a comment, so that every line a lock ever had is still there, which is a rule of the house.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::digest;

mod git;

/// The file that remembers samples.
const LOCK: &str = "golden.lock";
/// What it says of itself.
const HEAD: &str = "# Samples that were written once: what was stored or told looks like them for ever. A line here is only added; one that\n\
                    # changes is a promise broken, and needs BLESS=replace:NAME.vN (see docs/guides/testing.md).\n";
/// How a line begins that was replaced.
const REPLACED: &str = "# replaced ";
/// Tests of one binary write one after the other: what one drafts, the next one looks at.
static PEN: Mutex<()> = Mutex::new(());

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bless {
    /// Nothing.
    Nothing,
    /// Samples that were never written.
    New,
    /// These, and the samples of this name and version.
    Replace(String),
}

/// The digests of samples by their paths, and what was replaced.
#[derive(Default)]
struct Lock {
    lines: BTreeMap<String, String>,
    /// Digest and path.
    replaced: BTreeSet<(String, String)>,
}

impl Bless {
    /// What the environment allows.
    ///
    /// # Panics
    /// When `BLESS` is neither of its two forms, or set where `CI` is.
    #[track_caller]
    pub fn asked() -> Self {
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
    pub fn adds(&self) -> bool {
        *self != Self::Nothing
    }

    /// Has the pen until this is dropped, if there is something to write.
    pub fn pen(&self) -> Option<MutexGuard<'static, ()>> {
        self.adds().then(|| PEN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this sample is one to replace: of that name and version, and of no other; a fact may be named with its
    /// context.
    pub fn replaces(&self, sample: &Path) -> bool {
        let Self::Replace(name) = self else { return false };
        let is = of_what(sample);
        *name == is || name.strip_suffix(&is).is_some_and(|context| is_a_context(context, sample))
    }
}

impl Lock {
    fn read(text: &str) -> Self {
        let mut lock = Self::default();
        for line in text.lines() {
            let (line, is_replaced) = match line.strip_prefix(REPLACED) {
                Some(old) => (old, true),
                None => (line, false),
            };
            let Some((digest, path)) = line.split_once(' ').filter(|_| !line.starts_with('#')) else { continue };
            if is_replaced {
                lock.replaced.insert((digest.to_owned(), path.to_owned()));
            } else {
                lock.lines.insert(path.to_owned(), digest.to_owned());
            }
        }
        lock
    }

    /// What is in the file.
    fn of(folder: &Path) -> Self {
        Self::read(&fs::read_to_string(folder.join(LOCK)).unwrap_or_default())
    }

    /// What the last commit has of the file.
    #[track_caller]
    fn committed(folder: &Path) -> Self {
        let text = git::committed(folder, LOCK).unwrap_or_default();
        Self::read(&String::from_utf8_lossy(&text))
    }

    #[track_caller]
    fn write(&self, folder: &Path) {
        let mut text = HEAD.to_owned();
        for (path, digest) in &self.lines {
            writeln!(text, "{digest} {path}").expect("a string takes everything");
        }
        for (digest, path) in &self.replaced {
            writeln!(text, "{REPLACED}{digest} {path}").expect("a string takes everything");
        }
        let file = folder.join(LOCK);
        fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Takes back in what the last commit has and this has not.
    ///
    /// # Panics
    /// When a line was altered by hand.
    #[track_caller]
    fn remember(&mut self, before: Self, bless: &Bless) {
        self.replaced.extend(before.replaced);
        for (path, digest) in before.lines {
            let now = self.lines.entry(path.clone()).or_insert_with(|| digest.clone());
            let is_said = self.replaced.contains(&(digest.clone(), path.clone())) || bless.replaces(Path::new(&path));
            assert!(*now == digest || is_said, "the line of {path} in {LOCK} is altered: {}", either(&path));
            if *now != digest {
                self.replaced.insert((digest, path));
            }
        }
    }
}

/// Whether a sample was written once, be it there or not.
#[track_caller]
pub fn is_remembered(folder: &Path, sample: &Path) -> bool {
    let path = relative(folder, sample);
    let locks = [Lock::of(folder), Lock::committed(folder)];
    locks.iter().any(|lock| lock.lines.contains_key(&path)) || git::committed(folder, &path).is_some()
}

/// Compares samples with what is remembered of those in the same folder, and remembers new ones if that is allowed.
///
/// # Panics
/// When one is altered, gone, or not remembered.
#[track_caller]
pub fn keep(folder: &Path, under: &Path, samples: &[PathBuf], bless: &Bless) {
    let mut lock = Lock::of(folder);
    if bless.adds() {
        lock.remember(Lock::committed(folder), bless);
    }
    let under = relative(folder, under) + "/";
    let now: BTreeMap<String, String> =
        samples.iter().map(|path| (relative(folder, path), digest::of(&fs::read(path).unwrap_or_default()))).collect();
    for path in lock.lines.keys().filter(|path| path.starts_with(&under)) {
        assert!(now.contains_key(path), "{path} was written once and is gone: restore it");
    }
    for (path, digest) in now {
        let known = lock.lines.get(&path).cloned();
        assert!(known.is_some() || bless.adds(), "{path} is new: BLESS=1 has {LOCK} remember it");
        // Of one that no lock has, the last commit may still have the sample.
        let known = known.or_else(|| git::committed(folder, &path).map(|bytes| digest::of(&bytes)));
        if let Some(old) = known.filter(|known| *known != digest) {
            assert!(bless.replaces(Path::new(&path)), "{path} was written once and is altered: {}", either(&path));
            lock.replaced.insert((old, path.clone()));
        }
        lock.lines.insert(path, digest);
    }
    if bless.adds() {
        lock.write(folder);
    }
}

/// What to do about a sample that is not what it was.
fn either(path: &str) -> String {
    let name = of_what(Path::new(path));
    format!("what is stored by now does not change with it. Restore it, or say BLESS=replace:NAME.vN ({name} here)")
}

fn relative(folder: &Path, path: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// What a sample is of, `NAME.vN`: in `golden/` its file begins so, in `contracts/samples/` its folder is called so. What has no
/// version is called as its file.
fn of_what(sample: &Path) -> String {
    let file = text(sample.file_stem());
    let folder = text(sample.parent().and_then(Path::file_name));
    versioned(&file).or_else(|| versioned(&folder)).unwrap_or(&file).to_owned()
}

/// The beginning of a text that ends in a version.
fn versioned(text: &str) -> Option<&str> {
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
    let mut dots = text.match_indices('.').map(|(at, _)| at).chain([text.len()]);
    let end = dots.find(|end| text[..*end].rsplit_once('.').is_some_and(|(_, part)| is_version(part)))?;
    Some(&text[..end])
}

/// Whether a sample is one of a fact, which its folder names without the context.
fn is_a_context(before: &str, sample: &Path) -> bool {
    let context = before.strip_suffix('.').unwrap_or_default();
    let is_one = !context.is_empty() && !context.contains('.');
    is_one && sample.parent().is_some_and(|folder| versioned(&text(folder.file_name())).is_some())
}

fn text(name: Option<&std::ffi::OsStr>) -> String {
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
