//! `/openapi.json`: one description of everything behind this address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::response::IntoResponse;
use bongsu_host::openapi::OPENAPI_JSON;
use bongsu_host::problem::Problem;
use futures::future::join_all;
use http::{HeaderValue, Method, StatusCode, header, request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::ask::ask;
use super::route;
use crate::filter::{Exchange, Filter, Flow};
use crate::merge::{ServiceDescription, merge};
use crate::table::Table;

/// One description answers everybody for so long, unless the table changes; one with somebody missing only a moment.
const KEPT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(1));
/// Largest description read, in bytes.
const LARGEST: usize = 4 << 20;

/// Asks every service that has a path here for its `/openapi.json` and answers with all of them in one. One that is
/// down, or describes nothing, is named in `x-bongsu-missing`; the others are described all the same. However many ask,
/// the services are asked once in a while.
pub struct Description {
    tables: watch::Receiver<Arc<Table>>,
    has_login: bool,
    client: Client<HttpConnector, Body>,
    kept: Arc<Mutex<Option<Cached>>>,
}

/// A description that was put together.
struct Cached {
    revision: u64,
    until: Instant,
    whole: Value,
}

impl Description {
    /// Of the services in the newest table; with a login it says who may ask what.
    pub fn new(tables: watch::Receiver<Arc<Table>>, has_login: bool) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { tables, has_login, client, kept: Arc::default() }
    }
}

impl Filter for Description {
    fn name(&self) -> &'static str {
        "description"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        if request.uri.path() != OPENAPI_JSON {
            return Flow::Continue;
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let allow = (header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).header(allow.0, allow.1).into();
        }
        if self.tables.borrow().revision == 0 {
            return Problem::unavailable(route::UNKNOWN).into();
        }
        let (table, client, kept) = (self.tables.borrow().clone(), self.client.clone(), self.kept.clone());
        let has_login = self.has_login;
        Flow::Later(Box::pin(async move {
            // Whoever comes meanwhile waits for the same answer.
            let mut kept = kept.lock().await;
            let usable = |kept: &&Cached| kept.revision == table.revision && Instant::now() < kept.until;
            if let Some(kept) = kept.as_ref().filter(usable) {
                return Json(&kept.whole).into_response();
            }
            let services = table.services();
            let descriptions = services.iter().map(|service| tell(&client, service, table.ready(service)));
            let whole = merge(&table, has_login, join_all(descriptions).await);
            let long = if whole.get("x-bongsu-missing").is_none() { KEPT.0 } else { KEPT.1 };
            let answer = Json(&whole).into_response();
            *kept = Some(Cached { revision: table.revision, until: Instant::now() + long, whole });
            answer
        }))
    }
}

/// What a service says of itself, or why it says nothing.
async fn tell(client: &Client<HttpConnector, Body>, service: &str, ready: &[SocketAddr]) -> ServiceDescription {
    let said = ask(client, ready, OPENAPI_JSON, LARGEST).await;
    let described = said.and_then(|described| match described["paths"].is_object() {
        true => Ok(described),
        false => Err("it is no OpenAPI description".to_owned()),
    });
    ServiceDescription { service: service.to_owned(), described }
}
