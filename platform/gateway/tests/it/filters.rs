//! A filter can be added anywhere in the chain, and a filter that answers ends the way in.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode, request, response};
use axum::response::IntoResponse;
use gateway::{Exchange, Filter, Flow};

use crate::street::Street;

struct NoOp;

impl Filter for NoOp {
    fn name(&self) -> &'static str {
        "no-op"
    }
}

struct Reject;

impl Filter for Reject {
    fn name(&self) -> &'static str {
        "reject"
    }

    fn on_request(&self, _: &mut request::Parts, _: &mut Exchange) -> Flow {
        Flow::Answer(StatusCode::IM_A_TEAPOT.into_response())
    }
}

/// Writes down what passes it.
struct Witness(&'static str, Arc<Mutex<Vec<String>>>);

impl Filter for Witness {
    fn name(&self) -> &'static str {
        self.0
    }

    fn on_request(&self, _: &mut request::Parts, _: &mut Exchange) -> Flow {
        self.1.lock().unwrap().push(format!("{} in", self.0));
        Flow::Continue
    }

    fn on_response(&self, response: &mut response::Parts, _: &Exchange) {
        self.1.lock().unwrap().push(format!("{} out {}", self.0, response.status.as_u16()));
    }
}

#[tokio::test]
async fn a_filter_that_does_nothing_changes_nothing_wherever_it_stands() {
    let mut plain = Street::new(|standard| standard);
    let (upstream, _) = plain.upstream().await;
    plain.route_to(vec![upstream]);
    let expected = plain.ask("POST", &[], "hello").await;
    assert_eq!((expected.status, expected.body.as_str()), (StatusCode::OK, "hello"));
    let filters = {
        let mut count = 0;
        Street::new(|standard| {
            count = standard.len();
            standard
        });
        count
    };
    assert!(filters >= 8);
    for place in 0..=filters {
        let street = Street::new(|mut standard| {
            standard.insert(place, Arc::new(NoOp));
            standard
        });
        street.route_to(vec![upstream]);
        let answer = street.ask("POST", &[], "hello").await;
        assert_eq!((answer.status, answer.body), (expected.status, expected.body.clone()), "at {place}");
        let names = |headers: &HeaderMap| headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&answer.headers), names(&expected.headers), "at {place}");
    }
}

#[tokio::test]
async fn a_filter_that_answers_ends_the_way_in_and_only_those_before_it_see_the_answer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let witness = |name| Arc::new(Witness(name, seen.clone()));
    let mut street = Street::new(|mut standard| {
        let mut chain: Vec<Arc<dyn Filter>> = vec![witness("first"), Arc::new(Reject), witness("last")];
        chain.append(&mut standard);
        chain
    });
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    assert_eq!(street.ask("GET", &[], "").await.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(*seen.lock().unwrap(), ["first in", "first out 418"]);
    assert_eq!(served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn filters_see_a_request_from_first_to_last_and_its_answer_from_last_to_first() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let witness = |name| Arc::new(Witness(name, seen.clone()));
    let mut street = Street::new(|mut standard| {
        standard.insert(0, witness("first"));
        standard.push(witness("last"));
        standard
    });
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    street.ask("GET", &[], "").await;
    assert_eq!(*seen.lock().unwrap(), ["first in", "last in", "last out 200", "first out 200"]);
}

#[tokio::test]
async fn before_the_routes_are_known_every_path_is_503_and_none_is_404() {
    let mut street = Street::new(|standard| standard);
    for path in ["/x", "/openapi.json", "/"] {
        let asked = street.ask_at("GET", path, &[("host", "localhost")]).await;
        assert_eq!(
            (asked.status, asked.headers["retry-after"].as_bytes()),
            (StatusCode::SERVICE_UNAVAILABLE, &b"1"[..])
        );
    }
    let (upstream, _) = street.upstream().await;
    street.route_to(vec![upstream]);
    assert_eq!(street.ask_at("GET", "/x", &[("host", "localhost")]).await.status, StatusCode::OK);
}
