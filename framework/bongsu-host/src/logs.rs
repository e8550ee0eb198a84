//! JSON lines on stdout: logs, and the announcements a supervisor listens to.
//!
//! `{"ts":…,"level":…,"target":…,"message":…, fields…, "service":…,"slot":…,"revision":…,"trace_id":…}`. One thread
//! writes; when nobody reads stdout its queue fills and lines are dropped and counted, because a service must
//! not stand still for its own log.

use std::{
    collections::VecDeque,
    fmt,
    io::Write as _,
    net::SocketAddr,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_runtime::rfc3339;
use serde::Serialize;
use serde_json::json;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

use crate::{
    config::{Config, Refused, schema::Setting},
    env,
    revision::Revision,
    trace,
};

/// Lines waiting to be written; more are dropped.
const MAX_QUEUE: usize = 8_192;
/// Between two writes: shorter than whoever reads along notices, and of a queue no more than a busy service fills.
const REST: Duration = Duration::from_millis(5);
/// Longest text of one field, in bytes; the rest is cut off.
const MAX_TEXT: usize = 16 << 10;
/// Members every line has, which a field must not take.
const RESERVED: [&str; 8] = ["ts", "level", "target", "message", "service", "slot", "revision", "trace_id"];

/// The process's stdout, one JSON line at a time. Cheap to clone.
#[derive(Clone)]
pub struct Logs {
    queue: Arc<Queue>,
    revision: Revision,
}

#[derive(Default)]
struct Queue {
    lines: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    dropped: u64,
    /// A line is taken but not yet written.
    writing: bool,
}

/// The configured filter does not parse.
#[derive(Debug, thiserror::Error)]
#[error("log is {filter:?}, which are not tracing directives")]
pub struct BadFilter {
    filter: String,
    #[source]
    source: tracing_subscriber::filter::ParseError,
}

/// The layer that turns an event into a line.
struct JsonLines {
    logs: Logs,
    service: String,
    slot: String,
}

/// Fields in the order they were recorded.
#[derive(Default)]
struct Fields {
    message: String,
    /// Where the value of each stands in `values`.
    others: Vec<(&'static str, Range<usize>)>,
    /// All of them as JSON, one behind the other: a busy gateway writes a dozen for every request.
    values: Vec<u8>,
}

impl Logs {
    /// Starts the writing thread and makes this the process's log; panics are logged too.
    ///
    /// # Errors
    /// [`BadFilter`].
    pub fn start(config: &Config) -> Result<Self, BadFilter> {
        let filter = EnvFilter::builder()
            .parse(&config.log)
            .map_err(|source| BadFilter { filter: config.log.clone(), source })?;
        let logs = Self { queue: Arc::default(), revision: Revision::of(config) };
        let layer = JsonLines { logs: logs.clone(), service: config.name.clone(), slot: config.slot.clone() };
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
        if tracing::subscriber::set_global_default(subscriber).is_err() {
            tracing::warn!("this process already has a log");
        }
        let queue = Arc::clone(&logs.queue);
        let writer = std::thread::Builder::new().name("logs".to_owned());
        if writer.spawn(move || queue.write_forever()).is_err() {
            // Without a writer nothing can be said at all; the queue drops what does not fit.
        }
        std::panic::set_hook(Box::new(|panic| {
            let text = panic.payload_as_str().unwrap_or("no message");
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(code = "panic", reason = text, place, "a panic");
        }));
        Ok(logs)
    }

    /// Announces the address: `{"event":"listening","addr":"127.0.0.1:12345"}`.
    pub fn listening(&self, addr: SocketAddr) {
        self.push(format!(r#"{{"event":"listening","addr":"{addr}"}}"#).into_bytes());
    }

    /// Announces readiness: `{"event":"ready"}`.
    pub fn ready(&self) {
        self.push(br#"{"event":"ready"}"#.to_vec());
    }

    /// Under which configuration the process decides, as every line says.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Announces what can be set: `{"event":"settings","revision":…,"settings":[…]}`.
    pub fn settings(&self, settings: &[Setting]) {
        let revision = self.revision.name();
        self.push(
            json!({ "event": "settings", "revision": &*revision, "settings": settings }).to_string().into_bytes(),
        );
    }

    /// Announces what was not taken, and why: `{"event":"refused","revision":…,"reason":…}`.
    pub fn refused(&self, refused: &Refused) {
        let reason = refused.why.to_string();
        let line = json!({ "event": "refused", "revision": refused.revision, "reason": reason });
        self.push(line.to_string().into_bytes());
    }

    /// Waits until everything is written, but not for ever.
    pub fn flush(&self, at_most: Duration) {
        let unwritten = |waiting: &mut Waiting| waiting.writing || !waiting.lines.is_empty();
        let _ = self.queue.changed.wait_timeout_while(self.queue.lock(), at_most, unwritten);
    }

    fn push(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        let mut waiting = self.queue.lock();
        if waiting.lines.len() < MAX_QUEUE {
            waiting.lines.push_back(line);
            // Whoever writes waits for the first alone, and takes the others with it.
            if waiting.lines.len() == 1 {
                self.queue.changed.notify_all();
            }
        } else {
            waiting.dropped += 1;
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines are taken in batches, with a rest behind each: what a busy service says costs it neither a system call nor a
    /// wake-up per line, and what a quiet one says is written at once.
    fn write_forever(&self) {
        let mut batch = Vec::new();
        loop {
            let idle = |waiting: &mut Waiting| waiting.lines.is_empty();
            let mut waiting = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let lines = std::mem::take(&mut waiting.lines);
            let dropped = std::mem::take(&mut waiting.dropped);
            waiting.writing = true;
            drop(waiting);
            batch.clear();
            lines.iter().for_each(|line| batch.extend_from_slice(line));
            if dropped > 0 {
                let line = json!({ "level": "WARN", "message": "log lines were dropped", "dropped": dropped });
                batch.extend(format!("{line}\n").into_bytes());
            }
            // Nobody reads any more: the pipe's other end is gone, and the process is about to stop.
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(&batch).and_then(|()| out.flush());
            self.lock().writing = false;
            self.changed.notify_all();
            std::thread::park_timeout(REST);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.inherit(outer);
            }
        }
        self.logs.push(self.line(event.metadata(), fields));
    }
}

impl JsonLines {
    /// Written by hand for its order: a reader's eye looks for time and level first.
    fn line(&self, metadata: &tracing::Metadata<'_>, fields: Fields) -> Vec<u8> {
        let mut line = Vec::with_capacity(512);
        member(&mut line, "ts", &rfc3339(env::wall_ms()));
        member(&mut line, "level", metadata.level().as_str());
        member(&mut line, "target", metadata.target());
        member(&mut line, "message", &fields.message);
        let mut trace_id = None;
        for (name, value) in &fields.others {
            match *name {
                "trace_id" => trace_id = Some(&fields.values[value.clone()]),
                name if RESERVED.contains(&name) => {
                    written(&mut line, &format!("{name}_"), &fields.values[value.clone()])
                }
                name => written(&mut line, name, &fields.values[value.clone()]),
            }
        }
        member(&mut line, "service", &self.service);
        member(&mut line, "slot", &self.slot);
        member(&mut line, "revision", &*self.logs.revision.name());
        match (trace_id, trace::current_id()) {
            (Some(said), _) => written(&mut line, "trace_id", said),
            (None, Some(current)) => member(&mut line, "trace_id", &current),
            (None, None) => {}
        }
        line.push(b'}');
        line
    }
}

impl Fields {
    fn add(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        let from = self.values.len();
        write(&mut self.values, value);
        self.others.retain(|(known, _)| *known != name);
        self.others.push((name, from..self.values.len()));
    }

    fn text(&mut self, field: &Field, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        if field.name() == "message" {
            text.clone_into(&mut self.message);
        } else {
            self.add(field.name(), text);
        }
    }

    /// Takes over what a span knows and the event does not say itself.
    fn inherit(&mut self, outer: &Self) {
        for (name, value) in &outer.others {
            if !self.others.iter().any(|(known, _)| known == name) {
                let from = self.values.len();
                self.values.extend_from_slice(&outer.values[value.clone()]);
                self.others.push((name, from..self.values.len()));
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, &chain(value));
    }
}

/// An error and everything under it, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

fn member(line: &mut Vec<u8>, name: &str, value: &(impl Serialize + ?Sized)) {
    begin(line, name);
    write(line, value);
}

/// A member whose value is JSON already.
fn written(line: &mut Vec<u8>, name: &str, value: &[u8]) {
    begin(line, name);
    line.extend_from_slice(value);
}

fn begin(line: &mut Vec<u8>, name: &str) {
    line.push(if line.is_empty() { b'{' } else { b',' });
    write(line, name);
    line.push(b':');
}

/// Texts, numbers and booleans, which no writer of JSON refuses: what is no number is `null`.
fn write(line: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(line, value).expect("memory takes everything");
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn lines_of(log: impl FnOnce()) -> Vec<Value> {
        let logs = Logs { queue: Arc::default(), revision: Revision::of(&Config::defaults("door")) };
        let layer = JsonLines { logs: logs.clone(), service: "door".into(), slot: "door-1".into() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let waiting = logs.queue.lock();
        waiting.lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    #[test]
    fn a_line_carries_its_fields_those_of_its_spans_and_the_service() {
        let lines = lines_of(|| {
            let _span = tracing::info_span!("lane", consumer = "bell", partition = 3).entered();
            tracing::warn!(attempts = 2_u64, reason = "quote \" and\nnewline", level = "mine", "later");
        });
        let line = &lines[0];
        assert_eq!(line["ts"].as_str().map(str::len), Some("2023-11-14T22:13:20.000Z".len()));
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["level_"], "mine");
        assert_eq!(line["message"], "later");
        assert_eq!(line["attempts"], 2);
        assert_eq!(line["reason"], "quote \" and\nnewline");
        assert_eq!((&line["consumer"], &line["partition"]), (&json!("bell"), &json!(3)));
        assert_eq!((&line["service"], &line["slot"]), (&json!("door"), &json!("door-1")));
        assert_eq!(line.get("trace_id"), None);
    }

    #[tokio::test]
    async fn a_line_of_a_request_carries_its_trace_id() {
        let trace = trace::Trace::start();
        let lines = trace.clone().scope(async { lines_of(|| tracing::info!("served")) }).await;
        assert_eq!(lines[0]["trace_id"], json!(trace.id()));
    }

    #[test]
    fn a_full_queue_drops_lines_and_counts_them() {
        let logs = Logs { queue: Arc::default(), revision: Revision::of(&Config::defaults("door")) };
        for _ in 0..MAX_QUEUE + 5 {
            logs.ready();
        }
        let waiting = logs.queue.lock();
        assert_eq!((waiting.lines.len(), waiting.dropped), (MAX_QUEUE, 5));
    }
}
