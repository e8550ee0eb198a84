//! Files of earlier layouts are brought to today's without losing anything.

use std::time::Duration;

use bongsu_runtime::ports::broker::{Broker as _, BrokerError, Producer, Topic};
use rusqlite::Connection;

use crate::bench::{Running, event, get, out, partition, post, topic};

/// Layout 1, as the first broker wrote it, with one topic and one message.
const FIRST: &str = r#"
    CREATE TABLE broker (log BLOB NOT NULL) STRICT;
    CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        retention_ms INTEGER) STRICT;
    CREATE TABLE messages (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, key TEXT NOT NULL, event BLOB NOT NULL) STRICT;
    CREATE TABLE expired (partition INTEGER PRIMARY KEY, earliest INTEGER NOT NULL) STRICT;
    CREATE TABLE producers (service TEXT PRIMARY KEY, epoch INTEGER NOT NULL, position INTEGER, ordinal INTEGER)
        STRICT, WITHOUT ROWID;
    CREATE TABLE heard (topic INTEGER NOT NULL, source TEXT NOT NULL, event TEXT NOT NULL, message INTEGER NOT NULL,
        PRIMARY KEY (topic, source, event)) STRICT, WITHOUT ROWID;
    CREATE INDEX heard_message ON heard (message);
    INSERT INTO broker (log) VALUES (x'000102030405060708090a0b0c0d0e0f');
    INSERT INTO topics (id, name, partitions) VALUES (1, 'gate', 1);
    INSERT INTO messages (id, at_ms, key, event) VALUES (1024 << 40, 1, 'a', CAST('{"old":true}' AS BLOB));
    PRAGMA application_id = 0x426e6773;
    PRAGMA user_version = 1;
"#;

