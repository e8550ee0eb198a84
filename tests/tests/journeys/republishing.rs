//! Facts that are published again: MyPage thrown away while the broker's history is cut, and a broker thrown away.

use std::{fs, process::Stdio, time::Duration};

use serde_json::{Value, json};
use system_tests::{
    evidence::Dump,
    harness::{Mall, http::Http, system::System, wait::until},
    mall::CONTEXTS,
    rules::{self, Rule},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// What MyPage hears of.
const TOPICS: [&str; 4] = ["ordering", "product", "payment", "delivery"];
/// Ten years, in milliseconds.
const LONG: u64 = 315_360_000_000;

#[test]
fn a_mypage_thrown_away_while_history_is_cut_is_filled_by_republishing_and_nobody_else_notices() {
    let mall = opened();
    let orders = ["one", "two", "three"].map(|key| mall.buy(key, &[("MASK", 1)]));
    orders.iter().for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    agrees(&mall);
    let before = rows(&mall);
    mall.stop("mypage");
    throw_away(&mall, "mypage.db");
    let heard = TOPICS.into_iter().filter(|topic| cut(&mall, topic));
    let heard: Vec<&str> = heard.collect();
    assert!(heard.contains(&"ordering"), "{heard:?}");
    let untouched = others(&mall);
    let mut starting = mall.command(&["start", "mypage"]).stdout(Stdio::null()).spawn().expect("bongsu can be started");
    until("MyPage says what it misses", PATIENCE, || {
        let said = complaints(&mall, "mypage", "history-missing");
        if said.len() >= heard.len() { Ok(()) } else { Err(format!("{said:?}")) }
    });
    assert_eq!(mall.process("mypage").state, "starting", "nobody reads an empty MyPage");
    for topic in &heard {
        let said: Vec<Value> = complaints(&mall, "mypage", "history-missing");
        let mine: Vec<_> = said.iter().filter(|line| line["topic"] == *topic).collect();
        assert_eq!(mine.len(), 1, "one line: {said:?}");
        assert_eq!(mine[0]["remedy"], format!("bongsu republish {topic}"));
        let done = mall.said_by(&["republish", topic, "--reason", "MyPage was thrown away", "--as", "olga"]);
        assert!(done.contains(&format!("{topic} has published all its facts again")), "{done}");
    }
    agrees(&mall);
    assert_eq!(rows(&mall), before);
    assert!(starting.wait().expect("bongsu start ends").success(), "it is ready");
    for (context, after) in others(&mall) {
        let before = &untouched.iter().find(|(name, _)| *name == context).expect("the same contexts").1;
        same(context, before, &after);
    }
    let order = mall.buy("after all that", &[("MASK", 1)]);
    mall.until_order(&order, &["COMPLETED"]);
    agrees(&mall);
}

#[test]
fn a_broker_thrown_away_stops_everybody_with_one_line_until_all_is_published_again() {
    let mall = opened();
    let first = mall.buy("before", &[("MASK", 1)]);
    mall.until_order(&first, &["COMPLETED"]);
    agrees(&mall);
    mall.stop("broker");
    throw_away(&mall, "broker.db");
    mall.start_again("broker");
    let second = mall.buy("meanwhile", &[("MASK", 1)]);
    until("ordering says that history was replaced", PATIENCE, || {
        match complaints(&mall, "ordering", "history-replaced").as_slice() {
            [one] if one["remedy"] == "bongsu republish ordering" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(mall.order(&second)["state"], "PENDING", "accepted, and nobody hears of it yet");
    for topic in TOPICS.into_iter().chain(["audit"]) {
        mall.said_by(&["republish", topic]);
    }
    mall.until_order(&second, &["COMPLETED"]);
    agrees(&mall);
    let evidence = mall.quiesce(PATIENCE, rules::ALL);
    assert!(rules::judge(rules::ALL, &evidence).is_ok());
}

#[test]
fn the_guide_to_parked_facts_can_be_typed() {
    let guide = include_str!("../../../docs/guides/parked-facts.md");
    let blocks = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = blocks.flat_map(str::lines).filter(|line| line.starts_with("bongsu ")).collect();
    let verbs = ["parked", "unpark", "evict", "republish", "events"];
    assert!(verbs.iter().all(|verb| lines.iter().any(|line| line.split(' ').nth(1) == Some(verb))), "{lines:?}");
    let mall = opened();
    let broken = json!({
        "specversion": "1.0", "id": "broken", "source": "delivery", "type": "delivery.delivery-departed.v1",
        "subject": "forged/ord_7", "sequence": 1, "partitionkey": "ord_7", "data": { "order": 7 },
    });
    let broker = mall.process("broker").url.expect("the broker listens");
    let (url, delivery) = (format!("{broker}/topics/delivery/events"), mall.bearer("delivery", "broker"));
    let sent = Http::new().ask_as(&delivery, "POST", &url, Some(&broken));
    assert!(sent.is_ok_and(|answer| answer.status < 300));
    let parked = || mall.said_by(&["parked"]);
    for line in lines {
        // Whoever reads the guide has looked before: what was tried again is parked again a moment later.
        if line.starts_with("bongsu unpark") || line.starts_with("bongsu evict") {
            let wanted = line.split(' ').skip(3).find(|arg| !arg.starts_with('-')).unwrap_or_default();
            until("it is parked", PATIENCE, || if parked().contains(wanted) { Ok(()) } else { Err(parked()) });
        }
        let output = mall.command(&words(line)[1..].iter().map(String::as_str).collect::<Vec<_>>()).output();
        let output = output.expect("bongsu can be started");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let deeds = mall.said_by(&["events", "ordering"]);
    for deed in ["bongsu.parked-fact-retried.v1", "bongsu.parked-fact-evicted.v1", "bongsu.republication-asked.v1"] {
        assert!(deeds.contains(deed), "{deed} is missing in {deeds}");
    }
}

#[test]
fn what_cannot_be_republished_or_given_up_is_said_in_one_line() {
    let mall = opened();
    let refused = |args: &[&str], complaint: &str| {
        let output = mall.bongsu(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(complaint), "{args:?}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{args:?}: {said}");
    };
    refused(&["republish", "nowhere"], "no service 'nowhere'");
    refused(&["republish", "ordering", "--subject", "order/ord_none"], "ordering has no stream 'order/ord_none'");
    refused(&["unpark", "ordering", "fact/fulfilment/ord_none"], "nothing called 'fact/fulfilment/ord_none' is parked");
    refused(&["evict", "ordering", "fact/x/y", "--reason", "?"], "nothing called 'fact/x/y' is parked");
    refused(&["evict", "ordering", "fact/x/y", "--reason", ""], "a reason has 1 to 1000 characters");
    refused(&["evict", "ordering", "fact/x/y", "--reason", &"x".repeat(1_001)], "a reason has 1 to 1000 characters");
}

fn opened() -> Mall {
    let system = System::of_the_mall().set("ordering", "window_ms", 120_000);
    let system = system.set("delivery", "depart_after_ms", 100).set("delivery", "complete_after_ms", 100);
    let mall = Mall::start(system);
    mall.until_sold("MASK");
    mall
}

/// The words of a command line with double quotes.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

fn throw_away(mall: &Mall, name: &str) {
    let files = fs::read_dir(mall.system().data()).expect("the data folder can be read").flatten();
    let mine: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().starts_with(name)).collect();
    assert!(!mine.is_empty(), "there is {name} to throw away");
    mine.iter().for_each(|file| fs::remove_file(file.path()).expect("a file can be thrown away"));
}

/// Has the broker forget what it has of a topic; false when that was nothing.
fn cut(mall: &Mall, topic: &str) -> bool {
    let url = format!("{}/topics/{topic}", mall.process("broker").url.expect("the broker listens"));
    let (http, retain) = (Http::new(), |ms: u64| json!({ "partitions": 8, "retention_ms": ms }));
    let operator = mall.bearer("operator", "broker");
    let ask =
        |method, body: Option<&Value>| http.ask_as(&operator, method, &url, body).expect("the broker answers").json();
    let all = |shown: &Value| {
        let bounds = shown["partitions"].as_array().cloned().unwrap_or_default();
        bounds.into_iter().map(|one| (one["earliest"].as_u64(), one["end"].as_u64())).collect::<Vec<_>>()
    };
    if all(&ask("GET", None)).iter().all(|(_, end)| *end == Some(0)) {
        return false;
    }
    ask("PUT", Some(&retain(1)));
    until(&format!("{topic} is cut"), PATIENCE, || {
        let shown = all(&ask("GET", None));
        if shown.iter().all(|(earliest, end)| earliest == end) { Ok(()) } else { Err(format!("{shown:?}")) }
    });
    ask("PUT", Some(&retain(LONG)));
    true
}

/// The lines of a service's log with this code.
fn complaints(mall: &Mall, service: &str, code: &str) -> Vec<Value> {
    let logged = mall.said_by(&["logs", service, "--tail", "1000", "--json"]);
    let lines = logged.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let said = lines.filter_map(|line| serde_json::from_str::<Value>(line["line"].as_str()?).ok());
    said.filter(|line| line["code"] == code).collect()
}

/// What the other contexts hold.
fn others(mall: &Mall) -> Vec<(&'static str, Dump)> {
    let stores = mall.evidence().stores;
    let all = CONTEXTS.into_iter().filter(|name| *name != "mypage").map(|name| (name, stores[name].clone()));
    // Who decides nothing keeps nothing, either.
    all.filter(|(_, dump)| !dump.events.is_empty()).collect()
}

/// Everything is as it was, byte for byte, but for cursors, leases, and what was written down of the operator.
fn same(context: &str, before: &Dump, after: &Dump) {
    let events = |dump: &Dump| {
        let own = dump.events.iter().filter(|event| !event.stream.starts_with("operator/"));
        own.map(|event| (event.stream.clone(), event.version, event.data.clone(), event.commit)).collect::<Vec<_>>()
    };
    assert_eq!(events(before), events(after), "{context}");
    let docs = |dump: &Dump| {
        let kept = dump.docs.iter().filter(|doc| !["cursor", "lease"].contains(&doc.key.table.as_str()));
        kept.map(|doc| (doc.key.to_string(), doc.revision, doc.data.clone())).collect::<Vec<_>>()
    };
    assert!(!docs(before).is_empty(), "{context} has read models or seen marks");
    assert_eq!(docs(before), docs(after), "{context}");
}

/// Waits until MyPage shows what the contexts hold.
fn agrees(mall: &Mall) {
    let rule: Vec<Rule> = rules::ALL.iter().filter(|rule| rule.0.starts_with("I10")).copied().collect();
    until("MyPage agrees", PATIENCE, || rules::judge(&rule, &mall.evidence()));
}

/// Every order MyPage shows.
fn rows(mall: &Mall) -> Vec<Value> {
    mall.get("/mypage/orders?limit=100").expect(200).json()["items"].as_array().cloned().unwrap_or_default()
}
