//! I9, while a run goes on: the timers a process believes are set are the timers that are written down.

use std::collections::BTreeSet;

use bongsu_runtime::ports::store::{Position, Read, Store, StoredEvent};
use futures::FutureExt;
use serde::{Deserialize, de::IgnoredAny};

use super::{Checked, Moment};
use crate::MemoryStore;

/// A step of a process, as the runtime keeps it; only what concerns timers.
#[derive(Deserialize)]
struct Step {
    input: Told,
    #[serde(default)]
    effects: Vec<Want>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    Woke { name: String },
    Heard(IgnoredAny),
    Refused(IgnoredAny),
    Stuck(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Want {
    Wake { name: String },
    CancelWake(String),
    Send(IgnoredAny),
    SendUndo(IgnoredAny),
    Unwind,
    Done,
}

/// The timers that follow from the steps read so far.
#[derive(Default)]
struct Armed {
    read: Position,
    timers: BTreeSet<String>,
}

/// How often it looks: every so many Commits of the store, and at every crash.
const EVERY: u64 = 7;

/// Every timer that the processes of a store have set and not cleared has its to-do, and every to-do of a timer its
/// process: at every crash and every few Commits. To be watched.
pub fn timers_are_kept(name: &'static str, store: MemoryStore) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let (mut armed, mut commits) = (Armed::default(), 0_u64);
    move |moment| {
        match moment {
            Moment::Crashed(_) => {}
            Moment::Committed { store: of, .. } if *of == name => {
                commits += 1;
                if commits % EVERY > 0 {
                    return Ok(0);
                }
            }
            Moment::Committed { .. } | Moment::Published { .. } => return Ok(0),
        }
        armed.read_on(&store)?;
        armed.agree(&store)
    }
}

impl Armed {
    fn read_on(&mut self, store: &MemoryStore) -> Result<(), String> {
        loop {
            let read = store.read(Read::Feed { after: self.read }, 1_000).now_or_never();
            let events = read.ok_or("the store does not answer at once")?.map_err(|error| error.to_string())?;
            let Some(last) = events.last().and_then(|event| event.position) else { return Ok(()) };
            self.read = last;
            for event in events.iter().filter(|event| event.name == "bongsu.process-step") {
                self.fold(event)?;
            }
        }
    }

    fn fold(&mut self, event: &StoredEvent) -> Result<(), String> {
        let Step { input, effects } = serde_json::from_slice(&event.data)
            .map_err(|error| format!("{}@{} is no step of a process: {error}", event.stream, event.version))?;
        let timer = |name: &str| format!("timer/{}/{name}", event.stream);
        if let Told::Woke { name } = input {
            self.timers.remove(&timer(&name));
        }
        for want in effects {
            match want {
                Want::Wake { name } => drop(self.timers.insert(timer(&name))),
                Want::CancelWake(name) => drop(self.timers.remove(&timer(&name))),
                // Since schema 2 the end clears every timer, and nothing after it in its list is carried out.
                Want::Unwind | Want::Done if event.schema > 1 => {
                    let of_instance = timer("");
                    self.timers.retain(|id| !id.starts_with(&of_instance));
                    break;
                }
                Want::Send(_) | Want::SendUndo(_) | Want::Unwind | Want::Done => {}
            }
        }
        Ok(())
    }

    fn agree(&self, store: &MemoryStore) -> Checked {
        let written = store.docs_of("todo").into_iter().map(|doc| doc.key.id);
        let written: BTreeSet<String> = written.filter(|id| id.starts_with("timer/")).collect();
        if let Some(lost) = self.timers.difference(&written).next() {
            return Err(format!("{lost} is set and not written down"));
        }
        match written.difference(&self.timers).next() {
            Some(stray) => Err(format!("{stray} is written down and no process has set it")),
            None => Ok(written.len() as u64),
        }
    }
}
