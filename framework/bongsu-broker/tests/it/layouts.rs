//! Files of earlier layouts are brought to today's without losing anything.

use bongsu_runtime::ports::broker::{Broker as _, Topic};
use rusqlite::Connection;

use crate::bench::{Running, partition, topic};

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

#[tokio::test]
async fn a_file_of_the_first_layout_is_read_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    Connection::open(&data).and_then(|db| db.execute_batch(FIRST)).expect("a file as it was");
    for _ in 0..2 {
        let running = Running::start(&data).await;
        assert_eq!(running.log.0, 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f, "the same history");
        running.client.ensure(Topic { retention_bytes: Some(1 << 20), ..topic("gate", 1) }).await.expect("a bound");
        let batch = running.client.fetch(vec![(partition("gate", 0), 0)], 1_000, std::time::Duration::ZERO).await;
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
