//! What is refused, with which error, and that nothing of it stays.

use std::time::Duration;

use bongsu_runtime::ports::broker::{BrokerError, MAX_CLOUDEVENT, MAX_PARTITIONS, Out, Topic};
use bongsu_runtime::ports::store::{MAX_DOC_NAME, MAX_NAME};
use bytes::Bytes;

use super::bench::{Bench, PLENTY, SHORT, bodies, out, outs, partition, sent};

/// Asking again is fine, asking for another number of partitions or an impossible topic is not.
pub async fn a_topic_is_made_once_and_never_repartitioned(at: &Bench) {
    let topic =
        |name: &str, partitions| Topic { name: name.to_owned(), partitions, retention_ms: None, retention_bytes: None };
    at.topic("made", 2).await;
    at.publish("made", 1, outs("made", &["a"], 1..=3)).await.expect("a batch is taken");
    at.topic("made", 2).await;
    let bounds = at.broker.bounds("made").await.expect("bounds");
    assert_eq!(bounds.partitions.iter().map(|(_, _, end)| end).sum::<u64>(), 3, "nothing is lost by asking again");
    let long = "x".repeat(250);
    let bad =
        [("made", 3), ("made-none", 0), ("made-many", MAX_PARTITIONS + 1), ("", 1), ("..", 1), ("a/b", 1), (&long, 1)];
    for (name, partitions) in bad {
        let refused = at.broker.ensure(topic(name, partitions)).await;
        assert!(matches!(refused, Err(BrokerError::Invalid(_))), "{name:?} with {partitions}: {refused:?}");
    }
}

/// Publish, fetch and bounds say which topic is missing instead of making it.
pub async fn unknown_topics_and_partitions_are_named(at: &Bench) {
    at.topic("known", 1).await;
    let invalid = |error: BrokerError| match error {
        BrokerError::Invalid(why) => why,
        other => panic!("{other:?} is not Invalid"),
    };
    let publish = at.publish("known", 1, vec![out("unheard-of", "a", 1, "")]).await;
    assert!(invalid(publish.expect_err("no such topic")).contains("unheard-of"));
    let bounds = at.broker.bounds("unheard-of").await;
    assert!(invalid(bounds.expect_err("no such topic")).contains("unheard-of"));
    for (topic, index) in [("unheard-of", 0), ("known", 1)] {
        let fetch = at.broker.fetch(vec![(partition(topic, index), 0)], PLENTY, SHORT).await;
        assert!(invalid(fetch.expect_err("no such partition")).contains(topic));
    }
    assert_eq!(at.all("known", 0).await, []);
}

/// One past the end is where the next message will be; two past it never was.
pub async fn an_offset_past_the_end_is_gone(at: &Bench) {
    at.topic("past", 1).await;
    at.publish("past", 1, outs("past", &["a"], 1..=3)).await.expect("a batch is taken");
    let gone = at.broker.fetch(vec![(partition("past", 0), 4)], PLENTY, SHORT).await;
    let expected = BrokerError::Gone { topic: "past".to_owned(), index: 0, asked: 4, earliest: 0, end: 3 };
    assert_eq!(gone, Err(expected));
    let huge = at.broker.fetch(vec![(partition("past", 0), u64::MAX)], PLENTY, SHORT).await;
    assert!(matches!(huge, Err(BrokerError::Gone { asked: u64::MAX, .. })), "{huge:?}");
}

/// What is past its retention is Gone with the bounds that remain; offsets are never used again.
pub async fn an_expired_offset_is_gone(at: &Bench) {
    let topic = Topic { name: "fleeting".to_owned(), partitions: 1, retention_ms: Some(1), retention_bytes: None };
    at.broker.ensure(topic).await.expect("a topic is made");
    at.publish("fleeting", 1, outs("fleeting", &["a"], 1..=3)).await.expect("a batch is taken");
    let expired = async {
        loop {
            (at.sleep)(SHORT / 10).await;
            let bounds = at.broker.bounds("fleeting").await.expect("bounds");
            if bounds.partitions[0].1 == 3 {
                break;
            }
        }
    };
    at.in_time("retention", expired).await;
    let gone = at.broker.fetch(vec![(partition("fleeting", 0), 0)], PLENTY, SHORT).await;
    let expected = BrokerError::Gone { topic: "fleeting".to_owned(), index: 0, asked: 0, earliest: 3, end: 3 };
    assert_eq!(gone, Err(expected));
    at.publish("fleeting", 1, outs("fleeting", &["a"], 1..=3)).await.expect("duplicates stay duplicates");
    assert_eq!(at.broker.bounds("fleeting").await.expect("bounds").partitions[0].2, 3);
}

/// The limit itself is legal, one byte more is not.
pub async fn an_oversize_message_is_refused_and_the_largest_is_not(at: &Bench) {
    at.topic("large", 1).await;
    let bare = out("large", "a", 1, "").cloudevent.len();
    let largest = out("large", "a", 1, &"x".repeat(MAX_CLOUDEVENT - bare));
    assert_eq!(largest.cloudevent.len(), MAX_CLOUDEVENT);
    at.publish("large", 1, vec![largest.clone()]).await.expect("the largest message is taken");
    let over = out("large", "a", 2, &"x".repeat(MAX_CLOUDEVENT - bare + 1));
    let refused = at.publish("large", 1, vec![over]).await;
    assert!(matches!(refused, Err(BrokerError::Invalid(_))), "{refused:?}");
    assert_eq!(bodies(&at.all("large", 0).await), sent(&[largest]));
}

