//! Three ways to be somebody, on running processes: a session that outlives its gateway, a token, and a browser that is sent to
//! log in when it is refused. And the cart of whoever is nobody yet.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use system_tests::harness::{
    Mall,
    browser::Browser,
    http::Http,
    people::{CUSTOMER, OPERATOR, OTHER},
    system::System,
    wait::{now, until},
};

const PASSWORD: &str = "1 may buy here";
/// A lock, a logout and a role hold within that.
const SOON: Duration = Duration::from_secs(5);

fn mall() -> Mall {
    let mall = Mall::start(System::of_the_mall().set("delivery", "courier", "manual"));
    mall.until_sold("TV");
    // The people of the mall are there.
    let _ = mall.token(CUSTOMER);
    mall
}

fn pieces(cart: &Value, sku: &str) -> u64 {
    let lines = cart["lines"].as_array().cloned().unwrap_or_default();
    lines.iter().find(|line| line["sku"] == sku).and_then(|line| line["quantity"].as_u64()).unwrap_or(0)
}

fn add(browser: &Browser, key: &str, sku: &str, quantity: u32) {
    let item = json!({ "sku": sku, "quantity": quantity });
    let _ = browser.ask("POST", "/cart/items", Some(key), &item).expect(200);
}

fn cart(browser: &Browser) -> Value {
    browser.get("/cart").expect(200).json()
}

fn order() -> Value {
    json!({ "address": "Mapo-daero 1, Seoul", "pay": "card" })
}

#[test]
fn a_guest_fills_a_cart_is_refused_logs_in_and_buys_what_was_in_it() {
    let mall = mall();
    let (browser, stranger) = (Browser::at(&mall), Browser::at(&mall));
    add(&browser, "a tv", "TV", 2);
    assert_eq!((pieces(&cart(&browser), "TV"), pieces(&cart(&stranger), "TV")), (2, 0));
    assert_eq!(browser.who()["person"], Value::Null);
    // Refused, a token, and once more: the gateway with an auth service.
    let refused = browser.ask("POST", "/cart/checkout", Some("buy"), &order()).expect(401);
    assert_eq!(refused.json()["type"], "/errors/unauthenticated");
    assert_eq!(browser.ask("POST", "/cart/merge", Some("merge"), &json!({})).status, 401, "a visitor merges nothing");
    assert_eq!(browser.log_in(CUSTOMER, PASSWORD, "/cart"), "/cart");
    let who = browser.who();
    assert_eq!((&who["person"], &who["name"]), (&json!(mall.person(CUSTOMER)), &json!("일번 손님")));
    assert_eq!(who["roles"], json!(["customer"]));
    merges_from_two_tabs(&browser);
    let placed = buys_once(&browser);
    assert_eq!(stranger.get(&format!("/orders/{placed}")).status, 401);
    let _ = browser.ask("POST", "/logout", None, &json!({})).expect(303);
    assert_eq!(pieces(&cart(&browser), "TV"), 0, "the guest's cart is closed");
    mall.until_order(&placed, &["CONFIRMED"]);
    drop(mall.end());
}

/// At the same moment, with keys of their own.
fn merges_from_two_tabs(browser: &Browser) {
    let tabs = [browser.tab(), browser.tab()];
    let merged: Vec<u16> = thread::scope(|scope| {
        let merge = |tab: usize, browser: Browser| {
            move || browser.ask("POST", "/cart/merge", Some(&format!("tab {tab}")), &json!({})).status
        };
        let all = tabs.into_iter().enumerate().map(|(tab, browser)| scope.spawn(merge(tab, browser)));
        all.collect::<Vec<_>>().into_iter().map(|tab| tab.join().expect("a tab ends")).collect()
    });
    assert_eq!(merged, [200, 200]);
    assert_eq!(pieces(&cart(browser), "TV"), 2, "once");
}

