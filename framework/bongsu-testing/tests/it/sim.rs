//! The simulator: its loop, its ports, and a small relay of two services under its faults.

mod engine;
mod faults;
mod pipeline;
mod rules;

/// A CloudEvent as brokers want it.
fn cloudevent(source: &str, id: &str, subject: &str, key: &str, sequence: u64) -> bytes::Bytes {
    let kind = format!("{source}.happened.v1");
    let event = serde_json::json!({
        "specversion": "1.0", "id": id, "source": source, "type": kind, "subject": subject,
        "partitionkey": key, "sequence": sequence, "data": {},
    });
    event.to_string().into()
}