/// All or nothing: a batch with garbage in it leaves no part of itself.
pub async fn garbage_is_refused_and_its_neighbours_with_it(at: &Bench) {
    at.topic("garbage", 1).await;
    let good = out("garbage", "a", 1, "");
    let text = String::from_utf8(good.cloudevent.to_vec()).expect("JSON is UTF-8");
    let deep = text.replace("\"data\":", &format!("\"data\":{}", "[".repeat(100_000)));
    let attributes = ["specversion", "id", "source", "type", "subject", "partitionkey", "sequence", "data"];
    let without = attributes.map(|name| text.replace(&format!("\"{name}\":"), "\"other\":"));
    let broken = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        // Every attribute in the order in which a reader may have declared them.
        r#"["1.0","garbage/counter/a@2/garbage.counted","garbage","garbage.counted.v1","counter/a","a",2,{}]"#
            .to_owned(),
        "not json".to_owned(),
        deep,
        text[..text.len() - 1].to_owned(),
        format!("{text}{text}"),
        text.replace("\"1.0\"", "\"0.3\""),
        text.replace("\"sequence\":1", "\"sequence\":-1"),
        text.replace("\"sequence\":1", "\"sequence\":\"1\""),
        text.replace("\"partitionkey\":\"a\"", "\"partitionkey\":\"b\""),
        text.replace("counter/a", "counter/\\u0000"),
        text.replace("counter/a", &format!("counter/{}", "a".repeat(MAX_NAME))),
        text.replace("\"id\":\"", &format!("\"id\":\"{}", "a".repeat(MAX_DOC_NAME))),
    ];
    for bad in without.into_iter().chain(broken) {
        assert_ne!(bad, text, "every case is broken");
        let bad = Out { cloudevent: Bytes::from(bad), ..good.clone() };
        refuse(at, vec![good.clone(), Out { position: 2, ..bad }]).await;
    }
    let not_utf8 = Bytes::from(good.cloudevent.iter().map(|b| if *b == b'/' { 0xff } else { *b }).collect::<Vec<u8>>());
    refuse(at, vec![good.clone(), Out { position: 2, cloudevent: not_utf8, ..good.clone() }]).await;
    at.publish("garbage", 1, vec![good.clone()]).await.expect("the good one alone");
    assert_eq!(bodies(&at.all("garbage", 0).await), sent(&[good]));
}

/// What consumers read of an envelope where it is there: a fact of which they cannot read it would be heard by nobody.
pub async fn what_consumers_could_not_read_is_refused(at: &Bench) {
    at.topic("unreadable", 1).await;
    let good = out("unreadable", "a", 1, "");
    let text = String::from_utf8(good.cloudevent.to_vec()).expect("JSON is UTF-8");
    let with = |more: &str| Bytes::from(text.replace("\"data\":", &format!("{more},\"data\":")));
    let times =
        ["yesterday", "", "2026-01-31", "2026-13-31T09:30:00Z", "2026-01-31T09:30:00+09:00", "1969-12-31T23:59:59Z"];
    let times = times.map(|time| format!("\"time\":\"{time}\""));
    let texts = ["time", "datacontenttype", "dataschema", "correlationid", "causationid", "traceparent", "actor"];
    let no_texts = texts.iter().flat_map(|name| ["7", "{}", "[\"a\"]"].map(|value| format!("\"{name}\":{value}")));
    let nulls = texts[..5].iter().map(|name| format!("\"{name}\":null"));
    let ordinals = ["-1", "\"1\"", "null", "1.5"].map(|value| format!("\"ordinal\":{value}"));
    let twice = ["\"actor\":\"ann\",\"actor\":\"bob\"".to_owned()];
    for more in times.into_iter().chain(no_texts).chain(nulls).chain(ordinals).chain(twice) {
        let bad = Out { position: 2, cloudevent: with(&more), ..good.clone() };
        refuse(at, vec![good.clone(), bad]).await;
    }
    let all = r#""time":"2026-01-31T09:30:00.125Z","ordinal":1,"correlationid":"","traceparent":null,"actor":null"#;
    let fine = Out { cloudevent: with(all), ..good.clone() };
    at.publish("unreadable", 1, vec![fine.clone()]).await.expect("what can be read");
    assert_eq!(bodies(&at.all("unreadable", 0).await), sent(&[fine]));
}

/// Dropping duplicates by their position would otherwise drop what was never seen.
pub async fn positions_that_fall_within_a_batch_are_refused(at: &Bench) {
    at.topic("falling", 1).await;
    let mut batch = outs("falling", &["a"], 1..=3);
    batch.swap(0, 2);
    let refused = at.publish("falling", 1, batch).await;
    assert!(matches!(refused, Err(BrokerError::Invalid(_))), "{refused:?}");
    assert_eq!(at.all("falling", 0).await, []);
}

/// Best effort means that nonsense harms nobody.
pub async fn reports_are_taken_whatever_they_say(at: &Bench) {
    at.topic("reported", 1).await;
    at.broker.report("reader", vec![(partition("reported", 0), 7), (partition("unheard-of", 9), 1)]).await;
    at.broker.report("", Vec::new()).await;
    let batch = at.broker.fetch(vec![(partition("reported", 0), 0)], PLENTY, Duration::ZERO).await;
    assert_eq!(batch.expect("a fetch is answered").messages, []);
}

async fn refuse(at: &Bench, batch: Vec<Out>) {
    let shown = String::from_utf8_lossy(&batch[1].cloudevent).chars().take(200).collect::<String>();
    let service = batch[1].topic.clone();
    let refused = at.publish(&service, 1, batch).await;
    assert!(matches!(refused, Err(BrokerError::Invalid(_))), "{shown}: {refused:?}");
}
