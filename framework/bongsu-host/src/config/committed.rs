//! Values that come from a folder of configuration: `shared.toml` for every process, `NAME.toml` for those of one service.
//!
//! Whoever fills the folder replaces all of it at once, as Kubernetes does with a mounted ConfigMap: the files lie in a folder
//! that a link `..data` names, and the link is exchanged. A folder without that link is read as it stands.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use bongsu_core::digest;
use toml::Table;

use super::secret::secret;

/// Values for every process.
const SHARED: &str = "shared";
/// The link that is exchanged.
const DATA: &str = "..data";
/// What the files are called together; without it, a digest of what they say.
const REVISION: &str = "revision";
/// Why what is there is not the newest, while that is so; beside the link.
const STALE: &str = "stale";
/// Settings are shorter; what is not is no file of settings.
const LONGEST: u64 = 1 << 20;
/// A revision is a name, for headers and log lines.
const LONGEST_NAME: usize = 64;

/// What whoever starts a process says to it alone; and `service`, which is what a service says itself.
pub(super) const FIXED: [&str; 12] = [
    "name",
    "slot",
    "listen",
    "store",
    "broker",
    "keys",
    "directory",
    "hosts",
    "pages",
    "trust",
    "revision",
    "service",
];

/// Why a file is none of settings.
#[derive(Debug)]
pub(super) enum Unusable {
    Unreadable { file: PathBuf, source: std::io::Error },
    NotToml { file: PathBuf, reason: String },
    BadValue { key: String, source_name: String, reason: String },
}

/// What a folder says to one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Committed {
    pub(super) revision: String,
    /// What the file is called, and what it says.
    pub(super) shared: Option<(String, Table)>,
    pub(super) own: Option<(String, Table)>,
}

/// By what it shows that a folder says something else: where its files are, and when they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    at: PathBuf,
    files: [Option<(SystemTime, u64)>; 3],
}

impl Committed {
    /// What a folder says to the processes of that name; `None` when there is nothing in it.
    pub(super) fn read(folder: &Path, name: &str) -> Result<Option<Self>, Unusable> {
        let at = place(folder);
        let read = |name: &str| text(&at.join(format!("{name}.toml")));
        let (shared, own) = (read(SHARED)?, read(name)?);
        let said = text(&at.join(REVISION))?.map(|revision| revision.trim().to_owned());
        if said.is_none() && shared.is_none() && own.is_none() {
            return Ok(None);
        }
        let revision = said.filter(|said| is_a_revision(said)).unwrap_or_else(|| {
            let texts = [&shared, &own].map(|text| text.as_deref().unwrap_or_default());
            format!("{:08x}", digest(&texts) >> 96)
        });
        let table = |file: &str, text: Option<String>| {
            text.map(|text| parse(&format!("{file}.toml of revision {revision}"), &text)).transpose()
        };
        Ok(Some(Self { shared: table(SHARED, shared)?, own: table(name, own)?, revision }))
    }
}

impl Stamp {
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        let at = place(folder);
        let written = |name: &str| {
            let found = at.join(name).metadata().ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        let files = [written(&format!("{SHARED}.toml")), written(&format!("{name}.toml")), written(REVISION)];
        Self { at, files }
    }
}

/// What a folder calls what it says now, if it says so.
pub(super) fn named(folder: &Path) -> Option<String> {
    let said = text(&place(folder).join(REVISION)).ok()??;
    Some(said.trim().to_owned()).filter(|said| is_a_revision(said))
}

/// Why what a folder says is not the newest, if it is not.
pub(super) fn stale(folder: &Path) -> Option<String> {
    let why = text(&folder.join(STALE)).ok()??;
    Some(why.trim().to_owned()).filter(|why| !why.is_empty())
}

