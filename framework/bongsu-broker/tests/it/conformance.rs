//! Client and server together do what every broker must.

use std::{path::PathBuf, sync::Arc};

use bongsu_broker::BrokerClient;
use bongsu_conformance::broker::{
    Bench,
    crash::{Mortal, survives_crashes},
    every_rule,
};
use bongsu_runtime::ports::{Fut, broker::Broker};
use tokio::{process::Child, sync::Mutex};

use crate::{bench::Running, kill::start};

/// A broker process that is killed with SIGKILL and started again.
struct Killed {
    data: PathBuf,
    address: String,
    process: Mutex<Child>,
}

impl Mortal for Killed {
    fn client(&self) -> Arc<dyn Broker> {
        Arc::new(BrokerClient::new(&format!("http://{}", self.address)).expect("its URL"))
    }

    fn crash(&self) -> Fut<'_, ()> {
        Box::pin(async {
            let mut process = self.process.lock().await;
            process.kill().await.expect("it is killed");
            *process = start(&self.data, &self.address).await.0;
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_keeps_every_rule() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(&folder.path().join("broker.db")).await;
    let broker = Arc::new(running.client.clone());
    every_rule(&Bench::new(broker, |wait| Box::pin(tokio::time::sleep(wait)))).await;
    running.stop().await.expect("it ends well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_survives_a_crash_between_any_two_calls() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("broker.db");
    let (process, address) = start(&data, "127.0.0.1:0").await;
    let mortal = Killed { data, address, process: Mutex::new(process) };
    let bench = Bench::new(mortal.client(), |wait| Box::pin(tokio::time::sleep(wait)));
    let survived = survives_crashes(&mortal, &bench, 1).await;
    println!("{survived}");
    assert!(survived.open > 0, "every batch was over before its crash: {survived}");
}
