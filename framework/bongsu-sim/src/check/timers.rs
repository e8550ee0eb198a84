//! I9, while a run goes on: the timers a process believes are set are the timers that are written down, for the time it
//! asked for, and none wakes it before; nor late, where nothing goes wrong any more.

use std::collections::BTreeMap;

use bongsu_runtime::ports::store::{CommitId, StoredEvent};
use serde::{Deserialize, de::IgnoredAny};

use crate::kernel::moment::{Checked, Moment};
use bongsu_memory::MemoryStore;

/// A step of a process, as the runtime keeps it; only what concerns timers.
#[derive(Deserialize)]
struct TimerStep {
    input: TimerEvent,
    #[serde(default)]
    effects: Vec<TimerEffect>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TimerEvent {
    Woke { name: String },
    Heard(IgnoredAny),
    Refused(IgnoredAny),
    Stuck(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TimerEffect {
    Wake { name: String, at_ms: i64 },
    CancelWake(String),
    Send(IgnoredAny),
    SendUndo(IgnoredAny),
    Unwind,
    Done,
}

/// When a step was taken, by the clock of the node that took it.
#[derive(Deserialize)]
struct Meta {
    time: String,
}

/// The to-do of a timer, as the runtime keeps it.
#[derive(Deserialize)]
struct TimerTodo {
    due_ms: i64,
    attempts: u32,
}

/// The timers that follow from the steps read so far, each with its time.
#[derive(Default)]
struct Armed {
    /// So many events.
    read: usize,
    /// Timers due from then on have no excuse for being late.
    calm_ms: Option<i64>,
    timers: BTreeMap<String, Timer>,
}

/// A timer that is set.
struct Timer {
    at_ms: i64,
    /// The Commit that wrote down the to-do that was last found to agree with it.
    agrees: Option<CommitId>,
}

/// How often it looks: every so many Commits of the store, and at every crash.
const EVERY: u64 = 7;
/// So long after the faults have ended there may be work left over from them: leases end within 10 s, and what waited for
/// them is done in a part of that.
const CALM_AFTER_MS: i64 = 30_000;
/// In the calm a timer is at most so late: 200 ms until it is looked for, and a few calls. One that was overlooked waits 2 s.
const LATE_MS: i64 = 1_000;

/// Every timer that the processes of a store have set and not cleared has its to-do, due when they said, and every to-do
/// of a timer its process; and no process was woken by a timer that is not set, before its time, or, when all faults have
/// ended, late. At every crash and every few Commits. To be watched.
pub fn timers_are_kept(name: &'static str, store: MemoryStore) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let mut armed = Armed::default();
    let mut commits = 0_u64;
    move |moment| {
        match moment {
            Moment::Crashed(_) => {}
            Moment::Healed { wall_ms } => {
                armed.calm_ms = Some(wall_ms + CALM_AFTER_MS);
                return Ok(0);
            }
            Moment::Committed { store: of, .. } if *of == name => {
                commits += 1;
                if !commits.is_multiple_of(EVERY) {
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
        store.look(|events| {
            // A copy that was put back may hold fewer.
            let new = events.get(self.read..).unwrap_or_default();
            for event in new.iter().filter(|event| event.name == "bongsu.process-step") {
                self.fold(event)?;
            }
            self.read += new.len();
            Ok(())
        })
    }

    fn fold(&mut self, event: &StoredEvent) -> Result<(), String> {
        let at = format!("{}@{}", event.stream, event.version);
        let TimerStep { input, effects } =
            serde_json::from_slice(&event.data).map_err(|error| format!("{at} is no step of a process: {error}"))?;
        let timer = |name: &str| format!("timer/{}/{name}", event.stream);
        if let TimerEvent::Woke { name } = input {
            let Some(Timer { at_ms: due_ms, .. }) = self.timers.remove(&timer(&name)) else {
                return Err(format!("{at} was woken by {name}, which is not set"));
            };
            let now_ms = time_of(event).ok_or_else(|| format!("{at} has no time"))?;
            if now_ms < due_ms {
                return Err(format!("{at} was woken by {name} {} ms before its time", due_ms - now_ms));
            }
            if self.calm_ms.is_some_and(|calm_ms| calm_ms <= due_ms) && now_ms > due_ms + LATE_MS {
                return Err(format!("{at} was woken by {name} {} ms late", now_ms - due_ms));
            }
        }
        for want in effects {
            match want {
                TimerEffect::Wake { name, at_ms } => {
                    self.timers.insert(timer(&name), Timer { at_ms, agrees: None });
                }
                TimerEffect::CancelWake(name) => drop(self.timers.remove(&timer(&name))),
                // Since schema 2 the end clears every timer, and nothing after it in its list is carried out.
                TimerEffect::Unwind | TimerEffect::Done if event.schema > 1 => {
                    let of_instance = timer("");
                    self.timers.retain(|id, _| !id.starts_with(&of_instance));
                    break;
                }
                TimerEffect::Send(_) | TimerEffect::SendUndo(_) | TimerEffect::Unwind | TimerEffect::Done => {}
            }
        }
        Ok(())
    }

    fn agree(&mut self, store: &MemoryStore) -> Checked {
        let mut written = 0;
        store.each_doc("todo", |id, revision, data| {
            if !id.starts_with("timer/") {
                return Ok(());
            }
            let timer = self.timers.get_mut(id);
            let timer = timer.ok_or_else(|| format!("{id} is written down and no process has set it"))?;
            written += 1;
            if timer.agrees != Some(revision) {
                timer.agrees_with(data).map_err(|why| format!("{id} {why}"))?;
                timer.agrees = Some(revision);
            }
            Ok(())
        })?;
        if written < self.timers.len() {
            let missing = self.timers.keys().find(|timer| store.data("todo", timer).is_none());
            return Err(format!("{} is set and not written down", missing.map_or("a timer", String::as_str)));
        }
        Ok(written as u64)
    }
}

impl Timer {
    fn agrees_with(&self, written: &[u8]) -> Result<(), String> {
        let read = serde_json::from_slice(written).map_err(|error| format!("is no timer: {error}"));
        let TimerTodo { due_ms, attempts } = read?;
        let at_ms = self.at_ms;
        // One that failed is tried again, later.
        if due_ms != at_ms && (attempts == 0 || due_ms < at_ms) {
            return Err(format!("is set for {at_ms} and written down for {due_ms}"));
        }
        Ok(())
    }
}

/// Milliseconds since the Unix epoch.
fn time_of(event: &StoredEvent) -> Option<i64> {
    let Meta { time } = serde_json::from_slice(&event.meta).ok()?;
    let time = humantime::parse_rfc3339(&time).ok()?;
    i64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis()).ok()
}
