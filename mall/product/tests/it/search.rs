//! `/products/search`, what goods are ranked by, what a product is chosen among, and what it cost.

use bongsu_testing::Bench;
use product::{Settings, api, seed::seed, service};
use serde_json::{Value, json};

use crate::fixture::Fixture;

/// Many enough for seven days, whatever the hour.
const EIGHT_DAYS_MS: i64 = 8 * 86_400_000;

async fn found(fixture: &Fixture, query: &str) -> Value {
    let answer = fixture.get(&format!("/products/search?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.body
}

fn skus(body: &Value) -> Vec<&str> {
    body["items"].as_array().into_iter().flatten().filter_map(|item| item["sku"].as_str()).collect()
}

fn about(category: &str, ko: &str, en: &str) -> Value {
    json!({ "category": category, "names": { "ko": ko, "en": en } })
}

async fn register(fixture: &Fixture, sku: &str, about: Value) {
    let price = json!({ "minor": 1_000, "currency": "KRW" });
    let body = json!({ "sku": sku, "name": sku, "price": price, "about": about });
    let answer = fixture.post(sku, "/products", body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

async fn shop() -> Fixture {
    let fixture = Fixture::open();
    register(&fixture, "W1", about("fashion", "손목시계", "Wristwatch")).await;
    register(&fixture, "W2", about("home", "벽시계", "Wall clock")).await;
    register(&fixture, "N1", about("stationery", "공책", "Notebook")).await;
    fixture
}

#[tokio::test]
async fn goods_are_found_as_soon_as_they_are_stored_and_gone_when_they_are_retired() {
    let fixture = shop().await;
    let body = found(&fixture, "q=%EC%8B%9C%EA%B3%84").await;
    assert_eq!((skus(&body), &body["total"]), (vec!["W1", "W2"], &json!(2)));
    assert_eq!(body["categories"], json!([{ "category": "fashion", "goods": 1 }, { "category": "home", "goods": 1 }]));
    assert_eq!(body["items"][0]["about"]["names"]["en"], "Wristwatch");
    assert_eq!(skus(&found(&fixture, "q=%EC%8B%9C%EA%B3%84&category=home").await), ["W2"]);
    register(&fixture, "W3", about("home", "탁상시계", "Table clock")).await;
    assert_eq!(skus(&found(&fixture, "q=clock").await), ["W2", "W3"]);
    let answer = fixture.bench.ask_with("kim:operator", "DELETE /products/W2", &[("if-match", "*")], Value::Null).await;
    assert_eq!(answer.status, 200);
    assert_eq!(skus(&found(&fixture, "q=clock").await), ["W3"]);
    let renamed = json!({ "name": "W3", "price": { "minor": 5, "currency": "KRW" } });
    let answer = fixture.bench.ask_with("kim:operator", "PUT /products/W3", &[("if-match", "*")], renamed).await;
    assert_eq!((answer.status, &answer.body["about"]), (200, &Value::Null), "{}", answer.body);
    assert!(skus(&found(&fixture, "q=clock").await).is_empty(), "what is not said is shown no longer");
}

#[tokio::test]
async fn an_instance_that_begins_finds_what_the_store_has() {
    let fixture = shop().await;
    let other = api::routes(fixture.bench.handle.clone());
    let request = axum::http::Request::get("/products/search?q=note").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(other, request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
    assert_eq!(skus(&serde_json::from_slice(&body).unwrap()), ["N1"]);
}

#[tokio::test]
async fn what_is_no_search_is_refused_and_what_looks_like_one_is_a_text() {
    let fixture = shop().await;
    let long = format!("q={}", "a".repeat(101));
    let many = format!("q={}", "a+".repeat(13));
    for query in [
        &long,
        &many,
        "category=a/b",
        "category=",
        "q=a&q=b",
        "limit=0",
        "limit=201",
        "cursor=00",
        "cursor=zz",
        "q=%FF",
    ] {
        let answer = fixture.get(&format!("/products/search?{query}")).await;
        assert_eq!((answer.status, &answer.body["status"]), (400, &json!(400)), "{query}");
    }
    for query in ["q=%22%20OR%20*", "q=id:*", "q=%00", "q=(((("] {
        assert_eq!(found(&fixture, query).await["total"], 0, "{query}");
    }
    assert_eq!(found(&fixture, "q=").await["total"], 3);
}

#[tokio::test]
async fn a_search_is_read_page_by_page() {
    let fixture = shop().await;
    let first = found(&fixture, "limit=2").await;
    let next = first["next"].as_str().expect("there is more");
    let second = found(&fixture, &format!("limit=2&cursor={next}")).await;
    assert_eq!((skus(&first), skus(&second), &second["next"]), (vec!["W1", "W2"], vec!["N1"], &Value::Null));
    let elsewhere = fixture.get(&format!("/products/search?q=note&cursor={next}")).await;
    assert_eq!(elsewhere.status, 400, "a cursor belongs to its list");
}

#[tokio::test]
async fn what_was_bought_in_more_confirmed_orders_of_seven_days_comes_first() {
    let fixture = shop().await;
    assert_eq!(skus(&found(&fixture, "").await), ["W1", "W2", "N1"], "nothing was bought: by when it came");
    let confirmed = async |order: &str, sku: &str| {
        let line = json!({ "sku": sku, "quantity": 2 });
        let body = json!({ "order": order, "lines": [line, line] });
        fixture.bench.say("ordering.order-confirmed.v1", order, body).await;
    };
    confirmed("o1", "N1").await;
    confirmed("o2", "N1").await;
    confirmed("o3", "W2").await;
    fixture.bench.until(async || skus(&found(&fixture, "").await) == ["N1", "W2", "W1"]).await;
    let row = product::projections::confirmed::Row { days: [(20_000, 3), (20_001, 1)].into() };
    let day_ms = 86_400_000;
    assert_eq!(row.rank(20_001 * day_ms), 4);
    assert_eq!(row.rank(20_007 * day_ms), 1, "the first day is a week ago");
    assert_eq!(row.rank(20_001 * day_ms + EIGHT_DAYS_MS), 0);
}

#[tokio::test]
async fn an_option_is_a_product_of_the_same_group() {
    let fixture = Fixture::open();
    for (sku, size) in [("SHIRT-L", "L"), ("SHIRT-S", "S")] {
        let choice = json!({ "group": "SHIRT", "option": { "ko": size, "en": size } });
        register(&fixture, sku, json!({ "choice": choice })).await;
    }
    let choice = json!({ "group": "SHIRTS", "option": { "ko": "M", "en": "M" } });
    register(&fixture, "OTHER", json!({ "choice": choice })).await;
    assert_eq!(skus(&fixture.get("/products/SHIRT-S/options").await.body), ["SHIRT-L", "SHIRT-S"]);
    assert_eq!(skus(&fixture.get("/products/OTHER/options").await.body), ["OTHER"]);
    fixture.with_ten_tvs().await;
    assert_eq!(skus(&fixture.get("/products/TV/options").await.body), ["TV"]);
    assert_eq!(fixture.get("/products/NONE/options").await.status, 404);
}

#[tokio::test]
async fn what_a_product_cost_is_read_from_its_events() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    for (name, minor) in [("TV", 12_000), ("A TV", 12_000), ("A TV", 9_000)] {
        let body = json!({ "name": name, "price": { "minor": minor, "currency": "KRW" } });
        let answer = fixture.bench.ask_with("kim:operator", "PUT /products/TV", &[("if-match", "*")], body).await;
        assert_eq!(answer.status, 200);
    }
    let prices = |body: &Value| -> Vec<i64> {
        body["items"].as_array().into_iter().flatten().filter_map(|one| one["price"]["minor"].as_i64()).collect()
    };
    assert_eq!(prices(&fixture.get("/products/TV/prices").await.body), [10_000, 12_000, 9_000]);
    let (mut pieces, mut more) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("/products/TV/prices?limit=2{more}")).await.body;
        pieces.extend(prices(&page));
        let Some(next) = page["next"].as_str() else { break };
        more = format!("&cursor={next}");
    }
    assert_eq!(pieces, [10_000, 12_000, 9_000], "a page begins knowing the price before it");
    assert_eq!(fixture.get("/products/NONE/prices").await.status, 404);
}

#[tokio::test]
async fn what_is_said_of_a_product_is_refused_with_its_place() {
    let fixture = Fixture::open();
    let said = |ko: &str| json!({ "ko": ko, "en": "x" });
    let cases = [
        (json!({ "category": "Fashion" }), "/about/category"),
        (json!({ "category": "a b" }), "/about/category"),
        (json!({ "names": said(" ") }), "/about/names/ko"),
        (json!({ "names": said(&"가".repeat(101)) }), "/about/names/ko"),
        (json!({ "description": said("a\u{7}") }), "/about/description/ko"),
        (json!({ "choice": { "group": "", "option": said("S") } }), "/about/choice/group"),
        (json!({ "choice": { "group": "G", "option": said(&"S".repeat(41)) } }), "/about/choice/option/ko"),
        (json!({ "picture_seed": "<svg>" }), "/about/picture_seed"),
        (json!({ "colour": "red" }), "/about/colour"),
        (json!([]), "/about"),
    ];
    for (number, (about, pointer)) in cases.into_iter().enumerate() {
        let body = json!({ "sku": "X", "name": "X", "price": { "minor": 1, "currency": "KRW" }, "about": about });
        let answer = fixture.post(&format!("k{number}"), "/products", body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{about}");
    }
    let body = json!({ "sku": "search", "name": "X", "price": { "minor": 1, "currency": "KRW" } });
    assert_eq!(fixture.post("search", "/products", body).await.body["errors"][0]["pointer"], "/sku");
}

#[tokio::test]
async fn two_hundred_goods_of_ten_categories_are_put_on_the_shelves_once() {
    let settings = Settings { goods: true, ..Settings::default() };
    let fixture = Fixture { bench: Bench::open(service(&settings), api::routes) };
    seed(fixture.bench.handle.clone(), settings.clone()).await;
    let body = found(&fixture, "limit=12").await;
    assert_eq!((&body["total"], body["categories"].as_array().map(Vec::len)), (&json!(205), Some(10)));
    assert_eq!(skus(&body)[..5], ["TV", "MASK", "NOTEBOOK", "TABLE", "CLOCK"], "the five were there first");
    let categories: Vec<&Value> =
        body["items"].as_array().into_iter().flatten().map(|item| &item["about"]["category"]).collect();
    assert!(categories[5..].windows(2).all(|pair| pair[0] != pair[1]), "{categories:?}");
    assert_eq!(fixture.get("/stock/FASHION-1A").await.body["available"], 34);
    seed(fixture.bench.handle.clone(), settings).await;
    assert_eq!(fixture.get("/stock/FASHION-1A").await.body["available"], 34);
}
