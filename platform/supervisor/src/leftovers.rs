//! What a killed supervisor leaves behind, and how its successor ends that and nothing else.
//!
//! Children stop when their pipe closes; one that was paused then, or does not listen to its pipe, would otherwise still
//! write to the store of its successor. So the children are kept in a list. A list can be copied, be old, or lie: it
//! counts only in the folder and on the run of the machine it was written for, once the supervisor that wrote it is gone,
//! and for processes that are the same as then and carry the mark of that supervisor.

use std::fs;
use std::sync::Arc;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::data_folder::DataFolder;
use crate::machine::{Identity, ProcessId};
use crate::registry::Registry;

/// The list, in the data folder.
pub(crate) const FILE: &str = "processes";
/// The variable every child is given its supervisor's mark in.
pub(crate) const MARK: &str = "BONGSU_RUN";

/// The children of one run of a supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct List {
    /// The data folder it was written for.
    folder: Identity,
    supervisor: ProcessId,
    mark: String,
    children: Vec<ProcessId>,
}

/// Keeps the list up to date for ever.
pub(crate) async fn keep_list(registry: Arc<Registry>, data: Arc<DataFolder>, mark: String) {
    let Some((folder, supervisor)) = data.identity().cloned().zip(ProcessId::this()) else { return };
    let mut list = List { folder, supervisor, mark, children: Vec::new() };
    let mut revision = registry.watch();
    let mut written = None;
    loop {
        list.children = registry.instances().iter().filter_map(|row| ProcessId::of(row.pid?)).collect();
        let text = serde_json::to_string(&list).expect("numbers and strings can always be written as JSON");
        // Tried again with the next change: a full disk must not stop the system.
        if written.as_ref() != Some(&text) && data.write(FILE, &text).is_ok() {
            written = Some(text);
        }
        if revision.changed().await.is_err() {
            return;
        }
    }
}

/// Ends what is left of an earlier run on this very folder.
pub(crate) fn end(data: &DataFolder) {
    let Some(list) = fs::read(data.path().join(FILE)).ok().and_then(|text| serde_json::from_slice::<List>(&text).ok())
    else {
        return;
    };
    if data.identity() != Some(&list.folder) || list.supervisor.is_alive() {
        return;
    }
    for child in list.children {
        // Its group, with what it started, but only if it is the head of one: we made it that.
        if child.was_given(MARK, &list.mark) && child.group() == Some(child.pid) {
            let _ = killpg(Pid::from_raw(child.pid as i32), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process as the supervisor starts them.
    fn child(mark: &str) -> Child {
        Command::new("sleep").arg("60").env(MARK, mark).stdin(Stdio::null()).process_group(0).spawn().unwrap()
    }

    fn id(child: &Child) -> ProcessId {
        // Between fork and exec it still has our environment.
        while !ProcessId::of(child.id()).unwrap().was_given(MARK, "mine") {
            std::thread::yield_now();
        }
        ProcessId::of(child.id()).unwrap()
    }

    #[test]
    fn only_a_process_that_is_surely_ours_is_ended() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (data, elsewhere) = (DataFolder::take(root.path()).unwrap(), DataFolder::take(other.path()).unwrap());
        let mut process = child("mine");
        let child = id(&process);
        let this = ProcessId::this().unwrap();
        let gone = ProcessId { born: this.born + 1, ..this };
        let right = List {
            folder: data.identity().unwrap().clone(),
            supervisor: gone,
            mark: "mine".into(),
            children: vec![child],
        };
        let mut alive = |why: &str, list: &List| {
            data.write(FILE, &serde_json::to_string(list).unwrap()).unwrap();
            end(&data);
            assert_eq!(process.try_wait().unwrap(), None, "{why}");
        };
        alive("another folder", &List { folder: elsewhere.identity().unwrap().clone(), ..right.clone() });
        alive("its supervisor runs", &List { supervisor: this, ..right.clone() });
        alive("another mark", &List { mark: "theirs".into(), ..right.clone() });
        let reborn = ProcessId { born: child.born + 1, ..child };
        alive("another process of that number", &List { children: vec![reborn], ..right.clone() });
        for garbage in ["", "{", "1234 5678\n", "[]"] {
            data.write(FILE, garbage).unwrap();
            end(&data);
        }
        assert_eq!(process.try_wait().unwrap(), None);
        data.write(FILE, &serde_json::to_string(&right).unwrap()).unwrap();
        end(&data);
        assert!(!process.wait().unwrap().success());
    }
}