/// One order, however often it is clicked and from wherever.
fn buys_once(browser: &Browser) -> String {
    let seen = cart(browser);
    let id = seen["cart_id"].as_str().expect("an id");
    let key = format!("{id} {}", seen["version"]);
    let mut wish = order();
    wish["cart"] = id.into();
    wish["version"] = seen["version"].clone();
    let bought = browser.ask("POST", "/cart/checkout", Some(&key), &wish).expect(202);
    let again = browser.tab().ask("POST", "/cart/checkout", Some(&key), &wish).expect(202);
    assert_eq!(bought.body, again.body);
    let placed = bought.json()["order_id"].as_str().expect("an id").to_owned();
    let other = browser.ask("POST", "/cart/checkout", Some("another key"), &wish).expect(409).json();
    assert_eq!(other["type"], "/errors/already-checked-out");
    assert_eq!(other["order_id"], placed.as_str());
    assert_eq!(browser.get(&format!("/orders/{placed}")).expect(200).json()["order_id"], placed.as_str());
    placed
}

#[test]
fn a_session_outlives_its_gateway_and_ends_when_its_person_is_locked() {
    let mall = mall();
    let browser = Browser::at(&mall);
    browser.log_in(CUSTOMER, PASSWORD, "/cart");
    add(&browser, "a tv", "TV", 1);
    let guest = Browser::at(&mall);
    add(&guest, "a mask", "MASK", 1);
    for round in 0..3 {
        mall.kill("gateway");
        until("the gateway is back", Duration::from_secs(30), || {
            let answer = mall.ask("GET", "/products", None, None)?;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
        assert_eq!(browser.who()["person"], json!(mall.person(CUSTOMER)), "round {round}");
        assert_eq!((pieces(&cart(&browser), "TV"), pieces(&cart(&guest), "MASK")), (1, 1), "round {round}");
    }
    is_somebody_without_the_issuer(&mall, &browser);
    does(&mall, "roles", &json!({ "roles": ["customer", "operator"] }));
    until("the role holds", SOON, || match browser.get("/ledger").status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    does(&mall, "lock", &json!({}));
    until("the lock holds", SOON, || match browser.get("/orders").status {
        401 => Ok(()),
        status => Err(status.to_string()),
    });
    assert_eq!(browser.who()["person"], Value::Null);
    drop(mall.end());
}

/// While the issuer is down, whoever is logged in goes on.
fn is_somebody_without_the_issuer(mall: &Mall, browser: &Browser) {
    mall.stop("identity");
    let until_asked_again = now() + SOON + SOON / 2;
    while now() < until_asked_again {
        assert_eq!(browser.get("/orders").status, 200);
        assert_eq!(browser.who()["person"], json!(mall.person(CUSTOMER)));
    }
    mall.said_by(&["start", "identity"]);
}

/// What an operator does to the customer.
fn does(mall: &Mall, deed: &str, body: &Value) {
    let url = format!("{}/identity/persons/{}/{deed}", mall.gateway(), mall.person(CUSTOMER));
    let bearer = format!("Bearer {}", mall.operator());
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", deed), ("content-type", "application/json")];
    until("identity is back", Duration::from_secs(30), || {
        let answer = Http::new().request("POST", &url, &headers, body.to_string().into_bytes())?;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    });
}

#[test]
fn a_token_is_somebody_without_a_cookie_and_nobodys_page_uses_one() {
    let mall = mall();
    let program = Browser::at(&mall);
    let bearer = format!("Bearer {}", mall.token(OTHER));
    let http = Http::new();
    let orders = format!("{}/orders", mall.gateway());
    let answer = http.request("GET", &orders, &[("authorization", &bearer)], Vec::new()).expect("an answer");
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    assert_eq!(program.who()["person"], Value::Null);
    let browser = Browser::at(&mall);
    browser.log_in(OPERATOR, "who keeps the mall", "/cart");
    assert_eq!(browser.get("/ledger").status, 200);
    let session = format!("__Host-session={}", browser.cookies.borrow()["__Host-session"]);
    for from in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let headers =
            [from, ("cookie", session.as_str()), ("idempotency-key", "x"), ("content-type", "application/json")];
        let answer = http.request("POST", &orders, &headers, b"{}".to_vec()).expect("an answer");
        assert_eq!((answer.status, answer.json()["type"].clone()), (403, json!("/errors/cross-site")));
    }
    let out = browser.ask("POST", "/logout", None, &json!({})).expect(303);
    let ended = browser.get(out.header("location").expect("the issuer ends its own session, too")).expect(303);
    assert_eq!(ended.header("location"), Some(&*format!("{}/", mall.gateway())));
    let asks = browser.get(browser.get("/login").expect(303).header("location").expect("the issuer")).expect(303);
    let form = format!("{}/identity/login?", mall.gateway());
    assert!(asks.header("location").is_some_and(|at| at.starts_with(&form)), "nobody is logged in there: {asks:?}");
    let kept = http.request("GET", &orders, &[("cookie", &session)], Vec::new()).expect("an answer");
    assert_eq!(kept.status, 401, "whoever kept the cookie is nobody");
    drop(mall.end());
}

/// Reads a stream of events to its end, in a thread; what was said, and when it ended.
fn listen(mall: &Mall, path: &str, shows: &str) -> JoinHandle<(String, Instant)> {
    let address = mall.gateway().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).expect("the gateway is there");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{shows}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket takes a timeout");
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).expect("it begins");
    assert_eq!(&begun, b"HTTP/1.1 200", "{path}");
    thread::spawn(move || {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("it ends, and does not break");
        (String::from_utf8_lossy(&all).into_owned(), now())
    })
}

