//! Publishing held while somebody copies.

use std::time::Duration;

use bongsu_runtime::ports::broker::{Broker as _, Producer};
use tokio::time::timeout;

use crate::bench::{PATIENCE, Running, event, exchange, get, out, post, request, topic};

/// How long nothing may happen.
const MOMENT: Duration = Duration::from_millis(300);

fn number(held: &str) -> u64 {
    let (_, number) = held.split_once(r#"{"hold":"#).unwrap_or_else(|| panic!("{held}"));
    number.trim_end_matches('}').parse().expect("a number")
}

async fn end(url: &str) -> String {
    let topic = get(url, "/topics/gate").await;
    topic.split_once(r#""end":"#).expect("its end").1.chars().take_while(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn while_it_is_held_nothing_is_published_and_everything_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    post(&running.url, "/topics/gate/events", &event("gate", "a", "1", "")).await;
    let hold = number(&post(&running.url, "/hold", r#"{"ms":8000}"#).await);
    let from = Producer::new("gate", 1);
    let mut service = running.client.publish(from, vec![out("gate", "a", 2, "")]);
    let three = event("gate", "b", "3", "");
    let mut anybody = Box::pin(post(&running.url, "/topics/gate/events", &three));
    let both = async {
        tokio::select! { biased; _ = &mut service => (), _ = &mut anybody => () }
    };
    assert!(timeout(MOMENT, both).await.is_err(), "they wait");
    assert_eq!(end(&running.url).await, "1");
    let again = post(&running.url, "/hold", r#"{"ms":1}"#).await;
    assert!(again.starts_with("HTTP/1.1 503"), "one at a time: {again}");
    let released = exchange(&running.url, &request("DELETE", &format!("/hold/{hold}"), "")).await;
    assert!(released.starts_with("HTTP/1.1 204"), "{released}");
    timeout(PATIENCE, service).await.expect("it goes on").expect("it is taken");
    timeout(PATIENCE, anybody).await.expect("it goes on");
    assert_eq!(end(&running.url).await, "3");
    let twice = exchange(&running.url, &request("DELETE", &format!("/hold/{hold}"), "")).await;
    assert!(twice.starts_with("HTTP/1.1 404"), "{twice}");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_hold_whose_holder_is_gone_ends_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let hold = number(&post(&running.url, "/hold", r#"{"ms":200}"#).await);
    let taken = timeout(PATIENCE, post(&running.url, "/topics/gate/events", &event("gate", "a", "1", ""))).await;
    assert!(taken.expect("it goes on").ends_with(r#"{"appended":1,"dropped":0}"#));
    let late = exchange(&running.url, &request("DELETE", &format!("/hold/{hold}"), "")).await;
    assert!(late.starts_with("HTTP/1.1 404"), "whoever comes too late is told: {late}");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn nonsense_holds_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    for (status, body) in [
        (422, r#"{"ms":0}"#),
        (422, r#"{"ms":8001}"#),
        (400, r#"{"ms":-1}"#),
        (400, "{}"),
        (400, ""),
        (400, r#"{"ms":1,"x":2}"#),
    ] {
        let answer = post(&running.url, "/hold", body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{body}: {answer}");
    }
    for path in ["/hold/7", "/hold/x", "/hold/-1"] {
        let answer = exchange(&running.url, &request("DELETE", path, "")).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
    }
    let taken = post(&running.url, "/topics/gate/events", &event("gate", "a", "1", "")).await;
    assert!(taken.ends_with(r#"{"appended":1,"dropped":0}"#), "{taken}");
    running.stop().await.expect("it ends well");
}
