//! What an operator's tools may ask, and from where.

use crate::{client::Ask, fixture::Fixture};

#[tokio::test]
async fn events_come_in_pages_in_commit_order() {
    let fixture = Fixture::open().await;
    for door in ["a", "b", "c"] {
        Ask::command(&format!("/doors/{door}/open"), door, "{}").of(fixture.addr).await;
    }
    let page = Ask::get("/bongsu/events?limit=2").of(fixture.addr).await.json();
    let streams: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["stream"].clone()).collect();
    assert_eq!(streams, ["door/a", "door/b"]);
    assert_eq!(page["events"][0]["data"]["by"], "ann");
    assert_eq!(page["events"][0]["name"], "door.opened");
    let rest = Ask::get(&format!("/bongsu/events?after={}", page["next"])).of(fixture.addr).await.json();
    assert_eq!(rest["events"][0]["stream"], "door/c");
    let end = Ask::get(&format!("/bongsu/events?after={}", rest["next"])).of(fixture.addr).await.json();
    assert_eq!((end["events"].as_array().unwrap().len(), &end["next"]), (0, &rest["next"]));
    Ask::get("/bongsu/events?from=2").of(fixture.addr).await.problem(400, "bad-request");
}

#[tokio::test]
async fn only_events_of_one_correlation_are_shown_to_who_asks_for_it() {
    let fixture = Fixture::open().await;
    for door in ["a", "b", "c"] {
        Ask::command(&format!("/doors/{door}/open"), door, "{}").of(fixture.addr).await;
    }
    let all = Ask::get("/bongsu/events").of(fixture.addr).await.json();
    let correlation = all["events"][1]["meta"]["correlation"].as_str().unwrap().to_owned();
    let some = Ask::get(&format!("/bongsu/events?correlation={correlation}")).of(fixture.addr).await.json();
    assert_eq!((&some["events"], &some["next"]), (&serde_json::json!([all["events"][1]]), &all["next"]));
    // What is read is bounded by the limit, not what is shown.
    let none = Ask::get(&format!("/bongsu/events?limit=1&correlation={correlation}")).of(fixture.addr).await.json();
    assert_eq!((none["events"].as_array().map(Vec::len), &none["next"]), (Some(0), &all["events"][0]["position"]));
    Ask::get("/bongsu/streams/door%2Fa?correlation=1").of(fixture.addr).await.problem(400, "bad-request");
}

#[tokio::test]
async fn nothing_parked_is_an_empty_list_and_a_retry_of_nothing_404() {
    let fixture = Fixture::open().await;
    let parked = Ask::get("/bongsu/parked").of(fixture.addr).await;
    assert_eq!((parked.status, parked.body.as_slice()), (200, &b"[]"[..]));
    Ask::new("POST", "/bongsu/parked/a%2Fb/retry").of(fixture.addr).await.problem(404, "not-found");
    assert_eq!(Ask::get("/bongsu/status").of(fixture.addr).await.json()["name"], "house");
}

