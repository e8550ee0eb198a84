//! `bongsu backup DIR`: one moment of a whole system, running or not, as a data folder.
//!
//! Publishing is held, a read snapshot of the broker and of every store is opened, publishing goes on, and the snapshots
//! are copied for as long as that takes. What the broker then has is in the stores, so whoever starts from the copy has
//! nothing to agree about. Commands are never held. The copy is whole or not there: it is made beside its place and moved.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bongsu_sqlite::files::Snapshot;
use hyper::Method;
use serde::Deserialize;
use supervisor::DataFolder;
use supervisor::client::Client;
use supervisor::data_folder::Address;
use supervisor::paths::shown;

use crate::args::{Backup, Place};
use crate::manifest::{Entry, Manifest, digest};
use crate::operator::Operator;
use crate::screen::say;
use crate::whole::databases;

/// Longest time publishers wait; opening takes a fraction of it.
const HOLD: Duration = Duration::from_secs(5);
/// A hold that ended before everything was open is tried again so often.
const TRIES: u32 = 3;
/// Folders that are made anew by every run.
const OF_A_RUN: [&str; 2] = ["logs", "config"];

#[derive(Deserialize)]
struct Held {
    hold: u64,
}

/// Makes the copy.
pub(crate) async fn backup(place: &Place, flags: &Backup) -> Result<ExitCode> {
    let data = place.data()?;
    ensure!(data.is_dir(), "there is no data folder {}", shown(&data));
    let target = std::path::absolute(&flags.dir)?;
    ensure!(!target.starts_with(&data), "{} is inside the data folder {}", shown(&target), shown(&data));
    let draft = Draft::beside(&target)?;
    let (system, snapshots) = moment(place, &data).await?;
    let mut entries = Vec::new();
    for (name, snapshot) in &snapshots {
        let path = draft.path.join(name);
        snapshot.copy_to(&path)?;
        entries.push(Entry { head: snapshot.head(), ..digest(&draft.path, name)? });
    }
    drop(snapshots);
    for name in others(&data, Path::new(""))? {
        copy(&data.join(&name), &draft.path.join(&name))?;
        entries.push(digest(&draft.path, &name)?);
    }
    let count = entries.len();
    Manifest::new(system, entries).write(&draft.path)?;
    draft.keep(&target)?;
    let what =
        format!("{count} files are in {}, for their owner alone: they hold the system's secrets", shown(&target));
    let not = "not in it: logs, bongsu.toml and the programs; 'bongsu restore' lays it out again";
    say(&format!("{what}\n{not}"), &format!("the backup is whole in {}", shown(&target)))?;
    Ok(ExitCode::SUCCESS)
}

/// The system's name, and a snapshot of each of its databases, all of one moment.
async fn moment(place: &Place, data: &Path) -> Result<(String, Vec<(PathBuf, Snapshot)>)> {
    if !DataFolder::is_taken(data) {
        // Nobody starts in it meanwhile.
        let _taken = DataFolder::take(data)?;
        return Ok((place.system()?.name, open_all(data)?));
    }
    let client = Client::find(data)?;
    let system = client.system().await?;
    let operator = Operator::new(client);
    let broker = operator.broker().await.context("publishing cannot be held")?;
    for _ in 0..TRIES {
        let wish = serde_json::json!({ "ms": HOLD.as_millis() });
        let said = operator.post(&format!("{broker}/hold"), &wish).await?;
        ensure!(said.status == 200, "publishing cannot be held: {}", said.complaint());
        let Held { hold } = serde_json::from_value(said.body).context("the broker answers something else")?;
        let snapshots = open_all(data);
        let released = operator.status(Method::DELETE, &format!("{broker}/hold/{hold}")).await?;
        let snapshots = snapshots?;
        if released == 204 {
            return Ok((system, snapshots));
        }
    }
    bail!("the files could not be opened within {HOLD:?}: is the disk busy?")
}

fn open_all(data: &Path) -> Result<Vec<(PathBuf, Snapshot)>> {
    if let Some(store) = lost_store(data)? {
        bail!("{} is not there, and was: a copy without it would be one of another system", shown(&store));
    }
    let mut all = Vec::new();
    for path in databases(data) {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        all.push((name, Snapshot::open(&path)?));
    }
    Ok(all)
}

/// A store of which only what its writers left beside it (`NAME.bells`) is still there.
fn lost_store(data: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(data)? {
        let beside = entry?.path();
        let store = beside.with_extension("db");
        if beside.extension().is_some_and(|end| end == "bells") && !store.exists() {
            return Ok(Some(store));
        }
    }
    Ok(None)
}

/// Everything else that outlives a run, whatever it is: keys, orders of scale.
fn others(data: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data.join(folder))? {
        let entry = entry?;
        let (file_name, kind) = (entry.file_name(), entry.file_type()?);
        let path = folder.join(&file_name);
        let name = file_name.to_string_lossy().into_owned();
        if kind.is_dir() && !OF_A_RUN.contains(&name.as_str()) && !name.ends_with(".bells") {
            found.extend(others(data, &path)?);
        } else if kind.is_file() && !is_of_a_run(&name) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Files that say something about a run, or belong to a database.
fn is_of_a_run(name: &str) -> bool {
    ["lock", "processes", Address::FILE, Manifest::FILE].contains(&name)
        || [".db", ".db-wal", ".db-shm", ".db-journal", ".lock", ".next", ".draft"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Copies a file to a new one that is on the disk when this returns.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = || {
        if let Some(folder) = to.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
        io::copy(&mut File::open(from)?, &mut file)?;
        file.sync_all()
    };
    copied().with_context(|| format!("cannot copy {} to {}", shown(from), shown(to)))
}

/// A folder that takes its place once it is whole; until then it goes with whoever makes it.
pub(crate) struct Draft {
    pub(crate) path: PathBuf,
    kept: bool,
}

impl Draft {
    /// A new folder beside the place, which must be free: nothing is overwritten.
    pub(crate) fn beside(target: &Path) -> Result<Self> {
        let free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        ensure!(free, "{} is not empty: name another folder", shown(target));
        let folder = target.parent().context("the root is no place for a system")?;
        let name = target.file_name().context("a folder has a name")?.to_string_lossy();
        let path = folder.join(format!(".{name}.{}", std::process::id()));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.and_then(|()| DirBuilder::new().mode(0o700).create(&path))
            .with_context(|| format!("cannot make {}", shown(&path)))?;
        Ok(Self { path, kept: false })
    }

    /// Moves it to its place.
    pub(crate) fn keep(mut self, target: &Path) -> Result<()> {
        let mut moved = || {
            File::open(&self.path)?.sync_all()?;
            // An empty folder may be there; anything else is refused.
            fs::rename(&self.path, target)?;
            // Until that is on the disk, too, it goes with whoever makes it.
            target.clone_into(&mut self.path);
            target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        moved().with_context(|| format!("cannot move what is whole to {}", shown(target)))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
