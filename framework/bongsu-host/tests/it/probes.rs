//! Live, started, ready, and what it is.

use std::sync::{Arc, Mutex};

use axum::Router;
use bongsu_host::{TokioEnv, config::Config, health::Health, host::Host, server, stop::Stop};
use bongsu_runtime::Status;
use serde_json::json;
use tokio::time::timeout;

use crate::{
    client::{Ask, PATIENCE},
    fixture::{Fixture, spawn},
};

#[tokio::test]
async fn ready_says_what_is_missing_and_startup_stays_up_afterwards() {
    let status = Arc::new(Mutex::new(Status { ready: false, reasons: vec!["no leases yet".into()] }));
    let asked = Arc::clone(&status);
    let (config, stop) = (Config::defaults("house"), Stop::new());
    let health = Health::new(move || asked.lock().unwrap().clone());
    let app = Host::new(&config, Arc::new(TokioEnv::new(None).unwrap()), health.clone()).app(Router::new());
    let bound = server::bind(config.listen).await.unwrap();
    let addr = bound.addr();
    let _served = spawn(async move { bound.serve(app, &config, &health, &stop).await });

    assert_eq!(Ask::get("/health/live").of(addr).await.status, 200);
    let not_yet = Ask::get("/health/ready").of(addr).await;
    assert_eq!((not_yet.status, not_yet.json()), (503, json!({ "status": "down", "reasons": ["no leases yet"] })));
    assert_eq!(Ask::get("/health/startup").of(addr).await.status, 503);

    *status.lock().unwrap() = Status { ready: true, reasons: Vec::new() };
    assert_eq!(Ask::get("/health/ready").of(addr).await.json(), json!({ "status": "up", "reasons": [] }));
    *status.lock().unwrap() = Status { ready: false, reasons: vec!["the store is damaged".into()] };
    assert_eq!(Ask::get("/health/ready").of(addr).await.status, 503);
    assert_eq!(Ask::get("/health/startup").of(addr).await.status, 200);
}

#[tokio::test]
async fn a_running_service_becomes_ready_and_says_what_it_is() {
    let fixture = Fixture::with(|config| config.colour = "green".into()).await;
    let ready = async {
        while Ask::get("/health/ready").of(fixture.addr).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, ready).await.expect("it becomes ready");
    let info = Ask::get("/info").of(fixture.addr).await.json();
    assert_eq!((&info["name"], &info["slot"], &info["colour"]), (&json!("house"), &json!("house-1"), &json!("green")));
    assert_eq!(info["pid"], std::process::id());
    assert!(info["version"].is_string() && info["commit"].is_string() && info["revision"].is_string(), "{info}");
}
