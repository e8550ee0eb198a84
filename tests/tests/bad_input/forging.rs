//! Who has another service's key, and who has none, forges nothing: no payment, no epoch, no retention, no principal, no
//! operator's deed.

use serde_json::{Value, json};
use system_tests::harness::{
    Mall,
    http::{Http, Response},
    keys::now_ms,
    people::CUSTOMER,
    system::System,
};

use crate::nobody_fell;

/// Head lines, each with its value.
type Heads<'a> = &'a [(&'a str, &'a str)];

/// A running mall, and somebody who means it no good.
struct Forger {
    mall: Mall,
    http: Http,
}

impl Forger {
    fn url(&self, name: &str) -> String {
        self.mall.process(name).url.unwrap_or_else(|| panic!("{name} listens"))
    }

    fn ask(&self, method: &str, url: &str, heads: Heads<'_>, body: &Value) -> Response {
        let mut all = vec![("content-type", "application/json"), ("idempotency-key", "forged")];
        all.extend_from_slice(heads);
        let answer = self.http.request(method, url, &all, body.to_string().into_bytes());
        answer.unwrap_or_else(|why| panic!("{method} {url}: {why}"))
    }

    #[track_caller]
    fn is_refused(&self, what: &str, answer: &Response, status: u16, code: &str) {
        assert_eq!((answer.status, &answer.json()["type"]), (status, &format!("/errors/{code}").into()), "{what}");
    }
}

/// The provider took the money, says somebody who is not the payment service.
fn captured(order: &str) -> Value {
    json!({
        "specversion": "1.0", "id": "forged", "source": "payment", "type": "payment.payment-captured.v1",
        "subject": format!("payment/{order}"), "sequence": 1, "partitionkey": order,
        "data": { "order": order, "amount": { "minor": 10_000, "currency": "KRW" }, "at_ms": 1_732_104_000_000_i64 },
    })
}

#[test]
fn nothing_is_forged_with_another_services_key_or_with_none() {
    let mall = Mall::start(System::of_the_mall().without("payment").set("ordering", "window_ms", 600_000));
    mall.until_sold("TV");
    let order = mall.buy("not to be paid", &[("TV", 1)]);
    let forger = Forger { mall, http: Http::new() };
    at_the_broker(&forger, &order);
    as_somebody_else(&forger, &order);
    as_an_operator(&forger);
    from_a_web_page(&forger);
    let state = forger.mall.order(&order);
    assert_eq!(state["state"], "PENDING", "nobody paid for it: {state}");
    assert_eq!(forger.mall.said_by(&["facts", "payment", "--json"]), "", "and nobody said so");
    // Nor was the epoch taken: the real one publishes, and the order goes on.
    forger.mall.start_again("payment");
    forger.mall.until_order(&order, &["COMPLETED"]);
    nobody_fell(&forger.mall);
}

fn at_the_broker(forger: &Forger, order: &str) {
    let (broker, mall) = (forger.url("broker"), &forger.mall);
    let fact = captured(order);
    let batch = json!({ "service": "payment", "epoch": 1, "messages":
        [{ "topic": "payment", "position": 1, "event": fact }] });
    let forgeries = [
        ("POST", "/topics/payment/events", fact.clone()),
        ("POST", "/topics/ordering/events", fact),
        ("POST", "/publish", batch),
        ("POST", "/publish", json!({ "service": "payment", "epoch": u64::MAX, "messages": [] })),
        ("PUT", "/topics/payment", json!({ "partitions": 8, "retention_ms": 1 })),
        ("POST", "/hold", json!({ "ms": 8_000 })),
    ];
    let known = format!("Bearer {}", mall.bearer("ordering", "broker"));
    let elsewhere = [format!("Bearer {}", mall.bearer("payment", "ordering")), "Bearer payment.0".to_owned()];
    for (method, path, body) in &forgeries {
        let url = format!("{broker}{path}");
        let answer = forger.ask(method, &url, &[("authorization", &known)], body);
        forger.is_refused(path, &answer, 403, "broker-forbidden");
        forger.is_refused(path, &forger.ask(method, &url, &[], body), 401, "broker-unauthenticated");
        for bearer in &elsewhere {
            let answer = forger.ask(method, &url, &[("authorization", bearer)], body);
            forger.is_refused(path, &answer, 401, "broker-unauthenticated");
        }
    }
}

