//! One trace from the request into the events.

use bongsu_runtime::ports::store::Position;

use crate::{client::Ask, fixture::Fixture};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn the_callers_trace_is_answered_and_written_into_the_event() {
    let fixture = Fixture::open().await;
    let got = Ask::command("/doors/front/open", "key", "{}").header("traceparent", PARENT).of(fixture.addr).await;
    let answered = got.header("traceparent").unwrap();
    assert!(answered.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{answered}");
    assert_ne!(answered, PARENT, "this service is a span of its own");
    let events = fixture.handle.operator().events(Position(0), 1).await.unwrap();
    let meta = String::from_utf8_lossy(&events[0].meta).into_owned();
    assert!(meta.contains("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{meta}");
}

#[tokio::test]
async fn a_broken_trace_is_replaced_by_a_new_one() {
    let fixture = Fixture::open().await;
    let got = Ask::get("/info").header("traceparent", "00-nonsense-01").of(fixture.addr).await;
    let answered = got.header("traceparent").unwrap().to_owned();
    assert_eq!(answered.len(), PARENT.len());
    let other = Ask::get("/info").of(fixture.addr).await;
    assert_ne!(other.header("traceparent"), Some(answered.as_str()));
}
