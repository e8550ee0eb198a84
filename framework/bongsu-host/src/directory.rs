//! Where those are whom this process asks, by name: a file that whoever starts a system keeps up to date.
//!
//! `{"door": ["127.0.0.1:4711"]}`: a name, and its ready instances. It is looked whether the file was replaced whenever somebody
//! is asked (a `stat`, a microsecond), so that who appears is asked at once and who is gone is not. Without a file a name is a
//! host, which DNS knows: so it is on a cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

/// Names, and who is ready under them.
type Instances = BTreeMap<String, Vec<SocketAddr>>;
/// Which file it was: replaced ones differ in the first, rewritten ones in the others.
type Stamp = (u64, i64, i64, u64);

/// Ready instances by name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    known: RwLock<(Option<Stamp>, Instances)>,
    /// Those it had when it was opened. One that is in it no longer has nobody ready; it is no name of a network.
    names: BTreeSet<String>,
    /// Whose turn it is, of each name: a page that asks four of them asks each of them evenly.
    turns: Mutex<BTreeMap<String, usize>>,
}

/// Why there is no directory; one line.
#[derive(Debug, thiserror::Error)]
#[error("{} is no directory of services: {why}", path.display())]
pub struct NoDirectory {
    path: PathBuf,
    why: String,
}

impl Directory {
    /// The one in that file.
    ///
    /// # Errors
    /// A file that is not there, or is none.
    pub fn open(path: &Path) -> Result<Self, NoDirectory> {
        let path = path.to_owned();
        match read(&path) {
            Ok(known) => {
                let names = known.1.keys().cloned().collect();
                let turns = Mutex::default();
                Ok(Self { inner: Arc::new(Inner { path, known: RwLock::new(known), names, turns }) })
            }
            Err(why) => Err(NoDirectory { path, why }),
        }
    }

    /// Whom this process may ask.
    pub fn names(&self) -> Vec<String> {
        self.known().1.keys().cloned().collect()
    }

    /// The ready instances of that name, in the order in which to try them, another first each time; `None`: there is no such
    /// name.
    pub fn ready(&self, name: &str) -> Option<Vec<SocketAddr>> {
        self.refresh();
        let is_named = self.inner.names.contains(name);
        let mut ready = self.known().1.get(name).cloned().or(is_named.then(Vec::new))?;
        if ready.len() > 1 {
            let mut turns = self.inner.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = turns.entry(name.to_owned()).or_default();
            let first = *turn % ready.len();
            ready.rotate_left(first);
            *turn = turn.wrapping_add(1);
        }
        Some(ready)
    }

    /// A file that cannot be read now changes nothing: what was known counts on.
    fn refresh(&self) {
        if stamp(&self.inner.path) == self.known().0 {
            return;
        }
        if let Ok(newer) = read(&self.inner.path) {
            *self.inner.known.write().unwrap_or_else(PoisonError::into_inner) = newer;
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, (Option<Stamp>, Instances)> {
        self.inner.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stamp first: should it be replaced meanwhile, it is read again.
fn read(path: &Path) -> Result<(Option<Stamp>, Instances), String> {
    let stamp = stamp(path);
    let text = fs::read_to_string(path).map_err(|why| why.to_string())?;
    let instances = serde_json::from_str(&text).map_err(|why| why.to_string())?;
    Ok((stamp, instances))
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|file| (file.ino(), file.mtime(), file.mtime_nsec(), file.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_file_now_counts_and_what_is_no_directory_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("house.json");
        let write = |text: &str| {
            let draft = folder.path().join("draft");
            fs::write(&draft, text).expect("written");
            fs::rename(&draft, &file).expect("renamed");
        };
        assert!(Directory::open(&file).is_err(), "it is not there");
        for garbage in ["", "[]", r#"{"door": "127.0.0.1:1"}"#, r#"{"door": ["somewhere"]}"#] {
            write(garbage);
            let line = Directory::open(&file).expect_err(garbage).to_string();
            assert!(line.contains("is no directory of services") && !line.contains('\n'), "{line}");
        }
        write(r#"{"door": ["127.0.0.1:1", "127.0.0.1:2"], "bell": []}"#);
        let directory = Directory::open(&file).expect("a directory");
        let ports = |name: &str| -> Vec<u16> {
            directory.ready(name).unwrap_or_default().iter().map(SocketAddr::port).collect()
        };
        assert_eq!(directory.names(), ["bell", "door"]);
        assert_eq!((ports("door"), ports("door"), ports("door")), (vec![1, 2], vec![2, 1], vec![1, 2]));
        assert_eq!((directory.ready("bell"), directory.ready("tower")), (Some(vec![]), None));
        write(r#"{"door": ["127.0.0.1:3"], "bell": ["127.0.0.1:4"]}"#);
        assert_eq!((ports("door"), ports("bell")), (vec![3], vec![4]));
        write(r#"{"door": ["127.0.0.1:1", "127.0.0.1:2"], "bell": ["127.0.0.1:3", "127.0.0.1:4"]}"#);
        let page = || (ports("door"), ports("bell"));
        let pages = [page(), page(), page()];
        assert!(pages[0].0 != pages[1].0 && pages[0].1 != pages[1].1, "each name takes turns of its own: {pages:?}");
        write(r#"{"door": ["127.0.0.1:3"]}"#);
        assert_eq!(directory.ready("bell"), Some(vec![]), "it was a name here, and is none of a network now");
        write("garbage");
        assert_eq!(ports("door"), [3]);
        fs::remove_file(&file).expect("removed");
        assert_eq!(ports("door"), [3]);
    }
}