#[tokio::test]
async fn a_read_model_that_is_not_there_cannot_be_rebuilt() {
    let fixture = Fixture::open().await;
    let shown = Ask::get("/bongsu/projections").of(fixture.addr).await;
    assert_eq!((shown.status, shown.body.as_slice()), (200, &b"[]"[..]));
    Ask::new("POST", "/bongsu/rebuild/visitors").of(fixture.addr).await.problem(404, "not-found");
    Ask::new("POST", "/bongsu/rebuild/visitors?chek=true").of(fixture.addr).await.problem(400, "bad-request");
    Ask::new("POST", "/bongsu/rebuild/visitors/cancel").of(fixture.addr).await.problem(404, "not-found");
    let old = Ask::get("/bongsu/projections/old").of(fixture.addr).await;
    assert_eq!((old.status, old.body.as_slice()), (200, &b"[]"[..]));
    Ask::new("POST", "/bongsu/projections/visitors@1/drop").of(fixture.addr).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_call_that_came_through_the_gateway_or_from_a_web_page_finds_nothing() {
    let fixture = Fixture::open().await;
    for name in ["x-bongsu-principal", "x-forwarded-for", "origin"] {
        let got = Ask::get("/bongsu/events").header(name, "somebody").of(fixture.addr).await;
        got.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_stream_shows_how_it_is_read_and_who_did_what() {
    let fixture = Fixture::open().await;
    Ask::command("/doors/a/open", "k", "{}").of(fixture.addr).await;
    let stream = Ask::get("/bongsu/streams/door%2Fa").of(fixture.addr).await.json();
    assert_eq!((&stream["version"], &stream["folded"]), (&1.into(), &1.into()));
    assert_eq!(stream["snapshot"], serde_json::Value::Null);
    let meta = &stream["events"][0]["meta"];
    assert_eq!((&meta["actor"], &meta["command"]), (&"ann".into(), &"door.open.v1".into()));
    let rest = Ask::get("/bongsu/streams/door%2Fa?after=1").of(fixture.addr).await.json();
    assert_eq!((rest["events"].as_array().map(Vec::len), &rest["next"]), (Some(0), &1.into()));
    Ask::get("/bongsu/streams/door%2Fb").of(fixture.addr).await.problem(404, "not-found");
    Ask::get("/bongsu/streams/door%2Fa?from=1").of(fixture.addr).await.problem(400, "bad-request");
}

#[tokio::test]
async fn snapshots_are_taken_when_asked_for() {
    let fixture = Fixture::open().await;
    let walk = Ask::new("POST", "/bongsu/snapshot").of(fixture.addr).await.json();
    assert_eq!(walk, serde_json::json!({ "written": 0, "current": 0, "failed": 0, "done": true }));
}

#[tokio::test]
async fn an_eviction_needs_a_reason_and_a_reason_is_no_story() {
    let fixture = Fixture::open().await;
    let evict = |body: String| Ask::new("POST", "/bongsu/parked/a%2Fb/evict").json(body).of(fixture.addr);
    let missing = evict("{}".into()).await.problem(422, "invalid-body");
    assert_eq!(missing["errors"][0]["pointer"], "/reason");
    evict(format!("{{\"reason\":\"{}\"}}", "x".repeat(1_001))).await.problem(422, "invalid-body");
    evict("{\"reason\":\" \"}".into()).await.problem(422, "invalid-body");
    evict("{\"reason\":\"why\",\"actor\":\"\"}".into()).await.problem(422, "invalid-body");
    evict("{\"reason\":\"why\"}".into()).await.problem(404, "not-found");
}

#[tokio::test]
async fn facts_are_published_again_and_an_unknown_stream_is_404() {
    let fixture = Fixture::open().await;
    Ask::command("/doors/front/open", "once", "{}").of(fixture.addr).await;
    let ask = |body: &str| Ask::new("POST", "/bongsu/republish").json(body).of(fixture.addr);
    let all = ask("{}").await;
    assert_eq!((all.status, all.json()["refill"].is_u64()), (202, true));
    let one = ask(r#"{"subject":"door/front","actor":"ann","reason":"why not"}"#).await;
    assert!(one.json()["refill"].as_u64() > all.json()["refill"].as_u64());
    ask(r#"{"subject":"door/back"}"#).await.problem(404, "not-found");
    ask(r#"{"topic":"door"}"#).await.problem(422, "invalid-body");
    let events = Ask::get("/bongsu/events").of(fixture.addr).await.json();
    let asked =
        events["events"].as_array().unwrap().iter().filter(|event| event["name"] == "bongsu.republication-asked");
    assert_eq!(asked.count(), 2, "{events}");
}

#[tokio::test]
async fn the_figures_are_text_that_prometheus_reads() {
    let fixture = Fixture::open().await;
    Ask::command("/doors/a/open", "a", "{}").of(fixture.addr).await;
    let got = Ask::get("/bongsu/metrics").of(fixture.addr).await;
    assert_eq!(got.status, 200);
    assert!(got.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    let text = String::from_utf8(got.body.clone()).unwrap();
    for line in [
        "# HELP bongsu_ready Whether this instance is ready.",
        "# TYPE bongsu_leases_lost counter",
        "bongsu_leases_lost_total 0",
        "bongsu_leases_held{kind=\"relay\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    Ask::get("/bongsu/metrics").header("x-forwarded-for", "10.0.0.1").of(fixture.addr).await.problem(404, "not-found");
}
