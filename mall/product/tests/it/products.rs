//! `/products`.

use serde_json::{Value, json};

use crate::fixture::{Fixture, tv};

fn details(name: &str, minor: i64) -> Value {
    json!({ "name": name, "price": { "minor": minor, "currency": "KRW" } })
}

#[tokio::test]
async fn a_registered_product_is_on_sale() {
    let fixture = Fixture::open();
    let answer = fixture.post("k1", "/products", tv(10_000)).await;
    assert_eq!((answer.status, &answer.body), (201, &tv(10_000)));
    assert_eq!(fixture.get("/products/TV").await.body, tv(10_000));
    assert_eq!(fixture.get("/products").await.body["items"], json!([tv(10_000)]));
    let again = fixture.post("k2", "/products", tv(20_000)).await;
    assert_eq!((again.status, &again.body["type"]), (409, &json!("/errors/already-registered")));
}

#[tokio::test]
async fn a_product_is_changed_only_by_who_saw_it() {
    let fixture = Fixture::open();
    let etag = fixture.post("k1", "/products", tv(10_000)).await.headers["etag"].to_str().unwrap().to_owned();
    let put = async |with: &[(&str, &str)], body| {
        fixture.bench.ask_with("kim:operator", "PUT /products/TV", with, body).await
    };
    assert_eq!(put(&[], details("TV", 12_000)).await.status, 428);
    assert_eq!(put(&[("if-match", "\"9\"")], details("TV", 12_000)).await.status, 412);
    let changed = put(&[("if-match", &etag)], details("TV", 12_000)).await;
    assert_eq!((changed.status, &changed.body["price"]["minor"]), (200, &json!(12_000)));
    assert_eq!(put(&[("if-match", &etag)], details("TV", 13_000)).await.status, 412);
    assert_eq!(fixture.get("/products/TV").await.body["price"]["minor"], 12_000);
}

#[tokio::test]
async fn an_unchanged_product_is_not_sent_again() {
    let fixture = Fixture::open();
    let etag = fixture.post("k1", "/products", tv(10_000)).await.headers["etag"].to_str().unwrap().to_owned();
    let answer =
        fixture.bench.ask_with("kim:operator", "GET /products/TV", &[("if-none-match", &etag)], Value::Null).await;
    assert_eq!((answer.status, &answer.body), (304, &Value::Null));
}

#[tokio::test]
async fn a_retired_product_is_gone_until_it_is_registered_again() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    let retired =
        fixture.bench.ask_with("kim:operator", "DELETE /products/TV", &[("if-match", "*")], Value::Null).await;
    assert_eq!(retired.status, 200);
    for uri in ["/products/TV", "/stock/TV"] {
        assert_eq!(fixture.get(uri).await.status, 404, "{uri}");
    }
    assert_eq!(fixture.get("/products").await.body["items"], json!([]));
    let again = fixture.bench.ask_with("kim:operator", "DELETE /products/TV", &[("if-match", "*")], Value::Null).await;
    assert_eq!(again.status, 404);
    assert_eq!(fixture.post("k2", "/products", tv(9_000)).await.status, 201);
    assert_eq!(fixture.get("/stock/TV").await.body["on_hand"], 10, "what was on the shelf is still there");
}

#[tokio::test]
async fn products_are_listed_page_by_page() {
    let fixture = Fixture::open();
    for sku in ["C", "A", "B"] {
        let product = json!({ "sku": sku, "name": sku, "price": { "minor": 1, "currency": "KRW" } });
        assert_eq!(fixture.post(sku, "/products", product).await.status, 201);
    }
    let first = fixture.get("/products?limit=2").await;
    let skus = |body: &Value| -> Vec<Value> {
        body["items"].as_array().into_iter().flatten().map(|item| item["sku"].clone()).collect()
    };
    assert_eq!(skus(&first.body), ["A", "B"]);
    let next = first.body["next"].as_str().unwrap();
    assert_eq!(skus(&fixture.get(&format!("/products?limit=2&cursor={next}")).await.body), ["C"]);
}

#[tokio::test]
async fn what_is_no_product_is_refused_with_its_place() {
    let fixture = Fixture::open();
    let product = |sku: &str, name: &str, minor: Value, currency: &str| json!({ "sku": sku, "name": name, "price": { "minor": minor, "currency": currency } });
    let cases = [
        (product("", "TV", json!(1), "KRW"), "/sku"),
        (product("a/b", "TV", json!(1), "KRW"), "/sku"),
        (product(&"x".repeat(33), "TV", json!(1), "KRW"), "/sku"),
        (product("TV", " ", json!(1), "KRW"), "/name"),
        (product("TV", &"가".repeat(101), json!(1), "KRW"), "/name"),
        (product("TV", "TV", json!(0), "KRW"), "/price/minor"),
        (product("TV", "TV", json!(-5), "KRW"), "/price/minor"),
        (product("TV", "TV", json!(1.5), "KRW"), "/price/minor"),
        (product("TV", "TV", json!(1), "won"), "/price/currency"),
    ];
    for (number, (body, pointer)) in cases.into_iter().enumerate() {
        let answer = fixture.post(&format!("k{number}"), "/products", body.clone()).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
    assert_eq!(fixture.get("/products").await.body["items"], json!([]));
}

#[tokio::test]
async fn the_seed_goods_are_put_on_the_shelf_once_whatever_became_of_them() {
    let fixture = Fixture::open();
    product::seed::seed(fixture.bench.handle.clone(), product::Settings::default()).await;
    let goods = fixture.get("/products").await.body["items"].clone();
    assert_eq!(goods.as_array().map(Vec::len), Some(5));
    assert_eq!(fixture.get("/stock/CLOCK").await.body["available"], 50);
    fixture.bench.ask_with("kim:operator", "DELETE /products/CLOCK", &[("if-match", "*")], Value::Null).await;
    fixture.post("more", "/stock/TV/receipts", json!({ "quantity": 7 })).await;
    product::seed::seed(fixture.bench.handle.clone(), product::Settings::default()).await;
    assert_eq!(fixture.get("/products/CLOCK").await.status, 404);
    assert_eq!(fixture.get("/stock/TV").await.body["available"], 17);
}