fn as_somebody_else(forger: &Forger, order: &str) {
    let url = format!("{}/orders/{order}", forger.url("ordering"));
    let customer = forger.mall.person(CUSTOMER);
    let right = forger.mall.said_to("ordering", &customer, now_ms());
    let elsewhere = forger.mall.said_to("mypage", &customer, now_ms());
    let old = forger.mall.said_to("ordering", &customer, now_ms() - 120_000);
    let unsigned = right.rsplit_once('.').map(|(claims, _)| format!("{claims}.")).expect("a token");
    for token in ["", &customer, "garbage", &elsewhere, &old, &unsigned] {
        let heads = [("x-bongsu-principal", token), ("x-bongsu-roles", "operator")];
        let answer = forger.http.request("GET", &url, &heads, Vec::new()).expect("an answer");
        forger.is_refused(token, &answer, 401, "unauthenticated");
        let cancel = forger.ask("POST", &format!("{url}/cancel"), &heads, &json!({}));
        forger.is_refused(token, &cancel, 401, "unauthenticated");
    }
    let right = forger.mall.ask_process(&forger.http, "ordering", &url).expect("an answer");
    assert_eq!(right.status, 200, "{right:?}");
}

fn as_an_operator(forger: &Forger) {
    let (mall, gateway) = (&forger.mall, forger.mall.gateway());
    let known = format!("Bearer {}", mall.bearer("ordering", "gateway"));
    let routes = [
        ("PUT", "/behaviour"),
        ("GET", "/behaviour"),
        ("GET", "/ledger"),
        ("POST", "/products"),
        ("PUT", "/products/TV"),
        ("DELETE", "/products/TV"),
        ("POST", "/stock/TV/receipts"),
        ("POST", "/stock/TV/adjustments"),
        ("POST", "/deliveries/ord_1/depart"),
        ("POST", "/deliveries/ord_1/complete"),
        ("POST", "/deliveries/ord_1/fail"),
        ("GET", "/audit/orders"),
        ("GET", "/audit/orders/ord_1"),
        ("GET", "/audit/summary"),
        ("GET", "/identity/persons/usr_1"),
    ];
    for (method, path) in routes {
        let url = format!("{gateway}{path}");
        forger.is_refused(path, &forger.ask(method, &url, &[], &json!({})), 401, "key-needed");
        let answer = forger.ask(method, &url, &[("authorization", &known)], &json!({}));
        forger.is_refused(path, &answer, 403, "operators-only");
    }
    let delivery = forger.url("delivery");
    for path in ["events", "metrics", "parked", "status", "projections"] {
        let url = format!("{delivery}/bongsu/{path}");
        let nobody = forger.http.request("GET", &url, &[], Vec::new()).expect("an answer");
        forger.is_refused(path, &nobody, 401, "key-needed");
        let service = forger.http.ask_as(&mall.bearer("ordering", "delivery"), "GET", &url, None).expect("an answer");
        forger.is_refused(path, &service, 403, "operators-only");
    }
}

/// A page whose name was made to lead here, and one that says where it is from.
fn from_a_web_page(forger: &Forger) {
    for name in ["broker", "ordering", "gateway"] {
        let url = format!("{}/bongsu/events", forger.url(name));
        let answer = forger.http.request("GET", &url, &[("host", "evil.example:8080")], Vec::new()).expect("an answer");
        forger.is_refused(name, &answer, 421, "wrong-host");
    }
    let operator = format!("Bearer {}", forger.mall.bearer("operator", "broker"));
    let heads = [("authorization", operator.as_str()), ("origin", "http://evil.example")];
    let url = format!("{}/topics", forger.url("broker"));
    let answer = forger.http.request("GET", &url, &heads, Vec::new()).expect("an answer");
    forger.is_refused("a page", &answer, 403, "broker-forbidden");
}
