//! Client and server together do what every broker must.

use std::sync::Arc;

use bongsu_testing::conformance::broker::{Bench, every_rule};

use crate::bench::Running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_keeps_every_rule() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    let broker = Arc::new(running.client.clone());
    every_rule(&Bench::new(broker, |wait| Box::pin(tokio::time::sleep(wait)))).await;
    running.stop().await.expect("it ends well");
}
