//! What services on this project's runtime have still to do: timers, activity jobs, failed facts, early inputs.

use std::time::Duration;

use serde::Deserialize;

use crate::kernel::moment::Checked;
use bongsu_memory::MemoryStore;

/// Something a service has noted to do later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    /// Its document: `timer/…`, `job/…`, `fact/…` or `wait/…`.
    pub id: String,
    /// Milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// Given up until a person says otherwise.
    pub parked: bool,
}

/// A to-do, as the runtime keeps it.
#[derive(Deserialize)]
struct RecordedTodo {
    due_ms: i64,
    parked: bool,
}

/// Everything a service has still to do, parked or not.
///
/// # Errors
/// A document that is not a to-do of the runtime.
pub fn todos(store: &MemoryStore) -> Result<Vec<Todo>, String> {
    let read = |doc: bongsu_runtime::ports::store::Doc| {
        let kept: RecordedTodo = serde_json::from_slice(&doc.data).map_err(|error| format!("{}: {error}", doc.key))?;
        Ok(Todo { id: doc.key.id.into(), due_ms: kept.due_ms, parked: kept.parked })
    };
    store.docs_of("todo").into_iter().map(read).collect()
}

/// I9: nothing that is not parked has been due for longer than `slack`, by the clock `now_ms`. An input that waits
/// for its process to start is never due.
///
/// # Errors
/// The first to-do that nobody does.
pub fn nothing_is_overdue(todos: &[Todo], now_ms: i64, slack: Duration) -> Checked {
    let oldest = now_ms - i64::try_from(slack.as_millis()).unwrap_or(i64::MAX);
    match todos.iter().find(|todo| !todo.parked && todo.due_ms < oldest) {
        Some(todo) => Err(format!("{} has been due for {} ms", todo.id, now_ms - todo.due_ms)),
        None => Ok(todos.len() as u64),
    }
}
