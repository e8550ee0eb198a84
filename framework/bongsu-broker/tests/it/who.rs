//! Who may do what: forgeries from one who has another service's key, and from one who has none.

use std::path::Path;

use bongsu_broker::BrokerClient;
use bongsu_keys::{BROKER, Keys, OPERATOR, Roots};
use bongsu_runtime::ports::broker::{Broker as _, BrokerError, Producer, Topic};
use tempfile::TempDir;

use crate::bench::{Running, event, exchange, out, partition, request, topic};

/// A broker of a system, and its secret.
struct System {
    folder: TempDir,
    roots: Roots,
    broker: Running,
}

impl System {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let roots = Roots::open_or_make(folder.path()).expect("a secret");
        let keys = keys_of(&roots, folder.path(), BROKER);
        let broker = Running::with_keys(&folder.path().join("broker.db"), keys).await;
        let system = Self { folder, roots, broker };
        for name in ["bell", "door"] {
            system.client(name).ensure(topic(name, 1)).await.expect("a topic of its own");
        }
        system
    }

    fn client(&self, name: &str) -> BrokerClient {
        let client = BrokerClient::new(&self.broker.url).expect("its URL");
        client.with_keys(Some(keys_of(&self.roots, self.folder.path(), name)))
    }

    /// The status and code of the answer to a request with these head lines.
    async fn ask(&self, head: &str, request: &str) -> (u16, String) {
        let answer = exchange(&self.broker.url, &request.replacen("\r\n", &format!("\r\n{head}"), 1)).await;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let code = answer.split("\"/errors/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        assert!(status < 400 || answer.contains("application/problem+json"), "{answer}");
        assert_eq!(status == 401, answer.contains("www-authenticate: Bearer"), "{answer}");
        (status, code.to_owned())
    }

    fn bearer(&self, name: &str) -> String {
        format!("authorization: Bearer {}\r\n", self.roots.key(name, BROKER).bearer())
    }

    /// The answer to who asks for the topics with these head lines, whole.
    async fn topics(&self, head: &str) -> String {
        exchange(&self.broker.url, &request("GET", "/topics", "").replacen("\r\n", &format!("\r\n{head}"), 1)).await
    }

    /// How many facts each of the two topics has, and for how long they are kept.
    async fn state(&self) -> String {
        let answer = self.topics(&self.bearer(OPERATOR)).await;
        answer.split("\r\n\r\n").nth(1).expect("a body").to_owned()
    }
}

fn keys_of(roots: &Roots, folder: &Path, name: &str) -> Keys {
    let file = folder.join(format!("{name}.json"));
    roots.write_keys(&file, name).expect("it can be written");
    Keys::open(&file).expect("keys")
}

