//! The protocol as `curl` sees it, and what it says to nonsense.

use bongsu_runtime::ports::broker::Broker as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bench::{Running, connect, event, exchange, get, partition, post, request, topic};

#[tokio::test]
async fn anybody_can_publish_and_read_with_plain_http() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    let made = exchange(&running.url, &request("PUT", "/topics/gate", r#"{"partitions":1}"#)).await;
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let (one, two) = (event("gate", "a", "1", "one"), event("gate", "b", "2", "two"));
    let first = post(&running.url, "/topics/gate/events", &one).await;
    assert!(first.ends_with(r#"{"appended":1,"dropped":0}"#), "{first}");
    let both = post(&running.url, "/topics/gate/events", &format!(" [{one}, {two}]")).await;
    assert!(both.ends_with(r#"{"appended":1,"dropped":1}"#), "sent twice, taken once: {both}");
    let seen = get(&running.url, "/topics/gate/events?partition=0&offset=1&limit=5").await;
    let expected = format!(r#"{{"offset":1,"key":"b","event":{two}}}"#);
    assert!(seen.contains(&expected) && !seen.contains(r#""offset":0"#), "{seen}");
    assert!(get(&running.url, "/topics").await.contains(r#""end":2"#));
    let read = running.client.fetch(vec![(partition("gate", 0), 0)], 10_000, std::time::Duration::ZERO).await;
    assert_eq!(read.expect("a batch").messages[0].1.len(), 2);
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn positions_of_consumers_are_shown_with_their_lag() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    let events: Vec<_> = (0..5).map(|n| event("gate", "a", &n.to_string(), "")).collect();
    post(&running.url, "/topics/gate/events", &format!("[{}]", events.join(","))).await;
    running.client.report("counter/fold", vec![(partition("gate", 0), 3)]).await;
    let shown = get(&running.url, "/consumers").await;
    let expected = r#"{"consumer":"counter/fold","topic":"gate","partition":0,"offset":3,"lag":2}"#;
    assert!(shown.contains(expected), "{shown}");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn asking_nonsense_gets_a_problem() {
    let fetch = |want: &str| request("POST", "/fetch", &format!(r#"{{"want":[{want}],"max_bytes":1}}"#));
    let cases = [
        (404, request("GET", "/nowhere", "")),
        (400, request("GET", "/topics/%ff", "")),
        (405, request("DELETE", "/topics/gate", "")),
        (405, request("GET", "/fetch", "")),
        (422, request("GET", "/topics/unheard-of", "")),
        (422, request("GET", "/topics/gate/events?partition=7", "")),
        (410, request("GET", "/topics/gate/events?offset=9", "")),
        (400, request("GET", "/topics/gate/events?partition=x", "")),
        (400, request("GET", "/topics/gate/events?color=red", "")),
        (400, fetch(r#"{"topic":"gate"}"#)),
        (422, fetch(r#"{"topic":"gate","partition":1,"offset":0}"#)),
        (410, fetch(r#"{"topic":"gate","partition":0,"offset":1}"#)),
        (400, request("POST", "/consumers", "[]")),
    ];
    each_is_refused(&cases).await;
}

#[tokio::test]
async fn making_nonsense_topics_gets_a_problem() {
    let cases = [
        (400, request("PUT", "/topics/door", r#"{"partitions":-1}"#)),
        (400, request("PUT", "/topics/door", r#"{"partitions":1,"replicas":3}"#)),
        (422, request("PUT", "/topics/door", r#"{"partitions":0}"#)),
        (422, request("PUT", "/topics/gate", r#"{"partitions":2}"#)),
        (422, request("PUT", "/topics/a%20b", r#"{"partitions":1}"#)),
    ];
    each_is_refused(&cases).await;
}

#[tokio::test]
async fn publishing_nonsense_gets_a_problem_and_leaves_nothing() {
    let good = event("gate", "a", "1", "");
    let bare = good.replace(r#""data":"""#, r#""other":1"#);
    let with = |more: &str| good.replacen('{', &format!("{{{more},"), 1);
    let (undated, nameless) = (with(r#""time":"yesterday""#), with(r#""actor":7"#));
    let events = |body: &str| request("POST", "/topics/gate/events", body);
    let placed =
        |message: &str| request("POST", "/publish", &format!(r#"{{"service":"s","epoch":1,"messages":[{message}]}}"#));
    let cases = [
        (400, events("")),
        (400, events("not json")),
        (422, events("{}")),
        (422, events("[[]]")),
        (422, events(&bare)),
        (422, events(&format!("[{good},{bare}]"))),
        (422, events(&undated)),
        (422, events(&format!("[{good},{nameless}]"))),
        (422, placed(&format!(r#"{{"topic":"gate","position":1,"event":{undated}}}"#))),
        (422, placed(&format!(r#"{{"topic":"gate","position":1,"event":{nameless}}}"#))),
        (400, events(&format!("[{good},"))),
        (415, events(&good).replace("application/json", "text/plain")),
        (413, events("").replace("length: 0", "length: 99999999999")),
        (413, events(&format!("[{}]", vec!["1"; 10_001].join(",")))),
        (422, request("POST", "/topics/unheard-of/events", &good)),
        (400, placed("{}")),
        (400, placed(&format!(r#"{{"topic":"gate","position":-1,"event":{good}}}"#))),
        (422, placed(r#"{"topic":"gate","position":1,"event":null}"#)),
        (422, request("POST", "/publish", r#"{"service":"","epoch":1,"messages":[]}"#)),
    ];
    each_is_refused(&cases).await;
}

/// Each request gets its status and a problem; none leaves a message.
async fn each_is_refused(cases: &[(u16, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    for (status, request) in cases {
        let answer = exchange(&running.url, request).await;
        let asked: String = request.chars().take(120).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{asked}\n{answer}");
        assert!(answer.contains("application/problem+json") && answer.contains("\"type\":\"/errors/"), "{answer}");
    }
    assert_eq!(running.client.bounds("gate").await.expect("bounds").partitions[0].2, 0, "nothing came in");
    assert!(!get(&running.url, "/topics").await.contains("door"), "no topic was made");
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn bytes_that_are_no_http_end_their_connection_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let garbage: [&[u8]; 4] =
        [b"\0\xff\x16\x03\x01garbage\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"BREW\r\n\r\n", long.as_bytes()];
    for bytes in garbage {
        let mut stream = connect(&running.url).await;
        // Refused while it is still being sent, perhaps: then the rest cannot be written.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("/errors/broker-refused"), "{answer:?}");
    }
    assert!(get(&running.url, "/health/ready").await.starts_with("HTTP/1.1 200"));
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn heads_that_are_too_much_or_mean_two_things_are_refused_with_a_problem() {
    let lines = |count: usize| "x-a: 1\r\n".repeat(count);
    let with = |more: &str| request("GET", "/topics", "").replacen("\r\n", &format!("\r\n{more}"), 1);
    let cases = [
        (431, with(&lines(101))),
        (431, with(&lines(1_000))),
        (431, with(&format!("x-a: {}\r\n", "a".repeat(17_000)))),
        (400, with("host: other\r\n")),
        (400, with("no colon\r\n")),
        (400, request("GET", "/topics/%zz", "")),
        (414, request("GET", &format!("/topics/{}", "a".repeat(9_000)), "")),
    ];
    each_is_refused(&cases).await;
}

#[tokio::test]
async fn a_refusal_before_the_body_was_read_arrives() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    let large = " ".repeat(1 << 20);
    for _ in 0..40 {
        let answer = exchange(&running.url, &request("POST", "/nowhere", &large)).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer:?}");
        let text = request("POST", "/fetch", &large).replace("application/json", "text/plain");
        assert!(exchange(&running.url, &text).await.starts_with("HTTP/1.1 415 "));
    }
    running.stop().await.expect("it ends well");
}

#[tokio::test]
async fn old_owners_and_gone_offsets_are_told_in_the_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    running.client.ensure(topic("gate", 1)).await.expect("a topic");
    post(&running.url, "/publish", r#"{"service":"s","epoch":2,"messages":[]}"#).await;
    let fenced = post(&running.url, "/publish", r#"{"service":"s","epoch":1,"messages":[]}"#).await;
    assert!(fenced.starts_with("HTTP/1.1 409"), "{fenced}");
    assert!(fenced.contains(r#""fenced":{"service":"s","given":1,"newest":2}"#), "{fenced}");
    let gone =
        post(&running.url, "/fetch", r#"{"want":[{"topic":"gate","partition":0,"offset":4}],"max_bytes":1}"#).await;
    assert!(gone.starts_with("HTTP/1.1 410"), "{gone}");
    assert!(gone.contains(r#""gone":{"topic":"gate","partition":0,"asked":4,"earliest":0,"end":0}"#), "{gone}");
    running.stop().await.expect("it ends well");
}
