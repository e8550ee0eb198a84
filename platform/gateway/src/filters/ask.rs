//! What the gateway itself asks of a service: one small JSON document.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use tokio::time::timeout;

/// A service that does not answer within this time is named as missing.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a service has at that path, in at most so many bytes, or why it says nothing.
pub(super) async fn ask(
    client: &Client<HttpConnector, Body>,
    ready: &[SocketAddr],
    path: &str,
    largest: usize,
) -> Result<Value, String> {
    let Some(instance) = ready.first() else { return Err("no instance is ready".to_owned()) };
    let asked = timeout(PATIENCE, json(client, *instance, path, largest)).await;
    asked.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
}

async fn json(
    client: &Client<HttpConnector, Body>,
    instance: SocketAddr,
    path: &str,
    largest: usize,
) -> Result<Value, String> {
    let request = Request::get(format!("http://{instance}{path}")).body(Body::empty());
    let answer = client.request(request.map_err(|error| error.to_string())?).await;
    let answer = answer.map_err(|error| bongsu_host::logs::chain(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(format!("answered {}", answer.status().as_u16()));
    }
    let body = Limited::new(answer.into_body(), largest).collect().await.map_err(|error| error.to_string())?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| "it is not JSON".to_owned())
}
