//! Who may do what: every operation of every service, asked by everybody.
//!
//! The gateway's configuration, a service's own routes and its owners decide together; what comes out is written here.

use std::{collections::BTreeSet, time::Duration};

use bongsu_core::digest;
use serde_json::{Value, json};
use system_tests::harness::{
    Mall,
    http::{Http, Response},
    people::{CUSTOMER, OPERATOR, OTHER, RIDER, SELLER},
    system::System,
    wait::until,
};

/// Who may.
#[derive(Clone, Copy)]
enum May {
    /// Whoever comes.
    Everybody,
    /// Whoever is logged in; each has his own.
    Somebody,
    /// Whoever is logged in, and whoever is not, by an id that his browser is given; each has his own.
    Visitors,
    /// The customer, whose thing it is; for all others there is none.
    Its,
    /// The same, and whoever is not logged in is asked for no login: he may have one, too.
    ItsOrVisitors,
    /// The customer, whose thing it is, and whoever has one of these roles.
    ItsAnd(&'static [&'static str]),
    /// Whoever has one of these roles.
    Only(&'static [&'static str]),
}
use May::{Everybody, Its, ItsAnd, ItsOrVisitors, Only, Somebody, Visitors};

/// Somebody who asks, and the role he has.
const PEOPLE: [(&str, &str); 5] =
    [(CUSTOMER, "customer"), (OTHER, "customer"), (SELLER, "seller"), (RIDER, "rider"), (OPERATOR, "operator")];
const KEEPERS: May = Only(&["operator"]);
const SELLERS: May = Only(&["seller", "operator"]);
const CARRIERS: May = Only(&["rider", "operator"]);

/// Of every operation that is described, and of those that are not.
const MATRIX: [(&str, May); 48] = [
    ("GET /products", Everybody),
    ("GET /products/search", Everybody),
    ("POST /products", SELLERS),
    ("GET /products/{sku}", Everybody),
    ("GET /products/{sku}/options", Everybody),
    ("GET /products/{sku}/prices", Everybody),
    ("PUT /products/{sku}", SELLERS),
    ("DELETE /products/{sku}", SELLERS),
    ("GET /stock/{sku}", Everybody),
    ("GET /stock/{sku}/events", Everybody),
    ("POST /stock/{sku}/receipts", SELLERS),
    ("POST /stock/{sku}/adjustments", SELLERS),
    ("GET /orders", Somebody),
    ("POST /orders", Somebody),
    ("GET /orders/{id}", Its),
    ("GET /orders/{id}/address", ItsAnd(&["rider", "operator"])),
    ("POST /orders/{id}/cancel", Its),
    ("GET /orders/{id}/events", Its),
    ("GET /cart", Visitors),
    ("POST /cart", Visitors),
    ("GET /cart/history", Visitors),
    ("POST /cart/items", Visitors),
    ("GET /cart/items/{sku}", ItsOrVisitors),
    ("PUT /cart/items/{sku}", Visitors),
    ("DELETE /cart/items/{sku}", Visitors),
    ("POST /cart/merge", Somebody),
    ("POST /cart/checkout", Somebody),
    ("GET /mypage/orders", Somebody),
    ("GET /mypage/orders/{id}", Its),
    ("GET /mypage/orders/{id}/events", Its),
    ("GET /bff/web/orders/{id}", Its),
    ("GET /payments", ItsAnd(&["operator"])),
    ("GET /deliveries", ItsAnd(&["rider", "operator"])),
    ("POST /deliveries/{id}/depart", CARRIERS),
    ("POST /deliveries/{id}/complete", CARRIERS),
    ("POST /deliveries/{id}/fail", CARRIERS),
    ("GET /audit/orders", KEEPERS),
    ("GET /audit/orders/{id}", KEEPERS),
    ("GET /audit/summary", KEEPERS),
    ("GET /identity/persons/{person}", KEEPERS),
    ("DELETE /identity/persons/{person}", KEEPERS),
    ("POST /identity/persons/{person}/roles", KEEPERS),
    ("POST /identity/persons/{person}/lock", KEEPERS),
    ("POST /identity/persons/{person}/unlock", KEEPERS),
    ("GET /behaviour", KEEPERS),
    ("PUT /behaviour", KEEPERS),
    ("GET /ledger", KEEPERS),
    ("POST /identity/demonstration/tokens", KEEPERS),
];
/// Of these, those that no description has: the outside world's, and what is there only where people are not real.
const NOT_DESCRIBED: [&str; 4] =
    ["GET /behaviour", "PUT /behaviour", "GET /ledger", "POST /identity/demonstration/tokens"];

/// Tokens live this long here, so that one can be waited to its end; the gateway's clock is allowed no difference.
const TOKEN_S: i64 = 10;

