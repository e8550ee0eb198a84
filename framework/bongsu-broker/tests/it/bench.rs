//! A broker of one's own for a test.

use std::{path::Path, time::Duration};

use bongsu_broker::{
    BrokerClient,
    server::{Config, Limits, Server, ServerError},
};
use bongsu_keys::Keys;
use bongsu_runtime::ports::broker::{LogId, Out, Partition, Topic};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time,
};

/// Longer than anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A broker that runs in this process, on a port of its own.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) client: BrokerClient,
    pub(crate) log: LogId,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServerError>>,
}

impl Running {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::with(data, Limits::default()).await
    }

    pub(crate) async fn with(data: &Path, limits: Limits) -> Self {
        Self::run(Config { limits, ..config(data) }).await
    }

    /// At the address of one that was stopped.
    pub(crate) async fn at(data: &Path, url: &str) -> Self {
        let listen = url.trim_start_matches("http://").parse().expect("an address");
        Self::run(Config { listen, ..config(data) }).await
    }

    /// One that asks who speaks.
    pub(crate) async fn with_keys(data: &Path, keys: Keys) -> Self {
        Self::run(config(data).with_keys(Some(keys))).await
    }

    async fn run(config: Config) -> Self {
        let server = Server::open(config).await.expect("a broker starts");
        let url = format!("http://{}", server.address());
        let client = BrokerClient::new(&url).expect("its URL is one");
        let log = server.log_id();
        let (stop, stopped) = oneshot::channel::<()>();
        #[expect(clippy::disallowed_methods, reason = "a test on a real runtime")]
        let task = tokio::spawn(server.run(async move { drop(stopped.await) }));
        Self { url, client, log, stop, task }
    }

    pub(crate) async fn stop(self) -> Result<(), ServerError> {
        drop(self.stop);
        time::timeout(PATIENCE, self.task).await.expect("a broker stops").expect("it does not panic")
    }
}

pub(crate) fn config(data: &Path) -> Config {
    Config::new(([127, 0, 0, 1], 0).into(), data)
}

pub(crate) fn topic(name: &str, partitions: u32) -> Topic {
    Topic { name: name.to_owned(), partitions, retention_ms: None, retention_bytes: None }
}

pub(crate) fn partition(topic: &str, index: u32) -> Partition {
    Partition { topic: topic.to_owned(), index }
}

/// A connection to a broker.
pub(crate) async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.expect("it listens")
}

/// A request as it goes over the wire; the connection ends with the answer.
pub(crate) fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The answer to a request, head and body.
pub(crate) async fn exchange(url: &str, request: &str) -> String {
    let mut stream = connect(url).await;
    stream.write_all(request.as_bytes()).await.expect("a request is sent");
    let mut answer = String::new();
    let read = time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").expect("an answer");
    answer
}

pub(crate) async fn get(url: &str, path: &str) -> String {
    exchange(url, &request("GET", path, "")).await
}

pub(crate) async fn post(url: &str, path: &str, body: &str) -> String {
    exchange(url, &request("POST", path, body)).await
}

pub(crate) fn event(topic: &str, key: &str, id: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"{topic}","type":"{topic}.counter-raised.v1","subject":"counter/{key}","partitionkey":"{key}","sequence":1,"data":"{data}"}}"#
    )
}

pub(crate) fn out(topic: &str, key: &str, position: u64, data: &str) -> Out {
    Out {
        topic: topic.to_owned(),
        partition_key: key.to_owned(),
        position,
        ordinal: 0,
        commit: None,
        cloudevent: Bytes::from(event(topic, key, &position.to_string(), data)),
    }
}