/// Layout 2: what was forgotten, a refill with its mark, a producer with positions, its refill, and one without positions.
/// Facts of then need not be what is taken today.
const SECOND: &str = r#"
    CREATE TABLE broker (log BLOB NOT NULL) STRICT;
    CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        retention_ms INTEGER, retention_bytes INTEGER) STRICT;
    CREATE TABLE messages (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, key TEXT NOT NULL, event BLOB NOT NULL,
        refill INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE expired (partition INTEGER PRIMARY KEY, earliest INTEGER NOT NULL) STRICT;
    CREATE TABLE producers (service TEXT PRIMARY KEY, epoch INTEGER NOT NULL, position INTEGER, ordinal INTEGER)
        STRICT, WITHOUT ROWID;
    CREATE TABLE heard (topic INTEGER NOT NULL, source TEXT NOT NULL, event TEXT NOT NULL, message INTEGER NOT NULL,
        PRIMARY KEY (topic, source, event)) STRICT, WITHOUT ROWID;
    CREATE INDEX heard_message ON heard (message);
    INSERT INTO broker (log) VALUES (x'000102030405060708090a0b0c0d0e0f');
    INSERT INTO topics (id, name, partitions) VALUES (1, 'bell', 1), (2, 'gate', 2);
    INSERT INTO messages (id, at_ms, key, event, refill) VALUES
        ((2048 << 40) + 3, 1, 'a', CAST('{"type":"gate.counter-raised.v1"}' AS BLOB), 0),
        ((2048 << 40) + 4, 2, 'a', CAST('{"type":"bongsu.refill-began.v1"}' AS BLOB), 7),
        ((2048 << 40) + 5, 3, 'a', CAST('{"time":"yesterday"}' AS BLOB), 7),
        (2049 << 40, 4, 'b', CAST('{"id":"heard"}' AS BLOB), 0);
    INSERT INTO expired (partition, earliest) VALUES (2048, 3);
    INSERT INTO producers (service, epoch, position, ordinal) VALUES ('gate', 2, 5, 1), ('gate#7', 2, 9, 0);
    INSERT INTO heard (topic, source, event, message) VALUES (2, 'gate', 'heard', 2049 << 40);
    PRAGMA application_id = 0x426e6773;
    PRAGMA user_version = 2;
"#;

#[tokio::test]
async fn a_file_of_the_second_layout_keeps_facts_positions_and_marks() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    Connection::open(&data).and_then(|db| db.execute_batch(SECOND)).expect("a file as it was");
    for _ in 0..2 {
        let running = Running::start(&data).await;
        assert_eq!(running.log.0, 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f, "the same history");
        let bounds = running.client.bounds("gate").await.expect("bounds").partitions;
        assert_eq!(bounds, [(partition("gate", 0), 3, 6), (partition("gate", 1), 0, 1)]);
        let want = vec![(partition("gate", 0), 3), (partition("gate", 1), 0)];
        let batch = running.client.fetch(want, 1_000, Duration::ZERO).await.expect("a batch");
        let read = batch.messages.iter().flat_map(|(_, messages)| messages);
        let read: Vec<_> = read.map(|one| (one.offset, &*one.partition_key, one.refill, &*one.cloudevent)).collect();
        let expected: [(u64, &str, u64, &[u8]); 4] = [
            (3, "a", 0, br#"{"type":"gate.counter-raised.v1"}"#),
            (4, "a", 7, br#"{"type":"bongsu.refill-began.v1"}"#),
            (5, "a", 7, br#"{"time":"yesterday"}"#),
            (0, "b", 0, br#"{"id":"heard"}"#),
        ];
        assert_eq!(read, expected);
        running.stop().await.expect("it ends well");
    }
}

#[tokio::test]
async fn a_producer_of_the_second_layout_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    Connection::open(&data).and_then(|db| db.execute_batch(SECOND)).expect("a file as it was");
    let running = Running::start(&data).await;
    let known = get(&running.url, "/producers/gate").await;
    assert!(known.contains(r#""epoch":2"#) && known.contains(r#""position":5"#), "{known}");
    let end =
        async || running.client.bounds("gate").await.expect("bounds").partitions.iter().map(|at| at.2).sum::<u64>();
    let older = running.client.publish(Producer::new("gate", 1), vec![out("gate", "a", 6, "")]).await;
    assert!(matches!(older, Err(BrokerError::Fenced { .. })), "{older:?}");
    running.client.publish(Producer::new("gate", 2), vec![out("gate", "a", 5, "")]).await.expect("known already");
    let again = post(&running.url, "/topics/gate/events", &event("gate", "b", "heard", "")).await;
    assert!(again.starts_with("HTTP/1.1 200 "), "{again}");
    assert_eq!(end().await, 7, "nothing twice");
    running.client.publish(Producer::new("gate", 2), vec![out("gate", "a", 6, "")]).await.expect("the next one");
    assert_eq!(end().await, 8);
    running.stop().await.expect("it ends well");
    // Positions of a refill were counted otherwise then.
    let db = Connection::open(&data).expect("the file");
    let refill =
        db.query_row("SELECT position FROM producers WHERE service = 'gate#7'", [], |row| row.get::<_, i64>(0));
    assert_eq!(refill.expect("it is kept"), 7);
}

#[tokio::test]
async fn a_file_of_the_first_layout_is_read_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    Connection::open(&data).and_then(|db| db.execute_batch(FIRST)).expect("a file as it was");
    for _ in 0..2 {
        let running = Running::start(&data).await;
        assert_eq!(running.log.0, 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f, "the same history");
        running.client.ensure(Topic { retention_bytes: Some(1 << 20), ..topic("gate", 1) }).await.expect("a bound");
        let batch = running.client.fetch(vec![(partition("gate", 0), 0)], 1_000, Duration::ZERO).await;
        let message = batch.expect("a batch").messages.remove(0).1.remove(0);
        assert_eq!((message.refill, message.cloudevent.as_ref()), (0, &br#"{"old":true}"#[..]));
        running.stop().await.expect("it ends well");
    }
}

#[tokio::test]
async fn a_file_whose_partitions_were_not_weighed_is_weighed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let third = "
        DROP TABLE weights;
        PRAGMA user_version = 3;
        INSERT INTO topics (id, name, partitions) VALUES (1, 'gate', 2), (2, 'bell', 1);
        INSERT INTO messages (id, at_ms, key, event) VALUES (1024 << 40, 1, 'a', zeroblob(5)),
            ((1024 << 40) + 1, 1, 'a', zeroblob(7)), (2048 << 40, 1, 'b', zeroblob(11));
    ";
    Running::start(&data).await.stop().await.expect("an empty file of today");
    Connection::open(&data).and_then(|db| db.execute_batch(third)).expect("as the layout before");
    Running::start(&data).await.stop().await.expect("it ends well");
    let db = Connection::open(&data).expect("the file");
    let mut rows = db.prepare("SELECT partition, bytes FROM weights ORDER BY 1").expect("a select");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    let weights: Vec<(i64, i64)> = rows.collect::<Result<_, _>>().expect("numbers");
    assert_eq!(weights, [(1024, 12), (1025, 0), (2048, 11)]);
}
