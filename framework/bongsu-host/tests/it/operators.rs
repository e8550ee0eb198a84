//! What an operator's tools may ask, and from where.

use crate::{client::Ask, house::House};

#[tokio::test]
async fn events_come_in_pages_in_commit_order() {
    let house = House::open().await;
    for door in ["a", "b", "c"] {
        Ask::command(&format!("/doors/{door}/open"), door, "{}").of(house.addr).await;
    }
    let page = Ask::get("/bongsu/events?limit=2").of(house.addr).await.json();
    let streams: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["stream"].clone()).collect();
    assert_eq!(streams, ["door/a", "door/b"]);
    assert_eq!(page["events"][0]["data"]["by"], "ann");
    assert_eq!(page["events"][0]["name"], "door.opened");
    let rest = Ask::get(&format!("/bongsu/events?after={}", page["next"])).of(house.addr).await.json();
    assert_eq!(rest["events"][0]["stream"], "door/c");
    let end = Ask::get(&format!("/bongsu/events?after={}", rest["next"])).of(house.addr).await.json();
    assert_eq!((end["events"].as_array().unwrap().len(), &end["next"]), (0, &rest["next"]));
    Ask::get("/bongsu/events?from=2").of(house.addr).await.problem(400, "bad-request");
}

#[tokio::test]
async fn nothing_parked_is_an_empty_list_and_a_retry_of_nothing_404() {
    let house = House::open().await;
    let parked = Ask::get("/bongsu/parked").of(house.addr).await;
    assert_eq!((parked.status, parked.body.as_slice()), (200, &b"[]"[..]));
    Ask::new("POST", "/bongsu/parked/a%2Fb/retry").of(house.addr).await.problem(404, "not-found");
    assert_eq!(Ask::get("/bongsu/status").of(house.addr).await.json()["name"], "house");
}

#[tokio::test]
async fn a_call_that_came_through_the_gateway_or_from_a_web_page_finds_nothing() {
    let house = House::open().await;
    for name in ["x-bongsu-principal", "x-forwarded-for", "origin"] {
        let got = Ask::get("/bongsu/events").header(name, "somebody").of(house.addr).await;
        got.problem(404, "not-found");
    }
}
