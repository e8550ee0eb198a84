//! `/web/fragments.json`: whose pages there are behind this address.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bongsu_host::pages::MANIFEST;
use bongsu_host::problem::Problem;
use futures::future::join_all;
use http::{HeaderValue, Method, StatusCode, header, request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::ask::ask;
use super::route;
use crate::filter::{Exchange, Filter, Flow};
use crate::table::Table;

/// Where it is asked for.
const FRAGMENTS: &str = "/web/fragments.json";
/// Largest manifest read, in bytes: a page of text, with room.
const LARGEST: usize = 64 << 10;
/// So old may an answer be: however many come, each service is asked once in that time.
const KEPT: Duration = Duration::from_secs(1);

/// Asks every service that has pages (a route `/web/NAME/*`) for its manifest and answers with all of them in one, so that a page
/// need not know whom to ask. One that is down is named as missing beside the manifest it had when it was last heard of: its
/// addresses are then known, and its absence can be said there.
pub struct Fragments {
    tables: watch::Receiver<Arc<Table>>,
    client: Client<HttpConnector, Body>,
    heard: Arc<Mutex<Heard>>,
}

/// What the services said.
#[derive(Default)]
struct Heard {
    manifests: BTreeMap<String, Value>,
    /// The answer, and until when it counts.
    answer: Option<(u64, Instant, Value)>,
}

impl Fragments {
    /// Of the services in the newest table.
    pub fn new(tables: watch::Receiver<Arc<Table>>) -> Self {
        Self { tables, client: Client::builder(TokioExecutor::new()).build_http(), heard: Arc::default() }
    }
}

impl Filter for Fragments {
    fn name(&self) -> &'static str {
        "fragments"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        if request.uri.path() != FRAGMENTS {
            return Flow::Continue;
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let allow = (header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).header(allow.0, allow.1).into();
        }
        let table = self.tables.borrow().clone();
        if table.revision == 0 {
            return Problem::unavailable(route::UNKNOWN).into();
        }
        let (client, heard) = (self.client.clone(), self.heard.clone());
        Flow::Later(Box::pin(async move {
            // Whoever comes meanwhile waits for the same answer.
            let mut heard = heard.lock().await;
            match &heard.answer {
                Some((revision, until, whole)) if *revision == table.revision && Instant::now() < *until => told(whole),
                _ => told(&heard.again(&client, &table).await),
            }
        }))
    }
}

impl Heard {
    async fn again(&mut self, client: &Client<HttpConnector, Body>, table: &Table) -> Value {
        let having = with_pages(table);
        self.manifests.retain(|service, _| having.contains(&service.as_str()));
        let asked = having.iter().map(async |service| {
            let path = format!("/web/{service}/{MANIFEST}");
            (*service, ask(client, table.ready(service), &path, LARGEST).await.and_then(|said| checked(service, said)))
        });
        let mut missing = Vec::new();
        for (service, said) in join_all(asked).await {
            match said {
                Ok(manifest) => drop(self.manifests.insert(service.to_owned(), manifest)),
                Err(why) => missing.push(json!({ "service": service, "why": why })),
            }
        }
        let fragments: Vec<&Value> = self.manifests.values().collect();
        let whole = json!({ "fragments": fragments, "missing": missing });
        self.answer = Some((table.revision, Instant::now() + KEPT, whole.clone()));
        whole
    }
}

/// The services that have pages, in the order of the table.
fn with_pages(table: &Table) -> Vec<&str> {
    let has = |path: &str, service: &str| {
        path.strip_prefix("/web/").and_then(|rest| rest.strip_suffix("/*")) == Some(service)
    };
    let routes = table.routes.iter().filter(|route| has(&route.path, &route.service));
    routes.map(|route| route.service.as_str()).collect()
}

/// A service speaks for itself alone.
fn checked(service: &str, said: Value) -> Result<Value, String> {
    match said["context"] == service {
        true => Ok(said),
        false => Err("its manifest is not its own".to_owned()),
    }
}

fn told(whole: &Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(whole)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Route;

    #[test]
    fn who_has_pages_has_a_route_for_them() {
        let route = |path: &str, service: &str| Route { path: path.into(), service: service.into() };
        let routes = vec![
            route("/doors/*", "door"),
            route("/web/door/*", "door"),
            route("/web/bell/*", "thief"),
            route("/web/*", "web"),
        ];
        assert_eq!(with_pages(&Table { routes, ..Table::default() }), ["door"]);
    }

    #[test]
    fn nobody_speaks_for_another() {
        assert!(checked("door", json!({ "context": "door" })).is_ok());
        for said in [json!({ "context": "bell" }), json!({}), json!([1]), json!(null)] {
            assert!(checked("door", said.clone()).is_err(), "{said}");
        }
    }
}
