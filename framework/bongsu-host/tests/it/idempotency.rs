//! A command sent twice happens once.

use bongsu_runtime::ports::store::Position;
use serde_json::Value;

use crate::{client::Ask, fixture::Fixture};

#[tokio::test]
async fn a_command_needs_one_printable_key() {
    let fixture = Fixture::open().await;
    let ask = || Ask::new("POST", "/doors/front/open").header("x-bongsu-principal", "ann");
    ask().of(fixture.addr).await.problem(400, "idempotency-key-missing");
    let long = "k".repeat(256);
    for bad in ["", "schl\u{fc}ssel", "a\tb", long.as_str()] {
        ask().header("idempotency-key", bad).of(fixture.addr).await.problem(400, "idempotency-key-invalid");
    }
    let two = ask().header("idempotency-key", "a").header("idempotency-key", "b");
    two.of(fixture.addr).await.problem(400, "idempotency-key-invalid");
    let nobody = Ask::new("POST", "/doors/front/open").header("idempotency-key", "a");
    nobody.of(fixture.addr).await.problem(401, "unauthenticated");
    assert_eq!(ask().header("idempotency-key", &long[1..]).of(fixture.addr).await.status, 202);
}

#[tokio::test]
async fn the_same_command_again_gets_the_same_bytes_and_happens_once() {
    let fixture = Fixture::open().await;
    let first = Ask::command("/doors/front/open", "key-1", "{}").of(fixture.addr).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (202, None));
    let again = Ask::command("/doors/front/open", "key-1", "{}").of(fixture.addr).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("content-type"), Some("application/json"));
    let events = fixture.handle.operator().events(Position(0), 10).await.unwrap();
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn thirty_at_once_with_one_key_all_get_the_same_answer() {
    let fixture = Fixture::open().await;
    let ask = || Ask::command("/doors/front/open", "key-1", "{}").of(fixture.addr);
    let answers = futures::future::join_all((0..30).map(|_| ask())).await;
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.body == answers[0].body));
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
    assert_eq!(fixture.handle.operator().events(Position(0), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_rejection_is_kept_and_replayed_like_any_answer() {
    let fixture = Fixture::open().await;
    Ask::command("/doors/front/open", "key-1", "{}").of(fixture.addr).await;
    let refused = Ask::command("/doors/front/open", "key-2", "{}").of(fixture.addr).await;
    assert_eq!(refused.problem(409, "already-open")["by"], "ann");
    let again = Ask::command("/doors/front/open", "key-2", "{}").of(fixture.addr).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (409, Some("true")));
    assert_eq!(again.body, refused.body);
}

#[tokio::test]
async fn a_key_used_for_something_else_is_422_but_principals_do_not_share_keys() {
    let fixture = Fixture::open().await;
    Ask::command("/doors/front/open", "key-1", "{}").of(fixture.addr).await;
    let other_body = Ask::command("/doors/front/open", "key-1", "{ }").of(fixture.addr).await;
    other_body.problem(422, "idempotency-key-reused");
    let other_door = Ask::command("/doors/back/open", "key-1", "{}").of(fixture.addr).await;
    other_door.problem(422, "idempotency-key-reused");
    let bob = Ask::new("POST", "/doors/back/open").header("x-bongsu-principal", "bob");
    let bob = bob.header("idempotency-key", "key-1").of(fixture.addr).await;
    assert_eq!(bob.json()["door"], Value::from("back"));
}
