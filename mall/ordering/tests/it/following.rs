//! `GET /orders/{id}/events`.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, Response},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fixture::Fixture;

/// What should come comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
struct Followed {
    body: Body,
    text: String,
}

/// Id, name and data of an event.
type Event = (u64, String, Value);

impl Followed {
    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(read) = parse(&event) {
                    return Some(read);
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes in time")?;
            let bytes = frame.expect("it does not break").into_data().expect("data");
            self.text += std::str::from_utf8(&bytes).expect("text");
        }
    }
}

/// Comments and `retry` are no events.
fn parse(event: &str) -> Option<Event> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).expect("JSON");
    Some((field("id")?.parse().expect("a number"), field("event")?.to_owned(), data))
}

async fn ask(fixture: &Fixture, who: &str, order: &str, heard: Option<&str>) -> Response<Body> {
    let request = Request::get(format!("/orders/{order}/events")).header("x-bongsu-principal", who);
    let request = heard.into_iter().fold(request, |request, id| request.header("last-event-id", id));
    let asked = fixture.bench.app.clone().oneshot(request.body(Body::empty()).expect("a request"));
    asked.await.unwrap_or_else(|never| match never {})
}

async fn follow(fixture: &Fixture, order: &str, heard: Option<&str>) -> Followed {
    let answer = ask(fixture, "ann", order, heard).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"text/event-stream".parse().expect("a kind"))
    );
    Followed { body: answer.into_body(), text: String::new() }
}

fn states(event: &Event) -> Vec<&str> {
    event.2["steps"].as_array().into_iter().flatten().filter_map(|step| step["state"].as_str()).collect()
}

#[tokio::test]
async fn an_order_is_followed_from_its_placing_to_its_end() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    let mut followed = follow(&fixture, &order, None).await;
    let placed = followed.next().await.expect("it was placed");
    assert_eq!((placed.0, placed.1.as_str(), states(&placed)), (1, "order-placed", vec!["done", "waiting", "waiting"]));
    fixture.confirm(&order).await;
    let confirmed = followed.next().await.expect("it was confirmed");
    assert_eq!((confirmed.0, confirmed.1.as_str()), (2, "order-confirmed"));
    assert_eq!(states(&confirmed), ["done", "done", "waiting"]);
    assert_eq!(confirmed.2["order"], fixture.get("ann", &format!("/orders/{order}")).await.body);
    let fact = json!({ "order": order, "at_ms": 1 });
    fixture.bench.say("delivery.delivery-departed.v1", &order, fact.clone()).await;
    fixture.bench.say("delivery.delivery-completed.v1", &order, fact).await;
    let completed = followed.next().await.expect("it was delivered");
    assert_eq!((completed.0, completed.1.as_str(), states(&completed)), (3, "order-completed", vec!["done"; 3]));
    assert_eq!(followed.next().await, None, "nothing follows");
}

#[tokio::test]
async fn who_comes_back_goes_on_where_the_stream_broke() {
    let fixture = Fixture::open().await;
    let order = fixture.confirmed("k1").await;
    let mut followed = follow(&fixture, &order, Some("1")).await;
    let next = followed.next().await.expect("it was confirmed");
    assert_eq!((next.0, states(&next)), (2, vec!["done", "done", "waiting"]), "what came before is remembered");
    let failed = json!({ "order": order, "why": "nobody at home", "at_ms": 1 });
    fixture.bench.say("delivery.delivery-failed.v1", &order, failed).await;
    let ended = followed.next().await.expect("it could not be delivered");
    assert_eq!((ended.1.as_str(), states(&ended)), ("order-cancelled", vec!["done", "done", "failed"]));
    assert_eq!(followed.next().await, None);
    let heard = ended.0.to_string();
    assert_eq!(ask(&fixture, "ann", &order, Some(&heard)).await.status(), 204, "a browser does not come back");
}

#[tokio::test]
async fn an_order_is_followed_by_its_customer_and_from_what_was_sent() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    for bad in ["x", "-1", "", "2", "1, 1"] {
        assert_eq!(ask(&fixture, "ann", &order, Some(bad)).await.status(), 400, "{bad}");
    }
    assert_eq!(ask(&fixture, "bob", &order, None).await.status(), 404);
    assert_eq!(ask(&fixture, "ann", "ord_none", None).await.status(), 404);
    assert_eq!(ask(&fixture, "ann", "ord_none", Some("7")).await.status(), 404);
}
