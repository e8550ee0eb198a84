//! The answer to a fetch, written by hand: messages are copied from the file to the socket's buffer once and
//! never parsed.

use std::io::Write as _;

use bongsu_runtime::ports::broker::LogId;

/// `{"log":…,"partings":{…},"messages":[{"topic":…,"partition":…,"messages":[{"offset":…,"key":…,"refill":…,"position":…,
/// "era":…,"event":…}]}]}`; a number that is missing is 0, and without `partings` no history has parted.
pub(crate) struct FetchAnswer {
    body: Vec<u8>,
    /// Message bytes so far.
    pub(crate) bytes: usize,
    /// Messages so far.
    pub(crate) messages: usize,
    /// Where the open partition began, and whether it has a message.
    open: (usize, bool),
    partitions: usize,
}

/// A message as it is read.
pub(crate) struct Message<'a> {
    pub(crate) offset: u64,
    pub(crate) key: &'a str,
    pub(crate) refill: u64,
    pub(crate) position: u64,
    pub(crate) era: u32,
    pub(crate) event: &'a [u8],
}

impl FetchAnswer {
    /// `partings` is JSON, see `Index::partings`.
    pub(crate) fn new(log: LogId, partings: &str) -> Self {
        let parted = if partings == "{}" { String::new() } else { format!(r#""partings":{partings},"#) };
        let body = format!(r#"{{"log":"{:032x}",{parted}"messages":["#, log.0).into_bytes();
        Self { body, bytes: 0, messages: 0, open: (0, false), partitions: 0 }
    }

    /// Begins a partition. Topic names need no escaping, see `Topic::check`.
    pub(crate) fn open(&mut self, topic: &str, index: u32) {
        self.open = (self.body.len(), false);
        let comma = if self.partitions > 0 { "," } else { "" };
        self.write(format_args!(r#"{comma}{{"topic":"{topic}","partition":{index},"messages":["#));
    }

    /// Adds a message to the open partition.
    pub(crate) fn push(&mut self, message: &Message<'_>) {
        let Message { offset, key, refill, position, era, event } = *message;
        let comma = if self.open.1 { "," } else { "" };
        self.write(format_args!(r#"{comma}{{"offset":{offset},"key":"#));
        serde_json::to_writer(&mut self.body, key).expect("a string is written to memory");
        for (name, number) in [("refill", refill), ("position", position), ("era", era.into())] {
            if number > 0 {
                self.write(format_args!(r#","{name}":{number}"#));
            }
        }
        self.body.extend_from_slice(br#","event":"#);
        self.body.extend_from_slice(event);
        self.body.push(b'}');
        self.open.1 = true;
        self.bytes += event.len();
        self.messages += 1;
    }

    /// Ends the partition; one without messages leaves no trace.
    pub(crate) fn close(&mut self) {
        if self.open.1 {
            self.body.extend_from_slice(b"]}");
            self.partitions += 1;
        } else {
            self.body.truncate(self.open.0);
        }
    }

    /// The whole body.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.body.extend_from_slice(b"]}\n");
        self.body
    }

    fn write(&mut self, what: std::fmt::Arguments<'_>) {
        self.body.write_fmt(what).expect("memory takes every byte");
    }
}
