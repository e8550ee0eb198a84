//! The provider behind HTTP: asks [`api`], writes the entries down, answers, and settles when time comes.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bongsu_host::problem::{PROBLEM_JSON, Problem};
use bongsu_runtime::ports::env::{Env, Task};
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    api::{self, Reply},
    ledger::{Ledger, LedgerError},
    provider::{Entry, Provider, Status},
};

/// An asker waits for a slow charge at most so long, then hears that it is pending.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest body read.
const BODY_BYTES: usize = 16 << 10;

/// The running provider. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    books: Arc<Mutex<Books>>,
    env: Arc<dyn Env>,
    /// Rises with every change.
    changed: Arc<watch::Sender<u64>>,
}

struct Books {
    provider: Provider,
    ledger: Ledger,
}

impl Books {
    /// Writes down, then believes.
    fn record(&mut self, entries: &[Entry]) -> std::io::Result<()> {
        self.ledger.append(entries)?;
        entries.iter().for_each(|entry| self.provider.apply(entry));
        Ok(())
    }
}

impl Sandbox {
    /// Opens the books.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open(ledger: &Path, env: Arc<dyn Env>) -> Result<Self, LedgerError> {
        let (ledger, entries) = Ledger::open(ledger)?;
        let books = Books { provider: Provider::of(&entries), ledger };
        Ok(Self { books: Arc::new(Mutex::new(books)), env, changed: Arc::new(watch::Sender::new(0)) })
    }

    /// Its HTTP API.
    pub fn routes(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    /// Settles charges when they are due, for as long as the task is kept.
    pub fn settle_in_time(&self) -> Box<dyn Task> {
        let this = self.clone();
        self.env.spawn("settle", Box::pin(async move { this.settle_for_ever().await }))
    }

    async fn settle_for_ever(self) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let due = self.lock().provider.due();
            let now_ms = self.env.wall_ms();
            match due {
                // A disk that takes nothing is asked again after a pause, not in a busy loop.
                Some(at_ms) if at_ms <= now_ms => {
                    if self.settle().is_err() {
                        self.env.sleep(Duration::from_secs(1)).await;
                    }
                }
                _ => {
                    let wait = due.map_or(PATIENCE, |at_ms| Duration::from_millis((at_ms - now_ms) as u64));
                    // Either the time has come, or something changed and the time is to be read again.
                    tokio::select! {
                        biased;
                        _ = changed.changed() => {}
                        () = self.env.sleep(wait) => {}
                    }
                }
            }
        }
    }

    async fn answer(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let reply = {
            let mut books = self.lock();
            let answer = api::answer(&books.provider, method, path, body, self.env.wall_ms());
            if let Err(error) = books.record(&answer.entries) {
                return not_written(&error);
            }
            answer.reply
        };
        if let Err(error) = self.settle() {
            return not_written(&error);
        }
        match reply {
            Reply::Now(status, body) => (status, body),
            Reply::Settled(key) => self.settled(&key).await,
        }
    }

    fn settle(&self) -> std::io::Result<()> {
        let mut books = self.lock();
        let entries = books.provider.settle(self.env.wall_ms());
        books.record(&entries)?;
        drop(books);
        self.changed.send_modify(|revision| *revision += 1);
        Ok(())
    }

    /// Waits until a charge is settled, or for as long as an asker has patience.
    async fn settled(&self, key: &str) -> (u16, Value) {
        let mut changed = self.changed.subscribe();
        let mut patience = self.env.sleep(PATIENCE);
        while self.lock().provider.charge(key).is_some_and(|charge| charge.status == Status::Pending) {
            tokio::select! {
                biased;
                () = &mut patience => break,
                _ = changed.changed() => {}
            }
        }
        api::outcome(&self.lock().provider, key)
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an asker wants is written down before the first await, so it may hang up at any time.
async fn handle(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match axum::body::to_bytes(body, BODY_BYTES).await {
        Ok(body) => answered(sandbox.answer(parts.method.as_str(), parts.uri.path(), &body).await),
        Err(_) => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
            .detail(format!("At most {BODY_BYTES} bytes are read."))
            .into_response(),
    }
}

fn answered((status, body): (u16, Value)) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = (status, axum::Json(body)).into_response();
    if status.is_client_error() || status.is_server_error() {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    }
    answer
}

fn not_written(error: &std::io::Error) -> (u16, Value) {
    tracing::error!(%error, "the ledger cannot be written");
    api::told(&Problem::unavailable("The ledger cannot be written."))
}