fn session(browser: &Browser) -> String {
    format!("cookie: __Host-session={}", browser.cookies.borrow()["__Host-session"])
}

/// That it ended by itself, within that of `since`.
fn has_ended(listener: JoinHandle<(String, Instant)>, reason: &str, since: Instant) {
    let (said, ended) = listener.join().expect("it is read");
    let last = format!("event: session-ended\ndata: {{\"reason\":\"{reason}\"}}\n\n\r\n0\r\n\r\n");
    assert!(said.contains("event: order-confirmed") && said.ends_with(&last), "{said}");
    let took = ended.duration_since(since);
    assert!(took <= SOON, "{reason}: {took:?}");
}

#[test]
fn a_stream_ends_with_the_session_it_was_opened_in_and_no_other_does() {
    let mall = mall();
    let order = mall.buy("a tv to be waited for", &[("TV", 1)]);
    mall.until_order(&order, &["CONFIRMED"]);
    let path = format!("/orders/{order}/events");
    let (leaves, stays, is_locked) = (Browser::at(&mall), Browser::at(&mall), Browser::at(&mall));
    leaves.log_in(CUSTOMER, PASSWORD, "/cart");
    stays.log_in(CUSTOMER, PASSWORD, "/cart");
    is_locked.log_in(CUSTOMER, PASSWORD, "/cart");
    let (left, kept) = (listen(&mall, &path, &session(&leaves)), listen(&mall, &path, &session(&stays)));
    let by_token = listen(&mall, &path, &format!("authorization: Bearer {}", mall.token(CUSTOMER)));
    let logged_out = now();
    let _ = leaves.ask("POST", "/logout", None, &json!({})).expect(303);
    has_ended(left, "session", logged_out);
    // The issuer is down for longer than a lock takes to hold.
    is_somebody_without_the_issuer(&mall, &stays);
    assert!(!kept.is_finished() && !by_token.is_finished(), "others are not ended");
    let listens = listen(&mall, &path, &session(&is_locked));
    does(&mall, "roles", &json!({ "roles": ["customer", "operator"] }));
    let other_roles = now();
    has_ended(listens, "roles", other_roles);
    has_ended(kept, "roles", other_roles);
    assert!(!by_token.is_finished(), "a token is what it was until its time is over");
    let listens = listen(&mall, &path, &session(&is_locked));
    does(&mall, "lock", &json!({}));
    has_ended(listens, "session", now());
    assert_eq!(is_locked.get(&path).status, 401, "and it is not opened again");
    drop(by_token);
    drop(mall.end());
}
