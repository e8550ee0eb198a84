//! A stream of server-sent events, read event by event.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use serde_json::Value;

/// What should come comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
pub struct Stream {
    /// Status code of the answer.
    pub status: u16,
    body: BodyDataStream,
    text: String,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Stream {
    pub(crate) fn of(status: u16, body: Body) -> Self {
        Self { status, body: body.into_data_stream(), text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    ///
    /// # Panics
    /// When nothing comes within ten seconds, or what comes is no event.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                match parse(&event) {
                    Some(read) => return Some(read),
                    None => continue,
                }
            }
            let next = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("something comes in time");
            let bytes = next?.expect("it does not break");
            self.text += std::str::from_utf8(&bytes).expect("text");
        }
    }
}

/// Comments and `retry` are no events.
fn parse(event: &str) -> Option<Event> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).expect("JSON");
    let id = field("id")?.parse().expect("a number");
    Some(Event { id, name: field("event")?.to_owned(), data })
}