/// What somebody would forge.
fn forgeries() -> Vec<String> {
    let captured = event("bell", "b-1", "1", "");
    let placed =
        format!(r#"{{"service":"bell","epoch":1,"messages":[{{"topic":"bell","position":1,"event":{captured}}}]}}"#);
    let smuggled = placed.replace(r#""service":"bell""#, r#""service":"door""#);
    let foreign_topic =
        format!(r#"{{"service":"door","epoch":1,"messages":[{{"topic":"door","position":1,"event":{captured}}}]}}"#);
    // From one's own source, in one's own topic: what another tells.
    let another_type = captured.replace(r#""source":"bell""#, r#""source":"door""#);
    vec![
        request("POST", "/topics/bell/events", &captured),
        request("POST", "/topics/bell/events", &format!("[{captured}]")),
        request("POST", "/topics/door/events", &captured),
        request("POST", "/topics/bell/events", &event("door", "b-1", "1", "")),
        request("POST", "/topics/door/events", &another_type),
        request("POST", "/publish", &placed),
        request("POST", "/publish", &smuggled),
        request("POST", "/publish", &foreign_topic),
        request("POST", "/publish", r#"{"service":"bell","epoch":18446744073709551615,"messages":[]}"#),
        request("PUT", "/topics/bell", r#"{"partitions":1,"retention_ms":1}"#),
        request("PUT", "/topics/bell", r#"{"partitions":1,"retention_bytes":1}"#),
        request("POST", "/consumers", r#"{"consumer":"bell/fold","positions":[]}"#),
        request("POST", "/hold", r#"{"ms":8000}"#),
        request("DELETE", "/hold/1", ""),
    ]
}

#[tokio::test]
async fn a_service_with_its_own_key_forges_nothing_of_another() {
    let system = System::start().await;
    let before = system.state().await;
    for forged in forgeries() {
        let answer = system.ask(&system.bearer("door"), &forged).await;
        assert_eq!(answer, (403, "broker-forbidden".into()), "{forged}");
    }
    assert_eq!(system.state().await, before);
    // The epoch was not kept, and the fact is none of the duplicates: the owner goes on as if nothing had been.
    let from = Producer::new("bell", 1);
    system.client("bell").publish(from, vec![out("bell", "b-1", 1, "")]).await.expect("its own");
    system.broker.stop().await.expect("it ends well");
}

#[tokio::test]
async fn one_without_a_key_of_this_system_may_do_nothing_at_all() {
    let system = System::start().await;
    let before = system.state().await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let other = Roots::open_or_make(elsewhere.path()).expect("another system");
    let right = system.bearer("bell");
    let reads = ["/topics", "/topics/bell", "/topics/bell/events", "/consumers", "/nowhere"];
    let mut requests: Vec<String> = reads.iter().map(|path| request("GET", path, "")).collect();
    requests.push(request("POST", "/fetch", r#"{"want":[],"max_bytes":1}"#));
    requests.extend(forgeries());
    let heads = [
        String::new(),
        format!("authorization: Bearer {}\r\n", other.key("bell", BROKER).bearer()),
        // A key of this system that is for somebody else's lock.
        format!("authorization: Bearer {}\r\n", system.roots.key("bell", "door").bearer()),
        "authorization: Bearer bell\r\n".into(),
        format!("authorization: Bearer bell.{}\r\n", "0".repeat(64)),
        format!("authorization: Bearer bell.{}\r\n", "f".repeat(8_000)),
        "authorization: Bearer \u{bd09}\u{c218}.\u{1f525}\r\n".into(),
        "authorization: Basic cGF5bWVudDo=\r\n".into(),
        right.replace("bell", "operator"),
        format!("{right}{right}"),
    ];
    for head in &heads {
        for asked in &requests {
            assert_eq!(system.ask(head, asked).await, (401, "broker-unauthenticated".into()), "{head:.80} {asked}");
        }
    }
    assert_eq!(system.state().await, before);
    assert_eq!(system.ask("", &request("GET", "/health/ready", "")).await.0, 200, "probes need none");
    system.broker.stop().await.expect("it ends well");
}

#[tokio::test]
async fn who_is_not_known_learns_whether_a_key_was_seen() {
    let system = System::start().await;
    let wrong = [system.roots.key("bell", "door").bearer(), "bell.".to_owned() + &"f".repeat(8_000), "\u{bd09}".into()];
    for bearer in wrong {
        let answer = system.topics(&format!("authorization: Bearer {bearer}\r\n")).await;
        assert!(answer.contains("the key that was shown is none of this system to this process"), "{answer}");
    }
    for head in ["", "authorization: Basic cGF5bWVudDo=\r\n", &system.bearer("bell").repeat(2)] {
        let answer = system.topics(head).await;
        assert!(answer.contains("this needs one 'Authorization: Bearer …'"), "{head}: {answer}");
    }
    system.broker.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_rebound_name_and_a_web_page_are_refused_even_with_a_key() {
    let system = System::start().await;
    let key = system.bearer("bell");
    for host in ["evil.example", "broker", "127.0.0.1.evil.example:9092"] {
        for asked in [request("GET", "/topics", ""), request("GET", "/health/ready", "")] {
            let rebound = asked.replace("host: localhost", &format!("host: {host}"));
            assert_eq!(system.ask(&key, &rebound).await, (421, "wrong-host".into()), "{host}");
        }
    }
    let page = format!("{key}origin: http://evil.example\r\n");
    assert_eq!(system.ask(&page, &request("GET", "/topics", "")).await, (403, "broker-forbidden".into()));
    system.broker.stop().await.expect("it ends well");
}

#[tokio::test]
async fn an_owner_and_an_operator_say_how_long_a_topic_is_kept_and_anybody_known_reads() {
    let system = System::start().await;
    let bounded = Topic { retention_ms: Some(86_400_000), ..topic("bell", 1) };
    system.client("bell").ensure(bounded).await.expect("the owner");
    let asked = request("PUT", "/topics/bell", r#"{"partitions":1,"retention_ms":1000000}"#);
    assert_eq!(system.ask(&system.bearer(OPERATOR), &asked).await.0, 200);
    let reader = system.client("door");
    reader.ensure(topic("bell", 1)).await.expect("who hears a topic makes sure that it is there");
    let read = reader.fetch(vec![(partition("bell", 0), 0)], 1_000, std::time::Duration::ZERO).await;
    assert!(read.is_ok(), "{read:?}");
    system.broker.stop().await.expect("it ends well");
}

#[tokio::test]
async fn a_renewed_secret_stops_nobody_and_its_old_keys_end_when_it_is_dropped() {
    let mut system = System::start().await;
    let (folder, client) = (system.folder.path().to_owned(), system.client("bell"));
    let old = system.client("bell").bearing(&system.roots.key("bell", BROKER).bearer());
    let reads = async |client: &BrokerClient| client.bounds("bell").await;
    system.roots = system.roots.rotate(&folder).expect("a new secret");
    drop(keys_of(&system.roots, &folder, BROKER));
    assert!(reads(&client).await.is_ok() && reads(&old).await.is_ok(), "who has the old key goes on");
    system.roots = system.roots.drop_previous(&folder).expect("the old one is dropped");
    drop(keys_of(&system.roots, &folder, BROKER));
    drop(keys_of(&system.roots, &folder, "bell"));
    assert!(matches!(reads(&old).await, Err(BrokerError::Unavailable(_))), "later, with a new key");
    reads(&client).await.expect("who has its keys from a file has the new one");
    system.broker.stop().await.expect("it ends well");
}