#[test]
fn everybody_may_do_what_the_matrix_says_and_nothing_else() {
    let system = System::of_the_mall()
        .set("identity", "access_token_s", TOKEN_S)
        .set("gateway", "login", toml::Table::from_iter([("leeway_s".to_owned(), 0.into())]))
        .set("delivery", "courier", "manual");
    let mall = Mall::start(system);
    mall.until_sold("TV");
    let expired = mall.token(CUSTOMER);
    let order = mall.buy("somebody's own", &[("TV", 1)]);
    mall.deliver(&order);
    let _ = mall.post("/cart/items", "an item", &json!({ "sku": "TV", "quantity": 1 })).expect(200);
    until("MyPage shows it", Duration::from_secs(30), || {
        let row = mall.get(&format!("/mypage/orders/{order}"));
        if row.status == 200 { Ok(()) } else { Err(format!("{row:?}")) }
    });
    every_operation_has_a_row(&mall.get("/openapi.json").expect(200).json());
    let asking = Asking { http: Http::new(), mall: &mall, order };
    until("the token is over", Duration::from_secs(60), || match asking.ask("GET", "/orders", Some(&expired)).status {
        401 => Ok(()),
        status => Err(status.to_string()),
    });
    // What changes something comes last: afterwards others have a cart, too.
    let mut rows = MATRIX;
    rows.sort_by_key(|(operation, _)| !operation.starts_with("GET"));
    let wrong: Vec<String> = rows.iter().flat_map(|(operation, may)| asking.judge(operation, *may, &expired)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Both ways: a row of what is gone is none.
fn every_operation_has_a_row(described: &Value) {
    let paths = described["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
        methods.map(move |method| format!("{method} {path}"))
    });
    let operations: BTreeSet<String> = operations.collect();
    let rows: BTreeSet<String> = MATRIX.iter().map(|(operation, _)| (*operation).to_owned()).collect();
    let expected: BTreeSet<String> =
        rows.iter().filter(|row| !NOT_DESCRIBED.contains(&row.as_str())).cloned().collect();
    assert_eq!(operations, expected, "each operation has a row, and each row an operation");
}

struct Asking<'a> {
    http: Http,
    mall: &'a Mall,
    /// Which the customer placed.
    order: String,
}

impl Asking<'_> {
    /// What is wrong with one operation.
    fn judge(&self, operation: &str, may: May, expired: &str) -> Vec<String> {
        let (method, path) = operation.split_once(' ').expect("a method and a path");
        let mut wrong = Vec::new();
        let mut check = |who: &str, token: Option<&str>, is_right: &dyn Fn(&Response) -> bool| {
            let answer = self.ask(method, path, token);
            if !is_right(&answer) {
                wrong.push(format!(
                    "{operation} as {who}: {} {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                ));
            }
        };
        let is_let_in = |answer: &Response| !matches!(answer.status, 401 | 403 | 500..);
        let is_open = matches!(may, Everybody | Visitors | ItsOrVisitors);
        check("nobody", None, &|answer| if is_open { is_let_in(answer) } else { answer.status == 401 });
        check("somebody whose token is over", Some(expired), &|answer| answer.status == 401);
        for (email, role) in PEOPLE {
            let token = self.mall.token(email);
            check(email, Some(&token), &|answer| match may {
                Everybody | Visitors | Somebody => is_let_in(answer),
                Its | ItsOrVisitors if email == CUSTOMER => is_let_in(answer) && answer.status != 404,
                ItsAnd(roles) if email == CUSTOMER || roles.contains(&role) => answer.status == 200,
                Its | ItsOrVisitors | ItsAnd(_) => answer.status == 404,
                Only(roles) if roles.contains(&role) => is_let_in(answer),
                Only(_) => answer.status == 403,
            });
        }
        wrong
    }

    /// A request as that operation takes it, except that it has no body to speak of.
    fn ask(&self, method: &str, path: &str, token: Option<&str>) -> Response {
        let path = path.replace("{id}", &self.order).replace("{sku}", "TV").replace("{person}", "usr_nobody");
        let query = if matches!(path.as_str(), "/payments" | "/deliveries") {
            format!("?order={}", self.order)
        } else {
            String::new()
        };
        // Placed, confirmed, completed: whoever has heard that has heard everything, and the stream ends at once. That of a
        // stock never ends: an id that it does not have yet is refused once it is known who asks.
        let heard = if path.starts_with("/stock/") { "1000000" } else { "3" };
        let stream = path.ends_with("/events").then_some(("last-event-id", heard));
        let bearer = token.map(|token| format!("Bearer {token}"));
        let key = format!("{:x}", digest(&[method, &path, token.unwrap_or_default()]));
        let mut headers = vec![("content-type", "application/json"), ("idempotency-key", key.as_str())];
        headers.extend(stream);
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let body = if method == "GET" { Vec::new() } else { b"{}".to_vec() };
        let url = format!("{}{path}{query}", self.mall.gateway());
        self.http.request(method, &url, &headers, body).unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }
}