/// Where its files are now.
fn place(folder: &Path) -> PathBuf {
    folder.join(DATA).canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn is_a_revision(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
}

fn text(file: &Path) -> Result<Option<String>, Unusable> {
    let failed = |source| Unusable::Unreadable { file: file.to_owned(), source };
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut read = String::new();
    opened.take(LONGEST + 1).read_to_string(&mut read).map_err(failed)?;
    if read.len() as u64 > LONGEST {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(read))
}

/// Where a text is no TOML, and why.
pub(super) fn one_line(text: &str, wrong: &toml::de::Error) -> String {
    let line = wrong.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
    let written = text.lines().nth(line.saturating_sub(1)).map(str::trim).unwrap_or_default();
    let message = wrong.message().trim().replace('\n', " ");
    format!("line {line}: {message}: {written}")
}

fn parse(file: &str, text: &str) -> Result<(String, Table), Unusable> {
    let wrong = |reason: String| Unusable::NotToml { file: file.into(), reason };
    let table: Table = text.parse().map_err(|error| wrong(one_line(text, &error)))?;
    let bad = |key: &str, reason: &str| Unusable::BadValue {
        key: key.to_owned(),
        source_name: file.to_owned(),
        reason: reason.to_owned(),
    };
    if let Some(key) = FIXED.iter().find(|key| **key != "service" && table.contains_key(**key)) {
        return Err(bad(key, "whoever starts a process says this to it alone"));
    }
    match secret(&table) {
        Some(key) => Err(bad(&key, "a secret comes from a file of its own, and is not kept with the configuration")),
        None => Ok((file.to_owned(), table)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(folder: &Path) -> Result<Option<Committed>, String> {
        Committed::read(folder, "door").map_err(|why| crate::config::ConfigError::from(why).to_string())
    }

    #[test]
    fn a_plain_folder_and_one_whose_link_is_exchanged_are_read_alike() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path()).expect("nothing").is_none());
        std::fs::write(folder.path().join("door.toml"), "[service]\na = 1\n").expect("written");
        let plain = read(folder.path()).expect("read").expect("something");
        let before = Stamp::of(folder.path(), "door");
        let next = folder.path().join("..2026");
        std::fs::create_dir(&next).expect("made");
        std::fs::write(next.join("shared.toml"), "log = 'debug'\n").expect("written");
        std::fs::write(next.join("revision"), "abc\n").expect("written");
        symlink("..2026", folder.path().join(DATA)).expect("linked");
        let linked = read(folder.path()).expect("read").expect("something");
        assert_eq!((plain.revision.len(), linked.revision.as_str()), (8, "abc"));
        assert!(plain.own.is_some() && linked.own.is_none() && linked.shared.is_some());
        assert_ne!(Stamp::of(folder.path(), "door"), before);
        assert_eq!(stale(folder.path()), None);
        std::fs::write(folder.path().join(STALE), "the repository is gone\n").expect("written");
        assert_eq!(stale(folder.path()).as_deref(), Some("the repository is gone"));
    }

    #[test]
    fn what_is_no_configuration_is_refused_by_file_and_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("door.toml");
        for (bad, why) in [
            (&b"\xff\xfe\x00"[..], "cannot read"),
            (b"a = ", "is not TOML"),
            (b"store = 'sqlite:x'", "whoever starts a process"),
            (b"[service]\nmail_password = 'hunter2'", "service.mail_password"),
            (b"[service]\nhook = 'https://ann:hunter2@mail.example/'", "service.hook"),
            (b"[[service.hooks]]\ntoken = 'abc'", "service.hooks.token"),
        ] {
            std::fs::write(&file, bad).expect("written");
            let said = read(folder.path()).expect_err(why);
            assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        }
        std::fs::write(&file, vec![b' '; 2 << 20]).expect("written");
        assert!(read(folder.path()).is_err(), "too large");
        std::fs::write(&file, "[service]\nsecret_file = '/run/secrets/a'\ntoken_minutes = 5\n").expect("written");
        assert!(read(folder.path()).is_ok(), "neither is a secret");
    }
}
