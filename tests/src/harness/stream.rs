//! A browser's `EventSource` in small: it reads events, and comes back with `Last-Event-ID` when the stream breaks.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::harness::{
    Mall,
    wait::{now, until},
};

/// An event: its id, its name and its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What to come back with.
    pub id: String,
    /// Its kind.
    pub event: String,
    /// Its body.
    pub data: Value,
}

/// Follows `path` at the gateway as the customer until the server says that there is nothing more; every event, and how
/// often the client had to come back.
///
/// # Panics
/// When that takes longer than `patience`.
pub fn follow(mall: &Mall, path: &str, patience: Duration) -> (Vec<Heard>, u32) {
    let deadline = now() + patience;
    let (mut heard, mut back) = (Vec::<Heard>::new(), 0);
    loop {
        assert!(now() < deadline, "{path} has not ended within {patience:?}: {heard:?}");
        let last = heard.last().map(|event| event.id.clone());
        if read(mall, path, last.as_deref(), &mut heard) == Some(204) {
            return (heard, back);
        }
        back += 1;
    }
}

/// One connection: its status if there was an answer, with everything that was heard on it.
fn read(mall: &Mall, path: &str, last: Option<&str>, heard: &mut Vec<Heard>) -> Option<u16> {
    let address = mall.gateway().strip_prefix("http://").unwrap_or(mall.gateway());
    let bearer = mall.bearer_for("GET", path);
    let mut stream = until("the gateway is there", Duration::from_secs(20), || {
        TcpStream::connect(address).map_err(|error| error.to_string())
    });
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket takes a timeout");
    let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {bearer}\r\n{last}\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let (mut id, mut event) = (String::new(), String::new());
    // Lines that begin otherwise are headers, chunk sizes, comments and blanks.
    for line in lines {
        match line.split_once(": ") {
            Some(("id", value)) => value.clone_into(&mut id),
            Some(("event", value)) => value.clone_into(&mut event),
            Some(("data", value)) => {
                let data = serde_json::from_str(value).unwrap_or_else(|error| panic!("{error}: {value}"));
                heard.push(Heard { id: id.clone(), event: event.clone(), data });
            }
            _ => {}
        }
    }
    Some(status)
}
